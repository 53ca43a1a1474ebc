use super::{Half, Ipsets};
use crate::iptables::{Counters, Interface, Iptables, Packet, RuleCache, TableName, split_words};
use crate::{Protocol, Socket};
use sim::{SECOND, Time};

fn packet(protocol: Protocol, source: &str, destination: &str) -> Packet {
    let socket = |text: &str| {
        let (address, port) = text.split_once(':').unwrap();
        Socket::new(address.parse().unwrap(), port.parse().unwrap())
    };
    Packet {
        protocol,
        source: socket(source),
        destination: socket(destination),
        mark: 0,
        in_interface: Interface::None,
        out_interface: Interface::None,
        state: 0,
        bytes: 60,
    }
}

fn run(sets: &mut Ipsets, line: &str, now: Time) -> crate::iptables::Output {
    let words = split_words(line);
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    sets.command(&words, "", now, &|name| u32::from(name == "used"))
}

/// Lines of a session, with what ipset v7 on a kernel of v6.18 printed; `#` begins an exit code.
const SESSION: &str = include_str!("../../tests/data/ipset-session.txt");

#[test]
fn answers_as_the_real_one() {
    let mut sets = Ipsets::default();
    let mut commands = SESSION.split("$ ipset ");
    assert_eq!(commands.next(), Some(""));
    for command in commands {
        let (line, answer) = command.split_once('\n').unwrap();
        let output = run(&mut sets, line, Time::EPOCH);
        let mut text = output.stdout + &output.stderr.replace("v7.22", "v7.17");
        if output.code != 0 {
            text.push_str(&format!("[exit {}]\n", output.code));
        }
        // What the kernel draws or how much memory it takes is not compared.
        let plain = |text: &str| -> Vec<String> {
            let lines = text.lines().filter(|line| !line.starts_with("Size in memory"));
            let mut lines: Vec<String> =
                lines.map(|line| line.split(" initval").next().unwrap_or("").to_string()).collect();
            // Members stand in the order of a hash.
            let members = lines.iter().position(|line| line == "Members:").map_or(0, |at| at + 1);
            if members > 0 {
                lines.get_mut(members..).unwrap().sort();
            }
            lines
        };
        assert_eq!(plain(&text), plain(answer), "{line}");
    }
}

#[test]
fn the_narrowest_entry_decides() {
    let mut sets = Ipsets::default();
    let text = "create n hash:net\nadd n 10.0.0.0/8\nadd n 10.1.0.0/16 nomatch\nadd n 10.1.2.0/24\n\
                create ip hash:ip\nadd ip 10.0.0.4/31\n\
                create a hash:ip,port\nadd a 10.96.0.1,tcp:443\nadd a 10.96.0.1,udp:53-54\n\
                create b hash:ip,port,ip\nadd b 10.244.1.2,tcp:80,10.244.1.2\n\
                create c hash:ip,port,net\nadd c 1.2.3.4,tcp:80,10.0.0.0/8\n\
                create d hash:net,net\nadd d 10.0.0.0/8,192.168.0.0/16\n\
                create e hash:net,port\nadd e 10.0.0.0/24,tcp:9\n\
                create p bitmap:port range 0-65535\nadd p 30080\n";
    let output = sets.command(&["restore"], text, Time::EPOCH, &|_| 0);
    assert_eq!(output.stderr, "");
    let (tcp, udp) = (Protocol::Tcp, Protocol::Udp);
    for (set, halves, protocol, source, destination, is_in) in [
        ("n", "src", tcp, "10.2.0.1:1", "1.1.1.1:1", true),
        ("n", "src", tcp, "10.1.9.1:1", "1.1.1.1:1", false),
        ("n", "src", tcp, "10.1.2.1:1", "1.1.1.1:1", true),
        ("n", "dst", tcp, "10.1.2.1:1", "1.1.1.1:1", false),
        ("ip", "dst", tcp, "1.1.1.1:1", "10.0.0.5:1", true),
        ("ip", "dst", tcp, "1.1.1.1:1", "10.0.0.6:1", false),
        ("a", "dst,dst", tcp, "1.1.1.1:1", "10.96.0.1:443", true),
        ("a", "dst,dst", udp, "1.1.1.1:1", "10.96.0.1:443", false),
        ("a", "dst,dst", udp, "1.1.1.1:1", "10.96.0.1:54", true),
        ("a", "dst,src", tcp, "1.1.1.1:443", "10.96.0.1:1", true),
        // With too few words nothing is in a set of pairs.
        ("a", "dst", tcp, "1.1.1.1:1", "10.96.0.1:443", false),
        ("b", "dst,dst,src", tcp, "10.244.1.2:5", "10.244.1.2:80", true),
        ("b", "dst,dst,src", tcp, "10.244.1.3:5", "10.244.1.2:80", false),
        ("c", "dst,dst,src", tcp, "10.9.9.9:5", "1.2.3.4:80", true),
        ("c", "dst,dst,src", tcp, "11.9.9.9:5", "1.2.3.4:80", false),
        ("d", "src,dst", tcp, "10.9.9.9:5", "192.168.3.4:80", true),
        ("d", "src,dst", tcp, "10.9.9.9:5", "192.169.3.4:80", false),
        ("e", "src,dst", tcp, "10.0.0.9:5", "192.169.3.4:9", true),
        ("e", "src,dst", tcp, "10.0.1.9:5", "192.169.3.4:9", false),
        ("p", "dst", udp, "10.0.1.9:5", "192.169.3.4:30080", true),
        ("p", "dst", Protocol::Icmp, "10.0.1.9:0", "192.169.3.4:30080", false),
    ] {
        let halves: Vec<Half> = halves.split(',').map(|half| Half::parse(half).unwrap()).collect();
        let packet = packet(protocol, source, destination);
        let found = sets.get(set).unwrap().matches(&packet, &halves, Time::EPOCH);
        assert_eq!(found, is_in, "{set} {halves:?} {source} {destination}");
    }
}

#[test]
fn entries_end() {
    let mut sets = Ipsets::default();
    for line in ["create t hash:ip timeout 10", "add t 10.0.0.1", "add t 10.0.0.2 timeout 0"] {
        assert_eq!(run(&mut sets, line, Time::EPOCH).stderr, "");
    }
    let later = Time::EPOCH + 4 * SECOND;
    assert!(
        run(&mut sets, "list t", later)
            .stdout
            .ends_with("Members:\n10.0.0.1 timeout 6\n10.0.0.2 timeout 0\n")
    );
    let end = Time::EPOCH + 10 * SECOND;
    assert!(run(&mut sets, "save t", end).stdout.ends_with("\nadd t 10.0.0.2 timeout 0\n"));
    assert_eq!(run(&mut sets, "test t 10.0.0.1", end).code, 1);
    assert_eq!(run(&mut sets, "add t 10.0.0.1", end).stderr, "");
}

#[test]
fn rules_ask_for_sets() {
    let mut iptables = Iptables::default();
    let words = |line: &str| line.split(' ').map(str::to_string).collect::<Vec<_>>();
    let command = |iptables: &mut Iptables, line: &str| {
        let words = words(line);
        iptables.command(&words.iter().map(String::as_str).collect::<Vec<_>>())
    };
    let missing = command(&mut iptables, "-A INPUT -m set --match-set s src,dst -j DROP");
    assert_eq!(
        (missing.stderr.as_str(), missing.code),
        (
            "iptables v1.8.11 (nf_tables): Set s doesn't exist.\n\nTry `iptables -h' or 'iptables --help' for \
             more information.\n",
            2
        )
    );
    assert_eq!(iptables.ipset(&["create", "s", "hash:ip,port"], "", Time::EPOCH).code, 0);
    let line = "-A INPUT -m set ! --match-set s src,dst -j DROP";
    assert_eq!(command(&mut iptables, line).stderr, "");
    let saved = iptables.save(Some(TableName::Filter), Counters::Hide, Time::EPOCH);
    assert!(saved.contains(&format!("\n{line}\n")));
    assert!(command(&mut iptables, "-L INPUT -n").stdout.ends_with(" ! match-set s src,dst\n"));
    let busy = iptables.ipset(&["destroy", "s"], "", Time::EPOCH);
    assert!(busy.stderr.ends_with("it is in use by a kernel component\n"));
    assert!(iptables.ipset(&["list", "s"], "", Time::EPOCH).stdout.contains("\nReferences: 1\n"));
    // What was saved is read again, where the sets are; elsewhere it is refused.
    iptables.restore(&saved, &mut RuleCache::default()).unwrap();
    let error = Iptables::default().restore(&saved, &mut RuleCache::default()).unwrap_err();
    assert!(error.message.starts_with("Set s doesn't exist."), "{error}");
}
