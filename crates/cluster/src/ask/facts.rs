//! What is worth knowing of an object at a glance.

use api::{Value, meta};

/// Returns what is worth knowing of an object at a glance: (field, value).
pub(super) fn facts(kind: &str, value: &Value) -> Vec<(String, String)> {
    let (spec, status) = (&value["spec"], &value["status"]);
    let mut rows: Vec<(&str, String)> = vec![("namespace", meta::namespace(value).to_string())];
    let number = |value: &Value| value.as_int().unwrap_or(0).to_string();
    let mut add = |name, text: String| rows.push((name, text));
    match kind {
        "Pod" => {
            add("phase", status["phase"].str().to_string());
            add("nodeName", spec["nodeName"].str().to_string());
            add("podIP", status["podIP"].str().to_string());
            let images = spec["containers"].items().iter().map(|container| container["image"].str());
            add("image", images.collect::<Vec<_>>().join(", "));
            let restarts: i64 =
                status["containerStatuses"].items().iter().map(|one| one["restartCount"].int()).sum();
            add("restarts", restarts.to_string());
        }
        "Deployment" | "ReplicaSet" => {
            add("replicas", number(&spec["replicas"]));
            add("readyReplicas", number(&status["readyReplicas"]));
            add("availableReplicas", number(&status["availableReplicas"]));
            if kind == "Deployment" {
                add("updatedReplicas", number(&status["updatedReplicas"]));
                let update = &spec["strategy"]["rollingUpdate"];
                for name in ["maxSurge", "maxUnavailable"] {
                    let share = &update[name];
                    add(name, share.as_str().map_or_else(|| number(share), str::to_string));
                }
                add("minReadySeconds", number(&spec["minReadySeconds"]));
            }
            add("revision", meta::annotation(value, "deployment.kubernetes.io/revision").to_string());
        }
        "DaemonSet" => {
            add("desiredNumberScheduled", number(&status["desiredNumberScheduled"]));
            add("updatedNumberScheduled", number(&status["updatedNumberScheduled"]));
            add("numberReady", number(&status["numberReady"]));
            add("updateStrategy", spec["updateStrategy"]["type"].str().to_string());
        }
        "StatefulSet" => {
            add("replicas", number(&spec["replicas"]));
            add("readyReplicas", number(&status["readyReplicas"]));
            add("serviceName", spec["serviceName"].str().to_string());
            add("podManagementPolicy", spec["podManagementPolicy"].str().to_string());
            add("updateStrategy", spec["updateStrategy"]["type"].str().to_string());
            let partition = &spec["updateStrategy"]["rollingUpdate"]["partition"];
            add("partition", partition.as_int().map_or(String::new(), |number| number.to_string()));
            let templates = spec["volumeClaimTemplates"].items().iter().map(meta::name);
            add("volumeClaimTemplates", templates.collect::<Vec<_>>().join(", "));
        }
        "Job" => {
            for name in ["completions", "parallelism", "backoffLimit"] {
                add(name, spec[name].as_int().map_or(String::new(), |number| number.to_string()));
            }
            add("completionMode", spec["completionMode"].str().to_string());
            for name in ["active", "ready", "succeeded", "failed"] {
                add(name, number(&status[name]));
            }
            for name in ["completedIndexes", "failedIndexes"] {
                add(name, status[name].str().to_string());
            }
        }
        "CronJob" => {
            for name in ["schedule", "timeZone", "concurrencyPolicy"] {
                add(name, spec[name].str().to_string());
            }
            add("suspend", if spec["suspend"].is_true() { "true".into() } else { String::new() });
            add("lastScheduleTime", status["lastScheduleTime"].str().to_string());
            add("active", status["active"].items().len().to_string());
        }
        "HorizontalPodAutoscaler" => autoscaler(value, &mut add),
        "Ingress" => {
            add("ingressClassName", spec["ingressClassName"].str().to_string());
            let balanced = status["loadBalancer"]["ingress"].items().iter().map(|one| one["ip"].str());
            add("address", balanced.collect::<Vec<_>>().join(", "));
            for rule in spec["rules"].items() {
                for path in rule["http"]["paths"].items() {
                    let host = if rule["host"].str().is_empty() { "*" } else { rule["host"].str() };
                    add("rule", format!("{host}{} → {}", path["path"].str(), backend(&path["backend"])));
                }
            }
            if !spec["defaultBackend"].is_null() {
                add("defaultBackend", backend(&spec["defaultBackend"]));
            }
        }
        "NetworkPolicy" => {
            let types: Vec<&str> = spec["policyTypes"].items().iter().map(Value::str).collect();
            add("podSelector", selector(&spec["podSelector"]));
            add("policyTypes", types.join(", "));
            for (list, peers, name) in [("ingress", "from", "Ingress"), ("egress", "to", "Egress")] {
                if types.contains(&name) && spec[list].items().is_empty() {
                    add(list, "—".to_string());
                }
                for rule in spec[list].items() {
                    add(list, allowed(rule, peers));
                }
            }
        }
        "PersistentVolumeClaim" => {
            add("phase", status["phase"].str().to_string());
            add("requests", spec["resources"]["requests"]["storage"].str().to_string());
            add("capacity", status["capacity"]["storage"].str().to_string());
            add("accessModes", texts(&spec["accessModes"]));
            add("storageClassName", spec["storageClassName"].str().to_string());
            add("volumeName", spec["volumeName"].str().to_string());
        }
        "PersistentVolume" => {
            add("phase", status["phase"].str().to_string());
            add("capacity", spec["capacity"]["storage"].str().to_string());
            add("accessModes", texts(&spec["accessModes"]));
            add("persistentVolumeReclaimPolicy", spec["persistentVolumeReclaimPolicy"].str().to_string());
            add("storageClassName", spec["storageClassName"].str().to_string());
            if !spec["nfs"].is_null() {
                add("nfs", format!("{}:{}", spec["nfs"]["server"].str(), spec["nfs"]["path"].str()));
            }
            for (name, field) in [("hostPath", "hostPath"), ("local", "local")] {
                add(name, spec[field]["path"].str().to_string());
            }
        }
        "Service" => {
            add("type", spec["type"].str().to_string());
            add("clusterIP", spec["clusterIP"].str().to_string());
            let ports = spec["ports"].items().iter().map(|port| {
                let node_port = port["nodePort"].as_int().map_or(String::new(), |port| format!(":{port}"));
                format!("{}{node_port}/{}", port["port"].int(), port["protocol"].str())
            });
            add("ports", ports.collect::<Vec<_>>().join(", "));
            let ingress = status["loadBalancer"]["ingress"].items().iter().map(|one| one["ip"].str());
            add("loadBalancer", ingress.collect::<Vec<_>>().join(", "));
            let selector =
                spec["selector"].fields().iter().map(|(key, value)| format!("{key}={}", value.str()));
            add("selector", selector.collect::<Vec<_>>().join(","));
        }
        "Node" => {
            for address in status["addresses"].items() {
                if address["type"].str() == "InternalIP" {
                    add("InternalIP", address["address"].str().to_string());
                }
            }
            for name in ["cpu", "memory", "pods"] {
                add(name, status["allocatable"][name].str().to_string());
            }
            let taints = spec["taints"].items().iter();
            let taints = taints.map(|taint| format!("{}:{}", taint["key"].str(), taint["effect"].str()));
            add("taints", taints.collect::<Vec<_>>().join(", "));
            add("unschedulable", if spec["unschedulable"].is_true() { "true".into() } else { String::new() });
        }
        _ => {}
    }
    let labels = meta::labels(value).fields().iter().map(|(key, value)| format!("{key}={}", value.str()));
    rows.push(("labels", labels.collect::<Vec<_>>().join(", ")));
    let full = rows.into_iter().filter(|(_, text)| !text.is_empty());
    full.map(|(name, text)| (name.to_string(), text)).collect()
}

/// An autoscaler's loop: what it sees, what follows from that, and between which bounds.
fn autoscaler(value: &Value, add: &mut impl FnMut(&'static str, String)) {
    let (spec, status) = (&value["spec"], &value["status"]);
    let current = status["currentReplicas"].int();
    add(
        "scaleTargetRef",
        format!("{} {}", spec["scaleTargetRef"]["kind"].str(), spec["scaleTargetRef"]["name"].str()),
    );
    add("minReplicas", spec["minReplicas"].as_int().unwrap_or(1).to_string());
    add("maxReplicas", spec["maxReplicas"].int().to_string());
    add("currentReplicas", current.to_string());
    for (i, metric) in spec["metrics"].items().iter().enumerate() {
        let target = metric["resource"]["target"]["averageUtilization"].as_int();
        let now = status["currentMetrics"].items().get(i);
        let now = now.and_then(|now| now["resource"]["current"]["averageUtilization"].as_int());
        if let (Some(target), Some(now)) = (target.filter(|target| *target > 0), now) {
            let name = metric["resource"]["name"].str();
            add("utilization", format!("{name} {now}% of {target}%"));
            let product = current.saturating_mul(now);
            let wanted = product.saturating_add(target - 1) / target;
            add("⌈current × now ÷ target⌉", format!("⌈{current} × {now} ÷ {target}⌉ = {wanted}"));
        }
    }
    add("desiredReplicas", status["desiredReplicas"].int().to_string());
    add("lastScaleTime", status["lastScaleTime"].str().to_string());
}

/// Returns an Ingress's backend as `service:port`.
fn backend(backend: &Value) -> String {
    let service = &backend["service"];
    let port = match service["port"]["number"].as_int() {
        Some(number) => number.to_string(),
        None => service["port"]["name"].str().to_string(),
    };
    format!("{}:{port}", service["name"].str())
}

/// Returns a label selector's matchLabels, `*` for one that selects everything.
fn selector(selector: &Value) -> String {
    let labels = selector["matchLabels"].fields().iter();
    let mut parts: Vec<String> = labels.map(|(key, value)| format!("{key}={}", value.str())).collect();
    parts.extend(
        selector["matchExpressions"]
            .items()
            .iter()
            .map(|one| format!("{} {} {}", one["key"].str(), one["operator"].str(), texts(&one["values"]))),
    );
    if parts.is_empty() { "*".to_string() } else { parts.join(", ") }
}

/// Returns whom and what a rule of a NetworkPolicy allows.
fn allowed(rule: &Value, peers: &str) -> String {
    let peers = rule[peers].items().iter().map(|peer| {
        let mut parts = Vec::new();
        if !peer["namespaceSelector"].is_null() {
            parts.push(format!("namespaces {}", selector(&peer["namespaceSelector"])));
        }
        if !peer["podSelector"].is_null() {
            parts.push(format!("pods {}", selector(&peer["podSelector"])));
        }
        if !peer["ipBlock"].is_null() {
            parts.push(peer["ipBlock"]["cidr"].str().to_string());
            parts.extend(
                Some(texts(&peer["ipBlock"]["except"]))
                    .filter(|text| !text.is_empty())
                    .map(|text| format!("except {text}")),
            );
        }
        parts.join(", ")
    });
    let peers: Vec<String> = peers.collect();
    let ports = rule["ports"].items().iter().map(|port| match port["port"].as_int() {
        Some(number) => format!("{}/{number}", port["protocol"].str()),
        None => format!("{}/{}", port["protocol"].str(), port["port"].str()),
    });
    let ports: Vec<String> = ports.collect();
    let peers = if peers.is_empty() { "*".to_string() } else { peers.join("; ") };
    if ports.is_empty() { peers } else { format!("{peers} · {}", ports.join(", ")) }
}

fn texts(list: &Value) -> String {
    list.items().iter().map(Value::str).collect::<Vec<_>>().join(", ")
}
