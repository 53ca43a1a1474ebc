//! What a component is given: calls to the API server, a cache kept by watches, a work queue, and a
//! recorder of events. A component knows the API and nothing else of the cluster.

mod component;
mod controller;
mod cx;
mod events;
mod expectations;
mod informer;
mod queue;
mod reflector;
#[cfg(feature = "testing")]
pub mod testing;

pub use component::{Component, Delivery, Identity, WatchSpec};
pub use controller::{Controller, Enqueue, Program, Reconcile, WorkLoop, Worker};
pub use cx::{Answer, Api, Cx, Failure};
pub use events::EventRecorder;
pub use expectations::{Expectations, UidExpectations};
pub use informer::{Change, IndexBy, Informer, Informers};
pub use queue::WorkQueue;
pub use reflector::Reflector;
