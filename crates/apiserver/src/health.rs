//! `/healthz`, `/livez` and `/readyz`, as a whole, in parts and in many words.
// Models staging/src/k8s.io/apiserver/pkg/server/healthz/healthz.go

use crate::status;
use api::{Request, Response, Status};

/// What is checked for all three, in order.
const CHECKS: [&str; 3] = ["ping", "log", "etcd"];
/// What is checked for readiness only.
const READY: [&str; 2] = ["etcd-readiness", "informer-sync"];
/// What the parts of the server do once it has started.
const STARTED: [&str; 28] = [
    "poststarthook/start-apiserver-admission-initializer",
    "poststarthook/generic-apiserver-start-informers",
    "poststarthook/priority-and-fairness-config-consumer",
    "poststarthook/priority-and-fairness-filter",
    "poststarthook/storage-object-count-tracker-hook",
    "poststarthook/start-apiextensions-informers",
    "poststarthook/start-apiextensions-controllers",
    "poststarthook/crd-informer-synced",
    "poststarthook/start-system-namespaces-controller",
    "poststarthook/start-cluster-authentication-info-controller",
    "poststarthook/start-kube-apiserver-identity-lease-controller",
    "poststarthook/start-kube-apiserver-identity-lease-garbage-collector",
    "poststarthook/start-legacy-token-tracking-controller",
    "poststarthook/start-service-ip-repair-controllers",
    "poststarthook/rbac/bootstrap-roles",
    "poststarthook/scheduling/bootstrap-system-priority-classes",
    "poststarthook/priority-and-fairness-config-producer",
    "poststarthook/bootstrap-controller",
    "poststarthook/start-kubernetes-service-cidr-controller",
    "poststarthook/aggregator-reload-proxy-client-cert",
    "poststarthook/start-kube-aggregator-informers",
    "poststarthook/apiservice-status-local-available-controller",
    "poststarthook/apiservice-status-remote-available-controller",
    "poststarthook/apiservice-registration-controller",
    "poststarthook/apiservice-discovery-controller",
    "poststarthook/kube-apiserver-autoregistration",
    "autoregister-completion",
    "poststarthook/apiservice-openapi-controller",
];

fn checks(of: &str) -> Vec<&'static str> {
    let ready = if of == "readyz" { &READY[..] } else { &[] };
    let last: &[&str] = if of == "readyz" { &["shutdown"] } else { &[] };
    CHECKS.iter().chain(ready).chain(&STARTED).chain(last).copied().collect()
}

/// Answers; everything is always well, since who isn't gives no answer.
///
/// # Errors
/// NotFound for a part that isn't there.
pub(crate) fn answer(request: &Request) -> Result<Response, Status> {
    let path = request.path.trim_matches('/');
    let (of, part) = path.split_once('/').unwrap_or((path, ""));
    let checks = checks(of);
    if !part.is_empty() {
        return if checks.contains(&part) {
            Ok(Response::new(200, "ok"))
        } else {
            Err(status::no_such_path())
        };
    }
    // Whether the parameter is there is what counts.
    if !request.query.iter().any(|(name, _)| name == "verbose") {
        return Ok(Response::new(200, "ok"));
    }
    let is_left_out =
        |check: &str| request.query.iter().any(|(name, value)| name == "exclude" && value == check);
    let line = |check: &&str| {
        if is_left_out(check) { format!("[+]{check} excluded: ok\n") } else { format!("[+]{check} ok\n") }
    };
    let lines: String = checks.iter().map(line).collect();
    Ok(Response::new(200, format!("{lines}{of} check passed\n")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use api::Method;

    #[test]
    fn tells_in_parts_and_in_many_words() {
        for (path, query, code, wanted) in [
            ("/livez", "", 200, "ok"),
            ("/livez/ping", "", 200, "ok"),
            ("/readyz/poststarthook/rbac/bootstrap-roles", "", 200, "ok"),
            ("/livez/shutdown", "", 404, ""),
            ("/healthz/none", "", 404, ""),
            ("/livez", "verbose", 200, "[+]ping ok\n[+]log ok\n[+]etcd ok\n[+]poststarthook/"),
            ("/readyz", "verbose", 200, "[+]ping ok\n[+]log ok\n[+]etcd ok\n[+]etcd-readiness ok\n"),
        ] {
            let mut request = Request::new(Method::Get, path);
            if !query.is_empty() {
                request = request.query(query, "");
            }
            let told = answer(&request).unwrap_or_else(Response::from);
            assert_eq!(told.code, code, "{path}");
            assert!(told.code != 200 || told.body.str().starts_with(wanted), "{path}: {}", told.body.str());
        }
        let request = Request::new(Method::Get, "/readyz").query("verbose", "").query("exclude", "etcd");
        let told = answer(&request).unwrap();
        assert!(told.body.str().contains("[+]etcd excluded: ok\n"));
        assert!(told.body.str().ends_with("[+]shutdown ok\nreadyz check passed\n"));
    }
}
