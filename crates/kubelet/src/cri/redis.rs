use super::program::AppCx;
use network::{Answer, Payload};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::rc::Rc;

/// How many keys are kept; more aren't taken.
const KEYS: usize = 10_000;
/// How much the values are together, in bytes.
const BYTES: u64 = 4 * 1024 * 1024;

/// A redis server: strings in memory.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Redis {
    data: BTreeMap<Rc<str>, Rc<str>>,
}

impl Redis {
    fn bytes(&self) -> u64 {
        self.data.values().map(|value| value.len() as u64).sum()
    }
}

/// What redis answers.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Value {
    Status(&'static str),
    Error(String),
    Integer(i64),
    Bulk(Rc<str>),
    Nil,
    Array(Vec<Rc<str>>),
}

impl Redis {
    /// Starts empty.
    pub fn start(_cx: &mut AppCx) -> Redis {
        Redis::default()
    }

    /// Answers a command as it travels: inline or as an array of bulk strings.
    pub fn answer(&mut self, _cx: &mut AppCx, payload: &Payload) -> Answer {
        match payload {
            Payload::Text(line) => Answer::Text(self.run(&parse(line)).wire().into()),
            // Redis takes HTTP for an attack and hangs up.
            _ => Answer::Text("".into()),
        }
    }

    /// Answers `redis-cli …`.
    pub fn command(&mut self, _cx: &mut AppCx, argv: &[String]) -> (String, i64) {
        if argv.first().is_some_and(|word| word.ends_with("redis-server")) {
            return ("Redis server\n".to_string(), 0);
        }
        let mut words: Vec<String> = Vec::new();
        let mut rest = argv.iter().skip(1);
        while let Some(word) = rest.next() {
            match word.as_str() {
                "-h" | "-p" | "-n" | "-a" | "-u" if words.is_empty() => drop(rest.next()),
                "--raw" | "--no-auth-warning" if words.is_empty() => {}
                _ => words.push(word.clone()),
            }
        }
        if words.is_empty() {
            return (String::new(), 0);
        }
        (self.run(&words).print(), 0)
    }

    fn run(&mut self, words: &[String]) -> Value {
        let Some(name) = words.first() else { return Value::Error("ERR unknown command".to_string()) };
        let name = name.to_ascii_uppercase();
        let arity = |low: usize, high: usize| {
            let given = words.len() - 1;
            (given < low || given > high).then(|| {
                Value::Error(format!("ERR wrong number of arguments for '{}' command", name.to_lowercase()))
            })
        };
        let first = words.get(1).map_or("", String::as_str);
        let second = words.get(2).map_or("", String::as_str);
        match name.as_str() {
            "PING" if first.is_empty() => Value::Status("PONG"),
            "PING" | "ECHO" => arity(1, 1).unwrap_or_else(|| Value::Bulk(first.into())),
            "GET" => arity(1, 1)
                .unwrap_or_else(|| self.data.get(first).map_or(Value::Nil, |text| Value::Bulk(text.clone()))),
            "SET" => arity(2, 8).unwrap_or_else(|| self.set(first, second)),
            "INCR" => arity(1, 1).unwrap_or_else(|| self.add(first, 1)),
            "DECR" => arity(1, 1).unwrap_or_else(|| self.add(first, -1)),
            "INCRBY" | "DECRBY" => arity(2, 2).unwrap_or_else(|| match second.parse::<i64>() {
                Ok(step) => self.add(first, if name == "INCRBY" { step } else { step.saturating_neg() }),
                Err(_) => Value::Error("ERR value is not an integer or out of range".to_string()),
            }),
            "DEL" | "UNLINK" => arity(1, 1_000).unwrap_or_else(|| {
                let removed =
                    words.iter().skip(1).filter(|key| self.data.remove(key.as_str()).is_some()).count();
                Value::Integer(removed as i64)
            }),
            "EXISTS" => arity(1, 1_000).unwrap_or_else(|| {
                Value::Integer(
                    words.iter().skip(1).filter(|key| self.data.contains_key(key.as_str())).count() as i64,
                )
            }),
            "APPEND" => arity(2, 2).unwrap_or_else(|| {
                let text = format!("{}{second}", self.data.get(first).map_or("", |text| &**text));
                self.set(first, &text);
                Value::Integer(text.len() as i64)
            }),
            "STRLEN" => arity(1, 1)
                .unwrap_or_else(|| Value::Integer(self.data.get(first).map_or(0, |text| text.len()) as i64)),
            "DBSIZE" => arity(0, 0).unwrap_or(Value::Integer(self.data.len() as i64)),
            "KEYS" => arity(1, 1).unwrap_or_else(|| {
                Value::Array(self.data.keys().filter(|key| glob(first, key)).cloned().collect())
            }),
            "TYPE" => arity(1, 1).unwrap_or_else(|| {
                Value::Status(if self.data.contains_key(first) { "string" } else { "none" })
            }),
            "FLUSHALL" | "FLUSHDB" => {
                self.data.clear();
                Value::Status("OK")
            }
            "SELECT" | "AUTH" | "SAVE" | "BGSAVE" | "QUIT" | "CLIENT" => Value::Status("OK"),
            "INFO" => Value::Bulk(
                format!("# Keyspace\r\ndb0:keys={},expires=0,avg_ttl=0\r\n", self.data.len()).into(),
            ),
            _ => {
                let rest: Vec<String> = words.iter().skip(1).map(|word| format!("'{word}' ")).collect();
                let given = words.first().map_or("", String::as_str);
                Value::Error(format!(
                    "ERR unknown command '{given}', with args beginning with: {}",
                    rest.concat()
                ))
            }
        }
    }

    fn set(&mut self, key: &str, value: &str) -> Value {
        let full = self.data.len() >= KEYS && !self.data.contains_key(key);
        if full || (value.len() > 1_024 && self.bytes() + value.len() as u64 > BYTES) {
            return Value::Error("OOM command not allowed when used memory > 'maxmemory'.".to_string());
        }
        self.data.insert(key.into(), value.into());
        Value::Status("OK")
    }

    fn add(&mut self, key: &str, step: i64) -> Value {
        let now = self.data.get(key).map_or(Ok(0), |text| text.parse::<i64>());
        match now.ok().and_then(|now| now.checked_add(step)) {
            Some(sum) => match self.set(key, &sum.to_string()) {
                Value::Status(_) => Value::Integer(sum),
                refused => refused,
            },
            None => Value::Error("ERR value is not an integer or out of range".to_string()),
        }
    }
}

impl Value {
    fn wire(&self) -> String {
        match self {
            Value::Status(text) => format!("+{text}\r\n"),
            Value::Error(text) => format!("-{text}\r\n"),
            Value::Integer(number) => format!(":{number}\r\n"),
            Value::Bulk(text) => format!("${}\r\n{text}\r\n", text.len()),
            Value::Nil => "$-1\r\n".to_string(),
            Value::Array(items) => items.iter().fold(format!("*{}\r\n", items.len()), |mut text, item| {
                let _ = write!(text, "${}\r\n{item}\r\n", item.len());
                text
            }),
        }
    }

    /// Writes it as `redis-cli` does where its output is no terminal.
    fn print(&self) -> String {
        match self {
            Value::Status(text) => format!("{text}\n"),
            Value::Error(text) => format!("{text}\n\n"),
            Value::Integer(number) => format!("{number}\n"),
            Value::Bulk(text) => format!("{text}\n"),
            Value::Nil => "\n".to_string(),
            Value::Array(items) if items.is_empty() => "\n".to_string(),
            Value::Array(items) => items.iter().map(|item| format!("{item}\n")).collect(),
        }
    }
}

fn parse(payload: &str) -> Vec<String> {
    if !payload.starts_with('*') {
        let line = payload.lines().next().unwrap_or("");
        return line.split_whitespace().map(|word| word.trim_matches('"').to_string()).collect();
    }
    let mut lines = payload.split("\r\n").skip(1);
    let mut words = Vec::new();
    while let (Some(length), Some(word)) = (lines.next(), lines.next()) {
        if !length.starts_with('$') || words.len() >= 1_024 {
            break;
        }
        words.push(word.to_string());
    }
    words
}

/// Returns whether a key is meant by a pattern with `*` and `?`.
fn glob(pattern: &str, key: &str) -> bool {
    let (pattern, key): (Vec<char>, Vec<char>) = (pattern.chars().collect(), key.chars().collect());
    let (mut at, mut in_key, mut star) = (0, 0, None);
    while in_key < key.len() {
        match pattern.get(at) {
            Some('*') => {
                star = Some((at, in_key));
                at += 1;
            }
            Some(letter) if *letter == '?' || Some(letter) == key.get(in_key) => {
                at += 1;
                in_key += 1;
            }
            _ => match star {
                // The last star takes one letter more.
                Some((of_star, from)) => {
                    star = Some((of_star, from + 1));
                    (at, in_key) = (of_star + 1, from + 1);
                }
                None => return false,
            },
        }
    }
    pattern.iter().skip(at).all(|letter| *letter == '*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_as_redis_does() {
        let mut redis = Redis::default();
        for (line, wire, printed) in [
            ("PING", "+PONG\r\n", "PONG\n"),
            ("get n", "$-1\r\n", "\n"),
            ("INCR n", ":1\r\n", "1\n"),
            ("incr n", ":2\r\n", "2\n"),
            ("SET a hi", "+OK\r\n", "OK\n"),
            ("GET a", "$2\r\nhi\r\n", "hi\n"),
            (
                "INCR a",
                "-ERR value is not an integer or out of range\r\n",
                "ERR value is not an integer or out of range\n\n",
            ),
            ("DBSIZE", ":2\r\n", "2\n"),
            ("KEYS *", "*2\r\n$1\r\na\r\n$1\r\nn\r\n", "a\nn\n"),
            ("KEYS ?x", "*0\r\n", "\n"),
            (
                "GET",
                "-ERR wrong number of arguments for 'get' command\r\n",
                "ERR wrong number of arguments for 'get' command\n\n",
            ),
            (
                "NOPE x",
                "-ERR unknown command 'NOPE', with args beginning with: 'x' \r\n",
                "ERR unknown command 'NOPE', with args beginning with: 'x' \n\n",
            ),
        ] {
            let answer = redis.run(&parse(line));
            assert_eq!((answer.wire().as_str(), answer.print().as_str()), (wire, printed), "{line}");
        }
        assert_eq!(parse("*2\r\n$4\r\nINCR\r\n$1\r\nn\r\n"), ["INCR", "n"]);
    }
}
