//! What a write has changed. Every write of every object comes through here, so what stays is passed over by
//! its place in memory, and what is added is looked up among the last of its kind: pods of one template have
//! the same fields, and then they share the set of them too.
// Models sigs.k8s.io/structured-merge-diff/typed/compare.go

use super::set::Set;
use super::tree::{Keys, Kind, Shape};
use api::{Key, Map, Value};
use schema::{Definition, DefinitionId};
use std::cell::RefCell;
use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::rc::Rc;

/// How many objects of one definition are remembered with the sets of their fields.
const REMEMBERED: usize = 4;
/// What nobody owns of an object.
// Models staging/src/k8s.io/apimachinery/pkg/util/managedfields/internal/stripmeta.go
pub(super) const UNOWNED: [&str; 2] = ["apiVersion", "kind"];
/// What nobody owns of an object's metadata.
pub(super) const UNOWNED_METADATA: [&str; 9] = [
    "resourceVersion",
    "uid",
    "creationTimestamp",
    "name",
    "namespace",
    "generation",
    "managedFields",
    "selfLink",
    "clusterName",
];

/// What differs between two objects.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Difference {
    /// The fields that are new or other.
    pub(super) changed: Set,
    /// The fields that are gone.
    pub(super) gone: Set,
}

impl Difference {
    fn is_empty(&self) -> bool {
        self.changed.is_empty() && self.gone.is_empty()
    }
}

/// Returns what differs in the second of two objects, of what can be owned.
pub(super) fn of_objects(old: &Value, new: &Value, shape: Shape) -> Difference {
    let mut parts = Parts::default();
    let mut places = Places::of(shape);
    for (name, was, is) in Both::of(old.fields(), new.fields()) {
        if UNOWNED.contains(&name) {
            continue;
        }
        if let (Some(was), Some(is)) = (was, is)
            && was.same(is)
        {
            continue;
        }
        let place = places.find(name);
        let inner = place.map_or_else(|| shape.child(name), |(_, shape)| shape);
        let difference = match (was, is) {
            (was, Some(is)) if name == "metadata" => {
                let was = was.unwrap_or(&Value::Null);
                fields(was.fields(), is.fields(), inner, &UNOWNED_METADATA)
            }
            _ => of_parts(was, is, inner),
        };
        parts.put(|| places.element(place.map(|(at, _)| at), name), difference);
    }
    parts.finish()
}

/// Returns what is said of an object that somebody creates.
pub(super) fn of_new(new: &Value, kind: &schema::Kind, shape: Shape) -> Set {
    let make = || of_objects(&schema::empty(kind), new, shape).changed;
    LAST_CREATED.with(|last| remembered(last, new, shape, true, make))
}

fn of_parts(was: Option<&Value>, is: Option<&Value>, shape: Shape) -> Difference {
    match (was, is) {
        (Some(was), Some(is)) => between(was, is, shape),
        (None, Some(is)) => Difference { changed: all(is, shape), gone: Set::default() },
        (Some(was), None) => Difference { changed: Set::default(), gone: all(was, shape) },
        (None, None) => Difference::default(),
    }
}

fn between(old: &Value, new: &Value, shape: Shape) -> Difference {
    if old.same(new) {
        return Difference::default();
    }
    let has_parts = |value: &Value| matches!(value, Value::Null | Value::Map(_) | Value::List(_));
    match shape.kind(if new.is_null() { old } else { new }) {
        Kind::Map if has_parts(old) && has_parts(new) && !(old.is_empty() && new.is_empty()) => {
            fields(old.fields(), new.fields(), shape, &[])
        }
        Kind::Keyed(keys) if has_parts(old) && has_parts(new) => items(old.items(), new.items(), keys, shape),
        Kind::Values if has_parts(old) && has_parts(new) => values(old.items(), new.items()),
        _ if old == new => Difference::default(),
        _ => Difference { changed: Set::leaf(), gone: Set::default() },
    }
}

/// The entries of two maps, both in the order of their names.
struct Both<A, B> {
    old: A,
    new: B,
}

impl<'a> Both<(), ()> {
    fn of(
        old: &'a Map,
        new: &'a Map,
    ) -> impl Iterator<Item = (&'a str, Option<&'a Value>, Option<&'a Value>)> {
        Both { old: old.iter().peekable(), new: new.iter().peekable() }
    }
}

type Entries<I> = std::iter::Peekable<I>;

impl<'a, A, B> Iterator for Both<Entries<A>, Entries<B>>
where
    A: Iterator<Item = (&'a str, &'a Value)>,
    B: Iterator<Item = (&'a str, &'a Value)>,
{
    type Item = (&'a str, Option<&'a Value>, Option<&'a Value>);

    fn next(&mut self) -> Option<Self::Item> {
        let order = match (self.old.peek(), self.new.peek()) {
            (Some((a, _)), Some((b, _))) => a.cmp(b),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (None, None) => return None,
        };
        let was = if order.is_le() { self.old.next() } else { None };
        let is = if order.is_ge() { self.new.next() } else { None };
        let (name, _) = was.or(is)?;
        Some((name, was.map(|(_, value)| value), is.map(|(_, value)| value)))
    }
}

/// Sets of elements that are put together, in the order of the elements.
#[derive(Default)]
struct Parts {
    changed: Vec<(Key, Value)>,
    gone: Vec<(Key, Value)>,
}

impl Parts {
    fn put(&mut self, element: impl FnOnce() -> Key, difference: Difference) {
        if difference.is_empty() {
            return;
        }
        let element = element();
        let Difference { changed, gone } = difference;
        if !gone.is_empty() {
            self.gone.push((element.clone(), gone.into_value()));
        }
        if !changed.is_empty() {
            self.changed.push((element, changed.into_value()));
        }
    }

    fn finish(self) -> Difference {
        Difference {
            changed: Set::of(self.changed.into_iter().collect(), false),
            gone: Set::of(self.gone.into_iter().collect(), false),
        }
    }
}

fn fields(old: &Map, new: &Map, shape: Shape, except: &[&str]) -> Difference {
    let mut parts = Parts::default();
    let mut places = Places::of(shape);
    for (name, was, is) in Both::of(old, new) {
        if let (Some(was), Some(is)) = (was, is)
            && (was.same(is) || is_same_scalar(was, is))
        {
            continue;
        }
        if except.contains(&name) {
            continue;
        }
        let place = places.find(name);
        let difference = of_parts(was, is, place.map_or_else(|| shape.child(name), |(_, shape)| shape));
        parts.put(|| places.element(place.map(|(at, _)| at), name), difference);
    }
    parts.finish()
}

/// Returns whether two values are one, without going down into what has parts.
fn is_same_scalar(one: &Value, other: &Value) -> bool {
    !matches!(one, Value::Map(_) | Value::List(_)) && one == other
}

/// Where fields stand in their definition. They are asked for in order, so that nothing is searched from the
/// start.
struct Places {
    definition: Option<&'static Definition>,
    elements: Option<Rc<[Key]>>,
    next: usize,
}

impl Places {
    fn of(shape: Shape) -> Places {
        let definition = if let Shape::Struct(definition) = shape { Some(definition) } else { None };
        Places { definition, elements: None, next: 0 }
    }

    fn find(&mut self, name: &str) -> Option<(usize, Shape<'static>)> {
        let fields = self.definition?.fields.as_slice();
        let at = self.next + fields.get(self.next..)?.iter().position(|field| field.name == name)?;
        self.next = at + 1;
        Some((at, Shape::of(&fields[at])))
    }

    fn element(&mut self, at: Option<usize>, name: &str) -> Key {
        if let (Some(at), Some(definition)) = (at, self.definition) {
            let elements = self.elements.get_or_insert_with(|| elements(definition));
            if let Some(element) = elements.get(at) {
                return element.clone();
            }
        }
        Key::new(&format!("f:{name}"))
    }
}

thread_local! {
    static ELEMENTS: RefCell<BTreeMap<DefinitionId, Rc<[Key]>>> = const { RefCell::new(BTreeMap::new()) };
}

/// Returns the path elements of a definition's fields.
fn elements(definition: &Definition) -> Rc<[Key]> {
    ELEMENTS.with_borrow_mut(|known| {
        let make = || definition.fields.iter().map(|field| Key::new(&format!("f:{}", field.name))).collect();
        known.entry(definition.id).or_insert_with(make).clone()
    })
}

fn items(old: &[Value], new: &[Value], keys: Keys, shape: Shape) -> Difference {
    let mut parts = Parts::default();
    let shape = shape.child("");
    // Each object has addresses of its own.
    let element = |item: &Value| match keys {
        Keys::Of(["ip"]) => Key::alone(&keys.element(item)),
        _ => Key::new(&keys.element(item)),
    };
    let find = |list: &[Value], item: &Value, at: usize| -> Option<usize> {
        // Most items stay where they are.
        let is = |i: &usize| list.get(*i).is_some_and(|other| keys.is_same(item, other));
        Some(at).filter(is).or_else(|| (0..list.len()).find(is))
    };
    for (i, item) in new.iter().enumerate() {
        let was = find(old, item, i).and_then(|at| old.get(at));
        parts.put(|| element(item), of_parts(was, Some(item), shape));
    }
    for (i, was) in old.iter().enumerate() {
        if find(new, was, i).is_none() {
            parts.put(|| element(was), of_parts(Some(was), None, shape));
        }
    }
    parts.finish()
}

fn values(old: &[Value], new: &[Value]) -> Difference {
    let mut parts = Parts::default();
    let element = |value: &Value| Key::new(&format!("v:{}", value.to_json()));
    for value in new.iter().filter(|value| !old.contains(value)) {
        parts.put(|| element(value), Difference { changed: Set::leaf(), gone: Set::default() });
    }
    for value in old.iter().filter(|value| !new.contains(value)) {
        parts.put(|| element(value), Difference { changed: Set::default(), gone: Set::leaf() });
    }
    parts.finish()
}

/// The last parts of each definition, each with a set that was made of it. What is found here is what would
/// be made anew, so nothing depends on it but the time it takes.
type Last = RefCell<BTreeMap<DefinitionId, Vec<(Value, Set)>>>;

thread_local! {
    static LAST_ADDED: Last = const { RefCell::new(BTreeMap::new()) };
    static LAST_CREATED: Last = const { RefCell::new(BTreeMap::new()) };
}

/// Returns what was made of a part with the same fields, or else what `make` makes. Where the part is compared
/// with one of which nothing is set, what is empty must be so in both.
fn remembered(last: &Last, value: &Value, shape: Shape, strict: bool, make: impl FnOnce() -> Set) -> Set {
    let Shape::Struct(definition) = shape else { return make() };
    if let Some(known) = last.borrow().get(&definition.id)
        && let Some((_, set)) = known.iter().rev().find(|(other, _)| is_alike(other, value, shape, strict))
    {
        return set.clone();
    }
    let set = make();
    let mut last = last.borrow_mut();
    let known = last.entry(definition.id).or_default();
    if known.len() >= REMEMBERED {
        known.remove(0);
    }
    known.push((value.clone(), set.clone()));
    set
}

/// Returns all that is in a part that was not there before, the part itself among it.
fn all(value: &Value, shape: Shape) -> Set {
    if matches!(shape, Shape::Struct(_)) {
        LAST_ADDED.with(|last| remembered(last, value, shape, false, || all_anew(value, shape)))
    } else {
        all_anew(value, shape)
    }
}

fn all_anew(value: &Value, shape: Shape) -> Set {
    let mut map = Map::new();
    match shape.kind(value) {
        Kind::Whole => return Set::leaf(),
        Kind::Map => {
            for (name, child) in value.fields().iter() {
                map.insert(&format!("f:{name}"), all(child, shape.child(name)).into_value());
            }
        }
        Kind::Keyed(keys) => {
            for item in value.items() {
                map.insert(&keys.element(item), all(item, shape.child("")).into_value());
            }
        }
        Kind::Values => {
            for value in value.items() {
                map.insert(&format!("v:{}", value.to_json()), Set::leaf().into_value());
            }
        }
    }
    Set::of(map, true)
}

/// Returns whether two parts have the same fields, whatever is in them.
fn is_alike(one: &Value, other: &Value, shape: Shape, strict: bool) -> bool {
    if one.same(other) {
        return true;
    }
    match (one, other) {
        (Value::Map(_) | Value::List(_), _) | (_, Value::Map(_) | Value::List(_)) => {}
        _ => return !strict || one.is_empty() == other.is_empty(),
    }
    match (shape.kind(one), shape.kind(other)) {
        (Kind::Whole, Kind::Whole) => !strict || one.is_empty() == other.is_empty(),
        (Kind::Map, Kind::Map) => {
            let (one, other) = (one.fields(), other.fields());
            let mut places = Places::of(shape);
            one.len() == other.len()
                && one.iter().zip(other.iter()).all(|((name, a), (other_name, b))| {
                    name == other_name && {
                        let place = places.find(name);
                        let inner = place.map_or_else(|| shape.child(name), |(_, shape)| shape);
                        is_alike(a, b, inner, strict)
                    }
                })
        }
        (Kind::Keyed(keys), Kind::Keyed(_)) => {
            let (one, other) = (one.items(), other.items());
            let inner = shape.child("");
            one.len() == other.len()
                && one.iter().zip(other).all(|(a, b)| keys.is_same(a, b) && is_alike(a, b, inner, strict))
        }
        (Kind::Values, Kind::Values) => one == other,
        _ => false,
    }
}
