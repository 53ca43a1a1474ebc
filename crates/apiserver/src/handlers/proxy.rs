//! `pods/proxy`, `services/proxy`, `nodes/proxy`: requests that go on to what listens in the cluster.
//!
//! Left out: links in pages that are passed on aren't rewritten, and connections aren't upgraded.

use super::Call;
use crate::node_request::{NodeRequest, NodeRequestKind, ProxyRequest};
use crate::server::ApiServer;
use api::{Response, Status, Value};
use std::net::Ipv4Addr;

/// Where a proxied request goes: scheme, address, port; 0 where the scheme's is meant.
type Location = (String, String, u16);

impl ApiServer {
    /// Passes a request on; its answer goes to the stream that the answer names.
    // Models staging/src/k8s.io/apimachinery/pkg/util/proxy/upgradeaware.go ServeHTTP
    pub(super) fn proxy(&mut self, call: &Call) -> Result<Response, Status> {
        let (scheme, address, port) = match call.rest.kind.plural {
            "pods" => self.pod_location(call)?,
            "services" => self.service_location(call)?,
            _ => self.node_location(call)?,
        };
        let tls = scheme == "https";
        let port = match port {
            0 if tls => 443,
            0 => 80,
            port => port,
        };
        let request = call.request;
        let (prefix, rest) = split(&request.path, if call.namespace.is_empty() { 5 } else { 7 });
        let (prefix, path) = (escape(prefix, PATH), escape(&join(rest), PATH));
        let mut headers = request.headers.clone();
        // Models staging/src/k8s.io/apimachinery/pkg/util/proxy/transport.go RoundTrip
        headers.push(("X-Forwarded-Uri".to_string(), format!("{prefix}{path}")));
        let proxied = ProxyRequest {
            address,
            port,
            tls,
            method: request.method.name().to_string(),
            prefix,
            path,
            query: query(&request.query),
            headers,
            body: request.body.str().to_string(),
        };
        let stream = self.new_stream();
        self.node_requests.push(NodeRequest {
            stream,
            node: String::new(),
            namespace: call.namespace.to_string(),
            pod: String::new(),
            uid: String::new(),
            container: String::new(),
            kind: NodeRequestKind::Proxy(proxied),
        });
        Ok(Response { code: 200, stream, ..Response::default() })
    }

    fn named(&self, call: &Call, plural: &str, name: &str) -> Result<Value, Status> {
        let rest = crate::authentication::core(plural);
        let found = rest.and_then(|rest| self.store.get(&rest.key(call.namespace, name)));
        found.map(|entry| entry.value.clone()).ok_or_else(|| Status::not_found(plural, name))
    }

    // Models pkg/registry/core/pod/strategy.go ResourceLocation
    fn pod_location(&self, call: &Call) -> Result<Location, Status> {
        let (scheme, name, port) = split_name(call.name).ok_or_else(|| invalid("pod", call.name))?;
        let pod = self.named(call, "pods", name)?;
        let first = || {
            let containers = pod["spec"]["containers"].items().iter();
            containers.map(|container| container["ports"][0]["containerPort"].int()).find(|port| *port > 0)
        };
        let port = match port {
            "" => first().unwrap_or(0),
            port => port.parse().map_err(|_| unknown_port(pod["status"]["podIP"].str(), port))?,
        };
        let address = pod["status"]["podIP"].str();
        let is_allowed = address.parse::<Ipv4Addr>().is_ok_and(|ip| {
            !(ip.is_loopback()
                || ip.is_multicast()
                || ip.is_link_local()
                || ip.is_unspecified()
                || ip.is_broadcast())
        });
        if !is_allowed {
            return Err(Status::bad_request("address not allowed"));
        }
        Ok((scheme.to_string(), address.to_string(), u16::try_from(port).unwrap_or(0)))
    }

    // Models pkg/registry/core/service/storage/storage.go ResourceLocation
    fn service_location(&self, call: &Call) -> Result<Location, Status> {
        let (scheme, name, port) = split_name(call.name).ok_or_else(|| invalid("service", call.name))?;
        let unavailable = |message: String| Status::new(503, "ServiceUnavailable", message);
        let mut wanted = port.to_string();
        if let Ok(number) = port.parse::<i64>() {
            let service = self.named(call, "services", name)?;
            let ports = service["spec"]["ports"].items();
            let found = ports.iter().find(|port| port["port"].int() == number);
            let message = format!("no service port {number} found for service {name:?}");
            wanted = found.ok_or_else(|| unavailable(message))?["name"].str().to_string();
        }
        let endpoints = self.named(call, "endpoints", name)?;
        let subsets = endpoints["subsets"].items();
        if subsets.is_empty() {
            return Err(unavailable(format!("no endpoints available for service {name:?}")));
        }
        let draw = |count: usize, n: u64| {
            let drawn = self.options.chance.draw(
                "service-proxy",
                &call.key(),
                self.draw_number().unsigned_abs() * 2 + n,
            );
            usize::try_from(drawn % (count.max(1) as u64)).unwrap_or(0)
        };
        let first = draw(subsets.len(), 0);
        for subset in subsets.iter().cycle().skip(first).take(subsets.len()) {
            let addresses = subset["addresses"].items();
            let port = subset["ports"].items().iter().find(|port| port["name"].str() == wanted);
            if let (Some(port), Some(address)) = (port, addresses.get(draw(addresses.len(), 1))) {
                let port = u16::try_from(port["port"].int()).unwrap_or(0);
                return Ok((scheme.to_string(), address["ip"].text().to_string(), port));
            }
        }
        Err(unavailable(format!("no endpoints available for service {:?}", call.name)))
    }

    // Models pkg/registry/core/node/strategy.go ResourceLocation
    fn node_location(&self, call: &Call) -> Result<Location, Status> {
        let (scheme, name, port) = split_name(call.name).ok_or_else(|| invalid("node", call.name))?;
        let node = self.named(call, "nodes", name)?;
        let addresses = node["status"]["addresses"].items();
        let address = addresses.iter().find(|address| address["type"].str() == "InternalIP");
        let Some(address) = address.map(|address| address["address"].text().to_string()) else {
            let message = "Internal error occurred: no preferred addresses found; known addresses: []";
            return Err(Status::new(500, "InternalError", message));
        };
        let kubelet = node["status"]["daemonEndpoints"]["kubeletEndpoint"]["Port"].int();
        let kubelet = u16::try_from(kubelet).unwrap_or(0);
        if port.is_empty() || port == kubelet.to_string() {
            return Ok(("https".to_string(), address, kubelet));
        }
        let port = port.parse().map_err(|_| unknown_port(&address, port))?;
        Ok((scheme.to_string(), address, port))
    }
}

fn invalid(what: &str, id: &str) -> Status {
    Status::bad_request(format!("invalid {what} request {id:?}"))
}

/// Says what Go's dialer says of a port that is no number.
fn unknown_port(address: &str, port: &str) -> Status {
    let why = format!("dial tcp: lookup tcp/{port}: unknown port");
    let why = if address.is_empty() { "address not allowed".to_string() } else { why };
    Status::new(503, "ServiceUnavailable", format!("error trying to reach service: {why}"))
}

/// Splits `NAME`, `NAME:PORT` or `SCHEME:NAME:PORT`.
// Models staging/src/k8s.io/apimachinery/pkg/util/net/port_split.go SplitSchemeNamePort
fn split_name(id: &str) -> Option<(&str, &str, &str)> {
    let parts: Vec<&str> = id.split(':').collect();
    let (scheme, name, port) = match parts[..] {
        [name] => ("", name, ""),
        [name, port] => ("", name, port),
        [scheme @ ("http" | "https"), name, port] => (scheme, name, port),
        _ => return None,
    };
    (!name.is_empty()).then_some((scheme, name, port))
}

/// Splits a path after so many words: what is before, and the rest with its slash.
fn split(path: &str, words: usize) -> (&str, &str) {
    let mut slashes = path.match_indices('/').map(|(at, _)| at);
    path.split_at(slashes.nth(words).unwrap_or(path.len()))
}

/// Takes `.`, `..` and doubled slashes out of a path; a slash at its end stays.
// Models staging/src/k8s.io/apimachinery/pkg/util/net/http.go JoinPreservingTrailingSlash
fn join(path: &str) -> String {
    let mut words: Vec<&str> = Vec::new();
    for word in path.split('/') {
        match word {
            "" | "." => {}
            ".." => drop(words.pop()),
            word => words.push(word),
        }
    }
    let end = if path.ends_with('/') && !words.is_empty() { "/" } else { "" };
    if path.is_empty() { String::new() } else { format!("/{}{end}", words.join("/")) }
}

/// What stands as it is in a path, besides letters and digits.
// Models net/url/url.go shouldEscape
const PATH: &str = "-_.~$&+,/:;=@";
/// What stands as it is in a query, besides letters and digits.
const QUERY: &str = "-_.~/:@,;!$'()*[]?";

/// Writes what has no place in a URL as `%XX`.
fn escape(text: &str, plain: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || plain.as_bytes().contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

fn query(pairs: &[(String, String)]) -> String {
    let one = |(name, value): &(String, String)| match value.as_str() {
        "" => escape(name, QUERY),
        value => format!("{}={}", escape(name, QUERY), escape(value, QUERY)),
    };
    pairs.iter().map(one).collect::<Vec<_>>().join("&")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn splits_names_as_upstream() {
        for (id, parts) in [
            ("web", Some(("", "web", ""))),
            ("web:80", Some(("", "web", "80"))),
            ("web:http", Some(("", "web", "http"))),
            ("https:web:443", Some(("https", "web", "443"))),
            ("https:web:", Some(("https", "web", ""))),
            ("ftp:web:21", None),
            ("a:b:c:d", None),
            (":80", None),
        ] {
            assert_eq!(split_name(id), parts, "{id}");
        }
    }

    #[test]
    fn paths_are_joined_and_escaped() {
        for (path, joined) in [
            ("", ""),
            ("/", "/"),
            ("/a/", "/a/"),
            ("/a//b", "/a/b"),
            ("/a/../../etc/passwd", "/etc/passwd"),
            ("/./a", "/a"),
        ] {
            assert_eq!(join(path), joined, "{path}");
        }
        assert_eq!(split("/api/v1/nodes/n/proxy/logs/x", 5), ("/api/v1/nodes/n/proxy", "/logs/x"));
        assert_eq!(split("/api/v1/nodes/n/proxy", 5), ("/api/v1/nodes/n/proxy", ""));
        assert_eq!(escape("/a b?%", PATH), "/a%20b%3F%25");
        let pairs = [("a".to_string(), "1 2".to_string()), ("b".to_string(), String::new())];
        assert_eq!(query(&pairs), "a=1%202&b");
    }
}
