//! Files as one text: what `kubectl cp` and `tar` send to each other.

/// What an archive begins with.
const BEGIN: &str = "\u{1}archive\n";
/// What a file's name is followed by.
const FILE: char = '\u{2}';
/// What a folder's name is followed by.
const FOLDER: char = '\u{3}';

/// A file's name with its text, or a folder's.
pub type Entry = (String, Option<String>);

/// Writes files as one text.
pub fn write(entries: &[Entry]) -> String {
    let mut text = BEGIN.to_string();
    for (name, content) in entries {
        text.push_str(&match content {
            Some(content) => format!("{name}{FILE}{}\n{content}\n", content.len()),
            None => format!("{name}{FOLDER}\n"),
        });
    }
    text
}

/// Reads such a text: what stands before it, and the files. `None` where it isn't one.
pub fn read(text: &str) -> Option<(&str, Vec<Entry>)> {
    let (before, mut rest) = text.split_once(BEGIN)?;
    let mut entries = Vec::new();
    while let Some((line, after)) = rest.split_once('\n') {
        if let Some(name) = line.strip_suffix(FOLDER) {
            entries.push((name.to_string(), None));
            rest = after;
            continue;
        }
        let (name, size) = line.split_once(FILE)?;
        let content = after.get(..size.parse().ok()?)?;
        entries.push((name.to_string(), Some(content.to_string())));
        rest = after.get(content.len()..)?.strip_prefix('\n')?;
    }
    Some((before, entries))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_it_wrote() {
        let entries: Vec<Entry> = vec![
            ("a".into(), Some("one\n\u{2}two".into())),
            ("dir/".into(), None),
            ("dir/한".into(), Some(String::new())),
        ];
        let text = format!("tar: a word\n{}", write(&entries));
        assert_eq!(read(&text), Some(("tar: a word\n", entries)));
        for bad in ["", "x", "\u{1}archive\na\u{2}9\nx\n", "\u{1}archive\nname\n"] {
            assert_eq!(read(bad), None, "{bad:?}");
        }
    }
}
