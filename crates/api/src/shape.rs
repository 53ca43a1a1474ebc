//! Which keys a map has. Maps with the same keys share one shape, so that an object holds its values alone, and a
//! key is found in the shape's own small table whatever the object is.

use crate::Key;
use crate::text::Name;
use hashbrown::HashTable;
use std::cell::RefCell;
use std::rc::Rc;

/// How many keys a shape that is shared has at most. Maps with more have shapes of their own.
const FEW: usize = 32;
/// How many places a shape's table has: half of them stay free.
const PLACES: usize = 2 * FEW;
/// How many shapes are shared.
const SHARED: usize = 8_192;
/// How many steps from one shape to the next are remembered.
const STEPS: usize = 32_768;
/// What marks a step that takes a key out, beside the key's number.
const OUT: u32 = 1 << 31;

/// The keys of a map in their order; `None` for no keys.
#[derive(Clone, Default)]
pub(crate) struct Shape(Option<Rc<Keys>>);

#[derive(Clone)]
struct Keys {
    keys: Vec<Key>,
    /// The number of a shape that is shared; 0 for a map's own.
    number: u32,
    /// Of a shared shape: where the keys are, plus one, by the lowest bits of their signs, or behind that.
    table: [u8; PLACES],
}

impl Shape {
    pub(crate) const EMPTY: Shape = Shape(None);

    /// Returns the keys in their order.
    #[inline]
    pub(crate) fn keys(&self) -> &[Key] {
        self.0.as_ref().map_or(&[], |shape| &shape.keys)
    }

    /// Returns whether both are the same shared shape, or are both empty.
    pub(crate) fn is(&self, other: &Shape) -> bool {
        match (&self.0, &other.0) {
            (Some(one), Some(other)) => Rc::ptr_eq(one, other),
            (None, None) => true,
            _ => false,
        }
    }

    /// Returns where a key is.
    pub(crate) fn find(&self, name: Name) -> Option<usize> {
        let shape = self.0.as_deref()?;
        let sign = name.sign();
        if shape.number == 0 {
            return shape.search(name, sign);
        }
        let mut at = sign as usize % PLACES;
        loop {
            let i = usize::from(shape.table[at]).checked_sub(1)?;
            if shape.keys.get(i).is_some_and(|key| key.sign() == sign && key.is_named(name)) {
                return Some(i);
            }
            at = (at + 1) % PLACES;
        }
    }

    /// Adds a key that isn't there, and returns its place.
    pub(crate) fn add(&mut self, key: Key) -> usize {
        if let Some(number) = key.number()
            && let Some(from) = self.number()
            && self.keys().len() < FEW
            && let Some((to, place)) = SHAPES.with_borrow_mut(|shapes| {
                shapes.step(from, number, || {
                    let place = place_of(self.keys(), key.name());
                    let mut keys = self.keys().to_vec();
                    keys.insert(place, key.clone());
                    (keys, place)
                })
            })
        {
            *self = to;
            return place;
        }
        let own = self.own();
        let place = place_of(&own.keys, key.name());
        own.keys.insert(place, key);
        place
    }

    /// Takes the key at a place out.
    pub(crate) fn remove(&mut self, place: usize) {
        if let Some(from) = self.number()
            && let Some(number) = self.keys().get(place).and_then(Key::number)
            && let Some((to, _)) = SHAPES.with_borrow_mut(|shapes| {
                shapes.step(from, number | OUT, || {
                    let mut keys = self.keys().to_vec();
                    keys.remove(place);
                    (keys, place)
                })
            })
        {
            *self = to;
            return;
        }
        self.own().keys.remove(place);
    }

    /// Returns the number of a shared shape, 0 for no keys; `None` for a map's own.
    fn number(&self) -> Option<u32> {
        self.0.as_ref().map_or(Some(0), |shape| Some(shape.number).filter(|number| *number > 0))
    }

    /// Makes it a map's own.
    fn own(&mut self) -> &mut Keys {
        let none = || Rc::new(Keys { keys: Vec::new(), number: 0, table: [0; PLACES] });
        // A shared one is known to all, so that it is copied here.
        let own = Rc::make_mut(self.0.get_or_insert_with(none));
        own.number = 0;
        own
    }
}

impl Keys {
    /// Returns where a key is of those without a table.
    fn search(&self, name: Name, sign: u32) -> Option<usize> {
        if self.keys.len() > FEW {
            return self.keys.binary_search_by(|known| known.order(name)).ok();
        }
        self.keys.iter().position(|known| known.sign() == sign && known.is_named(name))
    }
}

/// Returns where a key belongs that isn't there.
fn place_of(keys: &[Key], name: Name) -> usize {
    // What is put together in order goes to the end.
    match keys.last() {
        Some(last) if last.order(name).is_gt() => keys.partition_point(|known| known.order(name).is_lt()),
        _ => keys.len(),
    }
}

/// What comes of a shape by one key more or less.
struct Step {
    from: u32,
    key: u32,
    to: Shape,
    place: usize,
}

impl Step {
    fn hash(from: u32, key: u32) -> u64 {
        const ODD: u64 = 0x9e37_79b9_7f4a_7c15;
        let mixed = (u64::from(from) << 32 | u64::from(key)).wrapping_mul(ODD);
        mixed ^ mixed >> 32
    }
}

/// The shapes that are shared. Nothing goes through a table in its order, and nothing depends on what is in them
/// but memory and time.
struct Shapes {
    all: HashTable<Rc<Keys>>,
    steps: HashTable<Step>,
}

thread_local! {
    static SHAPES: RefCell<Shapes> =
        const { RefCell::new(Shapes { all: HashTable::new(), steps: HashTable::new() }) };
}

impl Shapes {
    /// Returns the shape behind a step, and the key's place; `make` gives the keys there. None, where too many
    /// shapes are shared already.
    fn step(
        &mut self,
        from: u32,
        key: u32,
        make: impl FnOnce() -> (Vec<Key>, usize),
    ) -> Option<(Shape, usize)> {
        let hash = Step::hash(from, key);
        if let Some(known) = self.steps.find(hash, |step| step.from == from && step.key == key) {
            return Some((known.to.clone(), known.place));
        }
        let (keys, place) = make();
        let to = self.share(keys)?;
        if self.steps.len() < STEPS {
            let step = Step { from, key, to: to.clone(), place };
            self.steps.insert_unique(hash, step, |step| Step::hash(step.from, step.key));
        }
        Some((to, place))
    }

    /// Returns the shared shape of these keys.
    fn share(&mut self, keys: Vec<Key>) -> Option<Shape> {
        if keys.is_empty() {
            return Some(Shape::EMPTY);
        }
        let hash = hash_of(&keys);
        if let Some(known) = self.all.find(hash, |known| known.keys == keys) {
            return Some(Shape(Some(known.clone())));
        }
        if self.all.len() >= SHARED {
            return None;
        }
        let mut table = [0; PLACES];
        for (i, key) in (1..).zip(&keys) {
            let mut at = key.sign() as usize % PLACES;
            while table[at] > 0 {
                at = (at + 1) % PLACES;
            }
            table[at] = i;
        }
        let shape = Rc::new(Keys { keys, number: self.all.len() as u32 + 1, table });
        self.all.insert_unique(hash, shape.clone(), |known| hash_of(&known.keys));
        Some(Shape(Some(shape)))
    }
}

fn hash_of(keys: &[Key]) -> u64 {
    let number = |key: &Key| key.number().unwrap_or(0);
    keys.iter().fold(0, |hash, key| Step::hash(hash as u32, number(key)) ^ hash >> 32)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shape(keys: &[&str]) -> Shape {
        let mut shape = Shape::EMPTY;
        for key in keys {
            shape.add(Key::new(key));
        }
        shape
    }

    fn names(shape: &Shape) -> Vec<&str> {
        shape.keys().iter().map(Key::as_str).collect()
    }

    #[test]
    fn maps_with_the_same_keys_share_their_shape() {
        let (one, mut other) = (shape(&["name", "uid", "labels"]), shape(&["uid", "labels", "name"]));
        assert!(one.is(&other));
        assert_eq!(names(&one), ["labels", "name", "uid"]);
        other.remove(1);
        assert_eq!((names(&other), one.is(&other)), (vec!["labels", "uid"], false));
        assert_eq!(other.add(Key::new("name")), 1);
        assert!(one.is(&other));
        assert_eq!(names(&one), names(&other));
    }

    #[test]
    fn finds_each_key_whatever_the_shape() {
        let long = "k".repeat(100);
        let numbered: Vec<String> = (0..100).map(|i| format!("key-{}", i * 37 % 100)).collect();
        for count in [0, 1, 2, 31, 32, 33, 100] {
            let mut keys: Vec<&str> = numbered.iter().take(count).map(String::as_str).collect();
            for own in [false, true] {
                if own {
                    keys.push(&long);
                }
                let mut shape = shape(&keys);
                let mut sorted = keys.clone();
                sorted.sort_unstable();
                assert_eq!(names(&shape), sorted);
                for key in &sorted {
                    let found = shape.find(Name::of(key)).map(|i| sorted[i]);
                    assert_eq!(found, Some(*key), "{count} {own}");
                }
                for key in ["", "key", "key-100", "other"] {
                    assert_eq!(shape.find(Name::of(key)), None, "{count} {own} {key}");
                }
                while !sorted.is_empty() {
                    let place = sorted.len() / 2;
                    let key = sorted.remove(place);
                    shape.remove(place);
                    assert_eq!((names(&shape), shape.find(Name::of(key))), (sorted.clone(), None));
                }
            }
        }
    }

    /// Beyond what is shared each map has a shape of its own.
    #[test]
    fn shares_so_many_at_most() {
        let keys: Vec<String> = (0..140).map(|i| format!("key-{i}")).collect();
        for (i, a) in keys.iter().enumerate() {
            for b in &keys[..i] {
                let shape = shape(&[a, b]);
                assert!(shape.find(Name::of(a)).is_some() && shape.find(Name::of(b)).is_some(), "{a} {b}");
            }
        }
        SHAPES.with_borrow(|shapes| assert!(shapes.all.len() == SHARED && shapes.steps.len() <= STEPS));
    }
}
