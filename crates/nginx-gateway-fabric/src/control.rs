//! The control plane: reads, writes status, makes Deployments, and has a configuration for each Gateway's nginx.

use crate::backends::SERVICE_NAME;
use crate::config::Config;
use crate::graph::{Cond, Graph, Objects, Site};
use crate::{provision, status};
use api::resources::{
    CONFIGMAPS, DEPLOYMENTS, ENDPOINTSLICES, NAMESPACES, SECRETS, SERVICEACCOUNTS, SERVICES,
};
use api::{Resource, Value, meta};
use client::{Component, Cx, Delivery, Identity, Informers, WatchSpec};
use sim::{MILLISECOND, Nanos, SECOND, Time};
use std::collections::BTreeMap;
use std::rc::Rc;

/// The group of the Gateway API.
pub(crate) const GROUP: &str = "gateway.networking.k8s.io";
/// The name by which classes name this controller.
pub(crate) const CONTROLLER: &str = "gateway.nginx.org/nginx-gateway-controller";
/// How long changes are gathered before they are looked at.
const GATHER: Nanos = 100 * MILLISECOND;
/// After what time a write that failed is tried again.
const RETRY: Nanos = SECOND;

/// `gatewayclasses` of `gateway.networking.k8s.io/v1`.
pub const GATEWAYCLASSES: Resource = own("v1", "gatewayclasses", "GatewayClass", false);
/// `gateways` of `gateway.networking.k8s.io/v1`.
pub const GATEWAYS: Resource = own("v1", "gateways", "Gateway", true);
/// `httproutes` of `gateway.networking.k8s.io/v1`.
pub const HTTPROUTES: Resource = own("v1", "httproutes", "HTTPRoute", true);
/// `referencegrants` of `gateway.networking.k8s.io/v1beta1`.
pub const REFERENCEGRANTS: Resource = own("v1beta1", "referencegrants", "ReferenceGrant", true);
/// `nginxproxies` of `gateway.nginx.org/v1alpha2`.
pub const NGINXPROXIES: Resource = Resource {
    group: "gateway.nginx.org",
    version: "v1alpha2",
    plural: "nginxproxies",
    kind: "NginxProxy",
    namespaced: true,
};

const fn own(version: &'static str, plural: &'static str, kind: &'static str, namespaced: bool) -> Resource {
    Resource { group: GROUP, version, plural, kind, namespaced }
}

const WATCHED: [Resource; 10] = [
    GATEWAYCLASSES,
    GATEWAYS,
    HTTPROUTES,
    REFERENCEGRANTS,
    NGINXPROXIES,
    SERVICES,
    ENDPOINTSLICES,
    SECRETS,
    NAMESPACES,
    DEPLOYMENTS,
];

/// The control plane of one pod.
#[derive(Clone, Debug)]
pub struct ControlPlane {
    identity: Identity,
    pod: Rc<str>,
    class: Rc<str>,
    informers: Informers,
    configs: BTreeMap<Rc<str>, Rc<Config>>,
    sync_at: Time,
    done: u64,
}

impl ControlPlane {
    /// Makes the control plane of a pod, as it is when its process starts.
    pub fn new(pod: &Value) -> ControlPlane {
        let (namespace, name) = (meta::namespace(pod), meta::name(pod));
        let account = pod["spec"]["serviceAccountName"].as_str().unwrap_or("default");
        let args = pod["spec"]["containers"][0]["args"].items().iter();
        let class = args.into_iter().find_map(|arg| arg.str().strip_prefix("--gatewayclass="));
        let class = Rc::from(class.unwrap_or("nginx"));
        let mut informers = Informers::new(&WATCHED.map(WatchSpec::all));
        informers.add_index(ENDPOINTSLICES, SERVICE_NAME);
        ControlPlane {
            identity: Identity::service_account(namespace, account, &format!("nginx-gateway-fabric/{name}")),
            pod: meta::key(pod),
            class,
            informers,
            configs: BTreeMap::new(),
            sync_at: Time::NEVER,
            done: 0,
        }
    }

    /// Returns its pod, as `namespace/name`.
    pub fn pod(&self) -> &Rc<str> {
        &self.pod
    }

    /// Returns what each Gateway's nginx is to be configured with, by `namespace/name` of the Gateway.
    pub fn configs(&self) -> &BTreeMap<Rc<str>, Rc<Config>> {
        &self.configs
    }

    /// Returns whether a class is this controller's, and accepted.
    fn has_class(&self, name: &str) -> bool {
        let class = self.informers.of(GATEWAYCLASSES).get(name);
        name == &*self.class && class.is_some_and(|class| class["spec"]["controllerName"].str() == CONTROLLER)
    }

    fn sync(&mut self, cx: &mut Cx) {
        let gateways: Vec<Value> = self.informers.of(GATEWAYS).iter().cloned().collect();
        let own: Vec<&Value> = gateways
            .iter()
            .filter(|one| self.has_class(one["spec"]["gatewayClassName"].str()) && !meta::is_deleting(one))
            .collect();
        let graph = Graph::new(&own, &Objects { informers: &self.informers });
        let proxy = self.proxy();
        let mut has_failed = false;
        for site in graph.sites.values() {
            has_failed |= self.provision(cx, site, &proxy).is_err();
        }
        has_failed |= self.write_classes(cx).is_err();
        for site in graph.sites.values() {
            let key = meta::object_key(meta::namespace(&site.gateway), &provision::name_of(&site.gateway));
            let wanted = status::gateway(site, self.informers.of(SERVICES).get(&key), cx.at());
            has_failed |= write(cx, GATEWAYS, &site.gateway, wanted).is_err();
        }
        for (route, parents) in &graph.routes {
            let is_known = !parents.is_empty() || !route["status"]["parents"].is_empty();
            if is_known {
                let wanted = status::route(route, parents, cx.at());
                has_failed |= write(cx, HTTPROUTES, route, wanted).is_err();
            }
        }
        let before = std::mem::take(&mut self.configs);
        for (key, site) in graph.sites {
            let same = before.get(&key).filter(|old| ***old == site.config).cloned();
            self.configs.insert(key, same.unwrap_or_else(|| Rc::new(site.config)));
        }
        if has_failed {
            self.sync_at = self.sync_at.min(cx.at() + RETRY);
        }
    }

    /// Returns the NginxProxy that the class names.
    fn proxy(&self) -> Value {
        let class = self.informers.of(GATEWAYCLASSES).get(&self.class);
        let reference = class.map(|class| &class["spec"]["parametersRef"]);
        let key = reference.map(|one| meta::object_key(one["namespace"].str(), one["name"].str()));
        let found = key.and_then(|key| self.informers.of(NGINXPROXIES).get(&key));
        found.cloned().unwrap_or_default()
    }

    fn write_classes(&mut self, cx: &mut Cx) -> Result<(), client::Failure> {
        let classes: Vec<Value> = self.informers.of(GATEWAYCLASSES).iter().cloned().collect();
        for class in classes.iter().filter(|class| class["spec"]["controllerName"].str() == CONTROLLER) {
            let mut wanted = match meta::name(class) == &*self.class {
                true => vec![
                    Cond::new("Accepted", true, "Accepted", "GatewayClass is accepted"),
                    Cond::new(
                        "SupportedVersion",
                        true,
                        "SupportedVersion",
                        "Gateway API CRD versions are supported",
                    ),
                ],
                false => vec![Cond::new(
                    "Accepted",
                    false,
                    "GatewayClassConflict",
                    "The resource is ignored due to a conflicting GatewayClass resource",
                )],
            };
            if wanted.len() > 1 && !class["spec"]["parametersRef"].is_null() {
                wanted.push(match self.proxy().is_null() {
                    false => {
                        Cond::new("ResolvedRefs", true, "ResolvedRefs", "ParametersRef resource is resolved")
                    }
                    true => Cond::new(
                        "ResolvedRefs",
                        false,
                        "ParametersRefNotFound",
                        "ParametersRef resource could not be found",
                    ),
                });
            }
            let before = &class["status"]["conditions"];
            let conditions = status::conditions(before, &wanted, meta::generation(class), cx.at());
            let mut whole = Value::map();
            whole.set(&["conditions"], conditions);
            write(cx, GATEWAYCLASSES, class, whole)?;
        }
        Ok(())
    }

    /// Makes what a Gateway's nginx runs by, or brings it up to date.
    // Models github.com/nginx/nginx-gateway-fabric internal/controller/provisioner/provisioner.go provisionNginx
    fn provision(&mut self, cx: &mut Cx, site: &Site, proxy: &Value) -> Result<(), client::Failure> {
        if site.config.ports.is_empty() {
            return Ok(());
        }
        let key = meta::object_key(meta::namespace(&site.gateway), &provision::name_of(&site.gateway));
        let is_new = self.informers.of(DEPLOYMENTS).get(&key).is_none();
        if is_new {
            let (maps, account) = provision::accompanying(&site.gateway);
            let maps = maps.iter().map(|map| (CONFIGMAPS, map));
            for (resource, object) in maps.chain([(SERVICEACCOUNTS, &account)]) {
                create(cx, resource, object)?;
            }
        }
        let service = provision::service(site, proxy);
        match self.informers.of(SERVICES).get(&key).cloned() {
            None => create(cx, SERVICES, &service)?,
            Some(known)
                if differs(&known["spec"], &service["spec"], &["type", "externalTrafficPolicy"])
                    || !has_ports(&known, &service) =>
            {
                let mut changed = known;
                for (field, value) in service["spec"].fields().iter() {
                    changed.set(&["spec", field], value);
                }
                cx.update(SERVICES, &changed, "")?;
            }
            Some(_) => {}
        }
        let deployment = provision::deployment(site, proxy);
        match self.informers.of(DEPLOYMENTS).get(&key).cloned() {
            None => create(cx, DEPLOYMENTS, &deployment)?,
            Some(known) => {
                let ports = |one: &Value| {
                    one["spec"]["template"]["spec"]["containers"][0]["ports"]
                        .items()
                        .iter()
                        .map(|port| port["containerPort"].int())
                        .collect::<Vec<_>>()
                };
                if ports(&known) != ports(&deployment)
                    || differs(&known["spec"], &deployment["spec"], &["replicas"])
                {
                    let mut changed = known;
                    changed.set(&["spec", "replicas"], &deployment["spec"]["replicas"]);
                    changed.set(&["spec", "template"], &deployment["spec"]["template"]);
                    cx.update(DEPLOYMENTS, &changed, "")?;
                }
            }
        }
        Ok(())
    }
}

fn differs(known: &Value, wanted: &Value, fields: &[&str]) -> bool {
    fields.iter().any(|field| known[*field] != wanted[*field])
}

fn has_ports(known: &Value, wanted: &Value) -> bool {
    let numbers = |service: &Value| {
        service["spec"]["ports"].items().iter().map(|port| port["port"].int()).collect::<Vec<_>>()
    };
    numbers(known) == numbers(wanted)
}

/// Creates an object; one that is there already is left.
fn create(cx: &mut Cx, resource: Resource, object: &Value) -> Result<(), client::Failure> {
    match cx.create(resource, object) {
        Err(failure) if !failure.is_already_exists() => Err(failure),
        _ => Ok(()),
    }
}

/// Writes a status where it is another.
fn write(cx: &mut Cx, resource: Resource, object: &Value, wanted: Value) -> Result<(), client::Failure> {
    if object["status"] == wanted {
        return Ok(());
    }
    let mut changed = object.clone();
    changed.set(&["status"], wanted);
    match cx.update(resource, &changed, "status") {
        // What changed meanwhile comes by the watch.
        Err(failure) if failure.is_conflict() || failure.is_not_found() => Ok(()),
        other => other.map(drop),
    }
}

impl Component for ControlPlane {
    fn identity(&self) -> &Identity {
        &self.identity
    }

    fn watches(&self) -> Vec<WatchSpec> {
        WATCHED.map(WatchSpec::all).to_vec()
    }

    fn deliver(&mut self, cx: &mut Cx, watch: u32, delivery: Delivery) {
        let was_synced = self.informers.are_synced();
        let changes = self.informers.deliver(watch, delivery);
        if self.informers.are_synced() && (!was_synced || !changes.is_empty()) {
            self.sync_at = self.sync_at.min(cx.now + GATHER);
        }
    }

    fn next_at(&self) -> Time {
        self.sync_at
    }

    fn step(&mut self, cx: &mut Cx) {
        if self.sync_at > cx.now {
            return;
        }
        let began = cx.now;
        self.sync_at = Time::NEVER;
        self.done += 1;
        cx.spend(cx.timing.reconcile.draw(cx.chance, &self.identity.agent, "", self.done));
        self.sync(cx);
        let pod = self.pod.clone();
        cx.note(began, "Sync", &pod, "");
    }
}
