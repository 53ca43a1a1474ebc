//! What the server can do: groups, versions, resources, its own version and health.

use crate::status;
use api::{Request, Response, Status, Value, tree};
use schema::Kind;

const GIT_VERSION: &str = "v1.36.2";

/// Answers a request that is about no resource.
///
/// # Errors
/// NotFound where nothing is at the path.
pub(crate) fn answer(request: &Request, all_kinds: bool) -> Result<Response, Status> {
    let served: Vec<&'static Kind> =
        schema::kinds().iter().filter(|kind| kind.served || kind.listed || all_kinds).collect();
    let words: Vec<&str> = request.path.trim_matches('/').split('/').collect();
    let body = match words.as_slice() {
        ["healthz" | "livez" | "readyz", ..] => "ok".into(),
        ["version"] => version(),
        ["api"] => tree!({"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": []}),
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
        [""] => tree!({"paths": ["/api", "/apis", "/healthz", "/livez", "/readyz", "/version"]}),
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
