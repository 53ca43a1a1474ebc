use super::{infos, save};
use crate::cmd::create::policy::label_selector;
use crate::cx::{Cx, Next};
use crate::failure::{Failure, Outcome, error};
use api::label;

/// `kubectl set selector`
// Models staging/src/k8s.io/kubectl/pkg/cmd/set/set_selector.go
pub(crate) fn run(cx: &mut Cx) -> Outcome<Next> {
    let flags = cx.args();
    let is_selector = |arg: &&String| arg.contains('=') || arg.contains(" in ") || arg.contains('!');
    let selectors: Vec<&String> = flags.args.iter().filter(is_selector).collect();
    let [selector] = selectors.as_slice() else {
        return error("one selector is required");
    };
    let resources: Vec<String> = flags.args.iter().filter(|arg| !is_selector(arg)).cloned().collect();
    let selector = match label::parse(selector) {
        Ok(selector) => label_selector(&selector),
        Err(why) => return error(why),
    };
    let (infos, mut failures) = infos(cx, &resources)?;
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
