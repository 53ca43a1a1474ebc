//! What `kubectl label` and `kubectl annotate` have in common.
// Models staging/src/k8s.io/kubectl/pkg/cmd/label/label.go, staging/src/k8s.io/kubectl/pkg/cmd/annotate/annotate.go

use crate::builder::{self, Info, Take};
use crate::cx::{Cx, DryRun, Next};
use crate::failure::{Failure, Outcome, error};
use crate::files;
use crate::printers::print_result;
use api::{PatchType, Value};

/// Keys with their new values, and keys to take away.
#[derive(Clone, Debug, Default)]
pub(crate) struct Changes {
    /// Keys with their new values.
    pub new: Vec<(String, String)>,
    /// Keys to take away.
    pub removed: Vec<String>,
}

/// A part of the metadata that a command changes.
pub(crate) struct Part {
    /// The field: `labels`.
    pub field: &'static str,
    /// One of it: `label`.
    pub one: &'static str,
    /// What an example of a local object is called.
    pub example: &'static str,
    /// The field manager.
    pub manager: &'static str,
    /// Reads the pairs of the command line.
    pub parse: fn(&[String]) -> Outcome<Changes>,
    /// Refuses to overwrite.
    pub refuse: fn(&Value, &Changes) -> Outcome,
    /// What is said of keys that weren't there.
    pub missing: fn(&str) -> String,
    /// What is said of an object.
    pub done: fn(changed: Changed, &Changes) -> &'static str,
    /// Whether what changes nothing is sent all the same.
    pub sends_all: bool,
}

/// Whether an object is another than before.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Changed {
    /// It is.
    Yes,
    /// It is as it was.
    No,
}

impl Part {
    /// Runs the command.
    pub fn run(&self, cx: &mut Cx) -> Outcome<Next> {
        let flags = cx.args();
        let dry_run = cx.dry_run()?;
        let (resources, pairs) = builder::resources_and_pairs(&flags.args, self.one)?;
        let changes = (self.parse)(&pairs)?;
        if resources.is_empty() && !files::are_named(cx) {
            return error(
                "one or more resources must be specified as <resource> <name> or <resource>/<name>",
            );
        }
        if changes.new.is_empty() && changes.removed.is_empty() && !flags.is("list") {
            return error(format!("at least one {} update is required", self.one));
        }
        let infos = if flags.is("local") {
            builder::local(cx, &resources, self.example)?
        } else {
            let targets = builder::targets(cx, &resources, Take { all: flags.is("all") })?;
            let (infos, failures) = builder::fetch(cx, targets);
            Failure::many(failures)?;
            infos
        };
        let is_single = infos.len() == 1 && !flags.is("all") && flags.text("selector").is_empty();
        if !is_single && !flags.text("resource-version").is_empty() {
            return error("--resource-version may only be used with a single resource");
        }
        let results: Vec<Outcome> =
            infos.into_iter().map(|info| self.change(cx, info, &changes, dry_run)).collect();
        Failure::many(results.into_iter().filter_map(Result::err).collect())?;
        Ok(Next::Done)
    }

    fn change(&self, cx: &mut Cx, mut info: Info, changes: &Changes, dry_run: DryRun) -> Outcome {
        let flags = cx.args();
        let before = info.object["metadata"][self.field].clone();
        if flags.is("list") {
            for (key, value) in before.fields().iter() {
                cx.line(format!("{key}={}", value.str()));
            }
            return Ok(());
        }
        let is_sent = dry_run != DryRun::Client && !flags.is("local");
        for key in changes.removed.iter().filter(|key| is_sent && before.get(key).is_none()) {
            cx.out((self.missing)(key));
        }
        if !flags.is("overwrite") {
            (self.refuse)(&before, changes)?;
        }
        let mut patch = Value::map();
        for (key, value) in &changes.new {
            patch.set(&["metadata", self.field, key], value);
        }
        for key in &changes.removed {
            patch.set(&["metadata", self.field, key], Value::Null);
        }
        let merged = schema::patch::merge(&info.object, &patch);
        let changed = match merged["metadata"][self.field] == before {
            true => Changed::No,
            false => Changed::Yes,
        };
        if !is_sent {
            info.object = merged;
        } else if changed == Changed::Yes || self.sends_all {
            if !flags.text("resource-version").is_empty() {
                patch.set(&["metadata", "resourceVersion"], flags.text("resource-version"));
            }
            let manager = cx.manager(self.manager);
            let object = cx.patch(info.path(""), PatchType::Merge, patch, dry_run, &manager)?;
            info.refresh(object);
        }
        print_result(cx, &info.object, (self.done)(changed, changes), dry_run)
    }
}

/// Returns what a key has already, in kubectl's words; `None` where it has nothing.
pub(crate) fn taken(before: &Value, key: &str) -> Option<String> {
    before.get(key).map(|old| format!("'{key}' already has a value ({})", old.str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_what_is_taken() {
        let before = api::tree!({"a": "1"});
        assert_eq!(taken(&before, "a").as_deref(), Some("'a' already has a value (1)"));
        assert_eq!(taken(&before, "b"), None);
    }
}
