//! The overlay between nodes: a pod's packet goes to another node within a packet of UDP, by the device
//! `flannel.1` that flannel makes with its backend vxlan. How much less fits into such a packet is left out.
// Models github.com/flannel-io/flannel pkg/backend/vxlan

use crate::capture::Face;
use crate::iptables::{Interface, Packet};
use crate::node::{Origin, Pass, Stop};
use crate::walk::{Fate, Next, Trip};
use crate::way::{Event, Loss};
use crate::{Cidr, HostId, Network, Protocol, Socket};
use sim::Time;
use std::net::Ipv4Addr;
use std::rc::Rc;

/// The port of UDP on which the kernel takes packets of the overlay.
pub const VXLAN_PORT: u16 = 8_472;
/// The number of the overlay's network (VNI).
pub const VXLAN_ID: u32 = 1;
/// What an outer header adds to a packet's length, in bytes.
const HEADER: u32 = 50;
/// The ports from which the kernel sends packets of the overlay.
// Models include/net/udp.h udp_flow_src_port
const PORTS: std::ops::Range<u32> = 32_768..61_000;

/// A packet of UDP in which another one goes from node to node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Outer {
    from: Ipv4Addr,
    to: Ipv4Addr,
    port: u16,
}

impl Outer {
    /// Wraps a packet; its ends decide from which port it goes, so that a flow stays in order.
    fn new(from: Ipv4Addr, to: Ipv4Addr, packet: &Packet) -> Outer {
        let end = |socket: Socket| u64::from(u32::from(socket.address)) << 16 | u64::from(socket.port);
        let mixed = end(packet.source).wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ end(packet.destination);
        let hash = (mixed.wrapping_mul(0xff51_afd7_ed55_8ccd) >> 32) as u32;
        Outer { from, to, port: (PORTS.start + hash % (PORTS.end - PORTS.start)) as u16 }
    }

    /// Returns where it comes from.
    pub fn source(self) -> Socket {
        Socket::new(self.from, self.port)
    }

    /// Returns where it goes.
    pub fn destination(self) -> Socket {
        Socket::new(self.to, VXLAN_PORT)
    }

    /// Returns the packet in which an answer comes.
    pub(crate) fn back(self) -> Outer {
        Outer { from: self.to, to: self.from, ..self }
    }
}

/// Returns the hardware address of a node's end of the overlay, as good as the random one that it gets.
pub fn overlay_hardware_address(overlay: Ipv4Addr) -> String {
    let [a, b, c, d] = (u32::from(overlay).wrapping_mul(0x9e37_79b9)).to_be_bytes();
    format!("{:02x}:{a:02x}:{b:02x}:{c:02x}:{d:02x}:{:02x}", (a & 0xf0) | 0x0a, a ^ d)
}

/// Returns the rules that flannel keeps on a node whose pods have these addresses, as iptables-restore
/// reads them.
// Models github.com/flannel-io/flannel pkg/trafficmngr/iptables/iptables.go masqRules
pub fn flannel_rules(all: Cidr, own: Cidr) -> String {
    const MASQ: &str = "-m comment --comment \"flanneld masq\"";
    const FORWARD: &str = "-m comment --comment \"flanneld forward\"";
    format!(
        "*nat\n:FLANNEL-POSTRTG - [0:0]\n-A POSTROUTING {MASQ} -j FLANNEL-POSTRTG\n\
         -A FLANNEL-POSTRTG -m mark --mark 0x4000/0x4000 {MASQ} -j RETURN\n\
         -A FLANNEL-POSTRTG -s {own} -d {all} {MASQ} -j RETURN\n\
         -A FLANNEL-POSTRTG -s {all} -d {own} {MASQ} -j RETURN\n\
         -A FLANNEL-POSTRTG ! -s {all} -d {own} {MASQ} -j RETURN\n\
         -A FLANNEL-POSTRTG -s {all} ! -d 224.0.0.0/4 {MASQ} -j MASQUERADE --random-fully\n\
         -A FLANNEL-POSTRTG ! -s {all} -d {all} {MASQ} -j MASQUERADE --random-fully\nCOMMIT\n\
         *filter\n:FLANNEL-FWD - [0:0]\n-A FORWARD {FORWARD} -j FLANNEL-FWD\n\
         -A FLANNEL-FWD -s {all} {FORWARD} -j ACCEPT\n-A FLANNEL-FWD -d {all} {FORWARD} -j ACCEPT\nCOMMIT\n"
    )
}

impl Network {
    /// Sends a packet to another node's end of the overlay.
    pub(crate) fn over_vxlan(
        &mut self,
        now: Time,
        at: HostId,
        via: Ipv4Addr,
        packet: &Packet,
        trip: &mut Trip,
    ) -> Next {
        trip.cross(at, Face::Flannel1, false, packet);
        let machine = |id: HostId| self.topology.host(id).map(|host| host.address);
        let other = self.topology.pod_network_of(via).and_then(|(_, node)| machine(node));
        let (Some(own), Some(other)) = (machine(at), other) else { return Err(Fate::Unreachable) };
        let outer = Outer::new(own, other, packet);
        trip.events.push(Event::Wrapped { outer, is_out: false });
        self.pass_outer(now, at, outer, (Origin::Process, packet.bytes), trip)?;
        trip.outer = Some(outer);
        let next = self.over_segment(now, at, other, packet, trip);
        next.map(|(host, _)| (host, Origin::Interface(Interface::Flannel1)))
    }

    /// Takes a packet that came to a node out of the one that it is in.
    pub(crate) fn unwrap(
        &mut self,
        now: Time,
        at: HostId,
        packet: &Packet,
        trip: &mut Trip,
    ) -> Result<(), Fate> {
        trip.cross(at, Face::Eth0, true, packet);
        let Some(outer) = trip.outer.take() else { return Ok(()) };
        self.pass_outer(now, at, outer, (Origin::Interface(Interface::Eth0), packet.bytes), trip)?;
        trip.events.push(Event::Wrapped { outer, is_out: true });
        Ok(())
    }

    /// Takes an outer packet through a node's rules. What they do is told only where they don't let it pass.
    fn pass_outer(
        &mut self,
        now: Time,
        at: HostId,
        outer: Outer,
        (origin, bytes): (Origin, u32),
        trip: &mut Trip,
    ) -> Result<(), Fate> {
        let Some(node) = self.nodes.get_mut(&at) else { return Err(Fate::Lost(Loss::Down)) };
        let mut packet = Packet {
            protocol: Protocol::Udp,
            source: outer.source(),
            destination: outer.destination(),
            mark: 0,
            in_interface: Interface::None,
            out_interface: Interface::None,
            state: 0,
            bytes: bytes + HEADER,
        };
        let mut events = Vec::new();
        let mut pass = Pass {
            now: now + trip.elapsed,
            chance: self.chance,
            who: &trip.who,
            draws: trip.draws,
            topology: &self.topology,
            at,
            events: &mut events,
            taken: &mut trip.taken,
        };
        let passed = Rc::make_mut(node).pass(&mut packet, origin, &mut pass);
        trip.draws = pass.draws;
        match passed {
            Ok(_) => Ok(()),
            Err(stop) => {
                trip.events.append(&mut events);
                // Who sent the inner packet isn't told of what becomes of the outer one.
                Err(Fate::Lost(if let Stop::Lost(loss) = stop { loss } else { Loss::Dropped }))
            }
        }
    }
}
