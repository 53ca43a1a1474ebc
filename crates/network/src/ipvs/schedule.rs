//! Who chooses among the real servers.
// Models net/netfilter/ipvs/ip_vs_rr.c, ip_vs_wrr.c, ip_vs_lc.c, ip_vs_wlc.c, ip_vs_sed.c, ip_vs_nq.c,
// ip_vs_sh.c, ip_vs_dh.c

use super::{Destination, VirtualServer};
use crate::Socket;
use std::net::Ipv4Addr;

/// How many buckets `sh` and `dh` have.
const BUCKETS: u32 = 256;

/// A way to choose.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scheduler {
    /// `rr`: one after the other.
    RoundRobin,
    /// `wrr`: one after the other, heavier ones more often.
    WeightedRoundRobin,
    /// `lc`: who has the fewest connections.
    LeastConnection,
    /// `wlc`: who has the fewest for its weight.
    WeightedLeastConnection,
    /// `sed`: who will answer first, by connections and weight.
    ShortestExpectedDelay,
    /// `nq`: who has nothing to do; else as `sed`.
    NeverQueue,
    /// `sh`: by the client's address.
    SourceHash,
    /// `dh`: by the address that was asked.
    DestinationHash,
}

impl Scheduler {
    /// All, with their names.
    pub const ALL: [(Scheduler, &str); 8] = [
        (Scheduler::RoundRobin, "rr"),
        (Scheduler::WeightedRoundRobin, "wrr"),
        (Scheduler::LeastConnection, "lc"),
        (Scheduler::WeightedLeastConnection, "wlc"),
        (Scheduler::ShortestExpectedDelay, "sed"),
        (Scheduler::NeverQueue, "nq"),
        (Scheduler::SourceHash, "sh"),
        (Scheduler::DestinationHash, "dh"),
    ];

    /// Returns the name: `rr`.
    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|(one, _)| *one == self).map_or("", |(_, name)| name)
    }

    /// Reads a name.
    pub fn parse(text: &str) -> Option<Scheduler> {
        Self::ALL.iter().find(|(_, name)| *name == text).map(|(one, _)| *one)
    }
}

/// Whose turn it was, and the weight that counted then.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Turn {
    last: Option<Socket>,
    weight: u32,
}

impl VirtualServer {
    /// Chooses a real server; none where none has a weight. `load` tells how many open connections one
    /// has, and how many that begin or end.
    pub(super) fn choose(
        &mut self,
        client: Ipv4Addr,
        asked: Ipv4Addr,
        load: &dyn Fn(Socket) -> (u32, u32),
    ) -> Option<Socket> {
        let living = || self.destinations.iter().filter(|one| one.weight > 0);
        // An open connection counts 256 times as much as one that begins or ends.
        let overhead = |one: &Destination| {
            let (active, inactive) = load(one.socket);
            (u64::from(active) << 8) + u64::from(inactive)
        };
        // Compares loads for their weights without dividing; the first of equal ones is taken.
        let least = |cost: &dyn Fn(&Destination) -> u64| {
            living().fold(None, |best: Option<(&Destination, u64)>, one| {
                let own = cost(one);
                match best {
                    Some((other, least))
                        if least * u64::from(one.weight) <= own * u64::from(other.weight) =>
                    {
                        best
                    }
                    _ => Some((one, own)),
                }
            })
        };
        let delay = |one: &Destination| u64::from(load(one.socket).0) + 1;
        let chosen = match self.scheduler {
            Scheduler::RoundRobin => return self.round_robin(),
            Scheduler::WeightedRoundRobin => return self.weighted_round_robin(),
            Scheduler::SourceHash => return self.bucket(client, true),
            Scheduler::DestinationHash => return self.bucket(asked, false),
            Scheduler::LeastConnection => living().min_by_key(|one| overhead(one)),
            Scheduler::WeightedLeastConnection => least(&overhead).map(|(one, _)| one),
            Scheduler::ShortestExpectedDelay => least(&delay).map(|(one, _)| one),
            Scheduler::NeverQueue => {
                living().find(|one| load(one.socket).0 == 0).or_else(|| least(&delay).map(|(one, _)| one))
            }
        };
        chosen.map(|one| one.socket)
    }

    fn place_of_last(&self) -> Option<usize> {
        let last = self.turn.last?;
        self.destinations.iter().position(|one| one.socket == last)
    }

    fn round_robin(&mut self) -> Option<Socket> {
        let first = self.place_of_last().map_or(0, |place| place + 1);
        let around = self.destinations.iter().cycle().skip(first).take(self.destinations.len());
        let chosen = around.into_iter().find(|one| one.weight > 0).map(|one| one.socket);
        self.turn.last = chosen;
        chosen
    }

    /// Goes around with a falling weight: in each round those as heavy as it have their turn.
    fn weighted_round_robin(&mut self) -> Option<Socket> {
        let heaviest = self.destinations.iter().map(|one| one.weight).max().filter(|weight| *weight > 0)?;
        let step = self.destinations.iter().fold(0, |all, one| gcd(all, one.weight)).max(1);
        let count = self.destinations.len();
        let mut place = self.place_of_last().map_or(0, |place| place + 1);
        let mut weight = if self.turn.last.is_none() { heaviest } else { self.turn.weight.min(heaviest) };
        // Each round goes down by one step, so that at most this many places are looked at.
        for _ in 0..=count * (heaviest / step + 1) as usize {
            if place >= count {
                place = 0;
                weight = if weight > step { weight - step } else { heaviest };
            }
            let one = self.destinations.get(place)?;
            if one.weight >= weight && one.weight > 0 {
                self.turn = Turn { last: Some(one.socket), weight };
                return self.turn.last;
            }
            place += 1;
        }
        None
    }

    /// Finds the real server of an address's bucket. Buckets are dealt out in order, by weight where that
    /// counts; one without weight leaves its clients without a server.
    fn bucket(&self, address: Ipv4Addr, is_weighted: bool) -> Option<Socket> {
        let hash = u32::from(address).wrapping_mul(2_654_435_761) % BUCKETS;
        let shares = |one: &Destination| if is_weighted { one.weight } else { 1 };
        let total: u32 = self.destinations.iter().map(shares).sum();
        let mut place = hash.checked_rem(total)?;
        for one in &self.destinations {
            let share = shares(one);
            if place < share {
                return (one.weight > 0).then_some(one.socket);
            }
            place -= share;
        }
        None
    }
}

fn gcd(a: u32, b: u32) -> u32 {
    if b == 0 { a } else { gcd(b, a % b) }
}
