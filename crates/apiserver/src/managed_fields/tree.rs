//! Objects as trees of fields: what they say, how one is put over another, what differs.
// Models sigs.k8s.io/structured-merge-diff/typed/tofieldset.go, merge.go, remove.go

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
enum Kind<'a> {
    Map,
    /// A list whose items are told apart by these fields.
    Keyed(&'static [&'static str]),
    /// The same, of a list that a structural schema tells of.
    KeyedBy(&'a Value),
    /// A list of values that are there once.
    Values,
    Whole,
}

impl<'a> Shape<'a> {
    fn kind(self, value: &Value) -> Kind<'a> {
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
                "map" => Kind::Keyed(&field.map_keys),
                "set" => Kind::Values,
                _ => Kind::Whole,
            },
            _ => Kind::Whole,
        }
    }

    fn child(self, name: &str) -> Shape<'a> {
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
            Shape::Struct(definition) => {
                definition.field(name).map_or(Shape::Unknown, |field| match &field.ty {
                    Type::Ref(id) => Shape::Struct(id.get()),
                    ty => Shape::Of(ty, Some(field)),
                })
            }
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
        (Value::List(_), "map") => Kind::KeyedBy(schema),
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
fn children<'a>(value: &Value, shape: Shape<'a>) -> Option<Vec<(String, Value, Shape<'a>)>> {
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
            Some(items.map(|item| (key(item, keys), item.clone(), shape.child(""))).collect())
        }
        Kind::KeyedBy(schema) => {
            let items = value.items().iter();
            Some(items.map(|item| (key_by(item, schema), item.clone(), shape.child(""))).collect())
        }
        Kind::Values => {
            let items = value.items().iter();
            Some(items.map(|item| (format!("v:{}", item.to_json()), item.clone(), shape.child(""))).collect())
        }
    }
}

/// Returns the path element of an item. A key that isn't said has its default where there is one.
fn key(item: &Value, keys: &[&str]) -> String {
    let mut map = Map::new();
    for name in keys {
        let value = &item[*name];
        if !value.is_null() {
            map.insert(name, value);
        } else if *name == "protocol" {
            map.insert(name, "TCP");
        }
    }
    format!("k:{}", Value::from(map).to_json())
}

/// Returns the fields that an object says.
pub(crate) fn fields_of(value: &Value, shape: Shape) -> Set {
    let mut set = Set::default();
    let all = children(value, shape).unwrap_or_default();
    if all.is_empty() {
        set.member = true;
        return set;
    }
    for (element, child, shape) in all {
        let is_item = !element.starts_with("f:");
        let mut below = fields_of(&child, shape);
        below.member |= is_item;
        set.children.insert(element, below);
    }
    set
}

/// Returns the fields that are new or other in the second of two objects, and those that are gone.
pub(crate) fn difference(old: &Value, new: &Value, shape: Shape) -> (Set, Set) {
    let (mut changed, mut gone) = (Set::default(), Set::default());
    if old == new {
        return (changed, gone);
    }
    let (Some(before), Some(after)) = (children(old, shape), children(new, shape)) else {
        if old.is_null() {
            changed = fields_of(new, shape);
            changed.member = true;
        } else if new.is_null() {
            gone = fields_of(old, shape);
            gone.member = true;
        } else {
            changed.member = true;
        }
        return (changed, gone);
    };
    for (element, child, shape) in &after {
        let was = before.iter().find(|(known, _, _)| known == element);
        let was = was.map_or(&Value::Null, |(_, value, _)| value);
        let (more, less) = difference(was, child, *shape);
        put(&mut changed, element, more);
        put(&mut gone, element, less);
    }
    for (element, child, shape) in before {
        if !after.iter().any(|(known, _, _)| *known == element) {
            put(&mut gone, &element, difference(&child, &Value::Null, shape).1);
        }
    }
    (changed, gone)
}

fn put(set: &mut Set, element: &str, child: Set) {
    if !child.is_empty() {
        set.children.insert(element.to_string(), child);
    }
}

/// Puts one object over another. The order of items is the live object's, new ones come last.
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
    let mut items: Vec<Value> = Vec::new();
    for (element, was, _) in &before {
        let child = over.iter().find(|(known, _, _)| known == element);
        items.push(child.map_or_else(|| was.clone(), |(_, child, shape)| merged(element, child, *shape)));
    }
    let is_new = |element: &String| !before.iter().any(|(known, _, _)| known == element);
    items.extend(over.iter().filter(|(element, _, _)| is_new(element)).map(|(_, child, _)| child.clone()));
    items.into()
}

fn name_of(element: &str) -> &str {
    element.strip_prefix("f:").unwrap_or(element)
}

/// Takes out of an object what a set has, and what is empty after it.
pub(crate) fn without(value: &Value, set: &Set, shape: Shape) -> Value {
    let Some(all) = children(value, shape) else { return value.clone() };
    let kept = |element: &str, child: &Value, shape: Shape| -> Option<Value> {
        let Some(below) = set.children.get(element) else { return Some(child.clone()) };
        let is_leaf = children(child, shape).is_none_or(|children| children.is_empty());
        if below.member && (is_leaf || below.children.is_empty()) {
            return None;
        }
        let rest = without(child, below, shape);
        let only_keys = element.starts_with("k:") && below.member;
        let is_emptied = rest.is_empty() && !child.is_empty();
        if is_emptied || only_keys && is_only_key(&rest, element) { None } else { Some(rest) }
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

/// Returns whether of an item nothing is left but what tells it apart.
fn is_only_key(item: &Value, element: &str) -> bool {
    let keys = element.strip_prefix("k:").and_then(|keys| Value::from_json(keys).ok()).unwrap_or_default();
    item.fields().iter().all(|(name, _)| !keys[name].is_null())
}
