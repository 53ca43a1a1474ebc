use crate::Value;

/// What happened to a watched object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum EventType {
    /// It came into being, or into the watch's selection.
    Added,
    /// It changed.
    Modified,
    /// It went, or left the watch's selection.
    Deleted,
    /// Nothing; the watch is as far as this revision.
    Bookmark,
    /// The watch ends; the object is a Status.
    Error,
}

impl EventType {
    /// Returns the API's word.
    pub fn as_str(self) -> &'static str {
        match self {
            EventType::Added => "ADDED",
            EventType::Modified => "MODIFIED",
            EventType::Deleted => "DELETED",
            EventType::Bookmark => "BOOKMARK",
            EventType::Error => "ERROR",
        }
    }
}

/// One event of a watch.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct WatchEvent {
    /// What happened.
    pub event: EventType,
    /// The object as it is now; for [`EventType::Deleted`], as it was last.
    pub object: Value,
}
