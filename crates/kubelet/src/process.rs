use crate::container::{Container, Exit, Phase};
use crate::cri::{App, AppCx, AppRequest, Effect, Files, LogRing, PodFacts, RootFs, Signal, View};
use crate::shared::{ProgramChange, Then, Turn};
use crate::worker::PodWorker;
use network::dns::RecordType;
use sim::{MILLISECOND, Nanos, SECOND, Time};
use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::rc::Rc;

/// What a program sees of its container and its pod.
pub(crate) struct Parts<'a> {
    pub facts: &'a PodFacts,
    pub env: &'a [(Rc<str>, Rc<str>)],
    pub root: &'a mut RootFs,
    pub logs: &'a mut LogRing,
    pub volumes: &'a mut BTreeMap<Rc<str>, Files>,
}

impl<'a> Parts<'a> {
    /// Makes what a program has at hand; `main` is the one that it is executed beside.
    pub(crate) fn at_hand(self, turn: &'a mut Turn, main: Option<&'a mut App>) -> AppCx<'a> {
        AppCx {
            now: turn.cx.now,
            chance: turn.cx.chance,
            timing: turn.cx.timing,
            pod: self.facts,
            env: self.env,
            files: View {
                root: self.root,
                volumes: self.volumes,
                node: &mut turn.shared.files,
                storage: turn.net.storage(),
            },
            logs: self.logs,
            main,
        }
    }
}

/// How long a processor works on a call that a program makes.
const CALL_WORK: Nanos = 2 * MILLISECOND;

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
        let parts = Parts { facts, env, root, logs, volumes: &mut self.volumes };
        let mut cx = parts.at_hand(turn, None);
        Some(work(app, &mut cx))
    }

    /// Starts a container's process, which was created.
    pub(crate) fn start_process(&mut self, turn: &mut Turn, i: usize) {
        let now = turn.cx.now;
        let everlasting = turn.is_bare();
        let Some(container) = self.containers.get_mut(i) else { return };
        let Some(launch) = container.launch(everlasting) else { return };
        container.argv.clone_from(&launch.argv);
        let in_the_way = if everlasting { None } else { self.folder_over_file(turn, i) };
        let began =
            self.with_app(turn, i, |app, cx| match in_the_way.map_or_else(|| App::start(&launch, cx), Err) {
                Ok(started) => {
                    *app = Some(started);
                    Ok(())
                }
                Err(why) => Err(why),
            });
        let Some(container) = self.containers.get_mut(i) else { return };
        container.waiting = None;
        if let Some(exit) = container.exit.take() {
            container.exit_before = Some(exit);
        }
        if let Some(Err(why)) = began {
            return self.not_started(turn, i, &why);
        }
        container.phase = Phase::Running { since: now };
        if let Some(program) = container.app.as_ref().and_then(App::builtin) {
            let program = program.into();
            turn.shared.programs.push(ProgramChange::Began { pod: self.pod.clone(), program });
        }
        let image = container.local.as_ref().map_or_else(|| "".into(), |local| local.name.clone());
        self.tell(turn, i, "Normal", "Started", "Container started");
        turn.cx.note(now, "Started", &self.key, &image);
        self.meter_process(turn, i);
        self.after_start(turn, i);
        self.touch(turn);
    }

    /// Begins to count what a process uses.
    fn meter_process(&mut self, turn: &mut Turn, i: usize) {
        let now = turn.cx.now;
        let most = turn.shared.capacity.cpu_milli;
        let Some(container) = self.containers.get_mut(i) else { return };
        container.start_meter(now, most);
        if turn.is_bare() {
            return;
        }
        container.watch_memory(now);
        // It takes a moment to take too much at once.
        if container.out_of_memory_at == Some(now) {
            self.draws += 1;
            let soon = turn.cx.chance.span("memory", &self.uid, self.draws, SECOND / 5, SECOND);
            container.out_of_memory_at = Some(now + soon);
        }
    }

    /// Ends a process that takes more memory than it may, as the kernel does.
    fn run_out_of_memory(&mut self, turn: &mut Turn, i: usize) -> bool {
        let Some(container) = self.containers.get_mut(i) else { return false };
        if container.out_of_memory_at.is_none_or(|at| at > turn.cx.now) {
            return false;
        }
        container.out_of_memory_at = None;
        self.exited(turn, i, 137);
        if let Some(exit) = self.containers.get_mut(i).and_then(|container| container.exit.as_mut()) {
            exit.reason = "OOMKilled".into();
        }
        true
    }

    /// Notes that the runtime couldn't start a container's process.
    fn not_started(&mut self, turn: &mut Turn, i: usize, why: &str) {
        let Some(container) = self.containers.get_mut(i) else { return };
        let words = format!(
            "failed to create containerd task: failed to create shim task: OCI runtime create failed: runc create \
             failed: unable to start container process: error during container init: {why}"
        );
        container.phase = Phase::Idle;
        container.exit = Some(Exit {
            code: 128,
            reason: "StartError".into(),
            message: words.as_str().into(),
            started: Time(0),
            finished: turn.cx.now,
            id: container.id.clone(),
        });
        self.tell(turn, i, "Warning", "Failed", &format!("Error: {words}"));
        self.touch(turn);
    }

    /// Lets the programs do what is due.
    pub(crate) fn run_containers(&mut self, turn: &mut Turn) -> bool {
        let now = turn.cx.now;
        let mut moved = false;
        for i in 0..self.containers.len() {
            moved |= self.run_out_of_memory(turn, i);
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
                if let Some(container) = self.containers.get_mut(i) {
                    container.note_work(now);
                }
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
                    if let Some(container) = self.containers.get_mut(i) {
                        container.count_call(turn.cx.now, CALL_WORK);
                    }
                    let then = Then { port, protocol, payload, timeout };
                    match host.parse::<Ipv4Addr>() {
                        Ok(ip) => self.call(turn, (i, job, tag), ip, &then),
                        Err(_) if &*host == "localhost" => {
                            self.call(turn, (i, job, tag), Ipv4Addr::LOCALHOST, &then)
                        }
                        Err(_) => self.look_up(turn, (i, job, tag), (&host, RecordType::A), Some(then)),
                    }
                }
                Effect::Lookup { tag, name, kind } => {
                    self.look_up(turn, (i, job, tag), (&name, kind), None);
                }
            }
        }
    }

    /// Gives a request to the program that listens; false where nothing does.
    pub(crate) fn on_request(&mut self, turn: &mut Turn, i: usize, request: &AppRequest) {
        let Some(work) = self.containers.get_mut(i).and_then(|container| container.serve(turn.cx.now)) else {
            return;
        };
        let effects = self.with_app(turn, i, |app, cx| match app {
            Some(app) => app.on_request(cx, request),
            None => Vec::new(),
        });
        let mut effects = effects.unwrap_or_default();
        for effect in &mut effects {
            if let Effect::Answer { after, .. } = effect {
                *after = work.max(*after);
            }
        }
        let now = turn.cx.now;
        let spoiled = |container: &mut Container| container.spoil(now, request, &mut effects);
        if let Some((at, words)) = self.containers.get_mut(i).and_then(spoiled) {
            self.with_app(turn, i, |app, cx| {
                cx.log(words);
                if let Some(app) = app {
                    app.crash(at, 1);
                }
            });
        }
        self.apply(turn, i, 0, effects);
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
        container.out_of_memory_at = None;
        let cpu = container.cpu_used(now);
        turn.shared.ended_cpu = turn.shared.ended_cpu.saturating_add(cpu);
        if container.app.take().is_some_and(|app| app.builtin().is_some()) {
            turn.shared.programs.push(ProgramChange::Ended { uid: self.uid.clone() });
        }
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
