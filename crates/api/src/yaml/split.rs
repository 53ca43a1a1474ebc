/// A part of a text that is read by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Chunk<'a> {
    /// The part.
    pub text: &'a str,
    /// The line of the text at which it begins, counted from 1.
    pub line: u32,
    /// Whether it is taken for JSON.
    pub json: bool,
}

/// Cuts a text at its lines `---` before anything is parsed. A separator that nothing precedes
/// stays part of the document after it, and counts among its lines.
// Models staging/src/k8s.io/apimachinery/pkg/util/yaml/decoder.go YAMLReader.Read
pub(super) fn chunks(text: &str) -> Vec<Chunk<'_>> {
    let mut chunks = Vec::new();
    let (mut start, mut first_line, mut offset, mut number) = (0, 1, 0, 1_u32);
    let mut push = |start: usize, end: usize, line: u32| {
        if let Some(text) = text.get(start..end).filter(|text| !text.is_empty()) {
            chunks.push(Chunk { text, line, json: false });
        }
    };
    for line in text.split_inclusive('\n') {
        if is_separator(line) && offset > start {
            push(start, offset, first_line);
            (start, first_line) = (offset + line.len(), number + 1);
        }
        offset += line.len();
        number += 1;
    }
    push(start, offset, first_line);
    // Only the stream's very beginning decides whether it is JSON.
    if let Some(first) = chunks.first_mut() {
        first.json = first.text.trim_start().starts_with('{') && first.line == 1;
    }
    chunks
}

fn is_separator(line: &str) -> bool {
    line.strip_prefix("---").is_some_and(|rest| {
        let rest = rest.trim();
        rest.is_empty() || rest.starts_with('#')
    })
}
