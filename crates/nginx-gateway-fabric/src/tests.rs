use crate::control::CONTROLLER;
use crate::{ControlPlane, DataPlane, GATEWAYCLASSES, GATEWAYS, HTTPROUTES, NGINXPROXIES, REFERENCEGRANTS};
use crate::{fabric, fabric_kinds, standard_kinds};
use api::resources::{DEPLOYMENTS, ENDPOINTSLICES, NAMESPACES, SERVICES};
use api::{Value, meta, tree, yaml};
use client::testing::{Bench, Server};
use network::{Answer, HttpRequest, Payload, Socket};
use nginx::Served;
use sim::{Chance, SECOND, Time};

/// Routes: (listeners, routes, requests, and who answers each), and what the statuses say.
const ROUTES: &str = include_str!("../tests/data/routes.yaml");
/// Objects, and the conditions that they get.
const CONDITIONS: &str = include_str!("../tests/data/conditions.yaml");

fn put(server: &mut Server, object: &Value) {
    let mut object = object.clone();
    let resource = match object["kind"].str() {
        "Gateway" => GATEWAYS,
        "GatewayClass" => GATEWAYCLASSES,
        "HTTPRoute" => HTTPROUTES,
        "ReferenceGrant" => REFERENCEGRANTS,
        "NginxProxy" => NGINXPROXIES,
        "Namespace" => NAMESPACES,
        "Service" => SERVICES,
        "EndpointSlice" => ENDPOINTSLICES,
        other => panic!("{other}"),
    };
    if resource.namespaced && meta::namespace(&object).is_empty() {
        object.set(&["metadata", "namespace"], "default");
    }
    let created = meta::created(&object).unwrap_or(Time::EPOCH);
    server.put(created, resource, object);
}

/// Puts a Service with one endpoint there, whose last number is `last`.
fn service(server: &mut Server, namespace: &str, name: &str, last: u8) {
    let metadata = tree!({"namespace": namespace, "name": name});
    put(server, &tree!({"kind": "Service", "metadata": metadata, "spec": {"ports": [{"port": 80}]}}));
    put(
        server,
        &tree!({
            "kind": "EndpointSlice",
            "metadata": {
                "namespace": namespace,
                "name": name,
                "labels": {"kubernetes.io/service-name": name},
            },
            "ports": [{"port": 8080}],
            "endpoints": [{"addresses": [(format!("10.244.0.{last}"))], "conditions": {"ready": true}}],
        }),
    );
}

fn basics(server: &mut Server) {
    let spec = tree!({"controllerName": CONTROLLER});
    put(server, &tree!({"kind": "GatewayClass", "metadata": {"name": "nginx"}, "spec": spec}));
    for name in ["default", "other"] {
        let metadata = tree!({"name": name, "labels": {"name": name}});
        put(server, &tree!({"kind": "Namespace", "metadata": metadata}));
    }
    for (n, name) in ["coffee", "tea", "milk"].into_iter().enumerate() {
        service(server, "default", name, 10 + n as u8);
        service(server, "other", name, 20 + n as u8);
    }
}

fn bench(objects: &[Value]) -> Bench<ControlPlane> {
    let mut server = Server::default();
    basics(&mut server);
    objects.iter().for_each(|object| put(&mut server, object));
    let pod = tree!({"metadata": {"namespace": "nginx-gateway", "name": "control"}});
    let mut bench = Bench::new(ControlPlane::new(&pod), server);
    bench.run(2 * SECOND);
    bench
}

fn plane(bench: &Bench<ControlPlane>) -> DataPlane {
    let labels = tree!({"gateway.networking.k8s.io/gateway-name": "gateway"});
    let pod = tree!({"metadata": {"namespace": "default", "name": "data", "labels": labels}});
    let mut plane = DataPlane::new(&pod);
    if let Some(config) = bench.component.configs().get(plane.gateway()) {
        plane.configure(config.clone());
    }
    plane
}

/// Reads `GET http://host:port/path Header=value`.
fn request(text: &str) -> (u16, HttpRequest) {
    let mut words = text.split(' ');
    let (method, url) = (words.next().unwrap(), words.next().unwrap());
    let (scheme, rest) = url.split_once("://").unwrap();
    let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
    let usual = if scheme == "https" { 443 } else { 80 };
    let port = host.split_once(':').map_or(usual, |(_, port)| port.parse().unwrap());
    let headers = words.filter_map(|word| word.split_once('=')).map(|(k, v)| (k.into(), v.into())).collect();
    let request = HttpRequest {
        method: method.into(),
        host: host.into(),
        path: format!("/{path}").into(),
        headers,
        is_tls: scheme == "https",
        ..HttpRequest::default()
    };
    (port, request)
}

/// Says who is asked, for what, or what is answered.
fn told(served: &Served) -> String {
    match served {
        Served::Ask { to, payload, .. } => match &**payload {
            Payload::Http(request) => format!("{} {}{}", to.address.octets()[3], request.host, request.path),
            _ => String::new(),
        },
        Served::Answer { answer: Answer::Http(response), .. } => {
            let to = nginx::header(&response.headers, "location").unwrap_or("");
            format!("{} {to}", response.status).trim().to_string()
        }
        _ => "nothing".to_string(),
    }
}

#[test]
fn requests_go_where_the_routes_say() {
    let cases = yaml::parse_one(ROUTES).unwrap();
    let mut wrong = Vec::new();
    for case in cases.items() {
        let bench = bench(case["objects"].items());
        let mut plane = plane(&bench);
        for (text, expected) in case["requests"].fields().iter() {
            let (port, request) = request(text);
            let client = Socket::new([10, 64, 140, 2].into(), 40_000);
            let served = plane.serve(bench.now, Chance::new(1), 7, (port, client), &Payload::Http(request));
            if told(&served) != expected.str() {
                wrong.push(format!(
                    "{}: {text}: {}, not {}",
                    case["name"].str(),
                    told(&served),
                    expected.str()
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn statuses_say_what_the_specification_names() {
    let cases = yaml::parse_one(CONDITIONS).unwrap();
    let mut wrong = Vec::new();
    for case in cases.items() {
        let bench = bench(case["objects"].items());
        let line = |cond: &Value| {
            let reason = cond["reason"].str();
            format!("{}={} {reason}: {}", cond["type"].str(), cond["status"].str(), cond["message"].str())
        };
        let mut found: Vec<String> = Vec::new();
        for route in bench.server.all(HTTPROUTES) {
            for parent in route["status"]["parents"].items() {
                let name = meta::name(&route);
                found
                    .extend(parent["conditions"].items().iter().map(|cond| format!("{name} {}", line(cond))));
            }
        }
        for gateway in bench.server.all(GATEWAYS) {
            let status = &gateway["status"];
            found.extend(status["conditions"].items().iter().map(|cond| format!("gateway {}", line(cond))));
            for one in status["listeners"].items() {
                let (name, attached) = (one["name"].str(), one["attachedRoutes"].int());
                found.push(format!("listener {name} attached {attached}"));
                found.extend(
                    one["conditions"].items().iter().map(|cond| format!("listener {name} {}", line(cond))),
                );
            }
        }
        for expected in case["expected"].items() {
            if !found.iter().any(|line| line == expected.str()) {
                wrong.push(format!("{}: no {}\n{}", case["name"].str(), expected.str(), found.join("\n")));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn weights_share_requests_and_a_backend_without_endpoints_answers_503() {
    let objects = yaml::parse(
        "kind: Gateway\nmetadata: {name: gateway}\nspec: {gatewayClassName: nginx, listeners: [{name: http, port: 80, protocol: HTTP}]}\n\
         ---\nkind: HTTPRoute\nmetadata: {name: split}\nspec:\n  parentRefs: [{name: gateway}]\n  rules:\n  - backendRefs: [{name: coffee, \
         port: 80, weight: 9}, {name: tea, port: 80, weight: 1}]\n",
    )
    .unwrap();
    let objects: Vec<Value> = objects.into_iter().map(|one| one.value).collect();
    let mut bench = bench(&objects);
    let mut split = plane(&bench);
    let mut counts = [0_u32; 2];
    let client = Socket::new([10, 64, 140, 2].into(), 40_000);
    for n in 0..2_000 {
        let payload = Payload::Http(HttpRequest::get("x", "/"));
        let served = split.serve(bench.now, Chance::new(3), n, (80, client), &payload);
        match told(&served).split(' ').next() {
            Some("10") => counts[0] += 1,
            Some("11") => counts[1] += 1,
            other => panic!("{other:?}"),
        }
    }
    // Chi-square with one degree of freedom, at one in a thousand.
    let chi =
        (f64::from(counts[0]) - 1_800.0).powi(2) / 1_800.0 + (f64::from(counts[1]) - 200.0).powi(2) / 200.0;
    assert!(chi < 10.8, "{counts:?}");
    for name in ["coffee", "tea"] {
        bench.server.change(bench.now, ENDPOINTSLICES, &format!("default/{name}"), |slice| {
            slice.set(&["endpoints"], Value::list());
        });
    }
    bench.run(SECOND);
    let payload = Payload::Http(HttpRequest::get("x", "/"));
    let served = plane(&bench).serve(bench.now, Chance::new(3), 1, (80, client), &payload);
    assert_eq!(told(&served), "503");
}

#[test]
fn each_gateway_has_a_deployment_and_a_service_with_its_ports() {
    let objects = yaml::parse_one(
        "kind: Gateway\nmetadata: {name: gateway, uid: g}\nspec: {gatewayClassName: nginx, listeners: [{name: a, port: 80, protocol: HTTP}, {name: \
         b, port: 8080, protocol: HTTP}]}\n",
    )
    .unwrap();
    let mut bench = bench(&[objects]);
    let ports = |bench: &Bench<ControlPlane>| {
        let service = bench.server.object(SERVICES, "default/gateway-nginx");
        service["spec"]["ports"].items().iter().map(|port| port["port"].int()).collect::<Vec<_>>()
    };
    assert_eq!(ports(&bench), [80, 8080]);
    let deployment = bench.server.object(DEPLOYMENTS, "default/gateway-nginx");
    assert_eq!(deployment["metadata"]["ownerReferences"][0]["kind"].str(), "Gateway");
    bench.server.change(bench.now, GATEWAYS, "default/gateway", |gateway| {
        gateway.set(&["spec", "listeners"], tree!([{"name": "a", "port": 81, "protocol": "HTTP"}]));
    });
    bench.run(SECOND);
    assert_eq!(ports(&bench), [81]);
}

#[test]
fn the_manifests_are_whole() {
    let names = |objects: Vec<Value>| -> Vec<String> {
        objects.iter().map(|one| meta::name(one).to_string()).collect()
    };
    assert_eq!(
        names(standard_kinds()),
        ["gatewayclasses", "gateways", "httproutes", "referencegrants"]
            .map(|name| format!("{name}.gateway.networking.k8s.io"))
    );
    assert_eq!(names(fabric_kinds()), ["nginxgateways.gateway.nginx.org", "nginxproxies.gateway.nginx.org"]);
    assert_eq!(fabric().len(), 9);
    // No name of a part is left in the schemas.
    for kind in standard_kinds() {
        assert!(!kind.to_json().contains(":\"$"), "{}", meta::name(&kind));
    }
}
