//! CertificateSigningRequests: who approves them by itself, who signs what is approved, and who clears away
//! what is old.
// Models pkg/controller/certificates

mod approver;
mod cleaner;
mod signer;
#[cfg(test)]
mod tests;

pub(crate) use approver::Approver;
pub(crate) use cleaner::Cleaner;
pub(crate) use signer::Signer;

use api::number::from_base64;
use api::x509::SigningRequest;
use api::{Value, meta};
use client::Identity;
use std::collections::BTreeSet;

const KUBELET_CLIENT: &str = "kubernetes.io/kube-apiserver-client-kubelet";

/// All three go by one account.
fn identity(agent: &str) -> Identity {
    Identity::controller("certificate-controller", agent)
}

/// Returns whether a request has a condition that is true.
fn has(request: &Value, kind: &str) -> bool {
    meta::condition(request, kind).is_some_and(|condition| condition["status"].str() == "True")
}

/// Returns the text of a field that is bytes.
fn text(field: &Value) -> String {
    String::from_utf8(from_base64(field.str()).unwrap_or_default()).unwrap_or_default()
}

fn parsed(request: &Value) -> Result<SigningRequest, &'static str> {
    SigningRequest::parse(&text(&request["spec"]["request"]))
}

fn usages(request: &Value) -> BTreeSet<&str> {
    request["spec"]["usages"].items().iter().map(Value::str).collect()
}

const NOT_NODES: &str = "subject organization is not system:nodes";
const NOT_A_NODE: &str = "subject common name does not begin with system:node:";

/// Returns whether usages are the wanted ones; `key encipherment` may be missing.
fn are_usages(usages: &BTreeSet<&str>, kind: &str) -> Result<(), String> {
    let all = BTreeSet::from([kind, "digital signature", "key encipherment"]);
    let is_same = *usages == all || *usages == BTreeSet::from([kind, "digital signature"]);
    match is_same {
        true => Ok(()),
        false => {
            let words: Vec<&str> = all.into_iter().collect();
            Err(format!("usages did not match [{}]", words.join(" ")))
        }
    }
}

/// Checks what a kubelet asks for to show as a client.
// Models pkg/apis/certificates/helpers.go ValidateKubeletClientCSR
fn check_kubelet_client(request: &SigningRequest, usages: &BTreeSet<&str>) -> Result<(), String> {
    let (subject, names) = (&request.subject, &request.names);
    if subject.organizations() != ["system:nodes"] {
        return Err(NOT_NODES.into());
    }
    for (list, what) in
        [(&names.dns, "DNS"), (&names.emails, "Email"), (&names.ips, "IP"), (&names.uris, "URI")]
    {
        if !list.is_empty() {
            return Err(format!("{what} subjectAltNames are not allowed"));
        }
    }
    if !subject.common_name().starts_with("system:node:") {
        return Err(NOT_A_NODE.into());
    }
    are_usages(usages, "client auth")
}

/// Checks what a kubelet asks for to show as a server.
// Models pkg/apis/certificates/helpers.go ValidateKubeletServingCSR
fn check_kubelet_serving(request: &SigningRequest, usages: &BTreeSet<&str>) -> Result<(), String> {
    let (subject, names) = (&request.subject, &request.names);
    if subject.organizations() != ["system:nodes"] {
        return Err(NOT_NODES.into());
    }
    if names.dns.is_empty() && names.ips.is_empty() {
        return Err("DNS or IP subjectAltName is required".into());
    }
    for (list, what) in [(&names.emails, "Email"), (&names.uris, "URI")] {
        if !list.is_empty() {
            return Err(format!("{what} subjectAltNames are not allowed"));
        }
    }
    are_usages(usages, "server auth")?;
    match subject.common_name().starts_with("system:node:") {
        true => Ok(()),
        false => Err(NOT_A_NODE.into()),
    }
}

/// Checks what anybody else asks for to show as a client.
// Models pkg/controller/certificates/signer/signer.go validAPIServerClientUsages
fn check_client(usages: &[Value]) -> Result<(), String> {
    let optional = ["digital signature", "key encipherment", "client auth"];
    if let Some(other) = usages.iter().find(|usage| !optional.contains(&usage.str())) {
        return Err(format!("invalid usage for client certificate: {}", other.str()));
    }
    match usages.iter().any(|usage| usage.str() == "client auth") {
        true => Ok(()),
        false => Err("missing required usage for client certificate: client auth".into()),
    }
}
