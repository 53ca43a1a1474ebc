//! Who would answer, what each step of a way was caused by, and where proxies differ for a moment.

use crate::{Cluster, Preset};
use ::view::{Answer, Ask, PacketStep, PossibleWay};
use sim::{MILLISECOND, SECOND};

fn served() -> Cluster {
    let mut cluster = Cluster::new(&Preset::named("lesson").unwrap(), 7);
    cluster.run_line("kubectl create deployment web --image=nginx --replicas=3");
    cluster.run_line("kubectl create service nodeport web --tcp=80:80 --node-port=31080");
    cluster.run_line("kubectl create service clusterip none --tcp=80:80");
    cluster.sleep(20);
    cluster
}

fn ask(cluster: &mut Cluster, from: &str, to: &str, protocol: &str) -> (Vec<PossibleWay>, String) {
    let (from, to, protocol) = (from.to_string(), to.to_string(), protocol.to_string());
    match cluster.ask(&Ask::WhoAnswers { from, to, protocol }) {
        Answer::WhoAnswers { ways, problem } => (ways, problem),
        other => panic!("{other:?}"),
    }
}

fn ready_pod(cluster: &Cluster) -> String {
    let pods = cluster.view.objects.range(("pods", "default/".to_string())..);
    pods.map(|((_, key), _)| key.clone()).next().unwrap()
}

#[test]
fn any_address_is_explained_from_any_place() {
    let mut cluster = served();
    let pod = format!("pod/{}", ready_pod(&cluster));
    let thirds = [333_333, 333_333, 333_333];
    let cases: &[(&str, &str, &str, &str, &[u32])] = &[
        ("client", "10.64.140.11:31080", "TCP", "answered", &thirds),
        ("node/node-2", "web:80", "TCP", "answered", &thirds),
        (&pod, "default/web:80", "TCP", "answered", &thirds),
        (&pod, "none:80", "TCP", "refused", &[1_000_000]),
        (&pod, "10.96.0.10:53", "UDP", "answered", &[500_000, 500_000]),
        ("client", "10.64.140.11", "ICMP", "answered", &[1_000_000]),
        ("client", "10.64.140.11:9", "TCP", "refused", &[1_000_000]),
        ("client", "10.64.140.200:80", "TCP", "unreachable", &[1_000_000]),
    ];
    for (from, to, protocol, outcome, shares) in cases {
        let (ways, problem) = ask(&mut cluster, from, to, protocol);
        assert_eq!(problem, "", "{from} {to}");
        let found: Vec<u32> = ways.iter().map(|way| way.share).collect();
        let near = |(a, b): (&u32, &u32)| a.abs_diff(*b) < 2;
        assert!(found.len() == shares.len() && found.iter().zip(*shares).all(near), "{to}: {found:?}");
        assert!(ways.iter().all(|way| way.outcome == *outcome), "{from} {to}: {ways:?}");
    }
    for (from, to, protocol, problem) in [
        ("nobody", "10.64.140.11:80", "TCP", "from"),
        ("pod/default/x", "10.64.140.11:80", "TCP", "from"),
        ("client", "nothing:80", "TCP", "to"),
        ("client", "10.64.140.11:80000", "TCP", "port"),
        ("client", "10.64.140.11:0", "TCP", "port"),
        ("client", "", "TCP", "to"),
        ("client", "10.64.140.11:80", "IGMP", "protocol"),
    ] {
        assert_eq!(ask(&mut cluster, from, to, protocol), (Vec::new(), problem.to_string()), "{to}");
    }
}

#[test]
fn each_step_names_its_rule_its_service_and_its_slice() {
    let mut cluster = served();
    let (ways, _) = ask(&mut cluster, "client", "10.64.140.11:31080", "TCP");
    let way = &ways[1];
    let step = |test: &dyn Fn(&&PacketStep) -> bool| way.steps.iter().find(test).unwrap();
    let spread = step(&|step| step.tried.iter().any(|rule| !rule.endpoint.is_empty()));
    assert_eq!((spread.tried_count, spread.chain_length), (3, 4), "{spread:?}");
    assert_eq!(spread.service, "services/default/web");
    let dnat = step(&|step| step.what == "dnat");
    assert!(dnat.slice.starts_with("endpointslices/default/web-"), "{dnat:?}");
    let slice = cluster.ask(&Ask::Object { object: dnat.slice.clone() });
    assert!(matches!(slice, Answer::Object { object: Some(_) }));
    let tracked = step(&|step| step.what == "tracked");
    let (there, back) = (" dst=10.64.140.11 ", way.address.split(':').next().unwrap());
    assert!(tracked.detail.starts_with("tcp src=10.64.140.2 dst=10.64.140.11 sport="), "{tracked:?}");
    assert!(
        tracked.detail.contains(there) && tracked.detail.contains(&format!(" src={back} ")),
        "{tracked:?}"
    );
    assert!(way.seen.starts_with("10.64.140.11:") || way.seen.starts_with("10.244.1.1:"), "{}", way.seen);
}

#[test]
fn what_was_said_is_what_happens() {
    let mut cluster = served();
    let (ways, _) = ask(&mut cluster, "client", "10.64.140.12:31080", "TCP");
    let mut expected: Vec<String> = ways.iter().map(|way| way.server.clone()).collect();
    expected.sort();
    cluster.run_line("for i in $(seq 40); do curl -s -o /dev/null 10.64.140.12:31080; done");
    let answers = cluster.frame().rows.answers;
    let mut asked: Vec<String> = answers.into_values().flatten().map(|row| row.pod).collect();
    asked.sort();
    asked.dedup();
    assert_eq!(asked, expected);
}

#[test]
fn looking_changes_nothing() {
    let mut cluster = served();
    let mut other = cluster.clone();
    let _ = ask(&mut other, "client", "10.64.140.11:31080", "TCP");
    let _ = other.ask(&Ask::Beliefs);
    let line = "for i in 1 2 3 4 5 6; do curl -s 10.64.140.11:31080 -o /dev/null -w '%{http_code}\n'; done; kubectl get pods";
    assert_eq!(cluster.run_line(line), other.run_line(line));
    assert_eq!(cluster.now(), other.now());
    assert_eq!(cluster.frame(), other.frame());
}

#[test]
fn proxies_differ_for_a_moment() {
    let mut cluster = served();
    let differing = |cluster: &mut Cluster| match cluster.ask(&Ask::Beliefs) {
        Answer::Beliefs { rows, nodes } => (rows, nodes.len()),
        other => panic!("{other:?}"),
    };
    assert_eq!(differing(&mut cluster), (Vec::new(), 4));
    let _ = cluster.run_line("kubectl scale deployment web --replicas=6");
    let end = cluster.now() + 20 * SECOND;
    let mut seen = 0;
    while cluster.now() < end {
        cluster.run_until(cluster.now() + 20 * MILLISECOND);
        let (rows, nodes) = differing(&mut cluster);
        for row in &rows {
            assert!(!row.nodes.is_empty() && row.nodes.len() < nodes, "{row:?}");
            assert_eq!(
                (row.port.as_str(), row.service.as_str()),
                ("default/web:80-80", "services/default/web")
            );
            assert!(row.pod.starts_with("default/web-"), "{row:?}");
        }
        seen += rows.len();
    }
    assert!(seen > 0, "each proxy writes at its own time");
    assert_eq!(differing(&mut cluster).0, Vec::new());
}
