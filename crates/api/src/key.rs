use crate::text::{Name, head, is_same};
use hashbrown::HashTable;
use std::cell::RefCell;
use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::ops::Deref;
use std::rc::Rc;
use std::sync::{Mutex, OnceLock};

/// The longest key that is kept once for all objects, in bytes.
const INTERNED_LENGTH: usize = 64;
/// How many keys are kept once for all objects, as long as the program runs.
const INTERNED_COUNT: usize = 16_384;

/// A field's name. Equal names share their memory, which is never given back, so that a copy counts nothing.
#[derive(Clone)]
pub struct Key(Text);

/// Each with the name's sign, by which most names are told apart without looking at their text.
#[derive(Clone)]
enum Text {
    Kept(u32, &'static Kept),
    Own(u32, Rc<Box<str>>),
}

/// A text that is kept as long as the program runs.
struct Kept {
    /// How many were kept before it.
    number: u32,
    name: Name<'static>,
    text: &'static str,
}

/// A key that the program wrote down, which is looked up among those that are kept only once.
pub struct StaticKey {
    text: &'static str,
    kept: OnceLock<Option<&'static Kept>>,
}

impl StaticKey {
    /// Makes the key with this text.
    pub const fn new(text: &'static str) -> StaticKey {
        StaticKey { text, kept: OnceLock::new() }
    }

    /// Returns the key.
    pub(crate) fn key(&self) -> Key {
        let keep = || if self.text.len() > INTERNED_LENGTH { None } else { keep(self.text, hash(self.text)) };
        match self.kept.get_or_init(keep) {
            Some(kept) => Key(Text::Kept(kept.name.sign(), kept)),
            None => Key::alone(self.text),
        }
    }
}

/// The texts that are kept. Nothing goes through a table in its order.
static ALL: Mutex<HashTable<&'static Kept>> = Mutex::new(HashTable::new());

thread_local! {
    /// Those of them that this thread has asked for.
    static KEYS: RefCell<HashTable<&'static Kept>> = const { RefCell::new(HashTable::new()) };
}

impl Key {
    /// Returns the key with this text.
    pub fn new(text: &str) -> Key {
        if text.len() > INTERNED_LENGTH {
            return Key::alone(text);
        }
        let hash = hash(text);
        KEYS.with_borrow_mut(|keys| {
            if let Some(kept) = keys.find(hash, |kept| is_same(kept.text, text)) {
                return Key(Text::Kept(kept.name.sign(), kept));
            }
            let Some(kept) = keep(text, hash) else { return Key::alone(text) };
            keys.insert_unique(hash, kept, |kept| self::hash(kept.text));
            Key(Text::Kept(kept.name.sign(), kept))
        })
    }

    /// Returns a key of its own: for a text that hardly comes again, such as an address.
    pub fn alone(text: &str) -> Key {
        Key(Text::Own(Name::of(text).sign(), Rc::new(text.into())))
    }

    /// Returns the text.
    #[inline]
    pub fn as_str(&self) -> &str {
        match &self.0 {
            Text::Kept(_, kept) => kept.text,
            Text::Own(_, text) => text,
        }
    }

    pub(crate) fn name(&self) -> Name<'_> {
        match &self.0 {
            Text::Kept(_, kept) => kept.name,
            Text::Own(_, text) => Name::of(text),
        }
    }

    /// Returns the number of a text that is kept.
    #[inline]
    pub(crate) fn number(&self) -> Option<u32> {
        match &self.0 {
            Text::Kept(_, kept) => Some(kept.number),
            Text::Own(..) => None,
        }
    }

    /// Returns the sign of the key's name.
    #[inline]
    pub(crate) fn sign(&self) -> u32 {
        match &self.0 {
            Text::Kept(sign, _) | Text::Own(sign, _) => *sign,
        }
    }

    /// Returns how the key sorts to a name.
    #[inline]
    pub(crate) fn order(&self, name: Name) -> Ordering {
        match &self.0 {
            Text::Kept(_, kept) => kept.name.order(name),
            Text::Own(_, text) => Name::of(text).order(name),
        }
    }

    /// Returns whether the key has this name.
    #[inline]
    pub(crate) fn is_named(&self, name: Name) -> bool {
        match &self.0 {
            Text::Kept(_, kept) => kept.name.is_name(name),
            Text::Own(_, text) => name.is_same(text),
        }
    }
}

/// Returns the text as one that is kept; `None` where there are too many.
fn keep(text: &str, hash: u64) -> Option<&'static Kept> {
    let mut all = ALL.lock().ok()?;
    if let Some(kept) = all.find(hash, |kept| is_same(kept.text, text)) {
        return Some(kept);
    }
    if all.len() >= INTERNED_COUNT {
        return None;
    }
    let text: &'static str = Box::leak(text.into());
    let kept: &'static Kept =
        Box::leak(Box::new(Kept { number: all.len() as u32, name: Name::of(text), text }));
    all.insert_unique(hash, kept, |kept| self::hash(kept.text));
    Some(kept)
}

impl Deref for Key {
    type Target = str;
    #[inline]
    fn deref(&self) -> &str {
        self.as_str()
    }
}

impl From<&str> for Key {
    fn from(text: &str) -> Key {
        Key::new(text)
    }
}

impl PartialEq for Key {
    #[inline]
    fn eq(&self, other: &Key) -> bool {
        match (&self.0, &other.0) {
            (Text::Kept(_, one), Text::Kept(_, other)) => std::ptr::eq(*one, *other),
            _ => is_same(self, other),
        }
    }
}

impl Eq for Key {}

impl PartialOrd for Key {
    fn partial_cmp(&self, other: &Key) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Key {
    fn cmp(&self, other: &Key) -> Ordering {
        match (&self.0, &other.0) {
            (Text::Kept(_, one), Text::Kept(_, other)) if std::ptr::eq(*one, *other) => Ordering::Equal,
            (_, Text::Kept(_, other)) => self.order(other.name),
            (_, Text::Own(_, other)) => self.order(Name::of(other)),
        }
    }
}

impl Hash for Key {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_str().hash(state);
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

/// Returns a number that spreads names over the table.
pub(crate) fn hash(text: &str) -> u64 {
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
            assert_eq!(one.as_ptr() == other.as_ptr(), name.len() <= INTERNED_LENGTH, "{name}");
            let alone = Key::alone(name);
            assert!(alone == one && alone.cmp(&one).is_eq() && alone.is_named(Name::of(name)), "{name}");
            assert!(one.is_named(Name::of(name)) && !one.is_named(Name::of("imageXY")), "{name}");
        }
        // Other threads have the same.
        let image = Key::new("image").as_ptr() as usize;
        let theirs = std::thread::spawn(|| Key::new("image").as_ptr() as usize).join();
        assert_eq!(theirs.ok(), Some(image));
    }
}
