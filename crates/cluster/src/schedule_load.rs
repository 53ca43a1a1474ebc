//! Load for benchmarks: many pods that wait for the scheduler.

use crate::parts::SCHEDULER;
use crate::world::{Happening, Owner, World};
use api::{Method, PatchType, Request, Value, tree};
use apiserver::{ApiServer, Options};
use client::{Component, Cx, Delivery};
use scheduler::Scheduler;
use sim::Time;

/// A scheduler and an API server without a cluster around them.
pub struct ScheduleLoad {
    world: World,
    scheduler: Scheduler,
}

impl ScheduleLoad {
    /// Makes so many nodes, and so many pods that wait.
    pub fn new(nodes: u32, pods: u32) -> ScheduleLoad {
        let now = Time::EPOCH;
        let world = World::new(now, 1, sim::Timing::default(), ApiServer::new(now, Options::default()));
        let mut load = ScheduleLoad { world, scheduler: Scheduler::new() };
        let account = tree!({"metadata": {"name": "default"}});
        load.post("/api/v1/namespaces/default/serviceaccounts", &account);
        for number in 0..nodes {
            load.add_node(number);
        }
        let requests = tree!({"cpu": "100m", "memory": "64Mi"});
        let container = tree!({"name": "web", "image": "nginx:1.16", "resources": {"requests": requests}});
        for number in 0..pods {
            let pod = tree!({
                "metadata": {"name": (format!("web-{number}")), "labels": {"app": "web"}},
                "spec": {"containers": [(&container)]},
            });
            load.post("/api/v1/namespaces/default/pods", &pod);
        }
        for (number, spec) in (0..).zip(load.scheduler.watches()) {
            let identity = load.scheduler.identity().clone();
            let (items, _) = load.world.list_and_watch(&identity, &spec, Owner::Part(SCHEDULER, number));
            load.act(|scheduler, cx| scheduler.deliver(cx, number, Delivery::Listed(items)));
        }
        load
    }

    fn add_node(&mut self, number: u32) {
        let name = format!("node-{number}");
        let room = tree!({"cpu": "4", "memory": "8Gi", "ephemeral-storage": "100Gi", "pods": "110"});
        let node = tree!({
            "metadata": {"name": (&name), "labels": {"kubernetes.io/hostname": (&name)}},
            "status": {"capacity": (&room), "allocatable": (&room),
                "conditions": [{"type": "Ready", "status": "True"}]},
        });
        self.post("/api/v1/nodes", &node);
        // A node is tainted as not ready when it is created.
        let mut untaint = Request::new(Method::Patch, format!("/api/v1/nodes/{name}"));
        untaint.patch = PatchType::Merge;
        let untaint = untaint.body(&tree!({"spec": {"taints": null}}));
        let response = self.world.apiserver.handle(self.world.now, &untaint);
        debug_assert!(response.is_success(), "{:?}", response.body);
    }

    fn post(&mut self, path: &str, object: &Value) {
        let response =
            self.world.apiserver.handle(self.world.now, &Request::new(Method::Post, path).body(object));
        debug_assert!(response.is_success(), "{:?}", response.body);
    }

    fn act(&mut self, act: impl FnOnce(&mut Scheduler, &mut Cx)) {
        let (timing, now, chance) = (self.world.timing.clone(), self.world.now, self.world.chance);
        self.world.acting = Some(SCHEDULER);
        let mut cx = Cx::new(now, chance, &timing, &mut self.world, self.scheduler.identity().clone());
        act(&mut self.scheduler, &mut cx);
    }

    /// Lets the scheduler work until nothing is left for it. Returns how many pods have a node.
    pub fn run(&mut self) -> u64 {
        loop {
            let told = self.world.queue.next_at().unwrap_or(Time::NEVER);
            let due = self.scheduler.next_at();
            let at = told.min(due);
            let (active, backing_off, _) = self.scheduler.waiting();
            // What no node has room for would be tried again for ever.
            if at == Time::NEVER || told == Time::NEVER && active + backing_off == 0 {
                break;
            }
            self.world.now = self.world.now.max(at);
            if told > due {
                self.act(Scheduler::step);
            } else if let Some((_, Happening::Watch { stream, event })) = self.world.queue.pop() {
                let owner = self.world.readers.get(&stream).map(|reader| reader.owner.clone());
                if let Some(Owner::Part(_, watch)) = owner {
                    self.act(|scheduler, cx| scheduler.deliver(cx, watch, Delivery::Event(event)));
                }
            }
        }
        let pods = Request::new(Method::Get, "/api/v1/pods");
        let list = self.world.apiserver.handle(self.world.now, &pods).body;
        list["items"].items().iter().filter(|pod| !pod["spec"]["nodeName"].str().is_empty()).count() as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn its_pods_get_nodes() {
        assert_eq!(ScheduleLoad::new(3, 20).run(), 20);
        assert_eq!(ScheduleLoad::new(1, 200).run(), 40, "four processors are forty pods");
    }
}
