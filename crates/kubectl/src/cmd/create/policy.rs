use super::{create, one_name};
use crate::cx::{Cx, Next};
use crate::failure::{Outcome, error};
use api::quantity::Quantity;
use api::{Map, Value, label, tree};

/// `kubectl create quota`
// Models staging/src/k8s.io/kubectl/pkg/cmd/create/create_quota.go
pub(crate) fn quota(cx: &mut Cx) -> Outcome<Next> {
    let name = one_name(cx)?;
    let flags = cx.args();
    let mut spec = Value::map();
    let hard = resources(flags.text("hard"))?;
    if !hard.is_empty() {
        spec.set(&["hard"], hard);
    }
    let scopes: Vec<String> =
        flags.text("scopes").split(',').filter(|scope| !scope.is_empty()).map(str::to_string).collect();
    if !scopes.is_empty() {
        spec.set(&["scopes"], scopes);
    }
    let object = tree!({"metadata": {"name": (name)}, "spec": (spec), "status": {}});
    create(cx, "", "v1", "ResourceQuota", object, "failed to create quota")
}

/// Reads `cpu=1,memory=1Gi`.
// Models staging/src/k8s.io/kubectl/pkg/generate/versioned/generator.go populateResourceListV1
pub(crate) fn resources(text: &str) -> Outcome<Map> {
    let mut resources = Map::new();
    for part in text.split(',').filter(|_| !text.is_empty()) {
        let parts: Vec<&str> = part.split('=').collect();
        let [name, amount] = parts.as_slice() else {
            return error(format!("Invalid argument syntax {part}, expected <resource>=<value>"));
        };
        match Quantity::parse(amount) {
            Ok(quantity) => resources.insert(name, quantity.to_string()),
            Err(why) => return error(why),
        };
    }
    Ok(resources)
}

/// `kubectl create priorityclass`
// Models staging/src/k8s.io/kubectl/pkg/cmd/create/create_priorityclass.go
pub(crate) fn priority_class(cx: &mut Cx) -> Outcome<Next> {
    let name = one_name(cx)?;
    let flags = cx.args();
    let mut object = tree!({
        "metadata": {"name": (name)},
        "preemptionPolicy": (flags.text("preemption-policy")),
        "value": (flags.int("value")),
    });
    if !flags.text("description").is_empty() {
        object.set(&["description"], flags.text("description"));
    }
    if flags.is("global-default") {
        object.set(&["globalDefault"], true);
    }
    create(cx, "scheduling.k8s.io", "v1", "PriorityClass", object, "failed to create priorityclass")
}

/// `kubectl create poddisruptionbudget`
// Models staging/src/k8s.io/kubectl/pkg/cmd/create/create_pdb.go
pub(crate) fn disruption_budget(cx: &mut Cx) -> Outcome<Next> {
    let name = one_name(cx)?;
    let flags = cx.args();
    let (min, max) = (flags.text("min-available"), flags.text("max-unavailable"));
    if flags.text("selector").is_empty() {
        return error("a selector must be specified");
    }
    match (min.is_empty(), max.is_empty()) {
        (true, true) => return error("one of min-available or max-unavailable must be specified"),
        (false, false) => return error("min-available and max-unavailable cannot be both specified"),
        _ => {}
    }
    let selector = match label::parse(flags.text("selector")) {
        Ok(selector) => label_selector(&selector),
        Err(why) => return error(why),
    };
    let mut spec = tree!({"selector": (selector)});
    for (field, text) in [("minAvailable", min), ("maxUnavailable", max)] {
        if !text.is_empty() {
            let number = text.parse::<i64>();
            spec.set(&[field], number.map_or_else(|_| Value::from(text), Value::from));
        }
    }
    let status =
        tree!({"currentHealthy": 0, "desiredHealthy": 0, "disruptionsAllowed": 0, "expectedPods": 0});
    let object = tree!({"metadata": {"name": (name)}, "spec": (spec), "status": (status)});
    create(cx, "policy", "v1", "PodDisruptionBudget", object, "failed to create poddisruptionbudget")
}

/// Returns a parsed selector as a LabelSelector.
pub(crate) fn label_selector(selector: &label::Selector) -> Value {
    let mut labels = Map::new();
    let mut expressions = Vec::new();
    for requirement in &selector.requirements {
        match (requirement.operator, requirement.values.as_slice()) {
            (label::Operator::In, [one]) => {
                labels.insert(&requirement.key, one);
            }
            (operator, values) => {
                let mut expression =
                    tree!({"key": (&requirement.key), "operator": (format!("{operator:?}"))});
                if !values.is_empty() {
                    expression.set(&["values"], values.to_vec());
                }
                expressions.push(expression);
            }
        }
    }
    let mut out = Value::map();
    if !labels.is_empty() {
        out.set(&["matchLabels"], labels);
    }
    if !expressions.is_empty() {
        out.set(&["matchExpressions"], expressions);
    }
    out
}
