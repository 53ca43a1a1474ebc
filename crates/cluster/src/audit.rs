//! What a check of the whole cluster looks at: the store, the machines, the caches and the rules, as they
//! are. Nobody in the cluster sees any of it.

use crate::control_plane::Unit;
use crate::parts::{MANAGER, NodeParts};
use crate::{Cluster, Process};
use api::{Method, Request, User, Value};
use network::iptables::{Counters, TableName};
use std::collections::BTreeMap;
use std::rc::Rc;

/// How many steps a cluster takes at most until what is under way to its caches has arrived.
const ARRIVALS: u32 = 20_000;

/// A machine and what runs on it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Machine {
    /// The node's name.
    pub name: Rc<str>,
    /// Whether it runs, and its kubelet with it.
    pub on: bool,
    /// The pods (`namespace/name`) of which a container runs, in order; one that is off has none.
    pub pods: Vec<Rc<str>>,
}

impl Cluster {
    /// Returns the store with its history.
    pub fn store(&self) -> &etcd::Store {
        self.world.apiserver.store()
    }

    /// Returns the machines in the order of the preset.
    pub fn machines(&self) -> Vec<Machine> {
        let machine = |node: &NodeParts| {
            let running = if node.on { node.kubelet.running_containers() } else { Vec::new() };
            let mut pods: Vec<Rc<str>> = running.into_iter().map(|(pod, ..)| pod).collect();
            pods.dedup();
            Machine { name: node.name.clone(), on: self.parts.runs_on(&node.name, Unit::Kubelet), pods }
        };
        self.parts.nodes.iter().map(machine).collect()
    }

    /// Returns the machines on which kube-proxy runs.
    fn proxied(&self) -> impl Iterator<Item = &NodeParts> {
        self.parts.nodes.iter().filter(|node| self.parts.runs_on(&node.name, Unit::KubeProxy))
    }

    /// Returns the rules in kube-proxy's own chains, in order, of each machine on which it runs.
    pub fn proxy_rules(&self) -> BTreeMap<Rc<str>, Vec<String>> {
        let rules = |node: &NodeParts| {
            let host = self.wires.nodes.get(&node.name).copied()?;
            let mut lines = Vec::new();
            for table in [TableName::Filter, TableName::Nat] {
                let saved =
                    self.wires.network.iptables_save(host, Some(table), Counters::Hide, self.world.now);
                let own = saved.lines().filter(|line| line.starts_with("-A KUBE-") || is_chain(line));
                lines.extend(own.map(|line| format!("{}: {line}", table.as_str())));
            }
            Some((node.name.clone(), lines))
        };
        self.proxied().filter_map(rules).collect()
    }

    /// Empties the tables of all machines on which kube-proxy runs and starts it anew, which then writes all of
    /// its rules.
    pub fn write_rules_anew(&mut self) {
        let hosts: Vec<_> =
            self.proxied().filter_map(|node| self.wires.nodes.get(&node.name).copied()).collect();
        for host in hosts {
            for table in [TableName::Filter, TableName::Nat] {
                for order in ["-F", "-X"] {
                    self.wires.network.iptables_command(host, &["-t", table.as_str(), order]);
                }
            }
        }
        self.restart(Process::KubeProxies);
    }

    /// Switches on the machines of the control plane, starts the processes and controllers that were stopped and
    /// mends the links that were cut. The other machines that are off stay so.
    pub fn undo_faults(&mut self) {
        let members = self.parts.plane.members.iter();
        let machines = members.filter_map(|member| Some(member.machine.as_ref()?.to_string()));
        let machines: Vec<String> = machines.collect();
        for name in machines.into_iter().chain(self.parts.stopped_names()) {
            // A process of a machine that is off starts with it.
            let _ = self.power(&name, true);
        }
        self.heal_links();
    }

    /// Goes on until nothing is under way to a cache, and returns whether that came.
    pub fn run_until_told(&mut self) -> bool {
        for _ in 0..ARRIVALS {
            if self.world.queue.is_empty() {
                return true;
            }
            self.step(self.next_at());
        }
        false
    }

    /// Returns in what the caches of the controller manager and of the view differ from what a list gives:
    /// nothing, while nothing is under way to them, while the API server can't list, or of one that doesn't run.
    pub fn stale_caches(&mut self) -> Vec<String> {
        let mut differ = Vec::new();
        let Some((_, watches)) = self.parts.describe(MANAGER) else { return differ };
        let admin = Rc::new(User::admin());
        for watch in watches {
            let resource = watch.resource;
            let request = Request::new(Method::Get, resource.collection("")).by(&admin, &"check".into());
            let list = self.world.apiserver.handle(self.world.now, &request);
            if list.code != 200 {
                continue;
            }
            let listed: BTreeMap<Rc<str>, &Value> =
                list.body["items"].items().iter().map(|item| (api::meta::key(item), item)).collect();
            if self.parts.is_on(MANAGER) {
                let cache = self.parts.manager.informers().of(resource);
                compare(&mut differ, resource.plural, &listed, |key| cache.get(key), cache.len());
            }
            if crate::view::WATCHED.iter().any(|watched| watched.is(resource)) {
                let count = self.view.objects.keys().filter(|(kind, _)| *kind == resource.plural).count();
                let find = |key: &str| self.view.objects.get(&(resource.plural, key.to_string()));
                compare(&mut differ, resource.plural, &listed, find, count);
            }
        }
        differ
    }

    /// Sets how many objects the store holds at most.
    pub fn set_most_objects(&mut self, most: u32) {
        self.world.apiserver.set_most_objects(most);
    }
}

/// Whether a line of `iptables-save` declares a chain of one Service or endpoint.
fn is_chain(line: &str) -> bool {
    const OWN: [&str; 5] = [":KUBE-SVC-", ":KUBE-SVL-", ":KUBE-SEP-", ":KUBE-EXT-", ":KUBE-FW-"];
    OWN.iter().any(|prefix| line.starts_with(prefix))
}

/// Tells what of a list a cache hasn't or has otherwise, and whether it has more.
fn compare<'a>(
    differ: &mut Vec<String>,
    plural: &str,
    listed: &BTreeMap<Rc<str>, &Value>,
    cached: impl Fn(&str) -> Option<&'a Value>,
    count: usize,
) {
    for (key, item) in listed {
        match cached(key) {
            None => differ.push(format!("{plural}/{key}: listed, not in the cache")),
            Some(cached) if api::meta::revision(cached) != api::meta::revision(item) => {
                let (old, new) = (api::meta::revision(cached), api::meta::revision(item));
                differ.push(format!("{plural}/{key}: {old} in the cache, {new} listed"));
            }
            Some(_) => {}
        }
    }
    if count > listed.len() {
        differ.push(format!("{plural}: {count} in the cache, {} listed", listed.len()));
    }
}
