//! The command `ipvsadm`.

use super::{DESTINATIONS, Destination, Ipvs, SERVICES, Scheduler, ServerKey, Stats, VirtualServer, load};
use crate::conntrack::{Conntrack, TrackState};
use crate::iptables::Output;
use crate::{Protocol, Socket};
use sim::{Nanos, SECOND, Time};
use std::fmt::Write;

/// How long a client stays where `-p` names no time, in seconds.
const PERSISTENCE: u32 = 300;
/// The size of the kernel's table of connections, which the list's first line names.
const TABLE_SIZE: u32 = 4_096;

/// The words of one command, sorted.
#[derive(Default)]
struct Call<'a> {
    command: &'static str,
    server: Option<ServerKey>,
    real: Option<Socket>,
    scheduler: Option<Scheduler>,
    persistence: Option<u32>,
    weight: Option<u32>,
    stats: bool,
    connections: bool,
    exact: bool,
    other: Option<&'a str>,
}

const COMMANDS: [(&str, &str); 12] = [
    ("-A", "--add-service"),
    ("-E", "--edit-service"),
    ("-D", "--delete-service"),
    ("-C", "--clear"),
    ("-R", "--restore"),
    ("-S", "--save"),
    ("-a", "--add-server"),
    ("-e", "--edit-server"),
    ("-d", "--delete-server"),
    ("-L", "--list"),
    ("-Z", "--zero"),
    ("-v", "--version"),
];

fn socket(text: &str) -> Option<Socket> {
    let (address, port) = text.split_once(':')?;
    Some(Socket::new(address.parse().ok()?, port.parse().ok()?))
}

impl<'a> Call<'a> {
    fn read(words: &[&'a str]) -> Result<Call<'a>, String> {
        let mut call = Call::default();
        let mut at = 0;
        while let Some(word) = words.get(at) {
            at += 1;
            let value = words.get(at).copied().unwrap_or("");
            if let Some((short, _)) = COMMANDS.iter().find(|(short, long)| word == short || word == long) {
                call.command = short;
                continue;
            }
            match *word {
                "-t" | "--tcp-service" | "-u" | "--udp-service" | "--sctp-service" => {
                    let protocol = match *word {
                        "-t" | "--tcp-service" => Protocol::Tcp,
                        "-u" | "--udp-service" => Protocol::Udp,
                        _ => Protocol::Sctp,
                    };
                    let bad = || "illegal virtual server address[:port] specified".to_string();
                    call.server = Some((protocol, socket(value).ok_or_else(bad)?));
                    at += 1;
                }
                "-r" | "--real-server" => {
                    let bad = || "illegal real server address[:port] specified".to_string();
                    call.real = Some(socket(value).ok_or_else(bad)?);
                    at += 1;
                }
                "-s" | "--scheduler" => {
                    let bad = || "Scheduler not found: ip_vs_".to_string() + value + ".ko";
                    call.scheduler = Some(Scheduler::parse(value).ok_or_else(bad)?);
                    at += 1;
                }
                "-p" | "--persistent" => {
                    let seconds = value.parse().ok();
                    at += usize::from(seconds.is_some());
                    call.persistence = Some(seconds.unwrap_or(PERSISTENCE));
                }
                "-w" | "--weight" => {
                    let bad = || "illegal weight specified".to_string();
                    let weight = value.parse::<u32>().ok().filter(|weight| *weight <= 65_535);
                    call.weight = Some(weight.ok_or_else(bad)?);
                    at += 1;
                }
                "-m" | "--masquerading" | "-n" | "--numeric" | "--sort" | "--nosort" | "--rate" => {}
                "-g" | "--gatewaying" | "-i" | "--ipip" => {
                    return Err("# kubarium: real servers are reached by masquerading here: -m".to_string());
                }
                "-l" => call.command = "-L",
                "--stats" => call.stats = true,
                "-c" | "--connection" => call.connections = true,
                "--exact" => call.exact = true,
                // Letters written together, such as -Ln and -Lnc.
                word if call.flags(word) => {}
                word => call.other = Some(word),
            }
        }
        match call.other {
            Some(word) => Err(format!("ipvsadm: unexpected argument {word}")),
            None => Ok(call),
        }
    }

    fn flags(&mut self, word: &str) -> bool {
        let Some(letters) = word.strip_prefix('-').filter(|letters| letters.len() > 1) else { return false };
        let is_list = letters.chars().all(|letter| "LlnSc".contains(letter));
        if is_list {
            self.command = if letters.contains('S') { "-S" } else { "-L" };
            self.connections |= letters.contains('c');
        }
        is_list
    }
}

impl Ipvs {
    /// Runs `ipvsadm` with these words, its own name left out; without any it lists.
    pub fn command(&mut self, words: &[&str], stdin: &str, conntrack: &Conntrack, now: Time) -> Output {
        let result = Call::read(words).and_then(|call| match call.command {
            "-R" => self.restore(stdin),
            "-S" => Ok(self.save()),
            "-v" => Ok("ipvsadm v1.31 2019/12/24 (compiled with popt and IPVS v1.2.1)\n".to_string()),
            "" | "-L" if call.connections => Ok(self.list_connections(conntrack, now)),
            "" | "-L" => self.list(&call, conntrack, now),
            _ => self.change(&call).map(|()| String::new()),
        });
        match result {
            Ok(stdout) => Output { stdout, ..Output::default() },
            Err(message) => Output { stderr: format!("{message}\n"), code: 1, ..Output::default() },
        }
    }

    /// Does what each line says, as `ipvsadm -S` prints them.
    ///
    /// # Errors
    /// What is wrong with the first line that can't be done; those before it have taken effect.
    pub fn restore(&mut self, text: &str) -> Result<String, String> {
        for line in text.lines() {
            let words: Vec<&str> = line.split_whitespace().collect();
            if !words.is_empty() {
                let call = Call::read(&words)?;
                self.change(&call)?;
            }
        }
        Ok(String::new())
    }

    fn change(&mut self, call: &Call) -> Result<(), String> {
        if call.command == "-C" {
            self.servers.clear();
            self.templates.clear();
            return Ok(());
        }
        if call.command == "-Z" && call.server.is_none() {
            self.servers.values_mut().for_each(VirtualServer::zero);
            return Ok(());
        }
        let key = call.server.ok_or("you need to supply the 'service-address' option")?;
        match call.command {
            "-A" => {
                if self.servers.contains_key(&key) {
                    return Err("Service already exists".to_string());
                }
                if self.servers.len() >= SERVICES {
                    return Err("Memory allocation problem".to_string());
                }
                let scheduler = call.scheduler.unwrap_or(Scheduler::WeightedLeastConnection);
                self.servers.insert(key, VirtualServer::new(scheduler, call.persistence.unwrap_or(0)));
                return Ok(());
            }
            "-D" => {
                self.templates.retain(|(_, other), _| *other != key);
                return self.servers.remove(&key).map(|_| ()).ok_or_else(|| "No such service".to_string());
            }
            _ => {}
        }
        let server = self.servers.get_mut(&key).ok_or("Service not defined")?;
        match call.command {
            "-E" => {
                server.scheduler = call.scheduler.unwrap_or(Scheduler::WeightedLeastConnection);
                server.persistence_seconds = call.persistence.unwrap_or(0);
                Ok(())
            }
            "-Z" => {
                server.zero();
                Ok(())
            }
            _ => server.change(call),
        }
    }

    /// Returns what `ipvsadm -S -n` prints.
    fn save(&self) -> String {
        let mut out = String::new();
        for (key, server) in &self.servers {
            let _ = writeln!(out, "-A {} {}", service_words(*key), server.words());
            for one in server.sorted() {
                let _ = writeln!(out, "-a {} -r {} -m -w {}", service_words(*key), one.socket, one.weight);
            }
        }
        out
    }

    fn list(&self, call: &Call, conntrack: &Conntrack, now: Time) -> Result<String, String> {
        if call.server.is_some_and(|key| !self.servers.contains_key(&key)) {
            return Err("No such service".to_string());
        }
        let mut out = format!("IP Virtual Server version 1.2.1 (size={TABLE_SIZE})\n");
        out.push_str(if call.stats {
            "Prot LocalAddress:Port               Conns   InPkts  OutPkts  InBytes OutBytes\n  -> RemoteAddress:Port\n"
        } else {
            "Prot LocalAddress:Port Scheduler Flags\n  -> RemoteAddress:Port           Forward Weight ActiveConn InActConn\n"
        });
        for (key, server) in self.servers.iter().filter(|(key, _)| call.server.is_none_or(|one| one == **key))
        {
            let name = format!("{:<4} {}", key.0.name().to_uppercase(), key.1);
            if call.stats {
                let _ = writeln!(out, "{name:<33}{}", counts(&server.stats, call.exact));
            } else {
                let persistent = match server.persistence_seconds {
                    0 => String::new(),
                    seconds => format!(" persistent {seconds}"),
                };
                let _ = writeln!(out, "{name} {}{persistent}", server.scheduler.name());
            }
            for one in server.sorted() {
                let name = one.socket.to_string();
                let _ = if call.stats {
                    writeln!(out, "  -> {name:<28}{}", counts(&one.stats, call.exact))
                } else {
                    let (active, inactive) = load(conntrack, now, *key, one.socket);
                    writeln!(out, "  -> {name:<28} Masq    {:<6} {active:<10} {inactive:<10}", one.weight)
                };
            }
        }
        Ok(out)
    }

    fn list_connections(&self, conntrack: &Conntrack, now: Time) -> String {
        let mut out = String::from(
            "IPVS connection entries\npro expire state       source             virtual            destination\n",
        );
        for one in conntrack.connections(now) {
            let key = (one.original.protocol, one.original.destination);
            let (state, keep) = state(key.0, one.state);
            let left = (one.last_packet() + keep - now) / SECOND;
            if left < 0 || !self.servers.contains_key(&key) {
                continue;
            }
            let name = key.0.name().to_uppercase();
            let (client, asked) = (one.original.source.to_string(), key.1.to_string());
            let _ = writeln!(
                out,
                "{name:<3} {:02}:{:02}  {state:<11} {client:<18} {asked:<18} {}",
                left / 60,
                left % 60,
                one.reply.source
            );
        }
        out
    }
}

/// Returns the name of a connection's state, and how long IPVS keeps one that is in it.
// Models net/netfilter/ipvs/ip_vs_proto_tcp.c tcp_timeouts, ip_vs_proto_udp.c udp_timeouts
fn state(protocol: Protocol, state: TrackState) -> (&'static str, Nanos) {
    match (protocol, state) {
        (Protocol::Udp, _) => ("UDP", 300 * SECOND),
        (_, TrackState::Unreplied) => ("SYN_RECV", 60 * SECOND),
        (_, TrackState::Established) => ("ESTABLISHED", 900 * SECOND),
        (_, TrackState::TimeWait) => ("TIME_WAIT", 120 * SECOND),
        (_, TrackState::Close) => ("CLOSE", 10 * SECOND),
    }
}

fn service_words((protocol, socket): ServerKey) -> String {
    let option = match protocol {
        Protocol::Udp => "-u",
        Protocol::Sctp => "--sctp-service",
        _ => "-t",
    };
    format!("{option} {socket}")
}

impl VirtualServer {
    /// Returns the words for `-A`: `-s rr -p 10800`.
    fn words(&self) -> String {
        match self.persistence_seconds {
            0 => format!("-s {}", self.scheduler.name()),
            seconds => format!("-s {} -p {seconds}", self.scheduler.name()),
        }
    }

    fn sorted(&self) -> Vec<&Destination> {
        let mut list: Vec<&Destination> = self.destinations.iter().collect();
        list.sort_by_key(|one| one.socket);
        list
    }

    fn zero(&mut self) {
        self.stats = Stats::default();
        self.destinations.iter_mut().for_each(|one| one.stats = Stats::default());
    }

    fn change(&mut self, call: &Call) -> Result<(), String> {
        let socket = call.real.ok_or("you need to supply the 'real-server' option")?;
        let place = self.destinations.iter().position(|one| one.socket == socket);
        let weight = call.weight.unwrap_or(1);
        match (call.command, place) {
            ("-a", Some(_)) => return Err("Destination already exists".to_string()),
            ("-a", None) if self.destinations.len() >= DESTINATIONS => {
                return Err("Memory allocation problem".to_string());
            }
            ("-a", None) => {
                self.destinations.insert(0, Destination { socket, weight, stats: Stats::default() });
            }
            (_, None) => return Err("No such destination".to_string()),
            ("-d", Some(place)) => {
                self.destinations.remove(place);
            }
            (_, Some(place)) => {
                if let Some(one) = self.destinations.get_mut(place) {
                    one.weight = weight;
                }
            }
        }
        Ok(())
    }
}

/// Writes what was counted in columns of nine, rounded unless it is wanted exactly.
fn counts(stats: &Stats, exact: bool) -> String {
    let number = |number: u64| match number {
        _ if exact || number < 100_000_000 => format!("{number:>9}"),
        _ if number < 100_000_000_000 => format!("{:>8}K", number / 1_000),
        _ if number < 100_000_000_000_000 => format!("{:>8}M", number / 1_000_000),
        _ => format!("{:>8}G", number / 1_000_000_000),
    };
    let Stats { connections, in_packets, out_packets, in_bytes, out_bytes } = *stats;
    [connections, in_packets, out_packets, in_bytes, out_bytes].map(number).concat()
}
