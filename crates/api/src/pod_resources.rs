//! What a pod asks for and may use, as the scheduler, kubelets, quotas and kubectl add it up.
// Models staging/src/k8s.io/component-helpers/resource/helpers.go

use crate::quantity::Quantity;
use crate::{Value, meta};
use std::collections::BTreeMap;

/// Amounts by the names of resources.
pub type Amounts<'a> = BTreeMap<&'a str, Quantity>;

/// Reads a ResourceList; what is no quantity counts for nothing.
pub fn read(list: &Value) -> Amounts<'_> {
    list.fields()
        .iter()
        .filter_map(|(name, amount)| Some((name, Quantity::from_value(amount).ok()?)))
        .collect()
}

/// Adds amounts to others.
pub fn add<'a>(sum: &mut Amounts<'a>, more: &Amounts<'a>) {
    for (name, amount) in more {
        sum.entry(name).and_modify(|all| *all = *all + *amount).or_insert(*amount);
    }
}

fn raise<'a>(most: &mut Amounts<'a>, to: &Amounts<'a>) {
    for (name, amount) in to {
        let all = most.entry(name).or_insert(*amount);
        *all = (*all).max(*amount);
    }
}

/// Returns what a pod's spec asks for: what it says itself or else its containers together, and what its sandbox needs.
/// A container that doesn't name one of `defaults` asks for that much of it.
// Models PodRequests
pub fn requests<'a>(spec: &'a Value, defaults: &[(&'static str, Quantity)]) -> Amounts<'a> {
    let mut sum = of_containers(spec, "requests", defaults);
    sum.extend(read(&spec["resources"]["requests"]));
    add(&mut sum, &read(&spec["overhead"]));
    sum
}

/// Returns what a pod may use at most, of all that it limits.
// Models PodLimits
pub fn limits(spec: &Value) -> Amounts<'_> {
    let mut sum = of_containers(spec, "limits", &[]);
    sum.extend(read(&spec["resources"]["limits"]));
    let mut overhead = read(&spec["overhead"]);
    overhead.retain(|name, _| sum.contains_key(name));
    add(&mut sum, &overhead);
    sum
}

/// Returns what a pod's containers ask for together (`requests` or `limits`), those that stay beside them included, or an
/// initial one with those started before it where that is more.
// Models AggregateContainerRequests, AggregateContainerLimits
pub fn of_containers<'a>(
    spec: &'a Value,
    list: &'static str,
    defaults: &[(&'static str, Quantity)],
) -> Amounts<'a> {
    let of = |container: &'a Value| {
        let mut amounts: Amounts<'a> = defaults.iter().copied().collect();
        amounts.extend(read(&container["resources"][list]));
        amounts
    };
    let mut sum = Amounts::new();
    for container in spec["containers"].items() {
        add(&mut sum, &of(container));
    }
    let (mut sidecars, mut most) = (Amounts::new(), Amounts::new());
    for container in spec["initContainers"].items() {
        let mut moment = of(container);
        if container["restartPolicy"].str() == "Always" {
            add(&mut sidecars, &moment);
            moment = sidecars.clone();
        } else {
            add(&mut moment, &sidecars);
        }
        raise(&mut most, &moment);
    }
    add(&mut sum, &sidecars);
    raise(&mut sum, &most);
    sum
}

/// Returns a pod's spec in which its containers ask for what they were given, where that is more, or where they'll
/// never be given what they ask for.
// Models determineContainerReqs
pub fn in_effect(pod: &Value) -> Value {
    let mut spec = pod["spec"].clone();
    if meta::generation(pod) < 2 {
        return spec; // nothing was resized
    }
    let pending = meta::condition(pod, "PodResizePending");
    let infeasible = pending.is_some_and(|pending| pending["reason"].str() == "Infeasible");
    for (list, statuses) in [("containers", "containerStatuses"), ("initContainers", "initContainerStatuses")]
    {
        for i in 0..spec[list].items().len() {
            let wanted = spec[list][i].clone();
            let mut statuses = pod["status"][statuses].items().iter();
            let Some(status) = statuses.find(|status| status["name"] == wanted["name"]) else { continue };
            if status["resources"].is_null() {
                continue;
            }
            let given = [&status["resources"]["requests"], &status["allocatedResources"]];
            for name in ["cpu", "memory"] {
                let own = &wanted["resources"]["requests"][name];
                let all = given.iter().map(|requests| &requests[name]).chain((!infeasible).then_some(own));
                let most = all
                    .filter(|one| !one.is_null())
                    .max_by_key(|one| Quantity::from_value(one).ok())
                    .cloned();
                if let (Some(most), Some(container)) = (most, spec.at_mut(&[list]).list_mut().get_mut(i)) {
                    container.set(&["resources", "requests", name], most);
                }
            }
        }
    }
    spec
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree;

    // Rows as in staging/src/k8s.io/component-helpers/resource/helpers_test.go TestPodResourceRequests.
    #[test]
    fn pods_ask_for_what_upstream_s_ask_for() {
        let asks = |cpu: &str| tree!({"resources": {"requests": {"cpu": cpu}, "limits": {"cpu": cpu}}});
        let mut sidecar = asks("2");
        sidecar.set(&["restartPolicy"], "Always");
        let list = |containers: &[&Value]| -> Value { containers.iter().map(|&c| c.clone()).collect() };
        let (one, three) = (asks("1"), asks("3"));
        for (spec, requested, limited) in [
            (tree!({"containers": (list(&[&one, &three]))}), "4", "4"),
            (tree!({"containers": (list(&[&one])), "initContainers": (list(&[&three]))}), "3", "3"),
            (tree!({"containers": (list(&[&one])), "initContainers": (list(&[&sidecar, &three]))}), "5", "5"),
            (tree!({"containers": (list(&[&three])), "initContainers": (list(&[&sidecar, &one]))}), "5", "5"),
            (tree!({"containers": (list(&[&one])), "initContainers": (list(&[&three, &sidecar]))}), "3", "3"),
            (
                tree!({"containers": (list(&[&one])), "resources": {"requests": {"cpu": "2500m"}}}),
                "2500m",
                "1",
            ),
            (tree!({"containers": (list(&[&one])), "overhead": {"cpu": "250m"}}), "1250m", "1250m"),
            (tree!({"containers": [{}], "overhead": {"cpu": "250m"}}), "250m", "0"),
        ] {
            let of = |amounts: &Amounts| amounts.get("cpu").map_or("0".to_string(), ToString::to_string);
            assert_eq!(of(&requests(&spec, &[])), requested, "{}", spec.to_json());
            assert_eq!(of(&limits(&spec)), limited, "{}", spec.to_json());
        }
    }

    #[test]
    fn containers_that_name_nothing_ask_for_the_defaults() {
        let asks = tree!({"resources": {"requests": {"cpu": "1"}}});
        let containers: Value = [asks, tree!({})].into_iter().collect();
        let defaults = [("cpu", Quantity::parse("100m").unwrap())];
        for (spec, requested) in [
            (tree!({"containers": (containers.clone())}), "1100m"),
            (tree!({"containers": (containers), "resources": {"requests": {"cpu": "2"}}}), "2"),
        ] {
            assert_eq!(requests(&spec, &defaults)["cpu"].to_string(), requested, "{}", spec.to_json());
        }
    }
}
