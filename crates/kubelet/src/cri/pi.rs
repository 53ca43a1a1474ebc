//! What the documentation's Job computes: `perl -Mbignum=bpi -wle 'print bpi(2000)'`.

use sim::{MILLISECOND, Nanos};
use std::rc::Rc;

/// The most digits that are computed.
const MOST: u32 = 10_000;
/// How long a processor works on a digit.
const DIGIT: Nanos = 4 * MILLISECOND;
/// What a limb of a number holds.
const BASE: u64 = 1_000_000_000;
/// How many digits that are.
const LIMB: usize = 9;
/// How many limbs there are beyond those that are wanted, against errors of rounding.
const GUARDS: usize = 2;

/// Returns how many digits of pi a command asks for.
pub fn asked(argv: &[Rc<str>]) -> Option<u32> {
    let text = argv.iter().find_map(|word| word.split_once("bpi("))?.1;
    let digits: u32 = text.split(')').next()?.trim().parse().ok()?;
    Some(digits.clamp(1, MOST))
}

/// Returns how long that takes.
pub fn takes(digits: u32) -> Nanos {
    i64::from(digits) * DIGIT
}

/// Returns pi with so many digits, the last one rounded, by Machin's formula.
pub fn pi(digits: u32) -> String {
    let digits = digits as usize;
    let limbs = digits / LIMB + GUARDS;
    let five = arctan(5, 16, limbs);
    let far = arctan(239, 4, limbs);
    let mut number = five;
    subtract(&mut number, &far);
    let mut text: String = number.iter().skip(1).map(|limb| format!("{limb:09}")).collect();
    text.insert_str(0, &number.first().copied().unwrap_or(0).to_string());
    let round_up = text.as_bytes().get(digits).is_some_and(|digit| *digit >= b'5');
    let mut kept: Vec<u8> = text.bytes().take(digits).collect();
    for digit in kept.iter_mut().rev().take_while(|_| round_up) {
        if *digit < b'9' {
            *digit += 1;
            break;
        }
        *digit = b'0';
    }
    let text: String = kept.into_iter().map(char::from).collect();
    match text.split_at_checked(1) {
        Some((whole, rest)) if !rest.is_empty() => format!("{whole}.{rest}"),
        _ => text,
    }
}

/// Returns `times * arctan(1 / of)`: a whole limb, then fractions.
fn arctan(of: u64, times: u64, limbs: usize) -> Vec<u64> {
    let mut power = vec![0; limbs + 1];
    power[0] = times;
    divide(&mut power, of);
    let mut sum = power.clone();
    let mut n = 1;
    while power.iter().any(|limb| *limb != 0) {
        divide(&mut power, of * of);
        n += 2;
        let mut term = power.clone();
        divide(&mut term, n);
        match n % 4 {
            3 => subtract(&mut sum, &term),
            _ => add(&mut sum, &term),
        }
    }
    sum
}

fn divide(number: &mut [u64], by: u64) {
    let mut rest = 0;
    for limb in number {
        let whole = rest * BASE + *limb;
        (*limb, rest) = (whole / by, whole % by);
    }
}

fn add(number: &mut [u64], other: &[u64]) {
    let mut carry = 0;
    for (limb, other) in number.iter_mut().zip(other).rev() {
        let sum = *limb + other + carry;
        (*limb, carry) = (sum % BASE, sum / BASE);
    }
}

fn subtract(number: &mut [u64], other: &[u64]) {
    let mut borrowed = 0;
    for (limb, other) in number.iter_mut().zip(other).rev() {
        let less = other + borrowed;
        borrowed = u64::from(*limb < less);
        *limb = *limb + borrowed * BASE - less;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_those_of_pi() {
        assert_eq!(pi(1), "3");
        assert_eq!(pi(5), "3.1416");
        assert_eq!(pi(50), "3.1415926535897932384626433832795028841971693993751");
        // The documentation's Job: its log ends so.
        let text = pi(2_000);
        assert_eq!(text.len(), 2_001);
        assert!(text.ends_with("658326459958133904780275901"), "{}", &text[1_950..]);
        assert!(pi(762).ends_with("0721135"), "rounded");
        assert!(pi(768).ends_with("721135000000"), "six nines are rounded away");
    }

    #[test]
    fn reads_what_is_asked() {
        let argv = |line: &str| line.split('|').map(Rc::from).collect::<Vec<Rc<str>>>();
        for (line, digits) in [
            ("perl|-Mbignum=bpi|-wle|print bpi(2000)", Some(2_000)),
            ("perl|-Mbignum=bpi|-wle|print bpi(0)", Some(1)),
            ("perl|-e|print bpi(99999999)", Some(MOST)),
            ("perl|-e|print 1", None),
            ("perl|-e|bpi(x)", None),
        ] {
            assert_eq!(asked(&argv(line)), digits, "{line}");
        }
    }
}
