use crate::cluster::Cluster;
use crate::names::marked_rule;
use crate::rules::{Rules, TOP, compile};
use api::resources::{NAMESPACES, NETWORKPOLICIES, PODS};
use api::{Value, meta};
use client::{Change, Component, Cx, Delivery, Identity, Informers, WatchSpec};
use network::iptables::{TableName, parse_rule, split_words};
use network::{Cidr, HostId, Network};
use sim::{MINUTE, Nanos, Time};
use std::collections::BTreeSet;
use std::fmt::Write;
use std::rc::Rc;

/// How often the rules are compared with what they should be (`--iptables-sync-period`).
const SYNC_PERIOD: Nanos = 5 * MINUTE;

/// What a node's agent is told at its start.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The node's name.
    pub node: Rc<str>,
    /// The node as the network knows it.
    pub host: HostId,
    /// The addresses of Services (`--service-cluster-ip-range`).
    pub services: Cidr,
}

/// What enforces policies on one node. It gathers changes; when they are due, [`Component::step`] makes the
/// rules anew and [`NetworkPolicyController::apply`] writes those that are others now.
#[derive(Clone, Debug)]
pub struct NetworkPolicyController {
    identity: Identity,
    settings: Settings,
    informers: Informers,
    /// Whether it watches pods and namespaces too, as it does from the first policy on.
    watches_pods: bool,
    due: Time,
    look_at: Time,
    last_sync: Time,
    syncs: u64,
    /// What the node has.
    written: Rules,
    pending: Option<(Rules, Scope)>,
}

/// What [`NetworkPolicyController::apply`] writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Scope {
    /// What is other than it was.
    Changes,
    /// What is other than the node's tables say.
    Differences,
}

impl NetworkPolicyController {
    /// Makes the agent of a node, as it is when its process starts.
    pub fn new(settings: Settings) -> NetworkPolicyController {
        let agent = format!("kube-router/{}", settings.node);
        NetworkPolicyController {
            identity: Identity::service_account("kube-system", "kube-router", &agent),
            settings,
            informers: Informers::new(&[WatchSpec::all(NETWORKPOLICIES)]),
            watches_pods: false,
            due: Time::NEVER,
            look_at: Time::NEVER,
            last_sync: Time(i64::MIN),
            syncs: 0,
            written: Rules::default(),
            pending: None,
        }
    }

    /// Returns how many watches it has.
    pub fn watch_count(&self) -> usize {
        if self.watches_pods { 3 } else { 1 }
    }

    /// Returns how often the rules were made anew, and when last.
    pub fn syncs(&self) -> (u64, Option<Time>) {
        (self.syncs, (self.syncs > 0).then_some(self.last_sync))
    }

    fn is_concerned(&mut self, change: &Change) -> bool {
        if change.resource == NETWORKPOLICIES && !self.watches_pods && !change.new.is_null() {
            self.watches_pods = true;
            for resource in [PODS, NAMESPACES] {
                self.informers.add(&WatchSpec::all(resource));
            }
        }
        let (old, new) = (&change.old, &change.new);
        if change.resource == PODS {
            let same = |path: &[&str]| old.at(path).same(new.at(path));
            return !(same(&["status", "podIP"])
                && same(&["status", "phase"])
                && same(&["metadata", "labels"])
                && same(&["spec", "nodeName"]));
        }
        let matters = |object: &Value| match change.resource == NAMESPACES {
            true => meta::labels(object).clone(),
            false => object["spec"].clone(),
        };
        old.is_null() || new.is_null() || !matters(old).same(&matters(new))
    }

    fn wanted(&self) -> Rules {
        let policies: Vec<&Value> = self.informers.of(NETWORKPOLICIES).iter().collect();
        if policies.is_empty() {
            return Rules::default();
        }
        let cluster = Cluster::new(self.informers.of(PODS).iter(), self.informers.of(NAMESPACES).iter());
        compile(&policies, &cluster, &self.settings.node, self.settings.services)
    }

    /// Writes what the last step has found. To be called after each step.
    pub fn apply(&mut self, now: Time, network: &mut Network) {
        let Some((wanted, scope)) = self.pending.take() else { return };
        let host = self.settings.host;
        let there = own_chains(network, host);
        if wanted.chains.is_empty() && there.is_empty() {
            return;
        }
        let changed: BTreeSet<Rc<str>> = match scope {
            Scope::Changes => self.changed(&wanted, &there),
            Scope::Differences => differing(&wanted, network, host),
        };
        for (name, set) in &wanted.sets {
            if scope == Scope::Differences || self.written.sets.get(name) != Some(set) {
                network.ipset_command(host, &["restore", "-exist"], &set.text(name), now);
            }
        }
        if wanted.chains.is_empty() {
            jumps(network, host, "-D");
        }
        let _ = network.restore(host, &text(&wanted, &changed, &there));
        if !wanted.chains.is_empty() {
            jumps(network, host, "-I");
        }
        for name in
            own_sets(network, host, now).iter().filter(|name| !wanted.sets.contains_key(name.as_str()))
        {
            network.ipset_command(host, &["destroy", name], "", now);
        }
        self.written = wanted;
    }

    fn changed(&self, wanted: &Rules, there: &BTreeSet<Rc<str>>) -> BTreeSet<Rc<str>> {
        let differs = |(name, lines): &(&Rc<str>, &Vec<String>)| {
            self.written.chains.get(*name) != Some(*lines) || !there.contains(*name)
        };
        wanted.chains.iter().filter(differs).map(|(name, _)| name.clone()).collect()
    }
}

/// Returns the chains that a node has from here, maybe from an agent before this one.
fn own_chains(network: &Network, host: HostId) -> BTreeSet<Rc<str>> {
    const OWN: [&str; 3] = ["KUBE-ROUTER-", "KUBE-POD-FW-", "KUBE-NWPLCY-"];
    let Some(iptables) = network.iptables(host) else { return BTreeSet::new() };
    let chains = iptables.table(TableName::Filter).sorted_chains();
    let names = chains.into_iter().map(|(name, _)| name.as_str());
    names.filter(|name| OWN.iter().any(|prefix| name.starts_with(prefix))).map(Rc::from).collect()
}

fn own_sets(network: &mut Network, host: HostId, now: Time) -> Vec<String> {
    const OWN: [&str; 2] = ["KUBE-SRC-", "KUBE-DST-"];
    let names = network.ipset_command(host, &["list", "-name"], "", now).stdout;
    let is_own = |name: &&str| OWN.iter().any(|prefix| name.starts_with(prefix));
    names.lines().filter(is_own).map(str::to_string).collect()
}

/// Returns what iptables-restore is handed: the chains that are others now, and those that end.
fn text(wanted: &Rules, changed: &BTreeSet<Rc<str>>, there: &BTreeSet<Rc<str>>) -> String {
    let gone: Vec<&Rc<str>> = there.iter().filter(|name| !wanted.chains.contains_key(*name)).collect();
    let mut text = String::from("*filter\n");
    for name in changed.iter().chain(gone.iter().copied()) {
        let _ = writeln!(text, ":{name} - [0:0]");
    }
    for name in changed {
        for line in wanted.chains.get(name).into_iter().flatten() {
            let _ = writeln!(text, "-A {name} {line}");
        }
    }
    for name in gone {
        let _ = writeln!(text, "-X {name}");
    }
    text.push_str("COMMIT\n");
    text
}

/// Returns the chains that a node has otherwise than they should be.
fn differing(wanted: &Rules, network: &Network, host: HostId) -> BTreeSet<Rc<str>> {
    let Some(iptables) = network.iptables(host) else { return BTreeSet::new() };
    let filter = iptables.table(TableName::Filter);
    let is_other = |(name, lines): &(&Rc<str>, &Vec<String>)| {
        let read = lines.iter().map(|line| parse_rule(&split_words(line)).ok());
        let there =
            filter.chain(name).map(|chain| chain.rules().iter().cloned().map(Some).collect::<Vec<_>>());
        there != Some(read.collect())
    };
    wanted.chains.iter().filter(is_other).map(|(name, _)| name.clone()).collect()
}

/// Puts the rules that lead to its chains first in the built-in ones, or takes them out (`-D`).
// Models pkg/controllers/netpol/npc_iptables.go ensureTopLevelChains
fn jumps(network: &mut Network, host: HostId, command: &str) {
    for (chain, target) in TOP {
        let words = marked_rule(chain, &["-m", "comment", "--comment", "kube-router netpol", "-j", target]);
        let rule: Vec<&str> = words.iter().map(String::as_str).collect();
        let wanted = parse_rule(&words).ok();
        let filter = network.iptables(host).map(|iptables| iptables.table(TableName::Filter));
        let there = filter.and_then(|filter| filter.chain(chain));
        if command == "-I" && there.and_then(|chain| chain.rules().first()) == wanted.as_ref() {
            continue;
        }
        let run = |network: &mut Network, command| {
            let words: Vec<&str> = ["-t", "filter", command, chain].into_iter().chain(rule.clone()).collect();
            network.iptables_command(host, &words).code
        };
        while run(network, "-D") == 0 {}
        if command == "-I" {
            run(network, "-I");
        }
    }
}

impl Component for NetworkPolicyController {
    fn identity(&self) -> &Identity {
        &self.identity
    }

    fn watches(&self) -> Vec<WatchSpec> {
        let more: &[_] = if self.watches_pods { &[PODS, NAMESPACES] } else { &[] };
        [NETWORKPOLICIES].iter().chain(more).map(|resource| WatchSpec::all(*resource)).collect()
    }

    fn deliver(&mut self, cx: &mut Cx, watch: u32, delivery: Delivery) {
        let was_synced = self.informers.are_synced();
        let mut is_concerned = false;
        for change in self.informers.deliver(watch, delivery) {
            is_concerned |= self.is_concerned(&change);
        }
        is_concerned |= !was_synced && self.informers.are_synced();
        if is_concerned && self.due == Time::NEVER {
            let wait = cx.timing.proxy_sync.draw(cx.chance, "policy_sync", &self.settings.node, self.syncs);
            self.due = cx.now + wait;
        }
    }

    fn next_at(&self) -> Time {
        if self.informers.are_synced() { self.due.min(self.look_at) } else { Time::NEVER }
    }

    fn step(&mut self, cx: &mut Cx) {
        let scope = if cx.now >= self.due { Scope::Changes } else { Scope::Differences };
        let wanted = self.wanted();
        if wanted != self.written || scope == Scope::Differences {
            cx.note(cx.now, "Sync", &self.settings.node.clone(), "iptables-restore: network policies");
        }
        self.look_at = if wanted.chains.is_empty() { Time::NEVER } else { cx.now + SYNC_PERIOD };
        self.due = Time::NEVER;
        self.last_sync = cx.now;
        self.syncs += 1;
        self.pending = Some((wanted, scope));
    }
}
