//! The encoding that certificates have: a tag, a length and the content, one within the other.

/// A whole number.
pub(super) const INTEGER: u8 = 0x02;
/// Bits; whole bytes here.
pub(super) const BITS: u8 = 0x03;
/// Bytes.
pub(super) const OCTETS: u8 = 0x04;
/// The number of an algorithm, an attribute or an extension.
pub(super) const OBJECT: u8 = 0x06;
/// A text in UTF-8.
pub(super) const UTF8: u8 = 0x0c;
/// A list in order.
pub(super) const SEQUENCE: u8 = 0x30;
/// A list without order.
pub(super) const SET: u8 = 0x31;
/// A moment before 2050, its year in two digits.
pub(super) const UTC_TIME: u8 = 0x17;
/// A moment.
pub(super) const GENERALIZED_TIME: u8 = 0x18;
/// A field that is known by its place: the first.
pub(super) const FIELD_0: u8 = 0xa0;
/// A certificate's extensions.
pub(super) const FIELD_3: u8 = 0xa3;

/// Writes one element.
pub(super) fn element(tag: u8, content: &[u8]) -> Vec<u8> {
    let mut bytes = vec![tag];
    match content.len() {
        short @ 0..128 => bytes.push(short as u8),
        long => {
            let length: Vec<u8> = long.to_be_bytes().into_iter().skip_while(|byte| *byte == 0).collect();
            bytes.push(0x80 | length.len() as u8);
            bytes.extend(length);
        }
    }
    bytes.extend_from_slice(content);
    bytes
}

/// Writes a list.
pub(super) fn sequence(parts: &[Vec<u8>]) -> Vec<u8> {
    element(SEQUENCE, &parts.concat())
}

/// Writes a whole number that isn't negative, given in big-endian bytes.
pub(super) fn integer(bytes: &[u8]) -> Vec<u8> {
    let start = bytes.iter().position(|byte| *byte != 0).unwrap_or(bytes.len().saturating_sub(1));
    let mut content = bytes.get(start..).unwrap_or_default().to_vec();
    if content.first().is_none_or(|byte| byte & 0x80 != 0) {
        content.insert(0, 0);
    }
    element(INTEGER, &content)
}

/// Writes whole bytes as bits.
pub(super) fn bits(bytes: &[u8]) -> Vec<u8> {
    element(BITS, &[&[0], bytes].concat())
}

/// Reads elements one after the other.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reader<'a>(pub(super) &'a [u8]);

impl<'a> Reader<'a> {
    /// Returns the next element's tag, its content, and all of it.
    ///
    /// # Errors
    /// Go's words for what is broken.
    // Models encoding/asn1/asn1.go parseTagAndLength
    pub(super) fn any(&mut self) -> Result<(u8, &'a [u8], &'a [u8]), &'static str> {
        const CUT: &str = "asn1: syntax error: truncated tag or length";
        let Some(tag) = self.0.first().copied() else {
            return Err("asn1: syntax error: sequence truncated");
        };
        let first = self.0.get(1).copied().ok_or(CUT)?;
        let (head, length) = match first {
            0..0x80 => (2, usize::from(first)),
            0x80 => return Err("asn1: syntax error: indefinite length found (not DER)"),
            _ => {
                let count = usize::from(first & 0x7f);
                if count > 4 {
                    return Err("asn1: structure error: length too large");
                }
                let digits = self.0.get(2..2 + count).ok_or(CUT)?;
                (2 + count, digits.iter().fold(0, |sum, digit| sum << 8 | usize::from(*digit)))
            }
        };
        let end = head.checked_add(length).filter(|end| *end <= self.0.len());
        let end = end.ok_or("asn1: syntax error: data truncated")?;
        let (whole, rest) = self.0.split_at(end);
        self.0 = rest;
        Ok((tag, whole.get(head..).unwrap_or_default(), whole))
    }

    /// Returns the content of the next element, which has a tag.
    ///
    /// # Errors
    /// As [`Reader::any`], and that it has another tag.
    pub(super) fn of(&mut self, tag: u8) -> Result<Reader<'a>, &'static str> {
        match self.any()? {
            (found, content, _) if found == tag => Ok(Reader(content)),
            _ => Err("asn1: structure error: tags don't match"),
        }
    }

    /// Returns whether the next element has a tag.
    pub(super) fn is_at(self, tag: u8) -> bool {
        self.0.first() == Some(&tag)
    }
}
