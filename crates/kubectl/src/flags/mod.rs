//! Flags as pflag reads them.

mod parse;
mod table;

pub(crate) use parse::{FlagError, Parsed, parse};
pub(crate) use table::FLAGS;

/// No shorthand.
pub(crate) const NONE: char = '\0';

/// What a flag takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Nothing, `=true` or `=false`.
    Bool,
    /// A whole number.
    Int,
    /// A duration: `30s`.
    Span,
    /// A text.
    Text,
    /// Texts: several flags add up, and so do the parts between commas.
    List,
    /// Texts: several flags add up, commas mean nothing.
    Array,
    /// Pairs of a key and a value, several between commas: `a=b,c=d`.
    Pairs,
    /// A text after `=`; this one where there is none.
    Optional(&'static str),
}

/// One flag of some commands.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Flag {
    /// Its name.
    pub name: &'static str,
    /// Its letter, or [`NONE`].
    pub short: char,
    /// What it takes.
    pub kind: Kind,
    /// What it is where it isn't given.
    pub default: &'static str,
    /// The commands that have it.
    pub commands: &'static str,
}

const CREATE: &[&str] = &[
    "create",
    "create clusterrole",
    "create clusterrolebinding",
    "create configmap",
    "create cronjob",
    "create deployment",
    "create ingress",
    "create job",
    "create namespace",
    "create poddisruptionbudget",
    "create priorityclass",
    "create quota",
    "create role",
    "create rolebinding",
    "create secret docker-registry",
    "create secret generic",
    "create secret tls",
    "create service clusterip",
    "create service externalname",
    "create service loadbalancer",
    "create service nodeport",
    "create serviceaccount",
];

/// Returns whether a command belongs to a group of the flags' table.
fn in_group(group: &str, command: &str) -> bool {
    match group {
        "*" => true,
        "@create" => CREATE.contains(&command),
        "@set" => command.starts_with("set "),
        "@rollout" => command.starts_with("rollout ") && command != "rollout status",
        "@service" => command.starts_with("create service "),
        _ => group == command || group.contains('.') && group.replace('.', " ") == command,
    }
}

/// Returns the flags of a command; its own come before those that every command has.
pub(crate) fn of(command: &str) -> Vec<&'static Flag> {
    let has = |flag: &&Flag| flag.commands.split(' ').any(|group| group != "*" && in_group(group, command));
    let mut flags: Vec<&'static Flag> = FLAGS.iter().filter(has).collect();
    for flag in FLAGS {
        if flag.commands.split(' ').any(|group| group == "*")
            && !flags.iter().any(|own| own.name == flag.name)
        {
            flags.push(flag);
        }
    }
    flags
}

/// Returns whether the word is a flag that takes the next word with it, of those that every command has.
pub(crate) fn takes_next(word: &str, flags: &[&'static Flag]) -> bool {
    let no_value = |flag: &&Flag| matches!(flag.kind, Kind::Bool | Kind::Optional(_));
    if let Some(name) = word.strip_prefix("--") {
        return !name.contains('=') && !flags.iter().any(|flag| flag.name == name && no_value(flag));
    }
    let mut letters = word.chars().skip(1);
    match (letters.next(), letters.next()) {
        (Some(letter), None) => !flags.iter().any(|flag| flag.short == letter && no_value(flag)),
        _ => false,
    }
}

impl Flag {
    /// Returns whether every command has it.
    pub fn is_global(&self) -> bool {
        self.commands.split(' ').any(|group| group == "*")
    }
}
