//! kube-rs: reflectors, a controller, patches, logs, commands in containers.

use crate::server::Server;
use futures_util::{AsyncBufReadExt, StreamExt, TryStreamExt};
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{ConfigMap, Pod};
use kube::api::{AttachParams, DeleteParams, ListParams, LogParams, Patch, PatchParams, PostParams};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::runtime::controller::Action;
use kube::runtime::{Controller, WatchStreamExt, reflector, wait, watcher};
use kube::{Api, Client, Config, Error, Resource, ResourceExt};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::fmt::Debug;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// How long anything may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// Makes a client of a kubeconfig.
pub async fn client(server: &Server) -> Client {
    let file = Kubeconfig::read_from(&server.kubeconfig).unwrap();
    let config = Config::from_custom_kubeconfig(file, &KubeConfigOptions::default()).await.unwrap();
    Client::try_from(config).unwrap()
}

/// Waits for something, not for ever.
pub async fn soon<T>(what: &str, work: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, work).await.unwrap_or_else(|_| panic!("{what}: not in time"))
}

/// Makes an object of its JSON.
pub fn parse<T: DeserializeOwned>(object: Value) -> T {
    serde_json::from_value(object).unwrap()
}

fn map(name: &str, data: Value) -> ConfigMap {
    parse(json!({"metadata": {"name": name}, "data": data}))
}

async fn make<T>(api: &Api<T>, object: Value) -> T
where
    T: Resource + Clone + Debug + DeserializeOwned + serde::Serialize,
{
    api.create(&PostParams::default(), &parse(object)).await.unwrap()
}

/// Makes a pod and waits until it runs.
pub async fn running(pods: &Api<Pod>, name: &str, container: Value) {
    let container = {
        let mut whole = json!({"name": "c"});
        whole.as_object_mut().unwrap().extend(container.as_object().unwrap().clone());
        whole
    };
    make(pods, json!({"metadata": {"name": name}, "spec": {"containers": [container]}})).await;
    let runs = wait::await_condition(pods.clone(), name, wait::conditions::is_pod_running());
    soon("a running pod", runs).await.unwrap();
}

#[tokio::test]
async fn a_reflector_holds_what_the_cluster_holds() {
    let server = Server::start();
    let client = client(&server).await;
    let maps: Api<ConfigMap> = Api::default_namespaced(client);
    for i in 0..30 {
        maps.create(&PostParams::default(), &map(&format!("before-{i}"), json!({}))).await.unwrap();
    }
    for config in [watcher::Config::default().page_size(7), watcher::Config::default().streaming_lists()] {
        let (reader, writer) = reflector::store();
        let stream = reflector(writer, watcher(maps.clone(), config)).touched_objects();
        let work = tokio::spawn(stream.try_for_each(|_| async { Ok(()) }));
        soon("a first list", reader.wait_until_ready()).await.unwrap();
        assert!(reader.len() >= 30, "{}", reader.len());
        maps.create(&PostParams::default(), &map("late", json!({"a": "b"}))).await.unwrap();
        maps.delete("late", &DeleteParams::default()).await.unwrap();
        maps.create(&PostParams::default(), &map("last", json!({"a": "b"}))).await.unwrap();
        let names = || reader.state().iter().map(|map| map.name_any()).collect::<Vec<_>>();
        soon("a change", async {
            while !names().contains(&"last".to_string()) {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        })
        .await;
        assert!(!names().contains(&"late".to_string()));
        maps.delete("last", &DeleteParams::default()).await.unwrap();
        work.abort();
    }
}

/// Makes for each ConfigMap with a size a Deployment of that size, which it owns.
async fn reconcile(map: Arc<ConfigMap>, client: Arc<Client>) -> Result<Action, Error> {
    let Some(size) = map.data.as_ref().and_then(|data| data.get("size")?.parse::<i32>().ok()) else {
        return Ok(Action::await_change());
    };
    let labels = json!({"app": map.name_any()});
    let wanted = json!({
        "apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {"name": map.name_any(), "ownerReferences": [map.controller_owner_ref(&()).unwrap()]},
        "spec": {"replicas": size, "selector": {"matchLabels": labels}, "template": {
            "metadata": {"labels": labels}, "spec": {"containers": [{"name": "c", "image": "nginx:1.25"}]},
        }},
    });
    let deployments: Api<Deployment> = Api::default_namespaced((*client).clone());
    let params = PatchParams::apply("sizes.example").force();
    deployments.patch(&map.name_any(), &params, &Patch::Apply(&wanted)).await?;
    Ok(Action::requeue(Duration::from_secs(300)))
}

#[tokio::test]
async fn a_controller_owns_an_object() {
    let server = Server::start();
    let client = client(&server).await;
    let maps: Api<ConfigMap> = Api::default_namespaced(client.clone());
    let deployments: Api<Deployment> = Api::default_namespaced(client.clone());
    let controller = Controller::new(maps.clone(), watcher::Config::default())
        .owns(deployments.clone(), watcher::Config::default())
        .run(reconcile, |_, _, _| Action::requeue(Duration::from_millis(100)), Arc::new(client))
        .for_each(|_| async {});
    let work = tokio::spawn(controller);
    maps.create(&PostParams::default(), &map("web", json!({"size": "2"}))).await.unwrap();
    let ready = |count: i32| {
        move |found: Option<&Deployment>| {
            let status = found.and_then(|found| found.status.as_ref());
            status
                .is_some_and(|status| status.ready_replicas == Some(count) && status.replicas == Some(count))
        }
    };
    soon("two pods", wait::await_condition(deployments.clone(), "web", ready(2))).await.unwrap();
    // What others change is set right again.
    let meddle = json!({"spec": {"replicas": 5}});
    deployments.patch("web", &PatchParams::default(), &Patch::Merge(&meddle)).await.unwrap();
    soon("two pods again", wait::await_condition(deployments.clone(), "web", ready(2))).await.unwrap();
    let resize = json!({"data": {"size": "3"}});
    maps.patch("web", &PatchParams::default(), &Patch::Merge(&resize)).await.unwrap();
    soon("three pods", wait::await_condition(deployments.clone(), "web", ready(3))).await.unwrap();
    let uid = deployments.get("web").await.unwrap().uid().unwrap();
    maps.delete("web", &DeleteParams::default()).await.unwrap();
    let gone = wait::await_condition(deployments, "web", wait::conditions::is_deleted(&uid));
    soon("what was owned to go", gone).await.unwrap();
    work.abort();
}

#[tokio::test]
async fn patches_of_every_kind() {
    let server = Server::start();
    let maps: Api<ConfigMap> = Api::default_namespaced(client(&server).await);
    maps.create(&PostParams::default(), &map("m", json!({"a": "1", "b": "2"}))).await.unwrap();
    let params = PatchParams::default();
    let operations =
        parse(json!([{"op": "test", "path": "/data/a", "value": "1"}, {"op": "remove", "path": "/data/a"}]));
    let apply =
        json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "m"}, "data": {"e": "5"}});
    for (patch, params, wanted) in [
        (Patch::Merge(json!({"data": {"c": "3"}})), params.clone(), json!({"a": "1", "b": "2", "c": "3"})),
        (Patch::Json(operations), params.clone(), json!({"b": "2", "c": "3"})),
        (Patch::Strategic(json!({"data": {"b": null, "d": "4"}})), params, json!({"c": "3", "d": "4"})),
        (Patch::Apply(apply), PatchParams::apply("me"), json!({"c": "3", "d": "4", "e": "5"})),
    ] {
        let patched = maps.patch("m", &params, &patch).await.unwrap();
        assert_eq!(json!(patched.data), wanted, "{patch:?}");
    }
    let listed = maps.list_metadata(&ListParams::default().fields("metadata.name=m")).await.unwrap();
    assert_eq!(listed.items.len(), 1);
    match maps.patch("none", &PatchParams::default(), &Patch::Merge(json!({"data": {}}))).await {
        Err(Error::Api(status)) => assert_eq!((status.code, &*status.reason), (404, "NotFound")),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn commands_and_logs() {
    let server = Server::start();
    let pods: Api<Pod> = Api::default_namespaced(client(&server).await);
    running(&pods, "web", json!({"image": "nginx:1.25"})).await;
    let mut process = pods.exec("web", ["hostname"], &AttachParams::default()).await.unwrap();
    let mut printed = String::new();
    process.stdout().unwrap().read_to_string(&mut printed).await.unwrap();
    assert_eq!(printed, "web\n");
    let status = process.take_status().unwrap().await.unwrap();
    assert_eq!(status.status.as_deref(), Some("Success"));
    let attach = AttachParams::default().stdin(true);
    let mut process =
        pods.exec("web", ["sh", "-c", "read a; echo got $a >&2; exit 4"], &attach).await.unwrap();
    process.stdin().unwrap().write_all(b"word\n").await.unwrap();
    let mut printed = String::new();
    process.stderr().unwrap().read_to_string(&mut printed).await.unwrap();
    assert_eq!(printed, "got word\n");
    let status = soon("its end", process.take_status().unwrap()).await.unwrap();
    assert_eq!(status.reason.as_deref(), Some("NonZeroExitCode"));
    let command = json!(["sh", "-c", "for i in 1 2 3; do echo line $i; sleep 1; done; sleep 600"]);
    running(&pods, "talk", json!({"image": "busybox", "command": command})).await;
    let follow = LogParams { follow: true, ..LogParams::default() };
    let lines = pods.log_stream("talk", &follow).await.unwrap().lines().take(3);
    let lines: Vec<String> = soon("three lines", lines.try_collect()).await.unwrap();
    assert_eq!(lines, ["line 1", "line 2", "line 3"]);
    let last = LogParams { tail_lines: Some(1), timestamps: true, ..LogParams::default() };
    let last = pods.logs("talk", &last).await.unwrap();
    assert!(last.ends_with("Z line 3\n") && last.lines().count() == 1, "{last}");
    let none = pods.logs("talk", &LogParams { previous: true, ..LogParams::default() }).await;
    assert!(
        none.unwrap_err()
            .to_string()
            .contains("previous terminated container \"c\" in pod \"talk\" not found")
    );
}
