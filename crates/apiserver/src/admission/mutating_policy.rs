//! MutatingAdmissionPolicies: expressions that say how an object is changed, where a binding says so.
//!
//! A policy takes effect at once; upstream's API server reads policies from a cache that is a moment late.
// Models staging/src/k8s.io/apiserver/pkg/admission/plugin/policy/mutating/dispatcher.go

use super::validating_policy::{Ask, GROUP, Write};
use crate::cel;
use crate::decode;
use crate::handlers::Call;
use crate::managed_fields;
use crate::server::ApiServer;
use api::{Status, Value, meta};

impl ApiServer {
    /// Lets the policies change an object that is being written.
    ///
    /// # Errors
    /// What a policy that must not fail failed with, in upstream's words.
    pub(crate) fn mutate(&mut self, call: &mut Call, write: &Write) -> Result<Option<Value>, Status> {
        if !cel::is_available() || call.rest.kind.group == GROUP {
            return Ok(None);
        }
        let policies = self.stored("mutatingadmissionpolicies");
        if policies.is_empty() {
            return Ok(None);
        }
        let bindings = self.stored("mutatingadmissionpolicybindings");
        let mut object = write.new.clone();
        let mut again: Vec<(&Value, &Value)> = Vec::new();
        for policy in &policies {
            let name = meta::name(policy);
            for binding in bindings.iter().filter(|binding| binding["spec"]["policyName"].str() == name) {
                let before = object.clone();
                object = self.mutated(call, write, object, policy, binding)?;
                // Who came before may want to see what came after.
                if object != before {
                    for (policy, binding) in again.clone() {
                        object = self.mutated(call, write, object, policy, binding)?;
                    }
                }
                if policy["spec"]["reinvocationPolicy"].str() == "IfNeeded" {
                    again.push((policy, binding));
                }
            }
        }
        if object == *write.new {
            return Ok(None);
        }
        // What policies have set is defaulted and checked like what somebody sent.
        decode::object(call, &object, write.old).map(Some)
    }

    fn mutated(
        &mut self,
        call: &Call,
        write: &Write,
        object: Value,
        policy: &Value,
        binding: &Value,
    ) -> Result<Value, Status> {
        let now = Write { new: &object, ..*write };
        if !self.is_about(call, &now, policy, binding) {
            return Ok(object);
        }
        match self.apply_mutations(call, &now, policy, binding) {
            Ok(changed) => Ok(changed),
            Err(_) if policy["spec"]["failurePolicy"].str() == "Ignore" => Ok(object),
            Err(why) => {
                let (policy, binding) = (meta::name(policy), meta::name(binding));
                let message = format!("policy '{policy}' with binding '{binding}' denied request: {why}");
                Err(Status::forbidden(&call.rest.group_resource, call.object_name, &message))
            }
        }
    }

    fn apply_mutations(
        &mut self,
        call: &Call,
        write: &Write,
        policy: &Value,
        binding: &Value,
    ) -> Result<Value, String> {
        let mut object = write.new.clone();
        for param in self.params(call, &policy["spec"], &binding["spec"]["paramRef"])? {
            for mutation in policy["spec"]["mutations"].items() {
                let now = Write { new: &object, ..*write };
                let Some(ask) = Ask::new(self, call, &now, &policy["spec"], &param)? else { break };
                object = patched(call, &object, mutation, &ask)?;
            }
        }
        Ok(object)
    }
}

// Models staging/src/k8s.io/apiserver/pkg/admission/plugin/policy/mutating/patch
fn patched(call: &Call, object: &Value, mutation: &Value, ask: &Ask) -> Result<Value, String> {
    let (field, is_patch) = match mutation["patchType"].str() {
        "JSONPatch" => ("jsonPatch", true),
        "ApplyConfiguration" => ("applyConfiguration", false),
        other => return Err(format!("unsupported patch type {other}")),
    };
    let expression = mutation[field]["expression"].str();
    let wrong = |error: String| format!("expression '{expression}' resulted in error: {error}");
    let value = ask.about(expression).map_err(wrong)?;
    if is_patch {
        let result = schema::patch::json_patch(object, &value);
        return result.map_err(|error| format!("JSON Patch: {error}"));
    }
    if value.as_map().is_none() {
        return Err(wrong("unsupported return type, expected Object".to_string()));
    }
    let mut wanted = value;
    for field in ["apiVersion", "kind"] {
        wanted.set(&[field], &object[field]);
    }
    Ok(managed_fields::merged(call.rest, object, &wanted))
}
