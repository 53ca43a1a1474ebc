//! `kubectl expose`
// Models staging/src/k8s.io/kubectl/pkg/cmd/expose/expose.go

use crate::builder::{self, Info, NOTHING_GIVEN, Take};
use crate::cmd::create::mapping;
use crate::cx::{Cx, DryRun, Next};
use crate::failure::{Failure, Outcome, error};
use crate::files;
use crate::printers::print_result;
use crate::text::quote;
use api::{Map, Value, meta, tree};

const MAX_NAME: usize = 63;

/// Runs the command.
pub(crate) fn run(cx: &mut Cx) -> Outcome<Next> {
    let flags = cx.args();
    let dry_run = cx.dry_run()?;
    if flags.args.is_empty() && !files::are_named(cx) {
        return error(NOTHING_GIVEN);
    }
    let infos = builder::objects(cx, &flags.args, Take::default())?;
    let mut failures = Vec::new();
    for info in infos {
        if let Err(failure) = one(cx, &info, dry_run) {
            failures.push(failure);
        }
    }
    Failure::many(failures)?;
    Ok(Next::Done)
}

fn one(cx: &mut Cx, info: &Info, dry_run: DryRun) -> Outcome {
    let object = service_for(cx, info)?;
    let mapping = mapping("", "v1", "Service")?;
    let object = overridden(cx, object)?;
    if dry_run == DryRun::Client {
        return print_result(cx, &object, "exposed", dry_run);
    }
    let namespace = if info.namespace.is_empty() { cx.namespace() } else { info.namespace.clone() };
    let created = cx.create(&mapping, &namespace, object, dry_run, "kubectl-expose")?;
    print_result(cx, &created, "exposed", dry_run)
}

/// Applies `--overrides`.
pub(crate) fn overridden(cx: &Cx, object: Value) -> Outcome<Value> {
    let text = cx.flags.text("overrides");
    if text.is_empty() {
        return Ok(object);
    }
    let Ok(patch) = api::yaml::parse_one(text) else {
        return error("Invalid JSON Patch");
    };
    let kind = schema::find_kind("", "v1", object["kind"].str());
    let merged = match (cx.flags.text("override-type"), kind) {
        ("strategic", Some(kind)) => schema::patch::strategic_merge(kind, &object, &patch),
        ("json", _) => schema::patch::json_patch(&object, &patch),
        ("merge" | "strategic" | "", _) => Ok(schema::patch::merge(&object, &patch)),
        (other, _) => Err(format!("invalid override type: {other}")),
    };
    merged.or_else(error)
}

/// What an object tells of how it can be exposed.
struct Exposed {
    selector: Value,
    ports: Vec<(String, String)>,
}

// Models staging/src/k8s.io/kubectl/pkg/polymorphichelpers/canbeexposed.go
fn exposed(info: &Info) -> Outcome<Exposed> {
    let object = &info.object;
    let (selector, pod) = match info.mapping.kind.as_str() {
        "Service" => (object["spec"]["selector"].clone(), Value::Null),
        "Pod" => (meta::labels(object).clone(), object.clone()),
        "ReplicationController" => (object["spec"]["selector"].clone(), object["spec"]["template"].clone()),
        "Deployment" | "ReplicaSet" => {
            let selector = &object["spec"]["selector"];
            let expressions = &selector["matchExpressions"];
            if !expressions.items().is_empty() {
                return error(format!(
                    "couldn't retrieve selectors via --selector flag or introspection: couldn't convert expressions - \
                     \"{}\" to map-based selector format",
                    crate::text::go_text(expressions, "")
                ));
            }
            (selector["matchLabels"].clone(), object["spec"]["template"].clone())
        }
        _ => {
            let group = &info.mapping.group;
            let dot = if group.is_empty() { "" } else { "." };
            return error(format!("cannot expose a {}{dot}{group}", info.mapping.kind));
        }
    };
    let protocol = |port: &Value| match port["protocol"].str() {
        "" => "TCP".to_string(),
        protocol => protocol.to_string(),
    };
    let mut ports = Vec::new();
    for port in object["spec"]["ports"].items() {
        ports.push((port["port"].int().to_string(), protocol(port)));
    }
    for container in pod["spec"]["containers"].items() {
        for port in container["ports"].items() {
            ports.push((port["containerPort"].int().to_string(), protocol(port)));
        }
    }
    Ok(Exposed { selector, ports })
}

/// Reads `KEY=VALUE,…`.
pub(crate) fn parse_labels(text: &str) -> Outcome<Value> {
    let mut labels = Value::map();
    for pair in text.split(',').filter(|pair| !pair.is_empty()) {
        match pair.split_once('=') {
            Some((key, value)) if !value.contains('=') => labels.set(&[key], value),
            _ => return error(format!("unexpected label spec: {pair}")),
        }
    }
    Ok(labels)
}

fn service_for(cx: &Cx, info: &Info) -> Outcome<Value> {
    let flags = cx.args();
    let exposed = exposed(info)?;
    let selector = match flags.text("selector") {
        "" => exposed.selector,
        text => parse_labels(text)?,
    };
    if selector.is_empty() {
        let why = if info.mapping.kind == "Pod" {
            "the pod has no labels and cannot be exposed"
        } else {
            "the service has no pod selector set"
        };
        return error(format!("couldn't retrieve selectors via --selector flag or introspection: {why}"));
    }
    let given = flags.text("port");
    let wanted: Vec<String> = if given.is_empty() {
        exposed.ports.iter().map(|(port, _)| port.clone()).collect()
    } else {
        given.split(',').map(str::to_string).collect()
    };
    let headless = flags.text("cluster-ip") == "None";
    if wanted.is_empty() && !headless {
        return error("couldn't find port via --port flag or introspection");
    }
    let ports = ports(cx, &wanted, &exposed.ports)?;
    let name: String = match flags.text("name") {
        "" => info.name.chars().take(MAX_NAME).collect(),
        name => name.to_string(),
    };
    let own = match flags.text("labels") {
        "" => meta::labels(&info.object).clone(),
        text => parse_labels(text)?,
    };
    let mut metadata = tree!({"name": (name)});
    if !own.is_empty() {
        metadata.set(&["labels"], own);
    }
    if cx.is_namespace_given() {
        metadata.set(&["namespace"], cx.namespace());
    }
    let mut spec = tree!({"selector": (selector)});
    if !ports.is_empty() {
        spec.set(&["ports"], ports);
    }
    more(cx, &mut spec);
    Ok(tree!({
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": (metadata),
        "spec": (spec),
        "status": {"loadBalancer": {}},
    }))
}

fn more(cx: &Cx, spec: &mut Value) {
    let flags = cx.args();
    let plain: Map = [
        ("type", "type"),
        ("load-balancer-ip", "loadBalancerIP"),
        ("session-affinity", "sessionAffinity"),
        ("cluster-ip", "clusterIP"),
    ]
    .into_iter()
    .filter(|(flag, _)| !flags.text(flag).is_empty())
    .map(|(flag, field)| (field, Value::from(flags.text(flag))))
    .collect();
    for (field, value) in plain.iter() {
        spec.set(&[field], value);
    }
    let external = flags.text("external-ip");
    if !external.is_empty() {
        let ips: Vec<String> = external.split(',').map(str::to_string).collect();
        spec.set(&["externalIPs"], ips);
    }
}

fn ports(cx: &Cx, wanted: &[String], known: &[(String, String)]) -> Outcome<Vec<Value>> {
    let flags = cx.args();
    let mut ports = Vec::new();
    for (i, text) in wanted.iter().enumerate() {
        let Ok(port) = text.parse::<i64>() else {
            return error(format!("strconv.Atoi: parsing {}: invalid syntax", quote(text)));
        };
        let protocol = match flags.text("protocol") {
            "" => known.iter().find(|(known, _)| known == text).map_or("TCP", |(_, protocol)| protocol),
            protocol => protocol,
        };
        let target = match flags.text("target-port") {
            "" => Value::from(port),
            text => text.parse::<i64>().map_or_else(|_| Value::from(text), Value::from),
        };
        let mut row = tree!({"port": (port), "protocol": protocol, "targetPort": (target)});
        if wanted.len() > 1 {
            row.set(&["name"], format!("port-{}", i + 1));
        }
        ports.push(row);
    }
    Ok(ports)
}
