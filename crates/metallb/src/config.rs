//! The configuration, in the form that the ConfigMap `config` has.

use crate::advertise::{Bgp, DASHED, Layer2, Peer};
use api::go::quote;
use api::{Value, yaml};
use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;
use std::rc::Rc;

/// A run of addresses, both ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Range {
    /// The first.
    pub first: Ipv4Addr,
    /// The last.
    pub last: Ipv4Addr,
}

impl Range {
    /// Returns whether the run has this address.
    pub fn contains(self, address: Ipv4Addr) -> bool {
        (self.first..=self.last).contains(&address)
    }
}

/// A pool of addresses.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Pool {
    /// How ARP tells of its addresses; not at all without any.
    pub layer2: Vec<Layer2>,
    /// How BGP does.
    pub bgp: Vec<Bgp>,
    /// The addresses.
    pub ranges: Vec<Range>,
    /// Whether addresses that end in 0 or 255 are left out.
    pub avoids_buggy_ips: bool,
    /// Whether Services that ask for no pool get its addresses.
    pub is_automatic: bool,
    /// The namespaces whose Services get its addresses before those of other pools; without any it is
    /// for all.
    pub namespaces: BTreeSet<Rc<str>>,
    /// Of several pools for a namespace, the one with the smallest number comes first; 0 comes last.
    pub priority: i64,
}

impl Pool {
    /// Returns whether an address may be given from the pool.
    pub fn contains(&self, address: Ipv4Addr) -> bool {
        let is_buggy = matches!(address.octets()[3], 0 | 255);
        !(self.avoids_buggy_ips && is_buggy) && self.ranges.iter().any(|range| range.contains(address))
    }
}

/// The pools by name.
pub type Config = BTreeMap<Rc<str>, Pool>;

/// A whole configuration.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Loaded {
    /// The pools.
    pub pools: Config,
    /// The routers that speakers hold sessions with.
    pub peers: Vec<Rc<Peer>>,
}

/// Reads the text of the ConfigMap's key `config`.
///
/// # Errors
/// MetalLB's own words.
// Models go.universe.tf/metallb internal/config/config.go Parse
pub fn parse(text: &str) -> Result<Config, String> {
    parse_all(text, &[]).map(|loaded| loaded.pools)
}

/// Reads all of it, given the nodes there are.
pub(crate) fn parse_all(text: &str, nodes: &[&Value]) -> Result<Loaded, String> {
    let raw = yaml::parse_one(text).map_err(|error| format!("could not parse config: {}", error.message))?;
    let mut peers = Vec::new();
    for (number, peer) in raw["peers"].items().iter().enumerate() {
        let name = format!("peer-{}", number + 1);
        let parsed = Peer::of(&name, peer, &DASHED, &BTreeMap::new(), nodes)
            .map_err(|error| format!("parsing peer #{}: {error}", number + 1))?;
        peers.push(Rc::new(parsed));
    }
    let communities: BTreeMap<Rc<str>, Rc<str>> =
        raw["bgp-communities"].fields().iter().map(|(name, value)| (name.into(), value.text())).collect();
    let mut pools = Config::new();
    for (number, pool) in raw["address-pools"].items().iter().enumerate() {
        let number = number + 1;
        let parsed = parse_pool(pool, &communities)
            .map_err(|error| format!("parsing address pool #{number}: {error}"))?;
        let name = pool["name"].text();
        if pools.contains_key(&name) {
            return Err(format!("duplicate definition of pool {}", quote(&name)));
        }
        check_overlap(&pools, &name, &parsed.ranges)?;
        pools.insert(name, parsed);
    }
    Ok(Loaded { pools, peers })
}

/// Checks that no other pool has an address of these.
pub(crate) fn check_overlap(pools: &Config, name: &str, ranges: &[Range]) -> Result<(), String> {
    let others = || pools.values().flat_map(|pool| &pool.ranges);
    for (number, range) in ranges.iter().enumerate() {
        let before = ranges.get(..number).unwrap_or(&[]);
        if let Some(other) = others().chain(before).find(|other| overlap(other, range)) {
            let (a, b) = (cidr_text(range), cidr_text(other));
            return Err(format!(
                "CIDR {} in pool {} overlaps with already defined CIDR {}",
                quote(&a),
                quote(name),
                quote(&b)
            ));
        }
    }
    Ok(())
}

fn overlap(a: &Range, b: &Range) -> bool {
    a.first <= b.last && b.first <= a.last
}

fn cidr_text(range: &Range) -> String {
    format!("{}-{}", range.first, range.last)
}

fn parse_pool(pool: &Value, communities: &BTreeMap<Rc<str>, Rc<str>>) -> Result<Pool, String> {
    let name = pool["name"].str();
    if name.is_empty() {
        return Err("missing pool name".to_string());
    }
    let ranges = ranges_of(name, &pool["addresses"])?;
    let protocol = pool["protocol"].text();
    let (mut layer2, mut bgp) = (Vec::new(), Vec::new());
    match &*protocol {
        "layer2" if !pool["bgp-advertisements"].is_empty() => {
            return Err(
                "cannot have bgp-advertisements configuration element in a layer2 address pool".to_string()
            );
        }
        "layer2" => layer2.push(Layer2::default()),
        "bgp" => {
            for one in pool["bgp-advertisements"].items() {
                let one = Bgp::of(one, &DASHED, communities, &[])
                    .and_then(|one| one.check(&ranges).map(|()| one))
                    .map_err(|error| format!("parsing bgp advertisements: {error}"))?;
                bgp.push(one);
            }
            if bgp.is_empty() {
                bgp.push(Bgp::usual());
            }
        }
        "" => return Err("address pool is missing the protocol field".to_string()),
        other => return Err(format!("unknown protocol {}", quote(other))),
    }
    Ok(Pool {
        layer2,
        bgp,
        ranges,
        avoids_buggy_ips: pool["avoid-buggy-ips"].is_true(),
        is_automatic: pool["auto-assign"].as_bool().unwrap_or(true),
        namespaces: BTreeSet::new(),
        priority: 0,
    })
}

/// Reads a pool's addresses.
pub(crate) fn ranges_of(name: &str, addresses: &Value) -> Result<Vec<Range>, String> {
    let addresses = addresses.items();
    if addresses.is_empty() {
        return Err("pool has no prefixes defined".to_string());
    }
    let mut ranges = Vec::new();
    for address in addresses {
        let text = address.str();
        let range = parse_range(text)
            .map_err(|error| format!("invalid CIDR {} in pool {}: {error}", quote(text), quote(name)))?;
        ranges.push(range);
    }
    Ok(ranges)
}

/// Reads `10.64.140.0/28` or `10.64.140.43-10.64.140.49`.
// Models go.universe.tf/metallb internal/config/config.go ParseCIDR
pub(crate) fn parse_range(text: &str) -> Result<Range, String> {
    let Some((first, last)) = text.split_once('-') else {
        let network = network::Cidr::parse(text).filter(|_| text.contains('/'));
        let network = network.ok_or_else(|| format!("invalid CIDR {}", quote(text)))?;
        return Ok(Range { first: network.address(), last: network.last() });
    };
    let end = |end: &str, which: &str| {
        end.trim()
            .parse::<Ipv4Addr>()
            .map_err(|_| format!("invalid IP range {}: invalid {which} IP {}", quote(text), quote(end)))
    };
    let range = Range { first: end(first, "start")?, last: end(last, "end")? };
    if range.first > range.last {
        return Err(format!(
            "invalid IP range {}: start IP {} is after the end IP {}",
            quote(text),
            quote(&range.first.to_string()),
            quote(&range.last.to_string())
        ));
    }
    Ok(range)
}
