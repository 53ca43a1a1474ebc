//! Quantities, as validation and admission compare them.

use api::Value;
use std::cmp::Ordering;

const NANO: i128 = 1_000_000_000;

/// Returns a quantity in billionths; `None` where it is none.
pub(crate) fn nanos(value: &Value) -> Option<i128> {
    match value {
        Value::Int(number) => Some(i128::from(*number) * NANO),
        Value::Float(number) => parse(&number.to_string()),
        Value::Str(text) => parse(text),
        _ => None,
    }
}

/// Returns the quantity's text.
pub(crate) fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_json(), str::to_string)
}

/// Compares two quantities; what is none counts as zero.
pub(crate) fn compare(a: &Value, b: &Value) -> Ordering {
    nanos(a).unwrap_or(0).cmp(&nanos(b).unwrap_or(0))
}

fn parse(text: &str) -> Option<i128> {
    let end = text.find(|c: char| !c.is_ascii_digit() && !matches!(c, '.' | '+' | '-')).unwrap_or(text.len());
    let (number, suffix) = text.split_at(end);
    let (sign, digits) = match number.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, number.strip_prefix('+').unwrap_or(number)),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    if whole.is_empty() && fraction.is_empty() || fraction.len() > 18 || whole.len() > 20 {
        return None;
    }
    let scale = 10_i128.pow(fraction.len() as u32);
    let value: i128 = format!("{whole}{fraction}").parse().ok()?;
    let (factor, divisor) = suffix_factor(suffix)?;
    // Amounts below a billionth are rounded up.
    let (above, below) = (value.checked_mul(NANO)?.checked_mul(factor)?, scale * divisor);
    Some(sign * ((above + below - 1) / below))
}

fn suffix_factor(suffix: &str) -> Option<(i128, i128)> {
    let binary = |power: u32| Some((1_i128 << (10 * power), 1));
    let decimal = |power: u32| Some((10_i128.pow(power), 1));
    match suffix {
        "" => Some((1, 1)),
        "n" => Some((1, NANO)),
        "u" => Some((1, 1_000_000)),
        "m" => Some((1, 1_000)),
        "k" => decimal(3),
        "M" => decimal(6),
        "G" => decimal(9),
        "T" => decimal(12),
        "P" => decimal(15),
        "E" => decimal(18),
        "Ki" => binary(1),
        "Mi" => binary(2),
        "Gi" => binary(3),
        "Ti" => binary(4),
        "Pi" => binary(5),
        "Ei" => binary(6),
        _ => match suffix.strip_prefix(['e', 'E'])?.parse::<i32>().ok()? {
            power @ 0..=18 => decimal(power as u32),
            power @ -9..=-1 => Some((1, 10_i128.pow(power.unsigned_abs()))),
            _ => None,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_quantities() {
        for (text, nanos) in [
            ("1", Some(NANO)),
            ("500m", Some(NANO / 2)),
            ("1.5", Some(NANO * 3 / 2)),
            ("1Ki", Some(1024 * NANO)),
            ("-2k", Some(-2_000 * NANO)),
            ("1e3", Some(1_000 * NANO)),
            ("1n", Some(1)),
            ("", None),
            ("x", None),
            ("1X", None),
        ] {
            assert_eq!(super::nanos(&text.into()), nanos, "{text}");
        }
        assert_eq!(compare(&"1000m".into(), &"1".into()), Ordering::Equal);
    }
}
