//! Comparing names: most have up to 16 bytes, and a call for so few costs more than they do.

use std::cmp::Ordering;

/// Returns whether both texts are equal.
#[inline]
pub fn is_same(a: &str, b: &str) -> bool {
    a.len() == b.len() && Name::of(b).is_same(a)
}

/// Compares two texts by their bytes.
#[inline]
pub fn compare(a: &str, b: &str) -> Ordering {
    let (a, b) = (a.as_bytes(), b.as_bytes());
    head(a).cmp(&head(b)).then_with(|| a.cmp(b))
}

/// A name that is looked for among others.
#[derive(Clone, Copy)]
pub(crate) struct Name<'a> {
    text: &'a [u8],
    head: u64,
    tail: u64,
}

impl<'a> Name<'a> {
    #[inline]
    pub(crate) fn of(text: &'a str) -> Name<'a> {
        let text = text.as_bytes();
        Name { text, head: head(text), tail: tail(text) }
    }

    /// Returns a number in which hardly any two names agree.
    #[inline]
    pub(crate) fn sign(self) -> u32 {
        const ODD: u64 = 0x9e37_79b9_7f4a_7c15;
        let mixed = self.head ^ self.tail.rotate_left(29) ^ self.text.len() as u64;
        (mixed.wrapping_mul(ODD) >> 32) as u32
    }

    /// Compares two names by their bytes.
    #[inline]
    pub(crate) fn order(self, other: Name) -> Ordering {
        self.head.cmp(&other.head).then_with(|| self.text.cmp(other.text))
    }

    /// Returns whether another name is the same.
    #[inline]
    pub(crate) fn is_name(self, other: Name) -> bool {
        self.head == other.head
            && self.tail == other.tail
            && self.text.len() == other.text.len()
            && (self.text.len() <= 16 || self.text == other.text)
    }

    /// Returns whether another name is the same.
    #[inline]
    pub(crate) fn is_same(self, other: &str) -> bool {
        let other = other.as_bytes();
        other.len() == self.text.len()
            && head(other) == self.head
            && (other.len() <= 8 || tail(other) == self.tail && (other.len() <= 16 || other == self.text))
    }
}

/// Returns the first eight bytes as a number that sorts as they do; those that aren't there are zero.
#[inline]
pub(crate) fn head(text: &[u8]) -> u64 {
    if let Some(bytes) = text.first_chunk::<8>() {
        return u64::from_be_bytes(*bytes);
    }
    if let (Some(first), Some(last)) = (text.first_chunk::<4>(), text.last_chunk::<4>()) {
        // The bytes that both have fall on the same place.
        let absent = 8 * (8 - text.len() as u32);
        return u64::from(u32::from_be_bytes(*first)) << 32 | u64::from(u32::from_be_bytes(*last)) << absent;
    }
    match *text {
        [a] => u64::from(a) << 56,
        [a, b] => u64::from(a) << 56 | u64::from(b) << 48,
        [a, b, c] => u64::from(a) << 56 | u64::from(b) << 48 | u64::from(c) << 40,
        _ => 0,
    }
}

/// Returns the last eight bytes as a number, of a shorter text zero.
#[inline]
fn tail(text: &[u8]) -> u64 {
    text.last_chunk::<8>().map_or(0, |bytes| u64::from_be_bytes(*bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_compare_as_their_bytes_do() {
        let long = "a".repeat(70);
        let names = [
            "",
            "a",
            "b",
            "ab",
            "abc",
            "abd",
            "abcd",
            "abce",
            "abcde",
            "abcdefg",
            "abcdefh",
            "abcdefgh",
            "abcdefghi",
            "abcdefgz",
            "kind",
            "name",
            "image",
            "initialDelaySeconds",
            "initialDelayMinutes",
            "status.phase-of-a",
            "status.phase-or-a",
            "a\0",
            "a\0\0",
            "\u{e9}",
            "\u{fffd}x",
            long.as_str(),
        ];
        for a in names {
            for b in names {
                assert_eq!(is_same(a, b), a == b, "{a:?} {b:?}");
                assert_eq!(compare(a, b), a.cmp(b), "{a:?} {b:?}");
            }
        }
    }
}
