use super::exec::{is_true, text};
use crate::text::{quote, unbase64};
use api::Value;
use std::cmp::Ordering;

const NAMES: &[&str] = &[
    "and",
    "or",
    "not",
    "len",
    "index",
    "print",
    "println",
    "printf",
    "eq",
    "ne",
    "lt",
    "le",
    "gt",
    "ge",
    "html",
    "js",
    "urlquery",
    "exists",
    "base64decode",
];

/// Returns whether a template may call it.
pub(super) fn is_known(name: &str) -> bool {
    NAMES.contains(&name)
}

/// Calls a function.
pub(super) fn call(name: &str, arguments: &[Value]) -> Result<Value, String> {
    let first = arguments.first().cloned().unwrap_or_default();
    let wrong = || format!("error calling {name}: wrong number of args");
    Ok(match name {
        "and" => {
            arguments.iter().find(|value| !is_true(value)).or(arguments.last()).cloned().unwrap_or_default()
        }
        "or" => {
            arguments.iter().find(|value| is_true(value)).or(arguments.last()).cloned().unwrap_or_default()
        }
        "not" => (!is_true(&first)).into(),
        "len" => length(&first)?.into(),
        "index" => arguments.iter().skip(1).try_fold(first, |value, key| index(&value, key))?,
        "print" => arguments.iter().map(text).collect::<String>().into(),
        "println" => {
            let words: Vec<String> = arguments.iter().map(text).collect();
            format!("{}\n", words.join(" ")).into()
        }
        "printf" => printf(first.str(), arguments.get(1..).unwrap_or(&[])).into(),
        "eq" => {
            let (one, others) = arguments.split_first().ok_or_else(wrong)?;
            others.iter().any(|other| same(one, other)).into()
        }
        "ne" => (!same(&first, arguments.get(1).ok_or_else(wrong)?)).into(),
        "lt" | "le" | "gt" | "ge" => {
            let order = order(&first, arguments.get(1).ok_or_else(wrong)?)
                .ok_or_else(|| format!("error calling {name}: incompatible types for comparison"))?;
            match name {
                "lt" => order == Ordering::Less,
                "le" => order != Ordering::Greater,
                "gt" => order == Ordering::Greater,
                _ => order != Ordering::Less,
            }
            .into()
        }
        "html" => escape(&text(&first)).into(),
        "base64decode" => match unbase64(first.str()) {
            Some(bytes) => String::from_utf8_lossy(&bytes).into_owned().into(),
            None => return Err("error calling base64decode: illegal base64 data".to_string()),
        },
        "exists" => arguments
            .iter()
            .skip(1)
            .try_fold(first, |value, key| index(&value, key).ok().filter(|found| !found.is_null()))
            .is_some()
            .into(),
        _ => text(&first).into(),
    })
}

fn length(value: &Value) -> Result<usize, String> {
    match value {
        Value::Str(text) => Ok(text.len()),
        Value::List(items) => Ok(items.len()),
        Value::Map(map) => Ok(map.len()),
        Value::Null => Err("error calling len: len of nil pointer".to_string()),
        other => Err(format!("error calling len: len of type {}", crate::text::go_type(other))),
    }
}

fn index(value: &Value, key: &Value) -> Result<Value, String> {
    match (value, key) {
        (Value::Map(map), Value::Str(key)) => Ok(map.get(key).cloned().unwrap_or_default()),
        (Value::List(items), Value::Int(i)) => {
            let found = usize::try_from(*i).ok().and_then(|i| items.get(i));
            found.cloned().ok_or_else(|| format!("error calling index: index out of range: {i}"))
        }
        (Value::Null, _) => Err("error calling index: index of untyped nil".to_string()),
        _ => Err("error calling index: cannot index slice/array with type string".to_string()),
    }
}

fn same(a: &Value, b: &Value) -> bool {
    a == b || order(a, b) == Some(Ordering::Equal)
}

fn order(a: &Value, b: &Value) -> Option<Ordering> {
    let number = |value: &Value| match value {
        Value::Int(number) => Some(*number as f64),
        Value::Float(number) => Some(*number),
        _ => None,
    };
    match (a, b) {
        (Value::Str(a), Value::Str(b)) => Some(a.cmp(b)),
        _ => number(a)?.partial_cmp(&number(b)?),
    }
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&#34;")
        .replace('\'', "&#39;")
}

fn printf(format: &str, arguments: &[Value]) -> String {
    let mut out = String::new();
    let mut arguments = arguments.iter();
    let mut chars = format.chars().peekable();
    while let Some(c) = chars.next() {
        if c != '%' {
            out.push(c);
            continue;
        }
        let mut flags = String::new();
        while let Some(flag) = chars.next_if(|c| matches!(c, '-' | '+' | '0'..='9' | '.')) {
            flags.push(flag);
        }
        let Some(verb) = chars.next() else {
            out.push_str("%!(NOVERB)");
            break;
        };
        if verb == '%' {
            out.push('%');
            continue;
        }
        let Some(argument) = arguments.next() else {
            out.push_str(&format!("%!{verb}(MISSING)"));
            continue;
        };
        let word = match (verb, argument) {
            ('q', value) => quote(&text(value)),
            ('s' | 'd', Value::Int(_) | Value::Float(_)) => format!("%!{verb}(float64={})", text(argument)),
            (_, value) => text(value),
        };
        out.push_str(&padded(&word, &flags));
    }
    out
}

fn padded(word: &str, flags: &str) -> String {
    let left = flags.starts_with('-');
    let digits = flags.trim_start_matches('-').split('.').next().unwrap_or("");
    let width = digits.parse().unwrap_or(0_usize).min(1_000);
    if left { format!("{word:<width$}") } else { format!("{word:>width$}") }
}
