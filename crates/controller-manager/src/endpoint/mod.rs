//! Endpoints: the older form of EndpointSlices, one object a service.
// Models pkg/controller/endpoint

use crate::pod;
use crate::pod_control::is_namespace_terminating;
use crate::service_pods::*;
use api::resources::{ENDPOINTS, PODS, SERVICES};
use api::{Map, Resource, Value, meta, tree};
use client::{Change, Cx, Enqueue, EventRecorder, Failure, Identity, Informers, Reconcile};
use sim::Nanos;
use std::collections::BTreeMap;
use std::rc::Rc;

/// How many addresses an object holds at most.
const MAX_CAPACITY: usize = 1_000;
const OVER_CAPACITY: &str = "endpoints.kubernetes.io/over-capacity";
const MANAGED_BY: &str = "endpoints.kubernetes.io/managed-by";
const MANAGER: &str = "endpoint-controller";
const HEADLESS: &str = "service.kubernetes.io/headless";

/// The Endpoints controller.
#[derive(Clone)]
pub(crate) struct Endpoints {
    recorder: EventRecorder,
    /// By key, the revision that was replaced: while the cache shows it, the cache is late.
    stale: BTreeMap<Rc<str>, i64>,
    members: Members<Member>,
}

/// What a service publishes of a pod.
#[derive(Clone, Debug)]
struct Member {
    ports: Value,
    /// The ports as a text, by which addresses are put together.
    ports_key: Rc<str>,
    is_ready: bool,
    /// The address and the pod's uid, by which addresses are sorted.
    key: (Rc<str>, Rc<str>),
    address: Value,
}

impl Default for Endpoints {
    fn default() -> Self {
        Endpoints {
            recorder: EventRecorder::new("endpoint-controller", ""),
            stale: BTreeMap::new(),
            members: Members::default(),
        }
    }
}

impl Reconcile for Endpoints {
    fn identity(&self) -> Identity {
        Identity::controller("endpoint-controller", "controller/endpoint")
    }

    fn resources(&self) -> Vec<Resource> {
        vec![SERVICES, PODS, ENDPOINTS]
    }

    fn enqueue(&mut self, change: &Change, informers: &Informers, queue: &mut Enqueue) {
        if change.resource == SERVICES || change.resource == PODS {
            self.members.observe(change, informers, queue, member);
        } else if change.resource == ENDPOINTS && (change.new.is_null() || is_left_over(change, informers)) {
            queue.add(change.key.clone());
        }
    }

    fn reconcile(&mut self, cx: &mut Cx, informers: &Informers, key: &str) -> Result<Option<Nanos>, Failure> {
        let (namespace, name) = meta::split_key(key);
        let current = informers.of(ENDPOINTS).get(key);
        let Some(service) = informers.of(SERVICES).get(key) else {
            self.stale.remove(key);
            if current.is_none() {
                return Ok(None);
            }
            return match cx.delete(ENDPOINTS, namespace, name, Value::Null) {
                Err(failure) if !failure.is_not_found() => Err(failure),
                _ => Ok(None),
            };
        };
        if service["spec"]["type"].str() == "ExternalName" || service["spec"]["selector"].is_empty() {
            return Ok(None);
        }
        let seen = current.map_or(0, meta::revision);
        if current.is_some() && self.stale.get(key) == Some(&seen) {
            return Err(Failure::Unreachable(format!("the cache of endpoints {key} is out of date")));
        }
        let (subsets, is_truncated) = subsets(self.members.of(key));
        let mut wanted = match current {
            Some(current) => current.clone(),
            None => tree!({"apiVersion": "v1", "kind": "Endpoints",
                "metadata": {"name": name, "namespace": namespace}}),
        };
        match subsets.is_empty() {
            true => drop(wanted.remove(&["subsets"])),
            false => wanted.set(&["subsets"], subsets),
        }
        wanted.set(&["metadata", "labels"], labels(service));
        match is_truncated {
            true => wanted.set(&["metadata", "annotations", OVER_CAPACITY], "truncated"),
            false => drop(wanted.remove(&["metadata", "annotations", OVER_CAPACITY])),
        }
        let result = match current {
            Some(current) if *current == wanted => return Ok(None),
            Some(_) => cx.update(ENDPOINTS, &wanted, ""),
            None => cx.create(ENDPOINTS, &wanted),
        };
        match result {
            Ok(_) => {
                if current.is_some() {
                    self.stale.insert(key.into(), seen);
                }
                Ok(None)
            }
            Err(failure) if is_namespace_terminating(&failure) => Ok(None),
            Err(failure) => {
                let (reason, message) = match current {
                    Some(_) => {
                        ("FailedToUpdateEndpoint", format!("Failed to update endpoint {key}: {failure}"))
                    }
                    None => {
                        let message = format!("Failed to create endpoint for service {key}: {failure}");
                        ("FailedToCreateEndpoint", message)
                    }
                };
                self.recorder.event(cx, &wanted, "Warning", reason, &message);
                Err(failure)
            }
        }
    }
}

/// Returns whether the controller finds Endpoints that it made, and that have lost their Service while it didn't run.
// Models pkg/controller/endpoint/endpoints_controller.go checkLeftoverEndpoints
fn is_left_over(change: &Change, informers: &Informers) -> bool {
    change.old.is_null()
        && meta::labels(&change.new)[MANAGED_BY].str() == MANAGER
        && informers.of(SERVICES).get(&change.key).is_none()
}

fn labels(service: &Value) -> Value {
    let mut labels: Map = meta::labels(service).fields().clone();
    labels.insert(MANAGED_BY, MANAGER);
    labels.remove(HEADLESS);
    if is_headless(service) {
        labels.insert(HEADLESS, "");
    }
    labels.into()
}

/// Returns what a service publishes of a pod; `None` for nothing.
fn member(service: &Value, pod: &Value) -> Option<Member> {
    let unready_too = service["spec"]["publishNotReadyAddresses"].is_true();
    let terminating = if unready_too { Terminating::Include } else { Terminating::LeaveOut };
    if !is_published(pod, terminating) {
        return None;
    }
    let ports = ports(service, pod);
    if ports.is_empty() && !(is_headless(service) && service["spec"]["ports"].is_empty()) {
        return None;
    }
    let (ports, address) = (Value::from(ports), address(pod, service));
    Some(Member {
        ports_key: ports.to_json().into(),
        ports,
        is_ready: unready_too || pod::is_ready(pod),
        key: (address["ip"].text(), address["targetRef"]["uid"].text()),
        address,
    })
}

/// The ports that some addresses share, and the addresses: the ready ones and the others.
type Subset<'a> = (&'a Value, [BTreeMap<&'a (Rc<str>, Rc<str>), &'a Value>; 2]);

/// Returns the addresses, those with the same ports together, and whether there are too many.
fn subsets<'a>(members: impl Iterator<Item = &'a Member>) -> (Vec<Value>, bool) {
    let mut by_ports: BTreeMap<&str, Subset> = BTreeMap::new();
    for member in members {
        let (_, addresses) =
            by_ports.entry(&member.ports_key).or_insert_with(|| (&member.ports, Default::default()));
        addresses[usize::from(!member.is_ready)].insert(&member.key, &member.address);
    }
    let mut left = [0, 1].map(|i| by_ports.values().map(|(_, addresses)| addresses[i].len()).sum::<usize>());
    let is_truncated = left[0] + left[1] > MAX_CAPACITY;
    left[0] = left[0].min(MAX_CAPACITY);
    left[1] = left[1].min(MAX_CAPACITY - left[0]);
    let mut subsets = Vec::new();
    for (ports, addresses) in by_ports.into_values() {
        let mut subset = Value::map();
        for (i, field) in ["addresses", "notReadyAddresses"].into_iter().enumerate() {
            let list: Vec<Value> =
                addresses[i].values().take(left[i]).map(|address| (*address).clone()).collect();
            left[i] -= list.len();
            if !list.is_empty() {
                subset.set(&[field], list);
            }
        }
        if !ports.is_empty() {
            subset.set(&["ports"], ports);
        }
        subsets.push(subset);
    }
    (subsets, is_truncated)
}

fn ports(service: &Value, pod: &Value) -> Vec<Value> {
    let mut ports = Vec::new();
    for port in service["spec"]["ports"].items() {
        let Some(number) = find_port(pod, port) else { continue };
        let protocol = if port["protocol"].is_null() { "TCP".into() } else { port["protocol"].clone() };
        let mut one = tree!({"port": number, "protocol": (protocol)});
        for field in ["name", "appProtocol"] {
            if !port[field].is_empty() {
                one.set(&[field], &port[field]);
            }
        }
        ports.push(one);
    }
    ports
}

// Models pkg/controller/endpoint/endpoints_controller.go podToEndpointAddressForService
fn address(pod: &Value, service: &Value) -> Value {
    let mut address = tree!({
        "ip": (&pod["status"]["podIP"]),
        "nodeName": (&pod["spec"]["nodeName"]),
        "targetRef": {
            "kind": "Pod",
            "namespace": (meta::namespace(pod)),
            "name": (meta::name(pod)),
            "uid": (meta::uid(pod)),
        },
    });
    let hostname = hostname(pod, service);
    if !hostname.is_empty() {
        address.set(&["hostname"], hostname);
    }
    address
}
