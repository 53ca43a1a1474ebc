//! Endpoints that somebody wrote by hand, for a service without a selector, as EndpointSlices: the rules are made
//! of those alone.
// Models pkg/controller/endpointslicemirroring
//
// Left out on purpose: IPv6.

use crate::claim::controller_reference;
use crate::endpointslice::{MANAGED_BY, SERVICE_NAME, Tracker, service_of};
use crate::pod_control::is_namespace_terminating;
use api::resources::{ENDPOINTS, ENDPOINTSLICES, SERVICES};
use api::{Resource, Value, meta, tree};
use client::{Change, Cx, Enqueue, EventRecorder, Failure, Identity, IndexBy, Informers, Reconcile};
use sim::{Nanos, SECOND};
use std::collections::BTreeMap;
use std::net::Ipv4Addr;

const CONTROLLER_NAME: &str = "endpointslicemirroring-controller.k8s.io";
const SKIP: &str = "endpointslice.kubernetes.io/skip-mirror";
const LEADER: &str = "control-plane.alpha.kubernetes.io/leader";
/// The annotations that slices don't take over.
const NOT_COPIED: [&str; 2] =
    ["endpoints.kubernetes.io/last-change-trigger-time", "kubectl.kubernetes.io/last-applied-configuration"];
/// How many addresses of a subset are mirrored at most.
const MAX_ENDPOINTS_PER_SUBSET: usize = 1_000;
/// After this long Endpoints are looked at again whose slices the cache doesn't show as written.
const RETRY: Nanos = SECOND;

/// The EndpointSlice mirroring controller.
#[derive(Clone)]
pub(crate) struct EndpointSliceMirroring {
    recorder: EventRecorder,
    tracker: Tracker,
}

impl Default for EndpointSliceMirroring {
    fn default() -> Self {
        EndpointSliceMirroring {
            recorder: EventRecorder::new("endpoint-slice-mirroring-controller", ""),
            tracker: Tracker::default(),
        }
    }
}

fn is_ours(slice: &Value) -> bool {
    meta::labels(slice)[MANAGED_BY].str() == CONTROLLER_NAME
}

// Models pkg/controller/endpointslicemirroring/endpointslicemirroring_controller.go shouldMirror
fn is_mirrored(endpoints: &Value) -> bool {
    meta::labels(endpoints)[SKIP].str() != "true" && meta::annotation(endpoints, LEADER).is_empty()
}

impl Reconcile for EndpointSliceMirroring {
    fn identity(&self) -> Identity {
        Identity::controller("endpointslicemirroring-controller", "controller/endpointslice-mirroring")
    }

    fn resources(&self) -> Vec<Resource> {
        vec![SERVICES, ENDPOINTS, ENDPOINTSLICES]
    }

    fn indices(&self) -> Vec<(Resource, IndexBy)> {
        vec![(ENDPOINTSLICES, IndexBy::Label(SERVICE_NAME))]
    }

    fn enqueue(&mut self, change: &Change, informers: &Informers, queue: &mut Enqueue) {
        let is_by_hand = |service: &Value| service["spec"]["selector"].is_empty();
        if change.resource == SERVICES {
            // Those of services with a selector are the EndpointSlice controller's.
            let concerned = is_by_hand(&change.old) || is_by_hand(&change.new);
            if concerned && informers.of(ENDPOINTS).get(&change.key).is_some() {
                queue.add(change.key.clone());
            }
        } else if change.resource == ENDPOINTS {
            if (!change.old.is_null() && is_mirrored(&change.old)) || is_mirrored(&change.new) {
                queue.add(change.key.clone());
            }
        } else if change.resource == ENDPOINTSLICES && (is_ours(&change.old) || is_ours(&change.new)) {
            let service = service_of(change.object());
            if self.tracker.observe(&service, change) {
                queue.add(service);
            }
        }
    }

    // Models pkg/controller/endpointslicemirroring/endpointslicemirroring_controller.go syncEndpoints
    fn reconcile(&mut self, cx: &mut Cx, informers: &Informers, key: &str) -> Result<Option<Nanos>, Failure> {
        let slices = informers.of(ENDPOINTSLICES).by_index(IndexBy::Label(SERVICE_NAME), key);
        let slices: Vec<Value> = slices.filter(|slice| is_ours(slice)).cloned().collect();
        let endpoints = informers.of(ENDPOINTS).get(key).filter(|endpoints| is_mirrored(endpoints));
        let service = informers.of(SERVICES).get(key);
        let service = service.filter(|service| service["spec"]["selector"].is_empty());
        let Some(endpoints) = endpoints.filter(|_| service.is_some()) else {
            for slice in &slices {
                self.delete(cx, key, slice)?;
            }
            self.tracker.forget(key);
            return Ok(None);
        };
        if self.tracker.is_stale(key, &slices) {
            return Ok(Some(RETRY));
        }
        self.mirror(cx, key, endpoints, slices).map(|()| None)
    }
}

impl EndpointSliceMirroring {
    /// Makes the slices fit the Endpoints: one for each set of ports.
    // Models pkg/controller/endpointslicemirroring/reconciler.go reconcile
    fn mirror(
        &mut self,
        cx: &mut Cx,
        key: &str,
        endpoints: &Value,
        slices: Vec<Value>,
    ) -> Result<(), Failure> {
        let (desired, invalid, skipped) = desired(endpoints);
        if invalid > 0 {
            let message = format!("Skipped {invalid} invalid IP addresses when mirroring to EndpointSlices");
            self.recorder.event(cx, endpoints, "Warning", "InvalidIPAddress", &message);
        }
        if skipped > invalid {
            let message = format!(
                "A max of {MAX_ENDPOINTS_PER_SUBSET} addresses can be mirrored to EndpointSlices per Endpoints subset. {skipped} addresses were skipped"
            );
            self.recorder.event(cx, endpoints, "Warning", "TooManyAddressesToMirror", &message);
        }
        let mut left = slices;
        for (ports, addresses) in desired.into_values() {
            let mut wanted = new_slice(endpoints, ports, addresses);
            let known =
                left.iter().position(|slice| slice["ports"] == wanted["ports"]).or(left.len().checked_sub(1));
            let Some(known) = known.map(|at| left.remove(at)) else {
                match cx.create(ENDPOINTSLICES, &wanted) {
                    Ok(created) => self.tracker.written(key, &created),
                    Err(failure) if is_namespace_terminating(&failure) => return Ok(()),
                    Err(failure) => return Err(failure),
                }
                continue;
            };
            if known["endpoints"] == wanted["endpoints"]
                && known["ports"] == wanted["ports"]
                && meta::labels(&known) == meta::labels(&wanted)
            {
                continue;
            }
            wanted.set(&["metadata", "name"], meta::name(&known));
            let written = cx.update(ENDPOINTSLICES, &wanted, "")?;
            self.tracker.written(key, &written);
        }
        left.iter().try_for_each(|slice| self.delete(cx, key, slice))
    }

    fn delete(&mut self, cx: &mut Cx, key: &str, slice: &Value) -> Result<(), Failure> {
        match cx.delete(ENDPOINTSLICES, meta::namespace(slice), meta::name(slice), Value::Null) {
            Err(failure) if !failure.is_not_found() => Err(failure),
            _ => {
                self.tracker.deleted(key, slice);
                Ok(())
            }
        }
    }
}

/// The endpoints by their ports' text, with the ports.
type Desired = BTreeMap<String, (Vec<Value>, Vec<Value>)>;

/// Returns what slices should hold, how many addresses are none, and how many are left out in all.
fn desired(endpoints: &Value) -> (Desired, usize, usize) {
    let (mut desired, mut invalid, mut skipped) = (Desired::new(), 0, 0);
    for subset in endpoints["subsets"].items() {
        let ports: Vec<Value> = subset["ports"].items().iter().map(port).collect();
        let text = Value::from(ports.clone()).to_json();
        let (_, group) = desired.entry(text).or_insert_with(|| (ports, Vec::new()));
        let mut added = 0;
        let lists = [("addresses", true), ("notReadyAddresses", false)];
        let all =
            lists.iter().flat_map(|(list, ready)| subset[*list].items().iter().map(move |one| (one, *ready)));
        for (address, is_ready) in all {
            if added == MAX_ENDPOINTS_PER_SUBSET {
                skipped += 1;
            } else if let Ok(ip) = address["ip"].str().parse::<Ipv4Addr>() {
                group.push(endpoint(address, ip, is_ready));
                added += 1;
            } else {
                (invalid, skipped) = (invalid + 1, skipped + 1);
            }
        }
    }
    (desired, invalid, skipped)
}

// Models pkg/controller/endpointslicemirroring/utils.go epPortsToEpsPorts
fn port(port: &Value) -> Value {
    let mut mirrored = tree!({"name": (port["name"].str()), "port": (port["port"].clone()), "protocol": (port["protocol"].clone())});
    if !port["appProtocol"].is_null() {
        mirrored.set(&["appProtocol"], port["appProtocol"].clone());
    }
    mirrored
}

// Models pkg/controller/endpointslicemirroring/utils.go addressToEndpoint
fn endpoint(address: &Value, ip: Ipv4Addr, is_ready: bool) -> Value {
    let mut endpoint = tree!({"addresses": [(ip.to_string())], "conditions": {"ready": is_ready}});
    for field in ["targetRef", "nodeName", "hostname"] {
        if !address[field].is_null() {
            endpoint.set(&[field], address[field].clone());
        }
    }
    endpoint
}

// Models pkg/controller/endpointslicemirroring/utils.go newEndpointSlice
fn new_slice(endpoints: &Value, ports: Vec<Value>, addresses: Vec<Value>) -> Value {
    let name = meta::name(endpoints);
    let mut slice = tree!({
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {
            "generateName": (format!("{name}-")),
            "namespace": (meta::namespace(endpoints)),
            "labels": (meta::labels(endpoints).clone()),
            "ownerReferences": [(controller_reference(ENDPOINTS, endpoints))],
        },
        "addressType": "IPv4",
    });
    slice.set(&["metadata", "labels", SERVICE_NAME], name);
    slice.set(&["metadata", "labels", MANAGED_BY], CONTROLLER_NAME);
    for (key, text) in endpoints["metadata"]["annotations"].fields().iter() {
        if !NOT_COPIED.contains(&key) {
            slice.set(&["metadata", "annotations", key], text.clone());
        }
    }
    slice.set(&["endpoints"], addresses);
    slice.set(&["ports"], ports);
    slice
}
