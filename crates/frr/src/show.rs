//! What `vtysh -c` and `ip route` print.

use crate::router::{Neighbour, Path, Router};
use network::Cidr;
use sim::{SECOND, Time};
use std::fmt::Write;
use std::net::Ipv4Addr;

/// What each neighbour takes of memory, in KiB, as the daemon reckons it.
const NEIGHBOUR_KIB: u64 = 724;
/// What each entry of the table takes, in bytes.
const ENTRY_BYTES: u64 = 192;
/// The communities that have names.
const NAMED: [(&str, &str); 4] = [
    ("65535:0", "graceful-shutdown"),
    ("65535:65281", "no-export"),
    ("65535:65282", "no-advertise"),
    ("65535:65283", "local-AS"),
];
const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// Returns how long ago something was.
// Models github.com/FRRouting/frr bgpd/bgpd.c peer_uptime
fn ago(now: Time, since: Time) -> String {
    let seconds = (now - since) / SECOND;
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3_600 % 24, seconds / 60 % 60);
    match seconds {
        0..86_400 => format!("{hours:02}:{minutes:02}:{:02}", seconds % 60),
        86_400..604_800 => format!("{days}d{hours:02}h{minutes:02}m"),
        _ => format!("{:02}w{}d{hours:02}h", days / 7, days % 7),
    }
}

fn date(at: Time) -> String {
    let (year, month, day, hour, minute, second) = at.civil();
    let of_week = at.unix_seconds().div_euclid(86_400).rem_euclid(7);
    let name = |names: &[&'static str], at: i64| names.get(at as usize).copied().unwrap_or("");
    let (weekday, month) = (name(&DAYS, of_week), name(&MONTHS, month - 1));
    format!("{weekday} {month} {day:>2} {hour:02}:{minute:02}:{second:02} {year}")
}

impl Router {
    /// Runs a command of `vtysh`.
    ///
    /// # Errors
    /// The words of `vtysh` for what it doesn't know.
    pub fn vtysh(&self, now: Time, command: &str) -> Result<String, String> {
        let words: Vec<&str> =
            command.split_whitespace().filter(|w| !matches!(*w, "ipv4" | "unicast")).collect();
        let words: Vec<&str> = match words.as_slice() {
            ["sh", rest @ ..] => [&["show"], rest].concat(),
            other => other.to_vec(),
        };
        Ok(match words.as_slice() {
            ["show", "ip", "bgp", "summary"] | ["show", "bgp", "summary"] => self.summary(now),
            ["show", "ip", "bgp"] | ["show", "bgp"] => self.table(),
            ["show", "ip", "bgp", prefix] | ["show", "bgp", prefix] => match self.find(prefix) {
                Some(prefix) => self.entry(now, prefix),
                None => "% Network not in table\n".to_string(),
            },
            ["show", "ip", "route"] => self.routes(now, true),
            ["show", "ip", "route", "bgp"] => self.routes(now, false),
            ["show", "bfd", "peers", "brief"] => self.bfd(),
            ["show", "running-config"] => self.configuration(),
            _ => return Err(format!("% Unknown command: {command}\n")),
        })
    }

    fn find(&self, text: &str) -> Option<Cidr> {
        let wanted = Cidr::parse(text)?;
        let longest = self.chosen.keys().filter(|prefix| prefix.contains(wanted.address()));
        let all = longest.filter(|prefix| !text.contains('/') || **prefix == wanted);
        all.max_by_key(|prefix| prefix.prefix()).copied()
    }

    // Models github.com/FRRouting/frr bgpd/bgp_vty.c bgp_show_summary
    fn summary(&self, now: Time) -> String {
        if self.neighbours.is_empty() {
            return "% No BGP neighbors found in VRF default\n".to_string();
        }
        let count = self.neighbours.len() as u64;
        let mut out = format!(
            "\nIPv4 Unicast Summary (VRF default):\nBGP router identifier {}, local AS number {} vrf-id 0\n\
             BGP table version {}\nRIB entries {}, using {} bytes of memory\nPeers {count}, using {} KiB of memory\n\n\
             Neighbor        V         AS   MsgRcvd   MsgSent   TblVer  InQ OutQ  Up/Down State/PfxRcd   PfxSnt Desc\n",
            self.address,
            self.asn,
            self.version,
            self.chosen.len(),
            self.chosen.len() as u64 * ENTRY_BYTES,
            count * NEIGHBOUR_KIB
        );
        for (address, one) in &self.neighbours {
            let state = if one.is_up { one.paths.len().to_string() } else { "Active".to_string() };
            let version = if one.is_up { self.version } else { 0 };
            let _ = writeln!(
                out,
                "{:<16}4 {:>10} {:>9} {:>9} {version:>8} {:>4} {:>4} {:>8} {state:>12} {:>8} N/A",
                address.to_string(),
                one.asn,
                one.received,
                one.sent,
                0,
                0,
                ago(now, one.since),
                0
            );
        }
        let _ = write!(out, "\nTotal number of neighbors {count}\n");
        out
    }

    /// Returns a prefix' paths, the best one first, and whether each is used.
    fn paths(&self, prefix: Cidr) -> Vec<(Ipv4Addr, &Neighbour, &Path, bool)> {
        let hops = self.chosen.get(&prefix).map_or(&[][..], |(_, hops, _)| hops.as_slice());
        let known = self
            .neighbours
            .iter()
            .filter_map(|(address, one)| Some((*address, one, one.paths.get(&prefix)?)));
        let mut all: Vec<_> =
            known.map(|(address, one, path)| (address, one, path, hops.contains(&address))).collect();
        all.sort_by_key(|(address, _, _, is_used)| (!is_used, *address));
        all
    }

    // Models github.com/FRRouting/frr bgpd/bgp_route.c bgp_show_table
    fn table(&self) -> String {
        if self.chosen.is_empty() {
            return "No BGP prefixes displayed, 0 exist\n".to_string();
        }
        let mut out = format!(
            "BGP table version is {}, local router ID is {}, vrf id 0\nDefault local pref 100, local AS {}\n\
             Status codes:  s suppressed, d damped, h history, * valid, > best, = multipath,\n               \
             i internal, r RIB-failure, S Stale, R Removed\n\
             Nexthop codes: @NNN nexthop's vrf id, < announce-nh-self\n\
             Origin codes:  i - IGP, e - EGP, ? - incomplete\n\
             RPKI validation codes: V valid, I invalid, N Not found\n\n   \
             Network          Next Hop            Metric LocPrf Weight Path\n",
            self.version, self.address, self.asn
        );
        let mut total = 0;
        for prefix in self.chosen.keys() {
            for (n, (address, one, path, is_used)) in self.paths(*prefix).into_iter().enumerate() {
                total += 1;
                let is_own = one.asn == self.asn;
                let mark = if n == 0 {
                    '>'
                } else if is_used {
                    '='
                } else {
                    ' '
                };
                let name = if n == 0 { prefix.to_string() } else { String::new() };
                let preference =
                    if is_own { self.preference(one, &path.route).to_string() } else { String::new() };
                let system = if is_own { String::new() } else { format!("{} ", one.asn) };
                let _ = writeln!(
                    out,
                    "*{mark}{}{name:<16} {:<20}{:>6} {preference:>6} {:>6} {system}i",
                    if is_own { 'i' } else { ' ' },
                    address.to_string(),
                    "",
                    0
                );
            }
        }
        let _ = write!(out, "\nDisplayed  {} routes and {total} total paths\n", self.chosen.len());
        out
    }

    // Models github.com/FRRouting/frr bgpd/bgp_route.c route_vty_out_detail
    fn entry(&self, now: Time, prefix: Cidr) -> String {
        let paths = self.paths(prefix);
        let version = self.chosen.get(&prefix).map_or(0, |(_, _, version)| *version);
        let mut out = format!(
            "BGP routing table entry for {prefix}, version {version}\nPaths: ({} available, best #1, table default)\n  \
             Not advertised to any peer\n",
            paths.len()
        );
        let many = paths.iter().filter(|(_, _, _, is_used)| *is_used).count() > 1;
        for (n, (address, one, path, is_used)) in paths.into_iter().enumerate() {
            let is_own = one.asn == self.asn;
            let system = if is_own { "Local".to_string() } else { one.asn.to_string() };
            let preference = match is_own {
                true => format!(" localpref {},", self.preference(one, &path.route)),
                false => String::new(),
            };
            let kind = if is_own { "internal" } else { "external" };
            let multipath = if many && is_used { ", multipath" } else { "" };
            let best = match (n, many) {
                (0, true) => ", best (Router ID)",
                (0, false) => ", best (First path received)",
                _ => "",
            };
            let _ = writeln!(
                out,
                "  {system}\n    {address} from {address} ({})\n      Origin IGP,{preference} valid, {kind}{multipath}{best}",
                one.router_id
            );
            if !path.route.communities.is_empty() {
                let name = |text: &str| {
                    NAMED
                        .iter()
                        .find(|(number, _)| *number == text)
                        .map_or(text.to_string(), |(_, n)| (*n).to_string())
                };
                let names: Vec<String> = path.route.communities.iter().map(|one| name(one)).collect();
                let _ = writeln!(out, "      Community: {}", names.join(" "));
            }
            let _ = writeln!(out, "      Last update: {}", date(path.since.min(now)));
        }
        out
    }

    // Models github.com/FRRouting/frr zebra/zebra_vty.c vty_show_ip_route
    fn routes(&self, now: Time, all: bool) -> String {
        let mut out = String::from(
            "Codes: K - kernel route, C - connected, L - local, S - static,\n       R - RIP, O - OSPF, I - IS-IS, B - BGP, \
             E - EIGRP, N - NHRP,\n       T - Table, v - VNC, V - VNC-Direct, A - Babel, F - PBR,\n       f - OpenFabric, \
             t - Table-Direct,\n       > - selected route, * - FIB route, q - queued, r - rejected, b - backup\n       \
             t - trapped, o - offload failure\n\n",
        );
        let mut lines: Vec<(Cidr, String)> = Vec::new();
        if all {
            let up = ago(now, self.began);
            lines.push((self.segment, format!("C>* {} is directly connected, eth0, {up}\n", self.segment)));
        }
        for (prefix, (since, hops, _)) in &self.chosen {
            let first = hops.first().and_then(|hop| self.neighbours.get(hop));
            let distance = if first.is_some_and(|one| one.asn == self.asn) { 200 } else { 20 };
            let head = format!("B>* {prefix} [{distance}/0]");
            let mut text = String::new();
            for (n, hop) in hops.iter().enumerate() {
                let head =
                    if n == 0 { head.clone() } else { format!("{:<width$}", "  *", width = head.len()) };
                let _ = writeln!(text, "{head} via {hop}, eth0, weight 1, {}", ago(now, *since));
            }
            lines.push((*prefix, text));
        }
        lines.sort();
        lines.iter().for_each(|(_, text)| out.push_str(text));
        out
    }

    // Models github.com/FRRouting/frr bfdd/bfdd_vty.c _display_peers_brief
    fn bfd(&self) -> String {
        let peers: Vec<_> = self.neighbours.iter().filter(|(_, one)| one.detect > 0).collect();
        let mut out = format!(
            "Session count: {}\nSessionId  LocalAddress                             PeerAddress                             Status\n\
             =========  ============                             ===========                             ======\n",
            peers.len()
        );
        for (n, (address, one)) in peers.into_iter().enumerate() {
            let state = if one.is_up && one.dies_at.is_none() { "up" } else { "down" };
            let _ = writeln!(
                out,
                "{:<10} {:<40} {:<40}{state}",
                n + 1,
                self.address.to_string(),
                address.to_string()
            );
        }
        out
    }

    fn configuration(&self) -> String {
        let mut out = format!(
            "Building configuration...\n\nCurrent configuration:\n!\nfrr defaults traditional\nhostname {}\n!\nrouter bgp {}\n \
             no bgp ebgp-requires-policy\n",
            crate::NAME,
            self.asn
        );
        for (address, one) in &self.neighbours {
            let _ = writeln!(out, " neighbor {address} remote-as {}", one.asn);
            if one.detect > 0 {
                let _ = writeln!(out, " neighbor {address} bfd");
            }
        }
        out.push_str("exit\n!\nend\n");
        out
    }

    /// Returns the router's routes as `ip route` prints them, but for its own segment.
    // Models iproute2 ip/iproute.c print_route
    pub fn ip_routes(&self) -> Vec<String> {
        let route = |(prefix, (_, hops, version)): (&Cidr, &(Time, Vec<Ipv4Addr>, u64))| {
            let to = if prefix.prefix() == 32 { prefix.address().to_string() } else { prefix.to_string() };
            let id = 20 + version;
            match hops.as_slice() {
                [only] => format!("{to} nhid {id} via {only} dev eth0 proto bgp metric 20"),
                hops => {
                    let mut text = format!("{to} nhid {id} proto bgp metric 20");
                    for hop in hops {
                        let _ = write!(text, " \n\tnexthop via {hop} dev eth0 weight 1");
                    }
                    text
                }
            }
        };
        self.chosen.iter().map(route).collect()
    }
}
