//! Where packets go, and what is told of their ways.

use super::*;

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
