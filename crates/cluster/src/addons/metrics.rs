//! What metrics servers ask of kubelets, and what they know for the API server.

use super::Addon;
use crate::Cluster;
use crate::parts::{Parts, Target};
use crate::wires::{Asker, Wires};
use crate::world::World;
use api::{Request, Response, meta};
use metrics_server::Scrape;
use network::{Payload, Protocol};
use sim::Time;
use std::rc::Rc;

/// What a metrics server knows, as the API server asks it.
#[derive(Debug)]
struct Metrics(Rc<metrics_server::Storage>);

impl apiserver::Backend for Metrics {
    fn answer(&self, now: Time, request: &Request, read: apiserver::Read) -> Response {
        metrics_server::answer(&self.0, now, request, read)
    }
}

/// Where a container finds the token of its pod's service account.
const TOKEN: &str = "/var/run/secrets/kubernetes.io/serviceaccount/token";

/// Sends what metrics servers ask of kubelets, and puts in what they have learned.
pub(super) fn send_scrapes(cluster: &mut Cluster) {
    let Cluster { world, wires, parts, .. } = cluster;
    let now = world.now;
    let mut sent: Vec<(u32, Rc<str>, Vec<Scrape>)> = Vec::new();
    for (part, addon) in &mut parts.addons.running {
        let Addon::Metrics(server) = addon else { continue };
        if let Some(storage) = server.take_storage() {
            world.apiserver.set_backend(server.pod(), Some(Rc::new(Metrics(storage))));
        }
        let scrapes = server.take_scrapes();
        if !scrapes.is_empty() {
            sent.push((*part, server.pod().clone(), scrapes));
        }
    }
    for (part, key, scrapes) in sent {
        let Some((from, node)) = wires.pod_by_key(&key).map(|pod| (pod.host, pod.node.clone())) else {
            continue;
        };
        let token = token_of(world, wires, parts, &node, &key);
        for Scrape { id, to, mut request, patience } in scrapes {
            if let Some(token) = &token {
                request.headers.push(("Authorization".into(), format!("Bearer {token}").into()));
            }
            let (to, port) = (to.address, to.port);
            let payload = Rc::new(Payload::Http(request));
            let (owner, protocol) = (u64::from(part), Protocol::Tcp);
            let connect = network::Connect { from, owner, to, port, protocol, payload, patience };
            wires.connect(now, connect, Asker::Addon { part, id });
        }
    }
}

/// Reads the token that a pod's containers have.
fn token_of(
    world: &mut World,
    wires: &mut Wires,
    parts: &mut Parts,
    node: &str,
    key: &str,
) -> Option<Rc<str>> {
    let number = parts.by_name.get(node).copied()?;
    let (namespace, pod) = meta::split_key(key);
    let mut token = None;
    parts.with(world, wires, Parts::kubelet_id(number), |target, cx, wires| {
        if let Target::Kubelet(kubelet) = target {
            token = kubelet.read_file(cx, wires, (namespace, pod, ""), TOKEN);
        }
    });
    token
}
