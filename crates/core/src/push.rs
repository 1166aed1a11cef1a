//! Use cases of this part.
