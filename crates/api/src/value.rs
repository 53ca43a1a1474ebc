use crate::Map;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::ops::Index;
use std::rc::Rc;

/// A JSON value as a reference-counted tree. Cloning costs a count; changing a clone copies only
/// the way down to the change, so that the pods of a ReplicaSet share their template's spec.
#[derive(Clone, Default)]
pub enum Value {
    /// `null`, or nothing there.
    #[default]
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// Any other number; never NaN or infinite.
    Float(f64),
    /// A text.
    Str(Rc<str>),
    /// A list.
    List(Rc<Vec<Value>>),
    /// A map with its keys in order.
    Map(Rc<Map>),
}

const NULL: &Value = &Value::Null;
const EMPTY: &Map = &Map::EMPTY;

impl Value {
    /// Makes an empty map.
    pub fn map() -> Value {
        Value::Map(Rc::default())
    }

    /// Makes an empty list.
    pub fn list() -> Value {
        Value::List(Rc::default())
    }

    /// Returns the value of a key; `None` where this is no map or has no such key.
    #[inline]
    pub fn get(&self, key: &str) -> Option<&Value> {
        match self {
            Value::Map(map) => map.get(key),
            _ => None,
        }
    }

    /// Returns what is at a path of keys; null where there is nothing.
    pub fn at(&self, path: &[&str]) -> &Value {
        path.iter().fold(self, |value, key| &value[*key])
    }

    /// Returns the text; empty for anything else.
    #[inline]
    pub fn str(&self) -> &str {
        self.as_str().unwrap_or("")
    }

    /// Returns the text, if it is one.
    #[inline]
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Value::Str(text) => Some(text),
            _ => None,
        }
    }

    /// Returns the text as a shared one; empty for anything else.
    pub fn text(&self) -> Rc<str> {
        match self {
            Value::Str(text) => text.clone(),
            _ => "".into(),
        }
    }

    /// Returns the whole number, if it is one.
    pub fn as_int(&self) -> Option<i64> {
        match self {
            Value::Int(number) => Some(*number),
            _ => None,
        }
    }

    /// Returns the whole number; 0 for anything else.
    pub fn int(&self) -> i64 {
        self.as_int().unwrap_or(0)
    }

    /// Returns the truth value, if it is one.
    pub fn as_bool(&self) -> Option<bool> {
        match self {
            Value::Bool(truth) => Some(*truth),
            _ => None,
        }
    }

    /// Returns whether this is `true`.
    pub fn is_true(&self) -> bool {
        matches!(self, Value::Bool(true))
    }

    /// Returns whether this is null.
    #[inline]
    pub fn is_null(&self) -> bool {
        matches!(self, Value::Null)
    }

    /// Returns whether Go would leave this out as empty: null, `false`, 0, an empty text, list or map.
    pub fn is_empty(&self) -> bool {
        match self {
            Value::Null => true,
            Value::Bool(truth) => !truth,
            Value::Int(number) => *number == 0,
            Value::Float(number) => *number == 0.0,
            Value::Str(text) => text.is_empty(),
            Value::List(items) => items.is_empty(),
            Value::Map(map) => map.is_empty(),
        }
    }

    /// Returns the items of a list; none for anything else.
    #[inline]
    pub fn items(&self) -> &[Value] {
        match self {
            Value::List(items) => items,
            _ => &[],
        }
    }

    /// Returns the map; an empty one for anything else.
    pub fn fields(&self) -> &Map {
        match self {
            Value::Map(map) => map,
            _ => EMPTY,
        }
    }

    /// Returns the map, if it is one.
    pub fn as_map(&self) -> Option<&Map> {
        match self {
            Value::Map(map) => Some(map),
            _ => None,
        }
    }

    /// Returns the list, if it is one.
    pub fn as_list(&self) -> Option<&[Value]> {
        match self {
            Value::List(items) => Some(items),
            _ => None,
        }
    }

    /// Returns the map, to be changed. Whatever else this is becomes an empty map first.
    pub fn map_mut(&mut self) -> &mut Map {
        if !matches!(self, Value::Map(_)) {
            *self = Value::map();
        }
        match self {
            Value::Map(map) => Rc::make_mut(map),
            _ => unreachable!("it was made a map"),
        }
    }

    /// Returns the list, to be changed. Whatever else this is becomes an empty list first.
    pub fn list_mut(&mut self) -> &mut Vec<Value> {
        if !matches!(self, Value::List(_)) {
            *self = Value::list();
        }
        match self {
            Value::List(items) => Rc::make_mut(items),
            _ => unreachable!("it was made a list"),
        }
    }

    /// Returns what is at a path of keys, to be changed; maps are made on the way.
    pub fn at_mut(&mut self, path: &[&str]) -> &mut Value {
        path.iter().fold(self, |value, key| value.map_mut().entry(key))
    }

    /// Sets what is at a path of keys; maps are made on the way.
    pub fn set(&mut self, path: &[&str], value: impl Into<Value>) {
        *self.at_mut(path) = value.into();
    }

    /// Takes out what is at a path of keys.
    pub fn remove(&mut self, path: &[&str]) -> Option<Value> {
        let (last, way) = path.split_last()?;
        self.at(way).get(last)?;
        self.at_mut(way).map_mut().remove(last)
    }

    /// Returns whether both are the same memory, which is quicker than asking whether they are equal.
    #[inline]
    pub fn same(&self, other: &Value) -> bool {
        match (self, other) {
            (Value::Map(a), Value::Map(b)) => Rc::ptr_eq(a, b),
            (Value::List(a), Value::List(b)) => Rc::ptr_eq(a, b),
            (Value::Str(a), Value::Str(b)) => Rc::ptr_eq(a, b),
            _ => false,
        }
    }

    /// Reads JSON.
    ///
    /// # Errors
    /// The reader's words where the text is no JSON or is nested deeper than 127 levels.
    pub fn from_json(text: &str) -> Result<Value, String> {
        serde_json::from_str(text).map_err(|error| error.to_string())
    }

    /// Writes JSON on one line as Go does, keys in order.
    pub fn to_json(&self) -> String {
        crate::number::write_json(self, serde_json::ser::CompactFormatter)
    }

    /// Writes JSON as the API server does for people: indented by two blanks.
    pub fn to_json_indented(&self) -> String {
        crate::number::write_json(self, serde_json::ser::PrettyFormatter::with_indent(b"  "))
    }

    /// Writes JSON as kubectl does: indented by four blanks.
    pub fn to_json_pretty(&self) -> String {
        crate::number::write_json(self, serde_json::ser::PrettyFormatter::with_indent(b"    "))
    }
}

impl Index<&str> for Value {
    type Output = Value;
    #[inline]
    fn index(&self, key: &str) -> &Value {
        self.get(key).unwrap_or(NULL)
    }
}

impl Index<usize> for Value {
    type Output = Value;
    fn index(&self, i: usize) -> &Value {
        self.items().get(i).unwrap_or(NULL)
    }
}

impl PartialEq for Value {
    fn eq(&self, other: &Value) -> bool {
        match (self, other) {
            (Value::Null, Value::Null) => true,
            (Value::Bool(a), Value::Bool(b)) => a == b,
            (Value::Int(a), Value::Int(b)) => a == b,
            (Value::Float(a), Value::Float(b)) => a.to_bits() == b.to_bits(),
            (Value::Str(a), Value::Str(b)) => a == b,
            (Value::List(a), Value::List(b)) => Rc::ptr_eq(a, b) || a == b,
            (Value::Map(a), Value::Map(b)) => Rc::ptr_eq(a, b) || a == b,
            _ => false,
        }
    }
}

impl Eq for Value {}

impl Hash for Value {
    fn hash<H: Hasher>(&self, state: &mut H) {
        std::mem::discriminant(self).hash(state);
        match self {
            Value::Null => {}
            Value::Bool(truth) => truth.hash(state),
            Value::Int(number) => number.hash(state),
            Value::Float(number) => number.to_bits().hash(state),
            Value::Str(text) => text.hash(state),
            Value::List(items) => items.hash(state),
            Value::Map(map) => map.hash(state),
        }
    }
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_json())
    }
}

macro_rules! from {
    ($($type:ty => $value:ident: $make:expr;)*) => {
        $(impl From<$type> for Value {
            fn from($value: $type) -> Value {
                $make
            }
        })*
    };
}

from! {
    bool => value: Value::Bool(value);
    i64 => value: Value::Int(value);
    i32 => value: Value::Int(value.into());
    u32 => value: Value::Int(value.into());
    u16 => value: Value::Int(value.into());
    usize => value: Value::Int(value as i64);
    &str => value: Value::Str(value.into());
    &String => value: Value::Str(value.as_str().into());
    String => value: Value::Str(value.into());
    Rc<str> => value: Value::Str(value);
    &Rc<str> => value: Value::Str(value.clone());
    &Value => value: value.clone();
    Map => value: Value::Map(Rc::new(value));
    Vec<Value> => value: Value::List(Rc::new(value));
    Vec<String> => value: Value::List(Rc::new(value.into_iter().map(Value::from).collect()));
    &[Value] => value: Value::List(Rc::new(value.to_vec()));
}

impl From<f64> for Value {
    fn from(number: f64) -> Value {
        let whole = number as i64;
        if whole as f64 == number && number.abs() < 9e15 {
            Value::Int(whole)
        } else if number.is_finite() {
            Value::Float(number)
        } else {
            Value::Null
        }
    }
}

impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Value {
        value.map_or(Value::Null, Into::into)
    }
}

impl FromIterator<Value> for Value {
    fn from_iter<I: IntoIterator<Item = Value>>(items: I) -> Value {
        Value::List(Rc::new(items.into_iter().collect()))
    }
}

#[cfg(test)]
mod tests {
    use crate::{Value, tree};

    #[test]
    fn reads_and_writes_json() {
        for (text, back) in [
            (r#"{"b":1,"a":[true,null,"x\n"]}"#, r#"{"a":[true,null,"x\n"],"b":1}"#),
            ("1.5", "1.5"),
            ("1e3", "1000"),
            ("-3", "-3"),
            (r#"{"a":1,"a":2}"#, r#"{"a":2}"#),
        ] {
            assert_eq!(Value::from_json(text).unwrap().to_json(), back);
        }
        let deep = "[".repeat(5_000);
        for bad in ["", "{", "nul", deep.as_str()] {
            assert!(Value::from_json(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_clone_changes_alone() {
        let one = tree!({"spec": {"replicas": 1, "list": ["a"]}});
        let mut two = one.clone();
        two.set(&["spec", "replicas"], 2);
        two.at_mut(&["metadata", "labels", "app"]);
        assert_eq!(one["spec"]["replicas"].int(), 1);
        assert_eq!(two["spec"]["replicas"].int(), 2);
        assert!(two["spec"]["list"].same(&one["spec"]["list"]));
        assert_eq!(two.remove(&["spec", "list"]), Some(tree!(["a"])));
        assert_eq!(two.remove(&["no", "such"]), None);
        assert!(two["nothing"]["here"].is_null());
    }
}
