//! EndpointSlices: for each service the addresses of its pods, at most a hundred a slice.
// Models pkg/controller/endpointslice

mod endpoint;
mod reconciler;
#[cfg(test)]
mod tests;
mod topology;

use crate::service_pods::Members;
use api::resources::{ENDPOINTSLICES, NODES, PODS, SERVICES};
use api::{Resource, Value, meta};
use client::{Change, Cx, Enqueue, EventRecorder, Failure, Identity, IndexBy, Informers, Reconcile};
use endpoint::Member;
use sim::{Nanos, SECOND};
use std::collections::BTreeMap;
use std::rc::Rc;
use topology::Topology;

pub(crate) const SERVICE_NAME: &str = "kubernetes.io/service-name";
pub(crate) const MANAGED_BY: &str = "endpointslice.kubernetes.io/managed-by";
const CONTROLLER_NAME: &str = "endpointslice-controller.k8s.io";
/// After this long a service is looked at again whose slices the cache doesn't show as written.
const RETRY: Nanos = SECOND;

/// Which slices were written, so that a cache that is late isn't taken for the truth: by service, the
/// slices with the revision written, or `None` where it was deleted.
// Models staging/src/k8s.io/endpointslice/util/endpointslice_tracker.go
#[derive(Clone, Debug, Default)]
pub(crate) struct Tracker {
    services: BTreeMap<Rc<str>, BTreeMap<Rc<str>, Option<i64>>>,
}

impl Tracker {
    pub(crate) fn written(&mut self, service: &str, slice: &Value) {
        self.note(service, slice, Some(meta::revision(slice)));
    }

    pub(crate) fn deleted(&mut self, service: &str, slice: &Value) {
        self.note(service, slice, None);
    }

    fn note(&mut self, service: &str, slice: &Value, revision: Option<i64>) {
        self.services.entry(service.into()).or_default().insert(meta::name(slice).into(), revision);
    }

    /// Takes what the watch shows; returns whether somebody else wrote it.
    pub(crate) fn observe(&mut self, service: &str, change: &Change) -> bool {
        let name = meta::name(change.object());
        let Some(slices) = self.services.get_mut(service) else { return true };
        let seen = meta::revision(&change.new);
        match slices.get(name) {
            Some(Some(written)) if !change.new.is_null() && seen <= *written => false,
            Some(None) if !change.new.is_null() => false,
            Some(None) => {
                slices.remove(name);
                false
            }
            _ => {
                slices.remove(name);
                true
            }
        }
    }

    /// Forgets a service.
    pub(crate) fn forget(&mut self, service: &str) {
        self.services.remove(service);
    }

    /// Returns whether the cache doesn't show yet what was written.
    pub(crate) fn is_stale(&self, service: &str, slices: &[Value]) -> bool {
        let Some(tracked) = self.services.get(service) else { return false };
        tracked.iter().any(|(name, written)| {
            let shown = slices.iter().find(|slice| meta::name(slice) == &**name);
            match (written, shown) {
                (Some(written), Some(shown)) => meta::revision(shown) < *written,
                (None, Some(_)) | (Some(_), None) => true,
                (None, None) => false,
            }
        })
    }
}

/// The EndpointSlice controller.
#[derive(Clone)]
pub(crate) struct EndpointSlices {
    tracker: Tracker,
    members: Members<Vec<Member>>,
    topology: Topology,
    recorder: EventRecorder,
}

impl Default for EndpointSlices {
    fn default() -> EndpointSlices {
        EndpointSlices {
            tracker: Tracker::default(),
            members: Members::default(),
            topology: Topology::default(),
            recorder: EventRecorder::new("endpoint-slice-controller", ""),
        }
    }
}

pub(crate) fn service_of(slice: &Value) -> Rc<str> {
    meta::object_key(meta::namespace(slice), meta::labels(slice)[SERVICE_NAME].str())
}

fn is_ours(slice: &Value) -> bool {
    meta::labels(slice)[MANAGED_BY].str() == CONTROLLER_NAME
}

impl Reconcile for EndpointSlices {
    fn identity(&self) -> Identity {
        Identity::controller("endpointslice-controller", "controller/endpointslice")
    }

    fn resources(&self) -> Vec<Resource> {
        vec![SERVICES, PODS, NODES, ENDPOINTSLICES]
    }

    fn indices(&self) -> Vec<(Resource, IndexBy)> {
        vec![(ENDPOINTSLICES, IndexBy::Label(SERVICE_NAME))]
    }

    fn enqueue(&mut self, change: &Change, informers: &Informers, queue: &mut Enqueue) {
        if change.resource == SERVICES || change.resource == PODS {
            self.members.observe(change, informers, queue, endpoint::members);
        } else if change.resource == ENDPOINTSLICES && (is_ours(&change.old) || is_ours(&change.new)) {
            let service = service_of(change.object());
            if self.tracker.observe(&service, change) {
                queue.add(service);
            }
            if !change.old.is_null() && service_of(&change.old) != service_of(change.object()) {
                queue.add(service_of(&change.old));
            }
        } else if change.resource == NODES && self.topology.is_used() {
            let ratios = topology::ratios(informers.of(NODES));
            self.topology.overloaded(ratios.as_ref()).into_iter().for_each(|key| queue.add(key));
        }
    }

    fn reconcile(&mut self, cx: &mut Cx, informers: &Informers, key: &str) -> Result<Option<Nanos>, Failure> {
        let Some(service) = informers.of(SERVICES).get(key) else {
            self.tracker.forget(key);
            self.topology.forget(key);
            return Ok(None); // its slices go with their owner
        };
        let spec = &service["spec"];
        if spec["selector"].is_empty() || spec["type"].str() == "ExternalName" {
            return Ok(None);
        }
        let slices = informers.of(ENDPOINTSLICES).by_index(IndexBy::Label(SERVICE_NAME), key);
        let slices: Vec<Value> = slices.filter(|slice| is_ours(slice)).cloned().collect();
        if self.tracker.is_stale(key, &slices) {
            return Ok(Some(RETRY));
        }
        let families = endpoint::families(service);
        let of_family = |slice: &&Value| families.contains(&slice["addressType"].str());
        for slice in slices.iter().filter(|slice| !of_family(slice)) {
            reconciler::delete(cx, &mut self.tracker, key, slice)?;
        }
        let mut missing = false;
        for family in &families {
            let known: Vec<Value> =
                slices.iter().filter(|slice| slice["addressType"].str() == *family).cloned().collect();
            let unready_too = spec["publishNotReadyAddresses"].is_true();
            let there = |name: &str| unready_too || informers.of(NODES).get(name).is_some();
            let all = self.members.of(key).flatten().filter(|member| &*member.family == *family);
            let (members, left_out): (Vec<&Member>, Vec<&Member>) =
                all.partition(|member| there(&member.node));
            missing |= !left_out.is_empty();
            let mut plan = reconciler::plan(service, &members, informers.of(NODES), known, family);
            let told = if topology::is_auto(service) {
                let ratios = topology::ratios(informers.of(NODES));
                self.topology.add_hints(ratios.as_ref(), key, family, &mut plan)
            } else {
                self.topology.distribute(service, key, family, &mut plan)
            };
            reconciler::carry_out(cx, &mut self.tracker, service, plan)?;
            if let Some((kind, reason, message)) = told {
                self.recorder.event(cx, service, kind, reason, &message);
            }
        }
        Ok(missing.then_some(RETRY))
    }
}
