//! What control planes of Gateways send to the nginx of each.

use super::Addon;
use crate::Cluster;
use network::HostId;
use nginx_gateway_fabric::Config;
use std::collections::BTreeMap;
use std::rc::Rc;

/// What a control plane has for each Gateway.
type Configs = BTreeMap<Rc<str>, Rc<Config>>;

/// Sends each nginx its configuration, where it has another one and can be reached.
pub(super) fn push(cluster: &mut Cluster) {
    let Cluster { wires, parts, .. } = cluster;
    let mut known: Vec<(HostId, Configs)> = Vec::new();
    for addon in parts.addons.running.values() {
        if let Addon::Gateways(plane) = addon
            && let Some(pod) = wires.pod_by_key(plane.pod())
        {
            known.push((pod.host, plane.configs().clone()));
        }
    }
    if known.is_empty() {
        return;
    }
    for addon in parts.addons.running.values_mut() {
        let Addon::Gateway(plane) = addon else { continue };
        let Some(host) = wires.pod_by_key(plane.pod()).map(|pod| pod.host) else { continue };
        for (from, configs) in &known {
            let Some(config) = configs.get(plane.gateway()) else { continue };
            let is_new = plane.config().is_none_or(|old| !Rc::ptr_eq(old, config));
            if is_new && wires.network.can_reach(*from, host) {
                plane.configure(config.clone());
            }
        }
    }
}
