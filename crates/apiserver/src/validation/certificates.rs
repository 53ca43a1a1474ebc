//! Requests for certificates.
// Models pkg/apis/certificates/validation/validation.go

use super::path::{Errors, Path};
use super::{meta, names, semantic_equal};
use api::Value;
use api::number::from_base64;
use api::x509::SigningRequest;

/// The shortest time that a certificate may be asked for, in seconds.
const MIN_SECONDS: i64 = 600;
const USAGES: [&str; 23] = [
    "any",
    "cert sign",
    "client auth",
    "code signing",
    "content commitment",
    "crl sign",
    "data encipherment",
    "decipher only",
    "digital signature",
    "email protection",
    "encipher only",
    "ipsec end system",
    "ipsec tunnel",
    "ipsec user",
    "key agreement",
    "key encipherment",
    "microsoft sgc",
    "netscape sgc",
    "ocsp signing",
    "s/mime",
    "server auth",
    "signing",
    "timestamping",
];

/// Checks a CertificateSigningRequest. Nobody checks the signature within the request.
// Models pkg/apis/certificates/validation/validation.go validateCertificateSigningRequest
pub(crate) fn validate_request(request: &Value, errors: &mut Errors) {
    meta::validate(request, false, names::path_segment, errors);
    let (spec, path) = (&request["spec"], Path::new("spec"));
    let bytes = from_base64(spec["request"].str()).unwrap_or_default();
    if let Err(why) = SigningRequest::parse(&String::from_utf8_lossy(&bytes)) {
        errors.invalid(path.child("request"), spec["request"].str(), why);
    }
    let usages = spec["usages"].items();
    let list = path.child("usages");
    if usages.is_empty() {
        errors.required(list, "");
    }
    for (i, usage) in usages.iter().enumerate() {
        if !USAGES.contains(&usage.str()) {
            errors.not_supported(list.index(i), usage, &USAGES);
        }
        if usages.iter().take(i).any(|other| other == usage) {
            errors.duplicate(list.index(i), usage);
        }
    }
    validate_signer(spec["signerName"].str(), &path.child("signerName"), errors);
    let seconds = &spec["expirationSeconds"];
    if seconds.as_int().is_some_and(|seconds| seconds < MIN_SECONDS) {
        let message = "may not specify a duration less than 600 seconds (10 minutes)";
        errors.invalid(path.child("expirationSeconds"), seconds, message);
    }
    validate_conditions(&request["status"]["conditions"], errors);
}

// Models pkg/apis/certificates/validation/validation.go ValidateSignerName
fn validate_signer(name: &str, path: &Path, errors: &mut Errors) {
    match name.split_once('/') {
        _ if name.is_empty() => errors.required(path, ""),
        _ if name == "kubernetes.io/legacy-unknown" => {
            errors.invalid(path, name, "the legacy signerName is not allowed via this API version");
        }
        Some((domain, rest)) if !rest.is_empty() && domain.contains('.') => {
            errors.check_text(path, domain, names::dns1123_subdomain);
        }
        _ => {
            let message = "must be a fully qualified domain and path of the form 'example.com/signer-name'";
            errors.invalid(path, name, message);
        }
    }
}

fn validate_conditions(conditions: &Value, errors: &mut Errors) {
    let status = Path::new("status");
    let list = status.child("conditions");
    let has = |kind: &str| conditions.items().iter().any(|condition| condition["type"].str() == kind);
    for (i, condition) in conditions.items().iter().enumerate() {
        let (path, kind) = (list.index(i), condition["type"].str());
        if kind.is_empty() {
            errors.required(path.child("type"), "");
        }
        let value = condition["status"].str();
        match (kind, value) {
            (_, "") => errors.required(path.child("status"), ""),
            ("Approved" | "Denied" | "Failed", "True") => {}
            ("Approved" | "Denied" | "Failed", _) => {
                errors.not_supported(path.child("status"), value, &["True"])
            }
            (_, "True" | "False" | "Unknown") => {}
            _ => errors.not_supported(path.child("status"), value, &["True", "False", "Unknown"]),
        }
        let earlier = conditions.items().iter().take(i);
        if earlier.clone().any(|other| other["type"] == condition["type"]) {
            errors.duplicate(path.child("type"), kind);
        }
        if kind == "Denied" && has("Approved")
            || kind == "Approved" && earlier.clone().any(|other| other["type"].str() == "Denied")
        {
            errors.invalid(path.child("type"), kind, "Approved and Denied conditions are mutually exclusive");
        }
    }
}

/// Checks a changed CertificateSigningRequest.
// Models pkg/apis/certificates/validation/validation.go ValidateCertificateSigningRequestUpdate
pub(crate) fn validate_request_update(new: &Value, old: &Value, errors: &mut Errors) {
    validate_request(new, errors);
    meta::validate_update(new, old, errors);
}

/// Checks what was decided about a CertificateSigningRequest.
// Models pkg/apis/certificates/validation/validation.go ValidateCertificateSigningRequestApprovalUpdate
pub(crate) fn validate_approval(new: &Value, old: &Value, errors: &mut Errors) {
    validate_request_update(new, old, errors);
    let decided = |request: &Value, kind: &str| -> Vec<Value> {
        let all = request["status"]["conditions"].items().iter();
        all.filter(|condition| condition["type"].str() == kind).cloned().collect()
    };
    for kind in ["Approved", "Denied", "Failed"] {
        let (before, after) = (decided(old, kind), decided(new, kind));
        if !before.is_empty() && !semantic_equal(&before.into(), &after.into()) {
            let message = format!("updates may not modify or remove a condition of type {kind:?}");
            errors.forbidden("status.conditions", message);
        }
    }
}
