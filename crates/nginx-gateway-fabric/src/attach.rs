//! Which of a Gateway's listeners a route uses.

use crate::graph::{Cond, Objects};
use crate::listener::Listener;
use api::{Value, meta};
use std::rc::Rc;

/// A listener's place, and the hosts that a route has of it.
pub(crate) type Attached = (usize, Vec<Rc<str>>);

/// Returns the places of the listeners that a route is attached to, each with its hosts.
///
/// # Errors
/// The condition that says why there is none.
// Models github.com/nginx/nginx-gateway-fabric internal/controller/state/graph/route_common.go
// tryToAttachRouteToListeners
pub(crate) fn attach(
    gateway: &Value,
    listeners: &[Listener],
    route: &Value,
    reference: &Value,
    objects: &Objects,
) -> Result<Vec<Attached>, Cond> {
    let refused = |reason, message| Err(Cond::new("Accepted", false, reason, message));
    let (section, port) = (reference["sectionName"].str(), reference["port"].int());
    let is_meant = |one: &Listener| {
        (section.is_empty() || *one.name == *section) && (port == 0 || i64::from(one.port) == port)
    };
    let mut left: Vec<(usize, &Listener)> =
        listeners.iter().enumerate().filter(|(_, one)| is_meant(one)).collect();
    if left.is_empty() {
        return refused("NoMatchingParent", "Listener is not found for this parent ref");
    }
    left.retain(|(_, one)| one.faults.is_empty());
    if left.is_empty() {
        return refused("InvalidListener", "Listener is invalid for this parent ref");
    }
    left.retain(|(_, one)| one.allows(gateway, meta::namespace(route), objects));
    if left.is_empty() {
        return refused("NotAllowedByListeners", "Route is not allowed by any listener");
    }
    let mut attached: Vec<Attached> =
        left.into_iter().map(|(place, one)| (place, one.hosts(route))).collect();
    attached.retain(|(_, hosts)| !hosts.is_empty());
    if attached.is_empty() {
        return refused("NoMatchingListenerHostname", "Listener hostname does not match the Route hostnames");
    }
    Ok(attached)
}
