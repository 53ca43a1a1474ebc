//! Pod templates and containers.

use super::volume::volumes;
use super::writer::{Writer, date, join, or_none, truth};
use crate::text::quote;
use api::{Value, int_or_string, meta};

/// Describes a pod template.
// Models staging/src/k8s.io/kubectl/pkg/describe/describe.go DescribePodTemplate
pub(crate) fn pod_template(w: &mut Writer, template: &Value) {
    let spec = &template["spec"];
    w.line(0, "Pod Template:");
    w.labels("  Labels", meta::labels(template));
    if !meta::annotations(template).is_empty() {
        w.annotations("  Annotations", meta::annotations(template));
    }
    w.row_if(1, "Service Account", spec["serviceAccountName"].str());
    if !spec["initContainers"].is_empty() {
        containers(w, "Init Containers", &spec["initContainers"], &Value::Null, None, "  ");
    }
    containers(w, "Containers", &spec["containers"], &Value::Null, None, "  ");
    volumes(w, &spec["volumes"], "  ");
    spread(w, &spec["topologySpreadConstraints"], "  ");
    w.row_if(1, "Priority Class Name", spec["priorityClassName"].str());
    w.labels("  Node-Selectors", &spec["nodeSelector"]);
    tolerations(w, "  Tolerations", &spec["tolerations"]);
}

/// Describes containers; with their states where `statuses` has them.
// Models staging/src/k8s.io/kubectl/pkg/describe/describe.go describeContainers
pub(crate) fn containers(
    w: &mut Writer,
    label: &str,
    containers: &Value,
    statuses: &Value,
    pod: Option<&Value>,
    space: &str,
) {
    let none = if containers.is_empty() { " <none>" } else { "" };
    w.line(0, format!("{space}{label}:{none}"));
    for container in containers.items() {
        let status = statuses.items().iter().find(|status| status["name"] == container["name"]);
        basic(w, container, status, space);
        command(w, container);
        if let Some(status) = status {
            state(w, "State", &status["state"]);
            if !status["lastState"]["terminated"].is_null() {
                state(w, "Last State", &status["lastState"]);
            }
            w.row(2, "Ready", truth(&status["ready"]));
            w.row(2, "Restart Count", status["restartCount"].int().to_string());
        }
        resources(w, &container["resources"], 2);
        for (title, field) in
            [("Liveness", "livenessProbe"), ("Readiness", "readinessProbe"), ("Startup", "startupProbe")]
        {
            if !container[field].is_null() {
                w.row(2, title, probe(&container[field]));
            }
        }
        if !container["envFrom"].is_empty() {
            env_from(w, &container["envFrom"]);
        }
        env(w, container, pod);
        mounts(w, container);
    }
}

fn basic(w: &mut Writer, container: &Value, status: Option<&Value>, space: &str) {
    let indent = if space.is_empty() { "" } else { " " };
    w.line(1, format!("{indent}{}:", container["name"].str()));
    if let Some(status) = status {
        w.row(2, "Container ID", status["containerID"].str());
    }
    w.row(2, "Image", container["image"].str());
    if let Some(status) = status {
        w.row(2, "Image ID", status["imageID"].str());
    }
    for (title, field) in [("Port", "containerPort"), ("Host Port", "hostPort")] {
        let ports: Vec<String> =
            container["ports"].items().iter().map(|port| port_text(port, field)).collect();
        let text = ports.join(", ");
        let plural = if text.contains(',') { "s" } else { "" };
        w.row(2, &format!("{title}{plural}"), or_none(&text));
    }
    let profile = &container["securityContext"]["seccompProfile"];
    w.row_if(2, "SeccompProfile", profile["type"].str());
}

fn port_text(port: &Value, field: &str) -> String {
    let protocol = match port["protocol"].str() {
        "" => "TCP",
        protocol => protocol,
    };
    let text = format!("{}/{protocol}", port[field].int());
    match port["name"].str() {
        "" => text,
        name => format!("{text} ({name})"),
    }
}

fn command(w: &mut Writer, container: &Value) {
    for (title, field) in [("Command", "command"), ("Args", "args")] {
        if container[field].is_empty() {
            continue;
        }
        w.line(2, format!("{title}:"));
        for word in container[field].items() {
            for line in word.str().split('\n') {
                w.line(3, line);
            }
        }
    }
}

// Models staging/src/k8s.io/kubectl/pkg/describe/describe.go describeStatus
fn state(w: &mut Writer, title: &str, state: &Value) {
    if let Some(running) = state.get("running") {
        w.row(2, title, "Running");
        w.row(3, "Started", date(&running["startedAt"]));
    } else if let Some(ended) = state.get("terminated") {
        w.row(2, title, "Terminated");
        w.row_if(3, "Reason", ended["reason"].str());
        w.row_if(3, "Message", ended["message"].str());
        w.row(3, "Exit Code", ended["exitCode"].int().to_string());
        if ended["signal"].int() > 0 {
            w.row(3, "Signal", ended["signal"].int().to_string());
        }
        w.row(3, "Started", date(&ended["startedAt"]));
        w.row(3, "Finished", date(&ended["finishedAt"]));
    } else {
        w.row(2, title, "Waiting");
        w.row_if(3, "Reason", state["waiting"]["reason"].str());
    }
}

/// Describes limits and requests.
pub(crate) fn resources(w: &mut Writer, resources: &Value, level: usize) {
    for (title, field) in [("Limits", "limits"), ("Requests", "requests")] {
        if resources[field].is_empty() {
            continue;
        }
        w.line(level, format!("{title}:"));
        for (name, amount) in resources[field].fields().iter() {
            w.row(level + 1, name, crate::text::go_text(amount, ""));
        }
    }
}

// Models staging/src/k8s.io/kubectl/pkg/describe/describe.go DescribeProbe
fn probe(probe: &Value) -> String {
    let number = |field: &str| probe[field].int();
    let attributes = format!(
        "delay={}s timeout={}s period={}s #success={} #failure={}",
        number("initialDelaySeconds"),
        number("timeoutSeconds"),
        number("periodSeconds"),
        number("successThreshold"),
        number("failureThreshold")
    );
    if !probe["exec"].is_null() {
        format!("exec [{}] {attributes}", join(&probe["exec"]["command"], " "))
    } else if !probe["httpGet"].is_null() {
        let get = &probe["httpGet"];
        let scheme = get["scheme"].str().to_lowercase();
        let path = get["path"].str();
        let slash = if path.starts_with('/') || path.is_empty() { "" } else { "/" };
        format!(
            "http-get {scheme}://{}:{}{slash}{path} {attributes}",
            get["host"].str(),
            int_or_string::text(&get["port"])
        )
    } else if !probe["tcpSocket"].is_null() {
        let socket = &probe["tcpSocket"];
        format!("tcp-socket {}:{} {attributes}", socket["host"].str(), int_or_string::text(&socket["port"]))
    } else if !probe["grpc"].is_null() {
        let grpc = &probe["grpc"];
        format!("grpc <pod>:{} {} {attributes}", grpc["port"].int(), grpc["service"].str())
    } else {
        format!("unknown {attributes}")
    }
}

fn env_from(w: &mut Writer, sources: &Value) {
    w.line(2, "Environment Variables from:");
    for source in sources.items() {
        let (from, reference) = if source["configMapRef"].is_null() {
            ("Secret", &source["secretRef"])
        } else {
            ("ConfigMap", &source["configMapRef"])
        };
        let prefix = match source["prefix"].str() {
            "" => String::new(),
            prefix => format!(" with prefix '{prefix}'"),
        };
        let optional = reference["optional"].is_true();
        w.line(3, format!("{}\t{from}{prefix}\tOptional: {optional}", reference["name"].str()));
    }
}

fn env(w: &mut Writer, container: &Value, pod: Option<&Value>) {
    let none = if container["env"].is_empty() { "\t<none>" } else { "" };
    w.line(2, format!("Environment:{none}"));
    for variable in container["env"].items() {
        let name = variable["name"].str();
        let from = &variable["valueFrom"];
        if from.is_null() {
            for (i, line) in variable["value"].str().split('\n').enumerate() {
                let title = if i == 0 { format!("{name}:") } else { String::new() };
                w.line(3, format!("{title}\t{line}"));
            }
        } else if !from["fieldRef"].is_null() {
            let reference = &from["fieldRef"];
            let path = reference["fieldPath"].str();
            let value = pod.map(|pod| field(pod, path)).unwrap_or_default();
            w.line(3, format!("{name}:\t{value} ({}:{path})", reference["apiVersion"].str()));
        } else if !from["resourceFieldRef"].is_null() {
            let resource = from["resourceFieldRef"]["resource"].str();
            w.line(3, format!("{name}:\t{} ({resource})", resource_field(container, resource)));
        } else {
            let (reference, kind) = if from["secretKeyRef"].is_null() {
                (&from["configMapKeyRef"], "of config map")
            } else {
                (&from["secretKeyRef"], "in secret")
            };
            let (key, source) = (reference["key"].str(), reference["name"].str());
            let optional = reference["optional"].is_true();
            w.line(3, format!("{name}:\t<set to the key '{key}' {kind} '{source}'>\tOptional: {optional}"));
        }
    }
}

// Models staging/src/k8s.io/kubectl/pkg/util/fieldpath/fieldpath.go ExtractFieldPathAsString
fn field(pod: &Value, path: &str) -> String {
    if let Some((map, key)) = path.strip_suffix("']").and_then(|path| path.split_once("['")) {
        let names: Vec<&str> = map.split('.').collect();
        return pod.at(&names)[key].str().to_string();
    }
    let names: Vec<&str> = path.split('.').collect();
    match pod.at(&names) {
        Value::Map(map) => map
            .iter()
            .map(|(key, value)| format!("{key}={}", quote(value.str())))
            .collect::<Vec<_>>()
            .join("\n"),
        value => value.str().to_string(),
    }
}

fn resource_field(container: &Value, resource: &str) -> String {
    let names: Vec<&str> = resource.splitn(2, '.').collect();
    let amount = container["resources"].at(&names);
    let quantity = api::quantity::Quantity::from_value(amount);
    match quantity {
        Ok(quantity) if !amount.is_null() && resource.ends_with("cpu") => {
            quantity.milli_value().saturating_add(999).div_euclid(1_000).to_string()
        }
        Ok(quantity) if !amount.is_null() => quantity.value().to_string(),
        _ if resource.starts_with("limits.") => "node allocatable".to_string(),
        _ => "0".to_string(),
    }
}

fn mounts(w: &mut Writer, container: &Value) {
    let none = if container["volumeMounts"].is_empty() { "\t<none>" } else { "" };
    w.line(2, format!("Mounts:{none}"));
    let mut mounts: Vec<&Value> = container["volumeMounts"].items().iter().collect();
    mounts.sort_by_key(|mount| mount["mountPath"].str().to_string());
    for mount in mounts {
        let mut flags = if mount["readOnly"].is_true() { "ro" } else { "rw" }.to_string();
        if !mount["subPath"].str().is_empty() {
            flags.push_str(&format!(",path={}", quote(mount["subPath"].str())));
        }
        w.line(3, format!("{} from {} ({flags})", mount["mountPath"].str(), mount["name"].str()));
    }
    let mut devices: Vec<&Value> = container["volumeDevices"].items().iter().collect();
    if devices.is_empty() {
        return;
    }
    w.line(2, format!("Devices:{none}"));
    devices.sort_by_key(|device| device["devicePath"].str().to_string());
    for device in devices {
        w.line(3, format!("{} from {}", device["devicePath"].str(), device["name"].str()));
    }
}

/// Describes tolerations.
// Models staging/src/k8s.io/kubectl/pkg/describe/describe.go printTolerationsMultilineWithIndent
pub(crate) fn tolerations(w: &mut Writer, title: &str, tolerations: &Value) {
    let mut all: Vec<&Value> = tolerations.items().iter().collect();
    all.sort_by_key(|toleration| toleration["key"].str().to_string());
    let lines: Vec<String> = all.into_iter().map(toleration).collect();
    w.lines("", title, &lines);
}

fn toleration(toleration: &Value) -> String {
    let (key, value, effect) =
        (toleration["key"].str(), toleration["value"].str(), toleration["effect"].str());
    let mut text = key.to_string();
    if !value.is_empty() {
        text.push_str(&format!("={value}"));
    }
    if !effect.is_empty() {
        text.push_str(&format!(":{effect}"));
    }
    if toleration["operator"].str() == "Exists" && value.is_empty() {
        text.push_str(if key.is_empty() && effect.is_empty() { "op=Exists" } else { " op=Exists" });
    }
    if let Some(seconds) = toleration["tolerationSeconds"].as_int() {
        text.push_str(&format!(" for {seconds}s"));
    }
    text
}

/// Describes topology spread constraints.
pub(crate) fn spread(w: &mut Writer, constraints: &Value, space: &str) {
    if constraints.is_empty() {
        return;
    }
    let mut all: Vec<&Value> = constraints.items().iter().collect();
    all.sort_by_key(|constraint| constraint["topologyKey"].str().to_string());
    let lines: Vec<String> = all
        .into_iter()
        .map(|constraint| {
            let mut text = format!(
                "{}:{} when max skew {} is exceeded",
                constraint["topologyKey"].str(),
                constraint["whenUnsatisfiable"].str(),
                constraint["maxSkew"].int()
            );
            if !constraint["labelSelector"].is_null() {
                let selector = api::label::Selector::from_label_selector(&constraint["labelSelector"]);
                text.push_str(&format!(" for selector {selector}"));
            }
            text
        })
        .collect();
    w.lines(space, "Topology Spread Constraints", &lines);
}
