use crate::container::{Container, Exit, Phase};
use crate::cri::{App, AppCx, AppRequest, Came, Effect, Launch, Signal, View};
use crate::net::{Origin, Outgoing};
use crate::shared::{Pending, PendingWhat, Then, Turn};
use crate::worker::PodWorker;
use network::dns::{DnsQuestion, Lookup, LookupStep, RecordType, ResolvConf};
use network::{Payload, Protocol, Socket};
use sim::{Nanos, SECOND, Time};
use std::net::Ipv4Addr;
use std::rc::Rc;

/// Who asks: the container's position, the job or 0 for its main program, and the asker's own number.
type Asker = (usize, u64, u64);

/// After how long a resolver gives up on a server.
const DNS_TIMEOUT: Nanos = 5 * SECOND;

impl PodWorker {
    /// Does something with a container's program, which sees its pod and files.
    pub(crate) fn with_app<T>(
        &mut self,
        turn: &mut Turn,
        i: usize,
        work: impl FnOnce(&mut Option<App>, &mut AppCx) -> T,
    ) -> Option<T> {
        let container = self.containers.get_mut(i)?;
        let Container { app, env, facts, root, logs, .. } = container;
        let mut cx = AppCx {
            now: turn.cx.now,
            chance: turn.cx.chance,
            timing: turn.cx.timing,
            pod: facts,
            env,
            files: View {
                root,
                volumes: &mut self.volumes,
                node: &mut turn.shared.files,
                storage: turn.net.storage(),
            },
            logs,
            main: None,
        };
        Some(work(app, &mut cx))
    }

    /// Starts a container's process, which was created.
    pub(crate) fn start_process(&mut self, turn: &mut Turn, i: usize) {
        let now = turn.cx.now;
        let everlasting = turn.is_bare();
        let Some(container) = self.containers.get_mut(i) else { return };
        let Some(local) = container.local.clone() else { return };
        let spec = &container.spec;
        let words = |field: &str| -> Vec<Rc<str>> {
            spec[field]
                .items()
                .iter()
                .map(|word| crate::env::expand(word.str(), &container.env).into())
                .collect()
        };
        let of_image =
            |list: &[String]| list.iter().map(|word| word.as_str().into()).collect::<Vec<Rc<str>>>();
        let (command, args) = (words("command"), words("args"));
        let own_command = !command.is_empty();
        // An image's command goes with its entrypoint, and both with a container's own command.
        let mut argv = if own_command { command } else { of_image(&local.image.entrypoint) };
        let own_args = !args.is_empty();
        argv.extend(if own_args || own_command { args } else { of_image(&local.image.command) });
        container.argv = argv.clone();
        let spec = &container.spec;
        let ports = spec["ports"].items().iter().filter_map(|port| {
            let protocol = Protocol::parse(port["protocol"].as_str().unwrap_or("TCP"))?;
            Some((protocol, u16::try_from(port["containerPort"].int()).ok()?))
        });
        let launch = Launch {
            ports: ports.collect(),
            image: local.image.clone(),
            version: local.version.clone(),
            own_command: own_command || (own_args && local.image.entrypoint.is_empty()),
            argv,
            everlasting,
        };
        let began = self.with_app(turn, i, |app, cx| match App::start(&launch, cx) {
            Ok(started) => {
                *app = Some(started);
                Ok(())
            }
            Err(why) => Err(why),
        });
        let Some(container) = self.containers.get_mut(i) else { return };
        container.waiting = None;
        match began {
            Some(Ok(())) => {
                container.phase = Phase::Running { since: now };
                if let Some(exit) = container.exit.take() {
                    container.exit_before = Some(exit);
                }
                self.tell(turn, i, "Normal", "Started", "Container started");
                turn.cx.note(now, "Started", &self.key, &local.name);
                self.after_start(turn, i);
            }
            Some(Err(why)) => {
                let words = format!(
                    "failed to create containerd task: failed to create shim task: OCI runtime create failed: runc \
                     create failed: unable to start container process: error during container init: {why}"
                );
                container.exit_before = container.exit.take();
                container.phase = Phase::Idle;
                container.exit = Some(Exit {
                    code: 128,
                    reason: "StartError".into(),
                    message: words.as_str().into(),
                    started: Time(0),
                    finished: now,
                    id: container.id.clone(),
                });
                self.tell(turn, i, "Warning", "Failed", &format!("Error: {words}"));
            }
            None => {}
        }
        self.touch(turn);
    }

    /// Lets the programs do what is due.
    pub(crate) fn run_containers(&mut self, turn: &mut Turn) -> bool {
        let now = turn.cx.now;
        let mut moved = false;
        for i in 0..self.containers.len() {
            moved |= self.run_kill(turn, i);
            moved |= self.run_probes(turn, i);
            moved |= self.run_jobs(turn, i);
            let is_due = self.containers.get(i).is_some_and(|container| {
                container.is_running() && container.app.as_ref().is_some_and(|app| app.next_at() <= now)
            });
            if is_due {
                let effects = self.with_app(turn, i, |app, cx| match app {
                    Some(app) => app.step(cx),
                    None => Vec::new(),
                });
                self.apply(turn, i, 0, effects.unwrap_or_default());
                moved = true;
            }
            self.open_ports(turn, i);
        }
        moved
    }

    /// Tells the network which ports are listened on.
    fn open_ports(&mut self, turn: &mut Turn, i: usize) {
        let Some(endpoint) = self.endpoint(turn) else { return };
        let Some(container) = self.containers.get_mut(i) else { return };
        let wanted = match (&container.app, container.is_running()) {
            (Some(app), true) => app.ports(),
            _ => Vec::new(),
        };
        if wanted == container.open {
            return;
        }
        for (protocol, port) in container.open.iter().filter(|port| !wanted.contains(port)) {
            turn.net.close(turn.cx.now, &endpoint, *protocol, *port);
        }
        for (protocol, port) in wanted.iter().filter(|port| !container.open.contains(port)) {
            turn.net.listen(turn.cx.now, &endpoint, *protocol, *port);
        }
        container.open = wanted;
    }

    /// Does what a program wants done.
    pub(crate) fn apply(&mut self, turn: &mut Turn, i: usize, job: u64, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::Answer { request, after, answer } => {
                    turn.net.answer(turn.cx.now + after, request, answer)
                }
                Effect::Exit(code) if job != 0 => self.job_exited(i, job, code),
                Effect::Exit(code) => self.exited(turn, i, code),
                Effect::Become(_) => {}
                Effect::Call { tag, host, port, protocol, payload, timeout } => {
                    let then = Then { port, protocol, payload, timeout };
                    match host.parse::<Ipv4Addr>() {
                        Ok(ip) => self.call(turn, (i, job, tag), ip, &then),
                        Err(_) if &*host == "localhost" => {
                            self.call(turn, (i, job, tag), Ipv4Addr::LOCALHOST, &then)
                        }
                        Err(_) => self.look_up(turn, (i, job, tag), &host, Some(then)),
                    }
                }
                Effect::Lookup { tag, name } => self.look_up(turn, (i, job, tag), &name, None),
            }
        }
    }

    fn pending(&self, i: usize, job: u64, what: PendingWhat) -> Option<Pending> {
        let container = self.containers.get(i)?;
        Some(Pending {
            uid: self.uid.clone(),
            container: container.name.clone(),
            attempt: container.attempt,
            job,
            what,
        })
    }

    fn call(&mut self, turn: &mut Turn, (i, job, tag): Asker, ip: Ipv4Addr, then: &Then) {
        let Some(endpoint) = self.endpoint(turn) else { return };
        let to = if ip.is_loopback() { endpoint.ip } else { ip };
        let Some(pending) = self.pending(i, job, PendingWhat::App { tag, ip }) else { return };
        let Some(id) = turn.shared.expect_reply(pending) else { return };
        let request = Outgoing {
            id,
            origin: Origin::Pod(endpoint),
            to: Socket { address: to, port: then.port },
            protocol: then.protocol,
            payload: Rc::new(then.payload.clone()),
            timeout: then.timeout,
        };
        turn.net.send(turn.cx.now, request);
    }

    /// Returns what the pod's `/etc/resolv.conf` says.
    pub(crate) fn resolv_conf(&self, turn: &Turn) -> ResolvConf {
        crate::env::resolv_conf(&self.pod, &turn.shared.config)
    }

    fn look_up(&mut self, turn: &mut Turn, asker: Asker, name: &str, then: Option<Then>) {
        if let Some(address) = self.host_alias(name) {
            return self.found(turn, asker, name.into(), vec![address], then.map(Rc::new));
        }
        let lookup = Lookup::new(&self.resolv_conf(turn), name, RecordType::A);
        match lookup.question() {
            Some(question) => self.ask(turn, asker, question, lookup, then.map(Rc::new)),
            None => self.came(turn, asker, &Came::NoSuchName),
        }
    }

    /// Returns the address of a name in the pod's `/etc/hosts`.
    fn host_alias(&self, name: &str) -> Option<Ipv4Addr> {
        let aliases = self.pod["spec"]["hostAliases"].items().iter();
        let hit =
            aliases.clone().find(|alias| alias["hostnames"].items().iter().any(|known| known.str() == name));
        if let Some(alias) = hit {
            return alias["ip"].str().parse().ok();
        }
        let own = self.containers.first().is_some_and(|container| &*container.facts.hostname == name);
        self.ip.filter(|_| own)
    }

    fn ask(
        &mut self,
        turn: &mut Turn,
        asker: Asker,
        question: DnsQuestion,
        lookup: Lookup,
        then: Option<Rc<Then>>,
    ) {
        let Some(server) = self.resolv_conf(turn).nameserver else {
            return self.came(turn, asker, &Came::NoDns);
        };
        let (i, job, tag) = asker;
        let Some(endpoint) = self.endpoint(turn) else { return };
        let what = PendingWhat::Lookup { tag, lookup: Box::new(lookup), then };
        let Some(pending) = self.pending(i, job, what) else { return };
        let Some(id) = turn.shared.expect_reply(pending) else { return };
        let request = Outgoing {
            id,
            origin: Origin::Pod(endpoint),
            to: Socket { address: server, port: 53 },
            protocol: Protocol::Udp,
            payload: Rc::new(Payload::Dns(question)),
            timeout: DNS_TIMEOUT,
        };
        turn.net.send(turn.cx.now, request);
    }

    fn found(
        &mut self,
        turn: &mut Turn,
        asker: Asker,
        name: Rc<str>,
        addresses: Vec<Ipv4Addr>,
        then: Option<Rc<Then>>,
    ) {
        match (then, addresses.first()) {
            (Some(then), Some(ip)) => self.call(turn, asker, *ip, &then),
            (Some(_), None) => self.came(turn, asker, &Came::NoSuchName),
            (None, _) => self.came(turn, asker, &Came::Addresses(name, addresses)),
        }
    }

    /// Passes on to a program what came of its call.
    fn came(&mut self, turn: &mut Turn, (i, job, tag): Asker, came: &Came) {
        let effects = if job == 0 {
            let effects = self.with_app(turn, i, |app, cx| match app {
                Some(app) => app.on_reply(cx, tag, came),
                None => Vec::new(),
            });
            effects.unwrap_or_default()
        } else {
            self.job_came(turn, i, job, tag, came)
        };
        self.apply(turn, i, job, effects);
    }

    /// Takes the outcome of a request that this pod sent.
    pub(crate) fn on_reply(&mut self, turn: &mut Turn, pending: Pending, outcome: network::Outcome) {
        let Some(i) = self.containers.iter().position(|container| container.name == pending.container) else {
            return;
        };
        if !self
            .containers
            .get(i)
            .is_some_and(|container| container.attempt == pending.attempt && container.is_running())
        {
            return;
        }
        let job = pending.job;
        match pending.what {
            PendingWhat::App { tag, ip } => self.came(turn, (i, job, tag), &Came::Outcome(ip, outcome)),
            PendingWhat::Lookup { tag, mut lookup, then } => {
                let asker = (i, job, tag);
                let network::Outcome::Answered(network::Answer::Dns(answer)) = outcome else {
                    return self.came(turn, asker, &Came::NoDns);
                };
                let name = lookup.question().map_or_else(|| "".into(), |question| question.name);
                match lookup.answer(&answer) {
                    LookupStep::Ask(question) => self.ask(turn, asker, question, *lookup, then),
                    LookupStep::Found(_) => self.found(turn, asker, name, answer.addresses().collect(), then),
                    LookupStep::Failed(_) => self.came(turn, asker, &Came::NoSuchName),
                }
            }
            PendingWhat::Handler => self.handler_came(i, job, &outcome),
        }
    }

    /// Gives a request to the program that listens; false where nothing does.
    pub(crate) fn on_request(&mut self, turn: &mut Turn, i: usize, request: &AppRequest) {
        if let Some(container) = self.containers.get_mut(i) {
            container.count_request(turn.cx.now);
        }
        let effects = self.with_app(turn, i, |app, cx| match app {
            Some(app) => app.on_request(cx, request),
            None => Vec::new(),
        });
        self.apply(turn, i, 0, effects.unwrap_or_default());
    }

    /// Notes that a container's process has ended.
    pub(crate) fn exited(&mut self, turn: &mut Turn, i: usize, code: i64) {
        let now = turn.cx.now;
        let Some(container) = self.containers.get_mut(i) else { return };
        let Phase::Running { since } = container.phase else { return };
        let reason = if code == 0 { "Completed" } else { "Error" };
        let message = self.termination_message(turn, i, code);
        let Some(container) = self.containers.get_mut(i) else { return };
        container.phase = Phase::Idle;
        container.jobs.clear();
        container.hooking = false;
        container.app = None;
        container.kill = None;
        container.waiting = None;
        container.exit = Some(Exit {
            code,
            reason: reason.into(),
            message,
            started: since,
            finished: now,
            id: container.id.clone(),
        });
        let note = format!("{} exited with {code}", container.name);
        turn.cx.note(now, "Exited", &self.key, &note);
        self.open_ports(turn, i);
        self.touch(turn);
    }

    /// Returns what a process left behind about its end.
    // Models pkg/kubelet/kuberuntime/kuberuntime_container.go getTerminationMessage
    fn termination_message(&mut self, turn: &mut Turn, i: usize, code: i64) -> Rc<str> {
        let Some(container) = self.containers.get(i) else { return "".into() };
        let path =
            container.spec["terminationMessagePath"].as_str().unwrap_or("/dev/termination-log").to_string();
        let from_log =
            container.spec["terminationMessagePolicy"].str() == "FallbackToLogsOnError" && code != 0;
        let written = self.with_app(turn, i, |_, cx| cx.files.read(&path)).flatten();
        let text = match written.filter(|text| !text.is_empty()) {
            Some(text) => text.to_string(),
            None if from_log => {
                let last = crate::cri::LogOptions { tail: Some(80), ..Default::default() };
                let lines =
                    self.containers.get(i).map(|container| container.logs.select(&last)).unwrap_or_default();
                lines.iter().map(|line| format!("{}\n", line.text)).collect()
            }
            None => return "".into(),
        };
        let mut start = text.len().saturating_sub(4_096);
        while !text.is_char_boundary(start) {
            start += 1;
        }
        text.get(start..).unwrap_or("").into()
    }

    /// Sends a signal to a container's process.
    pub(crate) fn signal(&mut self, turn: &mut Turn, i: usize, signal: Signal) {
        let everlasting = turn.is_bare();
        self.with_app(turn, i, |app, cx| {
            if let Some(app) = app {
                app.on_signal(cx, signal, everlasting);
            }
        });
    }
}
