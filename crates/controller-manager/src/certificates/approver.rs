//! Approves what kubelets ask for as clients, where they may ask for it: for another node by a token, or for
//! themselves by the certificate that they have.
// Models pkg/controller/certificates/approver/sarapprove.go

use super::{KUBELET_CLIENT, check_kubelet_client, has, identity, parsed, usages};
use api::resources::CERTIFICATESIGNINGREQUESTS;
use api::{Method, Request, Resource, Value, tree};
use client::{Change, Cx, Enqueue, Failure, Identity, Informers, Reconcile};
use sim::Nanos;

/// The approving controller.
#[derive(Clone, Debug, Default)]
pub(crate) struct Approver;

impl Reconcile for Approver {
    fn identity(&self) -> Identity {
        identity("controller/certificatesigningrequest-approving")
    }

    fn resources(&self) -> Vec<Resource> {
        vec![CERTIFICATESIGNINGREQUESTS]
    }

    fn enqueue(&mut self, change: &Change, _: &Informers, queue: &mut Enqueue) {
        if change.resource == CERTIFICATESIGNINGREQUESTS && !change.new.is_null() {
            queue.add(change.key.clone());
        }
    }

    fn reconcile(&mut self, cx: &mut Cx, informers: &Informers, key: &str) -> Result<Option<Nanos>, Failure> {
        let Some(request) = informers.of(CERTIFICATESIGNINGREQUESTS).get(key) else { return Ok(None) };
        let is_issued = !request["status"]["certificate"].str().is_empty();
        if is_issued || has(request, "Approved") || has(request, "Denied") {
            return Ok(None);
        }
        let Ok(asked) = parsed(request) else { return Ok(None) };
        let is_client = request["spec"]["signerName"].str() == KUBELET_CLIENT
            && check_kubelet_client(&asked, &usages(request)).is_ok();
        if !is_client {
            return Ok(None);
        }
        let is_self = request["spec"]["username"].str() == asked.subject.common_name();
        let ways = [
            (
                is_self,
                "selfnodeclient",
                "Auto approving self kubelet client certificate after SubjectAccessReview.",
            ),
            (true, "nodeclient", "Auto approving kubelet client certificate after SubjectAccessReview."),
        ];
        for (_, subresource, message) in ways.into_iter().filter(|(fits, _, _)| *fits) {
            if may(cx, request, subresource)? {
                let mut approved = request.clone();
                approved.at_mut(&["status", "conditions"]).list_mut().push(tree!({
                    "type": "Approved", "status": "True", "reason": "AutoApproved", "message": message,
                }));
                cx.update(CERTIFICATESIGNINGREQUESTS, &approved, "approval")?;
                return Ok(None);
            }
        }
        // Upstream tries again, later each time: the rights may come.
        Err(Failure::Unreachable(format!(
            "recognized csr {key:?} but subject access review was not approved"
        )))
    }
}

/// Asks whether who made a request may have such certificates.
fn may(cx: &mut Cx, request: &Value, subresource: &str) -> Result<bool, Failure> {
    let spec = &request["spec"];
    let review = tree!({
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SubjectAccessReview",
        "metadata": {},
        "spec": {
            "user": (spec["username"].clone()),
            "groups": (spec["groups"].clone()),
            "resourceAttributes": {
                "group": "certificates.k8s.io",
                "resource": "certificatesigningrequests",
                "subresource": subresource,
                "verb": "create",
            },
        },
    });
    let path = "/apis/authorization.k8s.io/v1/subjectaccessreviews";
    let answer = cx.send(Request::new(Method::Post, path).body(review))?;
    Ok(answer.body["status"]["allowed"].is_true())
}
