mod braces;

use crate::arithmetic;
use crate::host::Host;
use crate::state::ShellState;
use crate::syntax::{Operation, Part, Script, Word};
use crate::text::{Pattern, has_wildcard};
use api::path::absolute;
use braces::braces;
use std::rc::Rc;

/// How many words a line may become.
const MAX_WORDS: usize = 5_000;

/// The output of command substitutions, by the commands.
pub(crate) type Results = Vec<(Rc<Script>, String)>;

/// Adds the command substitutions of a word, in order.
pub(crate) fn substitutions(word: &Word, into: &mut Vec<Rc<Script>>) {
    for part in &word.parts {
        match part {
            Part::Text { .. } => {}
            Part::Command { script, .. } | Part::File { script } => into.push(script.clone()),
            Part::Arithmetic { expression } => substitutions(expression, into),
            Part::Variable { operation, .. } => match operation {
                Operation::Value | Operation::Length => {}
                Operation::Default { word, .. }
                | Operation::Assign { word, .. }
                | Operation::Alternative { word, .. }
                | Operation::Required { word, .. }
                | Operation::Trim { pattern: word, .. } => substitutions(word, into),
                Operation::Replace { pattern, with, .. } => {
                    substitutions(pattern, into);
                    substitutions(with, into);
                }
                Operation::Slice { offset, length } => {
                    substitutions(offset, into);
                    length.iter().for_each(|length| substitutions(length, into));
                }
            },
        }
    }
}

/// Expands words once their command substitutions have run.
pub(crate) struct Expander<'a> {
    pub host: &'a mut dyn Host,
    pub state: &'a mut ShellState,
    pub results: &'a Results,
}

/// Words as they grow.
#[derive(Default)]
struct Fields {
    done: Vec<String>,
    open: Option<String>,
}

impl Fields {
    fn add(&mut self, text: &str) {
        self.open.get_or_insert_default().push_str(text);
    }

    fn end(&mut self) {
        self.done.extend(self.open.take());
    }

    /// Adds text that is split at blanks.
    fn split(&mut self, text: &str, separators: &str) {
        for character in text.chars() {
            if separators.contains(character) {
                // A separator that is no blank stands for an empty word.
                if !character.is_whitespace() && self.open.is_none() {
                    self.open = Some(String::new());
                }
                self.end();
            } else {
                self.open.get_or_insert_default().push(character);
            }
        }
    }
}

impl Expander<'_> {
    /// Expands words to as many as come of them.
    pub fn words(&mut self, words: &[Word]) -> Result<Vec<String>, String> {
        let mut all = Vec::new();
        for word in words {
            if self.state.parameters.is_empty() && is_only_parameters(word) {
                continue;
            }
            for word in braces(word, 0) {
                let mut fields = Fields::default();
                self.parts(&word.parts, &mut fields, true)?;
                fields.end();
                let only_plain =
                    word.parts.iter().all(|part| matches!(part, Part::Text { quoted: false, .. }));
                for field in fields.done {
                    match (only_plain && has_wildcard(&field)).then(|| self.files(&field)) {
                        Some(files) if !files.is_empty() => all.extend(files),
                        _ => all.push(field),
                    }
                }
            }
            if all.len() > MAX_WORDS {
                return Err("Argument list too long".to_string());
            }
        }
        Ok(all)
    }

    /// Expands a word to one text.
    pub fn text(&mut self, word: &Word) -> Result<String, String> {
        let mut fields = Fields::default();
        self.parts(&word.parts, &mut fields, false)?;
        fields.end();
        Ok(fields.done.concat())
    }

    /// Expands a word to a pattern, in which what was quoted means itself.
    pub fn pattern(&mut self, word: &Word) -> Result<Pattern, String> {
        let mut pattern = Pattern::default();
        for part in &word.parts {
            let text = self.text(&Word { parts: vec![part.clone()] })?;
            match part {
                Part::Text { quoted: true, .. }
                | Part::Variable { quoted: true, .. }
                | Part::Command { quoted: true, .. } => pattern.literal(&text),
                _ => pattern.wild(&text),
            }
        }
        Ok(pattern)
    }

    /// Writes what commands printed to a file, as bash does where there is no /dev/fd. Returns its path.
    fn file_of(&mut self, script: &Rc<Script>) -> Result<String, String> {
        let at = self.results.iter().position(|(known, _)| Rc::ptr_eq(known, script)).unwrap_or(0);
        let path = format!("/tmp/sh-np.{}", at + 1);
        let text = self.results.get(at).map_or("", |(_, text)| text.as_str());
        let written = self.host.write_file(&self.state.place, &path, text);
        written.map(|()| path.clone()).map_err(|error| format!("{path}: {}", error.words()))
    }

    /// Returns the files of the folder that fit.
    fn files(&mut self, pattern: &str) -> Vec<String> {
        let (folder, name) = pattern.rsplit_once('/').map_or(("", pattern), |(folder, name)| (folder, name));
        if has_wildcard(folder) {
            return Vec::new();
        }
        let mut wild = Pattern::default();
        wild.wild(name);
        let path = absolute(&self.state.cwd, if pattern.starts_with('/') { "/" } else { folder });
        let path = if folder.is_empty() { path } else { absolute(&self.state.cwd, folder) };
        let names = self.host.list_dir(&self.state.place, &path).unwrap_or_default();
        let fits = |name: &str| {
            let characters: Vec<char> = name.chars().collect();
            wild.fits(&characters) && (!name.starts_with('.') || pattern.starts_with('.'))
        };
        let prefix = pattern.get(..pattern.len() - name.len()).unwrap_or("");
        let names = names.iter().map(|name| name.trim_end_matches('/')).filter(|name| fits(name));
        names.map(|name| format!("{prefix}{name}")).collect()
    }

    fn parts(&mut self, parts: &[Part], fields: &mut Fields, splits: bool) -> Result<(), String> {
        let separators = self.state.get("IFS").unwrap_or(" \t\n").to_string();
        for (i, part) in parts.iter().enumerate() {
            match part {
                Part::Text { text, quoted: false } if i == 0 && text.starts_with('~') => {
                    fields.add(&self.tilde(text));
                }
                Part::Text { text, .. } => fields.add(text),
                Part::Variable { name, operation: Operation::Value, quoted: true }
                    if name == "@" && splits =>
                {
                    for (i, parameter) in self.state.parameters.clone().iter().enumerate() {
                        if i > 0 {
                            fields.end();
                        }
                        fields.add(parameter);
                    }
                }
                Part::Variable { name, operation, quoted } => {
                    let text = self.variable(name, operation)?;
                    if *quoted || !splits { fields.add(&text) } else { fields.split(&text, &separators) }
                }
                Part::Command { script, quoted } => {
                    let result = self.results.iter().find(|(known, _)| Rc::ptr_eq(known, script));
                    let text = result.map_or("", |(_, text)| text.trim_end_matches('\n'));
                    if *quoted || !splits { fields.add(text) } else { fields.split(text, &separators) }
                }
                Part::File { script } => {
                    let path = self.file_of(script)?;
                    fields.add(&path);
                }
                Part::Arithmetic { expression } => {
                    let text = self.text(expression)?;
                    fields.add(&arithmetic::evaluate(&text, self.state)?.to_string());
                }
            }
        }
        Ok(())
    }

    fn tilde(&self, text: &str) -> String {
        let home = self.state.get("HOME").unwrap_or("/");
        match text.strip_prefix('~') {
            Some(rest) if rest.is_empty() || rest.starts_with('/') => format!("{home}{rest}"),
            _ => text.to_string(),
        }
    }

    /// Returns the value of a variable or parameter, if it has one.
    fn value(&mut self, name: &str) -> Option<String> {
        let state = &self.state;
        match name {
            "?" => Some(state.status.to_string()),
            "#" => Some(state.parameters.len().to_string()),
            "@" | "*" => (!state.parameters.is_empty()).then(|| state.parameters.join(" ")),
            "$" => Some("1042".to_string()),
            "!" => state.get("!").map(str::to_string),
            "-" => Some("himBHs".to_string()),
            "0" => Some(state.name.clone()),
            "PWD" => Some(state.cwd.clone()),
            "SECONDS" => Some(self.host.now().unix_seconds().to_string()),
            _ => match name.parse::<usize>() {
                Ok(number) => state.parameters.get(number.wrapping_sub(1)).cloned(),
                Err(_) => state.get(name).map(str::to_string),
            },
        }
    }

    fn variable(&mut self, name: &str, operation: &Operation) -> Result<String, String> {
        let found = self.value(name);
        let lacks = |or_empty: &bool| found.as_ref().is_none_or(|value| *or_empty && value.is_empty());
        Ok(match operation {
            Operation::Value => found.unwrap_or_default(),
            Operation::Length if name == "@" || name == "*" => self.state.parameters.len().to_string(),
            Operation::Length => found.unwrap_or_default().chars().count().to_string(),
            Operation::Default { or_empty, word } if lacks(or_empty) => self.text(word)?,
            Operation::Assign { or_empty, word } if lacks(or_empty) => {
                let value = self.text(word)?;
                self.state.set(name, &value);
                value
            }
            Operation::Alternative { or_empty, .. } if lacks(or_empty) => String::new(),
            Operation::Alternative { word, .. } => self.text(word)?,
            Operation::Required { or_empty, word } if lacks(or_empty) => {
                let message = self.text(word)?;
                let default = if *or_empty { "parameter null or not set" } else { "parameter not set" };
                let message = if message.is_empty() { default.to_string() } else { message };
                return Err(format!("{name}: {message}"));
            }
            Operation::Default { .. } | Operation::Assign { .. } | Operation::Required { .. } => {
                found.unwrap_or_default()
            }
            Operation::Trim { suffix, longest, pattern } => {
                let pattern = self.pattern(pattern)?;
                trimmed(&found.unwrap_or_default(), &pattern, *suffix, *longest)
            }
            Operation::Replace { all, pattern, with } => {
                let pattern = self.pattern(pattern)?;
                let with = self.text(with)?;
                replaced(&found.unwrap_or_default(), &pattern, &with, *all)
            }
            Operation::Slice { offset, length } => {
                let offset = self.text(offset)?;
                let offset = arithmetic::evaluate(&offset, self.state)?;
                let length = match length {
                    Some(length) => {
                        let length = self.text(length)?;
                        Some(arithmetic::evaluate(&length, self.state)?)
                    }
                    None => None,
                };
                sliced(&found.unwrap_or_default(), offset, length)
            }
        })
    }
}

/// Returns whether the word is `"$@"` alone, which without parameters is no word at all.
fn is_only_parameters(word: &Word) -> bool {
    let is_list = |part: &Part| matches!(part, Part::Variable { name, operation: Operation::Value, quoted: true } if name == "@");
    let is_nothing = |part: &Part| matches!(part, Part::Text { text, .. } if text.is_empty());
    word.parts.iter().any(is_list) && word.parts.iter().all(|part| is_list(part) || is_nothing(part))
}

fn sliced(text: &str, offset: i64, length: Option<i64>) -> String {
    let characters: Vec<char> = text.chars().collect();
    let count = characters.len() as i64;
    let start = if offset < 0 { count.saturating_add(offset) } else { offset }.clamp(0, count);
    let end = match length {
        None => count,
        Some(length) if length < 0 => count.saturating_add(length),
        Some(length) => start.saturating_add(length),
    };
    characters.get(start as usize..end.clamp(start, count) as usize).unwrap_or_default().iter().collect()
}

fn trimmed(text: &str, pattern: &Pattern, suffix: bool, longest: bool) -> String {
    let characters: Vec<char> = crate::text::cut(text, 4_096).chars().collect();
    let count = characters.len();
    let mut lengths: Vec<usize> = (0..=count).collect();
    if longest {
        lengths.reverse();
    }
    for length in lengths {
        let (cut, kept) =
            if suffix { (count - length..count, 0..count - length) } else { (0..length, length..count) };
        if characters.get(cut).is_some_and(|cut| pattern.fits(cut)) {
            return characters.get(kept).unwrap_or_default().iter().collect();
        }
    }
    text.to_string()
}

fn replaced(text: &str, pattern: &Pattern, with: &str, all: bool) -> String {
    let characters: Vec<char> = crate::text::cut(text, 1_024).chars().collect();
    let mut out = String::new();
    let mut at = 0;
    while at < characters.len() {
        let end = (at + 1..=characters.len())
            .rev()
            .find(|end| characters.get(at..*end).is_some_and(|part| pattern.fits(part)));
        match end {
            Some(end) => {
                out.push_str(with);
                at = end;
                if !all {
                    break;
                }
            }
            None => {
                out.extend(characters.get(at));
                at += 1;
            }
        }
    }
    out.extend(characters.get(at..).unwrap_or_default());
    out
}
