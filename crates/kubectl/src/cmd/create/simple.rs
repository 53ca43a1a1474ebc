use super::{create, mapping, one_name};
use crate::cx::{Cx, Next};
use crate::failure::{Outcome, error};
use crate::printers::{self, Printer};
use api::{Method, Request, tree};

/// `kubectl create namespace`
// Models staging/src/k8s.io/kubectl/pkg/cmd/create/create_namespace.go
pub(crate) fn namespace(cx: &mut Cx) -> Outcome<Next> {
    let name = one_name(cx)?;
    let object = tree!({"metadata": {"name": (name)}, "spec": {}, "status": {}});
    create(cx, "", "v1", "Namespace", object, "")
}

/// `kubectl create serviceaccount`
// Models staging/src/k8s.io/kubectl/pkg/cmd/create/create_serviceaccount.go
pub(crate) fn service_account(cx: &mut Cx) -> Outcome<Next> {
    let name = one_name(cx)?;
    let object = tree!({"metadata": {"name": (name)}});
    create(cx, "", "v1", "ServiceAccount", object, "failed to create serviceaccount")
}

/// `kubectl create token`
// Models staging/src/k8s.io/kubectl/pkg/cmd/create/create_token.go
pub(crate) fn token(cx: &mut Cx) -> Outcome<Next> {
    let name = one_name(cx)?;
    let flags = cx.args();
    if flags.span("duration") < 0 {
        return error("--duration must be greater than or equal to 0");
    }
    if flags.span("duration") % sim::SECOND != 0 {
        return error("--duration cannot be expressed in units less than seconds");
    }
    let (kind, bound) = (flags.text("bound-object-kind"), flags.text("bound-object-name"));
    match kind {
        "" if !bound.is_empty() => {
            return error("--bound-object-name can only be set if --bound-object-kind is provided");
        }
        "" if !flags.text("bound-object-uid").is_empty() => {
            return error("--bound-object-uid can only be set if --bound-object-kind is provided");
        }
        "" => {}
        "Node" | "Pod" | "Secret" if bound.is_empty() => {
            return error("--bound-object-name is required if --bound-object-kind is provided");
        }
        "Node" | "Pod" | "Secret" => {}
        _ => return error("supported --bound-object-kind values are Node, Pod, Secret"),
    }
    let mut object = tree!({
        "apiVersion": "authentication.k8s.io/v1",
        "kind": "TokenRequest",
        "metadata": {},
        "spec": {"audiences": (cx.flags.list("audience"))},
    });
    let seconds = cx.flags.span("duration") / sim::SECOND;
    if seconds > 0 {
        object.set(&["spec", "expirationSeconds"], seconds);
    }
    if !kind.is_empty() {
        let mut reference = tree!({"apiVersion": "v1", "kind": kind, "name": bound});
        if !flags.text("bound-object-uid").is_empty() {
            reference.set(&["uid"], flags.text("bound-object-uid"));
        }
        object.set(&["spec", "boundObjectRef"], reference);
    }
    let path = mapping("", "v1", "ServiceAccount")?.object(&cx.namespace(), &name, "token");
    let answer = cx
        .request(Request::new(Method::Post, path).body(object))
        .map_err(|failure| failure.wrapped("failed to create token"))?
        .body;
    let text = match printers::wanted(cx, false)? {
        Some(Printer::Name(_)) | None => format!("{}\n", answer["status"]["token"].str()),
        Some(printer) => printer.print(&answer)?,
    };
    cx.out(text);
    Ok(Next::Done)
}
