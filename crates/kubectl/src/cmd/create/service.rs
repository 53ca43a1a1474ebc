use super::{create, one_name};
use crate::cx::{Cx, Next};
use crate::failure::{Outcome, error};
use crate::text::quote;
use api::{Value, tree};

/// `kubectl create service clusterip`
pub(crate) fn cluster_ip(cx: &mut Cx) -> Outcome<Next> {
    service(cx, "ClusterIP")
}

/// `kubectl create service nodeport`
pub(crate) fn node_port(cx: &mut Cx) -> Outcome<Next> {
    service(cx, "NodePort")
}

/// `kubectl create service loadbalancer`
pub(crate) fn load_balancer(cx: &mut Cx) -> Outcome<Next> {
    service(cx, "LoadBalancer")
}

/// `kubectl create service externalname`
pub(crate) fn external_name(cx: &mut Cx) -> Outcome<Next> {
    service(cx, "ExternalName")
}

// Models staging/src/k8s.io/kubectl/pkg/cmd/create/create_service.go
fn service(cx: &mut Cx, kind: &str) -> Outcome<Next> {
    let name = one_name(cx)?;
    let flags = cx.args();
    let tcp = flags.list("tcp");
    let cluster_ip = if kind == "ClusterIP" { flags.text("clusterip") } else { "" };
    if cluster_ip == "None" && !tcp.is_empty() {
        return error("can not map ports with clusterip=None");
    }
    if cluster_ip != "None" && tcp.is_empty() && kind != "ExternalName" {
        return error("at least one tcp port specifier must be provided");
    }
    let mut ports = Vec::new();
    for text in &tcp {
        let mut port = port(text)?;
        if flags.int("node-port") != 0 {
            port.set(&["nodePort"], flags.int("node-port"));
        }
        ports.push(port);
    }
    let labels = tree!({"app": (&name)});
    let mut spec = tree!({"selector": (&labels), "type": kind});
    if !ports.is_empty() {
        spec.set(&["ports"], ports);
    }
    if !cluster_ip.is_empty() {
        spec.set(&["clusterIP"], cluster_ip);
    }
    if kind == "ExternalName" {
        spec.set(&["externalName"], flags.text("external-name"));
    }
    let object = tree!({
        "metadata": {"labels": (labels), "name": (name)},
        "spec": (spec),
        "status": {"loadBalancer": {}},
    });
    create(cx, "", "v1", "Service", object, &format!("failed to create {kind} service"))
}

/// Reads `80`, `80:8080` or `80:http`.
// Models staging/src/k8s.io/kubectl/pkg/cmd/create/create_service.go parsePorts
fn port(text: &str) -> Outcome<Value> {
    let (first, second) = text.split_once(':').unwrap_or((text, ""));
    let Ok(port) = first.parse::<u32>() else {
        return error(format!("strconv.ParseUint: parsing {}: invalid syntax", quote(first)));
    };
    if port == 0 || port > 65_535 {
        return error(format!("invalid port {}", quote(first)));
    }
    let target: Value = match second.parse::<i64>() {
        _ if second.is_empty() => i64::from(port).into(),
        Ok(number) => number.into(),
        Err(_) => second.into(),
    };
    Ok(tree!({
        "name": (text.replace(':', "-")),
        "port": (i64::from(port)),
        "protocol": "TCP",
        "targetPort": (target),
    }))
}
