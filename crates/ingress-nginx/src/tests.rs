use crate::{Canary, Config, IngressController, Served, manifests};
use api::resources::{ENDPOINTSLICES, EVENTS, INGRESSCLASSES, INGRESSES, PODS, SECRETS, SERVICES};
use api::{Value, meta, tree, yaml};
use client::testing::{Bench, Server};
use network::{Answer, HttpRequest, HttpResponse, Outcome, Payload, Socket};
use sim::{Chance, MINUTE, SECOND, Time};

/// Routes: (Ingresses, requests as `host path`, and the backend, rewritten path or code of each).
const ROUTES: &str = include_str!("../tests/data/routes.yaml");

fn ingress(name: &str, spec: &Value, annotations: &Value) -> Value {
    let mut ingress = tree!({
        "metadata": {"namespace": "default", "name": name, "creationTimestamp": "2026-01-05T09:00:00Z"},
        "spec": spec,
    });
    for (key, value) in annotations.fields().iter() {
        ingress.set(&["metadata", "annotations", &format!("nginx.ingress.kubernetes.io/{key}")], value);
    }
    ingress
}

#[test]
fn requests_go_where_the_paths_say() {
    let cases = yaml::parse_one(ROUTES).unwrap();
    let mut wrong = Vec::new();
    for case in cases.items() {
        let ingresses: Vec<Value> = case["ingresses"]
            .items()
            .iter()
            .enumerate()
            .map(|(n, one)| {
                let rules: Value = one["rules"]
                    .fields()
                    .iter()
                    .map(|(host, paths)| {
                        let paths: Value = paths
                            .items()
                            .iter()
                            .map(|path| {
                                let words: Vec<&str> = path.str().split_whitespace().collect();
                                tree!({"path": (words[1]), "pathType": (words[0]),
                                    "backend": {"service": {"name": (words[2]), "port": {"number": 80}}}})
                            })
                            .collect();
                        let host = if host == "_" { "" } else { host };
                        tree!({"host": host, "http": {"paths": paths}})
                    })
                    .collect();
                let mut spec = tree!({"rules": rules});
                if !one["default"].is_null() {
                    let service = tree!({"name": (&one["default"]), "port": {"number": 80}});
                    spec.set(&["defaultBackend", "service"], service);
                }
                ingress(&format!("i{n}"), &spec, &one["annotations"])
            })
            .collect();
        let config = Config::new(&ingresses.iter().collect::<Vec<_>>(), |_| false);
        for (request, expected) in case["requests"].fields().iter() {
            let (host, path) = request.split_once(' ').unwrap();
            let plain = path.split('?').next().unwrap();
            let location = config.server(host).and_then(|(_, server)| server.location(plain));
            let found = location.map_or("404".to_string(), |location| {
                let service = location.backend.as_ref().map_or("", |backend| &backend.service);
                format!("{service} {}", location.rewritten(path))
            });
            let expected = match expected.str().split_once(' ') {
                None if expected.str() != "404" => format!("{} {path}", expected.str()),
                _ => expected.str().to_string(),
            };
            if found != expected {
                wrong.push(format!("{}: {request}: {found}, not {expected}", case["name"].str()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn pod(args: &[&str]) -> Value {
    let args: Value = args.iter().map(|arg| Value::from(*arg)).collect();
    tree!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"namespace": "ingress-nginx", "name": "c-1", "uid": "u", "labels": {"app.kubernetes.io/name": "ingress-nginx"}},
        "spec": {"serviceAccountName": "ingress-nginx", "containers": [{"args": args}]},
        "status": {"hostIP": "10.64.140.11", "conditions": [{"type": "Ready", "status": "True"}]},
    })
}

fn service(name: &str, spec: Value) -> Value {
    let mut service = tree!({"metadata": {"namespace": "default", "name": name},
        "spec": {"ports": [{"name": "http", "port": 80}], "type": "ClusterIP", "clusterIP": "10.96.0.9"}});
    spec.fields().iter().for_each(|(key, value)| service.set(&["spec", key], value));
    service
}

fn slice(service: &str, addresses: &[&str]) -> Value {
    let endpoints: Value =
        addresses.iter().map(|ip| tree!({"addresses": [(*ip)], "conditions": {"ready": true}})).collect();
    tree!({
        "metadata": {"namespace": "default", "name": (format!("{service}-x")),
            "labels": {"kubernetes.io/service-name": service}},
        "ports": [{"name": "http", "port": 8080}],
        "endpoints": endpoints,
    })
}

fn web(annotations: Value, tls: bool) -> Value {
    let mut spec = tree!({
        "ingressClassName": "nginx",
        "rules": [{"host": "web.example.com", "http": {"paths": [
            {"path": "/", "pathType": "Prefix", "backend": {"service": {"name": "web", "port": {"number": 80}}}},
        ]}}],
    });
    if tls {
        spec.set(&["tls"], tree!([{"hosts": ["web.example.com"], "secretName": "cert"}]));
    }
    ingress("web", &spec, &annotations)
}

fn bench(args: &[&str], ingresses: Vec<Value>) -> Bench<IngressController> {
    let mut server = Server::default();
    let class = tree!({"metadata": {"name": "nginx"}, "spec": {"controller": "k8s.io/ingress-nginx"}});
    server.put(Time::EPOCH, INGRESSCLASSES, class);
    server.put(Time::EPOCH, SERVICES, service("web", Value::map()));
    server.put(Time::EPOCH, SERVICES, service("empty", Value::map()));
    server.put(Time::EPOCH, ENDPOINTSLICES, slice("web", &["10.244.1.5", "10.244.2.5"]));
    let secret = tree!({"metadata": {"namespace": "default", "name": "cert"}, "data": {"tls.crt": "YQ==", "tls.key": "YQ=="}});
    server.put(Time::EPOCH, SECRETS, secret);
    server.put(Time::EPOCH, PODS, pod(args));
    ingresses.into_iter().for_each(|one| drop(server.put(Time::EPOCH, INGRESSES, one)));
    let mut bench = Bench::new(IngressController::new(&pod(args)), server);
    bench.run(10 * SECOND);
    bench
}

fn ask(bench: &mut Bench<IngressController>, url: &str) -> Served {
    let (scheme, rest) = url.split_once("://").unwrap();
    let (host, path) = rest.split_at(rest.find('/').unwrap());
    let mut request = HttpRequest::get(host, path);
    request.is_tls = scheme == "https";
    let port = if request.is_tls { 443 } else { 80 };
    let client = Socket::new([10, 64, 140, 2].into(), 40_000);
    bench.component.serve(bench.now, Chance::new(1), 7, (port, client), &Payload::Http(request))
}

fn response(served: &Served) -> &HttpResponse {
    match served {
        Served::Answer { answer: Answer::Http(response), exchange: 7 } => response,
        other => panic!("{other:?}"),
    }
}

fn asked(served: &Served) -> (u64, String, &HttpRequest) {
    match served {
        Served::Ask { id, to, payload, .. } => match &**payload {
            Payload::Http(request) => (*id, to.to_string(), request),
            other => panic!("{other:?}"),
        },
        other => panic!("{other:?}"),
    }
}

fn header<'a>(headers: &'a network::Headers, name: &str) -> &'a str {
    headers.iter().find(|(key, _)| **key == *name).map_or("", |(_, value)| value)
}

#[test]
fn endpoints_take_turns_and_see_who_asked() {
    let mut bench = bench(&[], vec![web(Value::map(), false)]);
    let mut seen = Vec::new();
    for _ in 0..4 {
        let served = ask(&mut bench, "http://web.example.com/a?b=c");
        let (id, to, request) = asked(&served);
        assert_eq!((&*request.host, &*request.path), ("web.example.com", "/a?b=c"));
        assert_eq!(header(&request.headers, "X-Forwarded-For"), "10.64.140.2");
        assert_eq!(header(&request.headers, "X-Forwarded-Proto"), "http");
        seen.push(to);
        let mut answer = HttpResponse::new(200, "hi");
        answer.headers.push(("Server".into(), "secret/1.0".into()));
        let served = bench.component.reply(bench.now, id, &Outcome::Answered(Answer::Http(answer)));
        assert_eq!((response(&served).status, &*response(&served).body), (200, "hi"));
        assert_eq!(header(&response(&served).headers, "Server"), "");
    }
    assert_eq!(seen, ["10.244.1.5:8080", "10.244.2.5:8080", "10.244.1.5:8080", "10.244.2.5:8080"]);
    let log = bench.component.take_log();
    assert!(log[0].contains("\"GET /a?b=c HTTP/1.1\" 200 2"), "{log:?}");
    assert!(log[0].contains("[default-web-80] [] 10.244.1.5:8080"), "{log:?}");
}

#[test]
fn who_does_not_answer_is_passed_over() {
    let mut bench = bench(&[], vec![web(Value::map(), false)]);
    let served = ask(&mut bench, "http://web.example.com/");
    let (first, one, _) = asked(&served);
    let served = bench.component.reply(bench.now, first, &Outcome::Refused);
    let (second, other, _) = asked(&served);
    assert_ne!(one, other);
    let served = bench.component.reply(bench.now, second, &Outcome::Unreachable);
    assert_eq!(response(&served).status, 502);
    assert!(
        response(&served)
            .body
            .contains("<center><h1>502 Bad Gateway</h1></center>\r\n<hr><center>nginx</center>")
    );
    let served = ask(&mut bench, "http://web.example.com/");
    let (id, ..) = asked(&served);
    assert_eq!(response(&bench.component.reply(bench.now, id, &Outcome::Timeout)).status, 504);
    assert_eq!(bench.component.reply(bench.now, id, &Outcome::Timeout), Served::Nothing);
}

#[test]
fn pages_of_its_own() {
    let empty = ingress(
        "empty",
        &tree!({"ingressClassName": "nginx", "rules": [{"host": "empty.example.com", "http": {"paths": [
            {"path": "/", "pathType": "Prefix", "backend": {"service": {"name": "empty", "port": {"name": "http"}}}},
            {"path": "/gone", "pathType": "Exact", "backend": {"service": {"name": "gone", "port": {"number": 80}}}},
        ]}}]}),
        &Value::map(),
    );
    let other = ingress(
        "other",
        &tree!({"ingressClassName": "traefik", "rules": [{"host": "other.example.com"}]}),
        &Value::map(),
    );
    let mut bench =
        bench(&[], vec![empty, other, web(tree!({"whitelist-source-range": "10.0.0.0/24"}), false)]);
    for (url, code) in [
        ("http://nobody.example.com/", 404),
        ("http://other.example.com/", 404),
        ("http://empty.example.com/", 503),
        ("http://empty.example.com/gone", 503),
        ("http://web.example.com/", 403),
    ] {
        let served = ask(&mut bench, url);
        assert_eq!(response(&served).status, code, "{url}");
        assert_eq!(header(&response(&served).headers, "Content-Type"), "text/html");
    }
}

#[test]
fn hosts_with_tls_redirect_and_show_their_secret() {
    let mut bench = bench(&[], vec![web(Value::map(), true)]);
    let served = ask(&mut bench, "http://web.example.com/a?b");
    assert_eq!(response(&served).status, 308);
    assert_eq!(header(&response(&served).headers, "Location"), "https://web.example.com/a?b");
    let served = ask(&mut bench, "https://web.example.com/");
    let (id, _, request) = asked(&served);
    assert_eq!(header(&request.headers, "X-Forwarded-Port"), "443");
    let answer = Outcome::Answered(Answer::Http(HttpResponse::new(200, "hi")));
    let served = bench.component.reply(bench.now, id, &answer);
    assert_eq!(
        header(&response(&served).headers, "Strict-Transport-Security"),
        "max-age=31536000; includeSubDomains"
    );
    for (host, secret) in
        [("web.example.com", "default/cert"), ("web.example.com:443", "default/cert"), ("x.example.com", "")]
    {
        assert_eq!(bench.component.secret_of(host), secret, "{host}");
    }
    bench.server.change(bench.now, INGRESSES, "default/web", |ingress| {
        let key = "nginx.ingress.kubernetes.io/ssl-redirect";
        ingress.set(&["metadata", "annotations", key], "false");
    });
    bench.run(10 * SECOND);
    asked(&ask(&mut bench, "http://web.example.com/a"));
}

#[test]
fn status_and_events_tell_of_it() {
    let status = |bench: &Bench<IngressController>| {
        bench.server.object(INGRESSES, "default/web")["status"]["loadBalancer"]["ingress"].to_json()
    };
    let mut bench_ = bench(&["--report-node-internal-ip-address"], vec![web(Value::map(), false)]);
    assert_eq!(status(&bench_), r#"[{"ip":"10.64.140.11"}]"#);
    let events: Vec<String> = bench_
        .server
        .all(EVENTS)
        .iter()
        .map(|event| {
            format!(
                "{} {} {}",
                event["involvedObject"]["kind"].str(),
                event["reason"].str(),
                event["message"].str()
            )
        })
        .collect();
    assert!(events.contains(&"Ingress Sync Scheduled for sync".to_string()), "{events:?}");
    assert!(
        events.contains(&"Pod RELOAD NGINX reload triggered due to a change in configuration".to_string())
    );
    // A new one gets its address within a minute.
    let late = ingress(
        "late",
        &tree!({"ingressClassName": "nginx", "rules": [{"host": "late.example.com"}]}),
        &Value::map(),
    );
    bench_.server.put(bench_.now, INGRESSES, late);
    bench_.run(MINUTE + SECOND);
    let late = bench_.server.object(INGRESSES, "default/late");
    assert_eq!(late["status"]["loadBalancer"]["ingress"][0]["ip"].str(), "10.64.140.11");
    for (args, expected) in [
        (&["--publish-status-address=127.0.0.1"][..], r#"[{"ip":"127.0.0.1"}]"#),
        (&["--publish-status-address=localhost"], r#"[{"hostname":"localhost"}]"#),
        (&["--publish-service=default/web"], r#"[{"ip":"10.96.0.9"}]"#),
        (&["--publish-service=default/none"], "null"),
    ] {
        assert_eq!(status(&bench(args, vec![web(Value::map(), false)])), expected, "{args:?}");
    }
}

#[test]
fn classes_decide_whose_an_ingress_is() {
    for (class, annotation, args, is_own) in [
        ("nginx", "", &[][..], true),
        ("other", "", &[], false),
        ("", "nginx", &[], true),
        ("", "other", &[], false),
        ("", "", &[], false),
        ("", "", &["--watch-ingress-without-class=true"], true),
        ("", "public", &["--ingress-class=public"], true),
        ("nginx", "", &["--controller-class=example.com/mine"], false),
    ] {
        let mut one = web(Value::map(), false);
        one.set(&["spec", "ingressClassName"], class);
        if !annotation.is_empty() {
            one.set(&["metadata", "annotations", "kubernetes.io/ingress.class"], annotation);
        }
        let bench = bench(args, vec![one]);
        let has = bench.component.config().servers.contains_key("web.example.com");
        assert_eq!(has, is_own, "{class:?} {annotation:?} {args:?}");
    }
}

#[test]
fn canaries_take_their_share() {
    let canary = |annotations: Value| Canary::of(&ingress("c", &Value::map(), &annotations)).unwrap();
    let weight = canary(tree!({"canary": "true", "canary-weight": "30"}));
    let share = (0..10_000).filter(|n| weight.takes(None, None, Chance::new(1).draw("x", "y", *n))).count();
    assert!((2_800..3_200).contains(&share), "{share}");
    let header = canary(tree!({"canary": "true", "canary-by-header": "X-Canary", "canary-weight": "0"}));
    assert!(header.takes(Some("always"), None, 50) && !header.takes(Some("never"), None, 50));
    assert!(!header.takes(Some("maybe"), None, 50) && !header.takes(None, None, 50));
    let value = canary(tree!({"canary": "true", "canary-by-header": "R", "canary-by-header-value": "eu"}));
    assert!(value.takes(Some("eu"), None, 50) && !value.takes(Some("always"), None, 50));
    let cookie = canary(tree!({"canary": "true", "canary-by-cookie": "c"}));
    assert!(cookie.takes(None, Some("always"), 50) && !cookie.takes(None, Some("x"), 50));
}

#[test]
fn the_manifests_are_whole() {
    use crate::Provider;
    for (provider, kind, exposed) in [
        (Provider::Cloud, "Deployment", "LoadBalancer"),
        (Provider::Baremetal, "Deployment", "NodePort"),
        (Provider::Minikube, "Deployment", "NodePort"),
        (Provider::Microk8s, "DaemonSet", ""),
    ] {
        let objects = manifests(provider);
        assert_eq!(objects[0]["kind"].str(), "Namespace");
        let of = |kind: &str| objects.iter().find(|object| object["kind"].str() == kind);
        assert_eq!(of("Service").map_or("", |service| service["spec"]["type"].str()), exposed);
        let template = &of(kind).unwrap()["spec"]["template"];
        assert!(template["spec"]["containers"][0]["image"].str().contains("ingress-nginx/controller"));
        let account = template["spec"]["serviceAccountName"].str();
        assert!(
            objects.iter().any(|one| one["kind"].str() == "ServiceAccount" && meta::name(one) == account)
        );
    }
}
