use crate::ControllerManager;
use api::resources::{CONTROLLERREVISIONS, PERSISTENTVOLUMECLAIMS, PODS, STATEFULSETS};
use api::{Value, meta, tree};
use client::testing::{Bench, Server};
use sim::{SECOND, Time};

const KEY: &str = "default/web";

fn stateful_set(change: impl FnOnce(&mut Value)) -> Value {
    let mut set = tree!({
        "apiVersion": "apps/v1",
        "kind": "StatefulSet",
        "metadata": {"name": "web", "namespace": "default"},
        "spec": {
            "replicas": 3,
            "serviceName": "nginx",
            "podManagementPolicy": "OrderedReady",
            "revisionHistoryLimit": 10,
            "selector": {"matchLabels": {"app": "web"}},
            "updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"partition": 0}},
            "template": {"metadata": {"labels": {"app": "web"}},
                "spec": {"containers": [{"name": "c", "image": "v1"}]}},
        },
    });
    change(&mut set);
    set
}

fn bench(change: impl FnOnce(&mut Value)) -> Bench<ControllerManager> {
    let mut server = Server::default();
    server.put(Time::EPOCH, STATEFULSETS, stateful_set(change));
    let mut bench = Bench::new(ControllerManager::new(&[]), server);
    bench.run_with(5 * SECOND, kubelets);
    bench
}

/// Plays scheduler and kubelets: pods become ready, unless their image is broken; deleted ones go.
fn kubelets(server: &mut Server, now: Time) {
    for pod in server.all(PODS) {
        let key = meta::key(&pod);
        if meta::is_deleting(&pod) {
            server.remove(PODS, &key);
        } else if pod["status"].is_null() {
            let broken = pod["spec"]["containers"][0]["image"].str() == "broken";
            let (phase, ready) = if broken { ("Pending", "False") } else { ("Running", "True") };
            server.change(now, PODS, &key, |pod| {
                let ready = tree!({"type": "Ready", "status": ready, "lastTransitionTime": (now.rfc3339())});
                pod.set(&["spec", "nodeName"], "n1");
                pod.set(&["status"], tree!({"phase": phase, "conditions": [(ready)]}));
            });
        }
    }
}

fn change(bench: &mut Bench<ControllerManager>, change: impl FnOnce(&mut Value)) {
    bench.server.change(bench.now, STATEFULSETS, KEY, |set| {
        change(set);
        set.set(&["metadata", "generation"], meta::generation(set) + 1);
    });
}

fn set_image(bench: &mut Bench<ControllerManager>, image: &str) {
    change(bench, |set| {
        set.set(&["spec", "template", "spec", "containers"], tree!([{"name": "c", "image": image}]));
    });
}

fn images(server: &Server) -> Vec<String> {
    let text = |pod: &Value| format!("{} {}", meta::name(pod), pod["spec"]["containers"][0]["image"].str());
    server.all(PODS).iter().map(text).collect()
}

fn names(server: &Server) -> Vec<String> {
    server.all(PODS).iter().map(|pod| meta::name(pod).to_string()).collect()
}

/// Returns the calls that create and delete pods, in order.
fn writes(server: &Server) -> Vec<String> {
    let is_write = |call: &&String| call.starts_with("create pods ") || call.starts_with("delete pods ");
    let text = |call: &String| call.replace("pods default/", "");
    server.calls.iter().filter(is_write).map(text).collect()
}

#[test]
fn makes_pods_in_order() {
    let bench = bench(|_| {});
    assert_eq!(writes(&bench.server), ["create web-0", "create web-1", "create web-2"]);
    assert_eq!(
        bench.server.messages(),
        ["web-0", "web-1", "web-2"].map(|pod| format!("Create Pod {pod} in StatefulSet web successful"))
    );
    let set = bench.server.object(STATEFULSETS, KEY);
    let revision = meta::name(&bench.server.all(CONTROLLERREVISIONS)[0]).to_string();
    let wanted = tree!({
        "observedGeneration": 1, "replicas": 3, "readyReplicas": 3, "availableReplicas": 3,
        "currentReplicas": 3, "updatedReplicas": 3, "collisionCount": 0,
        "currentRevision": (revision.as_str()), "updateRevision": (revision.as_str()),
    });
    assert_eq!(set["status"], wanted);
    let pod = bench.server.object(PODS, "default/web-1");
    let labels = tree!({
        "app": "web", "controller-revision-hash": (revision),
        "statefulset.kubernetes.io/pod-name": "web-1", "apps.kubernetes.io/pod-index": "1",
    });
    assert_eq!(*meta::labels(&pod), labels);
    assert_eq!((pod["spec"]["hostname"].str(), pod["spec"]["subdomain"].str()), ("web-1", "nginx"));
}

#[test]
fn waits_for_the_pod_before() {
    let mut bench =
        bench(|set| set.set(&["spec", "template", "spec", "containers"], tree!([{"image": "broken"}])));
    assert_eq!(names(&bench.server), ["web-0"]);
    // A set is stuck with a pod that never becomes ready, even after its template is mended.
    set_image(&mut bench, "v1");
    bench.run_with(5 * SECOND, kubelets);
    assert_eq!(images(&bench.server), ["web-0 broken"]);
    bench.server.remove(PODS, "default/web-0");
    bench.run_with(5 * SECOND, kubelets);
    assert_eq!(images(&bench.server), ["web-0 v1", "web-1 v1", "web-2 v1"]);
}

#[test]
fn parallel_waits_for_nobody() {
    let bench = bench(|set| {
        set.set(&["spec", "podManagementPolicy"], "Parallel");
        set.set(&["spec", "template", "spec", "containers"], tree!([{"image": "broken"}]));
    });
    assert_eq!(names(&bench.server), ["web-0", "web-1", "web-2"]);
}

#[test]
fn scales_from_the_end() {
    let mut bench = bench(|set| set.set(&["spec", "ordinals", "start"], 5));
    assert_eq!(names(&bench.server), ["web-5", "web-6", "web-7"]);
    bench.server.calls.clear();
    change(&mut bench, |set| set.set(&["spec", "replicas"], 1));
    bench.run_with(5 * SECOND, kubelets);
    assert_eq!(writes(&bench.server), ["delete web-7", "delete web-6"]);
    bench.server.calls.clear();
    change(&mut bench, |set| set.set(&["spec", "ordinals", "start"], 0));
    bench.run_with(5 * SECOND, kubelets);
    assert_eq!(writes(&bench.server), ["create web-0", "delete web-5"]);
}

/// Each row: the strategy, the writes of an update of three pods.
#[test]
fn updates_by_its_strategy() {
    let rolling = |numbers: Value| tree!({"type": "RollingUpdate", "rollingUpdate": (numbers)});
    let one_by_one =
        ["delete web-2", "create web-2", "delete web-1", "create web-1", "delete web-0", "create web-0"];
    for (strategy, wanted) in [
        (rolling(tree!({"partition": 0})), one_by_one.to_vec()),
        (tree!({"type": "RollingUpdate"}), one_by_one.to_vec()),
        (rolling(tree!({"partition": 2})), vec!["delete web-2", "create web-2"]),
        (rolling(tree!({"partition": 7})), vec![]),
        (
            rolling(tree!({"partition": 0, "maxUnavailable": 2})),
            vec![
                "delete web-2",
                "delete web-1",
                "create web-1",
                "create web-2",
                "delete web-0",
                "create web-0",
            ],
        ),
        (tree!({"type": "OnDelete"}), vec![]),
    ] {
        let mut bench = bench(|set| set.set(&["spec", "updateStrategy"], &strategy));
        bench.server.calls.clear();
        set_image(&mut bench, "v2");
        bench.run_with(10 * SECOND, kubelets);
        assert_eq!(writes(&bench.server), wanted, "{strategy:?}");
        let status = bench.server.object(STATEFULSETS, KEY)["status"].clone();
        let done = status["currentRevision"] == status["updateRevision"];
        assert_eq!(done, wanted.len() == 6, "{strategy:?}");
        let updated = wanted.iter().filter(|write| write.starts_with("create")).count() as i64;
        assert_eq!(status["updatedReplicas"].int(), updated, "{strategy:?}");
    }
}

#[test]
fn a_pod_below_the_partition_comes_again_as_it_was() {
    let strategy = tree!({"type": "RollingUpdate", "rollingUpdate": {"partition": 1}});
    let mut bench = bench(|set| set.set(&["spec", "updateStrategy"], strategy));
    set_image(&mut bench, "v2");
    bench.run_with(5 * SECOND, kubelets);
    bench.server.remove(PODS, "default/web-0");
    bench.run_with(5 * SECOND, kubelets);
    assert_eq!(images(&bench.server), ["web-0 v1", "web-1 v2", "web-2 v2"]);
}

#[test]
fn keeps_revisions_within_its_limit() {
    let mut bench = bench(|set| set.set(&["spec", "revisionHistoryLimit"], 1));
    for image in ["v2", "v3", "v2"] {
        set_image(&mut bench, image);
        bench.run_with(10 * SECOND, kubelets);
    }
    let mut rows: Vec<(i64, String)> = bench
        .server
        .all(CONTROLLERREVISIONS)
        .iter()
        .map(|revision| {
            let containers = &revision["data"]["spec"]["template"]["spec"]["containers"];
            (revision["revision"].int(), containers[0]["image"].str().to_string())
        })
        .collect();
    rows.sort();
    assert_eq!(rows, [(3, "v3".to_string()), (4, "v2".to_string())]);
}

#[test]
fn waits_for_min_ready_seconds() {
    let mut bench = bench(|set| set.set(&["spec", "minReadySeconds"], 4));
    assert_eq!(names(&bench.server), ["web-0", "web-1"]);
    bench.run_with(20 * SECOND, kubelets);
    assert_eq!(bench.server.object(STATEFULSETS, KEY)["status"]["availableReplicas"].int(), 3);
}

#[test]
fn replaces_failed_pods() {
    let mut bench = bench(|_| {});
    bench.server.calls.clear();
    bench.server.change(bench.now, PODS, "default/web-1", |pod| pod.set(&["status", "phase"], "Failed"));
    bench.run_with(5 * SECOND, kubelets);
    assert_eq!(writes(&bench.server), ["delete web-1", "create web-1"]);
}

fn with_claims(set: &mut Value) {
    let storage = tree!({"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}});
    let template = tree!({"metadata": {"name": "www"}, "spec": (storage)});
    set.set(&["spec", "volumeClaimTemplates"], tree!([(template)]));
}

fn owners(server: &Server) -> Vec<String> {
    let owner = |claim: &Value| claim["metadata"]["ownerReferences"][0]["kind"].str().to_string();
    let text = |claim: &Value| format!("{} {}", meta::name(claim), owner(claim)).trim_end().to_string();
    server.all(PERSISTENTVOLUMECLAIMS).iter().map(text).collect()
}

#[test]
fn gives_each_pod_its_claim() {
    let mut bench = bench(with_claims);
    assert_eq!(owners(&bench.server), ["www-web-0", "www-web-1", "www-web-2"]);
    assert_eq!(
        bench.server.messages()[..2],
        [
            "Create Claim www-web-0 Pod web-0 in StatefulSet web success",
            "Create Pod web-0 in StatefulSet web successful",
        ]
    );
    let pod = bench.server.object(PODS, "default/web-1");
    let volume = tree!({"name": "www", "persistentVolumeClaim": {"claimName": "www-web-1"}});
    assert_eq!(pod["spec"]["volumes"], tree!([(volume)]));
    let claim = bench.server.object(PERSISTENTVOLUMECLAIMS, "default/www-web-1");
    assert_eq!(*meta::labels(&claim), tree!({"app": "web"}));
    change(&mut bench, |set| set.set(&["spec", "replicas"], 1));
    bench.run_with(5 * SECOND, kubelets);
    assert_eq!(owners(&bench.server).len(), 3, "claims stay when the set is scaled down");
}

#[test]
fn retains_claims_as_told() {
    let mut bench = bench(|set| {
        with_claims(set);
        let policy = tree!({"whenScaled": "Delete", "whenDeleted": "Delete"});
        set.set(&["spec", "persistentVolumeClaimRetentionPolicy"], policy);
    });
    assert_eq!(
        owners(&bench.server),
        ["www-web-0", "www-web-1", "www-web-2"].map(|claim| format!("{claim} StatefulSet"))
    );
    change(&mut bench, |set| set.set(&["spec", "replicas"], 2));
    bench.run_with(5 * SECOND, kubelets);
    assert_eq!(owners(&bench.server), ["www-web-0 StatefulSet", "www-web-1 StatefulSet", "www-web-2 Pod"]);
    // While the claim still belongs to the pod that went, no other pod of that name is made.
    change(&mut bench, |set| set.set(&["spec", "replicas"], 3));
    bench.run_with(5 * SECOND, kubelets);
    assert_eq!(names(&bench.server), ["web-0", "web-1"]);
}
