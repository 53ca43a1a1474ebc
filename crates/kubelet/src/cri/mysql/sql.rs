/// Returns the column and the value of `WHERE column = value`.
pub(super) fn condition(words: &[String], upper: &[String]) -> Option<(String, String)> {
    let at = upper.iter().position(|word| word == "WHERE")?;
    Some((words.get(at + 1)?.clone(), words.get(at + 3)?.clone()))
}

/// Returns what stands in each pair of brackets, without the commas.
pub(super) fn groups(words: &[String]) -> Vec<Vec<String>> {
    let mut groups: Vec<Vec<String>> = Vec::new();
    let mut depth = 0;
    for word in words {
        match word.as_str() {
            "(" => {
                depth += 1;
                if depth == 1 {
                    groups.push(Vec::new());
                }
            }
            ")" => depth -= 1,
            "," => {}
            word if depth > 0 => groups.last_mut().into_iter().for_each(|group| group.push(word.to_string())),
            _ => {}
        }
    }
    groups
}

/// Parts a statement into words, texts and signs; quotes are dropped.
pub(super) fn tokens(sql: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut letters = sql.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            letter if letter.is_whitespace() => {}
            '\'' | '"' | '`' => words.push(letters.by_ref().take_while(|next| *next != letter).collect()),
            '(' | ')' | ',' | '=' | '*' => words.push(letter.to_string()),
            letter => {
                let mut word = letter.to_string();
                while let Some(next) =
                    letters.next_if(|next| !next.is_whitespace() && !"(),='\"`".contains(*next))
                {
                    word.push(next);
                }
                words.push(word);
            }
        }
    }
    words
}

pub(super) fn escape(cell: &str) -> String {
    cell.replace('\\', "\\\\").replace('\t', "\\t").replace('\n', "\\n")
}

pub(super) fn unescape(cell: &str) -> String {
    let mut text = String::new();
    let mut letters = cell.chars();
    while let Some(letter) = letters.next() {
        match (letter, if letter == '\\' { letters.next() } else { None }) {
            ('\\', Some('t')) => text.push('\t'),
            ('\\', Some('n')) => text.push('\n'),
            ('\\', Some(other)) => text.push(other),
            (letter, _) => text.push(letter),
        }
    }
    text
}
