//! `kubectl edit`
// Models staging/src/k8s.io/kubectl/pkg/cmd/util/editor/editoptions.go

use super::scale::record_after;
use crate::builder::{self, Info, NOTHING_GIVEN, Take};
use crate::cmd::set::difference;
use crate::cx::{Cx, DryRun, Next};
use crate::failure::{Failure, Outcome, error};
use crate::files;
use crate::printers::{Printer, print_result};
use crate::task::{Progress, Task};
use api::{Value, meta};

/// What an edited file begins with.
const HEAD: &str = "# Please edit the object below. Lines beginning with a '#' will be ignored,\n# and an empty file will abort the edit. If an error occurs while saving this file will be\n# reopened with the relevant failures.\n#\n";

/// Runs the command.
pub(crate) fn run(cx: &mut Cx) -> Outcome<Next> {
    let flags = cx.args();
    if flags.args.is_empty() && !files::are_named(cx) {
        return error(NOTHING_GIVEN);
    }
    let infos = builder::objects(cx, &flags.args, Take { all: true })?;
    if infos.is_empty() {
        return error("edit cancelled, no objects found");
    }
    Ok(Next::Wait(Box::new(Task::Edit(Edit {
        infos,
        text: String::new(),
        sent: String::new(),
        asked: false,
    }))))
}

/// An edit of objects in one file.
#[derive(Clone, Debug)]
pub(crate) struct Edit {
    infos: Vec<Info>,
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
            let text = format!("{HEAD}{}", self.text);
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
                Ok(self.open(cx, format!("{HEAD}{reasons}#\n{body}")))
            }
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
        let objects: Vec<Value> =
            self.infos.iter().map(|info| Printer::Yaml.shown(cx, &info.object)).collect();
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
            one(cx, info, after)?;
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

fn without_comments(text: &str) -> String {
    text.lines().filter(|line| !line.starts_with('#')).map(|line| format!("{line}\n")).collect()
}
