//! Objects as trees of fields: what they say, how one is put over another, what differs.
// Models sigs.k8s.io/structured-merge-diff/typed/tofieldset.go, merge.go, remove.go

use super::difference::{UNOWNED, UNOWNED_METADATA};
use super::set::Set;
use api::{Map, Value};
use schema::{Definition, Field, Type};

/// What a part of an object is.
#[derive(Clone, Copy)]
pub(crate) enum Shape<'a> {
    /// A custom resource.
    Custom(&'a Value),
    /// What a structural schema says.
    Schema(&'a Value),
    /// It has fields.
    Struct(&'static Definition),
    /// A map or a list, as a field holds it.
    Of(&'static Type, Option<&'static Field>),
    /// Nobody knows: maps have fields, and lists are replaced.
    Unknown,
}

/// How a part takes part in merges.
pub(super) enum Kind<'a> {
    Map,
    /// A list whose items are told apart by some of their fields.
    Keyed(Keys<'a>),
    /// A list of values that are there once.
    Values,
    Whole,
}

/// What tells the items of a list apart.
#[derive(Clone, Copy)]
pub(super) enum Keys<'a> {
    /// These fields.
    Of(&'static [&'static str]),
    /// Those that the structural schema of the list names.
    By(&'a Value),
}

impl Keys<'_> {
    /// Returns the path element of an item.
    pub(super) fn element(self, item: &Value) -> String {
        match self {
            Keys::Of(keys) => key(item, keys),
            Keys::By(schema) => key_by(item, schema),
        }
    }

    /// Returns a field that an item must have and doesn't.
    pub(super) fn missing(self, item: &Value) -> Option<String> {
        match self {
            Keys::Of(keys) => {
                keys.iter().find(|name| key_field(item, name).is_null()).map(|name| (*name).to_string())
            }
            Keys::By(schema) => {
                let names = schema["x-kubernetes-list-map-keys"].items();
                let properties = &schema["items"]["properties"];
                let is_missing =
                    |name: &&Value| item[name.str()].is_null() && properties[name.str()]["default"].is_null();
                names.iter().find(is_missing).map(|name| name.str().to_string())
            }
        }
    }

    /// Returns whether two items have the same path element.
    pub(super) fn is_same(self, one: &Value, other: &Value) -> bool {
        match self {
            Keys::Of(keys) => keys.iter().all(|name| {
                one[*name] == other[*name]
                    || *name == "protocol" && key_field(one, name) == key_field(other, name)
            }),
            Keys::By(schema) => key_by(one, schema) == key_by(other, schema),
        }
    }
}

impl<'a> Shape<'a> {
    /// Returns the shape of a field.
    pub(super) fn of(field: &'static Field) -> Shape<'static> {
        match &field.ty {
            Type::Ref(id) => Shape::Struct(id.get()),
            ty => Shape::Of(ty, Some(field)),
        }
    }

    /// Returns how a value of this shape takes part.
    pub(super) fn kind(self, value: &Value) -> Kind<'a> {
        match (self, value) {
            (Shape::Custom(schema) | Shape::Schema(schema), value) => of_schema(schema, value),
            (Shape::Struct(definition), Value::Map(_)) if definition.atomic => Kind::Whole,
            (Shape::Struct(_) | Shape::Unknown, Value::Map(_)) => Kind::Map,
            (Shape::Of(_, field), Value::Map(_)) => {
                if field.is_some_and(|field| field.map_type == "atomic") {
                    Kind::Whole
                } else {
                    Kind::Map
                }
            }
            (Shape::Of(_, Some(field)), Value::List(_)) => match field.list_type {
                "map" => Kind::Keyed(Keys::Of(&field.map_keys)),
                "set" => Kind::Values,
                _ => Kind::Whole,
            },
            _ => Kind::Whole,
        }
    }

    /// Returns whether a name is an entry's of a map, and no field's: an entry is somebody's by itself.
    fn is_entry(self, name: &str) -> bool {
        match self {
            Shape::Schema(schema) => {
                schema["properties"].get(name).is_none() && schema["additionalProperties"].as_map().is_some()
            }
            Shape::Of(Type::Map(_), _) => true,
            _ => false,
        }
    }

    /// Returns whether there may be a field, or an entry, of a name.
    pub(super) fn declares(self, name: &str) -> bool {
        match self {
            Shape::Struct(definition) => definition.fields.is_empty() || definition.field(name).is_some(),
            Shape::Custom(_) if ["apiVersion", "kind", "metadata"].contains(&name) => true,
            Shape::Custom(schema) | Shape::Schema(schema) => {
                let properties = &schema["properties"];
                properties.is_empty()
                    || properties.get(name).is_some()
                    || !schema["additionalProperties"].is_null()
                    || schema["x-kubernetes-preserve-unknown-fields"].is_true()
                    || schema["x-kubernetes-embedded-resource"].is_true()
            }
            Shape::Of(..) | Shape::Unknown => true,
        }
    }

    /// Returns the shape of a field, or of an item.
    pub(super) fn child(self, name: &str) -> Shape<'a> {
        match self {
            Shape::Custom(_) if name == "metadata" => {
                schema::definition("io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta")
                    .map_or(Shape::Unknown, Shape::Struct)
            }
            // The items of a list have no name.
            Shape::Schema(schema) if name.is_empty() => Shape::Schema(&schema["items"]),
            Shape::Custom(schema) | Shape::Schema(schema) => {
                let inner = schema["properties"].get(name).unwrap_or(&schema["additionalProperties"]);
                if inner.as_map().is_some() { Shape::Schema(inner) } else { Shape::Unknown }
            }
            Shape::Struct(definition) => definition.field(name).map_or(Shape::Unknown, Shape::of),
            Shape::Of(Type::Map(inner) | Type::List(inner), _) => match &**inner {
                Type::Ref(id) => Shape::Struct(id.get()),
                ty => Shape::Of(ty, None),
            },
            Shape::Of(..) | Shape::Unknown => Shape::Unknown,
        }
    }
}

/// Returns how a value takes part in merges by a structural schema.
// Models staging/src/k8s.io/apiextensions-apiserver/pkg/controller/openapi/builder/builder.go, whose extensions
// sigs.k8s.io/structured-merge-diff reads
fn of_schema<'a>(schema: &'a Value, value: &Value) -> Kind<'a> {
    match (value, schema["x-kubernetes-list-type"].str()) {
        (Value::Map(_), _) if schema["x-kubernetes-map-type"].str() == "atomic" => Kind::Whole,
        (Value::Map(_), _) => Kind::Map,
        (Value::List(_), "map") => Kind::Keyed(Keys::By(schema)),
        (Value::List(_), "set") => Kind::Values,
        _ => Kind::Whole,
    }
}

/// Returns the path element of an item by a structural schema, whose defaults count.
fn key_by(item: &Value, schema: &Value) -> String {
    let mut map = Map::new();
    for name in schema["x-kubernetes-list-map-keys"].items() {
        let default = &schema["items"]["properties"][name.str()]["default"];
        let value = if item[name.str()].is_null() { default } else { &item[name.str()] };
        if !value.is_null() {
            map.insert(name.str(), value);
        }
    }
    format!("k:{}", Value::from(map).to_json())
}

/// A part's children, each with its path element; `None` where it is one whole.
fn children<'a>(value: &Value, shape: Shape<'a>) -> Option<Vec<Child<'a>>> {
    match shape.kind(value) {
        Kind::Whole => None,
        Kind::Map => {
            let fields = value.fields().iter();
            Some(
                fields.map(|(name, child)| (format!("f:{name}"), child.clone(), shape.child(name))).collect(),
            )
        }
        Kind::Keyed(keys) => {
            let items = value.items().iter();
            Some(items.map(|item| (keys.element(item), item.clone(), shape.child(""))).collect())
        }
        Kind::Values => {
            let items = value.items().iter();
            Some(items.map(|item| (format!("v:{}", item.to_json()), item.clone(), shape.child(""))).collect())
        }
    }
}

/// Returns the path element of an item. A key that isn't said has its default where there is one.
fn key(item: &Value, keys: &[&str]) -> String {
    // Most items have one name, in which there is nothing to escape.
    if let [name] = keys
        && let Some(text) = item[*name].as_str()
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_./: ".contains(&byte))
    {
        return format!("k:{{\"{name}\":\"{text}\"}}");
    }
    let keys = keys.iter().map(|name| (*name, key_field(item, name)));
    let map: Map = keys.filter(|(_, value)| !value.is_null()).collect();
    format!("k:{}", Value::from(map).to_json())
}

fn key_field(item: &Value, name: &str) -> Value {
    match &item[name] {
        Value::Null if name == "protocol" => "TCP".into(),
        value => value.clone(),
    }
}

/// Returns the fields that an object says.
// Models sigs.k8s.io/structured-merge-diff/typed/tofieldset.go
pub(crate) fn fields_of(value: &Value, shape: Shape) -> Set {
    let all = children(value, shape).unwrap_or_default();
    if all.is_empty() {
        return Set::leaf();
    }
    let mut map = Map::with_capacity(all.len());
    for (element, child, inner) in all {
        let mut below = fields_of(&child, inner);
        if !element.starts_with("f:") || shape.is_entry(name_of(&element)) {
            below.add(&Set::leaf());
        }
        map.insert(&element, below.to_value());
    }
    Set::of(map, false)
}

/// Returns the fields that an object says and that can be owned.
pub(crate) fn ownable(object: &Value, shape: Shape) -> Set {
    let mut owned = object.clone();
    UNOWNED.iter().for_each(|name| drop(owned.remove(&[name])));
    UNOWNED_METADATA.iter().for_each(|name| drop(owned.remove(&["metadata", name])));
    if owned["metadata"].is_empty() {
        owned.remove(&["metadata"]);
    }
    if owned.is_empty() { Set::default() } else { fields_of(&owned, shape) }
}

/// Puts one object over another.
pub(crate) fn merge(live: &Value, applied: &Value, shape: Shape) -> Value {
    let (Some(before), Some(over)) = (children(live, shape), children(applied, shape)) else {
        return applied.clone();
    };
    let merged = |element: &str, child: &Value, shape: Shape| {
        let was = before.iter().find(|(known, _, _)| known == element);
        was.map_or_else(|| child.clone(), |(_, was, _)| merge(was, child, shape))
    };
    if applied.as_map().is_some() {
        let mut map = live.clone();
        for (element, child, shape) in &over {
            map.map_mut().insert(name_of(element), merged(element, child, *shape));
        }
        return map;
    }
    interleaved(&before, &over).into()
}

/// A part's child: its path element, its value and its shape.
type Child<'a> = (String, Value, Shape<'a>);

/// Puts the items of one list between those of another: they keep the order in which they are applied, and what
/// isn't named among them its place.
// Models sigs.k8s.io/structured-merge-diff/typed/merge.go visitListItems
fn interleaved(before: &[Child], over: &[Child]) -> Vec<Value> {
    let find = |list: &[Child], element: &str| list.iter().position(|(known, ..)| known == element);
    let mut shared =
        over.iter().map(|(element, ..)| element.as_str()).filter(|element| find(before, element).is_some());
    let mut next = shared.next();
    let mut items: Vec<Value> = Vec::new();
    let mut taken = std::collections::BTreeSet::new();
    let (mut left, mut right) = (0, 0);
    while left < before.len() || right < over.len() {
        if let (Some((element, was, _)), Some((other, is, shape))) = (before.get(left), over.get(right)) {
            if element == other {
                taken.insert(element.as_str());
                items.push(merge(was, is, *shape));
                (left, right, next) = (left + 1, right + 1, shared.next());
                continue;
            }
            // It comes, but not now.
            if find(over, element).is_some() && next.is_some_and(|next| next != element) {
                left += 1;
                continue;
            }
        }
        if let Some((element, was, _)) = before.get(left) {
            if find(over, element).is_none() {
                items.push(was.clone());
                left += 1;
                continue;
            }
            left += usize::from(taken.contains(element.as_str()));
        }
        if let Some((element, is, shape)) = over.get(right) {
            taken.insert(element.as_str());
            let was = find(before, element).and_then(|at| before.get(at));
            items.push(was.map_or_else(|| is.clone(), |(_, was, _)| merge(was, is, *shape)));
            right += 1;
            if next == Some(element.as_str()) {
                next = shared.next();
            }
        }
    }
    items
}

fn name_of(element: &str) -> &str {
    element.strip_prefix("f:").unwrap_or(element)
}

/// Takes out of an object what a set has, and what is empty after it.
pub(crate) fn without(value: &Value, set: &Set, shape: Shape) -> Value {
    let Some(all) = children(value, shape) else { return value.clone() };
    let kept = |element: &str, child: &Value, shape: Shape| -> Option<Value> {
        let below = set.child(element);
        if below.is_empty() {
            return Some(child.clone());
        }
        let is_leaf = children(child, shape).is_none_or(|children| children.is_empty());
        // An item of a list goes as a whole: what others have set in it went with it.
        if below.is_member() && (is_leaf || below.is_flat() || element.starts_with("k:")) {
            return None;
        }
        let rest = without(child, &below, shape);
        let is_emptied = rest.is_empty() && !child.is_empty();
        if is_emptied { None } else { Some(rest) }
    };
    if value.as_map().is_some() {
        let mut map = Map::new();
        for (element, child, shape) in &all {
            if let Some(child) = kept(element, child, *shape) {
                map.insert(name_of(element), child);
            }
        }
        return map.into();
    }
    let items = all.iter().filter_map(|(element, child, shape)| kept(element, child, *shape));
    items.collect()
}
