use crate::kind::{Kind, Subresource};
use api::{Value, name};
use std::collections::BTreeMap;
use std::sync::Mutex;

/// How many kinds are kept.
const COUNT: usize = 16_384;

static KINDS: Mutex<BTreeMap<String, &'static Kind>> = Mutex::new(BTreeMap::new());

/// Returns the kind that a version of a CustomResourceDefinition defines, by the names that were accepted:
/// what discovery tells of it. Its fields are in the definition.
///
/// A kind is kept as long as the program lives, so that it is told apart by its place, as the built-in ones
/// are; equal names share one. `None` where there are too many, or a name is missing.
pub fn custom(definition: &Value, version: &Value) -> Option<&'static Kind> {
    let spec = &definition["spec"];
    let names = &definition["status"]["acceptedNames"];
    let subresources = &version["subresources"];
    if names["plural"].str().is_empty() || names["kind"].str().is_empty() {
        return None;
    }
    let what = [&spec["group"], &version["name"], names, &spec["scope"], subresources];
    let key: String = what.iter().map(|part| part.to_json() + "\n").collect();
    let mut kinds = KINDS.lock().ok()?;
    if let Some(kind) = kinds.get(&key) {
        return Some(kind);
    }
    if kinds.len() >= COUNT {
        return None;
    }
    let words = |field: &str| -> Option<Vec<&'static str>> {
        names[field].items().iter().map(|word| name::keep(word.str())).collect()
    };
    let mut kind = Kind {
        group: name::keep(spec["group"].str())?,
        version: name::keep(version["name"].str())?,
        kind: name::keep(names["kind"].str())?,
        plural: name::keep(names["plural"].str())?,
        singular: name::keep(names["singular"].str())?,
        short_names: words("shortNames")?,
        categories: words("categories")?,
        namespaced: spec["scope"].str() == "Namespaced",
        verbs: VERBS.to_vec(),
        subresources: Vec::new(),
        served: true,
        definition: None,
    };
    if subresources.get("status").is_some() {
        kind.subresources.push(subresource(&kind, "status"));
    }
    if subresources.get("scale").is_some() {
        let scale = Subresource {
            group: "autoscaling",
            version: "v1",
            kind: "Scale".to_string(),
            ..subresource(&kind, "scale")
        };
        kind.subresources.push(scale);
    }
    let kind: &'static Kind = Box::leak(Box::new(kind));
    kinds.insert(key, kind);
    Some(kind)
}

/// What may be done with every custom resource.
// Models staging/src/k8s.io/apiextensions-apiserver/pkg/apiserver/customresource_discovery_controller.go sync
const VERBS: [&str; 8] = ["delete", "deletecollection", "get", "list", "patch", "create", "update", "watch"];

fn subresource(kind: &Kind, name: &'static str) -> Subresource {
    let verbs = vec!["get", "patch", "update"];
    Subresource { name, group: kind.group, version: kind.version, kind: kind.kind.to_string(), verbs }
}

#[cfg(test)]
mod tests {
    use super::custom;
    use api::{Value, tree};

    #[test]
    fn makes_a_kind_once() {
        let version = tree!({"name": "v1", "subresources": {"status": {}}});
        let definition = tree!({
            "spec": {"group": "stable.example.com", "scope": "Namespaced", "versions": [(&version)]},
            "status": {"acceptedNames": {"plural": "crontabs", "singular": "crontab", "kind": "CronTab",
                "shortNames": ["ct"]}},
        });
        let kind = custom(&definition, &version).unwrap();
        assert!(std::ptr::eq(kind, custom(&definition, &version).unwrap()));
        assert_eq!(
            (kind.group_resource().as_str(), kind.short_names.as_slice()),
            ("crontabs.stable.example.com", ["ct"].as_slice())
        );
        assert!(
            kind.namespaced && kind.subresource("status").is_some() && kind.subresource("scale").is_none()
        );
        assert!(custom(&Value::Null, &version).is_none());
    }
}
