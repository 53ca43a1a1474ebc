//! `kubectl edit`
// Models staging/src/k8s.io/kubectl/pkg/cmd/util/editor/editoptions.go

use super::apply::LAST_APPLIED;
use super::scale::record_after;
use crate::builder::{self, Info, NOTHING_GIVEN, Take};
use crate::cmd::set::difference;
use crate::cx::{Cx, DryRun, Next};
use crate::failure::{Failure, Outcome, error};
use crate::files;
use crate::printers::{Printer, print_result};
use crate::task::{Progress, Task};
use api::{PatchType, Value, meta};

/// What an edited file begins with.
const HEAD: &str = "# Please edit the object below. Lines beginning with a '#' will be ignored,\n# and an empty file will abort the edit. If an error occurs while saving this file will be\n# reopened with the relevant failures.\n#\n";

const HEAD_OF_LAST_APPLIED: &str = "# Please edit the 'last-applied-configuration' annotations below.\n# Lines beginning with a '#' will be ignored, and an empty file will abort the edit.\n#\n";

/// Runs the command.
pub(crate) fn run(cx: &mut Cx) -> Outcome<Next> {
    let flags = cx.args();
    if flags.args.is_empty() && !files::are_named(cx) {
        return error(NOTHING_GIVEN);
    }
    let infos = builder::objects(cx, &flags.args, Take { all: true })?;
    start(infos, Mode::Whole)
}

/// Runs `kubectl apply edit-last-applied`.
// Models staging/src/k8s.io/kubectl/pkg/cmd/util/editor/editoptions.go annotationPatch
pub(crate) fn last_applied(cx: &mut Cx) -> Outcome<Next> {
    let flags = cx.args();
    if flags.args.is_empty() && !files::are_named(cx) {
        return error(NOTHING_GIVEN);
    }
    let mut infos = builder::objects(cx, &flags.args, Take { all: true })?;
    infos.retain(|info| !meta::annotation(&info.object, LAST_APPLIED).is_empty());
    if infos.is_empty() {
        return error(
            "no last-applied-configuration annotation found on resources, to create the annotation, use command `kubectl apply set-last-applied --create-annotation`",
        );
    }
    start(infos, Mode::LastApplied)
}

fn start(infos: Vec<Info>, mode: Mode) -> Outcome<Next> {
    if infos.is_empty() {
        return error("edit cancelled, no objects found");
    }
    Ok(Next::Wait(Box::new(Task::Edit(Edit {
        infos,
        mode,
        text: String::new(),
        sent: String::new(),
        asked: false,
    }))))
}

/// What of objects is edited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    /// The objects.
    Whole,
    /// What was applied last.
    LastApplied,
}

/// An edit of objects in one file.
#[derive(Clone, Debug)]
pub(crate) struct Edit {
    infos: Vec<Info>,
    mode: Mode,
    /// The objects as they were shown at first.
    text: String,
    /// What the editor was given last.
    sent: String,
    asked: bool,
}

impl Edit {
    /// Opens the editor, or takes what it left.
    pub fn step(&mut self, cx: &mut Cx) -> Outcome<Progress> {
        if !self.asked {
            self.text = self.shown(cx);
            let text = format!("{}{}", self.head(), self.text);
            return Ok(self.open(cx, text));
        }
        let Some(edited) = cx.run.edited.take() else {
            return error("there was a problem with the editor");
        };
        let body = without_comments(&edited);
        if body.trim().is_empty() {
            cx.err("Edit cancelled, saved file was empty.\n");
            return Ok(Progress::Done);
        }
        if body == without_comments(&self.text) {
            cx.err("Edit cancelled, no changes made.\n");
            return Ok(Progress::Done);
        }
        if edited == self.sent {
            let path = self.keep(cx, &edited);
            cx.err(format!("error: Edit cancelled, no valid changes were saved.\nA copy of your changes has been stored to \"{path}\"\n"));
            return Err(Failure::Exit(1));
        }
        match self.save(cx, &body) {
            Ok(()) => Ok(Progress::Done),
            Err(failure) => {
                let reasons: String = failure.message().lines().map(|line| format!("# {line}\n")).collect();
                Ok(self.open(cx, format!("{}{reasons}#\n{body}", self.head())))
            }
        }
    }

    fn head(&self) -> &'static str {
        match self.mode {
            Mode::Whole => HEAD,
            Mode::LastApplied => HEAD_OF_LAST_APPLIED,
        }
    }

    fn open(&mut self, cx: &mut Cx, text: String) -> Progress {
        self.asked = true;
        self.sent.clone_from(&text);
        cx.run.edits += 1;
        Progress::Edit { path: format!("/tmp/kubectl-edit-{}.yaml", cx.run.edits), text }
    }

    fn keep(&self, cx: &mut Cx, text: &str) -> String {
        let path = format!("/tmp/kubectl-edit-{}.yaml", cx.run.edits);
        // A copy that can't be kept is no reason to say more.
        let _ = cx.host.write_file(&path, text);
        path
    }

    fn shown(&self, cx: &Cx) -> String {
        let shown = |info: &Info| match self.mode {
            Mode::Whole => Printer::Yaml.shown(cx, &info.object),
            Mode::LastApplied => {
                Value::from_json(meta::annotation(&info.object, LAST_APPLIED)).unwrap_or_default()
            }
        };
        let objects: Vec<Value> = self.infos.iter().map(shown).collect();
        match objects.as_slice() {
            [one] => api::yaml::print(one),
            _ => api::yaml::print(&crate::printers::list_of(objects)),
        }
    }

    fn save(&self, cx: &mut Cx, body: &str) -> Outcome {
        let edited = match api::yaml::parse_one(body) {
            Ok(edited) => edited,
            Err(trouble) => {
                return error(format!("error parsing edited-file: {}", trouble.in_kubectl_words()));
            }
        };
        let objects = match edited["items"].as_list() {
            Some(items) if self.infos.len() != 1 => items.to_vec(),
            _ => vec![edited],
        };
        if objects.len() != self.infos.len() {
            return error("the number of objects can't be changed");
        }
        for (info, after) in self.infos.iter().zip(&objects) {
            match self.mode {
                Mode::Whole => one(cx, info, after)?,
                Mode::LastApplied => annotate(cx, info, after)?,
            }
        }
        Ok(())
    }

    /// Returns the streams that are open: none.
    pub fn streams(&self) -> Vec<u64> {
        Vec::new()
    }
}

fn one(cx: &mut Cx, info: &Info, after: &Value) -> Outcome {
    if meta::name(after) != info.name || meta::namespace(after) != info.namespace {
        return error("At least one of apiVersion, kind and name was changed");
    }
    if after["kind"] != info.object["kind"] || after["apiVersion"] != info.object["apiVersion"] {
        return error("At least one of apiVersion, kind and name was changed");
    }
    let before = Printer::Yaml.shown(cx, &info.object);
    let (kind, patch) = difference(&info.mapping, &before, after)?;
    if patch.fields().is_empty() {
        return print_result(cx, &info.object, "skipped", DryRun::None);
    }
    if cx.flags.is("output-patch") {
        cx.line(format!("Patch: {}", crate::text::go_json(&patch)));
    }
    let manager = cx.manager("kubectl-edit");
    let path = info.path(cx.flags.text("subresource"));
    let object = cx.patch(path, kind, patch, DryRun::None, &manager)?;
    record_after(cx, info, DryRun::None)?;
    let mut info = info.clone();
    info.refresh(object);
    print_result(cx, &info.object, "edited", DryRun::None)
}

/// Writes what was edited of what was applied last.
fn annotate(cx: &mut Cx, info: &Info, after: &Value) -> Outcome {
    let text = format!("{}\n", crate::text::go_json(after));
    let mut patch = Value::map();
    patch.set(&["metadata", "annotations", LAST_APPLIED], text);
    let manager = cx.manager("kubectl-client-side-apply");
    let object = cx.patch(info.path(""), PatchType::Merge, patch, DryRun::None, &manager)?;
    let info = Info { object, ..info.clone() };
    print_result(cx, &info.object, "edited", DryRun::None)
}

fn without_comments(text: &str) -> String {
    text.lines().filter(|line| !line.starts_with('#')).map(|line| format!("{line}\n")).collect()
}
