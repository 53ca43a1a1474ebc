//! `kubectl certificate`
// Models staging/src/k8s.io/kubectl/pkg/cmd/certificates/certificates.go

use crate::cx::{Cx, DryRun, Next};
use crate::failure::{Failure, Outcome, error};
use crate::mapper;
use crate::text::quote;
use api::{meta, tree};

/// Runs `kubectl certificate approve`.
pub(crate) fn approve(cx: &mut Cx) -> Outcome<Next> {
    decide(cx, "Approved", "Denied", "approved")
}

/// Runs `kubectl certificate deny`.
pub(crate) fn deny(cx: &mut Cx) -> Outcome<Next> {
    decide(cx, "Denied", "Approved", "denied")
}

/// Adds a condition to each of the named requests, unless it has it. One that has the opposite is refused.
// Models staging/src/k8s.io/kubectl/pkg/cmd/certificates/certificates.go modifyCertificateCondition, addConditionIfNeeded
fn decide(cx: &mut Cx, kind: &str, opposite: &str, done: &str) -> Outcome<Next> {
    let flags = cx.args();
    if flags.args.is_empty() {
        return error("one or more CSRs must be specified as <name> or -f <filename>");
    }
    let mapping = mapper::of_kind(cx, "certificates.k8s.io", "v1", "CertificateSigningRequest")?;
    let mut failures = Vec::new();
    for name in &flags.args {
        let mut request = match cx.get(&mapping, "", name) {
            Ok(request) => request,
            Err(failure) => {
                failures.push(failure);
                continue;
            }
        };
        if meta::condition(&request, opposite).is_some() {
            let message = format!("certificate signing request {} is already {opposite}", quote(name));
            failures.push(Failure::Error(message));
            continue;
        }
        if meta::condition(&request, kind).is_none() {
            let word = if kind == "Approved" { "Approve" } else { "Deny" };
            let condition = tree!({
                "type": kind,
                "status": "True",
                "reason": (format!("Kubectl{word}")),
                "message": (format!("This CSR was {done} by kubectl certificate {}.", word.to_lowercase())),
                "lastUpdateTime": (cx.now().rfc3339()),
            });
            request.at_mut(&["status", "conditions"]).list_mut().push(condition);
            let path = mapping.object("", name, "approval");
            if let Err(failure) = cx.replace(path, request, DryRun::None, "kubectl") {
                failures.push(failure);
                continue;
            }
        }
        cx.out(format!("certificatesigningrequest.certificates.k8s.io/{name} {done}\n"));
    }
    Failure::many(failures)?;
    Ok(Next::Done)
}
