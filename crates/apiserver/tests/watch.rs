//! Watches: what each is told, and that a clone goes on as its original does.

use api::{Accept, EventType, Method, PatchType, Request, Value, meta, tree};
use apiserver::{ApiServer, NodeRequestKind, Options};
use sim::Time;

const NOW: Time = Time::EPOCH;

fn server() -> ApiServer {
    ApiServer::new(NOW, Options::default())
}

fn send(server: &mut ApiServer, request: Request) -> Value {
    let response = server.handle(NOW, &request);
    assert!(response.is_success(), "{:?}", response.body);
    response.body
}

fn create_pod(server: &mut ApiServer, name: &str, app: &str) -> Value {
    let pod = tree!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": name, "labels": {"app": app}},
        "spec": {"containers": [{"name": "c", "image": "nginx"}]},
    });
    send(server, Request::new(Method::Post, "/api/v1/namespaces/default/pods").body(pod))
}

fn label(server: &mut ApiServer, name: &str, app: &str) {
    let mut request = Request::new(Method::Patch, format!("/api/v1/namespaces/default/pods/{name}"))
        .body(tree!({"metadata": {"labels": {"app": app}}}));
    request.patch = PatchType::Merge;
    send(server, request);
}

fn bind(server: &mut ApiServer, name: &str, node: &str) {
    let binding = tree!({"metadata": {"name": name}, "target": {"kind": "Node", "name": node}});
    let path = format!("/api/v1/namespaces/default/pods/{name}/binding");
    send(server, Request::new(Method::Post, path).body(binding));
}

fn watch(server: &mut ApiServer, path: &str, query: &[(&str, &str)]) -> u64 {
    let mut request = Request::new(Method::Get, path).query("watch", "true");
    for (name, value) in query {
        request = request.query(name, *value);
    }
    let response = server.handle(NOW, &request);
    assert_eq!(response.code, 200, "{:?}", response.body);
    assert_ne!(response.stream, 0);
    response.stream
}

/// Takes what was told, as `STREAM EVENT NAME`.
fn told(server: &mut ApiServer) -> Vec<String> {
    let events = server.take_watch_events();
    let text = |(stream, _, event): (u64, i64, api::WatchEvent)| {
        format!("{stream} {} {}", event.event.as_str(), meta::name(&event.object))
    };
    events.into_iter().map(text).collect()
}

#[test]
fn tells_what_enters_changes_and_leaves_a_selection() {
    let mut server = server();
    create_pod(&mut server, "a", "web");
    let from = server.revision().to_string();
    let everything = watch(&mut server, "/api/v1/pods", &[("resourceVersion", &from)]);
    let web = watch(
        &mut server,
        "/api/v1/namespaces/default/pods",
        &[("labelSelector", "app=web"), ("resourceVersion", &from)],
    );
    let node = watch(
        &mut server,
        "/api/v1/pods",
        &[("fieldSelector", "spec.nodeName=n1"), ("resourceVersion", &from)],
    );
    let named = watch(
        &mut server,
        "/api/v1/pods",
        &[("fieldSelector", "metadata.name=b"), ("resourceVersion", &from)],
    );
    let elsewhere = watch(&mut server, "/api/v1/namespaces/kube-system/pods", &[("resourceVersion", &from)]);
    assert_eq!([everything, web, node, named, elsewhere], [1, 2, 3, 4, 5]);
    assert_eq!(told(&mut server), Vec::<String>::new());

    create_pod(&mut server, "b", "db");
    assert_eq!(told(&mut server), ["1 ADDED b", "4 ADDED b"]);
    label(&mut server, "b", "web");
    assert_eq!(told(&mut server), ["1 MODIFIED b", "2 ADDED b", "4 MODIFIED b"]);
    bind(&mut server, "b", "n1");
    assert_eq!(told(&mut server), ["1 MODIFIED b", "2 MODIFIED b", "3 ADDED b", "4 MODIFIED b"]);
    label(&mut server, "b", "db");
    assert_eq!(told(&mut server), ["1 MODIFIED b", "2 DELETED b", "3 MODIFIED b", "4 MODIFIED b"]);
    server.close_stream(everything);
    let mut delete = Request::new(Method::Delete, "/api/v1/namespaces/default/pods/b");
    delete.body = tree!({"gracePeriodSeconds": 0});
    send(&mut server, delete);
    assert_eq!(told(&mut server), ["3 MODIFIED b", "4 MODIFIED b", "3 DELETED b", "4 DELETED b"]);
}

#[test]
fn begins_with_what_is_there_or_where_it_left_off() {
    let mut server = server();
    create_pod(&mut server, "a", "web");
    let from = server.revision().to_string();
    create_pod(&mut server, "b", "web");
    watch(&mut server, "/api/v1/pods", &[]);
    assert_eq!(told(&mut server), ["1 ADDED a", "1 ADDED b"]);
    watch(&mut server, "/api/v1/pods", &[("resourceVersion", &from)]);
    assert_eq!(told(&mut server), ["2 ADDED b"]);
    let query = [("sendInitialEvents", "true"), ("allowWatchBookmarks", "true")];
    watch(&mut server, "/api/v1/pods", &query);
    let events = server.take_watch_events();
    let (_, revision, last) = events.last().unwrap();
    assert_eq!(last.event, EventType::Bookmark);
    assert_eq!(meta::annotation(&last.object, "k8s.io/initial-events-end"), "true");
    assert_eq!(*revision, server.revision());

    server.compact(server.revision());
    watch(&mut server, "/api/v1/pods", &[("resourceVersion", &from)]);
    let events = server.take_watch_events();
    assert_eq!(events[0].2.event, EventType::Error);
    assert_eq!(events[0].2.object["code"].int(), 410);
    let too_old = format!("too old resource version: {from} ({})", server.revision());
    assert_eq!(events[0].2.object["message"].str(), too_old);
    server.send_bookmarks();
    assert_eq!(told(&mut server), ["3 BOOKMARK "]);
}

#[test]
fn tells_in_the_form_that_is_wanted() {
    let mut server = server();
    let request = Request::new(Method::Get, "/api/v1/pods").query("watch", "true").accept(Accept::Table);
    server.handle(NOW, &request);
    create_pod(&mut server, "a", "web");
    let events = server.take_watch_events();
    let table = &events[0].2.object;
    assert_eq!((table["kind"].str(), table["rows"][0]["cells"][2].str()), ("Table", "Pending"));
}

#[test]
fn a_dry_run_changes_nothing() {
    let mut server = server();
    let before = server.revision();
    watch(&mut server, "/api/v1/services", &[("resourceVersion", "289")]);
    let service = tree!({
        "apiVersion": "v1", "kind": "Service", "metadata": {"name": "s"},
        "spec": {"type": "NodePort", "ports": [{"port": 80}]},
    });
    let request = Request::new(Method::Post, "/api/v1/namespaces/default/services")
        .query("dryRun", "All")
        .body(service);
    let first = send(&mut server, request.clone());
    assert!(first["metadata"]["resourceVersion"].is_null());
    assert_eq!(send(&mut server, request.clone()), first, "nothing was taken");
    assert_eq!((server.revision(), told(&mut server).len()), (before, 0));
    let mut real = request;
    real.query.clear();
    let made = send(&mut server, real);
    assert_eq!(made["spec"]["clusterIP"], first["spec"]["clusterIP"], "a draw depends on its address only");
}

#[test]
fn a_clone_goes_on_as_its_original() {
    let mut one = server();
    create_pod(&mut one, "a", "web");
    watch(&mut one, "/api/v1/pods", &[]);
    let mut two = one.clone();
    for server in [&mut one, &mut two] {
        create_pod(server, "b", "web");
        bind(server, "b", "n1");
    }
    assert_eq!(one.take_watch_events(), two.take_watch_events());
}

#[test]
fn passes_logs_and_commands_to_the_kubelet() {
    let mut server = server();
    create_pod(&mut server, "a", "web");
    let path = "/api/v1/namespaces/default/pods/a/exec";
    let exec =
        Request::new(Method::Post, path).query("command", "ls").query("command", "/").query("tty", "true");
    let refused = server.handle(NOW, &exec);
    assert_eq!(refused.body["message"].str(), "pod a does not have a host assigned");
    bind(&mut server, "a", "n1");
    let response = server.handle(NOW, &exec);
    assert_eq!(response.code, 101);
    let requests = server.take_node_requests();
    assert_eq!((requests[0].stream, requests[0].node.as_str()), (response.stream, "n1"));
    let command = vec!["ls".to_string(), "/".to_string()];
    assert_eq!(requests[0].kind, NodeRequestKind::Exec { command, stdin: false, tty: true });
    let wrong = Request::new(Method::Get, "/api/v1/namespaces/default/pods/a/log").query("container", "x");
    assert_eq!(server.handle(NOW, &wrong).body["message"].str(), "container x is not valid for pod a");
}
