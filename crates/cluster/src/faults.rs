//! What fails: machines whose power is cut, and processes and controllers that are stopped one by one.

use crate::Cluster;
use crate::control_plane::{self, Door, Failing, Member, RENEW_DEADLINE, Unit};
use crate::leadership::LED;
use crate::parts::{MANAGER, PLANE, Parts, SCHEDULER, Target};
use crate::restart::Process;
use crate::world::Owner;
use api::Status;
use kubectl::StreamRead;
use std::rc::Rc;

impl Parts {
    /// Returns whether the machine of a member of the control plane is on.
    pub(crate) fn has_power(&self, member: &Member) -> bool {
        let node = member.machine.as_ref().and_then(|name| self.node(name));
        node.is_none_or(|node| node.on)
    }

    /// Returns whether a process of the control plane runs anywhere.
    pub(crate) fn runs(&self, unit: Unit) -> bool {
        self.plane.runs(unit, |member| self.has_power(member))
    }

    fn door(&self) -> Door {
        self.plane.door(|member| self.has_power(member))
    }

    fn etcd_trouble(&self) -> Option<Status> {
        self.plane.etcd_trouble(|member| self.has_power(member))
    }

    /// Returns what is meant by a name: a node, a process of the control plane, `NODE/PROCESS`, or a
    /// controller as `--controllers` calls it.
    pub(crate) fn failing(&self, name: &str) -> Option<Failing> {
        if let Some((known, _)) = self.by_name.get_key_value(name) {
            return Some(Failing::Machine(known.clone()));
        }
        if let Some((node, unit)) = name.rsplit_once('/') {
            let (node, unit) = (self.by_name.get_key_value(node)?.0, Unit::named(unit)?);
            let is_member = self.plane.members.iter().any(|member| member.machine.as_ref() == Some(node));
            let is_there = is_member || !unit.is_of_control_plane();
            return is_there.then(|| Failing::Process(node.clone(), unit));
        }
        match Unit::named(name) {
            Some(unit) => unit.is_of_control_plane().then_some(Failing::ControlPlane(unit)),
            None if name.ends_with("-controller") => control_plane::controller(name).map(Failing::Controller),
            None => None,
        }
    }

    /// Returns whether a process runs on a node.
    pub(crate) fn runs_on(&self, node: &str, unit: Unit) -> bool {
        let Some(number) = self.by_name.get(node).copied() else { return false };
        let on = self.nodes.get(number as usize).is_some_and(|node| node.on);
        on && match unit {
            Unit::Kubelet => !self.stopped.contains(&Parts::kubelet_id(number)),
            Unit::KubeProxy => !self.stopped.contains(&Parts::proxy_id(number)),
            _ => {
                let members = self.plane.members.iter();
                members
                    .filter(|one| one.machine.as_deref() == Some(node))
                    .any(|one| !one.stopped.contains(&unit))
            }
        }
    }

    /// Returns how many of etcd's members run, and how many there are; none where there is one.
    pub(crate) fn etcd_members(&self) -> Option<(u32, u32)> {
        let members = &self.plane.members;
        let runs = |member: &&Member| self.has_power(member) && !member.stopped.contains(&Unit::Etcd);
        let running = members.iter().filter(runs).count();
        self.plane.is_replicated().then_some((running as u32, members.len() as u32))
    }

    /// Returns the names of what was stopped, machines left out.
    pub(crate) fn stopped_names(&self) -> Vec<String> {
        let mut names: Vec<String> = Vec::new();
        for unit in Unit::ALL.into_iter().filter(|unit| unit.is_of_control_plane()) {
            if !self.plane.members.iter().any(|member| !member.stopped.contains(&unit)) {
                names.push(unit.name().to_string());
                continue;
            }
            let stopped = self.plane.members.iter().filter(|member| member.stopped.contains(&unit));
            names.extend(
                stopped.map(|one| format!("{}/{}", one.machine.as_deref().unwrap_or(""), unit.name())),
            );
        }
        for (number, node) in self.nodes.iter().enumerate().filter(|(_, node)| node.joined) {
            let number = number as u32;
            for (part, unit) in
                [(Parts::kubelet_id(number), Unit::Kubelet), (Parts::proxy_id(number), Unit::KubeProxy)]
            {
                if self.stopped.contains(&part) {
                    names.push(format!("{}/{}", node.name, unit.name()));
                }
            }
        }
        names.extend(self.plane.disabled.iter().map(|name| control_plane::flag_name(name)));
        names
    }
}

impl Cluster {
    /// Stops or starts what a name means: a node's power, a process, a controller.
    ///
    /// # Errors
    /// Where nothing has that name.
    pub(crate) fn power(&mut self, name: &str, on: bool) -> Result<(), String> {
        let failing = self.parts.failing(name).ok_or_else(|| format!("no machine {name:?}"))?;
        let changed = match failing {
            Failing::Machine(machine) => self.set_power(&machine, on),
            Failing::Process(node, unit) if unit.is_of_control_plane() => self.set_manifest(&node, unit, on),
            Failing::Process(node, unit) => self.set_process(&node, unit, on),
            Failing::ControlPlane(unit) => self.set_everywhere(unit, on),
            Failing::Controller(controller) => self.set_controller(controller, on),
        };
        if changed {
            let text = format!("{} {name}", if on { "start" } else { "stop" });
            self.view.mark(self.world.now, &text, !on);
        }
        Ok(())
    }

    /// Cuts a machine's power or switches it on.
    fn set_power(&mut self, name: &str, on: bool) -> bool {
        let Some((number, node)) = self.parts.node_mut(name) else { return false };
        if std::mem::replace(&mut node.on, on) == on {
            return false;
        }
        let joined = node.joined;
        let host = self.wires.nodes.get(name).copied();
        let parts = [Parts::kubelet_id(number), Parts::proxy_id(number), Parts::policy_id(number)];
        if on {
            // All its processes start with it.
            for part in parts.into_iter().filter(|_| joined) {
                self.parts.stopped.remove(&part);
            }
            if let Some(member) = self.parts.plane.member_mut(name) {
                // Those start with their containers.
                member.stopped.extend(Unit::ALL.into_iter().filter(|unit| unit.is_of_control_plane()));
            }
            self.open_api_ports();
            self.review();
            self.switch_on(number, host);
            self.read_kubelet_config(name);
            self.read_manifests(name);
        } else {
            let now = self.world.now;
            self.parts.nodes[number as usize].kubelet.stop(now);
            if let Some(host) = host {
                self.wires.network.stop(host);
            }
            self.world.close_streams_of(|part| parts.contains(&part));
            self.open_api_ports();
            self.review();
        }
        for part in parts {
            self.reschedule(part);
        }
        true
    }

    fn switch_on(&mut self, number: u32, host: Option<network::HostId>) {
        if let Some(host) = host {
            self.wires.network.start(host);
            self.wires.write_flannel_rules(host);
        }
        let Cluster { world, wires, parts, .. } = self;
        parts.with(world, wires, Parts::kubelet_id(number), |target, cx, wires| {
            if let Target::Kubelet(kubelet) = target {
                kubelet.start(cx, wires);
            }
        });
        let proxy_starts = self.renew_proxy(number);
        self.renew_policy(number);
        let name = self.parts.nodes[number as usize].name.clone();
        let spec = self.preset.nodes.iter().find(|spec| *spec.name == *name);
        if let Some((spec, host)) = spec.zip(host) {
            let serves = spec.control_plane && self.parts.runs_on(&name, Unit::ApiServer);
            crate::ports::open(&mut self.wires.network, host, number, serves);
        }
        self.connect(Parts::kubelet_id(number));
        if proxy_starts {
            self.connect(Parts::proxy_id(number));
        }
        self.connect(Parts::policy_id(number));
    }

    fn set_everywhere(&mut self, unit: Unit, on: bool) -> bool {
        let mut changed = false;
        let machines: Vec<Option<Rc<str>>> =
            self.parts.plane.members.iter().map(|member| member.machine.clone()).collect();
        for machine in machines.iter().flatten() {
            changed |= self.set_manifest(machine, unit, on);
        }
        for member in self.parts.plane.members.iter_mut().filter(|member| member.machine.is_none()) {
            changed |= if on { member.stopped.remove(&unit) } else { member.stopped.insert(unit) };
        }
        if changed {
            self.open_api_ports();
            self.review();
        }
        changed
    }

    pub(crate) fn set_process(&mut self, node: &str, unit: Unit, on: bool) -> bool {
        let Some(number) = self.parts.by_name.get(node).copied() else { return false };
        let part = match unit {
            Unit::Kubelet => Parts::kubelet_id(number),
            Unit::KubeProxy => Parts::proxy_id(number),
            _ => return self.set_unit(node, unit, on),
        };
        // A kubelet that has no configuration ends at once.
        if !self.parts.nodes.get(number as usize).is_some_and(|node| node.on && node.joined) {
            return false;
        }
        let changed = if on { self.parts.stopped.remove(&part) } else { self.parts.stopped.insert(part) };
        if !changed {
            return false;
        }
        self.world.close_streams_of(|of| of == part);
        let host = self.wires.nodes.get(node).copied();
        match (on, unit) {
            (true, Unit::Kubelet) => {
                let now = self.world.now;
                self.parts.nodes[number as usize].kubelet.restart(now);
                self.connect(part);
                self.read_kubelet_config(node);
                self.read_manifests(node);
            }
            (true, _) if self.renew_proxy(number) => self.connect(part),
            _ => {}
        }
        if let Some(host) = host {
            crate::ports::set_open(&mut self.wires.network, host, number, unit, on);
        }
        self.reschedule(part);
        true
    }

    /// Lets a process of a control plane run from now on, or no more.
    pub(crate) fn set_unit(&mut self, node: &str, unit: Unit, on: bool) -> bool {
        let Some(member) = self.parts.plane.member_mut(node) else { return false };
        let changed = if on { member.stopped.remove(&unit) } else { member.stopped.insert(unit) };
        if changed {
            self.open_api_ports();
            self.review();
        }
        changed
    }

    /// Stops a controller, as by `--controllers=*,-NAME`, or starts it again.
    pub(crate) fn set_controller(&mut self, name: &'static str, on: bool) -> bool {
        let disabled = &mut self.parts.plane.disabled;
        let changed = if on { disabled.remove(name) } else { disabled.insert(name) };
        if changed && on {
            self.parts.manager.start(self.world.now, name);
        } else if changed {
            self.parts.manager.stop(name);
        }
        if changed {
            self.reschedule(MANAGER);
        }
        changed
    }

    /// Lets the API servers' ports be open where they run.
    fn open_api_ports(&mut self) {
        let members: Vec<(Rc<str>, bool)> = self
            .parts
            .plane
            .members
            .iter()
            .filter_map(|member| {
                let runs = self.parts.has_power(member) && !member.stopped.contains(&Unit::ApiServer);
                Some((member.machine.clone()?, runs))
            })
            .collect();
        for (name, runs) in members {
            let host = self.wires.nodes.get(&name).copied();
            if let Some((host, number)) = host.zip(self.parts.by_name.get(&name).copied()) {
                crate::ports::set_open(&mut self.wires.network, host, number, Unit::ApiServer, runs);
            }
        }
        if let Some(host) = self.wires.virtual_server {
            let runs = self.parts.door() == Door::Open;
            crate::ports::set_open(&mut self.wires.network, host, 0, Unit::ApiServer, runs);
        }
    }

    /// Takes up which processes of the control plane run now: who asks, who is told, who leads, who works.
    pub(crate) fn review(&mut self) {
        let (now, chance) = (self.world.now, self.world.chance);
        let mut plane = self.parts.plane.clone();
        plane.elect(now, chance, |member| self.parts.has_power(member));
        self.parts.plane = plane;
        let (door, trouble) = (self.parts.door(), self.parts.etcd_trouble());
        let can_write = door == Door::Open && trouble.is_none();
        self.world.apiserver.set_etcd_trouble(trouble);
        let [manager, scheduler] = LED.map(|unit| self.parts.runs(unit));
        self.world.apiserver.set_health(apiserver::ComponentHealth { manager, scheduler });
        self.set_door(door);
        self.renew_leadership(can_write);
        for (part, runs) in self.lead(can_write) {
            if runs == self.parts.stopped.contains(&part) {
                let process = if part == MANAGER { Process::ControllerManager } else { Process::Scheduler };
                self.set_running(part, process, runs);
            }
        }
        self.agenda.set(PLANE, self.parts.plane.next_at());
    }

    /// Lets the controller manager and the scheduler start anew that could not renew their leases for too long:
    /// what they remembered is gone.
    // Models staging/src/k8s.io/client-go/tools/leaderelection/leaderelection.go renew
    fn renew_leadership(&mut self, can_write: bool) {
        if !can_write {
            self.parts.plane.unwritable_since.get_or_insert(self.world.now);
            return;
        }
        let Some(since) = self.parts.plane.unwritable_since.take() else { return };
        if self.world.now - since < RENEW_DEADLINE {
            return;
        }
        for (part, process) in [(MANAGER, Process::ControllerManager), (SCHEDULER, Process::Scheduler)] {
            if self.parts.is_on(part) {
                self.restart(process);
                self.reschedule(part);
            }
        }
    }

    fn set_running(&mut self, part: u32, process: Process, runs: bool) {
        if runs {
            self.parts.stopped.remove(&part);
            self.restart(process);
        } else {
            self.parts.stopped.insert(part);
            self.world.close_streams_of(|of| of == part);
        }
        self.reschedule(part);
    }

    /// Opens or shuts the way to the API server. Whoever watched is cut off, and lists anew once it is open.
    fn set_door(&mut self, door: Door) {
        let before = std::mem::replace(&mut self.world.door, door);
        if before == Door::Open && door != Door::Open {
            self.world.close_streams_of(|_| true);
            let watches = self.world.readers.iter().filter(|(_, reader)| reader.owner == Owner::Mailbox);
            let watches: Vec<u64> = watches.map(|(stream, _)| *stream).collect();
            for stream in watches {
                self.world.close_stream(stream);
                if let Some(mail) = self.terminal.machines.mail.get_mut(&stream) {
                    mail.push_back(StreamRead::Closed);
                }
            }
            self.terminal.wake();
        }
        if before != Door::Open && door == Door::Open {
            for part in self.parts.all() {
                if self.parts.is_on(part) {
                    self.connect(part);
                }
            }
        }
    }
}
