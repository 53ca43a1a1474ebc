//! What the manifest editor tells the page.

use serde::Deserialize;

/// Something that happened in the editor. Positions are in UTF-16 units, see [`crate::utf16`].
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(tag = "kind", rename_all = "camelCase")]
pub enum EditorEvent {
    /// The editor is loaded; until then its host shows what the page put there.
    Ready,
    /// The editor could not be loaded.
    Failed {
        /// Why, in the browser's words.
        message: String,
    },
    /// The user changed the text.
    Change {
        /// The whole text, as it is now.
        text: String,
    },
    /// The user's change would have made the text longer than it may be; it was not taken in.
    TooLong,
    /// The user pressed Ctrl-Enter, or Cmd-Enter.
    Apply,
    /// The user pastes; the change follows.
    Paste {
        /// The pasted text as it came, with its tabs and no-break spaces.
        text: String,
    },
    /// The user asks what may stand at a position.
    Complete {
        /// What the answer has to name.
        id: u32,
        /// The whole text.
        text: String,
        /// The cursor.
        position: u32,
        /// Whether the user asked by a key; otherwise they were typing a word.
        explicit: bool,
    },
    /// The user chose what a diagnostic offers.
    Action {
        /// The action's name, as the diagnostic gave it.
        id: String,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_the_editor_sends() {
        for (json, event) in [
            (r#"{"kind":"ready"}"#, EditorEvent::Ready),
            (r#"{"kind":"apply"}"#, EditorEvent::Apply),
            (r#"{"kind":"tooLong"}"#, EditorEvent::TooLong),
            (r#"{"kind":"change","text":"a: \u00a0"}"#, EditorEvent::Change { text: "a: \u{a0}".to_owned() }),
            (
                r#"{"kind":"complete","id":3,"text":"ki","position":2,"explicit":false}"#,
                EditorEvent::Complete { id: 3, text: "ki".to_owned(), position: 2, explicit: false },
            ),
            (r#"{"kind":"action","id":"tab-3"}"#, EditorEvent::Action { id: "tab-3".to_owned() }),
        ] {
            assert_eq!(serde_json::from_str::<EditorEvent>(json).ok(), Some(event));
        }
    }
}
