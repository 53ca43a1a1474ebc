use crate::state::ShellState;

/// How deep parentheses and variables may be nested.
const MAX_DEPTH: u32 = 50;

/// Reckons an expression of `$(( … ))`.
///
/// # Errors
/// bash's words after `bash: `.
pub(crate) fn evaluate(text: &str, state: &mut ShellState) -> Result<i64, String> {
    evaluate_at(text, state, 0)
}

fn evaluate_at(text: &str, state: &mut ShellState, depth: u32) -> Result<i64, String> {
    let mut reckoner =
        Reckoner { whole: text, text: text.chars().collect(), at: 0, depth, state, skips: false };
    reckoner.blanks();
    if reckoner.peek().is_none() {
        return Ok(0);
    }
    let value = reckoner.comma()?;
    if reckoner.peek().is_some() {
        return Err(reckoner.wrong("syntax error in expression"));
    }
    Ok(value)
}

struct Reckoner<'a> {
    whole: &'a str,
    text: Vec<char>,
    at: usize,
    depth: u32,
    state: &'a mut ShellState,
    /// Whether what is read has no effect, being the branch not taken.
    skips: bool,
}

const LEVELS: [&[&str]; 10] = [
    &["||"],
    &["&&"],
    &["|"],
    &["^"],
    &["&"],
    &["==", "!="],
    &["<=", ">=", "<", ">"],
    &["<<", ">>"],
    &["+", "-"],
    &["*", "/", "%"],
];
const ASSIGNMENTS: [&str; 6] = ["=", "+=", "-=", "*=", "/=", "%="];

impl Reckoner<'_> {
    fn peek(&self) -> Option<char> {
        self.text.get(self.at).copied()
    }

    fn blanks(&mut self) {
        while self.peek().is_some_and(char::is_whitespace) {
            self.at += 1;
        }
    }

    fn rest(&self) -> String {
        self.text.get(self.at..).unwrap_or_default().iter().collect()
    }

    fn wrong(&self, what: &str) -> String {
        format!("{}: {what} (error token is \"{}\")", self.whole.trim(), self.rest())
    }

    fn take(&mut self, operator: &str) -> bool {
        let found = operator.chars().enumerate().all(|(i, c)| self.text.get(self.at + i) == Some(&c));
        if found {
            self.at += operator.len();
            self.blanks();
        }
        found
    }

    fn comma(&mut self) -> Result<i64, String> {
        let mut value = self.ternary()?;
        while self.take(",") {
            value = self.ternary()?;
        }
        Ok(value)
    }

    fn ternary(&mut self) -> Result<i64, String> {
        let condition = self.binary(0)?;
        if !self.take("?") {
            return Ok(condition);
        }
        let yes = self.skipping(condition == 0, Reckoner::ternary)?;
        if !self.take(":") {
            return Err(self.wrong("`:' expected for conditional expression"));
        }
        let no = self.skipping(condition != 0, Reckoner::ternary)?;
        Ok(if condition != 0 { yes } else { no })
    }

    fn skipping<T>(
        &mut self,
        skips: bool,
        read: impl FnOnce(&mut Self) -> Result<T, String>,
    ) -> Result<T, String> {
        let before = self.skips;
        self.skips |= skips;
        let value = read(self);
        self.skips = before;
        value
    }

    fn operator(&mut self, level: usize) -> Option<&'static str> {
        let operators = LEVELS.get(level)?;
        let found = operators.iter().find(|operator| {
            operator.chars().enumerate().all(|(i, c)| self.text.get(self.at + i) == Some(&c))
        })?;
        let next = self.text.get(self.at + found.len());
        // `a & b` is no part of `a && b`, `a < b` none of `a << b`, `a * b` none of `a ** b` or `a *= b`.
        let doubled =
            found.len() == 1 && next.is_some_and(|next| found.starts_with(*next)) && "&|<>*".contains(found);
        let assigned = next == Some(&'=') && !matches!(*found, "==" | "!=" | "<" | ">" | "<=" | ">=");
        if doubled || assigned {
            return None;
        }
        self.take(found);
        Some(found)
    }

    fn binary(&mut self, level: usize) -> Result<i64, String> {
        if level >= LEVELS.len() {
            return self.power();
        }
        let mut left = self.binary(level + 1)?;
        while let Some(operator) = self.operator(level) {
            let skips = operator == "&&" && left == 0 || operator == "||" && left != 0;
            let right = self.skipping(skips, |reckoner| reckoner.binary(level + 1))?;
            left = self.apply(operator, left, right)?;
        }
        Ok(left)
    }

    fn apply(&self, operator: &str, left: i64, right: i64) -> Result<i64, String> {
        let shift = |by: i64| u32::try_from(by & 63).unwrap_or(0);
        Ok(match operator {
            "||" => i64::from(left != 0 || right != 0),
            "&&" => i64::from(left != 0 && right != 0),
            "|" => left | right,
            "^" => left ^ right,
            "&" => left & right,
            "==" => i64::from(left == right),
            "!=" => i64::from(left != right),
            "<" => i64::from(left < right),
            ">" => i64::from(left > right),
            "<=" => i64::from(left <= right),
            ">=" => i64::from(left >= right),
            "<<" => left.wrapping_shl(shift(right)),
            ">>" => left.wrapping_shr(shift(right)),
            "+" | "+=" => left.wrapping_add(right),
            "-" | "-=" => left.wrapping_sub(right),
            "*" | "*=" => left.wrapping_mul(right),
            _ if right == 0 && self.skips => 0,
            _ if right == 0 => {
                return Err(format!("{}: division by 0 (error token is \"0\")", self.whole.trim()));
            }
            "/" | "/=" => left.wrapping_div(right),
            _ => left.wrapping_rem(right),
        })
    }

    fn power(&mut self) -> Result<i64, String> {
        let base = self.unary()?;
        if !self.take("**") {
            return Ok(base);
        }
        let exponent = self.power()?;
        match u32::try_from(exponent) {
            Ok(exponent) => Ok(base.wrapping_pow(exponent)),
            Err(_) => Err(self.wrong("exponent less than 0")),
        }
    }

    fn unary(&mut self) -> Result<i64, String> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(self.wrong("expression recursion level exceeded"));
        }
        let value = if self.take("++") {
            self.step_variable(1)
        } else if self.take("--") {
            self.step_variable(-1)
        } else if self.take("!") {
            Ok(i64::from(self.unary()? == 0))
        } else if self.take("~") {
            Ok(!self.unary()?)
        } else if self.take("-") {
            Ok(self.unary()?.wrapping_neg())
        } else if self.take("+") {
            self.unary()
        } else {
            self.primary()
        };
        self.depth -= 1;
        value
    }

    fn step_variable(&mut self, by: i64) -> Result<i64, String> {
        let Some(name) = self.name() else { return Err(self.wrong("syntax error: operand expected")) };
        let value = self.value_of(&name)?.wrapping_add(by);
        self.assign(&name, value);
        Ok(value)
    }

    fn name(&mut self) -> Option<String> {
        let mut name = String::new();
        while let Some(next) = self.peek().filter(|next| *next == '_' || next.is_ascii_alphanumeric()) {
            if name.is_empty() && next.is_ascii_digit() {
                return None;
            }
            name.push(next);
            self.at += 1;
        }
        self.blanks();
        (!name.is_empty()).then_some(name)
    }

    fn assign(&mut self, name: &str, value: i64) {
        if !self.skips {
            self.state.set(name, &value.to_string());
        }
    }

    fn value_of(&mut self, name: &str) -> Result<i64, String> {
        let text = self.state.get(name).unwrap_or("").to_string();
        match text.trim().parse() {
            Ok(number) => Ok(number),
            Err(_) if text.trim().is_empty() => Ok(0),
            Err(_) if self.depth >= MAX_DEPTH - 5 => Err(self.wrong("expression recursion level exceeded")),
            Err(_) => evaluate_at(&text, self.state, self.depth + 5),
        }
    }

    fn primary(&mut self) -> Result<i64, String> {
        if self.take("(") {
            let value = self.comma()?;
            return if self.take(")") { Ok(value) } else { Err(self.wrong("missing `)'")) };
        }
        if self.peek().is_some_and(|next| next.is_ascii_digit()) {
            return self.number();
        }
        let Some(name) = self.name() else { return Err(self.wrong("syntax error: operand expected")) };
        for (operator, by) in [("++", 1), ("--", -1)] {
            if self.take(operator) {
                let value = self.value_of(&name)?;
                self.assign(&name, value.wrapping_add(by));
                return Ok(value);
            }
        }
        let followed = |reckoner: &Self, i: usize| reckoner.text.get(reckoner.at + i).copied();
        for operator in ASSIGNMENTS {
            let is_comparison = operator == "=" && followed(self, 1) == Some('=');
            if !is_comparison && self.take(operator) {
                let right = self.ternary()?;
                let value = match operator {
                    "=" => right,
                    _ => {
                        let left = self.value_of(&name)?;
                        self.apply(operator, left, right)?
                    }
                };
                self.assign(&name, value);
                return Ok(value);
            }
        }
        self.value_of(&name)
    }

    fn number(&mut self) -> Result<i64, String> {
        let mut digits = String::new();
        while let Some(next) = self.peek().filter(char::is_ascii_alphanumeric) {
            digits.push(next);
            self.at += 1;
        }
        let (radix, body) = match digits.as_bytes() {
            [b'0', b'x' | b'X', ..] => (16, digits.get(2..).unwrap_or("")),
            [b'0', _, ..] => (8, digits.get(1..).unwrap_or("")),
            _ => (10, digits.as_str()),
        };
        let value = i64::from_str_radix(body, radix);
        let wrong =
            if radix == 8 { "value too great for base" } else { "syntax error: invalid arithmetic operator" };
        self.blanks();
        value.map_err(|_| format!("{digits}: {wrong} (error token is \"{digits}\")"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reckons() {
        let mut state = ShellState::default();
        state.set("i", "4");
        state.set("j", "i + 1");
        for (text, value) in [
            ("1 + 2 * 3", 7),
            ("(1+2)*3", 9),
            ("-7 / 2", -3),
            ("7 % 4", 3),
            ("2 ** 3 ** 2", 512),
            ("i + 1", 5),
            ("j * 2", 10),
            ("i == 4 && j > 4", 1),
            ("i < 4 || 0", 0),
            ("i ? 10 : 20", 10),
            ("0x1f + 010", 39),
            ("1 << 4 | 1", 17),
            ("!0 + ~0", 0),
            ("unset", 0),
            ("", 0),
            ("k = 3, k += 2", 5),
            ("k++ + k", 11),
            ("0 && 1/0", 0),
            ("5 >= 5", 1),
            ("3 != 3", 0),
            ("6 & 3", 2),
        ] {
            assert_eq!(evaluate(text, &mut state), Ok(value), "{text}");
        }
        assert_eq!(state.get("k"), Some("6"));
        for (text, error) in [
            ("1 / 0", "1 / 0: division by 0 (error token is \"0\")"),
            ("1 +", "1 +: syntax error: operand expected (error token is \"\")"),
            ("1 2", "1 2: syntax error in expression (error token is \"2\")"),
            ("09", "09: value too great for base (error token is \"09\")"),
        ] {
            assert_eq!(evaluate(text, &mut state), Err(error.to_string()));
        }
        state.set("a", "b");
        state.set("b", "a");
        assert!(evaluate("a", &mut state).is_err());
        assert!(evaluate(&"(".repeat(10_000), &mut state).is_err());
        assert!(evaluate(&"-".repeat(10_000), &mut state).is_err());
    }
}
