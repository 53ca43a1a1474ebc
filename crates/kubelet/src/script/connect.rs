use crate::cri::{AppCx, Came, Effect, Image};
use api::nslookup::{Nslookup, Question, Record, Reply};
use network::dns::{DnsCode, DnsRecord, RecordData, RecordType};
use network::{Answer, HttpRequest, HttpResponse, Outcome, Payload, Protocol};
use sim::{MILLISECOND, Nanos, SECOND, Time};
use std::net::Ipv4Addr;
use std::rc::Rc;

/// Which program asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Tool {
    Curl,
    Wget,
    Nslookup,
    Netcat,
    Ping,
}

/// A question of a script to the network: curl, wget, nslookup, nc, ping.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Connection {
    pub tag: u64,
    tool: Tool,
    host: Rc<str>,
    port: u16,
    payload: Payload,
    timeout: Nanos,
    began: Time,
    quiet: bool,
    show_errors: bool,
    fail: bool,
    head: bool,
    include: bool,
    file: Option<String>,
    format: String,
    nslookup: Option<Box<Nslookup>>,
}

/// What a tool wrote, and its exit code.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Written {
    pub code: i64,
    pub stdout: String,
    pub stderr: String,
    pub file: Option<(String, String)>,
}

/// What an HTTP request is made of.
struct Given<'a> {
    method: &'a str,
    body: &'a str,
    headers: Vec<&'a str>,
    operands: Vec<&'a str>,
}

/// Reads a command line.
///
/// # Errors
/// The exit code and the words of the tool.
pub(crate) fn parse(name: &str, args: &[&str]) -> Result<Connection, (i64, String)> {
    let tool = match name {
        "curl" => Tool::Curl,
        "wget" => Tool::Wget,
        "nslookup" => Tool::Nslookup,
        "nc" => Tool::Netcat,
        _ => Tool::Ping,
    };
    let mut connection = Connection {
        tag: 0,
        tool,
        host: "".into(),
        port: 80,
        payload: Payload::Connect,
        timeout: 130 * SECOND,
        began: Time(0),
        quiet: false,
        show_errors: false,
        fail: false,
        head: false,
        include: false,
        file: None,
        format: String::new(),
        nslookup: None,
    };
    let mut given = Given { method: "GET", body: "", headers: Vec::new(), operands: Vec::new() };
    let mut rest = args.iter().copied();
    while let Some(arg) = rest.next() {
        connection.option(arg, &mut || rest.next().unwrap_or(""), &mut given);
    }
    if given.operands.first().is_none_or(|first| first.is_empty()) {
        return Err(match tool {
            Tool::Curl => {
                (2, "curl: (2) no URL specified\ncurl: try 'curl --help' for more information\n".to_string())
            }
            _ => (1, format!("{name}: missing host\n")),
        });
    }
    connection.aim(&given);
    Ok(connection)
}

impl Connection {
    /// Takes one word of the command line; `value` gives the next.
    fn option<'a>(&mut self, arg: &'a str, value: &mut dyn FnMut() -> &'a str, given: &mut Given<'a>) {
        let tool = self.tool;
        match (tool, arg) {
            (Tool::Curl, "-m" | "--max-time" | "--connect-timeout" | "--retry")
            | (Tool::Wget, "-T" | "-t")
            | (Tool::Netcat | Tool::Ping, "-w" | "-W" | "-c") => {
                let number = value().parse::<f64>().unwrap_or(0.0);
                if !matches!(arg, "--retry" | "-t" | "-c") && number > 0.0 {
                    self.timeout = (number.min(1e6) * 1_000.0) as i64 * MILLISECOND;
                }
            }
            (Tool::Curl, "-X" | "--request") => given.method = value(),
            (Tool::Curl, "-d" | "--data") => (given.body, given.method) = (value(), "POST"),
            (Tool::Curl, "-H" | "--header") => given.headers.push(value()),
            (Tool::Curl, "-o" | "--output") | (Tool::Wget, "-O") => self.file = Some(value().to_string()),
            (Tool::Curl, "-w" | "--write-out") => self.format = value().to_string(),
            (Tool::Curl, "-u" | "-A" | "-b" | "-e") => drop(value()),
            (Tool::Wget, "-qO-" | "-qO" | "-O-") => {
                self.quiet |= arg.contains('q');
                self.file = Some(if arg.ends_with('-') { "-".to_string() } else { value().to_string() });
            }
            (Tool::Wget, "--spider") => self.head = true,
            (Tool::Wget, option) if option.starts_with("--timeout=") => {
                let seconds = option.get(10..).and_then(|number| number.parse::<i64>().ok());
                self.timeout = seconds.unwrap_or(10).clamp(0, 3_600) * SECOND;
            }
            (_, option) if option.starts_with("--") => self.fail |= option == "--fail",
            (_, option) if option.len() > 1 && option.starts_with('-') => {
                let is_curl = tool == Tool::Curl;
                self.quiet |= option.contains('s') && is_curl || option.contains('q');
                self.show_errors |= option.contains('S');
                self.fail |= option.contains('f') && is_curl;
                self.head |= option.contains('I') && is_curl;
                self.include |= option.contains('i') && is_curl;
                if is_curl && option.ends_with('o') {
                    self.file = Some(value().to_string());
                } else if is_curl && option.ends_with('m') {
                    self.timeout = value().parse::<i64>().unwrap_or(0).clamp(0, 100_000) * SECOND;
                }
            }
            (_, operand) => given.operands.push(operand),
        }
    }

    /// Finds out what to ask whom.
    fn aim(&mut self, given: &Given) {
        let first = given.operands.first().copied().unwrap_or("");
        let target = first.split_once("://").map_or(first, |(_, target)| target);
        let (authority, path) = match target.find(['/', '?']) {
            Some(at) => target.split_at(at),
            None => (target, "/"),
        };
        let is_tls = first.starts_with("https://");
        let usual = if is_tls { 443 } else { 80 };
        let (host, port) = match authority.rsplit_once(':') {
            Some((host, port)) => (host, port.parse().unwrap_or(usual)),
            None => (authority, usual),
        };
        (self.host, self.port) = (host.into(), port);
        match self.tool {
            Tool::Curl | Tool::Wget => {
                let agent = if self.tool == Tool::Curl { "curl/8.17.0" } else { "Wget" };
                let mut request = HttpRequest::get(authority, path);
                request.method = if self.head { "HEAD".into() } else { given.method.into() };
                request.is_tls = is_tls;
                request.body = given.body.into();
                request.headers.push(("User-Agent".into(), agent.into()));
                if self.tool == Tool::Curl {
                    request.headers.push(("Accept".into(), "*/*".into()));
                }
                for (name, value) in given.headers.iter().filter_map(|header| header.split_once(':')) {
                    if name.eq_ignore_ascii_case("host") {
                        request.host = value.trim().into();
                    } else {
                        request.headers.push((name.into(), value.trim().into()));
                    }
                }
                self.payload = Payload::Http(request);
            }
            Tool::Netcat => {
                self.port = given.operands.get(1).and_then(|port| port.parse().ok()).unwrap_or(port);
            }
            Tool::Ping => self.payload = Payload::Ping,
            Tool::Nslookup => {}
        }
    }

    /// Returns what is to be asked of the network.
    pub(crate) fn begin(&mut self, cx: &mut AppCx, image: &Image) -> Effect {
        self.began = cx.now;
        if self.tool == Tool::Nslookup {
            let conf = cx.files.read("/etc/resolv.conf").unwrap_or_default();
            let style = image.nslookup(&cx.pod.version);
            self.nslookup = Some(Box::new(Nslookup::new(style, &self.host, "A", "", &conf)));
        }
        if let Some(next) = self.next() {
            return next;
        }
        let protocol = if self.tool == Tool::Ping { Protocol::Icmp } else { Protocol::Tcp };
        Effect::Call {
            tag: self.tag,
            host: self.host.clone(),
            port: if self.tool == Tool::Ping { 0 } else { self.port },
            protocol,
            payload: self.payload.clone(),
            timeout: self.timeout,
        }
    }

    /// Returns what nslookup asks next, where it isn't at its end.
    pub(crate) fn next(&self) -> Option<Effect> {
        let Question { name, kind, search } = self.nslookup.as_ref()?.question()?;
        let name = if *search { name.as_str().into() } else { format!("{name}.").into() };
        Some(Effect::Lookup { tag: self.tag, name, kind: RecordType::parse(kind).unwrap_or(RecordType::A) })
    }

    /// Returns what the tool writes about what came.
    pub(crate) fn end(&mut self, cx: &AppCx, came: &Came) -> Written {
        match self.tool {
            Tool::Curl => self.curl(cx, came),
            Tool::Wget => self.wget(came),
            Tool::Nslookup => self.nslookup(came),
            Tool::Netcat | Tool::Ping => self.probe(came),
        }
    }

    fn curl(&self, cx: &AppCx, came: &Came) -> Written {
        let millis = (cx.now - self.began) / MILLISECOND;
        let (host, port) = (&self.host, self.port);
        let (code, words) = match came {
            Came::Outcome(_, Outcome::Answered(Answer::Http(response))) => return self.body(response),
            Came::Outcome(_, Outcome::Answered(_)) => (1, "Received HTTP/0.9 when not allowed".to_string()),
            Came::Outcome(_, Outcome::Refused) => (
                7,
                format!(
                    "Failed to connect to {host} port {port} after {millis} ms: Could not connect to server"
                ),
            ),
            Came::Outcome(_, Outcome::Unreachable) => {
                (7, format!("Failed to connect to {host} port {port} after {millis} ms: No route to host"))
            }
            Came::Outcome(_, Outcome::Reset) => (52, "Empty reply from server".to_string()),
            Came::Outcome(_, Outcome::Timeout) => {
                (28, format!("Connection timed out after {millis} milliseconds"))
            }
            Came::NoSuchName | Came::Records(..) => (6, format!("Could not resolve host: {host}")),
            Came::NoDns => (28, format!("Resolving timed out after {millis} milliseconds")),
        };
        let silent = self.quiet && !self.show_errors;
        let stdout = self.written("000", "");
        let stderr = if silent { String::new() } else { format!("curl: ({code}) {words}\n") };
        Written { code, stdout, stderr, file: None }
    }

    fn written(&self, status: &str, body: &str) -> String {
        let tail = self
            .format
            .replace("%{http_code}", status)
            .replace("%{response_code}", status)
            .replace("\\n", "\n");
        format!("{body}{tail}")
    }

    fn body(&self, response: &HttpResponse) -> Written {
        if self.fail && response.status >= 400 {
            let words = format!("curl: (22) The requested URL returned error: {}\n", response.status);
            let stderr = if self.quiet && !self.show_errors { String::new() } else { words };
            return Written { code: 22, stderr, ..Written::default() };
        }
        let mut text = String::new();
        if self.head || self.include {
            text += &format!("HTTP/1.1 {}\r\n", response.status);
            for (name, value) in &response.headers {
                text += &format!("{name}: {value}\r\n");
            }
            text += "\r\n";
        }
        text += if self.head { "" } else { &response.body };
        let status = response.status.to_string();
        match self.file.as_deref() {
            Some("/dev/null") => Written { stdout: self.written(&status, ""), ..Written::default() },
            Some(path) if path != "-" => Written {
                stdout: self.written(&status, ""),
                file: Some((path.to_string(), text)),
                ..Written::default()
            },
            _ => Written { stdout: self.written(&status, &text), ..Written::default() },
        }
    }

    fn wget(&self, came: &Came) -> Written {
        let (host, port) = (&self.host, self.port);
        let told = |ip: &Ipv4Addr| {
            if self.quiet { String::new() } else { format!("Connecting to {host} ({ip}:{port})\n") }
        };
        let failed = |ip: &Ipv4Addr, words: String| Written {
            code: 1,
            stderr: format!("{}wget: {words}\n", told(ip)),
            ..Written::default()
        };
        match came {
            Came::Outcome(ip, Outcome::Answered(Answer::Http(response))) if response.status < 400 => {
                let body = response.body.to_string();
                let stderr = told(ip);
                match self.file.as_deref() {
                    _ if self.head => Written { stderr, ..Written::default() },
                    Some("-") => Written { stdout: body, stderr, ..Written::default() },
                    Some(path) => {
                        Written { stderr, file: Some((path.to_string(), body)), ..Written::default() }
                    }
                    None => {
                        Written { stderr, file: Some(("index.html".to_string(), body)), ..Written::default() }
                    }
                }
            }
            Came::Outcome(ip, Outcome::Answered(Answer::Http(response))) => {
                failed(ip, format!("server returned error: HTTP/1.1 {}", response.status))
            }
            Came::Outcome(ip, Outcome::Refused) => {
                failed(ip, format!("can't connect to remote host ({ip}): Connection refused"))
            }
            Came::Outcome(ip, Outcome::Unreachable) => {
                failed(ip, format!("can't connect to remote host ({ip}): No route to host"))
            }
            Came::Outcome(ip, Outcome::Timeout) => failed(ip, "download timed out".to_string()),
            Came::Outcome(ip, _) => failed(ip, "error getting response".to_string()),
            Came::NoSuchName | Came::Records(..) | Came::NoDns => {
                Written { code: 1, stderr: format!("wget: bad address '{host}'\n"), ..Written::default() }
            }
        }
    }

    fn nslookup(&mut self, came: &Came) -> Written {
        let reply = match came {
            Came::Records(code, records) => {
                let data = |data: &RecordData| match data {
                    RecordData::A(address) => address.to_string(),
                    RecordData::Srv { priority, weight, port, target } => {
                        format!("{priority} {weight} {port} {target}.")
                    }
                    RecordData::Cname(text)
                    | RecordData::Ptr(text)
                    | RecordData::Txt(text)
                    | RecordData::Soa(text) => text.to_string(),
                };
                let record = |one: &DnsRecord| Record {
                    name: one.name.to_string(),
                    kind: one.data.kind().name().to_string(),
                    data: data(&one.data),
                };
                Some(Reply { code: code.name().to_string(), records: records.iter().map(record).collect() })
            }
            // What can't be asked for isn't there.
            Came::NoSuchName => {
                Some(Reply { code: DnsCode::NxDomain.name().to_string(), records: Vec::new() })
            }
            Came::NoDns | Came::Outcome(..) => None,
        };
        let Some(nslookup) = &mut self.nslookup else { return Written::default() };
        let printed = nslookup.take(reply.as_ref());
        Written { code: nslookup.status.into(), stdout: printed.out, stderr: printed.err, file: None }
    }

    fn probe(&self, came: &Came) -> Written {
        let (host, port) = (&self.host, self.port);
        match (self.tool, came) {
            (Tool::Ping, Came::Outcome(ip, Outcome::Answered(_))) => Written {
                stdout: format!(
                    "PING {host} ({ip}): 56 data bytes\n64 bytes from {ip}: seq=0 ttl=62 time=0.412 ms\n"
                ),
                ..Written::default()
            },
            (_, Came::Outcome(ip, Outcome::Answered(_))) => {
                Written { stdout: format!("{host} ({ip}:{port}) open\n"), ..Written::default() }
            }
            (Tool::Netcat, Came::Outcome(ip, Outcome::Refused)) => Written {
                code: 1,
                stderr: format!("nc: {host} ({ip}:{port}): Connection refused\n"),
                ..Written::default()
            },
            (_, Came::NoSuchName | Came::NoDns | Came::Records(..)) => {
                Written { code: 1, stderr: format!("bad address '{host}'\n"), ..Written::default() }
            }
            _ => Written { code: 1, ..Written::default() },
        }
    }
}
