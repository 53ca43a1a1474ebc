//! The documentation's recipes and upstream's end-to-end cases, as a table of who may reach whom.

use super::{World, ip, key, pod};
use api::{Value, meta, tree, yaml};
use network::Protocol;

const CASES: &str = include_str!("../../tests/data/cases.yaml");

/// Namespaces x, y and z with pods a, b and c each, labelled by their names, as upstream's tests have them.
// Models test/e2e/network/netpol/model.go
fn world() -> World {
    let name = ["x", "y", "z"];
    let namespaces = name
        .map(|ns| tree!({"metadata": {"name": ns, "labels": {"ns": ns, "kubernetes.io/metadata.name": ns}}}));
    let pods = (0..9).map(|n| {
        let name = ["a", "b", "c"][n % 3];
        pod(["x", "y", "z"][n / 3], name, tree!({"pod": name}), n)
    });
    World::new(namespaces.to_vec(), pods.collect())
}

/// Returns whether `x/a`, `y/*`, `all`, `none` or `all but …` names a source.
fn is_named(text: &str, source: &str) -> bool {
    let names = |words: &str| {
        words.split_whitespace().any(|word| match word.strip_suffix('*') {
            Some(start) => source.starts_with(start),
            None => word == source,
        })
    };
    match text {
        "all" => true,
        "none" => false,
        text => match text.strip_prefix("all but ") {
            Some(words) => !names(words),
            None => names(text),
        },
    }
}

#[test]
fn who_may_reach_whom() {
    let cases = yaml::parse_one(CASES).unwrap();
    assert!(cases.items().len() >= 60, "{}", cases.items().len());
    let mut wrong = Vec::new();
    for case in cases.items() {
        let mut world = world();
        let policies: Vec<Value> = case["policies"]
            .items()
            .iter()
            .enumerate()
            .map(|(n, spec)| {
                let mut policy =
                    tree!({"metadata": {"namespace": "x", "name": (format!("p{n}"))}, "spec": spec});
                if !spec["namespace"].is_null() {
                    policy.set(&["metadata", "namespace"], spec["namespace"].str());
                }
                policy
            })
            .collect();
        world.enforce(&policies.iter().collect::<Vec<_>>());
        for (target, sources) in case["reach"].fields().iter() {
            let (name, port) = target.split_once(':').unwrap();
            let (port, protocol) = port.split_once('/').unwrap_or((port, "tcp"));
            let (port, protocol) = (port.parse().unwrap(), Protocol::parse(protocol).unwrap());
            let to = world.pods.iter().find(|pod| key(pod) == name).map(ip).unwrap();
            let from: Vec<String> = world.hosts.keys().filter(|host| *host != name).cloned().collect();
            for source in from {
                let opens = world.opens(&source, to, port, protocol);
                if opens != is_named(sources.str(), &source) {
                    let said = if opens { "reaches" } else { "does not reach" };
                    wrong.push(format!("{}: {source} {said} {target}", case["name"].str()));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_reach_is_of_a_case_with_a_name() {
    let cases = yaml::parse_one(CASES).unwrap();
    for case in cases.items() {
        assert!(!case["name"].str().is_empty() && !case["reach"].is_empty(), "{}", case.to_json());
        assert!(case["policies"].items().iter().all(|spec| meta::name(spec).is_empty()));
    }
}
