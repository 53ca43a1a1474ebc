use super::Broken;
use crate::random::scene::{Scene, title};
use api::meta;

pub(super) fn nodes_are_ready_as_their_machines_run(scene: &Scene, broken: &mut Broken) {
    for machine in &scene.machines {
        let Some(node) = scene.find("Node", "", &machine.name) else { continue };
        if meta::is_condition_true(node, "Ready") != machine.on {
            let runs = if machine.on { "runs" } else { "is off" };
            broken.push((title(node), format!("its machine {runs}, and Ready says otherwise")));
        }
    }
}

pub(super) fn nodes_bear_the_taints_of_their_state(scene: &Scene, broken: &mut Broken) {
    for node in scene.all("Node") {
        let ready = meta::condition(node, "Ready").map_or("", |ready| ready["status"].str());
        let taints = node["spec"]["taints"].items();
        let wanted = [
            ("node.kubernetes.io/not-ready", ready == "False"),
            ("node.kubernetes.io/unreachable", ready == "Unknown"),
            ("node.kubernetes.io/unschedulable", node["spec"]["unschedulable"].is_true()),
        ];
        for (key, wanted) in wanted {
            if taints.iter().any(|taint| taint["key"].str() == key) != wanted {
                let has = if wanted { "lacks" } else { "has" };
                broken.push((title(node), format!("{has} {key} (Ready: {ready})")));
            }
        }
    }
}
