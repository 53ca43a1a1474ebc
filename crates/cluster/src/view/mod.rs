//! The view that the page draws: rows kept from watches of its own, and what travels from the trace.
//!
//! A frame is a difference. Making it changes nothing in the cluster.

mod bars;
mod budget;
mod cause;
mod legs;
mod nature;
mod pods;
mod records;
mod traffic;
mod travellers;
mod versions;

pub(crate) use cause::cause_of;
pub(crate) use travellers::travellers;

use crate::control_plane::Unit;
use ::view::{AnswerRow, EventRow, MarkRow, Moment, PodBar, Rows, TrafficRow};
use api::{Value, meta};
use sim::Time;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use versions::Versions;

/// How many rows of what is over (events, answers, bars of gone pods) the view keeps.
const KEPT: usize = 2_000;

/// The resources that the view watches.
pub(crate) const WATCHED: &[api::Resource] = &[
    api::resources::NODES,
    api::resources::PODS,
    api::resources::DEPLOYMENTS,
    api::resources::REPLICASETS,
    api::resources::DAEMONSETS,
    api::resources::STATEFULSETS,
    api::resources::JOBS,
    api::resources::REPLICATIONCONTROLLERS,
    api::resources::CRONJOBS,
    api::resources::SERVICES,
    api::resources::ENDPOINTSLICES,
    api::resources::EVENTS,
    api::resources::HORIZONTALPODAUTOSCALERS,
    api::resources::INGRESSES,
    api::resources::NETWORKPOLICIES,
    api::resources::PERSISTENTVOLUMECLAIMS,
    api::resources::PERSISTENTVOLUMES,
];

/// What the view knows of the cluster's objects, and which of them changed since the last frame.
#[derive(Clone, Default)]
pub(crate) struct View {
    pub(crate) start: Time,
    pub(crate) objects: BTreeMap<(&'static str, String), Value>,
    dirty: BTreeSet<(&'static str, String)>,
    /// Whether somebody has ever asked for what changed. Before that nothing is noted as changed: whoever begins is
    /// told everything.
    is_asked: bool,
    versions: Versions,
    bars: BTreeMap<String, PodBar>,
    dirty_bars: BTreeSet<String>,
    marks: u32,
    new_marks: Vec<(String, MarkRow)>,
    /// Whether something that isn't the cluster's own was ever there.
    pub(crate) used: bool,
    pub(crate) traffic: traffic::Traffic,
    answers: BTreeMap<u64, AnswerRow>,
    dirty_answers: BTreeSet<u64>,
    seconds: BTreeMap<i64, TrafficRow>,
    dirty_seconds: BTreeSet<i64>,
    /// Exchanges that ended since the last frame.
    ended: VecDeque<u64>,
}

/// Returns the resource of a watched object's kind, or of a reference's.
pub(crate) fn resource_of(object: &Value) -> &'static str {
    let kind = object["kind"].str();
    WATCHED.iter().find(|resource| resource.kind == kind).map_or("", |resource| resource.plural)
}

/// Returns whether a change of this resource keeps a cluster from being settled.
pub(crate) fn counts_for_quiet(resource: &str) -> bool {
    is_workload(resource) || matches!(resource, "services" | "endpointslices")
}

/// Returns whether this resource is pods or makes them.
fn is_workload(resource: &str) -> bool {
    matches!(
        resource,
        "pods"
            | "deployments"
            | "replicasets"
            | "daemonsets"
            | "statefulsets"
            | "jobs"
            | "cronjobs"
            | "replicationcontrollers"
    )
}

/// Returns whether this resource is a record that somebody made.
fn is_record(resource: &str) -> bool {
    const OTHERS: [&str; 4] =
        ["horizontalpodautoscalers", "ingresses", "networkpolicies", "persistentvolumeclaims"];
    is_workload(resource) || OTHERS.contains(&resource)
}

/// Returns whether a namespace belongs to the cluster itself.
pub(crate) fn is_system(namespace: &str) -> bool {
    matches!(namespace, "kube-system" | "kube-node-lease" | "kube-public" | "metallb-system")
}

/// Returns whether a pod is a process of a control plane's machine, which its machine's row has.
pub(crate) fn is_process(pod: &Value) -> bool {
    let unit = Unit::named(meta::labels(pod)["component"].str());
    !meta::annotation(pod, kubelet::MIRROR_ANNOTATION).is_empty()
        && unit.is_some_and(Unit::is_of_control_plane)
}

impl View {
    pub(crate) fn new(start: Time) -> View {
        View { start, ..View::default() }
    }

    /// Returns a moment as the page counts it.
    pub(crate) fn moment(&self, at: Time) -> Moment {
        (at - self.start) / sim::MICROSECOND
    }

    /// Returns the cluster IP of a Service by `namespace/name`, or by its name in the namespace `default`;
    /// what stands behind a colon is its port.
    pub(crate) fn service_address(&self, name: &str) -> Option<std::net::Ipv4Addr> {
        let name = name.split(':').next().unwrap_or(name);
        let key = if name.contains('/') { name.to_string() } else { format!("default/{name}") };
        self.objects.get(&("services", key))?["spec"]["clusterIP"].str().parse().ok()
    }

    /// Returns the Service's port with this cluster IP, number and protocol, as kube-proxy names it:
    /// `namespace/name:port`.
    pub(crate) fn port_name(
        &self,
        address: std::net::Ipv4Addr,
        number: u16,
        protocol: &str,
    ) -> Option<String> {
        let address = address.to_string();
        let mut services = self.objects.range(("services", String::new())..("services\0", String::new()));
        let (key, service) = services
            .find(|(_, service)| service["spec"]["clusterIP"].str() == address)
            .map(|((_, key), service)| (key, service))?;
        let ports = service["spec"]["ports"].items();
        let port = ports.iter().find(|port| {
            port["port"].int() == i64::from(number) && port["protocol"].str().eq_ignore_ascii_case(protocol)
        })?;
        Some(match port["name"].str() {
            "" => key.clone(),
            name => format!("{key}:{name}"),
        })
    }

    /// Returns the Service's port that is reached by an address and port, whatever the address is to it: its own,
    /// one from outside, or a node's with its node port.
    pub(crate) fn served_port(&self, protocol: network::Protocol, to: network::Socket) -> Option<String> {
        let address = to.address.to_string();
        let (number, protocol) = (i64::from(to.port), protocol.name());
        let services = self.objects.range(("services", String::new())..("services\0", String::new()));
        let mut ports = services.flat_map(|((_, key), service)| {
            let (spec, status) = (&service["spec"], &service["status"]["loadBalancer"]["ingress"]);
            let is_own = spec["clusterIP"].str() == address
                || spec["externalIPs"].items().iter().any(|one| one.str() == address)
                || status.items().iter().any(|one| one["ip"].str() == address);
            spec["ports"].items().iter().map(move |port| (key, is_own, port))
        });
        let (key, _, port) = ports.find(|(_, is_own, port)| {
            let field = if *is_own { "port" } else { "nodePort" };
            port[field].int() == number && port["protocol"].str().eq_ignore_ascii_case(protocol)
        })?;
        Some(match port["name"].str() {
            "" => key.clone(),
            name => format!("{key}:{name}"),
        })
    }

    fn moment_of(&self, value: &Value) -> Option<Moment> {
        meta::time(value).map(|time| self.moment(time))
    }

    /// Takes a change of the store, at once.
    pub(crate) fn observe(&mut self, now: Time, resource: &'static str, object: Value, gone: bool) {
        let key = meta::key(&object).to_string();
        match resource {
            "pods" => {
                self.versions.observe_pod(&object);
                self.observe_bar(now, &object, gone);
            }
            "replicasets" | "replicationcontrollers" if !gone => self.versions.observe(&object),
            _ => {}
        }
        let counts = is_record(resource) && !is_system(meta::namespace(&object));
        self.used |= counts
            || (resource == "services" && &*key != "default/kubernetes" && !key.starts_with("kube-system/"));
        let key = (resource, key);
        if self.is_asked {
            self.touch_with(resource, &object);
            self.dirty.insert(key.clone());
        }
        if gone {
            self.objects.remove(&key);
        } else {
            self.objects.insert(key, object);
        }
    }

    /// Adds a mark to the timeline.
    pub(crate) fn mark(&mut self, at: Time, text: &str, bad: bool) {
        let row = MarkRow { at: self.moment(at), text: text.to_string(), bad };
        self.marks += 1;
        self.new_marks.push((format!("{:06}", self.marks), row));
    }

    /// Forgets the marks so far.
    pub(crate) fn forget_marks(&mut self) {
        self.new_marks.clear();
    }

    /// Returns the ports of the services that have this load balancer address.
    pub(crate) fn ports_of(&self, address: &str) -> Vec<i64> {
        let services = self.objects.range(("services", String::new())..("services\0", String::new()));
        let has = |service: &&Value| {
            let ingress = service["status"]["loadBalancer"]["ingress"].items();
            ingress.iter().any(|one| one["ip"].str() == address)
        };
        let services = services.map(|(_, service)| service).filter(has);
        services.flat_map(|service| service["spec"]["ports"].items()).map(|port| port["port"].int()).collect()
    }

    /// What is counted in another's row changes that too.
    fn touch_with(&mut self, resource: &str, object: &Value) {
        match resource {
            "endpointslices" => self.touch_service(object),
            "pods" | "replicasets" | "jobs" => {
                if let Some(owner) = meta::controller(object) {
                    self.touch_owner(meta::namespace(object), owner);
                }
            }
            _ => {}
        }
    }

    fn touch_service(&mut self, slice: &Value) {
        let name = meta::labels(slice)["kubernetes.io/service-name"].str();
        if !name.is_empty() {
            self.dirty.insert(("services", format!("{}/{name}", meta::namespace(slice))));
        }
    }

    /// An owner's row counts its pods: it changes with them.
    fn touch_owner(&mut self, namespace: &str, owner: &Value) {
        let resource = resource_of(owner);
        if !is_workload(resource) {
            return;
        }
        let key = format!("{namespace}/{}", owner["name"].str());
        if let Some(object) = self.objects.get(&(resource, key.clone()))
            && let Some(above) = meta::controller(object)
            && above["kind"].str() == "Deployment"
        {
            self.dirty.insert(("deployments", format!("{namespace}/{}", above["name"].str())));
        }
        self.dirty.insert((resource, key));
    }

    /// Returns the rows that changed since the last time.
    pub(crate) fn take_rows(&mut self, now: Time) -> Rows {
        let mut rows = Rows::default();
        if !self.is_asked {
            self.touch_all();
        }
        for (resource, key) in std::mem::take(&mut self.dirty) {
            let object = self.objects.get(&(resource, key.clone()));
            match resource {
                "pods" if object.is_some_and(is_process) => {}
                "pods" => drop(rows.pods.insert(key, object.map(|pod| self.pod_row(now, pod)))),
                "events" => {
                    if let Some(event) = object {
                        rows.events.insert(meta::uid(event).to_string(), Some(self.event_row(event)));
                    }
                }
                "nodes" | "endpointslices" => {}
                _ => {
                    let row = object.map(|object| self.record_row(resource, object));
                    rows.records.insert(format!("{resource}/{key}"), row);
                }
            }
        }
        for uid in std::mem::take(&mut self.dirty_bars) {
            let bar = self.bars.get(&uid).cloned();
            rows.bars.insert(uid, bar);
        }
        for exchange in std::mem::take(&mut self.dirty_answers) {
            if let Some(row) = self.answers.get(&exchange) {
                rows.answers.insert(format!("{exchange:09}"), Some(row.clone()));
            }
        }
        for second in std::mem::take(&mut self.dirty_seconds) {
            rows.traffic.insert(format!("{second:09}"), self.seconds.get(&second).cloned());
        }
        for (key, mark) in std::mem::take(&mut self.new_marks) {
            rows.marks.insert(key, Some(mark));
        }
        rows
    }

    /// Makes everything count as changed, for a page that begins anew.
    pub(crate) fn touch_all(&mut self) {
        self.is_asked = true;
        self.dirty.extend(self.objects.keys().cloned());
        self.dirty_bars.extend(self.bars.keys().cloned());
        self.dirty_seconds.extend(self.seconds.keys());
    }

    fn event_row(&self, event: &Value) -> EventRow {
        let about = &event["involvedObject"];
        let name = meta::object_key(about["namespace"].str(), about["name"].str());
        let from = match event["source"]["component"].str() {
            "" => event["reportingComponent"].str(),
            component => component,
        };
        let at = [&event["lastTimestamp"], &event["eventTime"], &event["metadata"]["creationTimestamp"]];
        EventRow {
            kind: event["type"].str().to_string(),
            reason: event["reason"].str().to_string(),
            object: format!("{}/{name}", plural(about["kind"].str())),
            message: event["message"].str().to_string(),
            from: from.to_string(),
            at: at.iter().find_map(|time| self.moment_of(time)).unwrap_or(0),
            count: event["count"].as_int().unwrap_or(1),
        }
    }
}

/// Returns the plural of a kind that events are about.
pub(crate) fn plural(kind: &str) -> String {
    match kind {
        "Endpoints" => "endpoints".to_string(),
        "NetworkPolicy" => "networkpolicies".to_string(),
        "Ingress" => "ingresses".to_string(),
        kind => format!("{}s", kind.to_lowercase()),
    }
}
