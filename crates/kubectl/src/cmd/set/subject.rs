use super::{infos, no_pod_spec, pod_spec_path, save};
use crate::cmd::create::rbac::subjects;
use crate::cx::{Cx, Next};
use crate::failure::{Failure, Outcome, error};
use api::Value;

/// `kubectl set subject`
// Models staging/src/k8s.io/kubectl/pkg/cmd/set/set_subject.go
pub(crate) fn run(cx: &mut Cx) -> Outcome<Next> {
    let flags = cx.args();
    if flags.args.is_empty() && !crate::files::are_named(cx) {
        return error(crate::builder::NOTHING_GIVEN);
    }
    let (infos, mut failures) = infos(cx, &flags.args)?;
    if !failures.is_empty() {
        Failure::many(std::mem::take(&mut failures))?;
    }
    let new = subjects(cx)?;
    if new.is_empty() {
        return error("you must specify at least one value of user, group or serviceaccount");
    }
    for info in infos {
        let mut after = info.object.clone();
        let mut all: Vec<Value> = after["subjects"].items().to_vec();
        for subject in &new {
            if !all.contains(subject) {
                all.push(subject.clone());
            }
        }
        after.set(&["subjects"], all);
        if let Err(failure) =
            save(cx, info, after, "subjects updated", "failed to patch subjects to rolebinding")
        {
            failures.push(failure);
        }
    }
    Failure::many(failures)?;
    Ok(Next::Done)
}

/// `kubectl set serviceaccount`
// Models staging/src/k8s.io/kubectl/pkg/cmd/set/set_serviceaccount.go
pub(crate) fn service_account(cx: &mut Cx) -> Outcome<Next> {
    let flags = cx.args();
    let Some((account, resources)) = flags.args.split_last() else {
        return error("serviceaccount is required");
    };
    let (infos, mut failures) = infos(cx, resources)?;
    for info in infos {
        let Some(path) = pod_spec_path(&info.mapping) else {
            failures.extend(no_pod_spec::<()>(&info).err());
            continue;
        };
        let mut after = info.object.clone();
        after.at_mut(path).set(&["serviceAccountName"], account);
        if let Err(failure) =
            save(cx, info, after, "serviceaccount updated", "failed to patch ServiceAccountName")
        {
            failures.push(failure);
        }
    }
    Failure::many(failures)?;
    Ok(Next::Done)
}
