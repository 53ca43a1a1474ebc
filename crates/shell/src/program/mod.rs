//! Programs: what runs by itself and may wait. Each is a value that is stepped.

mod awk;
mod curl;
mod curl_flags;
mod dns;
mod fetch;
mod files;
mod filter;
mod filters;
mod grep;
mod hey;
mod hey_report;
mod host;
mod ip;
mod kube;
mod machine;
mod nc;
mod net_tools;
mod openssl;
mod openssl_files;
mod options;
mod ping;
mod redis;
mod sed;
mod sed_script;
mod shells;
mod simple;
mod tar;
mod tcpdump;
mod text;
mod traceroute;
mod waiting;
mod wget;
mod whole;
mod wrappers;

pub(crate) use waiting::{foreground, read_line, wait_for};

use crate::host::Host;
use crate::job::{Block, Fds, Read, Shared, Sink};
use crate::state::ShellState;
use crate::syntax::Script;
use sim::Time;
use std::rc::Rc;

/// How a process that another one waited for ended.
pub(crate) struct ChildResult {
    pub status: i32,
    /// What it printed, where that was captured.
    pub output: String,
}

/// A process to begin and to wait for.
pub(crate) struct Spawn {
    pub script: Rc<Script>,
    /// The state it begins with; `None` for a copy of the present one.
    pub state: Option<Box<ShellState>>,
    /// Whether its output is wanted.
    pub captures: bool,
    /// Whether what it prints to its standard error is wanted with it.
    pub captures_errors: bool,
    /// What it reads; `None` for what the present one reads.
    pub stdin: Option<String>,
    /// When it is ended, with status 124.
    pub until: Option<Time>,
}

/// What came of a step.
pub(crate) enum Progress {
    /// It ended.
    Done(i32),
    /// It has more to do.
    More,
    /// It waits.
    Wait(Block),
    /// It waits for a process; the result is in the next step's [`Io::child`].
    Spawn(Spawn),
    /// It waits for an interactive shell.
    Shell(Box<ShellState>),
}

/// What a program has at hand while it is stepped.
pub(crate) struct Io<'a> {
    pub host: &'a mut dyn Host,
    pub shared: &'a mut Shared,
    pub fds: Fds,
    pub state: &'a mut ShellState,
    pub child: Option<ChildResult>,
    /// Whether it wrote to a pipe that nobody reads.
    pub is_broken: bool,
}

impl Io<'_> {
    /// Prints to the standard output.
    pub fn out(&mut self, text: &str) {
        if !text.is_empty() && !self.shared.write(self.fds.stdout, text) {
            self.is_broken = true;
        }
    }

    /// Prints to the standard error.
    pub fn err(&mut self, text: &str) {
        if !text.is_empty() {
            self.shared.write(self.fds.stderr, text);
        }
    }

    /// Returns whether what it prints goes to a terminal.
    pub fn prints_to_terminal(&self) -> bool {
        self.fds.stdout == Sink::Out && !self.shared.lacks_terminal
    }

    /// Takes a line of the standard input.
    pub fn line(&mut self) -> Read {
        self.shared.line(self.fds.stdin)
    }

    /// Takes all of the standard input, once it has ended.
    pub fn all(&mut self) -> Read {
        self.shared.source(self.fds.stdin).map_or(Read::Text(String::new()), |pipe| pipe.all())
    }

    /// Waits for the standard input.
    pub fn wait(&self) -> Progress {
        let typed = self.fds.stdin == crate::job::Input::Terminal;
        Progress::Wait(if typed { Block::Typed } else { Block::Inside })
    }

    /// Returns the absolute path of a file that is named in the present folder.
    pub fn path(&self, name: &str) -> String {
        api::path::absolute(&self.state.cwd, name)
    }

    /// Reads a file that is named in the present folder.
    pub fn read(&mut self, name: &str) -> Result<String, crate::FileError> {
        let path = self.path(name);
        self.host.read_file(&self.state.place, &path)
    }

    /// Says in our words why no answer will come from an address, where that is known.
    pub fn hint_unreachable(&mut self, address: &str) {
        if let Some(why) = self.host.unreachable(&self.state.place, address) {
            self.err(&format!("# kubarium: {why}\n"));
        }
    }

    /// Says `PROGRAM: MESSAGE` and ends with a status.
    pub fn fail(&mut self, message: &str, status: i32) -> Progress {
        self.err(&format!("{message}\n"));
        Progress::Done(status)
    }
}

macro_rules! programs {
    ($($name:ident($type:ty),)*) => {
        /// A program.
        #[derive(Clone, Debug)]
        pub(crate) enum Program {
            $(#[doc = stringify!($name)] $name($type),)*
        }

        impl Program {
            /// Goes on as far as it can.
            pub fn step(&mut self, io: &mut Io) -> Progress {
                match self {
                    $(Program::$name(program) => program.step(io),)*
                }
            }
        }
    };
}

programs! {
    Arping(Box<net_tools::Arping>),
    Openssl(Box<openssl::Openssl>),
    Curl(Box<curl::Curl>),
    Dig(Box<dns::Dig>),
    Ended(simple::Ended),
    Filter(Box<filter::Filtering>),
    Foreground(waiting::Foreground),
    Hey(Box<hey::Hey>),
    Host(Box<host::HostLookup>),
    Kube(Box<kube::Kube>),
    Listening(nc::Listening),
    Machine(machine::Machine),
    Nslookup(Box<dns::Nslookup>),
    Nc(Box<nc::Nc>),
    Ping(Box<ping::Ping>),
    Redis(Box<redis::Redis>),
    ReadLine(waiting::ReadLine),
    Shell(shells::Shell),
    Sleep(waiting::Sleep),
    SmallNslookup(Box<dns::SmallNslookup>),
    Tail(waiting::Follow),
    Tar(tar::Tar),
    Tcpdump(Box<tcpdump::Tcpdump>),
    Telnet(Box<nc::Telnet>),
    Traceroute(Box<traceroute::Traceroute>),
    WaitFor(waiting::WaitFor),
    Watch(wrappers::Watch),
    Wget(Box<wget::Wget>),
    Wrapped(wrappers::Wrapped),
    Xargs(Box<wrappers::Xargs>),
    Yes(simple::Yes),
    Vi(files::Vi),
}

/// A program's maker: from its words to the program.
type Make = fn(&[String], &mut Io) -> Program;

/// The programs that there are, with what they are for. In order.
const TABLE: &[(&str, Make, &str)] = &[
    ("arp", net_tools::arp, ""),
    ("arping", net_tools::arping, "asks who has an address of the segment"),
    ("awk", filters::awk, "prints columns: awk '{print $1}'"),
    ("base64", simple::base64, "encodes and decodes (-d)"),
    ("basename", simple::basename, ""),
    ("bash", shells::bash, "another shell"),
    ("bridge", net_tools::bridge, ""),
    ("cat", filters::cat, "prints files"),
    ("clear", simple::clear, "wipes the console"),
    ("column", filters::column, "lines up columns (-t)"),
    ("cp", files::cp, "copies a file"),
    ("curl", curl::curl, "asks over HTTP"),
    ("cut", filters::cut, "prints parts of lines"),
    ("date", simple::date, "prints the cluster's time"),
    ("dig", dns::dig, "asks DNS"),
    ("dirname", simple::dirname, ""),
    ("edit", files::vi, "opens a file in the editor"),
    ("env", wrappers::env, "prints the environment"),
    ("expr", simple::expr, ""),
    ("find", files::find, "lists files below a folder: find . -name '*.yaml'"),
    ("getent", host::getent, "looks a name up: getent hosts NAME"),
    ("grep", grep::grep, "prints lines that fit"),
    ("egrep", grep::egrep, ""),
    ("head", filters::head, "prints the first lines"),
    ("help", simple::help, "says what there is"),
    ("hey", hey::hey, "sends load over HTTP: hey -z 30s -c 10 -q 5 URL"),
    ("history", simple::history, "prints what was typed"),
    ("host", host::host, "asks DNS"),
    ("hostname", simple::hostname, "prints the machine's name"),
    ("id", simple::id, ""),
    ("ifconfig", net_tools::ifconfig, ""),
    ("ip", ip::ip, "prints addresses and routes: ip addr"),
    ("k", kube::kubectl, "kubectl"),
    ("kubectl", kube::kubectl, "speaks to the cluster"),
    ("less", filters::cat, "prints a file"),
    ("ls", files::ls, "lists files"),
    ("mkdir", files::mkdir, "makes a folder"),
    ("more", filters::cat, ""),
    ("mv", files::mv, "renames a file"),
    ("nano", files::vi, "opens a file in the editor"),
    ("nc", nc::nc, "opens a connection"),
    ("nl", filters::nl, ""),
    ("nslookup", dns::nslookup, "asks DNS"),
    ("openssl", openssl::openssl, "shows a server's certificate: openssl s_client -connect HOST:443"),
    ("ping", ping::ping, "asks whether a machine answers"),
    ("printenv", simple::printenv, ""),
    ("ps", simple::ps, "lists processes"),
    ("redis-cli", redis::redis, "speaks to redis"),
    ("rev", filters::rev, ""),
    ("route", net_tools::route, ""),
    ("rm", files::rm, "takes files out"),
    ("sed", sed::sed, "changes lines: sed 's/a/b/'"),
    ("seq", simple::seq, "counts"),
    ("sh", shells::bash, ""),
    ("ash", shells::bash, ""),
    ("sleep", waiting::sleep, "waits"),
    ("sort", filters::sort, "puts lines in order"),
    ("chroot", shells::chroot, "runs a command with another root folder: chroot /host"),
    ("ssh", shells::ssh, "runs a command on a node: ssh node-1 iptables-save"),
    ("sudo", wrappers::sudo, ""),
    ("tac", filters::tac, ""),
    ("tail", filters::tail, "prints the last lines"),
    ("tar", tar::tar, "packs files into one"),
    ("tcpdump", tcpdump::tcpdump, "shows packets as they pass: tcpdump -ni any port 80"),
    ("tee", filters::tee, "prints and writes to a file"),
    ("telnet", nc::telnet, "opens a connection"),
    ("time", wrappers::time, "says how long a command took"),
    ("timeout", wrappers::timeout, "ends a command after a time"),
    ("touch", files::touch, "makes an empty file"),
    ("traceroute", traceroute::traceroute, "finds who passes packets on"),
    ("tracepath", traceroute::tracepath, ""),
    ("tr", filters::tr, "replaces characters"),
    ("uname", simple::uname, ""),
    ("uniq", filters::uniq, "drops repeated lines"),
    ("vi", files::vi, "opens a file in the editor"),
    ("vim", files::vi, ""),
    ("watch", wrappers::watch, "repeats a command every two seconds"),
    ("wc", filters::wc, "counts lines, words and characters"),
    ("wget", wget::wget, "fetches over HTTP"),
    ("whoami", simple::whoami, ""),
    ("xargs", wrappers::xargs, "makes arguments of its input"),
    ("yes", simple::yes, ""),
];

/// Programs that the machine itself has, by where they are.
const MACHINES: &[(&str, &str)] = &[
    ("blockdev", "container"),
    ("cloud-controller-manager", "client"),
    ("conntrack", "node"),
    ("crictl", "node"),
    ("dd", "container"),
    ("df", "node"),
    ("dmesg", "node"),
    ("etcdctl", "container"),
    ("etcdctl", "node"),
    ("fallocate", "node"),
    ("fallocate", "container"),
    ("ipset", "node"),
    ("iptables", "node"),
    ("iptables-restore", "node"),
    ("iptables-save", "node"),
    ("ipvsadm", "node"),
    ("kubeadm", "node"),
    ("machine", "client"),
    ("microk8s", "client"),
    ("minikube", "client"),
    ("mysql", "container"),
    ("mysqladmin", "container"),
    ("netstat", "any"),
    ("nft", "node"),
    ("nginx", "container"),
    ("poweroff", "node"),
    ("reboot", "node"),
    ("shutdown", "node"),
    ("ss", "any"),
    ("sysctl", "node"),
    ("systemctl", "node"),
    ("tc", "node"),
    ("vagrant", "client"),
    ("verdict", "any"),
    ("vtysh", "node"),
    ("way", "any"),
    ("who", "any"),
];

/// Returns the names of all programs and what they are for.
pub(crate) fn names() -> impl Iterator<Item = (&'static str, &'static str)> {
    TABLE.iter().map(|(name, _, what)| (*name, *what))
}

/// Returns the names of the machine's own programs at such a place.
pub(crate) fn machine_names(place: &crate::Place) -> impl Iterator<Item = &'static str> {
    let kind = match place {
        crate::Place::Client => "client",
        crate::Place::Node(_) => "node",
        crate::Place::Container { .. } => "container",
    };
    MACHINES.iter().filter(move |(_, at)| *at == "any" || *at == kind).map(|(name, _)| *name)
}

/// Returns whether the shell's own program of that name is there.
pub(crate) fn is_known(name: &str, io: &mut Io) -> bool {
    let known = TABLE.iter().any(|(known, ..)| *known == name);
    match io.host.facts(&io.state.place).programs {
        Some(programs) if known => programs.iter().any(|program| program == name),
        _ => known,
    }
}

impl Program {
    /// Makes the program that the words name; for a name that nothing has, one that says so.
    pub fn new(argv: Vec<String>, io: &mut Io) -> Program {
        let path = argv.first().map_or("", String::as_str);
        let name = path.rsplit_once('/').map_or(path, |(_, name)| name);
        let is_file = path.contains('/')
            && !["/bin/", "/usr/bin/", "/sbin/", "/usr/sbin/", "/usr/local/bin/"]
                .iter()
                .any(|folder| path.strip_prefix(folder) == Some(name));
        if is_file {
            return shells::script_file(&argv, io);
        }
        let make = TABLE.iter().find(|(known, ..)| *known == name);
        match make {
            Some((_, make, _)) if is_known(name, io) => make(&argv, io),
            _ => machine::machine(&argv, io),
        }
    }

    /// Passes Ctrl-C on to the process that the program is attached to. Returns whether there is one.
    pub fn pass_interrupt(&mut self, io: &mut Io) -> bool {
        match self {
            Program::Kube(kube) if kube.has_terminal() => {
                kube.pass_interrupt(io);
                true
            }
            _ => false,
        }
    }

    /// Ends the program where it stands.
    pub fn interrupt(&mut self, io: &mut Io) {
        match self {
            Program::Kube(kube) => kube.interrupt(io),
            Program::Curl(curl) => curl.interrupt(io),
            Program::Hey(hey) => hey.interrupt(io),
            Program::Wget(wget) => wget.interrupt(io),
            Program::Ping(ping) => ping.interrupt(io),
            Program::Nc(nc) => nc.interrupt(io),
            Program::Listening(nc) => nc.interrupt(io),
            Program::Telnet(telnet) => telnet.interrupt(io),
            Program::Tcpdump(tcpdump) => tcpdump.interrupt(io),
            Program::Traceroute(traceroute) => traceroute.interrupt(io),
            Program::Arping(arping) => arping.interrupt(io),
            Program::Openssl(openssl) => openssl.interrupt(io),
            Program::Foreground(job) => job.interrupt(io),
            _ => {}
        }
    }
}
