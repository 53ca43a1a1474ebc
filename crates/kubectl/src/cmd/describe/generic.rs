use super::Events;
use super::writer::Writer;
use crate::text::go_text;
use api::{Value, meta};

/// How deep an object is shown.
const MAX_DEPTH: usize = 64;
const HIDDEN: [&str; 5] = ["managedFields", "name", "namespace", "labels", "annotations"];

/// Describes an object of a kind that nothing is known of.
// Models staging/src/k8s.io/kubectl/pkg/describe/describe.go genericDescriber.Describe
pub(super) fn object(w: &mut Writer, object: &Value) -> Events {
    w.name(object);
    w.labels("Labels", meta::labels(object));
    w.annotations("Annotations", meta::annotations(object));
    content(w, object, 0, "");
    Events::Shown
}

// Models staging/src/k8s.io/kubectl/pkg/describe/describe.go printUnstructuredContent
fn content(w: &mut Writer, value: &Value, level: usize, path: &str) {
    if level > MAX_DEPTH {
        return;
    }
    for (key, value) in value.fields().iter() {
        if path == ".metadata" && HIDDEN.contains(&key) {
            continue;
        }
        let label = smart_label(key);
        let below = format!("{path}.{key}");
        match value {
            Value::Map(_) => {
                w.line(level, format!("{label}:"));
                content(w, value, level + 1, &below);
            }
            Value::List(items) => {
                w.line(level, format!("{label}:"));
                for item in items.iter() {
                    match item {
                        Value::Map(_) => content(w, item, level + 1, &below),
                        item => w.line(level + 1, go_text(item, "<nil>")),
                    }
                }
            }
            value => w.row(level, &label, go_text(value, "<nil>")),
        }
    }
}

/// Makes `Creation Timestamp` of `creationTimestamp`.
// Models staging/src/k8s.io/kubectl/pkg/describe/describe.go smartLabelFor
fn smart_label(field: &str) -> String {
    if field.chars().any(|c| !c.is_alphabetic() && c != '-') {
        return field.to_string();
    }
    let words = words(field);
    let shown: Vec<String> = words
        .iter()
        .map(|word| {
            let upper = word.to_uppercase();
            if ["API", "URL", "UID", "GUID"].contains(&upper.as_str()) {
                return upper;
            }
            let mut chars = word.chars();
            match chars.next() {
                Some(first) if first.is_lowercase() => first.to_uppercase().chain(chars).collect(),
                _ => word.clone(),
            }
        })
        .collect();
    shown.join(" ")
}

/// Splits at changes from lower to upper case; a run of capitals stays whole.
// Models github.com/fatih/camelcase Split
fn words(field: &str) -> Vec<String> {
    let letters: Vec<char> = field.chars().collect();
    let mut words: Vec<String> = Vec::new();
    for (i, letter) in letters.iter().enumerate() {
        let before = i.checked_sub(1).and_then(|i| letters.get(i));
        let next_is_lower = letters.get(i + 1).is_some_and(|next| next.is_lowercase());
        let begins = match before {
            None => true,
            Some(before) if letter.is_uppercase() => {
                before.is_lowercase() || next_is_lower && before.is_uppercase()
            }
            Some(_) => false,
        };
        match words.last_mut() {
            Some(word) if !begins => word.push(*letter),
            _ => words.push(letter.to_string()),
        }
    }
    words
}

#[cfg(test)]
mod tests {
    #[test]
    fn labels_of_fields() {
        for (field, label) in [
            ("apiVersion", "API Version"),
            ("kind", "Kind"),
            ("creationTimestamp", "Creation Timestamp"),
            ("uid", "UID"),
            ("clusterIP", "Cluster IP"),
            ("a.b/c", "a.b/c"),
        ] {
            assert_eq!(super::smart_label(field), label);
        }
    }
}
