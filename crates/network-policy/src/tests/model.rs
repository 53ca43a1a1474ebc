//! What the API's documentation says of policies, read as plainly as it is written there.

use super::{ip, key};
use api::label::Selector;
use api::{Value, meta};
use network::{Cidr, Protocol};
use std::net::Ipv4Addr;

/// One end of a connection: an address, and the pod that has it, if it is one's.
pub(crate) struct End<'a> {
    pub(crate) ip: Ipv4Addr,
    pub(crate) pod: Option<&'a Value>,
}

impl<'a> End<'a> {
    pub(crate) fn pod(pod: &'a Value) -> End<'a> {
        End { ip: ip(pod), pod: Some(pod) }
    }
}

pub(crate) fn permits(
    policies: &[&Value],
    namespaces: &[Value],
    from: &End,
    to: &End,
    port: u16,
    protocol: Protocol,
) -> bool {
    if let (Some(a), Some(b)) = (from.pod, to.pod)
        && key(a) == key(b)
    {
        return true;
    }
    let side = |kind: &str, rules: &str, peers: &str, own: &End, other: &End| {
        let about: Vec<&&Value> =
            policies.iter().filter(|policy| own.pod.is_some_and(|pod| is_about(policy, kind, pod))).collect();
        about.is_empty()
            || about.iter().any(|policy| {
                policy["spec"][rules].items().iter().any(|rule| {
                    let peers = rule[peers].items();
                    let is_peer = |peer: &Value| fits(peer, meta::namespace(policy), namespaces, other);
                    let ports = rule["ports"].items();
                    (peers.is_empty() || peers.iter().any(is_peer))
                        && (ports.is_empty() || ports.iter().any(|one| is_port(one, to, port, protocol)))
                })
            })
    };
    side("Ingress", "ingress", "from", to, from) && side("Egress", "egress", "to", from, to)
}

fn is_about(policy: &Value, kind: &str, pod: &Value) -> bool {
    meta::namespace(policy) == meta::namespace(pod)
        && policy["spec"]["policyTypes"].items().iter().any(|one| one.str() == kind)
        && Selector::from_label_selector(&policy["spec"]["podSelector"]).matches(meta::labels(pod))
}

fn fits(peer: &Value, namespace: &str, namespaces: &[Value], end: &End) -> bool {
    if !peer["ipBlock"].is_null() {
        let has = |text: &Value| Cidr::parse(text.str()).unwrap().contains(end.ip);
        return has(&peer["ipBlock"]["cidr"]) && !peer["ipBlock"]["except"].items().iter().any(has);
    }
    let Some(pod) = end.pod else { return false };
    let pods = &peer["podSelector"];
    let is_in = match &peer["namespaceSelector"] {
        Value::Null => meta::namespace(pod) == namespace,
        selector => {
            let own = namespaces.iter().find(|one| meta::name(one) == meta::namespace(pod)).unwrap();
            Selector::from_label_selector(selector).matches(meta::labels(own))
        }
    };
    is_in && (pods.is_null() || Selector::from_label_selector(pods).matches(meta::labels(pod)))
}

fn is_port(wanted: &Value, to: &End, port: u16, protocol: Protocol) -> bool {
    let is_protocol = |of: &Value| of["protocol"].str().to_lowercase() == protocol.name();
    if !is_protocol(wanted) {
        return false;
    }
    match &wanted["port"] {
        Value::Null => true,
        Value::Int(first) => {
            (*first..=wanted["endPort"].as_int().unwrap_or(*first)).contains(&i64::from(port))
        }
        name => to.pod.is_some_and(|pod| {
            pod["spec"]["containers"].items().iter().flat_map(|one| one["ports"].items()).any(|own| {
                own["name"].str() == name.str()
                    && is_protocol(own)
                    && own["containerPort"].int() == i64::from(port)
            })
        }),
    }
}
