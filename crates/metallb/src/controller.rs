use crate::allocator::{Allocator, Port, SharingKey};
use crate::log::Log;
use crate::manifests::NAMESPACE;
use crate::source::Form;
use api::go::quote;
use api::resources::SERVICES;
use api::{Value, meta, tree};
use client::{Component, Cx, Delivery, EventRecorder, Failure, Identity, Informers, WatchSpec, WorkQueue};
use network::Protocol;
use sim::Time;
use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;
use std::rc::Rc;

/// The ConfigMap's key.
pub(crate) const CONFIG: &str = "metallb-system/config";
const PREFIXES: [&str; 2] = ["metallb.io", "metallb.universe.tf"];

/// The controller: gives addresses to Services.
#[derive(Clone, Debug)]
pub struct Controller {
    identity: Identity,
    form: Form,
    informers: Informers,
    queue: WorkQueue,
    recorder: EventRecorder,
    allocator: Allocator,
    config_error: Option<String>,
    /// The revisions that its own writes made, until the watch brings them.
    written: BTreeMap<Rc<str>, i64>,
    busy_until: Time,
    done: u64,
    log: Log,
}

impl Controller {
    /// Makes the controller of a pod, as it is when its process starts.
    pub fn new(pod: &str, form: Form) -> Controller {
        let agent = format!("metallb-controller/{pod}");
        let mut controller = Controller {
            identity: Identity::service_account(NAMESPACE, "controller", &agent),
            form,
            informers: Informers::default(),
            queue: WorkQueue::default(),
            recorder: EventRecorder::new("metallb-controller", ""),
            allocator: Allocator::default(),
            config_error: None,
            written: BTreeMap::new(),
            busy_until: Time(i64::MIN),
            done: 0,
            log: Log::default(),
        };
        controller.informers = Informers::new(&controller.watches());
        controller
    }

    /// Returns what is wrong with the configuration, in MetalLB's words; `None` for a good one.
    pub fn config_error(&self) -> Option<&str> {
        self.config_error.as_deref()
    }

    /// Returns who has which address.
    pub fn allocator(&self) -> &Allocator {
        &self.allocator
    }

    /// Takes the lines that its container has written since the last call.
    pub fn take_log(&mut self) -> Vec<String> {
        self.log.take()
    }

    /// Adds all Services, those that have an address before those that want one.
    fn enqueue_all(&mut self, now: Time) {
        for has_address in [true, false] {
            for service in self.informers.of(SERVICES).iter() {
                if address_of(service).is_some() == has_address {
                    self.queue.add(now, meta::key(service));
                }
            }
        }
    }

    // Models go.universe.tf/metallb internal/k8s/k8s.go sync, controller/main.go SetConfig
    fn load_config(&mut self, now: Time) {
        let about = |error: &str, fields: Value| {
            let mut fields = fields;
            fields.set(&["configmap"], CONFIG);
            fields.set(&["error"], error);
            fields
        };
        let loaded = self.form.load(&self.informers);
        let Some(loaded) = loaded.transpose() else {
            let error = "no MetalLB configuration in cluster";
            let message = "configuration is missing, MetalLB will not function";
            self.config_error = Some(error.to_string());
            return self.log.write(now, "error", message, about(error, tree!({"op": "setConfig"})));
        };
        let applied = match loaded {
            Ok(loaded) => self.allocator.set_pools(loaded.pools).inspect_err(|error| {
                let fields = about(error, tree!({"op": "setConfig"}));
                self.log.write(now, "error", "applying new configuration failed", fields);
            }),
            Err(error) => Err(error),
        };
        match applied {
            Ok(()) => {
                self.config_error = None;
                let fields = tree!({"configmap": CONFIG, "event": "configLoaded"});
                self.log.write(now, "info", "config (re)loaded", fields);
                self.enqueue_all(now);
            }
            Err(error) => {
                let fields = about(&error, tree!({"event": "configStale"}));
                self.log.write(now, "error", "config (re)load failed, config marked stale", fields);
                self.config_error = Some(error);
            }
        }
    }

    /// Makes one Service's state as wanted.
    // Models go.universe.tf/metallb controller/main.go SetBalancer
    fn sync(&mut self, cx: &mut Cx, key: &Rc<str>) -> Result<(), Failure> {
        let Some(service) = self.informers.of(SERVICES).get(key).cloned() else {
            self.written.remove(key);
            if self.allocator.unassign(key) {
                let fields = tree!({"event": "serviceDeleted", "service": key});
                self.log.write(cx.at(), "info", "service deleted", fields);
                self.enqueue_all(cx.at());
            }
            return Ok(());
        };
        if self.written.get(key).is_some_and(|revision| *revision > meta::revision(&service)) {
            return Ok(());
        }
        let wanted = self.converge(cx, key, &service);
        let before = &service["status"]["loadBalancer"];
        let after = wanted.map_or_else(
            Value::map,
            |address| tree!({"ingress": [{"ip": (address.to_string()), "ipMode": "VIP"}]}),
        );
        let is_same = if after.is_empty() { before.is_empty() } else { address_of(&service) == wanted };
        if is_same {
            return Ok(());
        }
        let mut changed = service;
        changed.set(&["status", "loadBalancer"], after);
        let stored = cx.update(SERVICES, &changed, "status")?;
        self.written.insert(key.clone(), meta::revision(&stored));
        let fields = tree!({"event": "serviceUpdated", "service": key});
        self.log.write(cx.at(), "info", "updated service object", fields);
        Ok(())
    }

    /// Returns the address that a Service is to have.
    // Models go.universe.tf/metallb controller/service.go convergeBalancer
    fn converge(&mut self, cx: &mut Cx, key: &Rc<str>, service: &Value) -> Option<Ipv4Addr> {
        let spec = &service["spec"];
        let is_ours = spec["loadBalancerClass"].is_null();
        if spec["type"].str() != "LoadBalancer" || !is_ours {
            if self.allocator.unassign(key) {
                self.enqueue_all(cx.at());
            }
            // What another implementation gave isn't ours to take.
            return if is_ours { None } else { address_of(service) };
        }
        if self.form == Form::ConfigMap && self.allocator.pools().is_empty() {
            return address_of(service);
        }
        let (ports, sharing) = (ports_of(service), sharing_of(service));
        let mut address = address_of(service);
        if let Some(current) = address
            && let Err(error) = self.allocator.assign(key, current, &ports, &sharing)
        {
            let message = format!(
                "current IP for {} not allowed by config, will attempt for new IP assignment: {error}",
                quote(key)
            );
            self.recorder.event(cx, service, "Normal", "ClearAssignment", &message);
            self.allocator.unassign(key);
            address = None;
        }
        let desired = desired_of(service);
        let pool = annotation(service, "address-pool");
        if let Some(current) = address {
            let is_other = matches!(&desired, Ok(Some(desired)) if *desired != current);
            let is_other_pool =
                !pool.is_empty() && self.allocator.get(key).is_some_and(|(_, own)| **own != *pool);
            if let Err(error) = &desired {
                let message = format!("invalid requested loadbalancer IPs: {error}");
                self.recorder.event(cx, service, "Warning", "LoadBalancerFailed", &message);
                return address;
            }
            if !is_other && !is_other_pool {
                return address;
            }
        }
        self.allocator.unassign(key);
        let allocated = desired.and_then(|desired| match desired {
            Some(desired) => self.allocator.assign(key, desired, &ports, &sharing).map(|()| desired),
            None if pool.is_empty() => self.allocator.allocate(key, &ports, &sharing),
            None => self.allocator.allocate_from(pool, key, &ports, &sharing),
        });
        self.tell(cx, key, service, &allocated);
        allocated.ok()
    }

    fn tell(&mut self, cx: &mut Cx, key: &Rc<str>, service: &Value, allocated: &Result<Ipv4Addr, String>) {
        match allocated {
            Ok(address) => {
                let fields = tree!({"event": "ipAllocated", "ip": [(address.to_string())], "service": key});
                self.log.write(cx.at(), "info", "IP address assigned by controller", fields);
                let message = format!("Assigned IP [{}]", quote(&address.to_string()));
                self.recorder.event(cx, service, "Normal", "IPAllocated", &message);
            }
            Err(error) => {
                let fields = tree!({"error": (error.as_str()), "op": "allocateIPs", "service": key});
                self.log.write(cx.at(), "error", "IP allocation failed", fields);
                let message = format!("Failed to allocate IP for {}: {error}", quote(key));
                self.recorder.event(cx, service, "Warning", "AllocationFailed", &message);
            }
        }
    }
}

/// Returns the address in a Service's status.
pub(crate) fn address_of(service: &Value) -> Option<Ipv4Addr> {
    service["status"]["loadBalancer"]["ingress"][0]["ip"].str().parse().ok()
}

fn ports_of(service: &Value) -> BTreeSet<Port> {
    let ports = service["spec"]["ports"].items().iter();
    ports
        .filter_map(|port| {
            let protocol = match port["protocol"].str() {
                "" => Protocol::Tcp,
                name => Protocol::parse(name)?,
            };
            Some(Port { protocol, port: u16::try_from(port["port"].int()).ok()? })
        })
        .collect()
}

fn annotation<'a>(service: &'a Value, name: &str) -> &'a str {
    let values = PREFIXES.map(|prefix| meta::annotation(service, &format!("{prefix}/{name}")));
    values.into_iter().find(|value| !value.is_empty()).unwrap_or("")
}

// Models go.universe.tf/metallb internal/allocator/k8salloc/k8salloc.go BackendKey
fn sharing_of(service: &Value) -> SharingKey {
    let is_local = service["spec"]["externalTrafficPolicy"].str() == "Local";
    let backend = if is_local { service["spec"]["selector"].to_json() } else { String::new() };
    SharingKey { sharing: annotation(service, "allow-shared-ip").into(), backend }
}

/// Returns the address that a Service asks for.
// Models go.universe.tf/metallb controller/service.go getDesiredLbIPs
fn desired_of(service: &Value) -> Result<Option<Ipv4Addr>, String> {
    let (noted, wanted) = (annotation(service, "loadBalancerIPs"), service["spec"]["loadBalancerIP"].str());
    match (noted, wanted) {
        ("", "") => Ok(None),
        (noted, "") => noted
            .trim()
            .parse()
            .map(Some)
            .map_err(|_| format!("invalid metallb.io/loadBalancerIPs: {}", quote(noted))),
        ("", wanted) => {
            wanted.parse().map(Some).map_err(|_| format!("invalid spec.loadBalancerIP {}", quote(wanted)))
        }
        _ => {
            Err("service can not have both metallb.io/loadBalancerIPs and svc.Spec.LoadBalancerIP"
                .to_string())
        }
    }
}

impl Component for Controller {
    fn identity(&self) -> &Identity {
        &self.identity
    }

    fn watches(&self) -> Vec<WatchSpec> {
        [WatchSpec::all(SERVICES)].into_iter().chain(self.form.watches()).collect()
    }

    fn deliver(&mut self, cx: &mut Cx, watch: u32, delivery: Delivery) {
        let was_synced = self.informers.are_synced();
        let changes = self.informers.deliver(watch, delivery);
        if !self.informers.are_synced() {
            return;
        }
        if !was_synced {
            let fields = tree!({"event": "stateSynced"});
            self.log.write(cx.now, "info", "controller synced, can allocate IPs now", fields);
            self.queue.add(cx.now, CONFIG.into());
            return self.enqueue_all(cx.now);
        }
        for change in changes {
            let is_service = change.resource == SERVICES;
            self.queue.add(cx.now, if is_service { change.key } else { CONFIG.into() });
        }
    }

    fn next_at(&self) -> Time {
        match self.queue.next_at() {
            Time::NEVER => Time::NEVER,
            at => at.max(self.busy_until),
        }
    }

    fn step(&mut self, cx: &mut Cx) {
        let Some(key) = self.queue.pop(cx.now) else { return };
        self.done += 1;
        let began = cx.now;
        cx.spend(cx.timing.reconcile.draw(cx.chance, "metallb-controller", &key, self.done));
        if *key == *CONFIG {
            self.load_config(cx.at());
        } else {
            match self.sync(cx, &key) {
                Ok(()) => self.queue.forget(&key),
                Err(_) => self.queue.add_rate_limited(cx.at(), key.clone()),
            }
        }
        cx.note(began, "Sync", &key, "");
        self.busy_until = cx.at();
    }
}
