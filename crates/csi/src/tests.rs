use crate::{Driver, SNAPSHOTCONTENTS, SNAPSHOTS, SnapshotController, StorageAction, driver_manifests};
use api::resources::{
    CSINODES, PERSISTENTVOLUMECLAIMS, PERSISTENTVOLUMES, STORAGECLASSES, VOLUMEATTACHMENTS,
};
use api::{Value, meta, tree, volume};
use client::Program;
use client::testing::{Bench, Server};
use sim::{MINUTE, SECOND, Time};

const DRIVER: &str = "dobs.csi.digitalocean.com";

fn pod() -> Value {
    tree!({"metadata": {"name": "csi-do-controller-0", "namespace": "kube-system", "uid": "u"}, "spec": {}})
}

fn claim(size: &str, mode: &str) -> Value {
    let mut claim = tree!({
        "metadata": {"name": "data", "namespace": "d"},
        "spec": {"storageClassName": "do-block-storage", "accessModes": [mode],
            "resources": {"requests": {"storage": size}}},
        "status": {"phase": "Pending"},
    });
    claim.set(&["metadata", "annotations", volume::STORAGE_PROVISIONER], DRIVER);
    claim
}

fn server() -> Server {
    let mut server = Server::default();
    for object in driver_manifests() {
        if object["kind"].str() == "StorageClass" {
            server.put(Time::EPOCH, STORAGECLASSES, object);
        }
    }
    let drivers = tree!([{"name": DRIVER, "nodeID": "1"}]);
    server.put(Time::EPOCH, CSINODES, tree!({"metadata": {"name": "n1"}, "spec": {"drivers": (drivers)}}));
    server
}

/// Each row: what is asked for, the size that is made, what is told last.
#[test]
fn makes_volumes_as_the_cloud_does() {
    for (size, mode, made, told) in [
        ("5Gi", "ReadWriteOnce", "5Gi", "Successfully provisioned volume "),
        ("1500Mi", "ReadWriteOnce", "2Gi", "Successfully provisioned volume "),
        ("1Gi", "ReadWriteOncePod", "1Gi", "Successfully provisioned volume "),
        (
            "500Mi",
            "ReadWriteOnce",
            "",
            "failed to provision volume with StorageClass \"do-block-storage\": rpc error: code = OutOfRange desc = \
             invalid capacity range: required (500Mi) can not be less than minimum supported volume size (1Gi)",
        ),
        (
            "5Gi",
            "ReadWriteMany",
            "",
            "failed to provision volume with StorageClass \"do-block-storage\": rpc error: code = InvalidArgument desc = \
             invalid volume capabilities requested. Only SINGLE_NODE_WRITER is supported \
             ('accessModes.ReadWriteOnce' on Kubernetes)",
        ),
    ] {
        let mut server = server();
        server.put(Time::EPOCH, PERSISTENTVOLUMECLAIMS, claim(size, mode));
        let mut bench = Bench::new(Program::new(Driver::new(&pod())), server);
        bench.run(10 * SECOND);
        let volumes = bench.server.all(PERSISTENTVOLUMES);
        let sizes: Vec<&str> = volumes.iter().map(|one| one["spec"]["capacity"]["storage"].str()).collect();
        assert_eq!(sizes.join(","), made, "{size} {mode}");
        let messages = bench.server.messages();
        assert!(messages.iter().any(|message| message.starts_with(told)), "{messages:?}");
    }
}

fn bound(server: &mut Server) {
    let mut claim = claim("5Gi", "ReadWriteOnce");
    claim.set(&["spec", "volumeName"], "pv");
    claim.set(&["status"], tree!({"phase": "Bound", "capacity": {"storage": "5Gi"}}));
    server.put(Time::EPOCH, PERSISTENTVOLUMECLAIMS, claim);
    let mut volume = tree!({
        "metadata": {"name": "pv"},
        "spec": {"capacity": {"storage": "5Gi"}, "persistentVolumeReclaimPolicy": "Delete",
            "csi": {"driver": DRIVER, "volumeHandle": "h"}},
        "status": {"phase": "Bound"},
    });
    volume.set(&["metadata", "annotations", volume::PROVISIONED_BY], DRIVER);
    server.put(Time::EPOCH, PERSISTENTVOLUMES, volume);
}

/// Each row: the node, whether the volume is attached to it, why not.
#[test]
fn attaches_to_nodes_that_run_the_driver() {
    for (node, attached, why) in
        [("n1", true, ""), ("n2", false, "CSINode n2 does not contain driver dobs.csi.digitalocean.com")]
    {
        let mut server = server();
        bound(&mut server);
        let spec = tree!({"attacher": DRIVER, "nodeName": node, "source": {"persistentVolumeName": "pv"}});
        server.put(Time::EPOCH, VOLUMEATTACHMENTS, tree!({"metadata": {"name": "a"}, "spec": (spec)}));
        let mut bench = Bench::new(Program::new(Driver::new(&pod())), server);
        bench.run(10 * SECOND);
        let attachment = bench.server.object(VOLUMEATTACHMENTS, "a");
        assert_eq!(attachment["status"]["attached"].is_true(), attached);
        assert_eq!(attachment["status"]["attachError"]["message"].str(), why);
        let held = attachment["metadata"]["finalizers"].items().len();
        assert_eq!(held, usize::from(attached), "what is attached can't go before it is detached");
        if attached {
            let now = bench.now.rfc3339();
            bench.server.change(bench.now, VOLUMEATTACHMENTS, "a", |one| {
                one.set(&["metadata", "deletionTimestamp"], now.as_str());
            });
            bench.run(10 * SECOND);
            let left = bench.server.object(VOLUMEATTACHMENTS, "a");
            assert!(left.is_null() || left["metadata"]["finalizers"].is_empty(), "{left:?}");
        }
    }
}

#[test]
fn a_volume_is_deleted_when_it_is_detached() {
    let mut server = server();
    bound(&mut server);
    let spec = tree!({"attacher": DRIVER, "nodeName": "n1", "source": {"persistentVolumeName": "pv"}});
    let status = tree!({"attached": true});
    let attachment = tree!({"metadata": {"name": "a"}, "spec": (spec), "status": (status)});
    server.put(Time::EPOCH, VOLUMEATTACHMENTS, attachment);
    server.remove(PERSISTENTVOLUMECLAIMS, "d/data");
    server
        .change(Time::EPOCH, PERSISTENTVOLUMES, "pv", |volume| volume.set(&["status", "phase"], "Released"));
    let mut bench = Bench::new(Program::new(Driver::new(&pod())), server);
    bench.run(5 * SECOND);
    let told = "persistentvolume pv is still attached to node n1".to_string();
    assert!(
        bench.server.messages().contains(&told) && !bench.server.object(PERSISTENTVOLUMES, "pv").is_null()
    );
    bench.server.remove(VOLUMEATTACHMENTS, "a");
    bench.run(MINUTE);
    assert!(bench.server.object(PERSISTENTVOLUMES, "pv").is_null());
    assert_eq!(
        bench.component.reconciler_mut().take_actions(),
        [StorageAction::Remove(format!("csi:{DRIVER}:h").into())]
    );
}

#[test]
fn a_claim_that_asks_for_more_gets_it() {
    let mut server = server();
    bound(&mut server);
    let mut bench = Bench::new(Program::new(Driver::new(&pod())), server);
    bench.server.change(bench.now, PERSISTENTVOLUMECLAIMS, "d/data", |claim| {
        claim.set(&["spec", "resources", "requests", "storage"], "8Gi");
    });
    bench.run(10 * SECOND);
    let claim = bench.server.object(PERSISTENTVOLUMECLAIMS, "d/data");
    assert_eq!(claim["status"]["conditions"][0]["type"].str(), "FileSystemResizePending");
    assert_eq!(claim["status"]["capacity"]["storage"].str(), "5Gi", "the file system is the kubelet's");
    assert_eq!(bench.server.object(PERSISTENTVOLUMES, "pv")["spec"]["capacity"]["storage"].str(), "8Gi");
    let told = ["External resizer is resizing volume pv", "Require file system resize of volume on node"];
    assert_eq!(bench.server.messages(), told);
}

#[test]
fn a_snapshot_is_taken_and_ready_later() {
    let mut server = server();
    bound(&mut server);
    let spec = tree!({"deletionPolicy": "Delete", "driver": DRIVER, "source": {"volumeHandle": "h"}});
    server.put(Time::EPOCH, SNAPSHOTCONTENTS, tree!({"metadata": {"name": "c"}, "spec": (spec)}));
    let mut bench = Bench::new(Program::new(Driver::new(&pod())), server);
    bench.run(SECOND);
    let [StorageAction::Copy { from, to }] = &bench.component.reconciler_mut().take_actions()[..] else {
        panic!("no copy")
    };
    assert_eq!(**from, format!("csi:{DRIVER}:h"));
    let content = bench.server.object(SNAPSHOTCONTENTS, "c");
    assert!(to.ends_with(content["status"]["snapshotHandle"].str()), "{content:?}");
    assert_eq!(content["status"]["readyToUse"].as_bool(), Some(false));
    bench.run(10 * SECOND);
    let content = bench.server.object(SNAPSHOTCONTENTS, "c");
    assert!(content["status"]["readyToUse"].is_true());
    assert_eq!(content["status"]["restoreSize"].int(), 5 << 30);
}

/// Each row: from what, of which class, what is told.
#[test]
fn tells_why_there_is_no_snapshot() {
    for (from, class, told) in [
        (
            "none",
            "fast",
            "Failed to create snapshot content with error snapshot controller failed to update s on API server: cannot \
             get claim from snapshot",
        ),
        ("data", "", "Failed to set default snapshot class with error cannot find default snapshot class"),
    ] {
        let mut server = server();
        bound(&mut server);
        let mut spec = tree!({"source": {"persistentVolumeClaimName": from}});
        if !class.is_empty() {
            spec.set(&["volumeSnapshotClassName"], class);
        }
        let snapshot = tree!({"metadata": {"name": "s", "namespace": "d"}, "spec": (spec)});
        server.put(Time::EPOCH, SNAPSHOTS, snapshot);
        let mut bench = Bench::new(Program::new(SnapshotController::new(&pod())), server);
        bench.run(MINUTE);
        assert_eq!(bench.server.messages(), [told], "once");
        let snapshot = bench.server.object(SNAPSHOTS, "d/s");
        assert_eq!(snapshot["status"]["error"]["message"].str(), told);
        assert_eq!(meta::name(&snapshot), "s");
    }
}
