//! What the metrics of an autoscaler ask for together.

use super::PodAutoscalers;
use super::metrics;
use super::replica_calculator::{Measured, Tolerances};
use super::status::set_condition;
use api::label::{self, Selector};
use api::quantity::{Format, Quantity};
use api::resources::PODS;
use api::{Method, Request, Value, meta, tree};
use client::{Cx, Informers};
use std::rc::Rc;

/// What all metrics together ask for.
pub(super) struct Computed {
    pub replicas: i64,
    /// Which metric asks for that.
    pub metric: String,
    pub statuses: Vec<Value>,
}

/// What one metric asks for.
struct Metric {
    replicas: i64,
    name: String,
    status: Value,
}

/// Why a metric is no help: the reason of its event and condition, their words, and what stands before these
/// where all metrics are told of.
struct Unable {
    reason: &'static str,
    why: String,
    prefix: String,
}

impl PodAutoscalers {
    /// Asks all metrics. Fails with what was measured, and why that isn't enough.
    // Models pkg/controller/podautoscaler/horizontal.go computeReplicasForMetrics
    pub(super) fn compute(
        &mut self,
        cx: &mut Cx,
        informers: &Informers,
        key: &str,
        hpa: &mut Value,
        scale: &Value,
    ) -> Result<Computed, (Vec<Value>, String)> {
        let selector = self
            .selector(cx, informers, key, hpa, scale["status"]["selector"].str())
            .map_err(|why| (Vec::new(), why))?;
        let pods: Vec<&Value> = informers
            .of(PODS)
            .in_namespace(meta::namespace(hpa))
            .filter(|pod| selector.matches(meta::labels(pod)))
            .collect();
        let current = scale["spec"]["replicas"].int();
        let specs = hpa["spec"]["metrics"].items().to_vec();
        let mut statuses = Vec::new();
        let mut best: Option<Metric> = None;
        let mut first: Option<Unable> = None;
        let mut invalid = 0_usize;
        for spec in &specs {
            match self.metric(cx, hpa, spec, (current, &pods, &selector)) {
                Ok(metric) => {
                    statuses.push(metric.status.clone());
                    if best.as_ref().is_none_or(|best| metric.replicas > best.replicas) {
                        best = Some(metric);
                    }
                }
                Err(unable) => {
                    // What isn't known has no type.
                    statuses.push(tree!({"type": ""}));
                    self.recorder.event(cx, hpa, "Warning", unable.reason, &unable.why);
                    invalid += 1;
                    first = first.or(Some(unable));
                }
            }
        }
        let wanted = best.as_ref().map_or(0, |best| best.replicas);
        if let Some(unable) = first
            && (invalid >= specs.len() || wanted < current)
        {
            let message = format!("the HPA was unable to compute the replica count: {}", unable.why);
            set_condition(cx, hpa, "ScalingActive", "False", unable.reason, &message);
            let why = format!(
                "invalid metrics ({invalid} invalid out of {}), first error is: {}{}",
                specs.len(),
                unable.prefix,
                unable.why
            );
            return Err((statuses, why));
        }
        let metric = best.map_or(String::new(), |best| best.name);
        let message = format!("the HPA was able to successfully calculate a replica count from {metric}");
        set_condition(cx, hpa, "ScalingActive", "True", "ValidMetricFound", &message);
        Ok(Computed { replicas: wanted, metric, statuses })
    }

    // Models pkg/controller/podautoscaler/horizontal.go validateAndParseSelector
    fn selector(
        &mut self,
        cx: &mut Cx,
        informers: &Informers,
        key: &str,
        hpa: &mut Value,
        text: &str,
    ) -> Result<Selector, String> {
        if text.is_empty() {
            let message = "the HPA target's scale is missing a selector";
            self.recorder.event(cx, hpa, "Warning", "SelectorRequired", "selector is required");
            set_condition(cx, hpa, "ScalingActive", "False", "InvalidSelector", message);
            return Err("selector is required".to_string());
        }
        let selector = match label::parse(text) {
            Ok(selector) => selector,
            Err(why) => {
                let why =
                    format!("couldn't convert selector into a corresponding internal selector object: {why}");
                self.recorder.event(cx, hpa, "Warning", "InvalidSelector", &why);
                set_condition(cx, hpa, "ScalingActive", "False", "InvalidSelector", &why);
                return Err(why);
            }
        };
        self.selectors.insert(key.into(), selector.clone());
        let namespace = meta::namespace(hpa);
        let pods = informers.of(PODS).in_namespace(namespace);
        let pods: Vec<&Value> = pods.filter(|pod| selector.matches(meta::labels(pod))).collect();
        let others: Vec<&Rc<str>> = self
            .selectors
            .iter()
            .filter(|(key, other)| {
                meta::split_key(key).0 == namespace && pods.iter().any(|pod| other.matches(meta::labels(pod)))
            })
            .map(|(key, _)| key)
            .collect();
        if others.len() > 1 {
            let list = others.iter().map(|key| key.to_string()).collect::<Vec<_>>().join(" ");
            let why = format!("pods by selector {selector} are controlled by multiple HPAs: [{list}]");
            self.recorder.event(cx, hpa, "Warning", "AmbiguousSelector", &why);
            set_condition(cx, hpa, "ScalingActive", "False", "AmbiguousSelector", &why);
            return Err(why);
        }
        Ok(selector)
    }

    // Models pkg/controller/podautoscaler/horizontal.go computeReplicasForMetric
    fn metric(
        &mut self,
        cx: &mut Cx,
        hpa: &Value,
        spec: &Value,
        about: (i64, &[&Value], &Selector),
    ) -> Result<Metric, Unable> {
        let kind = spec["type"].str();
        match kind {
            "Resource" | "ContainerResource" => resource(cx, hpa, spec, about),
            "Pods" | "Object" => {
                let field = if kind == "Pods" { "pods" } else { "object" };
                let name = spec[field]["metric"]["name"].str();
                let why = format!("unable to fetch metrics from custom metrics API: {}", custom(cx));
                let (reason, why, prefix) = match kind {
                    "Pods" => (
                        "FailedGetPodsMetric",
                        format!("unable to get metric {name}: {why}"),
                        "failed to get pods metric value: ",
                    ),
                    _ => {
                        let object = &spec["object"]["describedObject"];
                        let (of, named) = (object["kind"].str(), object["name"].str());
                        let namespace = meta::namespace(hpa);
                        (
                            "FailedGetObjectMetric",
                            format!("unable to get metric {name}: {of} on {namespace} {named}/{why}"),
                            "failed to get object metric value: ",
                        )
                    }
                };
                Err(Unable { reason, why, prefix: prefix.to_string() })
            }
            "External" => Err(external(cx, hpa, &spec["external"])),
            kind => Err(Unable {
                reason: "InvalidMetricSourceType",
                why: format!("unknown metric source type {kind:?}"),
                prefix: String::new(),
            }),
        }
    }
}

/// Says why the custom metrics API gives nothing.
// Models staging/src/k8s.io/metrics/pkg/client/custom_metrics/discovery.go PreferredVersion
fn custom(cx: &mut Cx) -> String {
    match cx.send(Request::new(Method::Get, "/apis/custom.metrics.k8s.io")) {
        Ok(_) => "the server is currently unable to handle the request".to_string(),
        Err(_) => "no custom metrics API (custom.metrics.k8s.io) registered".to_string(),
    }
}

/// Says why the external metrics API gives nothing.
// Models pkg/controller/podautoscaler/replica_calculator.go GetExternalMetricReplicas
fn external(cx: &mut Cx, hpa: &Value, spec: &Value) -> Unable {
    let (name, namespace) = (spec["metric"]["name"].str(), meta::namespace(hpa));
    let path = format!("/apis/external.metrics.k8s.io/v1beta1/namespaces/{namespace}/{name}");
    let why = match cx.send(Request::new(Method::Get, path)) {
        Ok(_) => "no metrics returned from external metrics API".to_string(),
        Err(failure) => {
            let why = metrics::told(&failure, &format!("{name}.external.metrics.k8s.io"));
            format!("unable to fetch metrics from external metrics API: {why}")
        }
    };
    let selector = go_selector(&spec["metric"]["selector"]);
    let why = format!("unable to get external metric {namespace}/{name}/{selector}: {why}");
    let inner = match spec["target"]["averageValue"].is_null() {
        true => format!("failed to get external metric {name}: "),
        false => format!("failed to get {name} external metric: "),
    };
    let prefix = format!("failed to get {name} external metric value: {inner}");
    Unable { reason: "FailedGetExternalMetric", why, prefix }
}

/// Writes a selector as `%+v` does.
fn go_selector(selector: &Value) -> String {
    if selector.is_null() {
        return "nil".to_string();
    }
    let labels: String = selector["matchLabels"]
        .fields()
        .iter()
        .map(|(key, value)| format!("{key}: {},", value.str()))
        .collect();
    let expressions: String = selector["matchExpressions"]
        .items()
        .iter()
        .map(|one| {
            let values: Vec<&str> = one["values"].items().iter().map(Value::str).collect();
            let (key, operator, values) = (one["key"].str(), one["operator"].str(), values.join(" "));
            format!("LabelSelectorRequirement{{Key:{key},Operator:{operator},Values:[{values}],}},")
        })
        .collect();
    format!(
        "&LabelSelector{{MatchLabels:map[string]string{{{labels}}},MatchExpressions:[]LabelSelectorRequirement{{{expressions}}},}}"
    )
}

// Models pkg/controller/podautoscaler/horizontal.go computeStatusForResourceMetricGeneric
fn resource(
    cx: &mut Cx,
    hpa: &Value,
    spec: &Value,
    (current, pods, selector): (i64, &[&Value], &Selector),
) -> Result<Metric, Unable> {
    let of_container = spec["type"].str() == "ContainerResource";
    let field = if of_container { "containerResource" } else { "resource" };
    let source = &spec[field];
    let (name, target) = (source["name"].str(), &source["target"]);
    let container = if of_container { source["container"].str() } else { "" };
    let (reason, what) = match of_container {
        true => ("FailedGetContainerResourceMetric", "container"),
        false => ("FailedGetResourceMetric", "resource"),
    };
    let unable =
        |why: String| Unable { reason, why, prefix: format!("failed to get {name} {what} metric value: ") };
    let by_average = !target["averageValue"].is_null();
    let percent = target["averageUtilization"].as_int();
    if !by_average && percent.is_none() {
        let why = "invalid resource metric source: neither an average utilization target nor an average value (usage) target was set";
        return Err(unable(why.to_string()));
    }
    let wanted = if by_average { "usage" } else { "utilization" };
    let failed = |why: String| unable(format!("failed to get {name} {wanted}: {why}"));
    let metrics = metrics::of_resource(cx, meta::namespace(hpa), &selector.to_string(), (name, container))
        .map_err(|why| failed(format!("unable to get metrics for resource {name}: {why}")))?;
    let measured = Measured {
        now: cx.at(),
        current,
        pods,
        metrics,
        resource: name,
        container,
        tolerances: Tolerances::of(&hpa["spec"]["behavior"]),
    };
    let proposal = match percent.filter(|_| !by_average) {
        Some(percent) => measured.for_utilization(percent),
        None => {
            let target = Quantity::from_value(&target["averageValue"]).unwrap_or_default();
            measured.for_average(target.milli_value().max(1))
        }
    };
    let proposal = proposal.map_err(failed)?;
    let mut now =
        tree!({"averageValue": (Quantity::from_milli(proposal.average, Format::DecimalSi).to_string())});
    let kind = if of_container { "container resource" } else { "resource" };
    let metric = match by_average {
        true => format!("{name} resource"),
        false => {
            now.set(&["averageUtilization"], proposal.utilization);
            format!("{name} {kind} utilization (percentage of request)")
        }
    };
    let mut status = tree!({"name": name, "current": now});
    if of_container {
        status.set(&["container"], container);
    }
    let mut told = tree!({"type": (&spec["type"])});
    told.set(&[field], status);
    Ok(Metric { replicas: proposal.replicas, name: metric, status: told })
}
