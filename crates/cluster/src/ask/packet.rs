//! A packet's way, as the page shows it.

use crate::Cluster;
use crate::view::View;
use ::view::{Answer, PacketStep, TriedRule};
use network::{ExchangeId, Step, Way};

/// How many rules that didn't match are told of in a step; those nearest to the one that did.
const TRIED: usize = 8;

pub(super) fn way(cluster: &Cluster, exchange: u64) -> Answer {
    let way = cluster.wires.network.way(ExchangeId(exchange));
    Answer::Way { steps: way.map_or(Vec::new(), |way| steps_of(cluster, way)) }
}

/// Tells a packet's way to where it ended.
pub(super) fn steps_of(cluster: &Cluster, way: &Way) -> Vec<PacketStep> {
    let mut teller = Teller {
        view: &cluster.view,
        protocol: way.protocol.name(),
        arrived: None,
        source: way.source.to_string(),
        destination: way.destination.to_string(),
        sent: cluster.view.moment(way.sent),
        steps: Vec::new(),
        hook: String::new(),
        tried: Vec::new(),
        told: Vec::new(),
        parent: String::new(),
        policies: Vec::new(),
    };
    let topology = cluster.wires.network.topology();
    for step in way.steps(topology).into_iter().take_while(|step| !step.is_answer) {
        teller.take(step);
    }
    teller.steps
}

/// Puts the network's records together, so that each chain that did something is one step.
struct Teller<'a> {
    view: &'a View,
    protocol: &'static str,
    /// What the packet said where it came to a node as the first of its connection.
    arrived: Option<(String, String)>,
    source: String,
    destination: String,
    sent: i64,
    steps: Vec<PacketStep>,
    hook: String,
    tried: Vec<(String, TriedRule)>,
    /// Chains that have had their step within this hook.
    told: Vec<String>,
    /// The chain whose rule went to mark the packet.
    parent: String,
    /// The NetworkPolicies through whose chains the packet went within this hook, by name.
    policies: Vec<String>,
}

impl Teller<'_> {
    fn step(&self, step: &Step, what: &str, detail: &str) -> PacketStep {
        PacketStep {
            place: step.place.clone(),
            hook: String::new(),
            chain: String::new(),
            what: what.to_string(),
            detail: detail.to_string(),
            tried: Vec::new(),
            tried_count: 0,
            chain_length: 0,
            service: String::new(),
            slice: String::new(),
            policies: Vec::new(),
            source: self.source.clone(),
            destination: self.destination.clone(),
            source_after: self.source.clone(),
            destination_after: self.destination.clone(),
            at: self.sent + step.offset_ns / sim::MICROSECOND,
        }
    }

    fn take(&mut self, step: Step) {
        match step.kind {
            "place" => {
                if let Some(place) = self.steps.last().map(|step| step.place.clone()) {
                    self.tracked(&place);
                }
                self.hook.clear();
            }
            "hook" => {
                self.hook = format!("{} {}", step.table, step.chain);
                self.told.clear();
                self.policies.clear();
                self.tried.clear();
            }
            "missed" => self.try_rule(&step, false),
            "rule" => self.rule(&step),
            "scheduled" => {
                let row = PacketStep {
                    hook: "ipvs INPUT".to_string(),
                    chain: step.chain.clone(),
                    ..self.step(&step, "schedule", step.did)
                };
                self.steps.push(row);
            }
            "translated" => self.translated(&step),
            // What the overlay puts a packet into, and takes it out of.
            "wrapped" | "unwrapped" => {
                let outer = format!("{} → {}", step.before, step.after);
                self.steps.push(self.step(&step, step.kind, &outer));
            }
            "tracked" | "policy" => {}
            "route" => {
                let detail = match (step.did, step.to.as_str()) {
                    ("overlay", to) => format!("overlay {to}"),
                    (did, "") => did.to_string(),
                    (_, to) => to.to_string(),
                };
                self.steps.push(self.step(&step, "route", &detail));
            }
            "arp" => {
                let detail = format!("{} {}", step.text, step.to);
                self.steps.push(self.step(&step, "arp", detail.trim()));
            }
            "delivered" => {
                self.tracked(&step.place);
                self.steps.push(self.step(&step, "deliver", &step.after));
            }
            "rejected" => self.steps.push(self.step(&step, "reject", &step.text)),
            kind => self.steps.push(self.step(&step, if kind == "lost" { "lost" } else { kind }, step.did)),
        }
    }

    fn try_rule(&mut self, step: &Step, matched: bool) {
        let millionths = |share: f64| (share * 1e6) as u32;
        let endpoint = step.text.split("-> ").nth(1).and_then(|rest| rest.split('"').next()).unwrap_or("");
        let rule = TriedRule {
            number: step.rule,
            text: step.text.clone(),
            matched,
            dice: step.probability.zip(step.draw).map(|(share, draw)| (millionths(share), millionths(draw))),
            endpoint: endpoint.to_string(),
        };
        self.tried.push((step.chain.clone(), rule));
    }

    fn rule(&mut self, step: &Step) {
        self.try_rule(step, true);
        self.policies.extend(policy_of(&step.text).filter(|_| step.did == "jump").map(str::to_string));
        let marks =
            step.did == "jump" && matches!(step.to.as_str(), "KUBE-MARK-MASQ" | "mark-for-masquerade");
        if marks {
            self.parent.clone_from(&step.chain);
            return;
        }
        let base = self.hook.strip_prefix("nftables ");
        let built_in = base.map_or(!step.chain.starts_with("KUBE-"), |base| base == step.chain);
        let chain = if step.did == "mark" && !self.parent.is_empty() {
            std::mem::take(&mut self.parent)
        } else {
            step.chain.clone()
        };
        let in_filter = base.unwrap_or(&self.hook).starts_with("filter");
        let silent = matches!(step.did, "return" | "unmark" | "counts")
            || step.did == "jump" && (built_in || in_filter || self.told.contains(&chain));
        if silent {
            return;
        }
        let what = if matches!(step.did, "jump" | "goto") { "match" } else { step.did };
        let mut row = self.step(step, what, &step.to);
        row.hook.clone_from(&self.hook);
        row.chain.clone_from(&chain);
        let mine = self.tried.iter().filter(|(of, _)| *of == step.chain).map(|(_, rule)| rule.clone());
        let mut tried: Vec<TriedRule> = mine.collect();
        row.tried_count = step.rule;
        row.chain_length = step.of;
        (row.service, row.slice) = crate::view::cause_of(self.view, &format!("{} {}", step.chain, step.text));
        if matches!(what, "reject" | "drop") {
            row.policies = refused_by(&step.text, &self.policies);
        }
        let more = tried.len().saturating_sub(TRIED);
        row.tried = tried.split_off(more);
        self.tried.clear();
        self.told.push(chain);
        self.steps.push(row);
    }

    fn translated(&mut self, step: &Step) {
        if step.did == "conntrack" {
            self.steps.push(self.step(step, "conntrack", ""));
        }
        if self.arrived.is_none() && step.did != "conntrack" {
            self.arrived = Some((self.source.clone(), self.destination.clone()));
        }
        self.name_server(step);
        let after = if step.half == "source" { &mut self.source } else { &mut self.destination };
        after.clone_from(&step.after);
        if let Some(last) = self.steps.last_mut() {
            last.source_after.clone_from(&self.source);
            last.destination_after.clone_from(&self.destination);
        }
    }

    /// Names the Service and the EndpointSlice for which a virtual server chose where a packet goes.
    fn name_server(&mut self, step: &Step) {
        let Some(last) = self.steps.last_mut().filter(|last| last.what == "schedule") else { return };
        let served = last.chain.split_once(' ').and_then(|(protocol, server)| {
            let (address, port) = server.rsplit_once(':')?;
            let to = network::Socket::new(address.parse().ok()?, port.parse().ok()?);
            self.view.served_port(network::Protocol::parse(&protocol.to_lowercase())?, to)
        });
        if let Some(port) = served {
            (last.service, last.slice) =
                crate::view::cause_of(self.view, &format!("{port} -> {}", step.after));
        }
    }

    /// Tells what a node's conntrack keeps of a connection that the rules have translated: the pair as it
    /// came, and the pair that answers will have, as `conntrack -L` prints them.
    fn tracked(&mut self, place: &str) {
        let Some((source, destination)) = self.arrived.take() else { return };
        let ends = |source: &str, destination: &str| {
            let (from, from_port) = source.rsplit_once(':').unwrap_or((source, "0"));
            let (to, to_port) = destination.rsplit_once(':').unwrap_or((destination, "0"));
            format!("src={from} dst={to} sport={from_port} dport={to_port}")
        };
        let (there, back) = (ends(&source, &destination), ends(&self.destination, &self.source));
        let at = self.steps.last().map_or(self.sent, |step| step.at);
        let step = Step { place: place.to_string(), ..Step::default() };
        let detail = format!("{} {there} {back}", self.protocol);
        let row = PacketStep { at, ..self.step(&step, "tracked", &detail) };
        self.steps.push(row);
    }
}

/// Returns the NetworkPolicy through whose chain a pod's firewall leads packets, as kube-router's comment says.
fn policy_of(rule: &str) -> Option<&str> {
    rule.split_once("run through nw policy ")?.1.split('"').next()
}

/// Returns the keys of the NetworkPolicies that a packet went through before a pod's firewall refused it.
fn refused_by(rule: &str, policies: &[String]) -> Vec<String> {
    let Some((_, rest)) = rule.split_once("rule to REJECT traffic destined for POD name:") else {
        return Vec::new();
    };
    let namespace = rest.split_once("namespace: ").and_then(|(_, rest)| rest.split('"').next());
    let namespace = namespace.unwrap_or_default();
    policies.iter().map(|policy| format!("networkpolicies/{namespace}/{policy}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn policies_that_refuse_are_named() {
        let jump = r#"-d 10.244.1.2/32 -m comment --comment "run through nw policy db" -j KUBE-NWPLCY-X"#;
        assert_eq!(policy_of(jump), Some("db"));
        assert_eq!(policy_of("-j KUBE-NWPLCY-X"), None);
        let reject = r#"-m comment --comment "rule to REJECT traffic destined for POD name:web-1 namespace: shop" -m mark ! --mark 0x10000/0x10000 -j REJECT"#;
        let policies = ["db".to_string(), "web".to_string()];
        assert_eq!(refused_by(reject, &policies), ["networkpolicies/shop/db", "networkpolicies/shop/web"]);
        assert_eq!(refused_by("-j REJECT", &policies), Vec::<String>::new());
    }
}
