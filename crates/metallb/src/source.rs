//! Where the configuration comes from: a ConfigMap, as before v0.13, or objects of its own kinds.

use crate::advertise::{Bgp, CAMEL, Layer2, Peer, detection};
use crate::config::{self, Config, Loaded, Pool, ranges_of};
use crate::controller::CONFIG;
use crate::manifests::NAMESPACE;
use api::label::Selector;
use api::resources::{CONFIGMAPS, NODES};
use api::{Resource, Value, meta};
use client::{Informers, WatchSpec};
use sim::Nanos;
use std::collections::BTreeMap;
use std::rc::Rc;

/// `ipaddresspools` of `metallb.io/v1beta1`.
pub const IPADDRESSPOOLS: Resource = own("ipaddresspools", "IPAddressPool");
/// `l2advertisements` of `metallb.io/v1beta1`.
pub const L2ADVERTISEMENTS: Resource = own("l2advertisements", "L2Advertisement");
/// `bgpadvertisements` of `metallb.io/v1beta1`.
pub const BGPADVERTISEMENTS: Resource = own("bgpadvertisements", "BGPAdvertisement");

/// `bgppeers` of `metallb.io/v1beta2`.
pub const BGPPEERS: Resource = Resource { version: "v1beta2", ..own("bgppeers", "BGPPeer") };
/// `bfdprofiles` of `metallb.io/v1beta1`.
pub const BFDPROFILES: Resource = own("bfdprofiles", "BFDProfile");
/// `communities` of `metallb.io/v1beta1`.
pub const COMMUNITIES: Resource = own("communities", "Community");

/// What is watched of the configuration that objects make.
const WATCHED: [Resource; 6] =
    [IPADDRESSPOOLS, L2ADVERTISEMENTS, BGPADVERTISEMENTS, BGPPEERS, BFDPROFILES, COMMUNITIES];

const fn own(plural: &'static str, kind: &'static str) -> Resource {
    Resource { group: "metallb.io", version: "v1beta1", plural, kind, namespaced: true }
}

/// In which form the configuration is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// The ConfigMap `config`.
    ConfigMap,
    /// IPAddressPools, their advertisements, and peers.
    Resources,
    /// The same, and FRRouting beside the speaker, which knows BFD.
    Frr,
}

impl Form {
    /// Returns the form that a pod's program reads: the ConfigMap where its arguments name one.
    pub fn of(pod: &Value) -> Form {
        let container = &pod["spec"]["containers"][0];
        let is_frr = |one: &Value| one["name"].str() == "METALLB_BGP_TYPE" && one["value"].str() == "frr";
        if container["args"].items().iter().any(|arg| arg.str().starts_with("--config=")) {
            Form::ConfigMap
        } else if container["env"].items().iter().any(is_frr) {
            Form::Frr
        } else {
            Form::Resources
        }
    }

    /// Returns what is watched of the configuration.
    pub(crate) fn watches(self) -> Vec<WatchSpec> {
        match self {
            Form::ConfigMap => vec![WatchSpec {
                namespace: NAMESPACE.to_string(),
                ..WatchSpec::with_fields(CONFIGMAPS, "metadata.name=config")
            }],
            Form::Resources | Form::Frr => WATCHED
                .map(|resource| WatchSpec { namespace: NAMESPACE.to_string(), ..WatchSpec::all(resource) })
                .to_vec(),
        }
    }

    /// Reads the configuration; `None` where there is none at all.
    ///
    /// # Errors
    /// MetalLB's own words.
    pub(crate) fn load(self, informers: &Informers) -> Result<Option<Loaded>, String> {
        let all = |resource| informers.of(resource).iter().collect::<Vec<_>>();
        let nodes = all(NODES);
        if self == Form::ConfigMap {
            return match informers.of(CONFIGMAPS).get(CONFIG) {
                Some(map) => config::parse_all(map["data"]["config"].str(), &nodes).map(Some),
                None => Ok(None),
            };
        }
        let profiles = all(BFDPROFILES);
        let profiles: BTreeMap<Rc<str>, Nanos> =
            profiles.into_iter().map(|one| (meta::name(one).into(), detection(one))).collect();
        let mut peers = Vec::new();
        for peer in all(BGPPEERS) {
            let name = meta::name(peer);
            let spec = &peer["spec"];
            if self == Form::Resources && !spec["bfdProfile"].str().is_empty() {
                let address = spec["peerAddress"].str();
                return Err(format!("peer {address} has bfd-profile set on native bgp mode"));
            }
            let parsed = Peer::of(name, spec, &CAMEL, &profiles, &nodes);
            peers.push(Rc::new(parsed.map_err(|error| format!("parsing peer {name}: {error}"))?));
        }
        let aliases = all(COMMUNITIES);
        let aliases = aliases.iter().flat_map(|one| one["spec"]["communities"].items());
        let aliases: BTreeMap<Rc<str>, Rc<str>> =
            aliases.map(|one| (one["name"].text(), one["value"].text())).collect();
        let mut pools = pools_of(&all(IPADDRESSPOOLS))?;
        for (advertisements, is_bgp) in [(all(L2ADVERTISEMENTS), false), (all(BGPADVERTISEMENTS), true)] {
            for one in advertisements {
                add_advertisement(&mut pools, &all(IPADDRESSPOOLS), one, is_bgp, &aliases, &nodes)?;
            }
        }
        Ok(Some(Loaded { pools, peers }))
    }
}

/// Reads IPAddressPools. One that nothing advertises gives addresses that nobody answers for.
// Models go.universe.tf/metallb internal/config/config.go poolsFor
fn pools_of(pools: &[&Value]) -> Result<Config, String> {
    let mut config = Config::new();
    for pool in pools {
        let name: Rc<str> = meta::name(pool).into();
        let spec = &pool["spec"];
        let failed = |error: String| format!("parsing address pool {name}: {error}");
        let ranges = ranges_of(&name, &spec["addresses"]).map_err(failed)?;
        config::check_overlap(&config, &name, &ranges)?;
        let allocation = &spec["serviceAllocation"];
        let namespaces = allocation["namespaces"].items().iter().map(Value::text).collect();
        config.insert(
            name,
            Pool {
                layer2: Vec::new(),
                bgp: Vec::new(),
                ranges,
                avoids_buggy_ips: spec["avoidBuggyIPs"].is_true(),
                is_automatic: spec["autoAssign"].as_bool().unwrap_or(true),
                namespaces,
                priority: allocation["priority"].int(),
            },
        );
    }
    Ok(config)
}

/// Gives an advertisement to the pools that it is for.
// Models go.universe.tf/metallb internal/config/config.go setBGPAdvertisementsToPools
fn add_advertisement(
    config: &mut Config,
    pools: &[&Value],
    one: &Value,
    is_bgp: bool,
    aliases: &BTreeMap<Rc<str>, Rc<str>>,
    nodes: &[&Value],
) -> Result<(), String> {
    let spec = &one["spec"];
    for pool in pools.iter().filter(|pool| advertises(one, pool)) {
        let Some(known) = config.get_mut(meta::name(pool)) else { continue };
        if !is_bgp {
            known.layer2.push(Layer2::of(spec, nodes));
            continue;
        }
        let bgp = Bgp::of(spec, &CAMEL, aliases, nodes)?;
        bgp.check(&known.ranges)?;
        known.bgp.push(bgp);
    }
    Ok(())
}

/// Returns whether an advertisement is for a pool: by its name, its labels, or because it names none.
fn advertises(advertisement: &Value, pool: &Value) -> bool {
    let spec = &advertisement["spec"];
    let (names, selectors) = (spec["ipAddressPools"].items(), spec["ipAddressPoolSelectors"].items());
    let is_selected = |one: &Value| Selector::from_label_selector(one).matches(meta::labels(pool));
    (names.is_empty() && selectors.is_empty())
        || names.iter().any(|name| name.str() == meta::name(pool))
        || selectors.iter().any(is_selected)
}
