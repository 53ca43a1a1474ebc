use super::{each_container, infos, no_pod_spec, pod_spec_path, save, selects};
use crate::builder::Info;
use crate::cmd::create::policy::resources as parse;
use crate::cx::{Cx, Next};
use crate::failure::{Failure, Outcome, error};
use api::{Map, Value};

/// `kubectl set resources`
// Models staging/src/k8s.io/kubectl/pkg/cmd/set/set_resources.go
pub(crate) fn run(cx: &mut Cx) -> Outcome<Next> {
    let flags = cx.args();
    let (limits, requests) = (flags.text("limits"), flags.text("requests"));
    if flags.args.is_empty() && !crate::files::are_named(cx) {
        return error(crate::builder::NOTHING_GIVEN);
    }
    if limits.is_empty() && requests.is_empty() {
        return error(
            "you must specify an update to requests or limits (in the form of --requests/--limits)",
        );
    }
    let (limits, requests) = (parse(limits)?, parse(requests)?);
    let (infos, mut failures) = infos(cx, &flags.args)?;
    for info in infos {
        if let Err(failure) = one(cx, info, &limits, &requests) {
            failures.push(failure);
        }
    }
    Failure::many(failures)?;
    Ok(Next::Done)
}

fn one(cx: &mut Cx, info: Info, limits: &Map, requests: &Map) -> Outcome {
    let flags = cx.args();
    let Some(path) = pod_spec_path(&info.mapping) else {
        return no_pod_spec(&info);
    };
    let mut after = info.object.clone();
    let pattern = flags.text("containers");
    let count = each_container(
        after.at_mut(path),
        &["initContainers", "containers"],
        |name| selects(pattern, name),
        |container: &mut Value| {
            for (field, map) in [("limits", limits), ("requests", requests)] {
                for (name, amount) in map.iter() {
                    container.set(&["resources", field, name], amount);
                }
            }
        },
    );
    if count == 0 {
        return error(format!("unable to find container named {pattern}"));
    }
    save(cx, info, after, "resource requirements updated", "failed to patch resources update to pod template")
}
