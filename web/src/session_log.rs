//! The session that the page keeps: what a worker that died is brought back with.

use std::collections::{BTreeMap, VecDeque};

use view::{Input, LoggedInput, Moment, Session};

/// The most inputs that are sent and not yet known to have taken effect.
const SENT: usize = 1_000;
/// The most inputs that are kept. A session beyond goes on, but can't be brought back.
const INPUTS: usize = 20_000;
/// How long after an input the page still takes it for what killed the worker, in real milliseconds.
const SUSPECT_MS: f64 = 15_000.0;
/// How often a worker may fail in a row before it has come up.
const FAILURES: u32 = 3;

/// What is known of the running session.
#[derive(Clone, Debug, Default)]
pub struct SessionLog {
    session: Session,
    sent: VecDeque<Input>,
    /// When the last input was sent or took effect, by the page's clock.
    touched_ms: f64,
    /// Whether the worker has said that the cluster stands.
    started: bool,
    failures: u32,
    cut: bool,
}

/// What to do about a worker that failed.
#[derive(Clone, Debug, PartialEq)]
pub enum Recovery {
    /// Begin again with this session.
    Replay {
        /// The session.
        session: Session,
        /// The input that was left out because it may have done it.
        without: Option<Input>,
    },
    /// It fails again and again: stop.
    GiveUp,
}

impl SessionLog {
    /// Begins a session.
    pub fn begin(&mut self, session: Session) {
        *self = SessionLog { session, ..SessionLog::default() };
    }

    /// Returns the session as it can be brought back to a moment.
    pub fn session(&self, until: Moment) -> Session {
        let last = self.session.inputs.last().map_or(0, |input| input.at);
        let reached = if self.started { until } else { self.session.until.max(until) };
        Session { until: reached.max(last), ..self.session.clone() }
    }

    /// Returns the preset's name and the seed.
    pub fn origin(&self) -> (&str, u64) {
        (&self.session.preset, self.session.seed)
    }

    /// Returns whether anything was done in the session.
    pub fn is_empty(&self) -> bool {
        self.session.inputs.is_empty()
    }

    /// Returns whether the session has outgrown what is kept: it can't be brought back.
    pub fn is_cut(&self) -> bool {
        self.cut
    }

    /// Notes that the cluster stands.
    pub fn started(&mut self) {
        self.started = true;
    }

    /// Notes an input that is sent.
    pub fn sent(&mut self, input: Input, now_ms: f64) {
        self.touched_ms = now_ms;
        self.sent.push_back(input);
        if self.sent.len() > SENT {
            self.sent.pop_front();
        }
    }

    /// Notes an input that took effect. What a replay tells again is known already.
    pub fn logged(&mut self, input: LoggedInput, now_ms: f64) {
        if !self.started {
            return;
        }
        if let Some(place) = self.sent.iter().position(|sent| *sent == input.input) {
            self.sent.remove(place);
            self.touched_ms = now_ms;
        }
        self.failures = 0;
        if self.session.inputs.len() >= INPUTS {
            self.cut = true;
        } else {
            self.session.inputs.push(input);
        }
    }

    /// Returns what to do about a worker that failed, and notes that it is done.
    pub fn failed(&mut self, now: Moment, now_ms: f64) -> Recovery {
        self.failures += 1;
        if self.failures > FAILURES || self.cut {
            return Recovery::GiveUp;
        }
        let mut session = self.session(now);
        let suspect = self.sent.pop_back();
        let recent = now_ms - self.touched_ms < SUSPECT_MS || !self.started;
        let without =
            suspect.or_else(|| if recent { session.inputs.pop().map(|logged| logged.input) } else { None });
        let failures = self.failures;
        *self = SessionLog { session: session.clone(), failures, ..SessionLog::default() };
        Recovery::Replay { session, without }
    }
}

/// Returns the files of the console's working folder as a session's inputs left them.
pub fn files(session: &Session) -> BTreeMap<String, String> {
    let mut files = BTreeMap::new();
    for logged in &session.inputs {
        match &logged.input {
            Input::WriteFile { name, text } => drop(files.insert(name.clone(), text.clone())),
            Input::RemoveFile { name } => drop(files.remove(name)),
            _ => {}
        }
    }
    files
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(text: &str) -> Input {
        Input::Line { tab: 1, text: text.to_owned() }
    }

    fn log(inputs: &[&str]) -> SessionLog {
        let mut log = SessionLog::default();
        log.begin(Session { preset: "lesson".into(), seed: 1, ..Session::default() });
        log.started();
        for (at, text) in (1..).zip(inputs) {
            log.sent(line(text), 0.0);
            log.logged(LoggedInput { at, input: line(text) }, 0.0);
        }
        log
    }

    fn replay(recovery: Recovery) -> (Vec<Input>, Moment, Option<Input>) {
        let Recovery::Replay { session, without } = recovery else { panic!("gave up") };
        (session.inputs.into_iter().map(|logged| logged.input).collect(), session.until, without)
    }

    #[test]
    fn leaves_out_what_was_sent_last() {
        let mut log = log(&["a", "b"]);
        log.sent(line("c"), 90_000.0);
        assert_eq!(replay(log.failed(50, 90_001.0)), (vec![line("a"), line("b")], 50, Some(line("c"))));
    }

    #[test]
    fn leaves_out_a_recent_input_but_no_old_one() {
        assert_eq!(replay(log(&["a", "b"]).failed(50, 1_000.0)), (vec![line("a")], 50, Some(line("b"))));
        assert_eq!(replay(log(&["a", "b"]).failed(50, 99_000.0)), (vec![line("a"), line("b")], 50, None));
    }

    #[test]
    fn gives_up_what_fails_again_and_again() {
        let mut log = log(&["a", "b", "c", "d", "e"]);
        for left in [4, 3, 2] {
            assert_eq!(replay(log.failed(50, 0.0)).0.len(), left);
        }
        assert_eq!(log.failed(50, 0.0), Recovery::GiveUp);
    }

    #[test]
    fn a_replay_is_not_noted_twice() {
        let mut log = log(&["a"]);
        let (_, _, _) = replay(log.failed(50, 99_000.0));
        log.logged(LoggedInput { at: 1, input: line("a") }, 0.0);
        assert_eq!(log.session(0).inputs.len(), 1);
        assert_eq!(log.session(0).until, 50, "until it stands, it is on its way there");
        log.started();
        log.logged(LoggedInput { at: 60, input: line("b") }, 0.0);
        assert_eq!(log.session(55).until, 60);
    }

    #[test]
    fn finds_the_files() {
        let mut log = log(&[]);
        let write = |name: &str, text: &str| Input::WriteFile { name: name.into(), text: text.into() };
        for input in
            [write("a", "1"), write("b", "2"), write("a", "3"), Input::RemoveFile { name: "b".into() }]
        {
            log.logged(LoggedInput { at: 1, input }, 0.0);
        }
        assert_eq!(files(&log.session(1)), BTreeMap::from([("a".to_owned(), "3".to_owned())]));
    }
}
