use crate::shape::Shape;
use crate::text::Name;
use crate::{Key, StaticKey, Value};
use std::hash::{Hash, Hasher};

/// A map from keys to values, sorted by key. Maps with the same keys share them.
#[derive(Clone, Default)]
pub struct Map {
    shape: Shape,
    values: Vec<Value>,
}

impl Map {
    pub(crate) const EMPTY: Map = Map { shape: Shape::EMPTY, values: Vec::new() };

    /// Makes an empty map.
    pub fn new() -> Map {
        Map::default()
    }

    /// Makes an empty map with room for so many entries.
    pub fn with_capacity(entries: usize) -> Map {
        Map { shape: Shape::EMPTY, values: Vec::with_capacity(entries) }
    }

    // What is made of a name that the caller wrote down is made when the caller is compiled.
    #[inline]
    fn position(&self, key: &str) -> Option<usize> {
        self.shape.find(Name::of(key))
    }

    /// Sets a key and returns what it held.
    fn set(&mut self, name: Name, key: impl FnOnce() -> Key, value: Value) -> Option<Value> {
        if let Some(i) = self.shape.find(name) {
            return Some(std::mem::replace(&mut self.values[i], value));
        }
        let place = self.shape.add(key());
        self.values.insert(place, value);
        None
    }

    /// Returns the value of a key.
    #[inline]
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.position(key).map(|i| &self.values[i])
    }

    /// Returns whether the key is there.
    #[inline]
    pub fn contains(&self, key: &str) -> bool {
        self.position(key).is_some()
    }

    /// Returns the value of a key, to be changed.
    pub fn get_mut(&mut self, key: &str) -> Option<&mut Value> {
        self.position(key).map(|i| &mut self.values[i])
    }

    /// Returns the value of a key, which is null at first, to be changed.
    pub fn entry(&mut self, key: &str) -> &mut Value {
        let place = self.position(key).unwrap_or_else(|| {
            let place = self.shape.add(Key::new(key));
            self.values.insert(place, Value::Null);
            place
        });
        &mut self.values[place]
    }

    /// Sets a key and returns what it held.
    pub fn insert(&mut self, key: &str, value: impl Into<Value>) -> Option<Value> {
        self.set(Name::of(key), || Key::new(key), value.into())
    }

    /// Sets a key that the program wrote down.
    pub fn put(&mut self, key: &'static StaticKey, value: Value) {
        let key = key.key();
        self.put_key(key, value);
    }

    fn put_key(&mut self, key: Key, value: Value) {
        match self.shape.find(key.name()) {
            Some(i) => self.values[i] = value,
            None => {
                let place = self.shape.add(key);
                self.values.insert(place, value);
            }
        }
    }

    /// Takes a key out and returns what it held.
    pub fn remove(&mut self, key: &str) -> Option<Value> {
        let place = self.position(key)?;
        self.shape.remove(place);
        Some(self.values.remove(place))
    }

    /// Keeps the entries of which `keep` says so.
    pub fn retain(&mut self, mut keep: impl FnMut(&str, &mut Value) -> bool) {
        let kept: Vec<bool> = self.iter_mut().map(|(key, value)| keep(key, value)).collect();
        if kept.iter().all(|kept| *kept) {
            return;
        }
        let before = std::mem::take(self);
        let entries = before.shape.keys().iter().cloned().zip(before.values).zip(kept);
        *self = entries.filter(|(_, kept)| *kept).map(|(entry, _)| entry).collect();
    }

    /// Returns the entries in the order of their keys.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (&str, &Value)> + Clone {
        self.shape.keys().iter().map(Key::as_str).zip(&self.values)
    }

    /// Returns the entries, to be changed.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = (&str, &mut Value)> {
        self.shape.keys().iter().map(Key::as_str).zip(&mut self.values)
    }

    /// Returns how many entries there are.
    #[inline]
    pub fn len(&self) -> usize {
        self.values.len()
    }

    /// Returns whether there is no entry.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }
}

impl PartialEq for Map {
    fn eq(&self, other: &Map) -> bool {
        self.values.len() == other.values.len()
            && (self.shape.is(&other.shape) || self.shape.keys() == other.shape.keys())
            && self.values == other.values
    }
}

impl Eq for Map {}

impl Hash for Map {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.values.len().hash(state);
        for (key, value) in self.iter() {
            key.hash(state);
            value.hash(state);
        }
    }
}

impl FromIterator<(Key, Value)> for Map {
    fn from_iter<I: IntoIterator<Item = (Key, Value)>>(entries: I) -> Map {
        let entries = entries.into_iter();
        let mut map = Map::with_capacity(entries.size_hint().0);
        for (key, value) in entries {
            map.put_key(key, value);
        }
        map
    }
}

impl<K: AsRef<str>, V: Into<Value>> FromIterator<(K, V)> for Map {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(entries: I) -> Map {
        let mut map = Map::new();
        for (key, value) in entries {
            map.insert(key.as_ref(), value);
        }
        map
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    /// Does the same to both kinds of map, with keys that come and go.
    #[test]
    fn does_what_an_ordered_map_does() {
        let (mut map, mut plain) = (Map::new(), BTreeMap::<String, i64>::new());
        for i in 0..3_000_i64 {
            let key = format!("key-{}", i * 7_919 % 53);
            match i % 5 {
                2 => assert_eq!(map.remove(&key).map(|value| value.int()), plain.remove(&key), "{i}"),
                3 => {
                    *map.entry(&key) = i.into();
                    plain.insert(key, i);
                }
                _ => assert_eq!(map.insert(&key, i).map(|value| value.int()), plain.insert(key, i), "{i}"),
            }
            assert_eq!((map.len(), map.is_empty()), (plain.len(), plain.is_empty()));
            assert!(
                map.iter()
                    .map(|(key, value)| (key, value.int()))
                    .eq(plain.iter().map(|(key, value)| (key.as_str(), *value)))
            );
        }
        let again: Map = plain.iter().rev().map(|(key, value)| (Key::new(key), Value::Int(*value))).collect();
        assert!(again == map);
        let alone: Map = plain.iter().map(|(key, value)| (Key::alone(key), Value::Int(*value))).collect();
        assert!(alone == map);
        map.retain(|key, value| {
            *value = (value.int() + 1).into();
            key.ends_with('1')
        });
        plain.retain(|key, _| key.ends_with('1'));
        assert!(
            map.iter()
                .map(|(key, value)| (key, value.int() - 1))
                .eq(plain.iter().map(|(key, value)| (key.as_str(), *value)))
        );
        assert!(alone != map);
    }
}
