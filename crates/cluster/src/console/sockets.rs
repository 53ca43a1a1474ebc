//! `ss` and `netstat`: who listens on a place, and what is open there.

use super::ground::Ground;
use super::programs::SERVICES;
use network::{Protocol, Socket, SocketRow, SocketState};
use shell::{Host, MachineAnswer, Place};

/// Which sockets are listed, and how.
#[derive(Clone, Copy, Debug, Default)]
struct Wish {
    tcp: bool,
    udp: bool,
    listening: bool,
    all: bool,
    processes: bool,
    summary: bool,
    routes: bool,
}

impl Wish {
    /// Reads flags; the one that isn't known otherwise.
    fn read(words: &[&str]) -> Result<Wish, String> {
        let mut wish = Wish::default();
        for word in words {
            match *word {
                "--tcp" => wish.tcp = true,
                "--udp" => wish.udp = true,
                "--listening" => wish.listening = true,
                "--all" => wish.all = true,
                "--processes" | "--program" => wish.processes = true,
                "--summary" => wish.summary = true,
                "--numeric" => {}
                _ if word.starts_with("--") => return Err(format!("unrecognized option '{word}'")),
                _ => wish.letters(word.strip_prefix('-').unwrap_or(""))?,
            }
        }
        if !wish.tcp && !wish.udp {
            (wish.tcp, wish.udp) = (true, true);
        }
        Ok(wish)
    }

    fn letters(&mut self, letters: &str) -> Result<(), String> {
        for letter in letters.chars() {
            match letter {
                't' => self.tcp = true,
                'u' => self.udp = true,
                'l' => self.listening = true,
                'a' => self.all = true,
                'p' => self.processes = true,
                's' => self.summary = true,
                'r' => self.routes = true,
                'n' | '4' | 'H' | 'o' | 'e' | 'W' => {}
                _ => return Err(format!("invalid option -- '{letter}'")),
            }
        }
        Ok(())
    }

    fn takes(self, row: &SocketRow) -> bool {
        let is_protocol = match row.protocol {
            Protocol::Tcp => self.tcp,
            Protocol::Udp => self.udp,
            _ => false,
        };
        let is_listening = row.state == SocketState::Listen;
        is_protocol && (self.all || is_listening == self.listening)
    }
}

fn service(name: &str) -> Option<(String, u32)> {
    let (_, _, pid) = SERVICES.iter().find(|(known, ..)| *known == name)?;
    Some((name.to_string(), *pid))
}

impl Ground<'_> {
    /// Returns the processes of sockets at a place: name and number.
    fn process_of(&mut self, place: &Place, row: &SocketRow) -> Option<(String, u32)> {
        let application = row.application?;
        if place.is_container() {
            let facts = self.facts(place);
            let (pid, _, command) = facts.processes.first()?.clone();
            let first = command.split([' ', ':']).next().unwrap_or("");
            return Some((first.rsplit('/').next().unwrap_or("").to_string(), pid));
        }
        if crate::wires::proxy_of(application).is_some() {
            return service("kube-proxy");
        }
        if application.0 >= crate::ports::KUBELETS {
            return service("kubelet");
        }
        if application == crate::ports::APISERVER {
            return Some(("kube-apiserver".to_string(), 1_101));
        }
        let uid = self.wires.applications.get(&application)?;
        let pod = self.wires.pods.get(uid)?;
        let name = pod.key.rsplit('/').next().unwrap_or("");
        let name = name.rsplit_once('-').map_or(name, |(name, _)| name);
        Some((name.to_string(), 2_000 + u32::try_from(application.0 % 10_000).unwrap_or(0)))
    }

    /// `ss`
    pub(super) fn ss(&mut self, place: &Place, words: &[&str]) -> MachineAnswer {
        let wish = match Wish::read(words) {
            Ok(wish) => wish,
            Err(why) => {
                let usage = "Usage: ss [ OPTIONS ]\n       ss [ OPTIONS ] [ FILTER ]\n";
                return MachineAnswer::failed(255, format!("ss: {why}\n{usage}"));
            }
        };
        let rows = self.rows(place);
        if wish.summary {
            return MachineAnswer::ok(summary(&rows));
        }
        let shown: Vec<SocketRow> = rows.into_iter().filter(|row| wish.takes(row)).collect();
        let has_both = wish.tcp && wish.udp;
        let mut lines = vec![[
            if has_both { "Netid" } else { "" }.to_string(),
            "State".to_string(),
            "Recv-Q".to_string(),
            "Send-Q".to_string(),
            "Local Address:Port".to_string(),
            "Peer Address:Port".to_string(),
            "Process".to_string(),
        ]];
        for row in shown {
            let state = match (row.protocol, row.state) {
                (Protocol::Udp, SocketState::Listen) => "UNCONN",
                (_, SocketState::Listen) => "LISTEN",
                (_, SocketState::SynSent) => "SYN-SENT",
                _ => "ESTAB",
            };
            let backlog = if state == "LISTEN" { "4096" } else { "0" };
            let process = match self.process_of(place, &row).filter(|_| wish.processes) {
                Some((name, pid)) => format!("users:((\"{name}\",pid={pid},fd=3))"),
                None => String::new(),
            };
            lines.push([
                if has_both { row.protocol.name() } else { "" }.to_string(),
                state.to_string(),
                "0".to_string(),
                backlog.to_string(),
                end(row.local),
                end(row.peer),
                process,
            ]);
        }
        MachineAnswer::ok(table(&lines, has_both))
    }

    /// `netstat`
    pub(super) fn netstat(&mut self, place: &Place, words: &[&str]) -> MachineAnswer {
        let wish = match Wish::read(words) {
            Ok(wish) => wish,
            Err(why) => return MachineAnswer::failed(4, format!("netstat: {why}\n")),
        };
        if wish.routes {
            let routes = self.facts(place).routes;
            return MachineAnswer::ok(routes.iter().map(|line| format!("{line}\n")).collect::<String>());
        }
        let which = match (wish.listening, wish.all) {
            (_, true) => "servers and established",
            (true, _) => "only servers",
            _ => "w/o servers",
        };
        let mut out = format!(
            "Active Internet connections ({which})\nProto Recv-Q Send-Q Local Address           Foreign Address         State       {}\n",
            if wish.processes { "PID/Program name    " } else { "" }
        );
        for row in self.rows(place).into_iter().filter(|row| wish.takes(row)) {
            let state = match (row.protocol, row.state) {
                (Protocol::Udp, _) => "",
                (_, SocketState::Listen) => "LISTEN",
                (_, SocketState::SynSent) => "SYN_SENT",
                _ => "ESTABLISHED",
            };
            let process = match (wish.processes, self.process_of(place, &row)) {
                (false, _) => String::new(),
                (_, Some((name, pid))) => format!("{:<20}", format!("{pid}/{name}")),
                _ => format!("{:<20}", "-"),
            };
            out.push_str(&format!(
                "{:<5}      0      0 {:<23} {:<23} {state:<11} {process}\n",
                row.protocol.name(),
                end(row.local),
                end(row.peer),
            ));
        }
        MachineAnswer::ok(out)
    }

    fn rows(&self, place: &Place) -> Vec<SocketRow> {
        self.host_of(place).map_or(Vec::new(), |host| self.wires.network.sockets(host))
    }
}

fn end(socket: Socket) -> String {
    match socket.port {
        0 => format!("{}:*", socket.address),
        port => format!("{}:{port}", socket.address),
    }
}

/// Writes rows in columns as wide as their widest; addresses meet at their port.
fn table(lines: &[[String; 7]], has_protocol: bool) -> String {
    let halves = |text: &str| {
        let (address, port) = text.rsplit_once(':').unwrap_or((text, ""));
        (address.chars().count(), port.chars().count())
    };
    let widest = |column: usize| lines.iter().map(|line| line[column].len()).max().unwrap_or(0);
    let before = |column: usize| lines.iter().map(|line| halves(&line[column]).0).max().unwrap_or(0);
    let after = |column: usize| lines.iter().map(|line| halves(&line[column]).1).max().unwrap_or(0);
    let mut out = String::new();
    for line in lines {
        if has_protocol {
            out.push_str(&format!("{:<w$} ", line[0], w = widest(0)));
        }
        let [_, state, received, sent, local, peer, process] = line;
        for (column, text) in [(1, state), (2, received), (3, sent)] {
            out.push_str(&format!("{text:<w$} ", w = widest(column)));
        }
        for (column, text) in [(4, local), (5, peer)] {
            let (address, port) = text.rsplit_once(':').unwrap_or((text, ""));
            out.push_str(&format!("{address:>a$}:{port:<p$} ", a = before(column), p = after(column)));
        }
        out.push_str(process);
        let length = out.trim_end_matches(' ').len();
        out.truncate(length);
        out.push('\n');
    }
    out
}

fn summary(rows: &[SocketRow]) -> String {
    let count = |protocol| rows.iter().filter(|row| row.protocol == protocol).count();
    let open =
        rows.iter().filter(|row| row.protocol == Protocol::Tcp && row.state == SocketState::Established);
    let (tcp, udp) = (count(Protocol::Tcp), count(Protocol::Udp));
    let mut out = format!(
        "Total: {}\nTCP:   {tcp} (estab {}, closed 0, orphaned 0, timewait 0)\n\nTransport Total     IP        IPv6\n",
        tcp + udp,
        open.count()
    );
    for (name, number) in [("RAW", 0), ("UDP", udp), ("TCP", tcp), ("INET", tcp + udp), ("FRAG", 0)] {
        out.push_str(&format!("{name}\t  {number:<9} {number:<9} 0        \n"));
    }
    out
}
