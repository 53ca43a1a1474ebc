//! Positions: JavaScript counts UTF-16 units, Rust counts bytes.

/// Returns the byte offset of a position, at a character's border; past the end it is the length.
pub fn byte_offset(text: &str, position: u32) -> usize {
    let mut units = 0;
    for (offset, character) in text.char_indices() {
        if units >= position as usize {
            return offset;
        }
        units += character.len_utf16();
    }
    text.len()
}

/// Returns the position of a byte offset. Within a character, it is that character's end.
pub fn position(text: &str, byte_offset: usize) -> u32 {
    let units: usize = text
        .char_indices()
        .take_while(|(offset, _)| *offset < byte_offset)
        .map(|(_, character)| character.len_utf16())
        .sum();
    u32::try_from(units).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ways() {
        let text = "a\u{a0}파드𝄞z";
        for (units, bytes) in [(0, 0), (1, 1), (2, 3), (3, 6), (4, 9), (6, 13), (7, 14)] {
            assert_eq!(byte_offset(text, units), bytes);
            assert_eq!(position(text, bytes), units);
        }
        assert_eq!(byte_offset(text, 5), 13, "within a surrogate pair");
        assert_eq!(byte_offset(text, 99), 14);
        assert_eq!(position(text, 99), 7);
        assert_eq!(position(text, 2), 2, "within a character");
    }
}
