use super::Broken;
use crate::random::scene::{Scene, is_active, is_done, is_ready, title};
use api::quantity::Quantity;
use api::{Value, meta, quota};
use std::collections::BTreeMap;
use std::net::Ipv4Addr;

fn node_of(pod: &Value) -> &str {
    pod["spec"]["nodeName"].str()
}

fn is_on_host_network(pod: &Value) -> bool {
    pod["spec"]["hostNetwork"].is_true()
}

pub(super) fn no_two_pods_have_one_address(scene: &Scene, broken: &mut Broken) {
    let mut seen: BTreeMap<&str, &Value> = BTreeMap::new();
    let with_address = |pod: &&Value| !pod["status"]["podIP"].str().is_empty() && !is_on_host_network(pod);
    // What a dead machine reported last stays; its pods have no sandboxes any more.
    let alive = scene.all("Pod").iter().filter(|pod| is_active(pod) && !scene.is_off(node_of(pod)));
    for pod in alive.filter(with_address) {
        let address = pod["status"]["podIP"].str();
        if let Some(other) = seen.insert(address, pod) {
            broken.push((title(pod), format!("has {address}, as {} has", meta::key(other))));
        }
    }
}

pub(super) fn an_address_is_of_its_nodes_network(scene: &Scene, broken: &mut Broken) {
    for pod in scene.all("Pod").iter().filter(|pod| !is_on_host_network(pod)) {
        let Ok(address) = pod["status"]["podIP"].str().parse::<Ipv4Addr>() else { continue };
        let Some(node) = scene.find("Node", "", node_of(pod)) else { continue };
        // Who goes on while its node is registered anew keeps its address, though the node is given another range.
        if meta::time(&pod["status"]["startTime"]) < meta::time(&node["metadata"]["creationTimestamp"]) {
            continue;
        }
        let range = node["spec"]["podCIDR"].str();
        let Some((network, bits)) = range.split_once('/') else { continue };
        let (Ok(network), Ok(bits)) = (network.parse::<Ipv4Addr>(), bits.parse::<u32>()) else { continue };
        let mask = u32::MAX.checked_shl(32 - bits.min(32)).unwrap_or(0);
        if u32::from(address) & mask != u32::from(network) & mask {
            broken.push((title(pod), format!("has {address} on a node with {range}")));
        }
    }
}

/// Returns a pod that asks for what it was given, where it asks for more and has not got it yet. Of a container that
/// doesn't run nobody tells what it was given once its pod was changed: it counts as nothing.
fn as_given(pod: &Value) -> Value {
    let mut given = pod.clone();
    if meta::generation(pod) < 2 {
        return given;
    }
    for container in given.at_mut(&["spec", "containers"]).list_mut() {
        let mut statuses = pod["status"]["containerStatuses"].items().iter();
        let status = statuses.find(|status| status["name"] == container["name"]);
        let held = status.map(|status| status["allocatedResources"].clone()).unwrap_or_default();
        for resource in ["cpu", "memory"] {
            let quantity = |value: &Value| Quantity::from_value(value).map_or(0, Quantity::nanos);
            let asked = &container["resources"]["requests"][resource];
            if quantity(&held[resource]) < quantity(asked) {
                let held = if held[resource].is_null() { Value::from("0") } else { held[resource].clone() };
                container.set(&["resources", "requests", resource], held);
            }
        }
    }
    given
}

pub(super) fn a_node_holds_what_runs_on_it(scene: &Scene, broken: &mut Broken) {
    for node in scene.all("Node") {
        let pods = scene.all("Pod").iter().filter(|pod| node_of(pod) == meta::name(node) && !is_done(pod));
        let pods: Vec<Value> = pods.map(as_given).collect();
        let allocatable = &node["status"]["allocatable"];
        let amount = |resource: &str| allocatable.get(resource).and_then(|it| Quantity::from_value(it).ok());
        let most = amount("pods").map_or(i64::MAX, Quantity::value);
        if i64::try_from(pods.len()).unwrap_or(i64::MAX) > most {
            broken.push((title(node), format!("holds {} pods of {most}", pods.len())));
        }
        for resource in ["cpu", "memory", "ephemeral-storage"] {
            let Some(has) = amount(resource) else { continue };
            let used: i128 =
                pods.iter().map(|pod| quota::pod_amount(pod, "requests", resource).nanos()).sum();
            if used > has.nanos() {
                let milli = used / 1_000_000;
                broken.push((title(node), format!("{resource}: {milli}m requested of {has}")));
            }
        }
    }
}

pub(super) fn no_two_pods_have_one_port_of_a_node(scene: &Scene, broken: &mut Broken) {
    let mut seen: BTreeMap<(&str, &str, i64), &Value> = BTreeMap::new();
    for pod in scene.all("Pod").iter().filter(|pod| !is_done(pod) && !node_of(pod).is_empty()) {
        for port in pod["spec"]["containers"].items().iter().flat_map(|one| one["ports"].items()) {
            let number = port["hostPort"].int();
            if number == 0 {
                continue;
            }
            let other = seen.insert((node_of(pod), port["protocol"].str(), number), pod);
            if let Some(other) = other.filter(|other| meta::uid(other) != meta::uid(pod)) {
                let how = format!("has port {number} of {}, as {} has", node_of(pod), meta::key(other));
                broken.push((title(pod), how));
            }
        }
    }
}

pub(super) fn a_pod_runs_on_one_machine(scene: &Scene, broken: &mut Broken) {
    let mut seen: BTreeMap<&str, &str> = BTreeMap::new();
    for machine in &scene.machines {
        for pod in &machine.pods {
            if let Some(other) = seen.insert(pod, &machine.name) {
                broken.push((format!("Pod {pod}"), format!("runs on {other} and on {}", machine.name)));
            }
        }
    }
}

pub(super) fn what_runs_is_bound_there(scene: &Scene, broken: &mut Broken) {
    for machine in &scene.machines {
        for key in &machine.pods {
            let (namespace, name) = meta::split_key(key);
            let node = scene.find("Pod", namespace, name).map(node_of);
            if node != Some(&*machine.name) {
                let how = format!("runs on {}, and is bound to {}", machine.name, node.unwrap_or("nothing"));
                broken.push((format!("Pod {key}"), how));
            }
        }
    }
}

pub(super) fn pods_end_when_deleted(scene: &Scene, broken: &mut Broken) {
    for pod in scene.all("Pod").iter().filter(|pod| meta::is_deleting(pod)) {
        let waits = !pod["metadata"]["finalizers"].is_empty() || scene.is_off(node_of(pod));
        if !waits {
            broken.push((title(pod), format!("is being deleted, on {}", node_of(pod))));
        }
    }
}

pub(super) fn pending_pods_say_why(scene: &Scene, broken: &mut Broken) {
    let pending = |pod: &&Value| pod["status"]["phase"].str() == "Pending" && !meta::is_deleting(pod);
    for pod in scene.all("Pod").iter().filter(pending).filter(|pod| !scene.is_off(node_of(pod))) {
        let says = if node_of(pod).is_empty() {
            let scheduled = meta::condition(pod, "PodScheduled");
            scheduled.is_some_and(|condition| !condition["reason"].str().is_empty())
        } else {
            let lists = ["initContainerStatuses", "containerStatuses"];
            let states = lists.iter().flat_map(|list| pod["status"][*list].items());
            states.into_iter().any(|status| {
                let state = &status["state"];
                !state["waiting"]["reason"].is_empty() || !state["running"].is_null()
            })
        };
        if !says {
            broken.push((title(pod), format!("is Pending on {:?} and doesn't say why", node_of(pod))));
        }
    }
}

pub(super) fn a_pods_node_is_there(scene: &Scene, broken: &mut Broken) {
    for pod in scene.all("Pod").iter().filter(|pod| !node_of(pod).is_empty()) {
        if scene.find("Node", "", node_of(pod)).is_none() {
            broken.push((title(pod), format!("is bound to {}, which is gone", node_of(pod))));
        }
    }
}

/// Returns whether a pod bears a taint for good.
pub(super) fn tolerates(tolerations: &[Value], taint: &Value) -> bool {
    tolerations.iter().any(|one| {
        let effect = one["effect"].str();
        let key = one["key"].str();
        let value = one["operator"].str() == "Exists" || one["value"].str() == taint["value"].str();
        (effect.is_empty() || effect == taint["effect"].str())
            && (key.is_empty() || key == taint["key"].str())
            && value
            && one["tolerationSeconds"].is_null()
    })
}

pub(super) fn pods_leave_nodes_that_they_do_not_tolerate(scene: &Scene, broken: &mut Broken) {
    for pod in scene.all("Pod").iter().filter(|pod| is_active(pod)) {
        let Some(node) = scene.find("Node", "", node_of(pod)) else { continue };
        let evicts = |taint: &&Value| taint["effect"].str() == "NoExecute";
        let tolerations = pod["spec"]["tolerations"].items();
        let unborne = |taint: &&Value| !tolerates(tolerations, taint);
        if let Some(taint) = node["spec"]["taints"].items().iter().filter(evicts).find(unborne) {
            broken.push((title(pod), format!("is on {} with {}", node_of(pod), taint["key"].str())));
        }
    }
}

pub(super) fn pods_of_dead_machines_are_not_ready(scene: &Scene, broken: &mut Broken) {
    for pod in scene.all("Pod").iter().filter(|pod| scene.is_off(node_of(pod)) && !is_done(pod)) {
        if is_ready(pod) {
            broken.push((title(pod), format!("is Ready, and {} is off", node_of(pod))));
        }
    }
}

pub(super) fn ready_containers_make_a_ready_pod(scene: &Scene, broken: &mut Broken) {
    let alive = |pod: &&Value| is_active(pod) && !scene.is_off(node_of(pod));
    for pod in scene.all("Pod").iter().filter(alive) {
        let gated = !pod["spec"]["readinessGates"].is_empty();
        if meta::is_condition_true(pod, "ContainersReady") && !is_ready(pod) && !gated {
            broken.push((title(pod), "its containers are ready, and it is not".to_string()));
        }
    }
}
