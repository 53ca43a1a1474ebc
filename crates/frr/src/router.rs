use network::{BgpMessage, BgpRoute, Cidr, HostId, Network};
use sim::{Nanos, Time};
use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

/// The router's name as a machine.
pub const NAME: &str = "router";
/// How many neighbours are remembered.
const NEIGHBOURS: usize = 1_024;
/// How many routes are taken from one neighbour.
const ROUTES: usize = 4_096;

/// A route as a neighbour told it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Path {
    pub(crate) route: BgpRoute,
    /// When it was told.
    pub(crate) since: Time,
}

/// A neighbour.
#[derive(Clone, Debug)]
pub(crate) struct Neighbour {
    pub(crate) asn: u32,
    pub(crate) router_id: Ipv4Addr,
    pub(crate) is_up: bool,
    /// When the session came up or went down.
    pub(crate) since: Time,
    pub(crate) hold: Nanos,
    pub(crate) detect: Nanos,
    pub(crate) heard: Time,
    /// When BFD takes it for dead.
    pub(crate) dies_at: Option<Time>,
    pub(crate) received: u64,
    pub(crate) sent: u64,
    pub(crate) paths: BTreeMap<Cidr, Path>,
    /// Why the session ended last.
    pub(crate) reason: &'static str,
    host: HostId,
}

/// A router's daemon.
#[derive(Clone, Debug)]
pub struct Router {
    pub(crate) host: HostId,
    pub(crate) address: Ipv4Addr,
    pub(crate) segment: Cidr,
    pub(crate) asn: u32,
    pub(crate) began: Time,
    pub(crate) neighbours: BTreeMap<Ipv4Addr, Neighbour>,
    /// How often the table changed.
    pub(crate) version: u64,
    /// Since when each route stands as it does, its next hops, and the version it came with.
    pub(crate) chosen: BTreeMap<Cidr, (Time, Vec<Ipv4Addr>, u64)>,
    /// The prefixes whose next hops the machine is to be told.
    changed: BTreeSet<Cidr>,
}

impl Router {
    /// Makes the daemon of a machine.
    pub fn new(now: Time, host: HostId, address: Ipv4Addr, segment: Cidr, asn: u32) -> Router {
        Router {
            host,
            address,
            segment,
            asn,
            began: now,
            neighbours: BTreeMap::new(),
            version: 0,
            chosen: BTreeMap::new(),
            changed: BTreeSet::new(),
        }
    }

    /// Returns its machine.
    pub fn host(&self) -> HostId {
        self.host
    }

    /// Returns its address.
    pub fn address(&self) -> Ipv4Addr {
        self.address
    }

    /// Hears what a neighbour says, and answers.
    pub fn hear(
        &mut self,
        now: Time,
        (host, from): (HostId, Ipv4Addr),
        message: BgpMessage,
    ) -> Vec<BgpMessage> {
        let own = BgpMessage::Open { asn: self.asn, router_id: self.address, hold: 0, detect: 0 };
        if let BgpMessage::Open { asn, router_id, hold, detect } = message {
            if self.neighbours.len() >= NEIGHBOURS && !self.neighbours.contains_key(&from) {
                return vec![BgpMessage::Close];
            }
            let (received, sent) = self.neighbours.get(&from).map_or((0, 0), |old| (old.received, old.sent));
            let neighbour = Neighbour {
                asn,
                router_id,
                is_up: true,
                since: now,
                hold,
                detect,
                heard: now,
                dies_at: None,
                received: received + 2,
                sent: sent + 2,
                paths: BTreeMap::new(),
                reason: "",
                host,
            };
            self.neighbours.insert(from, neighbour);
            self.choose(now);
            return vec![own, BgpMessage::Keepalive];
        }
        let Some(neighbour) = self.neighbours.get_mut(&from).filter(|one| one.is_up) else {
            return vec![BgpMessage::Close];
        };
        neighbour.received += 1;
        neighbour.heard = now;
        match message {
            BgpMessage::Update(routes) => {
                let mut paths = BTreeMap::new();
                for route in routes.into_iter().take(ROUTES) {
                    let old = neighbour.paths.get(&route.prefix).filter(|path| path.route == route);
                    let since = old.map_or(now, |path| path.since);
                    paths.insert(route.prefix, Path { route, since });
                }
                neighbour.paths = paths;
                self.choose(now);
                Vec::new()
            }
            BgpMessage::Close => {
                self.end(now, from, "Peer closed the session");
                Vec::new()
            }
            _ => {
                neighbour.sent += 1;
                vec![BgpMessage::Keepalive]
            }
        }
    }

    /// Ends a session: its routes are withdrawn.
    fn end(&mut self, now: Time, address: Ipv4Addr, reason: &'static str) {
        if let Some(neighbour) = self.neighbours.get_mut(&address).filter(|one| one.is_up) {
            neighbour.is_up = false;
            neighbour.since = now;
            neighbour.dies_at = None;
            neighbour.reason = reason;
            neighbour.paths.clear();
            self.choose(now);
        }
    }

    /// Looks, for BFD, which neighbours can be reached. To be called when machines or links change.
    pub fn look(&mut self, now: Time, network: &Network) {
        let (own, topology) = (self.host, network.topology());
        for neighbour in self.neighbours.values_mut().filter(|one| one.is_up && one.detect > 0) {
            let is_there = topology.can_reach(own, neighbour.host);
            neighbour.dies_at = match (is_there, neighbour.dies_at) {
                (true, _) => None,
                (false, None) => Some(now + neighbour.detect),
                (false, known) => known,
            };
        }
    }

    /// Returns when a session ends by silence, unless something is heard.
    pub fn next_at(&self) -> Time {
        let up = self.neighbours.values().filter(|one| one.is_up);
        up.map(|one| one.silent_at().min(one.dies_at.unwrap_or(Time::NEVER))).min().unwrap_or(Time::NEVER)
    }

    /// Ends sessions with those who were silent for too long.
    pub fn tick(&mut self, now: Time) {
        let over: Vec<(Ipv4Addr, &'static str)> = self
            .neighbours
            .iter()
            .filter(|(_, one)| one.is_up)
            .filter_map(|(address, one)| {
                if one.dies_at.is_some_and(|at| at <= now) {
                    return Some((*address, "BFD down received"));
                }
                (one.silent_at() <= now).then_some((*address, "Hold Timer Expired"))
            })
            .collect();
        for (address, reason) in over {
            self.end(now, address, reason);
        }
    }

    /// Chooses routes anew: of those to a prefix the ones that are preferred most, all of them alike.
    fn choose(&mut self, now: Time) {
        let mut wanted: BTreeMap<Cidr, (u32, Vec<Ipv4Addr>)> = BTreeMap::new();
        for (address, neighbour) in &self.neighbours {
            for (prefix, path) in &neighbour.paths {
                let rank = self.preference(neighbour, &path.route);
                let (best, hops) = wanted.entry(*prefix).or_insert((rank, Vec::new()));
                if rank > *best {
                    (*best, *hops) = (rank, Vec::new());
                }
                if rank == *best {
                    hops.push(*address);
                }
            }
        }
        let gone: Vec<Cidr> =
            self.chosen.keys().filter(|prefix| !wanted.contains_key(prefix)).copied().collect();
        for prefix in gone {
            self.chosen.remove(&prefix);
            self.changed.insert(prefix);
            self.version += 1;
        }
        for (prefix, (_, hops)) in wanted {
            if self.chosen.get(&prefix).is_none_or(|(_, known, _)| *known != hops) {
                self.version += 1;
                self.chosen.insert(prefix, (now, hops, self.version));
                self.changed.insert(prefix);
            }
        }
    }

    /// Returns how much a route is preferred: outside of one's own system nobody says.
    pub(crate) fn preference(&self, neighbour: &Neighbour, route: &BgpRoute) -> u32 {
        const USUAL: u32 = 100;
        if neighbour.asn == self.asn && route.local_pref > 0 { route.local_pref } else { USUAL }
    }

    /// Tells the machine of the routes that have changed.
    pub fn apply(&mut self, network: &mut Network) {
        for prefix in std::mem::take(&mut self.changed) {
            let hops = self.chosen.get(&prefix).map_or(Vec::new(), |(_, hops, _)| hops.clone());
            network.set_hops(self.host, prefix, hops);
        }
    }
}

impl Neighbour {
    fn silent_at(&self) -> Time {
        if self.hold == 0 { Time::NEVER } else { self.heard + self.hold }
    }
}
