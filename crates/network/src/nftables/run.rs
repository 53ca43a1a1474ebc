//! Takes packets through the chains.

use super::command::DEPTH;
use super::rule::{ADDRESS_TYPES, Against, Change, Field, Map, Outcome, Rule, Rules, Statement};
use super::set::{Key, PARTS};
use super::{Chain, Kind, Nftables, Table};
use crate::ipset::Half;
use crate::iptables::{ChainName, Hook, Interface, Packet, Policy, RunContext, Verdict};
use crate::way::Event;
use crate::{Protocol, Socket};
use std::rc::Rc;

/// 2^31: what the kernel calls a probability of 1.
const CERTAIN: u64 = 1 << 31;
/// Among how many places is drawn one after the other at most.
const DRAWS: u32 = 1_024;

/// One thing that happened to a packet in the chains. It holds the rules as they were.
#[derive(Clone, Debug)]
pub(crate) enum Taken {
    /// A base chain begins.
    Begin(Rc<Rules>),
    /// A rule matched.
    Rule {
        rules: Rc<Rules>,
        rule: u32,
        /// Where it led: by itself or by a map.
        outcome: Option<Rc<Outcome>>,
        /// Which place was drawn, of how many; 0 of 0 where none was.
        chosen: u32,
        of: u32,
    },
    /// A base chain ended.
    Policy(Rc<Rules>, Policy),
}

/// Which base chains are run: of this kind, at this hook, with priorities from the first to before the second.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Point {
    pub(crate) is_nat: bool,
    pub(crate) hook: Hook,
    pub(crate) from: i32,
    pub(crate) to: i32,
}

/// What a packet changes besides itself.
#[derive(Default)]
struct Effects {
    counts: Vec<(ChainName, u32)>,
    remembers: Vec<(Rc<str>, Key, Option<u32>, bool)>,
}

/// What a run needs.
struct Walk<'a, 'b> {
    table: &'a Table,
    packet: &'a mut Packet,
    context: &'a mut RunContext<'b>,
    events: &'a mut Vec<Event>,
    effects: &'a mut Effects,
}

/// Where a rule leads, and which place was drawn for that of how many.
type Led = (Option<Rc<Outcome>>, (u32, u32));

enum Flow {
    On,
    Done(Verdict),
}

impl Nftables {
    /// Takes a packet through the base chains at a point of its way. Of `nat`, the first that translates is
    /// the last.
    pub(crate) fn run(
        &mut self,
        point: Point,
        packet: &mut Packet,
        context: &mut RunContext,
        events: &mut Vec<Event>,
    ) -> Verdict {
        let bases = self.bases.clone();
        for entry in bases.iter().filter(|entry| {
            let base = &entry.base;
            base.hook == point.hook
                && (base.kind == Kind::Nat) == point.is_nat
                && (point.is_nat || (point.from..point.to).contains(&base.priority))
        }) {
            let Some(table) = self.tables.get(&entry.table).cloned() else { continue };
            let Some(chain) = table.chains.get(&entry.chain) else { continue };
            let mut effects = Effects::default();
            events.push(Event::Nft(Taken::Begin(chain.rules.clone())));
            let mut walk =
                Walk { table: &table, packet: &mut *packet, context, events, effects: &mut effects };
            let verdict = match walk.traverse(chain, 0) {
                Flow::Done(verdict) => verdict,
                Flow::On => {
                    events.push(Event::Nft(Taken::Policy(chain.rules.clone(), entry.base.policy)));
                    match entry.base.policy {
                        Policy::Accept => Verdict::Accept,
                        Policy::Drop => Verdict::Drop,
                    }
                }
            };
            drop(table);
            if !effects.counts.is_empty() || !effects.remembers.is_empty() {
                self.settle(&entry.table, effects, packet.bytes, context);
            }
            if verdict != Verdict::Accept {
                return verdict;
            }
        }
        Verdict::Accept
    }

    fn settle(
        &mut self,
        table: &(super::Family, Rc<str>),
        effects: Effects,
        bytes: u32,
        context: &RunContext,
    ) {
        let Some(table) = self.tables.get_mut(table).map(Rc::make_mut) else { return };
        for (name, rule) in effects.counts {
            let counters = table.chains.get_mut(&name).map(|chain| Rc::make_mut(&mut chain.counters));
            if let Some(counter) = counters.and_then(|counters| counters.get_mut(rule as usize)) {
                counter.add(bytes);
            }
        }
        for (name, key, timeout, renews) in effects.remembers {
            if let Some(set) = table.sets.get_mut(&name) {
                Rc::make_mut(set).remember(key, timeout, renews, context.now);
            }
        }
    }
}

impl Walk<'_, '_> {
    fn traverse(&mut self, chain: &Chain, depth: u32) -> Flow {
        let rules = &chain.rules;
        for (place, rule) in (0..).zip(&rules.rules) {
            let Some((outcome, (chosen, of))) = self.rule(rules, place, rule) else { continue };
            let outcome_now = outcome.clone();
            let taken = Taken::Rule { rules: rules.clone(), rule: place, outcome: outcome_now, chosen, of };
            self.events.push(Event::Nft(taken));
            let Some(outcome) = outcome else { continue };
            match outcome.as_ref() {
                Outcome::Continue => {}
                Outcome::Return => return Flow::On,
                Outcome::Jump(name) => {
                    if let Some(callee) = self.callee(name, depth)
                        && let Flow::Done(verdict) = self.traverse(callee, depth + 1)
                    {
                        return Flow::Done(verdict);
                    }
                }
                Outcome::Goto(name) => {
                    return match self.callee(name, depth) {
                        Some(callee) => self.traverse(callee, depth + 1),
                        None => Flow::On,
                    };
                }
                outcome => return Flow::Done(self.verdict(outcome)),
            }
        }
        Flow::On
    }
}

impl<'a> Walk<'a, '_> {
    fn callee(&self, name: &ChainName, depth: u32) -> Option<&'a Chain> {
        self.table.chains.get(name).filter(|_| depth < DEPTH)
    }

    fn verdict(&self, outcome: &Outcome) -> Verdict {
        match outcome {
            Outcome::Drop => Verdict::Drop,
            Outcome::Reject(with) => Verdict::Reject(*with),
            Outcome::Dnat(to) => Verdict::Dnat(*to),
            Outcome::Redirect(port) => {
                let own = self.context.locals.first().copied();
                let is_own = self.packet.in_interface == Interface::None;
                let to = own.filter(|_| !is_own).unwrap_or(std::net::Ipv4Addr::LOCALHOST);
                Verdict::Dnat(Socket::new(to, *port))
            }
            Outcome::Snat(to) => Verdict::Snat(*to),
            Outcome::Masquerade { random_fully } => Verdict::Masquerade { random_fully: *random_fully },
            _ => Verdict::Accept,
        }
    }

    /// Does what a rule says. Returns where it leads and of how many places that was drawn, if all of it
    /// matched.
    fn rule(&mut self, rules: &Rules, place: u32, rule: &Rule) -> Option<Led> {
        for statement in &rule.statements {
            match statement {
                Statement::Match { fields, negated, against } => {
                    if self.is_in(fields, against)? == *negated {
                        return None;
                    }
                }
                Statement::Masked { mask, negated, value } => {
                    if (self.packet.mark & mask == *value) == *negated {
                        return None;
                    }
                }
                Statement::State { negated, states } => {
                    if (self.packet.state & states != 0) == *negated {
                        return None;
                    }
                }
                Statement::Interface { is_in, negated, names } => {
                    let packet = &*self.packet;
                    let interface = if *is_in { packet.in_interface } else { packet.out_interface };
                    if names.iter().any(|name| is_interface(name, interface)) == *negated {
                        return None;
                    }
                }
                Statement::Vmap { fields, map } => return self.mapped(fields, map),
                Statement::Counter => self.effects.counts.push((rules.chain.clone(), place)),
                Statement::Mark(change, value) => {
                    let mark = &mut self.packet.mark;
                    match change {
                        Change::Set => *mark = *value,
                        Change::And => *mark &= value,
                        Change::Or => *mark |= value,
                        Change::Xor => *mark ^= value,
                    }
                }
                Statement::Remember { word, set, fields, timeout } => {
                    let key = self.key(fields)?;
                    self.effects.remembers.push((set.clone(), key, *timeout, *word == "update"));
                }
                Statement::Log(_) => {}
                Statement::Outcome(outcome) => return Some((Some(outcome.clone()), (0, 0))),
            }
        }
        Some((None, (0, 0)))
    }

    fn is_in(&mut self, fields: &[Field], against: &Against) -> Option<bool> {
        match against {
            Against::Set(name) => {
                let key = self.key(fields)?;
                let set = self.table.sets.get(name)?;
                Some(set.find(&key, self.context.now).is_some())
            }
            Against::Values(list, _) => {
                let value = self.value(*fields.first()?)?;
                Some(list.iter().any(|(first, last)| (*first..=*last).contains(&value)))
            }
        }
    }

    fn mapped(&mut self, fields: &[Field], map: &Map) -> Option<Led> {
        match map {
            Map::Named(name) => {
                let key = self.key(fields)?;
                let found = self.table.sets.get(name)?.find(&key, self.context.now)?;
                Some((found.outcome.clone(), (0, 0)))
            }
            Map::Inline(list) => {
                let field = *fields.first()?;
                let value = self.value(field)?;
                let place = list.partition_point(|((_, last), _)| *last < value);
                let ((first, _), outcome) = list.get(place)?;
                let drawn = if let Field::Random(modulus) = field { (value, modulus) } else { (0, 0) };
                (*first <= value).then(|| (Some(outcome.clone()), drawn))
            }
        }
    }

    fn key(&mut self, fields: &[Field]) -> Option<Key> {
        let mut key = [0; PARTS];
        for (part, field) in key.iter_mut().zip(fields) {
            *part = self.value(*field)?;
        }
        Some(key)
    }

    fn value(&mut self, field: Field) -> Option<u32> {
        let packet = &*self.packet;
        let end = |half| if half == Half::Source { packet.source } else { packet.destination };
        Some(match field {
            Field::Address(half) => end(half).address.into(),
            Field::Protocol { .. } => packet.protocol.number().into(),
            Field::Port { of, half } => {
                let has_ports = packet.protocol != Protocol::Icmp;
                let is_it = has_ports && of.is_none_or(|protocol| protocol == packet.protocol);
                is_it.then(|| end(half).port.into())?
            }
            Field::Mark => packet.mark,
            Field::AddressType(half) => {
                let address = end(half).address;
                let kind = ADDRESS_TYPES.iter().find(|(kind, ..)| self.context.is_of(*kind, address));
                kind.map_or(0, |(_, number, _)| *number)
            }
            Field::Random(modulus) => self.draw(modulus),
        })
    }

    /// Draws a number below this one, as the rules of iptables would: each in turn is taken by its share of
    /// what is left. So each of the draws can be decided beforehand.
    fn draw(&mut self, modulus: u32) -> u32 {
        let last = modulus.saturating_sub(1);
        if modulus > DRAWS {
            let bits = self.context.chance.draw("iptables", self.context.who, self.context.draws);
            self.context.draws += 1;
            return ((bits & 0x7fff_ffff) * u64::from(modulus) / CERTAIN) as u32;
        }
        (0..last)
            .find(|place| {
                let bits = self.context.chance.draw("iptables", self.context.who, self.context.draws);
                self.context.draws += 1;
                (bits & 0x7fff_ffff) * u64::from(modulus - place) < CERTAIN
            })
            .unwrap_or(last)
    }
}

fn is_interface(wanted: &str, interface: Interface) -> bool {
    match wanted.strip_suffix('*') {
        Some(start) => interface.name().starts_with(start),
        None => *wanted == *interface.name(),
    }
}
