//! The way of a packet, kept as short records and told in full only when somebody asks.

use crate::conntrack::Direction;
use crate::iptables::{Hook, Policy, RejectWith, Rules, TableName, Taken, Target};
use crate::ipvs::Scheduler;
use crate::nftables;
use crate::vxlan::Outer;
use crate::{ExchangeId, HostId, Protocol, Socket, Topology};
use serde::Serialize;
use sim::{Nanos, Time};
use std::rc::Rc;

/// 2^31: what the kernel calls a probability of 1.
const CERTAIN: f64 = 2_147_483_648.0;

/// What a step's table is called where it is one of nftables.
const NFTABLES: &str = "nftables";

/// Where a node's routing sends a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Route {
    /// To the machine itself.
    Local,
    /// Over the bridge to a pod.
    Pod,
    /// Over the segment, to this address.
    Segment(std::net::Ipv4Addr),
    /// Over the overlay, to the end of it with this address.
    Overlay(std::net::Ipv4Addr),
    /// To the default gateway, and so out of the simulated world.
    Gateway,
}

/// Why a packet went nowhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Loss {
    /// A rule or a policy threw it away.
    Dropped,
    /// The machine that it was sent to doesn't run.
    Down,
    /// The link is cut.
    Cut,
    /// No route leads there but the default one, behind which nobody knows the address.
    NoRoute,
    /// It came to a machine that doesn't have that address.
    NotMine,
    /// The answer came back with other ends than the question had.
    Mismatch,
    /// It went in circles.
    Loop,
    /// All ports for the translated source are in use.
    NoPort,
    /// It was lost on a link, by chance.
    Link,
    /// The node's table of connections is full.
    TableFull,
}

impl Loss {
    fn word(self) -> &'static str {
        match self {
            Loss::Dropped => "dropped",
            Loss::Down => "down",
            Loss::Cut => "cut",
            Loss::NoRoute => "no-route",
            Loss::NotMine => "not-mine",
            Loss::Mismatch => "mismatch",
            Loss::Loop => "loop",
            Loss::NoPort => "no-port",
            Loss::Link => "link",
            Loss::TableFull => "table-full",
        }
    }
}

/// One record of a way.
#[derive(Clone, Debug)]
pub(crate) enum Event {
    Place {
        host: HostId,
        at: Nanos,
    },
    Hook {
        table: TableName,
        hook: Hook,
    },
    Taken(Taken),
    Nft(nftables::Taken),
    Destination {
        before: Socket,
        after: Socket,
        is_tracked: bool,
    },
    Source {
        before: Socket,
        after: Socket,
        is_tracked: bool,
    },
    /// A virtual server chose where it goes; the destination is changed next.
    Scheduled {
        protocol: Protocol,
        server: Socket,
        scheduler: Scheduler,
    },
    Tracked(Direction),
    Route(Route),
    Arp {
        address: std::net::Ipv4Addr,
        owner: Option<HostId>,
    },
    /// It was put into a packet of UDP, or taken out of one.
    Wrapped {
        outer: Outer,
        is_out: bool,
    },
    Delivered {
        local: Socket,
        peer: Socket,
    },
    Closed,
    Rejected(RejectWith),
    Unreachable,
    Expired,
    Lost(Loss),
    Back,
}

/// A packet's way, there and back.
#[derive(Clone, Debug)]
pub struct Way {
    /// The exchange it belongs to.
    pub exchange: ExchangeId,
    /// When the first packet was sent.
    pub sent: Time,
    /// How often the first packet was sent so far.
    pub attempts: u32,
    /// The host that sent it.
    pub from: HostId,
    /// The protocol.
    pub protocol: Protocol,
    /// The ends as the sender knows them.
    pub source: Socket,
    /// The address that was asked for.
    pub destination: Socket,
    /// Who got it in the end.
    pub server: Option<HostId>,
    /// How it ended: a word of [`crate::Outcome::word`]; empty while it goes on.
    pub outcome: &'static str,
    pub(crate) events: Vec<Event>,
    /// When the packet was at each machine, from the first to the last.
    pub(crate) places: Vec<(HostId, Nanos)>,
}

/// One step of a way, for people: which rule of which chain did what.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Step {
    /// The machine or pod.
    pub place: String,
    /// Whether this belongs to the answer's way.
    pub is_answer: bool,
    /// When, in nanoseconds since the packet was sent.
    pub offset_ns: i64,
    /// What kind of step: `place`, `hook`, `rule`, `missed`, `policy`, `scheduled`, `translated`, `tracked`, `route`,
    /// `arp`, `wrapped`, `unwrapped`, `delivered`, `closed`, `rejected`, `unreachable`, `expired`, `lost`.
    pub kind: &'static str,
    /// What it did, as a key for the page's words: `jump`, `mark`, `dnat`, `masquerade`, `accept`, `local`, …
    pub did: &'static str,
    /// The table.
    pub table: &'static str,
    /// The chain.
    pub chain: String,
    /// The rule's number in its chain, counted from 1; 0 for none.
    pub rule: u32,
    /// How many rules the chain has; 0 where no rule is meant.
    pub of: u32,
    /// The rule as `iptables-save` prints it.
    pub text: String,
    /// Where it leads: the next chain, machine or address.
    pub to: String,
    /// The changed address before.
    pub before: String,
    /// The changed address after.
    pub after: String,
    /// Which half changed: `source` or `destination`.
    pub half: &'static str,
    /// The share of packets that the rule takes.
    pub probability: Option<f64>,
    /// The number drawn: below the probability, the rule takes it.
    pub draw: Option<f64>,
}

/// What stays the same from one step to the next.
struct Teller<'a> {
    topology: &'a Topology,
    place: String,
    offset: Nanos,
    is_answer: bool,
    table: &'static str,
}

impl Way {
    /// Tells the way step by step.
    pub fn steps(&self, topology: &Topology) -> Vec<Step> {
        let mut teller = Teller { topology, place: String::new(), offset: 0, is_answer: false, table: "" };
        self.events.iter().filter_map(|event| teller.tell(event)).collect()
    }

    /// Returns when the packet was at each machine, in nanoseconds since it was sent.
    pub fn places(&self) -> &[(HostId, Nanos)] {
        &self.places
    }

    /// Returns whom the server saw asking, once it got the packet.
    pub fn seen(&self) -> Option<Socket> {
        self.events.iter().find_map(|event| match event {
            Event::Delivered { peer, .. } => Some(*peer),
            _ => None,
        })
    }

    /// Returns (chain, rule's place counted from 0) of all rules that matched on a node in a table.
    pub fn rules_taken(&self, node: HostId, table: TableName) -> Vec<(Rc<str>, u32)> {
        let mut is_there = false;
        let mut is_table = false;
        let mut taken = Vec::new();
        for event in &self.events {
            match event {
                Event::Place { host, .. } => is_there = *host == node,
                Event::Hook { table: other, .. } => is_table = *other == table,
                Event::Taken(Taken::Rule { rules, rule, .. }) if is_there && is_table => {
                    taken.push((rules.chain().as_str().into(), *rule));
                }
                _ => {}
            }
        }
        taken
    }
}

impl Teller<'_> {
    fn step(&self, kind: &'static str, did: &'static str) -> Step {
        Step {
            place: self.place.clone(),
            is_answer: self.is_answer,
            offset_ns: self.offset,
            kind,
            did,
            table: self.table,
            ..Step::default()
        }
    }

    fn tell(&mut self, event: &Event) -> Option<Step> {
        Some(match event {
            Event::Back => {
                self.is_answer = true;
                return None;
            }
            Event::Place { host, at } => {
                self.place = self.topology.name(*host).to_string();
                self.offset = *at;
                self.table = "";
                self.step("place", "arrives")
            }
            Event::Hook { table, hook } => {
                self.table = table.as_str();
                Step { chain: hook.as_str().to_string(), ..self.step("hook", "enters") }
            }
            Event::Taken(taken) => self.taken(taken),
            Event::Nft(taken) => self.nft(taken),
            Event::Destination { before, after, is_tracked } => {
                self.translated("destination", *before, *after, *is_tracked)
            }
            Event::Source { before, after, is_tracked } => {
                self.translated("source", *before, *after, *is_tracked)
            }
            Event::Scheduled { protocol, server, scheduler } => Step {
                table: "ipvs",
                chain: virtual_name(*protocol, *server),
                ..self.step("scheduled", scheduler.name())
            },
            Event::Tracked(direction) => {
                let did = if *direction == Direction::Reply { "reply" } else { "original" };
                Step { table: "conntrack", ..self.step("tracked", did) }
            }
            Event::Route(route) => self.route(*route),
            Event::Arp { address, owner } => Step {
                text: address.to_string(),
                to: owner.map_or("", |owner| self.topology.name(owner)).to_string(),
                ..self.step("arp", if owner.is_some() { "answered" } else { "unanswered" })
            },
            Event::Wrapped { outer, is_out } => Step {
                before: outer.source().to_string(),
                after: outer.destination().to_string(),
                ..self.step(if *is_out { "unwrapped" } else { "wrapped" }, "vxlan")
            },
            Event::Delivered { local, peer } => Step {
                before: peer.to_string(),
                after: local.to_string(),
                ..self.step("delivered", "delivered")
            },
            Event::Closed => self.step("closed", "refused"),
            Event::Rejected(with) => {
                Step { text: with.name().to_string(), ..self.step("rejected", "refused") }
            }
            Event::Unreachable => self.step("unreachable", "unreachable"),
            Event::Expired => self.step("expired", "expired"),
            Event::Lost(loss) => self.step("lost", loss.word()),
        })
    }

    fn translated(&self, half: &'static str, before: Socket, after: Socket, is_tracked: bool) -> Step {
        Step {
            before: before.to_string(),
            after: after.to_string(),
            half,
            ..self.step("translated", if is_tracked { "conntrack" } else { "rule" })
        }
    }

    fn route(&self, route: Route) -> Step {
        match route {
            Route::Local => self.step("route", "local"),
            Route::Pod => self.step("route", "pod"),
            Route::Segment(address) => Step { to: address.to_string(), ..self.step("route", "segment") },
            Route::Overlay(address) => Step { to: address.to_string(), ..self.step("route", "overlay") },
            Route::Gateway => self.step("route", "gateway"),
        }
    }

    fn taken(&self, taken: &Taken) -> Step {
        match taken {
            Taken::Rule { rules, rule, draw } => self.rule(rules, *rule, *draw, "rule"),
            Taken::Missed { rules, rule, draw } => {
                Step { did: "missed", ..self.rule(rules, *rule, Some(*draw), "missed") }
            }
            Taken::Policy { rules, policy } => self.policy(rules.chain().as_str(), *policy),
        }
    }

    fn nft(&mut self, taken: &nftables::Taken) -> Step {
        self.table = NFTABLES;
        match taken {
            nftables::Taken::Begin(rules) => {
                Step { chain: rules.chain().as_str().to_string(), ..self.step("hook", "enters") }
            }
            nftables::Taken::Policy(rules, policy) => self.policy(rules.chain().as_str(), *policy),
            nftables::Taken::Rule { rules, rule, outcome, of, .. } => Step {
                chain: rules.chain().as_str().to_string(),
                rule: rule + 1,
                of: rules.count(),
                text: rules.get(*rule).map_or(String::new(), |rule| rule.text(None)),
                to: outcome
                    .as_ref()
                    .and_then(|one| one.chain())
                    .map_or(String::new(), |chain| chain.as_str().to_string()),
                probability: (*of > 1).then(|| 1.0 / f64::from(*of)),
                ..self.step(
                    "rule",
                    match outcome {
                        Some(outcome) => outcome.did(),
                        None => rules.get(*rule).map_or("counts", |rule| rule.did()),
                    },
                )
            },
        }
    }

    fn policy(&self, chain: &str, policy: Policy) -> Step {
        Step {
            chain: chain.to_string(),
            text: policy.as_str().to_string(),
            ..self.step("policy", if policy == Policy::Accept { "accept" } else { "drop" })
        }
    }

    fn rule(&self, rules: &Rules, place: u32, draw: Option<u32>, kind: &'static str) -> Step {
        let Some(rule) = rules.get(place) else { return self.step(kind, "") };
        let share = |parts: u32| f64::from(parts) / CERTAIN;
        Step {
            chain: rules.chain().as_str().to_string(),
            rule: place + 1,
            of: rules.count(),
            text: rule.text(),
            to: rule.chain().map_or(String::new(), |chain| chain.as_str().to_string()),
            probability: rule.probability().map(share),
            draw: draw.map(share),
            ..self.step(kind, did(&rule.target))
        }
    }
}

/// Returns what a virtual server is called: `TCP 10.96.0.10:53`.
pub fn virtual_name(protocol: Protocol, server: Socket) -> String {
    format!("{} {server}", protocol.name().to_uppercase())
}

fn did(target: &Target) -> &'static str {
    match target {
        Target::None => "counts",
        Target::Accept => "accept",
        Target::Drop => "drop",
        Target::Return => "return",
        Target::Reject(_) => "reject",
        Target::Mark { mask: 0, .. } => "unmark",
        Target::Mark { .. } => "mark",
        Target::Dnat { .. } => "dnat",
        Target::Snat { .. } => "snat",
        Target::Masquerade { .. } => "masquerade",
        Target::Jump(_) => "jump",
        Target::Goto(_) => "goto",
    }
}

/// A chain for the page's lists: its rules with their counters, and where each leads.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ChainView {
    /// The name.
    pub name: String,
    /// The policy; empty for a chain that isn't built in.
    pub policy: &'static str,
    /// How many packets the policy counted.
    pub packets: u64,
    /// The rules.
    pub rules: Vec<RuleView>,
}

/// A rule of a [`ChainView`].
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RuleView {
    /// As `iptables-save` prints it after `-A CHAIN`.
    pub text: String,
    /// The comment.
    pub comment: String,
    /// The chain it leads to, or the target's name.
    pub target: String,
    /// Whether it isn't a rule by itself, but an element of the map that the rule before it looks in.
    pub is_element: bool,
    /// The share of packets that it takes by chance.
    pub probability: Option<f64>,
    /// How many packets it matched: in nat, connections.
    pub packets: u64,
    /// Their bytes.
    pub bytes: u64,
}

impl ChainView {
    pub(crate) fn new(chain: &crate::iptables::Chain) -> ChainView {
        let rules = chain.rules().iter().zip(chain.counters()).map(|(rule, counter)| RuleView {
            text: rule.text(),
            comment: rule.comment().to_string(),
            target: rule.target_name().to_string(),
            is_element: false,
            probability: rule.probability().map(|parts| f64::from(parts) / CERTAIN),
            packets: counter.packets,
            bytes: counter.bytes,
        });
        ChainView {
            name: chain.name().as_str().to_string(),
            policy: chain.policy().map_or("", Policy::as_str),
            packets: chain.counter().packets,
            rules: rules.collect(),
        }
    }
}
