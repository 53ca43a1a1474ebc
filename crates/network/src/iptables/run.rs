//! Takes packets through the chains.

use super::rule::{AddressType, Condition, Match, Recent, RecentMode, RejectWith, Rule, Sides, Target};
use super::{Chain, Counter, Hook, Iptables, Policy, Rules, Table, TableName};
use crate::ipset::Ipsets;
use crate::{Protocol, Socket};
use sim::{Chance, SECOND, Series, Time};
use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;
use std::rc::Rc;

/// How many addresses a list of `-m recent` keeps (`ip_list_tot`).
const RECENT_ADDRESSES: usize = 100;
/// How many lists of `-m recent` a machine keeps.
const RECENT_LISTS: usize = 20_000;
/// How deep chains may call each other.
const DEPTH: u32 = 32;

/// A node's network interface.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Interface {
    /// None yet, or no longer.
    #[default]
    None,
    /// `lo`: to itself.
    Lo,
    /// `eth0`: to the other machines.
    Eth0,
    /// `cni0`: the bridge to the node's pods.
    Cni0,
    /// `flannel.1`: the device of the overlay, whose packets go to other machines in UDP's.
    Flannel1,
}

impl Interface {
    /// Returns the name; empty for none.
    pub fn name(self) -> &'static str {
        match self {
            Interface::None => "",
            Interface::Lo => "lo",
            Interface::Eth0 => "eth0",
            Interface::Cni0 => "cni0",
            Interface::Flannel1 => "flannel.1",
        }
    }
}

/// A packet on its way through a machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Packet {
    /// The protocol.
    pub protocol: Protocol,
    /// Where it says that it comes from.
    pub source: Socket,
    /// Where it goes.
    pub destination: Socket,
    /// The mark, which only this machine sees.
    pub mark: u32,
    /// Where it came in.
    pub in_interface: Interface,
    /// Where it goes out.
    pub out_interface: Interface,
    /// What connection tracking says: bits of [`super::state`].
    pub state: u8,
    /// Its length.
    pub bytes: u32,
}

/// What a table says of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// It passes.
    Accept,
    /// It is thrown away.
    Drop,
    /// It is refused.
    Reject(RejectWith),
    /// Its destination becomes this; port 0 keeps the port.
    Dnat(Socket),
    /// Its source becomes this; port 0 keeps the port where it's free.
    Snat(Socket),
    /// Its source becomes the address of the interface it leaves by.
    Masquerade {
        /// Whether the port is drawn.
        random_fully: bool,
    },
}

/// One thing that happened to a packet in the chains. It holds the rules as they were.
#[derive(Clone, Debug)]
pub enum Taken {
    /// A rule matched.
    Rule {
        /// The chain's rules.
        rules: Rc<Rules>,
        /// The rule's place, counted from 0.
        rule: u32,
        /// The number drawn, in parts of 2^31, where it was taken by chance.
        draw: Option<u32>,
    },
    /// A rule that all else matched was not taken by chance.
    Missed {
        /// The chain's rules.
        rules: Rc<Rules>,
        /// The rule's place, counted from 0.
        rule: u32,
        /// The number drawn, in parts of 2^31.
        draw: u32,
    },
    /// A built-in chain ended.
    Policy {
        /// The chain's rules.
        rules: Rc<Rules>,
        /// What happens there.
        policy: Policy,
    },
}

/// The lists of `-m recent`: who was seen when.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct RecentLists {
    lists: BTreeMap<Rc<str>, BTreeMap<Ipv4Addr, Time>>,
}

impl RecentLists {
    /// Returns the addresses of a list, with the moment at which each was seen last.
    pub fn list(&self, name: &str) -> impl Iterator<Item = (Ipv4Addr, Time)> {
        self.lists.get(name).into_iter().flatten().map(|(address, seen)| (*address, *seen))
    }

    pub(super) fn matches(&mut self, recent: &Recent, source: Ipv4Addr, now: Time) -> bool {
        let mode = recent.mode.value;
        if mode == RecentMode::Set && self.lists.len() < RECENT_LISTS {
            self.lists.entry(recent.name.clone()).or_default();
        }
        let Some(list) = self.lists.get_mut(&recent.name) else { return false };
        let oldest = now + -(i64::from(recent.seconds) * SECOND);
        if recent.reap {
            list.retain(|_, seen| *seen >= oldest);
        }
        let is_in = list.get(&source).is_some_and(|seen| recent.seconds == 0 || *seen >= oldest);
        match mode {
            RecentMode::Set => {
                list.insert(source, now);
            }
            RecentMode::Update if is_in => {
                list.insert(source, now);
            }
            RecentMode::Remove if is_in => {
                list.remove(&source);
            }
            _ => {}
        }
        if list.len() > RECENT_ADDRESSES
            && let Some(oldest) = list.iter().min_by_key(|(_, seen)| **seen).map(|(address, _)| *address)
        {
            list.remove(&oldest);
        }
        is_in || mode == RecentMode::Set
    }
}

/// What rules may ask of the machine, and what they may change on it.
#[derive(Debug)]
pub struct RunContext<'a> {
    /// The moment.
    pub now: Time,
    /// The machine's own addresses; 127.0.0.0/8 besides.
    pub locals: &'a [Ipv4Addr],
    /// The addresses of `kube-ipvs0`, which are the machine's own too.
    pub bound: &'a BTreeSet<Ipv4Addr>,
    /// The virtual server that sent the packet on.
    pub virtual_server: Option<Socket>,
    /// The lists of `-m recent`.
    pub recent: &'a mut RecentLists,
    /// The counters of `-m nfacct`.
    pub accounts: &'a mut BTreeMap<Rc<str>, Counter>,
    /// The source of chance.
    pub chance: Chance,
    /// Who draws.
    pub who: &'a str,
    /// Its draws, from the first on: a Service has a rule by chance for each endpoint.
    pub series: Option<Series>,
    /// The number of the next draw.
    pub draws: u64,
}

impl RunContext<'_> {
    fn is_local(&self, address: Ipv4Addr) -> bool {
        address.is_loopback() || self.locals.contains(&address) || self.bound.contains(&address)
    }

    pub(crate) fn is_of(&self, kind: AddressType, address: Ipv4Addr) -> bool {
        match kind {
            AddressType::Local => self.is_local(address),
            AddressType::Multicast => address.is_multicast(),
            AddressType::Broadcast => address.is_broadcast(),
            AddressType::Unicast => {
                !self.is_local(address) && !address.is_multicast() && !address.is_broadcast()
            }
        }
    }
}

enum Flow {
    On,
    Done(Verdict),
}

impl Iptables {
    /// Takes a packet through one table at one hook. Rules that matched are counted and recorded.
    pub fn run(
        &mut self,
        name: TableName,
        hook: Hook,
        packet: &mut Packet,
        context: &mut RunContext,
        taken: &mut Vec<Taken>,
    ) -> Verdict {
        let hooks = self.hooks.clone();
        let sets = self.sets.clone();
        let table = self.table_mut(name);
        let Some(chain) = hooks.get(hook as usize).and_then(|chain| table.chains.get(chain)) else {
            return Verdict::Accept;
        };
        if chain.rules().is_empty() && name == TableName::Mangle {
            return Verdict::Accept;
        }
        let first = taken.len();
        let verdict = match table.traverse(chain, packet, (context, &sets), taken, 0) {
            Flow::Done(verdict) => verdict,
            Flow::On => {
                let policy = chain.policy.unwrap_or(Policy::Accept);
                taken.push(Taken::Policy { rules: chain.rules.clone(), policy });
                match policy {
                    Policy::Accept => Verdict::Accept,
                    Policy::Drop => Verdict::Drop,
                }
            }
        };
        table.count(taken.get(first..).unwrap_or(&[]), packet.bytes);
        verdict
    }
}

impl Table {
    fn traverse(
        &self,
        chain: &Chain,
        packet: &mut Packet,
        (context, sets): (&mut RunContext, &Ipsets),
        taken: &mut Vec<Taken>,
        depth: u32,
    ) -> Flow {
        let rules = &chain.rules;
        let mut candidates = rules.index.as_ref().map(|index| index.candidates(packet));
        let mut place = 0;
        loop {
            let next = match &mut candidates {
                Some(candidates) => candidates.next(),
                None => (place < rules.rules.len() as u32).then_some(place),
            };
            let Some(at) = next else { return Flow::On };
            place = at + 1;
            let Some(rule) = rules.get(at) else { return Flow::On };
            let (is_match, draw) = rule.matches(packet, context, sets);
            if !is_match {
                if let Some(draw) = draw {
                    taken.push(Taken::Missed { rules: rules.clone(), rule: at, draw });
                }
                continue;
            }
            taken.push(Taken::Rule { rules: rules.clone(), rule: at, draw });
            match &rule.target {
                Target::None => {}
                Target::Return => return Flow::On,
                Target::Mark { value, mask } => packet.mark = (packet.mark & !mask) ^ value,
                Target::Jump(name) => {
                    if let Some(chain) = self.callee(name, depth)
                        && let Flow::Done(verdict) =
                            self.traverse(chain, packet, (context, sets), taken, depth + 1)
                    {
                        return Flow::Done(verdict);
                    }
                }
                Target::Goto(name) => {
                    return match self.callee(name, depth) {
                        Some(chain) => self.traverse(chain, packet, (context, sets), taken, depth + 1),
                        None => Flow::On,
                    };
                }
                target => return Flow::Done(verdict(target)),
            }
        }
    }

    fn callee(&self, name: &super::ChainName, depth: u32) -> Option<&Chain> {
        self.chains.get(name).filter(|_| depth < DEPTH)
    }

    fn count(&mut self, taken: &[Taken], bytes: u32) {
        let chains = self.chains_mut();
        for one in taken {
            match one {
                Taken::Missed { .. } => {}
                Taken::Rule { rules, rule, .. } => {
                    if let Some(chain) = chains.get_mut(&rules.chain)
                        && let Some(counter) = Rc::make_mut(&mut chain.counters).get_mut(*rule as usize)
                    {
                        counter.add(bytes);
                    }
                }
                Taken::Policy { rules, .. } => {
                    if let Some(chain) = chains.get_mut(&rules.chain) {
                        chain.counter.add(bytes);
                    }
                }
            }
        }
    }
}

fn verdict(target: &Target) -> Verdict {
    match target {
        Target::Drop => Verdict::Drop,
        Target::Reject(with) => Verdict::Reject(*with),
        Target::Dnat { address, port } => Verdict::Dnat(Socket::new(*address, *port)),
        Target::Snat { address, port } => Verdict::Snat(Socket::new(*address, *port)),
        Target::Masquerade { random_fully } => Verdict::Masquerade { random_fully: *random_fully },
        _ => Verdict::Accept,
    }
}

fn met<T: Copy>(condition: &Option<Condition<T>>, holds: impl Fn(T) -> bool) -> bool {
    condition.as_ref().is_none_or(|condition| condition.is_met(holds(condition.value)))
}

fn is_interface(wanted: Option<&Condition<Rc<str>>>, interface: Interface) -> bool {
    wanted.is_none_or(|wanted| {
        let name = interface.name();
        wanted.is_met(match wanted.value.strip_suffix('+') {
            Some(start) => name.starts_with(start),
            None => *wanted.value == *name,
        })
    })
}

impl Rule {
    /// Returns whether the rule matches, and the number that was drawn for it, if one was.
    fn matches(&self, packet: &Packet, context: &mut RunContext, sets: &Ipsets) -> (bool, Option<u32>) {
        let fits = met(&self.destination, |network| network.contains(packet.destination.address))
            && met(&self.source, |network| network.contains(packet.source.address))
            && met(&self.protocol, |protocol| protocol == packet.protocol)
            && is_interface(self.in_interface.as_ref(), packet.in_interface)
            && is_interface(self.out_interface.as_ref(), packet.out_interface);
        if !fits {
            return (false, None);
        }
        let mut draw = None;
        for one in &self.matches {
            if !one.matches(packet, (context, sets), &mut draw) {
                return (false, draw);
            }
        }
        (true, draw)
    }
}

impl Match {
    fn matches(
        &self,
        packet: &Packet,
        (context, sets): (&mut RunContext, &Ipsets),
        draw: &mut Option<u32>,
    ) -> bool {
        match self {
            Match::Comment(_) => true,
            Match::Ports { protocol, source, destination } => {
                *protocol == packet.protocol
                    && met(source, |ports| ports.contains(packet.source.port))
                    && met(destination, |ports| ports.contains(packet.destination.port))
            }
            Match::MultiPort(condition) => {
                let (sides, ports) = &condition.value;
                let has = |port| ports.iter().any(|range| range.contains(port));
                let (source, destination) = (has(packet.source.port), has(packet.destination.port));
                condition.is_met(match sides {
                    Sides::Source => source,
                    Sides::Destination => destination,
                    Sides::Either => source || destination,
                })
            }
            Match::Mark(mark) => mark.is_met(packet.mark & mark.value.1 == mark.value.0),
            Match::Conntrack(states) => states.is_met(packet.state & states.value != 0),
            Match::AddressType { source, destination } => {
                met(source, |kind| context.is_of(kind, packet.source.address))
                    && met(destination, |kind| context.is_of(kind, packet.destination.address))
            }
            Match::Random(probability) => {
                let (chance, who) = (context.chance, context.who);
                let series = *context.series.get_or_insert_with(|| chance.series("iptables", who));
                let bits = series.draw(context.draws);
                context.draws += 1;
                let drawn = (bits & 0x7fff_ffff) as u32;
                *draw = Some(drawn);
                probability.is_met(drawn < probability.value)
            }
            Match::Recent(recent) => {
                let is_in = context.recent.matches(recent, packet.source.address, context.now);
                recent.mode.is_met(is_in)
            }
            Match::Virtual { protocol, server, port } => context.virtual_server.is_some_and(|asked| {
                met(protocol, |protocol| protocol == packet.protocol)
                    && met(server, |network| network.contains(asked.address))
                    && met(port, |port| port == asked.port)
            }),
            Match::BridgePort(is_in) => is_in.is_met(packet.in_interface == Interface::Cni0),
            Match::Set(set) => {
                let (name, halves) = &set.value;
                let found = sets.get(name.as_str());
                found.is_some_and(|found| set.is_met(found.matches(packet, halves, context.now)))
            }
            Match::Accounting(name) => {
                context.accounts.entry(name.clone()).or_default().add(packet.bytes);
                true
            }
        }
    }
}
