use crate::{Config, EndpointsMap, KubeProxy, ServiceMap, Settings, Sync, endpoints_of, ports_of, restore};
use api::resources::{ENDPOINTSLICES, SERVICES};
use api::{Value, meta, tree, yaml};
use client::testing::{Bench, Server};
use client::{Component, Cx, Delivery, Identity, WatchSpec};
use network::iptables::{Counters, TableName};
use network::{Application, Cidr, HostId, Network};
use sim::{Chance, SECOND, Time, Timing};
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

const LESSON: &str = include_str!("../tests/data/lesson.yaml");
const NAT: &str = include_str!("../tests/data/lesson-nat.txt");
const FILTER: &str = include_str!("../tests/data/lesson-filter.txt");

fn config() -> Config {
    Config { cluster_cidr: Cidr::parse("10.244.0.0/16"), ..Config::new("node-1", [10, 64, 140, 11].into()) }
}

/// A kube-proxy together with the network that it writes to.
struct Node {
    proxy: KubeProxy,
    network: Network,
    host: HostId,
}

impl Node {
    fn new() -> Node {
        let segment = Cidr::parse("10.64.140.0/24").unwrap();
        let mut network = Network::new(Chance::new(1), Timing::default(), segment);
        let address = [10, 64, 140, 11].into();
        let host = network.add_node("node-1", address);
        let settings = Settings {
            cluster_cidr: Cidr::parse("10.244.0.0/16"),
            ..Settings::new("node-1".into(), host, address, Application(1))
        };
        Node { proxy: KubeProxy::new(settings), network, host }
    }

    fn save(&self, table: TableName) -> String {
        self.network.iptables_save(self.host, Some(table), Counters::Hide, Time::EPOCH)
    }
}

impl Component for Node {
    fn identity(&self) -> &Identity {
        self.proxy.identity()
    }
    fn watches(&self) -> Vec<WatchSpec> {
        self.proxy.watches()
    }
    fn deliver(&mut self, cx: &mut Cx, watch: u32, delivery: Delivery) {
        self.proxy.deliver(cx, watch, delivery);
    }
    fn next_at(&self) -> Time {
        self.proxy.next_at()
    }
    fn step(&mut self, cx: &mut Cx) {
        self.proxy.step(cx);
        self.proxy.apply(cx.now, &mut self.network);
    }
}

fn lesson() -> Vec<Value> {
    yaml::parse(LESSON).unwrap().into_iter().map(|document| document.value).collect()
}

fn lesson_server() -> Server {
    let mut server = Server::default();
    for object in lesson() {
        match object["kind"].str() {
            "Service" => server.put(Time::EPOCH, SERVICES, object),
            "EndpointSlice" => server.put(Time::EPOCH, ENDPOINTSLICES, object),
            _ => continue,
        };
    }
    server
}

/// The lines of each chain in order; a chain whose order doesn't matter is sorted, but for its last line.
fn chains(text: &str) -> BTreeMap<String, Vec<String>> {
    let mut chains: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for line in text.lines() {
        if let Some(declared) = line.strip_prefix(':') {
            let (name, _) = declared.split_once(' ').unwrap();
            chains.entry(name.to_string()).or_default();
        } else if let Some(rule) = line.strip_prefix("-A ") {
            let (name, _) = rule.split_once(' ').unwrap();
            chains.get_mut(name).unwrap().push(line.to_string());
        }
    }
    for name in ["KUBE-SERVICES", "KUBE-NODEPORTS", "KUBE-EXTERNAL-SERVICES"] {
        if let Some(lines) = chains.get_mut(name) {
            let last = lines
                .iter()
                .position(|line| line.contains("must be the last rule"))
                .map(|at| lines.remove(at));
            lines.sort();
            lines.extend(last);
        }
    }
    chains
}

#[test]
fn writes_what_the_real_one_wrote() {
    let mut bench = Bench::new(Node::new(), lesson_server());
    bench.run(5 * SECOND);
    let ingress = tree!([{"ip": "10.64.140.43", "ipMode": "VIP"}]);
    bench.server.change(bench.now, SERVICES, "lesson/counter-lb", |service| {
        service.set(&["status", "loadBalancer", "ingress"], ingress);
    });
    bench.run(5 * SECOND);
    for (table, recorded) in [(TableName::Nat, NAT), (TableName::Filter, FILTER)] {
        assert_eq!(chains(&bench.component.save(table)), chains(recorded));
    }
    assert_eq!(bench.component.proxy.syncs().0, 2);
}

#[test]
fn a_partial_sync_ends_where_a_full_one_does() {
    let mut bench = Bench::new(Node::new(), lesson_server());
    bench.run(5 * SECOND);
    // One endpoint goes, a Service goes, one loses its node port, and one gets its first endpoint.
    bench.server.change(bench.now, ENDPOINTSLICES, "lesson/counter-0", |slice| {
        slice.at_mut(&["endpoints"]).list_mut().remove(1);
    });
    bench.server.remove(SERVICES, "lesson/sticky");
    bench.server.remove(ENDPOINTSLICES, "lesson/sticky-0");
    bench.server.change(bench.now, SERVICES, "lesson/counter-np", |service| {
        let ports = service.at_mut(&["spec", "ports"]).list_mut();
        ports[0].remove(&["nodePort"]);
    });
    bench.server.change(bench.now, ENDPOINTSLICES, "lesson/ext-0", |slice| {
        slice.set(&["metadata", "labels", "kubernetes.io/service-name"], "nobody");
    });
    bench.run(5 * SECOND);
    let server = std::mem::take(&mut bench.server);
    let mut fresh = Bench::new(Node::new(), server);
    fresh.run(5 * SECOND);
    for table in TableName::SAVED {
        assert_eq!(chains(&bench.component.save(table)), chains(&fresh.component.save(table)));
    }
    assert!(!bench.component.save(TableName::Nat).contains("sticky"));
}

#[test]
fn changes_wait_for_each_other() {
    let mut bench = Bench::new(Node::new(), lesson_server());
    bench.run(2 * SECOND);
    assert_eq!(bench.component.proxy.syncs().0, 1);
    let mut n = 0;
    bench.run_with(3 * SECOND, |server, now| {
        n += 1;
        server.change(now, SERVICES, "lesson/counter", |service| {
            service.set(&["spec", "externalIPs"], tree!([(format!("80.0.0.{}", n % 250))]));
        });
    });
    // At most one writing a second.
    let (syncs, _) = bench.component.proxy.syncs();
    assert!((3..=5).contains(&syncs), "{syncs}");
}

#[test]
fn an_emptied_table_is_filled_again() {
    let mut bench = Bench::new(Node::new(), lesson_server());
    bench.run(2 * SECOND);
    let before = bench.component.save(TableName::Nat);
    let host = bench.component.host;
    bench.component.network.stop(host);
    bench.component.network.start(host);
    assert!(!bench.component.save(TableName::Nat).contains("KUBE"));
    bench.run(31 * SECOND);
    assert_eq!(bench.component.save(TableName::Nat), before);
    // The rules that lead to kube-proxy's chains are there once.
    let jumps = bench.component.save(TableName::Filter);
    assert_eq!(jumps.lines().filter(|line| line.starts_with("-A INPUT")).count(), 4);
}

fn services(list: &[Value]) -> ServiceMap {
    list.iter().flat_map(ports_of).collect()
}

fn endpoints(slices: &[Value]) -> EndpointsMap {
    let names: BTreeSet<Rc<str>> = slices.iter().filter_map(crate::endpoints::service_of).collect();
    names
        .iter()
        .flat_map(|name| {
            let own =
                slices.iter().filter(|slice| crate::endpoints::service_of(slice).as_ref() == Some(name));
            endpoints_of(name, own, "node-1")
        })
        .collect()
}

fn numbered(services: u16, endpoints: u8, kind: &str) -> (Vec<Value>, Vec<Value>) {
    let one = |n: u16| {
        let name = format!("svc{n}");
        let mut service = tree!({
            "metadata": {"namespace": "namespace", "name": (&name)},
            "spec": {
                "type": kind,
                "clusterIP": (format!("10.0.0.{}", n + 1)),
                "ports": [{"name": "8080", "protocol": "TCP", "port": (80 + n), "targetPort": 8080}],
            },
        });
        if kind == "LoadBalancer" {
            service.set(&["spec", "externalIPs"], tree!(["1.2.3.4"]));
            service.set(&["spec", "loadBalancerSourceRanges"], tree!([" 1.2.3.4/28"]));
            service.set(&["status", "loadBalancer", "ingress"], tree!([{"ip": "1.2.3.4"}]));
            let ports = service.at_mut(&["spec", "ports"]).list_mut();
            ports[0].set(&["nodePort"], 30_000 + n);
        }
        let list: Vec<Value> =
            (1..=endpoints).map(|e| tree!({"addresses": [(format!("172.16.0.{e}"))]})).collect();
        let slice = tree!({
            "metadata": {
                "namespace": "namespace",
                "name": (&name),
                "labels": {"kubernetes.io/service-name": (&name)},
            },
            "addressType": "IPv4",
            "ports": [{"name": "8080", "port": 8080, "protocol": "TCP"}],
            "endpoints": list,
        });
        (service, slice)
    };
    (0..services).map(one).unzip()
}

// The numbers are those of pkg/proxy/iptables/number_generated_rules_test.go, to which later versions
// add: in filter the rule of KUBE-FIREWALL; in nat, for each load balancer with endpoints, the rule that
// counts what comes to the node port by localhost and the last one of the firewall's chain.
#[test]
fn the_number_of_rules_is_upstreams() {
    for (count, each, kind, filter, nat) in [
        (0, 0, "ClusterIP", 3, 5),
        (1, 0, "ClusterIP", 4, 5),
        (1, 1, "ClusterIP", 3, 10),
        (1, 2, "ClusterIP", 3, 13),
        (1, 10, "ClusterIP", 3, 37),
        (10, 0, "ClusterIP", 13, 5),
        (10, 1, "ClusterIP", 3, 55),
        (10, 2, "ClusterIP", 3, 85),
        (10, 10, "ClusterIP", 3, 325),
        (1, 0, "LoadBalancer", 7, 5),
        (1, 1, "LoadBalancer", 4, 16),
        (1, 2, "LoadBalancer", 4, 19),
        (1, 10, "LoadBalancer", 4, 43),
        (10, 0, "LoadBalancer", 43, 5),
        (10, 1, "LoadBalancer", 13, 115),
        (10, 10, "LoadBalancer", 13, 385),
    ] {
        let (list, slices) = numbered(count, each, kind);
        let written = restore(&services(&list), &endpoints(&slices), &config(), Sync::Full(&BTreeSet::new()));
        let later = if kind == "LoadBalancer" && each > 0 { 2 * u32::from(count) } else { 0 };
        assert_eq!(
            (written.filter_rules, written.nat_rules),
            (filter + 1, nat + later),
            "{count} {kind} of {each}"
        );
    }
}

fn service(fields: Value) -> Value {
    let mut service = tree!({
        "metadata": {"namespace": "ns", "name": "svc"},
        "spec": {"type": "ClusterIP", "clusterIP": "10.96.0.5", "ports": [{"port": 80, "protocol": "TCP"}]},
    });
    for (key, value) in fields.fields().iter() {
        match key {
            "ip" => service.set(&["status", "loadBalancer", "ingress"], tree!([{"ip": value}])),
            "nodePort" => service.at_mut(&["spec", "ports"]).list_mut()[0].set(&["nodePort"], value),
            _ => service.set(&["spec", key], value),
        }
    }
    service
}

/// `10.244.1.5@node-1:rst`: ready, serving, terminating.
fn slice(list: &[&str]) -> Value {
    let one = |text: &&str| {
        let (address, rest) = text.split_once('@').unwrap();
        let (node, conditions) = rest.split_once(':').unwrap();
        let has = |letter| conditions.contains(letter);
        tree!({
            "addresses": [address],
            "nodeName": node,
            "conditions": {"ready": (has('r')), "serving": (has('s')), "terminating": (has('t'))},
        })
    };
    tree!({
        "metadata": {"namespace": "ns", "name": "svc-0", "labels": {"kubernetes.io/service-name": "svc"}},
        "addressType": "IPv4",
        "ports": [{"name": "", "port": 8080, "protocol": "TCP"}],
        "endpoints": (list.iter().map(one).collect::<Value>()),
    })
}

#[test]
fn policies_and_conditions_choose_the_endpoints() {
    let nothing = "-A KUBE-NONE";
    for (fields, list, has, lacks) in [
        // Those that end serve as long as nobody else does.
        (
            tree!({}),
            &["10.244.1.5@node-1:st", "10.244.2.5@node-2:st"][..],
            "-> 10.244.2.5:8080",
            "has no endpoints",
        ),
        (tree!({}), &["10.244.1.5@node-1:rs", "10.244.2.5@node-2:st"], "-> 10.244.1.5:8080", "10.244.2.5"),
        (
            tree!({}),
            &["10.244.1.5@node-1:s", "10.244.2.5@node-2:t"],
            "\"ns/svc has no endpoints\" -m tcp -p tcp -d 10.96.0.5 --dport 80 -j REJECT",
            "--to-destination",
        ),
        // internalTrafficPolicy Local.
        (
            tree!({"internalTrafficPolicy": "Local"}),
            &["10.244.1.5@node-1:rs", "10.244.2.5@node-2:rs"],
            "-j KUBE-SVL-",
            "10.244.2.5",
        ),
        (
            tree!({"internalTrafficPolicy": "Local"}),
            &["10.244.2.5@node-2:rs"],
            "\"ns/svc has no local endpoints\" -m tcp -p tcp -d 10.96.0.5 --dport 80 -j DROP",
            "--to-destination",
        ),
        // externalTrafficPolicy Local.
        (
            tree!({"type": "NodePort", "nodePort": 30080, "externalTrafficPolicy": "Local"}),
            &["10.244.2.5@node-2:rs"],
            "-A KUBE-EXTERNAL-SERVICES -m comment --comment \"ns/svc has no local endpoints\" -m addrtype --dst-type LOCAL -m tcp -p tcp --dport 30080 -j DROP",
            "-j KUBE-SVL-",
        ),
        (
            tree!({"type": "LoadBalancer", "nodePort": 30080, "externalTrafficPolicy": "Local", "healthCheckNodePort": 32100, "ip": "1.2.3.4"}),
            &["10.244.1.5@node-1:rs"],
            "-A KUBE-NODEPORTS -m comment --comment \"ns/svc health check node port\" -m tcp -p tcp --dport 32100 -j ACCEPT",
            nothing,
        ),
        // A node port without endpoints.
        (
            tree!({"type": "NodePort", "nodePort": 30080}),
            &[],
            "-A KUBE-EXTERNAL-SERVICES -m comment --comment \"ns/svc has no endpoints\" -m addrtype --dst-type LOCAL -m tcp -p tcp --dport 30080 -j REJECT",
            "-A KUBE-NODEPORTS",
        ),
        // Source ranges, with and without the node in them.
        (
            tree!({"type": "LoadBalancer", "loadBalancerSourceRanges": ["10.64.0.0/16"], "ip": "1.2.3.4"}),
            &["10.244.1.5@node-1:rs"],
            "\"ns/svc loadbalancer IP\" -s 1.2.3.4 -j KUBE-EXT-",
            nothing,
        ),
        (
            tree!({"type": "LoadBalancer", "loadBalancerSourceRanges": ["203.0.113.0/25"], "ip": "1.2.3.4"}),
            &["10.244.1.5@node-1:rs"],
            "-A KUBE-PROXY-FIREWALL -m comment --comment \"ns/svc traffic not accepted by KUBE-FW-",
            "-s 1.2.3.4",
        ),
        (
            tree!({"sessionAffinity": "ClientIP"}),
            &["10.244.1.5@node-1:rs"],
            "--rcheck --seconds 10800 --reap",
            nothing,
        ),
        (tree!({"clusterIP": "None"}), &["10.244.1.5@node-1:rs"], "-A KUBE-FORWARD", "ns/svc"),
        (tree!({"type": "ExternalName"}), &["10.244.1.5@node-1:rs"], "-A KUBE-FORWARD", "ns/svc"),
    ] {
        let map = services(&[service(fields.clone())]);
        let text = restore(&map, &endpoints(&[slice(list)]), &config(), Sync::Full(&BTreeSet::new())).text;
        assert!(text.contains(has), "{fields:?}: {has}\n{text}");
        assert!(!text.contains(lacks), "{fields:?}: {lacks}\n{text}");
    }
}

#[test]
fn hints_keep_traffic_near() {
    let hinted = |nodes: [&str; 2]| {
        let mut slice = slice(&["10.244.1.5@node-1:rs", "10.244.2.5@node-2:rs"]);
        for (endpoint, node) in slice.at_mut(&["endpoints"]).list_mut().iter_mut().zip(nodes) {
            endpoint.set(&["hints", "forNodes"], tree!([{"name": node}]));
        }
        slice
    };
    for (nodes, used) in [(["node-1", "node-2"], 1), (["node-3", "node-2"], 2)] {
        let map = endpoints(&[hinted(nodes)]);
        let text =
            restore(&services(&[service(tree!({}))]), &map, &config(), Sync::Full(&BTreeSet::new())).text;
        assert_eq!(text.matches("--to-destination").count(), used, "{nodes:?}");
    }
}

#[test]
fn a_health_check_port_tells_of_local_endpoints() {
    let mut server = Server::default();
    let fields = tree!({"type": "LoadBalancer", "nodePort": 30080, "externalTrafficPolicy": "Local",
        "healthCheckNodePort": 32100});
    server.put(Time::EPOCH, SERVICES, service(fields));
    server.put(Time::EPOCH, ENDPOINTSLICES, slice(&["10.244.1.5@node-1:rs", "10.244.2.5@node-2:rs"]));
    let mut bench = Bench::new(Node::new(), server);
    bench.run(2 * SECOND);
    let node = &bench.component;
    assert_eq!(node.network.listeners().map(|(_, _, port, _)| port).collect::<Vec<_>>(), [32_100]);
    let answer = node.proxy.answer(32_100).unwrap();
    assert_eq!(answer.status, 200);
    let body = Value::from_json(&answer.body).unwrap();
    assert_eq!((body["localEndpoints"].int(), meta::name(&body)), (1, ""));
    bench.server.remove(ENDPOINTSLICES, "ns/svc-0");
    bench.run(2 * SECOND);
    assert_eq!(bench.component.proxy.answer(32_100).unwrap().status, 503);
    bench.server.remove(SERVICES, "ns/svc");
    bench.run(2 * SECOND);
    assert_eq!(bench.component.network.listeners().count(), 0);
}
