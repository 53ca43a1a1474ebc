use crate::ControllerManager;
use api::resources::{NODES, PERSISTENTVOLUMECLAIMS, PERSISTENTVOLUMES, PODS, VOLUMEATTACHMENTS};
use api::{Value, meta, tree};
use client::testing::{Bench, Server};
use sim::{MINUTE, SECOND, Time};

const UNIQUE: &str = "kubernetes.io/csi/x.example.com^h";

fn node(name: &str, ready: &str) -> Value {
    tree!({"metadata": {"name": name}, "status": {"conditions": [{"type": "Ready", "status": ready}]}})
}

fn pod(name: &str, node: &str) -> Value {
    let volume = tree!({"name": "v", "persistentVolumeClaim": {"claimName": "data"}});
    tree!({
        "metadata": {"name": name, "namespace": "d"},
        "spec": {"nodeName": node, "volumes": [(volume)], "containers": [{"name": "c", "image": "i"}]},
        "status": {"phase": "Running"},
    })
}

/// One claim, bound to a volume with an access mode.
fn server(mode: &str) -> Server {
    let mut server = Server::default();
    let volume = tree!({
        "metadata": {"name": "pv"},
        "spec": {"accessModes": [mode], "capacity": {"storage": "1Gi"}, "persistentVolumeReclaimPolicy": "Retain",
            "csi": {"driver": "x.example.com", "volumeHandle": "h"},
            "claimRef": {"namespace": "d", "name": "data", "uid": "c"}},
        "status": {"phase": "Bound"},
    });
    let claim = tree!({
        "metadata": {"name": "data", "namespace": "d", "uid": "c",
            "annotations": {"pv.kubernetes.io/bind-completed": "yes"}},
        "spec": {"volumeName": "pv", "accessModes": [mode], "resources": {"requests": {"storage": "1Gi"}}},
        "status": {"phase": "Bound", "accessModes": [mode], "capacity": {"storage": "1Gi"}},
    });
    server.put(Time::EPOCH, PERSISTENTVOLUMES, volume);
    server.put(Time::EPOCH, PERSISTENTVOLUMECLAIMS, claim);
    for name in ["n1", "n2"] {
        server.put(Time::EPOCH, NODES, node(name, "True"));
    }
    server
}

/// Attaches what is asked for, and detaches what is deleted, at once.
fn attacher(server: &mut Server, now: Time) {
    for attachment in server.all(VOLUMEATTACHMENTS) {
        if !attachment["status"]["attached"].is_true() {
            let name = meta::name(&attachment).to_string();
            server
                .change(now, VOLUMEATTACHMENTS, &name, |one| one.set(&["status"], tree!({"attached": true})));
        }
    }
}

fn places(bench: &Bench<ControllerManager>) -> Vec<String> {
    let all = bench.server.all(VOLUMEATTACHMENTS);
    all.iter().map(|one| one["spec"]["nodeName"].str().to_string()).collect()
}

fn told(bench: &Bench<ControllerManager>) -> Vec<String> {
    let messages = bench.server.messages();
    messages.into_iter().filter(|message| message.contains("ttach")).collect()
}

/// Each row: the volume's access mode, whether a second node gets it.
#[test]
fn a_volume_for_one_node_is_attached_to_one() {
    for (mode, second) in [
        ("ReadWriteOnce", false),
        ("ReadWriteOncePod", false),
        ("ReadWriteMany", true),
        ("ReadOnlyMany", true),
    ] {
        let mut server = server(mode);
        server.put(Time::EPOCH, PODS, pod("p1", "n1"));
        let mut bench = Bench::new(ControllerManager::new(&[]), server);
        bench.run_with(5 * SECOND, attacher);
        assert_eq!(places(&bench), ["n1"]);
        let attached = bench.server.object(NODES, "n1")["status"]["volumesAttached"][0]["name"].text();
        assert_eq!(&*attached, UNIQUE);
        assert_eq!(told(&bench), ["AttachVolume.Attach succeeded for volume \"pv\" "]);
        bench.server.put(bench.now, PODS, pod("p2", "n2"));
        bench.run_with(20 * SECOND, attacher);
        let error = "Multi-Attach error for volume \"pv\" Volume is already used by pod(s) p1".to_string();
        assert_eq!(told(&bench).contains(&error), !second, "{mode}: {:?}", told(&bench));
        assert_eq!(places(&bench).len(), 1 + usize::from(second), "{mode}");
        let said = told(&bench).iter().filter(|message| **message == error).count();
        assert!(said <= 1, "once");
    }
}

/// Each row: whether the old node is healthy, whether its kubelet says that the volume is in use, whether the
/// node is tainted as out of service; when another node has the volume: at once, after six minutes, or never.
#[test]
fn waits_until_a_volume_is_unmounted() {
    for (ready, in_use, out, minutes) in [
        ("True", false, false, Some(0)),
        ("Unknown", false, false, Some(0)),
        ("Unknown", true, false, Some(6)),
        ("Unknown", true, true, Some(0)),
        ("True", true, false, None),
    ] {
        let mut server = server("ReadWriteOnce");
        server.put(Time::EPOCH, PODS, pod("p1", "n1"));
        let mut bench = Bench::new(ControllerManager::new(&[]), server);
        assert!(bench.component.stop("node-lifecycle"), "nobody else is to judge the node");
        bench.run_with(5 * SECOND, attacher);
        bench.server.change(bench.now, NODES, "n1", |node| {
            node.set(&["status", "conditions"], tree!([{"type": "Ready", "status": ready}]));
            if in_use {
                node.set(&["status", "volumesInUse"], tree!([UNIQUE]));
            }
            if out {
                let key = "node.kubernetes.io/out-of-service";
                node.set(&["spec", "taints"], tree!([{"key": key, "effect": "NoExecute"}]));
            }
        });
        bench.server.remove(PODS, "d/p1");
        bench.server.put(bench.now, PODS, pod("p2", "n2"));
        let case = format!("{ready} {in_use} {out}");
        bench.run_with(30 * SECOND, attacher);
        let moved = |bench: &Bench<ControllerManager>| places(bench) == ["n2"];
        assert_eq!(moved(&bench), minutes == Some(0), "{case}: at once");
        bench.run_with(5 * MINUTE, attacher);
        assert_eq!(moved(&bench), minutes == Some(0), "{case}: after five minutes and a half");
        bench.run_with(MINUTE, attacher);
        assert_eq!(moved(&bench), minutes.is_some(), "{case}: after six and a half");
    }
}
