//! What ends, is cut, is lost or is taken away while packets are under way.

use super::*;

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
