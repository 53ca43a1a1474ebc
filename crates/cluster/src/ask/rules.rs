//! A node's rules as the page shows them: iptables' tables, nftables, virtual servers and IP sets.

use crate::Cluster;
use ::view::{Answer, RuleRow, RulesView};
use network::iptables::{Counters, TableName};
use network::{ChainView, ExchangeId, HostId, Protocol, RuleView, Socket, Step, virtual_name};

/// A chain as the page shows it: its name, its policy or what it is for, and its rules.
type Chain = (String, String, Vec<RuleRow>);

/// How many chains are shown, or virtual servers, or sets.
const CHAINS: usize = 20_000;

pub(super) fn rules(cluster: &Cluster, node: &str, table: &str, exchange: u64) -> Answer {
    let network = &cluster.wires.network;
    let Some(host) = cluster.wires.nodes.get(node).copied() else { return Answer::Rules { rules: None } };
    let tables = tables(cluster, host);
    let table = tables.iter().find(|name| **name == table).or(tables.first()).copied().unwrap_or("nat");
    let steps = network.way(ExchangeId(exchange)).map_or(Vec::new(), |way| way.steps(network.topology()));
    let steps: Vec<Step> = steps.into_iter().take_while(|step| !step.is_answer).collect();
    let here = |step: &&Step| step.place == node && (step.table == table || step.kind == "translated");
    let lit: Vec<&Step> = steps.iter().filter(here).collect();
    let now = cluster.world.now;
    let chains = match table {
        "nftables" => chains(network.nft_chains(host, now), &lit, ""),
        "ipvs" => virtual_servers(cluster, host, &lit),
        "ipset" => sets(cluster, host),
        _ => chains(network.chains(host, name_of(table)), &lit, "-A"),
    };
    let synced = cluster.parts.node(node).and_then(|node| node.proxy.syncs().1);
    let view = RulesView {
        node: node.to_string(),
        table: table.to_string(),
        tables: tables.into_iter().map(str::to_string).collect(),
        chains,
        written: synced.map(|at| cluster.view.moment(at)),
        text: text(cluster, host, table),
    };
    Answer::Rules { rules: Some(Box::new(view)) }
}

/// Returns which tables a node has, the one by which kube-proxy leads Services on first.
fn tables(cluster: &Cluster, host: HostId) -> Vec<&'static str> {
    let network = &cluster.wires.network;
    let mut tables = Vec::new();
    if network.nftables(host).is_some_and(|tables| !tables.is_empty()) {
        tables.push("nftables");
    }
    if network.ipvs(host).is_some_and(|ipvs| !ipvs.servers().is_empty()) {
        tables.push("ipvs");
    }
    tables.extend(["nat", "filter"]);
    if network.iptables(host).is_some_and(|tables| tables.sets().names().next().is_some()) {
        tables.push("ipset");
    }
    tables
}

fn name_of(table: &str) -> TableName {
    if table == "filter" { TableName::Filter } else { TableName::Nat }
}

/// Returns what the command prints that lists a table.
fn text(cluster: &Cluster, host: HostId, table: &str) -> String {
    let (network, now) = (&cluster.wires.network, cluster.world.now);
    match table {
        "nftables" => network.nft_text(host, now),
        // The commands might change what they list, so they are given a copy.
        "ipvs" => match (network.ipvs(host).cloned(), network.conntrack(host)) {
            (Some(mut ipvs), Some(conntrack)) => ipvs.command(&["-L", "-n"], "", conntrack, now).stdout,
            _ => String::new(),
        },
        "ipset" => network
            .iptables(host)
            .cloned()
            .map_or(String::new(), |mut tables| tables.ipset(&["list"], "", now).stdout),
        _ => network.iptables_save(host, Some(name_of(table)), Counters::Hide, now),
    }
}

/// Returns chains with the rules that a packet took marked. What is printed of a rule begins with `lead` and
/// the chain's name, if there is a lead.
fn chains(views: Vec<ChainView>, lit: &[&Step], lead: &str) -> Vec<Chain> {
    let chain = |chain: ChainView| {
        let taken: Vec<&Step> = lit.iter().copied().filter(|step| step.chain == chain.name).collect();
        // The step that took the last rule: of its map, it took the element that leads where it went.
        let mut last: Option<&Step> = None;
        let rows = chain.rules.iter().map(|rule| {
            let step = match rule.is_element {
                true => last.filter(|step| leads_to(step, rule)),
                false => {
                    last = taken.iter().copied().find(|step| is_rule(step, rule));
                    last
                }
            };
            let text = match lead {
                "" => rule.text.clone(),
                lead => format!("{lead} {} {}", chain.name, rule.text),
            };
            let (target, packets) = (rule.target.clone(), rule.packets);
            RuleRow { text, target, packets, lit: step.is_some(), element: rule.is_element }
        });
        let rows = rows.collect();
        let policy = if chain.policy.is_empty() { "-" } else { chain.policy };
        (chain.name, policy.to_string(), rows)
    };
    views.into_iter().take(CHAINS).map(chain).collect()
}

/// Returns whether a packet's step took this rule. Rules may have been written anew since: places shift, and
/// an endpoint's share is another, but the rule still leads to that endpoint.
fn is_rule(step: &Step, rule: &RuleView) -> bool {
    let leads = || step.to == rule.target && rule.target.starts_with("KUBE-SEP-");
    step.kind == "rule" && (step.text == rule.text || leads())
}

/// Returns whether a step went where an element of a map leads.
fn leads_to(step: &Step, element: &RuleView) -> bool {
    match step.to.as_str() {
        "" => step.did.to_uppercase() == element.target,
        to => to == element.target,
    }
}

/// Returns the virtual servers, each with its real servers and the connections that they were given.
fn virtual_servers(cluster: &Cluster, host: HostId, lit: &[&Step]) -> Vec<Chain> {
    let servers = cluster.wires.network.ipvs(host).into_iter().flat_map(|ipvs| ipvs.servers());
    let chain = |((protocol, socket), server): (&(Protocol, Socket), &network::ipvs::VirtualServer)| {
        let name = virtual_name(*protocol, *socket);
        let chosen = lit.iter().position(|step| step.kind == "scheduled" && step.chain == name);
        let chosen = chosen.and_then(|place| lit.get(place + 1)).map(|step| step.after.as_str());
        let rows = server.destinations().iter().rev().map(|real| RuleRow {
            text: format!("{} Masq {}", real.socket, real.weight),
            target: real.socket.to_string(),
            packets: real.stats.connections,
            lit: chosen == Some(real.socket.to_string().as_str()),
            element: false,
        });
        let rows = rows.collect();
        let mut about = vec![server.scheduler.name().to_string()];
        if server.persistence_seconds > 0 {
            about.push(format!("persistent {}", server.persistence_seconds));
        }
        about.extend(cluster.view.served_port(*protocol, *socket));
        (name, about.join(", "), rows)
    };
    servers.take(CHAINS).map(chain).collect()
}

/// Returns the IP sets with their members.
fn sets(cluster: &Cluster, host: HostId) -> Vec<Chain> {
    let Some(tables) = cluster.wires.network.iptables(host) else { return Vec::new() };
    let sets = tables.sets();
    let chain = |name: &std::rc::Rc<str>| {
        let set = sets.get(name)?;
        let row =
            |text: String| RuleRow { target: String::new(), packets: 0, lit: false, element: false, text };
        Some((name.to_string(), set.kind().name().to_string(), set.members().map(row).collect()))
    };
    sets.names().take(CHAINS).filter_map(chain).collect()
}
