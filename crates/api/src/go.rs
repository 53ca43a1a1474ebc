//! How Go prints what ends up in messages.

use crate::Value;
use sim::{HOUR, MICROSECOND, MILLISECOND, MINUTE, Nanos, SECOND};
use std::fmt::Write;

/// Returns the text in double quotes, as `%q` writes it.
pub fn quote(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            '\r' => out.push_str("\\r"),
            '\u{a0}' => out.push_str("\\u00a0"),
            c if c.is_control() => {
                let _ = write!(out, "\\x{:02x}", c as u32);
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

/// Returns the name of the Go type that holds a decoded JSON value, as `%T` writes it.
pub fn type_name(value: &Value) -> &'static str {
    match value {
        Value::Null => "<nil>",
        Value::Bool(_) => "bool",
        Value::Int(_) => "int64",
        Value::Float(_) => "float64",
        Value::Str(_) => "string",
        Value::List(_) => "[]interface {}",
        Value::Map(_) => "map[string]interface {}",
    }
}

/// Writes JSON as Go's encoder does: on one line, `<`, `>` and `&` escaped.
pub fn json(value: &Value) -> String {
    escape_html(&value.to_json())
}

/// Escapes in JSON what could be taken for HTML, as Go's encoder does.
pub fn escape_html(json: &str) -> String {
    if !json.contains(['<', '>', '&', '\u{2028}', '\u{2029}']) {
        return json.to_string();
    }
    let mut out = String::with_capacity(json.len() + 16);
    for c in json.chars() {
        match c {
            '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => {
                let _ = write!(out, "\\u{:04x}", c as u32);
            }
            c => out.push(c),
        }
    }
    out
}

/// Writes a value as Go's `%v` does, a missing one as `missing`.
pub fn text(value: &Value, missing: &str) -> String {
    match value {
        Value::Null => missing.to_string(),
        Value::Bool(truth) => truth.to_string(),
        Value::Int(number) => number.to_string(),
        Value::Float(number) => number.to_string(),
        Value::Str(string) => string.to_string(),
        Value::List(items) => {
            let items: Vec<String> = items.iter().map(|item| text(item, "<nil>")).collect();
            format!("[{}]", items.join(" "))
        }
        Value::Map(map) => {
            let entries: Vec<String> =
                map.iter().map(|(key, value)| format!("{key}:{}", text(value, "<nil>"))).collect();
            format!("map[{}]", entries.join(" "))
        }
    }
}

/// Reads a duration as `time.ParseDuration`, in nanoseconds; `None` for what is none.
pub fn parse_duration(text: &str) -> Option<Nanos> {
    let (negative, mut rest) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    if rest == "0" {
        return Some(0);
    }
    let mut total: f64 = 0.0;
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let number: f64 = rest.get(..end)?.parse().ok()?;
        rest = rest.get(end..)?;
        let end = rest.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(rest.len());
        let unit = match rest.get(..end)? {
            "h" => HOUR,
            "m" => MINUTE,
            "s" => SECOND,
            "ms" => MILLISECOND,
            "us" | "µs" => MICROSECOND,
            "ns" => 1,
            _ => return None,
        };
        total += number * unit as f64;
        rest = rest.get(end..)?;
    }
    let nanos = total as i64;
    Some(if negative { -nanos } else { nanos })
}

/// Returns a span of nanoseconds as `time.Duration` writes it: `1m0s`.
pub fn duration(nanos: Nanos) -> String {
    if nanos == 0 {
        return "0s".to_string();
    }
    let sign = if nanos < 0 { "-" } else { "" };
    let nanos = nanos.unsigned_abs();
    let second = SECOND as u64;
    if nanos < second {
        let (unit, name) = if nanos < 1_000 {
            (1, "ns")
        } else if nanos < 1_000_000 {
            (1_000, "µs")
        } else {
            (1_000_000, "ms")
        };
        return format!("{sign}{}{name}", fraction(nanos, unit));
    }
    let seconds = nanos / second;
    let of_minute = fraction(nanos % (60 * second), second);
    match (seconds / 3_600, seconds / 60 % 60) {
        (0, 0) => format!("{sign}{of_minute}s"),
        (0, minutes) => format!("{sign}{minutes}m{of_minute}s"),
        (hours, minutes) => format!("{sign}{hours}h{minutes}m{of_minute}s"),
    }
}

fn fraction(nanos: u64, unit: u64) -> String {
    let rest = nanos % unit;
    if rest == 0 {
        return (nanos / unit).to_string();
    }
    let width = unit.to_string().len() - 1;
    let digits = format!("{rest:0width$}");
    format!("{}.{}", nanos / unit, digits.trim_end_matches('0'))
}

#[cfg(test)]
mod tests {
    use super::quote;

    #[test]
    fn quotes_as_go_does() {
        for (text, quoted) in [
            ("", r#""""#),
            ("a b", r#""a b""#),
            ("a\"\\", r#""a\"\\""#),
            ("\n\t\r", r#""\n\t\r""#),
            ("\u{a0}\u{1}\u{7f}", r#""\u00a0\x01\x7f""#),
            ("한", r#""한""#),
        ] {
            assert_eq!(quote(text), quoted, "{text:?}");
        }
    }
}
