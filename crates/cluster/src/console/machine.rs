//! Programs that are a machine's own: iptables on a node, microk8s, what only a container's program knows.

use super::ground::Ground;
use crate::control_plane::Unit;
use network::iptables::{Counters, TableName};
use shell::{FileError, MachineAnswer, Place};

/// How long a machine takes to boot.
pub(super) const BOOT: sim::Nanos = 20 * sim::SECOND;

/// The folders that every container has, though nothing may be in them.
const USUAL: &[&str] = &[
    "bin",
    "dev",
    "etc",
    "home",
    "lib",
    "mnt",
    "opt",
    "proc",
    "root",
    "run",
    "sbin",
    "srv",
    "sys",
    "tmp",
    "usr",
    "usr/local",
    "var",
    "var/log",
    "var/tmp",
];

/// Reads a file of a container.
pub(super) fn read_container_file(files: &kubelet::cri::Files, path: &str) -> Result<String, FileError> {
    match files.get(path) {
        Some(text) => Ok(text.to_string()),
        None if files.is_directory(path) => Err(FileError::IsDirectory),
        None => Err(FileError::NotFound),
    }
}

/// Lists a folder of a container: each name once, folders with a `/` at the end.
pub(super) fn list_container_files(
    files: &kubelet::cri::Files,
    path: &str,
) -> Result<Vec<String>, FileError> {
    if files.get(path).is_some() && !path.ends_with('/') {
        return Err(FileError::NotDirectory);
    }
    let plain = path.trim_matches('/');
    let is_usual = USUAL.iter().any(|usual| *usual == plain || plain.is_empty());
    if !files.is_directory(path) && !is_usual {
        return Err(FileError::NotFound);
    }
    let under = format!("{}/", path.trim_end_matches('/'));
    let mut names: Vec<String> = files
        .under(path)
        .filter_map(|(name, _)| {
            let rest = name.strip_prefix(&under)?;
            match rest.split_once('/') {
                Some((folder, _)) => Some(format!("{folder}/")),
                None => (!rest.is_empty()).then(|| rest.to_string()),
            }
        })
        .collect();
    if plain.is_empty() {
        names.extend(USUAL.iter().filter(|usual| !usual.contains('/')).map(|usual| format!("{usual}/")));
    }
    names.sort();
    names.dedup();
    Ok(names)
}

impl Ground<'_> {
    /// Runs a program that is the machine's own; `None` where there is none of that name.
    pub(super) fn run_program(
        &mut self,
        place: &Place,
        argv: &[String],
        stdin: &str,
    ) -> Option<MachineAnswer> {
        let mut words: Vec<&str> = argv.iter().map(String::as_str).collect();
        if words.first() == Some(&"sudo") {
            words.remove(0);
        }
        let rest = words.get(1..).unwrap_or(&[]);
        match words.first() {
            Some(&"way") => return Some(self.way(place, rest)),
            Some(&"who") => return Some(self.who(place, rest)),
            Some(&"verdict") => {
                let namespace = self.namespace_of(place);
                return Some(self.verdict(rest, &namespace));
            }
            Some(&"ss") if self.has_tool(place, "ss") => return Some(self.ss(place, rest)),
            Some(&"netstat") if self.has_tool(place, "netstat") => return Some(self.netstat(place, rest)),
            _ => {}
        }
        match place {
            Place::Node(name) => self.run_on_node(&name.clone(), &words, stdin),
            Place::Container { namespace, pod, container } => {
                let argv: Vec<String> = words.iter().map(|word| word.to_string()).collect();
                let at = (namespace.as_ref(), pod.as_ref(), container.as_ref());
                if words.first() == Some(&"etcdctl") && self.has_tool(place, "etcdctl") {
                    let node = self.with_kubelet(at.0, at.1, |kubelet, _, _| kubelet.node().clone())?;
                    return self.etcdctl(&node, rest);
                }
                if words.first() == Some(&"kill") {
                    return self.kill_in_container(at, words.get(1..)?);
                }
                if matches!(words.first(), Some(&"dd" | &"fallocate" | &"blockdev"))
                    && self.has_tool(place, "ls")
                {
                    let (code, out, err) = self.with_kubelet(at.0, at.1, |kubelet, cx, wires| {
                        kubelet.disk_tool(cx, wires, at, (&words, stdin))
                    })??;
                    return Some(MachineAnswer { out, err, code: i32::try_from(code).unwrap_or(1) });
                }
                let output = self
                    .with_kubelet(at.0, at.1, |kubelet, cx, wires| kubelet.command(cx, wires, at, &argv))??;
                let code = i32::try_from(output.1).unwrap_or(1);
                Some(MachineAnswer { out: output.0, err: String::new(), code })
            }
            Place::Client => self.run_on_client(&words),
        }
    }

    /// Returns whether a place has a program; a container has those of its image.
    fn has_tool(&mut self, place: &Place, name: &str) -> bool {
        let programs = self.facts_of(place).programs;
        programs.is_none_or(|programs| programs.iter().any(|program| program == name))
    }

    /// `kill -SIGNAL 1` in a container: a signal for its main process.
    fn kill_in_container(&mut self, at: (&str, &str, &str), words: &[&str]) -> Option<MachineAnswer> {
        let [signal, "1"] = words else { return None };
        let signal = match *signal {
            "-TERM" | "-INT" | "-HUP" => kubelet::cri::Signal::Term,
            _ => kubelet::cri::Signal::Kill,
        };
        self.with_kubelet(at.0, at.1, |kubelet, cx, wires| kubelet.signal(cx, wires, at, signal))?;
        Some(MachineAnswer::ok(""))
    }

    fn run_on_client(&mut self, words: &[&str]) -> Option<MachineAnswer> {
        match *words.first()? {
            "microk8s" => Some(self.microk8s(words.get(1..)?)),
            "minikube" => self.minikube(words.get(1..)?),
            "vagrant" => Some(self.vagrant(words.get(1..)?)),
            "machine" => Some(self.machine_power(words.get(1..)?)),
            "cloud-controller-manager" => Some(self.cloud(words.get(1..)?)),
            "iptables" | "iptables-save" | "conntrack" => Some(MachineAnswer::failed(
                1,
                "this machine has no rules of the cluster\n# kubarium: rules are on the nodes: ssh node-1 iptables-save -t nat\n",
            )),
            _ => None,
        }
    }

    /// `cloud-controller-manager`: the controller of a cloud, whose load balancers are then there. The real
    /// one runs in the cluster or beside it; here it goes on in the background.
    fn cloud(&mut self, words: &[&str]) -> MachineAnswer {
        let on = match words {
            [] | ["--cloud-provider=external"] => true,
            ["--stop"] => false,
            _ => {
                let text = "# kubarium: cloud-controller-manager begins, and with --stop it ends\n";
                return MachineAnswer::failed(1, text);
            }
        };
        self.machines.cloud = Some(on);
        MachineAnswer::ok(match on {
            true => format!(
                "# kubarium: Services of type LoadBalancer get a load balancer of a cloud now, with addresses of {}\n",
                cloud_provider::CLOUD
            ),
            false => String::new(),
        })
    }

    /// What the router beside the nodes can do.
    fn run_on_router(&mut self, words: &[&str]) -> Option<MachineAnswer> {
        let router = self.parts.addons.router()?;
        let ["vtysh", rest @ ..] = words else { return None };
        let mut out = String::new();
        let mut rest = rest.iter();
        let mut commands = 0;
        while let Some(word) = rest.next() {
            let command = match (*word, word.strip_prefix("-c")) {
                ("-c", _) => rest.next().copied().unwrap_or(""),
                (_, Some(command)) => command,
                _ => return Some(MachineAnswer::failed(1, "usage: vtysh -c COMMAND\n")),
            };
            commands += 1;
            match router.vtysh(self.world.now, command) {
                Ok(text) => out.push_str(&text),
                Err(error) => return Some(MachineAnswer { out, err: error, code: 1 }),
            }
        }
        if commands == 0 {
            return Some(MachineAnswer::failed(
                1,
                "# kubarium: vtysh -c 'show ip bgp summary' asks the router\n",
            ));
        }
        Some(MachineAnswer::ok(out))
    }

    /// `machine stop NODE`, `machine start NODE`: the power switch of the page, as a command. Processes can be
    /// stopped alone, of the control plane or of a node (`node-1/kubelet`), and so can controllers
    /// (`deployment-controller`).
    fn machine_power(&mut self, words: &[&str]) -> MachineAnswer {
        let (on, name) = match words {
            ["stop", name] => (false, *name),
            ["start", name] => (true, *name),
            ["add", name] => return self.add_machine(name),
            ["partition", a, b] => return self.machine_link(a, b, false),
            ["heal", a, b] => return self.machine_link(a, b, true),
            ["fault", pod, rest @ ..] => return self.machine_fault(pod, rest),
            _ => {
                let usage = "usage: machine stop|start NODE|PROCESS|NODE/PROCESS|NAME-controller\n       machine add NAME\n       machine partition|heal NODE|client NODE|apiserver|others\n       machine fault [NAMESPACE/]POD unready|leak SIZE|crash REQUESTS|slow MILLISECONDS|none\n";
                return MachineAnswer::failed(2, usage);
            }
        };
        if self.parts.failing(name).is_none() {
            let names: Vec<&str> = self.wires.nodes.keys().map(AsRef::as_ref).collect();
            let units = Unit::ALL.map(Unit::name);
            let (last, others) = units.split_last().unwrap_or((&"", &[]));
            let text = format!(
                "machine: no machine {name:?}: there are {}, and the processes {} and {last}\n",
                names.join(", "),
                others.join(", ")
            );
            return MachineAnswer::failed(1, text);
        }
        self.power.push((name.to_string(), on));
        MachineAnswer::ok(format!("{name} {}\n", if on { "started" } else { "stopped" }))
    }

    /// `machine partition A B`, `machine heal A B`: whether packets pass between two machines.
    fn machine_link(&mut self, a: &str, b: &str, up: bool) -> MachineAnswer {
        let is_first = |name: &str| name == "client" || self.wires.nodes.contains_key(name);
        let unknown = if !is_first(a) {
            a
        } else if !is_first(b) && !matches!(b, "apiserver" | "others") || a == b {
            b
        } else {
            self.links.push((a.to_string(), b.to_string(), up));
            return MachineAnswer::ok(format!("{a} {b} {}\n", if up { "healed" } else { "partitioned" }));
        };
        let names: Vec<&str> = self.wires.nodes.keys().map(AsRef::as_ref).collect();
        let text = format!(
            "machine: no link to {unknown:?}: there are {}, client, apiserver and others\n",
            names.join(", ")
        );
        MachineAnswer::failed(1, text)
    }

    fn microk8s(&mut self, words: &[&str]) -> MachineAnswer {
        let ["enable", addon] = words else {
            return MachineAnswer::failed(
                1,
                "Usage: microk8s enable ADDON[:ARGUMENTS]\n\
                 # kubarium: metallb:RANGE, ingress and metrics-server are what can be enabled here\n",
            );
        };
        if *addon == "ingress" {
            let manifests = ingress_nginx::manifests(ingress_nginx::Provider::Microk8s);
            let told = "Infer repository core for addon ingress\nEnabling Ingress\n";
            return self.install(&manifests, told, "Ingress is enabled\n");
        }
        if *addon == "metrics-server" {
            let told = "Infer repository core for addon metrics-server\nEnabling Metrics-Server\n";
            return self.install(&metrics_server::manifests(), told, "Metrics-Server is enabled\n");
        }
        let Some(range) = addon.strip_prefix("metallb") else {
            return MachineAnswer::failed(1, format!("Addon {addon} was not found in any repository\n"));
        };
        let range = range.trim_start_matches(':');
        if range.is_empty() {
            let text = "You need to pass an IP range: microk8s enable metallb:10.64.140.43-10.64.140.49\n";
            return MachineAnswer::failed(1, text);
        }
        match crate::addons::metallb_manifests(range) {
            Ok(manifests) => {
                let told =
                    "Infer repository core for addon metallb\nEnabling MetalLB\nApplying Metallb manifest\n";
                self.install(&manifests, told, "MetalLB is enabled\n")
            }
            Err(why) => MachineAnswer::failed(1, format!("{why}\n")),
        }
    }

    /// `minikube addons enable ingress` and `metrics-server`, `minikube tunnel` and `minikube ip`.
    fn minikube(&mut self, words: &[&str]) -> Option<MachineAnswer> {
        let addon = match words {
            ["addons", "enable", addon] => addon,
            ["tunnel"] => return Some(self.begin_tunnel()),
            ["tunnel", "--cleanup" | "-c"] => {
                *self.tunnel = Some(false);
                let client = self.wires.client;
                let services = crate::cluster::services();
                self.wires.network.remove_route(client, services);
                return Some(MachineAnswer::ok(""));
            }
            ["ip"] => {
                let address = self.first_node().map_or(String::new(), |(_, address)| address.to_string());
                return Some(MachineAnswer::ok(format!("{address}\n")));
            }
            _ => {
                let text = "# kubarium: of minikube there is addons enable ingress, tunnel and ip here\n";
                return Some(MachineAnswer::failed(64, text));
            }
        };
        let (manifests, verifies) = match *addon {
            "ingress" => (ingress_nginx::manifests(ingress_nginx::Provider::Minikube), true),
            "metrics-server" => (metrics_server::manifests(), false),
            addon => {
                let text = format!("\n❌  Exiting due to MK_ADDON_ENABLE: {addon} is not a valid addon\n");
                return Some(MachineAnswer::failed(10, text));
            }
        };
        let answer = self.install(&manifests, "", "");
        if answer.code != 0 {
            return Some(answer);
        }
        let image = manifests.iter().find(|object| object["kind"].str() == "Deployment");
        let image =
            image.map_or("", |object| object["spec"]["template"]["spec"]["containers"][0]["image"].str());
        let verifying = if verifies { format!("🔎  Verifying {addon} addon...\n") } else { String::new() };
        Some(MachineAnswer::ok(format!(
            "💡  {addon} is an addon maintained by Kubernetes. For any concerns contact minikube on GitHub.\n\
             You can view the list of minikube maintainers at: \
             https://github.com/kubernetes/minikube/blob/master/OWNERS\n    \
             ▪ Using image {image}\n{verifying}🌟  The '{addon}' addon is enabled\n"
        )))
    }

    /// Returns the node that minikube would have as its only one.
    fn first_node(&self) -> Option<(network::HostId, std::net::Ipv4Addr)> {
        let name = &self.parts.nodes.first()?.name;
        let host = *self.wires.nodes.get(name)?;
        Some((host, self.wires.network.topology().host(host)?.address))
    }

    /// Gives the client a route to the Services' addresses, and lets the tunnel begin. The real command stays
    /// in the foreground; here it goes on while other commands are typed.
    fn begin_tunnel(&mut self) -> MachineAnswer {
        let Some((_, via)) = self.first_node() else {
            return MachineAnswer::failed(1, "❌  Exiting due to GUEST_STATUS: no machine\n");
        };
        let (client, services) = (self.wires.client, crate::cluster::services());
        self.wires.network.remove_route(client, services);
        self.wires.network.add_route(client, services, via);
        *self.tunnel = Some(true);
        MachineAnswer::ok(format!(
            "✅  Tunnel successfully started\n\n📌  NOTE: Please do not close this terminal as this process must stay \
             alive for the tunnel to be accessible ...\n\n# kubarium: route {services} -> {via}; it goes on in \
             the background, and minikube tunnel --cleanup ends it\n"
        ))
    }

    fn install(&mut self, manifests: &[api::Value], before: &str, after: &str) -> MachineAnswer {
        let mut out = String::from(before);
        for manifest in manifests {
            let (code, line) = crate::addons::apply(self.world, manifest);
            if code >= 300 {
                return MachineAnswer { out, err: format!("{line}\n"), code: 1 };
            }
            if !line.is_empty() {
                out.push_str(&format!("{line}\n"));
            }
        }
        out.push_str(after);
        MachineAnswer::ok(out)
    }

    pub(super) fn run_on_node(&mut self, name: &str, words: &[&str], stdin: &str) -> Option<MachineAnswer> {
        if name == frr::NAME {
            return self.run_on_router(words);
        }
        let host = *self.wires.nodes.get(name)?;
        let now = self.world.now;
        Some(match *words.first()? {
            "iptables-save" => {
                let table = words.iter().position(|word| *word == "-t").and_then(|i| words.get(i + 1));
                let table = match table {
                    None => None,
                    Some(name) => match TableName::parse(name) {
                        Some(table) => Some(table),
                        None => {
                            let text = format!("Table `{name}' does not exist\n");
                            return Some(MachineAnswer::failed(1, text));
                        }
                    },
                };
                let counters = if words.contains(&"-c") { Counters::Show } else { Counters::Hide };
                MachineAnswer::ok(self.wires.network.iptables_save(host, table, counters, now))
            }
            "iptables-restore" => {
                let network = &mut self.wires.network;
                let done = match words.iter().any(|word| matches!(*word, "-n" | "--noflush")) {
                    true => network.restore(host, stdin),
                    false => network.restore_flushing(host, stdin),
                };
                match done {
                    Ok(()) => MachineAnswer::default(),
                    Err(error) => MachineAnswer::failed(error.code().into(), format!("{error}\n")),
                }
            }
            "iptables" => {
                let output = self.wires.network.iptables_command(host, words.get(1..)?);
                MachineAnswer { out: output.stdout, err: output.stderr, code: output.code.into() }
            }
            "etcdctl" => return self.etcdctl(name, words.get(1..)?),
            "kubeadm" => self.kubeadm(name, words.get(1..)?),
            "fallocate" => self.fallocate(name, words.get(1..)?),
            "df" => self.df(name, words.get(1..)?),
            "ipvsadm" => {
                let output = self.wires.network.ipvs_command(host, words.get(1..)?, stdin, now);
                MachineAnswer { out: output.stdout, err: output.stderr, code: output.code.into() }
            }
            "nft" => {
                let output = self.wires.network.nft_command(host, words.get(1..)?, stdin, now);
                MachineAnswer { out: output.stdout, err: output.stderr, code: output.code.into() }
            }
            "ipset" => {
                let output = self.wires.network.ipset_command(host, words.get(1..)?, stdin, now);
                MachineAnswer { out: output.stdout, err: output.stderr, code: output.code.into() }
            }
            "conntrack" => self.conntrack(host, words.get(1..)?),
            "dmesg" => self.dmesg(host),
            "sysctl" => self.sysctl(host, words.get(1..)?),
            "tc" => self.tc(host, words.get(1..)?),
            "systemctl" => self.systemctl(name, words.get(1..)?),
            "crictl" => self.crictl(name, words.get(1..)?),
            "poweroff" | "shutdown" | "halt" | "reboot" => {
                self.machines.downs.push(name.to_string());
                let again = words.first() == Some(&"reboot") || words.contains(&"-r");
                if again {
                    self.machines.reboots.push((now + BOOT, name.to_string()));
                }
                MachineAnswer::ok("")
            }
            _ => return None,
        })
    }

    fn crictl(&self, name: &str, words: &[&str]) -> MachineAnswer {
        let Some(node) = self.parts.node(name) else { return MachineAnswer::default() };
        if words.first() != Some(&"ps") {
            return MachineAnswer::failed(1, "# kubarium: of crictl there is `crictl ps`\n");
        }
        let mut out = format!("{:<16} {:<46} {:<10} {:<20} POD\n", "CONTAINER", "IMAGE", "STATE", "NAME");
        for (pod, container, image, id) in node.kubelet.running_containers() {
            let id: String = id.trim_start_matches("containerd://").chars().take(13).collect();
            let pod = pod.rsplit('/').next().unwrap_or("");
            out.push_str(&format!("{id:<16} {image:<46} {:<10} {container:<20} {pod}\n", "Running"));
        }
        MachineAnswer::ok(out)
    }
}
