use super::Bench;
use sim::SECOND;

/// A sidecar that does this where it gets SIGTERM.
fn sidecar(name: &str, trap: &str) -> String {
    format!(
        r#"{{"name": "{name}", "image": "busybox", "restartPolicy": "Always", "command": ["sh", "-c",
        "trap '{trap}' TERM; while true; do sleep 1; done"]}}"#
    )
}

#[test]
fn sidecars_end_once_after_the_others_and_in_reverse_order() {
    // policy, what the main container does → the phase
    for (policy, command, phase) in [
        ("Never", "sleep 20", "Succeeded"),
        ("OnFailure", "sleep 20", "Succeeded"),
        ("Never", "sleep 20; exit 4", "Failed"),
    ] {
        let mut bench = Bench::real();
        let spec = format!(
            r#"{{"restartPolicy": "{policy}", "initContainers": [{}, {}],
            "containers": [{{"name": "main", "image": "busybox", "command": ["sh", "-c", "{command}"]}}]}}"#,
            sidecar("one", "exit 0"),
            sidecar("two", "exit 0")
        );
        bench.pod("job", &spec);
        bench.run(15 * SECOND);
        assert_eq!(bench.get("job")["status"]["phase"].str(), "Running", "{policy} {command}");
        bench.run(30 * SECOND);
        let status = bench.get("job")["status"].clone();
        assert_eq!(status["phase"].str(), phase, "{policy} {command}");
        let mut ends = Vec::new();
        for sidecar in status["initContainerStatuses"].items() {
            let end = &sidecar["state"]["terminated"];
            assert_eq!((end["exitCode"].int(), sidecar["restartCount"].int()), (0, 0), "{sidecar:?}");
            ends.push(end["finishedAt"].text());
        }
        assert!(ends[0] >= ends[1], "{ends:?}");
        let events = bench.events("job");
        let kills: Vec<&str> =
            events.iter().filter(|event| event.starts_with("Killing")).map(String::as_str).collect();
        assert_eq!(kills, ["Killing: Stopping container two", "Killing: Stopping container one"]);
    }
}

#[test]
fn a_deleted_pods_sidecars_wait_for_their_turn_but_not_longer_than_the_grace_period() {
    // how long the main container's hook takes, what it does at SIGTERM, and what the later sidecar does → when which
    // sidecar gets SIGTERM, in seconds after the deletion
    for (hook, main, later, told) in [
        (0, "exit 0", "exit 0", [("one", 0), ("two", 0)]),
        (4, "exit 0", "exit 0", [("one", 4), ("two", 4)]),
        (3, "exit 0", "", [("one", 10), ("two", 3)]),
        (0, "", "exit 0", [("one", 10), ("two", 10)]),
    ] {
        let mut bench = Bench::real();
        let spec = format!(
            r#"{{"initContainers": [{}, {}], "containers": [{{"name": "main", "image": "busybox",
            "command": ["sh", "-c", "trap '{main}' TERM; while true; do sleep 1; done"],
            "lifecycle": {{"preStop": {{"sleep": {{"seconds": {hook}}}}}}}}}]}}"#,
            sidecar("one", "exit 0"),
            sidecar("two", later)
        );
        bench.pod("web", &spec);
        bench.run(15 * SECOND);
        assert_eq!(bench.shown("web").0, "Running");
        bench.delete("web", 10);
        let mut at = [None; 2];
        for second in 0..14 {
            bench.run(SECOND / 2);
            for (i, (name, _)) in told.iter().enumerate() {
                let worker = bench.kubelet.workers.iter().next();
                let asked = worker.is_some_and(|worker| {
                    let mut containers = worker.containers.iter();
                    let one = containers.find(|one| &*one.name == *name);
                    one.is_some_and(|one| {
                        !one.is_running() || one.kill.as_ref().is_some_and(|kill| kill.asked)
                    })
                });
                at[i] = at[i].or((asked || worker.is_none()).then_some(second));
            }
            bench.run(SECOND / 2);
        }
        assert_eq!(at, told.map(|(_, second)| Some(second)), "{hook} {main} {later}");
        let events = bench.events("web");
        assert_eq!(events.iter().filter(|event| event.starts_with("Killing")).count(), 3, "{events:?}");
    }
}

#[test]
fn a_containers_own_policy_and_rules_decide_when_it_is_started_again() {
    let rules = r#""restartPolicy": "Never", "restartPolicyRules": [{"action": "Restart",
        "exitCodes": {"operator": "In", "values": [42]}}]"#;
    let never = r#""restartPolicy": "Never""#;
    let on_failure = r#""restartPolicy": "OnFailure""#;
    // the pod's policy, which container, its policy, how it ends → whether it is started again, the phase
    for (policy, list, own, code, again, phase) in [
        ("Never", "containers", rules, 42, true, "Running"),
        ("Never", "containers", rules, 1, false, "Failed"),
        ("Never", "containers", on_failure, 1, true, "Running"),
        ("Always", "containers", never, 0, false, "Succeeded"),
        ("Always", "containers", never, 1, false, "Failed"),
        ("Never", "initContainers", rules, 42, true, "Pending"),
        ("Never", "initContainers", on_failure, 1, true, "Pending"),
        ("Always", "initContainers", never, 1, false, "Failed"),
        ("OnFailure", "initContainers", rules, 1, false, "Failed"),
    ] {
        let mut bench = Bench::real();
        let one = format!(
            r#""{list}": [{{"name": "c", "image": "busybox", "command": ["sh", "-c", "exit {code}"], {own}}}]"#
        );
        let rest = match list {
            "containers" => "",
            _ => r#", "containers": [{"name": "main", "image": "nginx"}]"#,
        };
        bench.pod("p", &format!(r#"{{"restartPolicy": "{policy}", {one}{rest}}}"#));
        bench.run(40 * SECOND);
        let status = bench.get("p")["status"].clone();
        let field = if list == "containers" { "containerStatuses" } else { "initContainerStatuses" };
        let is_again = status[field][0]["restartCount"].int() > 0;
        assert_eq!((is_again, status["phase"].str()), (again, phase), "{policy} {list} {own} {code}");
    }
}

#[test]
fn who_is_killed_by_a_probe_is_told_to_be_started_again_by_its_own_policy() {
    // the pod's policy, the container's → whether it is started again
    for (policy, own, again) in [
        ("Never", "", false),
        ("Never", "Always", true),
        ("Always", "", true),
        ("Always", "Never", false),
        ("Never", "OnFailure", true),
    ] {
        let mut bench = Bench::real();
        let own = if own.is_empty() { String::new() } else { format!(r#""restartPolicy": "{own}","#) };
        bench.pod(
            "p",
            &format!(
                r#"{{"restartPolicy": "{policy}", "containers": [{{"name": "c", "image": "nginx", {own}
            "livenessProbe": {{"httpGet": {{"port": 81}}, "periodSeconds": 1, "failureThreshold": 1}}}}]}}"#
            ),
        );
        bench.run(20 * SECOND);
        let end = if again { ", will be restarted" } else { "" };
        let events = bench.events("p");
        assert!(events.contains(&format!("Killing: Container c failed liveness probe{end}")), "{events:?}");
    }
}
