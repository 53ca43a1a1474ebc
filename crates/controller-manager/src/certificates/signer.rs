//! Signs what is approved, for the four signers of `kubernetes.io`.
//!
//! Certificates have the form of real ones; their signatures are drawn (`api::x509`).
// Models pkg/controller/certificates/signer/signer.go

use super::{check_client, check_kubelet_client, check_kubelet_serving, has, identity, parsed, usages};
use api::number::to_base64;
use api::resources::CERTIFICATESIGNINGREQUESTS;
use api::x509::{Certificate, SigningRequest, Subject};
use api::{Resource, Value, tree};
use client::{Change, Cx, Enqueue, Failure, Identity, Informers, Reconcile};
use sim::{HOUR, MINUTE, Nanos, SECOND, Time};

/// For how long a certificate is good at most (`--cluster-signing-duration`).
const LONGEST: Nanos = 365 * 24 * HOUR;
/// For how long at least.
const SHORTEST: Nanos = 10 * MINUTE;
/// How long before it was signed it is good: clocks differ.
const BACKDATE: Nanos = 5 * MINUTE;
/// What is good for less than this isn't shortened by that.
const SHORT: Nanos = 8 * HOUR;
/// What the signers sign with, as kubeadm names it.
const AUTHORITY: &str = "kubernetes";

/// The signing controller.
#[derive(Clone, Debug, Default)]
pub(crate) struct Signer;

impl Reconcile for Signer {
    fn identity(&self) -> Identity {
        identity("controller/certificatesigningrequest-signing")
    }

    fn resources(&self) -> Vec<Resource> {
        vec![CERTIFICATESIGNINGREQUESTS]
    }

    fn enqueue(&mut self, change: &Change, _: &Informers, queue: &mut Enqueue) {
        if change.resource == CERTIFICATESIGNINGREQUESTS && has(&change.new, "Approved") {
            queue.add(change.key.clone());
        }
    }

    fn reconcile(&mut self, cx: &mut Cx, informers: &Informers, key: &str) -> Result<Option<Nanos>, Failure> {
        let Some(request) = informers.of(CERTIFICATESIGNINGREQUESTS).get(key) else { return Ok(None) };
        let is_issued = !request["status"]["certificate"].str().is_empty();
        if is_issued || !has(request, "Approved") || has(request, "Denied") || has(request, "Failed") {
            return Ok(None);
        }
        let Ok(asked) = parsed(request) else { return Ok(None) };
        let Some(checked) = check(request, &asked) else { return Ok(None) };
        let mut wanted = request.clone();
        match checked {
            Err(why) => wanted.at_mut(&["status", "conditions"]).list_mut().push(tree!({
                "type": "Failed", "status": "True", "reason": "SignerValidationFailure", "message": why,
                "lastUpdateTime": (cx.at().rfc3339()),
            })),
            Ok(()) => {
                let certificate = sign(cx, request, asked);
                wanted.set(&["status", "certificate"], to_base64(certificate.as_bytes()));
            }
        }
        cx.update(CERTIFICATESIGNINGREQUESTS, &wanted, "status")?;
        Ok(None)
    }
}

/// Returns what a signer finds wrong; `None` for a signer that isn't here.
// Models pkg/controller/certificates/signer/signer.go getCSRVerificationFuncForSignerName
pub(super) fn check(request: &Value, asked: &SigningRequest) -> Option<Result<(), String>> {
    Some(match request["spec"]["signerName"].str() {
        "kubernetes.io/kube-apiserver-client" => check_client(request["spec"]["usages"].items()),
        super::KUBELET_CLIENT => check_kubelet_client(asked, &usages(request)),
        "kubernetes.io/kubelet-serving" => check_kubelet_serving(asked, &usages(request)),
        "kubernetes.io/legacy-unknown" => Ok(()),
        _ => return None,
    })
}

/// Returns from when to when a certificate is good that is signed at a moment.
// Models pkg/controller/certificates/signer/signer.go duration, authority/policies.go PermissiveSigningPolicy
pub(super) fn validity(now: Time, seconds: Option<i64>) -> (Time, Time) {
    let span = seconds.map_or(LONGEST, |seconds| seconds.saturating_mul(SECOND).clamp(SHORTEST, LONGEST));
    let begin = now + -BACKDATE;
    (begin, if span < SHORT { now + span } else { begin + span })
}

fn sign(cx: &Cx, request: &Value, asked: SigningRequest) -> String {
    let now = Time(cx.at().0.div_euclid(SECOND) * SECOND);
    let (not_before, not_after) = validity(now, request["spec"]["expirationSeconds"].as_int());
    let issuer = Subject(vec![("CN".to_string(), AUTHORITY.to_string())]);
    let usages: Vec<&str> = request["spec"]["usages"].items().iter().map(Value::str).collect();
    let SigningRequest { subject, names, key } = asked;
    Certificate { subject, issuer, not_before, not_after, names }.issue(&key, &usages, cx.chance)
}
