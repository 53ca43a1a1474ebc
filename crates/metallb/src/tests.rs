use crate::speaker::first_by_hash;
use crate::{
    BGPADVERTISEMENTS, Controller, Form, IPADDRESSPOOLS, L2ADVERTISEMENTS, Speaker, config_map, manifests,
    native_manifests, parse,
};
use api::resources::{CONFIGMAPS, ENDPOINTSLICES, EVENTS, SERVICES};
use api::{Value, meta, tree, yaml};
use client::testing::{Bench, Server};
use client::{Component, Cx, Delivery, Identity, WatchSpec};
use network::{Cidr, HostId, Network};
use sim::{Chance, SECOND, Time, Timing};
use std::net::Ipv4Addr;
use std::rc::Rc;

/// A controller and three nodes with a speaker each.
struct World {
    controller: Controller,
    speakers: Vec<Speaker>,
    network: Network,
    nodes: Vec<HostId>,
    /// Whether each speaker's process runs.
    runs: Vec<bool>,
}

impl World {
    fn new() -> World {
        World::reading(Form::ConfigMap)
    }

    fn reading(form: Form) -> World {
        let segment = Cidr::parse("10.64.140.0/24").unwrap();
        let mut network = Network::new(Chance::new(1), Timing::default(), segment);
        let mut nodes = Vec::new();
        let mut speakers = Vec::new();
        for n in 1..=3_u8 {
            let name = format!("node-{n}");
            let host = network.add_node(&name, [10, 64, 140, 10 + n].into());
            speakers.push(Speaker::new(&format!("speaker-{n}"), &name, host, form));
            nodes.push(host);
        }
        let controller = Controller::new("controller-1", form);
        World { controller, speakers, network, nodes, runs: vec![true; 3] }
    }

    /// Ends a node's speaker.
    fn end(&mut self, node: usize) {
        self.speakers[node].withdraw(&mut self.network);
        self.speakers[node] = self.speaker(node);
        self.runs[node] = false;
    }

    /// Stops a machine: its speaker is gone with it.
    fn stop(&mut self, node: usize) {
        self.network.stop(self.nodes[node]);
        self.end(node);
    }

    /// Makes the speaker of a node.
    fn speaker(&self, node: usize) -> Speaker {
        let n = node + 1;
        Speaker::new(&format!("speaker-{n}"), &format!("node-{n}"), self.nodes[node], Form::ConfigMap)
    }

    /// Tells speakers of those that have joined them.
    fn introduce(&mut self) {
        for i in 0..self.speakers.len() {
            let from = self.speakers[i].node().clone();
            for (to, at) in self.speakers[i].take_greetings() {
                if let Some(speaker) = self.speakers.iter_mut().find(|speaker| *speaker.node() == to) {
                    speaker.meet(&from, at);
                }
            }
        }
    }

    fn answering(&self) -> Vec<(String, String)> {
        let topology = self.network.topology();
        topology.announced().map(|(ip, node)| (ip.to_string(), topology.name(node).to_string())).collect()
    }
}

impl Component for World {
    fn identity(&self) -> &Identity {
        self.controller.identity()
    }
    fn watches(&self) -> Vec<WatchSpec> {
        let speakers = self.speakers.iter().flat_map(Speaker::watches);
        self.controller.watches().into_iter().chain(speakers).collect()
    }
    fn deliver(&mut self, cx: &mut Cx, watch: u32, delivery: Delivery) {
        let own = self.controller.watches().len() as u32;
        match watch.checked_sub(own) {
            None => self.controller.deliver(cx, watch, delivery),
            Some(n) => {
                let each = own + 2;
                let node = (n / each) as usize;
                if self.runs[node] {
                    self.speakers[node].deliver(cx, n % each, delivery);
                }
            }
        }
    }
    fn next_at(&self) -> Time {
        let speakers = self.speakers.iter().map(Speaker::next_at);
        speakers.chain([self.controller.next_at()]).min().unwrap()
    }
    fn step(&mut self, cx: &mut Cx) {
        if self.controller.next_at() <= cx.now {
            return self.controller.step(cx);
        }
        for speaker in &mut self.speakers {
            if speaker.next_at() <= cx.now {
                speaker.step(cx);
                speaker.apply(cx.now, &mut self.network);
            }
        }
        self.introduce();
    }
}

fn go(bench: &mut Bench<World>, seconds: i64) {
    bench.run(seconds * SECOND);
}

/// Starts a machine, and its speaker as a new process that is told what is there.
fn start(bench: &mut Bench<World>, node: usize) {
    let host = bench.component.nodes[node];
    bench.component.network.start(host);
    bench.component.runs[node] = true;
    let first = 2 + 4 * node as u32;
    bench.list_again(first..first + 4);
}

fn config(range: &str) -> Value {
    config_map(range).unwrap()
}

fn service(name: &str, spec: Value) -> Value {
    let mut service = tree!({
        "metadata": {"namespace": "default", "name": name},
        "spec": {"type": "LoadBalancer", "clusterIP": "10.96.0.9", "ports": [{"port": 80, "protocol": "TCP"}]},
    });
    for (key, value) in spec.fields().iter() {
        service.set(&["spec", key], value);
    }
    service
}

fn slice(service: &str, nodes: &[&str]) -> Value {
    let endpoints = nodes.iter().enumerate().map(|(n, node)| {
        tree!({"addresses": [(format!("10.244.0.{n}"))], "nodeName": (*node), "conditions": {"ready": true}})
    });
    tree!({
        "metadata": {"namespace": "default", "name": (format!("{service}-x")),
            "labels": {"kubernetes.io/service-name": service}},
        "addressType": "IPv4",
        "endpoints": (endpoints.collect::<Value>()),
    })
}

fn server(services: &[&str]) -> Server {
    let mut server = Server::default();
    server.put(Time::EPOCH, CONFIGMAPS, config("10.64.140.43-10.64.140.44"));
    for name in services {
        server.put(Time::EPOCH, SERVICES, service(name, Value::map()));
        server.put(Time::EPOCH, ENDPOINTSLICES, slice(name, &["node-1", "node-2", "node-3"]));
    }
    server
}

fn ingress(server: &Server, name: &str) -> String {
    let service = server.object(SERVICES, &format!("default/{name}"));
    service["status"]["loadBalancer"]["ingress"].to_json()
}

fn messages(server: &Server, reason: &str) -> Vec<String> {
    let mut events = server.all(EVENTS);
    events.retain(|event| event["reason"].str() == reason);
    events.sort_by_key(meta::revision);
    events.iter().map(|event| event["message"].str().to_string()).collect()
}

#[test]
fn services_get_addresses_until_there_are_none() {
    let mut bench = Bench::new(World::new(), server(&["a", "b", "c"]));
    go(&mut bench, 5);
    assert_eq!(ingress(&bench.server, "a"), r#"[{"ip":"10.64.140.43","ipMode":"VIP"}]"#);
    assert_eq!(ingress(&bench.server, "b"), r#"[{"ip":"10.64.140.44","ipMode":"VIP"}]"#);
    assert_eq!(ingress(&bench.server, "c"), "null");
    assert_eq!(
        messages(&bench.server, "IPAllocated"),
        [r#"Assigned IP ["10.64.140.43"]"#, r#"Assigned IP ["10.64.140.44"]"#]
    );
    assert_eq!(
        messages(&bench.server, "AllocationFailed"),
        [r#"Failed to allocate IP for "default/c": no available IPs"#]
    );
    let event =
        bench.server.all(EVENTS).into_iter().find(|event| event["reason"].str() == "IPAllocated").unwrap();
    assert_eq!(event["source"].to_json(), r#"{"component":"metallb-controller"}"#);
    // One becomes free: who waits gets it.
    bench.server.remove(SERVICES, "default/a");
    go(&mut bench, 5);
    assert_eq!(ingress(&bench.server, "c"), r#"[{"ip":"10.64.140.43","ipMode":"VIP"}]"#);
    // One is no load balancer any more.
    bench
        .server
        .change(bench.now, SERVICES, "default/b", |service| service.set(&["spec", "type"], "ClusterIP"));
    go(&mut bench, 5);
    assert_eq!(ingress(&bench.server, "b"), "null");
    assert_eq!(bench.component.answering().len(), 1);
}

#[test]
fn wishes_are_heard_or_refused_in_metallbs_words() {
    for (spec, expected, event) in [
        (tree!({"loadBalancerIP": "10.64.140.44"}), r#"[{"ip":"10.64.140.44","ipMode":"VIP"}]"#, ""),
        (
            tree!({"loadBalancerIP": "10.0.0.1"}),
            "null",
            r#"Failed to allocate IP for "default/x": ["10.0.0.1"] is not allowed in config"#,
        ),
        (
            tree!({"loadBalancerIP": "클러스터 IP"}),
            "null",
            r#"Failed to allocate IP for "default/x": invalid spec.loadBalancerIP "클러스터 IP""#,
        ),
        (tree!({"loadBalancerClass": "example.com/other"}), "null", ""),
    ] {
        let mut server = server(&[]);
        server.put(Time::EPOCH, SERVICES, service("x", spec));
        let mut bench = Bench::new(World::new(), server);
        go(&mut bench, 5);
        assert_eq!(ingress(&bench.server, "x"), expected);
        assert_eq!(messages(&bench.server, "AllocationFailed").first().map_or("", String::as_str), event);
    }
}

#[test]
fn one_node_announces_and_another_takes_over() {
    let mut bench = Bench::new(World::new(), server(&["a"]));
    go(&mut bench, 5);
    let address: Ipv4Addr = "10.64.140.43".parse().unwrap();
    let names: Vec<Rc<str>> = ["node-1", "node-2", "node-3"].map(Rc::from).to_vec();
    let first = first_by_hash(names.iter(), address).unwrap().to_string();
    assert_eq!(bench.component.answering(), [(address.to_string(), first.clone())]);
    assert_eq!(
        messages(&bench.server, "nodeAssigned").last().unwrap(),
        &format!(r#"announcing from node "{first}" with protocol "layer2""#)
    );
    // The node dies. The others notice within a few seconds.
    let dead = names.iter().position(|name| **name == *first).unwrap();
    bench.component.stop(dead);
    assert!(bench.component.answering().is_empty());
    go(&mut bench, 3);
    assert!(bench.component.answering().is_empty());
    go(&mut bench, 5);
    let left = names.iter().filter(|name| ***name != *first);
    let second = first_by_hash(left, address).unwrap().to_string();
    assert_eq!(bench.component.answering(), [(address.to_string(), second)]);
    // It starts again, and has the address back.
    start(&mut bench, dead);
    go(&mut bench, 5);
    assert_eq!(bench.component.answering(), [(address.to_string(), first)]);
}

#[test]
fn a_speaker_that_starts_learns_of_the_others_first() {
    let mut bench = Bench::new(World::new(), server(&["a"]));
    go(&mut bench, 5);
    let owner = bench.component.answering().remove(0).1;
    for node in 0..3 {
        let name = format!("node-{}", node + 1);
        if name == owner {
            continue;
        }
        bench.component.stop(node);
        go(&mut bench, 30);
        let before = messages(&bench.server, "nodeAssigned");
        start(&mut bench, node);
        // At no moment anybody else answers.
        for _ in 0..300 {
            bench.run(sim::MILLISECOND);
            assert_eq!(bench.component.answering(), [("10.64.140.43".to_string(), owner.clone())]);
        }
        go(&mut bench, 30);
        let after = messages(&bench.server, "nodeAssigned");
        assert!(!after.iter().any(|message| message.contains(&name)), "{name}: {before:?} {after:?}");
        assert_eq!(bench.component.answering(), [("10.64.140.43".to_string(), owner.clone())]);
    }
}

#[test]
fn a_local_policy_needs_a_local_endpoint() {
    let mut server = server(&[]);
    server.put(Time::EPOCH, SERVICES, service("x", tree!({"externalTrafficPolicy": "Local"})));
    server.put(Time::EPOCH, ENDPOINTSLICES, slice("x", &["node-2"]));
    let mut bench = Bench::new(World::new(), server);
    go(&mut bench, 5);
    assert_eq!(bench.component.answering(), [("10.64.140.43".to_string(), "node-2".to_string())]);
    bench.server.put(bench.now, ENDPOINTSLICES, slice("x", &["node-3"]));
    go(&mut bench, 5);
    assert_eq!(bench.component.answering(), [("10.64.140.43".to_string(), "node-3".to_string())]);
    bench.server.put(bench.now, ENDPOINTSLICES, slice("x", &[]));
    go(&mut bench, 5);
    assert!(bench.component.answering().is_empty());
}

#[test]
fn a_speaker_that_ends_leaves_its_address() {
    let mut bench = Bench::new(World::new(), server(&["a"]));
    go(&mut bench, 5);
    let (address, node) = bench.component.answering().remove(0);
    let n = node.strip_prefix("node-").unwrap().parse::<usize>().unwrap() - 1;
    bench.component.end(n);
    assert!(bench.component.answering().is_empty());
    // Nothing runs in its place; the others notice soon.
    go(&mut bench, 3);
    let now = bench.component.answering();
    assert_eq!(now.len(), 1);
    assert_eq!(now[0].0, address);
    assert_ne!(now[0].1, node);
}

#[test]
fn a_bad_configuration_is_told_and_a_good_one_mends_it() {
    let text = "address-pools:\n- name: default\n  protocol: layer2\n  addresses:\n  - 192.xxx.xxx.xxx\n";
    let mut server = server(&["a"]);
    let mut bad = config("10.64.140.43-10.64.140.49");
    bad.set(&["data", "config"], text);
    server.put(Time::EPOCH, CONFIGMAPS, bad);
    let mut bench = Bench::new(World::new(), server);
    go(&mut bench, 5);
    let why = r#"parsing address pool #1: invalid CIDR "192.xxx.xxx.xxx" in pool "default": invalid CIDR "192.xxx.xxx.xxx""#;
    assert_eq!(bench.component.controller.config_error(), Some(why));
    let log = bench.component.controller.take_log();
    let line = log.iter().find(|line| line.contains("configStale")).unwrap();
    let line = Value::from_json(line).unwrap();
    assert_eq!(line["error"].str(), why);
    assert_eq!(line["msg"].str(), "config (re)load failed, config marked stale");
    assert_eq!(ingress(&bench.server, "a"), "null");
    bench.server.put(bench.now, CONFIGMAPS, config("10.64.140.43-10.64.140.49"));
    go(&mut bench, 5);
    assert_eq!(bench.component.controller.config_error(), None);
    assert_eq!(ingress(&bench.server, "a"), r#"[{"ip":"10.64.140.43","ipMode":"VIP"}]"#);
    // A pool that no longer has a given address is refused.
    bench.server.put(bench.now, CONFIGMAPS, config("10.64.140.60-10.64.140.61"));
    go(&mut bench, 5);
    assert_eq!(
        bench.component.controller.config_error(),
        Some(
            r#"new config not compatible with assigned IPs: service "default/a" cannot own "10.64.140.43" under new config"#
        )
    );
    assert_eq!(bench.component.answering().len(), 1);
}

#[test]
fn a_controller_that_starts_again_keeps_what_was_given() {
    let mut bench = Bench::new(World::new(), server(&["a", "b"]));
    go(&mut bench, 5);
    let server = std::mem::take(&mut bench.server);
    let before = (ingress(&server, "a"), ingress(&server, "b"));
    let mut bench = Bench::new(World::new(), server);
    go(&mut bench, 5);
    assert_eq!((ingress(&bench.server, "a"), ingress(&bench.server, "b")), before);
    assert_eq!(messages(&bench.server, "IPAllocated").len(), 2);
}

#[test]
fn an_address_may_be_shared_under_one_key() {
    let mut server = server(&[]);
    for (name, port) in [("a", 80), ("b", 443), ("c", 80)] {
        let mut shared = service(name, tree!({"ports": [{"port": port, "protocol": "TCP"}]}));
        shared.set(&["metadata", "annotations", "metallb.universe.tf/allow-shared-ip"], "web");
        server.put(Time::EPOCH, SERVICES, shared);
    }
    let mut bench = Bench::new(World::new(), server);
    go(&mut bench, 5);
    let last = |name| ingress(&bench.server, name).split('"').nth(3).unwrap_or("").to_string();
    assert_eq!([last("a"), last("b"), last("c")], ["10.64.140.43", "10.64.140.43", "10.64.140.44"]);
}

#[test]
fn configurations_are_read() {
    let pool = |addresses: &str| {
        format!("address-pools:\n- name: p\n  protocol: layer2\n  addresses: [{addresses}]\n")
    };
    for (text, answer) in [
        (pool("10.0.0.1-10.0.0.9, 10.1.0.0/24"), Ok(1)),
        (String::new(), Ok(0)),
        (
            pool("10.0.0.9-10.0.0.1"),
            Err(
                r#"parsing address pool #1: invalid CIDR "10.0.0.9-10.0.0.1" in pool "p": invalid IP range "10.0.0.9-10.0.0.1": start IP "10.0.0.9" is after the end IP "10.0.0.1""#,
            ),
        ),
        (
            pool("10.0.0.1-ten"),
            Err(
                r#"parsing address pool #1: invalid CIDR "10.0.0.1-ten" in pool "p": invalid IP range "10.0.0.1-ten": invalid end IP "ten""#,
            ),
        ),
        (
            pool("10.0.0.1"),
            Err(r#"parsing address pool #1: invalid CIDR "10.0.0.1" in pool "p": invalid CIDR "10.0.0.1""#),
        ),
        (
            "address-pools:\n- name: p\n  protocol: layer2\n".to_string(),
            Err("parsing address pool #1: pool has no prefixes defined"),
        ),
        (
            "address-pools:\n- protocol: layer2\n".to_string(),
            Err("parsing address pool #1: missing pool name"),
        ),
        (
            pool("10.0.0.0/24").replace("layer2", "l3"),
            Err(r#"parsing address pool #1: unknown protocol "l3""#),
        ),
        (
            pool("10.0.0.0/24").replace("  protocol: layer2\n", ""),
            Err("parsing address pool #1: address pool is missing the protocol field"),
        ),
    ] {
        assert_eq!(parse(&text).map(|pools| pools.len()), answer.map_err(str::to_string), "{text}");
    }
    assert_eq!(
        config_map("ten-eleven"),
        Err("Your input value (ten-eleven) is not a valid IP Range".to_string())
    );
    assert!(config_map("10.64.140.43-10.64.140.49,192.168.0.105-192.168.0.111").is_ok());
}

#[test]
fn the_manifests_are_whole() {
    let objects = manifests();
    assert_eq!(objects[0]["kind"].str(), "Namespace");
    for (kind, image) in [("Deployment", crate::CONTROLLER_IMAGE), ("DaemonSet", crate::SPEAKER_IMAGE)] {
        let object = objects.iter().find(|object| object["kind"].str() == kind).unwrap();
        assert_eq!(meta::namespace(object), crate::NAMESPACE);
        let container = &object["spec"]["template"]["spec"]["containers"][0];
        assert!(container["image"].str().starts_with(image));
    }
    assert!(yaml::print(&config("10.0.0.0/24")).contains("address-pools"));
}

fn pool(name: &str, spec: Value) -> Value {
    tree!({"metadata": {"namespace": "metallb-system", "name": name, "labels": {"pool": name}}, "spec": spec})
}

fn told(bench: &Bench<World>, name: &str) -> String {
    let ip = bench.server.object(SERVICES, &format!("default/{name}"))["status"]["loadBalancer"]["ingress"]
        [0]["ip"]
        .str()
        .to_string();
    let answered = bench.component.answering().iter().any(|(address, _)| *address == ip);
    format!("{ip}{}", if answered { " answers" } else { "" })
}

#[test]
fn pools_are_objects_too() {
    let one = || tree!({"addresses": ["10.64.140.43-10.64.140.44"]});
    let elsewhere = tree!({"addresses": ["10.64.140.60/32"], "autoAssign": false});
    let advertise = |spec: Value| pool("adv", spec);
    let rows: &[(&[Value], &[Value], &[&str])] = &[
        (&[], &[], &["", "", ""]),
        // Addresses that nothing advertises are given, and nobody answers for them.
        (&[pool("p", one())], &[], &["10.64.140.43", "10.64.140.44", ""]),
        (
            &[pool("p", one())],
            &[advertise(Value::map())],
            &["10.64.140.43 answers", "10.64.140.44 answers", ""],
        ),
        (&[pool("p", one())], &[advertise(tree!({"ipAddressPools": ["p"]}))], &["10.64.140.43 answers"]),
        (&[pool("p", one())], &[advertise(tree!({"ipAddressPools": ["q"]}))], &["10.64.140.43"]),
        (
            &[pool("p", one())],
            &[advertise(tree!({"ipAddressPoolSelectors": [{"matchLabels": {"pool": "p"}}]}))],
            &["10.64.140.43 answers"],
        ),
        (&[pool("p", elsewhere)], &[advertise(Value::map())], &["", "", ""]),
        // A pool for the namespace comes before one for all.
        (
            &[
                pool("a", one()),
                pool(
                    "z",
                    tree!({"addresses": ["10.64.140.70/32"], "serviceAllocation": {"namespaces": ["default"]}}),
                ),
                pool(
                    "b",
                    tree!({"addresses": ["10.64.140.80/32"], "serviceAllocation": {"namespaces": ["other"]}}),
                ),
            ],
            &[],
            &["10.64.140.70", "10.64.140.43", "10.64.140.44"],
        ),
    ];
    for (n, (pools, advertisements, expected)) in rows.iter().enumerate() {
        let mut server = Server::default();
        for name in ["a", "b", "c"] {
            server.put(Time::EPOCH, SERVICES, service(name, Value::map()));
            server.put(Time::EPOCH, ENDPOINTSLICES, slice(name, &["node-1", "node-2", "node-3"]));
        }
        pools.iter().for_each(|one| drop(server.put(Time::EPOCH, IPADDRESSPOOLS, one.clone())));
        advertisements.iter().for_each(|one| drop(server.put(Time::EPOCH, L2ADVERTISEMENTS, one.clone())));
        let mut bench = Bench::new(World::reading(Form::Resources), server);
        go(&mut bench, 10);
        for (name, expected) in ["a", "b", "c"].iter().zip(*expected) {
            assert_eq!(told(&bench, name), **expected, "row {n}, {name}");
        }
        if pools.is_empty() {
            let failed = messages(&bench.server, "AllocationFailed");
            assert!(
                failed.contains(&r#"Failed to allocate IP for "default/a": no available IPs"#.to_string())
            );
        }
    }
}

#[test]
fn a_wrong_pool_is_told_in_metallbs_words() {
    for (pools, error) in [
        (
            vec![pool("p", tree!({"addresses": ["10.0.0.1"]}))],
            r#"parsing address pool p: invalid CIDR "10.0.0.1" in pool "p": invalid CIDR "10.0.0.1""#,
        ),
        (vec![pool("p", tree!({"addresses": []}))], "parsing address pool p: pool has no prefixes defined"),
        (
            vec![
                pool("p", tree!({"addresses": ["10.0.0.0/30"]})),
                pool("q", tree!({"addresses": ["10.0.0.2/32"]})),
            ],
            r#"CIDR "10.0.0.2-10.0.0.2" in pool "q" overlaps with already defined CIDR "10.0.0.0-10.0.0.3""#,
        ),
    ] {
        let mut server = Server::default();
        pools.into_iter().for_each(|one| drop(server.put(Time::EPOCH, IPADDRESSPOOLS, one)));
        let mut bench = Bench::new(World::reading(Form::Resources), server);
        go(&mut bench, 5);
        assert_eq!(bench.component.controller.config_error(), Some(error));
    }
}

#[test]
fn bgp_alone_has_no_answer_to_arp() {
    let mut server = Server::default();
    server.put(Time::EPOCH, SERVICES, service("a", Value::map()));
    server.put(Time::EPOCH, ENDPOINTSLICES, slice("a", &["node-1"]));
    server.put(Time::EPOCH, IPADDRESSPOOLS, pool("p", tree!({"addresses": ["10.64.140.43/32"]})));
    server.put(Time::EPOCH, BGPADVERTISEMENTS, pool("adv", Value::map()));
    let mut bench = Bench::new(World::reading(Form::Resources), server);
    go(&mut bench, 10);
    assert_eq!(told(&bench, "a"), "10.64.140.43");
}

#[test]
fn the_native_manifests_are_whole() {
    let objects = native_manifests();
    assert_eq!(objects[0]["kind"].str(), "Namespace");
    let kinds: Vec<&str> = objects
        .iter()
        .filter(|object| object["kind"].str() == "CustomResourceDefinition")
        .map(|object| object["spec"]["names"]["kind"].str())
        .collect();
    assert_eq!(
        kinds,
        ["IPAddressPool", "L2Advertisement", "BGPAdvertisement", "BGPPeer", "BFDProfile", "Community"]
    );
    for kind in ["DaemonSet", "Deployment"] {
        let object = objects.iter().find(|object| object["kind"].str() == kind).unwrap();
        assert_eq!(Form::of(&object["spec"]["template"]), Form::Resources);
    }
    let old = manifests();
    let object = old.iter().find(|object| object["kind"].str() == "DaemonSet").unwrap();
    assert_eq!(Form::of(&object["spec"]["template"]), Form::ConfigMap);
}
