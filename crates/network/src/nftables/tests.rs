//! What `nft` v1.0.6 printed in a network namespace of Linux, and packets.

use super::{Nftables, Point};
use crate::iptables::{Hook, Interface, Packet, RecentLists, RunContext, Verdict, state};
use crate::way::Event;
use crate::{Protocol, Socket};
use sim::{Chance, SECOND, Time};
use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

const TYPED: &str = include_str!("testdata/typed.nft");
const LISTED: &str = include_str!("testdata/typed.listed");
const MISTAKES: &str = include_str!("testdata/mistakes.txt");

/// Runs a line as a shell would give it to `nft`.
fn nft(tables: &mut Nftables, line: &str) -> (String, String) {
    let words = crate::iptables::split_words(line);
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let output = tables.command(&words, "", Time::EPOCH);
    (output.stdout, output.stderr)
}

#[test]
fn what_is_typed_is_listed_as_by_the_real_one() {
    let mut tables = Nftables::default();
    tables.load(TYPED, Time::EPOCH).unwrap();
    let listed = nft(&mut tables, "-a list ruleset").0;
    assert_eq!(listed.lines().zip(LISTED.lines()).find(|(own, real)| own != real), None);
    assert_eq!(listed.len(), LISTED.len());
    // What is listed can be loaded, and is the same then.
    let listed = nft(&mut tables, "list ruleset").0;
    let mut again = Nftables::default();
    again.load(&listed, Time::EPOCH).unwrap();
    let plain =
        |text: &str| text.replace("{ 10.64.140.0/24 }", "10.64.140.0/24").replace("{ 80-92 }", "80-92");
    assert_eq!(nft(&mut again, "list ruleset").0, plain(&listed));
    for (line, wanted) in [
        ("list tables", "table ip t\n"),
        (
            "-s list chain t refuse",
            "table ip t {\n\tchain refuse {\n\t\tcomment \"helper\"\n\t\tcounter\n\t\treject\n\t}\n}\n",
        ),
        (
            "list map ip t nep",
            "table ip t {\n\tmap nep {\n\t\ttype inet_proto . inet_service : verdict\n\t\telements = { udp . 30001 comment \"ns2/svc2:p80\" : goto refuse,\n\t\t\t     tcp . 3001 comment \"ns2/svc2:p80\" : drop }\n\t}\n}\n",
        ),
    ] {
        assert_eq!(nft(&mut tables, line).0, wanted, "{line}");
    }
    nft(&mut tables, "flush chain t nat-output");
    nft(&mut tables, "flush ruleset");
    assert!(tables.is_empty());
}

/// Each line that begins with `>` is typed; what follows is what is said then.
#[test]
fn mistakes_are_told_as_by_the_real_one() {
    let mut tables = Nftables::default();
    let mut parts = MISTAKES.split("> ");
    for line in parts.next().unwrap().lines() {
        assert_eq!(nft(&mut tables, line), Default::default(), "{line}");
    }
    for part in parts {
        let (line, wanted) = part.split_once('\n').unwrap();
        let before = nft(&mut tables, "-a list ruleset");
        assert_eq!(nft(&mut tables, line).1, wanted, "{line}");
        assert_eq!(nft(&mut tables, "-a list ruleset"), before, "{line}");
    }
}

/// A packet from an address to another and its port, by TCP.
fn packet(from: [u8; 4], to: [u8; 4], port: u16) -> Packet {
    Packet {
        protocol: Protocol::Tcp,
        source: Socket::new(from.into(), 40_000),
        destination: Socket::new(to.into(), port),
        mark: 0,
        in_interface: Interface::Eth0,
        out_interface: Interface::None,
        state: state::NEW,
        bytes: 60,
    }
}

fn run(tables: &mut Nftables, at: (bool, Hook), packet: &mut Packet, second: i64) -> (Verdict, u32) {
    let (is_nat, hook) = at;
    let locals: [Ipv4Addr; 1] = [[10, 0, 0, 1].into()];
    let (bound, mut recent, mut accounts) = (BTreeSet::new(), RecentLists::default(), BTreeMap::new());
    let mut context = RunContext {
        now: Time::EPOCH + second * SECOND,
        locals: &locals,
        bound: &bound,
        virtual_server: None,
        recent: &mut recent,
        accounts: &mut accounts,
        chance: Chance::new(second as u64),
        series: None,
        who: "test",
        draws: 0,
    };
    let mut events = Vec::new();
    let point = Point { is_nat, hook, from: i32::MIN, to: i32::MAX };
    let verdict = tables.run(point, packet, &mut context, &mut events);
    (verdict, events.iter().filter(|event| matches!(event, Event::Nft(_))).count() as u32)
}

#[test]
fn packets_go_where_rules_say() {
    const RULES: &str = "table ip t {
        set blocked { type ipv4_addr; flags interval; elements = { 192.0.2.0/24, 198.51.100.1 } }
        map ports { type inet_proto . inet_service : verdict; elements = { tcp . 80 : goto web, tcp . 81 : drop } }
        chain in { type filter hook input priority 0; policy accept;
            ip saddr @blocked counter drop
            ct state established accept
            tcp dport { 22, 8000-8010 } reject
            tcp dport 23 reject with tcp reset
            iifname \"cni*\" drop
            meta mark & 0x4 == 0x4 drop
            fib daddr type != local drop
            jump more
        }
        chain more { tcp dport 90 return; tcp dport 91 accept; tcp dport 92 drop; }
        chain pre { type nat hook prerouting priority dstnat; meta l4proto . th dport vmap @ports; tcp dport 82 redirect to :8080; }
        chain web { ip saddr 10.9.9.9 goto other; numgen random mod 4 vmap { 0-1 : goto a, 2-3 : goto b }; }
        chain other { dnat to 10.244.9.9; }
        chain a { dnat to 10.244.0.1:8080; }
        chain b { dnat to 10.244.0.2:8080; }
        chain post { type nat hook postrouting priority srcnat; mark set mark or 0x8; ip daddr 10.1.0.0/16 masquerade fully-random; snat to 10.0.0.7:5000; }
    }";
    use crate::iptables::RejectWith::{PortUnreachable, TcpReset};
    let mut tables = Nftables::default();
    tables.load(RULES, Time::EPOCH).unwrap();
    let own = [10, 0, 0, 1];
    let dnat = |text: [u8; 4], port| Verdict::Dnat(Socket::new(text.into(), port));
    let (input, pre, post) = ((false, Hook::Input), (true, Hook::Prerouting), (true, Hook::Postrouting));
    for (at, from, to, port, wanted) in [
        (input, [192, 0, 2, 7], own, 80, Verdict::Drop),
        (input, [198, 51, 100, 1], own, 80, Verdict::Drop),
        (input, [198, 51, 100, 2], own, 80, Verdict::Accept),
        (input, [10, 0, 0, 2], own, 22, Verdict::Reject(PortUnreachable)),
        (input, [10, 0, 0, 2], own, 8_005, Verdict::Reject(PortUnreachable)),
        (input, [10, 0, 0, 2], own, 8_011, Verdict::Accept),
        (input, [10, 0, 0, 2], own, 23, Verdict::Reject(TcpReset)),
        (input, [10, 0, 0, 2], [10, 0, 0, 9], 80, Verdict::Drop),
        (input, [10, 0, 0, 2], own, 90, Verdict::Accept),
        (input, [10, 0, 0, 2], own, 92, Verdict::Drop),
        (pre, [10, 9, 9, 9], own, 80, dnat([10, 244, 9, 9], 0)),
        (pre, [10, 0, 0, 2], own, 81, Verdict::Drop),
        (pre, [10, 0, 0, 2], own, 82, dnat(own, 8_080)),
        (pre, [10, 0, 0, 2], own, 83, Verdict::Accept),
        (post, own, [10, 1, 2, 3], 80, Verdict::Masquerade { random_fully: true }),
        (post, own, [10, 2, 2, 3], 80, Verdict::Snat(Socket::new([10, 0, 0, 7].into(), 5_000))),
    ] {
        let mut packet = packet(from, to, port);
        assert_eq!(run(&mut tables, at, &mut packet, 0).0, wanted, "{from:?} to {to:?}:{port}");
    }
    let counted = "ip saddr @blocked counter packets 2 bytes 120 drop";
    assert!(nft(&mut tables, "list chain t in").0.contains(counted));
    let mut shares = BTreeMap::new();
    for second in 0..400 {
        let mut packet = packet([10, 0, 0, 2], own, 80);
        let (verdict, _) = run(&mut tables, pre, &mut packet, second);
        *shares.entry(format!("{verdict:?}")).or_insert(0) += 1;
    }
    assert!(shares.len() == 2 && shares.values().all(|count| (160..240).contains(count)), "{shares:?}");
}

#[test]
fn clients_are_remembered_for_a_time() {
    const RULES: &str = "table ip t {
        set known { type ipv4_addr; flags dynamic,timeout; timeout 10s; size 2; }
        chain pre { type nat hook prerouting priority -100; ip saddr @known dnat to 10.2.2.2; update @known { ip saddr }; dnat to 10.1.1.1; }
    }";
    let mut tables = Nftables::default();
    tables.load(RULES, Time::EPOCH).unwrap();
    let dnat = |text: [u8; 4]| Verdict::Dnat(Socket::new(text.into(), 0));
    for (second, client, wanted) in [
        (0, 1, [10, 1, 1, 1]),
        (9, 1, [10, 2, 2, 2]),
        (11, 1, [10, 1, 1, 1]),
        (12, 2, [10, 1, 1, 1]),
        // There is room for two, until the time of one is over.
        (13, 3, [10, 1, 1, 1]),
        (14, 3, [10, 1, 1, 1]),
        (22, 3, [10, 1, 1, 1]),
        (23, 3, [10, 2, 2, 2]),
    ] {
        let mut packet = packet([10, 0, 0, client], [10, 0, 0, 1], 80);
        let verdict = run(&mut tables, (true, Hook::Prerouting), &mut packet, second).0;
        assert_eq!(verdict, dnat(wanted), "second {second}, client {client}");
    }
    let listed = tables.command(&["list", "set", "t", "known"], "", Time::EPOCH + 24 * SECOND).stdout;
    assert!(listed.contains("elements = { 10.0.0.3 expires 8s }"), "{listed}");
}

/// Chains that the kernel takes, because no base chain leads to them, end where they would go round.
#[test]
fn no_circle_is_endless_and_nothing_unbounded() {
    let mut tables = Nftables::default();
    tables.load("table ip t { chain a { jump b; }; chain b { jump a; }; }", Time::EPOCH).unwrap();
    let circle = "table ip t { chain in { type filter hook input priority 0; jump a; }; }";
    assert!(tables.load(circle, Time::EPOCH).is_ok(), "kube-proxy is trusted");
    let mut packet = packet([10, 0, 0, 2], [10, 0, 0, 1], 80);
    assert_eq!(run(&mut tables, (false, Hook::Input), &mut packet, 0).0, Verdict::Accept);
    let (_, told) = nft(&mut tables, "add rule t b drop");
    assert!(told.starts_with("Error: Could not process rule: Too many links"), "{told}");
    // A number of places beyond all measure is one draw.
    tables.load("flush ruleset\ntable ip t { chain in { type filter hook input priority 0; numgen random mod 4000000000 vmap { 0-3999999999 : drop }; }; }", Time::EPOCH).unwrap();
    assert_eq!(run(&mut tables, (false, Hook::Input), &mut packet, 0), (Verdict::Drop, 2));
}
