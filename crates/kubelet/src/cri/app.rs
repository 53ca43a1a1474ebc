use super::image::{Image, Program, Write};
use super::program::{AppCx, AppRequest, Came, Effect, Signal};
use super::view::{DENIED, RootFs};
use super::{counter, http_server, mysql, pi, redis};
use crate::script::Script;
use crate::usage::arguments;
use network::{Answer, Payload, Protocol};
use sim::{MILLISECOND, SECOND, Time};
use std::rc::Rc;

#[derive(Clone, Debug, PartialEq, Eq)]
enum State {
    Http(http_server::HttpServer),
    Redis(redis::Redis),
    Mysql(mysql::Mysql),
    Counter(counter::Counter),
    Script(Box<Script>),
    Builtin,
    Wait,
    Ends(i64),
    /// Computes so many digits of pi.
    Pi(u32),
}

const SHELLS: [&str; 4] = ["sh", "bash", "ash", "dash"];

/// The main process of a container: which program, and how far it is. It is a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct App {
    image: Rc<Image>,
    version: Rc<str>,
    state: State,
    named: Vec<(Protocol, u16)>,
    tcp: Vec<u16>,
    udp: Vec<u16>,
    listens_at: Time,
    listening: bool,
    ends: Option<(Time, i64)>,
    asked_to_stop: bool,
}

/// What to run in a container.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Launch {
    /// The image.
    pub image: Rc<Image>,
    /// The version that its tag stands for.
    pub version: Rc<str>,
    /// The words of the command: the container's, or else the image's.
    pub argv: Vec<Rc<str>>,
    /// Whether the container brings its own command.
    pub own_command: bool,
    /// The ports that the container names: (is UDP, number).
    pub ports: Vec<(Protocol, u16)>,
    /// Whether the process lives until it is told to stop, whatever it is.
    pub everlasting: bool,
    /// Whether somebody may type into it: a shell then waits instead of ending.
    pub interactive: bool,
}

impl App {
    /// Starts a program.
    ///
    /// # Errors
    /// The runtime's words where there is no such file in the image.
    pub fn start(launch: &Launch, cx: &mut AppCx) -> Result<App, String> {
        let image = launch.image.clone();
        let first = launch.argv.first().map_or("", |word| word.rsplit('/').next().unwrap_or(word));
        let is_own = !launch.own_command || image.runs.iter().any(|word| word == first);
        let waits =
            launch.interactive && launch.argv.len() == 1 && SHELLS.contains(&first) && image.has_shell();
        let state = if waits {
            State::Wait
        } else if is_own {
            App::own_program(launch, cx)
        } else if Script::knows(first) && image.has_shell()
            || Script::knows(first) && !SHELLS.contains(&first)
        {
            State::Script(Box::new(Script::from_argv(&launch.argv, &image)))
        } else if let Some(file) =
            launch.argv.first().filter(|word| cx.files.read(word).is_some() && image.has_shell())
        {
            State::Script(Box::new(Script::from_argv(&["sh".into(), file.clone()], &image)))
        } else if image.names.iter().any(|name| name == "*") {
            App::own_program(launch, cx)
        } else {
            return Err(no_program(launch.argv.first().map_or("", |word| word)));
        };
        let serves = matches!(
            state,
            State::Http(_) | State::Redis(_) | State::Mysql(_) | State::Counter(_) | State::Builtin
        ) && image.program != Program::Process;
        let of = |protocol: Protocol, known: &[u16]| -> Vec<u16> {
            let named = launch.ports.iter().filter(|(named, _)| *named == protocol).map(|(_, port)| *port);
            if !serves {
                Vec::new()
            } else if known.is_empty() {
                named.collect()
            } else {
                known.to_vec()
            }
        };
        let asked = arguments(&launch.argv, &image.port_arguments, |port| port.parse::<u16>().ok());
        let known = if asked.is_empty() { &image.ports } else { &asked };
        let (tcp, udp) = (of(Protocol::Tcp, known), of(Protocol::Udp, &image.udp_ports));
        let listens_at = cx.now + i64::from(image.listens_after_ms) * MILLISECOND;
        let mut app = App {
            version: launch.version.clone(),
            state,
            named: launch.ports.clone(),
            tcp,
            udp,
            listens_at,
            listening: false,
            ends: None,
            asked_to_stop: false,
            image,
        };
        if is_own {
            app.log_start(cx);
        }
        app.ends = match app.state {
            State::Ends(code) if !launch.everlasting => Some((cx.now + 10 * MILLISECOND, code)),
            State::Pi(digits) if !launch.everlasting => Some((cx.now + pi::takes(digits), 0)),
            _ => None,
        };
        Ok(app)
    }

    fn own_program(launch: &Launch, cx: &mut AppCx) -> State {
        let image = &launch.image;
        let failure =
            image.writes.iter().find_map(|write| write.exit.filter(|_| refusal(write, cx).is_some()));
        if let Some(code) = failure.filter(|_| !launch.everlasting) {
            return State::Ends(code);
        }
        let missing = image.requires.iter().find(|(name, _)| {
            // Any of several variables will do.
            name.split('|').all(|name| cx.var(name).is_empty())
        });
        if let Some((_, words)) = missing.filter(|_| !launch.everlasting) {
            for line in words.lines() {
                cx.log(&format!("stderr:{line}"));
            }
            return State::Ends(1);
        }
        match image.program {
            Program::Http => State::Http(http_server::HttpServer::start(cx.now)),
            Program::Redis => State::Redis(redis::Redis::start(cx)),
            Program::Mysql => State::Mysql(mysql::Mysql::start(cx, &launch.version)),
            Program::Counter => State::Counter(counter::Counter::default()),
            Program::Wait => State::Wait,
            Program::Builtin | Program::Process => State::Builtin,
            Program::Perl if let Some(digits) = pi::asked(&launch.argv) => State::Pi(digits),
            Program::Shell | Program::Perl if launch.interactive && !launch.own_command => State::Wait,
            Program::Shell | Program::Perl if launch.own_command => {
                State::Http(http_server::HttpServer::start(cx.now))
            }
            Program::Shell | Program::Perl | Program::Print if launch.everlasting => State::Wait,
            Program::Shell | Program::Perl | Program::Print => State::Ends(image.exit),
        }
    }

    fn log_start(&mut self, cx: &mut AppCx) {
        if let State::Ends(1) = self.state
            && !self.image.requires.is_empty()
        {
            return;
        }
        let image = self.image.clone();
        let port = self.tcp.first().map_or(String::new(), u16::to_string);
        let mut left_out = 0;
        for n in 0..=image.log.start.len() {
            for write in image.writes.iter().filter(|write| write.after == n) {
                let Some(why) = refusal(write, cx) else { continue };
                for line in &write.log {
                    let line = http_server::fill(line, &self.version, cx, None);
                    let errno = if why == DENIED { "13" } else { "30" };
                    cx.log(&line.replace("{errno}", errno).replace("{error}", why));
                }
                if write.exit.is_some() {
                    return;
                }
                left_out = write.skips;
            }
            let Some(line) = image.log.start.get(n) else { break };
            if left_out > 0 {
                left_out -= 1;
                continue;
            }
            let line = http_server::fill(line, &self.version, cx, None);
            cx.log(&line.replace("{port}", &port));
        }
    }

    /// Returns when it has something to do by itself.
    pub fn next_at(&self) -> Time {
        let listens = if self.listening || (self.tcp.is_empty() && self.udp.is_empty()) {
            Time::NEVER
        } else {
            self.listens_at
        };
        let ends = self.ends.map_or(Time::NEVER, |(at, _)| at);
        let own = match &self.state {
            State::Script(script) => script.next_at(),
            _ => Time::NEVER,
        };
        listens.min(ends).min(own)
    }

    /// Does what is due.
    pub fn step(&mut self, cx: &mut AppCx) -> Vec<Effect> {
        if let Some((at, code)) = self.ends
            && at <= cx.now
        {
            if let State::Pi(digits) = self.state
                && !self.asked_to_stop
            {
                cx.log(&pi::pi(digits));
            }
            return vec![Effect::Exit(code)];
        }
        if self.listens_at <= cx.now {
            self.listening = true;
        }
        let effects = match &mut self.state {
            State::Script(script) => script.step(cx),
            _ => return Vec::new(),
        };
        self.become_own(cx, effects)
    }

    /// Goes over to the image's own program, where a script comes to that.
    fn become_own(&mut self, cx: &mut AppCx, effects: Vec<Effect>) -> Vec<Effect> {
        let Some(Effect::Become(argv)) = effects.last() else { return effects };
        let launch = Launch {
            image: self.image.run_by(argv),
            version: self.version.clone(),
            argv: argv.clone(),
            own_command: false,
            ports: self.named.clone(),
            everlasting: false,
            interactive: false,
        };
        if let Ok(app) = App::start(&launch, cx) {
            *self = app;
        }
        effects.into_iter().filter(|effect| !matches!(effect, Effect::Become(_))).collect()
    }

    /// Returns the ports that it listens on now.
    pub fn ports(&self) -> Vec<(Protocol, u16)> {
        if !self.listening {
            return Vec::new();
        }
        let tcp = self.tcp.iter().map(|port| (Protocol::Tcp, *port));
        tcp.chain(self.udp.iter().map(|port| (Protocol::Udp, *port))).collect()
    }

    /// Returns which program the cluster plays in its place.
    pub fn builtin(&self) -> Option<&str> {
        matches!(self.state, State::Builtin).then_some(self.image.builtin.as_str())
    }

    /// Returns whether it is a process of the machine, which answers by itself on the machine's ports.
    pub fn is_process(&self) -> bool {
        matches!(self.state, State::Builtin) && self.image.program == Program::Process
    }

    /// Takes a request.
    pub fn on_request(&mut self, cx: &mut AppCx, request: &AppRequest) -> Vec<Effect> {
        let after = cx.timing.answer.draw(cx.chance, "answer", &cx.pod.key, request.id);
        let respond = |answer: Answer| vec![Effect::Answer { request: request.id, after, answer }];
        if matches!(&*request.payload, Payload::Connect) {
            return respond(Answer::Connected);
        }
        match &mut self.state {
            State::Http(server) => {
                let (more, answer) = server.answer(&self.image, &self.version, cx, request);
                vec![Effect::Answer { request: request.id, after: after + more, answer }]
            }
            State::Redis(redis) => respond(redis.answer(cx, &request.payload)),
            State::Mysql(mysql) => respond(mysql.answer(cx, &request.payload)),
            State::Counter(counter) => counter.on_request(cx, request, after),
            _ => respond(Answer::Text("".into())),
        }
    }

    /// Takes what came of a call.
    pub fn on_reply(&mut self, cx: &mut AppCx, tag: u64, came: &Came) -> Vec<Effect> {
        match &mut self.state {
            State::Counter(counter) => counter.on_reply(cx, tag, came),
            State::Script(script) => {
                let effects = script.on_reply(cx, tag, came);
                self.become_own(cx, effects)
            }
            _ => Vec::new(),
        }
    }

    /// Takes a signal: returns when the process ends and its exit code, where it does.
    pub fn on_signal(&mut self, cx: &mut AppCx, signal: Signal, everlasting: bool) -> Option<(Time, i64)> {
        if signal == Signal::Kill {
            self.ends = Some((cx.now, 137));
            return self.ends;
        }
        if everlasting {
            self.ends = Some((cx.now, 0));
            return self.ends;
        }
        if self.asked_to_stop {
            return self.ends;
        }
        self.asked_to_stop = true;
        let stop = match &mut self.state {
            State::Script(script) => {
                self.ends = script.on_term(cx).map(|code| (cx.now, code));
                return self.ends;
            }
            State::Wait
            | State::Ends(_)
            | State::Pi(_)
            | State::Http(_)
            | State::Redis(_)
            | State::Mysql(_)
            | State::Counter(_)
            | State::Builtin => self.image.stop.clone(),
        };
        if stop.ignores {
            return None;
        }
        for line in &stop.log {
            let line = http_server::fill(line, &self.version, cx, None);
            cx.log(&line);
        }
        let drains = i64::from(http_server::knob(&self.image, cx, "DRAIN_SECONDS", 3_600)) * SECOND;
        let at = cx.now + i64::from(stop.after_ms) * MILLISECOND + drains;
        self.ends = Some((at, stop.exit));
        self.ends
    }

    /// Lets it end by itself at a moment, unless it ends before.
    pub fn crash(&mut self, at: Time, code: i64) {
        if self.ends.is_none_or(|(ends, _)| at < ends) {
            self.ends = Some((at, code));
        }
    }

    /// Returns the output of a command that only this program knows, and its exit code.
    pub fn command(&mut self, cx: &mut AppCx, argv: &[String]) -> Option<(String, i64)> {
        let first = argv.first().map_or("", |word| word.rsplit('/').next().unwrap_or(word));
        match &mut self.state {
            State::Redis(redis) if matches!(first, "redis-cli" | "redis-server") => {
                Some(redis.command(cx, argv))
            }
            State::Mysql(mysql) if matches!(first, "mysql" | "mysqladmin" | "mysqld" | "mariadb") => {
                Some(mysql.command(cx, argv))
            }
            State::Http(_) => http_server::command(&self.image, &self.version, cx, argv),
            _ => None,
        }
    }

    /// Returns whether it never rests.
    pub fn is_busy(&self) -> bool {
        match &self.state {
            State::Script(script) => script.is_busy(),
            State::Pi(_) => true,
            _ => false,
        }
    }

    /// Returns the image.
    pub fn image(&self) -> &Rc<Image> {
        &self.image
    }

    /// Returns the version.
    pub fn version(&self) -> &Rc<str> {
        &self.version
    }
}

/// Returns why a program can't write what it writes at its start; `None` where it can.
fn refusal(write: &Write, cx: &AppCx) -> Option<&'static str> {
    if write.root && cx.files.root.ids.user != 0 {
        return Some(DENIED);
    }
    let refusals: Vec<Option<&'static str>> = write.paths.iter().map(|path| cx.files.refusal(path)).collect();
    refusals.iter().copied().min().flatten()
}

/// Returns the runtime's words for a command of which there is no program.
// Models libcontainer/init_linux.go, os/exec/lp_unix.go LookPath
pub fn no_program(name: &str) -> String {
    let why = match name.contains('/') {
        true => format!("stat {name}: no such file or directory"),
        false => "executable file not found in $PATH".to_string(),
    };
    format!("exec: {name:?}: {why}")
}

/// Makes the files of a new container.
pub fn root_of(image: &Image) -> RootFs {
    RootFs { image: image.tree.clone(), ..RootFs::default() }
}
