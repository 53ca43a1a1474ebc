use super::{Ipvs, Scheduled};
use crate::conntrack::Conntrack;
use crate::{Protocol, Socket};
use sim::{SECOND, Time};

fn socket(text: &str) -> Socket {
    let (address, port) = text.split_once(':').unwrap();
    Socket::new(address.parse().unwrap(), port.parse().unwrap())
}

fn with(text: &str) -> Ipvs {
    let mut ipvs = Ipvs::default();
    ipvs.restore(text).unwrap();
    ipvs
}

const TEXT: &str = "-A -t 10.96.0.1:443 -s rr\n-a -t 10.96.0.1:443 -r 10.64.140.10:6443 -m -w 1\n\
    -A -t 10.96.0.9:80 -s wlc -p 10800\n-a -t 10.96.0.9:80 -r 10.244.1.2:8080 -m -w 1\n\
    -a -t 10.96.0.9:80 -r 10.244.2.2:8080 -m -w 0\n-A -u 10.96.0.10:53 -s sh\n";

#[test]
fn lists_as_ipvsadm_does() {
    let mut ipvs = with(TEXT);
    let track = Conntrack::default();
    let mut run = |line: &str| {
        let words: Vec<&str> = line.split_whitespace().collect();
        ipvs.command(&words, "", &track, Time::EPOCH)
    };
    assert_eq!(
        run("-Ln").stdout,
        "IP Virtual Server version 1.2.1 (size=4096)
Prot LocalAddress:Port Scheduler Flags
  -> RemoteAddress:Port           Forward Weight ActiveConn InActConn
TCP  10.96.0.1:443 rr
  -> 10.64.140.10:6443            Masq    1      0          0         
TCP  10.96.0.9:80 wlc persistent 10800
  -> 10.244.1.2:8080              Masq    1      0          0         
  -> 10.244.2.2:8080              Masq    0      0          0         
UDP  10.96.0.10:53 sh
"
    );
    assert_eq!(
        run("-Ln -t 10.96.0.1:443 --stats").stdout,
        "IP Virtual Server version 1.2.1 (size=4096)
Prot LocalAddress:Port               Conns   InPkts  OutPkts  InBytes OutBytes
  -> RemoteAddress:Port
TCP  10.96.0.1:443                       0        0        0        0        0
  -> 10.64.140.10:6443                   0        0        0        0        0
"
    );
    assert_eq!(run("-Sn").stdout, TEXT);
    for (line, message) in [
        ("-A -t 10.96.0.1:443", "Service already exists\n"),
        ("-a -t 10.96.0.1:443 -r 10.64.140.10:6443 -m", "Destination already exists\n"),
        ("-a -t 10.96.0.7:443 -r 10.64.140.10:6443 -m", "Service not defined\n"),
        ("-d -t 10.96.0.1:443 -r 10.64.140.11:6443", "No such destination\n"),
        ("-D -t 10.96.0.7:443", "No such service\n"),
        ("-A -t 10.96.0.7:443 -s best", "Scheduler not found: ip_vs_best.ko\n"),
        ("-A -t 10.96.0.7", "illegal virtual server address[:port] specified\n"),
    ] {
        let output = run(line);
        assert_eq!((output.stderr.as_str(), output.code), (message, 1), "{line}");
    }
}

/// Sends so many connections of one client after the other; each stays open.
fn spread(ipvs: &mut Ipvs, clients: u8, count: u16) -> Vec<u32> {
    let mut track = Conntrack::default();
    let asked = socket("10.96.0.9:80");
    let mut counts = vec![0; 4];
    for n in 0..count {
        let client = Socket::new([10, 244, 9, (n % u16::from(clients)) as u8 + 1].into(), 40_000 + n);
        let key = (Protocol::Tcp, asked);
        let Scheduled::To(real) = ipvs.schedule(Time::EPOCH, client, key, 60, &track) else { continue };
        counts[usize::from(real.address.octets()[3])] += 1;
        let tuple =
            |source, destination| crate::conntrack::Tuple { source, destination, protocol: Protocol::Tcp };
        let original = tuple(client, asked);
        track.add(Time::EPOCH, original, tuple(real, client));
        track.set_state(Time::EPOCH, &original, crate::conntrack::TrackState::Established);
    }
    counts
}

#[test]
fn schedulers_choose_as_the_kernels_do() {
    let servers = |scheduler: &str, weights: [u32; 3]| {
        let mut text = format!("-A -t 10.96.0.9:80 -s {scheduler}\n");
        for (n, weight) in (1..).zip(weights) {
            text.push_str(&format!("-a -t 10.96.0.9:80 -r 10.244.1.{n}:8080 -m -w {weight}\n"));
        }
        with(&text)
    };
    for (scheduler, weights, clients, shares) in [
        ("rr", [1, 1, 1], 1, [20, 20, 20]),
        // A weight of 0 takes no new connections; other weights don't count.
        ("rr", [5, 0, 1], 1, [30, 0, 30]),
        ("wrr", [3, 2, 1], 1, [30, 20, 10]),
        ("wrr", [2, 0, 4], 1, [20, 0, 40]),
        ("lc", [1, 1, 1], 1, [20, 20, 20]),
        ("wlc", [3, 2, 1], 1, [30, 20, 10]),
        ("sed", [3, 2, 1], 1, [30, 20, 10]),
        ("nq", [1, 1, 1], 1, [20, 20, 20]),
        // One client always meets the same server, and so does one address that is asked.
        ("dh", [1, 1, 1], 6, [0, 0, 60]),
        ("wrr", [0, 0, 0], 1, [0, 0, 0]),
    ] {
        let counts = spread(&mut servers(scheduler, weights), clients, 60);
        assert_eq!(counts[1..], shares, "{scheduler} {weights:?}");
    }
    let one = spread(&mut servers("sh", [1, 1, 1]), 1, 60);
    assert_eq!(one.iter().max(), Some(&60), "{one:?}");
    let many = spread(&mut servers("sh", [1, 1, 1]), 60, 60);
    assert!(many[1..].iter().all(|count| *count > 5), "{many:?}");
}

#[test]
fn clients_of_a_persistent_server_stay() {
    let mut ipvs = with(
        "-A -t 10.96.0.9:80 -s rr -p 60\n-a -t 10.96.0.9:80 -r 10.244.1.1:80 -m\n-a -t 10.96.0.9:80 -r 10.244.1.2:80 -m\n",
    );
    let track = Conntrack::default();
    let key = (Protocol::Tcp, socket("10.96.0.9:80"));
    let ask = |ipvs: &mut Ipvs, port: u16, at: Time| {
        ipvs.schedule(at, Socket::new([10, 244, 9, 1].into(), port), key, 60, &track)
    };
    let first = ask(&mut ipvs, 1, Time::EPOCH);
    for n in 1..5 {
        assert_eq!(ask(&mut ipvs, 1 + n, Time::EPOCH + i64::from(n) * 50 * SECOND), first);
    }
    assert_ne!(ask(&mut ipvs, 9, Time::EPOCH + 1_000 * SECOND), first);
    // A server that went is left.
    let Scheduled::To(real) = ask(&mut ipvs, 10, Time::EPOCH + 1_001 * SECOND) else { panic!() };
    ipvs.restore(&format!("-d -t 10.96.0.9:80 -r {real}\n")).unwrap();
    assert_ne!(ask(&mut ipvs, 11, Time::EPOCH + 1_002 * SECOND), Scheduled::To(real));
    ipvs.restore("-E -t 10.96.0.9:80 -s lc\n").unwrap();
    assert_eq!(ipvs.servers()[&key].persistence_seconds, 0);
}
