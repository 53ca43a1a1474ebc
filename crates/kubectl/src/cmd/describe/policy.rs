use super::Events;
use super::writer::{Writer, date, one_line};
use crate::cx::Cx;
use crate::failure::Outcome;
use crate::mapper;
use api::{Value, int_or_string, meta};
use std::collections::BTreeMap;

/// Describes a Namespace.
// Models staging/src/k8s.io/kubectl/pkg/describe/describe.go describeNamespace
pub(super) fn namespace(cx: &mut Cx, w: &mut Writer, namespace: &Value) -> Outcome<Events> {
    let name = meta::name(namespace).to_string();
    w.row(0, "Name", &name);
    w.labels("Labels", meta::labels(namespace));
    w.annotations("Annotations", meta::annotations(namespace));
    w.row(0, "Status", namespace["status"]["phase"].str());
    let conditions = namespace["status"]["conditions"].items();
    if !conditions.is_empty() {
        w.line(0, "Conditions:");
        w.line(1, "Type\tStatus\tLastTransitionTime\tReason\tMessage");
        w.line(1, "----\t------\t------------------\t------\t-------");
        for c in conditions {
            let (kind, status, since) = (c["type"].str(), c["status"].str(), date(&c["lastTransitionTime"]));
            w.line(1, format!("{kind}\t{status}\t{since}\t{}\t{}", c["reason"].str(), c["message"].str()));
        }
    }
    // What the cluster doesn't serve yet can't be there either.
    let mut of = |kind: &str| match mapper::of_kind(cx, "", "v1", kind) {
        Ok(mapping) => cx.list(&mapping, &name, "", "").unwrap_or_default(),
        Err(_) => Vec::new(),
    };
    let (quotas, limits) = (of("ResourceQuota"), of("LimitRange"));
    w.line(0, "");
    if quotas.is_empty() {
        w.line(0, "No resource quota.");
    } else {
        w.line(0, "Resource Quotas");
    }
    for quota in &quotas {
        w.row(1, "Name", meta::name(quota));
        scopes(w, quota, 1, "* ");
        w.line(1, "Resource\tUsed\tHard");
        w.line(1, "--------\t---\t---");
        hard(w, quota, 1);
    }
    w.line(0, "");
    if limits.is_empty() {
        w.line(0, "No LimitRange resource.");
    } else {
        w.line(0, "Resource Limits\n Type\tResource\tMin\tMax\tDefault Request\tDefault Limit\tMax Limit/Request Ratio");
        w.line(0, " ----\t--------\t---\t---\t---------------\t-------------\t-----------------------");
    }
    for limit in &limits {
        limit_rows(w, limit, " ");
    }
    Ok(Events::Hidden)
}

fn scopes(w: &mut Writer, quota: &Value, level: usize, mark: &str) {
    let mut scopes: Vec<&str> = quota["spec"]["scopes"].items().iter().map(Value::str).collect();
    scopes.sort_unstable();
    w.row_if(level, "Scopes", &scopes.join(", "));
    for scope in scopes {
        let text = match scope {
            "Terminating" => {
                "Matches all pods that have an active deadline. These pods have a limited lifespan on a node before being actively terminated by the system."
            }
            "NotTerminating" => {
                "Matches all pods that do not have an active deadline. These pods usually include long running pods whose container command is not expected to terminate."
            }
            "BestEffort" => {
                "Matches all pods that do not have resource requirements set. These pods have a best effort quality of service."
            }
            "NotBestEffort" => {
                "Matches all pods that have at least one resource requirement set. These pods have a burstable or guaranteed quality of service."
            }
            _ => continue,
        };
        w.line(level, format!("{mark}{text}"));
    }
}

fn hard(w: &mut Writer, quota: &Value, level: usize) {
    let status = &quota["status"];
    for (resource, amount) in status["hard"].fields().iter() {
        let used = crate::text::go_text(&status["used"][resource], "0");
        w.line(level, format!("{resource}\t{used}\t{}", crate::text::go_text(amount, "0")));
    }
}

/// Describes a ResourceQuota.
// Models staging/src/k8s.io/kubectl/pkg/describe/describe.go describeQuota
pub(super) fn quota(w: &mut Writer, quota: &Value) -> Events {
    w.name(quota);
    scopes(w, quota, 0, " * ");
    w.line(0, "Resource\tUsed\tHard");
    w.line(0, "--------\t----\t----");
    hard(w, quota, 0);
    Events::Hidden
}

/// Describes a LimitRange.
// Models staging/src/k8s.io/kubectl/pkg/describe/describe.go describeLimitRange
pub(super) fn limit_range(w: &mut Writer, range: &Value) -> Events {
    w.name(range);
    w.line(0, "Type\tResource\tMin\tMax\tDefault Request\tDefault Limit\tMax Limit/Request Ratio");
    w.line(0, "----\t--------\t---\t---\t---------------\t-------------\t-----------------------");
    limit_rows(w, range, "");
    Events::Hidden
}

fn limit_rows(w: &mut Writer, range: &Value, prefix: &str) {
    const FIELDS: [&str; 5] = ["min", "max", "defaultRequest", "default", "maxLimitRequestRatio"];
    for limit in range["spec"]["limits"].items() {
        let mut rows: BTreeMap<&str, ()> = BTreeMap::new();
        for field in FIELDS {
            rows.extend(limit[field].fields().iter().map(|(resource, _)| (resource, ())));
        }
        for resource in rows.keys() {
            let cells: Vec<String> =
                FIELDS.iter().map(|field| crate::text::go_text(&limit[*field][*resource], "-")).collect();
            w.line(0, format!("{prefix}{}\t{resource}\t{}", limit["type"].str(), cells.join("\t")));
        }
    }
}

/// Describes a Role or ClusterRole.
// Models staging/src/k8s.io/kubectl/pkg/describe/describe.go RoleDescriber.Describe
pub(super) fn role(w: &mut Writer, role: &Value) -> Events {
    w.row(0, "Name", meta::name(role));
    w.labels("Labels", meta::labels(role));
    w.annotations("Annotations", meta::annotations(role));
    w.line(0, "PolicyRule:");
    w.line(1, "Resources\tNon-Resource URLs\tResource Names\tVerbs");
    w.line(1, "---------\t-----------------\t--------------\t-----");
    for cells in rule_rows(role["rules"].items()) {
        w.line(1, cells.join("\t"));
    }
    Events::Hidden
}

/// Takes rules apart into one for each resource or path, joins the verbs of the same one, and returns
/// resource, path, name and verbs of each, as kubectl prints and sorts them.
// Models staging/src/k8s.io/kubectl/pkg/util/rbac/rbac.go BreakdownRule, CompactRules, SortableRuleSlice
pub(crate) fn rule_rows(rules: &[Value]) -> Vec<[String; 4]> {
    /// Group, resource, name and path.
    type Piece = [String; 4];
    let mut pieces: Vec<(Piece, Vec<String>)> = Vec::new();
    let words =
        |value: &Value| -> Vec<String> { value.items().iter().map(|word| word.str().to_string()).collect() };
    for rule in rules {
        let mut keys: Vec<Piece> = Vec::new();
        let names = match words(&rule["resourceNames"]) {
            names if names.is_empty() => vec![String::new()],
            names => names,
        };
        for group in words(&rule["apiGroups"]) {
            for resource in words(&rule["resources"]) {
                let named =
                    names.iter().map(|name| [group.as_str(), &resource, name, ""].map(str::to_string));
                keys.extend(named);
            }
        }
        keys.extend(
            words(&rule["nonResourceURLs"]).into_iter().map(|url| ["", "", "", &url].map(str::to_string)),
        );
        for key in keys {
            let at = pieces.iter().position(|(piece, _)| *piece == key).unwrap_or_else(|| {
                pieces.push((key, Vec::new()));
                pieces.len() - 1
            });
            for verb in words(&rule["verbs"]) {
                if !pieces[at].1.contains(&verb) {
                    pieces[at].1.push(verb);
                }
            }
        }
    }
    pieces.sort_by_cached_key(|([group, resource, name, path], verbs)| {
        format!("[{}],[{group}],[{resource}],[{name}],[{path}]", verbs.join(" "))
    });
    let list = |text: &str| if text.is_empty() { "[]".to_string() } else { format!("[{text}]") };
    let row = |([group, resource, name, path], verbs): (Piece, Vec<String>)| {
        let (plain, below) = resource.split_once('/').unwrap_or((&resource, ""));
        let dot = if group.is_empty() { "" } else { "." };
        let slash = if below.is_empty() { "" } else { "/" };
        let what = format!("{plain}{dot}{group}{slash}{below}");
        [what, list(&path), list(&name), format!("[{}]", verbs.join(" "))]
    };
    pieces.into_iter().map(row).collect()
}

/// Describes a RoleBinding or ClusterRoleBinding.
// Models staging/src/k8s.io/kubectl/pkg/describe/describe.go RoleBindingDescriber.Describe
pub(super) fn role_binding(w: &mut Writer, binding: &Value) -> Events {
    w.row(0, "Name", meta::name(binding));
    w.labels("Labels", meta::labels(binding));
    w.annotations("Annotations", meta::annotations(binding));
    w.line(0, "Role:");
    w.row(1, "Kind", binding["roleRef"]["kind"].str());
    w.row(1, "Name", binding["roleRef"]["name"].str());
    w.line(0, "Subjects:");
    w.line(1, "Kind\tName\tNamespace");
    w.line(1, "----\t----\t---------");
    for subject in binding["subjects"].items() {
        let (kind, name) = (subject["kind"].str(), subject["name"].str());
        w.line(1, format!("{kind}\t{name}\t{}", subject["namespace"].str()));
    }
    Events::Hidden
}

/// Describes a PriorityClass.
// Models staging/src/k8s.io/kubectl/pkg/describe/describe.go describePriorityClass
pub(super) fn priority_class(w: &mut Writer, class: &Value) -> Events {
    w.row(0, "Name", meta::name(class));
    w.row(0, "Value", class["value"].int().to_string());
    w.row(0, "GlobalDefault", class["globalDefault"].is_true().to_string());
    w.row(0, "PreemptionPolicy", class["preemptionPolicy"].str());
    w.row(0, "Description", class["description"].str());
    w.row(0, "Annotations", one_line(meta::annotations(class)));
    Events::Shown
}

/// Describes a PodDisruptionBudget.
// Models staging/src/k8s.io/kubectl/pkg/describe/describe.go describePodDisruptionBudgetV1
pub(super) fn disruption_budget(w: &mut Writer, budget: &Value) -> Events {
    let (spec, status) = (&budget["spec"], &budget["status"]);
    w.name(budget);
    if !spec["minAvailable"].is_null() {
        w.row(0, "Min available", int_or_string::text(&spec["minAvailable"]));
    } else if !spec["maxUnavailable"].is_null() {
        w.row(0, "Max unavailable", int_or_string::text(&spec["maxUnavailable"]));
    }
    if spec["selector"].is_null() {
        w.row(0, "Selector", "<unset>");
    } else {
        w.row(0, "Selector", api::label::Selector::from_label_selector(&spec["selector"]).to_string());
    }
    w.line(0, "Status:");
    for (title, field) in [
        ("Allowed disruptions", "disruptionsAllowed"),
        ("Current", "currentHealthy"),
        ("Desired", "desiredHealthy"),
        ("Total", "expectedPods"),
    ] {
        w.row(2, title, status[field].int().to_string());
    }
    Events::Shown
}
