use super::{CHANGE_CAUSE, controller_revisions, infos, replica_sets, revision};
use crate::builder::Info;
use crate::cmd::describe::template::pod_template;
use crate::cmd::describe::writer::Writer;
use crate::cx::{Cx, DryRun, Next};
use crate::failure::{Failure, Outcome, error};
use crate::printers::{print_result, wanted};
use crate::tabs::TabWriter;
use crate::text::quote;
use api::{Value, meta};

/// `kubectl rollout history`
// Models staging/src/k8s.io/kubectl/pkg/cmd/rollout/rollout_history.go
pub(crate) fn run(cx: &mut Cx) -> Outcome<Next> {
    let flags = cx.args();
    if flags.int("revision") < 0 {
        return error("revision must be a positive integer: ".to_string() + flags.text("revision"));
    }
    let (infos, mut failures) = infos(cx)?;
    for info in infos {
        if let Err(failure) = one(cx, &info) {
            failures.push(failure);
        }
    }
    Failure::many(failures)?;
    Ok(Next::Done)
}

/// One revision: its number, what changed, its pod template.
pub(crate) struct Revision {
    /// The number.
    pub number: i64,
    /// Why it was made; empty where nothing says.
    pub cause: String,
    /// Its template, with the change cause as annotation.
    pub template: Value,
    /// What it was made of: the ReplicaSet or ControllerRevision.
    pub source: Value,
}

/// Returns the revisions of a workload, oldest first.
// Models staging/src/k8s.io/kubectl/pkg/polymorphichelpers/history.go
pub(crate) fn revisions(cx: &mut Cx, info: &Info) -> Outcome<Vec<Revision>> {
    let mut all = Vec::new();
    match info.mapping.kind.as_str() {
        "Deployment" => {
            for set in replica_sets(cx, &info.object)? {
                let Some(number) = revision(&set) else { continue };
                let cause = meta::annotation(&set, CHANGE_CAUSE).to_string();
                let mut template = set["spec"]["template"].clone();
                if !cause.is_empty() {
                    template.set(&["metadata", "annotations", CHANGE_CAUSE], &cause);
                }
                all.push(Revision { number, cause, template, source: set });
            }
        }
        "DaemonSet" | "StatefulSet" => {
            for revision in controller_revisions(cx, &info.object)? {
                let template = match info.mapping.schema() {
                    Some(kind) => schema::patch::strategic_merge(kind, &info.object, &revision["data"])
                        .map_err(|why| Failure::Error(format!("unable to parse history: {why}")))?,
                    None => Value::Null,
                };
                all.push(Revision {
                    number: revision["revision"].int(),
                    cause: meta::annotation(&revision, CHANGE_CAUSE).to_string(),
                    template: template["spec"]["template"].clone(),
                    source: revision,
                });
            }
        }
        kind => {
            let group = &info.mapping.group;
            return error(format!(
                "no history viewer has been implemented for {{{} {}}}",
                quote(group),
                quote(kind)
            ));
        }
    }
    all.sort_by_key(|revision| revision.number);
    Ok(all)
}

fn one(cx: &mut Cx, info: &Info) -> Outcome {
    let flags = cx.args();
    let number = flags.int("revision");
    let all = revisions(cx, info)?;
    let text = if number > 0 {
        let Some(revision) = all.iter().find(|revision| revision.number == number) else {
            return error("unable to find the specified revision");
        };
        if wanted(cx, false)?.is_some() {
            let shown = revision.source.clone();
            return print_result(cx, &shown, "", DryRun::None);
        }
        format!("with revision #{number}\n{}", template_text(&revision.template))
    } else {
        if wanted(cx, false)?.is_some() {
            return print_result(cx, &info.object, "", DryRun::None);
        }
        format!("\n{}", table(&all))
    };
    print_result(cx, &info.object, &text, DryRun::None)
}

fn table(all: &[Revision]) -> String {
    if all.is_empty() {
        return "No rollout history found.".to_string();
    }
    let mut writer = TabWriter::describing();
    writer.write("REVISION\tCHANGE-CAUSE\n");
    for revision in all {
        let cause = if revision.cause.is_empty() { "<none>" } else { &revision.cause };
        writer.write(&format!("{}\t{cause}\n", revision.number));
    }
    writer.flush()
}

/// Returns a pod template as `describe` tells it, its tabs as they are.
pub(crate) fn template_text(template: &Value) -> String {
    let mut writer = Writer::new();
    pod_template(&mut writer, template);
    writer.raw()
}
