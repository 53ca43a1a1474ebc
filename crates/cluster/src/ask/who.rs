//! Who would answer, were something sent from somewhere; and where the nodes' proxies know different endpoints.

use super::packet::steps_of;
use crate::Cluster;
use ::view::{Answer, BeliefRow, PacketStep, PossibleWay};
use network::iptables::TableName;
use network::{HostId, HostKind, Protocol, Question, WouldAnswer};
use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

/// How many ways are told.
const WAYS: usize = 128;
/// How many differing endpoints are told.
const ROWS: usize = 64;

pub(super) fn who_answers(cluster: &Cluster, from: &str, to: &str, protocol: &str) -> Answer {
    let (ways, problem) = match question(cluster, from, to, protocol) {
        Err(problem) => (Vec::new(), problem.to_string()),
        Ok(question) => {
            let found = cluster.wires.network.who_would_answer(cluster.world.now, question);
            (found.iter().take(WAYS).map(|one| possible(cluster, one)).collect(), String::new())
        }
    };
    Answer::WhoAnswers { ways, problem }
}

fn question(cluster: &Cluster, from: &str, to: &str, protocol: &str) -> Result<Question, &'static str> {
    let from = host(cluster, from).ok_or("from")?;
    let protocol = Protocol::parse(protocol).ok_or("protocol")?;
    let to = to.trim();
    let (address, port) = match to.rsplit_once(':') {
        Some((address, port)) => (address, port.parse().map_err(|_| "port")?),
        None if protocol == Protocol::Icmp => (to, 0),
        None => (to, 80),
    };
    let address: Option<Ipv4Addr> = address.parse().ok();
    let to = address.or_else(|| cluster.view.service_address(to)).ok_or("to")?;
    if port == 0 && protocol != Protocol::Icmp {
        return Err("port");
    }
    Ok(Question { from, to, port, protocol })
}

fn host(cluster: &Cluster, place: &str) -> Option<HostId> {
    match place.split_once('/') {
        None if place == "client" => Some(cluster.wires.client),
        Some(("node", name)) => cluster.wires.nodes.get(name).copied(),
        Some(("pod", key)) => cluster.wires.pod_by_key(key).map(|pod| pod.host),
        _ => None,
    }
}

fn possible(cluster: &Cluster, one: &WouldAnswer) -> PossibleWay {
    let topology = cluster.wires.network.topology();
    let server = one.way.server;
    let is_pod =
        |host: &HostId| matches!(topology.host(*host).map(|host| host.kind), Some(HostKind::Pod { .. }));
    let name = server.map_or(String::new(), |host| topology.name(host).to_string());
    let version = server.filter(is_pod).map_or(0, |_| cluster.view.version_of(&name));
    let mut steps = steps_of(cluster, &one.way);
    // Nothing was drawn: a rule's share stands, and the number is nobody's.
    for rule in steps.iter_mut().flat_map(|step| &mut step.tried) {
        rule.dice = rule.dice.map(|(share, _)| (share, if rule.matched { 0 } else { 1_000_000 }));
    }
    let ends = |step: &PacketStep| (step.destination_after.clone(), step.source_after.clone());
    let (address, seen) = steps.last().filter(|_| server.is_some()).map(ends).unwrap_or_default();
    let outcome = one.outcome.to_string();
    PossibleWay {
        share: (one.share * 1e6).round() as u32,
        outcome,
        server: name,
        version,
        address,
        seen,
        steps,
    }
}

/// Which nodes' rules lead to each endpoint of each Service's port.
type Led = BTreeMap<(String, String), BTreeSet<String>>;

pub(super) fn beliefs(cluster: &Cluster) -> Answer {
    let running = cluster.parts.nodes.iter().filter(|node| node.on);
    let mut nodes = Vec::new();
    let mut led = Led::new();
    for node in running {
        let Some(host) = cluster.wires.nodes.get(&node.name).copied() else { continue };
        let written = node.proxy.syncs().1.map(|at| cluster.view.moment(at));
        nodes.push((node.name.to_string(), written));
        for endpoint in endpoints_in(cluster, host) {
            led.entry(endpoint).or_default().insert(node.name.to_string());
        }
    }
    let differing = led.into_iter().filter(|(_, known)| known.len() < nodes.len());
    let topology = cluster.wires.network.topology();
    let rows = differing.take(ROWS).map(|((port, endpoint), known)| {
        let address: Option<Ipv4Addr> = endpoint.split(':').next().and_then(|one| one.parse().ok());
        let pod = address.and_then(|address| topology.by_address(address));
        BeliefRow {
            service: format!("services/{}", port.split(':').next().unwrap_or(&port)),
            pod: pod.map_or(String::new(), |host| topology.name(host).to_string()),
            nodes: known.into_iter().collect(),
            port,
            endpoint,
        }
    });
    Answer::Beliefs { rows: rows.collect(), nodes }
}

/// Returns the endpoints that a node's proxy leads to, in whichever mode: (Service's port, address and port).
fn endpoints_in(cluster: &Cluster, host: HostId) -> Vec<(String, String)> {
    let network = &cluster.wires.network;
    let mut found = Vec::new();
    if let Some(tables) = network.iptables(host) {
        let chains = tables.table(TableName::Nat).sorted_chains();
        let of_services = chains.into_iter().filter(|(name, _)| name.as_str().starts_with("KUBE-SVC-"));
        let rules = of_services.flat_map(|(_, chain)| chain.rules());
        let named = rules.filter_map(|rule| rule.comment().split_once(" -> "));
        found.extend(named.map(|(port, endpoint)| (port.to_string(), endpoint.to_string())));
    }
    if let Some(table) = network.nftables(host).and_then(|tables| tables.table("kube-proxy")) {
        let chains = table.sorted_chains().into_iter();
        for (_, chain) in chains.filter(|(name, _)| name.as_str().starts_with("service-")) {
            let rules = chain.rules();
            let texts = (0..rules.count()).filter_map(|place| rules.get(place)).map(|rule| rule.text(None));
            found.extend(texts.flat_map(|text| endpoints_named(&text)));
        }
    }
    for ((protocol, socket), server) in network.ipvs(host).into_iter().flat_map(|ipvs| ipvs.servers()) {
        let Some(port) = cluster.view.port_name(socket.address, socket.port, protocol.name()) else {
            continue;
        };
        let living = server.destinations().iter().filter(|one| one.weight > 0);
        found.extend(living.map(|one| (port.clone(), one.socket.to_string())));
    }
    found
}

/// Returns the endpoints whose chains a rule of nftables leads to, by the chains' names:
/// `endpoint-5V4SALOI-default/web/tcp/http__10.244.1.2/80`.
fn endpoints_named(text: &str) -> Vec<(String, String)> {
    let one = |word: &str| {
        let rest = word.strip_prefix("endpoint-")?.split_once('-')?.1;
        let (port, endpoint) = rest.rsplit_once("__")?;
        let mut parts = port.split('/');
        let (namespace, service) = (parts.next()?, parts.next()?);
        let name = parts.nth(1).filter(|name| !name.is_empty());
        let port =
            name.map_or(format!("{namespace}/{service}"), |name| format!("{namespace}/{service}:{name}"));
        Some((port, endpoint.replace('/', ":")))
    };
    text.split([' ', ',']).filter_map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::endpoints_named;

    #[test]
    fn chains_of_nftables_name_endpoints() {
        let text = "numgen random mod 2 vmap { 0 : goto endpoint-5V4SALOI-default/web/tcp/__10.244.1.2/80, \
                    1 : goto endpoint-OVM4RAAD-kube-system/kube-dns/udp/dns__10.244.2.2/53 }";
        let pair = |port: &str, endpoint: &str| (port.to_string(), endpoint.to_string());
        let wanted =
            [pair("default/web", "10.244.1.2:80"), pair("kube-system/kube-dns:dns", "10.244.2.2:53")];
        assert_eq!(endpoints_named(text), wanted);
        assert_eq!(endpoints_named("ip saddr 10.1.1.1 jump mark-for-masquerade"), []);
    }
}
