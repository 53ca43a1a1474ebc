//! Changes and checks between decoding and validation, in upstream's order of plugins.
// Models pkg/kubeapiserver/options/plugins.go AllOrderedPlugins

mod certificate_request;
mod default_toleration_seconds;
mod escalation;
mod ingress_class;
mod limit_ranger;
mod mutating_policy;
mod namespace_lifecycle;
mod pod_security;
mod priority;
mod resource_quota;
mod runtime_class;
mod service_account;
mod storage_class;
mod validating_policy;

pub(crate) use validating_policy::Write;

use crate::authorization;
use crate::handlers::{Call, Scope};
use crate::server::ApiServer;
use api::{Status, Value, tree};

/// What many pods share, made once.
#[derive(Clone, Debug)]
pub(crate) struct Shared {
    token_mount: Value,
    token_volume: Value,
    tolerations: Value,
}

impl Default for Shared {
    fn default() -> Shared {
        Shared {
            token_mount: service_account::token_mount(),
            token_volume: service_account::token_volume(),
            tolerations: default_toleration_seconds::tolerations(),
        }
    }
}

/// What is being done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operation {
    Create,
    Update,
    Delete,
}

impl ApiServer {
    /// Lets an operation pass that is about an object as a whole, before the object is looked at.
    ///
    /// # Errors
    /// NotFound or Forbidden, in upstream's words.
    pub(crate) fn admit_operation(&self, call: &Call, operation: Operation) -> Result<(), Status> {
        namespace_lifecycle::admit(self, call, operation)
    }

    /// Changes a new object as the mutating plugins do.
    ///
    /// # Errors
    /// Forbidden, in upstream's words.
    pub(crate) fn admit_create(&mut self, call: &mut Call, object: &mut Value) -> Result<(), Status> {
        match (call.rest.kind.group, call.rest.kind.plural) {
            ("", "pods") => {
                limit_ranger::set_defaults(self, call, object);
                service_account::admit(self, call, object)?;
                priority::admit(self, call, object)?;
                default_toleration_seconds::admit(&self.shared, object);
                runtime_class::admit(self, call, object)?;
            }
            ("certificates.k8s.io", "certificatesigningrequests") => {
                certificate_request::set_requester(&call.request.user, object);
            }
            ("", "nodes") if self.options.taint_new_nodes => taint_node(object),
            ("", "persistentvolumeclaims") => {
                storage_class::set_default(self, object);
                add_finalizer(object, "kubernetes.io/pvc-protection");
            }
            ("networking.k8s.io", "ingresses") => ingress_class::set_default(self, object),
            ("", "persistentvolumes") => add_finalizer(object, "kubernetes.io/pv-protection"),
            _ => {}
        }
        let write = Write { operation: Operation::Create, new: object, old: &Value::Null };
        if let Some(changed) = self.mutate(call, &write)? {
            *object = changed;
        }
        Ok(())
    }

    /// Changes a changed object as the mutating plugins do.
    pub(crate) fn admit_update(&self, call: &Call, scope: Scope, new: &mut Value, old: &Value) {
        if call.rest.is_pods() && scope == Scope::Main && !new["spec"].same(&old["spec"]) {
            priority::keep(new, old);
            default_toleration_seconds::admit(&self.shared, new);
        }
    }

    /// Checks that nobody gives rights away that they don't have.
    ///
    /// # Errors
    /// Forbidden, in upstream's words.
    pub(crate) fn check_escalation(&mut self, call: &Call, object: &Value) -> Result<(), Status> {
        if !authorization::is_policy(call.rest.kind.group) || authorization::is_master(&call.request.user) {
            return Ok(());
        }
        self.read_policy();
        escalation::check(self, call, object)
    }

    /// Checks a new object as the validating plugins do.
    ///
    /// # Errors
    /// Forbidden, in upstream's words.
    pub(crate) fn validate_create(&mut self, call: &mut Call, object: &Value) -> Result<(), Status> {
        let write = Write { operation: Operation::Create, new: object, old: &Value::Null };
        self.ask_policies(call, &write)?;
        limit_ranger::check(self, call, object)?;
        if call.rest.is_pods() {
            runtime_class::check(self, call, object)?;
        }
        pod_security::check(self, call, object)?;
        self.charge_quotas(call, object, &Value::Null)
    }
}

impl ApiServer {
    /// Checks a changed object as the validating plugins do.
    ///
    /// # Errors
    /// Forbidden, in upstream's words.
    pub(crate) fn validate_update(&self, call: &mut Call, new: &Value, old: &Value) -> Result<(), Status> {
        if call.rest.is_group("", "persistentvolumeclaims") {
            limit_ranger::check(self, call, new)?;
            storage_class::check_resize(self, new, old)?;
        }
        pod_security::check_update(self, call, new, old)
    }

    /// Checks what a changed object uses more than before: of pods that is done where they are resized.
    ///
    /// # Errors
    /// Forbidden, in upstream's words.
    // Models pkg/quota/v1/evaluator/core Handles
    pub(crate) fn charge_update(
        &mut self,
        call: &Call,
        scope: Scope,
        new: &Value,
        old: &Value,
    ) -> Result<(), Status> {
        let charged = match call.rest.kind.plural {
            _ if !call.rest.kind.group.is_empty() => false,
            "pods" => scope == Scope::Resize,
            "services" | "persistentvolumeclaims" => scope == Scope::Main,
            _ => false,
        };
        if scope == Scope::Resize {
            limit_ranger::check(self, call, new)?;
        }
        if charged { self.charge_quotas(call, new, old) } else { Ok(()) }
    }
}

/// Taints a new node until it has been seen ready.
// Models plugin/pkg/admission/nodetaint/admission.go TaintNodesByCondition
fn taint_node(node: &mut Value) {
    const KEY: &str = "node.kubernetes.io/not-ready";
    let tainted = |taint: &Value| taint["key"].str() == KEY && taint["effect"].str() == "NoSchedule";
    if !node["spec"]["taints"].items().iter().any(tainted) {
        let taint = tree!({"key": KEY, "effect": "NoSchedule"});
        node.at_mut(&["spec", "taints"]).list_mut().push(taint);
    }
}

// Models plugin/pkg/admission/storage/storageobjectinuseprotection/admission.go Admit
fn add_finalizer(object: &mut Value, finalizer: &str) {
    if !object["metadata"]["finalizers"].items().iter().any(|name| name.str() == finalizer) {
        object.at_mut(&["metadata", "finalizers"]).list_mut().push(finalizer.into());
    }
}
