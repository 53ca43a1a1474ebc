//! What `nft list` prints.

use super::{Base, Chain, Family, Kind, Set, Table};
use crate::iptables::{ChainName, Hook};
use sim::Time;
use std::fmt::Write;
use std::rc::Rc;

/// How much is printed.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Form {
    /// With the numbers by which things are deleted (`-a`).
    pub(super) has_handles: bool,
    /// Without what was counted (`-s`).
    pub(super) is_stateless: bool,
}

impl Form {
    fn handle(self, handle: u64) -> String {
        if self.has_handles { format!(" # handle {handle}") } else { String::new() }
    }
}

/// The names of priorities, and at which hook they are used where it isn't any.
// Models nftables src/rule.c chain_std_prios
const PRIORITIES: [(&str, i32, Option<Hook>); 6] = [
    ("raw", -300, None),
    ("mangle", -150, None),
    ("dstnat", -100, Some(Hook::Prerouting)),
    ("filter", 0, None),
    ("security", 50, None),
    ("srcnat", 100, Some(Hook::Postrouting)),
];
/// How far a priority may be from one with a name to be told by it.
const REACH: i32 = 10;

/// Reads the name of a priority.
pub(super) fn priority(name: &str) -> Option<i32> {
    PRIORITIES.iter().find(|(known, ..)| *known == name).map(|(_, priority, _)| *priority)
}

fn priority_text(base: Base) -> String {
    let near = PRIORITIES.iter().find(|(_, priority, hook)| {
        hook.is_none_or(|hook| hook == base.hook) && (base.priority - priority).abs() <= REACH
    });
    match near.map(|(name, priority, _)| (name, base.priority - priority)) {
        None => base.priority.to_string(),
        Some((name, 0)) => (*name).to_string(),
        Some((name, more)) if more > 0 => format!("{name} + {more}"),
        Some((name, less)) => format!("{name} - {}", -less),
    }
}

impl Table {
    fn head(&self, form: Form) -> String {
        format!("table {} {} {{{}\n", self.family.as_str(), self.name, form.handle(self.handle))
    }

    fn sorted_sets(&self) -> Vec<(&Rc<str>, &Set)> {
        let mut sets: Vec<(&Rc<str>, &Set)> =
            self.sets.iter().map(|(name, set)| (name, set.as_ref())).collect();
        sets.sort_by_key(|(_, set)| set.handle);
        sets
    }

    /// Returns the whole table.
    pub(super) fn list(&self, form: Form, now: Time) -> String {
        let mut parts = Vec::new();
        for (name, set) in self.sorted_sets() {
            parts.push(self.set_text(name, set, form, now));
        }
        for (name, chain) in self.sorted_chains() {
            parts.push(chain_text(name, chain, form, true));
        }
        let comment = self.comment.as_ref().map_or(String::new(), |text| format!("\tcomment \"{text}\"\n"));
        format!("{}{comment}{}}}\n", self.head(form), parts.join("\n"))
    }

    fn set_text(&self, name: &str, set: &Set, form: Form, now: Time) -> String {
        let word = if set.is_map { "map" } else { "set" };
        let mut text = format!("\t{word} {name} {{{}\n", form.handle(set.handle));
        set.write(&mut text, "\t\t", now);
        text + "\t}\n"
    }

    /// Returns the table with one chain.
    pub(super) fn list_chain(&self, name: &str, form: Form) -> Option<String> {
        let (name, chain) = self.chains.get_key_value(&ChainName::new(name))?;
        Some(format!("{}{}}}\n", self.head(Form::default()), chain_text(name, chain, form, true)))
    }

    /// Returns the table with one set or map.
    pub(super) fn list_set(&self, name: &str, is_map: bool, form: Form, now: Time) -> Option<String> {
        let (name, set) = self.sets.get_key_value(name).filter(|(_, set)| set.is_map == is_map)?;
        Some(format!("{}{}}}\n", self.head(Form::default()), self.set_text(name, set, form, now)))
    }

    /// Returns the table with its chains, but for their rules.
    pub(super) fn list_chains(&self, form: Form) -> String {
        let chains = self.sorted_chains();
        let texts: String =
            chains.into_iter().map(|(name, chain)| chain_text(name, chain, form, false)).collect();
        format!("{}{texts}}}\n", self.head(Form::default()))
    }

    /// Returns the table with its sets, or its maps.
    pub(super) fn list_sets(&self, is_map: bool, form: Form, now: Time) -> String {
        let sets = self.sorted_sets().into_iter().filter(|(_, set)| set.is_map == is_map);
        let texts: String = sets.map(|(name, set)| self.set_text(name, set, form, now)).collect();
        format!("{}{texts}}}\n", self.head(Form::default()))
    }
}

fn chain_text(name: &ChainName, chain: &Chain, form: Form, has_rules: bool) -> String {
    let mut text = format!("\tchain {} {{{}\n", name.as_str(), form.handle(chain.handle));
    if let Some(comment) = &chain.comment {
        let _ = writeln!(text, "\t\tcomment \"{comment}\"");
    }
    if let Some(base) = chain.base {
        let hook = base.hook.as_str().to_lowercase();
        let policy = base.policy.as_str().to_lowercase();
        let kind = Kind::as_str(base.kind);
        let _ =
            writeln!(text, "\t\ttype {kind} hook {hook} priority {}; policy {policy};", priority_text(base));
    }
    for (place, rule) in (0..).zip(&chain.rules.rules).filter(|_| has_rules) {
        let counter = if form.is_stateless { None } else { Some(chain.counter(place)) };
        let _ = writeln!(text, "\t\t{}{}", rule.text(counter), form.handle(rule.handle));
    }
    text + "\t}\n"
}

impl Family {
    /// Returns whether a table of this family is meant.
    pub(super) fn is_meant(self, wanted: Option<Family>) -> bool {
        wanted.is_none_or(|wanted| wanted == self)
    }
}
