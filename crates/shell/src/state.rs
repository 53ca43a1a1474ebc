use crate::place::Place;
use crate::syntax::Command;
use std::collections::BTreeMap;
use std::rc::Rc;

/// How many variables a shell keeps.
const MAX_VARIABLES: usize = 2_000;
/// The longest value of a variable, in bytes.
const MAX_VALUE: usize = 128 << 10;

/// A variable.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Variable {
    pub value: String,
    /// Whether programs see it in their environment.
    pub exported: bool,
}

/// What a shell knows while it runs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct ShellState {
    pub(crate) place: Place,
    pub(crate) cwd: String,
    pub(crate) home: String,
    pub(crate) user: String,
    pub(crate) hostname: String,
    pub(crate) variables: BTreeMap<String, Variable>,
    /// `$0`
    pub(crate) name: String,
    /// `$1` and on
    pub(crate) parameters: Vec<String>,
    pub(crate) aliases: Rc<BTreeMap<String, String>>,
    pub(crate) functions: Rc<BTreeMap<String, Rc<Command>>>,
    /// `$?`
    pub(crate) status: i32,
    /// How deep functions have called each other.
    pub(crate) calls: u32,
    /// Whether an error ends the shell (`set -e`).
    pub(crate) exits_on_error: bool,
    /// Whether the programs there are busybox's.
    pub(crate) is_busybox: bool,
    /// Whether commands are shown before they run (`set -x`).
    pub(crate) shows_commands: bool,
}

impl ShellState {
    /// Makes the state of a shell that begins at a place.
    pub fn new(place: Place, facts: &crate::Facts) -> ShellState {
        let mut state = ShellState {
            cwd: if facts.home.is_empty() { "/".to_string() } else { facts.home.clone() },
            home: facts.home.clone(),
            user: if facts.user.is_empty() { "root".to_string() } else { facts.user.clone() },
            hostname: facts.hostname.clone(),
            name: "bash".to_string(),
            is_busybox: facts.is_busybox,
            place,
            ..ShellState::default()
        };
        for (name, value) in &facts.environment {
            state.export(name, value);
        }
        // Who logs in to a machine has a USER; a runtime gives a container none.
        let user = (!state.place.is_container()).then(|| ("USER", state.user.clone()));
        let usual = [("HOME", facts.home.clone()), ("HOSTNAME", facts.hostname.clone())];
        for (name, value) in usual.into_iter().chain(user) {
            if state.get(name).is_none() {
                state.export(name, &value);
            }
        }
        if state.get("PATH").is_none() {
            state.export("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
        }
        state
    }

    /// Returns where the shell runs.
    pub fn place(&self) -> &Place {
        &self.place
    }

    /// Returns the folder that the shell is in.
    pub fn cwd(&self) -> &str {
        &self.cwd
    }

    /// Returns a variable's value.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.variables.get(name).map(|variable| variable.value.as_str())
    }

    /// Sets a variable. Beyond the bounds, nothing happens.
    pub fn set(&mut self, name: &str, value: &str) {
        let value = crate::text::cut(value, MAX_VALUE);
        if let Some(variable) = self.variables.get_mut(name) {
            variable.value = value.to_string();
        } else if self.variables.len() < MAX_VARIABLES {
            self.variables.insert(name.to_string(), Variable { value: value.to_string(), exported: false });
        }
    }

    /// Sets a variable that programs see.
    pub fn export(&mut self, name: &str, value: &str) {
        self.set(name, value);
        if let Some(variable) = self.variables.get_mut(name) {
            variable.exported = true;
        }
    }

    /// Returns the environment that programs see, in order.
    pub fn environment(&self) -> impl Iterator<Item = (&str, &str)> {
        let exported = self.variables.iter().filter(|(_, variable)| variable.exported);
        exported.map(|(name, variable)| (name.as_str(), variable.value.as_str()))
    }

    /// Returns the prompt: `$ ` on the learner's machine, `root@node-1:~# ` elsewhere.
    pub fn prompt(&self) -> String {
        if self.place.is_client() {
            return "$ ".to_string();
        }
        let cwd = match self.cwd.strip_prefix(&self.home) {
            Some("") if self.home != "/" => "~".to_string(),
            Some(rest) if self.home != "/" && rest.starts_with('/') => format!("~{rest}"),
            _ => self.cwd.clone(),
        };
        let mark = if self.user == "root" { '#' } else { '$' };
        match self.name.as_str() {
            "sh" | "ash" if self.is_busybox => format!("{cwd} {mark} "),
            "sh" | "dash" => format!("{mark} "),
            _ => format!("{}@{}:{cwd}{mark} ", self.user, self.hostname),
        }
    }
}
