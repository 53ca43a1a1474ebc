use super::Broken;
use super::pods::tolerates;
use crate::random::rest::RETRIED;
use crate::random::scene::{Scene, is_active, is_done, is_ready, title};
use api::label::Selector;
use api::{Value, int_or_string, meta};
use sim::{SECOND, Time};
use std::collections::BTreeMap;

fn len(items: impl Iterator) -> i64 {
    i64::try_from(items.count()).unwrap_or(i64::MAX)
}

/// Returns `spec.replicas`, which is 1 where nothing is said.
fn wanted(workload: &Value) -> i64 {
    workload["spec"]["replicas"].as_int().unwrap_or(1)
}

/// Returns whether a quota or a namespace on its way out may keep a namespace's controllers from creating.
fn may_refuse(scene: &Scene, namespace: &str) -> bool {
    let quota = scene.all("ResourceQuota").iter().any(|quota| meta::namespace(quota) == namespace);
    quota || scene.find("Namespace", "", namespace).is_none_or(meta::is_deleting)
}

pub(super) fn replica_sets_have_their_count_or_say_why(scene: &Scene, broken: &mut Broken) {
    for kind in ["ReplicaSet", "ReplicationController"] {
        // Where a namespace ends its pods go first, and what makes them is as yet there.
        let ends = |set: &Value| {
            meta::is_deleting(set)
                || scene.find("Namespace", "", meta::namespace(set)).is_none_or(meta::is_deleting)
        };
        for set in scene.all(kind).iter().filter(|set| !ends(set)) {
            let (has, wants) = (len(scene.active_pods(set)), wanted(set));
            let says = meta::is_condition_true(set, "ReplicaFailure");
            if has != wants && !(has < wants && says) {
                broken.push((title(set), format!("has {has} pods of {wants}, and says nothing")));
            }
        }
    }
}

pub(super) fn replica_counts_are_true(scene: &Scene, broken: &mut Broken) {
    let mut compare = |object: &Value, rows: &[(&str, i64)]| {
        if meta::is_deleting(object) {
            return;
        }
        let status = &object["status"];
        let observed = ("observedGeneration", meta::generation(object));
        for (field, there) in rows.iter().chain([&observed]) {
            if status[*field].int() != *there {
                let said = status[*field].int();
                broken.push((title(object), format!("status.{field} is {said}, and it is {there}")));
            }
        }
    };
    for set in scene.all("ReplicaSet") {
        let ready = len(scene.active_pods(set).filter(|pod| is_ready(pod)));
        compare(set, &[("replicas", len(scene.active_pods(set))), ("readyReplicas", ready)]);
    }
    // Before they count they write a ReplicaSet or ControllerRevision, which is refused in a namespace that ends.
    // Upstream: pkg/controller/deployment/sync.go getNewReplicaSet, daemon/daemon_controller.go syncDaemonSet,
    // statefulset/stateful_set_control.go
    let ends = |set: &&Value| scene.find("Namespace", "", meta::namespace(set)).is_none_or(meta::is_deleting);
    for deployment in scene.all("Deployment").iter().filter(|deployment| !ends(deployment)) {
        let sum =
            |field: &str| scene.owned("ReplicaSet", deployment).map(|rs| rs["status"][field].int()).sum();
        let fields = ["replicas", "readyReplicas", "availableReplicas"];
        compare(deployment, &fields.map(|field| (field, sum(field))));
    }
    for set in scene.all("StatefulSet").iter().filter(|set| !ends(set)) {
        let ready = len(scene.active_pods(set).filter(|pod| is_ready(pod)));
        compare(set, &[("readyReplicas", ready)]);
    }
    for set in scene.all("DaemonSet").iter().filter(|set| !ends(set)) {
        compare(set, &[]);
    }
    for job in scene.all("Job").iter().filter(|job| !is_finished(job)) {
        let active = len(scene.active_pods(job));
        if job["status"]["active"].int() != active && !meta::is_deleting(job) {
            let said = job["status"]["active"].int();
            broken.push((title(job), format!("status.active is {said}, and it is {active}")));
        }
    }
}

pub(super) fn deployments_come_to_their_end(scene: &Scene, broken: &mut Broken) {
    for deployment in scene.all("Deployment") {
        if meta::is_deleting(deployment) || deployment["spec"]["paused"].is_true() {
            continue;
        }
        // Recreate waits until the pods before are gone, and those of a dead machine don't go.
        // Upstream: pkg/controller/deployment/recreate.go oldPodsRunning
        let goes = |rs: &Value| scene.owned("Pod", rs).any(|pod| meta::is_deleting(pod) && !is_done(pod));
        let recreates = deployment["spec"]["strategy"]["type"].str() == "Recreate";
        if recreates && scene.owned("ReplicaSet", deployment).any(goes) {
            continue;
        }
        let revision =
            |rs: &&Value| meta::annotation(rs, "deployment.kubernetes.io/revision").parse::<i64>().ok();
        let sets: Vec<&Value> = scene.owned("ReplicaSet", deployment).collect();
        let newest = sets.iter().copied().max_by_key(revision);
        let is_new = |rs: &Value| newest.is_some_and(|newest| meta::uid(newest) == meta::uid(rs));
        // Several sets that await another number have it spread over them by RollingUpdate alone: with Recreate
        // each look finds it still to be done. Upstream: pkg/controller/deployment/sync.go isScalingEvent, scale
        let active: Vec<&&Value> = sets.iter().filter(|rs| wanted(rs) > 0).collect();
        let other = |rs: &&&Value| {
            let desired = meta::annotation(rs, "deployment.kubernetes.io/desired-replicas").parse::<i64>();
            desired.is_ok_and(|desired| desired != wanted(deployment))
        };
        if recreates && active.len() > 1 && active.iter().any(other) {
            continue;
        }
        let done = sets.iter().all(|rs| wanted(rs) == if is_new(rs) { wanted(deployment) } else { 0 });
        let available = sets.iter().all(|rs| rs["status"]["availableReplicas"].int() == wanted(rs));
        if (!done && available) || newest.is_none() && !may_refuse(scene, meta::namespace(deployment)) {
            let counts: Vec<i64> = sets.iter().map(|rs| wanted(rs)).collect();
            let how = format!("all is available, and {counts:?} is not {}", wanted(deployment));
            broken.push((title(deployment), how));
        }
    }
}

/// Returns whether an event about an object was told for a reason since its controller must have tried last.
fn told(scene: &Scene, object: &Value, reason: &str) -> bool {
    let is_recent = |event: &Value| {
        meta::time(&event["lastTimestamp"]).is_some_and(|at| scene.now - at <= RETRIED * SECOND)
    };
    let is_it = |event: &&Value| {
        event["reason"].str() == reason
            && event["involvedObject"]["uid"].str() == meta::uid(object)
            && is_recent(event)
    };
    scene.all("Event").iter().any(|event| is_it(&event))
}

/// Returns the ordinal in the name of a StatefulSet's pod.
fn ordinal(set: &Value, pod: &Value) -> Option<i64> {
    meta::name(pod).strip_prefix(meta::name(set))?.strip_prefix('-')?.parse().ok()
}

pub(super) fn an_ordinal_has_one_pod(scene: &Scene, broken: &mut Broken) {
    for set in scene.all("StatefulSet") {
        let mut seen: BTreeMap<i64, &Value> = BTreeMap::new();
        for pod in scene.owned("Pod", set) {
            let Some(number) = ordinal(set, pod) else {
                broken.push((title(set), format!("{} has no ordinal", meta::key(pod))));
                continue;
            };
            if let Some(other) = seen.insert(number, pod) {
                let how = format!("{} and {} are both {number}", meta::key(other), meta::key(pod));
                broken.push((title(set), how));
            }
        }
    }
}

pub(super) fn stateful_sets_have_their_ordinals(scene: &Scene, broken: &mut Broken) {
    for set in scene.all("StatefulSet").iter().filter(|set| !meta::is_deleting(set)) {
        let pods: Vec<&Value> = scene.owned("Pod", set).collect();
        let start = set["spec"]["ordinals"]["start"].int();
        let numbers = start..start + wanted(set);
        let of =
            |number: i64| scene.find("Pod", meta::namespace(set), &format!("{}-{number}", meta::name(set)));
        // One that isn't ready holds the others up, and so does a pod of a wanted name that isn't its own, which
        // who took a label away has made. A pod that is refused is told in an event, and so is one that was adopted and
        // can't be given the volumes of the set's claims.
        let is_foreign = |pod: &Value| !meta::is_controlled_by(pod, set);
        let held = pods.iter().any(|pod| !is_active(pod) || !is_ready(pod))
            || numbers.clone().any(|number| of(number).is_some_and(is_foreign))
            || told(scene, set, "FailedCreate")
            || told(scene, set, "FailedUpdate");
        for number in numbers {
            let name = format!("{}-{number}", meta::name(set));
            if of(number).is_none() && !held && !may_refuse(scene, meta::namespace(set)) {
                broken.push((title(set), format!("{name} is missing, and nothing holds it up")));
            }
        }
        let beyond = |pod: &&&Value| ordinal(set, pod).is_some_and(|n| n < start || n >= start + wanted(set));
        if let Some(pod) = pods.iter().find(beyond).filter(|_| !held) {
            broken.push((title(set), format!("{} is beyond its count", meta::key(pod))));
        }
    }
}

/// The taints that the pods of every DaemonSet bear.
// Models pkg/controller/daemon/util/daemonset_util.go AddOrUpdateDaemonPodTolerations
const BORNE: [(&str, &str); 6] = [
    ("node.kubernetes.io/not-ready", "NoExecute"),
    ("node.kubernetes.io/unreachable", "NoExecute"),
    ("node.kubernetes.io/disk-pressure", "NoSchedule"),
    ("node.kubernetes.io/memory-pressure", "NoSchedule"),
    ("node.kubernetes.io/pid-pressure", "NoSchedule"),
    ("node.kubernetes.io/unschedulable", "NoSchedule"),
];

fn may_run(set: &Value, node: &Value) -> bool {
    let spec = &set["spec"]["template"]["spec"];
    let selector = Selector::from_map(&spec["nodeSelector"]);
    let tolerations = spec["tolerations"].items();
    let refuses = |taint: &Value| {
        taint["effect"].str() != "PreferNoSchedule"
            && !BORNE.contains(&(taint["key"].str(), taint["effect"].str()))
            && !tolerates(tolerations, taint)
    };
    selector.matches(meta::labels(node)) && !node["spec"]["taints"].items().iter().any(refuses)
}

pub(super) fn daemon_sets_have_a_pod_a_node(scene: &Scene, broken: &mut Broken) {
    for set in scene.all("DaemonSet").iter().filter(|set| !meta::is_deleting(set)) {
        let surges = !matches!(
            int_or_string::text(&set["spec"]["updateStrategy"]["rollingUpdate"]["maxSurge"]).as_str(),
            "" | "0" | "0%"
        );
        for node in scene.all("Node") {
            let name = meta::name(node);
            let here: Vec<&Value> = scene.owned("Pod", set).filter(|pod| target(pod) == name).collect();
            let active = here.iter().filter(|pod| is_active(pod)).count();
            if active > if surges { 2 } else { 1 } {
                broken.push((title(set), format!("has {active} pods on {name}")));
            }
            // Pods that fail are made anew later and later; one of a dead machine is still there.
            let excused = may_refuse(scene, meta::namespace(set)) || here.iter().any(|pod| !is_active(pod));
            if may_run(set, node) && active == 0 && !excused {
                broken.push((title(set), format!("has no pod on {name}")));
            }
        }
    }
}

/// Returns the node for which a DaemonSet's pod was made.
fn target(pod: &Value) -> &str {
    let affinity = &pod["spec"]["affinity"]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"];
    let field = &affinity["nodeSelectorTerms"][0]["matchFields"][0];
    field["values"][0].str()
}

fn is_finished(job: &Value) -> bool {
    meta::is_condition_true(job, "Complete") || meta::is_condition_true(job, "Failed")
}

pub(super) fn jobs_have_no_more_pods_than_they_may(scene: &Scene, broken: &mut Broken) {
    for job in scene.all("Job").iter().filter(|job| !meta::is_deleting(job)) {
        let ends = is_finished(job) || job["spec"]["suspend"].is_true();
        let most = if ends { 0 } else { job["spec"]["parallelism"].as_int().unwrap_or(1) };
        let active = len(scene.active_pods(job));
        if active > most {
            broken.push((title(job), format!("has {active} active pods of {most}")));
        }
    }
}

/// Returns when an object was written last other than by who keeps its status.
fn spec_written(object: &Value) -> Option<Time> {
    let managed = object["metadata"]["managedFields"].items().iter();
    managed.filter(|one| one["subresource"].str().is_empty()).filter_map(|one| meta::time(&one["time"])).max()
}

pub(super) fn cron_jobs_forbid_what_they_forbid(scene: &Scene, broken: &mut Broken) {
    let forbids = |cron: &&Value| cron["spec"]["concurrencyPolicy"].str() == "Forbid";
    for cron in scene.all("CronJob").iter().filter(forbids) {
        // Those of before may have been allowed.
        let written = spec_written(cron);
        let begun =
            |job: &&Value| written.is_none_or(|at| meta::created(job).is_none_or(|created| created > at));
        let jobs =
            scene.owned("Job", cron).filter(|job| !is_finished(job) && !meta::is_deleting(job)).filter(begun);
        let jobs: Vec<&str> = jobs.map(meta::name).collect();
        if jobs.len() > 1 {
            broken.push((title(cron), format!("forbids {} at once", jobs.join(" and "))));
        }
    }
}

pub(super) fn cron_jobs_keep_their_history(scene: &Scene, broken: &mut Broken) {
    for cron in scene.all("CronJob").iter().filter(|cron| !meta::is_deleting(cron)) {
        for (condition, field, usual) in
            [("Complete", "successfulJobsHistoryLimit", 3), ("Failed", "failedJobsHistoryLimit", 1)]
        {
            let most = cron["spec"][field].as_int().unwrap_or(usual);
            let over = scene.owned("Job", cron).filter(|job| !meta::is_deleting(job));
            let there = len(over.filter(|job| meta::is_condition_true(job, condition)));
            if there > most {
                broken.push((title(cron), format!("keeps {there} {condition} Jobs of {most}")));
            }
        }
    }
}

pub(super) fn budgets_are_true(scene: &Scene, broken: &mut Broken) {
    for budget in scene.all("PodDisruptionBudget").iter().filter(|one| !meta::is_deleting(one)) {
        let selector = Selector::from_label_selector(&budget["spec"]["selector"]);
        let is_its = |pod: &&Value| {
            meta::namespace(pod) == meta::namespace(budget) && selector.matches(meta::labels(pod))
        };
        let pods = scene.all("Pod").iter().filter(is_its).filter(|pod| !is_done(pod));
        let healthy = len(pods.filter(|pod| is_ready(pod) && !meta::is_deleting(pod)));
        let status = &budget["status"];
        let allowed = (healthy - status["desiredHealthy"].int()).max(0);
        // One that can't tell how many pods there should be allows nothing.
        let knows = meta::condition(budget, "DisruptionAllowed")
            .is_none_or(|condition| condition["reason"].str() != "SyncFailed");
        let all = status["expectedPods"].int() > 0;
        for (field, there) in
            [("currentHealthy", healthy), ("disruptionsAllowed", if all { allowed } else { 0 })]
        {
            if knows && status[field].int() != there {
                let said = status[field].int();
                broken.push((title(budget), format!("status.{field} is {said}, and it is {there}")));
            }
        }
    }
}
