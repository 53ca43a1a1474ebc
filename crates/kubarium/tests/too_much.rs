//! What is too much or makes no sense for a cluster: it is refused as by a real one, or borne, in bounded
//! memory.

use cluster::{Cluster, Preset, Store};
use view::Input;

fn cluster(preset: &str) -> Cluster {
    Cluster::new(&Preset::named(preset).unwrap(), 1)
}

fn apply(cluster: &mut Cluster, text: &str) -> String {
    cluster.input(Input::WriteFile { name: "x.yaml".to_string(), text: text.to_string() });
    cluster.run_line("kubectl apply -f x.yaml")
}

/// Returns how many objects of a kind the store holds.
fn count(store: &Store, prefix: &str) -> usize {
    store.range(prefix).count()
}

#[test]
fn a_million_replicas_are_borne_as_far_as_the_store_goes() {
    let mut cluster = cluster("bare");
    let made = cluster.run_line("kubectl create deployment many --image=nginx --replicas=1000000");
    assert_eq!(made, "deployment.apps/many created\n");
    cluster.set_most_objects(900);
    cluster.sleep(60);
    assert_eq!(cluster.store().len(), 900, "no more than the store holds");
    // There is no room for an event about it, either.
    let condition = "{.items[0].status.conditions[0].reason} {.items[0].status.conditions[0].message}";
    let told = cluster.run_line(&format!("kubectl get replicasets -o jsonpath='{condition}'"));
    assert_eq!(told, "FailedCreate etcdserver: mvcc: database space exceeded\n");
    let refused = cluster.run_line("kubectl create configmap one-more");
    assert_eq!(
        refused,
        "error: failed to create configmap: etcdserver: mvcc: database space exceeded\n[exit 1]\n"
    );
    cluster.run_line("kubectl scale deployment many --replicas=2");
    cluster.sleep(90);
    assert_eq!(count(cluster.store(), "/registry/pods/default/"), 2, "it comes back from there");
    assert_eq!(cluster.run_line("kubectl create configmap one-more"), "configmap/one-more created\n");
}

#[test]
fn a_cron_job_of_every_minute_stays_as_large_as_it_is() {
    let mut cluster = cluster("bare");
    let made = cluster.run_line(
        "kubectl create cronjob tick --image=busybox --schedule='* * * * *' -- sh -c 'sleep 5; echo done'",
    );
    assert_eq!(made, "cronjob.batch/tick created\n");
    let mut sizes = Vec::new();
    for _ in 0..4 {
        cluster.sleep(75 * 60);
        sizes.push((count(cluster.store(), "/registry/jobs/"), cluster.store().len()));
    }
    // Three finished Jobs are kept, and one may be under way; events are forgotten after an hour.
    assert!(sizes.iter().all(|(jobs, _)| (3..=4).contains(jobs)), "{sizes:?}");
    let (_, first) = sizes[0];
    assert!(sizes.iter().all(|(_, all)| all.abs_diff(first) <= 20), "{sizes:?}");
}

#[test]
fn owners_in_a_ring_go_together() {
    for how in ["background", "foreground"] {
        let mut cluster = cluster("bare");
        for name in ["a", "b", "c"] {
            cluster.run_line(&format!("kubectl create configmap {name}"));
        }
        for (name, owner) in [("a", "b"), ("b", "c"), ("c", "a")] {
            let uid =
                cluster.run_line(&format!("kubectl get configmap {owner} -o jsonpath={{.metadata.uid}}"));
            let owner = format!(
                "{{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"name\":\"{owner}\",\"uid\":\"{}\",\"blockOwnerDeletion\":true}}",
                uid.trim()
            );
            let patch = format!("{{\"metadata\":{{\"ownerReferences\":[{owner}]}}}}");
            let answer = cluster.run_line(&format!("kubectl patch configmap {name} -p '{patch}'"));
            assert_eq!(answer, format!("configmap/{name} patched\n"));
        }
        cluster.sleep(60);
        assert_eq!(count(cluster.store(), "/registry/configmaps/default/"), 4, "a ring holds itself");
        cluster.run_line(&format!("kubectl delete configmap a --cascade={how} --wait=false"));
        cluster.sleep(60);
        assert_eq!(count(cluster.store(), "/registry/configmaps/default/"), 1, "{how}: all went");
    }
}

/// What is applied, a line that is typed some seconds later, and words of the answer to it.
const ROWS: &[(&str, &str, &str, &str)] = &[
    (
        "a StatefulSet whose pods' label for the revision is too long",
        "apiVersion: apps/v1
kind: StatefulSet
metadata: {name: a234567890-b234567890-c234567890-d234567890-e234567890-f23456}
spec:
  serviceName: x
  selector: {matchLabels: {app: x}}
  template:
    metadata: {labels: {app: x}}
    spec: {containers: [{name: x, image: nginx}]}
",
        "kubectl describe statefulset",
        "must be no more than 63 bytes",
    ),
    (
        "a volume of a claim that isn't there",
        "apiVersion: v1
kind: Pod
metadata: {name: x}
spec:
  containers: [{name: x, image: nginx}]
  volumes: [{name: v, persistentVolumeClaim: {claimName: nothing}}]
",
        "kubectl describe pod x",
        "persistentvolumeclaim \"nothing\" not found",
    ),
    (
        "a volume of a ConfigMap that isn't there",
        "apiVersion: v1
kind: Pod
metadata: {name: x}
spec:
  containers: [{name: x, image: nginx, volumeMounts: [{name: v, mountPath: /v}]}]
  volumes: [{name: v, configMap: {name: nothing}}]
",
        "kubectl describe pod x",
        "MountVolume.SetUp failed for volume \"v\" : configmap \"nothing\" not found",
    ),
    (
        "a mount of no volume",
        "apiVersion: v1
kind: Pod
metadata: {name: x}
spec:
  containers: [{name: x, image: nginx, volumeMounts: [{name: nothing, mountPath: /x}]}]
",
        "kubectl apply -f x.yaml",
        "spec.containers[0].volumeMounts[0].name: Not found: \"nothing\"",
    ),
    (
        "a probe with period 0, which stands for none said",
        "apiVersion: v1
kind: Pod
metadata: {name: x}
spec:
  containers: [{name: x, image: nginx, livenessProbe: {httpGet: {port: 80}, periodSeconds: 0}}]
",
        "kubectl get pod x -o jsonpath='{.spec.containers[0].livenessProbe.periodSeconds} {.status.phase}'",
        "10 Running",
    ),
    (
        "a probe with a negative period",
        "apiVersion: v1
kind: Pod
metadata: {name: x}
spec:
  containers: [{name: x, image: nginx, livenessProbe: {httpGet: {port: 80}, periodSeconds: -1}}]
",
        "kubectl apply -f x.yaml",
        "spec.containers[0].livenessProbe.periodSeconds: Invalid value: -1: must be greater than or equal to 0",
    ),
];

#[test]
fn what_makes_no_sense_is_told() {
    let begun = cluster("lesson");
    for (what, manifest, line, words) in ROWS {
        let mut cluster = begun.clone();
        apply(&mut cluster, manifest);
        cluster.sleep(30);
        let answer = cluster.run_line(line);
        assert!(answer.contains(words), "{what}\n{answer}");
    }
}

#[test]
fn ten_nodes_stopped_at_once_are_borne() {
    let mut preset = Preset::named("bare").unwrap();
    let first = preset.nodes[0].clone();
    for n in 4..=12_u32 {
        preset.nodes.push(cluster::NodeSpec {
            name: format!("node-{n}"),
            address: format!("10.64.140.{}", 10 + n),
            pod_cidr: format!("10.244.{n}.0/24"),
            ..first.clone()
        });
    }
    let mut cluster = Cluster::new(&preset, 1);
    cluster.run_line("kubectl create deployment web --image=nginx --replicas=24");
    cluster.sleep(30);
    for n in 1..=10 {
        cluster.input(Input::Power { node: format!("node-{n}"), on: false });
    }
    let nodes = "kubectl get nodes --no-headers | awk '{print $2}' | sort | uniq -c | tr -s ' '";
    cluster.sleep(70);
    assert_eq!(cluster.run_line(nodes), " 10 NotReady\n 2 Ready\n");
    // More than 55 % of a small zone is down: it is rather the network, and nobody is evicted.
    cluster.sleep(900);
    let evicted = "kubectl get pods --no-headers | grep -c Terminating";
    assert_eq!(cluster.run_line(evicted), "0\n[exit 1]\n");
    for n in 1..=10 {
        cluster.input(Input::Power { node: format!("node-{n}"), on: true });
    }
    cluster.sleep(120);
    assert_eq!(cluster.run_line(nodes), " 12 Ready\n");
    assert_eq!(
        cluster.run_line("kubectl get deployment web --no-headers | tr -s ' ' | cut -d' ' -f2"),
        "24/24\n"
    );
}
