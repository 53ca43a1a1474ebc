use crate::config::{Backend, Config, Scope};
use crate::proxy::Proxy;
use api::resources::{ENDPOINTSLICES, INGRESSCLASSES, INGRESSES, PODS, SECRETS, SERVICES};
use api::{Value, int_or_string, meta, tree};
use client::{Change, Component, Cx, Delivery, EventRecorder, Identity, IndexBy, Informers, WatchSpec};
use network::{Answer, HttpResponse, Outcome, Payload, Socket};
use nginx::{Came, Served};
use sim::{Chance, MILLISECOND, Nanos, SECOND, Time};
use std::collections::BTreeSet;
use std::rc::Rc;

/// The shortest time between two configurations (`--sync-rate-limit=0.3`).
const SYNC_INTERVAL: Nanos = 3_333 * MILLISECOND;
/// How often the Ingresses' addresses are brought up to date (`--status-update-interval`).
const STATUS_INTERVAL: Nanos = 60 * SECOND;
/// The port of its health checks.
const HEALTH_PORT: u16 = 10_254;
const SERVICE_NAME: IndexBy = IndexBy::Label("kubernetes.io/service-name");

/// Who answers for a Service's port.
pub(crate) trait Endpoints {
    /// Returns the endpoints that are ready.
    fn of(&self, backend: &Backend) -> Vec<Socket>;
}

impl Endpoints for Informers {
    // Models github.com/kubernetes/ingress-nginx internal/ingress/controller/endpointslices.go
    fn of(&self, backend: &Backend) -> Vec<Socket> {
        let key = meta::object_key(&backend.namespace, &backend.service);
        let Some(service) = Informers::of(self, SERVICES).get(&key) else { return Vec::new() };
        let is_port = |port: &&Value| {
            port["name"].str() == &*backend.port || int_or_string::text(&port["port"]) == *backend.port
        };
        let Some(port) = service["spec"]["ports"].items().iter().find(is_port) else { return Vec::new() };
        let slices = Informers::of(self, ENDPOINTSLICES).by_index(SERVICE_NAME, &key);
        let mut ready = BTreeSet::new();
        for slice in slices {
            let of_port = slice["ports"].items().iter().find(|one| one["name"].str() == port["name"].str());
            let number = of_port.and_then(|one| u16::try_from(one["port"].int()).ok());
            let Some(number) = number else { continue };
            let endpoints = slice["endpoints"].items().iter();
            for endpoint in endpoints.filter(|one| one["conditions"]["ready"].as_bool() != Some(false)) {
                let addresses = endpoint["addresses"].items().iter();
                ready.extend(addresses.filter_map(|a| Some(Socket::new(a.str().parse().ok()?, number))));
            }
        }
        ready.into_iter().collect()
    }
}

/// What its command line says.
#[derive(Clone, Debug, Default)]
struct Flags {
    /// `--publish-service`: the Service whose addresses are the Ingresses'.
    publish_service: Rc<str>,
    /// `--publish-status-address`
    publish_address: Rc<str>,
    scope: Scope,
}

impl Flags {
    fn of(pod: &Value) -> Flags {
        let container = &pod["spec"]["containers"][0];
        let words = container["command"].items().iter().chain(container["args"].items());
        let words: Vec<String> =
            words.map(|word| word.str().replace("$(POD_NAMESPACE)", meta::namespace(pod))).collect();
        let value = |name: &str, usual: &str| {
            let given = words.iter().find_map(|word| word.strip_prefix("--")?.strip_prefix(name));
            match given {
                Some("") => "true".into(),
                Some(given) => Rc::from(given.trim_start_matches('=')),
                None => Rc::from(usual),
            }
        };
        Flags {
            publish_service: value("publish-service", ""),
            publish_address: value("publish-status-address", ""),
            scope: Scope {
                controller: value("controller-class", "k8s.io/ingress-nginx"),
                class: value("ingress-class", "nginx"),
                takes_classless: &*value("watch-ingress-without-class", "false") == "true",
            },
        }
    }
}

/// The controller of one pod, with the nginx that it configures.
#[derive(Clone, Debug)]
pub struct IngressController {
    identity: Identity,
    pod: Value,
    flags: Flags,
    informers: Informers,
    recorder: EventRecorder,
    config: Config,
    proxy: Proxy,
    /// Ingresses of which an event is to tell.
    told: BTreeSet<Rc<str>>,
    sync_at: Time,
    status_at: Time,
    last_sync: Time,
    synced: u64,
}

impl IngressController {
    /// Makes the controller of a pod, as it is when its process starts.
    pub fn new(pod: &Value) -> IngressController {
        let (namespace, name) = (meta::namespace(pod), meta::name(pod));
        let account = pod["spec"]["serviceAccountName"].as_str().unwrap_or("default");
        let mut controller = IngressController {
            identity: Identity::service_account(namespace, account, &format!("ingress-nginx/{name}")),
            pod: pod.clone(),
            flags: Flags::of(pod),
            informers: Informers::default(),
            recorder: EventRecorder::new("nginx-ingress-controller", ""),
            config: Config::default(),
            proxy: Proxy::default(),
            told: BTreeSet::new(),
            sync_at: Time::NEVER,
            status_at: Time::NEVER,
            last_sync: Time(i64::MIN),
            synced: 0,
        };
        controller.informers = Informers::new(&controller.watches());
        controller.informers.add_index(ENDPOINTSLICES, SERVICE_NAME);
        controller
    }

    /// Returns the Secret with the certificate that is shown to who means a host; empty for nginx' own.
    pub fn secret_of(&self, host: &str) -> &str {
        self.config.server(host).map_or("", |(_, server)| &server.certificate.secret)
    }

    /// Returns what nginx is configured with.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Takes the lines that its container has written since the last call.
    pub fn take_log(&mut self) -> Vec<String> {
        self.proxy.take_log()
    }

    /// Takes a request that came to one of its ports.
    pub fn serve(
        &mut self,
        now: Time,
        chance: Chance,
        exchange: u64,
        (port, client): (u16, Socket),
        payload: &Payload,
    ) -> Served {
        let Payload::Http(request) = payload else {
            return Served::Answer { exchange, answer: Answer::Connected };
        };
        if port == HEALTH_PORT {
            let (code, body) = match (&*request.path, self.synced) {
                ("/healthz", 0) => (500, "not ready"),
                ("/healthz", _) => (200, "ok"),
                _ => (404, "404 page not found\n"),
            };
            return Served::Answer { exchange, answer: Answer::Http(HttpResponse::new(code, body)) };
        }
        let pod = meta::name(&self.pod).to_string();
        let came = Came { now, exchange, client, request, chance, pod: &pod };
        self.proxy.serve(&came, &self.config, &self.informers)
    }

    /// Takes what came of asking an endpoint.
    pub fn reply(&mut self, now: Time, id: u64, outcome: &Outcome) -> Served {
        self.proxy.reply(now, id, outcome, &self.informers)
    }

    /// Returns its Ingresses.
    fn own(&self) -> Vec<&Value> {
        let classes = || Informers::of(&self.informers, INGRESSCLASSES).iter();
        let all = Informers::of(&self.informers, INGRESSES).iter();
        all.filter(|ingress| self.flags.scope.has(ingress, classes())).collect()
    }

    fn observe(&mut self, now: Time, change: &Change) {
        if change.resource == INGRESSES {
            let classes = Informers::of(&self.informers, INGRESSCLASSES).iter();
            if !change.new.is_null() && self.flags.scope.has(&change.new, classes) {
                self.told.insert(change.key.clone());
            }
        } else if change.resource == ENDPOINTSLICES || change.resource == PODS {
            return;
        }
        self.sync_at = self.sync_at.min(now.max(self.last_sync + SYNC_INTERVAL));
        self.status_at = self.status_at.min(now + STATUS_INTERVAL);
    }

    /// Makes nginx' configuration anew, and tells of it where it is another.
    // Models github.com/kubernetes/ingress-nginx internal/ingress/controller/controller.go syncIngress
    fn sync(&mut self, cx: &mut Cx) {
        for key in std::mem::take(&mut self.told) {
            if let Some(ingress) = Informers::of(&self.informers, INGRESSES).get(&key).cloned() {
                self.recorder.event(cx, &ingress, "Normal", "Sync", "Scheduled for sync");
            }
        }
        let secrets = Informers::of(&self.informers, SECRETS);
        let has_secret = |key: &str| {
            secrets.get(key).is_some_and(|secret| {
                let data = &secret["data"];
                !data["tls.crt"].is_empty() && !data["tls.key"].is_empty()
            })
        };
        let config = Config::new(&self.own(), has_secret);
        if config != self.config || self.synced == 0 {
            self.config = config;
            let message = "NGINX reload triggered due to a change in configuration";
            let pod = self.pod.clone();
            self.recorder.event(cx, &pod, "Normal", "RELOAD", message);
        }
        self.synced += 1;
        self.last_sync = cx.now;
    }

    /// Returns what the Ingresses' status is to say of their address.
    // Models github.com/kubernetes/ingress-nginx internal/ingress/status/status.go runningAddresses
    fn addresses(&self) -> Value {
        let entry = |ip: &str| match ip.parse::<std::net::Ipv4Addr>() {
            Ok(_) => tree!({"ip": ip}),
            Err(_) => tree!({"hostname": ip}),
        };
        if !self.flags.publish_address.is_empty() {
            return self.flags.publish_address.split(',').map(entry).collect();
        }
        if !self.flags.publish_service.is_empty() {
            let services = Informers::of(&self.informers, SERVICES);
            let Some(service) = services.get(&self.flags.publish_service) else { return Value::list() };
            let spec = &service["spec"];
            let outside = spec["externalIPs"].items().iter().map(|ip| entry(ip.str()));
            return match spec["type"].str() {
                "LoadBalancer" => {
                    let given = service["status"]["loadBalancer"]["ingress"].items().iter();
                    let given = given.map(|one| match one["ip"].str() {
                        "" => entry(one["hostname"].str()),
                        ip => entry(ip),
                    });
                    given.chain(outside).collect()
                }
                _ if !spec["externalIPs"].is_empty() => outside.collect(),
                _ => [entry(spec["clusterIP"].str())].into_iter().collect(),
            };
        }
        let is_own = |pod: &&Value| {
            meta::namespace(pod) == meta::namespace(&self.pod) && meta::is_condition_true(pod, "Ready")
        };
        let pods = Informers::of(&self.informers, PODS).iter().filter(is_own);
        let nodes: BTreeSet<&str> = pods.map(|pod| pod["status"]["hostIP"].str()).collect();
        nodes.into_iter().filter(|ip| !ip.is_empty()).map(entry).collect()
    }

    fn update_status(&mut self, cx: &mut Cx) {
        let wanted = self.addresses();
        let differs = |ingress: &&Value| !ingress["status"]["loadBalancer"]["ingress"].same(&wanted);
        let is_empty =
            |ingress: &&Value| !(wanted.is_empty() && ingress["status"]["loadBalancer"].is_empty());
        let own: Vec<Value> = self.own().into_iter().filter(differs).filter(is_empty).cloned().collect();
        for mut ingress in own {
            ingress.set(&["status", "loadBalancer", "ingress"], &wanted);
            // Whoever fails comes again with the next round.
            let _ = cx.update(INGRESSES, &ingress, "status");
        }
        self.status_at = cx.now + STATUS_INTERVAL;
    }
}

impl Component for IngressController {
    fn identity(&self) -> &Identity {
        &self.identity
    }

    fn watches(&self) -> Vec<WatchSpec> {
        let labels = meta::labels(&self.pod);
        let own: Vec<String> = ["app.kubernetes.io/name", "app.kubernetes.io/component", "name"]
            .into_iter()
            .filter_map(|key| Some(format!("{key}={}", labels.get(key)?.str())))
            .collect();
        let mut watches: Vec<WatchSpec> =
            [INGRESSES, INGRESSCLASSES, SERVICES, ENDPOINTSLICES, SECRETS].map(WatchSpec::all).to_vec();
        watches.push(WatchSpec { label_selector: own.join(","), ..WatchSpec::all(PODS) });
        watches
    }

    fn deliver(&mut self, cx: &mut Cx, watch: u32, delivery: Delivery) {
        let was_synced = self.informers.are_synced();
        for change in self.informers.deliver(watch, delivery) {
            self.observe(cx.now, &change);
        }
        if !was_synced && self.informers.are_synced() {
            self.sync_at = cx.now;
            self.status_at = cx.now;
        }
    }

    fn next_at(&self) -> Time {
        if self.informers.are_synced() { self.sync_at.min(self.status_at) } else { Time::NEVER }
    }

    fn step(&mut self, cx: &mut Cx) {
        let began = cx.now;
        if cx.now >= self.sync_at {
            self.sync_at = Time::NEVER;
            self.sync(cx);
        } else {
            self.update_status(cx);
        }
        let name = meta::name(&self.pod).to_string();
        cx.note(began, "Sync", &name, "");
    }
}
