//! Who would answer: what could come of a packet, found out on a copy of the network, so that nothing is
//! sent and nothing changes.

use crate::network::Stage;
use crate::way::{Event, Way};
use crate::{Connect, ExchangeId, HostId, Network, Payload, Protocol};
use sim::{SECOND, Time};
use std::net::Ipv4Addr;
use std::rc::Rc;

/// How many ways are tried at most.
const WALKS: usize = 600;
/// How many things may happen to one packet.
const EVENTS: u32 = 2_000;
/// Whose draws decide between rules.
const PURPOSE: &str = "iptables";

/// A packet that might be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Question {
    /// The host that would send it.
    pub from: HostId,
    /// The address.
    pub to: Ipv4Addr,
    /// The port; 0 for ICMP.
    pub port: u16,
    /// The protocol.
    pub protocol: Protocol,
}

/// One of the ways that a packet might take.
#[derive(Clone, Debug)]
pub struct WouldAnswer {
    /// How likely it is, from 0 to 1.
    pub share: f64,
    /// How it would end: a word of [`crate::Outcome::word`].
    pub outcome: &'static str,
    /// The way.
    pub way: Way,
}

/// What came of one try.
struct Tried {
    found: WouldAnswer,
    /// The numbers of the draws: the first, and the one after the last.
    draws: (u64, u64),
    /// How many rules took the packet by chance.
    lucky: usize,
}

impl Network {
    /// Returns the ways that a new connection's first packet might take now, in the order in which the rules
    /// stand. Their shares add up to 1, unless there are too many of them.
    pub fn who_would_answer(&self, now: Time, question: Question) -> Vec<WouldAnswer> {
        let mut plain = self.clone();
        plain.forget_traffic();
        let mut found = Vec::new();
        let mut walks = 0;
        // Each way is told by the draws that it wins; the walk that wins no more goes on to those after it.
        let mut left = vec![Vec::new()];
        while let Some(wins) = left.pop() {
            if walks >= WALKS {
                break;
            }
            walks += 1;
            let tried = plain.try_out(now, question, &wins);
            if tried.lucky < wins.len() {
                continue;
            }
            let (first, end) = tried.draws;
            let after = wins.last().map_or(first, |last| last + 1);
            found.push((wins.clone(), tried.found));
            if wins.len() < sim::Chance::DECISIONS {
                left.extend((after..end).map(|n| [wins.as_slice(), &[n]].concat()));
            }
        }
        // A way that wins earlier stands before one that wins later; the one that never wins is the last.
        found.sort_by_key(|(wins, _)| wins.iter().copied().chain([u64::MAX]).collect::<Vec<_>>());
        found.into_iter().map(|(_, one)| one).filter(|one| one.share > 0.0).collect()
    }

    fn forget_traffic(&mut self) {
        self.exchanges.clear();
        self.deadlines.clear();
        self.queue = sim::EventQueue::default();
        self.ways.clear();
    }

    fn try_out(&self, now: Time, question: Question, wins: &[u64]) -> Tried {
        let mut network = self.clone();
        network.chance = self.chance.deciding(PURPOSE, wins);
        let Question { from, to, port, protocol } = question;
        let payload = Rc::new(if protocol == Protocol::Icmp { Payload::Ping } else { Payload::Connect });
        let connect = Connect { from, owner: 0, to, port, protocol, payload, patience: 120 * SECOND };
        let id = network.connect(now, connect);
        let (outcome, end) = network.see_end(id);
        let first = network.topology().host(from).map_or(0, |host| host.begun << 16);
        let way = network.way(id).cloned();
        let way = way.unwrap_or_else(|| Way::nowhere(id, now, from, protocol));
        let (share, lucky) = way.odds();
        Tried { found: WouldAnswer { share, outcome, way }, draws: (first, end.max(first)), lucky }
    }

    /// Lets a packet go on until it is known how it ends, and returns that with the number of its next draw.
    fn see_end(&mut self, id: ExchangeId) -> (&'static str, u64) {
        let mut draws = 0;
        for _ in 0..EVENTS {
            let Some(exchange) = self.exchanges.get(&id) else { break };
            draws = exchange.draws;
            if let Stage::Ending(outcome) = &exchange.stage {
                return (outcome.word(), draws);
            }
            let is_lost = self.way(id).is_some_and(Way::is_lost);
            match self.next_at().filter(|_| !is_lost) {
                Some(next) => drop(self.advance(next)),
                None => break,
            }
        }
        ("timeout", draws)
    }
}

impl Way {
    /// Returns a way of which nothing is known.
    fn nowhere(exchange: ExchangeId, sent: Time, from: HostId, protocol: Protocol) -> Way {
        let nobody = crate::Socket::new(Ipv4Addr::UNSPECIFIED, 0);
        Way {
            exchange,
            sent,
            attempts: 0,
            from,
            protocol,
            source: nobody,
            destination: nobody,
            server: None,
            outcome: "",
            events: Vec::new(),
            places: Vec::new(),
        }
    }

    fn is_lost(&self) -> bool {
        self.events.iter().any(|event| matches!(event, Event::Lost(_)))
    }

    /// Returns how likely the way is, by the probabilities of the rules that took the packet by chance or
    /// didn't, and how many did.
    fn odds(&self) -> (f64, usize) {
        use crate::iptables::Taken;
        let (mut share, mut lucky) = (1.0, 0);
        for event in &self.events {
            if let Event::Nft(crate::nftables::Taken::Rule { of, chosen, .. }) = event
                && *of > 1
            {
                // The last place is what is left where no draw was won.
                share /= f64::from(*of);
                lucky += usize::from(chosen + 1 < *of);
                continue;
            }
            let (rules, rule, is_taken) = match event {
                Event::Taken(Taken::Rule { rules, rule, draw: Some(_) }) => (rules, rule, true),
                Event::Taken(Taken::Missed { rules, rule, .. }) => (rules, rule, false),
                _ => continue,
            };
            let Some(parts) = rules.get(*rule).and_then(|rule| rule.probability()) else { continue };
            let own = f64::from(parts) / 2_147_483_648.0;
            share *= if is_taken { own } else { 1.0 - own };
            lucky += usize::from(is_taken && parts < 1 << 31);
        }
        (share, lucky)
    }
}
