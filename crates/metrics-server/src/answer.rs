use crate::storage::{Rate, Storage};
use api::label::{self, FieldRequirement, Selector};
use api::resources::{NODES, PODS};
use api::{Accept, Method, Request, Resource, Response, Status, Value, go, meta, tree};
use sim::Time;
use std::rc::Rc;

const VERSION: &str = "metrics.k8s.io/v1beta1";

/// Answers a request for `metrics.k8s.io`. `read` gives the objects of a resource in a namespace, or in all.
// Models github.com/kubernetes-sigs/metrics-server pkg/api
pub fn answer(
    storage: &Storage,
    now: Time,
    request: &Request,
    read: &dyn Fn(Resource, &str) -> Vec<Value>,
) -> Response {
    serve(storage, now, request, read).unwrap_or_else(Response::from)
}

fn serve(
    storage: &Storage,
    now: Time,
    request: &Request,
    read: &dyn Fn(Resource, &str) -> Vec<Value>,
) -> Result<Response, Status> {
    let path = request.path.trim_matches('/');
    let rest = path.strip_prefix("apis/metrics.k8s.io/v1beta1").ok_or_else(not_there)?;
    let words: Vec<&str> = rest.split('/').filter(|word| !word.is_empty()).collect();
    if words.is_empty() {
        return Ok(Response::new(200, resources()));
    }
    if request.method != Method::Get || request.flag("watch") {
        let message = "the server does not allow this method on the requested resource";
        return Err(Status::new(405, "MethodNotAllowed", message));
    }
    let (kind, namespace, name) = match words.as_slice() {
        ["nodes"] => ("NodeMetrics", "", ""),
        ["nodes", name] => ("NodeMetrics", "", *name),
        ["pods"] => ("PodMetrics", "", ""),
        ["namespaces", namespace, "pods"] => ("PodMetrics", *namespace, ""),
        ["namespaces", namespace, "pods", name] => ("PodMetrics", *namespace, *name),
        _ => return Err(not_there()),
    };
    let resource = if kind == "NodeMetrics" { NODES } else { PODS };
    let metrics = |object: &Value| match kind {
        "NodeMetrics" => of_node(storage, now, object),
        _ => of_pod(storage, now, object),
    };
    let objects = read(resource, namespace);
    if !name.is_empty() {
        let object = objects.iter().find(|object| meta::name(object) == name);
        let object = object.ok_or_else(|| Status::not_found(resource.plural, name))?;
        let shown = meta::object_key(namespace, name);
        let group_resource = format!("{}.metrics.k8s.io", kind.to_lowercase());
        let found = metrics(object).ok_or_else(|| Status::not_found(&group_resource, &shown))?;
        return Ok(Response::new(200, shape(request.accept, found.clone(), vec![found])));
    }
    let bad = |why: String| Status::bad_request(why);
    let labels = label::parse(request.param("labelSelector")).map_err(bad)?;
    let fields = label::parse_fields(request.param("fieldSelector")).map_err(bad)?;
    let fits = |object: &&Value| selects(&labels, &fields, object);
    let mut items: Vec<Value> = objects.iter().filter(fits).filter_map(metrics).collect();
    items.sort_by(|a, b| (meta::namespace(a), meta::name(a)).cmp(&(meta::namespace(b), meta::name(b))));
    let list = tree!({
        "kind": (format!("{kind}List")), "apiVersion": VERSION, "metadata": {}, "items": (items.clone()),
    });
    Ok(Response::new(200, shape(request.accept, list, items)))
}

fn not_there() -> Status {
    Status::new(404, "NotFound", "the server could not find the requested resource")
}

fn selects(labels: &Selector, fields: &[FieldRequirement], object: &Value) -> bool {
    labels.matches(meta::labels(object))
        && fields.iter().all(|field| {
            let path: Vec<&str> = field.field.split('.').collect();
            (object.at(&path).str() == field.value) == field.equals
        })
}

fn resources() -> Value {
    let entry = |name: &str, kind: &str, namespaced: bool| {
        tree!({
            "name": name, "singularName": "", "namespaced": namespaced, "kind": kind, "verbs": ["get", "list"],
        })
    };
    tree!({
        "kind": "APIResourceList",
        "apiVersion": "v1",
        "groupVersion": VERSION,
        "resources": [(entry("nodes", "NodeMetrics", false)), (entry("pods", "PodMetrics", true))],
    })
}

fn head(object: &Value, kind: &str, now: Time, rate: &Rate) -> Value {
    let mut head = tree!({
        "kind": kind,
        "apiVersion": VERSION,
        "metadata": {"name": (meta::name(object)), "creationTimestamp": (now.rfc3339())},
        "timestamp": (rate.at.rfc3339()),
        "window": (go::duration(rate.window)),
    });
    for field in ["namespace", "labels"] {
        let value = &object["metadata"][field];
        if !value.is_empty() {
            head.set(&["metadata", field], value);
        }
    }
    head
}

fn usage(rate: &Rate) -> Value {
    tree!({"cpu": (rate.cpu_quantity()), "memory": (rate.memory_quantity())})
}

fn of_node(storage: &Storage, now: Time, node: &Value) -> Option<Value> {
    let rate = storage.node(meta::name(node))?;
    let mut metrics = head(node, "NodeMetrics", now, &rate);
    metrics.set(&["usage"], usage(&rate));
    Some(metrics)
}

fn of_pod(storage: &Storage, now: Time, pod: &Value) -> Option<Value> {
    if pod["status"]["phase"].str() != "Running" {
        return None;
    }
    let rates = storage.pod(meta::namespace(pod), meta::name(pod))?;
    let (_, earliest) = rates.iter().min_by_key(|(_, rate)| rate.at)?;
    let mut metrics = head(pod, "PodMetrics", now, earliest);
    let containers: Vec<Value> =
        rates.iter().map(|(name, rate)| tree!({"name": name, "usage": (usage(rate))})).collect();
    metrics.set(&["containers"], containers);
    Some(metrics)
}

/// Returns the answer in the form that is wanted.
fn shape(accept: Accept, body: Value, items: Vec<Value>) -> Value {
    if !matches!(accept, Accept::Table | Accept::TableWithObjects) {
        return body;
    }
    let column = |name: &str, format: &str| tree!({"name": name, "type": "string", "format": format, "description": "", "priority": 0});
    let rows = items.into_iter().map(|item| {
        let amounts = |field: &str| -> Value {
            let of_containers = item["containers"].items().iter();
            let all = of_containers.map(|container| &container["usage"]).chain([&item["usage"]]);
            let sum: api::quantity::Quantity =
                all.filter_map(|usage| api::quantity::Quantity::from_value(&usage[field]).ok()).sum();
            sum.to_string().into()
        };
        let cells =
            vec![item["metadata"]["name"].clone(), amounts("cpu"), amounts("memory"), item["window"].clone()];
        let shown = match accept {
            Accept::TableWithObjects => item.clone(),
            _ => tree!({
                "kind": "PartialObjectMetadata",
                "apiVersion": "meta.k8s.io/v1",
                "metadata": (&item["metadata"]),
            }),
        };
        tree!({"cells": cells, "object": shown})
    });
    let rows: Vec<Value> = rows.collect();
    tree!({
        "kind": "Table",
        "apiVersion": "meta.k8s.io/v1",
        "metadata": {},
        "columnDefinitions": [
            (column("Name", "name")), (column("cpu", "")), (column("memory", "")), (column("Window", "")),
        ],
        "rows": rows,
    })
}

/// Returns what the server answers outside of the API: the state of its health.
pub(crate) fn health(storage: &Storage, path: &str) -> Option<(u16, Rc<str>)> {
    let checks =
        "[+]ping ok\n[+]log ok\n[+]poststarthook/max-in-flight-filter ok\n[+]metric-informer-sync ok\n";
    match path.split('?').next().unwrap_or("") {
        "/livez" | "/healthz" => Some((200, "ok".into())),
        "/readyz" if storage.is_ready() => Some((200, "ok".into())),
        "/readyz" => {
            let failed = "[-]metric-storage-ready failed: reason withheld\nreadyz check failed\n";
            Some((500, format!("{checks}{failed}").into()))
        }
        _ => None,
    }
}
