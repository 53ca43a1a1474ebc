//! Load for benchmarks: many requests to an API server that stands alone.

use api::{Accept, Method, PatchType, Request, Value, tree};
use apiserver::{ApiServer, Options};
use sim::{MILLISECOND, Time};
use std::collections::BTreeSet;
use std::net::Ipv4Addr;
use std::rc::Rc;

/// An API server without a cluster around it, and the requests that a benchmark sends to it.
pub struct ApiLoad {
    server: ApiServer,
    now: Time,
    pods: u32,
}

impl Default for ApiLoad {
    fn default() -> Self {
        ApiLoad::new()
    }
}

impl ApiLoad {
    /// Starts the server, as empty as a new cluster's.
    pub fn new() -> ApiLoad {
        let now = Time::EPOCH;
        let mut load = ApiLoad { server: ApiServer::new(now, Options::default()), now, pods: 0 };
        // Where the server doesn't make them itself, as upstream's controllers would.
        let namespace = tree!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "default"}});
        load.send(&Request::new(Method::Post, "/api/v1/namespaces").body(&namespace));
        let account = tree!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "default"}});
        load.send(&Request::new(Method::Post, "/api/v1/namespaces/default/serviceaccounts").body(&account));
        load
    }

    fn send(&mut self, request: &Request) -> api::Response {
        self.now = self.now + MILLISECOND;
        self.server.handle(self.now, request)
    }

    fn pod(number: u32) -> String {
        format!("/api/v1/namespaces/default/pods/web-{number}")
    }

    /// Creates so many pods with one request each. Returns how many were created.
    pub fn create_pods(&mut self, count: u32) -> u64 {
        let container = tree!({
            "name": "nginx", "image": "nginx:1.16", "ports": [{"containerPort": 80}],
            "resources": {"requests": {"cpu": "100m", "memory": "64Mi"}},
        });
        let mut pod = tree!({
            "apiVersion": "v1", "kind": "Pod",
            "metadata": {"name": "", "labels": {"app": "web"}},
            "spec": {"containers": [(container)]},
        });
        let mut created = 0;
        for _ in 0..count {
            pod.set(&["metadata", "name"], format!("web-{}", self.pods));
            self.pods += 1;
            let request = Request::new(Method::Post, "/api/v1/namespaces/default/pods").body(&pod);
            created += u64::from(self.send(&request).is_success());
        }
        created
    }

    /// Gets one pod after the other. Returns how many were got.
    pub fn get_pods(&mut self, count: u32) -> u64 {
        let pods = self.pods.max(1);
        let get = |load: &mut ApiLoad, n| load.send(&Request::new(Method::Get, ApiLoad::pod(n % pods)));
        (0..count).map(|n| u64::from(get(self, n).is_success())).sum()
    }

    /// Lists the pods as the table that kubectl prints, so many times. Returns how many rows came.
    pub fn list_pods(&mut self, count: u32) -> u64 {
        let request = Request::new(Method::Get, "/api/v1/namespaces/default/pods").accept(Accept::Table);
        (0..count).map(|_| self.send(&request).body["rows"].items().len() as u64).sum()
    }

    /// Opens watches for all pods. Returns how many were opened.
    pub fn watch_pods(&mut self, count: u32) -> u64 {
        let request = Request::new(Method::Get, "/api/v1/pods").query("watch", "true");
        (0..count).map(|_| u64::from(self.send(&request).stream != 0)).sum()
    }

    /// Changes an annotation of one pod after the other, and takes what the watchers are told. Returns
    /// how many changes were made.
    pub fn change_pods(&mut self, count: u32) -> u64 {
        let pods = self.pods.max(1);
        let mut changed = 0;
        for n in 0..count {
            let patch: Value = tree!({"metadata": {"annotations": {"n": (n.to_string())}}});
            let mut request = Request::new(Method::Patch, ApiLoad::pod(n % pods)).body(&patch);
            request.patch = PatchType::Merge;
            changed += u64::from(self.send(&request).is_success());
            self.server.take_watch_events();
        }
        changed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn its_requests_are_answered() {
        let mut load = ApiLoad::new();
        assert_eq!(load.create_pods(3), 3);
        assert_eq!(load.get_pods(5), 5);
        assert_eq!(load.list_pods(2), 6);
        assert_eq!(load.watch_pods(4), 4);
        load.server.take_watch_events();
        assert_eq!(load.change_pods(2), 2);
        let patch = tree!({"metadata": {"annotations": {"n": "x"}}});
        load.send(&Request::new(Method::Patch, ApiLoad::pod(0)).body(&patch));
        assert_eq!(load.server.take_watch_events().len(), 4, "each watcher is told");
    }
}

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
            node_name: "node-1".into(),
            node_ip: address,
            cluster_cidr: network::Cidr::parse("10.0.0.0/8"),
            masquerade_all: false,
            zone: "".into(),
            scheduler: "rr",
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
