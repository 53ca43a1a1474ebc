//! The controllers of CustomResourceDefinitions, which run in the API server's own process: names are
//! accepted, then the kind is established; when a definition goes, its objects go first.
//!
//! Left out: the controllers of non-structural schemas and of API approval, because what they would
//! complain of is refused when a definition is written.
// Models staging/src/k8s.io/apiextensions-apiserver/pkg/controller

mod condition;
mod establish;
mod finalizer;
mod naming;
#[cfg(test)]
mod tests;

use client::{Component, Controller, Cx, Delivery, Identity, Informers, WatchSpec, Worker};
use sim::Time;

/// The API server's part that looks after CustomResourceDefinitions.
#[derive(Clone)]
pub struct ApiExtensions {
    identity: Identity,
    informers: Informers,
    controllers: Vec<Box<dyn Controller>>,
}

impl Default for ApiExtensions {
    fn default() -> ApiExtensions {
        ApiExtensions {
            identity: identity(),
            informers: Informers::new(&[WatchSpec::all(api::resources::CUSTOMRESOURCEDEFINITIONS)]),
            controllers: vec![
                Box::new(Worker::new(naming::Naming)),
                Box::new(Worker::new(establish::Establish)),
                Box::new(Worker::new(finalizer::Finalizer)),
            ],
        }
    }
}

/// Returns the name under which the API server asks itself.
// Models staging/src/k8s.io/apiserver/pkg/server/options/serving_with_loopback.go
fn identity() -> Identity {
    Identity::new("system:apiserver", &["system:masters", "system:authenticated"], "apiserver")
}

impl Component for ApiExtensions {
    fn identity(&self) -> &Identity {
        &self.identity
    }

    fn watches(&self) -> Vec<WatchSpec> {
        vec![WatchSpec::all(api::resources::CUSTOMRESOURCEDEFINITIONS)]
    }

    fn deliver(&mut self, cx: &mut Cx, watch: u32, delivery: Delivery) {
        for change in self.informers.deliver(watch, delivery) {
            for controller in &mut self.controllers {
                controller.observe(cx.now, &change, &self.informers);
            }
        }
    }

    fn next_at(&self) -> Time {
        self.controllers.iter().map(|controller| controller.next_at()).min().unwrap_or(Time::NEVER)
    }

    fn step(&mut self, cx: &mut Cx) {
        let first = self.controllers.iter_mut().min_by_key(|controller| controller.next_at());
        if let Some(controller) = first.filter(|controller| controller.next_at() <= cx.now) {
            controller.step(cx, &self.informers);
        }
    }
}
