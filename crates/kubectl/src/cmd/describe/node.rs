use super::Events;
use super::writer::{Writer, date, join, since};
use crate::cmd::create::mapping;
use crate::cx::Cx;
use crate::failure::Outcome;
use api::pod_resources::{self, Amounts};
use api::quantity::Quantity;
use api::{Value, meta};

/// Describes a node.
// Models staging/src/k8s.io/kubectl/pkg/describe/describe.go describeNode
pub(super) fn node(cx: &mut Cx, w: &mut Writer, node: &Value) -> Outcome<Events> {
    let name = meta::name(node).to_string();
    w.row(0, "Name", &name);
    let roles = roles(node);
    w.row(0, "Roles", if roles.is_empty() { "<none>" } else { &roles });
    w.labels("Labels", meta::labels(node));
    w.annotations("Annotations", meta::annotations(node));
    w.row(0, "CreationTimestamp", date(&node["metadata"]["creationTimestamp"]));
    taints(w, node);
    w.row(0, "Unschedulable", node["spec"]["unschedulable"].is_true().to_string());
    lease(cx, w, &name);
    conditions(w, node);
    w.line(0, "Addresses:");
    for address in node["status"]["addresses"].items() {
        w.row(1, address["type"].str(), address["address"].str());
    }
    for (title, field) in [("Capacity", "capacity"), ("Allocatable", "allocatable")] {
        if !node["status"][field].is_empty() {
            w.line(0, format!("{title}:"));
            for (resource, amount) in node["status"][field].fields().iter() {
                w.row(1, resource, crate::text::go_text(amount, ""));
            }
        }
    }
    system_info(w, &node["status"]["nodeInfo"]);
    w.row_if(0, "PodCIDR", node["spec"]["podCIDR"].str());
    w.row_if(0, "PodCIDRs", &join(&node["spec"]["podCIDRs"], ","));
    w.row_if(0, "ProviderID", node["spec"]["providerID"].str());
    let fields = format!("spec.nodeName={name},status.phase!=Succeeded,status.phase!=Failed");
    match cx.list(&mapping("", "v1", "Pod")?, "", "", &fields) {
        Ok(pods) => usage(cx, w, node, &pods),
        Err(_) => w.row(0, "Pods", "not authorized"),
    }
    Ok(Events::Shown)
}

// Models staging/src/k8s.io/kubectl/pkg/describe/describe.go findNodeRoles
fn roles(node: &Value) -> String {
    let mut roles: Vec<String> = Vec::new();
    for (key, value) in meta::labels(node).fields().iter() {
        match key.strip_prefix("node-role.kubernetes.io/") {
            Some(role) if !role.is_empty() => roles.push(role.to_string()),
            _ if key == "kubernetes.io/role" && !value.str().is_empty() => {
                roles.push(value.str().to_string())
            }
            _ => {}
        }
    }
    roles.sort();
    roles.join(",")
}

fn taints(w: &mut Writer, node: &Value) {
    let mut taints: Vec<(String, String)> = Vec::new();
    for taint in node["spec"]["taints"].items() {
        let (key, value, effect) = (taint["key"].str(), taint["value"].str(), taint["effect"].str());
        let text = match (value, effect) {
            ("", "") => key.to_string(),
            ("", effect) => format!("{key}:{effect}"),
            (value, "") => format!("{key}={value}:"),
            (value, effect) => format!("{key}={value}:{effect}"),
        };
        taints.push((format!("{effect},{key}"), text));
    }
    taints.sort();
    let lines: Vec<String> = taints.into_iter().map(|(_, text)| text).collect();
    w.lines("", "Taints", &lines);
}

fn lease(cx: &mut Cx, w: &mut Writer, name: &str) {
    let found = mapping("coordination.k8s.io", "v1", "Lease")
        .and_then(|mapping| cx.get(&mapping, "kube-node-lease", name));
    let lease = match found {
        Ok(lease) => lease,
        Err(failure) => return w.row(0, "Lease", format!("Failed to get lease: {}", failure.text())),
    };
    w.line(0, "Lease:");
    let spec = &lease["spec"];
    let holder = spec["holderIdentity"].str();
    w.row(1, "HolderIdentity", if holder.is_empty() { "<unset>" } else { holder });
    for (title, field) in [("AcquireTime", "acquireTime"), ("RenewTime", "renewTime")] {
        let time = if spec[field].is_null() { "<unset>".to_string() } else { date(&spec[field]) };
        w.row(1, title, time);
    }
}

fn conditions(w: &mut Writer, node: &Value) {
    let conditions = node["status"]["conditions"].items();
    if conditions.is_empty() {
        return;
    }
    w.line(0, "Conditions:\n  Type\tStatus\tLastHeartbeatTime\tLastTransitionTime\tReason\tMessage");
    w.line(1, "----\t------\t-----------------\t------------------\t------\t-------");
    for condition in conditions {
        w.line(
            1,
            format!(
                "{} \t{} \t{} \t{} \t{} \t{}",
                condition["type"].str(),
                condition["status"].str(),
                date(&condition["lastHeartbeatTime"]),
                date(&condition["lastTransitionTime"]),
                condition["reason"].str(),
                condition["message"].str()
            ),
        );
    }
}

fn system_info(w: &mut Writer, info: &Value) {
    w.line(0, "System Info:");
    for (title, field) in [
        ("Machine ID", "machineID"),
        ("System UUID", "systemUUID"),
        ("Boot ID", "bootID"),
        ("Kernel Version", "kernelVersion"),
        ("OS Image", "osImage"),
        ("Operating System", "operatingSystem"),
        ("Architecture", "architecture"),
        ("Container Runtime Version", "containerRuntimeVersion"),
        ("Kubelet Version", "kubeletVersion"),
    ] {
        w.row(1, title, info[field].str());
    }
}

fn text(amounts: &Amounts, name: &str) -> String {
    amounts.get(name).map_or("0".to_string(), ToString::to_string)
}

/// Returns an amount's share of what can be had, in whole per cent.
fn percent(amounts: &Amounts, allocatable: &Value, name: &str) -> i64 {
    let whole = Quantity::from_value(&allocatable[name]).map_or(0, Quantity::nanos);
    match amounts.get(name) {
        Some(part) if whole > 0 => {
            i64::try_from(part.nanos().saturating_mul(100) / whole).unwrap_or(i64::MAX)
        }
        _ => 0,
    }
}

// Models staging/src/k8s.io/kubectl/pkg/describe/describe.go describeNodeResource
fn usage(cx: &Cx, w: &mut Writer, node: &Value, pods: &[Value]) {
    let status = &node["status"];
    let allocatable =
        if status["allocatable"].is_empty() { &status["capacity"] } else { &status["allocatable"] };
    w.row(0, "Non-terminated Pods", format!("({} in total)", pods.len()));
    w.line(1, "Namespace\tName\t\tCPU Requests\tCPU Limits\tMemory Requests\tMemory Limits\tAge");
    w.line(1, "---------\t----\t\t------------\t----------\t---------------\t-------------\t---");
    let mut totals = (Amounts::new(), Amounts::new());
    let specs: Vec<Value> = pods.iter().map(pod_resources::in_effect).collect();
    for (pod, spec) in pods.iter().zip(&specs) {
        let (requests, limits) = (pod_resources::requests(spec, &[]), pod_resources::limits(&pod["spec"]));
        let cell = |amounts: &Amounts, name: &str| {
            format!("{} ({}%)", text(amounts, name), percent(amounts, allocatable, name))
        };
        w.line(
            1,
            format!(
                "{}\t{}\t\t{}\t{}\t{}\t{}\t{}",
                meta::namespace(pod),
                meta::name(pod),
                cell(&requests, "cpu"),
                cell(&limits, "cpu"),
                cell(&requests, "memory"),
                cell(&limits, "memory"),
                since(&pod["metadata"]["creationTimestamp"], cx.now())
            ),
        );
        pod_resources::add(&mut totals.0, &requests);
        pod_resources::add(&mut totals.1, &limits);
    }
    allocated(w, allocatable, &totals.0, &totals.1);
}

fn allocated(w: &mut Writer, allocatable: &Value, requests: &Amounts, limits: &Amounts) {
    w.line(0, "Allocated resources:\n  (Total limits may be over 100 percent, i.e., overcommitted.)");
    w.line(1, "Resource\tRequests\tLimits");
    w.line(1, "--------\t--------\t------");
    let mut names = vec!["cpu", "memory", "ephemeral-storage"];
    names.extend(
        allocatable.fields().iter().map(|(name, _)| name).filter(|name| name.starts_with("hugepages-")),
    );
    for name in names {
        let cell =
            |amounts: &Amounts| format!("{} ({}%)", text(amounts, name), percent(amounts, allocatable, name));
        w.line(1, format!("{name}\t{}\t{}", cell(requests), cell(limits)));
    }
    let is_standard = |name: &str| {
        matches!(name, "cpu" | "memory" | "ephemeral-storage" | "pods") || name.starts_with("hugepages-")
    };
    for (name, _) in allocatable.fields().iter().filter(|(name, _)| !is_standard(name)) {
        w.line(1, format!("{name}\t{}\t{}", text(requests, name), text(limits, name)));
    }
}
