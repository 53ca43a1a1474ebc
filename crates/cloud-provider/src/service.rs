use crate::balancer::{Balancers, Check};
use api::resources::{NODES, SERVICES};
use api::{Value, meta, tree};
use client::{Component, Cx, Delivery, EventRecorder, Failure, Identity, Informers, WatchSpec, WorkQueue};
use sim::{Nanos, SECOND, Time};
use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::rc::Rc;

/// What keeps a Service from going before its load balancer has.
const FINALIZER: &str = "service.kubernetes.io/load-balancer-cleanup";
/// The label of nodes that no load balancer from outside is to use.
const EXCLUDED: &str = "node.kubernetes.io/exclude-from-external-load-balancers";
/// The taint of nodes that an autoscaler is about to take away.
const TO_BE_DELETED: &str = "ToBeDeletedByClusterAutoscaler";
/// How long the cloud takes to make a load balancer: at least, at most.
const MAKING: (Nanos, Nanos) = (8 * SECOND, 15 * SECOND);
/// How long it takes to take one away.
const TAKING: (Nanos, Nanos) = (2 * SECOND, 5 * SECOND);
/// In the queue, all Services whose nodes may have changed.
const ALL: &str = "";

/// What is under way for a Service in the cloud, until when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Work {
    Making(Time),
    Taking(Time),
}

/// A cloud's controller of Services: gives those of type LoadBalancer a load balancer of the cloud.
///
/// Left out on purpose: `ipMode: Proxy`, and that nodes without a `providerID` are passed over.
// Models k8s.io/cloud-provider controllers/service/controller.go Controller
#[derive(Clone, Debug)]
pub struct Cloud {
    identity: Identity,
    informers: Informers,
    queue: WorkQueue,
    recorder: EventRecorder,
    balancers: Balancers,
    works: BTreeMap<Rc<str>, Work>,
    busy_until: Time,
    done: u64,
}

impl Default for Cloud {
    fn default() -> Cloud {
        let specs = [WatchSpec::all(SERVICES), WatchSpec::all(NODES)];
        Cloud {
            identity: Identity::new(
                "system:cloud-controller-manager",
                &["system:masters"],
                "cloud-controller-manager",
            ),
            informers: Informers::new(&specs),
            queue: WorkQueue::default(),
            recorder: EventRecorder::new("service-controller", ""),
            balancers: Balancers::default(),
            works: BTreeMap::new(),
            busy_until: Time(i64::MIN),
            done: 0,
        }
    }
}

impl Cloud {
    /// Takes the health checks that are to be sent.
    pub fn take_checks(&mut self) -> Vec<Check> {
        self.balancers.take_checks()
    }

    /// Learns what came of a health check.
    pub fn checked(&mut self, id: u64, is_good: bool) {
        self.balancers.checked(id, is_good);
    }

    /// Takes the addresses whose nodes have changed, with the nodes that get their packets.
    pub fn take_hops(&mut self, _now: Time) -> Vec<(Ipv4Addr, Vec<Ipv4Addr>)> {
        self.balancers.take_hops()
    }

    /// Returns the nodes that load balancers may use.
    // Models k8s.io/cloud-provider controllers/service/controller.go stableNodeSetPredicates
    fn nodes(&self) -> BTreeMap<Rc<str>, Ipv4Addr> {
        let is_usable = |node: &&Value| {
            let mut taints = node["spec"]["taints"].items().iter();
            !meta::is_deleting(node)
                && meta::labels(node).get(EXCLUDED).is_none()
                && !taints.any(|taint| taint["key"].str() == TO_BE_DELETED)
        };
        let address = |node: &Value| {
            let addresses = node["status"]["addresses"].items().iter();
            let internal = addresses.into_iter().find(|one| one["type"].str() == "InternalIP")?;
            internal["address"].str().parse().ok()
        };
        let nodes = self.informers.of(NODES).iter().filter(is_usable);
        nodes.filter_map(|node| Some((meta::name(node).into(), address(node)?))).collect()
    }

    fn delay(&mut self, cx: &Cx, key: &str, (least, most): (Nanos, Nanos)) -> Nanos {
        self.done += 1;
        cx.chance.span("cloud", key, self.done, least, most)
    }

    // Models k8s.io/cloud-provider controllers/service/controller.go syncLoadBalancerIfNeeded
    fn sync(&mut self, cx: &mut Cx, key: &Rc<str>) -> Result<(), Failure> {
        let Some(service) = self.informers.of(SERVICES).get(key).cloned() else {
            self.works.remove(key);
            self.balancers.remove(cx.now, key);
            return Ok(());
        };
        if !wants(&service) || needs_cleanup(&service) {
            return self.clean_up(cx, key, &service);
        }
        match self.works.get(key).copied() {
            Some(Work::Making(at)) if at > cx.now => {
                self.queue.add_after(cx.now, key.clone(), at - cx.now);
                Ok(())
            }
            Some(Work::Making(_)) => self.finish(cx, key, service),
            _ => {
                self.recorder.event(cx, &service, "Normal", "EnsuringLoadBalancer", "Ensuring load balancer");
                set_finalizer(cx, &service, true)?;
                if self.nodes().is_empty() {
                    let message = "There are no available nodes for LoadBalancer";
                    self.recorder.event(cx, &service, "Warning", "UnAvailableLoadBalancer", message);
                }
                // What is there already is changed at once.
                let span = if self.balancers.get(key).is_some() { TAKING } else { MAKING };
                let wait = self.delay(cx, key, span);
                self.works.insert(key.clone(), Work::Making(cx.now + wait));
                self.queue.add_after(cx.now, key.clone(), wait);
                Ok(())
            }
        }
    }

    fn finish(&mut self, cx: &mut Cx, key: &Rc<str>, service: Value) -> Result<(), Failure> {
        self.works.remove(key);
        match self.balancers.ensure(cx.now, &service, self.nodes()) {
            Ok(address) => {
                self.recorder.event(cx, &service, "Normal", "EnsuredLoadBalancer", "Ensured load balancer");
                let given = tree!({"ingress": [{"ip": (address.to_string()), "ipMode": "VIP"}]});
                self.write_status(cx, service, given)
            }
            Err(error) => {
                let message = format!("Error syncing load balancer: failed to ensure load balancer: {error}");
                self.recorder.event(cx, &service, "Warning", "SyncLoadBalancerFailed", &message);
                self.queue.add_after(
                    cx.now,
                    key.clone(),
                    5 * SECOND * i64::from(self.queue.failures(key) + 1),
                );
                Ok(())
            }
        }
    }

    fn clean_up(&mut self, cx: &mut Cx, key: &Rc<str>, service: &Value) -> Result<(), Failure> {
        let has_finalizer = has_finalizer(service);
        match self.works.get(key).copied() {
            Some(Work::Taking(at)) if at > cx.now => {
                self.queue.add_after(cx.now, key.clone(), at - cx.now);
                return Ok(());
            }
            Some(Work::Taking(_)) => {
                self.works.remove(key);
                self.balancers.remove(cx.now, key);
            }
            _ if self.balancers.get(key).is_some() => {
                self.recorder.event(cx, service, "Normal", "DeletingLoadBalancer", "Deleting load balancer");
                let wait = self.delay(cx, key, TAKING);
                self.works.insert(key.clone(), Work::Taking(cx.now + wait));
                self.queue.add_after(cx.now, key.clone(), wait);
                return Ok(());
            }
            _ => {}
        }
        if !has_finalizer {
            return Ok(());
        }
        self.works.remove(key);
        let stored = set_finalizer(cx, service, false)?;
        self.recorder.event(cx, service, "Normal", "DeletedLoadBalancer", "Deleted load balancer");
        if meta::is_deleting(service) {
            return Ok(());
        }
        self.write_status(cx, stored, Value::map())
    }

    fn write_status(&mut self, cx: &mut Cx, service: Value, given: Value) -> Result<(), Failure> {
        if service["status"]["loadBalancer"] == given {
            return Ok(());
        }
        // The finalizer may have been written since the watch brought the Service.
        let mut service = cx.get(SERVICES, meta::namespace(&service), meta::name(&service))?;
        service.set(&["status", "loadBalancer"], given);
        cx.update(SERVICES, &service, "status").map(drop)
    }

    /// Lets all load balancers use the nodes that there are now.
    // Models k8s.io/cloud-provider controllers/service/controller.go nodeSyncService
    fn sync_nodes(&mut self, cx: &mut Cx) {
        let nodes = self.nodes();
        let services: Vec<Value> =
            self.informers.of(SERVICES).iter().filter(|one| wants(one)).cloned().collect();
        for service in services {
            if !self.balancers.use_nodes(cx.now, &meta::key(&service), nodes.clone()) {
                continue;
            }
            let (kind, reason, message) = match nodes.is_empty() {
                true => {
                    ("Warning", "UnAvailableLoadBalancer", "There are no available nodes for LoadBalancer")
                }
                false => ("Normal", "UpdatedLoadBalancer", "Updated load balancer with new hosts"),
            };
            self.recorder.event(cx, &service, kind, reason, message);
        }
    }

    /// Returns whether a change of a Service matters, and tells of it where the real one does.
    // Models k8s.io/cloud-provider controllers/service/controller.go needsUpdate
    fn needs_update(&mut self, cx: &mut Cx, old: &Value, new: &Value) -> bool {
        if !wants(old) && !wants(new) {
            return false;
        }
        let mut tell = |reason: &str, field: &str| {
            let (before, after) = (old["spec"][field].str(), new["spec"][field].str());
            self.recorder.event(cx, new, "Normal", reason, &format!("{before} -> {after}"));
            true
        };
        if wants(old) != wants(new) {
            return tell("Type", "type");
        }
        let differs = |field: &str| old["spec"][field] != new["spec"][field];
        if differs("loadBalancerSourceRanges") {
            let list = |service: &Value| {
                let ranges = service["spec"]["loadBalancerSourceRanges"].items().iter();
                format!("[{}]", ranges.map(Value::str).collect::<Vec<_>>().join(" "))
            };
            let message = format!("{} -> {}", list(old), list(new));
            self.recorder.event(cx, new, "Normal", "LoadBalancerSourceRanges", &message);
            return true;
        }
        if differs("ports") || differs("sessionAffinity") || differs("sessionAffinityConfig") {
            return true;
        }
        if differs("loadBalancerIP") {
            return tell("LoadbalancerIP", "loadBalancerIP");
        }
        if meta::annotations(old) != meta::annotations(new) {
            return true;
        }
        differs("externalTrafficPolicy") && tell("ExternalTrafficPolicy", "externalTrafficPolicy")
    }
}

/// Returns whether a Service wants a load balancer of the cloud's usual kind.
fn wants(service: &Value) -> bool {
    service["spec"]["type"].str() == "LoadBalancer" && service["spec"]["loadBalancerClass"].is_null()
}

fn has_finalizer(service: &Value) -> bool {
    service["metadata"]["finalizers"].items().iter().any(|one| one.str() == FINALIZER)
}

fn needs_cleanup(service: &Value) -> bool {
    let is_other = service["spec"]["type"].str() != "LoadBalancer";
    has_finalizer(service) && (meta::is_deleting(service) || is_other)
}

/// Adds the finalizer to a Service, or takes it away, and returns the Service as it is then.
fn set_finalizer(cx: &mut Cx, service: &Value, is_wanted: bool) -> Result<Value, Failure> {
    if has_finalizer(service) == is_wanted {
        return Ok(service.clone());
    }
    let others =
        service["metadata"]["finalizers"].items().iter().filter(|one| one.str() != FINALIZER).cloned();
    let own = is_wanted.then(|| Value::from(FINALIZER));
    let mut changed = service.clone();
    changed.set(&["metadata", "finalizers"], others.chain(own).collect::<Value>());
    cx.update(SERVICES, &changed, "")
}

impl Component for Cloud {
    fn identity(&self) -> &Identity {
        &self.identity
    }

    fn watches(&self) -> Vec<WatchSpec> {
        vec![WatchSpec::all(SERVICES), WatchSpec::all(NODES)]
    }

    fn deliver(&mut self, cx: &mut Cx, watch: u32, delivery: Delivery) {
        for change in self.informers.deliver(watch, delivery) {
            if change.resource == NODES {
                self.queue.add(cx.now, ALL.into());
                continue;
            }
            let is_new = change.old.is_null() && (wants(&change.new) || needs_cleanup(&change.new));
            let is_gone = change.new.is_null();
            let is_changed = !change.old.is_null()
                && !is_gone
                && (self.needs_update(cx, &change.old, &change.new) || needs_cleanup(&change.new));
            if is_new || is_gone || is_changed {
                self.queue.add(cx.now, change.key);
            }
        }
    }

    fn next_at(&self) -> Time {
        if !self.informers.are_synced() {
            return Time::NEVER;
        }
        match self.queue.next_at().min(self.balancers.next_at()) {
            Time::NEVER => Time::NEVER,
            at => at.max(self.busy_until),
        }
    }

    fn step(&mut self, cx: &mut Cx) {
        self.balancers.tick(cx.now);
        let Some(key) = self.queue.pop(cx.now) else { return };
        if &*key == ALL {
            self.sync_nodes(cx);
        } else {
            match self.sync(cx, &key) {
                Ok(()) => self.queue.forget(&key),
                Err(_) => self.queue.add_rate_limited(cx.at(), key),
            }
        }
        self.busy_until = cx.at();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use api::resources::EVENTS;
    use client::testing::{Bench, Server};

    fn node(name: &str, last: u8) -> Value {
        tree!({
            "metadata": {"name": name},
            "status": {"addresses": [{"type": "InternalIP", "address": (format!("10.64.140.{last}"))}]},
        })
    }

    fn service(name: &str, spec: Value) -> Value {
        tree!({"metadata": {"namespace": "default", "name": name}, "spec": spec})
    }

    fn bench(services: Vec<Value>) -> Bench<Cloud> {
        let mut server = Server::default();
        server.put(Time::EPOCH, NODES, node("node-1", 11));
        server.put(Time::EPOCH, NODES, node("node-2", 12));
        services.into_iter().for_each(|one| drop(server.put(Time::EPOCH, SERVICES, one)));
        Bench::new(Cloud::default(), server)
    }

    fn given(bench: &Bench<Cloud>, name: &str) -> String {
        let service = bench.server.object(SERVICES, &format!("default/{name}"));
        service["status"]["loadBalancer"]["ingress"][0]["ip"].str().to_string()
    }

    fn reasons(bench: &Bench<Cloud>) -> Vec<String> {
        let mut events = bench.server.all(EVENTS);
        events.sort_by_key(|event| meta::time(&event["firstTimestamp"]));
        events.iter().map(|event| event["reason"].str().to_string()).collect()
    }

    #[test]
    fn a_service_gets_its_address_after_a_while_and_loses_it_in_order() {
        let mut bench = bench(vec![service("a", tree!({"type": "LoadBalancer"}))]);
        bench.run(2 * SECOND);
        assert_eq!(given(&bench, "a"), "");
        let stored = bench.server.object(SERVICES, "default/a");
        assert!(has_finalizer(&stored));
        bench.run(20 * SECOND);
        assert_eq!(given(&bench, "a"), "203.0.113.10");
        assert_eq!(reasons(&bench), ["EnsuringLoadBalancer", "EnsuredLoadBalancer"]);
        bench.server.change(bench.now, SERVICES, "default/a", |one| one.set(&["spec", "type"], "ClusterIP"));
        bench.run(20 * SECOND);
        assert_eq!(given(&bench, "a"), "");
        assert!(!has_finalizer(&bench.server.object(SERVICES, "default/a")));
        assert_eq!(reasons(&bench)[2..], ["Type", "DeletingLoadBalancer", "DeletedLoadBalancer"]);
    }

    #[test]
    fn addresses_are_given_by_wish_and_class() {
        let kind = |field: &str, value: &str| {
            let mut spec = tree!({"type": "LoadBalancer"});
            spec.set(&[field], value);
            spec
        };
        let rows = [
            ("a", kind("loadBalancerIP", "203.0.113.77"), "203.0.113.77"),
            ("b", kind("loadBalancerIP", "10.0.0.1"), ""),
            ("c", kind("loadBalancerClass", "example.com/other"), ""),
            ("d", tree!({"type": "NodePort"}), ""),
            ("e", tree!({"type": "LoadBalancer"}), "203.0.113.10"),
        ];
        let mut bench = bench(rows.iter().map(|(name, spec, _)| service(name, spec.clone())).collect());
        bench.run(30 * SECOND);
        for (name, _, expected) in &rows {
            assert_eq!(given(&bench, name), *expected, "{name}");
        }
        let failed = "Error syncing load balancer: failed to ensure load balancer: requested ip \"10.0.0.1\" is neither \
                      static nor assigned to the LB";
        assert!(bench.server.messages().contains(&failed.to_string()));
    }

    #[test]
    fn only_nodes_that_are_well_and_not_excluded_get_packets() {
        let mut bench = bench(vec![service("a", tree!({"type": "LoadBalancer"}))]);
        bench.run(20 * SECOND);
        let answer = |bench: &mut Bench<Cloud>, bad: &str| {
            for check in bench.component.take_checks() {
                assert_eq!(check.port, 10_256);
                bench.component.checked(check.id, check.to.to_string() != bad);
            }
        };
        let hops = |bench: &mut Bench<Cloud>| {
            let changed = bench.component.take_hops(bench.now);
            changed
                .into_iter()
                .map(|(_, nodes)| nodes.iter().map(|n| n.octets()[3]).collect::<Vec<_>>())
                .collect::<Vec<_>>()
        };
        assert_eq!(hops(&mut bench), [Vec::<u8>::new()]);
        answer(&mut bench, "");
        assert_eq!(hops(&mut bench), [vec![11, 12]]);
        for expected in [0, 0, 1] {
            bench.run(8 * SECOND);
            answer(&mut bench, "10.64.140.11");
            let changed = hops(&mut bench);
            assert_eq!(changed.len(), expected);
        }
        answer(&mut bench, "");
        bench.run(8 * SECOND);
        answer(&mut bench, "");
        assert_eq!(hops(&mut bench), [vec![11, 12]]);
        bench
            .server
            .change(bench.now, NODES, "node-2", |node| node.set(&["metadata", "labels", EXCLUDED], "true"));
        bench.run(SECOND);
        assert_eq!(hops(&mut bench), [vec![11]]);
        assert!(reasons(&bench).contains(&"UpdatedLoadBalancer".to_string()));
    }
}
