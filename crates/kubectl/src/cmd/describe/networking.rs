//! Ingresses and network policies.
// Models staging/src/k8s.io/kubectl/pkg/describe/describe.go

use super::Events;
use super::core::endpoints_of;
use super::writer::{Writer, join, or_none};
use crate::cx::Cx;
use crate::failure::Outcome;
use crate::mapper;
use crate::text::quote;
use api::label::Selector;
use api::{Value, int_or_string, meta};

/// Describes an Ingress.
// Models staging/src/k8s.io/kubectl/pkg/describe/describe.go describeIngressV1
pub(super) fn ingress(cx: &mut Cx, w: &mut Writer, ingress: &Value) -> Outcome<Events> {
    let (spec, namespace) = (&ingress["spec"], meta::namespace(ingress));
    w.row(0, "Name", meta::name(ingress));
    w.labels("Labels", meta::labels(ingress));
    w.row(0, "Namespace", namespace);
    let points = ingress["status"]["loadBalancer"]["ingress"].items().iter();
    let points: Vec<&str> = points
        .map(|point| if point["ip"].str().is_empty() { point["hostname"].str() } else { point["ip"].str() })
        .collect();
    w.row(0, "Address", points.join(","));
    w.row(0, "Ingress Class", or_none(spec["ingressClassName"].str()));
    let by_default = match spec["defaultBackend"].is_null() {
        true => "<default>".to_string(),
        false => backend(cx, namespace, &spec["defaultBackend"])?,
    };
    w.row(0, "Default backend", &by_default);
    if !spec["tls"].items().is_empty() {
        w.line(0, "TLS:");
    }
    for tls in spec["tls"].items() {
        let hosts = join(&tls["hosts"], ",");
        match tls["secretName"].str() {
            "" => w.line(1, format!("SNI routes {hosts}")),
            secret => w.line(1, format!("{secret} terminates {hosts}")),
        }
    }
    w.line(0, "Rules:");
    w.line(0, "  Host\tPath\tBackends");
    w.line(0, "  ----\t----\t--------");
    let rules = spec["rules"].items().iter().filter(|rule| !rule["http"].is_null());
    for rule in rules.clone() {
        let host = if rule["host"].str().is_empty() { "*" } else { rule["host"].str() };
        w.line(1, format!("{host}\t"));
        for path in rule["http"]["paths"].items() {
            let behind = backend(cx, namespace, &path["backend"])?;
            w.line(2, format!("\t{} \t{behind}", path["path"].str()));
        }
    }
    if rules.count() == 0 {
        w.line(1, format!("*\t*\t{by_default}"));
    }
    w.annotations("Annotations", meta::annotations(ingress));
    Ok(Events::Shown)
}

// Models staging/src/k8s.io/kubectl/pkg/describe/describe.go describeBackendV1
fn backend(cx: &mut Cx, namespace: &str, backend: &Value) -> Outcome<String> {
    let (service, resource) = (&backend["service"], &backend["resource"]);
    if service.is_null() {
        let (group, kind, name) = (&resource["apiGroup"], resource["kind"].str(), resource["name"].str());
        return Ok(format!("APIGroup: {}, Kind: {kind}, Name: {name}", or_none(group.str())));
    }
    let (name, port) = (service["name"].str(), &service["port"]);
    let shown = match port["name"].str() {
        "" => format!("{name}:{}", port["number"].int()),
        port => format!("{name}:{port}"),
    };
    let services = mapper::of_kind(cx, "", "v1", "Service")?;
    let found = cx.list(&services, namespace, "", &format!("metadata.name={name}"))?;
    let Some(found) = found.first() else {
        return Ok(format!("{shown} (<error: services {} not found>)", quote(name)));
    };
    let fits = |one: &&Value| match port["name"].str() {
        "" => one["port"].int() == port["number"].int(),
        name => one["name"].str() == name,
    };
    let port = found["spec"]["ports"].items().iter().find(fits).map_or("", |one| one["name"].str());
    let slices = mapper::of_kind(cx, "discovery.k8s.io", "v1", "EndpointSlice")?;
    let selector = format!("kubernetes.io/service-name={name}");
    let slices = cx.list(&slices, namespace, &selector, "")?;
    Ok(format!("{shown} ({})", endpoints_of(&slices, port)))
}

/// Describes an IngressClass.
// Models staging/src/k8s.io/kubectl/pkg/describe/describe.go describeIngressClassV1
pub(super) fn ingress_class(w: &mut Writer, class: &Value) -> Events {
    w.row(0, "Name", meta::name(class));
    w.labels("Labels", meta::labels(class));
    w.annotations("Annotations", meta::annotations(class));
    w.row(0, "Controller", class["spec"]["controller"].str());
    let parameters = &class["spec"]["parameters"];
    if !parameters.is_null() {
        w.line(0, "Parameters:");
        w.row_if(1, "APIGroup", parameters["apiGroup"].str());
        w.row(1, "Kind", parameters["kind"].str());
        w.row(1, "Name", parameters["name"].str());
    }
    Events::Shown
}

/// Describes a NetworkPolicy.
// Models staging/src/k8s.io/kubectl/pkg/describe/describe.go describeNetworkPolicy
pub(super) fn network_policy(w: &mut Writer, policy: &Value) -> Events {
    let spec = &policy["spec"];
    w.name(policy);
    let created = policy["metadata"]["creationTimestamp"].str();
    w.row(0, "Created on", format!("{} +0000 UTC", created.replace('T', " ").trim_end_matches('Z')));
    w.labels("Labels", meta::labels(policy));
    w.annotations("Annotations", meta::annotations(policy));
    w.line(0, "Spec:");
    let pods = match is_everything(&spec["podSelector"]) {
        true => "<none> (Allowing the specific traffic to all pods in this namespace)".to_string(),
        false => selector(&spec["podSelector"]),
    };
    w.line(1, format!("PodSelector:     {pods}"));
    let types: Vec<&str> = spec["policyTypes"].items().iter().map(Value::str).collect();
    for (kind, field, peers, others, way) in
        [("Ingress", "ingress", "from", "From", "source"), ("Egress", "egress", "to", "To", "destination")]
    {
        if !types.contains(&kind) {
            w.line(1, format!("Not affecting {field} traffic"));
            continue;
        }
        w.line(1, format!("Allowing {field} traffic:"));
        let rules = spec[field].items();
        if rules.is_empty() {
            w.line(2, format!("<none> (Selected pods are isolated for {field} connectivity)"));
        }
        for (i, rule) in rules.iter().enumerate() {
            ports(w, rule);
            if rule[peers].items().is_empty() {
                w.line(2, format!("{others}: <any> (traffic not restricted by {way})"));
            }
            for peer in rule[peers].items() {
                w.line(2, format!("{others}:"));
                show_peer(w, peer);
            }
            if i + 1 != rules.len() {
                w.line(2, "----------");
            }
        }
    }
    w.line(1, format!("Policy Types: {}", types.join(", ")));
    Events::Hidden
}

fn ports(w: &mut Writer, rule: &Value) {
    if rule["ports"].items().is_empty() {
        w.line(2, "To Port: <any> (traffic allowed to all ports)");
    }
    for port in rule["ports"].items() {
        let protocol = if port["protocol"].str().is_empty() { "TCP" } else { port["protocol"].str() };
        let number = if port["port"].is_null() { String::new() } else { int_or_string::text(&port["port"]) };
        let last = port["endPort"].as_int().map(|last| format!("-{last}")).unwrap_or_default();
        w.line(2, format!("To Port: {number}{last}/{protocol}"));
    }
}

fn show_peer(w: &mut Writer, peer: &Value) {
    for (field, title) in [("namespaceSelector", "NamespaceSelector"), ("podSelector", "PodSelector")] {
        if !peer[field].is_null() {
            w.line(3, format!("{title}: {}", selector(&peer[field])));
        }
    }
    let block = &peer["ipBlock"];
    if !block.is_null() {
        w.line(3, "IPBlock:");
        w.line(4, format!("CIDR: {}", block["cidr"].str()));
        w.line(4, format!("Except: {}", join(&block["except"], ", ")));
    }
}

fn is_everything(selector: &Value) -> bool {
    selector["matchLabels"].is_empty() && selector["matchExpressions"].is_empty()
}

// Models staging/src/k8s.io/apimachinery/pkg/apis/meta/v1/helpers.go FormatLabelSelector
fn selector(selector: &Value) -> String {
    or_none(&Selector::from_label_selector(selector).to_string()).to_string()
}
