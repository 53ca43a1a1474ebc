//! arp, route, ifconfig and bridge, which print what a machine knows, and arping.

use super::options::Known;
use super::simple::Ended;
use super::{Io, Program, Progress};
use crate::job::Block;
use crate::place::{Facts, Interface};
use sim::{MILLISECOND, SECOND, Time};
use std::net::Ipv4Addr;

/// `arp`
pub(super) fn arp(_argv: &[String], io: &mut Io) -> Program {
    let facts = io.host.facts(&io.state.place);
    let lines = facts.neighbours.iter().map(|one| match (io.state.is_busybox, one.behind.is_empty()) {
        (true, _) => format!("? ({}) at {} [ether]  on eth0\n", one.address, one.mac),
        (_, true) => format!("{:<24} ether   {:<19} C                     eth0\n", one.address, one.mac),
        (_, false) => {
            format!("{:<24} ether   {:<19} CM                    flannel.1\n", one.address, one.mac)
        }
    });
    let lines: String = lines.collect();
    let head = "Address                  HWtype  HWaddress           Flags Mask            Iface\n";
    Ended::printed(&if io.state.is_busybox || lines.is_empty() { lines } else { format!("{head}{lines}") })
}

/// `route`
pub(super) fn route(_argv: &[String], io: &mut Io) -> Program {
    let facts = io.host.facts(&io.state.place);
    let mut out = "Kernel IP routing table\nDestination     Gateway         Genmask         Flags Metric Ref    Use Iface\n".to_string();
    for line in &facts.routes {
        let words: Vec<&str> = line.split_whitespace().collect();
        let after = |word: &str| {
            words.iter().position(|one| *one == word).and_then(|at| words.get(at + 1)).copied().unwrap_or("")
        };
        let (to, prefix) = match words.first().copied().unwrap_or("") {
            "default" => ("0.0.0.0", 0),
            network => {
                let (to, prefix) = network.split_once('/').unwrap_or((network, "32"));
                (to, prefix.parse().unwrap_or(32))
            }
        };
        let (gateway, flags) = match after("via") {
            "" => ("0.0.0.0", "U"),
            gateway => (gateway, "UG"),
        };
        let mask = Ipv4Addr::from(u32::MAX.checked_shl(32_u32.saturating_sub(prefix)).unwrap_or(0));
        out.push_str(&format!(
            "{to:<15} {gateway:<15} {:<15} {flags:<5} 0      0        0 {}\n",
            mask.to_string(),
            after("dev")
        ));
    }
    Ended::printed(&out)
}

/// `ifconfig`
pub(super) fn ifconfig(_argv: &[String], io: &mut Io) -> Program {
    let facts = io.host.facts(&io.state.place);
    let mut shown: Vec<&Interface> = facts.interfaces.iter().collect();
    shown.sort_by_key(|one| one.name == "lo");
    Ended::printed(&shown.into_iter().map(|one| interface(one, io.state.is_busybox)).collect::<String>())
}

fn interface(one: &Interface, is_busybox: bool) -> String {
    let name = one.name.split('@').next().unwrap_or("");
    let (address, prefix) = one.address.split_once('/').unwrap_or(("", "24"));
    let prefix: u32 = prefix.parse().unwrap_or(24);
    let mask = Ipv4Addr::from(u32::MAX.checked_shl(32_u32.saturating_sub(prefix)).unwrap_or(0));
    let last = super::ip::last_address(&one.address);
    let mac = one.mac.to_uppercase();
    match (is_busybox, name == "lo") {
        (true, true) => "lo        Link encap:Local Loopback  \n          inet addr:127.0.0.1  Mask:255.0.0.0\n          UP LOOPBACK RUNNING  MTU:65536  Metric:1\n\n".to_string(),
        (true, false) => format!(
            "{name:<9} Link encap:Ethernet  HWaddr {mac}  \n          inet addr:{address}  Bcast:{last}  Mask:{mask}\n          UP BROADCAST RUNNING MULTICAST  MTU:1500  Metric:1\n\n"
        ),
        (false, true) => "lo: flags=73<UP,LOOPBACK,RUNNING>  mtu 65536\n        inet 127.0.0.1  netmask 255.0.0.0\n        loop  txqueuelen 1000  (Local Loopback)\n\n".to_string(),
        (false, false) if address.is_empty() => format!(
            "{name}: flags=4163<UP,BROADCAST,RUNNING,MULTICAST>  mtu 1500\n        ether {}  txqueuelen 0  (Ethernet)\n\n",
            one.mac
        ),
        (false, false) => format!(
            "{name}: flags=4163<UP,BROADCAST,RUNNING,MULTICAST>  mtu 1500\n        inet {address}  netmask {mask}  broadcast {last}\n        ether {}  txqueuelen 0  (Ethernet)\n\n",
            one.mac
        ),
    }
}

/// `bridge link`, `bridge fdb`
pub(super) fn bridge(argv: &[String], io: &mut Io) -> Program {
    let facts = io.host.facts(&io.state.place);
    let object = argv.get(1).map_or("", String::as_str);
    let ports = |facts: &Facts| -> Vec<Interface> {
        facts.interfaces.iter().filter(|one| !one.master.is_empty()).cloned().collect()
    };
    let about = |full: &str| !object.is_empty() && full.starts_with(object);
    let lines: String = if about("link") {
        ports(&facts)
            .iter()
            .map(|one| {
                format!(
                    "{}: {}: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 master {} state forwarding priority 32 cost 2 \n",
                    one.index, one.name, one.master
                )
            })
            .collect()
    } else if about("fdb") {
        let named =
            argv.iter().position(|word| word == "dev" || word == "br").and_then(|at| argv.get(at + 1));
        let is_shown = |name: &str| named.is_none_or(|named| named == name);
        let ports = ports(&facts);
        let ports = ports.iter().filter_map(|one| {
            let name = one.name.split('@').next().unwrap_or("");
            let is_it = is_shown(name) || is_shown(&one.master);
            is_it.then(|| format!("{} dev {name} master {} permanent\n", one.mac, one.master))
        });
        let ends = facts.neighbours.iter().filter(|one| !one.behind.is_empty());
        let ends = ends.map(|one| match named {
            Some(_) => format!("{} dst {} self permanent\n", one.mac, one.behind),
            None => format!("{} dev flannel.1 dst {} self permanent\n", one.mac, one.behind),
        });
        ports.chain(ends.filter(|_| is_shown("flannel.1"))).collect()
    } else {
        return Ended::failed(
            "Usage: bridge [ OPTIONS ] OBJECT { COMMAND | help }\n# kubarium: of its objects there are link and fdb",
            255,
        );
    };
    Ended::printed(&lines)
}

/// arping
#[derive(Clone, Debug)]
pub(crate) struct Arping {
    address: String,
    count: Option<u64>,
    sent: u64,
    received: u64,
    next: Time,
}

/// `arping`
pub(super) fn arping(argv: &[String], io: &mut Io) -> Program {
    let known = Known { name: "arping", plain: "fqbDUA", valued: "cwIs", long: &[], code: 2 };
    let given = match known.read(argv.get(1..).unwrap_or_default()) {
        Ok(given) => given,
        Err(error) => return Ended::failed(&error, 2),
    };
    let Some(address) = given.args.first().filter(|text| super::fetch::is_address(text)) else {
        return Ended::failed("# kubarium: say which address of the segment: arping -c 2 10.64.140.12", 2);
    };
    let count = if given.has('f') { Some(1) } else { given.value('c').and_then(|text| text.parse().ok()) };
    let facts = io.host.facts(&io.state.place);
    let own = facts.address();
    io.out(&format!("ARPING {address} from {own} eth0\n"));
    let (address, next) = (address.clone(), io.host.now());
    Program::Arping(Box::new(Arping { address, count, sent: 0, received: 0, next }))
}

impl Arping {
    /// Asks once a second.
    pub fn step(&mut self, io: &mut Io) -> Progress {
        let now = io.host.now();
        if now < self.next {
            return Progress::Wait(Block::Time(self.next));
        }
        if self.count.is_some_and(|count| self.sent >= count) {
            self.summary(io);
            return Progress::Done(i32::from(self.received == 0));
        }
        self.sent += 1;
        if let Some(mac) = io.host.who_has(&io.state.place, &self.address) {
            self.received += 1;
            let micros = 600 + (now.0 / MILLISECOND + self.sent as i64 * 37) % 300;
            let address = &self.address;
            let mac = mac.to_uppercase();
            io.out(&format!("Unicast reply from {address} [{mac}]  0.{micros:03}ms\n"));
        }
        self.next = now + SECOND;
        Progress::More
    }

    fn summary(&self, io: &mut Io) {
        let (sent, received) = (self.sent, self.received);
        let broadcasts = if received > 0 { 1 } else { sent };
        io.out(&format!("Sent {sent} probes ({broadcasts} broadcast(s))\nReceived {received} response(s)\n"));
    }

    /// Ends it with its sums, as Ctrl-C does.
    pub fn interrupt(&mut self, io: &mut Io) {
        self.summary(io);
    }
}
