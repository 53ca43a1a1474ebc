/// What flags a program has.
pub(super) struct Known {
    /// The program's name, for messages.
    pub name: &'static str,
    /// Flags without a value.
    pub plain: &'static str,
    /// Flags with a value.
    pub valued: &'static str,
    /// Long flags with the short ones that they mean.
    pub long: &'static [(&'static str, char)],
    /// The exit code for wrong flags.
    pub code: i32,
}

/// Flags and arguments as they were given.
#[derive(Debug, Default)]
pub(super) struct Given {
    flags: Vec<(char, String)>,
    /// The arguments.
    pub args: Vec<String>,
}

impl Given {
    /// Returns whether a flag was given.
    pub fn has(&self, flag: char) -> bool {
        self.flags.iter().any(|(given, _)| *given == flag)
    }

    /// Returns the value of a flag that was given last.
    pub fn value(&self, flag: char) -> Option<&str> {
        self.flags.iter().rev().find(|(given, _)| *given == flag).map(|(_, value)| value.as_str())
    }

    /// Returns all values of a flag.
    pub fn values(&self, flag: char) -> impl Iterator<Item = &str> {
        self.flags.iter().filter(move |(given, _)| *given == flag).map(|(_, value)| value.as_str())
    }
}

impl Known {
    /// Reads the words after a program's name.
    ///
    /// # Errors
    /// The program's words for a flag that it hasn't.
    pub fn read(&self, words: &[String]) -> Result<Given, String> {
        let mut given = Given::default();
        let mut words = words.iter();
        while let Some(word) = words.next() {
            if word == "--" {
                given.args.extend(words.cloned());
                break;
            } else if let Some(long) = word.strip_prefix("--") {
                let (name, value) =
                    long.split_once('=').map_or((long, None), |(name, value)| (name, Some(value)));
                let Some((_, flag)) = self.long.iter().find(|(known, _)| *known == name) else {
                    return Err(self.wrong(&format!("unrecognized option '{word}'")));
                };
                let value = match value {
                    Some(value) => value.to_string(),
                    None if self.valued.contains(*flag) => {
                        let missing = || self.wrong(&format!("option '{word}' requires an argument"));
                        words.next().ok_or_else(missing)?.clone()
                    }
                    None => String::new(),
                };
                given.flags.push((*flag, value));
            } else if word.len() > 1 && word.starts_with('-') {
                self.short(word, &mut words, &mut given)?;
            } else {
                given.args.push(word.clone());
            }
        }
        Ok(given)
    }

    fn short(
        &self,
        word: &str,
        words: &mut std::slice::Iter<String>,
        given: &mut Given,
    ) -> Result<(), String> {
        let mut rest = word.get(1..).unwrap_or("");
        while let Some(flag) = rest.chars().next() {
            rest = rest.get(flag.len_utf8()..).unwrap_or("");
            if self.plain.contains(flag) {
                given.flags.push((flag, String::new()));
            } else if self.valued.contains(flag) {
                let value = if rest.is_empty() {
                    let missing = || self.wrong(&format!("option requires an argument -- '{flag}'"));
                    words.next().ok_or_else(missing)?.clone()
                } else {
                    rest.to_string()
                };
                given.flags.push((flag, value));
                return Ok(());
            } else {
                return Err(self.wrong(&format!("invalid option -- '{flag}'")));
            }
        }
        Ok(())
    }

    fn wrong(&self, what: &str) -> String {
        format!("{0}: {what}\nTry '{0} --help' for more information.", self.name)
    }
}
