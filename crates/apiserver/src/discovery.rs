//! What the server can do: groups, versions, resources, its own version.

use crate::custom::Customs;
use crate::options::Options;
use crate::status;
use api::{Accept, Request, Response, Status, Value, tree};
use schema::{Kind, Served};

const GIT_VERSION: &str = "v1.36.2";

/// Returns what the server tells of: the built-in kinds, then those that are defined.
pub(crate) fn served(options: &Options, customs: &Customs) -> Vec<Served> {
    let told = |kind: &&Kind| options.serves(kind);
    let built_in = schema::kinds().iter().filter(told).map(|kind| Served { kind, schema: None });
    built_in.chain(customs.served()).collect()
}

/// Answers a request that is about no resource.
///
/// # Errors
/// NotFound where nothing is at the path.
pub(crate) fn answer(request: &Request, options: &Options, all: &[Served]) -> Result<Response, Status> {
    let served: Vec<&'static Kind> = all.iter().map(|served| served.kind).collect();
    let words: Vec<&str> = request.path.trim_matches('/').split('/').collect();
    if request.accept == Accept::Discovery && matches!(words.as_slice(), ["api" | "apis"]) {
        return Ok(Response::new(200, aggregated(&served, words == ["api"])));
    }
    let body = match words.as_slice() {
        ["openapi", "v2"] => schema::openapi_v2(all),
        ["openapi", "v3"] => openapi_index(all),
        ["openapi", "v3", "api", version] => openapi(all, "", version)?,
        ["openapi", "v3", "apis", group, version] => openapi(all, group, version)?,
        ["version"] => version(),
        ["api"] => tree!({"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": [{
            "clientCIDR": "0.0.0.0/0",
            "serverAddress": (format!("{}:{}", options.advertise_address, options.secure_port)),
        }]}),
        ["apis"] => tree!({"kind": "APIGroupList", "apiVersion": "v1", "groups": (groups(&served))}),
        ["apis", group] => {
            let found = groups(&served).into_iter().find(|found| found["name"].str() == *group);
            let mut found = found.ok_or_else(status::no_such_path)?;
            found.set(&["kind"], "APIGroup");
            found.set(&["apiVersion"], "v1");
            found
        }
        ["api", version] => resources(&served, "", version)?,
        ["apis", group, version] => resources(&served, group, version)?,
        [""] => tree!({"paths": (root_paths(&served))}),
        _ => return Err(status::no_such_path()),
    };
    Ok(Response::new(200, body))
}

fn version() -> Value {
    tree!({
        "major": "1",
        "minor": "36",
        "emulationMajor": "1",
        "emulationMinor": "36",
        "minCompatibilityMajor": "1",
        "minCompatibilityMinor": "35",
        "gitVersion": GIT_VERSION,
        "gitCommit": "",
        "gitTreeState": "clean",
        "buildDate": "",
        "goVersion": "",
        "compiler": "gc",
        "platform": "linux/amd64",
    })
}

/// Returns the paths that there are besides those of resources.
fn root_paths(served: &[&'static Kind]) -> Value {
    let mut paths: Vec<String> = ["/api", "/api/v1", "/apis"].map(str::to_string).to_vec();
    for group in groups(served) {
        paths.push(format!("/apis/{}", group["name"].str()));
        let versions = group["versions"].items().iter();
        paths.extend(versions.map(|version| format!("/apis/{}", version["groupVersion"].str())));
    }
    paths.extend(
        ["/healthz", "/livez", "/openapi/v2", "/openapi/v3", "/readyz", "/version"].map(str::to_string),
    );
    paths.into_iter().map(Value::from).collect()
}

/// Returns where each group's document is.
// Models staging/src/k8s.io/kube-openapi/pkg/handler3/handler.go HandleDiscovery
fn openapi_index(served: &[Served]) -> Value {
    let mut paths = Value::map();
    for Served { kind, schema } in served {
        let path = match kind.group {
            "" => format!("api/{}", kind.version),
            group => format!("apis/{group}/{}", kind.version),
        };
        if paths[path.as_str()].is_null() {
            // The hash makes clients read a changed document anew; those of built-in kinds don't change.
            let hash = schema.as_ref().map_or(GIT_VERSION.to_string(), |schema| {
                format!("{:016X}", sim::Chance::new(0).draw("openapi", &schema.to_json(), 0))
            });
            let url = format!("/openapi/v3/{path}?hash={hash}");
            paths.set(&[&path], tree!({"serverRelativeURL": url}));
        }
    }
    tree!({"paths": paths})
}

fn openapi(served: &[Served], group: &str, version: &str) -> Result<Value, Status> {
    let of_group = |served: &&Served| served.kind.group == group && served.kind.version == version;
    let kinds: Vec<Served> = served.iter().filter(of_group).cloned().collect();
    if kinds.is_empty() { Err(status::no_such_path()) } else { Ok(schema::openapi(&kinds)) }
}

/// Returns all groups, or the core one alone, with their resources.
// Models staging/src/k8s.io/apiserver/pkg/endpoints/discovery/aggregated/handler.go
fn aggregated(served: &[&'static Kind], core: bool) -> Value {
    let mut items: Vec<Value> = Vec::new();
    let mut names = vec![String::new()];
    if !core {
        names = groups(served).iter().map(|group| group["name"].str().to_string()).collect();
    }
    for name in names {
        let mut versions: Vec<&str> = Vec::new();
        for kind in served.iter().filter(|kind| kind.group == name) {
            if !versions.contains(&kind.version) {
                versions.push(kind.version);
            }
        }
        let version = |version: &&'static str| {
            let of = |kind: &&&'static Kind| kind.group == name && kind.version == *version;
            let mut kinds: Vec<&'static Kind> = served.iter().filter(of).copied().collect();
            kinds.sort_by_key(|kind| kind.plural);
            let resources: Vec<Value> = kinds.into_iter().map(aggregated_resource).collect();
            tree!({"version": (*version), "resources": resources, "freshness": "Current"})
        };
        let versions: Vec<Value> = versions.iter().map(version).collect();
        items.push(tree!({"metadata": {"name": name, "creationTimestamp": null}, "versions": versions}));
    }
    tree!({
        "kind": "APIGroupDiscoveryList",
        "apiVersion": "apidiscovery.k8s.io/v2",
        "metadata": {},
        "items": items,
    })
}

fn aggregated_resource(kind: &'static Kind) -> Value {
    let response =
        |group: &str, version: &str, kind: &str| tree!({"group": group, "version": version, "kind": kind});
    let mut entry = tree!({
        "resource": (kind.plural),
        "responseKind": (response(kind.group, kind.version, kind.kind)),
        "scope": (if kind.namespaced { "Namespaced" } else { "Cluster" }),
        "singularResource": (kind.singular),
        "verbs": (strings(&kind.verbs)),
    });
    for (field, words) in [("shortNames", &kind.short_names), ("categories", &kind.categories)] {
        if !words.is_empty() {
            entry.set(&[field], strings(words));
        }
    }
    let subresource = |one: &schema::Subresource| {
        tree!({
            "subresource": (one.name),
            "responseKind": (response(one.group, one.version, &one.kind)),
            "verbs": (strings(&one.verbs)),
        })
    };
    if !kind.subresources.is_empty() {
        entry.set(&["subresources"], kind.subresources.iter().map(subresource).collect::<Value>());
    }
    entry
}

/// Returns the groups besides the core one, in the order of discovery.
// Models staging/src/k8s.io/apiserver/pkg/endpoints/discovery/root.go ServeHTTP
fn groups(served: &[&'static Kind]) -> Vec<Value> {
    let mut groups: Vec<(&str, Vec<&str>)> = Vec::new();
    for kind in served.iter().filter(|kind| !kind.group.is_empty()) {
        match groups.iter_mut().find(|(group, _)| *group == kind.group) {
            Some((_, versions)) if versions.contains(&kind.version) => {}
            Some((_, versions)) => versions.push(kind.version),
            None => groups.push((kind.group, vec![kind.version])),
        }
    }
    let group = |(group, versions): (&str, Vec<&str>)| {
        let versions: Vec<Value> = versions
            .iter()
            .map(|version| tree!({"groupVersion": (format!("{group}/{version}")), "version": (*version)}))
            .collect();
        let preferred = versions.first().cloned().unwrap_or_default();
        tree!({"name": group, "versions": versions, "preferredVersion": preferred})
    };
    groups.into_iter().map(group).collect()
}

// Models staging/src/k8s.io/apiserver/pkg/endpoints/discovery/version.go ServeHTTP
fn resources(served: &[&'static Kind], group: &str, version: &str) -> Result<Value, Status> {
    let mut list: Vec<Value> = Vec::new();
    for kind in served.iter().filter(|kind| kind.group == group && kind.version == version) {
        list.push(resource(kind));
        list.extend(kind.subresources.iter().map(|subresource| {
            let mut entry = tree!({
                "name": (format!("{}/{}", kind.plural, subresource.name)),
                "singularName": "",
                "namespaced": (kind.namespaced),
                "kind": (subresource.kind.as_str()),
                "verbs": (strings(&subresource.verbs)),
            });
            if (subresource.group, subresource.version) != (kind.group, kind.version) {
                entry.set(&["group"], subresource.group);
                entry.set(&["version"], subresource.version);
            }
            entry
        }));
    }
    if list.is_empty() {
        return Err(status::no_such_path());
    }
    list.sort_by(|a, b| a["name"].str().cmp(b["name"].str()));
    let group_version = if group.is_empty() { version.to_string() } else { format!("{group}/{version}") };
    Ok(tree!({
        "kind": "APIResourceList",
        "apiVersion": "v1",
        "groupVersion": group_version,
        "resources": list,
    }))
}

fn resource(kind: &Kind) -> Value {
    let mut entry = tree!({
        "name": (kind.plural),
        "singularName": (kind.singular),
        "namespaced": (kind.namespaced),
        "kind": (kind.kind),
        "verbs": (strings(&kind.verbs)),
    });
    for (field, words) in [("shortNames", &kind.short_names), ("categories", &kind.categories)] {
        if !words.is_empty() {
            entry.set(&[field], strings(words));
        }
    }
    entry
}

fn strings(words: &[&'static str]) -> Value {
    words.iter().map(|word| Value::from(*word)).collect()
}
