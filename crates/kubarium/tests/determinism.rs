//! The same seed and the same script give the same bytes; so does a clone that goes on in the middle.

use cluster::script::{Step, parse, preset};
use cluster::{Cluster, Preset, Process, play_step};
use std::path::Path;
use view::{Ask, Input};

/// What two runs must have in common.
#[derive(Default, PartialEq, Debug)]
struct Told {
    transcript: String,
    frames: Vec<String>,
}

fn scenario(name: &str) -> (Preset, Vec<Step>) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scenarios").join(name);
    let text = std::fs::read_to_string(path).unwrap();
    (Preset::named(preset(&text).unwrap_or("bare")).unwrap(), parse(&text).unwrap())
}

/// Plays steps and takes a frame after each, as the page does.
fn go_on(cluster: &mut Cluster, steps: &[Step], told: &mut Told) {
    for step in steps {
        play_step(cluster, step, &mut |text| told.transcript.push_str(text));
        told.frames.push(serde_json::to_string(&cluster.frame()).unwrap());
    }
}

fn whole(preset: &Preset, seed: u64, steps: &[Step]) -> Told {
    let mut told = Told::default();
    go_on(&mut Cluster::new(preset, seed), steps, &mut told);
    told
}

fn assert_same(one: &Told, other: &Told, when: &str) {
    let line = one.transcript.lines().zip(other.transcript.lines()).find(|(a, b)| a != b);
    assert_eq!(line, None, "{when}");
    assert!(one.transcript == other.transcript, "{when}: one transcript is longer");
    if let Some((a, b)) = one.frames.iter().zip(&other.frames).find(|(a, b)| a != b) {
        let at = a.bytes().zip(b.bytes()).take_while(|(a, b)| a == b).count();
        let near = |text: &str| {
            text.get(at.saturating_sub(200)..(at + 100).min(text.len())).unwrap_or("").to_string()
        };
        panic!("{when}: the frames differ\n- {}\n+ {}", near(a), near(b));
    }
}

#[test]
fn the_same_seed_and_script_give_the_same_bytes() {
    for name in ["hello.transcript", "failover.transcript", "nodes.transcript"] {
        let (preset, steps) = scenario(name);
        assert_same(&whole(&preset, 1, &steps), &whole(&preset, 1, &steps), name);
        assert_ne!(whole(&preset, 2, &steps), whole(&preset, 1, &steps), "{name}: the seed matters");
    }
}

#[test]
fn a_clone_goes_on_as_the_original() {
    for name in ["hello.transcript", "counter.transcript", "tour.transcript", "autoscaling.transcript"] {
        let (preset, steps) = scenario(name);
        let all = whole(&preset, 7, &steps);
        for part in 1..6 {
            let at = steps.len() * part / 6;
            let (mut told, mut original) = (Told::default(), Cluster::new(&preset, 7));
            go_on(&mut original, &steps[..at], &mut told);
            let mut clone = original.clone();
            // The original goes on as well, and must not be felt by the clone.
            go_on(&mut original, &steps[at..(at + 3).min(steps.len())], &mut Told::default());
            drop(original);
            go_on(&mut clone, &steps[at..], &mut told);
            assert_same(&all, &told, &format!("{name}, cloned before step {at}"));
        }
    }
}

#[test]
fn a_clone_within_a_running_command_goes_on_as_the_original() {
    let (preset, steps) = scenario("hello.transcript");
    let mut cluster = Cluster::new(&preset, 3);
    let halt =
        steps.iter().position(|step| matches!(step, Step::Line(line) if line.contains("> answers"))).unwrap();
    go_on(&mut cluster, &steps[..halt], &mut Told::default());
    cluster.type_line(
        "for i in $(seq 1 60); do curl -s 10.64.140.43; kubectl get pods | wc -l; done | sort | uniq -c",
    );
    cluster.input(Input::OpenTab);
    cluster.type_line("kubectl set image deployment hello-deployment hello-deployment=gcr.io/terrycho-sandbox/deployment:v2");
    let end = cluster.now() + 30 * sim::SECOND;
    let mut count = 0_u32;
    let mut clones = Vec::new();
    while cluster.step(end) {
        count += 1;
        if count.is_multiple_of(61) && clones.len() < 12 {
            clones.push((count, cluster.clone()));
        }
    }
    let last = serde_json::to_string(&cluster.frame()).unwrap();
    assert!(clones.len() >= 8, "{count} steps");
    for (count, mut clone) in clones {
        clone.run_until(end);
        assert!(serde_json::to_string(&clone.frame()).unwrap() == last, "cloned after {count} steps");
    }
}

#[test]
fn looking_changes_nothing() {
    let (preset, steps) = scenario("hello.transcript");
    let all = whole(&preset, 5, &steps);
    let (mut told, mut cluster) = (Told::default(), Cluster::new(&preset, 5));
    let manifest = steps.iter().find_map(|step| match step {
        Step::File { name, text } if name == "hello-deployment.yaml" => Some(text.clone()),
        _ => None,
    });
    let manifest = manifest.unwrap();
    for step in &steps {
        for line in ["kubectl get pods ", "kubectl delete deploy/h"] {
            cluster.ask(&Ask::Complete { tab: 1, line: line.to_string() });
        }
        cluster.ask(&Ask::Verdict { name: "a.yaml".to_string(), text: manifest.clone() });
        go_on(&mut cluster, std::slice::from_ref(step), &mut told);
    }
    assert_same(&all, &told, "with questions between the steps");
}

/// Returns what a cluster has come to, without what chance has named: how many pods of each owner are in
/// which state, what is scaled to what, and how many endpoints each Service has.
fn outcome(cluster: &mut Cluster) -> String {
    cluster.sleep(90);
    let lists = [
        "kubectl get pods -A --no-headers -o custom-columns=NS:.metadata.namespace,OWNER:.metadata.ownerReferences[0].name,PHASE:.status.phase,READY:.status.containerStatuses[*].ready | sort | uniq -c",
        "kubectl get deploy,rs,ds -A --no-headers -o custom-columns=NS:.metadata.namespace,NAME:.metadata.name,WANTED:.spec.replicas,READY:.status.readyReplicas,SEEN:.status.numberReady | sort",
        "kubectl get endpointslices -A --no-headers -o custom-columns=NS:.metadata.namespace,FOR:.metadata.labels.kubernetes\\\\.io/service-name,READY:.endpoints[*].conditions.ready | sort",
        "kubectl get nodes --no-headers -o custom-columns=NAME:.metadata.name,READY:.status.conditions[-1].status",
    ];
    lists.iter().map(|line| cluster.run_line(line)).collect()
}

#[test]
fn parts_that_start_anew_come_to_the_same() {
    let processes =
        [Process::ControllerManager, Process::Scheduler, Process::KubeProxies, Process::KubeletWatches];
    let mut turn = 0_usize;
    for name in ["hello.transcript", "strategy.transcript", "nodes.transcript", "failover.transcript"] {
        let (preset, steps) = scenario(name);
        let mut original = Cluster::new(&preset, 11);
        let mut stopped = Vec::new();
        for (i, step) in steps.iter().enumerate() {
            if i % 4 == 1 {
                stopped.push((i, original.clone()));
            }
            play_step(&mut original, step, &mut |_| {});
        }
        let wanted = outcome(&mut original);
        assert!(wanted.lines().count() >= 8, "{name}: {wanted}");
        for (i, mut cluster) in stopped {
            // Some events into what the step before has begun, whatever that is.
            turn += 1;
            let process = processes[turn % processes.len()];
            let until = cluster.now() + sim::SECOND;
            for _ in 0..turn * 13 % 60 {
                cluster.step(until);
            }
            cluster.restart(process);
            for step in &steps[i..] {
                play_step(&mut cluster, step, &mut |_| {});
            }
            let came = outcome(&mut cluster);
            assert_eq!(came, wanted, "{name}: {process:?} anew before step {i}");
        }
    }
}
