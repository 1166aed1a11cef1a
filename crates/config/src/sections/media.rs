//! `[media]`: files that people send.

use crate::section::{Check, section};
use crate::source::Source;

section! {
    /// Files that people send.
    pub struct Media in "media" {
        /// The largest file that may be uploaded, in bytes.
        pub max_upload_bytes: u64 = 100 * 1024 * 1024;
        /// The largest picture that is made smaller for previews, in pixels (width times height). Unpacking needs four
        /// bytes per pixel. 0 turns it off; files in encrypted rooms are never touched anyway.
        pub thumbnail_max_pixels: u64 = 16_000_000;
    }
}

impl Check for Media {
    fn check(&self, source: &mut Source) {
        if self.max_upload_bytes == 0 {
            source.refuse("media", "max_upload_bytes", "must be at least 1");
        }
        if self.thumbnail_max_pixels > MAX_THUMBNAIL_PIXELS {
            source.refuse(
                "media",
                "thumbnail_max_pixels",
                &format!("must be at most {MAX_THUMBNAIL_PIXELS}: one picture would fill the memory"),
            );
        }
    }
}

/// One GiB when unpacked.
const MAX_THUMBNAIL_PIXELS: u64 = 256 * 1024 * 1024;
