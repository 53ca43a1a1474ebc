/// What a scalar means.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Resolved {
    Null,
    Bool(bool),
    Int(i64),
    Uint(u64),
    Float(f64),
    /// A moment, which kubectl keeps as a text.
    Timestamp,
    Str,
}

impl Resolved {
    /// Returns the tag as go-yaml's messages write it.
    pub fn short_tag(&self) -> &'static str {
        match self {
            Resolved::Null => "!!null",
            Resolved::Bool(_) => "!!bool",
            Resolved::Int(_) | Resolved::Uint(_) => "!!int",
            Resolved::Float(_) => "!!float",
            Resolved::Timestamp => "!!timestamp",
            Resolved::Str => "!!str",
        }
    }
}

/// Returns what an unquoted scalar means in YAML 1.1.
// Models sigs.k8s.io/yaml/goyaml.v2/resolve.go resolve
pub(super) fn resolve(text: &str) -> Resolved {
    if let Some(resolved) = word(text) {
        return resolved;
    }
    match text.as_bytes().first() {
        Some(b'.') => parse_float(text).map_or(Resolved::Str, Resolved::Float),
        Some(b'+' | b'-' | b'0'..=b'9') => number(text),
        _ => Resolved::Str,
    }
}

fn word(text: &str) -> Option<Resolved> {
    Some(match text {
        "" | "~" | "null" | "Null" | "NULL" => Resolved::Null,
        "y" | "Y" | "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => {
            Resolved::Bool(true)
        }
        "n" | "N" | "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => {
            Resolved::Bool(false)
        }
        ".nan" | ".NaN" | ".NAN" => Resolved::Float(f64::NAN),
        ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF" => Resolved::Float(f64::INFINITY),
        "-.inf" | "-.Inf" | "-.INF" => Resolved::Float(f64::NEG_INFINITY),
        _ => return None,
    })
}

fn number(text: &str) -> Resolved {
    if is_timestamp(text) {
        return Resolved::Timestamp;
    }
    let plain = text.replace('_', "");
    if let Some(resolved) = integer(&plain) {
        return resolved;
    }
    if is_yaml_float(&plain) {
        return parse_float(&plain).map_or(Resolved::Str, Resolved::Float);
    }
    Resolved::Str
}

/// Reads a whole number with Go's prefixes: `0x`, `0o`, `0b`, and `0` alone for octal.
fn integer(text: &str) -> Option<Resolved> {
    let (negative, digits) = match text.as_bytes().first()? {
        b'-' => (true, text.get(1..)?),
        b'+' => (false, text.get(1..)?),
        _ => (false, text),
    };
    let lower = digits.get(..2).map(str::to_ascii_lowercase);
    let (radix, digits) = match lower.as_deref() {
        Some("0x") => (16, digits.get(2..)?),
        Some("0o") => (8, digits.get(2..)?),
        Some("0b") => (2, digits.get(2..)?),
        Some(prefix) if prefix.starts_with('0') => (8, digits.get(1..)?),
        _ => (10, digits),
    };
    if digits.is_empty() || digits.starts_with(['+', '-']) {
        return None;
    }
    let magnitude = u64::from_str_radix(digits, radix).ok()?;
    if negative {
        return 0_i64.checked_sub_unsigned(magnitude).map(Resolved::Int);
    }
    let signed_text = text.starts_with('+');
    match i64::try_from(magnitude) {
        Ok(number) => Some(Resolved::Int(number)),
        Err(_) if signed_text => None,
        Err(_) => Some(Resolved::Uint(magnitude)),
    }
}

/// Whether it is `[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?`.
fn is_yaml_float(text: &str) -> bool {
    let text = text.strip_prefix(['-', '+']).unwrap_or(text);
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent.strip_prefix(['-', '+']).unwrap_or(exponent))),
        None => (text, None),
    };
    let mantissa_fits = match mantissa.split_once('.') {
        Some(("", fraction)) => digits(fraction),
        Some((whole, fraction)) => digits(whole) && (fraction.is_empty() || digits(fraction)),
        None => digits(mantissa),
    };
    mantissa_fits && exponent.is_none_or(digits)
}

fn parse_float(text: &str) -> Option<f64> {
    let decimal = text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'.' | b'e' | b'E' | b'+' | b'-'));
    // Go refuses what is out of range.
    text.parse::<f64>().ok().filter(|number| decimal && number.is_finite())
}

/// Whether it is a moment as go-yaml reads one: a date, or a date and a time of day.
// Models sigs.k8s.io/yaml/goyaml.v2/resolve.go parseTimestamp
pub(super) fn is_timestamp(text: &str) -> bool {
    let Some(rest) = after_date(text) else {
        return false;
    };
    if rest.is_empty() {
        return true;
    }
    let (clock, after_blank) = match (rest.strip_prefix(['T', 't']), rest.strip_prefix(' ')) {
        (Some(clock), _) => (clock, false),
        (_, Some(clock)) => (clock, true),
        _ => return false,
    };
    is_clock(clock, after_blank)
}

/// Returns what follows a date `2006-1-2`.
fn after_date(text: &str) -> Option<&str> {
    let year = text.get(..4).filter(|year| year.bytes().all(|byte| byte.is_ascii_digit()))?;
    let rest = text.get(4..)?.strip_prefix('-')?;
    let (month, rest) = one_or_two_digits(rest)?;
    let (day, rest) = one_or_two_digits(rest.strip_prefix('-')?)?;
    let year: u32 = year.parse().ok()?;
    let leap = year.is_multiple_of(4) && !year.is_multiple_of(100) || year.is_multiple_of(400);
    let days = match month {
        2 if leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => return None,
    };
    (1..=days).contains(&day).then_some(rest)
}

fn one_or_two_digits(text: &str) -> Option<(u32, &str)> {
    let length = text.bytes().take(2).take_while(u8::is_ascii_digit).count();
    let number = text.get(..length)?.parse().ok()?;
    Some((number, text.get(length..)?))
}

/// Whether it is `15:4:5.999999999` with a zone `Z` or `-07:00`; after a blank, without a zone.
fn is_clock(text: &str, after_blank: bool) -> bool {
    let Some(zone) = after_clock(text) else {
        return false;
    };
    if after_blank {
        return zone.is_empty();
    }
    if zone == "Z" {
        return true;
    }
    let Some((hours, minutes)) = zone.strip_prefix(['+', '-']).and_then(|zone| zone.split_once(':')) else {
        return false;
    };
    let two = |text: &str| text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit());
    two(hours) && two(minutes)
}

fn after_clock(text: &str) -> Option<&str> {
    let (hour, rest) = one_or_two_digits(text)?;
    let (minute, rest) = one_or_two_digits(rest.strip_prefix(':')?)?;
    let (second, rest) = one_or_two_digits(rest.strip_prefix(':')?)?;
    let rest = match rest.strip_prefix('.') {
        Some(fraction) => fraction.trim_start_matches(|digit: char| digit.is_ascii_digit()),
        None => rest,
    };
    (hour < 24 && minute < 60 && second < 60).then_some(rest)
}

/// Whether YAML 1.1 could take it for a number of base 60: `[-+]?[0-9][0-9_]*(:[0-5]?[0-9])+(\.[0-9_]*)?`.
// Models sigs.k8s.io/yaml/goyaml.v2/encode.go isBase60Float
pub(super) fn is_base_60(text: &str) -> bool {
    let text = text.strip_prefix(['-', '+']).unwrap_or(text);
    let mut parts = text.split(':').peekable();
    let Some(first) = parts.next() else {
        return false;
    };
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'_');
    if !first.starts_with(|digit: char| digit.is_ascii_digit()) || !digits(first) || parts.peek().is_none() {
        return false;
    }
    while let Some(part) = parts.next() {
        let part = match part.split_once('.') {
            Some((part, fraction)) if parts.peek().is_none() && digits(fraction) => part,
            Some(_) => return false,
            None => part,
        };
        let fits = match part.as_bytes() {
            [one] => one.is_ascii_digit(),
            [ten, one] => (b'0'..=b'5').contains(ten) && one.is_ascii_digit(),
            _ => false,
        };
        if !fits {
            return false;
        }
    }
    true
}
