//! What a node has, what its pods ask for, and what they use.

use crate::Cluster;
use ::view::UsageRow;
use api::quantity::Quantity;
use api::{Method, Request, Value, meta};

/// Returns a node's processors, memory and places for pods.
pub(super) fn usage(cluster: &mut Cluster, node: &Value) -> Vec<UsageRow> {
    let name = meta::name(node);
    let mut rows: Vec<UsageRow> = ["cpu", "memory", "pods"]
        .iter()
        .map(|resource| UsageRow {
            resource: (*resource).to_string(),
            allocatable: amount(resource, &node["status"]["allocatable"][*resource]),
            ..UsageRow::default()
        })
        .collect();
    let pods = cluster.view.objects.range(("pods", String::new())..("pods\0", String::new()));
    let over = |pod: &Value| matches!(pod["status"]["phase"].str(), "Succeeded" | "Failed");
    for pod in pods.map(|(_, pod)| pod).filter(|pod| pod["spec"]["nodeName"].str() == name && !over(pod)) {
        for row in &mut rows {
            if row.resource == "pods" {
                row.requests += 1;
                continue;
            }
            row.requests += of_pod(pod, "requests", &row.resource);
            row.limits += of_pod(pod, "limits", &row.resource);
        }
    }
    let metrics = Request::new(Method::Get, format!("/apis/metrics.k8s.io/v1beta1/nodes/{name}"));
    let metrics = cluster.peek(&metrics);
    if metrics.is_success() {
        for row in &mut rows {
            let used = &metrics.body["usage"][row.resource.as_str()];
            row.used = (!used.is_null()).then(|| amount(&row.resource, used));
        }
    }
    rows
}

/// Returns a quantity in thousandths of a processor, or in bytes or pieces.
fn amount(resource: &str, value: &Value) -> i64 {
    let quantity = Quantity::from_value(value).unwrap_or(Quantity::ZERO);
    if resource == "cpu" { quantity.milli_value() } else { quantity.value() }
}

/// Returns what a pod asks for, or may use: its containers and sidecars together, or more where an init
/// container needs more.
fn of_pod(pod: &Value, which: &str, resource: &str) -> i64 {
    let of = |container: &Value| amount(resource, &container["resources"][which][resource]);
    let mut sum: i64 = pod["spec"]["containers"].items().iter().map(of).sum();
    let (mut sidecars, mut most) = (0_i64, 0_i64);
    for container in pod["spec"]["initContainers"].items() {
        if container["restartPolicy"].str() == "Always" {
            sidecars += of(container);
            most = most.max(sidecars);
        } else {
            most = most.max(sidecars + of(container));
        }
    }
    sum += sidecars;
    sum.max(most)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pod_asks_for_what_its_containers_ask_for() {
        for (text, cpu) in [
            (
                r#"{"spec": {"containers": [{"resources": {"requests": {"cpu": "100m"}}}, {"resources": {"requests": {"cpu": 1}}}]}}"#,
                1_100,
            ),
            (
                r#"{"spec": {"initContainers": [{"resources": {"requests": {"cpu": "2"}}}], "containers": [{"resources": {"requests": {"cpu": "500m"}}}]}}"#,
                2_000,
            ),
            (
                r#"{"spec": {"initContainers": [{"restartPolicy": "Always", "resources": {"requests": {"cpu": "200m"}}}], "containers": [{"resources": {"requests": {"cpu": "500m"}}}]}}"#,
                700,
            ),
            (r#"{"spec": {"containers": [{}]}}"#, 0),
        ] {
            assert_eq!(
                of_pod(&Value::from_json(text).expect("it is JSON"), "requests", "cpu"),
                cpu,
                "{text}"
            );
        }
    }
}
