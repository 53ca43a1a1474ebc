//! Programs in pods that pass requests on: what comes to one is asked of another pod, by a connection of its
//! own, and its outcome is answered.

use crate::Cluster;
use crate::addons::Addon;
use crate::wires::Asker;
use network::{Answer, Arrival, Connect, Ended, ExchangeId, Protocol};
use nginx::Served;
use sim::Time;

/// Hands a request to the program of a pod, if that is a proxy. Returns whether it is one.
pub(crate) fn serve(cluster: &mut Cluster, part: Option<u32>, uid: &str, arrival: &Arrival) -> bool {
    let Some(part) = part else { return false };
    let ends = (arrival.local.port, arrival.peer);
    let chance = cluster.world.chance;
    let (at, id, payload) = (arrival.at, arrival.exchange.0, &arrival.payload);
    let (served, mirrors) = match cluster.parts.addons.get_mut(part) {
        Some(Addon::Ingress(controller)) => (controller.serve(at, chance, id, ends, payload), Vec::new()),
        Some(Addon::Gateway(plane)) => {
            let served = plane.serve(at, chance, id, ends, payload);
            (served, plane.take_mirrors())
        }
        _ => return false,
    };
    let span = cluster.world.timing.answer;
    let takes = span.draw(chance, "proxy", uid, arrival.exchange.0) / 8;
    for served in std::iter::once(served).chain(mirrors) {
        act(cluster, part, arrival.at + takes, served);
    }
    true
}

/// Hands a proxy what came of a request of its own.
pub(crate) fn replied(cluster: &mut Cluster, part: u32, id: u64, ended: &Ended) {
    let served = match cluster.parts.addons.get_mut(part) {
        Some(Addon::Ingress(controller)) => controller.reply(ended.at, id, &ended.outcome),
        Some(Addon::Gateway(plane)) => plane.reply(ended.at, id, &ended.outcome),
        _ => return,
    };
    act(cluster, part, ended.at, served);
}

fn act(cluster: &mut Cluster, part: u32, at: Time, served: Served) {
    match served {
        Served::Nothing => {}
        Served::Answer { exchange, answer } => {
            let answer = match answer {
                Answer::Http(response) => Answer::Http(kubelet::cri::complete(response, at)),
                other => other,
            };
            cluster.wires.network.reply(at, ExchangeId(exchange), answer);
        }
        Served::Ask { id, to, payload, patience } => {
            let uid = cluster.parts.addons.pod_of(part);
            let Some(from) = uid.and_then(|uid| cluster.wires.pods.get(&uid)).map(|pod| pod.host) else {
                return;
            };
            let (address, port) = (to.address, to.port);
            let connect =
                Connect { from, owner: id, to: address, port, protocol: Protocol::Tcp, payload, patience };
            cluster.wires.connect(at, connect, Asker::Addon { part, id });
        }
    }
}
