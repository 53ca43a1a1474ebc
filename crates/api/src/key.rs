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
    static KEYS: RefCell<HashTable<Rc<str>>> = const { RefCell::new(HashTable::new()) };
}

/// Tells texts apart, eight bytes at a time.
fn hash_of(text: &str) -> u64 {
    const ODD: u64 = 0x9e37_79b9_7f4a_7c15;
    let mut hash = text.len() as u64;
    for chunk in text.as_bytes().chunks(8) {
        let mut word = [0; 8];
        word[..chunk.len()].copy_from_slice(chunk);
        hash = (hash.rotate_left(5) ^ u64::from_le_bytes(word)).wrapping_mul(ODD);
    }
    hash ^ hash >> 32
}

impl Key {
    /// Returns the key with this text.
    pub fn new(text: &str) -> Key {
        if text.len() > INTERNED_LENGTH {
            return Key(text.into());
        }
        let hash = hash_of(text);
        KEYS.with_borrow_mut(|keys| {
            if let Some(key) = keys.find(hash, |key| **key == *text) {
                return Key(key.clone());
            }
            let key: Rc<str> = text.into();
            if keys.len() < INTERNED_COUNT {
                keys.insert_unique(hash, key.clone(), |key| hash_of(key));
            }
            Key(key)
        })
    }

    /// Returns a key of its own: for a text that hardly comes again, such as an address.
    pub fn alone(text: &str) -> Key {
        Key(text.into())
    }

    /// Returns the text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Deref for Key {
    type Target = str;
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
