//! What the metrics APIs tell of pods.

use api::quantity::Quantity;
use api::{Method, Request, Value, meta};
use client::{Cx, Failure};
use sim::{Nanos, SECOND, Time};
use std::collections::BTreeMap;
use std::rc::Rc;

/// What a pod uses, in thousandths; as of when, over which span.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct PodMetric {
    pub value: i64,
    pub at: Time,
    pub window: Nanos,
}

/// By the pods' names.
pub(super) type PodMetrics = BTreeMap<Rc<str>, PodMetric>;

/// Reads what pods use of a resource: all their containers, or the one that is named.
///
/// # Errors
/// The words of events and conditions.
// Models pkg/controller/podautoscaler/metrics/client.go GetResourceMetric
pub(super) fn of_resource(
    cx: &mut Cx,
    namespace: &str,
    selector: &str,
    (resource, container): (&str, &str),
) -> Result<PodMetrics, String> {
    let path = format!("/apis/metrics.k8s.io/v1beta1/namespaces/{namespace}/pods");
    let request = Request::new(Method::Get, path).query("labelSelector", selector);
    let list = cx.send(request).map_err(|failure| {
        format!(
            "unable to fetch metrics from resource metrics API: {}",
            told(&failure, "pods.metrics.k8s.io")
        )
    })?;
    let items = list.body["items"].items();
    if items.is_empty() {
        return Err("no metrics returned from resource metrics API".to_string());
    }
    let mut metrics = PodMetrics::new();
    for item in items {
        if let Some(value) = used(item, resource, container)? {
            let at = meta::time(&item["timestamp"]).unwrap_or_default();
            let window = window(item["window"].str());
            metrics.insert(meta::name(item).into(), PodMetric { value, at, window });
        }
    }
    Ok(metrics)
}

/// Returns a failure as client-go tells it of a server that isn't the API server's own.
// Models staging/src/k8s.io/apimachinery/pkg/api/errors/errors.go NewGenericServerResponse
pub(super) fn told(failure: &Failure, what: &str) -> String {
    match failure {
        Failure::Status(status) if status.code == 503 => {
            format!("the server is currently unable to handle the request (get {what})")
        }
        Failure::Status(status) if status.code == 404 => {
            format!("the server could not find the requested resource (get {what})")
        }
        failure => failure.to_string(),
    }
}

// Models pkg/controller/podautoscaler/metrics/client.go getContainerMetrics, getPodMetrics
fn used(item: &Value, resource: &str, container: &str) -> Result<Option<i64>, String> {
    let containers = item["containers"].items();
    let amount = |one: &Value| {
        let amount = &one["usage"][resource];
        Quantity::from_value(amount).ok().filter(|_| !amount.is_null()).map(Quantity::milli_value)
    };
    if container.is_empty() {
        return Ok(containers.iter().map(amount).sum::<Option<i64>>().filter(|_| !containers.is_empty()));
    }
    let Some(one) = containers.iter().find(|one| one["name"].str() == container) else {
        let (namespace, name) = (meta::namespace(item), meta::name(item));
        return Err(format!(
            "failed to get container metrics: container {container} not present in metrics for pod {namespace}/{name}"
        ));
    };
    Ok(amount(one))
}

/// Reads a span as it stands in an object: `15.02s`, `1m0s`.
fn window(text: &str) -> Nanos {
    let (mut total, mut number) = (0_i64, String::new());
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        let unit = match letter {
            'h' => 3_600 * SECOND,
            'm' if letters.peek() == Some(&'s') => {
                letters.next();
                SECOND / 1_000
            }
            'm' => 60 * SECOND,
            's' => SECOND,
            letter => {
                number.push(letter);
                continue;
            }
        };
        let (whole, fraction) = number.split_once('.').unwrap_or((&number, ""));
        let fraction = format!("{fraction:0<9}");
        let nanos: i64 = fraction.get(..9).and_then(|digits| digits.parse().ok()).unwrap_or(0);
        let whole = whole.parse::<i64>().unwrap_or(0);
        let part = i128::from(unit) * i128::from(nanos) / i128::from(SECOND);
        total = total.saturating_add(whole.saturating_mul(unit)).saturating_add(part as i64);
        number.clear();
    }
    total
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_spans() {
        for (text, nanos) in [
            ("15s", 15 * SECOND),
            ("15.02s", 15_020_000_000),
            ("1m0s", 60 * SECOND),
            ("1h0m0.5s", 3_600 * SECOND + SECOND / 2),
            ("900ms", 900_000_000),
            ("", 0),
        ] {
            assert_eq!(window(text), nanos, "{text}");
        }
    }
}
