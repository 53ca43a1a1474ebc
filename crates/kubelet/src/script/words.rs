use super::code::{Piece, Word};
use std::collections::BTreeMap;
use std::rc::Rc;

/// How long a word is at most, in bytes, and how many words there are; what goes beyond is dropped.
const LONGEST: usize = 64 * 1024;
const WORDS: usize = 4_096;

/// What words are made from.
pub(crate) struct Scope<'a> {
    pub variables: &'a BTreeMap<Rc<str>, Rc<str>>,
    pub slots: &'a [Rc<str>],
    pub status: i64,
}

impl Scope<'_> {
    /// Returns a variable's value.
    fn variable(&self, name: &str) -> Option<Rc<str>> {
        match name {
            "?" => Some(self.status.to_string().into()),
            "$" => Some("1".into()),
            "#" => Some("0".into()),
            "!" => Some("7".into()),
            "@" | "*" => Some("".into()),
            _ => self.variables.get(name).cloned(),
        }
    }

    /// Returns the value of a piece, and whether blanks in it part words.
    fn piece(&self, piece: &Piece) -> (Rc<str>, bool) {
        match piece {
            Piece::Text(text) => (text.clone(), false),
            Piece::Output { slot, quoted } => {
                let text = usize::try_from(*slot).ok().and_then(|slot| self.slots.get(slot)).cloned();
                (text.unwrap_or_else(|| "".into()), !quoted)
            }
            Piece::Arithmetic(text) => (arithmetic(text, self).to_string().into(), false),
            Piece::Variable { name, operation, quoted } => (self.operate(name, operation), !quoted),
        }
    }

    fn operate(&self, name: &str, operation: &str) -> Rc<str> {
        let value = self.variable(name);
        let or_empty = || value.clone().unwrap_or_else(|| "".into());
        let is_empty = value.as_deref().is_none_or(str::is_empty);
        if operation == "#" {
            return or_empty().chars().count().to_string().into();
        }
        for (sign, otherwise) in
            [(":-", is_empty), (":=", is_empty), ("-", value.is_none()), ("=", value.is_none())]
        {
            if let Some(word) = operation.strip_prefix(sign) {
                return if otherwise { word.into() } else { or_empty() };
            }
        }
        if let Some(word) = operation.strip_prefix(":+") {
            return if is_empty { "".into() } else { word.into() };
        }
        let text = or_empty();
        if let Some(pattern) = operation.strip_prefix("##") {
            let cut = pattern.strip_prefix('*').and_then(|tail| text.rfind(tail).map(|at| at + tail.len()));
            return cut.and_then(|at| text.get(at..)).unwrap_or(&text).into();
        }
        if let Some(prefix) = operation.strip_prefix('#') {
            let cut = prefix.strip_prefix('*').and_then(|tail| text.find(tail).map(|at| at + tail.len()));
            return cut.and_then(|at| text.get(at..)).or(text.strip_prefix(prefix)).unwrap_or(&text).into();
        }
        if let Some(suffix) = operation.strip_prefix("%%").or(operation.strip_prefix('%')) {
            let head = suffix.strip_suffix('*');
            let at =
                head.and_then(
                    |head| if operation.starts_with("%%") { text.find(head) } else { text.rfind(head) },
                );
            return at.and_then(|at| text.get(..at)).or(text.strip_suffix(suffix)).unwrap_or(&text).into();
        }
        text
    }

    /// Returns a word's text, as it stands in an assignment or a redirection.
    pub(crate) fn text(&self, word: &Word) -> String {
        let mut text = String::new();
        for piece in word {
            let (more, _) = self.piece(piece);
            if text.len() + more.len() > LONGEST {
                break;
            }
            text.push_str(&more);
        }
        text
    }

    /// Returns the words that words become: what isn't quoted is parted at blanks.
    pub(crate) fn words(&self, words: &[Word]) -> Vec<String> {
        let mut out: Vec<String> = Vec::new();
        for word in words {
            let mut open = false;
            for piece in word {
                let (text, parts) = self.piece(piece);
                if out.len() > WORDS || out.last().is_some_and(|last| last.len() + text.len() > LONGEST) {
                    return out;
                }
                if !parts {
                    match out.last_mut().filter(|_| open) {
                        Some(last) => last.push_str(&text),
                        None => out.push(text.to_string()),
                    }
                    open = true;
                    continue;
                }
                let starts_blank = text.starts_with(char::is_whitespace);
                for (i, part) in text.split_whitespace().enumerate() {
                    match out.last_mut().filter(|_| open && i == 0 && !starts_blank) {
                        Some(last) => last.push_str(part),
                        None => out.push(part.to_string()),
                    }
                    open = true;
                }
                if text.ends_with(char::is_whitespace) {
                    open = false;
                }
            }
        }
        out
    }
}

/// Reckons `i + 1`, `(a - 2) * 3`, `n % 2 == 0`; what can't be reckoned is 0.
fn arithmetic(text: &str, scope: &Scope) -> i64 {
    if text.len() > 1_024 {
        return 0;
    }
    let mut rest = text.trim();
    level(&mut rest, scope, 0)
}

const LEVELS: [&[&str]; 4] = [&["==", "!="], &["<=", ">=", "<", ">"], &["+", "-"], &["*", "/", "%"]];

fn level(rest: &mut &str, scope: &Scope, depth: usize) -> i64 {
    let Some(signs) = LEVELS.get(depth) else { return atom(rest, scope) };
    let mut value = level(rest, scope, depth + 1);
    loop {
        *rest = rest.trim_start();
        let Some(sign) = signs.iter().find(|sign| rest.starts_with(**sign)) else { return value };
        *rest = rest.get(sign.len()..).unwrap_or("");
        let right = level(rest, scope, depth + 1);
        value = match *sign {
            "==" => i64::from(value == right),
            "!=" => i64::from(value != right),
            "<=" => i64::from(value <= right),
            ">=" => i64::from(value >= right),
            "<" => i64::from(value < right),
            ">" => i64::from(value > right),
            "+" => value.wrapping_add(right),
            "-" => value.wrapping_sub(right),
            "*" => value.wrapping_mul(right),
            "/" => value.checked_div(right).unwrap_or(0),
            _ => value.checked_rem(right).unwrap_or(0),
        };
    }
}

fn atom(rest: &mut &str, scope: &Scope) -> i64 {
    *rest = rest.trim_start();
    if let Some(inner) = rest.strip_prefix('(') {
        // Brackets nest as deep as a script's text is long; a long text is cut before.
        let mut left = inner;
        if inner.len() > 512 {
            return 0;
        }
        let value = level(&mut left, scope, 0);
        *rest = left.trim_start().strip_prefix(')').unwrap_or("");
        return value;
    }
    if let Some(after) = rest.strip_prefix('-') {
        *rest = after;
        return if after.starts_with('-') { 0 } else { atom(rest, scope).wrapping_neg() };
    }
    let text = rest.trim_start_matches('$');
    let end =
        text.find(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_').unwrap_or(text.len());
    let (word, left) = text.split_at(end);
    *rest = left;
    match word.parse() {
        Ok(number) => number,
        Err(_) => scope.variable(word).and_then(|value| value.trim().parse().ok()).unwrap_or(0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scope<T>(work: impl FnOnce(&Scope) -> T) -> T {
        let variables = [("I", "4"), ("LIST", "a b  c"), ("FILE", "dir/name.txt")];
        let variables = variables.into_iter().map(|(name, value)| (name.into(), value.into())).collect();
        work(&Scope { variables: &variables, slots: &[], status: 3 })
    }

    #[test]
    fn reckons() {
        for (text, value) in [
            ("I + 1", 5),
            ("(I-2)*3", 6),
            ("I % 3 == 1", 1),
            ("$I/0", 0),
            ("-2+ 5", 3),
            ("x", 0),
            ("", 0),
            ("2 < 1", 0),
        ] {
            assert_eq!(scope(|scope| arithmetic(text, scope)), value, "{text}");
        }
    }

    #[test]
    fn expands_and_parts_words() {
        let variable = |name: &str, operation: &str, quoted| Piece::Variable {
            name: name.into(),
            operation: operation.into(),
            quoted,
        };
        for (word, words) in [
            (vec![variable("LIST", "", false)], &["a", "b", "c"][..]),
            (vec![variable("LIST", "", true)], &["a b  c"]),
            (
                vec![Piece::Text("x".into()), variable("LIST", "", false), Piece::Text("y".into())],
                &["xa", "b", "cy"],
            ),
            (vec![variable("NONE", ":-other", false)], &["other"]),
            (vec![variable("NONE", "", false)], &[]),
            (vec![variable("FILE", "##*/", false)], &["name.txt"]),
            (vec![variable("FILE", "%.txt", false)], &["dir/name"]),
            (vec![variable("FILE", "#", false)], &["12"]),
            (vec![variable("?", "", false)], &["3"]),
        ] {
            assert_eq!(scope(|scope| scope.words(std::slice::from_ref(&word))), words, "{word:?}");
        }
    }
}
