use super::Events;
use super::writer::{Writer, date};
use crate::failure::{Outcome, error};
use crate::text::human_duration;
use api::number::from_base64;
use api::x509::SigningRequest;
use api::{Value, meta};
use sim::SECOND;

/// Describes a CertificateSigningRequest.
// Models staging/src/k8s.io/kubectl/pkg/describe/describe.go describeCertificateSigningRequest
pub(super) fn signing_request(w: &mut Writer, request: &Value) -> Outcome<Events> {
    let bytes = from_base64(request["spec"]["request"].str()).unwrap_or_default();
    let asked = match SigningRequest::parse(&String::from_utf8_lossy(&bytes)) {
        Ok(asked) => asked,
        Err(why) => return error(format!("Error parsing CSR: {why}")),
    };
    w.row(0, "Name", meta::name(request));
    w.labels("Labels", meta::labels(request));
    w.annotations("Annotations", meta::annotations(request));
    w.row(0, "CreationTimestamp", date(&request["metadata"]["creationTimestamp"]));
    w.row(0, "Requesting User", request["spec"]["username"].str());
    w.row_if(0, "Signer", request["spec"]["signerName"].str());
    if let Some(seconds) = request["spec"]["expirationSeconds"].as_int() {
        w.row(0, "Requested Duration", human_duration(seconds.saturating_mul(SECOND)));
    }
    w.row(0, "Status", status(request));
    w.line(0, "Subject:");
    let mut list = |name: &str, values: &[&str]| {
        if !values.is_empty() {
            w.line(0, format!("\t{name}:\t{}", values.join("\n\t\t")));
        }
    };
    let subject = &asked.subject;
    list("Common Name", &[subject.common_name()]);
    list("Serial Number", &[""]);
    let of = |name: &str| -> Vec<&str> {
        let pairs = subject.0.iter().filter(|(known, _)| known == name);
        pairs.map(|(_, text)| text.as_str()).collect()
    };
    for (name, attribute) in [
        ("Organization", "O"),
        ("Organizational Unit", "OU"),
        ("Country", "C"),
        ("Locality", "L"),
        ("Province", "ST"),
    ] {
        list(name, &of(attribute));
    }
    let names = &asked.names;
    if names.dns.len() + names.emails.len() + names.ips.len() > 0 {
        w.line(0, "Subject Alternative Names:");
        for (name, all) in
            [("DNS Names", &names.dns), ("Email Addresses", &names.emails), ("IP Addresses", &names.ips)]
        {
            if !all.is_empty() {
                w.line(0, format!("\t{name}:\t{}", all.join("\n\t\t")));
            }
        }
    }
    Ok(Events::Shown)
}

// Models staging/src/k8s.io/kubectl/pkg/describe/describe.go extractCSRStatus
fn status(request: &Value) -> String {
    let has = |kind: &str| meta::condition(request, kind).is_some();
    let mut status = match (has("Denied"), has("Approved")) {
        (true, _) => "Denied".to_string(),
        (_, true) => "Approved".to_string(),
        _ => "Pending".to_string(),
    };
    if has("Failed") {
        status.push_str(",Failed");
    }
    if !request["status"]["certificate"].str().is_empty() {
        status.push_str(",Issued");
    }
    status
}
