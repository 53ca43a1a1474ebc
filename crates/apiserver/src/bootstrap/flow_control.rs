//! How the API server would order requests: the flow schemas and priority levels of every cluster.
// Models staging/src/k8s.io/apiserver/pkg/apis/flowcontrol/bootstrap/default.go

use api::{Value, tree};

/// A priority level: name, shares, lendable percentage, and queues with the size of a hand; without
/// queues what is too much is refused. The one without shares has no limit.
type Level = (&'static str, Option<i64>, i64, Option<(i64, i64)>);

const LEVELS: [Level; 8] = [
    ("exempt", None, 0, None),
    ("catch-all", Some(5), 0, None),
    ("system", Some(30), 33, Some((64, 6))),
    ("node-high", Some(40), 25, Some((64, 6))),
    ("leader-election", Some(10), 0, Some((16, 4))),
    ("workload-high", Some(40), 50, Some((128, 6))),
    ("workload-low", Some(100), 90, Some((128, 6))),
    ("global-default", Some(20), 50, Some((128, 6))),
];

const QUEUE_LENGTH: i64 = 50;

/// What a flow schema's rules are about.
enum About {
    Everything,
    Probes,
    Leases,
    Endpoints,
    Nodes,
}

/// A flow schema: name, level, precedence, what tells flows apart, subjects, what its rules are about.
type Schema = (&'static str, &'static str, i64, &'static str, &'static [&'static str], About);

const EVERYBODY: &[&str] = &["group:system:unauthenticated", "group:system:authenticated"];
const MANAGER: &str = "user:system:kube-controller-manager";
const SCHEDULER: &str = "user:system:kube-scheduler";

const SCHEMAS: [Schema; 13] = [
    ("exempt", "exempt", 1, "", &["group:system:masters"], About::Everything),
    ("catch-all", "catch-all", 10_000, "ByUser", EVERYBODY, About::Everything),
    ("system-nodes", "system", 500, "ByUser", &["group:system:nodes"], About::Everything),
    ("system-node-high", "node-high", 400, "ByUser", &["group:system:nodes"], About::Nodes),
    ("probes", "exempt", 2, "", EVERYBODY, About::Probes),
    (
        "system-leader-election",
        "leader-election",
        100,
        "ByUser",
        &[MANAGER, SCHEDULER, "account:*"],
        About::Leases,
    ),
    ("workload-leader-election", "leader-election", 200, "ByUser", &["account:*"], About::Leases),
    (
        "endpoint-controller",
        "workload-high",
        150,
        "ByUser",
        &[MANAGER, "account:endpoint-controller", "account:endpointslicemirroring-controller"],
        About::Endpoints,
    ),
    ("kube-controller-manager", "workload-high", 800, "ByNamespace", &[MANAGER], About::Everything),
    ("kube-scheduler", "workload-high", 800, "ByNamespace", &[SCHEDULER], About::Everything),
    ("kube-system-service-accounts", "workload-high", 900, "ByNamespace", &["account:*"], About::Everything),
    (
        "service-accounts",
        "workload-low",
        9_000,
        "ByUser",
        &["group:system:serviceaccounts"],
        About::Everything,
    ),
    ("global-default", "global-default", 9_900, "ByUser", EVERYBODY, About::Everything),
];

fn metadata(name: &str) -> Value {
    tree!({"name": name, "annotations": {"apf.kubernetes.io/autoupdate-spec": "true"}})
}

/// Returns the priority levels of every cluster.
pub(super) fn priority_levels() -> Vec<Value> {
    LEVELS.iter().map(priority_level).collect()
}

fn priority_level((name, shares, lendable, queues): &Level) -> Value {
    let Some(shares) = *shares else {
        let exempt = tree!({"nominalConcurrencyShares": 0, "lendablePercent": 0});
        return tree!({"metadata": (metadata(name)), "spec": {"type": "Exempt", "exempt": exempt}});
    };
    let response = match *queues {
        Some((queues, hand_size)) => tree!({"type": "Queue", "queuing": {
            "queues": queues, "handSize": hand_size, "queueLengthLimit": QUEUE_LENGTH,
        }}),
        None => tree!({"type": "Reject"}),
    };
    tree!({"metadata": (metadata(name)), "spec": {"type": "Limited", "limited": {
        "nominalConcurrencyShares": shares, "lendablePercent": (*lendable), "limitResponse": response,
    }}})
}

/// Returns the flow schemas of every cluster.
pub(super) fn flow_schemas() -> Vec<Value> {
    SCHEMAS.iter().map(flow_schema).collect()
}

fn flow_schema((name, level, precedence, flows, subjects, about): &Schema) -> Value {
    let subjects: Vec<Value> = subjects.iter().map(|text| subject(text)).collect();
    let mut rule = rules(about);
    rule.set(&["subjects"], subjects);
    let mut spec = tree!({
        "matchingPrecedence": (*precedence),
        "priorityLevelConfiguration": {"name": (*level)},
        "rules": [rule],
    });
    if !flows.is_empty() {
        spec.set(&["distinguisherMethod", "type"], *flows);
    }
    tree!({"metadata": (metadata(name)), "spec": spec})
}

fn subject(text: &str) -> Value {
    match text.split_once(':') {
        Some(("group", name)) => tree!({"kind": "Group", "group": {"name": name}}),
        Some(("user", name)) => tree!({"kind": "User", "user": {"name": name}}),
        Some((_, name)) => {
            tree!({"kind": "ServiceAccount", "serviceAccount": {"namespace": "kube-system", "name": name}})
        }
        None => Value::Null,
    }
}

fn rules(about: &About) -> Value {
    let lease_verbs = tree!(["get", "create", "update"]);
    match about {
        About::Everything => tree!({
            "resourceRules": [{
                "verbs": ["*"], "apiGroups": ["*"], "resources": ["*"], "namespaces": ["*"], "clusterScope": true,
            }],
            "nonResourceRules": [{"verbs": ["*"], "nonResourceURLs": ["*"]}],
        }),
        About::Probes => tree!({
            "nonResourceRules": [{"verbs": ["get"], "nonResourceURLs": ["/healthz", "/readyz", "/livez"]}],
        }),
        About::Leases => tree!({
            "resourceRules": [{
                "verbs": lease_verbs, "apiGroups": ["coordination.k8s.io"], "resources": ["leases"],
                "namespaces": ["*"],
            }],
        }),
        About::Endpoints => tree!({
            "resourceRules": [{
                "verbs": lease_verbs, "apiGroups": [""], "resources": ["endpoints"], "namespaces": ["*"],
            }],
        }),
        About::Nodes => tree!({
            "resourceRules": [
                {
                    "verbs": ["*"], "apiGroups": [""], "resources": ["nodes", "nodes/status"],
                    "namespaces": ["*"], "clusterScope": true,
                },
                {
                    "verbs": ["*"], "apiGroups": ["coordination.k8s.io"], "resources": ["leases"],
                    "namespaces": ["*"],
                },
            ],
        }),
    }
}
