//! `kubectl set`
// Models staging/src/k8s.io/kubectl/pkg/cmd/set

pub(crate) mod env;
pub(crate) mod image;
pub(crate) mod resources;
pub(crate) mod selector;
pub(crate) mod subject;

use crate::builder::{self, Info, NOTHING_GIVEN, Take};
use crate::cmd::record::record;
use crate::cx::{Cx, DryRun};
use crate::failure::{Failure, Outcome, error};
use crate::files;
use crate::mapper::Mapping;
use crate::printers::print_result;
use api::{PatchType, Value};

const MANAGER: &str = "kubectl-set";

/// Returns where a kind has its pods' spec.
// Models staging/src/k8s.io/kubectl/pkg/polymorphichelpers/updatepodspec.go UpdatePodSpecForObject
pub(crate) fn pod_spec_path(mapping: &Mapping) -> Option<&'static [&'static str]> {
    match mapping.kind.as_str() {
        "Pod" => Some(&["spec"]),
        "CronJob" => Some(&["spec", "jobTemplate", "spec", "template", "spec"]),
        "Deployment" | "DaemonSet" | "ReplicaSet" | "StatefulSet" | "Job" | "ReplicationController" => {
            Some(&["spec", "template", "spec"])
        }
        _ => None,
    }
}

/// Says that an object has no pods' spec.
pub(crate) fn no_pod_spec<T>(info: &Info) -> Outcome<T> {
    error(format!(
        "error: {}/{} the object is not a pod or does not have a pod template: *{}.{}",
        info.mapping.lower_kind(),
        info.name,
        info.mapping.version,
        info.mapping.kind
    ))
}

/// Returns the objects to change: those of the files alone with `--local`, else as the server has them.
pub(crate) fn infos(cx: &mut Cx, resources: &[String]) -> Outcome<(Vec<Info>, Vec<Failure>)> {
    let flags = cx.args();
    if resources.is_empty() && !files::are_named(cx) {
        return error(NOTHING_GIVEN);
    }
    if flags.is("local") {
        return Ok((builder::local(cx, resources, "rsrc")?, Vec::new()));
    }
    let targets = builder::targets(cx, resources, Take { all: flags.is("all") })?;
    Ok(builder::fetch(cx, targets))
}

/// Makes the patch that turns one object into the other.
pub(crate) fn difference(mapping: &Mapping, before: &Value, after: &Value) -> Outcome<(PatchType, Value)> {
    match mapping.schema() {
        Some(kind) => match schema::patch::two_way(kind, before, after) {
            Ok(patch) => Ok((PatchType::StrategicMerge, patch)),
            Err(why) => error(why),
        },
        None => Ok((PatchType::Merge, schema::patch::two_way_merge(before, after))),
    }
}

/// Sends what an object was changed to and says so; an unchanged one is passed over.
pub(crate) fn save(cx: &mut Cx, mut info: Info, after: Value, operation: &str, wrap: &str) -> Outcome {
    let dry_run = cx.dry_run()?;
    if difference(&info.mapping, &info.object, &after)?.1.fields().is_empty() {
        return Ok(());
    }
    let mut after = after;
    record(cx, &mut after);
    if cx.flags.is("local") || dry_run == DryRun::Client {
        return print_result(cx, &after, operation, dry_run);
    }
    let (kind, patch) = difference(&info.mapping, &info.object, &after)?;
    let manager = cx.manager(MANAGER);
    let object = cx
        .patch(info.path(""), kind, patch, dry_run, &manager)
        .map_err(|failure| if wrap.is_empty() { failure } else { failure.wrapped(wrap) })?;
    info.refresh(object);
    print_result(cx, &info.object, operation, dry_run)
}

/// Returns whether a container's name fits a pattern with `*` in it.
pub(crate) fn selects(pattern: &str, name: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or("");
    let Some(mut rest) = name.strip_prefix(first) else {
        return false;
    };
    let parts: Vec<&str> = parts.collect();
    let Some((last, middle)) = parts.split_last() else {
        return rest.is_empty();
    };
    for part in middle {
        match rest.split_once(part) {
            Some((_, after)) => rest = after,
            None => return false,
        }
    }
    rest.ends_with(last)
}

/// Runs `change` on each container of a pod's spec whose name fits; returns how many did.
pub(crate) fn each_container(
    spec: &mut Value,
    lists: &[&str],
    fits: impl Fn(&str) -> bool,
    mut change: impl FnMut(&mut Value),
) -> u32 {
    let mut count = 0;
    for list in lists {
        if spec[*list].items().is_empty() {
            continue;
        }
        for container in spec.at_mut(&[list]).list_mut() {
            if fits(container["name"].str()) {
                change(container);
                count += 1;
            }
        }
    }
    count
}

#[cfg(test)]
mod tests {
    #[test]
    fn patterns() {
        for (pattern, name, fits) in [
            ("*", "a", true),
            ("a", "a", true),
            ("a", "ab", false),
            ("a*", "ab", true),
            ("*b*c", "abxc", true),
            ("*x", "ab", false),
        ] {
            assert_eq!(super::selects(pattern, name), fits, "{pattern} {name}");
        }
    }
}
