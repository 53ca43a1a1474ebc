//! Services and what is behind and before them.

use super::duration::age;
use super::{format_labels, format_selector, name, or_else};
use api::Value;
use sim::Time;
use std::collections::BTreeSet;

fn join(list: &Value) -> String {
    list.items().iter().map(Value::str).collect::<Vec<_>>().join(",")
}

// Models pkg/printers/internalversion/printers.go loadBalancerStatusStringer
fn balancer(status: &Value) -> String {
    let points = status["loadBalancer"]["ingress"].items().iter();
    let points: BTreeSet<&str> = points
        .map(|point| if point["ip"].str().is_empty() { point["hostname"].str() } else { point["ip"].str() })
        .filter(|point| !point.is_empty())
        .collect();
    points.into_iter().collect::<Vec<_>>().join(",")
}

// Models pkg/printers/internalversion/printers.go getServiceExternalIP
fn external_ip(object: &Value) -> String {
    let external = join(&object["spec"]["externalIPs"]);
    match object["spec"]["type"].str() {
        "ClusterIP" | "NodePort" if external.is_empty() => "<none>".to_string(),
        "ClusterIP" | "NodePort" => external,
        "LoadBalancer" => {
            let parts = [balancer(&object["status"]), external];
            let parts: Vec<String> = parts.into_iter().filter(|part| !part.is_empty()).collect();
            if parts.is_empty() { "<pending>".to_string() } else { parts.join(",") }
        }
        "ExternalName" => object["spec"]["externalName"].str().to_string(),
        _ => "<unknown>".to_string(),
    }
}

/// Returns a Service's cells.
// Models pkg/printers/internalversion/printers.go printService
pub(crate) fn service(object: &Value, now: Time) -> Vec<Value> {
    let spec = &object["spec"];
    let port = |port: &Value| {
        let (number, node, protocol) = (port["port"].int(), port["nodePort"].int(), port["protocol"].str());
        if node > 0 { format!("{number}:{node}/{protocol}") } else { format!("{number}/{protocol}") }
    };
    let ports = spec["ports"].items().iter().map(port).collect::<Vec<_>>().join(",");
    vec![
        name(object),
        spec["type"].clone(),
        or_else(&spec["clusterIPs"][0], "<none>"),
        external_ip(object).into(),
        or_else(&ports.into(), "<none>"),
        age(now, object),
        format_labels(&spec["selector"]),
    ]
}

fn more(list: &[String], shown: usize) -> String {
    let text = list.iter().take(shown).cloned().collect::<Vec<_>>().join(",");
    if list.len() > shown { format!("{text} + {} more...", list.len() - shown) } else { text }
}

/// Returns Endpoints' cells.
// Models pkg/printers/internalversion/printers.go formatEndpoints
pub(crate) fn endpoints(object: &Value, now: Time) -> Vec<Value> {
    let mut list = Vec::new();
    for subset in object["subsets"].items() {
        let ports = subset["ports"].items();
        for address in subset["addresses"].items().iter().filter(|_| ports.is_empty()) {
            list.push(address["ip"].str().to_string());
        }
        for port in ports {
            for address in subset["addresses"].items() {
                let (ip, port) = (address["ip"].str(), port["port"].int());
                list.push(if ip.contains(':') { format!("[{ip}]:{port}") } else { format!("{ip}:{port}") });
            }
        }
    }
    let text = if object["subsets"].items().is_empty() { "<none>".to_string() } else { more(&list, 3) };
    vec![name(object), text.into(), age(now, object)]
}

/// Returns an EndpointSlice's cells.
// Models pkg/printers/internalversion/printers.go printEndpointSlice
pub(crate) fn endpoint_slice(object: &Value, now: Time) -> Vec<Value> {
    let port = |port: &Value| match (port["port"].as_int(), port["name"].as_str()) {
        (Some(number), _) => number.to_string(),
        (None, Some(name)) => name.to_string(),
        (None, None) => "*".to_string(),
    };
    let ports: Vec<String> = object["ports"].items().iter().map(port).collect();
    let addresses = object["endpoints"].items().iter().flat_map(|endpoint| endpoint["addresses"].items());
    let addresses: Vec<String> = addresses.map(|address| address.str().to_string()).collect();
    vec![
        name(object),
        object["addressType"].clone(),
        or_else(&more(&ports, 3).into(), "<unset>"),
        or_else(&more(&addresses, 3).into(), "<unset>"),
        age(now, object),
    ]
}

/// Returns an Ingress' cells.
pub(crate) fn ingress(object: &Value, now: Time) -> Vec<Value> {
    const SHOWN: usize = 3;
    let rules = object["spec"]["rules"].items();
    let hosts = rules.iter().map(|rule| rule["host"].str()).filter(|host| !host.is_empty());
    let hosts: Vec<&str> = hosts.take(SHOWN).collect();
    let mut text = if hosts.is_empty() { "*".to_string() } else { hosts.join(",") };
    if hosts.len() == SHOWN && rules.len() > SHOWN {
        text.push_str(&format!(" + {} more...", rules.len() - SHOWN));
    }
    let ports = if object["spec"]["tls"].items().is_empty() { "80" } else { "80, 443" };
    vec![
        name(object),
        or_else(&object["spec"]["ingressClassName"], "<none>"),
        text.into(),
        balancer(&object["status"]).into(),
        ports.into(),
        age(now, object),
    ]
}

/// Returns an IngressClass' cells.
pub(crate) fn ingress_class(object: &Value, now: Time) -> Vec<Value> {
    let parameters = &object["spec"]["parameters"];
    let text = if parameters.is_null() {
        "<none>".to_string()
    } else {
        let group = parameters["apiGroup"].as_str().map_or_else(String::new, |group| format!(".{group}"));
        format!("{}{group}/{}", parameters["kind"].str(), parameters["name"].str())
    };
    vec![name(object), object["spec"]["controller"].clone(), text.into(), age(now, object)]
}

/// Returns a NetworkPolicy's cells.
pub(crate) fn network_policy(object: &Value, now: Time) -> Vec<Value> {
    vec![name(object), format_selector(&object["spec"]["podSelector"]), age(now, object)]
}

/// Returns a ServiceCIDR's cells.
pub(crate) fn service_cidr(object: &Value, now: Time) -> Vec<Value> {
    vec![name(object), join(&object["spec"]["cidrs"]).into(), age(now, object)]
}

/// Returns an IPAddress' cells.
pub(crate) fn ip_address(object: &Value, now: Time) -> Vec<Value> {
    let parent = &object["spec"]["parentRef"];
    let parts = [parent["resource"].str(), parent["namespace"].str(), parent["name"].str()];
    let parts: Vec<&str> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    vec![name(object), or_else(&parts.join("/").into(), "<none>"), age(now, object)]
}

#[cfg(test)]
mod tests {
    use super::*;
    use api::tree;

    #[test]
    fn shows_services_and_endpoints() {
        let cells = |object: Value| -> String {
            let cells = service(&object, Time::EPOCH);
            cells[1..5].iter().map(Value::str).collect::<Vec<_>>().join(" ")
        };
        let port = tree!([{"port": 80, "nodePort": 30001, "protocol": "TCP"}]);
        for (spec, status, text) in [
            (
                tree!({"type": "LoadBalancer", "clusterIPs": ["10.0.0.1"], "ports": (&port)}),
                tree!({}),
                "LoadBalancer 10.0.0.1 <pending> 80:30001/TCP",
            ),
            (
                tree!({"type": "LoadBalancer", "clusterIPs": ["10.0.0.1"], "ports": (&port), "externalIPs": ["2.2.2.2"]}),
                tree!({"loadBalancer": {"ingress": [{"ip": "1.1.1.1"}]}}),
                "LoadBalancer 10.0.0.1 1.1.1.1,2.2.2.2 80:30001/TCP",
            ),
            (
                tree!({"type": "ExternalName", "externalName": "db.example.com"}),
                tree!({}),
                "ExternalName <none> db.example.com <none>",
            ),
            (tree!({"type": "ClusterIP", "clusterIPs": ["None"]}), tree!({}), "ClusterIP None <none> <none>"),
        ] {
            assert_eq!(cells(tree!({"spec": spec, "status": status})), text);
        }
        let addresses = tree!([{"ip": "1"}, {"ip": "2"}, {"ip": "3"}, {"ip": "4"}]);
        for (object, text) in [
            (tree!({}), "<none>"),
            (tree!({"subsets": [{"notReadyAddresses": [{"ip": "1"}], "ports": [{"port": 80}]}]}), ""),
            (
                tree!({"subsets": [{"addresses": addresses, "ports": [{"port": 80}]}]}),
                "1:80,2:80,3:80 + 1 more...",
            ),
        ] {
            assert_eq!(endpoints(&object, Time::EPOCH)[1].str(), text);
        }
        let slice = tree!({"addressType": "IPv4", "endpoints": [{"addresses": ["1"]}, {"addresses": ["2"]}]});
        let cells = endpoint_slice(&slice, Time::EPOCH);
        assert_eq!((cells[2].str(), cells[3].str()), ("<unset>", "1,2"));
    }
}
