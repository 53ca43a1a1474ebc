//! What runs pods.

use super::duration::{age, human, since};
use super::{format_labels, format_selector, name, or_else};
use api::Value;
use sim::Time;

fn containers(template: &Value) -> [Value; 2] {
    let list = |field: &str| {
        let items: Vec<&str> =
            template["spec"]["containers"].items().iter().map(|c| c[field].str()).collect();
        items.join(",").into()
    };
    [list("name"), list("image")]
}

/// Returns a PodTemplate's cells.
pub(crate) fn pod_template(object: &Value, _: Time) -> Vec<Value> {
    let [names, images] = containers(&object["template"]);
    vec![name(object), names, images, format_labels(&object["template"]["metadata"]["labels"])]
}

fn replicas(object: &Value, now: Time, selector: Value) -> Vec<Value> {
    let (spec, status) = (&object["spec"], &object["status"]);
    let [names, images] = containers(&spec["template"]);
    vec![
        name(object),
        spec["replicas"].int().into(),
        status["replicas"].int().into(),
        status["readyReplicas"].int().into(),
        age(now, object),
        names,
        images,
        selector,
    ]
}

/// Returns a ReplicationController's cells.
pub(crate) fn replication_controller(object: &Value, now: Time) -> Vec<Value> {
    replicas(object, now, format_labels(&object["spec"]["selector"]))
}

/// Returns a ReplicaSet's cells.
pub(crate) fn replica_set(object: &Value, now: Time) -> Vec<Value> {
    replicas(object, now, format_selector(&object["spec"]["selector"]))
}

/// Returns a Deployment's cells.
pub(crate) fn deployment(object: &Value, now: Time) -> Vec<Value> {
    let (spec, status) = (&object["spec"], &object["status"]);
    let [names, images] = containers(&spec["template"]);
    let selector = api::label::Selector::from_label_selector(&spec["selector"]);
    vec![
        name(object),
        format!("{}/{}", status["readyReplicas"].int(), spec["replicas"].int()).into(),
        status["updatedReplicas"].int().into(),
        status["availableReplicas"].int().into(),
        age(now, object),
        names,
        images,
        selector.to_string().into(),
    ]
}

/// Returns a StatefulSet's cells.
pub(crate) fn stateful_set(object: &Value, now: Time) -> Vec<Value> {
    let (spec, status) = (&object["spec"], &object["status"]);
    let [names, images] = containers(&spec["template"]);
    let ready = format!("{}/{}", status["readyReplicas"].int(), spec["replicas"].int());
    vec![name(object), ready.into(), age(now, object), names, images]
}

/// Returns a DaemonSet's cells.
pub(crate) fn daemon_set(object: &Value, now: Time) -> Vec<Value> {
    let (spec, status) = (&object["spec"], &object["status"]);
    let [names, images] = containers(&spec["template"]);
    let count = |field: &str| Value::Int(status[field].int());
    vec![
        name(object),
        count("desiredNumberScheduled"),
        count("currentNumberScheduled"),
        count("numberReady"),
        count("updatedNumberScheduled"),
        count("numberAvailable"),
        format_labels(&spec["template"]["spec"]["nodeSelector"]),
        age(now, object),
        names,
        images,
        format_selector(&spec["selector"]),
    ]
}

/// Returns a ControllerRevision's cells.
pub(crate) fn controller_revision(object: &Value, now: Time) -> Vec<Value> {
    let controller = api::meta::controller(object).map_or_else(
        || "<none>".to_string(),
        |owner| {
            let group = owner["apiVersion"].str().split_once('/').map_or("", |(group, _)| group);
            let kind = owner["kind"].str().to_lowercase();
            let dot = if group.is_empty() { "" } else { "." };
            format!("{kind}{dot}{group}/{}", owner["name"].str())
        },
    );
    vec![name(object), controller.into(), object["revision"].int().into(), age(now, object)]
}

/// Returns a Job's cells.
// Models pkg/printers/internalversion/printers.go printJob
pub(crate) fn job(object: &Value, now: Time) -> Vec<Value> {
    let (spec, status) = (&object["spec"], &object["status"]);
    let (succeeded, parallelism) = (status["succeeded"].int(), spec["parallelism"].int());
    let completions = match spec["completions"].as_int() {
        Some(wanted) => format!("{succeeded}/{wanted}"),
        None if parallelism > 1 => format!("{succeeded}/1 of {parallelism}"),
        None => format!("{succeeded}/1"),
    };
    let (start, end) = (api::meta::time(&status["startTime"]), api::meta::time(&status["completionTime"]));
    let duration = start.map_or_else(String::new, |start| human(end.unwrap_or(now) - start));
    let is = |kind: &str| api::meta::is_condition_true(object, kind);
    let state = if is("Complete") {
        "Complete"
    } else if is("Failed") {
        "Failed"
    } else if api::meta::is_deleting(object) {
        "Terminating"
    } else if is("Suspended") {
        "Suspended"
    } else if is("FailureTarget") {
        "FailureTarget"
    } else {
        "Running"
    };
    let [names, images] = containers(&spec["template"]);
    vec![
        name(object),
        state.into(),
        completions.into(),
        duration.into(),
        age(now, object),
        names,
        images,
        format_selector(&spec["selector"]),
    ]
}

/// Returns a CronJob's cells.
pub(crate) fn cron_job(object: &Value, now: Time) -> Vec<Value> {
    let (spec, status) = (&object["spec"], &object["status"]);
    let suspend = match spec["suspend"].as_bool() {
        Some(true) => "True",
        Some(false) => "False",
        None => "<unset>",
    };
    let last = &status["lastScheduleTime"];
    let last = if last.is_null() { "<none>".to_string() } else { since(now, last) };
    let job = &spec["jobTemplate"]["spec"];
    let [names, images] = containers(&job["template"]);
    vec![
        name(object),
        spec["schedule"].clone(),
        or_else(&spec["timeZone"], "<none>"),
        suspend.into(),
        status["active"].items().len().into(),
        last.into(),
        age(now, object),
        names,
        images,
        format_selector(&job["selector"]),
    ]
}

/// Returns a PodDisruptionBudget's cells.
pub(crate) fn disruption_budget(object: &Value, now: Time) -> Vec<Value> {
    let amount = |field: &str| match &object["spec"][field] {
        Value::Null => "N/A".into(),
        Value::Int(number) => number.to_string().into(),
        other => other.clone(),
    };
    vec![
        name(object),
        amount("minAvailable"),
        amount("maxUnavailable"),
        object["status"]["disruptionsAllowed"].int().into(),
        age(now, object),
    ]
}

/// Returns a HorizontalPodAutoscaler's cells.
pub(crate) fn autoscaler(object: &Value, now: Time) -> Vec<Value> {
    let (spec, status) = (&object["spec"], &object["status"]);
    let target = &spec["scaleTargetRef"];
    let low = spec["minReplicas"].as_int().map_or_else(|| "<unset>".to_string(), |low| low.to_string());
    vec![
        name(object),
        format!("{}/{}", target["kind"].str(), target["name"].str()).into(),
        metrics(object).into(),
        low.into(),
        spec["maxReplicas"].int().into(),
        status["currentReplicas"].int().into(),
        age(now, object),
    ]
}

// Models pkg/printers/internalversion/printers.go formatHPAMetrics
fn metrics(object: &Value) -> String {
    const SHOWN: usize = 2;
    let (specs, statuses) = (object["spec"]["metrics"].items(), &object["status"]["currentMetrics"]);
    if specs.is_empty() {
        return "<none>".to_string();
    }
    let list: Vec<String> = specs.iter().enumerate().map(|(i, spec)| metric(spec, &statuses[i])).collect();
    let shown = list.iter().take(SHOWN).cloned().collect::<Vec<_>>().join(", ");
    if list.len() > SHOWN { format!("{shown} + {} more...", list.len() - SHOWN) } else { shown }
}

fn metric(spec: &Value, status: &Value) -> String {
    let kind = spec["type"].str();
    let field = match kind {
        "External" => "external",
        "Pods" => "pods",
        "Object" => "object",
        "Resource" => "resource",
        "ContainerResource" => "containerResource",
        _ => return "<unknown type>".to_string(),
    };
    let (target, current) = (&spec[field]["target"], &status[field]["current"]);
    let amount = |value: &Value| or_else(value, "<unknown>").str().to_string();
    let percent = |value: &Value, none: &str| value.as_int().map_or(none.to_string(), |n| format!("{n}%"));
    let average = !target["averageValue"].is_null();
    match kind {
        "Resource" | "ContainerResource" => {
            let name = spec[field]["name"].str();
            if average {
                let (now, wanted) = (amount(&current["averageValue"]), amount(&target["averageValue"]));
                format!("{name}: {now}/{wanted}")
            } else {
                let now = percent(&current["averageUtilization"], "<unknown>");
                format!("{name}: {now}/{}", percent(&target["averageUtilization"], "<auto>"))
            }
        }
        "Pods" => format!("{}/{}", amount(&current["averageValue"]), amount(&target["averageValue"])),
        _ if average => {
            format!("{}/{} (avg)", amount(&current["averageValue"]), amount(&target["averageValue"]))
        }
        _ => format!("{}/{}", amount(&current["value"]), amount(&target["value"])),
    }
}
