//! Objects in protobuf, which kubectl's typed clients send: read by the schema's table and the fields'
//! numbers in `data/field-numbers.tsv`.
// Models staging/src/k8s.io/apimachinery/pkg/runtime/serializer/protobuf/protobuf.go

use api::{Map, Value};
use schema::{Definition, Field, Presence, Type};
use sim::{MICROSECOND, SECOND, Time};
use std::collections::BTreeMap;
use std::sync::OnceLock;

/// What every object begins with.
const MAGIC: &[u8] = b"k8s\0";
const NUMBERS: &str = include_str!("../../data/field-numbers.tsv");
/// How deep messages may be within messages.
const MAX_DEPTH: u32 = 100;

/// Fields by their number; by two where a message holds it that JSON shows as part of the outer one.
type Fields = BTreeMap<(u64, u64), &'static Field>;

/// Reads an object with its envelope.
///
/// # Errors
/// What is wrong with it.
pub(super) fn decode(bytes: &[u8]) -> Result<Value, String> {
    let inner = bytes.strip_prefix(MAGIC).ok_or("provided data does not appear to be a protobuf message")?;
    let (mut version, mut kind, mut raw): (String, String, &[u8]) = Default::default();
    for part in parts(inner)? {
        match part {
            (1, Wire::Bytes(meta)) => {
                for part in parts(meta)? {
                    match part {
                        (1, Wire::Bytes(text)) => version = string(text),
                        (2, Wire::Bytes(text)) => kind = string(text),
                        _ => {}
                    }
                }
            }
            (2, Wire::Bytes(bytes)) => raw = bytes,
            _ => {}
        }
    }
    let (group, bare) = version.rsplit_once('/').unwrap_or(("", &version));
    // What goes with a request has the version of what it is about.
    let found = schema::find_kind(group, bare, &kind).or_else(|| schema::find_kind("", "v1", &kind));
    let definition = found.and_then(schema::Kind::definition);
    let definition =
        definition.ok_or_else(|| format!("no kind {kind:?} is registered for version {version:?}"))?;
    let mut object = message(definition, raw, 0)?;
    object.set(&["apiVersion"], version);
    object.set(&["kind"], kind);
    Ok(object)
}

/// A part of a message as it stands in the bytes.
enum Wire<'a> {
    Number(u64),
    Fixed(u64),
    Bytes(&'a [u8]),
}

fn varint(bytes: &mut &[u8]) -> Result<u64, String> {
    let mut number = 0u64;
    for shift in (0..64).step_by(7) {
        let (byte, rest) = bytes.split_first().ok_or("unexpected EOF")?;
        *bytes = rest;
        number |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Ok(number);
        }
    }
    Err("proto: integer overflow".to_string())
}

fn take<'a>(bytes: &mut &'a [u8], length: u64) -> Result<&'a [u8], String> {
    let length = usize::try_from(length).map_err(|_| "unexpected EOF")?;
    let (taken, rest) = bytes.split_at_checked(length).ok_or("unexpected EOF")?;
    *bytes = rest;
    Ok(taken)
}

/// Takes a message apart into its fields' numbers and values.
fn parts(mut bytes: &[u8]) -> Result<Vec<(u64, Wire<'_>)>, String> {
    let mut parts = Vec::new();
    while !bytes.is_empty() {
        let tag = varint(&mut bytes)?;
        let wire = match tag & 7 {
            0 => Wire::Number(varint(&mut bytes)?),
            1 => Wire::Fixed(little_endian(take(&mut bytes, 8)?)),
            2 => {
                let length = varint(&mut bytes)?;
                Wire::Bytes(take(&mut bytes, length)?)
            }
            5 => Wire::Fixed(little_endian(take(&mut bytes, 4)?)),
            other => return Err(format!("proto: illegal wireType {other}")),
        };
        parts.push((tag >> 3, wire));
    }
    Ok(parts)
}

fn little_endian(bytes: &[u8]) -> u64 {
    bytes.iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte))
}

fn string(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Returns a definition's fields by their numbers.
fn numbered(definition: &'static Definition) -> &'static Fields {
    static TABLE: OnceLock<BTreeMap<&'static str, Fields>> = OnceLock::new();
    static NONE: Fields = Fields::new();
    let table = TABLE.get_or_init(|| {
        let rows = NUMBERS.lines().filter_map(|line| line.split_once('\t'));
        let rows = rows.filter_map(|(name, cells)| Some((name, schema::definition(name)?, cells)));
        rows.map(|(name, definition, cells)| {
            let pairs = cells.split(' ').filter_map(|cell| cell.split_once('='));
            let fields = pairs.filter_map(|(field, numbers)| {
                let (outer, inner) = numbers.split_once('.').unwrap_or((numbers, "0"));
                Some(((outer.parse().ok()?, inner.parse().ok()?), definition.field(field)?))
            });
            (name, fields.collect())
        })
        .collect()
    });
    table.get(definition.name).unwrap_or(&NONE)
}

fn message(definition: &'static Definition, bytes: &[u8], depth: u32) -> Result<Value, String> {
    if depth > MAX_DEPTH {
        return Err("proto: message is nested too deeply".to_string());
    }
    let (fields, mut object) = (numbered(definition), Map::new());
    for (number, wire) in parts(bytes)? {
        if let Some(field) = fields.get(&(number, 0)) {
            add(&mut object, field, wire, depth)?;
        } else if let Wire::Bytes(inner) = wire
            && fields.range((number, 1)..=(number, u64::MAX)).next().is_some()
        {
            for (own, wire) in parts(inner)? {
                if let Some(field) = fields.get(&(number, own)) {
                    add(&mut object, field, wire, depth)?;
                }
            }
        }
    }
    Ok(object.into())
}

fn add(object: &mut Map, field: &'static Field, wire: Wire, depth: u32) -> Result<(), String> {
    match (&field.ty, wire) {
        (Type::List(items), wire) => {
            if let Some(item) = value(items, &wire, depth)? {
                object.entry(field.name).list_mut().push(item);
            }
        }
        (Type::Map(values), Wire::Bytes(entry)) => {
            let (key, item) = map_entry(values, entry, depth)?;
            object.entry(field.name).map_mut().insert(&key, item);
        }
        (ty, wire) => {
            if let Some(found) = value(ty, &wire, depth)?.filter(|found| is_said(field, found)) {
                object.insert(field.name, found);
            }
        }
    }
    Ok(())
}

/// Returns whether a value means something: Go writes those that it holds by value though they be empty.
fn is_said(field: &Field, value: &Value) -> bool {
    let is_zero = match value {
        Value::Str(text) => text.is_empty(),
        Value::Int(number) => *number == 0,
        Value::Bool(truth) => !truth,
        _ => false,
    };
    !is_zero || !matches!(field.presence, Presence::OmitEmpty | Presence::OmitZero)
}

fn map_entry(values: &'static Type, bytes: &[u8], depth: u32) -> Result<(String, Value), String> {
    let (mut key, mut item) = (String::new(), Value::Null);
    for part in parts(bytes)? {
        match part {
            (1, Wire::Bytes(text)) => key = string(text),
            (2, wire) => item = value(values, &wire, depth)?.unwrap_or_default(),
            _ => {}
        }
    }
    if item.is_null() && matches!(values, Type::Str) {
        item = "".into();
    }
    Ok((key, item))
}

/// Reads one value; `None` for what is no value, such as a time that isn't set.
fn value(ty: &'static Type, wire: &Wire, depth: u32) -> Result<Option<Value>, String> {
    Ok(Some(match (ty, wire) {
        (Type::Str, Wire::Bytes(text)) => string(text).into(),
        (Type::Int32 | Type::Int64, Wire::Number(number)) => Value::Int(*number as i64),
        (Type::Bool, Wire::Number(number)) => Value::Bool(*number != 0),
        (Type::Float, Wire::Fixed(bits)) => f64::from_bits(*bits).into(),
        (Type::Bytes, Wire::Bytes(bytes)) => base64(bytes).into(),
        (Type::Quantity, Wire::Bytes(bytes)) => {
            let text = parts(bytes)?.into_iter().find_map(|part| match part {
                (1, Wire::Bytes(text)) => Some(string(text)),
                _ => None,
            });
            text.unwrap_or_else(|| "0".to_string()).into()
        }
        (Type::IntOrString, Wire::Bytes(bytes)) => int_or_string(bytes)?,
        (Type::Time | Type::MicroTime, Wire::Bytes(bytes)) => {
            let (mut seconds, mut nanos) = (0, 0);
            for part in parts(bytes)? {
                match part {
                    (1, Wire::Number(number)) => seconds = number as i64,
                    (2, Wire::Number(number)) => nanos = number as i64,
                    _ => {}
                }
            }
            // Go's zero time is in the year 1, and one that isn't set is empty.
            if seconds <= 0 {
                return Ok(None);
            }
            let time = Time(seconds.saturating_mul(SECOND).saturating_add(nanos / MICROSECOND * MICROSECOND));
            if matches!(ty, Type::Time) { time.rfc3339().into() } else { time.rfc3339_micro().into() }
        }
        (Type::Ref(id), Wire::Bytes(bytes)) => message(id.get(), bytes, depth + 1)?,
        (Type::List(items), Wire::Bytes(bytes)) => {
            // A list within a list or map is a message with the items in its first field.
            let mut list = Vec::new();
            for (_, wire) in parts(bytes)? {
                list.extend(value(items, &wire, depth + 1)?);
            }
            list.into()
        }
        (Type::Any(_), Wire::Bytes(bytes)) => {
            let raw = parts(bytes)?.into_iter().find_map(|part| match part {
                (1, Wire::Bytes(raw)) => Some(string(raw)),
                _ => None,
            });
            match raw {
                Some(raw) => Value::from_json(&raw).map_err(|error| format!("json: {error}"))?,
                None => return Ok(None),
            }
        }
        _ => return Err("proto: wrong wireType".to_string()),
    }))
}

fn int_or_string(bytes: &[u8]) -> Result<Value, String> {
    let (mut is_text, mut number, mut text) = (false, 0, String::new());
    for part in parts(bytes)? {
        match part {
            (1, Wire::Number(kind)) => is_text = kind == 1,
            (2, Wire::Number(value)) => number = value as i64,
            (3, Wire::Bytes(value)) => text = string(value),
            _ => {}
        }
    }
    Ok(if is_text { text.into() } else { Value::Int(number) })
}

/// Writes bytes as base64.
pub(super) fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let bits =
            chunk.iter().fold(0u32, |bits, byte| bits << 8 | u32::from(*byte)) << (8 * (3 - chunk.len()));
        for i in 0..4 {
            let letter = LETTERS[(bits >> (18 - 6 * i) & 63) as usize];
            text.push(if i <= chunk.len() { char::from(letter) } else { '=' });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn field(number: u8, bytes: &[u8]) -> Vec<u8> {
        let mut out = vec![number << 3 | 2, u8::try_from(bytes.len()).unwrap()];
        out.extend_from_slice(bytes);
        out
    }

    fn envelope(version: &str, kind: &str, raw: &[u8]) -> Vec<u8> {
        let meta = [field(1, version.as_bytes()), field(2, kind.as_bytes())].concat();
        [MAGIC.to_vec(), field(1, &meta), field(2, raw)].concat()
    }

    #[test]
    fn reads_what_go_writes() {
        let label = [field(1, b"app"), field(2, b"web")].concat();
        let metadata =
            [field(1, b"web"), field(2, b""), field(3, b"default"), field(8, b""), field(11, &label)]
                .concat();
        let surge = [vec![1 << 3, 1], vec![2 << 3, 0], field(3, b"25%")].concat();
        let strategy = [field(1, b""), field(2, &field(2, &surge))].concat();
        let volume = [field(1, b"v"), field(2, &field(2, b""))].concat();
        let template = field(2, &field(1, &volume));
        let spec = [vec![1 << 3, 3], field(3, &template), field(4, &strategy), vec![5 << 3, 0]].concat();
        let raw = [field(1, &metadata), field(2, &spec), field(3, b"")].concat();
        let object = decode(&envelope("apps/v1", "Deployment", &raw)).unwrap();
        assert_eq!(
            object.to_json(),
            r#"{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"labels":{"app":"web"},"name":"web","namespace":"default"},"spec":{"replicas":3,"strategy":{"rollingUpdate":{"maxSurge":"25%"}},"template":{"spec":{"volumes":[{"emptyDir":{},"name":"v"}]}}},"status":{}}"#
        );
    }

    #[test]
    fn refuses_what_is_none() {
        for (bytes, why) in [
            (b"{}".to_vec(), "provided data does not appear to be a protobuf message"),
            (envelope("v1", "Unicorn", b""), "no kind \"Unicorn\" is registered for version \"v1\""),
            (envelope("v1", "Pod", &[0x0a, 0x7f]), "unexpected EOF"),
            (envelope("v1", "Pod", &[0x0f]), "proto: illegal wireType 7"),
        ] {
            assert_eq!(decode(&bytes).unwrap_err(), why);
        }
    }

    #[test]
    fn writes_base64() {
        for (bytes, text) in [("", ""), ("a", "YQ=="), ("ab", "YWI="), ("abc", "YWJj"), ("abcd", "YWJjZA==")]
        {
            assert_eq!(base64(bytes.as_bytes()), text);
        }
    }
}
