use crate::text::{head, is_same};
use hashbrown::HashTable;
use std::cell::RefCell;
use std::fmt;
use std::ops::Deref;
use std::rc::Rc;

/// The longest key that is kept once for all objects, in bytes.
const INTERNED_LENGTH: usize = 64;
/// How many keys are kept once for all objects.
const INTERNED_COUNT: usize = 16_384;

/// A field's name. Equal names share their memory.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key(Rc<str>);

thread_local! {
    // Nothing goes through the table in its order.
    static KEYS: RefCell<HashTable<Rc<str>>> = const { RefCell::new(HashTable::new()) };
}

impl Key {
    /// Returns the key with this text.
    pub fn new(text: &str) -> Key {
        if text.len() > INTERNED_LENGTH {
            return Key(text.into());
        }
        let hash = hash(text);
        KEYS.with_borrow_mut(|keys| {
            if let Some(key) = keys.find(hash, |key| is_same(key, text)) {
                return Key(key.clone());
            }
            let key: Rc<str> = text.into();
            if keys.len() < INTERNED_COUNT {
                keys.insert_unique(hash, key.clone(), |key| self::hash(key));
            }
            Key(key)
        })
    }

    /// Returns a key of its own: for a text that hardly comes again, such as an address.
    pub fn alone(text: &str) -> Key {
        Key(text.into())
    }

    /// Returns the text.
    #[inline]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Deref for Key {
    type Target = str;
    #[inline]
    fn deref(&self) -> &str {
        &self.0
    }
}

impl From<&str> for Key {
    fn from(text: &str) -> Key {
        Key::new(text)
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

/// Returns a number that spreads names over the table.
fn hash(text: &str) -> u64 {
    const ODD: u64 = 0x9e37_79b9_7f4a_7c15;
    let bytes = text.as_bytes();
    let start = bytes.len() as u64;
    let hash = bytes.chunks(8).fold(start, |hash, word| (hash.rotate_left(5) ^ head(word)).wrapping_mul(ODD));
    hash ^ hash >> 32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_names_share_their_memory() {
        let long = "a".repeat(INTERNED_LENGTH + 1);
        for name in ["", "a", "image", "imageID", "initialDelaySeconds", long.as_str()] {
            let (one, other) = (Key::new(name), Key::new(name));
            assert_eq!((one.as_str(), one == other), (name, true));
            assert_eq!(Rc::ptr_eq(&one.0, &other.0), name.len() <= INTERNED_LENGTH, "{name}");
        }
    }
}
