use crate::failure::{Outcome, error};
use crate::text::quote;
use api::Value;
use api::jsonpath::JsonPath;
use api::quantity::Quantity;
use std::cmp::Ordering;

/// Sorts what has objects in it by a field of them (`--sort-by`).
///
/// # Errors
/// Why the path can't be read, or that no object has such a field.
// Models staging/src/k8s.io/kubectl/pkg/cmd/get/sorter.go SortObjects
pub(crate) fn sort_by<T>(path: &str, items: &mut [T], object: impl Fn(&T) -> &Value) -> Outcome {
    let read = match JsonPath::relaxed(path) {
        Ok(read) => read,
        Err(why) => return error(why),
    };
    let mut any = items.is_empty();
    let mut keys = Vec::new();
    for item in items.iter() {
        let found = match read.find(object(item)) {
            Ok(found) => found.into_iter().flatten().next().filter(|value| !value.is_null()),
            Err(why) => return error(why),
        };
        any |= found.is_some();
        keys.push(found);
    }
    if !any {
        let bare = path.trim_start_matches('{').trim_end_matches('}').trim_start_matches('.');
        return error(format!(
            "couldn't find any field with path {} in the list of objects",
            quote(&format!("{{.{bare}}}"))
        ));
    }
    let mut order: Vec<usize> = (0..items.len()).collect();
    order.sort_by(|a, b| compare(keys.get(*a).unwrap_or(&None), keys.get(*b).unwrap_or(&None)));
    let mut place = vec![0; order.len()];
    for (to, from) in order.iter().enumerate() {
        if let Some(slot) = place.get_mut(*from) {
            *slot = to;
        }
    }
    // Puts each item where it belongs, cycle by cycle.
    for i in 0..items.len() {
        while let Some(&to) = place.get(i) {
            if to == i {
                break;
            }
            items.swap(i, to);
            place.swap(i, to);
        }
    }
    Ok(())
}

fn compare(a: &Option<Value>, b: &Option<Value>) -> Ordering {
    match (a, b) {
        (None, None) => Ordering::Equal,
        (None, _) => Ordering::Less,
        (_, None) => Ordering::Greater,
        (Some(Value::Int(a)), Some(Value::Int(b))) => a.cmp(b),
        (Some(Value::Float(a)), Some(Value::Float(b))) => a.partial_cmp(b).unwrap_or(Ordering::Equal),
        (Some(Value::Str(a)), Some(Value::Str(b))) => texts(a, b),
        (Some(a), Some(b)) => a.to_json().cmp(&b.to_json()),
    }
}

/// Compares quantities by their amount, other texts as people number them.
fn texts(a: &str, b: &str) -> Ordering {
    match (Quantity::parse(a), Quantity::parse(b)) {
        (Ok(a), Ok(b)) => a.cmp(&b),
        _ => natural(a, b),
    }
}

/// Compares texts so that `a2` comes before `a10`.
// Models github.com/fvbommel/sortorder natsort.go NaturalLess
fn natural(a: &str, b: &str) -> Ordering {
    let (mut a, mut b) = (a.as_bytes(), b.as_bytes());
    loop {
        let ([first, ..], [other, ..]) = (a, b) else {
            return a.len().cmp(&b.len());
        };
        if first.is_ascii_digit() && other.is_ascii_digit() {
            let (number, rest) = digits(a);
            let (other, other_rest) = digits(b);
            let order = number.len().cmp(&other.len()).then(number.cmp(other));
            if order != Ordering::Equal {
                return order;
            }
            (a, b) = (rest, other_rest);
        } else if first != other {
            return first.cmp(other);
        } else {
            (a, b) = (a.get(1..).unwrap_or(&[]), b.get(1..).unwrap_or(&[]));
        }
    }
}

/// Returns the number that a text begins with, without zeros before it, and the rest.
fn digits(text: &[u8]) -> (&[u8], &[u8]) {
    let end = text.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(text.len());
    let (number, rest) = text.split_at(end);
    let zeros = number.iter().position(|byte| *byte != b'0').unwrap_or(number.len());
    (number.get(zeros..).unwrap_or(&[]), rest)
}

#[cfg(test)]
mod tests {
    use super::*;
    use api::tree;

    #[test]
    fn sorts_objects() {
        let mut items = vec![tree!({"n": "c", "q": "1Gi"}), tree!({"n": "a", "q": "2"}), tree!({"n": "b"})];
        sort_by(".n", &mut items, |item| item).unwrap();
        let names: Vec<&str> = items.iter().map(|item| item["n"].str()).collect();
        assert_eq!(names, ["a", "b", "c"]);
        sort_by("{.q}", &mut items, |item| item).unwrap();
        let names: Vec<&str> = items.iter().map(|item| item["n"].str()).collect();
        assert_eq!(names, ["b", "a", "c"]);
        assert_eq!(natural("web-10", "web-9"), Ordering::Greater);
        assert_eq!(natural("web", "web-9"), Ordering::Less);
        assert!(sort_by(".nope", &mut items, |item| item).is_err());
    }
}
