//! ValidatingAdmissionPolicies: expressions that an object must fulfil, where a binding says so.
//!
//! A policy takes effect at once; upstream's API server reads policies from a cache that is a moment late.
//! Left out: the `authorizer`, and what `matchPolicy` says about other versions of a resource.
// Models staging/src/k8s.io/apiserver/pkg/admission/plugin/policy/validating/dispatcher.go

use super::Operation;
use crate::cel::{self, Variable};
use crate::handlers::Call;
use crate::resources::{self, Rest};
use crate::server::ApiServer;
use api::label::Selector;
use api::{Status, Value, meta, tree};

pub(super) const GROUP: &str = "admissionregistration.k8s.io";
const NULL: &Value = &Value::Null;

/// A write that is looked at.
#[derive(Clone, Copy)]
pub(crate) struct Write<'a> {
    pub(crate) operation: Operation,
    /// Null where it is being deleted.
    pub(crate) new: &'a Value,
    /// Null where it is new.
    pub(crate) old: &'a Value,
}

/// What a policy has found.
struct Decision {
    message: String,
    reason: String,
}

impl ApiServer {
    /// Asks the policies about a write; adds what they only warn of.
    ///
    /// # Errors
    /// The first refusal, in upstream's words.
    pub(crate) fn ask_policies(&mut self, call: &mut Call, write: &Write) -> Result<(), Status> {
        if !cel::is_available() || call.rest.kind.group == GROUP {
            return Ok(());
        }
        let policies = self.stored("validatingadmissionpolicies");
        if policies.is_empty() {
            return Ok(());
        }
        let bindings = self.stored("validatingadmissionpolicybindings");
        let mut denied: Option<Status> = None;
        for policy in &policies {
            let name = meta::name(policy);
            for binding in bindings.iter().filter(|binding| binding["spec"]["policyName"].str() == name) {
                if !self.is_about(call, write, policy, binding) {
                    continue;
                }
                let decisions = self.decide(call, write, policy, binding);
                let by = format!("ValidatingAdmissionPolicy '{name}' with binding '{}'", meta::name(binding));
                for decision in decisions {
                    for action in binding["spec"]["validationActions"].items() {
                        match action.str() {
                            "Deny" if denied.is_none() => denied = Some(refusal(call, &by, &decision)),
                            "Warn" => call
                                .warnings
                                .push(format!("Validation failed for {by}: {}", decision.message)),
                            _ => {}
                        }
                    }
                }
            }
        }
        denied.map_or(Ok(()), Err)
    }

    /// Returns whether a write is one that a policy with a binding is about.
    pub(super) fn is_about(&self, call: &Call, write: &Write, policy: &Value, binding: &Value) -> bool {
        self.is_matched(call, write, &policy["spec"]["matchConstraints"], false)
            && self.is_matched(call, write, &binding["spec"]["matchResources"], true)
    }

    pub(super) fn stored(&self, plural: &str) -> Vec<Value> {
        let Some(rest) = resources::find(GROUP, "v1", plural) else { return Vec::new() };
        if self.has_none_of(rest) {
            return Vec::new();
        }
        self.store.range(&rest.prefix).map(|(_, entry)| entry.value.clone()).collect()
    }

    /// Returns whether a write is one that a policy or a binding is about; `or_all` says what is the case
    /// where no rules are given.
    // Models staging/src/k8s.io/apiserver/pkg/admission/plugin/policy/matching/matching.go Matches
    fn is_matched(&self, call: &Call, write: &Write, matching: &Value, or_all: bool) -> bool {
        let fits = |rule: &Value| fits(rule, call, write.operation);
        let rules = matching["resourceRules"].items();
        let selected = |selector: &Value, object: &Value| {
            selector.is_empty() || Selector::from_label_selector(selector).matches(meta::labels(object))
        };
        let object_selector = &matching["objectSelector"];
        (rules.iter().any(fits) || or_all && rules.is_empty())
            && !matching["excludeResourceRules"].items().iter().any(fits)
            && [write.new, write.old]
                .into_iter()
                .any(|object| !object.is_null() && selected(object_selector, object))
            && selected(&matching["namespaceSelector"], &self.namespace_of(call, write))
    }

    /// Returns the namespace of an object; of a namespace itself, it. Null of what belongs to the cluster.
    fn namespace_of(&self, call: &Call, write: &Write) -> Value {
        if call.rest.is_group("", "namespaces") {
            return if write.new.is_null() { write.old.clone() } else { write.new.clone() };
        }
        let key = self.namespaces().key("", call.namespace);
        self.store.get(&key).map(|entry| entry.value.clone()).unwrap_or_default()
    }

    /// Returns what a policy has against a write.
    // Models staging/src/k8s.io/apiserver/pkg/admission/plugin/policy/validating/validator.go Validate
    fn decide(&mut self, call: &Call, write: &Write, policy: &Value, binding: &Value) -> Vec<Decision> {
        let spec = &policy["spec"];
        let fails = spec["failurePolicy"].str() != "Ignore";
        let trouble = |message: String| {
            if fails { vec![Decision { message, reason: String::new() }] } else { Vec::new() }
        };
        let params = match self.params(call, spec, &binding["spec"]["paramRef"]) {
            Ok(params) => params,
            Err(message) => return trouble(message),
        };
        let mut decisions = Vec::new();
        for param in params {
            let ask = match Ask::new(self, call, write, spec, &param) {
                Ok(Some(ask)) => ask,
                Ok(None) => continue,
                Err(error) => return trouble(error),
            };
            for validation in spec["validations"].items() {
                let expression = validation["expression"].str();
                match ask.about(expression) {
                    Ok(Value::Bool(true)) => {}
                    Ok(_) => {
                        let told = match validation["messageExpression"].str() {
                            "" => None,
                            message => ask.about(message).ok().filter(|told| !told.str().trim().is_empty()),
                        };
                        let message = match (told, validation["message"].str().trim()) {
                            (Some(told), _) => told.str().trim().to_string(),
                            (None, "") => format!("failed expression: {}", expression.trim()),
                            (None, message) => message.to_string(),
                        };
                        let reason = validation["reason"].str().to_string();
                        decisions.push(Decision { message, reason });
                    }
                    Err(error) => {
                        decisions
                            .extend(trouble(format!("expression '{expression}' resulted in error: {error}")));
                    }
                }
            }
        }
        decisions
    }

    /// Returns the parameters for which a policy is asked; null where it has none.
    // Models staging/src/k8s.io/apiserver/pkg/admission/plugin/policy/generic/policy_dispatcher.go CollectParams
    pub(super) fn params(
        &mut self,
        call: &Call,
        spec: &Value,
        reference: &Value,
    ) -> Result<Vec<Value>, String> {
        let kind = &spec["paramKind"];
        if kind.is_null() || reference.is_null() {
            return Ok(vec![Value::Null]);
        }
        let customs = self.customs().clone();
        let is_it = |rest: &&Rest| {
            rest.kind.kind == kind["kind"].str() && rest.api_version == kind["apiVersion"].str()
        };
        let rest = resources::all().iter().find(is_it).or_else(|| customs.all().find(is_it));
        let Some(rest) = rest else {
            let [kind, version] = [kind["kind"].str(), kind["apiVersion"].str()];
            return Err(format!(
                "failed to configure policy: failed to find resource referenced by paramKind: \
                                '{version}, Kind={kind}'"
            ));
        };
        let namespace = match reference["namespace"].str() {
            "" if rest.kind.namespaced => call.namespace,
            namespace => namespace,
        };
        let found: Vec<Value> = match reference["name"].str() {
            "" => {
                let selector = Selector::from_label_selector(&reference["selector"]);
                let range = rest.range(namespace);
                let all = self.store.range(&range).map(|(_, entry)| entry.value.clone());
                all.filter(|object| selector.is_empty() || selector.matches(meta::labels(object))).collect()
            }
            name => self
                .store
                .get(&rest.key(namespace, name))
                .map(|entry| entry.value.clone())
                .into_iter()
                .collect(),
        };
        if found.is_empty() && reference["parameterNotFoundAction"].str() != "Allow" {
            let why = "no params found for policy binding with `Deny` parameterNotFoundAction";
            return Err(format!("failed to configure binding: {why}"));
        }
        Ok(found.into_iter().map(|object| rest.read_custom(object)).collect())
    }
}

/// What the expressions of a policy see of a write.
pub(super) struct Ask {
    object: Value,
    old: Value,
    request: Value,
    params: Value,
    namespace: Value,
    variables: Value,
}

impl Ask {
    /// Gathers it; `None` where the policy's conditions aren't met.
    ///
    /// # Errors
    /// What is wrong with a condition.
    // Models staging/src/k8s.io/apiserver/pkg/admission/plugin/webhook/matchconditions/matcher.go Match
    pub(super) fn new(
        server: &ApiServer,
        call: &Call,
        write: &Write,
        spec: &Value,
        param: &Value,
    ) -> Result<Option<Ask>, String> {
        let namespace = match call.rest.kind.namespaced {
            true => server.namespace_of(call, write),
            false => Value::Null,
        };
        let mut ask = Ask {
            object: write.new.clone(),
            old: write.old.clone(),
            request: request(call, write.operation),
            params: param.clone(),
            namespace,
            variables: Value::map(),
        };
        for condition in spec["matchConditions"].items() {
            if ask.about(condition["expression"].str())? != Value::Bool(true) {
                return Ok(None);
            }
        }
        // One that has no value is missed only where it is used.
        for variable in spec["variables"].items() {
            if let Ok(value) = ask.about(variable["expression"].str()) {
                ask.variables.set(&[variable["name"].str()], value);
            }
        }
        Ok(Some(ask))
    }

    /// Evaluates an expression.
    ///
    /// # Errors
    /// Why it has no value.
    pub(super) fn about(&self, expression: &str) -> Result<Value, String> {
        let all: [Variable; 6] = [
            ("object", &self.object, NULL),
            ("oldObject", &self.old, NULL),
            ("request", &self.request, NULL),
            ("params", &self.params, NULL),
            ("namespaceObject", &self.namespace, NULL),
            ("variables", &self.variables, NULL),
        ];
        cel::evaluate(expression, &all)
    }
}

/// Returns the request as expressions see it.
fn request(call: &Call, operation: Operation) -> Value {
    let kind = call.rest.kind;
    let user = &call.request.user;
    let groups: Value = user.groups.iter().map(|group| Value::from(&**group)).collect();
    tree!({
        "kind": {"group": (kind.group), "version": (kind.version), "kind": (kind.kind)},
        "resource": {"group": (kind.group), "version": (kind.version), "resource": (kind.plural)},
        "subResource": (call.subresource),
        "name": (call.object_name),
        "namespace": (call.namespace),
        "operation": (word(operation)),
        "userInfo": {"username": (&*user.name), "groups": groups},
        "dryRun": (call.dry_run),
    })
}

fn word(operation: Operation) -> &'static str {
    match operation {
        Operation::Create => "CREATE",
        Operation::Update => "UPDATE",
        Operation::Delete => "DELETE",
    }
}

/// Returns whether a rule is about a request.
// Models staging/src/k8s.io/apiserver/pkg/admission/plugin/webhook/predicates/rules/rules.go Matches
fn fits(rule: &Value, call: &Call, operation: Operation) -> bool {
    let kind = call.rest.kind;
    let has = |list: &str, word: &str| {
        rule[list].items().iter().any(|item| item.str() == "*" || item.str() == word)
    };
    let resource = |item: &Value| {
        let (plural, subresource) = item.str().split_once('/').unwrap_or((item.str(), ""));
        (plural == "*" || plural == kind.plural) && (subresource == "*" || subresource == call.subresource)
    };
    let names = rule["resourceNames"].items();
    let scope = match rule["scope"].str() {
        "Namespaced" => kind.namespaced,
        "Cluster" => !kind.namespaced,
        _ => true,
    };
    has("operations", word(operation))
        && has("apiGroups", kind.group)
        && has("apiVersions", kind.version)
        && rule["resources"].items().iter().any(resource)
        && (names.is_empty() || names.iter().any(|name| name.str() == call.object_name))
        && scope
}

// Models staging/src/k8s.io/apiserver/pkg/admission/plugin/policy/validating/dispatcher.go Dispatch
fn refusal(call: &Call, by: &str, decision: &Decision) -> Status {
    let message = format!("{by} denied request: {}", decision.message);
    let mut status = Status::forbidden(&call.rest.group_resource, call.object_name, &message);
    let (reason, code) = match decision.reason.as_str() {
        "Forbidden" => ("Forbidden", 403),
        "Unauthorized" => ("Unauthorized", 401),
        "RequestEntityTooLarge" => ("RequestEntityTooLarge", 413),
        _ => ("Invalid", 422),
    };
    status.reason = reason.to_string();
    status.code = code;
    status.details.set(&["causes"], tree!([{"message": message}]));
    status
}
