use super::Broken;
use crate::random::scene::{Scene, is_done, is_ready, title};
use api::label::Selector;
use api::{Value, meta};
use std::collections::{BTreeMap, BTreeSet};

pub(super) fn no_two_services_have_one_address(scene: &Scene, broken: &mut Broken) {
    let mut seen: BTreeMap<&str, &Value> = BTreeMap::new();
    for service in scene.all("Service") {
        let address = service["spec"]["clusterIP"].str();
        if matches!(address, "" | "None") {
            continue;
        }
        if let Some(other) = seen.insert(address, service) {
            broken.push((title(service), format!("has {address}, as {} has", meta::key(other))));
        }
    }
}

pub(super) fn no_two_services_have_one_node_port(scene: &Scene, broken: &mut Broken) {
    let mut seen: BTreeMap<(&str, i64), &Value> = BTreeMap::new();
    for service in scene.all("Service") {
        let ports = service["spec"]["ports"].items().iter();
        let mut wanted: BTreeSet<(&str, i64)> =
            ports.map(|port| (port["protocol"].str(), port["nodePort"].int())).collect();
        wanted.insert(("TCP", service["spec"]["healthCheckNodePort"].int()));
        for (protocol, port) in wanted.into_iter().filter(|(_, port)| *port != 0) {
            if let Some(other) = seen.insert((protocol, port), service) {
                broken.push((title(service), format!("has {protocol} {port}, as {} has", meta::key(other))));
            }
        }
    }
}

pub(super) fn endpoints_are_the_ready_pods(scene: &Scene, broken: &mut Broken) {
    for service in scene.all("Service") {
        let spec = &service["spec"];
        if spec["selector"].is_empty() || spec["type"].str() == "ExternalName" || meta::is_deleting(service) {
            continue;
        }
        let selector = Selector::from_map(&spec["selector"]);
        let namespace = meta::namespace(service);
        let is_its = |pod: &&Value| {
            meta::namespace(pod) == namespace && selector.matches(meta::labels(pod)) && !is_done(pod)
        };
        let is_there = |pod: &&Value| !pod["status"]["podIP"].str().is_empty();
        let anyway = spec["publishNotReadyAddresses"].is_true();
        let takes = |pod: &&Value| anyway || is_ready(pod) && !meta::is_deleting(pod);
        let pods = scene.all("Pod").iter().filter(is_its).filter(is_there).filter(takes);
        let wanted: BTreeSet<&str> = pods.map(|pod| pod["status"]["podIP"].str()).collect();
        let is_of = |slice: &&Value| {
            meta::namespace(slice) == namespace
                && meta::labels(slice)["kubernetes.io/service-name"].str() == meta::name(service)
        };
        let slices = scene.all("EndpointSlice").iter().filter(is_of);
        let endpoints = slices.flat_map(|slice| slice["endpoints"].items());
        let ready = endpoints.filter(|one| one["conditions"]["ready"].is_true());
        let found: BTreeSet<&str> = ready.flat_map(|one| one["addresses"].items()).map(Value::str).collect();
        if found != wanted {
            broken.push((title(service), format!("has ready {found:?}, of the pods are {wanted:?}")));
        }
    }
}

pub(super) fn endpoints_have_their_service(scene: &Scene, broken: &mut Broken) {
    for endpoints in scene.all("Endpoints") {
        if scene.find("Service", meta::namespace(endpoints), meta::name(endpoints)).is_none() {
            broken.push((title(endpoints), "there is no such Service".to_string()));
        }
    }
}
