//! What a capture shows.

use super::*;

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
