//! Values that are a number or a percentage (`maxSurge: 25%`), and ports that are a number or a name.

use crate::Value;

/// Which way a fraction goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Rounding {
    /// To the smaller number, as for `maxUnavailable`.
    Down,
    /// To the greater number, as for `maxSurge`.
    Up,
}

/// Returns the number, or that percentage of `total`.
///
/// # Errors
/// Upstream's words where it is neither.
// Models staging/src/k8s.io/apimachinery/pkg/util/intstr/intstr.go GetScaledValueFromIntOrPercent
pub fn scaled(value: &Value, total: i64, rounding: Rounding) -> Result<i64, String> {
    match value {
        Value::Null => Err("nil value for IntOrString".to_string()),
        Value::Int(number) => Ok(*number),
        Value::Str(text) => {
            let percent =
                percentage(text).map_err(|error| format!("invalid value for IntOrString: {error}"))?;
            let scaled = i128::from(percent) * i128::from(total);
            let whole = match rounding {
                Rounding::Down => scaled.div_euclid(100),
                Rounding::Up => -(-scaled).div_euclid(100),
            };
            Ok(i64::try_from(whole).unwrap_or(if whole < 0 { i64::MIN } else { i64::MAX }))
        }
        _ => Err("invalid value for IntOrString: invalid type: neither int nor percentage".to_string()),
    }
}

fn percentage(text: &str) -> Result<i64, String> {
    let Some(number) = text.strip_suffix('%') else {
        return Err("invalid type: string is not a percentage".to_string());
    };
    number.parse().map_err(|_| {
        let trouble = if number.bytes().all(|byte| byte.is_ascii_digit()) && !number.is_empty() {
            "value out of range"
        } else {
            "invalid syntax"
        };
        format!("invalid value {text:?}: strconv.Atoi: parsing {number:?}: {trouble}")
    })
}

/// Returns a Deployment's (maxSurge, maxUnavailable) for that many replicas. Never both are 0.
///
/// # Errors
/// Upstream's words where one is neither a number nor a percentage.
// Models pkg/controller/deployment/util/deployment_util.go ResolveFenceposts
pub fn fenceposts(max_surge: &Value, max_unavailable: &Value, desired: i64) -> Result<(i64, i64), String> {
    let or_zero = |value: &Value| if value.is_null() { Value::Int(0) } else { value.clone() };
    let surge = scaled(&or_zero(max_surge), desired, Rounding::Up)?;
    let unavailable = scaled(&or_zero(max_unavailable), desired, Rounding::Down)?;
    // Validation forbids two zeros, but percentages may round to them.
    Ok(if surge == 0 && unavailable == 0 { (0, 1) } else { (surge, unavailable) })
}

/// Returns the value as it is printed: `25%`, `1`, `http`.
pub fn text(value: &Value) -> String {
    match value {
        Value::Str(text) => text.to_string(),
        Value::Null => "0".to_string(),
        other => other.to_json(),
    }
}

/// Returns whether the text is a percentage (`[0-9]+%`).
pub fn is_percentage(text: &str) -> bool {
    text.strip_suffix('%')
        .is_some_and(|digits| !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree;

    #[test]
    fn scales_percentages() {
        for (value, total, down, up) in [
            (tree!("25%"), 4, 1, 1),
            (tree!("25%"), 10, 2, 3),
            (tree!("25%"), 3, 0, 1),
            (tree!("0%"), 3, 0, 0),
            (tree!("150%"), 3, 4, 5),
            (tree!(3), 100, 3, 3),
        ] {
            assert_eq!(scaled(&value, total, Rounding::Down), Ok(down), "{value:?}");
            assert_eq!(scaled(&value, total, Rounding::Up), Ok(up), "{value:?}");
        }
        for (value, error) in [
            (tree!("3"), "invalid value for IntOrString: invalid type: string is not a percentage"),
            (
                tree!("x%"),
                "invalid value for IntOrString: invalid value \"x%\": strconv.Atoi: parsing \"x\": invalid syntax",
            ),
        ] {
            assert_eq!(scaled(&value, 1, Rounding::Up).unwrap_err(), error);
        }
    }

    #[test]
    fn resolves_fenceposts() {
        for (surge, unavailable, desired, expected) in [
            (tree!("25%"), tree!("25%"), 4, (1, 1)),
            (tree!("25%"), tree!("25%"), 1, (1, 0)),
            (tree!(3), tree!(3), 4, (3, 3)),
            (tree!("0%"), tree!("10%"), 4, (0, 1)),
            (tree!(null), tree!(1), 4, (0, 1)),
        ] {
            assert_eq!(fenceposts(&surge, &unavailable, desired), Ok(expected));
        }
    }
}
