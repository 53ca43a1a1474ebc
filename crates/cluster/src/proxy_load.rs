//! Load for benchmarks: many Services for the kube-proxy of one node.

use api::{Value, tree};
use std::collections::BTreeSet;
use std::net::Ipv4Addr;
use std::rc::Rc;

/// A node's kube-proxy without a cluster around it, and the changes that a benchmark makes.
pub struct ProxyLoad {
    network: network::Network,
    host: network::HostId,
    config: kube_proxy::Config,
    services: kube_proxy::ServiceMap,
    endpoints: kube_proxy::EndpointsMap,
    active: kube_proxy::ActiveChains,
    each: u32,
}

impl ProxyLoad {
    /// Makes a node without rules, and so many Services with so many endpoints each.
    pub fn new(services: u32, each: u32) -> ProxyLoad {
        let segment = network::Cidr::new([10, 64, 140, 0].into(), 24);
        let mut network = network::Network::new(sim::Chance::new(1), sim::Timing::default(), segment);
        let address = [10, 64, 140, 11].into();
        let host = network.add_node("node-1", address);
        kube_proxy::ensure_jumps(&mut network, host);
        let config = kube_proxy::Config {
            cluster_cidr: network::Cidr::parse("10.0.0.0/8"),
            ..kube_proxy::Config::new("node-1", address)
        };
        let mut load = ProxyLoad {
            network,
            host,
            config,
            services: kube_proxy::ServiceMap::new(),
            endpoints: kube_proxy::EndpointsMap::new(),
            active: kube_proxy::ActiveChains::new(),
            each,
        };
        for number in 0..services {
            let ip = Ipv4Addr::from(0x0a60_0100 + number);
            let service = tree!({
                "metadata": {"namespace": "default", "name": (format!("web-{number}"))},
                "spec": {"type": "ClusterIP", "clusterIP": (ip.to_string()),
                    "ports": [{"port": 80, "protocol": "TCP"}]},
            });
            load.services.extend(kube_proxy::ports_of(&service));
            load.set_endpoints(number, 0);
        }
        load
    }

    /// Gives a Service its endpoints, the first of which depends on `first`.
    fn set_endpoints(&mut self, number: u32, first: u32) {
        let address = |place: u32| {
            let place = if place == 0 { 0x0080_0000 + first * self.each } else { place };
            Ipv4Addr::from(0x0a00_0000 + 0x0100_0000 + number * self.each + place).to_string()
        };
        let list: Value = (0..self.each).map(|place| tree!({"addresses": [(address(place))]})).collect();
        let name = format!("web-{number}");
        let slice = tree!({
            "metadata": {"namespace": "default", "name": (&name),
                "labels": {"kubernetes.io/service-name": (&name)}},
            "addressType": "IPv4",
            "ports": [{"name": "", "port": 8080, "protocol": "TCP"}],
            "endpoints": list,
        });
        let service: Rc<str> = format!("default/{name}").into();
        let node = &self.config.node_name;
        self.endpoints.extend(kube_proxy::endpoints_of(&service, std::iter::once(&slice), node));
    }

    /// Writes all rules. Returns how many Services they are of.
    pub fn sync(&mut self) -> u64 {
        let sync = kube_proxy::Sync::Full(&BTreeSet::new());
        let written = kube_proxy::restore(&self.services, &self.endpoints, &self.config, sync);
        let done = self.network.restore(self.host, &written.text);
        debug_assert!(done.is_ok(), "{done:?}");
        self.active = written.active;
        self.services.len() as u64
    }

    /// Replaces one endpoint of one Service, so many times, and writes what changed each time.
    pub fn change(&mut self, times: u32) -> u64 {
        let services = self.services.len() as u32;
        for time in 0..times {
            let number = time % services.max(1);
            self.set_endpoints(number, time + 1);
            let changed = BTreeSet::from([Rc::from(format!("default/web-{number}"))]);
            let sync = kube_proxy::Sync::Partial(&changed, &self.active);
            let written = kube_proxy::restore(&self.services, &self.endpoints, &self.config, sync);
            let done = self.network.restore(self.host, &written.text);
            debug_assert!(done.is_ok(), "{done:?}");
            self.active.extend(written.active);
        }
        times.into()
    }
}
