//! Unread counts, derived from receipts and push rules when somebody asks.

/// Counts that were worked out lately.
#[derive(Default)]
pub(crate) struct UnreadCache {}
