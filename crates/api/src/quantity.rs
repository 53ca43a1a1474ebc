//! Quantities of resources: `500m`, `128Mi`, `1e3`.

use crate::{Value, number};
use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::iter::Sum;
use std::ops::{Add, Neg, Sub};

/// What a text that is no quantity is refused with.
pub const FORMAT_WRONG: &str =
    "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'";
const SUFFIX_WRONG: &str = "unable to parse quantity's suffix";
const NUMERIC_WRONG: &str = "unable to parse numeric part of quantity";

const NANO: i128 = 1_000_000_000;
/// The greatest quantity that is told apart from greater ones, in nano units.
const MOST: i128 = 100_000_000_000_000_000_000 * NANO;
const DECIMAL: [(i32, &str); 10] =
    [(-9, "n"), (-6, "u"), (-3, "m"), (0, ""), (3, "k"), (6, "M"), (9, "G"), (12, "T"), (15, "P"), (18, "E")];
const BINARY: [(u32, &str); 6] = [(10, "Ki"), (20, "Mi"), (30, "Gi"), (40, "Ti"), (50, "Pi"), (60, "Ei")];

/// The family of suffixes that a quantity is written with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Format {
    /// `12e6`
    DecimalExponent,
    /// `12Mi`
    BinarySi,
    /// `12M`
    #[default]
    DecimalSi,
}

/// A quantity, exact to a thousand millionth. Equal ones may be written differently.
#[derive(Clone, Copy, Debug, Default)]
pub struct Quantity {
    nanos: i128,
    format: Format,
}

impl Quantity {
    /// Nothing.
    pub const ZERO: Quantity = Quantity { nanos: 0, format: Format::DecimalSi };

    /// Makes a quantity of whole units.
    pub fn new(units: i64, format: Format) -> Quantity {
        Quantity { nanos: i128::from(units) * NANO, format }
    }

    /// Makes a quantity of thousandths.
    pub fn from_milli(milli: i64, format: Format) -> Quantity {
        Quantity { nanos: i128::from(milli) * (NANO / 1_000), format }
    }

    /// Reads a quantity.
    ///
    /// # Errors
    /// Upstream's words where the text is none.
    // Models staging/src/k8s.io/apimachinery/pkg/api/resource/quantity.go ParseQuantity
    pub fn parse(text: &str) -> Result<Quantity, String> {
        let parts = Parts::split(text).ok_or(FORMAT_WRONG)?;
        let (scale, mut format) = interpret(parts.suffix).ok_or(SUFFIX_WRONG)?;
        let magnitude = parts.nanos(scale).ok_or(NUMERIC_WRONG)?;
        if format == Format::BinarySi && magnitude > 0 && magnitude < NANO {
            format = Format::DecimalSi;
        }
        let magnitude =
            if format == Format::BinarySi { magnitude.min(i128::from(i64::MAX) * NANO) } else { magnitude };
        Ok(Quantity { nanos: if parts.negative { -magnitude } else { magnitude }, format })
    }

    /// Reads a quantity as it stands in an object: a text or a number. Null is nothing.
    ///
    /// # Errors
    /// Upstream's words where it is none.
    pub fn from_value(value: &Value) -> Result<Quantity, String> {
        match value {
            Value::Null => Ok(Quantity::ZERO),
            Value::Str(text) => Quantity::parse(text.trim()),
            Value::Int(number) => Ok(Quantity::new(*number, Format::DecimalSi)),
            Value::Float(number) => Quantity::parse(&number::json(*number)),
            _ => Err(FORMAT_WRONG.to_string()),
        }
    }

    /// Returns the family of suffixes that it is written with.
    pub fn format(self) -> Format {
        self.format
    }

    /// Returns the exact amount in thousand millionths.
    pub fn nanos(self) -> i128 {
        self.nanos
    }

    /// Returns whole units, a fraction counted as one more.
    pub fn value(self) -> i64 {
        self.scaled(NANO)
    }

    /// Returns thousandths, a fraction of one counted as one more.
    pub fn milli_value(self) -> i64 {
        self.scaled(NANO / 1_000)
    }

    fn scaled(self, unit: i128) -> i64 {
        let whole = self.nanos.abs().div_euclid(unit) + i128::from(self.nanos.abs().rem_euclid(unit) != 0);
        i64::try_from(whole * self.nanos.signum()).unwrap_or(if self.nanos < 0 { i64::MIN } else { i64::MAX })
    }

    /// Returns whether it is nothing.
    pub fn is_zero(self) -> bool {
        self.nanos == 0
    }

    /// Returns -1, 0 or 1.
    pub fn sign(self) -> i32 {
        self.nanos.signum() as i32
    }
}

/// The parts of a written quantity.
struct Parts<'a> {
    negative: bool,
    whole: &'a str,
    fraction: &'a str,
    suffix: &'a str,
}

impl<'a> Parts<'a> {
    // Models staging/src/k8s.io/apimachinery/pkg/api/resource/quantity.go parseQuantityString
    fn split(text: &'a str) -> Option<Parts<'a>> {
        if text.is_empty() {
            return None;
        }
        let negative = text.starts_with('-');
        let rest = text.strip_prefix(['-', '+']).unwrap_or(text);
        let digits = |text: &'a str| {
            let end = text.find(|character: char| !character.is_ascii_digit()).unwrap_or(text.len());
            text.split_at(end)
        };
        let (whole, rest) = digits(rest);
        let (fraction, suffix) = rest.strip_prefix('.').map_or(("", rest), digits);
        let after_letters = suffix.trim_start_matches(|character| "eEinumkKMGTP".contains(character));
        let exponent = after_letters.strip_prefix(['-', '+']).unwrap_or(after_letters);
        let fits = exponent.bytes().all(|byte| byte.is_ascii_digit());
        fits.then_some(Parts { negative, whole, fraction, suffix })
    }

    /// Returns the size in nano units, rounded up; beyond all bounds, the greatest there is.
    fn nanos(&self, scale: Scale) -> Option<i128> {
        // More digits than these are beyond all bounds, or below a nano unit.
        const DIGITS: usize = 30;
        let whole = self.whole.trim_start_matches('0');
        if whole.len() > DIGITS {
            return Some(MOST);
        }
        let (fraction, cut) =
            self.fraction.split_at(self.fraction.len().min(DIGITS - whole.len().min(DIGITS)));
        let mut rest = cut.bytes().any(|byte| byte != b'0');
        let mantissa: i128 = match format!("0{whole}{fraction}").parse() {
            Ok(mantissa) => mantissa,
            Err(_) => return None,
        };
        if mantissa == 0 && !rest {
            return Some(0);
        }
        let (mut power, shift) = match scale {
            Scale::Decimal(power) => (power.saturating_add(9), 0),
            Scale::Binary(shift) => (9, shift),
        };
        power = power.saturating_sub(i32::try_from(fraction.len()).unwrap_or(i32::MAX));
        let mut amount = mantissa;
        for _ in 0..shift {
            amount = if amount > i128::MAX / 4 { return Some(MOST) } else { amount * 2 };
        }
        while power > 0 {
            power -= 1;
            if amount > MOST {
                return Some(MOST);
            }
            amount *= 10;
        }
        while power < 0 && amount > 0 {
            power += 1;
            rest |= amount % 10 != 0;
            amount /= 10;
        }
        Some((amount + i128::from(rest)).min(MOST))
    }
}

#[derive(Clone, Copy)]
enum Scale {
    Decimal(i32),
    Binary(u32),
}

// Models staging/src/k8s.io/apimachinery/pkg/api/resource/suffix.go interpret
fn interpret(suffix: &str) -> Option<(Scale, Format)> {
    if let Some((power, _)) = DECIMAL.iter().find(|(_, text)| *text == suffix) {
        return Some((Scale::Decimal(*power), Format::DecimalSi));
    }
    if let Some((shift, _)) = BINARY.iter().find(|(_, text)| *text == suffix) {
        return Some((Scale::Binary(*shift), Format::BinarySi));
    }
    let power: i64 = suffix.strip_prefix(['e', 'E'])?.parse().ok()?;
    let power = i32::try_from(power.clamp(-1_000, 1_000)).ok()?;
    Some((Scale::Decimal(power), Format::DecimalExponent))
}

impl fmt::Display for Quantity {
    // Models staging/src/k8s.io/apimachinery/pkg/api/resource/quantity.go CanonicalizeBytes
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.nanos == 0 {
            return f.write_str("0");
        }
        let small = self.nanos.abs() < 1_024 * NANO;
        if self.format == Format::BinarySi && !small && self.nanos % NANO == 0 {
            return write_binary(f, self.nanos / NANO);
        }
        let (mut mantissa, mut power) = (self.nanos, -9);
        while mantissa % 10 == 0 {
            mantissa /= 10;
            power += 1;
        }
        while power % 3 != 0 {
            mantissa *= 10;
            power -= 1;
        }
        let suffix = DECIMAL.iter().find(|(known, _)| *known == power);
        match (self.format, suffix) {
            (Format::DecimalExponent, _) if power == 0 => write!(f, "{mantissa}"),
            (Format::DecimalExponent, _) | (_, None) => write!(f, "{mantissa}e{power}"),
            (_, Some((_, suffix))) => write!(f, "{mantissa}{suffix}"),
        }
    }
}

fn write_binary(f: &mut fmt::Formatter<'_>, units: i128) -> fmt::Result {
    let (mut mantissa, mut shift) = (units, 0);
    while mantissa % 1_024 == 0 && shift < 60 {
        mantissa /= 1_024;
        shift += 10;
    }
    let suffix = BINARY.iter().find(|(known, _)| *known == shift).map_or("", |(_, suffix)| *suffix);
    write!(f, "{mantissa}{suffix}")
}

impl PartialEq for Quantity {
    fn eq(&self, other: &Quantity) -> bool {
        self.nanos == other.nanos
    }
}

impl Eq for Quantity {}

impl PartialOrd for Quantity {
    fn partial_cmp(&self, other: &Quantity) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Quantity {
    fn cmp(&self, other: &Quantity) -> Ordering {
        self.nanos.cmp(&other.nanos)
    }
}

impl Hash for Quantity {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.nanos.hash(state);
    }
}

impl Add for Quantity {
    type Output = Quantity;
    fn add(self, other: Quantity) -> Quantity {
        let format = if self.is_zero() && !other.is_zero() { other.format } else { self.format };
        Quantity { nanos: self.nanos.saturating_add(other.nanos), format }
    }
}

impl Sub for Quantity {
    type Output = Quantity;
    fn sub(self, other: Quantity) -> Quantity {
        self + -other
    }
}

impl Neg for Quantity {
    type Output = Quantity;
    fn neg(self) -> Quantity {
        Quantity { nanos: self.nanos.saturating_neg(), format: self.format }
    }
}

impl Sum for Quantity {
    fn sum<I: Iterator<Item = Quantity>>(quantities: I) -> Quantity {
        quantities.fold(Quantity::ZERO, Add::add)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree;

    #[test]
    fn reads_and_prints() {
        for (text, printed, value, milli) in [
            ("0", "0", 0, 0),
            ("1", "1", 1, 1_000),
            ("100m", "100m", 1, 100),
            ("0.5", "500m", 1, 500),
            ("1000m", "1", 1, 1_000),
            ("1500m", "1500m", 2, 1_500),
            ("1.5", "1500m", 2, 1_500),
            ("128Mi", "128Mi", 134_217_728, 134_217_728_000),
            ("1024Mi", "1Gi", 1 << 30, (1 << 30) * 1_000),
            ("1.5Gi", "1536Mi", 1_610_612_736, 1_610_612_736_000),
            ("0.5Ki", "512", 512, 512_000),
            ("1000Ki", "1000Ki", 1_024_000, 1_024_000_000),
            ("1.1Ki", "1126400m", 1_127, 1_126_400),
            ("1k", "1k", 1_000, 1_000_000),
            ("12345k", "12345k", 12_345_000, 12_345_000_000),
            ("1000000", "1M", 1_000_000, 1_000_000_000),
            ("1e3", "1e3", 1_000, 1_000_000),
            ("1E3", "1e3", 1_000, 1_000_000),
            ("12e2", "1200", 1_200, 1_200_000),
            ("1e-3", "1e-3", 1, 1),
            ("-5", "-5", -5, -5_000),
            ("+5", "5", 5, 5_000),
            ("1u", "1u", 1, 1),
            ("1n", "1n", 1, 1),
            ("0.1n", "1n", 1, 1),
            ("1E", "1E", 1_000_000_000_000_000_000, i64::MAX),
            ("8Ei", "9223372036854775807", i64::MAX, i64::MAX),
            ("00.10", "100m", 1, 100),
            ("5.", "5", 5, 5_000),
        ] {
            let quantity = Quantity::parse(text).unwrap();
            assert_eq!(quantity.to_string(), printed, "{text}");
            assert_eq!((quantity.value(), quantity.milli_value()), (value, milli), "{text}");
        }
        for (text, error) in [
            ("", FORMAT_WRONG),
            ("abc", FORMAT_WRONG),
            ("1 Gi", FORMAT_WRONG),
            ("1.2.3", FORMAT_WRONG),
            ("한글", FORMAT_WRONG),
            ("1Gb", FORMAT_WRONG),
            ("1mi", SUFFIX_WRONG),
            ("1KI", FORMAT_WRONG),
            ("1Kii", SUFFIX_WRONG),
            ("1e", SUFFIX_WRONG),
        ] {
            assert_eq!(Quantity::parse(text).unwrap_err(), error, "{text}");
        }
        for huge in [
            "9".repeat(500),
            format!("1e{}", "9".repeat(300)),
            format!("{}.{}Ei", "9".repeat(25), "9".repeat(99)),
        ] {
            let _ = Quantity::parse(&huge).map(|quantity| quantity.to_string());
        }
    }

    #[test]
    fn adds_in_the_first_ones_format() {
        let quantity = |text| Quantity::parse(text).unwrap();
        assert_eq!((quantity("1Gi") + quantity("512Mi")).to_string(), "1536Mi");
        assert_eq!((quantity("0") + quantity("512Mi")).to_string(), "512Mi");
        assert_eq!((quantity("1") - quantity("100m")).to_string(), "900m");
        assert_eq!(quantity("1000m"), quantity("1"));
        assert!(quantity("1Gi") > quantity("1G"));
        assert_eq!(Quantity::from_value(&tree!(0.5)), Ok(quantity("500m")));
        assert_eq!(Quantity::from_value(&tree!(2)), Ok(quantity("2")));
    }
}
