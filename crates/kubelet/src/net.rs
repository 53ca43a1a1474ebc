use crate::cri::Storage;
use network::{Answer, Payload, Protocol, Socket};
use sim::{Nanos, Time};
use std::net::Ipv4Addr;
use std::rc::Rc;

/// A pod as the network knows it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct PodEndpoint {
    /// The node that it is on.
    pub node: Rc<str>,
    /// Its uid.
    pub uid: Rc<str>,
    /// `namespace/name`.
    pub key: Rc<str>,
    /// Its address; the node's where it uses the node's network.
    pub ip: Ipv4Addr,
    /// Whether it uses the node's network.
    pub host_network: bool,
}

/// Who sends a request.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Origin {
    /// The node itself: the kubelet, which probes.
    Node(Rc<str>),
    /// A pod.
    Pod(PodEndpoint),
}

/// A request that a node or one of its pods sends.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Outgoing {
    /// By what number the outcome is told: see `Kubelet::on_reply`.
    pub id: u64,
    /// Who sends it.
    pub origin: Origin,
    /// Where it is sent to.
    pub to: Socket,
    /// The protocol.
    pub protocol: Protocol,
    /// What is sent.
    pub payload: Rc<Payload>,
    /// After how long the sender gives up.
    pub timeout: Nanos,
}

/// A request that has reached a pod.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct PodRequest {
    /// By what number it is answered: see [`PodNetwork::answer`].
    pub id: u64,
    /// The pod's own end.
    pub local: Socket,
    /// The other end, as the pod sees it.
    pub peer: Socket,
    /// The protocol.
    pub protocol: Protocol,
    /// What was sent.
    pub payload: Rc<Payload>,
}

/// How a pod takes a request.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Taken {
    /// It answers, now or later, through [`PodNetwork::answer`].
    Yes,
    /// Nothing listens there.
    Refused,
    /// The program is one that the cluster itself plays: `coredns`, `metallb-speaker`, `metallb-controller`.
    Builtin(Rc<str>),
}

/// What a kubelet needs of the network and of the world beyond its node. `cluster` implements it.
pub trait PodNetwork {
    /// Gives a node the addresses of its pods.
    fn set_range(&mut self, node: &str, range: &str);

    /// Gives a pod its place on the network. Pods on their node's own network are told of, too.
    fn set_up(&mut self, at: Time, pod: &PodEndpoint);

    /// Takes a pod off the network, with all that listens in it.
    fn tear_down(&mut self, at: Time, pod: &PodEndpoint);

    /// Says that something in the pod listens on a port from now on.
    fn listen(&mut self, at: Time, pod: &PodEndpoint, protocol: Protocol, port: u16);

    /// Says that nothing listens on a port any more.
    fn close(&mut self, at: Time, pod: &PodEndpoint, protocol: Protocol, port: u16);

    /// Runs `iptables` on a node, as a CNI plug-in does. Returns whether it ended well.
    fn iptables(&mut self, node: &str, words: &[&str]) -> bool;

    /// Lets a node forget the connections of UDP to a port of its own.
    fn forget_udp(&mut self, at: Time, node: &str, port: i64);

    /// Sends a request; its outcome comes by `Kubelet::on_reply`.
    fn send(&mut self, at: Time, request: Outgoing);

    /// Answers a request that a pod has taken. `at` is when the answer is ready, which is often later.
    fn answer(&mut self, at: Time, id: u64, answer: Answer);

    /// Returns the data of volumes that outlive a node.
    fn storage(&mut self) -> &mut Storage;
}
