use crate::iptables::{Counters, TableName};
use crate::{
    Answer, Application, Cidr, Connect, Delivery, Ended, ExchangeId, HostId, HttpRequest, HttpResponse,
    Network, Outcome, Payload, Protocol,
};
use sim::{Chance, MILLISECOND, SECOND, Time, Timing};
use std::net::Ipv4Addr;
use std::rc::Rc;

const NAT: &str = include_str!("../tests/data/lesson-nat.txt");
const FILTER: &str = include_str!("../tests/data/lesson-filter.txt");

/// Three nodes with the lesson's rules and the endpoints that they name.
struct World {
    network: Network,
    client: HostId,
    nodes: [HostId; 3],
    pods: [HostId; 3],
}

fn address(text: &str) -> Ipv4Addr {
    text.parse().unwrap()
}

fn world() -> World {
    let segment = Cidr::parse("10.64.140.0/24").unwrap();
    let mut network = Network::new(Chance::new(3), Timing::default(), segment);
    let client = network.add_outside("client", address("10.64.140.2"));
    let nodes = [1, 2, 3].map(|n| {
        let node = network.add_node(&format!("node-{n}"), [10, 64, 140, 10 + n].into());
        network.set_pod_network(node, Cidr::new([10, 244, n, 0].into(), 24));
        network.restore(node, NAT).unwrap();
        network.restore(node, FILTER).unwrap();
        node
    });
    let places = [(0, "10.244.1.5"), (1, "10.244.2.7"), (2, "10.244.3.2")];
    let pods = places.map(|(node, at)| {
        let pod = network.add_pod(nodes[node], &format!("lesson/counter-{}", node + 1), address(at));
        for port in [80, 3_000, 8_080] {
            network.listen(pod, Protocol::Tcp, port, Application(node as u64 + 1));
        }
        pod
    });
    World { network, client, nodes, pods }
}

fn get() -> Rc<Payload> {
    Rc::new(Payload::Http(HttpRequest::get("counter", "/")))
}

impl World {
    fn connect(&mut self, now: Time, from: HostId, to: &str, port: u16) -> ExchangeId {
        let to = address(to);
        let connect =
            Connect { from, owner: 7, to, port, protocol: Protocol::Tcp, payload: get(), patience: 0 };
        self.network.connect(now, connect)
    }

    /// Runs until nothing is due, answering with the peer that the application saw.
    fn run(&mut self, until: Time) -> Vec<Ended> {
        let mut ended = Vec::new();
        while let Some(at) = self.network.next_at().filter(|at| *at <= until) {
            for delivery in self.network.advance(at) {
                match delivery {
                    Delivery::Ended(one) => ended.push(one),
                    Delivery::Arrival(arrival) => {
                        let body = format!("{} sees {}", arrival.application.0, arrival.peer.address);
                        let answer = Answer::Http(HttpResponse::new(200, body));
                        self.network.reply(arrival.at + MILLISECOND, arrival.exchange, answer);
                    }
                }
            }
        }
        ended
    }

    fn ask(&mut self, from: HostId, to: &str, port: u16) -> Ended {
        let now = Time::EPOCH;
        let id = self.connect(now, from, to, port);
        let ended = self.run(now + 3_600 * SECOND);
        assert_eq!(ended.len(), 1, "{to}:{port}");
        assert_eq!(ended[0].exchange, id);
        ended[0].clone()
    }
}

fn body(ended: &Ended) -> &str {
    match &ended.outcome {
        Outcome::Answered(Answer::Http(response)) => &response.body,
        other => other.word(),
    }
}

#[test]
fn every_address_leads_where_the_rules_say() {
    let (c, p1, p2) = ("client", "pod-1", "pod-2");
    for (from, to, port, answers) in [
        // A node port answers on every node, and the pod sees a node.
        (c, "10.64.140.11", 31_000, &["1 sees 10.244.1.1", "2 sees 10.64.140.11"][..]),
        (c, "10.64.140.13", 31_000, &["1 sees 10.64.140.13", "2 sees 10.64.140.13"]),
        // A cluster IP from a pod: the pod sees the pod, or its own node where it meets itself.
        (p1, "10.96.10.10", 3_000, &["1 sees 10.244.1.1", "2 sees 10.244.1.5", "3 sees 10.244.1.5"]),
        // A cluster IP from a node is masqueraded.
        ("node-2", "10.96.10.16", 80, &["1 sees 10.64.140.12"]),
        ("node-1", "10.96.10.16", 80, &["1 sees 10.244.1.1"]),
        // By localhost, too.
        ("node-1", "127.0.0.1", 31_000, &["1 sees 10.244.1.1", "2 sees 10.64.140.11"]),
        // externalTrafficPolicy Local keeps the client's address; node-2's rules are node-1's here, so
        // only node-1 has a local endpoint.
        (c, "10.64.140.11", 31_080, &["1 sees 10.64.140.2"]),
        // Pods reach each other as they are.
        (p2, "10.244.1.5", 3_000, &["1 sees 10.244.2.7"]),
        ("node-1", "10.244.1.5", 3_000, &["1 sees 10.244.1.1"]),
        ("node-3", "10.244.1.5", 3_000, &["1 sees 10.64.140.13"]),
        (p1, "10.64.140.12", 31_000, &["1 sees 10.64.140.12", "2 sees 10.244.2.1"]),
        // The load balancer's address, from inside.
        (p2, "10.64.140.43", 30_000, &["1 sees 10.64.140.12", "2 sees 10.244.2.1", "3 sees 10.64.140.12"]),
        // No endpoints: refused.
        (p1, "10.96.10.13", 80, &["refused"]),
        ("node-1", "10.96.10.13", 80, &["refused"]),
        // Nobody listens.
        (c, "10.64.140.11", 81, &["refused"]),
        (p1, "10.244.2.7", 81, &["refused"]),
        // Nobody has the address, or nobody knows the way.
        (c, "10.64.140.99", 80, &["unreachable"]),
        (p1, "10.244.2.99", 80, &["unreachable"]),
        (c, "10.244.1.5", 3_000, &["timeout"]),
        (c, "10.96.10.10", 3_000, &["timeout"]),
        (p1, "93.184.216.34", 80, &["timeout"]),
    ] {
        let mut seen = std::collections::BTreeSet::new();
        let mut world = world();
        let from = match from {
            "client" => world.client,
            "pod-1" => world.pods[0],
            "pod-2" => world.pods[1],
            node => world.network.topology().by_name(node).unwrap(),
        };
        for _ in 0..30 {
            seen.insert(body(&world.ask(from, to, port)).to_string());
        }
        assert_eq!(seen.into_iter().collect::<Vec<_>>(), answers, "{to}:{port}");
    }
}

#[test]
fn the_time_holds_every_crossing() {
    let mut world = world();
    let from = world.pods[1];
    let ended = world.ask(from, "10.244.1.5", 3_000);
    let took = ended.at - Time::EPOCH;
    // SYN, SYN-ACK, request, answer: four times one link and two veths, and a millisecond of work.
    let (low, high) = (4 * 240_000, 4 * 720_000);
    assert!((low..=high).contains(&(took - MILLISECOND)), "{took}");
    let refused = world.ask(from, "10.244.1.5", 81).at - Time::EPOCH;
    assert!((low / 2..=high / 2).contains(&refused), "{refused}");
}

#[test]
fn a_way_tells_rules_translations_and_draws() {
    let mut world = world();
    let id = world.connect(Time::EPOCH, world.client, "10.64.140.11", 31_000);
    let way = world.network.way(id).unwrap();
    let steps = way.steps(world.network.topology());
    let told: Vec<String> = steps
        .iter()
        .filter(|step| !step.is_answer && matches!(step.kind, "rule" | "translated" | "place" | "delivered"))
        .map(|step| match step.kind {
            "rule" => format!(
                "{} {} {}",
                step.table,
                step.chain.split('-').take(2).collect::<Vec<_>>().join("-"),
                step.did
            ),
            "translated" => format!("{} {}", step.half, step.before),
            "place" => format!("@{}", step.place),
            _ => format!("{} for {}", step.before.split(':').next().unwrap(), step.after),
        })
        .collect();
    let server = way.server.unwrap();
    let is_first = server == world.pods[0];
    let mut expected = vec![
        "@client",
        "@node-1",
        "nat PREROUTING jump",
        "nat KUBE-SERVICES jump",
        "nat KUBE-NODEPORTS jump",
        "nat KUBE-EXT jump",
        "nat KUBE-MARK mark",
        "nat KUBE-EXT jump",
        "nat KUBE-SVC jump",
        "nat KUBE-SEP dnat",
        "destination 10.64.140.11:31000",
        "filter FORWARD jump",
        "filter FORWARD jump",
        "filter KUBE-FORWARD accept",
        "nat POSTROUTING jump",
        "nat KUBE-POSTROUTING unmark",
        "nat KUBE-POSTROUTING masquerade",
        "source 10.64.140.2:32768",
    ];
    if is_first {
        expected.extend(["@lesson/counter-1", "10.244.1.1 for 10.244.1.5:3000"]);
        assert_eq!(told, expected);
    } else {
        expected.push("@node-2");
        assert_eq!(told[..expected.len()], expected);
        assert_eq!(told.last().unwrap(), "10.64.140.11 for 10.244.2.7:3000");
    }
    let drawn = steps.iter().find(|step| step.draw.is_some()).unwrap();
    assert_eq!(drawn.probability, Some(0.5));
    assert_eq!(drawn.kind == "rule", drawn.draw < Some(0.5));
    assert_eq!(drawn.kind == "rule", is_first);
    let last = steps.last().unwrap();
    assert!(last.is_answer && last.kind == "delivered");
    assert_eq!((last.before.as_str(), last.after.as_str()), ("10.64.140.11:31000", "10.64.140.2:32768"));
    let taken = way.rules_taken(world.nodes[0], TableName::Nat);
    assert_eq!(taken[1], ("KUBE-SERVICES".into(), 8));
}

#[test]
fn session_affinity_holds_its_endpoint() {
    let mut world = world();
    let [pod, other, _] = world.pods;
    let first = body(&world.ask(pod, "10.96.10.14", 80)).to_string();
    for _ in 0..20 {
        assert_eq!(body(&world.ask(pod, "10.96.10.14", 80)), first);
    }
    let mut seen = std::collections::BTreeSet::new();
    for from in [pod, other, world.nodes[0], world.nodes[1], world.nodes[2], world.client] {
        seen.insert(body(&world.ask(from, "10.96.10.14", 80))[..1].to_string());
    }
    assert!(seen.len() > 1, "{seen:?}");
}

#[test]
fn a_dead_node_is_silent_and_the_others_answer() {
    let mut world = world();
    let (client, dead) = (world.client, world.nodes[1]);
    assert_eq!(body(&world.ask(client, "10.64.140.12", 31_000)).len(), "1 sees 10.64.140.12".len());
    world.network.stop(dead);
    // Its address is still known to the client: the connection is tried until TCP gives up.
    let ended = world.ask(client, "10.64.140.12", 31_000);
    assert_eq!(ended.outcome, Outcome::Unreachable);
    // The other nodes answer, but for the endpoint that is gone with its node.
    let mut outcomes = std::collections::BTreeMap::new();
    for _ in 0..20 {
        *outcomes.entry(world.ask(client, "10.64.140.11", 31_000).outcome.word()).or_insert(0) += 1;
    }
    assert_eq!(outcomes.keys().copied().collect::<Vec<_>>(), ["answered", "unreachable"]);
    world.network.start(dead);
    // A machine that starts again has no rules.
    assert!(!world.network.iptables_save(dead, None, Counters::Hide, Time::EPOCH).contains("KUBE"));
}

#[test]
fn a_lost_request_is_repeated_until_somebody_is_there() {
    let mut world = world();
    let [one, two, _] = world.nodes;
    let start = Time::EPOCH;
    world.network.announce(start, one, address("10.64.140.43"));
    let client = world.client;
    assert!(body(&world.ask(client, "10.64.140.43", 30_000)).contains(" sees "));
    world.network.stop(one);
    world.connect(start, client, "10.64.140.43", 30_000);
    assert_eq!(world.run(start + 2 * SECOND), []);
    world.network.announce(start + 2 * SECOND, two, address("10.64.140.43"));
    let ended = world.run(start + 10 * SECOND);
    assert!(body(&ended[0]).contains(" sees "), "{ended:?}");
    let took = ended[0].at - start;
    assert!((3 * SECOND..4 * SECOND).contains(&took), "the third try, after 1 and 2 seconds: {took}");
    assert_eq!(world.network.way(ended[0].exchange).unwrap().attempts, 3);
}

#[test]
fn a_cut_link_loses_packets_both_ways() {
    let mut world = world();
    let [one, two, _] = world.nodes;
    let pod = world.pods[0];
    let id = world.connect(Time::EPOCH, pod, "10.244.2.7", 3_000);
    // The request arrives, the link is cut before the answer.
    let at = loop {
        let at = world.network.next_at().unwrap();
        if let Some(Delivery::Arrival(arrival)) = world.network.advance(at).pop() {
            break arrival.at;
        }
    };
    world.network.partition(one, two);
    world.network.reply(at, id, Answer::Text("late".into()));
    assert_eq!(world.run(at + SECOND), []);
    world.network.heal(two, one);
    let ended = world.run(at + 60 * SECOND);
    assert_eq!(ended[0].outcome, Outcome::Answered(Answer::Text("late".into())));
}

#[test]
fn an_application_that_ends_resets_what_it_serves() {
    let mut world = world();
    let pod = world.pods[0];
    let id = world.connect(Time::EPOCH, world.pods[1], "10.244.1.5", 3_000);
    let at = loop {
        let at = world.network.next_at().unwrap();
        if !world.network.advance(at).is_empty() {
            break at;
        }
    };
    world.network.close_application(at, Application(1));
    world.network.reply(at, id, Answer::Text("too late".into()));
    assert_eq!(world.run(at + SECOND)[0].outcome, Outcome::Reset);
    assert_eq!(world.ask(world.pods[1], "10.244.1.5", 3_000).outcome, Outcome::Refused);
    world.network.remove(pod);
    assert_eq!(world.ask(world.pods[1], "10.244.1.5", 3_000).outcome, Outcome::Unreachable);
}

#[test]
fn the_asker_may_lose_patience() {
    let mut world = world();
    let connect = Connect {
        from: world.client,
        owner: 1,
        to: address("10.244.1.5"),
        port: 3_000,
        protocol: Protocol::Tcp,
        payload: get(),
        patience: 2 * SECOND,
    };
    world.network.connect(Time::EPOCH, connect.clone());
    let ended = world.run(Time::EPOCH + 200 * SECOND);
    assert_eq!((ended[0].at - Time::EPOCH, &ended[0].outcome), (2 * SECOND, &Outcome::Timeout));
    let id = world.network.connect(Time::EPOCH, Connect { patience: 0, ..connect });
    let ended = world.run(Time::EPOCH + 200 * SECOND);
    assert_eq!(ended[0].at - Time::EPOCH, 127 * SECOND);
    assert_eq!(world.network.way(id).unwrap().attempts, 7);
}

#[test]
fn pings_and_probes_need_no_application() {
    let mut world = world();
    for (payload, protocol, port, outcome) in [
        (Payload::Ping, Protocol::Icmp, 0, Outcome::Answered(Answer::Pong)),
        (Payload::Connect, Protocol::Tcp, 3_000, Outcome::Answered(Answer::Connected)),
        (Payload::Connect, Protocol::Tcp, 3_001, Outcome::Refused),
    ] {
        let to = address("10.244.1.5");
        let payload = Rc::new(payload);
        let connect = Connect { from: world.nodes[0], owner: 1, to, port, protocol, payload, patience: 0 };
        world.network.connect(Time::EPOCH, connect);
        assert_eq!(world.run(Time::EPOCH + SECOND)[0].outcome, outcome);
    }
}

#[test]
fn a_rule_taken_away_is_missed() {
    let mut world = world();
    let (client, node) = (world.client, world.nodes[0]);
    // Without masquerade, a pod on another node answers the client directly, who doesn't know it.
    let output = world.network.iptables_command(node, &["-t", "nat", "-F", "KUBE-MARK-MASQ"]);
    assert_eq!(output.code, 0);
    let mut seen = std::collections::BTreeSet::new();
    for _ in 0..20 {
        seen.insert(body(&world.ask(client, "10.64.140.11", 31_000)).to_string());
    }
    assert_eq!(seen.into_iter().collect::<Vec<_>>(), ["1 sees 10.64.140.2", "timeout"]);
    // A dropped packet is repeated in vain.
    world.network.iptables_command(node, &["-I", "FORWARD", "-d", "10.244.1.0/24", "-j", "DROP"]);
    assert_eq!(world.ask(client, "10.64.140.11", 31_080).outcome, Outcome::Timeout);
}

#[test]
fn a_clone_goes_on_alike() {
    let mut one = world();
    for n in 0..40 {
        one.connect(Time::EPOCH + n * MILLISECOND, one.client, "10.64.140.11", 31_000);
    }
    let mut other = World { network: one.network.clone(), ..one };
    let ended = one.run(Time::EPOCH + SECOND);
    assert_eq!(ended, other.run(Time::EPOCH + SECOND));
    assert_eq!(ended.len(), 40);
    let save = |world: &World| {
        world.nodes.map(|node| world.network.iptables_save(node, None, Counters::Show, Time::EPOCH))
    };
    assert_eq!(save(&one), save(&other));
    let list = |world: &World| world.network.conntrack_list(world.nodes[0], Time::EPOCH + SECOND);
    assert_eq!(list(&one), list(&other));
    assert!(
        list(&one).starts_with(
            "tcp      6 119 TIME_WAIT src=10.64.140.2 dst=10.64.140.11 sport=32768 dport=31000 "
        )
    );
}

#[test]
fn pod_addresses_come_in_order_and_return_late() {
    let mut world = world();
    let node = world.nodes[0];
    let mut next = || {
        let address = world.network.next_pod_address(node).unwrap();
        let pod = world.network.add_pod(node, &address.to_string(), address);
        (address.octets()[3], pod)
    };
    // .5 is in use.
    let given: Vec<_> = (0..4).map(|_| next().0).collect();
    assert_eq!(given, [2, 3, 4, 6]);
    let (last, pod) = next();
    assert_eq!(last, 7);
    world.network.remove(pod);
    assert_eq!(world.network.next_pod_address(node).unwrap().octets()[3], 8);
    for _ in 0..250 {
        if let Some(address) = world.network.next_pod_address(node) {
            world.network.add_pod(node, &address.to_string(), address);
        }
    }
    assert_eq!(world.network.next_pod_address(node), None);
}

#[test]
fn who_would_answer_is_told_without_asking() {
    let World { network, client, nodes, pods } = world();
    let before = format!("{network:?}");
    let shares = |from, to: &str, port| {
        let question = crate::Question { from, to: address(to), port, protocol: Protocol::Tcp };
        let found = network.who_would_answer(Time::EPOCH, question);
        let name = |host| network.topology().name(host).to_string();
        let row = |one: &crate::WouldAnswer| {
            let share = (one.share * 1e6).round() as u32;
            (one.way.server.map_or(String::new(), name), share, one.outcome)
        };
        found.iter().map(row).collect::<Vec<_>>()
    };
    let pod = |n: u32| format!("lesson/counter-{n}");
    let thirds =
        vec![(pod(1), 333_333, "answered"), (pod(2), 333_333, "answered"), (pod(3), 333_333, "answered")];
    let cases = [
        // Three endpoints share, two, one; nobody; a closed port; no route.
        (pods[0], "10.96.10.10", 3_000, thirds),
        (client, "10.64.140.11", 31_000, vec![(pod(1), 500_000, "answered"), (pod(2), 500_000, "answered")]),
        (nodes[1], "10.96.10.16", 80, vec![(pod(1), 1_000_000, "answered")]),
        (client, "10.64.140.99", 80, vec![(String::new(), 1_000_000, "unreachable")]),
        (client, "10.64.140.11", 81, vec![(String::new(), 1_000_000, "refused")]),
        (client, "192.0.2.1", 80, vec![(String::new(), 1_000_000, "timeout")]),
    ];
    for (from, to, port, expected) in cases {
        assert_eq!(shares(from, to, port), expected, "{to}:{port}");
    }
    assert_eq!(format!("{network:?}"), before, "looking changes nothing");
}

/// What `tcpdump -n` of a host shows of what `act` causes, without the moments.
fn dump(
    world: &mut World,
    host: HostId,
    interface: &str,
    filter: &str,
    act: impl FnOnce(&mut World),
) -> Vec<String> {
    let filter = crate::Filter::parse(filter).unwrap();
    let capture = crate::Capture { host, interface: interface.into(), filter };
    let id = world.network.capture(capture).unwrap();
    act(world);
    let seen = world.network.captured(id, Time::NEVER, true);
    world.network.capture_end(id);
    assert!(seen.is_sorted_by_key(|one| one.at));
    let plain = |text: &str| match text.split_once(", options [") {
        Some((before, after)) => format!("{before}{}", after.split_once(']').map_or("", |(_, rest)| rest)),
        None => text.to_string(),
    };
    seen.iter().map(|one| plain(&one.text)).collect()
}

#[test]
fn a_capture_shows_handshake_data_and_end() {
    let mut world = world();
    let pod = world.pods[0];
    let seen =
        dump(&mut world, pod, "eth0", "tcp", |world| drop(world.ask(world.nodes[0], "10.244.1.5", 3_000)));
    let flags: Vec<&str> =
        seen.iter().map(|line| line.split("Flags [").nth(1).unwrap().split(']').next().unwrap()).collect();
    assert_eq!(flags, ["S", "S.", ".", "P.", ".", "P.", ".", "F.", "F.", "."]);
    assert!(seen[0].starts_with("IP 10.244.1.1.32768 > 10.244.1.5.3000: Flags [S], seq "), "{}", seen[0]);
    assert!(seen[3].ends_with("length 33: HTTP: GET / HTTP/1.1"), "{}", seen[3]);
    assert!(seen[5].contains("seq 1:37, ack 34, win 509, length 36: HTTP: HTTP/1.1 200 OK"), "{}", seen[5]);
}

#[test]
fn a_capture_on_a_node_shows_both_sides_of_a_translation() {
    let mut world = world();
    let (node, client) = (world.nodes[2], world.client);
    let seen = dump(&mut world, node, "any", "tcp", |world| drop(world.ask(client, "10.64.140.13", 31_000)));
    let first: Vec<&str> = seen
        .iter()
        .filter(|line| line.contains("Flags [S]"))
        .map(|line| line.split(':').next().unwrap())
        .collect();
    assert_eq!(first.len(), 2, "{seen:#?}");
    assert_eq!(first[0], "eth0  In  IP 10.64.140.2.32768 > 10.64.140.13.31000");
    assert!(first[1].starts_with("eth0  Out IP 10.64.140.13."), "{}", first[1]);
    assert!(first[1].ends_with(".3000"), "{}", first[1]);
    let arp = dump(&mut world, client, "any", "arp", |world| drop(world.ask(client, "10.64.140.99", 80)));
    assert_eq!(arp, ["eth0  Out ARP, Request who-has 10.64.140.99 tell 10.64.140.2, length 28"]);
    let refused = dump(&mut world, client, "any", "", |world| drop(world.ask(client, "10.64.140.11", 81)));
    assert!(
        refused.last().unwrap().contains("10.64.140.11.81 > 10.64.140.2.32770: Flags [R.], seq 0, ack "),
        "{refused:?}"
    );
    assert_eq!(dump(&mut world, node, "lo", "", |_| {}), Vec::<String>::new());
}

#[test]
fn a_probe_finds_who_passes_it_on() {
    let mut world = world();
    let mut ask = |ttl| {
        let connect = Connect {
            from: world.pods[0],
            owner: 1,
            to: address("10.244.2.7"),
            port: 33_434,
            protocol: Protocol::Udp,
            payload: Rc::new(Payload::Probe(ttl)),
            patience: 0,
        };
        world.network.connect(Time::EPOCH, connect);
        world.run(Time::EPOCH + 9 * SECOND)[0].outcome.clone()
    };
    let expired = |text| Outcome::Answered(Answer::Expired(address(text)));
    assert_eq!([ask(1), ask(2), ask(3)], [expired("10.244.1.1"), expired("10.64.140.12"), Outcome::Refused]);
}

#[test]
fn netem_delays_and_loses() {
    let mut world = world();
    let (client, node) = (world.client, world.nodes[0]);
    let netem = crate::Netem { delay: 100 * MILLISECOND, jitter: 0, loss_per_million: 0 };
    world.network.set_netem(node, Some(netem));
    let took = world.ask(client, "10.64.140.11", 31_080).at - Time::EPOCH;
    // Twice the node sends to the client: SYN-ACK and answer.
    assert!((200 * MILLISECOND..210 * MILLISECOND).contains(&took), "{took}");
    world.network.set_netem(node, Some(crate::Netem { loss_per_million: 1_000_000, ..netem }));
    assert_eq!(world.ask(client, "10.64.140.11", 31_080).outcome, Outcome::Timeout);
    world.network.set_netem(node, Some(crate::Netem { loss_per_million: 200_000, delay: 0, jitter: 0 }));
    let mut slow = 0;
    for _ in 0..200 {
        let ended = world.ask(client, "10.64.140.11", 31_080);
        assert!(body(&ended).contains(" sees "), "{ended:?}");
        slow += i32::from(ended.at - Time::EPOCH > 150 * MILLISECOND);
    }
    // Each of the two that the node sends is lost by 20 of 100; what is lost is sent again.
    assert!((50..95).contains(&slow), "{slow}");
}

/// Asks, and does something while the application has the request.
fn ask_and(world: &mut World, to: &str, port: u16, act: impl FnOnce(&mut World, Time)) -> Outcome {
    let id = world.connect(Time::EPOCH, world.client, to, port);
    let at = loop {
        let at = world.network.next_at().unwrap();
        if !world.network.advance(at).is_empty() {
            break at;
        }
    };
    act(world, at);
    world.network.reply(at + SECOND, id, Answer::Text("well".into()));
    world.run(at + 3_600 * SECOND)[0].outcome.clone()
}

#[test]
fn an_open_connection_outlives_what_new_ones_do_not() {
    let well = Outcome::Answered(Answer::Text("well".into()));
    // kube-proxy leads new connections elsewhere: the open one goes on by its entry.
    let mut one = world();
    let node = one.nodes[0];
    let moved = |world: &mut World, _: Time| {
        assert_eq!(world.network.iptables_command(node, &["-t", "nat", "-F", "KUBE-SERVICES"]).code, 0);
    };
    assert_eq!(ask_and(&mut one, "10.64.140.11", 31_080, moved), well);
    assert_eq!(one.ask(one.client, "10.64.140.11", 31_080).outcome, Outcome::Refused);
    // A rule that drops all packets holds for those of open connections, too.
    let mut one = world();
    let dropped = |world: &mut World, _: Time| {
        world.network.iptables_command(node, &["-I", "FORWARD", "-j", "DROP"]);
    };
    assert_eq!(ask_and(&mut one, "10.64.140.11", 31_080, dropped), Outcome::Timeout);
    // Its entry forgotten, the answer is no longer translated back.
    let mut one = world();
    let forgotten = |world: &mut World, at: Time| {
        let gone = world.network.conntrack_delete(node, at, |line| line.contains("dport=31080"));
        assert_eq!(gone.len(), 1);
        assert!(gone[0].starts_with("tcp      6 431999 ESTABLISHED src=10.64.140.2 "), "{gone:?}");
    };
    assert_eq!(ask_and(&mut one, "10.64.140.11", 31_080, forgotten), Outcome::Timeout);
}
