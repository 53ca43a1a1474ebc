//! The hash of a ConfigMap's or Secret's content, which becomes the end of its name.

use api::{Map, Value, tree};
use sha2::{Digest, Sha256};
use std::fmt::Write;

/// Returns the hash of a ConfigMap's or a Secret's content: 10 letters and digits. kustomize looks for
/// its name where none is, so that the name is no part of it; kubectl's `--append-hash` gives it.
// Models sigs.k8s.io/kustomize/api/hasher/hasher.go Hash
pub fn suffix(object: &Value, name: &str) -> String {
    let data = |name: &str| match object[name].as_map() {
        Some(fields) => sorted(fields),
        None => Value::from(""),
    };
    let text = match object["kind"].str() {
        "Secret" => {
            let mut content = tree!({"data": (data("data")), "kind": "Secret", "name": (name), "type": (object["type"].str())});
            if object.get("stringData").is_some() {
                content = tree!({
                    "data": (data("data")), "kind": "Secret", "name": (name),
                    "stringData": (data("stringData")), "type": (object["type"].str()),
                });
            }
            content.to_json()
        }
        _ if object.get("binaryData").is_some() => tree!({
            "binaryData": (data("binaryData")), "data": (data("data")), "kind": "ConfigMap", "name": (name),
        })
        .to_json(),
        _ => tree!({"data": (data("data")), "kind": "ConfigMap", "name": (name)}).to_json(),
    };
    encoded(&escaped(&text))
}

fn sorted(fields: &Map) -> Value {
    let mut entries: Vec<(&str, &Value)> = fields.iter().collect();
    entries.sort_by_key(|(key, _)| *key);
    Value::from(entries.into_iter().map(|(key, value)| (key, value.clone())).collect::<Map>())
}

/// Returns JSON as Go writes it, with what HTML means something by escaped.
fn escaped(json: &str) -> String {
    json.replace('<', "\\u003c").replace('>', "\\u003e").replace('&', "\\u0026")
}

/// Returns the first digits of the SHA-256, those that could make a word replaced.
fn encoded(text: &str) -> String {
    let digest = Sha256::digest(text.as_bytes()).iter().fold(String::new(), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    });
    let replaced = |digit: char| match digit {
        '0' => 'g',
        '1' => 'h',
        '3' => 'k',
        'a' => 'm',
        'e' => 't',
        digit => digit,
    };
    digest.chars().take(10).map(replaced).collect()
}
