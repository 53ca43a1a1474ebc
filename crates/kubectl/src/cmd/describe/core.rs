use super::Events;
use super::template::{containers, resources, spread, tolerations};
use super::volume::volumes;
use super::writer::{Writer, date, join, one_line, or_none, since};
use crate::cmd::create::mapping;
use crate::cx::Cx;
use crate::failure::Outcome;
use api::{Value, int_or_string, meta};
use sim::Time;

/// How many endpoints of a port are shown.
const MAX_ENDPOINTS: usize = 3;

/// Describes a pod.
// Models staging/src/k8s.io/kubectl/pkg/describe/describe.go describePod
pub(super) fn pod(w: &mut Writer, pod: &Value, now: Time) -> Events {
    let (spec, status) = (&pod["spec"], &pod["status"]);
    w.name(pod);
    if let Some(priority) = spec["priority"].as_int() {
        w.row(0, "Priority", priority.to_string());
    }
    w.row_if(0, "Priority Class Name", spec["priorityClassName"].str());
    w.row_if(0, "Runtime Class Name", spec["runtimeClassName"].str());
    w.row_if(0, "Service Account", spec["serviceAccountName"].str());
    match spec["nodeName"].str() {
        "" => w.row(0, "Node", "<none>"),
        node => w.row(0, "Node", format!("{node}/{}", status["hostIP"].str())),
    }
    if !status["startTime"].is_null() {
        w.row(0, "Start Time", date(&status["startTime"]));
    }
    w.labels("Labels", meta::labels(pod));
    w.annotations("Annotations", meta::annotations(pod));
    let phase = status["phase"].str();
    if meta::is_deleting(pod) && !matches!(phase, "Failed" | "Succeeded") {
        let ago = since(&pod["metadata"]["deletionTimestamp"], now);
        w.row(0, "Status", format!("Terminating (lasts {ago})"));
        let grace = pod["metadata"]["deletionGracePeriodSeconds"].int();
        w.row(0, "Termination Grace Period", format!("{grace}s"));
    } else {
        w.row(0, "Status", phase);
    }
    w.row_if(0, "Reason", status["reason"].str());
    w.row_if(0, "Message", status["message"].str());
    w.row_if(0, "SeccompProfile", spec["securityContext"]["seccompProfile"]["type"].str());
    w.row(0, "IP", status["podIP"].str());
    if status["podIPs"].is_empty() {
        w.row(0, "IPs", "<none>");
    } else {
        w.line(0, "IPs:");
        for ip in status["podIPs"].items() {
            w.row(1, "IP", ip["ip"].str());
        }
    }
    controlled_by(w, pod);
    w.row_if(0, "NominatedNodeName", status["nominatedNodeName"].str());
    if !spec["resources"].is_null() {
        w.line(0, "Resources:");
        resources(w, &spec["resources"], 1);
    }
    for (label, list, statuses) in [
        ("Init Containers", "initContainers", "initContainerStatuses"),
        ("Containers", "containers", "containerStatuses"),
        ("Ephemeral Containers", "ephemeralContainers", "ephemeralContainerStatuses"),
    ] {
        if label == "Containers" || !spec[list].is_empty() {
            containers(w, label, &spec[list], &status[statuses], Some(pod), "");
        }
    }
    readiness(w, pod);
    volumes(w, &spec["volumes"], "");
    w.row(0, "QoS Class", status["qosClass"].str());
    w.labels("Node-Selectors", &spec["nodeSelector"]);
    tolerations(w, "Tolerations", &spec["tolerations"]);
    spread(w, &spec["topologySpreadConstraints"], "");
    Events::Shown
}

fn readiness(w: &mut Writer, pod: &Value) {
    let gates = pod["spec"]["readinessGates"].items();
    if !gates.is_empty() {
        w.line(0, "Readiness Gates:\n  Type\tStatus");
        for gate in gates {
            let kind = gate["conditionType"].str();
            let status = meta::condition(pod, kind).map_or("<none>", |condition| condition["status"].str());
            w.line(1, format!("{kind} \t{status} "));
        }
    }
    let conditions = pod["status"]["conditions"].items();
    if !conditions.is_empty() {
        w.line(0, "Conditions:\n  Type\tStatus");
        for condition in conditions {
            w.line(1, format!("{} \t{} ", condition["type"].str(), condition["status"].str()));
        }
    }
}

/// Adds the controller, where there is one.
pub(super) fn controlled_by(w: &mut Writer, object: &Value) {
    if let Some(owner) = meta::controller(object) {
        w.row(0, "Controlled By", format!("{}/{}", owner["kind"].str(), owner["name"].str()));
    }
}

/// Describes a service.
// Models staging/src/k8s.io/kubectl/pkg/describe/describe.go describeService
pub(super) fn service(cx: &mut Cx, w: &mut Writer, service: &Value) -> Outcome<Events> {
    let slices = match mapping("discovery.k8s.io", "v1", "EndpointSlice") {
        Ok(slices) => {
            let selector = format!("kubernetes.io/service-name={}", meta::name(service));
            cx.list(&slices, meta::namespace(service), &selector, "").unwrap_or_default()
        }
        Err(_) => Vec::new(),
    };
    let spec = &service["spec"];
    w.name(service);
    w.labels("Labels", meta::labels(service));
    w.annotations("Annotations", meta::annotations(service));
    w.row(0, "Selector", one_line(&spec["selector"]));
    w.row(0, "Type", spec["type"].str());
    w.row_if(0, "IP Family Policy", spec["ipFamilyPolicy"].str());
    w.row(0, "IP Families", or_none(&join(&spec["ipFamilies"], ",")));
    w.row(0, "IP", spec["clusterIP"].str());
    w.row(0, "IPs", or_none(&join(&spec["clusterIPs"], ",")));
    w.row_if(0, "External IPs", &join(&spec["externalIPs"], ","));
    w.row_if(0, "Desired LoadBalancer IP", spec["loadBalancerIP"].str());
    w.row_if(0, "External Name", spec["externalName"].str());
    w.row_if(0, "LoadBalancer Ingress", &ingress(&service["status"]["loadBalancer"]["ingress"]));
    for port in spec["ports"].items() {
        service_port(w, port, &slices);
    }
    w.row(0, "Session Affinity", spec["sessionAffinity"].str());
    w.row_if(0, "External Traffic Policy", spec["externalTrafficPolicy"].str());
    w.row_if(0, "Internal Traffic Policy", spec["internalTrafficPolicy"].str());
    if spec["healthCheckNodePort"].int() != 0 {
        w.row(0, "HealthCheck NodePort", spec["healthCheckNodePort"].int().to_string());
    }
    w.row_if(0, "LoadBalancer Source Ranges", &join(&spec["loadBalancerSourceRanges"], ","));
    w.row_if(0, "Traffic Distribution", spec["trafficDistribution"].str());
    Ok(Events::Shown)
}

fn service_port(w: &mut Writer, port: &Value, slices: &[Value]) {
    let name = match port["name"].str() {
        "" => "<unset>",
        name => name,
    };
    let protocol = port["protocol"].str();
    w.row(0, "Port", format!("{name}\t{}/{protocol}", port["port"].int()));
    w.row(0, "TargetPort", format!("{}/{protocol}", int_or_string::text(&port["targetPort"])));
    w.row_if(0, "AppProtocol", port["appProtocol"].str());
    if port["nodePort"].int() != 0 {
        w.row(0, "NodePort", format!("{name}\t{}/{protocol}", port["nodePort"].int()));
    }
    w.row(0, "Endpoints", endpoints_of(slices, port["name"].str()));
}

fn ingress(ingress: &Value) -> String {
    let texts: Vec<String> = ingress
        .items()
        .iter()
        .map(|one| match (one["ip"].str(), one["ipMode"].str()) {
            ("", _) => one["hostname"].str().to_string(),
            (ip, "") => ip.to_string(),
            (ip, mode) => format!("{ip} ({mode})"),
        })
        .collect();
    texts.join(", ")
}

// Models staging/src/k8s.io/kubectl/pkg/describe/describe.go formatEndpointSlices
pub(super) fn endpoints_of(slices: &[Value], port: &str) -> String {
    if slices.is_empty() {
        return "<none>".to_string();
    }
    let mut list: Vec<String> = Vec::new();
    let mut count = 0;
    for slice in slices {
        let ready = |endpoint: &&Value| endpoint["conditions"]["ready"].as_bool() != Some(false);
        let addresses = slice["endpoints"].items().iter().filter(ready).map(|one| one["addresses"][0].str());
        let mut add = |text: String| {
            if list.len() < MAX_ENDPOINTS {
                list.push(text);
            }
            count += 1;
        };
        if slice["ports"].is_empty() {
            addresses.for_each(|address| add(address.to_string()));
            continue;
        }
        for one in slice["ports"].items().iter().filter(|one| one["name"].str() == port) {
            for address in addresses.clone() {
                let host = if address.contains(':') { format!("[{address}]") } else { address.to_string() };
                add(format!("{host}:{}", one["port"].int()));
            }
        }
    }
    let text = list.join(",");
    if count > list.len() { format!("{text} + {} more...", count - list.len()) } else { text }
}

/// Describes Endpoints.
// Models staging/src/k8s.io/kubectl/pkg/describe/describe.go describeEndpoints
pub(super) fn endpoints(w: &mut Writer, endpoints: &Value) -> Events {
    w.name(endpoints);
    w.labels("Labels", meta::labels(endpoints));
    w.annotations("Annotations", meta::annotations(endpoints));
    w.line(0, "Subsets:");
    for subset in endpoints["subsets"].items() {
        for (title, field) in [("Addresses", "addresses"), ("NotReadyAddresses", "notReadyAddresses")] {
            let ips: Vec<&str> = subset[field].items().iter().map(|one| one["ip"].str()).collect();
            w.row(1, title, or_none(&ips.join(",")));
        }
        if !subset["ports"].is_empty() {
            w.line(1, "Ports:");
            w.line(2, "Name\tPort\tProtocol");
            w.line(2, "----\t----\t--------");
            for port in subset["ports"].items() {
                let name = if port["name"].str().is_empty() { "<unset>" } else { port["name"].str() };
                w.line(2, format!("{name}\t{}\t{}", port["port"].int(), port["protocol"].str()));
            }
        }
        w.line(0, "");
    }
    Events::Shown
}

/// Describes an EndpointSlice.
// Models staging/src/k8s.io/kubectl/pkg/describe/describe.go describeEndpointSliceV1
pub(super) fn endpoint_slice(w: &mut Writer, slice: &Value) -> Events {
    let or_unset = |text: &str| if text.is_empty() { "<unset>".to_string() } else { text.to_string() };
    w.name(slice);
    w.labels("Labels", meta::labels(slice));
    w.annotations("Annotations", meta::annotations(slice));
    w.row(0, "AddressType", slice["addressType"].str());
    if slice["ports"].is_empty() {
        w.line(0, "Ports: <unset>");
    } else {
        w.line(0, "Ports:");
        w.line(1, "Name\tPort\tProtocol");
        w.line(1, "----\t----\t--------");
        for port in slice["ports"].items() {
            let number = port["port"].as_int().map_or("<unset>".to_string(), |port| port.to_string());
            w.line(1, format!("{}\t{number}\t{}", or_unset(port["name"].str()), port["protocol"].str()));
        }
    }
    if slice["endpoints"].is_empty() {
        w.line(0, "Endpoints: <none>");
        return Events::Shown;
    }
    w.line(0, "Endpoints:");
    for endpoint in slice["endpoints"].items() {
        w.row(1, "- Addresses", or_none(&join(&endpoint["addresses"], ", ")));
        w.line(2, "Conditions:");
        let ready = endpoint["conditions"]["ready"].as_bool();
        w.row(3, "Ready", ready.map_or("<unset>".to_string(), |ready| ready.to_string()));
        w.row(2, "Hostname", or_unset(endpoint["hostname"].str()));
        let target = &endpoint["targetRef"];
        if !target.is_null() {
            w.row(2, "TargetRef", format!("{}/{}", target["kind"].str(), target["name"].str()));
        }
        w.row(2, "NodeName", or_unset(endpoint["nodeName"].str()));
        w.row(2, "Zone", or_unset(endpoint["zone"].str()));
    }
    Events::Shown
}

/// Describes a service account.
// Models staging/src/k8s.io/kubectl/pkg/describe/describe.go describeServiceAccount
pub(super) fn service_account(w: &mut Writer, account: &Value) -> Events {
    w.name(account);
    w.labels("Labels", meta::labels(account));
    w.annotations("Annotations", meta::annotations(account));
    let secrets: Vec<&str> =
        account["imagePullSecrets"].items().iter().map(|secret| secret["name"].str()).collect();
    if secrets.is_empty() {
        w.row(0, "Image pull secrets", "<none>");
    }
    for (i, secret) in secrets.iter().enumerate() {
        let title = if i == 0 { "Image pull secrets:" } else { "                   " };
        w.line(0, format!("{title}\t{secret}"));
    }
    Events::Shown
}
