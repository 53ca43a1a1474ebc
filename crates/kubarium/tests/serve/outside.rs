//! What comes from outside into the cluster: forwarded ports and node ports; and who may come in.

use crate::kube_rs::{client, parse, running, soon};
use crate::server::Server;
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{Pod, Service};
use kube::api::{ListParams, PostParams};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::runtime::wait;
use kube::{Api, Client, Config, Error};
use serde_json::json;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

const GET: &[u8] = b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";

#[tokio::test]
async fn ports_are_forwarded() {
    let server = Server::start();
    let pods: Api<Pod> = Api::default_namespaced(client(&server).await);
    running(&pods, "web", json!({"image": "nginx:1.25"})).await;
    running(&pods, "redis", json!({"image": "redis:7"})).await;
    let mut ports = pods.portforward("web", &[80]).await.unwrap();
    let mut stream = ports.take_stream(80).unwrap();
    stream.write_all(GET).await.unwrap();
    let mut answer = String::new();
    soon("an answer", stream.read_to_string(&mut answer)).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.contains("Welcome to nginx!"), "{answer}");
    // Another protocol goes through, too.
    let mut ports = pods.portforward("redis", &[6379]).await.unwrap();
    let mut stream = ports.take_stream(6379).unwrap();
    stream.write_all(b"PING\r\n").await.unwrap();
    let mut answer = [0; 7];
    soon("a pong", stream.read_exact(&mut answer)).await.unwrap();
    assert_eq!(&answer, b"+PONG\r\n");
    // Where nobody listens the kubelet's words come back.
    let mut ports = pods.portforward("web", &[81]).await.unwrap();
    let (mut stream, told) = (ports.take_stream(81).unwrap(), ports.take_error(81).unwrap());
    stream.write_all(GET).await.unwrap();
    let told = soon("a refusal", told).await.unwrap();
    assert!(told.contains("failed to connect to localhost:81 inside namespace"), "{told}");
    assert!(told.contains("connection refused"), "{told}");
}

#[tokio::test]
async fn node_ports_are_open_on_this_machine() {
    let mut server = Server::with(&["--node-ports"]);
    let client = client(&server).await;
    let deployments: Api<Deployment> = Api::default_namespaced(client.clone());
    let services: Api<Service> = Api::default_namespaced(client);
    let labels = json!({"app": "web"});
    let deployment = json!({"metadata": {"name": "web"}, "spec": {
        "replicas": 2, "selector": {"matchLabels": labels}, "template": {
            "metadata": {"labels": labels}, "spec": {"containers": [{"name": "c", "image": "nginx:1.25"}]},
        },
    }});
    deployments.create(&PostParams::default(), &parse(deployment)).await.unwrap();
    let service = json!({"metadata": {"name": "web"}, "spec": {
        "type": "NodePort", "selector": labels, "ports": [{"port": 80, "nodePort": 31_234}],
    }});
    services.create(&PostParams::default(), &parse(service)).await.unwrap();
    let is_ready = |found: Option<&Deployment>| {
        found.and_then(|found| found.status.as_ref()).is_some_and(|status| status.ready_replicas == Some(2))
    };
    soon("two pods", wait::await_condition(deployments, "web", is_ready)).await.unwrap();
    let said = server.hear("node port 31234 is open at ");
    // Between ready pods and rules on the node there is a moment.
    let answer = (0..50).find_map(|_| {
        std::thread::sleep(Duration::from_millis(100));
        let mut connection = TcpStream::connect(said.rsplit(' ').next().unwrap()).unwrap();
        connection.write_all(GET).unwrap();
        let mut answer = String::new();
        connection.read_to_string(&mut answer).ok().filter(|_| !answer.is_empty()).map(|_| answer)
    });
    assert!(answer.unwrap().contains("Welcome to nginx!"));
    services.delete("web", &Default::default()).await.unwrap();
    server.hear("node port 31234 is closed");
}

/// Returns the code that a list of pods is answered with.
async fn code(file: Kubeconfig) -> u16 {
    let config = Config::from_custom_kubeconfig(file, &KubeConfigOptions::default()).await.unwrap();
    let pods: Api<Pod> = Api::default_namespaced(Client::try_from(config).unwrap());
    match pods.list(&ListParams::default()).await {
        Ok(_) => 200,
        Err(Error::Api(status)) => status.code,
        Err(other) => panic!("{other}"),
    }
}

#[tokio::test]
async fn nobody_comes_in_without_proof() {
    let other = Server::start();
    for server in [Server::start(), Server::at("0.0.0.0:0", &[])] {
        let own = Kubeconfig::read_from(&server.kubeconfig).unwrap();
        let strange = Kubeconfig::read_from(&other.kubeconfig).unwrap();
        let with = |users: &Kubeconfig, user: usize| {
            let mut file = own.clone();
            let mut user = users.auth_infos[user].clone();
            user.name = "kubernetes-admin".to_string();
            file.auth_infos = vec![user];
            file
        };
        assert_eq!(code(with(&own, 0)).await, 200, "the certificate");
        assert_eq!(code(with(&own, 1)).await, 200, "the token");
        assert_eq!(code(with(&strange, 0)).await, 401, "another cluster's certificate");
        assert_eq!(code(with(&strange, 1)).await, 401, "another cluster's token");
        let mut nobody = own.clone();
        nobody.auth_infos[0].auth_info = Some(Default::default());
        assert_eq!(code(nobody).await, 403, "nobody");
        // A server that calls itself otherwise isn't believed.
        let mut elsewhere = own.clone();
        elsewhere.clusters[0].cluster = strange.clusters[0].cluster.clone().map(|mut cluster| {
            cluster.server = own.clusters[0].cluster.as_ref().unwrap().server.clone();
            cluster
        });
        let config = Config::from_custom_kubeconfig(elsewhere, &KubeConfigOptions::default()).await.unwrap();
        let error = Client::try_from(config).unwrap().apiserver_version().await.unwrap_err();
        assert!(format!("{error:?}").contains("InvalidCertificate"), "{error:?}");
    }
}

#[test]
fn other_addresses_are_served_over_tls_alone() {
    let server = Server::at("0.0.0.0:0", &[]);
    let mut connection = TcpStream::connect(("127.0.0.1", server.port())).unwrap();
    connection.write_all(GET).unwrap();
    let mut answer = String::new();
    connection.read_to_string(&mut answer).unwrap();
    assert!(
        answer.starts_with("HTTP/1.0 400") && answer.contains("HTTP request to an HTTPS server"),
        "{answer}"
    );
}

#[tokio::test]
async fn the_api_server_leads_to_applications() {
    let server = Server::start();
    let pods: Api<Pod> = Api::default_namespaced(client(&server).await);
    running(&pods, "who", json!({"image": "traefik/whoami"})).await;
    running(&pods, "web", json!({"image": "nginx:1.25"})).await;
    // A container runs before its program listens.
    for name in ["who", "web"] {
        let path = format!("/api/v1/namespaces/default/pods/{name}:80/proxy/");
        while server.get(&path).code == 503 {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
    let proxy = "/api/v1/namespaces/default/pods/who:80/proxy";
    // Every method, with its query, its headers and its body; not what proves to the API server who asks.
    for method in ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"] {
        let headers = [
            "Content-Type: text/x-anything",
            "X-Own: yes",
            "Impersonate-User: kubernetes-admin",
            "Impersonate-Group: system:masters",
        ];
        let answer = server.send(&format!("{method} {proxy}/a%20b/../c/?x=1%202"), &headers, b"not JSON");
        assert_eq!(answer.code, 200, "{method}: {}", answer.body);
        assert!(answer.head.contains("text/plain"), "{}", answer.head);
        assert!(answer.body.contains(&format!("{method} /c/?x=1%202 HTTP/1.1")), "{}", answer.body);
        let body = answer.body.to_lowercase();
        assert!(body.contains("x-own: yes") && !body.contains("impersonate"), "{}", answer.body);
        assert!(body.contains(&format!("x-forwarded-uri: {proxy}/c/")), "{}", answer.body);
    }
    let head = server.open(&format!("HEAD {proxy}/"), &[], b"");
    assert_eq!(crate::server::read_head(&mut { head }).0, 200);
    let moved = server.get(&format!("{proxy}?x=1"));
    assert_eq!(moved.code, 301);
    assert!(moved.head.contains(&format!("location: {proxy}/?x=1")), "{}", moved.head);
    // What the application says is passed on, its refusals included.
    let refused = server.send("POST /api/v1/namespaces/default/pods/web:80/proxy/", &[], b"a=b");
    assert!(refused.code == 405 && refused.body.contains("405 Not Allowed"), "{}", refused.body);
    for (path, code, message) in [
        ("pods/who:81/proxy/", 503, "connect: connection refused"),
        ("pods/none/proxy/", 404, "pods \"none\" not found"),
        ("pods/ftp:who:21/proxy/", 400, "invalid pod request \"ftp:who:21\""),
        ("services/none/proxy/", 404, "endpoints \"none\" not found"),
    ] {
        let answer = server.get(&format!("/api/v1/namespaces/default/{path}"));
        assert_eq!(answer.code, code, "{path}: {}", answer.body);
        assert!(answer.json()["message"].as_str().unwrap().contains(message), "{}", answer.body);
    }
    let nodes = server.get("/api/v1/nodes/node-1/proxy/pods").json();
    assert_eq!(nodes["kind"], "PodList");
    assert_eq!(
        server.send("GET /api/v1/nodes/node-1/proxy/healthz", &["Impersonate-User: kim"], b"").code,
        403
    );
}
