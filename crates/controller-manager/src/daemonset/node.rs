use crate::taints;
use api::placement::{has_untolerated, matches_affinity};
use api::{Value, meta, tree};
use client::Change;
use std::rc::Rc;

/// Returns whether a node's change may make a difference to DaemonSets.
pub(super) fn concerns(change: &Change) -> bool {
    let (old, new) = (&change.old, &change.new);
    old.is_null() || new.is_null() || old["spec"] != new["spec"] || meta::labels(old) != meta::labels(new)
}

/// Returns the tolerations that every pod of a DaemonSet gets.
// Models pkg/controller/daemon/util/daemonset_util.go AddOrUpdateDaemonPodTolerations
pub(super) fn add_tolerations(spec: &mut Value) {
    let mut wanted = vec![
        (taints::NOT_READY, "NoExecute"),
        (taints::UNREACHABLE, "NoExecute"),
        ("node.kubernetes.io/disk-pressure", "NoSchedule"),
        ("node.kubernetes.io/memory-pressure", "NoSchedule"),
        ("node.kubernetes.io/pid-pressure", "NoSchedule"),
        (taints::UNSCHEDULABLE, "NoSchedule"),
    ];
    if spec["hostNetwork"].is_true() {
        wanted.push(("node.kubernetes.io/network-unavailable", "NoSchedule"));
    }
    let tolerations = spec.at_mut(&["tolerations"]).list_mut();
    for (key, effect) in wanted {
        let toleration = tree!({"key": key, "operator": "Exists", "effect": effect});
        let same = |known: &&mut Value| {
            ["key", "effect", "operator"].iter().all(|field| known[*field] == toleration[*field])
                && known["value"].is_empty()
        };
        match tolerations.iter_mut().find(same) {
            Some(known) => *known = toleration,
            None => tolerations.push(toleration),
        }
    }
}

/// Limits a pod to one node by its name, whatever its node affinity was.
// Models pkg/controller/daemon/util/daemonset_util.go ReplaceDaemonSetPodNodeNameNodeAffinity
pub(super) fn set_target(spec: &mut Value, node: &str) {
    let field = tree!({"key": "metadata.name", "operator": "In", "values": [node]});
    let required = tree!({"nodeSelectorTerms": [{"matchFields": [(field)]}]});
    spec.set(&["affinity", "nodeAffinity", "requiredDuringSchedulingIgnoredDuringExecution"], required);
}

/// Returns the node on which a pod is, or to which it is limited; empty for none.
// Models pkg/controller/daemon/util/daemonset_util.go GetTargetNodeName
pub(super) fn target(pod: &Value) -> Rc<str> {
    let spec = &pod["spec"];
    if !spec["nodeName"].str().is_empty() {
        return spec["nodeName"].text();
    }
    let required = &spec["affinity"]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"];
    let mut fields =
        required["nodeSelectorTerms"].items().iter().flat_map(|term| term["matchFields"].items());
    let by_name =
        fields.find(|field| field["key"].str() == "metadata.name" && field["operator"].str() == "In");
    by_name.map_or("".into(), |field| field["values"][0].text())
}

/// Returns whether a DaemonSet's pod should run on a node, and whether one that runs there may stay.
// Models pkg/controller/daemon/daemon_controller.go NodeShouldRunDaemonPod
pub(super) fn should_run(ds: &Value, node: &Value) -> (bool, bool) {
    let mut spec = ds["spec"]["template"]["spec"].clone();
    add_tolerations(&mut spec);
    let fixed = spec["nodeName"].str();
    if (!fixed.is_empty() && fixed != meta::name(node)) || !matches_affinity(&spec, node) {
        return (false, false);
    }
    let untolerated = |effects: &[&str]| has_untolerated(&spec, node, effects);
    if untolerated(&["NoSchedule", "NoExecute"]) {
        (false, !untolerated(&["NoExecute"]))
    } else {
        (true, true)
    }
}
