use super::{each_container, infos, no_pod_spec, pod_spec_path, save, selects};
use crate::builder::{Info, resources_and_pairs};
use crate::cx::{Cx, Next};
use crate::failure::{Failure, Outcome, error};
use crate::files;
use crate::mapper;
use api::{Value, tree};

/// What is done to the environment.
#[derive(Debug, Default)]
struct Change {
    set: Vec<Value>,
    removed: Vec<String>,
}

/// `kubectl set env`
// Models staging/src/k8s.io/kubectl/pkg/cmd/set/set_env.go
pub(crate) fn run(cx: &mut Cx) -> Outcome<Next> {
    let flags = cx.args();
    let (resources, mut pairs) = resources_and_pairs(&flags.args, "environment variable")?;
    pairs.extend(flags.list("env"));
    if resources.is_empty() && !files::are_named(cx) {
        return error("one or more resources must be specified as <resource> <name> or <resource>/<name>");
    }
    let mut change = parse(&pairs)?;
    let from = flags.text("from").to_string();
    if !from.is_empty() {
        change.set.extend(references(cx, &from)?);
    }
    let (infos, mut failures) = infos(cx, &resources)?;
    for info in infos {
        let done = if flags.is("list") { list(cx, &info) } else { one(cx, info, &change) };
        if let Err(failure) = done {
            failures.push(failure);
        }
    }
    Failure::many(failures)?;
    Ok(Next::Done)
}

// Models staging/src/k8s.io/kubectl/pkg/cmd/set/env/env_parse.go ParseEnv
fn parse(pairs: &[String]) -> Outcome<Change> {
    let mut change = Change::default();
    for pair in pairs {
        if let Some((name, value)) = pair.split_once('=') {
            if name.is_empty() {
                return error(format!("environment variables must be of the form key=value: {pair}"));
            }
            crate::cmd::create::config::check_env_name(name)?;
            change.set.push(tree!({"name": name, "value": value}));
        } else if let Some(name) = pair.strip_suffix('-') {
            change.removed.push(name.to_string());
        } else {
            return error(format!("environment variables must be of the form key=value: {pair}"));
        }
    }
    let is_removed = |set: &Value| change.removed.iter().any(|name| name == set["name"].str());
    if change.set.iter().any(is_removed) {
        return error("can not both modify and remove the same environment variable in the same command");
    }
    Ok(change)
}

/// Makes variables that take their values from a ConfigMap or a Secret.
fn references(cx: &mut Cx, from: &str) -> Outcome<Vec<Value>> {
    let flags = cx.args();
    let Some((word, name)) = from.split_once('/') else {
        return error("arguments in resource/name form must have a single resource and name");
    };
    let mapping = mapper::resource(cx, word)?;
    let reference = match mapping.kind.as_str() {
        "ConfigMap" => "configMapKeyRef",
        "Secret" => "secretKeyRef",
        other => return error(format!("unsupported resource specified in --from: {other}")),
    };
    let namespace = cx.namespace();
    let object = cx.get(&mapping, &namespace, name)?;
    let keys = flags.list("keys");
    let mut variables = Vec::new();
    for (key, _) in object["data"].fields().iter() {
        if !keys.is_empty() && !keys.iter().any(|wanted| wanted == key) {
            continue;
        }
        let upper: String = key
            .chars()
            .map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' })
            .collect();
        let mut variable = tree!({"name": (format!("{}{upper}", flags.text("prefix")))});
        variable.set(&["valueFrom", reference], tree!({"key": key, "name": name}));
        variables.push(variable);
    }
    Ok(variables)
}

fn one(cx: &mut Cx, info: Info, change: &Change) -> Outcome {
    let flags = cx.args();
    let Some(path) = pod_spec_path(&info.mapping) else {
        return no_pod_spec(&info);
    };
    let mut after = info.object.clone();
    let pattern = flags.text("containers");
    let overwrites = flags.is("overwrite");
    let mut taken = Vec::new();
    let count = each_container(
        after.at_mut(path),
        &["initContainers", "containers"],
        |name| selects(pattern, name),
        |container| {
            if !overwrites {
                taken.extend(held(container, change));
            }
            update(container, change);
        },
    );
    if count == 0 {
        cx.err(format!(
            "Warning: {}/{} does not have any containers matching {}\n",
            info.mapping.kind,
            info.name,
            crate::text::quote(pattern)
        ));
        return Ok(());
    }
    if !taken.is_empty() {
        let lines: String = taken
            .iter()
            .map(|(name, value)| {
                format!("\n '{name}' already has a value ({value}), and --overwrite is false")
            })
            .collect();
        return error(format!("error: {}/{}{lines}", info.mapping.lower_kind(), info.name));
    }
    save(cx, info, after, "env updated", "failed to patch env update to pod template")
}

fn held(container: &Value, change: &Change) -> Vec<(String, String)> {
    let wanted = |name: &str| change.set.iter().any(|set| set["name"].str() == name);
    container["env"]
        .items()
        .iter()
        .filter(|variable| wanted(variable["name"].str()))
        .map(|variable| (variable["name"].str().to_string(), variable["value"].str().to_string()))
        .collect()
}

// Models staging/src/k8s.io/kubectl/pkg/cmd/set/helper.go updateEnv
fn update(container: &mut Value, change: &Change) {
    let mut env: Vec<Value> = container["env"].items().to_vec();
    env.retain(|variable| !change.removed.iter().any(|name| name == variable["name"].str()));
    for set in &change.set {
        match env.iter_mut().find(|variable| variable["name"] == set["name"]) {
            Some(variable) => *variable = set.clone(),
            None => env.push(set.clone()),
        }
    }
    if env.is_empty() {
        container.remove(&["env"]);
    } else {
        container.set(&["env"], env);
    }
}

fn list(cx: &mut Cx, info: &Info) -> Outcome {
    let flags = cx.args();
    let Some(path) = pod_spec_path(&info.mapping) else {
        return no_pod_spec(info);
    };
    let spec = info.object.at(path).clone();
    for list in ["containers", "initContainers"] {
        for container in spec[list].items() {
            if !selects(flags.text("containers"), container["name"].str()) {
                continue;
            }
            cx.line(format!("# {} {}, container {}", info.mapping.kind, info.name, container["name"].str()));
            for variable in container["env"].items() {
                cx.line(shown(variable));
            }
        }
    }
    Ok(())
}

// Models staging/src/k8s.io/kubectl/pkg/cmd/set/env/env_resolve.go GetEnvVarRefString
fn shown(variable: &Value) -> String {
    let name = variable["name"].str();
    let from = &variable["valueFrom"];
    if from.is_null() {
        return format!("{name}={}", variable["value"].str());
    }
    let reference = if !from["configMapKeyRef"].is_null() {
        let r = &from["configMapKeyRef"];
        format!("configmap {}, key {}", r["name"].str(), r["key"].str())
    } else if !from["secretKeyRef"].is_null() {
        let r = &from["secretKeyRef"];
        format!("secret {}, key {}", r["name"].str(), r["key"].str())
    } else if !from["fieldRef"].is_null() {
        format!("field path {}", from["fieldRef"]["fieldPath"].str())
    } else if !from["resourceFieldRef"].is_null() {
        let r = &from["resourceFieldRef"];
        format!("resource field {}{}", container_prefix(r), r["resource"].str())
    } else {
        "invalid valueFrom".to_string()
    };
    format!("# {name} from {reference}")
}

fn container_prefix(reference: &Value) -> String {
    match reference["containerName"].str() {
        "" => String::new(),
        name => format!("{name}/"),
    }
}
