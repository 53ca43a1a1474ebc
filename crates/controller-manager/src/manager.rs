use crate::{
    bootstrap, certificates, clusterroleaggregation, cronjob, daemonset, deployment, disruption, endpoint,
    endpointslice, endpointslicemirroring, garbagecollector, job, namespace, nodeipam, nodelifecycle,
    podautoscaler, podgc, replicaset, resourcequota, rootca, serviceaccount, statefulset, tainteviction, ttl,
    ttlafterfinished, volume,
};
use api::resources::CUSTOMRESOURCEDEFINITIONS;
use api::{Resource, Value, meta};
use client::{Change, Component, Controller, Cx, Delivery, Identity, IndexBy, Informers, WatchSpec, Worker};
use sim::Time;
use std::rc::Rc;

type Make = fn(&[Resource]) -> Box<dyn Controller>;

/// The controllers, in the order in which upstream starts them.
const CONTROLLERS: &[(&str, Make)] = &[
    ("endpoint", |_| Box::new(Worker::new(endpoint::Endpoints::default()))),
    ("endpointslice", |_| Box::new(Worker::new(endpointslice::EndpointSlices::default()))),
    ("endpointslice-mirroring", |_| {
        Box::new(Worker::new(endpointslicemirroring::EndpointSliceMirroring::default()))
    }),
    ("replicationcontroller", |_| Box::new(Worker::new(replicaset::ReplicaSets::replication_controllers()))),
    ("pod-garbage-collector", |_| Box::new(Worker::new(podgc::PodGc::default()))),
    ("resourcequota", |served| Box::new(Worker::new(resourcequota::ResourceQuotas::new(served)))),
    ("namespace", |served| Box::new(Worker::new(namespace::Namespaces::new(served)))),
    ("serviceaccount", |_| Box::new(Worker::new(serviceaccount::ServiceAccounts))),
    ("serviceaccount-token", |_| Box::new(Worker::new(serviceaccount::Tokens))),
    ("garbage-collector", |served| Box::new(garbagecollector::GarbageCollector::new(served))),
    ("daemonset", |_| Box::new(Worker::new(daemonset::DaemonSets::default()))),
    ("job", |_| Box::new(Worker::new(job::Jobs::default()))),
    ("deployment", |_| Box::new(Worker::new(deployment::Deployments::default()))),
    ("replicaset", |_| Box::new(Worker::new(replicaset::ReplicaSets::default()))),
    ("horizontal-pod-autoscaler", |_| Box::new(Worker::new(podautoscaler::PodAutoscalers::default()))),
    ("disruption", |_| Box::new(Worker::new(disruption::Disruption::default()))),
    ("statefulset", |_| Box::new(Worker::new(statefulset::StatefulSets::default()))),
    ("cronjob", |_| Box::new(Worker::new(cronjob::CronJobs::default()))),
    ("certificatesigningrequest-signing", |_| Box::new(Worker::new(certificates::Signer))),
    ("certificatesigningrequest-approving", |_| Box::new(Worker::new(certificates::Approver))),
    ("certificatesigningrequest-cleaner", |_| Box::new(Worker::new(certificates::Cleaner::default()))),
    ("ttl", |_| Box::new(Worker::new(ttl::Ttl::default()))),
    ("bootstrap-signer", |_| Box::new(Worker::new(bootstrap::BootstrapSigner))),
    ("token-cleaner", |_| Box::new(Worker::new(bootstrap::TokenCleaner))),
    ("node-ipam", |_| Box::new(Worker::new(nodeipam::NodeIpam::default()))),
    ("node-lifecycle", |_| Box::new(Worker::new(nodelifecycle::NodeLifecycle::default()))),
    ("taint-eviction", |_| Box::new(Worker::new(tainteviction::TaintEviction::default()))),
    ("persistentvolume-binder", |_| {
        Box::new(Worker::new(volume::persistentvolume::PersistentVolumeBinder::default()))
    }),
    ("persistentvolume-attach-detach", |_| {
        Box::new(Worker::new(volume::attachdetach::AttachDetach::default()))
    }),
    ("persistentvolume-expander", |_| Box::new(Worker::new(volume::expand::Expand::default()))),
    ("clusterrole-aggregation", |_| Box::new(Worker::new(clusterroleaggregation::ClusterRoleAggregation))),
    ("persistentvolumeclaim-protection", |_| Box::new(Worker::new(volume::pvcprotection::PvcProtection))),
    ("persistentvolume-protection", |_| Box::new(Worker::new(volume::pvprotection::PvProtection))),
    ("ephemeral-volume", |_| Box::new(Worker::new(volume::ephemeral::EphemeralVolumes::default()))),
    ("ttl-after-finished", |_| Box::new(Worker::new(ttlafterfinished::TtlAfterFinished))),
    ("root-ca-certificate-publisher", |_| Box::new(Worker::new(rootca::RootCaPublisher))),
];

/// The names of all controllers, in order.
pub const CONTROLLER_NAMES: [&str; CONTROLLERS.len()] = {
    let mut names = [""; CONTROLLERS.len()];
    let mut i = 0;
    while i < names.len() {
        names[i] = CONTROLLERS[i].0;
        i += 1;
    }
    names
};

/// How a controller is doing, for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ControllerState {
    /// The controller's name: `deployment`. Its agent is `controller/deployment`.
    pub name: &'static str,
    /// Whether it was stopped.
    pub stopped: bool,
    /// How many keys wait.
    pub waiting: u32,
    /// When it last reconciled.
    pub last_at: Option<Time>,
    /// What it last reconciled.
    pub last_key: Rc<str>,
}

#[derive(Clone)]
struct Entry {
    name: &'static str,
    make: Make,
    controller: Box<dyn Controller>,
    stopped: bool,
}

impl Entry {
    /// Returns when it is due; [`Time::NEVER`] where it was stopped.
    fn next_at(&self) -> Time {
        if self.stopped { Time::NEVER } else { self.controller.next_at() }
    }
}

/// kube-controller-manager: all controllers in one process, with one cache for each resource, each
/// under its own service account.
#[derive(Clone)]
pub struct ControllerManager {
    identity: Identity,
    served: Rc<[Resource]>,
    watches: Vec<WatchSpec>,
    /// The controllers that each watch is for, by their places.
    told: Vec<Vec<u32>>,
    informers: Informers,
    entries: Vec<Entry>,
    /// When each of them is due.
    due: Vec<Time>,
    next: Time,
}

impl ControllerManager {
    /// Makes the manager with all its controllers. `served` are the resources that can be listed and
    /// deleted: the garbage collector, the namespace and the quota controller work on all of them.
    pub fn new(served: &[Resource]) -> ControllerManager {
        let groups = ["system:authenticated"];
        let identity = Identity::new("system:kube-controller-manager", &groups, "kube-controller-manager");
        let entry = |(name, make): &(&'static str, Make)| Entry {
            name,
            make: *make,
            controller: make(served),
            stopped: false,
        };
        let entries: Vec<Entry> = CONTROLLERS.iter().map(entry).collect();
        let mut watches: Vec<WatchSpec> = Vec::new();
        for watch in entries.iter().flat_map(|entry| entry.controller.watches()) {
            if !watches.contains(&watch) {
                watches.push(watch);
            }
        }
        let mut informers = Informers::new(&watches);
        for (resource, by) in indices(&entries) {
            informers.add_index(resource, by);
        }
        let mut manager = ControllerManager {
            identity,
            served: served.into(),
            watches,
            told: Vec::new(),
            informers,
            due: vec![Time::NEVER; entries.len()],
            entries,
            next: Time::NEVER,
        };
        manager.route();
        manager
    }

    /// Notes which controllers each watch is for.
    fn route(&mut self) {
        self.told = vec![Vec::new(); self.watches.len()];
        for (i, entry) in (0_u32..).zip(&self.entries) {
            if entry.controller.hears_of_everything() {
                self.told.iter_mut().for_each(|told| told.push(i));
                continue;
            }
            for watch in entry.controller.watches() {
                let places = self.watches.iter().zip(&mut self.told);
                let same = places.filter(|(known, told)| **known == watch && told.last() != Some(&i));
                same.for_each(|(_, told)| told.push(i));
            }
        }
    }

    /// Returns how each controller is doing, in order.
    pub fn controllers(&self) -> Vec<ControllerState> {
        let state = |entry: &Entry| {
            let (waiting, last_at, last_key) = entry.controller.state();
            ControllerState { name: entry.name, stopped: entry.stopped, waiting, last_at, last_key }
        };
        self.entries.iter().map(state).collect()
    }

    /// Returns how many resources are watched; more are, once CustomResourceDefinitions define more.
    pub fn watch_count(&self) -> usize {
        self.watches.len()
    }

    /// Stops a controller; it forgets what it was about. Returns whether there is one of that name.
    pub fn stop(&mut self, name: &str) -> bool {
        let mut entries = self.entries.iter_mut().zip(&mut self.due);
        let Some((entry, due)) = entries.find(|(entry, _)| entry.name == name) else { return false };
        entry.stopped = true;
        entry.controller = (entry.make)(&self.served);
        *due = entry.next_at();
        self.schedule();
        true
    }

    /// Starts a controller that was stopped: it looks at everything anew. Returns whether there is
    /// one of that name.
    pub fn start(&mut self, now: Time, name: &str) -> bool {
        let mut entries = self.entries.iter_mut().zip(&mut self.due);
        let Some((entry, due)) = entries.find(|(entry, _)| entry.name == name) else { return false };
        if std::mem::replace(&mut entry.stopped, false) {
            // What it observes may make it watch more.
            let mut done = 0;
            while let Some(watch) = entry.controller.watches().get(done) {
                done += 1;
                let resource = watch.resource;
                for object in self.informers.of(resource).iter() {
                    let (key, old, new) = (meta::key(object), Value::Null, object.clone());
                    entry.controller.observe(now, &Change { resource, key, old, new }, &self.informers);
                }
            }
            *due = entry.next_at();
        }
        self.route();
        self.schedule();
        true
    }

    /// Returns the caches, which all controllers share.
    pub fn informers(&self) -> &Informers {
        &self.informers
    }

    /// Takes up what controllers have begun to watch: resources that were defined meanwhile.
    fn watch_more(&mut self) {
        for watch in self.entries.iter().flat_map(|entry| entry.controller.watches()) {
            if !self.watches.contains(&watch) {
                self.informers.add(&watch);
                self.watches.push(watch);
            }
        }
        self.route();
    }

    /// Sets when the first controller is due. Controllers wait until all caches have been filled.
    fn schedule(&mut self) {
        self.next = match self.informers.are_synced() {
            true => self.due.iter().min().copied().unwrap_or(Time::NEVER),
            false => Time::NEVER,
        };
    }
}

fn indices(entries: &[Entry]) -> Vec<(Resource, IndexBy)> {
    entries.iter().flat_map(|entry| entry.controller.indices()).collect()
}

impl Component for ControllerManager {
    fn identity(&self) -> &Identity {
        &self.identity
    }

    fn watches(&self) -> Vec<WatchSpec> {
        self.watches.clone()
    }

    fn deliver(&mut self, cx: &mut Cx, watch: u32, delivery: Delivery) {
        for change in self.informers.deliver(watch, delivery) {
            for i in self.told.get(watch as usize).into_iter().flatten() {
                let i = *i as usize;
                let Some(entry) = self.entries.get_mut(i).filter(|entry| !entry.stopped) else { continue };
                entry.controller.observe(cx.now, &change, &self.informers);
                self.due[i] = entry.controller.next_at();
            }
            if change.resource == CUSTOMRESOURCEDEFINITIONS {
                self.watch_more();
            }
        }
        self.schedule();
    }

    fn next_at(&self) -> Time {
        self.next
    }

    fn step(&mut self, cx: &mut Cx) {
        let first = self.due.iter().min().copied().filter(|first| *first <= cx.now);
        let mut entries = self.due.iter_mut().zip(&mut self.entries);
        if let Some((due, entry)) = entries.find(|(due, _)| Some(**due) == first) {
            entry.controller.step(cx, &self.informers);
            *due = entry.next_at();
        }
        self.schedule();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use api::resources::{DAEMONSETS, DEPLOYMENTS, NODES, PODS, SERVICES};
    use api::tree;
    use client::testing::{Bench, Server};
    use sim::{MILLISECOND, SECOND};

    fn workload(name: &str, kind: &str) -> Value {
        let mut spec = tree!({
            "selector": {"matchLabels": {"app": name}},
            "template": {"metadata": {"labels": {"app": name}}, "spec": {"containers": [{"image": "v1"}]}},
        });
        if kind == "Deployment" {
            spec.set(&["replicas"], 5);
            let rolling = tree!({"maxSurge": 1, "maxUnavailable": 1});
            spec.set(&["strategy"], tree!({"type": "RollingUpdate", "rollingUpdate": (rolling)}));
        }
        tree!({"metadata": {"name": name, "namespace": "d"}, "spec": (spec)})
    }

    fn server() -> Server {
        let mut server = Server::default();
        for name in ["n1", "n2"] {
            server.put(Time::EPOCH, NODES, tree!({"metadata": {"name": name}}));
        }
        server.put(Time::EPOCH, DEPLOYMENTS, workload("web", "Deployment"));
        server.put(Time::EPOCH, DAEMONSETS, workload("logs", "DaemonSet"));
        let spec = tree!({"clusterIP": "10.96.0.9", "selector": {"app": "web"}, "ports": [{"port": 80}]});
        server.put(
            Time::EPOCH,
            SERVICES,
            tree!({"metadata": {"name": "web", "namespace": "d"}, "spec": (spec)}),
        );
        server
    }

    fn kubelets(server: &mut Server, now: Time) {
        for (i, pod) in server.all(PODS).into_iter().enumerate() {
            let key = meta::key(&pod);
            if meta::is_deleting(&pod) {
                server.remove(PODS, &key);
            } else if pod["status"].is_null() {
                server.change(now, PODS, &key, |pod| {
                    let ready =
                        tree!({"type": "Ready", "status": "True", "lastTransitionTime": (now.rfc3339())});
                    pod.set(&["spec", "nodeName"], if i % 2 == 0 { "n1" } else { "n2" });
                    let ip = format!("10.244.0.{i}");
                    pod.set(&["status"], tree!({"phase": "Running", "podIP": ip, "conditions": [(ready)]}));
                });
            }
        }
    }

    fn update(bench: &mut Bench<ControllerManager>) {
        for (resource, key) in [(DEPLOYMENTS, "d/web"), (DAEMONSETS, "d/logs")] {
            bench.server.change(bench.now, resource, key, |object| {
                object.set(&["spec", "template", "spec", "containers"], tree!([{"image": "v2"}]));
                object.set(&["metadata", "generation"], 2);
            });
        }
    }

    fn images(bench: &Bench<ControllerManager>) -> Vec<String> {
        let image = |pod: &Value| pod["spec"]["containers"][0]["image"].str().to_string();
        bench.server.all(PODS).iter().map(image).collect()
    }

    /// Whoever forgets everything in the midst of its work finds its way from what it sees.
    #[test]
    fn controllers_may_be_dropped_at_any_moment() {
        let mut bench = Bench::new(ControllerManager::new(&[]), server());
        bench.run_with(2 * SECOND, kubelets);
        update(&mut bench);
        for round in 0..400 {
            let now = bench.now;
            let name = CONTROLLER_NAMES[round % CONTROLLER_NAMES.len()];
            assert!(bench.component.stop(name));
            assert!(bench.component.start(now, name));
            bench.run_with(13 * MILLISECOND, kubelets);
        }
        bench.run_with(20 * SECOND, kubelets);
        assert_eq!(images(&bench), ["v2"; 7]);
        let ready = bench.server.object(DEPLOYMENTS, "d/web")["status"]["availableReplicas"].int();
        assert_eq!(ready, 5);
    }

    /// A clone goes on as the original would have.
    #[test]
    fn a_clone_does_the_same() {
        let mut bench = Bench::new(ControllerManager::new(&[]), server());
        bench.run_with(SECOND, kubelets);
        update(&mut bench);
        bench.run_with(50 * MILLISECOND, kubelets);
        let mut other = bench.clone();
        bench.run_with(5 * SECOND, kubelets);
        other.run_with(5 * SECOND, kubelets);
        assert_eq!(bench.server.calls, other.server.calls);
        assert_eq!(bench.server.all(PODS), other.server.all(PODS));
    }

    #[test]
    fn stops_and_starts_a_controller() {
        let mut bench = Bench::new(ControllerManager::new(&[]), server());
        assert!(!bench.component.stop("nobody"));
        bench.component.stop("replicaset");
        bench.run_with(5 * SECOND, kubelets);
        assert_eq!(images(&bench).len(), 2, "only the DaemonSet's pods are there");
        let state = |bench: &Bench<ControllerManager>| {
            let mut states = bench.component.controllers().into_iter();
            states
                .find(|state| state.name == "replicaset")
                .map(|state| (state.stopped, state.last_at.is_some()))
        };
        assert_eq!(state(&bench), Some((true, false)));
        let now = bench.now;
        bench.component.start(now, "replicaset");
        bench.run_with(5 * SECOND, kubelets);
        assert_eq!(images(&bench).len(), 7);
        assert_eq!(state(&bench), Some((false, true)));
    }
}
