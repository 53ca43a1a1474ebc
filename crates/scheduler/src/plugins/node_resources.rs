use super::{MAX_NODE_SCORE, NODE_RESOURCES_FIT, Rejected};
use crate::node_info::NodeInfo;
use crate::pod_info::PodInfo;
use std::rc::Rc;

// Models pkg/scheduler/framework/plugins/noderesources/fit.go fitsRequest
pub(super) fn check(info: &PodInfo, node: &NodeInfo) -> Result<(), Rejected> {
    let (wanted, has, used) = (&info.requests, &node.allocatable, &node.requested);
    let lacks = |wanted: i64, has: i64, used: i64| wanted > 0 && wanted > has - used;
    let full = node.pods.len() as i64 + 1 > has.pods;
    let rows = [
        ("Insufficient cpu", wanted.milli_cpu, has.milli_cpu, used.milli_cpu),
        ("Insufficient memory", wanted.memory, has.memory, used.memory),
        (
            "Insufficient ephemeral-storage",
            wanted.ephemeral_storage,
            has.ephemeral_storage,
            used.ephemeral_storage,
        ),
    ];
    let of =
        |amounts: &crate::pod_info::Resources, name: &str| amounts.others.get(name).copied().unwrap_or(0);
    let others = wanted.others.iter().map(|(name, amount)| (name, *amount, of(has, name), of(used, name)));
    let lacks_other = others.clone().any(|(_, wanted, has, used)| lacks(wanted, has, used));
    if !full && !lacks_other && rows.iter().all(|(_, wanted, has, used)| !lacks(*wanted, *has, *used)) {
        return Ok(());
    }
    let mut reasons: Vec<Rc<str>> = Vec::new();
    let mut unresolvable = false;
    if full {
        reasons.push("Too many pods".into());
    }
    for (reason, wanted, has, used) in rows.into_iter().filter(|row| lacks(row.1, row.2, row.3)) {
        reasons.push(reason.into());
        unresolvable |= wanted > has || used < 0;
    }
    for (name, wanted, has, used) in others.filter(|row| lacks(row.1, row.2, row.3)) {
        reasons.push(format!("Insufficient {name}").into());
        unresolvable |= wanted > has || used < 0;
    }
    Err(Rejected { plugin: NODE_RESOURCES_FIT, reasons, unresolvable })
}

/// Returns how much of cpu and memory would be left, in hundredths.
// Models pkg/scheduler/framework/plugins/noderesources/least_allocated.go leastResourceScorer
pub(super) fn least_allocated(info: &PodInfo, node: &NodeInfo) -> i64 {
    let rows = [
        (node.allocatable.milli_cpu, node.non_zero.milli_cpu + info.non_zero.milli_cpu),
        (node.allocatable.memory, node.non_zero.memory + info.non_zero.memory),
    ];
    let known = rows.iter().filter(|(has, _)| *has > 0);
    let count = known.clone().count() as i64;
    let left = |has: i64, used: i64| if used > has { 0 } else { share(has - used, has) };
    if count == 0 { 0 } else { known.map(|(has, used)| left(*has, *used)).sum::<i64>() / count }
}

/// Returns how much of cpu and memory would be in use, in hundredths.
// Models pkg/scheduler/framework/plugins/noderesources/most_allocated.go mostResourceScorer
pub(super) fn most_allocated(info: &PodInfo, node: &NodeInfo) -> i64 {
    let rows = [
        (node.allocatable.milli_cpu, node.non_zero.milli_cpu + info.non_zero.milli_cpu),
        (node.allocatable.memory, node.non_zero.memory + info.non_zero.memory),
    ];
    let known = rows.iter().filter(|(has, _)| *has > 0);
    let count = known.clone().count() as i64;
    // What pods without requests count as may be more than there is.
    if count == 0 { 0 } else { known.map(|(has, used)| share(*used.min(has), *has)).sum::<i64>() / count }
}

fn share(part: i64, whole: i64) -> i64 {
    (i128::from(part) * i128::from(MAX_NODE_SCORE) / i128::from(whole)) as i64
}

/// Returns how alike the shares of cpu and memory in use would be, in hundredths.
// Models pkg/scheduler/framework/plugins/noderesources/balanced_allocation.go balancedResourceScorer
pub(super) fn balanced_allocation(info: &PodInfo, node: &NodeInfo) -> i64 {
    let rows = [
        (node.allocatable.milli_cpu, node.requested.milli_cpu + info.requests.milli_cpu),
        (node.allocatable.memory, node.requested.memory + info.requests.memory),
    ];
    let mut fractions =
        rows.iter().filter(|(has, _)| *has > 0).map(|(has, used)| (*used as f64 / *has as f64).min(1.0));
    let deviation = match (fractions.next(), fractions.next()) {
        (Some(cpu), Some(memory)) => ((cpu - memory) / 2.0).abs(),
        _ => 0.0,
    };
    ((1.0 - deviation) * MAX_NODE_SCORE as f64) as i64
}
