use crate::Router;
use network::{BgpMessage, BgpRoute, Cidr, HostId, Network};
use sim::{Chance, SECOND, Time, Timing};
use std::net::Ipv4Addr;

const ROUTER: Ipv4Addr = Ipv4Addr::new(10, 64, 140, 1);

fn node(n: u8) -> Ipv4Addr {
    [10, 64, 140, 10 + n].into()
}

struct Bench {
    network: Network,
    router: Router,
    hosts: Vec<HostId>,
}

impl Bench {
    fn new(asn: u32) -> Bench {
        let segment = Cidr::parse("10.64.140.0/24").unwrap();
        let mut network = Network::new(Chance::new(1), Timing::default(), segment);
        let hosts = (1..=3).map(|n| network.add_node(&format!("node-{n}"), node(n))).collect();
        let host = network.add_router("router", ROUTER);
        Bench { network, router: Router::new(Time(0), host, ROUTER, segment, asn), hosts }
    }

    fn says(&mut self, at: i64, n: u8, message: BgpMessage) -> Vec<BgpMessage> {
        let from = (self.hosts[usize::from(n) - 1], node(n));
        let answers = self.router.hear(Time(at * SECOND), from, message);
        self.router.apply(&mut self.network);
        answers
    }

    fn opens(&mut self, at: i64, n: u8, detect: i64) {
        let open = BgpMessage::Open { asn: 64_500, router_id: node(n), hold: 90 * SECOND, detect };
        assert_eq!(self.says(at, n, open).len(), 2);
    }

    fn hops(&self) -> Vec<String> {
        self.router.ip_routes()
    }
}

fn route(prefix: &str, local_pref: u32) -> BgpRoute {
    let communities = vec!["64512:100".into(), "65535:65281".into()];
    BgpRoute { prefix: Cidr::parse(prefix).unwrap(), local_pref, communities }
}

#[test]
fn routes_are_shared_and_withdrawn_after_the_hold_time() {
    let mut bench = Bench::new(64_501);
    for n in 1..=3 {
        bench.opens(0, n, 0);
        bench.says(1, n, BgpMessage::Update(vec![route("203.0.113.1/32", 0)]));
    }
    let three = "203.0.113.1 nhid 23 proto bgp metric 20 \n\tnexthop via 10.64.140.11 dev eth0 weight 1 \n\tnexthop via \
                 10.64.140.12 dev eth0 weight 1 \n\tnexthop via 10.64.140.13 dev eth0 weight 1";
    assert_eq!(bench.hops(), [three]);
    for n in 1..=2 {
        assert_eq!(bench.says(60, n, BgpMessage::Keepalive), [BgpMessage::Keepalive]);
    }
    assert_eq!(bench.router.next_at(), Time(91 * SECOND));
    bench.router.tick(Time(91 * SECOND));
    assert_eq!(bench.hops()[0].matches("nexthop").count(), 2);
    assert!(bench.router.vtysh(Time(100 * SECOND), "show ip bgp summary").unwrap().contains("Active"));
    // Who withdraws in order is gone at once; the last one is no list any more.
    bench.says(61, 1, BgpMessage::Update(Vec::new()));
    assert_eq!(bench.hops(), ["203.0.113.1 nhid 25 via 10.64.140.12 dev eth0 proto bgp metric 20"]);
    bench.says(62, 2, BgpMessage::Close);
    assert!(bench.hops().is_empty());
    // Whose session is over has to open another.
    assert_eq!(bench.says(63, 2, BgpMessage::Keepalive), [BgpMessage::Close]);
}

#[test]
fn bfd_finds_a_dead_neighbour_before_the_hold_time() {
    let mut bench = Bench::new(64_501);
    let detect = 900 * sim::MILLISECOND;
    bench.opens(0, 1, detect);
    bench.says(0, 1, BgpMessage::Update(vec![route("203.0.113.1/32", 0)]));
    let host = bench.hosts[0];
    bench.network.stop(host);
    bench.router.look(Time(10 * SECOND), &bench.network);
    assert_eq!(bench.router.next_at(), Time(10 * SECOND) + detect);
    // It comes back in time.
    bench.network.start(host);
    bench.router.look(Time(10 * SECOND + 1), &bench.network);
    assert_eq!(bench.router.next_at(), Time(90 * SECOND));
    bench.network.stop(host);
    bench.router.look(Time(20 * SECOND), &bench.network);
    bench.router.tick(Time(20 * SECOND) + detect);
    assert!(bench.hops().is_empty());
}

#[test]
fn within_one_system_the_preferred_route_wins() {
    let mut bench = Bench::new(64_500);
    for (n, preference) in [(1, 100), (2, 150), (3, 150)] {
        bench.opens(0, n, 0);
        bench.says(1, n, BgpMessage::Update(vec![route("203.0.113.0/24", preference)]));
    }
    assert!(!bench.hops()[0].contains("10.64.140.11"));
    let table = bench.router.vtysh(Time(2 * SECOND), "show ip bgp").unwrap();
    let lines: Vec<&str> = table.lines().filter(|line| line.starts_with('*')).collect();
    assert_eq!(
        lines,
        [
            "*>i203.0.113.0/24   10.64.140.12                  150      0 i",
            "*=i                 10.64.140.13                  150      0 i",
            "* i                 10.64.140.11                  100      0 i",
        ]
    );
    let entry = bench.router.vtysh(Time(2 * SECOND), "show bgp ipv4 unicast 203.0.113.9").unwrap();
    assert!(
        entry.contains("Origin IGP, localpref 150, valid, internal, multipath, best (Router ID)"),
        "{entry}"
    );
    assert!(entry.contains("Community: 64512:100 no-export"), "{entry}");
    assert!(bench.router.vtysh(Time(0), "show ip ospf").unwrap_err().starts_with("% Unknown command"));
}

#[test]
fn packets_of_one_flow_keep_their_way_and_flows_are_spread() {
    let mut bench = Bench::new(64_501);
    for n in 1..=3 {
        bench.opens(0, n, 0);
        bench.says(1, n, BgpMessage::Update(vec![route("203.0.113.1/32", 0)]));
    }
    let ends = |port: u16| {
        let source = network::Socket::new([10, 64, 140, 2].into(), port);
        let to = network::Socket::new([203, 0, 113, 1].into(), 80);
        (source, to)
    };
    let hop = |port: u16| {
        let (source, to) = ends(port);
        bench.network.next_hop(bench.router.host(), network::Protocol::Tcp, source, to).unwrap()
    };
    let mut counts = [0_u32; 3];
    for port in 1_024..4_024 {
        assert_eq!(hop(port), hop(port));
        counts[usize::from(hop(port).octets()[3]) - 11] += 1;
    }
    // Chi-square with two degrees of freedom, at one in a thousand.
    let chi: f64 = counts.iter().map(|n| (f64::from(*n) - 1_000.0).powi(2) / 1_000.0).sum();
    assert!(chi < 13.8, "{counts:?}");
}
