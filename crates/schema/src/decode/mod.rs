//! Reads objects as the API server's typed decoder does.

mod place;
mod restore;
mod scalar;
mod time;

use crate::Kind;
use crate::definition::{Definition, Field, Presence, Type};
use api::text::is_same;
use api::{Map, Value};
use place::{Place, Step, go_type, inner_go_type};

/// An object as the API server keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decoded {
    /// The object without what its kind doesn't know, printed as Go prints its struct: what is
    /// empty is left out or put in as upstream's types say.
    pub value: Value,
    /// What it doesn't know, as the strict decoder words it: `unknown field "spec.replcas"`.
    pub unknown: Vec<String>,
}

/// How many complaints the strict decoder collects.
// Models sigs.k8s.io/json internal/golang/encoding/json saveStrictError
const COMPLAINTS: usize = 100;

/// Reads an object of a kind. What needs no change is shared with the value given.
///
/// # Errors
/// What Go's json says where a field is of another type: the first such field, in order.
// Models sigs.k8s.io/json internal/golang/encoding/json decodeState
pub fn decode(kind: &Kind, value: &Value) -> Result<Decoded, String> {
    decode_again(kind, value, &Value::Null)
}

/// Reads an object as [`decode`] does, but not again what it shares with an object decoded before.
///
/// # Errors
/// As [`decode`].
pub fn decode_again(kind: &Kind, value: &Value, before: &Value) -> Result<Decoded, String> {
    read(kind, value, before, Words::Json)
}

/// Reads what a strategic merge patch has made of an object decoded before: as [`decode_again`], but with the
/// words, and the leniency, of what restores structs from maps.
///
/// # Errors
/// What the converter says where a field is of another type: the first such field, in order.
// Models staging/src/k8s.io/apimachinery/pkg/runtime/converter.go FromUnstructuredWithValidation
pub fn restore(kind: &Kind, value: &Value, before: &Value) -> Result<Decoded, String> {
    let mut restored = read(kind, value, before, Words::Converter)?;
    restored.unknown.sort_unstable();
    Ok(restored)
}

fn read(kind: &Kind, value: &Value, before: &Value, words: Words) -> Result<Decoded, String> {
    let Some(definition) = kind.definition() else {
        return Ok(Decoded { value: value.clone(), unknown: Vec::new() });
    };
    let mut reader = Reader { words, ..Reader::default() };
    let root = Place { up: None, step: Step::Root };
    let read = match value {
        Value::Map(map) => reader.fields(definition, map, before, &root),
        other => {
            reader.mismatch(other, &root, &Type::Ref(definition.id), "");
            None
        }
    };
    match reader.failure() {
        Some(error) => Err(error),
        None => {
            let value = read.unwrap_or_else(|| value.clone());
            Ok(Decoded { value, unknown: reader.unknown })
        }
    }
}

/// Reads an object's metadata, whatever its kind is.
///
/// # Errors
/// As [`decode`].
pub fn decode_metadata(value: &Value) -> Result<Decoded, String> {
    let metadata = crate::definition("io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta");
    let Some((definition, map)) = metadata.zip(value.as_map()) else {
        return Ok(Decoded { value: Value::map(), unknown: Vec::new() });
    };
    let mut reader = Reader::default();
    let root = Place { up: None, step: Step::Root };
    let place = Place { up: Some(&root), step: Step::Key("metadata") };
    let read = reader.fields(definition, map, &Value::Null, &place);
    match reader.failure() {
        Some(error) => Err(error),
        None => Ok(Decoded { value: read.unwrap_or_else(|| value.clone()), unknown: reader.unknown }),
    }
}

/// Returns an object of a kind of which nothing is set.
pub fn empty(kind: &Kind) -> Value {
    kind.definition().map_or_else(Value::map, zero_fields)
}

/// Returns what Go prints for a struct of which nothing is set.
fn zero_fields(definition: &Definition) -> Value {
    let mut map = Map::new();
    for field in definition.printed() {
        map.insert(field.name, absent(field));
    }
    map.into()
}

/// Returns what Go prints for a field that is always printed and isn't set.
fn absent(field: &Field) -> Value {
    if field.presence == Presence::NullPointer { Value::Null } else { zero(&field.ty) }
}

fn zero(ty: &Type) -> Value {
    match ty {
        Type::Str => "".into(),
        Type::Int32 | Type::Int64 | Type::Float | Type::IntOrString => Value::Int(0),
        Type::Bool => false.into(),
        Type::Quantity => "0".into(),
        Type::Ref(id) => zero_fields(id.get()),
        Type::Time | Type::MicroTime | Type::Bytes => Value::Null,
        Type::Map(_) | Type::List(_) | Type::Any(_) => Value::Null,
    }
}

/// In whose words it is said that a value doesn't fit.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Words {
    /// Go's json.
    #[default]
    Json,
    /// What restores structs from maps.
    Converter,
}

#[derive(Default)]
struct Reader {
    words: Words,
    /// The first value that doesn't fit; reading goes on after it.
    mismatch: Option<String>,
    /// What a type that reads itself said; nothing is read after it.
    error: Option<String>,
    unknown: Vec<String>,
}

impl Reader {
    /// Ends it with what a type that reads itself says.
    // Models encoding/json decode.go, where a decoder's own error is returned and a mismatch saved
    fn fail(&mut self, error: String) {
        if self.words == Words::Converter {
            self.save(error);
        } else {
            self.error.get_or_insert(error);
        }
    }

    /// Keeps what is said of a value that doesn't fit, unless another didn't before.
    // Models encoding/json decode.go saveError
    fn save(&mut self, error: String) {
        self.mismatch.get_or_insert(error);
    }

    /// Returns what is to be said.
    fn failure(&mut self) -> Option<String> {
        self.error.take().or(self.mismatch.take())
    }

    fn mismatch(&mut self, found: &Value, at: &Place, ty: &Type, go: &str) {
        if self.words == Words::Converter {
            return self.save(restore::mismatch(found, ty, go));
        }
        let word = match found {
            Value::Str(_) => "string",
            Value::Bool(_) => "bool",
            Value::List(_) => "array",
            Value::Map(_) => "object",
            _ => "number",
        };
        self.save(at.mismatch(word, &go_type(ty, go)));
    }

    /// Reads a struct; `None` where it stays as it is.
    fn fields(&mut self, definition: &Definition, map: &Map, before: &Value, at: &Place) -> Option<Value> {
        let mut changed: Option<Map> = None;
        let mut fields = definition.fields.iter();
        let mut printed = definition.printed.len();
        for (name, value) in map.iter() {
            let before = &before[name];
            if value.same(before) {
                continue;
            }
            // Both are in order, and most names differ in length: this is quicker than to search.
            let mut rest = fields.clone();
            let Some(field) = rest.find(|field| is_same(field.name, name)) else {
                self.complain(at, name);
                changed.get_or_insert_with(|| map.clone()).remove(name);
                continue;
            };
            fields = rest;
            printed -= usize::from(field.presence.is_printed());
            match self.field(field, value, before, definition, at) {
                Outcome::Same => {}
                Outcome::Gone => {
                    changed.get_or_insert_with(|| map.clone()).remove(name);
                }
                Outcome::Now(value) => {
                    changed.get_or_insert_with(|| map.clone()).insert(name, value);
                }
            }
        }
        // Where all of them were met none is missing.
        for field in definition.printed().filter(|_| printed > 0) {
            if !map.contains(field.name) {
                let value = absent(field);
                changed.get_or_insert_with(|| map.clone()).insert(field.name, value);
            }
        }
        changed.map(Value::from)
    }

    fn complain(&mut self, at: &Place, name: &str) {
        if self.unknown.len() < COMPLAINTS {
            self.unknown.push(format!("unknown field {:?}", at.path_to(name)));
        }
    }

    fn field(
        &mut self,
        field: &Field,
        value: &Value,
        before: &Value,
        of: &Definition,
        at: &Place,
    ) -> Outcome {
        let place = Place { up: Some(at), step: Step::Field { of, name: field.name } };
        let read =
            if value.is_null() { None } else { self.value(&field.ty, field.go_type, value, before, &place) };
        let now = read.as_ref().unwrap_or(value);
        let container = matches!(field.ty, Type::List(_) | Type::Map(_) | Type::Bytes);
        let gone = match field.presence {
            Presence::Pointer => now.is_null(),
            Presence::OmitZero => now.is_empty(),
            Presence::OmitEmpty => {
                now.is_null() || now.is_empty() && !matches!(field.ty, Type::Ref(_) | Type::Any(_))
            }
            // A list that is empty comes back from etcd as none.
            Presence::Always if now.is_null() || container && now.is_empty() => {
                let absent = absent(field);
                return if absent == *value { Outcome::Same } else { Outcome::Now(absent) };
            }
            Presence::Always | Presence::NullPointer => false,
        };
        match read {
            _ if gone => Outcome::Gone,
            Some(value) => Outcome::Now(value),
            None => Outcome::Same,
        }
    }

    /// Reads a value; `None` where it stays as it is.
    fn value(&mut self, ty: &Type, go: &str, value: &Value, before: &Value, at: &Place) -> Option<Value> {
        if value.same(before) {
            return None;
        }
        match (ty, value) {
            (Type::Any(_), _) => None,
            (_, Value::Null) => Some(zero(ty)),
            (Type::Ref(id), Value::Map(map)) => self.fields(id.get(), map, before, at),
            (Type::List(items), Value::List(values)) => {
                let go = inner_go_type(go);
                let mut changed: Option<Vec<Value>> = None;
                for (i, value) in values.iter().enumerate() {
                    let place = Place { up: Some(at), step: Step::Index(i) };
                    if let Some(new) = self.value(items, go, value, &before[i], &place) {
                        let list = changed.get_or_insert_with(|| values.to_vec());
                        if let Some(slot) = list.get_mut(i) {
                            *slot = new;
                        }
                    }
                }
                changed.map(Value::from)
            }
            (Type::Map(values), Value::Map(map)) => {
                let go = inner_go_type(go);
                let mut changed: Option<Map> = None;
                for (key, value) in map.iter() {
                    let place = Place { up: Some(at), step: Step::Key(key) };
                    if let Some(new) = self.value(values, go, value, &before[key], &place) {
                        changed.get_or_insert_with(|| map.as_ref().clone()).insert(key, new);
                    }
                }
                changed.map(Value::from)
            }
            (Type::Ref(_) | Type::List(_) | Type::Map(_), other) => {
                self.mismatch(other, at, ty, go);
                None
            }
            _ => self.scalar(ty, go, value, at),
        }
    }
}

enum Outcome {
    Same,
    Gone,
    Now(Value),
}

#[cfg(test)]
mod tests;
