//! `/healthz`, `/livez` and `/readyz`, as a whole, in parts and in many words.
// Models staging/src/k8s.io/apiserver/pkg/server/healthz/healthz.go

use crate::handlers::Call;
use crate::server::ApiServer;
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

/// Whether the control plane's other processes answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ComponentHealth {
    /// Whether a kube-controller-manager does.
    pub manager: bool,
    /// Whether a kube-scheduler does.
    pub scheduler: bool,
}

/// What the API server knows of those on whom it depends.
#[derive(Clone, Debug)]
pub(crate) struct Health {
    /// What etcd says to every request, where it can't serve it.
    pub etcd: Option<Status>,
    pub components: ComponentHealth,
}

impl Default for Health {
    fn default() -> Health {
        Health { etcd: None, components: ComponentHealth { manager: true, scheduler: true } }
    }
}

impl ApiServer {
    /// Says what etcd answers from now on, where it doesn't serve; `None` where it does.
    pub fn set_etcd_trouble(&mut self, trouble: Option<Status>) {
        self.health.etcd = trouble;
    }

    /// Returns what etcd answers, where it doesn't serve.
    pub fn etcd_trouble(&self) -> Option<&Status> {
        self.health.etcd.as_ref()
    }

    /// Says which of the control plane's other processes answer.
    pub fn set_health(&mut self, components: ComponentHealth) {
        self.health.components = components;
    }

    /// Returns etcd's error for a request that has to go there: a write, or a read that is to be consistent.
    /// Lists at any revision and watches come from the watch cache.
    // Models staging/src/k8s.io/apiserver/pkg/storage/cacher/delegator/interface.go ShouldDelegateList
    pub(crate) fn reach_etcd(&self, call: &Call) -> Result<(), Status> {
        let Some(trouble) = &self.health.etcd else { return Ok(()) };
        let is_of_any = call.request.param("resourceVersion") == "0";
        let is_cached = match call.verb {
            "watch" => true,
            "get" | "list" => is_of_any,
            _ => false,
        };
        let is_review = matches!(call.rest.kind.group, "authorization.k8s.io" | "authentication.k8s.io");
        let is_stored = !is_review && call.rest.kind.plural != "componentstatuses";
        if is_cached || !is_stored { Ok(()) } else { Err(trouble.clone()) }
    }
}

/// Returns whether a request asks how the server is.
pub(crate) fn is_asked(request: &Request) -> bool {
    let path = request.path.trim_matches('/');
    matches!(path.split('/').next(), Some("healthz" | "livez" | "readyz"))
}

/// Answers. etcd's checks fail while it doesn't serve; of the rest, who isn't well gives no answer.
///
/// # Errors
/// NotFound for a part that isn't there.
pub(crate) fn answer(request: &Request, has_etcd: bool) -> Result<Response, Status> {
    let path = request.path.trim_matches('/');
    let (of, part) = path.split_once('/').unwrap_or((path, ""));
    let checks = checks(of);
    let fails = |check: &str| !has_etcd && check.starts_with("etcd");
    if fails(part) {
        return Ok(Response::new(500, "internal server error: etcd failed: reason withheld\n"));
    }
    if !part.is_empty() {
        return if checks.contains(&part) {
            Ok(Response::new(200, "ok"))
        } else {
            Err(status::no_such_path())
        };
    }
    let is_left_out =
        |check: &str| request.query.iter().any(|(name, value)| name == "exclude" && value == check);
    let is_well = !checks.iter().any(|check| fails(check) && !is_left_out(check));
    // Whether the parameter is there is what counts.
    if is_well && !request.query.iter().any(|(name, _)| name == "verbose") {
        return Ok(Response::new(200, "ok"));
    }
    let line = |check: &&str| match (is_left_out(check), fails(check)) {
        (true, _) => format!("[+]{check} excluded: ok\n"),
        (_, true) => format!("[-]{check} failed: reason withheld\n"),
        _ => format!("[+]{check} ok\n"),
    };
    let lines: String = checks.iter().map(line).collect();
    Ok(match is_well {
        true => Response::new(200, format!("{lines}{of} check passed\n")),
        false => Response::new(500, format!("{lines}{of} check failed\n")),
    })
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
            let told = answer(&request, true).unwrap_or_else(Response::from);
            assert_eq!(told.code, code, "{path}");
            assert!(told.code != 200 || told.body.str().starts_with(wanted), "{path}: {}", told.body.str());
        }
        let request = Request::new(Method::Get, "/readyz").query("verbose", "").query("exclude", "etcd");
        let told = answer(&request, true).unwrap();
        assert!(told.body.str().contains("[+]etcd excluded: ok\n"));
        assert!(told.body.str().ends_with("[+]shutdown ok\nreadyz check passed\n"));
        let told = answer(&Request::new(Method::Get, "/livez"), false).unwrap();
        assert_eq!(told.code, 500);
        assert!(told.body.str().starts_with("[+]ping ok\n[+]log ok\n[-]etcd failed: reason withheld\n"));
        assert!(told.body.str().ends_with("ok\nlivez check failed\n"));
    }
}
