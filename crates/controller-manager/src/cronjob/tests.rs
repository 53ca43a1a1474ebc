use crate::ControllerManager;
use api::resources::{CRONJOBS, JOBS};
use api::{Value, meta, tree};
use client::testing::{Bench, Server};
use sim::{MINUTE, SECOND, Time};

const KEY: &str = "d/tick";

/// A CronJob of every minute. The clock begins at 09:00:00.
fn bench(spec: Value) -> Bench<ControllerManager> {
    let mut cron_job = tree!({
        "apiVersion": "batch/v1", "kind": "CronJob",
        "metadata": {"name": "tick", "namespace": "d"},
        "spec": {
            "schedule": "* * * * *", "concurrencyPolicy": "Allow", "suspend": false,
            "successfulJobsHistoryLimit": 3, "failedJobsHistoryLimit": 1,
            "jobTemplate": {"metadata": {"labels": {"app": "tick"}}, "spec": {"backoffLimit": 0}},
        },
    });
    for (field, value) in spec.fields().iter() {
        cron_job.set(&["spec", field], value);
    }
    let mut server = Server::default();
    server.put(Time::EPOCH, CRONJOBS, cron_job);
    let mut bench = Bench::new(ControllerManager::new(&[]), server);
    bench.component.stop("job");
    bench
}

/// Plays the Job controller: Jobs end with a condition after a while, or run on.
fn run(bench: &mut Bench<ControllerManager>, span: i64, end: Option<(&str, i64)>) {
    for _ in 0..span / SECOND {
        run_a_second(bench, end);
    }
}

fn run_a_second(bench: &mut Bench<ControllerManager>, end: Option<(&str, i64)>) {
    bench.run_with(SECOND, |server, now| {
        for job in server.all(JOBS) {
            let age = now - meta::created(&job).unwrap_or(now);
            let Some((condition, after)) = end else { continue };
            if age >= after && job["status"]["conditions"].is_null() {
                server.change(now, JOBS, &meta::key(&job), |job| {
                    let at = now.rfc3339();
                    job.set(&["status", "startTime"], job["metadata"]["creationTimestamp"].clone());
                    if condition == "Complete" {
                        job.set(&["status", "completionTime"], at.as_str());
                    }
                    let ended = tree!({"type": condition, "status": "True", "lastTransitionTime": (at)});
                    job.set(&["status", "conditions"], tree!([(ended)]));
                });
            }
        }
    });
}

fn started(bench: &Bench<ControllerManager>) -> usize {
    bench.server.calls.iter().filter(|call| call.starts_with("create jobs")).count()
}

#[test]
fn starts_jobs_on_time() {
    let mut bench = bench(Value::map());
    run(&mut bench, 59 * SECOND, Some(("Complete", SECOND)));
    assert_eq!(started(&bench), 0);
    run(&mut bench, 10 * SECOND, Some(("Complete", SECOND)));
    let job = bench.server.all(JOBS)[0].clone();
    let minute = Time::EPOCH.unix_seconds() / 60 + 1;
    assert_eq!(meta::name(&job), format!("tick-{minute}"));
    assert_eq!(
        meta::annotation(&job, "batch.kubernetes.io/cronjob-scheduled-timestamp"),
        "2026-01-05T09:01:00Z"
    );
    assert_eq!(*meta::labels(&job), tree!({"app": "tick"}));
    let status = bench.server.object(CRONJOBS, KEY)["status"].clone();
    assert_eq!(status["lastScheduleTime"].str(), "2026-01-05T09:01:00Z");
    assert!(status["active"].is_null() && !status["lastSuccessfulTime"].is_null());
    let name = meta::name(&job);
    let told = [format!("Created job {name}"), format!("Saw completed job: {name}, condition: Complete")];
    assert_eq!(bench.server.messages(), told);
}

/// Each row: the spec, how and when Jobs end, Jobs started and Jobs there after ten minutes.
#[test]
fn keeps_to_its_policies() {
    let complete = Some(("Complete", 10 * SECOND));
    for (spec, end, begun, there) in [
        (Value::map(), complete, 10, 3),
        (tree!({"successfulJobsHistoryLimit": 1}), complete, 10, 1),
        (Value::map(), Some(("Failed", 10 * SECOND)), 10, 1),
        (Value::map(), None, 10, 10),
        (tree!({"concurrencyPolicy": "Forbid"}), None, 1, 1),
        // What was due while one ran begins when that has ended.
        (tree!({"concurrencyPolicy": "Forbid"}), Some(("Complete", 89 * SECOND)), 7, 4),
        (tree!({"concurrencyPolicy": "Replace"}), None, 10, 1),
        (tree!({"suspend": true}), complete, 0, 0),
        (tree!({"schedule": "*/4 * * * *"}), complete, 2, 2),
        (tree!({"schedule": "5 18 * * *", "timeZone": "Asia/Seoul"}), complete, 1, 1),
    ] {
        let mut bench = bench(spec.clone());
        run(&mut bench, 10 * MINUTE + 30 * SECOND, end);
        assert_eq!((started(&bench), bench.server.all(JOBS).len()), (begun, there), "{spec:?}");
    }
}

#[test]
fn starts_the_last_of_those_it_missed_unless_it_is_too_late() {
    for (spec, begun, message) in [
        (Value::map(), 1, ""),
        (tree!({"startingDeadlineSeconds": 20}), 0, ""),
        (tree!({"startingDeadlineSeconds": 100}), 1, ""),
    ] {
        let mut bench = bench(spec.clone());
        bench.component.stop("cronjob");
        bench.run(7 * MINUTE + 40 * SECOND);
        let now = bench.now;
        bench.component.start(now, "cronjob");
        bench.run(5 * SECOND);
        assert_eq!(started(&bench), begun, "{spec:?} {message}");
        let last = bench.server.object(CRONJOBS, KEY)["status"]["lastScheduleTime"].clone();
        let wanted = if begun == 1 { "2026-01-05T09:07:00Z" } else { "" };
        assert_eq!(last.str(), wanted, "{spec:?}");
    }
}

#[test]
fn wonders_at_jobs_made_by_hand() {
    let mut bench = bench(tree!({"suspend": true}));
    let cron_job = bench.server.object(CRONJOBS, KEY);
    let owner = crate::claim::controller_reference(CRONJOBS, &cron_job);
    let job = tree!({"metadata": {"name": "by-hand", "namespace": "d", "ownerReferences": [(owner)]}});
    bench.server.put(bench.now, JOBS, job);
    run(&mut bench, 5 * SECOND, None);
    let message = "Saw a job that the controller did not create or forgot: by-hand";
    assert_eq!(bench.server.messages(), [message]);
}

#[test]
fn finished_jobs_go_after_their_time() {
    let mut server = Server::default();
    let at = Time::EPOCH.rfc3339();
    let ended = tree!([{"type": "Complete", "status": "True", "lastTransitionTime": (at)}]);
    for (name, seconds) in [("soon", Some(10)), ("later", Some(100)), ("never", None)] {
        let spec = tree!({"ttlSecondsAfterFinished": (Value::from(seconds.map(i64::from)))});
        let job = tree!({"metadata": {"name": name, "namespace": "d"}, "spec": (spec), "status": {"conditions": (&ended)}});
        server.put(Time::EPOCH, JOBS, job);
    }
    let mut bench = Bench::new(ControllerManager::new(&[]), server);
    bench.run(30 * SECOND);
    let deleting = |name: &str| meta::is_deleting(&bench.server.object(JOBS, &format!("d/{name}")));
    assert_eq!(["soon", "later", "never"].map(deleting), [true, false, false]);
}
