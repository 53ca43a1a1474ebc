use super::ResourceQuotas;
use api::resources::{
    CONFIGMAPS, JOBS, PERSISTENTVOLUMECLAIMS, PODS, RESOURCEQUOTAS, SERVICES, STATEFULSETS,
};
use api::{Resource, Value, tree};
use client::Program;
use client::testing::{Bench, Server};
use sim::{SECOND, Time};

const SERVED: [Resource; 7] =
    [CONFIGMAPS, JOBS, PERSISTENTVOLUMECLAIMS, PODS, RESOURCEQUOTAS, SERVICES, STATEFULSETS];

fn used(server: &Server, quota: &str) -> String {
    server.object(RESOURCEQUOTAS, quota)["status"]["used"].to_json()
}

fn named(name: &str, namespace: &str, spec: Value) -> Value {
    tree!({"metadata": {"name": name, "namespace": namespace}, "spec": spec})
}

// What pkg/controller/resourcequota/resource_quota_controller_test.go TestSyncResourceQuota counts, and of
// further kinds.
#[test]
fn every_kind_is_counted_and_freed() {
    let claim = || tree!({"storageClassName": "gold", "resources": {"requests": {"storage": "2Gi"}}});
    for (resource, spec, hard, full, freed) in [
        (
            PERSISTENTVOLUMECLAIMS,
            claim(),
            tree!({"persistentvolumeclaims": "5", "requests.storage": "9Gi", "gold.storageclass.storage.k8s.io/requests.storage": "9Gi"}),
            r#"{"gold.storageclass.storage.k8s.io/requests.storage":"4Gi","persistentvolumeclaims":"2","requests.storage":"4Gi"}"#,
            r#"{"gold.storageclass.storage.k8s.io/requests.storage":"2Gi","persistentvolumeclaims":"1","requests.storage":"2Gi"}"#,
        ),
        (
            JOBS,
            tree!({}),
            tree!({"count/jobs.batch": "5"}),
            r#"{"count/jobs.batch":"2"}"#,
            r#"{"count/jobs.batch":"1"}"#,
        ),
        (
            STATEFULSETS,
            tree!({}),
            tree!({"count/statefulsets.apps": "5", "pods": "5"}),
            r#"{"count/statefulsets.apps":"2","pods":"0"}"#,
            r#"{"count/statefulsets.apps":"1","pods":"0"}"#,
        ),
        (PODS, tree!({}), tree!({"pods": "5"}), r#"{"pods":"2"}"#, r#"{"pods":"1"}"#),
        (
            RESOURCEQUOTAS,
            tree!({}),
            tree!({"resourcequotas": "5"}),
            r#"{"resourcequotas":"3"}"#,
            r#"{"resourcequotas":"2"}"#,
        ),
    ] {
        let mut server = Server::default();
        for (name, namespace) in [("a", "work"), ("b", "work"), ("c", "other")] {
            server.put(Time(0), resource, named(name, namespace, spec.clone()));
        }
        server.put(Time(0), RESOURCEQUOTAS, named("quota", "work", tree!({"hard": hard})));
        let mut bench = Bench::new(Program::new(ResourceQuotas::new(&SERVED)), server);
        bench.run(5 * SECOND);
        assert_eq!(used(&bench.server, "work/quota"), full);
        bench.server.remove(resource, "work/a");
        bench.run(5 * SECOND);
        assert_eq!(used(&bench.server, "work/quota"), freed);
    }
}

#[test]
fn scoped_quotas_count_the_pods_in_their_scopes() {
    let expressions = tree!([{"scopeName": "PriorityClass", "operator": "In", "values": ["high"]}]);
    for (spec, pods) in [
        (tree!({"hard": {"pods": "5"}}), "2"),
        (tree!({"hard": {"pods": "5"}, "scopes": ["BestEffort"]}), "1"),
        (tree!({"hard": {"pods": "5"}, "scopes": ["NotBestEffort", "Terminating"]}), "1"),
        (tree!({"hard": {"pods": "5"}, "scopes": ["CrossNamespacePodAffinity"]}), "0"),
        (tree!({"hard": {"pods": "5"}, "scopeSelector": {"matchExpressions": expressions}}), "1"),
    ] {
        let mut server = Server::default();
        let asking = tree!([{"resources": {"requests": {"cpu": "1"}}}]);
        let asking = tree!({"containers": asking, "activeDeadlineSeconds": 30});
        server.put(Time(0), PODS, named("a", "work", asking));
        server.put(Time(0), PODS, named("b", "work", tree!({"priorityClassName": "high"})));
        server.put(Time(0), RESOURCEQUOTAS, named("quota", "work", spec));
        let mut bench = Bench::new(Program::new(ResourceQuotas::new(&SERVED)), server);
        bench.run(5 * SECOND);
        assert_eq!(used(&bench.server, "work/quota"), format!(r#"{{"pods":"{pods}"}}"#));
    }
}
