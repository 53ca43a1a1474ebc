//! ConfigMaps and Secrets made of literals and files.
// Models api/internal/generators and api/kv/kv.go

use crate::resource::Resource;
use api::{Map, Value, go, number, tree};

type Read<'a> = &'a mut dyn FnMut(&str) -> Result<String, String>;

const ARGUMENTS: [&str; 10] =
    ["name", "namespace", "behavior", "literals", "files", "envs", "env", "options", "type", "kvSources"];

/// Runs all generators of a kustomization.
pub fn all(own: &Value, resources: &mut Vec<Resource>, read: Read<'_>) -> Result<(), String> {
    for (field, kind) in [("configMapGenerator", "ConfigMap"), ("secretGenerator", "Secret")] {
        for args in own[field].items() {
            for (name, _) in args.fields().iter() {
                if !ARGUMENTS.contains(&name) || (name == "type" && kind == "ConfigMap") {
                    return Err(format!("invalid Kustomization: json: unknown field {}", go::quote(name)));
                }
            }
            if args["name"].str().is_empty() {
                return Err(format!("a {} must have a name", kind.to_lowercase()));
            }
            let options = options(&own["generatorOptions"], &args["options"]);
            let object = object(kind, args, &options, read)?;
            let mut resource = Resource::new(object);
            resource.hashed = !options["disableNameSuffixHash"].is_true();
            absorb(resources, resource, args["behavior"].str())?;
        }
    }
    Ok(())
}

/// Returns the options of one generator over those of all.
// Models api/types/generatoroptions.go MergeGlobalOptionsIntoLocal
fn options(all: &Value, own: &Value) -> Value {
    let mut merged = own.clone();
    for name in ["labels", "annotations"] {
        for (key, value) in all[name].fields().iter() {
            if own[name].get(key).is_none() {
                merged.set(&[name, key], value.clone());
            }
        }
    }
    for name in ["disableNameSuffixHash", "immutable"] {
        if all[name].is_true() {
            merged.set(&[name], true);
        }
    }
    merged
}

fn object(kind: &str, args: &Value, options: &Value, read: Read<'_>) -> Result<Value, String> {
    let data = data(args, read).map_err(|why| format!("loading KV pairs: {why}"))?;
    let mut object =
        tree!({"apiVersion": "v1", "kind": (kind), "metadata": {"name": (args["name"].clone())}});
    if !args["namespace"].is_empty() {
        object.set(&["metadata", "namespace"], args["namespace"].clone());
    }
    for name in ["labels", "annotations"] {
        for (key, value) in options[name].fields().iter() {
            object.set(&["metadata", name, key], value.text().to_string());
        }
    }
    if kind == "Secret" {
        object.set(
            &["type"],
            if args["type"].is_empty() { Value::from("Opaque") } else { args["type"].clone() },
        );
    }
    for (key, text) in data.iter() {
        let value = match kind {
            "Secret" => Value::from(number::to_base64(text.str().as_bytes())),
            _ => text.clone(),
        };
        object.set(&["data", key], value);
    }
    if options["immutable"].is_true() {
        object.set(&["immutable"], true);
    }
    Ok(object)
}

fn data(args: &Value, read: Read<'_>) -> Result<Map, String> {
    let mut data = Map::new();
    let mut add = |key: &str, value: &str| {
        if data.contains(key) {
            return Err(format!("configmap {} illegally repeats the key `{key}`", args["name"].str()));
        }
        data.insert(key, value);
        Ok(())
    };
    let mut envs: Vec<&str> = args["envs"].items().iter().map(Value::str).collect();
    envs.extend(args["env"].as_str());
    for path in envs {
        let text = read(path).map_err(|why| format!("env source files: {envs}: {why}", envs = list(args)))?;
        for line in text.lines().map(|line| line.trim_start_matches([' ', '\t'])) {
            if !line.is_empty() && !line.starts_with('#') {
                let (key, value) = line.split_once('=').unwrap_or((line, ""));
                add(key, value)?;
            }
        }
    }
    for literal in args["literals"].items() {
        let text = literal.text();
        let Some((key, value)) = text.split_once('=').filter(|(key, _)| !key.is_empty()) else {
            return Err(format!(
                "literal source [{text}]: invalid literal source {text}, expected key=value"
            ));
        };
        add(key, unquoted(value))?;
    }
    for source in args["files"].items() {
        let source = source.str();
        let (key, path) = match source.split_once('=') {
            Some(("", path)) => {
                return Err(format!("missing key name for file path \"{path}\" in source \"{source}\""));
            }
            Some((key, "")) => {
                return Err(format!("missing file path for key name \"{key}\" in source \"{source}\""));
            }
            Some((_, path)) if path.contains('=') => {
                return Err(format!("source \"{source}\" key name or file path contains '='"));
            }
            Some(pair) => pair,
            None => (source.rsplit('/').next().unwrap_or(source), source),
        };
        let text = read(path).map_err(|why| format!("file sources: [{source}]: {why}"))?;
        add(key, &text)?;
    }
    Ok(data)
}

fn list(args: &Value) -> String {
    let all: Vec<&str> = args["envs"].items().iter().map(Value::str).collect();
    format!("[{}]", all.join(" "))
}

/// Returns a literal's value without the quotes around it, one pair.
fn unquoted(text: &str) -> &str {
    let pair = |quote: char| text.strip_prefix(quote).and_then(|text| text.strip_suffix(quote));
    pair('"').or_else(|| pair('\'')).unwrap_or(text)
}

/// Takes in what a generator made, by its behaviour.
// Models api/resmap/reswrangler.go appendReplaceOrMerge
fn absorb(resources: &mut Vec<Resource>, made: Resource, behavior: &str) -> Result<(), String> {
    let is_former = |other: &Resource| {
        other.kind() == made.kind() && other.was_named(made.name()) && {
            let namespace = made.namespace();
            namespace.is_empty() || other.former.iter().any(|(own, _)| own == namespace)
        }
    };
    let old = resources.iter_mut().find(|other| is_former(other));
    match (old, behavior) {
        (None, "merge" | "replace") => {
            return Err(format!("id {} does not exist; cannot merge or replace", made.id()));
        }
        (None, _) => resources.push(made),
        (Some(old), "merge" | "replace") => {
            let replaces = behavior == "replace";
            let mut object = made.object;
            for name in ["labels", "annotations"] {
                let mut all = old.object["metadata"][name].clone();
                for (key, value) in object["metadata"][name].fields().iter() {
                    all.set(&[key], value.clone());
                }
                if !all.is_empty() {
                    object.set(&["metadata", name], all);
                }
            }
            if !replaces {
                for field in ["data", "binaryData"] {
                    let mut all = old.object[field].clone();
                    for (key, value) in object[field].fields().iter() {
                        all.set(&[key], value.clone());
                    }
                    if !all.is_empty() {
                        object.set(&[field], all);
                    }
                }
            }
            object.set(&["metadata", "name"], old.object["metadata"]["name"].clone());
            if let Some(namespace) = old.object["metadata"].get("namespace") {
                object.set(&["metadata", "namespace"], namespace.clone());
            }
            (old.object, old.hashed) = (object, old.hashed && made.hashed);
        }
        (Some(_), _) => {
            return Err(format!("id {} exists; behavior must be merge or replace", made.id()));
        }
    }
    Ok(())
}
