//! What a path asks for.

use api::{Method, Request};

/// A request as its path, method and query tell it.
// Models staging/src/k8s.io/apiserver/pkg/endpoints/request/requestinfo.go RequestInfo
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct RequestInfo<'a> {
    /// Whether it is about a resource, not about `/healthz` or discovery.
    pub(crate) is_resource: bool,
    pub(crate) verb: &'static str,
    pub(crate) group: &'a str,
    pub(crate) version: &'a str,
    pub(crate) namespace: &'a str,
    pub(crate) resource: &'a str,
    pub(crate) subresource: &'a str,
    pub(crate) name: &'a str,
}

impl<'a> RequestInfo<'a> {
    // Models staging/src/k8s.io/apiserver/pkg/endpoints/request/requestinfo.go NewRequestInfo
    pub(crate) fn new(request: &'a Request) -> RequestInfo<'a> {
        let mut info = RequestInfo { verb: plain_verb(request.method), ..RequestInfo::default() };
        let mut words = request.path.trim_matches('/').split('/');
        match words.next() {
            Some("api") => {}
            Some("apis") => info.group = words.next().unwrap_or(""),
            _ => return info,
        }
        info.version = words.next().unwrap_or("");
        let Some(mut word) = words.next() else {
            return info;
        };
        info.is_resource = true;
        let mut next = words.next();
        if word == "namespaces"
            && let Some(namespace) = next
        {
            info.namespace = namespace;
            next = words.next();
            match next {
                // `namespaces/x` and its own subresources are about the namespace itself.
                None | Some("status" | "finalize") => {
                    info.name = namespace;
                    info.subresource = next.unwrap_or("");
                    info.resource = word;
                    info.verb = resource_verb(request, info.name);
                    return info;
                }
                Some(resource) => {
                    word = resource;
                    next = words.next();
                }
            }
        }
        info.resource = word;
        info.name = next.unwrap_or("");
        info.subresource = words.next().unwrap_or("");
        info.verb = resource_verb(request, info.name);
        info
    }
}

/// Returns whether a request with this path goes on to what listens in the cluster (`pods/NAME/proxy/…`), so
/// that its headers and its body, in whatever form, go with it.
pub fn is_proxied(path: &str) -> bool {
    path.contains("/proxy") && RequestInfo::new(&Request::new(Method::Get, path)).subresource == "proxy"
}

fn plain_verb(method: Method) -> &'static str {
    match method {
        Method::Get | Method::Head => "get",
        Method::Options => "options",
        Method::Post => "post",
        Method::Put => "put",
        Method::Patch => "patch",
        Method::Delete => "delete",
    }
}

fn resource_verb(request: &Request, name: &str) -> &'static str {
    match request.method {
        Method::Post => "create",
        Method::Put => "update",
        Method::Patch => "patch",
        Method::Delete if name.is_empty() => "deletecollection",
        Method::Delete => "delete",
        Method::Get if request.flag("watch") => "watch",
        Method::Get | Method::Head if name.is_empty() => "list",
        Method::Get | Method::Head => "get",
        // Upstream knows no verb for it, so that only who may do everything may do it.
        Method::Options => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parses_paths_as_upstream() {
        for (method, path, text) in [
            (Method::Get, "/api/v1/namespaces/default/pods", "list  v1 default pods  "),
            (Method::Get, "/api/v1/namespaces/default/pods/x", "get  v1 default pods x "),
            (Method::Get, "/api/v1/namespaces/default/pods/x/log", "get  v1 default pods x log"),
            (Method::Get, "/api/v1/pods", "list  v1  pods  "),
            (Method::Post, "/api/v1/namespaces/default/pods/x/binding", "create  v1 default pods x binding"),
            (Method::Get, "/api/v1/namespaces/a", "get  v1 a namespaces a "),
            (Method::Put, "/api/v1/namespaces/a/finalize", "update  v1 a namespaces a finalize"),
            (Method::Get, "/api/v1/namespaces", "list  v1  namespaces  "),
            (
                Method::Delete,
                "/apis/apps/v1/namespaces/a/deployments",
                "deletecollection apps v1 a deployments  ",
            ),
            (
                Method::Patch,
                "/apis/apps/v1/namespaces/a/deployments/d/status",
                "patch apps v1 a deployments d status",
            ),
            (Method::Get, "/apis/apps/v1", "get apps v1    "),
            (Method::Get, "/version", "get      "),
        ] {
            let request = Request::new(method, path);
            let i = RequestInfo::new(&request);
            let found =
                [i.verb, i.group, i.version, i.namespace, i.resource, i.name, i.subresource].join(" ");
            assert_eq!(found, text, "{path}");
        }
    }
}
