use super::TRACKING;
use crate::ControllerManager;
use api::resources::{JOBS, PODS};
use api::{Value, meta, tree};
use client::testing::{Bench, Server};
use sim::{MINUTE, SECOND, Time};

const KEY: &str = "d/pi";

fn job(spec: Value) -> Value {
    let mut job = tree!({
        "apiVersion": "batch/v1", "kind": "Job",
        "metadata": {"name": "pi", "namespace": "d"},
        "spec": {
            "parallelism": 1, "backoffLimit": 6, "completionMode": "NonIndexed", "suspend": false,
            "podReplacementPolicy": "TerminatingOrFailed",
            "selector": {"matchLabels": {"job": "pi"}},
            "template": {"metadata": {"labels": {"job": "pi"}},
                "spec": {"restartPolicy": "Never", "containers": [{"name": "c"}]}},
        },
    });
    for (field, value) in spec.fields().iter() {
        job.set(&["spec", field], value);
    }
    job
}

fn bench(spec: Value) -> Bench<ControllerManager> {
    let mut server = Server::default();
    server.put(Time::EPOCH, JOBS, job(spec));
    Bench::new(ControllerManager::new(&[]), server)
}

/// Plays kubelets: pods run, or end as `outcome` says of the pod's number among all that were made.
fn play(server: &mut Server, now: Time, outcome: &dyn Fn(&Value) -> Option<i64>) {
    for pod in server.all(PODS) {
        let key = meta::key(&pod);
        let held = !pod["metadata"]["finalizers"].is_empty();
        if meta::is_deleting(&pod) {
            if held && !crate::pod::is_terminal(&pod) {
                server.change(now, PODS, &key, |pod| pod.set(&["status", "phase"], "Failed"));
            } else if !held {
                server.remove(PODS, &key);
            }
        } else if pod["status"].is_null() {
            server.change(now, PODS, &key, |pod| {
                let phase = match outcome(pod) {
                    None => "Running",
                    Some(0) => "Succeeded",
                    Some(_) => "Failed",
                };
                let ready = if phase == "Running" { "True" } else { "False" };
                let conditions = tree!([{"type": "Ready", "status": ready}]);
                let code = outcome(pod).unwrap_or(0);
                let ended = tree!([{"name": "c", "state": {"terminated": {"exitCode": code}}}]);
                pod.set(
                    &["status"],
                    tree!({"phase": phase, "conditions": (conditions), "containerStatuses": (ended)}),
                );
            });
        }
    }
}

fn run(bench: &mut Bench<ControllerManager>, span: i64, outcome: impl Fn(&Value) -> Option<i64>) {
    bench.run_with(span, |server, now| play(server, now, &outcome));
}

/// Returns the Job's numbers and its conditions that are True.
fn state(bench: &Bench<ControllerManager>) -> (String, String) {
    let status = bench.server.object(JOBS, KEY)["status"].clone();
    let count = |field: &str| status[field].int();
    let is_true = |condition: &&Value| condition["status"].str() == "True";
    let conditions = status["conditions"].items().iter().filter(is_true);
    let names: Vec<&str> = conditions.map(|condition| condition["type"].str()).collect();
    let numbers = format!("{} {} {}", count("active"), count("succeeded"), count("failed"));
    (numbers, names.join(" "))
}

fn created(bench: &Bench<ControllerManager>) -> usize {
    bench.server.calls.iter().filter(|call| call.starts_with("create pods")).count()
}

const DONE: &str = "SuccessCriteriaMet Complete";

/// Each row: the spec, how all pods end, the numbers and conditions after a while, pods made.
#[test]
fn runs_until_enough_have_succeeded() {
    for (spec, outcome, numbers, conditions, pods) in [
        (tree!({"completions": 1}), Some(0), "0 1 0", DONE, 1),
        (tree!({"completions": 5, "parallelism": 2}), Some(0), "0 5 0", DONE, 5),
        (tree!({"completions": 2, "parallelism": 5}), Some(0), "0 2 0", DONE, 2),
        (tree!({"parallelism": 3}), Some(0), "0 3 0", DONE, 3),
        (tree!({"completions": 3, "parallelism": 2}), None, "2 0 0", "", 2),
        (tree!({"completions": 0}), None, "0 0 0", DONE, 0),
        (tree!({"completions": 1, "backoffLimit": 0}), Some(1), "0 0 1", "FailureTarget Failed", 1),
        (tree!({"completions": 1, "backoffLimit": 2}), Some(1), "0 0 3", "FailureTarget Failed", 3),
        (tree!({"completions": 1, "suspend": true}), Some(0), "0 0 0", "Suspended", 0),
        (tree!({"completions": 4, "parallelism": 2, "completionMode": "Indexed"}), Some(0), "0 4 0", DONE, 4),
        (tree!({"completions": 1, "activeDeadlineSeconds": 30}), None, "0 0 1", "FailureTarget Failed", 1),
    ] {
        let mut bench = bench(spec.clone());
        run(&mut bench, 2 * MINUTE, |_| outcome);
        assert_eq!(state(&bench), (numbers.to_string(), conditions.to_string()), "{spec:?}");
        assert_eq!(created(&bench), pods, "{spec:?}");
        let held = bench.server.all(PODS).into_iter().filter(|pod| !pod["metadata"]["finalizers"].is_empty());
        let running = numbers.starts_with('2');
        assert_eq!(held.count() > 0, running, "{spec:?}: only what is to be counted is held");
        let completed = !bench.server.object(JOBS, KEY)["status"]["completionTime"].is_null();
        assert_eq!(completed, conditions == DONE, "{spec:?}");
    }
}

#[test]
fn tells_what_it_did() {
    let mut good = bench(tree!({"completions": 1}));
    run(&mut good, MINUTE, |_| Some(0));
    let pod = meta::name(&good.server.all(PODS)[0]).to_string();
    assert_eq!(good.server.messages(), [format!("Created pod: {pod}"), "Job completed".to_string()]);
    let mut bad = bench(tree!({"completions": 1, "backoffLimit": 0}));
    run(&mut bad, MINUTE, |_| Some(1));
    assert_eq!(bad.server.messages()[1..], ["Job has reached the specified backoff limit".to_string()]);
    let mut late = bench(tree!({"completions": 1, "activeDeadlineSeconds": 5}));
    run(&mut late, MINUTE, |_| None);
    let message = "Job was active longer than specified deadline".to_string();
    assert_eq!(late.server.messages().last(), Some(&message));
}

#[test]
fn waits_longer_after_each_failure() {
    let mut bench = bench(tree!({"completions": 1}));
    // The first at once, then after 10 s, 20 s and 40 s; changes are gathered for a second.
    for (seconds, pods) in [(8, 1), (6, 2), (16, 2), (8, 3), (30, 3), (14, 4)] {
        run(&mut bench, seconds * SECOND, |_| Some(1));
        assert_eq!(created(&bench), pods, "after {}", bench.now);
    }
}

#[test]
fn gives_each_pod_an_index() {
    let mut bench = bench(tree!({"completions": 3, "parallelism": 3, "completionMode": "Indexed"}));
    let index = |pod: &Value| meta::annotation(pod, super::indexes::INDEX).to_string();
    run(&mut bench, 5 * SECOND, |pod| (index(pod) != "1").then_some(0));
    let job = bench.server.object(JOBS, KEY);
    assert_eq!(job["status"]["completedIndexes"].str(), "0,2");
    assert_eq!(state(&bench).0, "1 2 0");
    let pods = bench.server.all(PODS);
    let pod = pods.iter().find(|pod| index(pod) == "1").unwrap();
    assert!(meta::name(pod).starts_with("pi-1-"));
    assert_eq!(pod["spec"]["hostname"].str(), "pi-1");
    let variable = &pod["spec"]["containers"][0]["env"][0];
    assert_eq!(variable["name"].str(), "JOB_COMPLETION_INDEX");
    let path = "metadata.labels['batch.kubernetes.io/job-completion-index']";
    assert_eq!(variable["valueFrom"]["fieldRef"]["fieldPath"].str(), path);
}

#[test]
fn stops_and_goes_on() {
    let mut bench = bench(tree!({"completions": 2, "parallelism": 2}));
    run(&mut bench, 3 * SECOND, |_| None);
    let suspend = |bench: &mut Bench<ControllerManager>, on: bool| {
        bench.server.change(bench.now, JOBS, KEY, |job| {
            job.set(&["spec", "suspend"], on);
            job.set(&["metadata", "generation"], meta::generation(job) + 1);
        });
    };
    suspend(&mut bench, true);
    run(&mut bench, 3 * SECOND, |_| None);
    assert_eq!(state(&bench), ("0 0 0".to_string(), "Suspended".to_string()), "what it stops isn't counted");
    assert_eq!(bench.server.all(PODS).len(), 0);
    suspend(&mut bench, false);
    run(&mut bench, 5 * SECOND, |_| Some(0));
    assert_eq!(state(&bench), ("0 2 0".to_string(), DONE.to_string()));
    let messages = bench.server.messages();
    assert!(messages.contains(&"Job suspended".to_string()) && messages.contains(&"Job resumed".to_string()));
}

#[test]
fn runs_fewer_when_told_so() {
    let mut bench = bench(tree!({"completions": 9, "parallelism": 4}));
    run(&mut bench, 3 * SECOND, |_| None);
    bench.server.change(bench.now, JOBS, KEY, |job| {
        job.set(&["spec", "parallelism"], 1);
        job.set(&["metadata", "generation"], 2);
    });
    run(&mut bench, 3 * SECOND, |_| None);
    assert_eq!(state(&bench).0, "1 0 0");
}

#[test]
fn obeys_its_failure_policy() {
    let codes = |code: i64| tree!({"operator": "In", "values": [code]});
    let policy = tree!({"rules": [{"action": "FailJob", "onExitCodes": (codes(42))},
        {"action": "Ignore", "onExitCodes": (codes(7))}]});
    for (code, conditions, failed) in [(42, "FailureTarget Failed", 1), (7, "", 0)] {
        let spec = tree!({"completions": 1, "backoffLimit": 1, "podFailurePolicy": (&policy),
            "podReplacementPolicy": "Failed"});
        let mut bench = bench(spec);
        run(&mut bench, 10 * SECOND, |_| Some(code));
        let job = bench.server.object(JOBS, KEY);
        assert_eq!(state(&bench).1, conditions, "{code}");
        assert_eq!(job["status"]["failed"].int(), failed, "{code}");
    }
}

#[test]
fn lets_pods_go_whose_job_is_gone() {
    let mut bench = bench(tree!({"completions": 1}));
    run(&mut bench, 3 * SECOND, |_| None);
    assert_eq!(bench.server.all(PODS)[0]["metadata"]["finalizers"], tree!([TRACKING]));
    bench.server.remove(JOBS, KEY);
    run(&mut bench, 3 * SECOND, |_| None);
    assert!(bench.server.all(PODS)[0]["metadata"]["finalizers"].is_empty());
}

#[test]
fn two_controllers_one_after_the_other_count_each_pod_once() {
    let mut bench = bench(tree!({"completions": 20, "parallelism": 3}));
    for _ in 0..300 {
        let now = bench.now;
        bench.component.stop("job");
        bench.component.start(now, "job");
        run(&mut bench, SECOND / 10, |_| Some(0));
    }
    run(&mut bench, MINUTE, |_| Some(0));
    assert_eq!(state(&bench), ("0 20 0".to_string(), DONE.to_string()));
}
