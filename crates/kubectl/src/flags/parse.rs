use super::{Flag, Kind, NONE};
use crate::text::{parse_bool, parse_duration, quote};
use std::collections::BTreeMap;

/// Why the words after a command can't be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum FlagError {
    /// pflag's words.
    Bad(String),
    /// `--help` or `-h` was given.
    Help,
}

/// A command's words, read.
#[derive(Clone, Debug, Default)]
pub(crate) struct Parsed {
    /// The words that are no flags.
    pub args: Vec<String>,
    /// How many of them stood before `--`, where that was given.
    pub dash: Option<usize>,
    values: BTreeMap<&'static str, Vec<String>>,
    defaults: BTreeMap<&'static str, &'static str>,
}

impl Parsed {
    /// Returns whether the flag was given.
    pub fn changed(&self, name: &str) -> bool {
        self.values.contains_key(name)
    }

    /// Returns a flag's text, or its default.
    pub fn text(&self, name: &str) -> &str {
        match self.values.get(name).and_then(|values| values.last()) {
            Some(value) => value,
            None => self.defaults.get(name).copied().unwrap_or(""),
        }
    }

    /// Returns whether a flag is true.
    pub fn is(&self, name: &str) -> bool {
        parse_bool(self.text(name)).unwrap_or(false)
    }

    /// Returns a flag's whole number.
    pub fn int(&self, name: &str) -> i64 {
        self.text(name).parse().unwrap_or(0)
    }

    /// Returns a flag's duration in nanoseconds.
    pub fn span(&self, name: &str) -> i64 {
        parse_duration(self.text(name)).unwrap_or(0)
    }

    /// Returns all the texts of a flag.
    pub fn list(&self, name: &str) -> Vec<String> {
        self.values.get(name).cloned().unwrap_or_default()
    }

    fn add(&mut self, flag: &'static Flag, value: &str) -> Result<(), FlagError> {
        check(flag, value)?;
        let values = self.values.entry(flag.name).or_default();
        match flag.kind {
            Kind::List => values.extend(value.split(',').map(str::to_string)),
            Kind::Pairs if value.matches('=').count() == 1 => {
                values.push(value.trim_matches('"').to_string())
            }
            Kind::Pairs => values.extend(value.split(',').map(str::to_string)),
            Kind::Array => values.push(value.to_string()),
            _ => *values = vec![value.to_string()],
        }
        Ok(())
    }
}

// Models github.com/spf13/pflag flag.go FlagSet.Set
fn check(flag: &Flag, value: &str) -> Result<(), FlagError> {
    let why = match flag.kind {
        Kind::Bool if parse_bool(value).is_none() => {
            format!("strconv.ParseBool: parsing {}: invalid syntax", quote(value))
        }
        Kind::Int if value.parse::<i64>().is_err() => {
            format!("strconv.ParseInt: parsing {}: invalid syntax", quote(value))
        }
        Kind::Span if parse_duration(value).is_none() => {
            let is_number = value.parse::<f64>().is_ok();
            let what = if is_number { "missing unit in" } else { "invalid" };
            format!("time: {what} duration {}", quote(value))
        }
        Kind::Pairs => match value.split(',').find(|pair| !pair.contains('=')) {
            Some(pair) => format!("{pair} must be formatted as key=value"),
            None => return Ok(()),
        },
        _ => return Ok(()),
    };
    let name = if flag.short == NONE {
        format!("--{}", flag.name)
    } else {
        format!("-{}, --{}", flag.short, flag.name)
    };
    Err(FlagError::Bad(format!("invalid argument {} for {name:?} flag: {why}", quote(value))))
}

/// Reads the words of a command.
///
/// # Errors
/// pflag's words for what it doesn't know.
// Models github.com/spf13/pflag flag.go parseArgs
pub(crate) fn parse(flags: &[&'static Flag], words: &[String]) -> Result<Parsed, FlagError> {
    let mut parsed = Parsed::default();
    for flag in flags.iter().rev() {
        parsed.defaults.insert(flag.name, flag.default);
    }
    let mut i = 0;
    while let Some(word) = words.get(i) {
        i += 1;
        if word == "--" {
            parsed.dash = Some(parsed.args.len());
            parsed.args.extend(words.iter().skip(i).cloned());
            break;
        } else if let Some(name) = word.strip_prefix("--") {
            long(flags, &mut parsed, name, word, words, &mut i)?;
        } else if word.len() > 1 && word.starts_with('-') {
            short(flags, &mut parsed, word, words, &mut i)?;
        } else {
            parsed.args.push(word.clone());
        }
    }
    Ok(parsed)
}

fn bad(text: String) -> FlagError {
    FlagError::Bad(text)
}

fn long(
    flags: &[&'static Flag],
    parsed: &mut Parsed,
    name: &str,
    word: &str,
    words: &[String],
    i: &mut usize,
) -> Result<(), FlagError> {
    if name.is_empty() || name.starts_with('-') || name.starts_with('=') {
        return Err(bad(format!("bad flag syntax: {word}")));
    }
    let (name, value) = match name.split_once('=') {
        Some((name, value)) => (name, Some(value)),
        None => (name, None),
    };
    let Some(flag) = flags.iter().find(|flag| flag.name == name) else {
        return Err(if name == "help" { FlagError::Help } else { bad(format!("unknown flag: --{name}")) });
    };
    if flag.name == "help" {
        return Err(FlagError::Help);
    }
    match (value, flag.kind) {
        (Some(value), _) => parsed.add(flag, value),
        (None, Kind::Bool) => parsed.add(flag, "true"),
        (None, Kind::Optional(value)) => parsed.add(flag, value),
        (None, _) => {
            let Some(value) = words.get(*i) else {
                return Err(bad(format!("flag needs an argument: --{name}")));
            };
            *i += 1;
            parsed.add(flag, value)
        }
    }
}

fn short(
    flags: &[&'static Flag],
    parsed: &mut Parsed,
    word: &str,
    words: &[String],
    i: &mut usize,
) -> Result<(), FlagError> {
    let mut rest = word.get(1..).unwrap_or("");
    while let Some(letter) = rest.chars().next() {
        let after = rest.get(letter.len_utf8()..).unwrap_or("");
        let Some(flag) = flags.iter().find(|flag| flag.short == letter) else {
            if letter == 'h' {
                return Err(FlagError::Help);
            }
            return Err(bad(format!("unknown shorthand flag: '{letter}' in -{rest}")));
        };
        if flag.name == "help" {
            return Err(FlagError::Help);
        }
        if let Some(value) = after.strip_prefix('=') {
            return parsed.add(flag, value);
        }
        match flag.kind {
            Kind::Bool => parsed.add(flag, "true")?,
            Kind::Optional(value) => parsed.add(flag, value)?,
            _ if !after.is_empty() => return parsed.add(flag, after),
            _ => {
                let Some(value) = words.get(*i) else {
                    return Err(bad(format!("flag needs an argument: '{letter}' in -{rest}")));
                };
                *i += 1;
                return parsed.add(flag, value);
            }
        }
        rest = after;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Vec<String> {
        line.split(' ').map(str::to_string).collect()
    }

    #[test]
    fn refuses_as_pflag() {
        for (command, line, want) in [
            ("get", "pods --nosuchflag", "unknown flag: --nosuchflag"),
            ("get", "-Z", "unknown shorthand flag: 'Z' in -Z"),
            ("get", "pods -o", "flag needs an argument: 'o' in -o"),
            ("get", "pods --output", "flag needs an argument: --output"),
            ("apply", "-Rf", "flag needs an argument: 'f' in -f"),
            (
                "scale",
                "deploy x --replicas=abc",
                r#"invalid argument "abc" for "--replicas" flag: strconv.ParseInt: parsing "abc": invalid syntax"#,
            ),
            (
                "get",
                "pods --watch=maybe",
                r#"invalid argument "maybe" for "-w, --watch" flag: strconv.ParseBool: parsing "maybe": invalid syntax"#,
            ),
        ] {
            let error = parse(&super::super::of(command), &words(line)).unwrap_err();
            assert_eq!(error, FlagError::Bad(want.to_string()), "{line}");
        }
    }

    #[test]
    fn reads_as_pflag() {
        let flags = super::super::of("get");
        let parsed = parse(&flags, &words("pods -owide -n a --no-headers -L x,y -L z -Aw b")).unwrap();
        assert_eq!(parsed.args, ["pods", "b"]);
        assert_eq!(parsed.text("output"), "wide");
        assert_eq!(parsed.text("namespace"), "a");
        assert_eq!(parsed.list("label-columns"), ["x", "y", "z"]);
        assert!(parsed.is("no-headers") && parsed.is("all-namespaces") && parsed.is("watch"));
        assert_eq!(parsed.int("chunk-size"), 500);
        let parsed = parse(&super::super::of("exec"), &words("pod -it -- ls -la")).unwrap();
        assert_eq!((parsed.args.len(), parsed.dash), (3, Some(1)));
        let parsed = parse(&super::super::of("create job"), &words("x --dry-run -o yaml")).unwrap();
        assert_eq!(parsed.text("dry-run"), "unchanged");
        assert_eq!(parsed.text("validate"), "strict");
    }
}
