use crate::pod;
use api::{Value, meta};
use sim::Time;
use std::cmp::Ordering;
use std::collections::BTreeMap;

/// Returns the pods that go first: those not yet running, then those of which the node has most.
// Models pkg/controller/replicaset/replica_set.go getPodsToDelete
pub(super) fn pods_to_delete(now: Time, pods: &[Value], related: &[Value], count: usize) -> Vec<Value> {
    if count >= pods.len() {
        return pods.to_vec();
    }
    let mut on_node: BTreeMap<&str, i64> = BTreeMap::new();
    for pod in related.iter().filter(|pod| pod::is_active(pod)) {
        *on_node.entry(pod["spec"]["nodeName"].str()).or_default() += 1;
    }
    let rank = |pod: &Value| on_node.get(pod["spec"]["nodeName"].str()).copied().unwrap_or(0);
    let ranked: Vec<(i64, &Value)> = pods.iter().map(|pod| (rank(pod), pod)).collect();
    let ranked = merge_sorted(&ranked, &|a, b| compare(now, *a, *b));
    ranked.into_iter().take(count).map(|(_, pod)| pod.clone()).collect()
}

/// Sorts by halves. Upstream's order isn't one where ages of three pods are alike and two of them the very
/// same: the library's sorting takes that for an error, this doesn't.
fn merge_sorted<T: Copy>(items: &[T], compare: &impl Fn(&T, &T) -> Ordering) -> Vec<T> {
    if items.len() < 2 {
        return items.to_vec();
    }
    let (left, right) = items.split_at(items.len() / 2);
    let (left, right) = (merge_sorted(left, compare), merge_sorted(right, compare));
    let (mut left, mut right) = (left.into_iter().peekable(), right.into_iter().peekable());
    let mut merged = Vec::with_capacity(items.len());
    loop {
        let from_right = match (left.peek(), right.peek()) {
            (Some(a), Some(b)) => compare(a, b) == Ordering::Greater,
            (None, Some(_)) => true,
            (Some(_), None) => false,
            (None, None) => return merged,
        };
        merged.extend(if from_right { right.next() } else { left.next() });
    }
}

/// Orders two pods with their ranks: the one that goes first is the smaller.
// Models pkg/controller/controller_utils.go ActivePodsWithRanks
fn compare(now: Time, (rank_a, a): (i64, &Value), (rank_b, b): (i64, &Value)) -> Ordering {
    let is_assigned = |pod: &Value| !pod["spec"]["nodeName"].str().is_empty();
    let phase = |pod: &Value| match pod["status"]["phase"].str() {
        "Unknown" => 1,
        "Running" => 2,
        _ => 0,
    };
    let cost = |pod: &Value| {
        meta::annotation(pod, "controller.kubernetes.io/pod-deletion-cost").parse().unwrap_or(0)
    };
    is_assigned(a)
        .cmp(&is_assigned(b))
        .then_with(|| phase(a).cmp(&phase(b)))
        .then_with(|| pod::is_ready(a).cmp(&pod::is_ready(b)))
        .then_with(|| i32::cmp(&cost(a), &cost(b)))
        .then_with(|| rank_b.cmp(&rank_a))
        .then_with(|| compare_age(now, (pod::ready_since(a), a), (pod::ready_since(b), b)))
        .then_with(|| restarts(b).cmp(&restarts(a)))
        .then_with(|| compare_age(now, (meta::created(a), a), (meta::created(b), b)))
        .then_with(|| meta::uid(a).cmp(meta::uid(b)))
}

/// The younger goes first, but ages of the same order of magnitude count as equal, and chance, which
/// the uid is, decides.
fn compare_age(now: Time, (at_a, a): (Option<Time>, &Value), (at_b, b): (Option<Time>, &Value)) -> Ordering {
    let (Some(at_a), Some(at_b)) = (at_a, at_b) else { return at_b.is_none().cmp(&at_a.is_none()) };
    if at_a == at_b {
        return Ordering::Equal;
    }
    let magnitude = |at: Time| i64::checked_ilog2(now - at).map_or(-1, i64::from);
    magnitude(at_a).cmp(&magnitude(at_b)).then_with(|| meta::uid(a).cmp(meta::uid(b)))
}

/// Returns (the most restarts of a container, the most of a sidecar).
// Models pkg/controller/controller_utils.go maxContainerRestarts
fn restarts(pod: &Value) -> (i64, i64) {
    let most =
        |list: &Value| list.items().iter().map(|status| status["restartCount"].int()).max().unwrap_or(0);
    let sidecars = pod["spec"]["initContainers"].items().iter();
    let is_sidecar = |name: &str| {
        sidecars.clone().any(|one| one["name"].str() == name && one["restartPolicy"].str() == "Always")
    };
    let statuses = pod["status"]["initContainerStatuses"].items().iter();
    let of_sidecars: Value = statuses.filter(|status| is_sidecar(status["name"].str())).cloned().collect();
    (most(&pod["status"]["containerStatuses"]), most(&of_sidecars))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sorts_even_where_three_make_a_ring() {
        for numbers in [vec![], vec![1], vec![3, 1, 2], vec![5, 4, 3, 2, 1, 0, 9, 8, 7]] {
            let mut sorted = numbers.clone();
            sorted.sort();
            assert_eq!(merge_sorted(&numbers, &|a, b| i32::cmp(a, b)), sorted);
        }
        let ring = |a: &i32, b: &i32| (a - b).rem_euclid(3).cmp(&1).reverse();
        let many: Vec<i32> = (0..400).map(|n| n * 7 % 11).collect();
        let mut sorted = merge_sorted(&many, &ring);
        sorted.sort();
        let mut same = many;
        same.sort();
        assert_eq!(sorted, same, "all are there");
    }
}
