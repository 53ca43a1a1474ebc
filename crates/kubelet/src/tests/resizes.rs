use super::Bench;
use crate::NodeConfig;
use api::resources::PODS;
use api::{Value, meta};
use sim::{MINUTE, SECOND};

/// A node of four processors and 4 GiB.
fn bench() -> Bench {
    let mut config = NodeConfig::new("node-1", "10.64.140.11", "10.244.1.0/24");
    (config.cpu, config.memory) = ("4".into(), "4Gi".into());
    Bench::new(config)
}

fn asked(cpu: &str, memory: &str) -> String {
    format!(r#"{{"requests": {{"cpu": "{cpu}", "memory": "{memory}"}}}}"#)
}

fn pod(bench: &mut Bench, name: &str, cpu: &str, memory: &str) {
    let resources = asked(cpu, memory);
    bench.pod(
        name,
        &format!(r#"{{"containers": [{{"name": "c1", "image": "nginx", "resources": {resources}}}]}}"#),
    );
}

fn resize(bench: &mut Bench, name: &str, cpu: &str, memory: &str) {
    let now = bench.now;
    let resources = Value::from_json(&asked(cpu, memory)).unwrap();
    bench.server.change(now, PODS, &format!("default/{name}"), |pod| {
        let generation = meta::generation(pod) + 1;
        pod.set(&["metadata", "generation"], generation);
        pod.at_mut(&["spec", "containers"]).list_mut()[0].set(&["resources"], resources);
    });
}

/// Returns why a pod's resize waits, and what its container was given.
fn shown(bench: &Bench, name: &str) -> (String, String, [String; 2]) {
    let pod = bench.get(name);
    let pending = meta::condition(&pod, "PodResizePending").cloned().unwrap_or_default();
    let given = &pod["status"]["containerStatuses"][0]["allocatedResources"];
    let given = ["cpu", "memory"].map(|resource| given[resource].str().to_string());
    (pending["reason"].str().to_string(), pending["message"].str().to_string(), given)
}

#[test]
fn a_resize_is_given_put_off_or_never_possible() {
    // Rows after TestHandlePodResourcesResize (pkg/kubelet/allocation/allocation_manager_test.go): a node of four
    // processors and 4 GiB with another pod that asks for 1500m and 2500Mi.
    const HELD: [&str; 2] = ["1", "1000Mi"];
    for (cpu, memory, reason, message, given) in [
        ("500m", "500Mi", "", "", ["500m", "500Mi"]),
        ("1500m", "500Mi", "", "", ["1500m", "500Mi"]),
        (
            "2600m",
            "500Mi",
            "Deferred",
            "Node didn't have enough resource: cpu, requested: 2600, used: 1500, capacity: 4000",
            HELD,
        ),
        (
            "500m",
            "2500Mi",
            "Deferred",
            "Node didn't have enough resource: memory, requested: 2621440000, used: 2621440000, capacity: 4294967296",
            HELD,
        ),
        (
            "1",
            "4500Mi",
            "Infeasible",
            "Node didn't have enough capacity: memory, requested: 4718592000, capacity: 4294967296",
            HELD,
        ),
        (
            "5",
            "1000Mi",
            "Infeasible",
            "Node didn't have enough capacity: cpu, requested: 5000, capacity: 4000",
            HELD,
        ),
        (
            "5",
            "4500Mi",
            "Infeasible",
            "Node didn't have enough capacity: memory, requested: 4718592000, capacity: 4294967296",
            HELD,
        ),
    ] {
        let mut bench = bench();
        pod(&mut bench, "other", "1500m", "2500Mi");
        pod(&mut bench, "p", HELD[0], HELD[1]);
        bench.run(20 * SECOND);
        resize(&mut bench, "p", cpu, memory);
        bench.run(20 * SECOND);
        let wanted = (reason.to_string(), message.to_string(), given.map(str::to_string));
        assert_eq!(shown(&bench, "p"), wanted, "{cpu} {memory}");
        let last = bench.events("p").pop().unwrap_or_default();
        let begin = match reason {
            "" => "ResizeCompleted: Pod resize completed: ".to_string(),
            reason => format!("Resize{reason}: Pod resize {reason}: "),
        };
        assert!(last.starts_with(&begin), "{last}");
    }
}

#[test]
fn events_tell_what_a_resize_is_about() {
    let mut bench = bench();
    pod(&mut bench, "p", "1", "1Gi");
    bench.run(20 * SECOND);
    resize(&mut bench, "p", "2", "1Gi");
    bench.run(20 * SECOND);
    resize(&mut bench, "p", "9", "1Gi");
    bench.run(20 * SECOND);
    let told = |cpu: &str| {
        format!(
            r#""containers":[{{"name":"c1","resources":{{"requests":{{"cpu":"{cpu}","memory":"1Gi"}}}}}}]"#
        )
    };
    let events = bench.events("p");
    let wanted = [
        format!("ResizeStarted: Pod resize started: {{{},\"generation\":2}}", told("2")),
        format!("ResizeCompleted: Pod resize completed: {{{},\"generation\":2}}", told("2")),
        format!(
            "ResizeInfeasible: Pod resize Infeasible: {{{},\"generation\":3,\"error\":\"Node didn't have enough capacity: cpu, requested: 9000, capacity: 4000\"}}",
            told("9")
        ),
    ];
    assert_eq!(events[events.len() - 3..], wanted);
}

#[test]
fn a_resize_that_waits_is_given_once_there_is_room() {
    // what makes room → how soon
    for (gone, within) in [(true, 40 * SECOND), (false, 5 * SECOND)] {
        let mut bench = bench();
        pod(&mut bench, "other", "3", "1Gi");
        pod(&mut bench, "p", "500m", "1Gi");
        bench.run(20 * SECOND);
        resize(&mut bench, "p", "2", "1Gi");
        bench.run(20 * SECOND);
        assert_eq!(shown(&bench, "p").0, "Deferred");
        if gone {
            bench.delete("other", 1);
        } else {
            resize(&mut bench, "other", "1", "1Gi");
        }
        bench.run(within);
        assert_eq!(shown(&bench, "p"), (String::new(), String::new(), ["2".into(), "1Gi".into()]), "{gone}");
    }
}

#[test]
fn who_asks_for_what_was_given_no_longer_waits() {
    let mut bench = bench();
    pod(&mut bench, "p", "1", "1Gi");
    bench.run(20 * SECOND);
    resize(&mut bench, "p", "9", "1Gi");
    bench.run(4 * MINUTE);
    let infeasible = bench.events("p").iter().filter(|event| event.starts_with("ResizeInfeasible")).count();
    assert_eq!((shown(&bench, "p").0.as_str(), infeasible), ("Infeasible", 1));
    resize(&mut bench, "p", "1", "1Gi");
    bench.run(5 * SECOND);
    assert_eq!(shown(&bench, "p").0, "");
}
