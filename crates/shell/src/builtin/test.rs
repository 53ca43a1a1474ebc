use crate::program::Io;
use crate::text::Pattern;

/// How deep an expression may be nested.
const MAX_DEPTH: u32 = 50;

/// `test`, `[` and `[[`.
pub(super) fn test(name: &str, args: &[String], io: &mut Io) -> i32 {
    let mut words: Vec<&str> = args.iter().map(String::as_str).collect();
    let end = match name {
        "[" => "]",
        "[[" => "]]",
        _ => "",
    };
    if !end.is_empty() && words.pop() != Some(end) {
        io.err(&format!("bash: {name}: missing `{end}'\n"));
        return 2;
    }
    let mut tester = Tester { words: &words, at: 0, depth: 0, is_wild: name == "[[", io };
    let result = if words.is_empty() { Ok(false) } else { tester.any() };
    let result = match (result, words.get(tester.at)) {
        (Ok(_), Some(word)) => Err(if words.len() == 2 {
            format!("{}: unary operator expected", words.first().unwrap_or(&""))
        } else if tester.at == 1 && words.len() == 3 {
            format!("{word}: binary operator expected")
        } else {
            "too many arguments".to_string()
        }),
        (result, _) => result,
    };
    match result {
        Ok(truth) => i32::from(!truth),
        Err(error) => {
            tester.io.err(&format!("bash: {name}: {error}\n"));
            2
        }
    }
}

struct Tester<'a, 'b, 'c> {
    words: &'a [&'a str],
    at: usize,
    depth: u32,
    /// Whether `==` takes patterns.
    is_wild: bool,
    io: &'b mut Io<'c>,
}

impl Tester<'_, '_, '_> {
    fn peek(&self, ahead: usize) -> Option<&str> {
        self.words.get(self.at + ahead).copied()
    }

    fn any(&mut self) -> Result<bool, String> {
        let mut truth = self.all()?;
        while matches!(self.peek(0), Some("-o" | "||")) {
            self.at += 1;
            truth |= self.all()?;
        }
        Ok(truth)
    }

    fn all(&mut self) -> Result<bool, String> {
        let mut truth = self.not()?;
        while matches!(self.peek(0), Some("-a" | "&&")) {
            self.at += 1;
            truth &= self.not()?;
        }
        Ok(truth)
    }

    fn not(&mut self) -> Result<bool, String> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err("too many arguments".to_string());
        }
        let truth = if self.peek(0) == Some("!") && self.peek(1).is_some() {
            self.at += 1;
            !self.not()?
        } else {
            self.one()?
        };
        self.depth -= 1;
        Ok(truth)
    }

    fn one(&mut self) -> Result<bool, String> {
        let Some(first) = self.peek(0).map(str::to_string) else {
            return Err("argument expected".to_string());
        };
        if let (Some(operator), Some(right)) =
            (self.peek(1).map(str::to_string), self.peek(2).map(str::to_string))
            && let Some(truth) = self.binary(&first, &operator, &right)
        {
            self.at += 3;
            return truth;
        }
        if first == "(" && self.peek(1).is_some() {
            self.at += 1;
            let truth = self.any()?;
            if self.peek(0) != Some(")") {
                return Err("`)' expected".to_string());
            }
            self.at += 1;
            return Ok(truth);
        }
        if let Some(operand) = self.peek(1).map(str::to_string)
            && let Some(truth) = self.unary(&first, &operand)
        {
            self.at += 2;
            return Ok(truth);
        }
        self.at += 1;
        Ok(!first.is_empty())
    }

    fn unary(&mut self, operator: &str, operand: &str) -> Option<bool> {
        let path = self.io.path(operand);
        let place = self.io.state.place.clone();
        Some(match operator {
            "-z" => operand.is_empty(),
            "-n" => !operand.is_empty(),
            "-f" => self.io.host.read_file(&place, &path).is_ok(),
            "-s" => self.io.host.read_file(&place, &path).is_ok_and(|text| !text.is_empty()),
            "-d" => self.io.host.list_dir(&place, &path).is_ok(),
            "-e" | "-r" | "-w" | "-x" => {
                self.io.host.read_file(&place, &path).is_ok() || self.io.host.list_dir(&place, &path).is_ok()
            }
            "-t" => true,
            "-v" => self.io.state.get(operand).is_some(),
            _ => return None,
        })
    }

    fn binary(&mut self, left: &str, operator: &str, right: &str) -> Option<Result<bool, String>> {
        let number = |text: &str| {
            text.trim().parse::<i64>().map_err(|_| format!("{text}: integer expression expected"))
        };
        let compare = |fits: fn(&i64, &i64) -> bool| {
            Some(number(left).and_then(|left| Ok(fits(&left, &number(right)?))))
        };
        match operator {
            "==" | "=" | "!=" if self.is_wild => {
                let mut pattern = Pattern::default();
                pattern.wild(right);
                let characters: Vec<char> = left.chars().collect();
                Some(Ok(pattern.fits(&characters) == (operator != "!=")))
            }
            "=~" => {
                let found = regex_lite::Regex::new(right).map(|regex| regex.is_match(left));
                Some(found.map_err(|_| "invalid regular expression".to_string()))
            }
            "=" | "==" => Some(Ok(left == right)),
            "!=" => Some(Ok(left != right)),
            "<" => Some(Ok(left < right)),
            ">" => Some(Ok(left > right)),
            "-eq" => compare(i64::eq),
            "-ne" => compare(i64::ne),
            "-lt" => compare(i64::lt),
            "-le" => compare(i64::le),
            "-gt" => compare(i64::gt),
            "-ge" => compare(i64::ge),
            _ => None,
        }
    }
}
