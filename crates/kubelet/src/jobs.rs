use crate::container::Container;
use crate::cri::{AppCx, Came, Effect, clean_path, no_program};
use crate::net::{Origin, Outgoing};
use crate::process::Parts;
use crate::script::Script;
use crate::shared::{Pending, PendingWhat, Turn};
use crate::worker::PodWorker;
use api::Value;
use network::{HttpRequest, Outcome, Payload, Protocol, Socket};
use sim::{Nanos, SECOND, Time};
use std::net::Ipv4Addr;
use std::rc::Rc;

/// How many jobs a container has at once; more aren't begun.
const JOBS: usize = 16;

/// What a job is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// The container's probe with this position.
    Probe(u32),
    PostStart,
    PreStop,
}

/// How a job works.
#[derive(Clone, Debug)]
pub(crate) enum Work {
    /// A command is executed in the container.
    Exec(Box<Script>),
    /// A request was sent; where to, as errors name it.
    Call { url: Rc<str>, address: Rc<str> },
    /// It waits.
    Sleep,
    /// It has ended.
    Done(Finish),
}

/// What came of a job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Finish {
    /// It did well.
    Well,
    /// It failed, with these words.
    Failed(String),
    /// It couldn't be done at all, with these words.
    Errored(String),
}

/// A probe or a hook under way in a container.
#[derive(Clone, Debug)]
pub(crate) struct Job {
    pub id: u64,
    pub purpose: Purpose,
    pub work: Work,
    pub until: Time,
    timeout: Nanos,
    command: Rc<str>,
}

impl Job {
    /// Returns when it has something to do by itself.
    pub(crate) fn next_at(&self) -> Time {
        match &self.work {
            Work::Exec(script) => script.next_at().min(self.until),
            Work::Done(_) => Time(i64::MIN),
            Work::Call { .. } | Work::Sleep => self.until,
        }
    }
}

impl PodWorker {
    /// Begins what a handler says: `exec`, `httpGet`, `tcpSocket`, `grpc`, `sleep`. Returns the job's number.
    // Models pkg/kubelet/prober/prober.go runProbe, pkg/kubelet/lifecycle/handlers.go Run
    pub(crate) fn begin_job(
        &mut self,
        turn: &mut Turn,
        i: usize,
        handler: &Value,
        purpose: Purpose,
        timeout: Nanos,
    ) -> Option<u64> {
        let now = turn.cx.now;
        let container = self.containers.get_mut(i)?;
        if container.jobs.len() >= JOBS {
            return None;
        }
        container.next_job += 1;
        let id = container.next_job;
        let (work, until, command) = if !handler["exec"].is_null() {
            let argv: Vec<Rc<str>> = handler["exec"]["command"].items().iter().map(Value::text).collect();
            let command: Rc<str> = argv.join(" ").into();
            let file = argv.first().filter(|word| word.contains('/')).cloned();
            let directory = container.spec["workingDir"].text();
            let has_file = file.is_some_and(|file| {
                let path = clean_path(&directory, &file);
                self.with_app(turn, i, |_, cx| cx.files.read(&path)).flatten().is_some()
            });
            (self.containers.get(i)?.exec(&argv, has_file), now + timeout, command)
        } else if !handler["sleep"].is_null() {
            (Work::Sleep, now + handler["sleep"]["seconds"].int().clamp(0, 86_400) * SECOND, "".into())
        } else {
            (self.call_handler(turn, i, handler, id, timeout), now + timeout, "".into())
        };
        let container = self.containers.get_mut(i)?;
        container.jobs.push(Job { id, purpose, work, until, timeout, command });
        Some(id)
    }

    /// Sends the request of a handler.
    fn call_handler(&mut self, turn: &mut Turn, i: usize, handler: &Value, job: u64, timeout: Nanos) -> Work {
        let Some(container) = self.containers.get(i) else { return Work::Sleep };
        let http = &handler["httpGet"];
        let given =
            [http, &handler["tcpSocket"], &handler["grpc"]].into_iter().find(|given| !given.is_null());
        let Some(given) = given else {
            return Work::Done(Finish::Errored("missing probe handler".to_string()));
        };
        let Some(port) = port_of(&given["port"], &container.spec) else {
            let words = format!("couldn't find port: {} in container", given["port"].str());
            return Work::Done(Finish::Errored(words));
        };
        let own = self.ip.unwrap_or(Ipv4Addr::UNSPECIFIED);
        let host = given["host"].as_str().unwrap_or("");
        let address: Ipv4Addr = match host {
            "" => own,
            "localhost" => Ipv4Addr::LOCALHOST,
            host => host.parse().unwrap_or(own),
        };
        let authority =
            format!("{}:{port}", if host.is_empty() { own.to_string() } else { host.to_string() });
        let scheme = http["scheme"].as_str().unwrap_or("HTTP").to_lowercase();
        let path = http["path"].as_str().filter(|path| !path.is_empty()).unwrap_or("/");
        let path = if path.starts_with('/') { path.to_string() } else { format!("/{path}") };
        let payload = if http.is_null() {
            Payload::Connect
        } else {
            let mut request = HttpRequest::get(&authority, &path);
            request.is_tls = scheme == "https";
            request.headers.push(("User-Agent".into(), "kube-probe/1.36".into()));
            request.headers.push(("Accept".into(), "*/*".into()));
            for header in http["httpHeaders"].items() {
                match header["name"].str() {
                    name if name.eq_ignore_ascii_case("host") => request.host = header["value"].text(),
                    name => request.headers.push((name.into(), header["value"].text())),
                }
            }
            Payload::Http(request)
        };
        let pending = Pending {
            uid: self.uid.clone(),
            container: container.name.clone(),
            attempt: container.attempt,
            job,
            what: PendingWhat::Handler,
        };
        if let Some(id) = turn.shared.expect_reply(pending) {
            let origin = Origin::Node(turn.shared.node.clone());
            let to = Socket { address, port };
            let payload = Rc::new(payload);
            turn.net
                .send(turn.cx.now, Outgoing { id, origin, to, protocol: Protocol::Tcp, payload, timeout });
        }
        let is_grpc = !handler["grpc"].is_null();
        let url = match (http.is_null(), is_grpc) {
            (false, _) => format!("{scheme}://{authority}{path}"),
            (true, false) => String::new(),
            // What is told of a gRPC service that can't be reached, whatever the cause.
            (true, true) => {
                let seconds = timeout / SECOND;
                format!(
                    "timeout: failed to connect service \"{authority}\" within {seconds}s: context deadline exceeded"
                )
            }
        };
        Work::Call { url: url.into(), address: authority.into() }
    }

    /// Goes on with the jobs of a container, and takes what came of those that have ended.
    pub(crate) fn run_jobs(&mut self, turn: &mut Turn, i: usize) -> bool {
        let now = turn.cx.now;
        let Some(container) = self.containers.get(i) else { return false };
        let due: Vec<u64> =
            container.jobs.iter().filter(|job| job.next_at() <= now).map(|job| job.id).collect();
        for id in &due {
            self.run_job(turn, i, *id);
        }
        let Some(container) = self.containers.get_mut(i) else { return false };
        let mut ended = Vec::new();
        container.jobs.retain(|job| match &job.work {
            Work::Done(finish) => {
                ended.push((job.purpose, finish.clone()));
                false
            }
            _ => true,
        });
        let moved = !due.is_empty() || !ended.is_empty();
        for (purpose, finish) in ended {
            match purpose {
                Purpose::Probe(probe) => self.probed(turn, i, probe, finish),
                Purpose::PostStart => self.post_started(turn, i, finish),
                Purpose::PreStop => self.pre_stopped(turn, i, finish),
            }
        }
        moved
    }

    fn run_job(&mut self, turn: &mut Turn, i: usize, id: u64) {
        let now = turn.cx.now;
        let effects = self.with_job(turn, i, id, |job, cx| match &mut job.work {
            Work::Exec(script) if script.next_at() <= now => script.step(cx),
            _ => Vec::new(),
        });
        self.apply(turn, i, id, effects.unwrap_or_default());
        let Some(job) = self.job(i, id) else { return };
        if job.until > now {
            return;
        }
        let seconds = job.timeout / SECOND;
        let finish = match &job.work {
            Work::Sleep => Finish::Well,
            Work::Exec(_) => {
                Finish::Failed(format!("command timed out: {:?} timed out after {seconds}s", &*job.command))
            }
            Work::Call { url, address } => Finish::Failed(timed_out(url, address)),
            Work::Done(_) => return,
        };
        job.work = Work::Done(finish);
    }

    fn job(&mut self, i: usize, id: u64) -> Option<&mut Job> {
        self.containers.get_mut(i)?.jobs.iter_mut().find(|job| job.id == id)
    }

    /// Does something with a job, which sees the container's program, pod and files.
    pub(crate) fn with_job<T>(
        &mut self,
        turn: &mut Turn,
        i: usize,
        id: u64,
        work: impl FnOnce(&mut Job, &mut AppCx) -> T,
    ) -> Option<T> {
        let container = self.containers.get_mut(i)?;
        let Container { app, env, facts, root, logs, jobs, .. } = container;
        let job = jobs.iter_mut().find(|job| job.id == id)?;
        let parts = Parts { facts, env, root, logs, volumes: &mut self.volumes };
        let mut cx = parts.at_hand(turn, app.as_mut());
        Some(work(job, &mut cx))
    }

    /// Notes that a command that is executed beside has ended.
    pub(crate) fn job_exited(&mut self, i: usize, id: u64, code: i64) {
        let Some(job) = self.job(i, id) else { return };
        let Work::Exec(script) = &job.work else { return };
        let finish = if code == 0 { Finish::Well } else { Finish::Failed(script.output().to_string()) };
        job.work = Work::Done(finish);
    }

    /// Passes on to a command that is executed beside what came of its call.
    pub(crate) fn job_came(
        &mut self,
        turn: &mut Turn,
        i: usize,
        id: u64,
        tag: u64,
        came: &Came,
    ) -> Vec<Effect> {
        let effects = self.with_job(turn, i, id, |job, cx| match &mut job.work {
            Work::Exec(script) => script.on_reply(cx, tag, came),
            _ => Vec::new(),
        });
        effects.unwrap_or_default()
    }

    /// Takes the outcome of a handler's request.
    pub(crate) fn handler_came(&mut self, i: usize, id: u64, outcome: &Outcome) {
        let Some(job) = self.job(i, id) else { return };
        let Work::Call { url, address } = &job.work else { return };
        job.work = Work::Done(judge(url, address, outcome));
    }
}

impl Container {
    /// Returns the work of executing a command in the container; `has_file` says whether its first word is the path of
    /// a file that is there.
    fn exec(&self, argv: &[Rc<str>], has_file: bool) -> Work {
        let Some(local) = &self.local else { return Work::Done(Finish::Errored("no container".to_string())) };
        let first = argv.first().map_or("", |word| word.rsplit('/').next().unwrap_or(word));
        let image = &local.image;
        let is_shell = matches!(first, "sh" | "bash" | "ash");
        let has = image.tools.iter().any(|tool| tool == first) || image.runs.iter().any(|word| word == first);
        let known = has
            || Script::knows(first)
                && (!is_shell && image.has_shell() || is_shell && first != "bash" && image.has_shell());
        // A file of the container's own may be a script; what nobody knows isn't there.
        if !known && !has_file {
            return Work::Done(Finish::Errored(format!(
                "rpc error: code = Unknown desc = failed to exec in container: failed to start exec \"{}\": OCI runtime \
                 exec failed: exec failed: unable to start container process: {}",
                self.id,
                no_program(argv.first().map_or("", |word| word))
            )));
        }
        let script = if known {
            Script::from_argv(argv, image)
        } else {
            let mut words: Vec<Rc<str>> = vec!["sh".into()];
            words.extend(argv.iter().cloned());
            Script::from_argv(&words, image)
        };
        Work::Exec(Box::new(script.capturing().in_directory(self.spec["workingDir"].str())))
    }
}

/// Returns a handler's port: a number, or a name of the container's ports.
fn port_of(port: &Value, container: &Value) -> Option<u16> {
    if let Some(number) = port.as_int().or_else(|| port.str().parse().ok()) {
        return u16::try_from(number).ok();
    }
    let named = container["ports"].items().iter().find(|known| known["name"].str() == port.str())?;
    u16::try_from(named["containerPort"].int()).ok()
}

fn timed_out(url: &str, address: &str) -> String {
    if url.starts_with("timeout: ") {
        return url.to_string();
    }
    if url.is_empty() {
        return format!("dial tcp {address}: i/o timeout");
    }
    format!("Get {url:?}: context deadline exceeded (Client.Timeout exceeded while awaiting headers)")
}

/// Returns what the outcome of a handler's request means.
// Models pkg/probe/http/http.go DoHTTPProbe, pkg/probe/tcp/tcp.go DoTCPProbe
fn judge(url: &str, address: &str, outcome: &Outcome) -> Finish {
    let get =
        |words: String| Finish::Failed(if url.is_empty() { words } else { format!("Get {url:?}: {words}") });
    match outcome {
        Outcome::Answered(network::Answer::Http(response)) => match response.status {
            200..400 => Finish::Well,
            status => Finish::Failed(format!("HTTP probe failed with statuscode: {status}")),
        },
        Outcome::Answered(_) if url.is_empty() || url.starts_with("timeout: ") => Finish::Well,
        _ if url.starts_with("timeout: ") => Finish::Failed(url.to_string()),
        Outcome::Answered(_) => {
            get("net/http: HTTP/1.x transport connection broken: malformed HTTP response".to_string())
        }
        Outcome::Refused => get(format!("dial tcp {address}: connect: connection refused")),
        Outcome::Reset => get("EOF".to_string()),
        Outcome::Unreachable => get(format!("dial tcp {address}: connect: no route to host")),
        Outcome::Timeout => Finish::Failed(timed_out(url, address)),
    }
}
