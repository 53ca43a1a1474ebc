//! The router beside the nodes: holds BGP sessions with them, learns routes, and gives them to its machine,
//! which spreads packets over the next hops of a route. What `vtysh` shows is what FRRouting's shows.
//!
//! Left out on purpose: telling others of routes, policies, address families but IPv4, graceful restart.

mod router;
mod show;
#[cfg(test)]
mod tests;

pub use router::{NAME, Router};
