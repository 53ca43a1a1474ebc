//! The agent itself: when it writes, what it leaves alone, what it takes away.

use super::{World, key, pod, services};
use crate::{NetworkPolicyController, Settings};
use api::resources::{NAMESPACES, NETWORKPOLICIES, PODS};
use api::{Value, tree};
use client::testing::{Bench, Server};
use client::{Component, Cx, Delivery, Identity, WatchSpec};
use network::iptables::{Counters, TableName};
use network::{HostId, Network};
use sim::{MINUTE, SECOND, Time};

/// The agent of node-1 together with the network that it writes to.
struct Node {
    agent: NetworkPolicyController,
    network: Network,
    host: HostId,
}

impl Component for Node {
    fn identity(&self) -> &Identity {
        self.agent.identity()
    }
    fn watches(&self) -> Vec<WatchSpec> {
        // The bench connects all watches at its start.
        [NETWORKPOLICIES, PODS, NAMESPACES].map(WatchSpec::all).to_vec()
    }
    fn deliver(&mut self, cx: &mut Cx, watch: u32, delivery: Delivery) {
        self.agent.deliver(cx, watch, delivery);
    }
    fn next_at(&self) -> Time {
        self.agent.next_at()
    }
    fn step(&mut self, cx: &mut Cx) {
        self.agent.step(cx);
        self.agent.apply(cx.now, &mut self.network);
    }
}

impl Node {
    fn rules(&self) -> String {
        let text =
            self.network.iptables_save(self.host, Some(TableName::Filter), Counters::Hide, Time::EPOCH);
        text.lines().filter(|line| !line.starts_with('#')).map(|line| format!("{line}\n")).collect()
    }

    fn run(&mut self, command: &str) -> String {
        let words: Vec<&str> = command.split_whitespace().collect();
        let output = match words[0] {
            "ipset" => self.network.ipset_command(self.host, &words[1..], "", Time::EPOCH),
            _ => self.network.iptables_command(self.host, &words[1..]),
        };
        assert_eq!(output.code, 0, "{command}: {}", output.stderr);
        output.stdout
    }
}

const EMPTY: &str = "*filter\n:INPUT ACCEPT [0:0]\n:FORWARD ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\nCOMMIT\n";

fn bench(policies: &[Value]) -> Bench<Node> {
    let namespaces = vec![tree!({"metadata": {"name": "x", "labels": {"ns": "x"}}})];
    let pods: Vec<Value> = (0..4)
        .map(|n| pod("x", ["a", "b", "c", "d"][n], tree!({"pod": (["a", "b", "c", "d"][n])}), n))
        .collect();
    let world = World::new(namespaces.clone(), pods.clone());
    let mut server = Server::default();
    namespaces.into_iter().for_each(|one| drop(server.put(Time::EPOCH, NAMESPACES, one)));
    pods.into_iter().for_each(|one| drop(server.put(Time::EPOCH, PODS, one)));
    policies.iter().for_each(|one| drop(server.put(Time::EPOCH, NETWORKPOLICIES, one.clone())));
    let (node, host) = world.nodes[0].clone();
    let agent = NetworkPolicyController::new(Settings { node, host, services: services() });
    let mut bench = Bench::new(Node { agent, network: world.network, host }, server);
    bench.run(5 * SECOND);
    bench
}

fn policy(name: &str, spec: Value) -> Value {
    tree!({"metadata": {"namespace": "x", "name": name}, "spec": spec})
}

fn web() -> Value {
    policy(
        "web",
        tree!({
            "podSelector": {"matchLabels": {"pod": "a"}},
            "policyTypes": ["Ingress"],
            "ingress": [{
                "from": [{"podSelector": {"matchLabels": {"pod": "b"}}}],
                "ports": [{"protocol": "TCP", "port": 80}],
            }],
        }),
    )
}

#[test]
fn without_policies_there_are_no_rules() {
    let mut bench = bench(&[]);
    assert_eq!(bench.component.agent.watch_count(), 1);
    assert_eq!(bench.component.rules(), EMPTY);
    assert_eq!(bench.component.run("ipset list"), "");
}

#[test]
fn one_policy_is_written_as_kube_router_writes_it() {
    let mut bench = bench(&[web()]);
    let node = &mut bench.component;
    let expected = include_str!("../../tests/data/web.rules");
    if std::env::var_os("KUBARIUM_REWRITE").is_some() {
        let all = format!("{}{}", node.rules(), node.run("ipset list -o save"));
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/web.rules");
        return std::fs::write(path, all).unwrap();
    }
    let sets = node.run("ipset list -o save");
    let all = format!("{}{sets}", node.rules());
    assert_eq!(all, expected, "{all}");
}

#[test]
fn what_goes_is_taken_away() {
    let mut bench = bench(&[web()]);
    assert_ne!(bench.component.rules(), EMPTY);
    bench.server.remove(NETWORKPOLICIES, "x/web");
    bench.run(5 * SECOND);
    assert_eq!(bench.component.rules(), EMPTY);
    assert_eq!(bench.component.run("ipset list"), "");
}

#[test]
fn a_change_of_labels_changes_the_sets_and_keeps_the_rules() {
    let mut bench = bench(&[web()]);
    let (rules, sets) = (bench.component.rules(), bench.component.run("ipset list -o save"));
    assert!(!sets.contains("10.244.3.10"), "{sets}");
    bench.server.change(bench.now, PODS, "x/c", |pod| pod.set(&["metadata", "labels", "pod"], "b"));
    bench.run(5 * SECOND);
    assert_eq!(bench.component.rules(), rules);
    assert!(bench.component.run("ipset list -o save").contains("10.244.3.10"));
}

#[test]
fn rules_changed_by_hand_come_back_in_five_minutes() {
    let mut bench = bench(&[web()]);
    let rules = bench.component.rules();
    for command in ["iptables -F KUBE-ROUTER-FORWARD", "iptables -F FORWARD", "iptables -I INPUT -j ACCEPT"] {
        bench.component.run(command);
        assert_ne!(bench.component.rules(), rules);
    }
    bench.run(5 * MINUTE + 5 * SECOND);
    let expected = rules.replacen("-A FORWARD", "-A INPUT -j ACCEPT\n-A FORWARD", 1);
    assert_eq!(bench.component.rules(), expected);
}

#[test]
fn a_new_agent_takes_over_what_an_old_one_wrote() {
    let Bench { component, mut server, .. } = bench(&[web()]);
    let rules = component.rules();
    let renew = |node: Node| {
        let settings = Settings { node: "node-1".into(), host: node.host, services: services() };
        Node { agent: NetworkPolicyController::new(settings), ..node }
    };
    let node = renew(component);
    let mut again = Bench::new(node, server.clone());
    again.run(5 * SECOND);
    assert_eq!(again.component.rules(), rules);
    server.remove(NETWORKPOLICIES, "x/web");
    let mut gone = Bench::new(renew(again.component), server);
    gone.run(5 * SECOND);
    assert_eq!(gone.component.rules(), EMPTY);
}

#[test]
fn long_names_are_cut_in_comments() {
    let mut long = web();
    long.set(&["metadata", "name"], "n".repeat(253));
    let bench = bench(&[long]);
    assert!(bench.component.rules().contains("KUBE-POD-FW-"), "{}", bench.component.rules());
    assert_eq!(key(&pod("x", "a", Value::map(), 0)), "x/a");
}
