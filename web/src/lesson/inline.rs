//! Bold and code within a lesson's words.

/// A piece of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Span<'a> {
    /// As it stands.
    Plain(&'a str),
    /// Between `**`.
    Bold(&'a str),
    /// Between backticks.
    Code(&'a str),
}

/// Returns the pieces of a text. A mark without its end is text.
pub fn spans(text: &str) -> Vec<Span<'_>> {
    let mut found = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let bold = rest.find("**").map(|at| (at, "**"));
        let code = rest.find('`').map(|at| (at, "`"));
        let first = [bold, code].into_iter().flatten().min();
        let inner = first.and_then(|(at, mark)| {
            let after = rest.get(at + mark.len()..)?;
            let end = after.find(mark)?;
            Some((at, mark, after.get(..end)?, after.get(end + mark.len()..)?))
        });
        let Some((at, mark, inner, after)) = inner else {
            found.push(Span::Plain(rest));
            break;
        };
        if at > 0 {
            found.extend(rest.get(..at).map(Span::Plain));
        }
        found.push(if mark == "`" { Span::Code(inner) } else { Span::Bold(inner) });
        rest = after;
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_pieces() {
        use Span::{Bold, Code, Plain};
        for (text, expected) in [
            ("", vec![]),
            ("파드", vec![Plain("파드")]),
            ("a **b** `c` d", vec![Plain("a "), Bold("b"), Plain(" "), Code("c"), Plain(" d")]),
            ("**b", vec![Plain("**b")]),
            ("`a**b`**", vec![Code("a**b"), Plain("**")]),
        ] {
            assert_eq!(spans(text), expected, "{text}");
        }
    }
}
