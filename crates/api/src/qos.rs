//! The quality of service that a pod's containers are promised.

use crate::Value;
use crate::quantity::Quantity;

const COMPUTE: [&str; 2] = ["cpu", "memory"];

/// Returns the quality of service of a pod with this spec.
// Models pkg/apis/core/helper/qos/qos.go ComputePodQOS
pub fn class(spec: &Value) -> &'static str {
    let pod_level = |list: &str| COMPUTE.iter().any(|name| !spec["resources"][list][*name].is_null());
    let (mut any, mut guaranteed) = (false, true);
    let mut look = |resources: &Value| {
        for name in COMPUTE {
            let nanos = |list: &str| {
                Quantity::from_value(&resources[list][name]).map_or(0, |quantity| quantity.nanos())
            };
            let (request, limit) = (nanos("requests"), nanos("limits"));
            any |= request != 0 || limit != 0;
            guaranteed &= limit != 0 && request == limit;
        }
    };
    if pod_level("requests") || pod_level("limits") {
        look(&spec["resources"]);
    } else {
        for list in ["containers", "initContainers"] {
            for container in spec[list].items() {
                look(&container["resources"]);
            }
        }
    }
    match (any, guaranteed) {
        (false, _) => "BestEffort",
        (true, true) => "Guaranteed",
        (true, false) => "Burstable",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree;

    // Rows as in pkg/apis/core/v1/helper/qos/qos_test.go TestComputePodQOS.
    #[test]
    fn classes_are_upstream_s() {
        let both =
            tree!({"requests": {"cpu": "100m", "memory": "1Gi"}, "limits": {"cpu": "0.1", "memory": "1Gi"}});
        let some = tree!({"requests": {"cpu": "100m"}});
        let with = |resources: &Value| tree!({"containers": [{"resources": (resources)}]});
        let two = |a: &Value, b: &Value| tree!({"containers": [{"resources": (a)}, {"resources": (b)}]});
        let none = Value::Null;
        for (spec, expected) in [
            (with(&none), "BestEffort"),
            (with(&tree!({"requests": {"cpu": "0"}})), "BestEffort"),
            (with(&some), "Burstable"),
            (with(&both), "Guaranteed"),
            (two(&both, &both), "Guaranteed"),
            (two(&both, &none), "Burstable"),
            (
                tree!({"containers": [{"resources": (&both)}], "initContainers": [{"resources": {}}]}),
                "Burstable",
            ),
            (tree!({"containers": [{}], "resources": (&both)}), "Guaranteed"),
        ] {
            assert_eq!(class(&spec), expected, "{}", spec.to_json());
        }
    }
}
