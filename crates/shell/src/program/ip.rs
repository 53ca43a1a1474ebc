//! ip as iproute2 prints, and as busybox does.

use super::simple::Ended;
use super::{Io, Program};
use crate::place::{Facts, Interface, Neighbour};
use std::net::Ipv4Addr;

/// `ip`
pub(super) fn ip(argv: &[String], io: &mut Io) -> Program {
    let facts = io.host.facts(&io.state.place);
    let is_flag = |word: &&String| word.starts_with('-');
    let brief = argv.iter().skip(1).take_while(is_flag).any(|word| word == "-br" || word == "-brief");
    let details = argv.iter().skip(1).take_while(is_flag).any(|word| word == "-d" || word == "-details");
    let words: Vec<&str> = argv.iter().skip(1).filter(|word| !is_flag(word)).map(String::as_str).collect();
    let object = words.first().copied().unwrap_or("");
    let about = |full: &str| !object.is_empty() && full.starts_with(object);
    // `show`, `list` and `dev` say what is done anyway; what is left names an interface.
    let named = words
        .iter()
        .skip(1)
        .find(|word| !matches!(**word, "show" | "list" | "sh" | "s" | "l" | "ls" | "dev"));
    let all = facts.interfaces.iter().enumerate();
    let shown =
        all.filter(|(_, interface)| named.is_none_or(|name| interface.name.split('@').next() == Some(name)));
    let is_busybox = io.state.is_busybox;
    if about("address") || about("link") {
        let style = Style { has_addresses: about("address"), brief, details, is_busybox };
        let text: String = shown
            .map(|(i, interface)| match interface.index {
                0 => style.interface(i as u32 + 1, interface),
                index => style.interface(index, interface),
            })
            .collect();
        return match named {
            Some(name) if text.is_empty() => Ended::failed(&format!("Device \"{name}\" does not exist."), 1),
            _ => Ended::printed(&text),
        };
    }
    if about("route") && words.get(1) == Some(&"get") {
        return match words.get(2).map(|word| word.parse()) {
            Some(Ok(to)) => match route_to(&facts, to) {
                Some(route) if is_busybox => Ended::printed(&format!("{route} \n")),
                Some(route) => Ended::printed(&format!("{route} uid 0 \n    cache \n")),
                None => Ended::failed("RTNETLINK answers: Network is unreachable", 2),
            },
            Some(Err(_)) => {
                let what = if is_busybox {
                    "ip: invalid argument"
                } else {
                    "Error: any valid prefix is expected rather than"
                };
                Ended::failed(&format!("{what} \"{}\".", words.get(2).unwrap_or(&"")), 1)
            }
            None => Ended::failed("need at least a destination address", 1),
        };
    }
    if about("route") {
        return Ended::printed(&facts.routes.iter().map(|route| format!("{route} \n")).collect::<String>());
    }
    if about("neighbour") || about("neighbor") {
        return Ended::printed(&facts.neighbours.iter().map(neighbour).collect::<String>());
    }
    match object {
        "" => Ended::failed(
            "Usage: ip [ OPTIONS ] OBJECT { COMMAND | help }\n# kubarium: of its objects there are address, link, route and neigh",
            255,
        ),
        object => Ended::failed(
            &format!(
                "Object \"{object}\" is unknown, try \"ip help\".\n# kubarium: of its objects there are address, link, route and neigh"
            ),
            1,
        ),
    }
}

/// Returns the way to an address as a machine's routes have it: its own, the narrowest network's, the default one.
fn route_to(facts: &Facts, to: Ipv4Addr) -> Option<String> {
    let own = |interface: &Interface| -> Option<Ipv4Addr> {
        interface.address.split(' ').next()?.split('/').next()?.parse().ok()
    };
    if to.is_loopback() || facts.interfaces.iter().any(|interface| own(interface) == Some(to)) {
        return Some(format!("local {to} dev lo src {to}"));
    }
    let prefix = |network: &str| -> Option<(u32, u8)> {
        let (base, bits) = network.split_once('/').unwrap_or((network, "32"));
        Some((u32::from(base.parse::<Ipv4Addr>().ok()?), bits.parse().ok()?))
    };
    let width = |route: &&String| -> Option<u8> {
        let network = route.split(' ').next()?;
        if network == "default" {
            return Some(0);
        }
        let (base, bits) = prefix(network)?;
        let mask = u32::MAX.checked_shl(32 - u32::from(bits)).unwrap_or(0);
        (u32::from(to) & mask == base & mask).then_some(bits)
    };
    let best = facts.routes.iter().filter(|route| width(route).is_some()).max_by_key(width)?;
    let words: Vec<&str> = best.split(' ').collect();
    let after =
        |name: &str| words.iter().position(|word| *word == name).and_then(|at| words.get(at + 1)).copied();
    let device = after("dev")?;
    let is_device = |interface: &&Interface| interface.name.split('@').next() == Some(device);
    let source = facts.interfaces.iter().find(is_device).and_then(own)?;
    let via = after("via").map(|via| format!(" via {via}")).unwrap_or_default();
    Some(format!("{to}{via} dev {device} src {source}"))
}

fn neighbour(neighbour: &Neighbour) -> String {
    if !neighbour.behind.is_empty() {
        return format!("{} dev flannel.1 lladdr {} PERMANENT \n", neighbour.address, neighbour.mac);
    }
    let state = if neighbour.is_fresh { "REACHABLE" } else { "STALE" };
    format!("{} dev eth0 lladdr {} {state} \n", neighbour.address, neighbour.mac)
}

/// How interfaces are shown.
struct Style {
    has_addresses: bool,
    brief: bool,
    details: bool,
    is_busybox: bool,
}

impl Style {
    fn interface(&self, number: u32, interface: &Interface) -> String {
        let Interface { name, address, mac, master, .. } = interface;
        let is_loopback = name == "lo";
        // A device that only holds addresses: nothing is sent by it.
        let is_dummy = name == "kube-ipvs0";
        let is_overlay = !interface.details.is_empty();
        let state = if is_dummy {
            "DOWN"
        } else if is_loopback || is_overlay {
            "UNKNOWN"
        } else {
            "UP"
        };
        let flags = if is_dummy {
            "BROADCAST,NOARP"
        } else if is_loopback {
            "LOOPBACK,UP,LOWER_UP"
        } else {
            "BROADCAST,MULTICAST,UP,LOWER_UP"
        };
        if self.brief {
            let tail = if self.has_addresses { address.clone() } else { format!("{mac} <{flags}>") };
            return format!("{name:<16} {state:<14} {tail} \n");
        }
        let master = if master.is_empty() { String::new() } else { format!(" master {master}") };
        let mtu = if is_loopback {
            65_536
        } else if is_overlay {
            1_450
        } else {
            1_500
        };
        let tail = match (self.is_busybox, is_loopback) {
            (true, true) => "qdisc noqueue qlen 1000".to_string(),
            (true, false) => "qdisc noqueue ".to_string(),
            (false, _) if is_overlay => "qdisc noqueue state UNKNOWN group default ".to_string(),
            (false, _) if is_dummy => "qdisc noop state DOWN group default ".to_string(),
            (false, _) => format!("qdisc noqueue{master} state {state} group default qlen 1000"),
        };
        let (link, broadcast) = match is_loopback {
            true => ("loopback", "00:00:00:00:00:00"),
            false => ("ether", "ff:ff:ff:ff:ff:ff"),
        };
        let mut out =
            format!("{number}: {name}: <{flags}> mtu {mtu} {tail}\n    link/{link} {mac} brd {broadcast}\n");
        if self.details && is_overlay {
            // Models misc/iplink_vxlan.c vxlan_print_opt
            out.truncate(out.trim_end().len());
            out.push_str(&format!(
                " promiscuity 0 minmtu 68 maxmtu 65535 \n    {} ttl auto ageing 300 udpcsum noudp6zerocsumtx noudp6zerocsumrx \n",
                interface.details
            ));
        }
        if !self.has_addresses || address.is_empty() {
            return out;
        }
        let plain = name.split('@').next().unwrap_or(name);
        for address in address.split(' ') {
            let scope = match is_loopback {
                true => "scope host".to_string(),
                false if is_dummy || is_overlay => "scope global".to_string(),
                false => format!("brd {} scope global", last_address(address)),
            };
            out.push_str(&format!(
                "    inet {address} {scope} {plain}\n       valid_lft forever preferred_lft forever\n"
            ));
        }
        out
    }
}

/// Returns the last address of a network: `10.244.1.255` of `10.244.1.5/24`.
pub(super) fn last_address(text: &str) -> String {
    let (address, prefix) = text.split_once('/').unwrap_or((text, "24"));
    let (Ok(address), Ok(prefix)) = (address.parse::<std::net::Ipv4Addr>(), prefix.parse::<u32>()) else {
        return String::new();
    };
    let hosts = u32::MAX.checked_shr(prefix).unwrap_or(0);
    std::net::Ipv4Addr::from(u32::from(address) | hosts).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_a_networks_end() {
        for (text, last) in [("10.244.1.5/24", "10.244.1.255"), ("10.0.0.1/8", "10.255.255.255"), ("x", "")] {
            assert_eq!(last_address(text), last);
        }
    }
}
