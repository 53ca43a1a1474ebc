//! Recognises what a paste does to YAML (no-break spaces, curly quotes, tabs, blank lines between all
//! lines), old API versions included, and mends it. Nothing is mended unasked.

/// What is wrong with a pasted text, as the page names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Fault {
    /// No-break and other typographic spaces where blanks should be.
    NoBreakSpaces,
    /// “ ” ‘ ’ where " and ' should be.
    CurlyQuotes,
    /// Tabs in the indentation.
    Tabs,
    /// A blank line after every line.
    BlankLines,
    /// A shell's or document's characters that don't show: byte order mark, zero-width spaces.
    InvisibleCharacters,
    /// An API version that is no longer served.
    OldVersion,
}

impl Fault {
    /// Returns the fault's name: `noBreakSpaces`.
    pub fn name(self) -> &'static str {
        match self {
            Fault::NoBreakSpaces => "noBreakSpaces",
            Fault::CurlyQuotes => "curlyQuotes",
            Fault::Tabs => "tabs",
            Fault::BlankLines => "blankLines",
            Fault::InvisibleCharacters => "invisibleCharacters",
            Fault::OldVersion => "oldVersion",
        }
    }
}

/// API versions that lessons still have, and those that took their place: (kind, old, new).
const OLD_VERSIONS: &[(&str, &str, &str)] = &[
    ("Deployment", "extensions/v1beta1", "apps/v1"),
    ("Deployment", "apps/v1beta1", "apps/v1"),
    ("Deployment", "apps/v1beta2", "apps/v1"),
    ("ReplicaSet", "extensions/v1beta1", "apps/v1"),
    ("ReplicaSet", "apps/v1beta2", "apps/v1"),
    ("DaemonSet", "extensions/v1beta1", "apps/v1"),
    ("DaemonSet", "apps/v1beta2", "apps/v1"),
    ("StatefulSet", "apps/v1beta1", "apps/v1"),
    ("StatefulSet", "apps/v1beta2", "apps/v1"),
];

const SPACES: &[char] = &['\u{a0}', '\u{2002}', '\u{2003}', '\u{2007}', '\u{2009}', '\u{202f}', '\u{3000}'];
const INVISIBLE: &[char] = &['\u{feff}', '\u{200b}', '\u{200c}', '\u{200d}', '\u{2060}'];
const DOUBLE_QUOTES: &[char] = &['\u{201c}', '\u{201d}', '\u{201e}', '\u{201f}'];
const SINGLE_QUOTES: &[char] = &['\u{2018}', '\u{2019}', '\u{201a}', '\u{201b}'];

/// Returns what is wrong with a text, and the mended text; `None` where nothing is.
pub fn mend(text: &str) -> Option<(Vec<Fault>, String)> {
    let mut faults = Vec::new();
    let mut mended = mend_characters(text, &mut faults);
    mended = mend_tabs(&mended, &mut faults);
    mended = mend_blank_lines(&mended, &mut faults);
    mended = mend_versions(&mended, &mut faults);
    faults.sort();
    faults.dedup();
    (!faults.is_empty()).then_some((faults, mended))
}

/// Only what stands where YAML looks is mended: in comments everything may stay as it is, and quotes
/// within a word (it’s) are prose.
fn mend_characters(text: &str, faults: &mut Vec<Fault>) -> String {
    let mut mended = String::with_capacity(text.len());
    for line in text.split_inclusive('\n') {
        let code_length = comment_start(line).unwrap_or(line.len());
        let (code, comment) = line.split_at(code_length);
        let quotes = code.chars().filter(|c| DOUBLE_QUOTES.contains(c) || SINGLE_QUOTES.contains(c)).count();
        for c in code.chars() {
            if SPACES.contains(&c) {
                faults.push(Fault::NoBreakSpaces);
                mended.push(' ');
            } else if INVISIBLE.contains(&c) {
                faults.push(Fault::InvisibleCharacters);
            } else if DOUBLE_QUOTES.contains(&c) && quotes % 2 == 0 {
                faults.push(Fault::CurlyQuotes);
                mended.push('"');
            } else if SINGLE_QUOTES.contains(&c) && quotes % 2 == 0 {
                faults.push(Fault::CurlyQuotes);
                mended.push('\'');
            } else {
                mended.push(c);
            }
        }
        mended.push_str(comment);
    }
    mended
}

/// Returns where a line's comment begins.
fn comment_start(line: &str) -> Option<usize> {
    let mut before = ' ';
    for (i, c) in line.char_indices() {
        if c == '#' && (before.is_whitespace() || i == 0) {
            return Some(i);
        }
        before = c;
    }
    None
}

/// A tab in the indentation counts as two blanks; before a comment or an empty rest none is needed.
fn mend_tabs(text: &str, faults: &mut Vec<Fault>) -> String {
    let mut mended = String::with_capacity(text.len());
    for line in text.split_inclusive('\n') {
        let rest = line.trim_start_matches([' ', '\t']);
        let indent = &line[..line.len() - rest.len()];
        if indent.contains('\t') {
            faults.push(Fault::Tabs);
            mended.push_str(&indent.replace('\t', "  "));
        } else {
            mended.push_str(indent);
        }
        mended.push_str(rest);
    }
    mended
}

/// A text has a blank line between all lines where no two lines with words stand next to each other.
fn mend_blank_lines(text: &str, faults: &mut Vec<Fault>) -> String {
    let lines: Vec<&str> = text.lines().collect();
    let full = lines.iter().filter(|line| !line.trim().is_empty()).count();
    let neighbours = lines.windows(2).filter(|pair| pair.iter().all(|line| !line.trim().is_empty())).count();
    if full < 4 || neighbours * 8 > full {
        return text.to_string();
    }
    faults.push(Fault::BlankLines);
    let kept = lines.into_iter().filter(|line| !line.trim().is_empty());
    kept.map(|line| format!("{line}\n")).collect()
}

fn mend_versions(text: &str, faults: &mut Vec<Fault>) -> String {
    let mut documents: Vec<String> = Vec::new();
    for document in split_documents(text) {
        let field = |name: &str| {
            document.lines().find_map(|line| {
                let value = line.strip_prefix(name)?.trim();
                Some(value.trim_matches(['"', '\'']).split(" #").next().unwrap_or("").trim().to_string())
            })
        };
        let (kind, version) = (field("kind:").unwrap_or_default(), field("apiVersion:").unwrap_or_default());
        let row = OLD_VERSIONS.iter().find(|(k, old, _)| *k == kind && *old == version);
        match row {
            Some((_, old, new)) => {
                faults.push(Fault::OldVersion);
                documents.push(document.replacen(old, new, 1));
            }
            None => documents.push(document),
        }
    }
    documents.concat()
}

/// Splits a text at lines `---`, which stay at the beginning of the document after them.
fn split_documents(text: &str) -> Vec<String> {
    let mut documents = vec![String::new()];
    for line in text.split_inclusive('\n') {
        if line.trim_end() == "---" {
            documents.push(String::new());
        }
        if let Some(document) = documents.last_mut() {
            document.push_str(line);
        }
    }
    documents
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mends_what_a_paste_does() {
        let rows: &[(&str, &[Fault], &str)] = &[
            ("a:\n\u{a0} b: 1\n", &[Fault::NoBreakSpaces], "a:\n  b: 1\n"),
            ("v: \u{201c}2.0.1\u{201d}\n", &[Fault::CurlyQuotes], "v: \"2.0.1\"\n"),
            ("s:\n\t\t# note\n  a: 1\n", &[Fault::Tabs], "s:\n    # note\n  a: 1\n"),
            ("a: 1\n\nb: 2\n\nc: 3\n\nd: 4\n", &[Fault::BlankLines], "a: 1\nb: 2\nc: 3\nd: 4\n"),
            (
                "apiVersion: apps/v1beta2\nkind: Deployment\n",
                &[Fault::OldVersion],
                "apiVersion: apps/v1\nkind: Deployment\n",
            ),
            ("\u{feff}a: 1\n", &[Fault::InvisibleCharacters], "a: 1\n"),
        ];
        for (text, faults, mended) in rows {
            assert_eq!(mend(text), Some((faults.to_vec(), mended.to_string())), "{text:?}");
            assert_eq!(mend(mended), None, "mending twice changes nothing: {text:?}");
        }
    }

    #[test]
    fn leaves_alone_what_is_right() {
        for text in [
            "",
            "a: 1\nb: 2\n\nc: 3\nd: 4\n",
            "a: it\u{2019}s prose\n",
            "a: 1 # \u{201c}quoted\u{201d}\u{a0}note\n",
            "apiVersion: apps/v1\nkind: Deployment\n",
        ] {
            assert_eq!(mend(text), None, "{text:?}");
        }
    }
}
