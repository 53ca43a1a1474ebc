//! What must hold in every cluster, each a function with its name and its reason.

mod ends;
mod nodes;
mod pods;
mod services;
#[cfg(test)]
mod tests;
mod volumes;
mod workloads;

use super::scene::Scene;

/// When an invariant holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// At every moment.
    Always,
    /// Where nobody does anything: it may be broken for a while, and not for long.
    AtRest,
}

/// What must hold.
#[derive(Clone, Copy)]
pub struct Invariant {
    /// Its name, which is that of its function.
    pub name: &'static str,
    /// Why it holds in a real cluster.
    pub reason: &'static str,
    /// When it holds.
    pub when: When,
    /// Tells what breaks it: the object and how.
    pub check: fn(&Scene, &mut Broken),
}

/// What was found to break an invariant: the object that does, and how.
pub type Broken = Vec<(String, String)>;

/// A broken invariant.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Violation {
    /// The invariant.
    pub invariant: &'static str,
    /// The object.
    pub object: String,
    /// How it breaks it.
    pub how: String,
}

macro_rules! invariants {
    ($($module:ident :: $name:ident, $when:ident, $reason:expr;)*) => {
        /// All invariants that one look at the cluster can tell.
        pub const INVARIANTS: &[Invariant] = &[$(Invariant {
            name: stringify!($name),
            reason: $reason,
            when: When::$when,
            check: $module::$name,
        }),*];
    };
}

invariants! {
    pods::no_two_pods_have_one_address, Always,
        "the address manager of a node gives an address to one pod, until its sandbox is gone";
    pods::an_address_is_of_its_nodes_network, Always,
        "a node gives addresses of its spec.podCIDR";
    pods::a_node_holds_what_runs_on_it, Always,
        "the scheduler binds what fits, and the kubelet admits nothing else";
    pods::no_two_pods_have_one_port_of_a_node, Always,
        "the scheduler's NodePorts plugin keeps apart what wants the same host port";
    pods::a_pod_runs_on_one_machine, Always,
        "a pod is bound once, and its name is free when its containers have ended, unless it was deleted by force";
    pods::what_runs_is_bound_there, AtRest,
        "a kubelet ends what the API server doesn't know, or has elsewhere";
    pods::pods_end_when_deleted, AtRest,
        "a kubelet that runs ends a pod within its grace period and lets the object go";
    pods::pending_pods_say_why, AtRest,
        "the scheduler writes PodScheduled, the kubelet why a container waits";
    pods::a_pods_node_is_there, AtRest,
        "the pod garbage collector deletes pods of nodes that are gone";
    pods::pods_leave_nodes_that_they_do_not_tolerate, AtRest,
        "the taint eviction controller deletes them, after tolerationSeconds";
    pods::pods_of_dead_machines_are_not_ready, AtRest,
        "the node lifecycle controller sets them so when their kubelet is silent";
    pods::ready_containers_make_a_ready_pod, AtRest,
        "the kubelet says so, and again where another has said otherwise meanwhile";
    nodes::nodes_are_ready_as_their_machines_run, AtRest,
        "a kubelet renews its lease; after 50 s of silence the node lifecycle controller sets Unknown";
    nodes::nodes_bear_the_taints_of_their_state, AtRest,
        "the node lifecycle controller keeps taints for NotReady, Unknown and unschedulable";
    services::no_two_services_have_one_address, Always,
        "a cluster IP is allocated to one Service";
    services::no_two_services_have_one_node_port, Always,
        "a node port is allocated to one Service";
    services::endpoints_are_the_ready_pods, AtRest,
        "the EndpointSlice controller follows pods and Services";
    services::endpoints_have_their_service, AtRest,
        "the Endpoints controller deletes what has no Service any more";
    workloads::replica_sets_have_their_count_or_say_why, AtRest,
        "the controller creates and deletes until the count is right, and says in ReplicaFailure why it can't";
    workloads::replica_counts_are_true, AtRest,
        "every controller writes the status of what it counts";
    workloads::deployments_come_to_their_end, AtRest,
        "a rollout goes on as long as its pods become available";
    workloads::an_ordinal_has_one_pod, Always,
        "a StatefulSet's pod is named by its ordinal and is recreated only when it is gone";
    workloads::stateful_sets_have_their_ordinals, AtRest,
        "the controller creates the pods in order while those before are ready";
    workloads::daemon_sets_have_a_pod_a_node, AtRest,
        "the controller keeps one pod on each node that it may be on";
    workloads::jobs_have_no_more_pods_than_they_may, AtRest,
        "the controller deletes pods beyond parallelism, and all active ones when the Job is finished";
    workloads::cron_jobs_forbid_what_they_forbid, AtRest,
        "with Forbid no Job begins while another goes on";
    workloads::cron_jobs_keep_their_history, AtRest,
        "the controller deletes finished Jobs beyond the limits";
    workloads::budgets_are_true, AtRest,
        "the disruption controller follows the pods";
    ends::owners_are_there, AtRest,
        "the garbage collector deletes what has no owner any more";
    ends::a_namespace_is_there, Always,
        "objects are created in namespaces that exist, which go when they are empty";
    ends::what_is_deleted_goes, AtRest,
        "the garbage collector takes its finalizers off when the dependents are done";
    ends::events_are_of_what_was, Always,
        "who reports an event has seen the object";
    ends::quotas_are_true, AtRest,
        "the resource quota controller counts anew what admission has counted";
    volumes::no_two_claims_have_one_volume, AtRest,
        "a volume's claimRef names one claim, and another that was bound to it becomes Lost";
    volumes::claims_and_volumes_agree, AtRest,
        "the volume controller binds both sides";
    volumes::a_volume_for_one_node_is_attached_once, Always,
        "the attach/detach controller attaches ReadWriteOnce to one node";
    volumes::a_volume_for_one_pod_has_one, Always,
        "the scheduler keeps a second pod off a ReadWriteOncePod claim";
}

/// Returns which invariants of that kind a scene breaks.
pub fn violations(scene: &Scene, when: When) -> Vec<Violation> {
    let mut all = Vec::new();
    for invariant in INVARIANTS.iter().filter(|invariant| invariant.when == when) {
        let mut broken = Broken::new();
        (invariant.check)(scene, &mut broken);
        let name = invariant.name;
        all.extend(broken.into_iter().map(|(object, how)| Violation { invariant: name, object, how }));
    }
    all
}
