//! KYAML: YAML in braces, every text in quotes.
// Models sigs.k8s.io/yaml/kyaml/kyaml.go

use api::{Map, Value};

/// Prints an object as a KYAML document.
pub(crate) fn print(value: &Value) -> String {
    let mut out = "---\n".to_string();
    node(value, 0, &mut out);
    out.push('\n');
    out
}

fn indent(level: usize, out: &mut String) {
    out.push_str(&"  ".repeat(level));
}

fn node(value: &Value, level: usize, out: &mut String) {
    match value {
        Value::Map(map) => mapping(map, level, out),
        Value::List(items) => sequence(items, level, out),
        Value::Str(text) => string(text, level + 1, out),
        other => out.push_str(&other.to_json()),
    }
}

fn mapping(map: &Map, level: usize, out: &mut String) {
    if map.is_empty() {
        return out.push_str("{}");
    }
    out.push_str("{\n");
    for (key, value) in map.iter() {
        indent(level + 1, out);
        if needs_quotes(key) {
            string(key, level + 2, out)
        } else {
            out.push_str(key)
        }
        out.push_str(": ");
        node(value, level + 1, out);
        out.push_str(",\n");
    }
    indent(level, out);
    out.push('}');
}

fn sequence(items: &[Value], level: usize, out: &mut String) {
    if items.is_empty() {
        return out.push_str("[]");
    }
    if items.iter().all(|item| matches!(item, Value::Map(_) | Value::List(_))) {
        out.push('[');
        for (i, item) in items.iter().enumerate() {
            if i > 0 {
                out.push_str(", ");
            }
            node(item, level, out);
        }
        return out.push(']');
    }
    out.push_str("[\n");
    for item in items {
        indent(level + 1, out);
        node(item, level + 1, out);
        out.push_str(",\n");
    }
    indent(level, out);
    out.push(']');
}

/// Writes a text in quotes; one of several lines over several lines.
fn string(text: &str, level: usize, out: &mut String) {
    let folds = text.contains('\n');
    out.push('"');
    if folds {
        out.push_str("\\\n");
    }
    for c in text.chars() {
        if out.ends_with("\\\n") && folds {
            indent(level, out);
            // Leading blanks would be lost without a mark.
            out.push(if c.is_whitespace() && c != '\n' { '\\' } else { ' ' });
        }
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            '\n' => out.push_str("\\n\\\n"),
            '\t' => out.push_str("\\t"),
            '\r' => out.push_str("\\r"),
            '\0' => out.push_str("\\0"),
            '\u{7}' => out.push_str("\\a"),
            '\u{8}' => out.push_str("\\b"),
            '\u{b}' => out.push_str("\\v"),
            '\u{c}' => out.push_str("\\f"),
            '\u{1b}' => out.push_str("\\e"),
            '\u{85}' => out.push_str("\\N"),
            '\u{a0}' => out.push_str("\\_"),
            '\u{2028}' => out.push_str("\\L"),
            '\u{2029}' => out.push_str("\\P"),
            c if c.is_control() => out.push_str(&format!("\\x{:02x}", u32::from(c))),
            c => out.push(c),
        }
    }
    if folds {
        if !out.ends_with("\\\n") {
            out.push_str("\\\n");
        }
        indent(level, out);
    }
    out.push('"');
}

/// Returns whether a key would be read as something else without quotes.
fn needs_quotes(key: &str) -> bool {
    let last = key.chars().count().saturating_sub(1);
    let fits = |(i, c): (usize, char)| {
        c.is_alphanumeric() || c == '_' || i > 0 && i < last && matches!(c, '-' | '.' | '/')
    };
    const WORDS: &[&str] = &["null", "t", "true", "y", "yes", "on", "f", "false", "n", "no", "off"];
    let plain = key.replace('_', "");
    let digits = plain.strip_prefix("0x").or(plain.strip_prefix("0X"));
    let is_number = plain.parse::<f64>().is_ok()
        || digits.is_some_and(|rest| i64::from_str_radix(rest, 16).is_ok())
        || plain.strip_prefix("0b").is_some_and(|rest| i64::from_str_radix(rest, 2).is_ok())
        || plain.strip_prefix("0o").is_some_and(|rest| i64::from_str_radix(rest, 8).is_ok());
    let is_date = key.len() >= 8
        && key.split('-').count() == 3
        && key.split('-').all(|part| part.chars().all(|c| c.is_ascii_digit()));
    key.is_empty()
        || WORDS.contains(&key.to_lowercase().as_str())
        || is_number
        || is_date
        || !key.chars().enumerate().all(fits)
}

#[cfg(test)]
mod tests {
    use super::*;
    use api::tree;

    #[test]
    fn prints_braces_and_quotes() {
        let object = tree!({
            "a": "x",
            "args": ["b", 1, true, null],
            "empty": {},
            "list": [{"x": 1}, {"x": 2}],
            "no": "two\n  lines\n",
            "none": [],
            "app.kubernetes.io/name": "q\"t",
            "1": "one",
            "-x": "y",
        });
        let want = r#"---
{
  a: "x",
  args: [
    "b",
    1,
    true,
    null,
  ],
  empty: {},
  list: [{
    x: 1,
  }, {
    x: 2,
  }],
  "no": "\
     two\n\
    \  lines\n\
    ",
  none: [],
  app.kubernetes.io/name: "q\"t",
  "1": "one",
  "-x": "y",
}
"#;
        let mut lines: Vec<String> = print(&object).lines().map(str::to_string).collect();
        let mut wanted: Vec<String> = want.lines().map(str::to_string).collect();
        // The order of keys is the tree's.
        lines.sort();
        wanted.sort();
        assert_eq!(lines, wanted);
    }
}
