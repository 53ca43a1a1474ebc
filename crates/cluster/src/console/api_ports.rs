//! `kubectl proxy`: ports of a machine that lead to the API server.

use super::ground::Ground;
use crate::Cluster;
use api::path::url_decoded;
use api::{Method, PatchType, Request, Response, User, Value};
use kubectl::StreamRead;
use shell::{Host, NetAnswer, NetProtocol, NetRequest, Place};
use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::rc::Rc;

/// Where the ports begin that a machine chooses itself, and how many there are.
const CHOSEN: (u16, u16) = (32_768, 28_000);
/// How many ports lead to the API server at once.
const MOST: usize = 32;

const TEXT: &str = "text/plain; charset=utf-8";

/// A port that leads to the API server.
#[derive(Clone, Debug)]
struct Listener {
    stream: u64,
    user: Rc<User>,
    prefix: String,
}

/// An answer that comes through the API server from a kubelet or a pod.
#[derive(Clone, Debug, Default)]
struct UnderWay {
    stream: u64,
    status: u16,
    headers: Vec<(String, String)>,
    body: String,
}

/// The ports of all machines that lead to the API server, and what is under way through them by their errands' numbers.
#[derive(Clone, Debug, Default)]
pub(crate) struct ApiPorts {
    listeners: BTreeMap<(Place, u16), Listener>,
    under_way: BTreeMap<u64, UnderWay>,
}

impl ApiPorts {
    /// Forgets the port of a stream.
    pub(crate) fn close(&mut self, stream: u64) {
        self.listeners.retain(|_, listener| listener.stream != stream);
    }

    /// Forgets an errand. Returns its stream.
    pub(crate) fn abandon(&mut self, errand: u64) -> Option<u64> {
        self.under_way.remove(&errand).map(|answer| answer.stream)
    }

    /// Returns whether a port is taken.
    pub(crate) fn holds(&self, place: &Place, port: u16) -> bool {
        self.listeners.contains_key(&(place.clone(), port))
    }
}

impl Ground<'_> {
    /// Opens a port that leads to the API server; 0 lets the machine choose one.
    pub(super) fn open_proxy(
        &mut self,
        place: &Place,
        user: &User,
        local: u16,
        prefix: &str,
    ) -> Option<(u64, u16)> {
        let taken = |port: u16| {
            self.machines.api_ports.holds(place, port) || self.machines.forwards.holds(place, port)
        };
        let port = match local {
            0 => (0..CHOSEN.1).map(|n| CHOSEN.0 + n).find(|port| !taken(*port))?,
            local => Some(local).filter(|port| !taken(*port))?,
        };
        if self.machines.api_ports.listeners.len() >= MOST {
            return None;
        }
        let stream = self.world.apiserver.new_stream();
        self.machines.mail.entry(stream).or_default();
        let listener = Listener { stream, user: Rc::new(user.clone()), prefix: prefix.to_string() };
        self.machines.api_ports.listeners.insert((place.clone(), port), listener);
        Some((stream, port))
    }

    /// Takes a request for a port that leads to the API server, and returns its errand; `None` where the port is none.
    pub(super) fn through_proxy(&mut self, place: &Place, request: &NetRequest) -> Option<u64> {
        match self.ask_api(place, request)? {
            Ok(answer) => Some(self.machines.errands.fail(answer)),
            Err(stream) => {
                let errand = self.machines.errands.begin();
                let under_way = UnderWay { stream, status: 200, ..UnderWay::default() };
                self.machines.api_ports.under_way.insert(errand, under_way);
                Some(errand)
            }
        }
    }

    /// Asks the API server; what doesn't come at once comes by a stream.
    fn ask_api(&mut self, place: &Place, request: &NetRequest) -> Option<Result<NetAnswer, u64>> {
        let address: Ipv4Addr = request.address.parse().ok()?;
        let listener = self.machines.api_ports.listeners.get(&(place.clone(), request.port))?.clone();
        if !address.is_loopback() {
            return None;
        }
        let NetProtocol::Http { method, path, headers, body, .. } = &request.protocol else {
            return Some(Ok(NetAnswer::Connected));
        };
        let path = path.strip_prefix(&listener.prefix).unwrap_or(path);
        let Some(asked) = request_of(method, path, headers, body) else {
            return Some(Ok(answer(405, "Method Not Allowed\n".to_string(), TEXT)));
        };
        if asked.path.contains("/pods/") && (asked.path.ends_with("/exec") || asked.path.ends_with("/attach"))
        {
            return Some(Ok(answer(403, "<h3>Unauthorized</h3>".to_string(), "text/html; charset=utf-8")));
        }
        let goes_on = ["watch", "follow"].iter().any(|name| matches!(asked.param(name), "true" | "1"));
        let asked = Request { user: listener.user, ..asked };
        Some(Ok(match self.request(place, asked) {
            Err(why) => answer(502, format!("{why}\n"), TEXT),
            Ok(Response { stream, .. }) if stream != 0 && !goes_on => return Some(Err(stream)),
            Ok(Response { stream, .. }) if stream != 0 => {
                self.stream_close(stream);
                let why = "# kubarium: what goes on, such as a watch, doesn't go through the proxy\n";
                answer(501, why.to_string(), TEXT)
            }
            Ok(Response { code, body: Value::Str(text), .. }) => answer(code, text.to_string(), TEXT),
            Ok(Response { code, body, .. }) => answer(code, body.to_json_indented(), "application/json"),
        }))
    }
}

impl Cluster {
    /// Takes what came through the API server for its ports' clients.
    pub(super) fn take_api_answers(&mut self) {
        let machines = &mut self.terminal.machines;
        let mut ended = Vec::new();
        for (errand, answer) in &mut machines.api_ports.under_way {
            let Some(mail) = machines.mail.get_mut(&answer.stream) else {
                ended.push(*errand);
                continue;
            };
            for read in mail.drain(..) {
                match read {
                    StreamRead::Head { status, headers } => {
                        (answer.status, answer.headers) = (status, headers)
                    }
                    StreamRead::Bytes(text) | StreamRead::Errors(text) => answer.body.push_str(&text),
                    StreamRead::Closed => ended.push(*errand),
                    StreamRead::Event(_) | StreamRead::Exit(_) | StreamRead::Empty => {}
                }
            }
        }
        for errand in ended {
            let machines = &mut self.terminal.machines;
            let Some(one) = machines.api_ports.under_way.remove(&errand) else { continue };
            machines.mail.remove(&one.stream);
            let mut headers = one.headers;
            if headers.is_empty() {
                headers.push(("Content-Type".to_string(), TEXT.to_string()));
            }
            machines.errands.keep(errand, with_length(one.status, headers, one.body));
            self.terminal.wake();
        }
    }
}

fn answer(status: u16, body: String, kind: &str) -> NetAnswer {
    with_length(status, vec![("Content-Type".to_string(), kind.to_string())], body)
}

fn with_length(status: u16, mut headers: Vec<(String, String)>, body: String) -> NetAnswer {
    if !headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("content-length")) {
        headers.push(("Content-Length".to_string(), body.len().to_string()));
    }
    NetAnswer::Http { status, headers, body }
}

/// Reads what was sent over HTTP; `None` for a method that there isn't.
fn request_of(method: &str, target: &str, headers: &[(String, String)], body: &str) -> Option<Request> {
    let method = match method {
        "GET" | "HEAD" => Method::Get,
        "POST" => Method::Post,
        "PUT" => Method::Put,
        "PATCH" => Method::Patch,
        "DELETE" => Method::Delete,
        _ => return None,
    };
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let mut request = Request::new(method, path);
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        request = request.query(&url_decoded(name), url_decoded(value));
    }
    let kind = headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("content-type"));
    request.patch = match kind.map_or("", |(_, kind)| kind.split(';').next().unwrap_or("")) {
        "application/json-patch+json" => PatchType::Json,
        "application/merge-patch+json" => PatchType::Merge,
        "application/apply-patch+yaml" => PatchType::Apply,
        _ => PatchType::StrategicMerge,
    };
    request.agent = "curl".into();
    if body.is_empty() {
        Some(request)
    } else {
        Some(request.body(api::yaml::parse_one(body).unwrap_or_default()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_requests() {
        let asked = request_of("GET", "/api/v1/pods?labelSelector=a%3Db%2Cc&limit=1", &[], "").unwrap();
        assert_eq!(asked.path, "/api/v1/pods");
        assert_eq!((asked.param("labelSelector"), asked.param("limit")), ("a=b,c", "1"));
        let headers = [("content-type".to_string(), "application/merge-patch+json".to_string())];
        let asked = request_of("PATCH", "/x", &headers, "{\"a\": 1}").unwrap();
        assert_eq!((asked.patch, asked.body["a"].int()), (PatchType::Merge, 1));
        assert!(request_of("BREW", "/", &[], "").is_none());
    }
}
