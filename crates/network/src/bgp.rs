//! What routers and speakers of BGP say to each other.
//!
//! Left out on purpose: its packets. A message that can reach the other machine is there at once.

use crate::Cidr;
use sim::Nanos;
use std::net::Ipv4Addr;
use std::rc::Rc;

/// The port that BGP listens on.
pub const BGP_PORT: u16 = 179;

/// A route that is told of, by who is the next on it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BgpRoute {
    /// Where it leads.
    pub prefix: Cidr,
    /// How much it is preferred within one autonomous system; others don't hear of it.
    pub local_pref: u32,
    /// Its communities, as `64512:100`, in order.
    pub communities: Vec<Rc<str>>,
}

/// What a neighbour says.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum BgpMessage {
    /// Who it is, which begins a session.
    Open {
        /// Its autonomous system.
        asn: u32,
        /// Its identity.
        router_id: Ipv4Addr,
        /// After what silence it takes the session for dead; 0 for never.
        hold: Nanos,
        /// After what silence BFD does; 0 without BFD.
        detect: Nanos,
    },
    /// That it is there.
    Keepalive,
    /// All its routes: what it told of before and isn't among them is withdrawn.
    Update(Vec<BgpRoute>),
    /// That the session is over.
    Close,
}
