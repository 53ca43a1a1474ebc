use api::resources::SERVICES;
use api::{Value, meta, tree};
use client::{Component, Cx, Delivery, Identity, Informers, WatchSpec, WorkQueue};
use sim::Time;

/// `minikube tunnel`: every Service of type LoadBalancer gets its cluster IP as its address from outside, to
/// which the client's machine has a route while the tunnel is there.
// Models k8s.io/minikube pkg/minikube/tunnel/loadbalancer_patcher.go LoadBalancerEmulator
#[derive(Clone, Debug)]
pub struct Tunnel {
    identity: Identity,
    informers: Informers,
    queue: WorkQueue,
    busy_until: Time,
}

impl Default for Tunnel {
    fn default() -> Tunnel {
        let specs = [WatchSpec::all(SERVICES)];
        Tunnel {
            identity: Identity::new("minikube-user", &["system:masters"], "minikube-tunnel"),
            informers: Informers::new(&specs),
            queue: WorkQueue::default(),
            busy_until: Time(i64::MIN),
        }
    }
}

impl Tunnel {
    /// Returns the Services that have their address from it, without it, as the end of the tunnel leaves them.
    pub fn cleaned(&self) -> Vec<Value> {
        let patched = self.informers.of(SERVICES).iter().filter(|service| is_patched(service));
        patched
            .map(|service| {
                let mut service = service.clone();
                service.set(&["status", "loadBalancer"], Value::map());
                service
            })
            .collect()
    }
}

fn is_patched(service: &Value) -> bool {
    let given = service["status"]["loadBalancer"]["ingress"][0]["ip"].str();
    !given.is_empty() && given == service["spec"]["clusterIP"].str()
}

fn is_balanced(service: &Value) -> bool {
    let spec = &service["spec"];
    spec["type"].str() == "LoadBalancer" && spec["loadBalancerClass"].is_null() && !meta::is_deleting(service)
}

impl Component for Tunnel {
    fn identity(&self) -> &Identity {
        &self.identity
    }

    fn watches(&self) -> Vec<WatchSpec> {
        vec![WatchSpec::all(SERVICES)]
    }

    fn deliver(&mut self, cx: &mut Cx, watch: u32, delivery: Delivery) {
        for change in self.informers.deliver(watch, delivery) {
            if is_balanced(&change.new) && change.new["status"]["loadBalancer"].is_empty() {
                self.queue.add(cx.now, change.key);
            }
        }
    }

    fn next_at(&self) -> Time {
        match self.queue.next_at() {
            Time::NEVER => Time::NEVER,
            at => at.max(self.busy_until),
        }
    }

    fn step(&mut self, cx: &mut Cx) {
        let Some(key) = self.queue.pop(cx.now) else { return };
        let service = self.informers.of(SERVICES).get(&key).filter(|service| is_balanced(service)).cloned();
        if let Some(mut service) = service.filter(|service| service["status"]["loadBalancer"].is_empty()) {
            let address = service["spec"]["clusterIP"].text();
            service.set(&["status", "loadBalancer", "ingress"], tree!([{"ip": address, "ipMode": "VIP"}]));
            if cx.update(SERVICES, &service, "status").is_err() {
                self.queue.add_rate_limited(cx.at(), key);
            }
        }
        self.busy_until = cx.at();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use client::testing::{Bench, Server};
    use sim::SECOND;

    #[test]
    fn balanced_services_get_their_cluster_ip() {
        let mut server = Server::default();
        for (name, spec) in [
            ("a", tree!({"type": "LoadBalancer", "clusterIP": "10.96.0.9"})),
            ("b", tree!({"type": "NodePort", "clusterIP": "10.96.0.10"})),
            ("c", tree!({"type": "LoadBalancer", "clusterIP": "10.96.0.11", "loadBalancerClass": "x"})),
        ] {
            let service = tree!({"metadata": {"namespace": "default", "name": name}, "spec": spec});
            server.put(Time::EPOCH, SERVICES, service);
        }
        let mut bench = Bench::new(Tunnel::default(), server);
        bench.run(SECOND);
        let ip = |bench: &Bench<Tunnel>, name: &str| {
            let service = bench.server.object(SERVICES, &format!("default/{name}"));
            service["status"]["loadBalancer"]["ingress"][0]["ip"].str().to_string()
        };
        assert_eq!(["a", "b", "c"].map(|name| ip(&bench, name)), ["10.96.0.9", "", ""]);
        let cleaned = bench.component.cleaned();
        assert_eq!(cleaned.iter().map(meta::name).collect::<Vec<_>>(), ["a"]);
        assert!(cleaned[0]["status"]["loadBalancer"].is_empty());
        bench.server.change(bench.now, SERVICES, "default/b", |b| b.set(&["spec", "type"], "LoadBalancer"));
        bench.run(SECOND);
        assert_eq!(ip(&bench, "b"), "10.96.0.10");
    }
}
