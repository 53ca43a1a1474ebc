use api::Value;

/// Which way a percentage's fraction goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Round {
    Up,
    Down,
}

/// Returns the number that a whole number or a percentage of `total` says; `None` for anything else.
// Models staging/src/k8s.io/apimachinery/pkg/util/intstr/intstr.go GetScaledValueFromIntOrPercent
pub(crate) fn scaled(value: &Value, total: i64, round: Round) -> Option<i64> {
    if let Some(number) = value.as_int() {
        return Some(number);
    }
    let percent: i64 = value.as_str()?.strip_suffix('%')?.parse().ok()?;
    let product = percent.checked_mul(total)?;
    Some(match round {
        Round::Up => -(-product).div_euclid(100),
        Round::Down => product.div_euclid(100),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use api::tree;

    #[test]
    fn scales_percentages() {
        for (value, total, up, down) in [
            (tree!(3), 10, Some(3), Some(3)),
            (tree!("25%"), 4, Some(1), Some(1)),
            (tree!("25%"), 3, Some(1), Some(0)),
            (tree!("25%"), 10, Some(3), Some(2)),
            (tree!("0%"), 10, Some(0), Some(0)),
            (tree!("100%"), 7, Some(7), Some(7)),
            (tree!("5"), 7, None, None),
            (tree!(null), 7, None, None),
        ] {
            assert_eq!(scaled(&value, total, Round::Up), up, "{value:?} of {total} up");
            assert_eq!(scaled(&value, total, Round::Down), down, "{value:?} of {total} down");
        }
    }
}
