use crate::key::hash;
use crate::text::is_same;
use hashbrown::HashTable;
use std::collections::BTreeMap;
use std::fmt;
use std::ops::Bound;
use std::rc::Rc;

/// A map by texts that are long and alike, such as the keys of objects: one is found by its hash, and all are
/// gone through in their order. What is in it tells how it goes on, not how it came to be.
#[derive(Clone)]
pub struct KeyMap<V> {
    /// Where each key's entry is, in the order of the keys.
    order: BTreeMap<Rc<str>, u32>,
    /// The same by the keys' hashes. Nothing goes through it in its order.
    places: HashTable<u32>,
    entries: Vec<Option<(Rc<str>, V)>>,
    free: Vec<u32>,
}

impl<V> Default for KeyMap<V> {
    fn default() -> KeyMap<V> {
        KeyMap::new()
    }
}

impl<V> KeyMap<V> {
    /// Makes an empty map.
    pub const fn new() -> KeyMap<V> {
        KeyMap { order: BTreeMap::new(), places: HashTable::new(), entries: Vec::new(), free: Vec::new() }
    }

    fn at(&self, place: u32) -> Option<&(Rc<str>, V)> {
        self.entries.get(place as usize)?.as_ref()
    }

    fn place(&self, key: &str) -> Option<u32> {
        let is = |place: &u32| self.at(*place).is_some_and(|(known, _)| is_same(known, key));
        self.places.find(hash(key), is).copied()
    }

    /// Returns the value of a key.
    pub fn get(&self, key: &str) -> Option<&V> {
        self.at(self.place(key)?).map(|(_, value)| value)
    }

    /// Returns a key as it is kept, with its value, to be changed.
    pub fn get_entry(&mut self, key: &str) -> Option<(&Rc<str>, &mut V)> {
        let place = self.place(key)?;
        let (key, value) = self.entries.get_mut(place as usize)?.as_mut()?;
        Some((key, value))
    }

    /// Returns whether the key is there.
    pub fn contains_key(&self, key: &str) -> bool {
        self.place(key).is_some()
    }

    /// Sets the value of a key and returns what it was.
    pub fn insert(&mut self, key: &Rc<str>, value: V) -> Option<V> {
        if let Some((_, known)) = self.get_entry(key) {
            return Some(std::mem::replace(known, value));
        }
        let entry = Some((key.clone(), value));
        let place = match self.free.pop() {
            Some(place) => {
                self.entries[place as usize] = entry;
                place
            }
            None => {
                self.entries.push(entry);
                self.entries.len() as u32 - 1
            }
        };
        self.order.insert(key.clone(), place);
        let entries = &self.entries;
        let hash_at = |place: &u32| entries[*place as usize].as_ref().map_or(0, |(key, _)| hash(key));
        self.places.insert_unique(hash(key), place, hash_at);
        None
    }

    /// Takes a key out and returns it with its value.
    pub fn remove(&mut self, key: &str) -> Option<(Rc<str>, V)> {
        let entries = &self.entries;
        let is =
            |place: &u32| entries[*place as usize].as_ref().is_some_and(|(known, _)| is_same(known, key));
        let (place, _) = self.places.find_entry(hash(key), is).ok()?.remove();
        self.order.remove(key);
        self.free.push(place);
        self.entries[place as usize].take()
    }

    /// Returns keys and values in the order of the keys.
    pub fn iter(&self) -> impl Iterator<Item = (&Rc<str>, &V)> {
        self.order.values().filter_map(|place| self.at(*place)).map(|(key, value)| (key, value))
    }

    /// Returns the keys in their order.
    pub fn keys(&self) -> impl Iterator<Item = &Rc<str>> {
        self.order.keys()
    }

    /// Returns the values in the order of the keys.
    pub fn values(&self) -> impl Iterator<Item = &V> {
        self.iter().map(|(_, value)| value)
    }

    /// Returns keys and values from one key on, up to but without another, in the order of the keys.
    pub fn range<'a>(
        &'a self,
        from: &str,
        to: Bound<&str>,
    ) -> impl Iterator<Item = (&'a Rc<str>, &'a V)> + use<'a, V> {
        let range = self.order.range::<str, _>((Bound::Included(from), to));
        range.filter_map(|(_, place)| self.at(*place)).map(|(key, value)| (key, value))
    }

    /// Returns how many keys there are.
    pub fn len(&self) -> usize {
        self.order.len()
    }

    /// Returns whether there is no key.
    pub fn is_empty(&self) -> bool {
        self.order.is_empty()
    }
}

impl<V: fmt::Debug> fmt::Debug for KeyMap<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Does the same to both kinds of map, with keys that come and go.
    #[test]
    fn does_what_an_ordered_map_does() {
        let mut map: KeyMap<u32> = KeyMap::new();
        let mut plain: BTreeMap<Rc<str>, u32> = BTreeMap::new();
        for i in 0..2_000_u32 {
            let key: Rc<str> = format!("/registry/pods/default/web-{}", i * 7_919 % 257).into();
            if i % 3 == 2 {
                let removed = map.remove(&key);
                assert_eq!(removed, plain.remove_entry(&key), "{i}");
            } else {
                assert_eq!(map.insert(&key, i), plain.insert(key, i), "{i}");
            }
        }
        assert!(
            map.iter().eq(plain.iter()) && map.keys().eq(plain.keys()) && map.values().eq(plain.values())
        );
        assert_eq!((map.len(), map.is_empty()), (plain.len(), false));
        for (key, value) in &plain {
            assert_eq!((map.get(key), map.contains_key(key)), (Some(value), true));
        }
        let (from, to) = ("/registry/pods/default/web-1", "/registry/pods/default/web-2");
        let range = plain.range::<str, _>((Bound::Included(from), Bound::Excluded(to)));
        assert!(map.range(from, Bound::Excluded(to)).eq(range));
        if let Some((key, value)) = map.get_entry(from) {
            *value = 5_000;
            assert_eq!(&**key, from);
        }
        assert_eq!(map.get(from).copied(), plain.get(from).map(|_| 5_000));
        assert_eq!(map.get("no"), None);
        assert_eq!(map.remove("no"), None);
    }
}
