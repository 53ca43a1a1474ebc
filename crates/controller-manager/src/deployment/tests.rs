use super::util::*;
use crate::ControllerManager;
use api::resources::{DEPLOYMENTS, PODS, REPLICASETS};
use api::{Value, meta, tree};
use client::testing::{Bench, Server};
use sim::{MINUTE, SECOND, Time};

fn deployment(replicas: i64, surge: Value, unavailable: Value) -> Value {
    tree!({
        "metadata": {"name": "web", "namespace": "default"},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": {"app": "web"}},
            "strategy": {
                "type": "RollingUpdate",
                "rollingUpdate": {"maxSurge": (surge), "maxUnavailable": (unavailable)},
            },
            "progressDeadlineSeconds": 600,
            "revisionHistoryLimit": 10,
            "template": {
                "metadata": {"labels": {"app": "web"}},
                "spec": {"containers": [{"name": "c", "image": "v1"}]},
            },
        },
    })
}

fn bench(deployment: Value) -> Bench<ControllerManager> {
    let mut server = Server::default();
    server.put(Time::EPOCH, DEPLOYMENTS, deployment);
    Bench::new(ControllerManager::new(&[]), server)
}

/// Plays the kubelets: pods whose image isn't `bad` become ready, deleted ones go.
fn kubelets(server: &mut Server, now: Time) {
    for pod in server.all(PODS) {
        let key = meta::key(&pod);
        let is_bad = pod["spec"]["containers"][0]["image"].str() == "bad";
        if meta::is_deleting(&pod) {
            server.remove(PODS, &key);
        } else if pod["status"].is_null() && !is_bad {
            server.change(now, PODS, &key, |pod| {
                let ready = tree!({"type": "Ready", "status": "True", "lastTransitionTime": (now.rfc3339())});
                pod.set(&["status"], tree!({"phase": "Running", "conditions": [(ready)]}));
            });
        }
    }
}

fn change(bench: &mut Bench<ControllerManager>, change: impl FnOnce(&mut Value)) {
    bench.server.change(bench.now, DEPLOYMENTS, "default/web", |deployment| {
        change(deployment);
        deployment.set(&["metadata", "generation"], meta::generation(deployment) + 1);
    });
}

fn set_image(bench: &mut Bench<ControllerManager>, image: &str) {
    change(bench, |deployment| {
        let containers = tree!([{"name": "c", "image": image}]);
        deployment.set(&["spec", "template", "spec", "containers"], containers);
    });
}

fn web(bench: &Bench<ControllerManager>) -> Value {
    bench.server.object(DEPLOYMENTS, "default/web")
}

/// Returns the scaling events without the ReplicaSets' names.
fn scalings(bench: &Bench<ControllerManager>) -> Vec<String> {
    let messages = bench.server.messages().into_iter().filter(|message| message.contains("replica set"));
    messages
        .map(|message| {
            let words: Vec<&str> = message.split(' ').filter(|word| !word.starts_with("web-")).collect();
            words.join(" ").replace("Scaled ", "").replace("replica set from ", "")
        })
        .collect()
}

fn sizes(bench: &Bench<ControllerManager>) -> Vec<(String, i64)> {
    let sets = bench.server.all(REPLICASETS);
    let image = |rs: &Value| rs["spec"]["template"]["spec"]["containers"][0]["image"].str().to_string();
    let mut sizes: Vec<(String, i64)> = sets.iter().map(|rs| (image(rs), replicas(rs))).collect();
    sizes.sort();
    sizes
}

#[test]
fn rolls_out_and_back() {
    let mut bench = bench(deployment(3, tree!("25%"), tree!("25%")));
    bench.run_with(5 * SECOND, kubelets);
    set_image(&mut bench, "v2");
    bench.run_with(5 * SECOND, kubelets);
    let rolling = ["up 0 to 1", "down 3 to 2", "up 1 to 2", "down 2 to 1", "up 2 to 3", "down 1 to 0"];
    let mut wanted = vec!["up 0 to 3"];
    wanted.extend(rolling);
    assert_eq!(scalings(&bench), wanted);
    let status = web(&bench)["status"].clone();
    for (field, number) in [
        ("replicas", 3),
        ("updatedReplicas", 3),
        ("readyReplicas", 3),
        ("availableReplicas", 3),
        ("observedGeneration", 2),
        ("unavailableReplicas", 0),
    ] {
        assert_eq!(status[field].int(), number, "{field}");
    }
    let told: Vec<&str> = status["conditions"].items().iter().map(|one| one["reason"].str()).collect();
    assert_eq!(told, ["MinimumReplicasAvailable", "NewReplicaSetAvailable"]);
    assert_eq!(meta::annotation(&web(&bench), REVISION), "2");
    set_image(&mut bench, "v1");
    bench.run_with(5 * SECOND, kubelets);
    assert_eq!(meta::annotation(&web(&bench), REVISION), "3");
    assert_eq!(sizes(&bench), [("v1".to_string(), 3), ("v2".to_string(), 0)]);
    let sets = bench.server.all(REPLICASETS);
    let first = sets.iter().find(|rs| replicas(rs) == 3).unwrap_or(&Value::Null);
    for (annotation, text) in
        [(REVISION, "3"), (REVISION_HISTORY, "1"), (DESIRED_REPLICAS, "3"), (MAX_REPLICAS, "4")]
    {
        assert_eq!(meta::annotation(first, annotation), text);
    }
}

#[test]
fn keeps_within_surge_and_unavailable() {
    for (count, surge, unavailable) in [
        (4, tree!(3), tree!(3)),
        (4, tree!(1), tree!(0)),
        (10, tree!("25%"), tree!("25%")),
        (5, tree!(0), tree!(1)),
        (1, tree!("25%"), tree!("25%")),
        (7, tree!("100%"), tree!(0)),
    ] {
        let deployment = deployment(count, surge.clone(), unavailable.clone());
        let (most, least) = (count + max_surge(&deployment), count - max_unavailable(&deployment));
        let mut bench = bench(deployment);
        bench.run_with(5 * SECOND, kubelets);
        set_image(&mut bench, "v2");
        let row = format!("{count} replicas, surge {surge:?}, unavailable {unavailable:?}");
        bench.run_with(20 * SECOND, |server, now| {
            let pods = server.all(PODS);
            let ready = pods.iter().filter(|pod| crate::pod::is_ready(pod)).count() as i64;
            // What ReplicaSets are told counts, as upstream; their pods come and go a moment later.
            let told: i64 = server.all(REPLICASETS).iter().map(replicas).sum();
            assert!(told <= most, "{row}: {told} pods");
            assert!(ready >= least, "{row}: {ready} ready");
            kubelets(server, now);
        });
        assert_eq!(sizes(&bench), [("v1".to_string(), 0), ("v2".to_string(), count)], "{row}");
    }
}

#[test]
fn recreates() {
    let mut recreated = deployment(2, tree!(1), tree!(1));
    recreated.set(&["spec", "strategy"], tree!({"type": "Recreate"}));
    let mut bench = bench(recreated);
    bench.run_with(5 * SECOND, kubelets);
    set_image(&mut bench, "v2");
    bench.run_with(5 * SECOND, |server, now| {
        let mut images: Vec<String> = server
            .all(PODS)
            .iter()
            .map(|pod| pod["spec"]["containers"][0]["image"].str().to_string())
            .collect();
        images.dedup();
        assert!(images.len() <= 1, "{images:?} at once");
        kubelets(server, now);
    });
    assert_eq!(scalings(&bench), ["up 0 to 2", "down 2 to 0", "up 0 to 2"]);
}

#[test]
fn misses_the_deadline() {
    let mut bench = bench(deployment(2, tree!(1), tree!(0)));
    bench.run_with(5 * SECOND, kubelets);
    set_image(&mut bench, "bad");
    bench.run_with(9 * MINUTE, kubelets);
    let progressing = |bench: &Bench<ControllerManager>| {
        let deployment = web(bench);
        let condition = meta::condition(&deployment, "Progressing").cloned().unwrap_or_default();
        (condition["status"].text(), condition["reason"].text(), condition["message"].text())
    };
    assert_eq!(&*progressing(&bench).0, "True");
    bench.run_with(2 * MINUTE, kubelets);
    let (status, reason, message) = progressing(&bench);
    assert_eq!((&*status, &*reason), ("False", "ProgressDeadlineExceeded"));
    assert!(message.starts_with("ReplicaSet \"web-") && message.ends_with("\" has timed out progressing."));
    assert_eq!(sizes(&bench), [("bad".to_string(), 1), ("v1".to_string(), 2)]);
}

#[test]
fn scales_in_proportion_while_stuck() {
    let mut bench = bench(deployment(10, tree!(3), tree!(2)));
    bench.run_with(5 * SECOND, kubelets);
    set_image(&mut bench, "bad");
    bench.run_with(5 * SECOND, kubelets);
    assert_eq!(sizes(&bench), [("bad".to_string(), 5), ("v1".to_string(), 8)]);
    change(&mut bench, |deployment| deployment.set(&["spec", "replicas"], 15));
    bench.run_with(5 * SECOND, kubelets);
    assert_eq!(sizes(&bench), [("bad".to_string(), 7), ("v1".to_string(), 11)], "as the documentation shows");
}

#[test]
fn pauses_and_resumes() {
    let mut bench = bench(deployment(3, tree!(1), tree!(0)));
    bench.run_with(5 * SECOND, kubelets);
    change(&mut bench, |deployment| deployment.set(&["spec", "paused"], true));
    set_image(&mut bench, "v2");
    change(&mut bench, |deployment| deployment.set(&["spec", "replicas"], 5));
    bench.run_with(5 * SECOND, kubelets);
    assert_eq!(sizes(&bench), [("v1".to_string(), 5)]);
    let deployment = web(&bench);
    let condition = meta::condition(&deployment, "Progressing").cloned().unwrap_or_default();
    assert_eq!((condition["status"].str(), condition["reason"].str()), ("Unknown", "DeploymentPaused"));
    change(&mut bench, |deployment| drop(deployment.remove(&["spec", "paused"])));
    bench.run_with(10 * SECOND, kubelets);
    assert_eq!(sizes(&bench), [("v1".to_string(), 0), ("v2".to_string(), 5)]);
}

#[test]
fn keeps_a_bounded_history_and_avoids_collisions() {
    let mut limited = deployment(1, tree!(1), tree!(0));
    limited.set(&["spec", "revisionHistoryLimit"], 1);
    let mut bench = bench(limited);
    for image in ["v1", "v2", "v3"] {
        set_image(&mut bench, image);
        bench.run_with(5 * SECOND, kubelets);
    }
    assert_eq!(sizes(&bench), [("v2".to_string(), 0), ("v3".to_string(), 1)]);
    let mut template = web(&bench)["spec"]["template"].clone();
    template.set(&["spec", "containers"], tree!([{"name": "c", "image": "v4"}]));
    let name = format!("web-{}", crate::pod_template_hash(&template, None));
    let taken =
        tree!({"metadata": {"name": (name.as_str()), "namespace": "default"}, "spec": {"replicas": 0}});
    bench.server.put(bench.now, REPLICASETS, taken);
    set_image(&mut bench, "v4");
    bench.run_with(5 * SECOND, kubelets);
    assert_eq!(web(&bench)["status"]["collisionCount"].int(), 1);
    assert!(sizes(&bench).contains(&("v4".to_string(), 1)));
}

// The rows of upstream's TestScale and TestNewRSNewReplicas.
#[test]
fn calculates_new_replicas() {
    for (kind, desired, surge, old, new, wanted) in [
        ("Recreate", 1, tree!(1), 0, 0, 1),
        ("RollingUpdate", 6, tree!(3), 5, 0, 4),
        ("RollingUpdate", 10, tree!("25%"), 8, 2, 5),
        ("RollingUpdate", 10, tree!("25%"), 8, 5, 5),
        ("RollingUpdate", 10, tree!(2), 12, 0, 0),
        ("RollingUpdate", 10, tree!(20), 0, 4, 10),
    ] {
        let mut deployment = deployment(desired, surge.clone(), tree!(1));
        deployment.set(&["spec", "strategy", "type"], kind);
        let set = |replicas: i64| tree!({"spec": {"replicas": replicas}});
        let all = [set(old), set(new)];
        assert_eq!(new_replicas(&deployment, &all, &all[1]), wanted, "{desired} {surge:?} {old} {new}");
    }
}
