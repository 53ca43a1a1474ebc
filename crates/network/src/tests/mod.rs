//! The data plane as a whole.

mod captures;
mod faults;
mod limits;
mod ways;

use crate::iptables::{Counters, TableName};
use crate::{
    Answer, Application, Cidr, Connect, Delivery, Ended, ExchangeId, HostId, HttpRequest, HttpResponse,
    Network, Outcome, Payload, Protocol,
};
use sim::{Chance, MILLISECOND, SECOND, Time, Timing};
use std::net::Ipv4Addr;
use std::rc::Rc;

const NAT: &str = include_str!("../../tests/data/lesson-nat.txt");
const FILTER: &str = include_str!("../../tests/data/lesson-filter.txt");

/// Three nodes with the lesson's rules and the endpoints that they name.
struct World {
    network: Network,
    client: HostId,
    nodes: [HostId; 3],
    pods: [HostId; 3],
}

fn address(text: &str) -> Ipv4Addr {
    text.parse().unwrap()
}

fn world() -> World {
    let segment = Cidr::parse("10.64.140.0/24").unwrap();
    let mut network = Network::new(Chance::new(3), Timing::default(), segment);
    let client = network.add_outside("client", address("10.64.140.2"));
    let nodes = [1, 2, 3].map(|n| {
        let node = network.add_node(&format!("node-{n}"), [10, 64, 140, 10 + n].into());
        network.set_pod_network(node, Cidr::new([10, 244, n, 0].into(), 24));
        network.restore(node, NAT).unwrap();
        network.restore(node, FILTER).unwrap();
        node
    });
    let places = [(0, "10.244.1.5"), (1, "10.244.2.7"), (2, "10.244.3.2")];
    let pods = places.map(|(node, at)| {
        let pod = network.add_pod(nodes[node], &format!("lesson/counter-{}", node + 1), address(at));
        for port in [80, 3_000, 8_080] {
            network.listen(pod, Protocol::Tcp, port, Application(node as u64 + 1));
        }
        pod
    });
    World { network, client, nodes, pods }
}

fn get() -> Rc<Payload> {
    Rc::new(Payload::Http(HttpRequest::get("counter", "/")))
}

impl World {
    fn connect(&mut self, now: Time, from: HostId, to: &str, port: u16) -> ExchangeId {
        let to = address(to);
        let connect =
            Connect { from, owner: 7, to, port, protocol: Protocol::Tcp, payload: get(), patience: 0 };
        self.network.connect(now, connect)
    }

    /// Runs until nothing is due, answering with the peer that the application saw.
    fn run(&mut self, until: Time) -> Vec<Ended> {
        let mut ended = Vec::new();
        while let Some(at) = self.network.next_at().filter(|at| *at <= until) {
            for delivery in self.network.advance(at) {
                match delivery {
                    Delivery::Ended(one) => ended.push(one),
                    Delivery::Arrival(arrival) => {
                        let body = format!("{} sees {}", arrival.application.0, arrival.peer.address);
                        let answer = Answer::Http(HttpResponse::new(200, body));
                        self.network.reply(arrival.at + MILLISECOND, arrival.exchange, answer);
                    }
                }
            }
        }
        ended
    }

    fn ask(&mut self, from: HostId, to: &str, port: u16) -> Ended {
        let now = Time::EPOCH;
        let id = self.connect(now, from, to, port);
        let ended = self.run(now + 3_600 * SECOND);
        assert_eq!(ended.len(), 1, "{to}:{port}");
        assert_eq!(ended[0].exchange, id);
        ended[0].clone()
    }
}

fn body(ended: &Ended) -> &str {
    match &ended.outcome {
        Outcome::Answered(Answer::Http(response)) => &response.body,
        other => other.word(),
    }
}
