use crate::Cx;
use api::{Resource, User, Value, WatchEvent};
use sim::Time;
use std::rc::Rc;

/// Under which name a component asks, and how the diagram names it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Identity {
    /// The user the API server sees: `system:kube-scheduler`.
    pub user: Rc<User>,
    /// The component as trace and diagram name it: `scheduler`, `kubelet/node-1`, `controller/deployment`.
    pub agent: Rc<str>,
}

impl Identity {
    /// Makes an identity.
    pub fn new(user: &str, groups: &[&str], agent: &str) -> Identity {
        Identity { user: Rc::new(User::new(user, groups)), agent: agent.into() }
    }

    /// Returns the identity of a controller: it runs under its own service account.
    pub fn controller(account: &str, agent: &str) -> Identity {
        Identity::service_account("kube-system", account, agent)
    }

    /// Returns the identity of a pod's service account.
    pub fn service_account(namespace: &str, account: &str, agent: &str) -> Identity {
        Identity::new(
            &format!("system:serviceaccount:{namespace}:{account}"),
            &[
                "system:serviceaccounts",
                &format!("system:serviceaccounts:{namespace}"),
                "system:authenticated",
            ],
            agent,
        )
    }
}

/// What a component watches.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct WatchSpec {
    /// The resource.
    pub resource: Resource,
    /// The namespace; empty for all.
    pub namespace: String,
    /// The field selector, as in the query; empty for none.
    pub field_selector: String,
    /// The label selector, as in the query; empty for none.
    pub label_selector: String,
}

impl WatchSpec {
    /// Watches all objects of a resource.
    pub fn all(resource: Resource) -> WatchSpec {
        let none = String::new;
        WatchSpec { resource, namespace: none(), field_selector: none(), label_selector: none() }
    }

    /// Watches the objects of a resource that a field selector chooses.
    pub fn with_fields(resource: Resource, field_selector: impl Into<String>) -> WatchSpec {
        WatchSpec { field_selector: field_selector.into(), ..WatchSpec::all(resource) }
    }
}

/// What a watch brings. Deliveries come late: the store may have gone on.
#[derive(Clone, Debug)]
pub enum Delivery {
    /// All there is, at the start and after a lost connection.
    Listed(Vec<Value>),
    /// One change.
    Event(WatchEvent),
}

/// A part of the cluster that works through the API: it is given what its watches bring, and steps
/// when it says that it has something to do. Its state is data.
pub trait Component {
    /// Returns under which name it asks.
    fn identity(&self) -> &Identity;

    /// Returns what it watches; the position in this list is the watch's number. What it begins to watch
    /// later is added at the end. Nothing, where it asks the API server for nothing.
    fn watches(&self) -> Vec<WatchSpec> {
        Vec::new()
    }

    /// Takes what a watch brought.
    fn deliver(&mut self, _cx: &mut Cx, _watch: u32, _delivery: Delivery) {}

    /// Returns when it has something to do; [`Time::NEVER`] where nothing waits.
    fn next_at(&self) -> Time;

    /// Does one thing that is due. It is called when `next_at` has come.
    fn step(&mut self, cx: &mut Cx);
}
