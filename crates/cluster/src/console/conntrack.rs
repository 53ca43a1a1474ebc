//! `conntrack`: the connections that a node knows.

use super::ground::Ground;
use network::HostId;
use shell::MachineAnswer;

/// How long a machine has run when a session begins, in microseconds.
const BOOTED: i64 = 120_000_000;

const NAME: &str = "conntrack v1.4.8 (conntrack-tools)";

/// The kernel's settings that there are.
const MAX: &str = "net.netfilter.nf_conntrack_max";
const COUNT: &str = "net.netfilter.nf_conntrack_count";

impl Ground<'_> {
    /// `dmesg`: what the kernel says; of the network, that packets find no room in the table of connections.
    pub(super) fn dmesg(&self, host: HostId) -> MachineAnswer {
        let Some(track) = self.wires.network.conntrack(host) else { return MachineAnswer::default() };
        let began = self.view.moment(sim::Time::EPOCH);
        let lines = track.messages().map(|at| {
            let micros = self.view.moment(at) - began + BOOTED;
            let (seconds, micros) = (micros / 1_000_000, micros % 1_000_000);
            format!("[{seconds:>5}.{micros:06}] nf_conntrack: nf_conntrack: table full, dropping packet\n")
        });
        MachineAnswer::ok(lines.collect::<String>())
    }

    /// `sysctl`, of how many connections a node knows.
    pub(super) fn sysctl(&mut self, host: HostId, words: &[&str]) -> MachineAnswer {
        let Some(track) = self.wires.network.conntrack(host) else { return MachineAnswer::default() };
        let words: Vec<&str> = words.iter().filter(|word| !matches!(**word, "-w" | "-n")).copied().collect();
        let [word] = words.as_slice() else {
            return MachineAnswer::failed(
                1,
                format!("# kubarium: there are sysctl {MAX} and sysctl -w {MAX}=N\n"),
            );
        };
        let line = |name: &str, value: u64| MachineAnswer::ok(format!("{name} = {value}\n"));
        match word.split_once('=') {
            None if *word == MAX => line(MAX, track.limit().into()),
            None if *word == COUNT => line(COUNT, track.connections(self.world.now).count() as u64),
            Some((name, value)) if name == MAX => match value.parse::<u32>() {
                Ok(limit) => {
                    self.wires.network.set_conntrack_limit(host, limit);
                    let set = self.wires.network.conntrack(host).map_or(0, |track| track.limit());
                    let mut answer = line(MAX, set.into());
                    if set != limit {
                        answer.err = format!(
                            "# kubarium: a node knows {} connections at most\n",
                            network::conntrack::CONNECTIONS
                        );
                    }
                    answer
                }
                Err(_) => {
                    MachineAnswer::failed(1, format!("sysctl: setting key \"{MAX}\": Invalid argument\n"))
                }
            },
            _ => {
                let name = word.split('=').next().unwrap_or(word);
                let path = name.replace('.', "/");
                MachineAnswer::failed(
                    255,
                    format!(
                        "sysctl: cannot stat /proc/sys/{path}: No such file or directory\n# kubarium: there are {MAX} and {COUNT}\n"
                    ),
                )
            }
        }
    }

    /// `conntrack -L` and `-D`, with `-p`, `-s`, `-d`, `-r`, `-q`, `--sport`, `--dport` and `--state`; `-C`
    /// and `-F`.
    pub(super) fn conntrack(&mut self, host: HostId, words: &[&str]) -> MachineAnswer {
        let now = self.world.now;
        let filters = |words: &[&str]| filters(words).ok_or_else(|| unknown(words));
        let err = match words.first() {
            Some(&"-F" | &"--flush") => {
                self.wires.network.conntrack_flush(host);
                format!("{NAME}: connection tracking table has been emptied.\n")
            }
            Some(&"-C" | &"--count") => {
                let all = self.wires.network.conntrack_list(host, now);
                return MachineAnswer::ok(format!("{}\n", all.lines().count()));
            }
            Some(&"-L" | &"--dump") => match filters(words.get(1..).unwrap_or(&[])) {
                Ok(filters) => {
                    let all = self.wires.network.conntrack_list(host, now);
                    let shown = all.lines().filter(|line| filters.iter().all(|one| one.takes(line)));
                    let shown: Vec<String> = shown.map(|line| format!("{line}\n")).collect();
                    let err = format!("{NAME}: {} flow entries have been shown.\n", shown.len());
                    return MachineAnswer { out: shown.concat(), err, code: 0 };
                }
                Err(answer) => return answer,
            },
            Some(&"-D" | &"--delete") => match filters(words.get(1..).unwrap_or(&[])) {
                Ok(filters) => {
                    let is_one = |line: &str| filters.iter().all(|one| one.takes(line));
                    let gone = self.wires.network.conntrack_delete(host, now, is_one);
                    let err = format!("{NAME}: {} flow entries have been deleted.\n", gone.len());
                    let out = gone.iter().map(|line| format!("{line}\n")).collect();
                    return MachineAnswer { out, err, code: i32::from(gone.is_empty()) };
                }
                Err(answer) => return answer,
            },
            _ => {
                return MachineAnswer::failed(
                    2,
                    format!(
                        "{NAME}: You need to supply parameters.\n# kubarium: there are conntrack -L, -D, -C and -F\n"
                    ),
                );
            }
        };
        MachineAnswer { out: String::new(), err, code: 0 }
    }
}

fn unknown(words: &[&str]) -> MachineAnswer {
    let flag = words.iter().find(|word| word.starts_with('-')).unwrap_or(&"");
    match words.len() % 2 {
        0 => MachineAnswer::failed(
            2,
            format!(
                "{NAME}: Bad parameter\n# kubarium: of {flag} and the like there are -p, -s, -d, -r, -q, --sport, --dport and --state\n"
            ),
        ),
        _ => MachineAnswer::failed(2, format!("{NAME}: Bad parameter\n")),
    }
}

/// What a line has to hold: in which of its directions, which field.
struct Filter {
    is_reply: bool,
    field: &'static str,
    value: String,
}

impl Filter {
    fn takes(&self, line: &str) -> bool {
        let mut found = line.split(' ').filter_map(|word| word.strip_prefix(self.field));
        if self.field.is_empty() {
            return found.any(|word| word == self.value);
        }
        // The first of each field is the original direction's.
        found.nth(usize::from(self.is_reply)) == Some(self.value.as_str())
    }
}

/// Reads what is asked for; `None` for what isn't understood.
fn filters(words: &[&str]) -> Option<Vec<Filter>> {
    let mut filters = Vec::new();
    for pair in words.chunks(2) {
        let [flag, value] = pair else { return None };
        let (is_reply, field) = match *flag {
            "-p" | "--proto" | "--state" => (false, ""),
            "-s" | "--src" | "--orig-src" => (false, "src="),
            "-d" | "--dst" | "--orig-dst" => (false, "dst="),
            "--sport" | "--orig-port-src" => (false, "sport="),
            "--dport" | "--orig-port-dst" => (false, "dport="),
            "-r" | "--reply-src" => (true, "src="),
            "-q" | "--reply-dst" => (true, "dst="),
            "--reply-port-src" => (true, "sport="),
            "--reply-port-dst" => (true, "dport="),
            _ => return None,
        };
        filters.push(Filter { is_reply, field, value: value.to_string() });
    }
    Some(filters)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_a_directions() {
        let line = "tcp      6 119 TIME_WAIT src=10.64.140.11 dst=10.105.46.238 sport=32768 dport=80 src=10.244.1.2 dst=10.244.1.1 sport=80 dport=24988 [ASSURED] mark=0 use=1";
        for (words, takes) in [
            (&["-p", "tcp"][..], Some(true)),
            (&["-p", "udp"], Some(false)),
            (&["--state", "TIME_WAIT", "-d", "10.105.46.238"], Some(true)),
            (&["-d", "10.244.1.1"], Some(false)),
            (&["-q", "10.244.1.1", "-r", "10.244.1.2"], Some(true)),
            (&["--dport", "24988"], Some(false)),
            (&["--magic", "1"], None),
            (&["-p"], None),
        ] {
            let taken = filters(words).map(|filters| filters.iter().all(|one| one.takes(line)));
            assert_eq!(taken, takes, "{words:?}");
        }
    }
}
