use crate::{Batch, MetricsServer, Point, Storage, answer, manifests, parse};
use api::resources::NODES;
use api::{Accept, Method, Request, Resource, Value, meta, tree};
use client::testing::{Bench, Server};
use network::{Answer, HttpResponse, Outcome, Payload};
use sim::{MILLISECOND, SECOND, Time};
use std::rc::Rc;

fn of(name: &str) -> Rc<str> {
    name.into()
}

/// A container: name, start and moment in seconds, processor time in milliseconds, memory.
type Row<'a> = (&'a str, i64, i64, i64, i64);
/// A pod and its containers.
type Rows<'a> = (&'a str, &'a [Row<'a>]);

fn batch(pods: &[Rows]) -> Batch {
    let mut batch = Batch::default();
    for (pod, containers) in pods {
        for (name, started, at, cpu_ms, memory) in *containers {
            let point = Point {
                started: Time(started * SECOND),
                at: Time(at * SECOND),
                cpu: cpu_ms * MILLISECOND,
                memory: *memory,
            };
            batch.pods.entry((of("d"), of(pod))).or_default().insert(of(name), point);
        }
    }
    batch
}

/// The cases are those of metrics-server's pkg/storage/pod_test.go.
#[test]
fn two_points_are_a_rate() {
    type Case<'a> = (&'a str, &'a [&'a [Row<'a>]], Option<&'a [(&'a str, i64, i64)]>);
    // the containers at each scrape → what is told: name, thousandths of a processor, window in seconds
    let cases: &[Case] = &[
        (
            "provides pod metrics from stored batches",
            &[&[("c", 0, 100, 1_000, 5)], &[("c", 0, 115, 4_000, 5)]],
            Some(&[("c", 200, 15)]),
        ),
        ("no metrics after one scrape", &[&[("c", 0, 100, 1_000, 5)]], None),
        (
            "fresh container: its start is the first point",
            &[&[("c", 100, 111, 1_100, 5)]],
            Some(&[("c", 100, 11)]),
        ),
        ("too fresh a container", &[&[("c", 100, 105, 1_100, 5)]], None),
        (
            "container restart between: no metrics",
            &[&[("c", 0, 100, 9_000, 5)], &[("c", 110, 115, 10, 5)]],
            None,
        ),
        ("the counter went back", &[&[("c", 0, 100, 9_000, 5)], &[("c", 0, 115, 10, 5)]], None),
        (
            "same timestamp keeps the point before",
            &[&[("c", 0, 100, 1_000, 5)], &[("c", 0, 115, 4_000, 5)], &[("c", 0, 115, 4_000, 5)]],
            Some(&[("c", 200, 15)]),
        ),
        (
            "missing for one cycle: nothing is kept",
            &[&[("c", 0, 100, 1_000, 5)], &[], &[("c", 0, 130, 4_000, 5)]],
            None,
        ),
        (
            "all containers must be known",
            &[&[("a", 0, 100, 0, 5)], &[("a", 0, 115, 1_500, 5), ("b", 113, 115, 1, 5)]],
            None,
        ),
        (
            "two containers",
            &[
                &[("a", 0, 100, 0, 5), ("b", 0, 100, 0, 5)],
                &[("a", 0, 115, 1_500, 5), ("b", 0, 115, 3_000, 5)],
            ],
            Some(&[("a", 100, 15), ("b", 200, 15)]),
        ),
    ];
    for (name, rounds, told) in cases {
        let mut storage = Storage::default();
        for round in *rounds {
            let pods: Vec<Rows> = if round.is_empty() { Vec::new() } else { vec![("p", *round)] };
            storage.store(batch(&pods));
        }
        let found = storage.pod("d", "p").map(|rates| {
            let told = |(name, rate): &(Rc<str>, crate::storage::Rate)| {
                (name.to_string(), rate.cpu / 1_000_000, rate.window / SECOND)
            };
            rates.iter().map(told).collect::<Vec<_>>()
        });
        let told = told.map(|told| {
            told.iter().map(|(name, cpu, window)| (name.to_string(), *cpu, *window)).collect::<Vec<_>>()
        });
        assert_eq!(found, told, "{name}");
    }
}

const TEXT: &str = "\
# TYPE container_cpu_usage_seconds_total counter
container_cpu_usage_seconds_total{container=\"c\",namespace=\"d\",pod=\"p\"} 4.710169 1633253812125
container_memory_working_set_bytes{container=\"c\",namespace=\"d\",pod=\"p\"} 1253376 1633253812125
container_start_time_seconds{container=\"c\",namespace=\"d\",pod=\"p\"} 1633252711.5
node_cpu_usage_seconds_total 357.35491 1633253809720
node_memory_working_set_bytes 1616273408 1633253809720
pod_cpu_usage_seconds_total{namespace=\"d\",pod=\"p\"} 4.710169 1633253812125
resource_scrape_error 0
";

#[test]
fn reads_what_kubelets_answer() {
    let mut batch = Batch::default();
    parse(TEXT, &of("n"), &mut batch);
    let point = batch.pods[&(of("d"), of("p"))]["c"];
    assert_eq!((point.cpu, point.memory), (4_710_169_000, 1_253_376));
    assert_eq!(point.at.rfc3339_micro(), "2021-10-03T09:36:52.125000Z");
    assert_eq!(point.started.rfc3339_micro(), "2021-10-03T09:18:31.500000Z");
    assert_eq!((batch.nodes["n"].cpu, batch.nodes["n"].memory), (357_354_910_000, 1_616_273_408));
    // What makes no sense is passed over.
    for text in
        ["", "}", "x{", "node_cpu_usage_seconds_total", "node_cpu_usage_seconds_total x y", "a b c\n{} 1"]
    {
        let mut batch = Batch::default();
        parse(text, &of("n"), &mut batch);
        assert_eq!(batch, Batch::default(), "{text}");
    }
}

fn reader(resource: Resource, namespace: &str) -> Vec<Value> {
    let pod = |name: &str, phase: &str| {
        tree!({
            "metadata": {"name": name, "namespace": "d", "labels": {"app": name}}, "status": {"phase": phase},
        })
    };
    match resource.is(NODES) {
        true => vec![tree!({"metadata": {"name": "n"}}), tree!({"metadata": {"name": "m"}})],
        false if matches!(namespace, "" | "d") => {
            vec![pod("q", "Running"), pod("p", "Running"), pod("done", "Succeeded"), pod("new", "Running")]
        }
        false => Vec::new(),
    }
}

fn stored() -> Storage {
    let mut storage = Storage::default();
    for (at, cpu) in [(100, 1_000), (115, 1_240)] {
        let containers: &[_] = &[("c", 0, at, cpu, 12 << 20)];
        let mut batch = batch(&[("p", containers), ("q", containers), ("done", containers)]);
        let point = Point { started: Time(0), at: Time(at * SECOND), cpu: cpu * MILLISECOND, memory: 5 };
        batch.nodes.insert(of("n"), point);
        storage.store(batch);
    }
    storage
}

fn ask(path: &str, query: &[(&str, &str)], accept: Accept) -> (u16, Value) {
    let mut request = Request::new(Method::Get, path).accept(accept);
    for (name, value) in query {
        request = request.query(name, *value);
    }
    let response = answer(&stored(), Time(116 * SECOND), &request, &reader);
    (response.code, response.body)
}

#[test]
fn answers_for_its_group() {
    let root = "/apis/metrics.k8s.io/v1beta1";
    // path and selector → code, names or message
    for (path, selector, code, told) in [
        ("/nodes", "", 200, "n"),
        ("/nodes/n", "", 200, ""),
        ("/nodes/m", "", 404, "nodemetrics.metrics.k8s.io \"m\" not found"),
        ("/nodes/x", "", 404, "nodes \"x\" not found"),
        ("/pods", "", 200, "p q"),
        ("/namespaces/d/pods", "app=q", 200, "q"),
        ("/namespaces/d/pods", "app=(", 400, "found"),
        ("/namespaces/other/pods", "", 200, ""),
        ("/namespaces/d/pods/p", "", 200, ""),
        ("/namespaces/d/pods/new", "", 404, "podmetrics.metrics.k8s.io \"d/new\" not found"),
        ("/namespaces/d/pods/done", "", 404, "podmetrics.metrics.k8s.io \"d/done\" not found"),
        ("/namespaces/d/pods/x", "", 404, "pods \"x\" not found"),
        ("/else", "", 404, "the server could not find the requested resource"),
    ] {
        let (found, body) = ask(&format!("{root}{path}"), &[("labelSelector", selector)], Accept::Object);
        assert_eq!(found, code, "{path} {body:?}");
        let names: Vec<&str> = body["items"].items().iter().map(meta::name).collect();
        let text = if code == 200 { names.join(" ") } else { body["message"].str().to_string() };
        assert!(text == told || code == 400 && text.contains(told), "{path}: {text}");
    }
    let (_, pod) = ask(&format!("{root}/namespaces/d/pods/p"), &[], Accept::Object);
    let usage = tree!([{"name": "c", "usage": {"cpu": "16m", "memory": "12Mi"}}]);
    assert_eq!((&pod["containers"], pod["window"].str()), (&usage, "15s"));
    assert_eq!(pod["metadata"]["labels"]["app"].str(), "p");
    let (_, table) = ask(&format!("{root}/pods"), &[], Accept::Table);
    assert_eq!(table["rows"][0]["cells"], tree!(["p", "16m", "12Mi", "15s"]));
    let (_, list) = ask(root, &[], Accept::Object);
    assert_eq!(list["resources"][1]["kind"].str(), "PodMetrics");
    let write = Request::new(Method::Post, format!("{root}/nodes"));
    assert_eq!(answer(&stored(), Time(0), &write, &reader).code, 405);
}

#[test]
fn asks_all_kubelets_and_goes_on_without_those_that_fail() {
    let mut server = Server::default();
    for (name, address) in [("a", "10.0.0.1"), ("b", "10.0.0.2")] {
        let addresses = tree!([{"type": "InternalIP", "address": address}]);
        server.put(
            Time::EPOCH,
            NODES,
            tree!({"metadata": {"name": name}, "status": {"addresses": addresses}}),
        );
    }
    let pod = tree!({"metadata": {"name": "m", "namespace": "kube-system", "uid": "u"}});
    let mut bench = Bench::new(MetricsServer::new(&pod, Time::EPOCH), server);
    let ready = |bench: &Bench<MetricsServer>| {
        let http = network::HttpRequest::get("x", "/readyz");
        match bench.component.serve(&Payload::Http(http)) {
            Answer::Http(response) => response.status,
            _ => 0,
        }
    };
    for round in 0..3 {
        bench.run(SECOND);
        let scrapes = bench.component.take_scrapes();
        let asked: Vec<String> = scrapes.iter().map(|scrape| scrape.to.to_string()).collect();
        assert_eq!(asked, ["10.0.0.1:10250", "10.0.0.2:10250"], "round {round}");
        let text = TEXT.replace("16332538", &format!("1633{}38", 25 + round));
        let answered = Outcome::Answered(Answer::Http(HttpResponse::new(200, text)));
        bench.component.on_reply(bench.now, scrapes[0].id, &answered);
        bench.component.on_reply(bench.now, scrapes[1].id, &Outcome::Refused);
        bench.run(14 * SECOND);
        assert_eq!(ready(&bench), if round == 0 { 500 } else { 200 }, "round {round}");
    }
    assert!(bench.component.take_log().iter().any(|line| line.contains("Failed to scrape node")));
    assert!(bench.component.take_storage().is_some_and(|storage| storage.is_ready()));
    assert!(bench.component.take_storage().is_none(), "nothing new since");
}

#[test]
fn its_manifests_are_nine_objects() {
    let kinds: Vec<String> = manifests().iter().map(|object| object["kind"].str().to_string()).collect();
    assert_eq!(kinds.len(), 9, "{kinds:?}");
    assert_eq!(kinds[8], "APIService");
}
