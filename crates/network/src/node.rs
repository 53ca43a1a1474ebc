//! A packet's way through one node: routing, connection tracking, and the chains at each hook.

use crate::conntrack::{Conntrack, Direction, TrackState, Tuple};
use crate::iptables::{
    Counter, Hook, Interface, Iptables, Packet, RecentLists, RejectWith, RunContext, TableName, Taken,
    Verdict, state,
};
use crate::ipvs::{Ipvs, Scheduled};
use crate::nftables::{Nftables, Point};
use crate::topology::Topology;
use crate::way::{Event, Loss, Route};
use crate::{HostId, Protocol, Socket};
use sim::{Chance, Time};
use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::rc::Rc;

/// How many ports are tried for a translated source.
const PORT_TRIES: u32 = 128;
/// The first port that is drawn for a translated source.
const FIRST_PORT: u16 = 1_024;
/// The priorities of the tables of iptables at their hooks; the chains of nftables have their own.
const MANGLE: i32 = -150;
const DESTINATIONS: i32 = -100;
const FILTER: i32 = 0;
const SOURCES: i32 = 100;

/// What a node keeps of the network.
#[derive(Clone, Debug, Default)]
pub(crate) struct Node {
    pub(crate) iptables: Iptables,
    pub(crate) nftables: Nftables,
    pub(crate) conntrack: Conntrack,
    pub(crate) ipvs: Ipvs,
    pub(crate) recent: RecentLists,
    pub(crate) accounts: BTreeMap<Rc<str>, Counter>,
    /// The place of the last address given to a pod, within the node's network.
    pub(crate) last_pod_address: u32,
}

/// Where a packet comes from, seen by the node that has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// A process of the node made it.
    Process,
    /// It came in.
    Interface(Interface),
}

/// Why a packet ends at a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stop {
    Rejected(RejectWith),
    Lost(Loss),
}

/// What one packet's run through a node needs.
pub(crate) struct Pass<'a> {
    pub(crate) now: Time,
    pub(crate) chance: Chance,
    /// Who draws, and the number of the next draw.
    pub(crate) who: &'a str,
    pub(crate) draws: u64,
    pub(crate) topology: &'a Topology,
    pub(crate) at: HostId,
    pub(crate) events: &'a mut Vec<Event>,
    pub(crate) taken: &'a mut Vec<Taken>,
}

/// How the connection of a packet is translated.
#[derive(Clone, Copy)]
enum Translation {
    /// By the rules, as it is new.
    New,
    /// As it was before: source and destination once translated.
    Known(Socket, Socket),
}

impl Node {
    /// Takes a packet through the node and returns where routing sends it.
    pub(crate) fn pass(
        &mut self,
        packet: &mut Packet,
        origin: Origin,
        pass: &mut Pass,
    ) -> Result<Route, Stop> {
        packet.mark = 0;
        packet.out_interface = Interface::None;
        packet.in_interface = match origin {
            Origin::Process => Interface::None,
            Origin::Interface(interface) => interface,
        };
        let locals = locals(pass.topology, pass.at);
        let original = tuple(packet);
        let translation = self.track(packet, &original, pass);
        if matches!(translation, Translation::New) && !self.conntrack.make_room(pass.now) {
            return Err(Stop::Lost(Loss::TableFull));
        }
        let mut run = Run { node: self, pass, locals, virtual_server: None, reached: i32::MIN };
        let begin = if origin == Origin::Process { Hook::Output } else { Hook::Prerouting };
        if begin == Hook::Output {
            packet.out_interface = run.route(packet.destination.address).1;
        }
        run.table(TableName::Mangle, begin, packet)?;
        run.translate_destination(begin, packet, translation)?;
        if begin == Hook::Prerouting {
            run.leave(begin, packet)?;
        }
        let (mut route, out) = run.route(packet.destination.address);
        run.pass.events.push(Event::Route(route));
        if matches!(translation, Translation::New) && !run.node.ipvs.servers().is_empty() {
            let asked = packet.destination;
            // What comes in is for the machine itself, until a virtual server sends it on; the machine's own
            // packets are sent on at once.
            if begin == Hook::Prerouting && route == Route::Local && run.has_virtual(packet) {
                run.table(TableName::Mangle, Hook::Input, packet)?;
                run.table(TableName::Filter, Hook::Input, packet)?;
                run.leave(Hook::Input, packet)?;
            }
            if route == Route::Local && run.send_on(packet)? {
                let (next, out) = run.route(packet.destination.address);
                route = next;
                run.pass.events.push(Event::Route(route));
                packet.out_interface = out;
                run.virtual_server = Some(asked);
                run.table(TableName::Filter, Hook::Output, packet)?;
                run.leave(Hook::Output, packet)?;
                if route != Route::Local {
                    run.table(TableName::Mangle, Hook::Postrouting, packet)?;
                }
                let hook = if route == Route::Local { Hook::Input } else { Hook::Postrouting };
                run.translate_source(hook, packet, translation, &original)?;
                run.leave(hook, packet)?;
                let reply = Tuple { source: packet.destination, destination: packet.source, ..original };
                self.conntrack.add(pass.now, original, reply);
                return Ok(route);
            }
        }
        if begin == Hook::Output {
            packet.out_interface = out;
            run.table(TableName::Filter, Hook::Output, packet)?;
            run.leave(Hook::Output, packet)?;
        } else if route != Route::Local {
            packet.out_interface = out;
            run.table(TableName::Mangle, Hook::Forward, packet)?;
            run.table(TableName::Filter, Hook::Forward, packet)?;
            run.leave(Hook::Forward, packet)?;
        }
        if begin == Hook::Output || route != Route::Local {
            run.table(TableName::Mangle, Hook::Postrouting, packet)?;
            run.translate_source(Hook::Postrouting, packet, translation, &original)?;
            run.leave(Hook::Postrouting, packet)?;
        }
        if route == Route::Local {
            packet.out_interface = Interface::None;
            if begin == Hook::Output {
                packet.in_interface = Interface::Lo;
            }
            run.table(TableName::Mangle, Hook::Input, packet)?;
            run.table(TableName::Filter, Hook::Input, packet)?;
            if begin != Hook::Output {
                run.translate_source(Hook::Input, packet, translation, &original)?;
            }
            run.leave(Hook::Input, packet)?;
        }
        if matches!(translation, Translation::New) {
            let reply = Tuple { source: packet.destination, destination: packet.source, ..original };
            self.conntrack.add(pass.now, original, reply);
        }
        Ok(route)
    }

    fn track(&mut self, packet: &mut Packet, original: &Tuple, pass: &mut Pass) -> Translation {
        let Some((connection, direction)) = self.conntrack.find(pass.now, original) else {
            packet.state = state::NEW;
            return Translation::New;
        };
        let is_new = direction == Direction::Original && connection.state == TrackState::Unreplied;
        packet.state = if is_new { state::NEW } else { state::ESTABLISHED };
        packet.state |= if connection.is_dnat() { state::DNAT } else { 0 };
        packet.state |= if connection.is_snat() { state::SNAT } else { 0 };
        self.conntrack.note(pass.now, original, direction);
        pass.events.push(Event::Tracked(direction));
        if connection.is_dnat() && !self.ipvs.servers().is_empty() {
            let key = (connection.original.protocol, connection.original.destination);
            self.ipvs.count(key, connection.reply.source, packet.bytes, direction == Direction::Reply);
        }
        let (source, destination) = connection.translated(direction);
        Translation::Known(source, destination)
    }
}

/// Returns the addresses that are a node's own: on the segment, of its bridge, of its end of the overlay.
fn locals(topology: &Topology, node: HostId) -> [Ipv4Addr; 3] {
    let own = topology.host(node).map_or(Ipv4Addr::LOCALHOST, |host| host.address);
    let overlay = topology.overlay_address(node);
    [own, bridge_address(topology, node).unwrap_or(own), overlay.unwrap_or(own)]
}

/// Returns the address of a node's bridge: the first of its pods' network.
pub(crate) fn bridge_address(topology: &Topology, node: HostId) -> Option<Ipv4Addr> {
    topology.pod_network(node).and_then(|network| network.nth(1))
}

pub(crate) fn tuple(packet: &Packet) -> Tuple {
    Tuple { source: packet.source, destination: packet.destination, protocol: packet.protocol }
}

struct Run<'a, 'b> {
    node: &'a mut Node,
    pass: &'a mut Pass<'b>,
    locals: [Ipv4Addr; 3],
    /// The virtual server that sent the packet on.
    virtual_server: Option<Socket>,
    /// Up to which priority the chains of nftables at this hook are done.
    reached: i32,
}

impl Run<'_, '_> {
    fn route(&self, to: Ipv4Addr) -> (Route, Interface) {
        if to.is_loopback() || self.locals.contains(&to) || self.node.ipvs.bound().contains(&to) {
            return (Route::Local, Interface::Lo);
        }
        let topology = self.pass.topology;
        match topology.pod_network_of(to) {
            Some((_, node)) if node == self.pass.at => (Route::Pod, Interface::Cni0),
            Some((network, _)) if topology.is_overlaid => {
                (Route::Overlay(network.address()), Interface::Flannel1)
            }
            Some((_, node)) => {
                let via = topology.host(node).map_or(to, |host| host.address);
                (Route::Segment(via), Interface::Eth0)
            }
            None if topology.segment.contains(to) => (Route::Segment(to), Interface::Eth0),
            None => (Route::Gateway, Interface::Eth0),
        }
    }

    /// Runs the chains of nftables that come before a priority, and were not run yet at this hook.
    // Models include/uapi/linux/netfilter_ipv4.h nf_ip_hook_priorities
    fn before(&mut self, to: i32, hook: Hook, packet: &mut Packet) -> Result<(), Stop> {
        if self.node.nftables.is_empty() {
            return Ok(());
        }
        let from = std::mem::replace(&mut self.reached, to);
        match self.nftables(Point { is_nat: false, hook, from, to }, packet) {
            Verdict::Drop => Err(Stop::Lost(Loss::Dropped)),
            Verdict::Reject(with) => Err(Stop::Rejected(with)),
            _ => Ok(()),
        }
    }

    /// Runs what is left of nftables at a hook.
    fn leave(&mut self, hook: Hook, packet: &mut Packet) -> Result<(), Stop> {
        self.before(i32::MAX, hook, packet)?;
        self.reached = i32::MIN;
        Ok(())
    }

    /// Asks both kinds of tables how a new connection is translated; the first that says so decides.
    fn nat(&mut self, hook: Hook, packet: &mut Packet) -> Verdict {
        match self.verdict(TableName::Nat, hook, packet) {
            Verdict::Accept if !self.node.nftables.is_empty() => {
                self.nftables(Point { is_nat: true, hook, from: i32::MIN, to: i32::MAX }, packet)
            }
            verdict => verdict,
        }
    }

    fn nftables(&mut self, point: Point, packet: &mut Packet) -> Verdict {
        self.execute(|_, nftables, context, pass| nftables.run(point, packet, context, pass.events))
    }

    fn verdict(&mut self, table: TableName, hook: Hook, packet: &mut Packet) -> Verdict {
        let verdict =
            self.execute(|iptables, _, context, pass| iptables.run(table, hook, packet, context, pass.taken));
        if !self.pass.taken.is_empty() {
            self.pass.events.push(Event::Hook { table, hook });
            self.pass.events.extend(self.pass.taken.drain(..).map(Event::Taken));
        }
        verdict
    }

    /// Executes rules of either kind: what they know of the node, and their draws, are the same.
    fn execute(
        &mut self,
        run: impl FnOnce(&mut Iptables, &mut Nftables, &mut RunContext, &mut Pass) -> Verdict,
    ) -> Verdict {
        let mut context = RunContext {
            now: self.pass.now,
            locals: &self.locals,
            bound: self.node.ipvs.bound(),
            virtual_server: self.virtual_server,
            recent: &mut self.node.recent,
            accounts: &mut self.node.accounts,
            chance: self.pass.chance,
            series: None,
            who: self.pass.who,
            draws: self.pass.draws,
        };
        let verdict = run(&mut self.node.iptables, &mut self.node.nftables, &mut context, self.pass);
        self.pass.draws = context.draws;
        verdict
    }

    fn has_virtual(&self, packet: &Packet) -> bool {
        self.node.ipvs.servers().contains_key(&(packet.protocol, packet.destination))
    }

    /// Hands a packet to the virtual server with its destination. Returns whether there is one.
    fn send_on(&mut self, packet: &mut Packet) -> Result<bool, Stop> {
        let key = (packet.protocol, packet.destination);
        let Node { ipvs, conntrack, .. } = &mut *self.node;
        let scheduler = ipvs.servers().get(&key).map(|server| server.scheduler);
        match ipvs.schedule(self.pass.now, packet.source, key, packet.bytes, conntrack) {
            Scheduled::NotMine => Ok(false),
            Scheduled::Nowhere => Err(Stop::Rejected(RejectWith::PortUnreachable)),
            Scheduled::To(after) => {
                let before = packet.destination;
                let (protocol, server) = key;
                let chosen = scheduler.map(|scheduler| Event::Scheduled { protocol, server, scheduler });
                self.pass.events.extend(chosen);
                self.pass.events.push(Event::Destination { before, after, is_tracked: false });
                packet.destination = after;
                packet.state |= state::DNAT;
                Ok(true)
            }
        }
    }

    fn table(&mut self, table: TableName, hook: Hook, packet: &mut Packet) -> Result<(), Stop> {
        self.before(if table == TableName::Mangle { MANGLE } else { FILTER }, hook, packet)?;
        match self.verdict(table, hook, packet) {
            Verdict::Drop => Err(Stop::Lost(Loss::Dropped)),
            Verdict::Reject(with) => Err(Stop::Rejected(with)),
            _ => Ok(()),
        }
    }

    fn translate_destination(
        &mut self,
        hook: Hook,
        packet: &mut Packet,
        translation: Translation,
    ) -> Result<(), Stop> {
        self.before(DESTINATIONS, hook, packet)?;
        let before = packet.destination;
        let after = match translation {
            Translation::Known(_, destination) => destination,
            Translation::New => match self.nat(hook, packet) {
                Verdict::Dnat(to) if to.port == 0 => Socket::new(to.address, before.port),
                Verdict::Dnat(to) => to,
                Verdict::Drop => return Err(Stop::Lost(Loss::Dropped)),
                Verdict::Reject(with) => return Err(Stop::Rejected(with)),
                _ => before,
            },
        };
        if after != before {
            let is_tracked = matches!(translation, Translation::Known(..));
            self.pass.events.push(Event::Destination { before, after, is_tracked });
            packet.destination = after;
            packet.state |= state::DNAT;
        }
        Ok(())
    }

    fn translate_source(
        &mut self,
        hook: Hook,
        packet: &mut Packet,
        translation: Translation,
        original: &Tuple,
    ) -> Result<(), Stop> {
        self.before(SOURCES, hook, packet)?;
        let before = packet.source;
        let after = match translation {
            Translation::Known(source, _) => source,
            Translation::New => match self.nat(hook, packet) {
                Verdict::Snat(to) => self.free_source(packet, to.address, to.port, false)?,
                Verdict::Masquerade { random_fully } => {
                    let address = self.leaving_address(packet.out_interface);
                    self.free_source(packet, address, 0, random_fully)?
                }
                Verdict::Drop => return Err(Stop::Lost(Loss::Dropped)),
                _ => self.kept_source(packet, original)?,
            },
        };
        if after != before {
            let is_tracked = matches!(translation, Translation::Known(..));
            self.pass.events.push(Event::Source { before, after, is_tracked });
            packet.source = after;
        }
        Ok(())
    }

    /// Keeps the source, unless another connection's answers would have the same ends.
    fn kept_source(&mut self, packet: &Packet, original: &Tuple) -> Result<Socket, Stop> {
        let reply = Tuple { source: packet.destination, destination: packet.source, ..*original };
        if !self.node.conntrack.is_taken(self.pass.now, &reply) {
            return Ok(packet.source);
        }
        self.free_source(packet, packet.source.address, 0, false)
    }

    fn leaving_address(&self, interface: Interface) -> Ipv4Addr {
        let [own, bridge, overlay] = self.locals;
        match interface {
            Interface::Cni0 => bridge,
            Interface::Flannel1 => overlay,
            Interface::Lo => Ipv4Addr::LOCALHOST,
            _ => own,
        }
    }

    /// Chooses a source port with which the answers can be told from those of other connections.
    fn free_source(
        &mut self,
        packet: &Packet,
        address: Ipv4Addr,
        port: u16,
        is_drawn: bool,
    ) -> Result<Socket, Stop> {
        if packet.protocol == Protocol::Icmp {
            return Ok(Socket::new(address, packet.source.port));
        }
        let wanted = if port == 0 { packet.source.port } else { port };
        for attempt in 0..PORT_TRIES {
            let port = match (is_drawn, attempt) {
                (false, 0) => wanted,
                _ => {
                    let number = self.pass.draws;
                    self.pass.draws += 1;
                    let range = i64::from(FIRST_PORT)..=i64::from(u16::MAX);
                    let who = self.pass.who;
                    self.pass.chance.between("masquerade", who, number, *range.start(), *range.end()) as u16
                }
            };
            let source = Socket::new(address, port);
            let reply = Tuple { source: packet.destination, destination: source, protocol: packet.protocol };
            if !self.node.conntrack.is_taken(self.pass.now, &reply) {
                return Ok(source);
            }
        }
        Err(Stop::Lost(Loss::NoPort))
    }
}
