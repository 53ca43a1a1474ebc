use crate::ControllerManager;
use api::resources::{PERSISTENTVOLUMECLAIMS, PERSISTENTVOLUMES, PODS, STORAGECLASSES};
use api::{Value, meta, tree};
use client::testing::{Bench, Server};
use sim::{SECOND, Time};

const CLAIM: &str = "d/data";

fn claim(class: &str) -> Value {
    tree!({
        "apiVersion": "v1", "kind": "PersistentVolumeClaim",
        "metadata": {"name": "data", "namespace": "d", "finalizers": ["kubernetes.io/pvc-protection"]},
        "spec": {"storageClassName": class, "accessModes": ["ReadWriteMany"],
            "resources": {"requests": {"storage": "12Gi"}}},
    })
}

fn volume(name: &str, size: &str, policy: &str) -> Value {
    tree!({
        "apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": name},
        "spec": {"capacity": {"storage": size}, "accessModes": ["ReadWriteMany"], "storageClassName": "slow",
            "hostPath": {"path": "/data"}, "persistentVolumeReclaimPolicy": policy},
    })
}

fn bench(objects: Vec<(api::Resource, Value)>) -> Bench<ControllerManager> {
    let mut server = Server::default();
    for (resource, object) in objects {
        server.put(Time::EPOCH, resource, object);
    }
    let mut bench = Bench::new(ControllerManager::new(&[]), server);
    bench.run(2 * SECOND);
    bench
}

fn phases(bench: &Bench<ControllerManager>) -> Vec<String> {
    let objects = [PERSISTENTVOLUMES, PERSISTENTVOLUMECLAIMS].into_iter().flat_map(|of| bench.server.all(of));
    objects.map(|object| format!("{} {}", meta::name(&object), object["status"]["phase"].str())).collect()
}

#[test]
fn binds_the_smallest_volume_and_releases_it() {
    let mut bench = bench(vec![
        (PERSISTENTVOLUMECLAIMS, claim("slow")),
        (PERSISTENTVOLUMES, volume("large", "50Gi", "Retain")),
        (PERSISTENTVOLUMES, volume("right", "20Gi", "Retain")),
        (PERSISTENTVOLUMES, volume("small", "10Gi", "Retain")),
    ]);
    assert_eq!(phases(&bench), ["large Available", "right Bound", "small Available", "data Bound"]);
    let bound = bench.server.object(PERSISTENTVOLUMECLAIMS, CLAIM);
    let status = tree!({"phase": "Bound", "accessModes": ["ReadWriteMany"], "capacity": {"storage": "20Gi"}});
    assert_eq!(bound["status"], status);
    assert_eq!(bound["spec"]["volumeName"].str(), "right");
    let annotations =
        tree!({"pv.kubernetes.io/bind-completed": "yes", "pv.kubernetes.io/bound-by-controller": "yes"});
    assert_eq!(*meta::annotations(&bound), annotations);
    bench.server.remove(PERSISTENTVOLUMECLAIMS, CLAIM);
    bench.run(2 * SECOND);
    assert_eq!(phases(&bench), ["large Available", "right Released", "small Available"]);
    bench.server.put(bench.now, PERSISTENTVOLUMECLAIMS, claim("slow"));
    bench.run(2 * SECOND);
    assert_eq!(phases(&bench)[3], "data Bound", "a released volume is not for others");
    assert_eq!(phases(&bench)[0], "large Bound");
}

/// Each row: the claim's class, the event that tells why it waits.
#[test]
fn tells_why_a_claim_waits() {
    let class = |name: &str, provisioner: &str, mode: &str| {
        let class =
            tree!({"metadata": {"name": name}, "provisioner": provisioner, "volumeBindingMode": mode});
        (STORAGECLASSES, class)
    };
    for (name, message) in [
        ("", "no persistent volumes available for this claim and no storage class is set"),
        ("none", "storageclass.storage.k8s.io \"none\" not found"),
        ("late", "waiting for first consumer to be created before binding"),
        ("manual", "no volume plugin matched name: kubernetes.io/no-provisioner"),
        (
            "made",
            "Waiting for a volume to be created either by the external provisioner 'example.com/nfs' or manually by \
             the system administrator. If volume creation is delayed, please verify that the provisioner is running \
             and correctly registered.",
        ),
    ] {
        let bench = bench(vec![
            class("late", "example.com/nfs", "WaitForFirstConsumer"),
            class("made", "example.com/nfs", "Immediate"),
            class("manual", "kubernetes.io/no-provisioner", "Immediate"),
            (PERSISTENTVOLUMECLAIMS, claim(name)),
        ]);
        assert_eq!(bench.server.messages(), [message]);
        assert_eq!(phases(&bench), ["data Pending"]);
        let claim = bench.server.object(PERSISTENTVOLUMECLAIMS, CLAIM);
        let wanted = if name == "made" { "example.com/nfs" } else { "" };
        assert_eq!(meta::annotation(&claim, "volume.kubernetes.io/storage-provisioner"), wanted);
    }
}

#[test]
fn a_claim_binds_the_volume_that_it_names_and_may_lose_it() {
    let mut wanted = claim("slow");
    wanted.set(&["spec", "volumeName"], "large");
    let volumes = [volume("large", "50Gi", "Retain"), volume("right", "20Gi", "Retain")];
    let mut bench = bench(vec![
        (PERSISTENTVOLUMECLAIMS, wanted),
        (PERSISTENTVOLUMES, volumes[0].clone()),
        (PERSISTENTVOLUMES, volumes[1].clone()),
    ]);
    assert_eq!(phases(&bench), ["large Bound", "right Available", "data Bound"]);
    bench.server.remove(PERSISTENTVOLUMES, "large");
    bench.run(2 * SECOND);
    assert_eq!(phases(&bench), ["right Available", "data Lost"]);
    let message = "Bound claim has lost its PersistentVolume. Data on the volume is lost!";
    assert_eq!(bench.server.messages(), [message]);
}

#[test]
fn what_is_used_stays() {
    let mut bench = bench(vec![
        (PERSISTENTVOLUMECLAIMS, claim("slow")),
        (PERSISTENTVOLUMES, {
            let mut volume = volume("right", "20Gi", "Retain");
            volume.set(&["metadata", "finalizers"], tree!(["kubernetes.io/pv-protection"]));
            volume
        }),
    ]);
    let volume = tree!({"name": "v", "persistentVolumeClaim": {"claimName": "data"}});
    let pod = tree!({"metadata": {"name": "p", "namespace": "d"}, "spec": {"nodeName": "n", "volumes": [(volume)]}});
    bench.server.put(bench.now, PODS, pod);
    let now = bench.now.rfc3339();
    for (resource, key) in [(PERSISTENTVOLUMECLAIMS, CLAIM), (PERSISTENTVOLUMES, "right")] {
        bench.server.change(bench.now, resource, key, |object| {
            object.set(&["metadata", "deletionTimestamp"], now.as_str());
        });
    }
    bench.run(2 * SECOND);
    assert_eq!(phases(&bench), ["right Bound", "data Bound"]);
    bench.server.remove(PODS, "d/p");
    bench.run(2 * SECOND);
    assert_eq!(phases(&bench), Vec::<String>::new(), "claim and volume go one after the other");
}

#[test]
fn deletes_only_what_it_may() {
    let mut bench = bench(vec![
        (PERSISTENTVOLUMECLAIMS, claim("slow")),
        (PERSISTENTVOLUMES, volume("right", "20Gi", "Delete")),
    ]);
    bench.server.remove(PERSISTENTVOLUMECLAIMS, CLAIM);
    bench.run(2 * SECOND);
    assert_eq!(phases(&bench), ["right Failed"]);
    let message = "host_path deleter only supports /tmp/.+ but received provided /data".to_string();
    assert_eq!(bench.server.messages().last(), Some(&message));
}
