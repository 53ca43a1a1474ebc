//! Each invariant can be broken: a made-up cluster that breaks it, beside one that doesn't.

use super::{INVARIANTS, When, violations};
use crate::random::scene::Scene;
use api::{Value, tree};
use cluster::Machine;
use std::collections::BTreeSet;

/// Returns the objects of several documents. What begins with a brace is read as JSON unless it stands under a
/// name.
fn objects(text: &str) -> Vec<Value> {
    let object = |document: &str| api::yaml::parse_one(&format!("x: {document}")).unwrap()["x"].clone();
    text.split("\n---\n").map(object).collect()
}

/// Returns a scene of the objects. Node `one` runs, and so does node `two`; node `dead` doesn't.
fn scene(text: &str, running: &[(&str, &[&str])]) -> Scene {
    let mut scene = Scene::new(objects(text));
    let machine = |name: &str, on: bool| {
        let pods = running.iter().find(|(node, _)| *node == name).map_or(&[][..], |(_, pods)| *pods);
        Machine { name: name.into(), on, pods: pods.iter().map(|pod| (*pod).into()).collect() }
    };
    scene.machines = vec![machine("one", true), machine("two", true), machine("dead", false)];
    scene.existed = std::rc::Rc::new(BTreeSet::from(["was".into()]));
    scene
}

fn broken(scene: &Scene) -> Vec<&'static str> {
    let all = [When::Always, When::AtRest].into_iter().flat_map(|when| violations(scene, when));
    all.map(|one| one.invariant).collect()
}

/// The invariant, objects that keep it, objects that break it. Namespace `d` is there in both.
const ROWS: &[(&str, &str, &str)] = &[
    (
        "no_two_pods_have_one_address",
        "{kind: Pod, metadata: {name: a, namespace: d}, status: {phase: Running, podIP: 10.244.1.2}}
---
{kind: Pod, metadata: {name: b, namespace: d}, status: {phase: Succeeded, podIP: 10.244.1.2}}",
        "{kind: Pod, metadata: {name: a, namespace: d}, status: {phase: Running, podIP: 10.244.1.2}}
---
{kind: Pod, metadata: {name: b, namespace: d}, status: {phase: Running, podIP: 10.244.1.2}}",
    ),
    (
        "an_address_is_of_its_nodes_network",
        "{kind: Pod, metadata: {name: a, namespace: d}, spec: {nodeName: one}, status: {podIP: 10.244.1.2}}
---
{kind: Node, metadata: {name: one}, spec: {podCIDR: 10.244.1.0/24}, status: {conditions: [{type: Ready, status: 'True'}]}}",
        "{kind: Pod, metadata: {name: a, namespace: d}, spec: {nodeName: one}, status: {podIP: 10.244.2.2}}
---
{kind: Node, metadata: {name: one}, spec: {podCIDR: 10.244.1.0/24}, status: {conditions: [{type: Ready, status: 'True'}]}}",
    ),
    (
        "a_node_holds_what_runs_on_it",
        "{kind: Pod, metadata: {name: a, namespace: d, generation: 2}, spec: {nodeName: one, containers: [{name: c, resources: {requests: {cpu: '9'}}}]}, status: {containerStatuses: [{name: c, allocatedResources: {cpu: 1900m}}]}}
---
{kind: Node, metadata: {name: one}, status: {allocatable: {cpu: '2', pods: '1'}, conditions: [{type: Ready, status: 'True'}]}}",
        "{kind: Pod, metadata: {name: a, namespace: d}, spec: {nodeName: one, containers: [{name: c, resources: {requests: {cpu: 2100m}}}]}}
---
{kind: Node, metadata: {name: one}, status: {allocatable: {cpu: '2', pods: '1'}, conditions: [{type: Ready, status: 'True'}]}}",
    ),
    (
        "no_two_pods_have_one_port_of_a_node",
        "{kind: Node, metadata: {name: one}, status: {conditions: [{type: Ready, status: 'True'}]}}
---
{kind: Pod, metadata: {name: a, namespace: d, uid: a}, spec: {nodeName: one, containers: [{ports: [{hostPort: 80}]}]}}",
        "{kind: Node, metadata: {name: one}, status: {conditions: [{type: Ready, status: 'True'}]}}
---
{kind: Pod, metadata: {name: a, namespace: d, uid: a}, spec: {nodeName: one, containers: [{ports: [{hostPort: 80}]}]}}
---
{kind: Pod, metadata: {name: b, namespace: d, uid: b}, spec: {nodeName: one, containers: [{ports: [{hostPort: 80}]}]}}",
    ),
    (
        "pods_end_when_deleted",
        "{kind: Pod, metadata: {name: a, namespace: d, deletionTimestamp: now}, spec: {nodeName: dead}}
---
{kind: Node, metadata: {name: dead}, status: {conditions: [{type: Ready, status: 'False'}]}, spec: {taints: [{key: node.kubernetes.io/not-ready}]}}",
        "{kind: Pod, metadata: {name: a, namespace: d, deletionTimestamp: now}}",
    ),
    (
        "pending_pods_say_why",
        "{kind: Pod, metadata: {name: a, namespace: d}, status: {phase: Pending, conditions: [{type: PodScheduled, status: 'False', reason: Unschedulable}]}}",
        "{kind: Pod, metadata: {name: a, namespace: d}, status: {phase: Pending}}",
    ),
    (
        "a_pods_node_is_there",
        "{kind: Pod, metadata: {name: a, namespace: d}}",
        "{kind: Pod, metadata: {name: a, namespace: d}, spec: {nodeName: gone}}",
    ),
    (
        "pods_leave_nodes_that_they_do_not_tolerate",
        "{kind: Node, metadata: {name: one}, spec: {taints: [{key: x, effect: NoExecute}]}, status: {conditions: [{type: Ready, status: 'True'}]}}
---
{kind: Pod, metadata: {name: a, namespace: d}, spec: {nodeName: one, tolerations: [{key: x, operator: Exists}]}}",
        "{kind: Node, metadata: {name: one}, spec: {taints: [{key: x, effect: NoExecute}]}, status: {conditions: [{type: Ready, status: 'True'}]}}
---
{kind: Pod, metadata: {name: a, namespace: d}, spec: {nodeName: one, tolerations: [{key: x, operator: Exists, tolerationSeconds: 9}]}}",
    ),
    (
        "pods_of_dead_machines_are_not_ready",
        "{kind: Node, metadata: {name: dead}}
---
{kind: Pod, metadata: {name: a, namespace: d}, spec: {nodeName: dead}, status: {conditions: [{type: Ready, status: 'False'}]}}",
        "{kind: Node, metadata: {name: dead}}
---
{kind: Pod, metadata: {name: a, namespace: d}, spec: {nodeName: dead}, status: {conditions: [{type: Ready, status: 'True'}]}}",
    ),
    (
        "ready_containers_make_a_ready_pod",
        "{kind: Pod, metadata: {name: a, namespace: d}, status: {conditions: [{type: ContainersReady, status: 'True'}, {type: Ready, status: 'True'}]}}",
        "{kind: Pod, metadata: {name: a, namespace: d}, status: {conditions: [{type: ContainersReady, status: 'True'}, {type: Ready, status: 'False'}]}}",
    ),
    (
        "nodes_are_ready_as_their_machines_run",
        "{kind: Node, metadata: {name: one}, status: {conditions: [{type: Ready, status: 'True'}]}}",
        "{kind: Node, metadata: {name: dead}, status: {conditions: [{type: Ready, status: 'True'}]}}",
    ),
    (
        "nodes_bear_the_taints_of_their_state",
        "{kind: Node, metadata: {name: dead}, spec: {taints: [{key: node.kubernetes.io/unreachable}]}, status: {conditions: [{type: Ready, status: Unknown}]}}",
        "{kind: Node, metadata: {name: dead}, status: {conditions: [{type: Ready, status: Unknown}]}}",
    ),
    (
        "no_two_services_have_one_address",
        "{kind: Service, metadata: {name: a, namespace: d}, spec: {clusterIP: None}}
---
{kind: Service, metadata: {name: b, namespace: d}, spec: {clusterIP: None}}",
        "{kind: Service, metadata: {name: a, namespace: d}, spec: {clusterIP: 10.96.0.5}}
---
{kind: Service, metadata: {name: b, namespace: d}, spec: {clusterIP: 10.96.0.5}}",
    ),
    (
        "no_two_services_have_one_node_port",
        "{kind: Service, metadata: {name: a, namespace: d}, spec: {ports: [{protocol: TCP, nodePort: 30001}, {protocol: UDP, nodePort: 30001}]}}",
        "{kind: Service, metadata: {name: a, namespace: d}, spec: {ports: [{protocol: TCP, nodePort: 30001}]}}
---
{kind: Service, metadata: {name: b, namespace: d}, spec: {healthCheckNodePort: 30001}}",
    ),
    (
        "endpoints_are_the_ready_pods",
        "{kind: Service, metadata: {name: a, namespace: d}, spec: {selector: {app: a}}}
---
{kind: Pod, metadata: {name: a, namespace: d, labels: {app: a}}, status: {podIP: 10.244.1.2, conditions: [{type: Ready, status: 'True'}]}}
---
{kind: EndpointSlice, metadata: {name: a, namespace: d, labels: {kubernetes.io/service-name: a}}, endpoints: [{addresses: [10.244.1.2], conditions: {ready: true}}]}",
        "{kind: Service, metadata: {name: a, namespace: d}, spec: {selector: {app: a}}}
---
{kind: Pod, metadata: {name: a, namespace: d, labels: {app: a}}, status: {podIP: 10.244.1.2, conditions: [{type: Ready, status: 'True'}]}}
---
{kind: EndpointSlice, metadata: {name: a, namespace: d, labels: {kubernetes.io/service-name: a}}, endpoints: [{addresses: [10.244.1.2], conditions: {ready: false}}]}",
    ),
    (
        "endpoints_have_their_service",
        "{kind: Endpoints, metadata: {name: a, namespace: d}}
---
{kind: Service, metadata: {name: a, namespace: d}}",
        "{kind: Endpoints, metadata: {name: a, namespace: d}}",
    ),
    (
        "replica_sets_have_their_count_or_say_why",
        "{kind: ReplicaSet, metadata: {name: a, namespace: d, uid: a}, spec: {replicas: 1}, status: {conditions: [{type: ReplicaFailure, status: 'True'}]}}",
        "{kind: ReplicaSet, metadata: {name: a, namespace: d, uid: a}, spec: {replicas: 1}}",
    ),
    (
        "replica_counts_are_true",
        "{kind: StatefulSet, metadata: {name: a, namespace: d, uid: a, generation: 1}, spec: {replicas: 0}, status: {observedGeneration: 1}}",
        "{kind: StatefulSet, metadata: {name: a, namespace: d, uid: a, generation: 1}, spec: {replicas: 0}, status: {observedGeneration: 1, readyReplicas: 1}}",
    ),
    (
        "deployments_come_to_their_end",
        "{kind: Deployment, metadata: {name: a, namespace: d, uid: a}, spec: {replicas: 0, paused: true}}",
        "{kind: Deployment, metadata: {name: a, namespace: d, uid: a}, spec: {replicas: 0}}",
    ),
    (
        "an_ordinal_has_one_pod",
        "{kind: StatefulSet, metadata: {name: a, namespace: d, uid: a}, spec: {replicas: 1}, status: {}}
---
{kind: Pod, metadata: {name: a-0, namespace: d, ownerReferences: [{uid: a, controller: true}]}}",
        "{kind: StatefulSet, metadata: {name: a, namespace: d, uid: a}, spec: {replicas: 1}, status: {}}
---
{kind: Pod, metadata: {name: a-0, namespace: d, ownerReferences: [{uid: a, controller: true}]}}
---
{kind: Pod, metadata: {name: a-00, namespace: d, ownerReferences: [{uid: a, controller: true}]}}",
    ),
    (
        "stateful_sets_have_their_ordinals",
        "{kind: StatefulSet, metadata: {name: a, namespace: d, uid: a}, spec: {replicas: 1, ordinals: {start: 3}}}
---
{kind: Pod, metadata: {name: a-3, namespace: d, ownerReferences: [{uid: a, controller: true}]}}",
        "{kind: StatefulSet, metadata: {name: a, namespace: d, uid: a}, spec: {replicas: 1, ordinals: {start: 3}}}",
    ),
    (
        "daemon_sets_have_a_pod_a_node",
        "{kind: DaemonSet, metadata: {name: a, namespace: d, uid: a}, spec: {template: {spec: {nodeSelector: {disk: ssd}}}}}
---
{kind: Node, metadata: {name: one}, status: {conditions: [{type: Ready, status: 'True'}]}}",
        "{kind: DaemonSet, metadata: {name: a, namespace: d, uid: a}}
---
{kind: Node, metadata: {name: one}, status: {conditions: [{type: Ready, status: 'True'}]}}",
    ),
    (
        "jobs_have_no_more_pods_than_they_may",
        "{kind: Job, metadata: {name: a, namespace: d, uid: a}, spec: {parallelism: 1}, status: {active: 1}}
---
{kind: Pod, metadata: {name: a, namespace: d, ownerReferences: [{uid: a, controller: true}]}}",
        "{kind: Job, metadata: {name: a, namespace: d, uid: a}, spec: {parallelism: 0}, status: {active: 1}}
---
{kind: Pod, metadata: {name: a, namespace: d, ownerReferences: [{uid: a, controller: true}]}}",
    ),
    (
        "cron_jobs_forbid_what_they_forbid",
        "{kind: CronJob, metadata: {name: a, namespace: d, uid: a}, spec: {concurrencyPolicy: Forbid}}
---
{kind: Job, metadata: {name: a, namespace: d, ownerReferences: [{uid: a, controller: true}]}}",
        "{kind: CronJob, metadata: {name: a, namespace: d, uid: a}, spec: {concurrencyPolicy: Forbid}}
---
{kind: Job, metadata: {name: a, namespace: d, ownerReferences: [{uid: a, controller: true}]}}
---
{kind: Job, metadata: {name: b, namespace: d, ownerReferences: [{uid: a, controller: true}]}}",
    ),
    (
        "cron_jobs_keep_their_history",
        "{kind: CronJob, metadata: {name: a, namespace: d, uid: a}, spec: {failedJobsHistoryLimit: 1}}
---
{kind: Job, metadata: {name: a, namespace: d, ownerReferences: [{uid: a, controller: true}]}, status: {conditions: [{type: Failed, status: 'True'}]}}",
        "{kind: CronJob, metadata: {name: a, namespace: d, uid: a}, spec: {failedJobsHistoryLimit: 0}}
---
{kind: Job, metadata: {name: a, namespace: d, ownerReferences: [{uid: a, controller: true}]}, status: {conditions: [{type: Failed, status: 'True'}]}}",
    ),
    (
        "budgets_are_true",
        "{kind: PodDisruptionBudget, metadata: {name: a, namespace: d}, status: {desiredHealthy: 1, expectedPods: 1}}",
        "{kind: PodDisruptionBudget, metadata: {name: a, namespace: d}, status: {desiredHealthy: 1, expectedPods: 1, disruptionsAllowed: 1}}",
    ),
    (
        "owners_are_there",
        "{kind: ConfigMap, metadata: {name: a, namespace: d, uid: a}}
---
{kind: ConfigMap, metadata: {name: b, namespace: d, ownerReferences: [{uid: a}, {uid: gone}]}}",
        "{kind: ConfigMap, metadata: {name: b, namespace: d, ownerReferences: [{uid: gone}]}}",
    ),
    (
        "a_namespace_is_there",
        "{kind: ConfigMap, metadata: {name: a, namespace: d}}",
        "{kind: ConfigMap, metadata: {name: a, namespace: gone}}",
    ),
    (
        "what_is_deleted_goes",
        "{kind: ReplicaSet, metadata: {name: a, namespace: d, uid: a, deletionTimestamp: now, finalizers: [foregroundDeletion]}}
---
{kind: ConfigMap, metadata: {name: a, namespace: d, ownerReferences: [{uid: a}]}}",
        "{kind: ReplicaSet, metadata: {name: a, namespace: d, uid: a, deletionTimestamp: now, finalizers: [foregroundDeletion]}}",
    ),
    (
        "events_are_of_what_was",
        "{kind: Event, metadata: {name: a, namespace: d}, involvedObject: {kind: Pod, name: a, uid: was}}",
        "{kind: Event, metadata: {name: a, namespace: d}, involvedObject: {kind: Pod, name: a, uid: never}}",
    ),
    (
        "quotas_are_true",
        "{kind: ResourceQuota, metadata: {name: a, namespace: d}, status: {used: {pods: '0'}}}",
        "{kind: ResourceQuota, metadata: {name: a, namespace: d}, status: {used: {pods: '1'}}}",
    ),
    (
        "no_two_claims_have_one_volume",
        "{kind: PersistentVolume, metadata: {name: v}, spec: {claimRef: {uid: a}}}
---
{kind: PersistentVolumeClaim, metadata: {name: a, namespace: d, uid: a}, spec: {volumeName: v}, status: {phase: Bound}}",
        "{kind: PersistentVolume, metadata: {name: v}, spec: {claimRef: {uid: a}}}
---
{kind: PersistentVolumeClaim, metadata: {name: a, namespace: d, uid: a}, spec: {volumeName: v}, status: {phase: Bound}}
---
{kind: PersistentVolumeClaim, metadata: {name: b, namespace: d, uid: a}, spec: {volumeName: v}, status: {phase: Bound}}",
    ),
    (
        "claims_and_volumes_agree",
        "{kind: PersistentVolume, metadata: {name: v}, spec: {claimRef: {uid: a}}, status: {phase: Bound}}
---
{kind: PersistentVolumeClaim, metadata: {name: a, namespace: d, uid: a}, spec: {volumeName: v}}",
        "{kind: PersistentVolume, metadata: {name: v}, spec: {claimRef: {uid: a}}, status: {phase: Bound}}",
    ),
    (
        "a_volume_for_one_node_is_attached_once",
        "{kind: PersistentVolume, metadata: {name: v}, spec: {accessModes: [ReadWriteOnce]}}
---
{kind: VolumeAttachment, metadata: {name: a}, spec: {nodeName: one, source: {persistentVolumeName: v}}}",
        "{kind: PersistentVolume, metadata: {name: v}, spec: {accessModes: [ReadWriteOnce]}}
---
{kind: VolumeAttachment, metadata: {name: a}, spec: {nodeName: one, source: {persistentVolumeName: v}}}
---
{kind: VolumeAttachment, metadata: {name: b}, spec: {nodeName: two, source: {persistentVolumeName: v}}}",
    ),
    (
        "a_volume_for_one_pod_has_one",
        "{kind: Node, metadata: {name: one}, status: {conditions: [{type: Ready, status: 'True'}]}}
---
{kind: PersistentVolumeClaim, metadata: {name: v, namespace: d}, spec: {accessModes: [ReadWriteOncePod]}}
---
{kind: Pod, metadata: {name: a, namespace: d}, spec: {nodeName: one, volumes: [{persistentVolumeClaim: {claimName: v}}]}}",
        "{kind: Node, metadata: {name: one}, status: {conditions: [{type: Ready, status: 'True'}]}}
---
{kind: PersistentVolumeClaim, metadata: {name: v, namespace: d}, spec: {accessModes: [ReadWriteOncePod]}}
---
{kind: Pod, metadata: {name: a, namespace: d}, spec: {nodeName: one, volumes: [{persistentVolumeClaim: {claimName: v}}]}}
---
{kind: Pod, metadata: {name: b, namespace: d}, spec: {nodeName: one, volumes: [{persistentVolumeClaim: {claimName: v}}]}}",
    ),
];

/// The invariants about what machines run, which have tests of their own.
const OF_MACHINES: [&str; 2] = ["a_pod_runs_on_one_machine", "what_runs_is_bound_there"];

fn with_namespace(text: &str) -> Scene {
    scene(&format!("{{kind: Namespace, metadata: {{name: d}}}}\n---\n{text}"), &[])
}

#[test]
fn every_invariant_can_be_broken() {
    for (name, keeps, breaks) in ROWS {
        assert_eq!(broken(&with_namespace(keeps)), [""; 0], "{name} is kept");
        assert_eq!(broken(&with_namespace(breaks)), [*name], "{name} is broken");
    }
    for invariant in INVARIANTS {
        let has_row = ROWS.iter().any(|(name, ..)| *name == invariant.name);
        assert!(has_row || OF_MACHINES.contains(&invariant.name), "{} has a row", invariant.name);
        assert!(!invariant.reason.is_empty());
    }
}

#[test]
fn what_machines_run_is_looked_at() {
    let text = "{kind: Namespace, metadata: {name: d}}
---
{kind: Node, metadata: {name: one}, status: {conditions: [{type: Ready, status: 'True'}]}}
---
{kind: Pod, metadata: {name: a, namespace: d}, spec: {nodeName: one}}";
    assert_eq!(broken(&scene(text, &[("one", &["d/a"])])), [""; 0]);
    assert_eq!(broken(&scene(text, &[("two", &["d/a"])])), ["what_runs_is_bound_there"]);
    assert_eq!(broken(&scene(text, &[("one", &["d/gone"])])), ["what_runs_is_bound_there"]);
    let twice = broken(&scene(text, &[("one", &["d/a"]), ("two", &["d/a"])]));
    assert_eq!(twice, ["a_pod_runs_on_one_machine", "what_runs_is_bound_there"]);
}

#[test]
fn an_object_is_found_by_kind_and_name() {
    let scene = Scene::new([tree!({"kind": "Node", "metadata": {"name": "n"}})]);
    assert!(scene.find("Node", "", "n").is_some() && scene.find("Pod", "", "n").is_none());
}
