//! Namespaces that are being deleted: first their pods go, then all else, then they.
// Models pkg/controller/namespace

use api::resources::{CUSTOMRESOURCEDEFINITIONS, NAMESPACES, PODS};
use api::{Method, Request, Resource, Value, meta, tree};
use client::{Change, Cx, Enqueue, Failure, Identity, Informers, Reconcile};
use sim::{Nanos, SECOND, Time};
use std::collections::BTreeMap;
use std::rc::Rc;

/// How long after a namespace's change it is looked at.
const DELETION_GRACE_PERIOD: Nanos = 5 * SECOND;
/// How long an object with finalizers is thought to take.
const FINALIZER_ESTIMATE_SECONDS: i64 = 15;
const FINALIZER: &str = "kubernetes";

/// The namespace controller.
#[derive(Clone, Debug)]
pub(crate) struct Namespaces {
    served: Rc<[Resource]>,
}

impl Namespaces {
    /// Makes the controller; `served` are the resources that it empties a namespace of.
    pub(crate) fn new(served: &[Resource]) -> Namespaces {
        Namespaces { served: served.iter().filter(|resource| resource.namespaced).copied().collect() }
    }
}

impl Reconcile for Namespaces {
    fn identity(&self) -> Identity {
        Identity::controller("namespace-controller", "controller/namespace")
    }

    fn resources(&self) -> Vec<Resource> {
        vec![NAMESPACES, CUSTOMRESOURCEDEFINITIONS]
    }

    fn enqueue(&mut self, change: &Change, _: &Informers, queue: &mut Enqueue) {
        if change.resource == NAMESPACES && meta::is_deleting(&change.new) {
            queue.add_after(change.key.clone(), DELETION_GRACE_PERIOD);
        }
    }

    // Models pkg/controller/namespace/deletion/namespaced_resources_deleter.go Delete
    fn reconcile(&mut self, cx: &mut Cx, informers: &Informers, key: &str) -> Result<Option<Nanos>, Failure> {
        if !informers.of(NAMESPACES).get(key).is_some_and(meta::is_deleting) {
            return Ok(None);
        }
        let namespace = match cx.get(NAMESPACES, "", key) {
            Err(failure) if failure.is_not_found() => return Ok(None),
            result => result?,
        };
        if !meta::is_deleting(&namespace) || !has_finalizer(&namespace) {
            return Ok(None);
        }
        let mut left = Left::default();
        left.empty(cx, key, PODS);
        if left.counts.is_empty() {
            let definitions = informers.of(CUSTOMRESOURCEDEFINITIONS).iter();
            let established = definitions.filter(|one| meta::is_condition_true(one, "Established"));
            let defined = established.filter_map(Resource::of_definition).filter(|one| one.namespaced);
            let built_in = self.served.iter().copied().filter(|resource| *resource != PODS);
            for resource in built_in.chain(defined) {
                left.empty(cx, key, resource);
            }
        }
        let namespace = update_status(cx, namespace, &left)?;
        if let Some(failure) = left.failure {
            return Err(failure);
        }
        if left.counts.is_empty() {
            finalize(cx, namespace)?;
            return Ok(None);
        }
        Ok(Some((left.estimate_seconds / 2 + 1) * SECOND))
    }
}

fn has_finalizer(namespace: &Value) -> bool {
    namespace["spec"]["finalizers"].items().iter().any(|finalizer| finalizer.str() == FINALIZER)
}

fn finalize(cx: &mut Cx, mut namespace: Value) -> Result<(), Failure> {
    let kept: Value = namespace["spec"]["finalizers"]
        .items()
        .iter()
        .filter(|one| one.str() != FINALIZER)
        .cloned()
        .collect();
    namespace.set(&["spec", "finalizers"], kept);
    match cx.update(NAMESPACES, &namespace, "finalize") {
        Err(failure) if !failure.is_not_found() => Err(failure),
        _ => Ok(()),
    }
}

/// What is left in a namespace.
#[derive(Default)]
struct Left {
    counts: BTreeMap<String, usize>,
    finalizers: BTreeMap<String, usize>,
    estimate_seconds: i64,
    failure: Option<Failure>,
}

impl Left {
    /// Deletes all objects of a resource and counts those that stay.
    // Models pkg/controller/namespace/deletion/namespaced_resources_deleter.go deleteAllContentForGroupVersionResource
    fn empty(&mut self, cx: &mut Cx, namespace: &str, resource: Resource) {
        let list = |cx: &mut Cx| cx.list(resource, namespace, "", "");
        let objects = match list(cx) {
            Ok(objects) if objects.is_empty() => return,
            Ok(_) => {
                let options = tree!({"propagationPolicy": "Background"});
                let request = Request::new(Method::Delete, resource.collection(namespace)).body(options);
                cx.send(request).and_then(|_| list(cx))
            }
            Err(failure) => Err(failure),
        };
        match objects {
            Ok(objects) if objects.is_empty() => {}
            Ok(objects) => self.count(cx.at(), resource, &objects),
            Err(failure) if failure.is_not_found() || failure.reason() == "MethodNotAllowed" => {}
            Err(failure) => drop(self.failure.get_or_insert(failure)),
        }
    }

    fn count(&mut self, now: Time, resource: Resource, objects: &[Value]) {
        self.counts.insert(format!("{}.{}", resource.plural, resource.group), objects.len());
        for object in objects {
            let finalizers = object["metadata"]["finalizers"].items();
            for finalizer in finalizers {
                *self.finalizers.entry(finalizer.str().to_string()).or_default() += 1;
            }
            let until = meta::time(&object["metadata"]["deletionTimestamp"]).unwrap_or(now);
            let grace = match object["metadata"]["deletionGracePeriodSeconds"].as_int() {
                Some(seconds) => seconds,
                None => ((until - now) / SECOND).max(0),
            };
            let estimate = if finalizers.is_empty() { grace } else { FINALIZER_ESTIMATE_SECONDS };
            self.estimate_seconds = self.estimate_seconds.max(estimate);
        }
    }
}

fn listing(rows: &BTreeMap<String, usize>, between: &str) -> String {
    let rows: Vec<String> =
        rows.iter().map(|(name, count)| format!("{name} {between} {count} resource instances")).collect();
    rows.join(", ")
}

// Models pkg/controller/namespace/deletion/status_condition_utils.go
fn update_status(cx: &mut Cx, mut namespace: Value, left: &Left) -> Result<Value, Failure> {
    let deletion = match &left.failure {
        None => (
            "False",
            "ContentDeleted",
            "All content successfully deleted, may be waiting on finalization".into(),
        ),
        Some(failure) => {
            let message = format!("Failed to delete all resource types, 1 remaining: {failure}");
            ("True", "ContentDeletionFailed", message)
        }
    };
    let content = match left.counts.is_empty() {
        true => ("False", "ContentRemoved", "All content successfully removed".to_string()),
        false => {
            let message = format!("Some resources are remaining: {}", listing(&left.counts, "has"));
            ("True", "SomeResourcesRemain", message)
        }
    };
    let finalizers = match left.finalizers.is_empty() {
        true => ("False", "ContentHasNoFinalizers", "All content-preserving finalizers finished".to_string()),
        false => {
            let rows = listing(&left.finalizers, "in");
            let message = format!("Some content in the namespace has finalizers remaining: {rows}");
            ("True", "SomeFinalizersRemain", message)
        }
    };
    let stamp = cx.at().rfc3339();
    let before = namespace["status"]["conditions"].clone();
    let discovered = ("False", "ResourcesDiscovered", "All resources successfully discovered".to_string());
    let parsed = ("False", "ParsedGroupVersions", "All legacy kube types successfully parsed".to_string());
    for (kind, (status, reason, message)) in [
        ("NamespaceDeletionDiscoveryFailure", discovered),
        ("NamespaceDeletionGroupVersionParsingFailure", parsed),
        ("NamespaceDeletionContentFailure", deletion),
        ("NamespaceContentRemaining", content),
        ("NamespaceFinalizersRemaining", finalizers),
    ] {
        let conditions = namespace.at_mut(&["status", "conditions"]).list_mut();
        let at =
            conditions.iter().position(|condition| condition["type"].str() == kind).unwrap_or_else(|| {
                conditions.push(tree!({"type": kind}));
                conditions.len() - 1
            });
        let Some(condition) = conditions.get_mut(at) else { continue };
        if condition["status"].str() == status && condition["message"].str() == message {
            continue;
        }
        if condition["status"].str() != status {
            condition.set(&["lastTransitionTime"], stamp.as_str());
        }
        for (field, text) in [("status", status), ("reason", reason), ("message", message.as_str())] {
            condition.set(&[field], text);
        }
    }
    if namespace["status"]["conditions"] == before {
        return Ok(namespace);
    }
    cx.update(NAMESPACES, &namespace, "status")
}

#[cfg(test)]
mod tests {
    use crate::ControllerManager;
    use api::resources::{CONFIGMAPS, NAMESPACES, PODS, SECRETS, SERVICEACCOUNTS};
    use api::{meta, tree};
    use client::testing::{Bench, Server};
    use sim::{SECOND, Time};

    #[test]
    fn empties_a_namespace_pods_first() {
        let mut server = Server::default();
        for name in ["a", "b"] {
            let namespace = tree!({"metadata": {"name": name}, "spec": {"finalizers": ["kubernetes"]},
                "status": {"phase": "Active"}});
            server.put(Time::EPOCH, NAMESPACES, namespace);
            server.put(Time::EPOCH, SECRETS, tree!({"metadata": {"name": "s", "namespace": name}}));
        }
        let pod = tree!({"metadata": {"name": "p", "namespace": "a"}, "spec": {"nodeName": "n1"}});
        server.put(Time::EPOCH, PODS, pod);
        let served = [CONFIGMAPS, PODS, SECRETS, SERVICEACCOUNTS];
        let mut bench = Bench::new(ControllerManager::new(&served), server);
        bench.run(SECOND);
        for name in ["a", "b"] {
            assert!(!bench.server.object(SERVICEACCOUNTS, &format!("{name}/default")).is_null());
            assert!(!bench.server.object(CONFIGMAPS, &format!("{name}/kube-root-ca.crt")).is_null());
        }
        bench.server.change(bench.now, NAMESPACES, "a", |namespace| {
            namespace.set(&["metadata", "deletionTimestamp"], "2026-01-05T09:00:01Z");
            namespace.set(&["status", "phase"], "Terminating");
        });
        bench.run(8 * SECOND);
        let namespace = bench.server.object(NAMESPACES, "a");
        let remaining = meta::condition(&namespace, "NamespaceContentRemaining").cloned().unwrap_or_default();
        assert_eq!(
            remaining["message"].str(),
            "Some resources are remaining: pods. has 1 resource instances"
        );
        assert!(!bench.server.object(SECRETS, "a/s").is_null(), "pods go first");
        bench.server.remove(PODS, "a/p");
        bench.run(30 * SECOND);
        assert!(bench.server.object(NAMESPACES, "a").is_null());
        assert!(bench.server.object(SECRETS, "a/s").is_null());
        assert!(bench.server.object(SERVICEACCOUNTS, "a/default").is_null());
        assert!(!bench.server.object(SECRETS, "b/s").is_null());
    }
}
