//! Who asks for a certificate is written into the request.

use api::{User, Value};

/// Writes the user, and nobody else, into a CertificateSigningRequest. Users have no uids here.
// Models pkg/registry/certificates/certificates/strategy.go PrepareForCreate
pub(super) fn set_requester(user: &User, request: &mut Value) {
    request.set(&["spec", "username"], &*user.name);
    request
        .set(&["spec", "groups"], user.groups.iter().map(|group| Value::from(&**group)).collect::<Value>());
    for field in ["uid", "extra"] {
        request.remove(&["spec", field]);
    }
}
