use std::cell::RefCell;
use std::collections::BTreeSet;
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
    static KEYS: RefCell<BTreeSet<Rc<str>>> = const { RefCell::new(BTreeSet::new()) };
}

impl Key {
    /// Returns the key with this text.
    pub fn new(text: &str) -> Key {
        if text.len() > INTERNED_LENGTH {
            return Key(text.into());
        }
        KEYS.with_borrow_mut(|keys| {
            if let Some(key) = keys.get(text) {
                return Key(key.clone());
            }
            let key: Rc<str> = text.into();
            if keys.len() < INTERNED_COUNT {
                keys.insert(key.clone());
            }
            Key(key)
        })
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
