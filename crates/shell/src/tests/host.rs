//! A world for tests: files, a few names and addresses, a stream that brings a line a second.

use crate::{
    Config, DnsRecord, Facts, FileError, Files, Host, MachineAnswer, NetAnswer, NetProtocol, NetRequest,
    Place, StreamRead,
};
use api::{Request, Response, Status, tree};
use sim::{MILLISECOND, SECOND, Time};
use std::collections::BTreeMap;

/// The world.
#[derive(Clone, Debug)]
pub(in crate::tests) struct World {
    pub now: Time,
    pub files: BTreeMap<Place, Files>,
    pub config: Config,
    exchanges: BTreeMap<u64, (Time, NetAnswer)>,
    streams: BTreeMap<u64, (Time, u32)>,
    next: u64,
    pub closed: Vec<u64>,
    pub visits: u32,
    pub patches: Vec<String>,
}

fn container() -> Place {
    Place::Container { namespace: "default".into(), pod: "web".into(), container: "web".into() }
}

impl World {
    pub fn new() -> World {
        let config = Config::new(
            "kubernetes-admin@kubernetes",
            "kubernetes",
            "https://10.0.0.1:6443",
            "kubernetes-admin",
        );
        let mut files = BTreeMap::new();
        for place in [Place::Client, Place::Node("node-1".into()), container()] {
            let mut of_place = Files::with_folders(&["/root", "/root/.kube", "/tmp", "/etc"]);
            of_place.write("/root/.kube/config", &config.text()).unwrap();
            files.insert(place, of_place);
        }
        World {
            now: Time::EPOCH,
            files,
            config,
            exchanges: BTreeMap::new(),
            streams: BTreeMap::new(),
            next: 0,
            closed: Vec::new(),
            visits: 0,
            patches: Vec::new(),
        }
    }

    /// Returns when the next exchange ends or the next stream brings something.
    pub fn next_at(&self, streams: &[u64]) -> Option<Time> {
        let exchanges = self.exchanges.values().map(|(at, _)| *at);
        let lines = streams.iter().filter_map(|stream| self.streams.get(stream)).map(|(at, _)| *at);
        exchanges.chain(lines).min()
    }

    fn answer(&mut self, request: &NetRequest) -> (sim::Nanos, NetAnswer) {
        let quick = 2 * MILLISECOND;
        match &request.protocol {
            NetProtocol::Dns { name, kind, .. } => {
                let known = [
                    ("web", "10.96.0.7"),
                    ("dead", "10.96.0.8"),
                    ("gone", "10.0.0.9"),
                    ("redis", "10.96.0.6"),
                ];
                let short = name.strip_suffix(".default.svc.cluster.local").unwrap_or(name);
                let found = known.iter().find(|(known, _)| *known == short && kind == "A");
                let whole =
                    if short == name { format!("{name}.default.svc.cluster.local") } else { name.clone() };
                let record = |data: &str| DnsRecord {
                    name: whole.clone(),
                    ttl_seconds: 30,
                    kind: "A".into(),
                    data: data.into(),
                };
                let code = if found.is_some() { "NOERROR" } else { "NXDOMAIN" };
                let records = found.iter().map(|(_, data)| record(data)).collect();
                (
                    quick,
                    NetAnswer::Dns {
                        server: "10.96.0.10".into(),
                        code: code.into(),
                        records,
                        authority: Vec::new(),
                        name: name.clone(),
                    },
                )
            }
            _ if request.address == "10.0.0.9" => (request.timeout, NetAnswer::Timeout),
            _ if request.address == "10.0.0.10" => (quick, NetAnswer::Unreachable),
            _ if request.address != "10.96.0.7" && request.address != "10.96.0.6" => {
                (quick, NetAnswer::Refused)
            }
            NetProtocol::Http { method, path, body, .. } => {
                self.visits += 1;
                let (status, headers, text) = match path.as_str() {
                    "/" => (200, vec![], format!("hello {}\n", self.visits)),
                    "/old" => (302, vec![("Location".to_string(), "/".to_string())], String::new()),
                    "/echo" => (200, vec![], format!("{method} {body}\n")),
                    _ => (404, vec![], "not found\n".to_string()),
                };
                let mut all = vec![("Server".to_string(), "nginx/1.25.3".to_string())];
                all.push(("Content-Length".to_string(), text.len().to_string()));
                all.extend(headers);
                (quick, NetAnswer::Http { status, headers: all, body: text })
            }
            NetProtocol::Tcp { payload } if payload.contains("PING") => {
                (quick, NetAnswer::Text("+PONG\r\n".into()))
            }
            NetProtocol::Hello { .. } => (quick, NetAnswer::Text("HTTP/1.1 400 Bad Request\r\n".into())),
            NetProtocol::Tcp { payload } if payload.contains("KEYS") => {
                (quick, NetAnswer::Text("*2\r\n$1\r\na\r\n$2\r\nbb\r\n".into()))
            }
            NetProtocol::Tcp { payload } if payload.contains("INCR") => {
                (quick, NetAnswer::Text(":4\r\n".into()))
            }
            NetProtocol::Tcp { .. } => (quick, NetAnswer::Connected),
            NetProtocol::Silence => (quick, NetAnswer::Text(String::new())),
            NetProtocol::Udp { .. } => (quick, NetAnswer::Timeout),
            NetProtocol::Probe { ttl: 1 } => (quick, NetAnswer::Expired("10.0.0.1".into())),
            NetProtocol::Icmp | NetProtocol::Probe { .. } => (quick, NetAnswer::Pong),
        }
    }
}

impl Host for World {
    fn now(&self) -> Time {
        self.now
    }

    fn request(&mut self, _place: &Place, request: Request) -> Result<Response, String> {
        let pod = tree!({
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": "web", "namespace": "default"},
            "spec": {"containers": [{"name": "web"}]},
            "status": {"phase": "Running"},
        });
        if request.path.ends_with("/pods/web/log") {
            self.next += 1;
            self.streams.insert(self.next, (self.now + SECOND, 0));
            return Ok(Response { code: 200, stream: self.next, ..Response::default() });
        }
        if request.method == api::Method::Patch {
            self.patches.push(request.body.to_json());
        }
        if request.path.ends_with("/pods/web") {
            return Ok(Response::new(200, pod));
        }
        Ok(Status::not_found("pods", request.path.rsplit('/').next().unwrap_or("")).into())
    }

    fn stream_read(&mut self, stream: u64) -> StreamRead {
        match self.streams.get_mut(&stream) {
            Some((at, lines)) if *at <= self.now => {
                *at = *at + SECOND;
                *lines += 1;
                StreamRead::Bytes(format!("line {lines}\n"))
            }
            Some(_) => StreamRead::Empty,
            None => StreamRead::Closed,
        }
    }

    fn stream_write(&mut self, _stream: u64, _text: &str) {}

    fn stream_close(&mut self, stream: u64) {
        self.streams.remove(&stream);
        self.closed.push(stream);
    }

    fn kubeconfig(&mut self, _place: &Place) -> Config {
        self.config.clone()
    }

    fn set_kubeconfig(&mut self, _place: &Place, config: Config) {
        self.config = config;
    }

    fn read_file(&mut self, place: &Place, path: &str) -> Result<String, FileError> {
        let files = self.files.get(place).ok_or(FileError::NotFound)?;
        files.read(path).map(|text| text.to_string())
    }

    fn write_file(&mut self, place: &Place, path: &str, text: &str) -> Result<(), FileError> {
        self.files.get_mut(place).ok_or(FileError::ReadOnly)?.write(path, text)
    }

    fn list_dir(&mut self, place: &Place, path: &str) -> Result<Vec<String>, FileError> {
        self.files.get(place).ok_or(FileError::NotFound)?.list(path)
    }

    fn make_dir(&mut self, place: &Place, path: &str) -> Result<(), FileError> {
        self.files.get_mut(place).ok_or(FileError::ReadOnly)?.make_dir(path)
    }

    fn remove(&mut self, place: &Place, path: &str) -> Result<(), FileError> {
        self.files.get_mut(place).ok_or(FileError::ReadOnly)?.remove(path)
    }

    fn connect(&mut self, _place: &Place, request: NetRequest) -> u64 {
        self.next += 1;
        let (after, answer) = self.answer(&request);
        self.exchanges.insert(self.next, (self.now + after, answer));
        self.next
    }

    fn exchange(&mut self, id: u64) -> Option<NetAnswer> {
        let ready = self.exchanges.get(&id).is_some_and(|(at, _)| *at <= self.now);
        ready.then(|| self.exchanges.remove(&id).map(|(_, answer)| answer))?
    }

    fn abandon(&mut self, id: u64) {
        self.exchanges.remove(&id);
    }

    fn facts(&mut self, place: &Place) -> Facts {
        let hostname = match place {
            Place::Client => "client",
            Place::Node(name) => name,
            Place::Container { pod, .. } => pod,
        };
        Facts {
            hostname: hostname.to_string(),
            user: "root".to_string(),
            home: "/root".to_string(),
            environment: vec![("EDITOR".to_string(), "vi".to_string())],
            interfaces: vec![crate::Interface {
                name: "eth0".to_string(),
                address: "10.64.140.11/24".to_string(),
                mac: "52:54:00:40:8c:0b".to_string(),
                ..crate::Interface::default()
            }],
            processes: vec![(1, "root".to_string(), "nginx: master process".to_string())],
            routes: vec!["default via 10.64.140.1 dev eth0".to_string()],
            is_busybox: place.is_container(),
            programs: place.is_container().then(|| vec!["sh".to_string(), "cat".to_string()]),
            ..Facts::default()
        }
    }

    fn ssh(&mut self, _from: &Place, target: &str) -> Result<Place, String> {
        match target {
            "node-1" | "10.64.140.11" => Ok(Place::Node("node-1".into())),
            "node-2" => Err("ssh: connect to host node-2 port 22: Connection timed out".to_string()),
            other => Err(format!("ssh: Could not resolve hostname {other}: Name or service not known")),
        }
    }

    fn machine(&mut self, place: &Place, argv: &[String], stdin: &str) -> Option<MachineAnswer> {
        match (place, argv.first().map(String::as_str)?) {
            (Place::Node(name), "iptables-save") => {
                Some(MachineAnswer::ok(format!("# rules of {name}\n*nat\nCOMMIT\n")))
            }
            (Place::Node(_), "iptables") => {
                Some(MachineAnswer::failed(2, format!("bad {} {stdin}\n", argv.join(" "))))
            }
            _ => None,
        }
    }

    fn edit_file(&mut self, path: &str) -> bool {
        path.ends_with(".txt")
    }
}
