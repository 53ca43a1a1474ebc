use super::Events;
use super::core::controlled_by;
use super::template::pod_template;
use super::writer::{Writer, date, one_line, or_none};
use crate::cmd::create::mapping;
use crate::cmd::rollout::replica_sets;
use crate::cx::Cx;
use crate::failure::Outcome;
use api::label::Selector;
use api::{Value, int_or_string, meta};

/// The label that tells a Deployment's templates apart.
const HASH: &str = "pod-template-hash";

/// Counts an owner's pods by phase.
// Models staging/src/k8s.io/kubectl/pkg/describe/describe.go getPodStatusForController
fn pods(cx: &mut Cx, owner: &Value, selector: &str) -> Outcome<String> {
    let pods = cx.list(&mapping("", "v1", "Pod")?, meta::namespace(owner), selector, "")?;
    let count = |phase: &str| {
        let fits = |pod: &&Value| meta::is_controlled_by(pod, owner) && pod["status"]["phase"].str() == phase;
        pods.iter().filter(fits).count()
    };
    let (running, waiting, succeeded, failed) =
        (count("Running"), count("Pending"), count("Succeeded"), count("Failed"));
    Ok(format!("{running} Running / {waiting} Waiting / {succeeded} Succeeded / {failed} Failed"))
}

fn selector(object: &Value) -> String {
    Selector::from_label_selector(&object["spec"]["selector"]).to_string()
}

/// Describes a Deployment.
// Models staging/src/k8s.io/kubectl/pkg/describe/describe.go describeDeployment
pub(super) fn deployment(cx: &mut Cx, w: &mut Writer, deployment: &Value) -> Outcome<Events> {
    let (spec, status) = (&deployment["spec"], &deployment["status"]);
    w.name(deployment);
    w.row(0, "CreationTimestamp", date(&deployment["metadata"]["creationTimestamp"]));
    w.labels("Labels", meta::labels(deployment));
    w.annotations("Annotations", meta::annotations(deployment));
    w.row(0, "Selector", selector(deployment));
    w.row(
        0,
        "Replicas",
        format!(
            "{} desired | {} updated | {} total | {} available | {} unavailable",
            spec["replicas"].int(),
            status["updatedReplicas"].int(),
            status["replicas"].int(),
            status["availableReplicas"].int(),
            status["unavailableReplicas"].int()
        ),
    );
    w.row(0, "StrategyType", spec["strategy"]["type"].str());
    w.row(0, "MinReadySeconds", spec["minReadySeconds"].int().to_string());
    let rolling = &spec["strategy"]["rollingUpdate"];
    if !rolling.is_null() {
        let (unavailable, surge) =
            (int_or_string::text(&rolling["maxUnavailable"]), int_or_string::text(&rolling["maxSurge"]));
        w.row(0, "RollingUpdateStrategy", format!("{unavailable} max unavailable, {surge} max surge"));
    }
    pod_template(w, &spec["template"]);
    w.conditions(deployment);
    if let Ok(sets) = replica_sets(cx, deployment) {
        let (old, new) = old_and_new(deployment, sets);
        if !old.is_empty() || !new.is_empty() {
            w.row(0, "OldReplicaSets", or_none(&set_list(&old)));
            w.row(0, "NewReplicaSet", or_none(&set_list(&new)));
        }
    }
    Ok(Events::Shown)
}

/// Parts ReplicaSets into those of former templates and the one of the present template.
// Models staging/src/k8s.io/kubectl/pkg/util/deployment/deployment.go findNewReplicaSet, findOldReplicaSets
fn old_and_new(deployment: &Value, mut sets: Vec<Value>) -> (Vec<Value>, Vec<Value>) {
    let bare = |template: &Value| {
        let mut template = template.clone();
        template.remove(&["metadata", "labels", HASH]);
        if template["metadata"]["labels"].is_empty() {
            template.remove(&["metadata", "labels"]);
        }
        template.remove(&["metadata", "creationTimestamp"]);
        template
    };
    let wanted = bare(&deployment["spec"]["template"]);
    let is_new = |set: &Value| bare(&set["spec"]["template"]) == wanted;
    let created = |set: &Value| set["metadata"]["creationTimestamp"].str().to_string();
    sets.sort_by_key(|set| (created(set), meta::name(set).to_string()));
    match sets.iter().position(is_new) {
        Some(i) => {
            let new = sets.remove(i);
            (sets, vec![new])
        }
        None => (sets, Vec::new()),
    }
}

fn set_list(sets: &[Value]) -> String {
    let texts: Vec<String> = sets
        .iter()
        .map(|set| {
            let (there, wanted) = (set["status"]["replicas"].int(), set["spec"]["replicas"].int());
            format!("{} ({there}/{wanted} replicas created)", meta::name(set))
        })
        .collect();
    texts.join(", ")
}

/// Describes a ReplicaSet.
// Models staging/src/k8s.io/kubectl/pkg/describe/describe.go describeReplicaSet
pub(super) fn replica_set(cx: &mut Cx, w: &mut Writer, set: &Value) -> Outcome<Events> {
    w.name(set);
    w.row(0, "Selector", selector(set));
    w.labels("Labels", meta::labels(set));
    w.annotations("Annotations", meta::annotations(set));
    controlled_by(w, set);
    replicas(w, set);
    match pods(cx, set, &selector(set)) {
        Ok(text) => w.row(0, "Pods Status", text),
        Err(failure) => w.row(0, "Pods Status", format!("error in fetching pods: {}", failure.text())),
    }
    pod_template(w, &set["spec"]["template"]);
    w.conditions(set);
    Ok(Events::Shown)
}

fn replicas(w: &mut Writer, set: &Value) {
    let (current, desired) = (set["status"]["replicas"].int(), set["spec"]["replicas"].int());
    w.row(0, "Replicas", format!("{current} current / {desired} desired"));
}

/// Describes a ReplicationController.
// Models staging/src/k8s.io/kubectl/pkg/describe/describe.go describeReplicationController
pub(super) fn replication_controller(cx: &mut Cx, w: &mut Writer, controller: &Value) -> Outcome<Events> {
    let selector = &controller["spec"]["selector"];
    let status = pods(cx, controller, &Selector::from_map(selector).to_string())?;
    w.name(controller);
    w.row(0, "Selector", one_line(selector));
    w.labels("Labels", meta::labels(controller));
    w.annotations("Annotations", meta::annotations(controller));
    replicas(w, controller);
    w.row(0, "Pods Status", status);
    pod_template(w, &controller["spec"]["template"]);
    w.conditions(controller);
    Ok(Events::Shown)
}

/// Describes a DaemonSet.
// Models staging/src/k8s.io/kubectl/pkg/describe/describe.go describeDaemonSet
pub(super) fn daemon_set(cx: &mut Cx, w: &mut Writer, set: &Value) -> Outcome<Events> {
    let selector = selector(set);
    let pods = pods(cx, set, &selector)?;
    w.name(set);
    w.row(0, "Selector", selector);
    w.row(0, "Node-Selector", one_line(&set["spec"]["template"]["spec"]["nodeSelector"]));
    w.labels("Labels", meta::labels(set));
    w.annotations("Annotations", meta::annotations(set));
    for (title, field) in [
        ("Desired Number of Nodes Scheduled", "desiredNumberScheduled"),
        ("Current Number of Nodes Scheduled", "currentNumberScheduled"),
        ("Number of Nodes Scheduled with Up-to-date Pods", "updatedNumberScheduled"),
        ("Number of Nodes Scheduled with Available Pods", "numberAvailable"),
        ("Number of Nodes Misscheduled", "numberMisscheduled"),
    ] {
        w.line(0, format!("{title}: {}", set["status"][field].int()));
    }
    w.row(0, "Pods Status", pods);
    pod_template(w, &set["spec"]["template"]);
    Ok(Events::Shown)
}

/// Describes a StatefulSet.
// Models staging/src/k8s.io/kubectl/pkg/describe/describe.go describeStatefulSet
pub(super) fn stateful_set(cx: &mut Cx, w: &mut Writer, set: &Value) -> Outcome<Events> {
    let selector = selector(set);
    let pods = pods(cx, set, &selector)?;
    let spec = &set["spec"];
    w.name(set);
    w.row(0, "CreationTimestamp", date(&set["metadata"]["creationTimestamp"]));
    w.row(0, "Selector", selector);
    w.labels("Labels", meta::labels(set));
    w.annotations("Annotations", meta::annotations(set));
    let (desired, total) = (spec["replicas"].int(), set["status"]["replicas"].int());
    w.row(0, "Replicas", format!("{desired} desired | {total} total"));
    w.row(0, "Update Strategy", spec["updateStrategy"]["type"].str());
    if let Some(partition) = spec["updateStrategy"]["rollingUpdate"]["partition"].as_int() {
        w.row(1, "Partition", partition.to_string());
        let most = &spec["updateStrategy"]["rollingUpdate"]["maxUnavailable"];
        if !most.is_null() {
            w.row(1, "MaxUnavailable", api::int_or_string::text(most));
        }
    }
    w.row(0, "Pods Status", pods);
    pod_template(w, &spec["template"]);
    claims(w, &spec["volumeClaimTemplates"]);
    Ok(Events::Shown)
}

// Models staging/src/k8s.io/kubectl/pkg/describe/describe.go describeVolumeClaimTemplates
fn claims(w: &mut Writer, templates: &Value) {
    if templates.is_empty() {
        return w.row(0, "Volume Claims", "<none>");
    }
    w.line(0, "Volume Claims:");
    for claim in templates.items() {
        w.row(1, "Name", meta::name(claim));
        w.row(1, "StorageClass", claim["spec"]["storageClassName"].str());
        for (title, map) in [("Labels", meta::labels(claim)), ("Annotations", meta::annotations(claim))] {
            let lines: Vec<String> =
                map.fields().iter().map(|(key, value)| format!("{key}={}", value.str())).collect();
            w.lines("  ", title, &lines);
        }
        let storage = &claim["spec"]["resources"]["requests"]["storage"];
        let capacity =
            if storage.is_null() { "<default>".to_string() } else { crate::text::go_text(storage, "") };
        w.row(1, "Capacity", capacity);
        let modes = super::writer::join(&claim["spec"]["accessModes"], " ");
        w.row(1, "Access Modes", format!("[{modes}]"));
    }
}
