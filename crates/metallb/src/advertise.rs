//! Who tells of a pool's addresses, and to whom: advertisements and peers, in both forms of the configuration.

use crate::config::Range;
use api::go::{parse_duration, quote};
use api::label::Selector;
use api::{Value, meta};
use sim::{MILLISECOND, Nanos, SECOND};
use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;
use std::rc::Rc;

/// The nodes that something is for; `None` for all.
pub(crate) type Nodes = Option<BTreeSet<Rc<str>>>;

/// Returns whether something is for a node.
pub(crate) fn is_for(nodes: &Nodes, node: &str) -> bool {
    nodes.as_ref().is_none_or(|nodes| nodes.contains(node))
}

/// How ARP tells of a pool's addresses.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Layer2 {
    pub(crate) nodes: Nodes,
    /// The interfaces that answer; none stands for all.
    pub(crate) interfaces: BTreeSet<Rc<str>>,
}

/// How BGP tells of a pool's addresses.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Bgp {
    pub(crate) nodes: Nodes,
    /// How long the prefix is.
    pub(crate) aggregation: u8,
    /// How much its routes are preferred; 0 for no word on it.
    pub(crate) local_pref: u32,
    /// Its communities, in order.
    pub(crate) communities: Vec<Rc<str>>,
    /// The names of the peers; none stands for all.
    pub(crate) peers: BTreeSet<Rc<str>>,
}

/// A router that the speakers hold sessions with.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Peer {
    /// Its name in the configuration.
    pub name: Rc<str>,
    /// Its address.
    pub address: Ipv4Addr,
    /// Its autonomous system.
    pub asn: u32,
    /// The speakers' own.
    pub own_asn: u32,
    /// The speakers' identity, where it isn't their address.
    pub router_id: Option<Ipv4Addr>,
    /// After what silence the session is over; 0 for never.
    pub hold: Nanos,
    /// How often something is said.
    pub keepalive: Nanos,
    /// After what silence BFD ends the session; 0 without BFD.
    pub detect: Nanos,
    pub(crate) nodes: Nodes,
}

/// Returns the nodes that selectors mean, of those there are; all without selectors.
pub(crate) fn selected(selectors: &Value, nodes: &[&Value]) -> Nodes {
    let selectors: Vec<Selector> = selectors.items().iter().map(Selector::from_label_selector).collect();
    if selectors.is_empty() {
        return None;
    }
    let fits = |node: &&&Value| selectors.iter().any(|one| one.matches(meta::labels(node)));
    Some(nodes.iter().filter(fits).map(|node| Rc::from(meta::name(node))).collect())
}

fn names(list: &Value) -> BTreeSet<Rc<str>> {
    list.items().iter().map(Value::text).collect()
}

impl Layer2 {
    pub(crate) fn of(spec: &Value, nodes: &[&Value]) -> Layer2 {
        Layer2 { nodes: selected(&spec["nodeSelectors"], nodes), interfaces: names(&spec["interfaces"]) }
    }
}

/// The words for fields, which the two forms spell in their own ways.
pub(crate) struct Words {
    pub(crate) aggregation: &'static str,
    pub(crate) local_pref: &'static str,
    pub(crate) peer_address: &'static str,
    pub(crate) peer_asn: &'static str,
    pub(crate) own_asn: &'static str,
    pub(crate) hold: &'static str,
    pub(crate) keepalive: &'static str,
    pub(crate) router_id: &'static str,
    pub(crate) nodes: &'static str,
}

/// Those of the ConfigMap.
pub(crate) const DASHED: Words = Words {
    aggregation: "aggregation-length",
    local_pref: "localpref",
    peer_address: "peer-address",
    peer_asn: "peer-asn",
    own_asn: "my-asn",
    hold: "hold-time",
    keepalive: "keepalive-time",
    router_id: "router-id",
    nodes: "node-selectors",
};

/// Those of objects.
pub(crate) const CAMEL: Words = Words {
    aggregation: "aggregationLength",
    local_pref: "localPref",
    peer_address: "peerAddress",
    peer_asn: "peerASN",
    own_asn: "myASN",
    hold: "holdTime",
    keepalive: "keepaliveTime",
    router_id: "routerID",
    nodes: "nodeSelectors",
};

impl Bgp {
    /// What the ConfigMap means where it has no advertisements for a pool.
    pub(crate) fn usual() -> Bgp {
        Bgp { nodes: None, aggregation: 32, local_pref: 0, communities: Vec::new(), peers: BTreeSet::new() }
    }

    /// Reads an advertisement.
    ///
    /// # Errors
    /// MetalLB's own words.
    // Models go.universe.tf/metallb internal/config/config.go bgpAdvertisementFromCR
    pub(crate) fn of(
        spec: &Value,
        words: &Words,
        known: &BTreeMap<Rc<str>, Rc<str>>,
        nodes: &[&Value],
    ) -> Result<Bgp, String> {
        let length = spec[words.aggregation].as_int().unwrap_or(32);
        let aggregation = u8::try_from(length)
            .ok()
            .filter(|length| *length <= 32)
            .ok_or_else(|| format!("invalid aggregation length {}", quote(&length.to_string())))?;
        let mut communities = BTreeSet::new();
        for one in spec["communities"].items() {
            let text = one.str();
            let value = known.get(text).map_or(text, |value| value);
            if !is_community(value) {
                return Err(format!("invalid community {} in BGP advertisement", quote(text)));
            }
            communities.insert(Rc::from(value));
        }
        Ok(Bgp {
            nodes: selected(&spec["nodeSelectors"], nodes),
            aggregation,
            local_pref: u32::try_from(spec[words.local_pref].int()).unwrap_or(0),
            communities: communities.into_iter().collect(),
            peers: names(&spec["peers"]),
        })
    }

    /// Checks that the prefix isn't wider than the pool's addresses.
    pub(crate) fn check(&self, ranges: &[Range]) -> Result<(), String> {
        for range in ranges {
            let lowest = shortest_prefix(*range);
            if self.aggregation < lowest {
                return Err(format!(
                    "invalid aggregation length {}: prefix {lowest} in this pool is more specific than the aggregation \
                     length for addresses {}-{}",
                    self.aggregation, range.first, range.last
                ));
            }
        }
        Ok(())
    }
}

fn is_community(text: &str) -> bool {
    let parts: Vec<&str> = text.split(':').collect();
    match parts.as_slice() {
        [high, low] => high.parse::<u16>().is_ok() && low.parse::<u16>().is_ok(),
        ["large", a, b, c] => [a, b, c].iter().all(|part| part.parse::<u32>().is_ok()),
        _ => false,
    }
}

/// Returns the prefix length of the widest network within a run of addresses.
fn shortest_prefix(range: Range) -> u8 {
    let (mut first, last) = (u64::from(u32::from(range.first)), u64::from(u32::from(range.last)));
    let mut shortest = 32;
    while first <= last {
        let aligned = first.trailing_zeros().min(32);
        let fits = (last - first + 1).ilog2();
        let bits = aligned.min(fits);
        shortest = shortest.min(32 - bits as u8);
        first += 1 << bits;
    }
    shortest
}

impl Peer {
    /// Reads a peer.
    ///
    /// # Errors
    /// MetalLB's own words.
    // Models go.universe.tf/metallb internal/config/config.go peerFromCR
    pub(crate) fn of(
        name: &str,
        spec: &Value,
        words: &Words,
        profiles: &BTreeMap<Rc<str>, Nanos>,
        nodes: &[&Value],
    ) -> Result<Peer, String> {
        let number = |field: &str| u32::try_from(spec[field].int()).unwrap_or(0);
        let (own_asn, asn) = (number(words.own_asn), number(words.peer_asn));
        if own_asn == 0 {
            return Err("missing local ASN".to_string());
        }
        if asn == 0 {
            return Err("missing peer ASN".to_string());
        }
        let text = spec[words.peer_address].str();
        let address = text.parse().map_err(|_| format!("invalid peer IP {}", quote(text)))?;
        let span = |field: &str, usual: Nanos| match spec[field].str() {
            "" => Ok(usual),
            text => parse_duration(text).ok_or_else(|| format!("invalid hold time {}", quote(text))),
        };
        let hold = span(words.hold, 90 * SECOND)?;
        if hold != 0 && hold < 3 * SECOND {
            return Err(format!("invalid hold time {}: must be 0 or >=3s", quote(&api::go::duration(hold))));
        }
        let keepalive = span(words.keepalive, hold / 3)?.max(SECOND);
        let router_id = match spec[words.router_id].str() {
            "" => None,
            text => Some(text.parse().map_err(|_| format!("invalid router ID {}", quote(text)))?),
        };
        let detect = match spec["bfdProfile"].str() {
            "" => 0,
            profile => *profiles.get(profile).ok_or_else(|| {
                format!("peer {} referencing non existing bfd profile {}", quote(text), quote(profile))
            })?,
        };
        let nodes = match words.nodes {
            "nodeSelectors" => selected(&spec["nodeSelectors"], nodes),
            field => selected(&in_new_words(&spec[field]), nodes),
        };
        Ok(Peer { name: name.into(), address, asn, own_asn, router_id, hold, keepalive, detect, nodes })
    }
}

/// Returns the ConfigMap's selectors as objects have them.
fn in_new_words(selectors: &Value) -> Value {
    let renamed = selectors.items().iter().map(|one| {
        let mut out = Value::map();
        out.set(&["matchLabels"], &one["match-labels"]);
        out.set(&["matchExpressions"], &one["match-expressions"]);
        out
    });
    renamed.collect()
}

/// Returns after what silence a BFD profile takes a neighbour for dead.
pub(crate) fn detection(profile: &Value) -> Nanos {
    let spec = &profile["spec"];
    let interval = spec["receiveInterval"].as_int().unwrap_or(300).clamp(10, 60_000);
    let multiplier = spec["detectMultiplier"].as_int().unwrap_or(3).clamp(2, 255);
    interval * multiplier * MILLISECOND
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::parse_range;
    use api::tree;

    #[test]
    fn an_advertisement_is_no_wider_than_the_pool() {
        for (range, length, is_good) in [
            ("203.0.113.0/24", 32, true),
            ("203.0.113.0/24", 24, true),
            ("203.0.113.0/24", 23, false),
            ("203.0.113.10-203.0.113.19", 30, true),
            ("203.0.113.10-203.0.113.19", 29, false),
            ("203.0.113.7-203.0.113.7", 31, false),
        ] {
            let bgp = Bgp { aggregation: length, ..Bgp::usual() };
            assert_eq!(bgp.check(&[parse_range(range).unwrap()]).is_ok(), is_good, "{range} /{length}");
        }
    }

    #[test]
    fn peers_are_read_or_refused() {
        let profiles = BTreeMap::from([(Rc::from("fast"), 900 * MILLISECOND)]);
        let good = tree!({"myASN": 64500, "peerASN": 64501, "peerAddress": "10.64.140.1"});
        let with = |field: &str, value: &str| {
            let mut spec = good.clone();
            spec.set(&[field], value);
            Peer::of("p", &spec, &CAMEL, &profiles, &[]).map(|peer| (peer.hold / SECOND, peer.detect))
        };
        for (field, value, expected) in [
            ("password", "", Ok((90, 0))),
            ("holdTime", "30s", Ok((30, 0))),
            ("holdTime", "0s", Ok((0, 0))),
            ("bfdProfile", "fast", Ok((90, 900 * MILLISECOND))),
            ("holdTime", "2s", Err(r#"invalid hold time "2s": must be 0 or >=3s"#)),
            ("holdTime", "soon", Err(r#"invalid hold time "soon""#)),
            ("peerAddress", "router", Err(r#"invalid peer IP "router""#)),
            ("peerASN", "", Err("missing peer ASN")),
            ("myASN", "", Err("missing local ASN")),
            ("routerID", "x", Err(r#"invalid router ID "x""#)),
            ("bfdProfile", "slow", Err(r#"peer "10.64.140.1" referencing non existing bfd profile "slow""#)),
        ] {
            assert_eq!(
                with(field, value).map_err(|error| error.to_string()),
                expected.map_err(str::to_string),
                "{field}"
            );
        }
    }
}
