//! A node's resources in numbers that are read at a glance.

/// Returns an amount of a resource: processors of thousandths, memory of bytes, anything else as it is.
pub fn amount(resource: &str, number: i64) -> String {
    match resource {
        "cpu" if number % 1_000 == 0 => (number / 1_000).to_string(),
        "cpu" => format!("{number}m"),
        "memory" => memory(number),
        _ => number.to_string(),
    }
}

/// Returns bytes in the unit that leaves few digits.
fn memory(bytes: i64) -> String {
    const UNITS: [(&str, i64); 3] = [("Gi", 1 << 30), ("Mi", 1 << 20), ("Ki", 1 << 10)];
    let Some((unit, size)) = UNITS.iter().find(|(_, size)| bytes >= *size) else { return bytes.to_string() };
    let tenths = (bytes * 10 + size / 2) / size;
    match tenths % 10 {
        0 => format!("{}{unit}", tenths / 10),
        _ if tenths >= 1_000 => format!("{}{unit}", (tenths + 5) / 10),
        tenth => format!("{}.{tenth}{unit}", tenths / 10),
    }
}

/// Returns which part of a whole an amount is, in percent of 0 to 100.
pub fn part(amount: i64, whole: i64) -> f64 {
    if whole <= 0 { 0.0 } else { (amount as f64 * 100.0 / whole as f64).clamp(0.0, 100.0) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_short() {
        for (resource, number, text) in [
            ("cpu", 2_000, "2"),
            ("cpu", 250, "250m"),
            ("cpu", 0, "0"),
            ("memory", 0, "0"),
            ("memory", 70 << 20, "70Mi"),
            ("memory", 1_610_612_736, "1.5Gi"),
            ("memory", 3_900 << 20, "3.8Gi"),
            ("memory", 512, "512"),
            ("pods", 110, "110"),
        ] {
            assert_eq!(amount(resource, number), text);
        }
    }

    #[test]
    fn parts_stay_within_the_whole() {
        for (amount, whole, percent) in [(1, 4, 25.0), (9, 4, 100.0), (1, 0, 0.0)] {
            assert!((part(amount, whole) - percent).abs() < 1e-9);
        }
    }
}
