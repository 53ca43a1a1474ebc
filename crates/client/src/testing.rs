//! A small API server in memory and a bench that runs one component against it, for the tests of
//! components. It knows no kinds: no defaults, no validation, no authorisation.

use crate::{Answer, Api, Component, Cx, Delivery};
use api::{EventType, Method, PatchType, Request, Resource, Response, Status, Value, WatchEvent, meta, tree};
use sim::{Chance, MILLISECOND, SECOND, Time, Timing};
use std::collections::BTreeMap;
use std::rc::Rc;

/// How many steps a bench lets a component take in one run.
const MAX_STEPS: u32 = 200_000;

/// The objects, by group and plural, then by key.
#[derive(Clone, Debug, Default)]
pub struct Server {
    objects: BTreeMap<String, BTreeMap<Rc<str>, Value>>,
    revision: i64,
    events: Vec<(String, WatchEvent)>,
    /// Each request as `create pods default/x`, in order.
    pub calls: Vec<String>,
    /// Requests that are refused: (verb and resource, the Status).
    pub refuse: Vec<(String, Status)>,
    /// What a SubjectAccessReview allows, by the subresource that it asks about; all else it doesn't.
    pub allowed: Vec<String>,
}

struct Target {
    plural: String,
    namespace: String,
    name: String,
    subresource: String,
}

fn target(path: &str) -> Option<Target> {
    let mut words = path.trim_start_matches('/').split('/');
    let group = match words.next()? {
        "api" => "",
        _ => words.next()?,
    };
    words.next()?;
    let mut words: Vec<&str> = words.collect();
    let mut namespace = "";
    if words.len() >= 3 && words[0] == "namespaces" && !matches!(words[2], "status" | "finalize") {
        namespace = words[1];
        words.drain(..2);
    }
    let word = |i: usize| words.get(i).copied().unwrap_or_default().to_string();
    let plural = if group.is_empty() { word(0) } else { format!("{}.{group}", word(0)) };
    Some(Target { plural, namespace: namespace.into(), name: word(1), subresource: word(2) })
}

impl Server {
    /// Puts in an object as it is, with a uid, a creation time and a revision where they are missing.
    pub fn put(&mut self, now: Time, resource: Resource, mut object: Value) -> Value {
        object.set(&["apiVersion"], resource.api_version());
        object.set(&["kind"], resource.kind);
        self.store(now, &resource.group_resource(), object)
    }

    /// Returns an object; null where it isn't there.
    pub fn object(&self, resource: Resource, key: &str) -> Value {
        let objects = self.objects.get(&resource.group_resource());
        objects.and_then(|objects| objects.get(key)).cloned().unwrap_or_default()
    }

    /// Returns all objects of a resource in the order of their keys.
    pub fn all(&self, resource: Resource) -> Vec<Value> {
        let objects = self.objects.get(&resource.group_resource());
        objects.into_iter().flat_map(BTreeMap::values).cloned().collect()
    }

    /// Takes an object away at once.
    pub fn remove(&mut self, resource: Resource, key: &str) {
        self.take(&resource.group_resource(), key);
    }

    /// Changes an object, if it is there.
    pub fn change(&mut self, now: Time, resource: Resource, key: &str, change: impl FnOnce(&mut Value)) {
        let mut object = self.object(resource, key);
        if !object.is_null() {
            change(&mut object);
            self.store(now, &resource.group_resource(), object);
        }
    }

    /// Takes out what its watches have to tell: the resource, and the event.
    pub fn take_events(&mut self) -> Vec<(String, WatchEvent)> {
        std::mem::take(&mut self.events)
    }

    /// Returns the messages of all events, in the order in which they were made.
    pub fn messages(&self) -> Vec<String> {
        let mut events = self.all(api::resources::EVENTS);
        events.sort_by_key(meta::revision);
        events.iter().map(|event| event["message"].str().to_string()).collect()
    }

    fn store(&mut self, now: Time, plural: &str, mut object: Value) -> Value {
        self.revision += 1;
        let revision = self.revision;
        let metadata = object.at_mut(&["metadata"]).map_mut();
        if metadata.get("uid").is_none() {
            metadata.insert("uid", format!("uid-{revision:06}"));
            metadata.insert("creationTimestamp", now.rfc3339());
            metadata.insert("generation", 1);
        }
        metadata.insert("resourceVersion", revision.to_string());
        let objects = self.objects.entry(plural.to_string()).or_default();
        let known = objects.insert(meta::key(&object), object.clone()).is_some();
        let event = if known { EventType::Modified } else { EventType::Added };
        self.events.push((plural.to_string(), WatchEvent { event, object: object.clone() }));
        object
    }

    fn take(&mut self, plural: &str, key: &str) {
        let Some(mut object) = self.objects.get_mut(plural).and_then(|objects| objects.remove(key)) else {
            return;
        };
        self.revision += 1;
        object.set(&["metadata", "resourceVersion"], self.revision.to_string());
        self.events.push((plural.to_string(), WatchEvent { event: EventType::Deleted, object }));
    }

    fn answer(&mut self, now: Time, request: &Request) -> Result<Value, Status> {
        let Some(target) = target(&request.path) else {
            return Err(Status::new(404, "NotFound", "no such path"));
        };
        let verb = match (request.method, target.name.is_empty()) {
            (Method::Get | Method::Head, true) => "list",
            (Method::Get | Method::Head, false) => "get",
            (Method::Options, _) => "options",
            (Method::Post, _) => "create",
            (Method::Put, _) => "update",
            (Method::Patch, _) => "patch",
            (Method::Delete, true) => "deletecollection",
            (Method::Delete, false) => "delete",
        };
        let what = match target.subresource.as_str() {
            "" => format!("{verb} {}", target.plural),
            subresource => format!("{verb} {}/{subresource}", target.plural),
        };
        let name = if target.name.is_empty() { meta::name(&request.body) } else { &target.name };
        let key = meta::object_key(&target.namespace, name);
        self.calls.push(format!("{what} {key}"));
        if let Some((_, status)) = self.refuse.iter().find(|(refused, _)| *refused == what) {
            return Err(status.clone());
        }
        match verb {
            "list" => Ok(tree!({"items": (self.list(&target))})),
            "create" if target.name.is_empty() => self.create(now, &target, &request.body),
            "create" => self.post(now, &target, &key, &request.body),
            "deletecollection" => {
                for object in self.list(&target).items() {
                    self.delete(now, &target.plural, object.clone(), &request.body)?;
                }
                Ok(Value::Null)
            }
            _ => {
                let object = self.objects.get(&target.plural).and_then(|objects| objects.get(&key)).cloned();
                let object = object.ok_or_else(|| Status::not_found(&target.plural, &target.name))?;
                match verb {
                    "get" => Ok(object),
                    "delete" => self.delete(now, &target.plural, object, &request.body),
                    "update" => self.replace(now, &target, object, request.body.clone()),
                    _ => {
                        let mut wanted = object.clone();
                        merge(&mut wanted, &request.body, request.patch == PatchType::StrategicMerge, "");
                        wanted.remove(&["metadata", "$deleteFromPrimitiveList/finalizers"]);
                        self.replace(now, &target, object, wanted)
                    }
                }
            }
        }
    }

    fn list(&self, target: &Target) -> Value {
        let objects = self.objects.get(&target.plural);
        let objects = objects.into_iter().flat_map(BTreeMap::values);
        let there =
            |object: &&Value| target.namespace.is_empty() || meta::namespace(object) == target.namespace;
        objects.filter(there).cloned().collect()
    }

    fn create(&mut self, now: Time, target: &Target, body: &Value) -> Result<Value, Status> {
        let mut object = body.clone();
        if target.plural == "subjectaccessreviews.authorization.k8s.io" {
            let asked = object["spec"]["resourceAttributes"]["subresource"].str();
            let allowed = self.allowed.iter().any(|allowed| allowed == asked);
            object.set(&["status", "allowed"], allowed);
            return Ok(object);
        }
        if !target.namespace.is_empty() {
            object.set(&["metadata", "namespace"], target.namespace.as_str());
        }
        if meta::name(&object).is_empty() {
            let prefix = object["metadata"]["generateName"].text();
            let suffix = Chance::new(1).name_suffix("name", &prefix, self.revision as u64, 5);
            object.set(&["metadata", "name"], format!("{prefix}{suffix}"));
        }
        let key = meta::key(&object);
        if self.objects.get(&target.plural).is_some_and(|objects| objects.contains_key(&key)) {
            return Err(Status::already_exists(&target.plural, meta::name(&object)));
        }
        Ok(self.store(now, &target.plural, object))
    }

    fn post(&mut self, now: Time, target: &Target, key: &str, body: &Value) -> Result<Value, Status> {
        let objects = self.objects.get(&target.plural);
        let Some(mut object) = objects.and_then(|objects| objects.get(key)).cloned() else {
            return Err(Status::not_found(&target.plural, &target.name));
        };
        if target.subresource == "token" {
            return Ok(tree!({"status": {"token": (format!("token-of-{key}"))}}));
        }
        if target.subresource == "binding" {
            object.set(&["spec", "nodeName"], &body["target"]["name"]);
            let scheduled = tree!({"type": "PodScheduled", "status": "True"});
            object.set(&["status", "conditions"], vec![scheduled]);
            return Ok(self.store(now, &target.plural, object));
        }
        self.delete(now, &target.plural, object, &body["deleteOptions"])
    }

    fn replace(&mut self, now: Time, target: &Target, old: Value, mut new: Value) -> Result<Value, Status> {
        let revision = new["metadata"]["resourceVersion"].str();
        if !revision.is_empty() && revision != old["metadata"]["resourceVersion"].str() {
            let why =
                "the object has been modified; please apply your changes to the latest version and try again";
            return Err(Status::conflict(&target.plural, &target.name, why));
        }
        match target.subresource.as_str() {
            "status" | "approval" => {
                new.set(&["spec"], &old["spec"]);
                new.set(&["metadata", "labels"], meta::labels(&old));
            }
            _ => new.set(&["status"], &old["status"]),
        }
        if new["spec"] != old["spec"] {
            new.set(&["metadata", "generation"], meta::generation(&old) + 1);
        }
        if new == old {
            return Ok(old);
        }
        let held = !new["metadata"]["finalizers"].is_empty() || !new["spec"]["finalizers"].is_empty();
        let new = self.store(now, &target.plural, new);
        if meta::is_deleting(&new) && !held && target.plural != "pods" {
            self.take(&target.plural, &meta::key(&new));
        }
        Ok(new)
    }

    fn delete(
        &mut self,
        now: Time,
        plural: &str,
        mut object: Value,
        options: &Value,
    ) -> Result<Value, Status> {
        let wanted = options["preconditions"]["uid"].str();
        if !wanted.is_empty() && wanted != meta::uid(&object) {
            return Err(Status::conflict(plural, meta::name(&object), "Precondition failed: UID"));
        }
        let finalizer = match options["propagationPolicy"].str() {
            "Foreground" => "foregroundDeletion",
            "Orphan" => "orphan",
            _ => "",
        };
        let mut finalizers = object["metadata"]["finalizers"].items().to_vec();
        if !finalizer.is_empty() && !finalizers.iter().any(|known| known.str() == finalizer) {
            finalizers.push(finalizer.into());
        }
        let grace = match (&options["gracePeriodSeconds"], plural) {
            (Value::Int(grace), _) => *grace,
            (_, "pods") if !object["spec"]["nodeName"].str().is_empty() => 30,
            _ => 0,
        };
        if finalizers.is_empty() && grace == 0 && object["spec"]["finalizers"].is_empty() {
            self.take(plural, &meta::key(&object));
            return Ok(object);
        }
        if !meta::is_deleting(&object) {
            object.set(&["metadata", "deletionTimestamp"], (now + grace * SECOND).rfc3339());
            if plural == "namespaces" {
                object.set(&["status", "phase"], "Terminating");
            }
        }
        if !finalizers.is_empty() {
            object.set(&["metadata", "finalizers"], finalizers);
        }
        Ok(self.store(now, plural, object))
    }
}

/// Merges a patch in; a strategic one knows the lists of owners and of conditions.
fn merge(object: &mut Value, patch: &Value, strategic: bool, field: &str) {
    let key = match field {
        "ownerReferences" => "uid",
        "conditions" => "type",
        _ => "",
    };
    match patch {
        Value::Map(fields) => {
            let gone = patch["$deleteFromPrimitiveList/finalizers"].items().to_vec();
            if !gone.is_empty() {
                object.at_mut(&["finalizers"]).list_mut().retain(|item| !gone.contains(item));
            }
            for (name, value) in fields.iter().filter(|(name, _)| !name.starts_with('$')) {
                if value.is_null() {
                    object.map_mut().remove(name);
                } else {
                    merge(object.map_mut().entry(name), value, strategic, name);
                }
            }
        }
        Value::List(items) if strategic && !key.is_empty() => {
            let list = object.list_mut();
            for item in items.iter() {
                let at = list.iter().position(|known| known[key] == item[key]);
                match (at, item["$patch"].str()) {
                    (Some(at), "delete") => {
                        list.remove(at);
                    }
                    (None, "delete") => {}
                    (Some(at), _) => merge(&mut list[at], item, strategic, ""),
                    (None, _) => list.push(item.clone()),
                }
            }
        }
        _ => *object = patch.clone(),
    }
}

impl Api for Server {
    fn call(&mut self, at: Time, request: Request) -> Result<Answer, String> {
        let response = match self.answer(at, &request) {
            Ok(body) => Response::new(200, body),
            Err(status) => status.into(),
        };
        Ok(Answer { response, took: MILLISECOND })
    }

    fn note(&mut self, _step: sim::Step) {}
}

/// Runs one component against a [`Server`], whose watch events arrive at once.
#[derive(Clone)]
pub struct Bench<C> {
    /// The component.
    pub component: C,
    /// The API server.
    pub server: Server,
    /// The clock.
    pub now: Time,
    timing: Timing,
    chance: Chance,
}

impl<C: Component> Bench<C> {
    /// Starts a component: each of its watches brings what is there.
    pub fn new(mut component: C, mut server: Server) -> Bench<C> {
        let (timing, chance, now) = (Timing::default(), Chance::new(1), Time::EPOCH);
        server.events.clear();
        let identity = component.identity().clone();
        for (i, watch) in component.watches().iter().enumerate() {
            let objects = server.all(watch.resource);
            let mut cx = Cx::new(now, chance, &timing, &mut server, identity.clone());
            component.deliver(&mut cx, i as u32, Delivery::Listed(objects));
        }
        Bench { component, server, now, timing, chance }
    }

    /// Lists what some of the watches are for once more, as for a component whose part has started anew.
    pub fn list_again(&mut self, watches: std::ops::Range<u32>) {
        let identity = self.component.identity().clone();
        for (i, watch) in (0..).zip(self.component.watches()) {
            if watches.contains(&i) {
                let objects = self.server.all(watch.resource);
                let mut cx = Cx::new(self.now, self.chance, &self.timing, &mut self.server, identity.clone());
                self.component.deliver(&mut cx, i, Delivery::Listed(objects));
            }
        }
    }

    fn deliver(&mut self) {
        let watches = self.component.watches();
        let identity = self.component.identity().clone();
        for (plural, event) in std::mem::take(&mut self.server.events) {
            for (i, watch) in watches.iter().enumerate() {
                if watch.resource.group_resource() == plural {
                    let mut cx =
                        Cx::new(self.now, self.chance, &self.timing, &mut self.server, identity.clone());
                    self.component.deliver(&mut cx, i as u32, Delivery::Event(event.clone()));
                }
            }
        }
    }

    /// Lets the component work for a span of time; `world` plays everybody else after each step.
    ///
    /// # Panics
    /// Where the component takes far too many steps.
    pub fn run_with(&mut self, span: sim::Nanos, mut world: impl FnMut(&mut Server, Time)) {
        let until = self.now + span;
        for _ in 0..MAX_STEPS {
            world(&mut self.server, self.now);
            self.deliver();
            let at = self.component.next_at();
            if at > until {
                self.now = until;
                return;
            }
            self.now = self.now.max(at);
            let identity = self.component.identity().clone();
            let mut cx = Cx::new(self.now, self.chance, &self.timing, &mut self.server, identity);
            self.component.step(&mut cx);
        }
        panic!("it does not come to rest: {:?}", self.server.calls.iter().rev().take(8).collect::<Vec<_>>());
    }

    /// Lets the component work for a span of time.
    pub fn run(&mut self, span: sim::Nanos) {
        self.run_with(span, |_, _| {});
    }
}
