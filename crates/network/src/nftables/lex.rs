//! Splits what `nft` reads into words and signs.

/// A word, or one of the signs `{ } , ; :` and the end of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Token<'a> {
    pub(super) text: &'a str,
    pub(super) is_quoted: bool,
    /// Where it begins in the whole text, in bytes.
    pub(super) at: usize,
}

impl Token<'_> {
    pub(super) fn is(&self, text: &str) -> bool {
        !self.is_quoted && self.text == text
    }

    /// Returns whether a command ends here.
    pub(super) fn is_end(&self) -> bool {
        self.is("\n") || self.is(";")
    }
}

/// Splits a text.
///
/// # Errors
/// The place of a quotation mark that has no counterpart.
pub(super) fn tokens(text: &str) -> Result<Vec<Token<'_>>, usize> {
    let bytes = text.as_bytes();
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        let (mut end, mut is_quoted, begin) = (at + 1, false, at);
        match byte {
            b' ' | b'\t' | b'\r' | b'\\' => {
                at = end;
                continue;
            }
            b'#' => {
                at += text.get(at..).and_then(|rest| rest.find('\n')).unwrap_or(bytes.len() - at);
                continue;
            }
            b'\n' | b'{' | b'}' | b',' | b';' => {}
            b'"' => {
                let length = text.get(end..).and_then(|rest| rest.find('"')).ok_or(at)?;
                (is_quoted, end) = (true, end + length + 1);
            }
            _ => {
                while bytes.get(end).is_some_and(|byte| !b" \t\r\n{},;\"".contains(byte)) {
                    end += 1;
                }
                // A colon at a word's end stands for itself: `0: goto a`.
                if end - at > 1 && bytes.get(end - 1) == Some(&b':') {
                    end -= 1;
                }
            }
        }
        let inner = if is_quoted { at + 1..end - 1 } else { at..end };
        found.push(Token { text: text.get(inner).unwrap_or(""), is_quoted, at: begin });
        at = end;
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::tokens;

    #[test]
    fn words_and_signs_are_told_apart() {
        for (text, wanted) in [
            ("add rule ip t c dnat to 10.0.0.1:80", "add|rule|ip|t|c|dnat|to|10.0.0.1:80"),
            ("{ 0: goto a/b_c.d, 1 : drop } # no", "{|0|:|goto|a/b_c.d|,|1|:|drop|}"),
            ("a comment \"x { ; }\";\nb", "a|comment|x { ; }|;|\n|b"),
            ("redirect to :5353", "redirect|to|:5353"),
            ("10.0.0.1 . tcp . 80", "10.0.0.1|.|tcp|.|80"),
        ] {
            let found: Vec<&str> = tokens(text).unwrap().iter().map(|token| token.text).collect();
            assert_eq!(found.join("|"), wanted);
        }
        assert_eq!(tokens("log prefix \"x"), Err(11));
    }
}
