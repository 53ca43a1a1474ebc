//! Load for benchmarks: many requests through a Service.

use crate::Cluster;
use crate::wires::Asker;
use network::{Connect, HttpRequest, Payload, Protocol};
use sim::{SECOND, Time};
use std::rc::Rc;

/// How many requests are under way at once.
const AT_ONCE: u32 = 200;

impl Cluster {
    /// Sends so many GETs from the first node to a Service (`namespace/name`) and returns how many were answered.
    pub fn flood(&mut self, service: &str, port: u16, count: u32) -> u64 {
        let object = self.view.objects.get(&("services", service.to_string()));
        let address = object.and_then(|service| service["spec"]["clusterIP"].str().parse().ok());
        let from = self.wires.nodes.values().next().copied();
        let (Some(to), Some(from)) = (address, from) else { return 0 };
        self.flooded = 0;
        let mut sent = 0;
        let payload = Rc::new(Payload::Http(HttpRequest::get("web", "/")));
        while sent < count {
            for _ in 0..AT_ONCE.min(count - sent) {
                let connect = Connect {
                    from,
                    owner: 0,
                    to,
                    port,
                    protocol: Protocol::Tcp,
                    payload: payload.clone(),
                    patience: 5 * SECOND,
                };
                self.wires.connect(self.world.now, connect, Asker::Flood);
                sent += 1;
            }
            let goal = u64::from(sent);
            let end = Time(self.world.now.0 + 10 * SECOND);
            while self.flooded < goal && self.step(end) {}
        }
        self.flooded
    }
}
