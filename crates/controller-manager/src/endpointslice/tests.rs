use crate::ControllerManager;
use api::resources::{ENDPOINTS, ENDPOINTSLICES, NODES, PODS, SERVICES};
use api::{Value, meta, tree};
use client::testing::{Bench, Server};
use sim::{SECOND, Time};

fn service() -> Value {
    tree!({
        "metadata": {"name": "web", "namespace": "default", "labels": {"team": "a"}},
        "spec": {
            "clusterIP": "10.96.0.7",
            "ipFamilies": ["IPv4"],
            "selector": {"app": "web"},
            "ports": [{"name": "http", "port": 80, "protocol": "TCP", "targetPort": "web"}],
        },
    })
}

fn pod(i: i64, ready: bool) -> Value {
    tree!({
        "metadata": {"name": (format!("web-{i:03}")), "namespace": "default", "labels": {"app": "web"}},
        "spec": {"nodeName": "n1", "containers": [{"ports": [{"name": "web", "containerPort": 8080}]}]},
        "status": {
            "phase": "Running",
            "podIP": (format!("10.244.{}.{}", i / 250, i % 250)),
            "conditions": [{"type": "Ready", "status": (if ready { "True" } else { "False" })}],
        },
    })
}

fn bench(service: Value, pods: i64) -> Bench<ControllerManager> {
    let mut server = Server::default();
    server.put(Time::EPOCH, NODES, tree!({"metadata": {"name": "n1"}}));
    server.put(Time::EPOCH, SERVICES, service);
    for i in 0..pods {
        server.put(Time::EPOCH, PODS, pod(i, true));
    }
    let mut bench = Bench::new(ControllerManager::new(&[]), server);
    bench.run(SECOND);
    bench
}

fn slices(bench: &Bench<ControllerManager>) -> Vec<Value> {
    bench.server.all(ENDPOINTSLICES)
}

#[test]
fn publishes_pods() {
    let mut bench = bench(service(), 1);
    let slice = slices(&bench)[0].clone();
    let pod = bench.server.object(PODS, "default/web-000");
    let wanted = tree!([{
        "addresses": ["10.244.0.0"],
        "conditions": {"ready": true, "serving": true, "terminating": false},
        "nodeName": "n1",
        "targetRef": {"kind": "Pod", "namespace": "default", "name": "web-000", "uid": (meta::uid(&pod))},
    }]);
    assert_eq!(slice["endpoints"], wanted);
    assert_eq!(slice["ports"], tree!([{"name": "http", "port": 8080, "protocol": "TCP"}]));
    let labels = tree!({
        "team": "a", "kubernetes.io/service-name": "web",
        "endpointslice.kubernetes.io/managed-by": "endpointslice-controller.k8s.io",
    });
    assert_eq!(*meta::labels(&slice), labels);
    let endpoints = bench.server.object(ENDPOINTS, "default/web");
    assert_eq!(endpoints["subsets"][0]["addresses"][0]["ip"].str(), "10.244.0.0");
    assert_eq!(endpoints["subsets"][0]["ports"], tree!([{"name": "http", "port": 8080, "protocol": "TCP"}]));

    bench.server.change(bench.now, PODS, "default/web-000", |pod| {
        pod.set(&["metadata", "deletionTimestamp"], "2026-01-05T09:00:30Z");
    });
    bench.run(SECOND);
    let conditions = slices(&bench)[0]["endpoints"][0]["conditions"].clone();
    assert_eq!(conditions, tree!({"ready": false, "serving": true, "terminating": true}));
    assert!(bench.server.object(ENDPOINTS, "default/web")["subsets"].is_empty());

    let name = meta::name(&slices(&bench)[0]).to_string();
    bench.server.remove(PODS, "default/web-000");
    bench.run(SECOND);
    assert_eq!(slices(&bench).len(), 1, "a placeholder stays");
    assert!(slices(&bench)[0]["endpoints"].is_null());
    assert_eq!(meta::name(&slices(&bench)[0]), name, "the slice is used again");
    bench.server.put(bench.now, PODS, pod);
    bench.run(3 * SECOND);
    assert_eq!((slices(&bench).len(), meta::name(&slices(&bench)[0])), (1, name.as_str()));
    assert_eq!(slices(&bench)[0]["endpoints"].items().len(), 1);
}

#[test]
fn fills_slices_to_a_hundred() {
    let mut bench = bench(service(), 250);
    let lengths = |bench: &Bench<ControllerManager>| {
        let mut lengths: Vec<usize> =
            slices(bench).iter().map(|slice| slice["endpoints"].items().len()).collect();
        lengths.sort_unstable();
        lengths
    };
    assert_eq!(lengths(&bench), [50, 100, 100]);
    let writes = bench.server.calls.len();
    bench.server.put(bench.now, PODS, pod(250, false));
    bench.run(SECOND);
    assert_eq!(lengths(&bench), [51, 100, 100]);
    let changed = bench.server.calls[writes..].iter().filter(|call| call.contains("endpointslices")).count();
    assert_eq!(changed, 1, "only the slice with room changes");
    assert_eq!(
        bench.server.object(ENDPOINTS, "default/web")["subsets"][0]["notReadyAddresses"].items().len(),
        1
    );
}

#[test]
fn publishes_as_the_service_says() {
    let unready = {
        let mut service = service();
        service.set(&["spec", "publishNotReadyAddresses"], true);
        service.set(&["spec", "clusterIP"], "None");
        service
    };
    for (service, ready, serving, headless) in
        [(service(), false, false, false), (unready, true, false, true)]
    {
        let mut bench = bench(service, 0);
        bench.server.put(bench.now, PODS, pod(1, false));
        bench.run(3 * SECOND);
        let slice = slices(&bench)[0].clone();
        let conditions = &slice["endpoints"][0]["conditions"];
        assert_eq!(conditions["ready"].is_true(), ready);
        assert_eq!(conditions["serving"].is_true(), serving);
        assert_eq!(meta::labels(&slice).get("service.kubernetes.io/headless").is_some(), headless);
    }
}

#[test]
fn leaves_services_without_selector_alone() {
    let mut foreign = service();
    foreign.remove(&["spec", "selector"]);
    let bench = bench(foreign, 1);
    assert!(slices(&bench).is_empty());
    assert!(bench.server.all(ENDPOINTS).is_empty());
}
