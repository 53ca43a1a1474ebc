//! kube-rs: a controller of a kind of its own, with a finalizer and a status; a leader; what is attached to.

use crate::kube_rs::{client, parse, running, soon};
use crate::server::Server;
use futures_util::StreamExt;
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::api::core::v1::{ConfigMap, Pod};
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::api::{AttachParams, DeleteParams, Patch, PatchParams, PostParams};
use kube::runtime::controller::Action;
use kube::runtime::finalizer::{Event, finalizer};
use kube::runtime::{Controller, finalizer as kept, wait, watcher};
use kube::{Api, Client, CustomResource, Error, Resource, ResourceExt};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// What somebody wants of a site.
#[derive(CustomResource, Clone, Debug, Deserialize, Serialize)]
#[kube(
    group = "web.example",
    version = "v1",
    kind = "Site",
    namespaced,
    status = "SiteStatus",
    schema = "disabled"
)]
struct SiteSpec {
    size: i32,
}

/// How a site is.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
struct SiteStatus {
    ready: i32,
}

fn definition() -> Value {
    let whole = json!({"type": "object", "properties": {"size": {"type": "integer", "minimum": 1}}});
    let told = json!({"type": "object", "properties": {"ready": {"type": "integer"}}});
    json!({
        "metadata": {"name": "sites.web.example"},
        "spec": {
            "group": "web.example", "scope": "Namespaced", "names": {"plural": "sites", "kind": "Site"},
            "versions": [{"name": "v1", "served": true, "storage": true, "subresources": {"status": {}},
                "schema": {"openAPIV3Schema": {"type": "object", "properties": {"spec": whole, "status": told}}}}],
        },
    })
}

async fn reconcile(site: Arc<Site>, client: Arc<Client>) -> Result<Action, kept::Error<Error>> {
    let sites: Api<Site> = Api::default_namespaced((*client).clone());
    finalizer(&sites, "web.example/goodbye", site, |event| async {
        match event {
            Event::Apply(site) => apply(&site, &client).await,
            Event::Cleanup(site) => {
                let maps: Api<ConfigMap> = Api::default_namespaced((*client).clone());
                let name = format!("goodbye-{}", site.name_any());
                maps.create(&PostParams::default(), &parse(json!({"metadata": {"name": name}}))).await?;
                Ok(Action::await_change())
            }
        }
    })
    .await
}

async fn apply(site: &Site, client: &Client) -> Result<Action, Error> {
    let (name, labels) = (site.name_any(), json!({"app": site.name_any()}));
    let wanted = json!({
        "apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {"name": name, "ownerReferences": [site.controller_owner_ref(&()).unwrap()]},
        "spec": {"replicas": site.spec.size, "selector": {"matchLabels": labels}, "template": {
            "metadata": {"labels": labels}, "spec": {"containers": [{"name": "c", "image": "nginx:1.25"}]},
        }},
    });
    let deployments: Api<Deployment> = Api::default_namespaced(client.clone());
    let params = PatchParams::apply("sites.web.example").force();
    let made = deployments.patch(&name, &params, &Patch::Apply(&wanted)).await?;
    let ready = made.status.and_then(|status| status.ready_replicas).unwrap_or(0);
    let sites: Api<Site> = Api::default_namespaced(client.clone());
    let status = json!({"status": SiteStatus { ready }});
    sites.patch_status(&name, &PatchParams::default(), &Patch::Merge(&status)).await?;
    Ok(Action::requeue(Duration::from_secs(300)))
}

#[tokio::test]
async fn a_controller_has_a_kind_of_its_own() {
    let server = Server::start();
    let client = client(&server).await;
    let definitions: Api<CustomResourceDefinition> = Api::all(client.clone());
    definitions.create(&PostParams::default(), &parse(definition())).await.unwrap();
    let established =
        wait::await_condition(definitions, "sites.web.example", wait::conditions::is_crd_established());
    soon("the kind", established).await.unwrap();
    let sites: Api<Site> = Api::default_namespaced(client.clone());
    let deployments: Api<Deployment> = Api::default_namespaced(client.clone());
    let controller = Controller::new(sites.clone(), watcher::Config::default())
        .owns(deployments.clone(), watcher::Config::default())
        .run(reconcile, |_, _, _| Action::requeue(Duration::from_millis(100)), Arc::new(client.clone()))
        .for_each(|_| async {});
    let work = tokio::spawn(controller);
    let wrong = sites.create(&PostParams::default(), &Site::new("none", SiteSpec { size: 0 })).await;
    assert!(
        wrong.unwrap_err().to_string().contains("spec.size in body should be greater than or equal to 1")
    );
    sites.create(&PostParams::default(), &Site::new("web", SiteSpec { size: 2 })).await.unwrap();
    let ready = |count: i32| {
        move |site: Option<&Site>| {
            site.and_then(|site| site.status.as_ref()).is_some_and(|status| status.ready == count)
        }
    };
    soon("two pods", wait::await_condition(sites.clone(), "web", ready(2))).await.unwrap();
    let site = sites.get("web").await.unwrap();
    assert_eq!(site.finalizers(), ["web.example/goodbye"]);
    assert_eq!(site.metadata.generation, Some(1), "a status is no new generation");
    let grown = Patch::Merge(json!({"spec": {"size": 3}}));
    sites.patch("web", &PatchParams::default(), &grown).await.unwrap();
    soon("three pods", wait::await_condition(sites.clone(), "web", ready(3))).await.unwrap();
    let uid = deployments.get("web").await.unwrap().uid().unwrap();
    sites.delete("web", &DeleteParams::default()).await.unwrap();
    let own = site.uid().unwrap();
    let gone = wait::await_condition(sites, "web", wait::conditions::is_deleted(&own));
    soon("the site to go", gone).await.unwrap();
    let maps: Api<ConfigMap> = Api::default_namespaced(client);
    assert_eq!(
        maps.get("goodbye-web").await.unwrap().name_any(),
        "goodbye-web",
        "the finalizer did its work"
    );
    let gone = wait::await_condition(deployments, "web", wait::conditions::is_deleted(&uid));
    soon("what was owned to go", gone).await.unwrap();
    work.abort();
}

/// Tries once to hold a lease for two seconds, as client-go's elector does. Returns whether it is held.
async fn campaign(leases: &Api<Lease>, me: &str) -> bool {
    let now = || json!(k8s_openapi::apimachinery::pkg::apis::meta::v1::MicroTime(jiff()));
    let Some(found) = leases.get_opt("lead").await.unwrap() else {
        let spec = json!({"holderIdentity": me, "leaseDurationSeconds": 2, "renewTime": now(), "acquireTime": now()});
        let lease = parse(json!({"metadata": {"name": "lead"}, "spec": spec}));
        return leases.create(&PostParams::default(), &lease).await.is_ok();
    };
    let mut lease = json!(found);
    let spec = found.spec.unwrap();
    let is_mine = spec.holder_identity.as_deref() == Some(me);
    let renewed = spec.renew_time.map_or(0, |time| time.0.as_second());
    if !is_mine && jiff().as_second() < renewed + 2 {
        return false;
    }
    lease["spec"]["holderIdentity"] = json!(me);
    lease["spec"]["renewTime"] = now();
    if !is_mine {
        lease["spec"]["leaseTransitions"] = json!(spec.lease_transitions.unwrap_or(0) + 1);
    }
    // The one whose version is old loses.
    leases.replace("lead", &PostParams::default(), &parse(lease)).await.is_ok()
}

fn jiff() -> k8s_openapi::jiff::Timestamp {
    k8s_openapi::jiff::Timestamp::now()
}

#[tokio::test]
async fn one_leads_until_it_is_gone() {
    let server = Server::start();
    let leases: Api<Lease> = Api::default_namespaced(client(&server).await);
    let all = ["a", "b", "c", "d"];
    let held = futures_util::future::join_all(all.map(|me| campaign(&leases, me))).await;
    assert_eq!(held.iter().filter(|held| **held).count(), 1, "{held:?}");
    let leader = all[held.iter().position(|held| *held).unwrap()];
    // While it renews nobody else gets the lease.
    for _ in 0..6 {
        tokio::time::sleep(Duration::from_millis(500)).await;
        assert!(campaign(&leases, leader).await);
        let others = all.into_iter().filter(|me| *me != leader).map(|me| campaign(&leases, me));
        assert!(futures_util::future::join_all(others).await.iter().all(|held| !held));
    }
    // It is gone: one of the others takes over.
    let next = soon("another leader", async {
        loop {
            let others = all.into_iter().filter(|me| *me != leader).map(|me| campaign(&leases, me));
            let held = futures_util::future::join_all(others).await;
            let count = held.iter().filter(|held| **held).count();
            assert!(count <= 1, "{held:?}");
            if count == 1 {
                break leases.get("lead").await.unwrap().spec.unwrap();
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    })
    .await;
    assert_ne!(next.holder_identity.as_deref(), Some(leader));
    assert_eq!(next.lease_transitions, Some(1));
}

#[tokio::test]
async fn somebody_attaches() {
    let server = Server::start();
    let pods: Api<Pod> = Api::default_namespaced(client(&server).await);
    let shell = json!({"image": "busybox:1.36", "command": ["sh"], "stdin": true, "tty": true});
    running(&pods, "shell", shell).await;
    let params = AttachParams { container: Some("c".to_string()), ..AttachParams::interactive_tty() };
    let mut process = pods.attach("shell", &params).await.unwrap();
    let (mut typed, mut printed) = (process.stdin().unwrap(), process.stdout().unwrap());
    let ended = process.take_status().unwrap();
    typed.write_all(b"echo $((6 * 7))\n").await.unwrap();
    let mut text = String::new();
    soon("an answer", async {
        let mut chunk = [0; 256];
        while !text.contains("42") {
            let length = printed.read(&mut chunk).await.unwrap();
            assert!(length > 0, "{text}");
            text.push_str(&String::from_utf8_lossy(&chunk[..length]));
        }
    })
    .await;
    // The shell is the container's process: with it the connection ends.
    typed.write_all(b"exit\n").await.unwrap();
    let ended = soon("the end", ended).await.unwrap();
    assert_eq!(ended.status.as_deref(), Some("Success"));
    // Without an input there is what the process prints.
    let talks =
        json!({"image": "busybox:1.36", "command": ["sh", "-c", "while true; do echo tick; sleep 1; done"]});
    running(&pods, "talks", talks).await;
    let params = AttachParams { container: Some("c".to_string()), ..AttachParams::default() };
    let mut process = pods.attach("talks", &params).await.unwrap();
    let mut printed = process.stdout().unwrap();
    let mut chunk = [0; 256];
    let length = soon("a tick", printed.read(&mut chunk)).await.unwrap();
    assert!(String::from_utf8_lossy(&chunk[..length]).contains("tick"));
    let missing = pods.attach("nobody", &params).await.map(drop).unwrap_err();
    assert!(missing.to_string().contains("404"), "{missing}");
}
