use super::{infos, save};
use crate::cmd::create::policy::label_selector;
use crate::cx::{Cx, Next};
use crate::failure::{Failure, Outcome, error};
use crate::files;
use api::label;

/// `kubectl set selector`
// Models staging/src/k8s.io/kubectl/pkg/cmd/set/set_selector.go
pub(crate) fn run(cx: &mut Cx) -> Outcome<Next> {
    let flags = cx.args();
    let Some((selector, resources)) = flags.args.split_last() else {
        return error("one selector is required");
    };
    if flags.is("local") && (!resources.is_empty() || !files::are_named(cx)) {
        return error(
            "you must specify resources by --filename when --local is set.\nExample resource specifications include:\n   '-f rsrc.yaml'\n   '--filename=rsrc.json'",
        );
    }
    let (infos, mut failures) = infos(cx, resources)?;
    let selector = match label::parse(selector) {
        Ok(selector) => label_selector(&selector),
        Err(why) => return error(why),
    };
    if let Some(one) = selector["matchExpressions"].items().first() {
        return error(format!(
            "match expression [{{{} {} [{}]}}] not supported on this object",
            one["key"].str(),
            one["operator"].str(),
            one["values"].items().iter().map(api::Value::str).collect::<Vec<_>>().join(" ")
        ));
    }
    for info in infos {
        let mut after = info.object.clone();
        let done = if info.mapping.kind == "Service" {
            after.set(&["spec", "selector"], &selector["matchLabels"]);
            save(cx, info, after, "selector updated", "")
        } else {
            error("setting a selector is only supported for Services")
        };
        if let Err(failure) = done {
            failures.push(failure);
        }
    }
    Failure::many(failures)?;
    Ok(Next::Done)
}
