//! Programs of machines that courses use beside the cluster's own: vagrant, systemctl.

use super::ground::Ground;
use crate::control_plane::Unit;
use shell::MachineAnswer;

/// The services of a node, with what they are and their process's number.
pub(super) const SERVICES: &[(&str, &str, u32)] = &[
    ("kubelet", "kubelet: The Kubernetes Node Agent", 701),
    ("containerd", "containerd container runtime", 612),
    ("kube-proxy", "Kubernetes Kube Proxy", 1_204),
];

const VERBS: &str = "# kubarium: of systemctl there are status, is-active, is-enabled, start, stop and restart, of kubelet, containerd and kube-proxy\n";

impl Ground<'_> {
    /// `vagrant up`, `status` and `halt`, of the machines that the cluster has.
    pub(super) fn vagrant(&mut self, words: &[&str]) -> MachineAnswer {
        let all: Vec<(String, bool)> =
            self.parts.nodes.iter().map(|node| (node.name.to_string(), node.on)).collect();
        let (verb, names) = words.split_first().map_or(("", &[] as &[&str]), |(verb, rest)| (*verb, rest));
        let names: Vec<&str> = names.iter().filter(|name| !name.starts_with('-')).copied().collect();
        if let Some(unknown) = names.iter().find(|name| !all.iter().any(|(known, _)| known == *name)) {
            return MachineAnswer::failed(
                1,
                format!(
                    "The machine with the name '{unknown}' was not found configured for\nthis Vagrant environment.\n"
                ),
            );
        }
        let chosen = all.iter().filter(|(name, _)| names.is_empty() || names.contains(&name.as_str()));
        let mut out = String::new();
        match verb {
            "up" => {
                for (name, _) in chosen.clone() {
                    out.push_str(&format!("Bringing machine '{name}' up with 'virtualbox' provider...\n"));
                }
                for (name, on) in chosen {
                    out.push_str(&match on {
                        true => format!("==> {name}: Machine already provisioned. Run `vagrant provision` or use the `--provision`\n==> {name}: flag to force provisioning. Provisioners marked to run always will still run.\n"),
                        false => format!("==> {name}: Booting VM...\n==> {name}: Machine booted and ready!\n"),
                    });
                    self.power.push((name.clone(), true));
                }
            }
            "status" => {
                out.push_str("Current machine states:\n\n");
                for (name, on) in chosen {
                    let state = if *on { "running" } else { "poweroff" };
                    out.push_str(&format!("{name:<25} {state} (virtualbox)\n"));
                }
                out.push_str("\nThis environment represents multiple VMs. The VMs are all listed\nabove with their current state. For more information about a specific\nVM, run `vagrant status NAME`.\n");
            }
            "halt" => {
                for (name, _) in chosen {
                    out.push_str(&format!("==> {name}: Attempting graceful shutdown of VM...\n"));
                    self.power.push((name.clone(), false));
                }
            }
            _ => {
                let hint =
                    "# kubarium: of vagrant there are up, status and halt; ssh NAME goes to a machine\n";
                return MachineAnswer::failed(
                    1,
                    format!("Usage: vagrant [options] <command> [<args>]\n{hint}"),
                );
            }
        }
        MachineAnswer::ok(out)
    }

    /// `systemctl status SERVICE`, `is-active`, `start`, `stop`, `restart`, of the kubelet, its runtime and
    /// kube-proxy.
    pub(super) fn systemctl(&mut self, node: &str, words: &[&str]) -> MachineAnswer {
        let words: Vec<&str> = words.iter().filter(|word| !word.starts_with('-')).copied().collect();
        if let ["poweroff" | "halt" | "reboot"] = words.as_slice() {
            return self.run_on_node(node, &words, "").unwrap_or_default();
        }
        let [verb, unit] = words.as_slice() else {
            return MachineAnswer::failed(1, VERBS);
        };
        let name = unit.trim_end_matches(".service");
        let Some((name, what, pid)) = SERVICES.iter().find(|(known, ..)| *known == name) else {
            return MachineAnswer::failed(4, format!("Unit {name}.service could not be found.\n"));
        };
        let unit = Unit::named(name);
        let runs = unit.is_none_or(|unit| self.parts.runs_on(node, unit));
        let mut set = |on| self.power.push((format!("{node}/{name}"), on));
        match *verb {
            "status" => {
                let loaded = "Loaded: loaded (/usr/lib/systemd/system/";
                let state = match runs {
                    true => format!("Active: active (running)\n   Main PID: {pid} ({name})"),
                    false => "Active: inactive (dead)".to_string(),
                };
                let mark = if runs { "●" } else { "○" };
                MachineAnswer {
                    out: format!(
                        "{mark} {name}.service - {what}\n     {loaded}{name}.service; enabled; preset: enabled)\n     {state}\n"
                    ),
                    err: String::new(),
                    code: if runs { 0 } else { 3 },
                }
            }
            "is-active" if runs => MachineAnswer::ok("active\n"),
            "is-enabled" => MachineAnswer::ok("enabled\n"),
            "is-active" => MachineAnswer { out: "inactive\n".to_string(), err: String::new(), code: 3 },
            "stop" if unit.is_some() => {
                set(false);
                MachineAnswer::ok("")
            }
            "start" if unit.is_some() => {
                set(true);
                MachineAnswer::ok("")
            }
            "restart" if unit.is_some() && !runs => {
                set(true);
                MachineAnswer::ok("")
            }
            "restart" if *name == "kube-proxy" => {
                self.machines.proxy_restarts.push(node.to_string());
                MachineAnswer::ok("")
            }
            "restart" if *name == "kubelet" => {
                set(false);
                set(true);
                MachineAnswer::ok("")
            }
            "restart" | "start" | "enable" | "daemon-reload" => MachineAnswer::ok(""),
            "stop" => MachineAnswer::failed(
                1,
                format!(
                    "# kubarium: {name} can't be stopped by itself yet; sudo poweroff stops the machine\n"
                ),
            ),
            _ => MachineAnswer::failed(1, format!("Unknown command verb '{verb}'.\n{VERBS}")),
        }
    }
}
