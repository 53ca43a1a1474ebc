use super::{create, literal, one_name};
use crate::cx::{Cx, Next};
use crate::failure::{Outcome, error};
use crate::text::quote;
use api::{Map, Value, tree};

/// `kubectl create configmap`
// Models staging/src/k8s.io/kubectl/pkg/cmd/create/create_configmap.go
pub(crate) fn config_map(cx: &mut Cx) -> Outcome<Next> {
    let name = one_name(cx)?;
    let data = data(cx, &format!("Data for ConfigMap {}", quote(&name)), "ConfigMap")?;
    let mut object = tree!({"metadata": {"name": (name)}});
    if !data.is_empty() {
        object.set(&["data"], data);
    }
    create(cx, "", "v1", "ConfigMap", object, "failed to create configmap")
}

/// Returns the keys and texts that `--from-literal`, `--from-file` and `--from-env-file` bring.
pub(crate) fn data(cx: &mut Cx, place: &str, kind: &str) -> Outcome<Map> {
    let flags = cx.args();
    let (literals, files, env_files) =
        (flags.list("from-literal"), flags.list("from-file"), flags.list("from-env-file"));
    if !env_files.is_empty() && (!literals.is_empty() || !files.is_empty()) {
        return error("from-env-file cannot be combined with from-file or from-literal");
    }
    let mut data = Map::new();
    for source in files {
        from_file(cx, &source, &mut data, place, kind)?;
    }
    for source in literals {
        let (key, value) = literal(&source)?;
        add(&mut data, key, value, place, kind)?;
    }
    for path in env_files {
        let text = read(cx, &path)?;
        for line in text.lines() {
            env_line(line, &mut data, place, kind)?;
        }
    }
    Ok(data)
}

fn read(cx: &mut Cx, path: &str) -> Outcome<String> {
    cx.host.read_file(path).or_else(|why| error(format!("error reading {path}: {why}")))
}

fn from_file(cx: &mut Cx, source: &str, data: &mut Map, place: &str, kind: &str) -> Outcome {
    let (key, path) = match source.split_once('=') {
        Some(("", path)) => return error(format!("key name for file path {path} missing")),
        Some((key, "")) => return error(format!("file path for key name {key} missing")),
        Some((_, path)) if path.contains('=') => {
            return error("key names or file paths cannot contain '='");
        }
        Some((key, path)) => (key.to_string(), path),
        None => (source.rsplit('/').next().unwrap_or("").to_string(), source),
    };
    if let Some(entries) = cx.host.list_folder(path) {
        if source.contains('=') {
            return error("cannot give a key name for a directory path");
        }
        let base = path.trim_end_matches('/');
        for entry in entries.iter().filter(|entry| !entry.ends_with('/')) {
            let text = read(cx, &format!("{base}/{entry}"))?;
            add(data, entry, &text, place, kind)?;
        }
        return Ok(());
    }
    let text = read(cx, path)?;
    add(data, &key, &text, place, kind)
}

fn add(data: &mut Map, key: &str, text: &str, place: &str, kind: &str) -> Outcome {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if key.is_empty() || !key.chars().all(fits) {
        return error(format!(
            "{} is not a valid key name for a {kind}: a valid config key must consist of alphanumeric characters, \
             '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is \
             '[-._a-zA-Z0-9]+')",
            quote(key)
        ));
    }
    if data.contains(key) {
        return error(format!(
            "cannot add key {}, another key by that name already exists in {place}",
            quote(key)
        ));
    }
    data.insert(key, text);
    Ok(())
}

// Models staging/src/k8s.io/kubectl/pkg/cmd/util/env_file.go processEnvFileLine
fn env_line(line: &str, data: &mut Map, place: &str, kind: &str) -> Outcome {
    let line = line.trim_start();
    if line.is_empty() || line.starts_with('#') {
        return Ok(());
    }
    let (key, value) = line.split_once('=').unwrap_or((line, ""));
    check_env_name(key)?;
    add(data, key, value, place, kind)
}

/// Refuses what can't be an environment variable's name.
// Models staging/src/k8s.io/apimachinery/pkg/util/validation/validation.go IsEnvVarName
pub(crate) fn check_env_name(name: &str) -> Outcome {
    let first = name.chars().next().is_some_and(|c| !c.is_ascii_digit());
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if first && name.chars().all(fits) {
        return Ok(());
    }
    error(format!(
        "{} is not a valid key name: a valid environment variable name must consist of alphabetic characters, \
         digits, '_', '-', or '.', and must not start with a digit (e.g. 'my.env-name',  or 'MY_ENV.NAME',  or \
         'MyEnvName1', regex used for validation is '[-._a-zA-Z][-._a-zA-Z0-9]*')",
        quote(name)
    ))
}

/// Returns the data with its texts in base64, as Secrets have it.
pub(crate) fn encoded(data: &Map) -> Value {
    let coded = data.iter().map(|(key, text)| (key, Value::from(crate::text::base64(text.str().as_bytes()))));
    Value::from(coded.collect::<Map>())
}
