//! What rules change of requests and answers.

use crate::config::{Backend, PathMatch};
use api::Value;
use network::HttpRequest;
use nginx::Edits;
use std::rc::Rc;

/// What takes a path's place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum NewPath {
    /// The whole path.
    Full(Rc<str>),
    /// What the match's prefix was.
    Prefix(Rc<str>),
}

/// `requestRedirect`
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Redirect {
    pub(crate) scheme: Rc<str>,
    pub(crate) hostname: Rc<str>,
    pub(crate) port: Option<u16>,
    pub(crate) path: Option<NewPath>,
    pub(crate) code: u16,
}

/// `urlRewrite`
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Rewrite {
    pub(crate) hostname: Rc<str>,
    pub(crate) path: Option<NewPath>,
}

/// A rule's filters.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Filters {
    pub(crate) request: Edits,
    pub(crate) response: Edits,
    pub(crate) redirect: Option<Redirect>,
    pub(crate) rewrite: Option<Rewrite>,
    /// Who gets a copy of each request.
    pub(crate) mirrors: Vec<Backend>,
}

fn pairs(list: &Value) -> Vec<(Rc<str>, Rc<str>)> {
    list.items().iter().map(|one| (one["name"].text(), one["value"].text())).collect()
}

fn edits(filter: &Value) -> Edits {
    let remove = filter["remove"].items().iter().map(Value::text).collect();
    Edits { set: pairs(&filter["set"]), add: pairs(&filter["add"]), remove }
}

fn new_path(path: &Value) -> Option<NewPath> {
    match path["type"].str() {
        "ReplaceFullPath" => Some(NewPath::Full(path["replaceFullPath"].text())),
        "ReplacePrefixMatch" => Some(NewPath::Prefix(path["replacePrefixMatch"].text())),
        _ => None,
    }
}

impl Filters {
    /// Adds a filter. Returns whether it is one that is known here; mirrors are added by who knows Services.
    pub(crate) fn add(&mut self, filter: &Value) -> bool {
        match filter["type"].str() {
            "RequestHeaderModifier" => self.request = edits(&filter["requestHeaderModifier"]),
            "ResponseHeaderModifier" => self.response = edits(&filter["responseHeaderModifier"]),
            "RequestRedirect" => {
                let spec = &filter["requestRedirect"];
                self.redirect = Some(Redirect {
                    scheme: spec["scheme"].text(),
                    hostname: spec["hostname"].text(),
                    port: u16::try_from(spec["port"].int()).ok().filter(|port| *port > 0),
                    path: new_path(&spec["path"]),
                    code: u16::try_from(spec["statusCode"].as_int().unwrap_or(302)).unwrap_or(302),
                });
            }
            "URLRewrite" => {
                let spec = &filter["urlRewrite"];
                let path = new_path(&spec["path"]);
                self.rewrite = Some(Rewrite { hostname: spec["hostname"].text(), path });
            }
            "RequestMirror" => {}
            _ => return false,
        }
        true
    }
}

/// Returns a path with its query, changed.
fn changed(target: &str, new: &NewPath, matched: &PathMatch) -> String {
    let (path, query) = target.split_once('?').map_or((target, None), |(path, query)| (path, Some(query)));
    let path = match new {
        NewPath::Full(full) => full.to_string(),
        NewPath::Prefix(new) => {
            let prefix = match matched {
                PathMatch::Prefix(prefix) => prefix.trim_end_matches('/'),
                _ => path,
            };
            let rest = path.strip_prefix(prefix).unwrap_or(path);
            let joined = format!("{}{rest}", new.trim_end_matches('/'));
            // Where the whole path was matched, what is put in its place stays as it is written.
            let joined = if rest.is_empty() { new.to_string() } else { joined };
            if joined.starts_with('/') { joined } else { format!("/{joined}") }
        }
    };
    query.map_or(path.clone(), |query| format!("{path}?{query}"))
}

impl Redirect {
    /// Returns where a request is sent.
    // Models github.com/nginx/nginx-gateway-fabric internal/controller/nginx/config/servers.go
    // createReturnAndRewriteConfigForRedirectFilter
    pub(crate) fn location(&self, request: &HttpRequest, port: u16, matched: &PathMatch) -> String {
        let own_scheme = if request.is_tls { "https" } else { "http" };
        let scheme = if self.scheme.is_empty() { own_scheme } else { &*self.scheme };
        let own_host = request.host.split(':').next().unwrap_or("");
        let host = if self.hostname.is_empty() { own_host } else { &*self.hostname };
        // A scheme without a port stands for the port that is usual for it.
        let port = match (self.port, self.scheme.is_empty()) {
            (Some(port), _) => Some(port),
            (None, true) => Some(port),
            (None, false) => None,
        };
        let usual = if scheme == "https" { 443 } else { 80 };
        let port = port.filter(|port| *port != usual).map_or(String::new(), |port| format!(":{port}"));
        let path = match &self.path {
            Some(new) => changed(&request.path, new, matched),
            None => request.path.to_string(),
        };
        format!("{scheme}://{host}{port}{path}")
    }
}

impl Rewrite {
    /// Changes the request.
    pub(crate) fn apply(&self, request: &mut HttpRequest, matched: &PathMatch) {
        if !self.hostname.is_empty() {
            request.host = self.hostname.clone();
        }
        if let Some(new) = &self.path {
            request.path = changed(&request.path, new, matched).into();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefixes_are_replaced_as_the_specification_says() {
        // sigs.k8s.io/gateway-api apis/v1/httproute_types.go HTTPPathModifier.ReplacePrefixMatch
        for (path, prefix, new, expected) in [
            ("/foo/bar", "/foo", "/xyz", "/xyz/bar"),
            ("/foo/bar", "/foo", "/xyz/", "/xyz/bar"),
            ("/foo/bar", "/foo/", "/xyz", "/xyz/bar"),
            ("/foo/bar", "/foo/", "/xyz/", "/xyz/bar"),
            ("/foo", "/foo", "/xyz", "/xyz"),
            ("/foo/", "/foo", "/xyz", "/xyz/"),
            ("/foo/bar", "/foo", "", "/bar"),
            ("/foo/", "/foo", "", "/"),
            ("/foo", "/foo", "", "/"),
            ("/foo/", "/foo", "/", "/"),
            ("/foo", "/foo", "/", "/"),
            ("/foo/bar?a=b", "/foo", "/xyz", "/xyz/bar?a=b"),
        ] {
            let matched = PathMatch::Prefix(prefix.into());
            assert_eq!(
                changed(path, &NewPath::Prefix(new.into()), &matched),
                expected,
                "{path} {prefix} {new}"
            );
        }
    }
}
