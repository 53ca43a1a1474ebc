use crate::KubeAggregator;
use api::resources::{APISERVICES, ENDPOINTSLICES, SERVICES};
use api::{Status, Value, meta, tree};
use client::testing::{Bench, Server};
use sim::{SECOND, Time};

fn api_service() -> Value {
    tree!({
        "metadata": {"name": "v1beta1.metrics.k8s.io"},
        "spec": {
            "group": "metrics.k8s.io", "version": "v1beta1",
            "service": {"name": "metrics-server", "namespace": "kube-system"},
        },
    })
}

fn service(kind: &str, port: i64) -> Value {
    tree!({
        "metadata": {"name": "metrics-server", "namespace": "kube-system"},
        "spec": {"type": kind, "clusterIP": "10.96.0.7", "ports": [{"name": "https", "port": port}]},
    })
}

fn slice(ready: bool, port: &str) -> Value {
    let labels = tree!({"kubernetes.io/service-name": "metrics-server"});
    tree!({
        "metadata": {"name": "metrics-server-x", "namespace": "kube-system", "labels": labels},
        "endpoints": [{"addresses": ["10.244.1.2"], "conditions": {"ready": ready}}],
        "ports": [{"name": port, "port": 10250}],
    })
}

/// The words are those of upstream's remote_available_controller_test.go TestSync, and of its messages.
#[test]
fn says_why_a_group_is_not_there() {
    let nothing = || Value::Null;
    for (service, slice, reason, message) in [
        (nothing(), nothing(), "ServiceNotFound", "service/metrics-server in \"kube-system\" is not present"),
        (
            service("ClusterIP", 6443),
            nothing(),
            "ServicePortError",
            "service/metrics-server in \"kube-system\" is not listening on port 443",
        ),
        (
            service("ClusterIP", 443),
            nothing(),
            "EndpointsNotFound",
            "cannot find endpointslices for service/metrics-server in \"kube-system\"",
        ),
        (
            service("ClusterIP", 443),
            slice(false, "https"),
            "MissingEndpoints",
            "endpointslices for service/metrics-server in \"kube-system\" have no addresses with port name \"https\"",
        ),
        (
            service("ClusterIP", 443),
            slice(true, "http"),
            "MissingEndpoints",
            "endpointslices for service/metrics-server in \"kube-system\" have no addresses with port name \"https\"",
        ),
        (
            service("ClusterIP", 443),
            slice(true, "https"),
            "FailedDiscoveryCheck",
            "failing or missing response from https://10.96.0.7:443/apis/metrics.k8s.io/v1beta1: bad status from \
             https://10.96.0.7:443/apis/metrics.k8s.io/v1beta1: 503",
        ),
    ] {
        let mut server = Server::default();
        let refused = Status::new(503, "ServiceUnavailable", "");
        server.refuse.push(("list .metrics.k8s.io".to_string(), refused));
        server.put(Time::EPOCH, APISERVICES, api_service());
        for (resource, object) in [(SERVICES, service), (ENDPOINTSLICES, slice)] {
            if !object.is_null() {
                server.put(Time::EPOCH, resource, object);
            }
        }
        let mut bench = Bench::new(KubeAggregator::default(), server);
        // What it watches since it saw the APIService is connected, as the cluster does.
        bench.list_again(1..3);
        bench.run(3 * SECOND);
        let stored = bench.server.object(APISERVICES, "v1beta1.metrics.k8s.io");
        let condition = meta::condition(&stored, "Available").cloned().unwrap_or_default();
        assert_eq!(condition["reason"].str(), reason);
        assert_eq!(condition["message"].str(), message);
        assert_eq!(condition["status"].str(), "False");
    }
}
