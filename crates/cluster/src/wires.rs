//! Where the parts meet the network: pods are hosts, their containers' programs are applications, and
//! everybody who asks over the network is told the outcome.

use kubelet::cri::Storage;
use kubelet::{Origin, Outgoing, PodEndpoint, PodNetwork};
use network::{Answer, Application, Cidr, Connect, ExchangeId, HostId, Network, Protocol};
use sim::Time;
use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::rc::Rc;

/// Who asked over the network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Asker {
    /// The kubelet of a node, for itself or one of its pods, under its own number.
    Kubelet { node: Rc<str>, id: u64 },
    /// A program in a pod, under its own number.
    Addon { part: u32, id: u64 },
    /// A process of the console.
    Console,
    /// A benchmark, which only counts.
    Flood,
}

/// A pod on the network.
#[derive(Clone, Debug)]
pub(crate) struct PodHost {
    pub host: HostId,
    pub node: Rc<str>,
    pub key: Rc<str>,
    pub application: Application,
    /// Whether it uses its machine's network.
    pub on_machine: bool,
    /// Whether anything in it ever listened.
    pub listens: bool,
}

/// The network of all pods (`--cluster-cidr`).
pub(crate) const CLUSTER_CIDR: &str = controller_manager::CLUSTER_CIDR;

/// Where the numbers of the kube-proxies' own applications begin.
const PROXIES: u64 = 1 << 40;

/// Returns the number under which a node's kube-proxy answers health checks.
pub(crate) fn proxy_application(node: u32) -> Application {
    Application(PROXIES + u64::from(node))
}

/// Returns the node whose kube-proxy this application is.
pub(crate) fn proxy_of(application: Application) -> Option<u32> {
    application.0.checked_sub(PROXIES).and_then(|node| u32::try_from(node).ok())
}

/// The network, and who is who on it.
#[derive(Clone)]
pub(crate) struct Wires {
    pub network: Network,
    pub nodes: BTreeMap<Rc<str>, HostId>,
    pub client: HostId,
    /// The API server's address on the segment.
    pub apiserver: Ipv4Addr,
    /// The machine that has the API servers' common address, where there are several.
    pub virtual_server: Option<HostId>,
    /// Pods by uid.
    pub pods: BTreeMap<Rc<str>, PodHost>,
    /// Pods' uids by application.
    pub applications: BTreeMap<Application, Rc<str>>,
    pub askers: BTreeMap<ExchangeId, Asker>,
    pub storage: Storage,
    next_application: u64,
}

impl Wires {
    pub(crate) fn new(network: Network, client: HostId, apiserver: Ipv4Addr) -> Wires {
        Wires {
            network,
            nodes: BTreeMap::new(),
            client,
            apiserver,
            virtual_server: None,
            pods: BTreeMap::new(),
            applications: BTreeMap::new(),
            askers: BTreeMap::new(),
            storage: Storage::default(),
            next_application: 1,
        }
    }

    /// Opens a connection for somebody.
    pub(crate) fn connect(&mut self, now: Time, connect: Connect, asker: Asker) -> ExchangeId {
        let exchange = self.network.connect(now, connect);
        self.askers.insert(exchange, asker);
        exchange
    }

    /// Opens a connection for somebody, from a port of their choice.
    pub(crate) fn connect_from(
        &mut self,
        now: Time,
        connect: Connect,
        port: u16,
        asker: Asker,
    ) -> ExchangeId {
        let exchange = self.network.connect_from(now, connect, port);
        self.askers.insert(exchange, asker);
        exchange
    }

    /// Asks over the connection of an earlier exchange, or over a new one where that is closed. Returns the
    /// exchange, and whether the connection is the earlier one.
    pub(crate) fn connect_again(
        &mut self,
        now: Time,
        earlier: ExchangeId,
        connect: Connect,
        asker: Asker,
    ) -> (ExchangeId, bool) {
        match self.network.connect_again(now, earlier, connect.clone()) {
            Some(exchange) => {
                self.askers.insert(exchange, asker);
                (exchange, true)
            }
            None => (self.connect(now, connect, asker), false),
        }
    }

    /// Returns the pod with this `namespace/name` that is on the network.
    pub(crate) fn pod_by_key(&self, key: &str) -> Option<&PodHost> {
        self.pods.values().find(|pod| &*pod.key == key)
    }

    /// Returns the pod that a host is.
    pub(crate) fn pod_by_host(&self, host: HostId) -> Option<&PodHost> {
        // What comes from a machine, or ends there, is its own where no pod on its network listens.
        self.pods.values().find(|pod| pod.host == host && (pod.listens || !pod.on_machine))
    }

    /// Returns whether no link is cut between a host and the API server's machine.
    pub(crate) fn reaches_apiserver(&self, host: HostId) -> bool {
        let topology = self.network.topology();
        topology.has_no_cuts()
            || topology.by_address(self.apiserver).is_none_or(|server| !topology.is_cut(host, server))
    }

    /// Returns the machine that answers for an announced address, as those outside of the cluster find it:
    /// of several that do for a moment, the one that was heard last.
    pub(crate) fn answers_arp(&self, now: Time, address: Ipv4Addr) -> Option<HostId> {
        let topology = self.network.topology();
        let announcers = || topology.announced().filter(|(one, _)| *one == address).map(|(_, node)| node);
        let known = topology.arp_cache(now, self.client).find(|(one, _, valid)| *one == address && *valid);
        let known = known.map(|(_, owner, _)| owner).filter(|owner| announcers().any(|one| one == *owner));
        known.or_else(|| announcers().next())
    }

    /// Gives a node the addresses of its pods, and the rules that flannel keeps there, where it is what makes the
    /// pods' network.
    pub(crate) fn set_pod_network(&mut self, node: HostId, range: Cidr) {
        if self.network.topology().pod_network(node) != Some(range) {
            self.network.set_pod_network(node, range);
            self.write_flannel_rules(node);
        }
    }

    /// Writes the rules that flannel keeps on a node, where it is what makes the pods' network.
    pub(crate) fn write_flannel_rules(&mut self, node: HostId) {
        let topology = self.network.topology();
        let own = topology.pod_network(node).filter(|_| topology.is_overlaid());
        if let Some((own, all)) = own.zip(Cidr::parse(CLUSTER_CIDR)) {
            // The text is our own, so that it can be read.
            let _ = self.network.restore(node, &network::flannel_rules(all, own));
        }
    }

    fn pod(&mut self, pod: &PodEndpoint) -> Option<&PodHost> {
        if !self.pods.contains_key(&pod.uid) {
            let node = *self.nodes.get(&pod.node)?;
            let host = if pod.host_network { node } else { self.network.add_pod(node, &pod.key, pod.ip) };
            let application = Application(self.next_application);
            self.next_application += 1;
            self.applications.insert(application, pod.uid.clone());
            let (node, key) = (pod.node.clone(), pod.key.clone());
            self.pods.insert(
                pod.uid.clone(),
                PodHost { host, node, key, application, on_machine: pod.host_network, listens: false },
            );
        }
        self.pods.get(&pod.uid)
    }
}

impl PodNetwork for Wires {
    fn set_range(&mut self, node: &str, range: &str) {
        if let Some((host, range)) = self.nodes.get(node).copied().zip(Cidr::parse(range)) {
            self.set_pod_network(host, range);
        }
    }

    fn set_up(&mut self, _at: Time, pod: &PodEndpoint) {
        self.pod(pod);
    }

    fn tear_down(&mut self, at: Time, pod: &PodEndpoint) {
        let Some(gone) = self.pods.remove(&pod.uid) else { return };
        self.applications.remove(&gone.application);
        self.network.close_application(at, gone.application);
        if !pod.host_network {
            self.network.remove(gone.host);
        }
    }

    fn listen(&mut self, _at: Time, pod: &PodEndpoint, protocol: Protocol, port: u16) {
        if let Some(PodHost { host, application, .. }) = self.pod(pod).cloned() {
            self.pods.entry(pod.uid.clone()).and_modify(|pod| pod.listens = true);
            self.network.listen(host, protocol, port, application);
        }
    }

    fn close(&mut self, _at: Time, pod: &PodEndpoint, protocol: Protocol, port: u16) {
        if let Some(host) = self.pod(pod).map(|pod| pod.host) {
            self.network.close(host, protocol, port);
        }
    }

    fn iptables(&mut self, node: &str, words: &[&str]) -> bool {
        let host = self.nodes.get(node).copied();
        host.is_some_and(|host| self.network.iptables_command(host, words).code == 0)
    }

    fn forget_udp(&mut self, at: Time, node: &str, port: i64) {
        let Some(host) = self.nodes.get(node).copied() else { return };
        let to = format!(" dport={port} ");
        let is_one = |line: &str| line.starts_with("udp") && line.find(" dport=") == line.find(&to);
        self.network.conntrack_delete(host, at, is_one);
    }

    fn send(&mut self, at: Time, request: Outgoing) {
        let (node, from) = match &request.origin {
            Origin::Node(node) => (node.clone(), self.nodes.get(node).copied()),
            Origin::Pod(pod) => (pod.node.clone(), self.pod(pod).map(|pod| pod.host)),
        };
        let Some(from) = from else { return };
        let connect = Connect {
            from,
            owner: request.id,
            to: request.to.address,
            port: request.to.port,
            protocol: request.protocol,
            payload: request.payload,
            patience: request.timeout,
        };
        self.connect(at, connect, Asker::Kubelet { node, id: request.id });
    }

    fn answer(&mut self, at: Time, id: u64, answer: Answer) {
        self.network.reply(at, ExchangeId(id), answer);
    }

    fn storage(&mut self) -> &mut Storage {
        &mut self.storage
    }
}
