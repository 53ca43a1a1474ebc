//! Requests by hand: what a client meets that speaks bare HTTP.

use crate::server::{Server, read_chunk, read_head};
use serde_json::{Value, json};

fn config_map(name: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": {"a": "b"}})
}

const MAPS: &str = "/api/v1/namespaces/default/configmaps";

#[test]
fn a_client_finds_what_it_looks_for() {
    let server = Server::start();
    assert_eq!(server.get("/version").json()["gitVersion"], "v1.36.2");
    assert_eq!(server.get("/readyz").body, "ok");
    let metrics = server.get("/metrics");
    assert!(metrics.body.contains("\napiserver_storage_objects{resource=\"nodes\"} 3\n"), "{}", metrics.body);
    let nodes = server.get("/api/v1/nodes").json();
    assert_eq!((nodes["kind"].as_str(), nodes["items"].as_array().unwrap().len()), (Some("NodeList"), 3));
    let table = "Accept: application/json;as=Table;v=v1;g=meta.k8s.io,application/json";
    let table = server.send("GET /api/v1/nodes", &[table], b"").json();
    assert_eq!((&table["kind"], &table["rows"][0]["cells"][0]), (&json!("Table"), &json!("node-1")));
    let discovery = "Accept: application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";
    let discovery = server.send("GET /apis", &[discovery], b"");
    assert!(discovery.head.contains("as=APIGroupDiscoveryList"));
    assert_eq!(discovery.json()["items"][0]["versions"][0]["freshness"], "Current");
    let index = server.get("/openapi/v3").json();
    let document = server.get(index["paths"]["apis/apps/v1"]["serverRelativeURL"].as_str().unwrap()).json();
    assert!(document["components"]["schemas"]["io.k8s.api.apps.v1.Deployment"].is_object());
    let page = server.get("/api/v1/namespaces?limit=2").json();
    let next = page["metadata"]["continue"].as_str().unwrap();
    let rest = server.get(&format!("/api/v1/namespaces?limit=2&continue={next}")).json();
    assert_eq!(rest["items"].as_array().unwrap().len(), 2);
}

#[test]
fn objects_come_change_and_go() {
    let server = Server::start();
    let made = server.post(MAPS, &config_map("one"));
    assert_eq!(made.code, 201);
    assert_eq!(server.post(MAPS, &config_map("one")).json()["reason"], "AlreadyExists");
    let dry = server.post(&format!("{MAPS}?dryRun=All"), &config_map("dry"));
    assert_eq!((dry.code, server.get(&format!("{MAPS}/dry")).code), (201, 404));
    let patch = |form: &str, body: &str, query: &str| {
        let form = format!("Content-Type: {form}");
        server.send(&format!("PATCH {MAPS}/one{query}"), &[&form], body.as_bytes())
    };
    let merged = patch("application/merge-patch+json", r#"{"data":{"c":"d"}}"#, "");
    assert_eq!(merged.json()["data"], json!({"a": "b", "c": "d"}));
    let applied = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: one}\ndata: {a: other}\n";
    let conflict = patch("application/apply-patch+yaml", applied, "?fieldManager=me");
    assert_eq!((conflict.code, &conflict.json()["reason"]), (409, &json!("Conflict")));
    let forced = patch("application/apply-patch+yaml", applied, "?fieldManager=me&force=true");
    assert_eq!(forced.json()["data"]["a"], "other");
    let stale = merged.json();
    let stale = server.send(
        &format!("PUT {MAPS}/one"),
        &["Content-Type: application/json"],
        stale.to_string().as_bytes(),
    );
    assert_eq!(stale.code, 409);
    let unknown = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "x"}, "dat": 1});
    let strict = server.post(&format!("{MAPS}?fieldValidation=Strict"), &unknown);
    assert_eq!(
        (strict.code, strict.json()["message"].as_str().unwrap().contains("unknown field")),
        (400, true)
    );
    assert!(
        server
            .post(&format!("{MAPS}?fieldValidation=Warn"), &unknown)
            .head
            .contains("warning: 299 - \"unknown")
    );
    assert_eq!(server.send(&format!("DELETE {MAPS}/one"), &[], b"").code, 200);
    assert_eq!(server.get(&format!("{MAPS}/one")).json()["reason"], "NotFound");
}

#[test]
fn watches_tell_of_changes() {
    let server = Server::start();
    let list = server.get(MAPS).json();
    let from = list["metadata"]["resourceVersion"].as_str().unwrap();
    let request = format!("GET {MAPS}?watch=true&resourceVersion={from}&fieldSelector=metadata.name%3Dtwo");
    let mut watch = server.open(&request, &[], b"");
    assert_eq!(read_head(&mut watch).0, 200);
    server.post(MAPS, &config_map("one"));
    server.post(MAPS, &config_map("two"));
    server.send(&format!("DELETE {MAPS}/two"), &[], b"");
    for (event, name) in [("ADDED", "two"), ("DELETED", "two")] {
        let chunk = String::from_utf8(read_chunk(&mut watch).unwrap()).unwrap();
        let told: Value = serde_json::from_str(&chunk).unwrap();
        assert_eq!((&told["type"], &told["object"]["metadata"]["name"]), (&json!(event), &json!(name)));
    }
    let old = server.send(&format!("GET {MAPS}?watch=true&resourceVersion=1&timeoutSeconds=1"), &[], b"");
    let told: Value = serde_json::from_str(old.body.lines().next().unwrap()).unwrap();
    assert_eq!((&told["type"], &told["object"]["code"]), (&json!("ERROR"), &json!(410)));
}

#[test]
fn bad_requests_are_answered() {
    let server = Server::start();
    let long = vec![b' '; 50 * 1024 * 1024];
    let future = br#"{"apiVersion":"v9","kind":"ConfigMap","metadata":{"name":"x"}}"#;
    let authorization = format!(
        "Authorization: Bearer {}",
        server.config().split("token: ").nth(1).unwrap().lines().next().unwrap()
    );
    for (request, headers, body, code) in [
        (format!("POST {MAPS}"), vec!["Content-Type: application/json"], &b"{"[..], 400),
        (format!("POST {MAPS}"), vec!["Content-Type: application/json"], b"\xff\xfe", 400),
        (format!("POST {MAPS}"), vec!["Content-Type: text/plain"], b"{}", 415),
        (
            format!("POST {MAPS}"),
            vec!["Content-Type: application/vnd.kubernetes.protobuf"],
            b"k8s\0\x0a\x7f",
            400,
        ),
        (format!("POST {MAPS}"), vec!["Content-Type: application/json"], &long, 413),
        (format!("POST {MAPS}"), vec!["Content-Type: application/json"], &future[..], 400),
        ("GET /apis/apps/v9/deployments".to_string(), vec![], b"", 404),
        ("GET /api/v1/namespaces/default/configmaps/..%2f..%2fsecrets".to_string(), vec![], b"", 404),
        (format!("PATCH {MAPS}/x"), vec!["Content-Type: application/json"], b"{}", 415),
        (format!("GET {MAPS}"), vec!["Accept: text/html"], b"", 406),
        (
            "GET /openapi/v2".to_string(),
            vec!["Accept: application/com.github.proto-openapi.spec.v2@v1.0+protobuf"],
            b"",
            406,
        ),
        (format!("GET {MAPS}"), vec!["Authorization: Bearer of-another-cluster"], b"", 401),
        (format!("GET {MAPS}"), vec![&*authorization], b"", 200),
        (format!("GET {MAPS}"), vec!["Impersonate-User: kim"], b"", 403),
        (format!("GET {MAPS}"), vec!["Origin: http://elsewhere.example"], b"", 403),
        ("GET /api/v1/../v1/secrets".to_string(), vec![], b"", 404),
        (format!("GET {MAPS}?resourceVersion=99999999&watch=1&timeoutSeconds=1"), vec![], b"", 200),
        ("OPTIONS /api".to_string(), vec![], b"", 405),
        (
            "GET /api/v1/namespaces/default/pods/x/exec?command=ls".to_string(),
            vec!["Connection: Upgrade", "Upgrade: websocket"],
            b"",
            404,
        ),
    ] {
        let answer = server.send(&request, &headers, body);
        assert_eq!(answer.code, code, "{request} {headers:?}: {}", answer.body);
        if code >= 400 {
            assert_eq!(answer.json()["kind"], "Status", "{request}");
        }
    }
}

#[test]
fn controllers_work_as_on_the_page() {
    let server = Server::start();
    let deployment = json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"},
        "spec": {"replicas": 2, "selector": {"matchLabels": {"app": "web"}}, "template": {
            "metadata": {"labels": {"app": "web"}}, "spec": {"containers": [{"name": "c", "image": "nginx:1.25"}]},
        }},
    });
    let path = "/apis/apps/v1/namespaces/default/deployments";
    let made = server.post(path, &deployment);
    assert_eq!(made.code, 201);
    assert!(made.json()["status"]["readyReplicas"].is_null(), "nothing is ready at once");
    let from = made.json()["metadata"]["resourceVersion"].as_str().unwrap().to_string();
    let mut watch = server.open(&format!("GET {path}?watch=true&resourceVersion={from}"), &[], b"");
    read_head(&mut watch);
    let mut events = 0;
    loop {
        let told: Value = serde_json::from_slice(&read_chunk(&mut watch).unwrap()).unwrap();
        events += 1;
        if told["object"]["status"]["readyReplicas"] == 2 {
            break;
        }
        assert!(events < 50);
    }
    assert!(events > 2, "the rollout takes its steps");
    let pods = server.get("/api/v1/namespaces/default/pods?labelSelector=app%3Dweb").json();
    let name = pods["items"][0]["metadata"]["name"].as_str().unwrap();
    let logs = server.get(&format!("/api/v1/namespaces/default/pods/{name}/log"));
    assert!(logs.head.contains("text/plain") && logs.body.contains("ready for start up"), "{}", logs.body);
}

#[test]
fn a_thousand_connections_and_a_watch_that_never_reads() {
    let server = Server::start();
    let made = server.post(MAPS, &config_map("busy"));
    let from = made.json()["metadata"]["resourceVersion"].as_str().unwrap().to_string();
    // It is never read from, and neither are those that follow.
    let _stalled = server.open(&format!("GET {MAPS}?watch=true&resourceVersion={from}"), &[], b"");
    let idle: Vec<_> =
        (0..1_000).filter_map(|_| std::net::TcpStream::connect(&server.address).ok()).collect();
    assert!(idle.len() > 900, "{}", idle.len());
    let before = server.memory_mib();
    let filler = "x".repeat(64 * 1024);
    let writers: Vec<_> = (0..4).collect();
    std::thread::scope(|scope| {
        for writer in &writers {
            let (server, filler) = (&server, &filler);
            scope.spawn(move || {
                for i in 0..100 {
                    let patch =
                        json!({"data": {"writer": format!("{writer}-{i}"), "filler": filler}}).to_string();
                    let form = ["Content-Type: application/merge-patch+json"];
                    let told = server.send(&format!("PATCH {MAPS}/busy"), &form, patch.as_bytes());
                    assert_eq!(told.code, 200, "{}", told.body);
                }
            });
        }
    });
    // 400 events of 64 KiB wait, which the history keeps, too; not their texts.
    let grown = server.memory_mib().saturating_sub(before);
    assert!(grown < 150, "{grown} MiB for a watch that isn't read");
    assert_eq!(server.get(&format!("{MAPS}/busy")).code, 200);
}

#[test]
fn health_and_the_old_document() {
    let server = Server::start();
    let verbose = server.get("/readyz?verbose").body;
    assert!(verbose.starts_with("[+]ping ok\n") && verbose.ends_with("readyz check passed\n"), "{verbose}");
    assert_eq!(server.get("/livez/etcd").body, "ok");
    let document = server.get("/openapi/v2").json();
    let path = &document["paths"]["/apis/apps/v1/namespaces/{namespace}/deployments/{name}"];
    assert_eq!(path["patch"]["operationId"], "patchAppsV1NamespacedDeployment");
    assert!(document["definitions"]["io.k8s.api.apps.v1.Deployment"].is_object());
}
