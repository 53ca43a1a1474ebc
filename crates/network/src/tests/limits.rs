//! What is more than there is room for.

use super::*;
use crate::conntrack::CONNECTIONS;

/// Half of them wait for an answer that doesn't come: exchanges, ways and connections stay within their bounds,
/// who finds no room is told so, and what comes afterwards is served as ever.
#[test]
fn a_flood_is_borne_within_bounds() {
    let mut world = world();
    let [node, ..] = world.nodes;
    let now = Time::EPOCH;
    const FLOOD: u32 = 80_000;
    for n in 0..FLOOD {
        world.connect(now + i64::from(n), world.client, "10.64.140.11", 31_000);
    }
    assert_eq!(world.network.open_exchanges(), FLOOD, "none has ended yet");
    assert!(world.network.ways().count() <= 2_048);
    let track = world.network.conntrack(node).unwrap();
    assert!(track.connections(now).count() <= CONNECTIONS as usize);
    let ended = world.run(now + 300 * SECOND);
    assert_eq!(ended.len(), FLOOD as usize, "each is told how it ended");
    let count = |word| ended.iter().filter(|one| one.outcome.word() == word).count();
    // There is room for 65,536 exchanges at once.
    assert_eq!(count("unreachable"), FLOOD as usize - 65_536);
    assert!(count("answered") >= CONNECTIONS as usize / 2, "{}", count("answered"));
    assert_eq!(world.network.open_exchanges(), 0);
    let after = world.connect(now + 600 * SECOND, world.client, "10.64.140.11", 31_000);
    let ended = world.run(now + 700 * SECOND);
    assert_eq!((ended[0].exchange, ended[0].outcome.word()), (after, "answered"));
}

/// Connections that stay open fill a node's table: new ones are dropped, as the kernel says, and the open ones go on.
#[test]
fn a_full_table_of_connections_drops_new_ones() {
    let mut world = world();
    let [node, ..] = world.nodes;
    world.network.set_conntrack_limit(node, 10);
    let now = Time::EPOCH;
    let ids: Vec<ExchangeId> =
        (0..15).map(|n| world.connect(now + n * MILLISECOND, world.client, "10.64.140.11", 31_000)).collect();
    let mut arrived = Vec::new();
    while let Some(at) = world.network.next_at().filter(|at| *at <= now + SECOND / 2) {
        for delivery in world.network.advance(at) {
            if let Delivery::Arrival(arrival) = delivery {
                arrived.push(arrival);
            }
        }
    }
    assert_eq!(arrived.len(), 10);
    let track = world.network.conntrack(node).unwrap();
    assert_eq!((track.dropped(), track.messages().count()), (5, 5));
    let lost = world.network.way(ids[14]).unwrap().steps(world.network.topology());
    assert_eq!(lost.last().map(|step| (step.kind, step.did)), Some(("lost", "table-full")));
    // Once the others are closed, the repeated packets find room.
    for arrival in arrived {
        let answer = Answer::Http(HttpResponse::new(200, "late"));
        world.network.reply(now + SECOND / 2, arrival.exchange, answer);
    }
    let ended = world.run(now + 20 * SECOND);
    assert_eq!(ended.iter().filter(|one| one.outcome.word() == "answered").count(), 15);
}

/// A packet goes through 100,000 rules; a table of more than twice as many is refused.
#[test]
fn a_table_of_a_hundred_thousand_rules_is_executed() {
    let mut world = world();
    let [node, ..] = world.nodes;
    let table = |rules: u32| {
        let rule = |n: u32| {
            format!("-A INPUT -s 172.{}.{}.{}/32 -j DROP\n", 16 + n / 65_536, n / 256 % 256, n % 256)
        };
        format!("*filter\n{}COMMIT\n", (0..rules).map(rule).collect::<String>())
    };
    world.network.restore_flushing(node, &table(100_000)).unwrap();
    assert_eq!(world.ask(world.client, "10.64.140.11", 31_000).outcome.word(), "answered");
    assert_eq!(world.ask(world.client, "10.64.140.11", 9).outcome.word(), "refused");
    let list = world.network.iptables_save(node, Some(TableName::Filter), Counters::Hide, Time::EPOCH);
    assert_eq!(list.lines().filter(|line| line.starts_with("-A INPUT")).count(), 100_000);
    let error = world.network.restore_flushing(node, &table(200_001)).unwrap_err().to_string();
    assert!(error.contains("Cannot allocate memory"), "{error}");
    let list = world.network.iptables_save(node, Some(TableName::Filter), Counters::Hide, Time::EPOCH);
    assert_eq!(
        list.lines().filter(|line| line.starts_with("-A INPUT")).count(),
        100_000,
        "nothing has changed"
    );
}
