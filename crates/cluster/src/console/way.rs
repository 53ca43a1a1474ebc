//! `way`: the last packet's way, told rule by rule.

use super::ground::Ground;
use network::{HostId, Step, Way};
use shell::{MachineAnswer, Place};

const USAGE: &str = "usage: way [--from NODE|POD|NAMESPACE/POD] [ADDRESS[:PORT]]
# kubarium: tells, rule by rule, the way of the last packet that was sent from there (to that address)
";

impl Ground<'_> {
    /// `way [--from NAME] [ADDRESS[:PORT]]`: tells the way of the last exchange that a place began.
    pub(super) fn way(&self, place: &Place, words: &[&str]) -> MachineAnswer {
        let (host, words) = match words {
            ["--from" | "-f", name, rest @ ..] => (self.named(name), rest),
            words => (self.host_of(place), words),
        };
        let wanted = match words {
            [] => None,
            [address] if !address.starts_with('-') => Some(*address),
            _ => return MachineAnswer::failed(2, USAGE),
        };
        let Some(host) = host else {
            return MachineAnswer::failed(1, "way: nobody of that name is on the network\n");
        };
        let is_wanted = |way: &&Way| {
            way.from == host
                && wanted.is_none_or(|wanted| {
                    way.destination.to_string() == wanted || way.destination.address.to_string() == wanted
                })
        };
        match self.wires.network.ways().rev().find(is_wanted) {
            Some(way) => MachineAnswer::ok(self.told(way)),
            None => MachineAnswer::failed(1, "way: no packet was sent from here\n"),
        }
    }

    /// Finds a machine, or a pod with or without its namespace.
    pub(super) fn named(&self, name: &str) -> Option<HostId> {
        let topology = self.wires.network.topology();
        let qualified = if name.contains('/') { name.to_string() } else { format!("default/{name}") };
        topology.by_name(name).or_else(|| topology.by_name(&qualified))
    }

    fn told(&self, way: &Way) -> String {
        let topology = self.wires.network.topology();
        let outcome = if way.outcome.is_empty() { "under way" } else { way.outcome };
        let mut out = format!("{} {} → {}: {outcome}", way.protocol.name(), way.source, way.destination);
        if way.attempts > 1 {
            out.push_str(&format!(", sent {} times", way.attempts));
        }
        out.push('\n');
        let mut teller = Teller { out, ..Teller::default() };
        for step in way.steps(topology) {
            teller.tell(&step, |name| self.kind_of(topology.by_name(name)));
        }
        teller.out
    }

    /// Returns what a machine or pod is, with its address.
    pub(super) fn kind_of(&self, host: Option<HostId>) -> String {
        let topology = self.wires.network.topology();
        let Some((id, host)) = host.and_then(|id| Some((id, topology.host(id)?))) else {
            return String::new();
        };
        match topology.machine(id) {
            machine if machine == id => format!(" {}", host.address),
            node => format!(" {} on {}", host.address, topology.name(node)),
        }
    }
}

/// Writes steps as lines: places at the margin, what happens there below them.
#[derive(Default)]
pub(super) struct Teller {
    pub out: String,
    /// Whether nothing was sent, so that nothing was drawn.
    is_asked_only: bool,
    is_back: bool,
    /// The chain whose rule was told last.
    chain: String,
}

impl Teller {
    /// Makes one for steps of what was never sent.
    pub fn of_a_question() -> Teller {
        Teller { is_asked_only: true, ..Teller::default() }
    }

    fn line(&mut self, depth: usize, text: &str) {
        self.out.push_str(&format!("{:width$}{text}\n", "", width = depth * 2));
    }

    /// Writes one step.
    pub fn tell(&mut self, step: &Step, kind_of: impl Fn(&str) -> String) {
        if step.is_answer && !self.is_back {
            self.is_back = true;
            self.out.push_str("and back\n");
        }
        match step.kind {
            "place" => {
                let kind = kind_of(&step.place);
                self.line(0, &format!("{}{kind}", step.place));
            }
            "hook" => {
                self.chain.clear();
                self.line(1, &format!("{} {}", step.table, step.chain));
            }
            "missed" => {
                let odds = match self.is_asked_only {
                    true => format!("by {:.3}", 1.0 - step.probability.unwrap_or(0.0)),
                    false => odds(step, '≥'),
                };
                self.line(2, &format!("{} {}: not taken, {odds}", step.chain, step.rule));
            }
            "rule" => {
                let odds = match (step.draw, self.is_asked_only) {
                    (None, _) => String::new(),
                    (_, true) => format!("  (taken by {:.3})", step.probability.unwrap_or(0.0)),
                    (_, false) => format!("  ({})", odds(step, '<')),
                };
                self.line(2, &format!("{} {}: {}{odds}", step.chain, step.rule, step.text));
            }
            "policy" => self.line(2, &format!("{}: policy {}", step.chain, step.text)),
            "scheduled" => self.line(1, &format!("ipvs {}: chosen by {}", step.chain, step.did)),
            "translated" if step.did == "conntrack" => {
                self.line(
                    1,
                    &format!("{}: {} → {}, as conntrack knows it", step.half, step.before, step.after),
                );
            }
            "translated" => self.line(1, &format!("{}: {} → {}", step.half, step.before, step.after)),
            "tracked" => self.line(
                1,
                match step.did {
                    "reply" => "conntrack: the answer of a connection that it knows",
                    _ => "conntrack: a connection that it knows",
                },
            ),
            "route" => self.route(step),
            "arp" if step.to.is_empty() => self.line(1, &format!("arp: nobody has {}", step.text)),
            "arp" => self.line(1, &format!("arp: {} is at {}", step.text, step.to)),
            "wrapped" => {
                let outer = format!("UDP {} → {}", step.before, step.after);
                self.line(1, &format!("flannel.1: put into {outer}, VXLAN {}", network::VXLAN_ID));
            }
            "unwrapped" => {
                self.line(1, &format!("flannel.1: taken out of UDP {} → {}", step.before, step.after))
            }
            "delivered" => self.line(1, &format!("delivered: {} ← {}", step.after, step.before)),
            "closed" => self.line(1, "refused: nobody listens there"),
            "rejected" => self.line(1, &format!("rejected: {}", step.text)),
            "unreachable" => self.line(1, "unreachable: nobody has that address"),
            "expired" => self.line(1, "not passed on any more: its time to live is over"),
            _ => self.line(1, &format!("lost: {}", why_lost(step.did))),
        }
    }

    fn route(&mut self, step: &Step) {
        let text = match step.did {
            "local" => "route: for this machine".to_string(),
            "pod" => "route: over cni0 to the pod".to_string(),
            "overlay" => format!("route: over flannel.1 to {}", step.to),
            "segment" => format!("route: over eth0 to {}", step.to),
            _ => "route: to the default gateway".to_string(),
        };
        self.line(1, &text);
    }
}

fn odds(step: &Step, sign: char) -> String {
    let three = |share: Option<f64>| format!("{:.3}", share.unwrap_or(0.0));
    format!("drew {} {sign} {}", three(step.draw), three(step.probability))
}

fn why_lost(word: &str) -> &str {
    match word {
        "dropped" => "a rule drops it",
        "down" => "the machine doesn't run",
        "cut" => "the link is cut",
        "no-route" => "no route leads there",
        "not-mine" => "it came to one who hasn't that address",
        "mismatch" => "the answer has other ends than the question",
        "loop" => "it went in circles",
        "no-port" => "no port is free for its translation",
        "link" => "a link loses it",
        "table-full" => "the node's table of connections is full",
        word => word,
    }
}
