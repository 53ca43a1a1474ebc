//! The controller of APIServices, which runs in the API server's own process: it looks whether the Services
//! behind them are there and answer.
// Models staging/src/k8s.io/kube-aggregator/pkg/controllers/status/remote

mod availability;
#[cfg(test)]
mod tests;

use api::resources::{APISERVICES, ENDPOINTSLICES, SERVICES};
use client::{Component, Controller, Cx, Delivery, Identity, Informers, WatchSpec, Worker};
use sim::Time;

/// The API server's part that looks after APIServices.
#[derive(Clone)]
pub struct KubeAggregator {
    identity: Identity,
    watches: Vec<WatchSpec>,
    informers: Informers,
    controller: Worker<availability::Availability>,
}

impl Default for KubeAggregator {
    fn default() -> KubeAggregator {
        let watches = vec![WatchSpec::all(APISERVICES)];
        KubeAggregator {
            identity: identity(),
            informers: Informers::new(&watches),
            watches,
            controller: Worker::new(availability::Availability),
        }
    }
}

/// Returns the name under which the aggregator asks.
fn identity() -> Identity {
    Identity::new("system:kube-aggregator", &["system:masters", "system:authenticated"], "apiserver")
}

impl Component for KubeAggregator {
    fn identity(&self) -> &Identity {
        &self.identity
    }

    /// Services and their endpoints are of interest once one of them serves a group.
    fn watches(&self) -> Vec<WatchSpec> {
        self.watches.clone()
    }

    fn deliver(&mut self, cx: &mut Cx, watch: u32, delivery: Delivery) {
        for change in self.informers.deliver(watch, delivery) {
            if self.watches.len() == 1 && !change.new["spec"]["service"].is_null() {
                for resource in [SERVICES, ENDPOINTSLICES] {
                    let spec = WatchSpec::all(resource);
                    self.informers.add(&spec);
                    self.watches.push(spec);
                }
            }
            self.controller.observe(cx.now, &change, &self.informers);
        }
    }

    fn next_at(&self) -> Time {
        if self.informers.are_synced() { self.controller.next_at() } else { Time::NEVER }
    }

    fn step(&mut self, cx: &mut Cx) {
        self.controller.step(cx, &self.informers);
    }
}
