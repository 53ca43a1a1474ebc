use super::{Io, Program, Progress};
use crate::host::{MachineAnswer, MachineWait};
use crate::job::{Block, Input, Read};
use crate::place::Place;

/// A program of the machine itself, or one that nothing has.
#[derive(Clone, Debug)]
pub(crate) struct Machine {
    argv: Vec<String>,
    /// What it waits for since it began.
    wait: Option<MachineWait>,
}

/// Makes a program of the machine itself.
pub(super) fn machine(argv: &[String], _io: &mut Io) -> Program {
    Program::Machine(Machine { argv: argv.to_vec(), wait: None })
}

impl Machine {
    /// Runs it, once its input has ended.
    pub fn step(&mut self, io: &mut Io) -> Progress {
        if let Some(wait) = &self.wait {
            if io.host.now() < wait.until {
                return Progress::Wait(Block::Time(wait.until));
            }
            let answer = io.host.machine_again(&io.state.place, &self.argv, wait);
            return self.answered(io, &answer);
        }
        let stdin = match io.fds.stdin {
            Input::Pipe(_) => match io.all() {
                Read::Text(text) => text,
                _ => return io.wait(),
            },
            _ => String::new(),
        };
        match io.host.machine(&io.state.place, &self.argv, &stdin) {
            Some(answer) => self.answered(io, &answer),
            None => self.not_found(io),
        }
    }

    fn answered(&mut self, io: &mut Io, answer: &MachineAnswer) -> Progress {
        io.out(&answer.out);
        io.err(&answer.err);
        self.wait = io.host.machine_wait();
        match &self.wait {
            Some(wait) => Progress::Wait(Block::Time(wait.until)),
            None => Progress::Done(answer.code),
        }
    }

    fn not_found(&self, io: &mut Io) -> Progress {
        let name = self.argv.first().map_or("", String::as_str);
        let message = match io.state.name.as_str() {
            "sh" if io.state.is_busybox => format!("sh: {name}: not found\n"),
            "sh" => format!("sh: 1: {name}: not found\n"),
            "ash" => format!("sh: {name}: not found\n"),
            shell => {
                format!("{}: {name}: command not found\n", if shell.is_empty() { "bash" } else { shell })
            }
        };
        io.err(&message);
        let hint = hint(name, io);
        io.err(&format!("# kubarium: {hint}\n"));
        Progress::Done(127)
    }
}

/// Programs that people know from elsewhere, and what does their work here.
const ELSEWHERE: &[(&str, &str)] = &[
    ("helm", "there is no Helm here; kubectl apply -f takes manifests"),
    ("docker podman nerdctl ctr", "containers are the kubelet's here: ssh NODE crictl ps"),
    ("kind kubeadm k3s k3d eksctl gcloud", "the cluster is there already: kubectl get nodes"),
    ("jq yq", "kubectl get … -o jsonpath='{.…}' picks fields"),
    ("git apt apt-get yum dnf apk pip npm brew snap", "nothing is fetched or installed here"),
    ("python python3 node go java perl ruby", "no programming language runs here beside the shell"),
    ("man info", "kubectl explain and --help tell"),
    ("tree find", "ls and cat show what files there are"),
    ("top htop df free uptime mount lsblk", "what a machine uses isn't simulated"),
    ("lsof", "ss -ltnp lists who listens"),
    ("mtr", "traceroute finds who passes packets on"),
    ("journalctl", "there is no journal here; kubectl get events and kubectl logs tell"),
    ("k9s lens stern", "kubectl get -w and kubectl logs -f show what changes"),
    ("kubectx kubens", "kubectl config use-context, and set-context --current --namespace=NAME"),
    ("tmux screen", "another console tab opens beside this one"),
    ("etcdctl", "what etcd holds is shown by kubectl get --raw and in the diagram"),
    ("ab hey wrk siege", "while true; do curl -s URL; done is a load"),
];

fn hint(name: &str, io: &mut Io) -> String {
    if name.contains(['\u{a0}', '\u{200b}', '\u{feff}']) {
        return "there are no-break spaces in this line, as pasting from a page leaves them; type it with plain ones"
            .to_string();
    }
    let is_elsewhere = |place: &Place| super::machine_names(place).any(|known| known == name);
    if io.state.place == Place::Client && is_elsewhere(&Place::Node("".into())) {
        return format!("{name} is there on the nodes: ssh NODE {name}");
    }
    if io.state.place.is_container() && super::names().any(|(known, _)| known == name) {
        return format!("this image has no {name}; kubectl run another one that has it");
    }
    if let Some((_, instead)) =
        ELSEWHERE.iter().find(|(names, _)| names.split(' ').any(|known| known == name))
    {
        return (*instead).to_string();
    }
    match crate::builtin::near(name, io).as_slice() {
        [] => "help lists what there is".to_string(),
        names => format!("near it there is {}; help lists all", names.join(", ")),
    }
}
