//! A kustomization file: which fields it may have, and what is said of them.
// Models api/types/kustomization.go

use api::Value;
use api::go;

/// The names that the file may have.
pub const FILES: [&str; 3] = ["kustomization.yaml", "kustomization.yml", "Kustomization"];

/// What a field holds.
#[derive(Clone, Copy, PartialEq)]
enum Holds {
    Text,
    Texts,
    Things,
    Thing,
    /// Known upstream, not here.
    Later,
}
use Holds::{Later, Text, Texts, Thing, Things};

const FIELDS: [(&str, Holds); 34] = [
    ("apiVersion", Text),
    ("kind", Text),
    ("metadata", Thing),
    ("openapi", Thing),
    ("namePrefix", Text),
    ("nameSuffix", Text),
    ("namespace", Text),
    ("commonLabels", Thing),
    ("labels", Things),
    ("commonAnnotations", Thing),
    ("patchesStrategicMerge", Texts),
    ("patchesJson6902", Things),
    ("patches", Things),
    ("images", Things),
    ("imageTags", Later),
    ("replacements", Things),
    ("replicas", Things),
    ("vars", Later),
    ("sortOptions", Thing),
    ("resources", Texts),
    ("components", Texts),
    ("crds", Texts),
    ("bases", Texts),
    ("configMapGenerator", Things),
    ("secretGenerator", Things),
    ("helmGlobals", Later),
    ("helmCharts", Later),
    ("helmChartInflationGenerator", Later),
    ("generatorOptions", Thing),
    ("configurations", Later),
    ("generators", Later),
    ("transformers", Later),
    ("validators", Later),
    ("buildMetadata", Later),
];

/// Fields with successors, in the order in which they are warned of.
const DEPRECATED: [(&str, &str); 4] = [
    ("bases", "resources"),
    ("commonLabels", "labels"),
    ("patchesJson6902", "patches"),
    ("patchesStrategicMerge", "patches"),
];

/// Reads a kustomization.
///
/// # Errors
/// kustomize's message.
// Models api/types/kustomization.go Unmarshal, CheckEmpty, EnforceFields
pub fn read(text: &str, root: &str, warnings: &mut Vec<String>) -> Result<Value, String> {
    let mut own = api::yaml::parse_one(text)
        .map_err(|trouble| format!("invalid Kustomization: {}", trouble.in_kubectl_words()))?;
    if own.is_null() || own.as_map().is_some_and(api::Map::is_empty) {
        return Err("kustomization.yaml is empty".into());
    }
    if own.as_map().is_none() {
        let kind = go::type_name(&own);
        let text = format!("json: cannot unmarshal {kind} into Go value of type types.Kustomization");
        return Err(format!("invalid Kustomization: {text}"));
    }
    for (name, value) in own.fields().iter() {
        check(name, value)?;
    }
    for (name, successor) in DEPRECATED {
        if own.get(name).is_some_and(|value| !value.is_empty()) {
            warnings.push(format!(
                "# Warning: '{name}' is deprecated. Please use '{successor}' instead. Run 'kustomize edit fix' to update your Kustomization automatically."
            ));
        }
    }
    let bases = own.remove(&["bases"]).unwrap_or_default();
    for base in bases.items() {
        own.map_mut().entry("resources").list_mut().push(base.clone());
    }
    enforce(&own, root)?;
    Ok(own)
}

fn check(name: &str, value: &Value) -> Result<(), String> {
    let Some((_, holds)) = FIELDS.iter().find(|(field, _)| *field == name) else {
        return Err(format!("invalid Kustomization: json: unknown field {}", go::quote(name)));
    };
    let wrong = |value: &Value, go_type: &str| {
        let kind = go::type_name(value);
        Err(format!(
            "invalid Kustomization: json: cannot unmarshal {kind} into Go struct field Kustomization.{name} of type {go_type}"
        ))
    };
    match (holds, value) {
        (_, Value::Null) | (Text, Value::Str(_)) | (Thing, Value::Map(_)) => Ok(()),
        (Text, other) => wrong(other, "string"),
        (Thing, other) => wrong(other, "map[string]string"),
        (Texts, Value::List(items)) => match items.iter().find(|item| item.as_str().is_none()) {
            Some(other) => wrong(other, "string"),
            None => Ok(()),
        },
        (Texts, other) => wrong(other, "[]string"),
        (Things, Value::List(items)) => match items.iter().find(|item| item.as_map().is_none()) {
            Some(other) => wrong(other, "types.Kustomization"),
            None => Ok(()),
        },
        (Things, other) => wrong(other, "[]types.Kustomization"),
        (Later, value) if value.is_empty() => Ok(()),
        (Later, _) => {
            Err(format!("invalid Kustomization: {name} can't be built\n# kubarium: {name} is not there yet"))
        }
    }
}

fn enforce(own: &Value, root: &str) -> Result<(), String> {
    let (kind, version) = (own["kind"].str(), own["apiVersion"].str());
    let mut wrong = Vec::new();
    if !matches!(kind, "" | "Kustomization" | "Component") {
        wrong.push("kind should be Kustomization or Component".to_string());
    }
    let wanted = match kind {
        "Component" => "kustomize.config.k8s.io/v1alpha1",
        _ => "kustomize.config.k8s.io/v1beta1",
    };
    if !version.is_empty() && version != wanted {
        wrong.push(format!(
            "apiVersion for {} should be {wanted}",
            if kind.is_empty() { "Kustomization" } else { kind }
        ));
    }
    if wrong.is_empty() {
        return Ok(());
    }
    Err(format!("Failed to read kustomization file under {root}:\n{}", wrong.join("\n")))
}
