//! How Go writes and reads what kubectl prints: quotes, durations, JSON, values.

use api::Value;
use sim::{Nanos, SECOND};

pub(crate) use api::go::{
    escape_html, json as go_json, parse_duration, quote, text as go_text, type_name as go_type,
};

/// Reads a truth value as `strconv.ParseBool`.
pub(crate) fn parse_bool(text: &str) -> Option<bool> {
    match text {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Some(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Some(false),
        _ => None,
    }
}

/// Writes an age as the columns AGE show it: `5m30s`, `3d4h`.
// Models staging/src/k8s.io/apimachinery/pkg/util/duration/duration.go HumanDuration
pub(crate) fn human_duration(nanos: Nanos) -> String {
    let seconds = nanos / SECOND;
    if seconds < -1 {
        return "<invalid>".to_string();
    } else if seconds < 0 {
        return "0s".to_string();
    } else if seconds < 120 {
        return format!("{seconds}s");
    }
    let minutes = seconds / 60;
    let two = |whole: i64, big: &str, rest: i64, small: &str| {
        if rest == 0 { format!("{whole}{big}") } else { format!("{whole}{big}{rest}{small}") }
    };
    if minutes < 10 {
        return two(minutes, "m", seconds % 60, "s");
    } else if minutes < 180 {
        return format!("{minutes}m");
    }
    let hours = minutes / 60;
    if hours < 8 {
        return two(hours, "h", minutes % 60, "m");
    } else if hours < 48 {
        return format!("{hours}h");
    } else if hours < 24 * 8 {
        return two(hours / 24, "d", hours % 24, "h");
    } else if hours < 24 * 365 * 2 {
        return format!("{}d", hours / 24);
    } else if hours < 24 * 365 * 8 {
        return two(hours / 24 / 365, "y", hours / 24 % 365, "d");
    }
    format!("{}y", hours / 24 / 365)
}

/// Says as Go's `encoding/json` what is wrong with JSON, of which serde_json said `why`.
pub(crate) fn go_json_trouble(text: &str, why: &str) -> String {
    let number = |word: &str| {
        let rest = why.rsplit_once(word).map_or("", |(_, rest)| rest);
        let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        rest.get(..end).and_then(|digits| digits.parse::<usize>().ok()).unwrap_or(1)
    };
    let (line, column) = (number(" line "), number(" column "));
    let found =
        text.lines().nth(line.saturating_sub(1)).and_then(|line| line.chars().nth(column.saturating_sub(1)));
    let Some(found) = found.filter(|_| !why.starts_with("EOF")) else {
        return "unexpected end of JSON input".to_string();
    };
    let place = if why.starts_with("key must be") || why.starts_with("trailing comma") {
        "looking for beginning of object key string"
    } else if why.starts_with("expected `:`") {
        "after object key"
    } else if why.starts_with("expected `,` or `}`") {
        "after object key:value pair"
    } else if why.starts_with("expected `,` or `]`") {
        "after array element"
    } else if why.starts_with("trailing characters") {
        "after top-level value"
    } else {
        "looking for beginning of value"
    };
    format!("invalid character '{found}' {place}")
}

/// Writes JSON indented by four blanks as kubectl prints it.
pub(crate) fn json_pretty(value: &Value) -> String {
    escape_html(&value.to_json_pretty())
}

/// Writes a value as Go's `%#v` does.
pub(crate) fn go_syntax(value: &Value) -> String {
    match value {
        Value::Null => "interface {}(nil)".to_string(),
        Value::Str(text) => quote(text),
        Value::List(items) => {
            let items: Vec<String> = items.iter().map(go_syntax).collect();
            format!("[]interface {{}}{{{}}}", items.join(", "))
        }
        Value::Map(map) => {
            let entries: Vec<String> =
                map.iter().map(|(key, value)| format!("{}:{}", quote(key), go_syntax(value))).collect();
            format!("map[string]interface {{}}{{{}}}", entries.join(", "))
        }
        value => go_text(value, ""),
    }
}

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Writes base64.
pub(crate) fn base64(bytes: &[u8]) -> String {
    let mut out = String::new();
    for chunk in bytes.chunks(3) {
        let word =
            chunk.iter().fold(0_u32, |word, byte| word << 8 | u32::from(*byte)) << (8 * (3 - chunk.len()));
        for i in 0..4 {
            if i <= chunk.len() {
                let six = (word >> (18 - 6 * i)) & 63;
                out.push(char::from(ALPHABET[six as usize]));
            } else {
                out.push('=');
            }
        }
    }
    out
}

/// Reads base64; `None` where the text is none.
pub(crate) fn unbase64(text: &str) -> Option<Vec<u8>> {
    let text: Vec<u8> = text.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
    if !text.len().is_multiple_of(4) {
        return None;
    }
    let mut out = Vec::new();
    for chunk in text.chunks(4) {
        let padding = chunk.iter().filter(|byte| **byte == b'=').count();
        let mut word = 0_u32;
        for byte in chunk {
            let six = if *byte == b'=' { 0 } else { ALPHABET.iter().position(|c| c == byte)? };
            word = word << 6 | six as u32;
        }
        let bytes = word.to_be_bytes();
        out.extend(bytes.iter().skip(1).take(3_usize.saturating_sub(padding)));
    }
    Some(out)
}

/// Returns how many letters have to change to make one word of the other, without regard to case.
pub(crate) fn distance(a: &str, b: &str) -> usize {
    let (a, b) = (a.to_lowercase(), b.to_lowercase());
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, letter) in a.chars().enumerate() {
        let mut before = row.first().copied().unwrap_or(0);
        if let Some(first) = row.first_mut() {
            *first = i + 1;
        }
        for (j, other) in b.iter().enumerate() {
            let above = row.get(j + 1).copied().unwrap_or(0);
            let left = row.get(j).copied().unwrap_or(0);
            let best = (before + usize::from(letter != *other)).min(above + 1).min(left + 1);
            if let Some(cell) = row.get_mut(j + 1) {
                *cell = best;
            }
            before = above;
        }
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use api::tree;

    #[test]
    fn durations() {
        for (text, written) in
            [("1m", "1m0s"), ("1h2m3.5s", "1h2m3.5s"), ("90s", "1m30s"), ("0", "0s"), ("1500ms", "1.5s")]
        {
            assert_eq!(api::go::duration(parse_duration(text).unwrap()), written);
        }
        for bad in ["", "5", "x", "5 s", "1d"] {
            assert_eq!(parse_duration(bad), None, "{bad}");
        }
        for (seconds, text) in [
            (0, "0s"),
            (119, "119s"),
            (120, "2m"),
            (125, "2m5s"),
            (660, "11m"),
            (3 * 3600 + 60, "3h1m"),
            (47 * 3600, "47h"),
            (50 * 3600, "2d2h"),
            (9 * 86400, "9d"),
            (-1, "0s"),
            (-5, "<invalid>"),
        ] {
            assert_eq!(human_duration(seconds * SECOND), text);
        }
    }

    #[test]
    fn base64_both_ways() {
        for (text, coded) in [("qwerty", "cXdlcnR5"), ("a", "YQ=="), ("ab", "YWI="), ("", "")] {
            assert_eq!(base64(text.as_bytes()), coded);
            assert_eq!(unbase64(coded).unwrap(), text.as_bytes());
        }
        assert_eq!(unbase64("abc"), None);
        assert_eq!(unbase64("a*=="), None);
    }

    #[test]
    fn troubles_with_json_as_go() {
        for (text, want) in [
            ("{\"a\":", "unexpected end of JSON input"),
            ("{a: 1}", "invalid character 'a' looking for beginning of object key string"),
            ("{\"a\" 1}", "invalid character '1' after object key"),
            ("{\"a\":1 2}", "invalid character '2' after object key:value pair"),
            ("[1 2]", "invalid character '2' after array element"),
            ("{} x", "invalid character 'x' after top-level value"),
            ("{\"a\": x}", "invalid character 'x' looking for beginning of value"),
        ] {
            assert_eq!(go_json_trouble(text, &Value::from_json(text).unwrap_err()), want, "{text}");
        }
    }

    #[test]
    fn values_as_go() {
        let value = tree!({"a": [1, "x"], "b": {"c": true}});
        assert_eq!(go_text(&value, ""), "map[a:[1 x] b:map[c:true]]");
        assert_eq!(
            go_syntax(&value),
            r#"map[string]interface {}{"a":[]interface {}{1, "x"}, "b":map[string]interface {}{"c":true}}"#
        );
        assert_eq!(go_json(&tree!({"a": "<&>"})), r#"{"a":"\u003c\u0026\u003e"}"#);
        assert_eq!(distance("poss", "logs"), 2);
        assert_eq!(quote("a\"\n"), r#""a\"\n""#);
    }
}
