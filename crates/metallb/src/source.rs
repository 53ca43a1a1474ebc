//! Where the configuration comes from: a ConfigMap, as before v0.13, or objects of its own kinds.

use crate::config::{self, Config, Pool, ranges_of};
use crate::controller::CONFIG;
use crate::manifests::NAMESPACE;
use api::label::Selector;
use api::resources::CONFIGMAPS;
use api::{Resource, Value, meta};
use client::{Informers, WatchSpec};
use std::rc::Rc;

/// `ipaddresspools` of `metallb.io/v1beta1`.
pub const IPADDRESSPOOLS: Resource = own("ipaddresspools", "IPAddressPool");
/// `l2advertisements` of `metallb.io/v1beta1`.
pub const L2ADVERTISEMENTS: Resource = own("l2advertisements", "L2Advertisement");
/// `bgpadvertisements` of `metallb.io/v1beta1`.
pub const BGPADVERTISEMENTS: Resource = own("bgpadvertisements", "BGPAdvertisement");

const fn own(plural: &'static str, kind: &'static str) -> Resource {
    Resource { group: "metallb.io", version: "v1beta1", plural, kind, namespaced: true }
}

/// In which form the configuration is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// The ConfigMap `config`.
    ConfigMap,
    /// IPAddressPools and their advertisements.
    Resources,
}

impl Form {
    /// Returns the form that a pod's program reads: the ConfigMap where its arguments name one.
    pub fn of(pod: &Value) -> Form {
        let args = &pod["spec"]["containers"][0]["args"];
        match args.items().iter().any(|arg| arg.str().starts_with("--config=")) {
            true => Form::ConfigMap,
            false => Form::Resources,
        }
    }

    /// Returns what is watched of the configuration.
    pub(crate) fn watches(self) -> Vec<WatchSpec> {
        match self {
            Form::ConfigMap => vec![WatchSpec {
                namespace: NAMESPACE.to_string(),
                ..WatchSpec::with_fields(CONFIGMAPS, "metadata.name=config")
            }],
            Form::Resources => [IPADDRESSPOOLS, L2ADVERTISEMENTS, BGPADVERTISEMENTS]
                .map(|resource| WatchSpec { namespace: NAMESPACE.to_string(), ..WatchSpec::all(resource) })
                .to_vec(),
        }
    }

    /// Reads the configuration; `None` where there is none at all.
    ///
    /// # Errors
    /// MetalLB's own words.
    pub(crate) fn load(self, informers: &Informers) -> Result<Option<Config>, String> {
        match self {
            Form::ConfigMap => match informers.of(CONFIGMAPS).get(CONFIG) {
                Some(map) => config::parse(map["data"]["config"].str()).map(Some),
                None => Ok(None),
            },
            Form::Resources => {
                let all = |resource| informers.of(resource).iter().collect::<Vec<_>>();
                pools_of(&all(IPADDRESSPOOLS), &all(L2ADVERTISEMENTS), &all(BGPADVERTISEMENTS)).map(Some)
            }
        }
    }
}

/// Reads IPAddressPools. One that nothing advertises gives addresses that nobody answers for.
// Models go.universe.tf/metallb internal/config/config.go poolsFor
fn pools_of(pools: &[&Value], layer2: &[&Value], bgp: &[&Value]) -> Result<Config, String> {
    let mut config = Config::new();
    for pool in pools {
        let name: Rc<str> = meta::name(pool).into();
        let spec = &pool["spec"];
        let failed = |error: String| format!("parsing address pool {name}: {error}");
        let ranges = ranges_of(&name, &spec["addresses"]).map_err(failed)?;
        config::check_overlap(&config, &name, &ranges)?;
        let is_told = |advertisements: &[&Value]| advertisements.iter().any(|one| advertises(one, pool));
        let protocol = match (is_told(layer2), is_told(bgp)) {
            (true, _) => "layer2",
            (false, true) => "bgp",
            (false, false) => "",
        };
        let allocation = &spec["serviceAllocation"];
        let namespaces = allocation["namespaces"].items().iter().map(Value::text).collect();
        config.insert(
            name,
            Pool {
                protocol: protocol.into(),
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

/// Returns whether an advertisement is for a pool: by its name, its labels, or because it names none.
fn advertises(advertisement: &Value, pool: &Value) -> bool {
    let spec = &advertisement["spec"];
    let (names, selectors) = (spec["ipAddressPools"].items(), spec["ipAddressPoolSelectors"].items());
    let is_selected = |one: &Value| Selector::from_label_selector(one).matches(meta::labels(pool));
    (names.is_empty() && selectors.is_empty())
        || names.iter().any(|name| name.str() == meta::name(pool))
        || selectors.iter().any(is_selected)
}
