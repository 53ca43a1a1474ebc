//! In which form a body comes and an answer is wanted.
// Models staging/src/k8s.io/apiserver/pkg/endpoints/handlers/negotiation/negotiate.go

use super::simulation::Form;
use api::{Accept, Method, PatchType, Status};

/// Returns in which form a body is, and what kind of patch; `None` for a form that isn't known.
pub(super) fn body_form(content_type: &str, method: Method) -> Option<(Form, PatchType)> {
    if method == Method::Patch {
        return Some(match content_type {
            "application/json-patch+json" => (Form::Json, PatchType::Json),
            "application/merge-patch+json" => (Form::Json, PatchType::Merge),
            "application/strategic-merge-patch+json" => (Form::Json, PatchType::StrategicMerge),
            "application/apply-patch+yaml" => (Form::Yaml, PatchType::Apply),
            _ => return None,
        });
    }
    let form = match content_type {
        "" | "application/json" | "*/*" => Form::Json,
        "application/yaml" => Form::Yaml,
        "application/vnd.kubernetes.protobuf" => Form::Protobuf,
        // A GET has no body, whatever it says.
        _ if method == Method::Get => Form::Json,
        _ => return None,
    };
    Some((form, PatchType::default()))
}

// Models staging/src/k8s.io/apiserver/pkg/endpoints/handlers/negotiation/errors.go NewUnsupportedMediaTypeError
pub(super) fn unsupported(method: Method) -> Status {
    let accepted = if method == Method::Patch {
        "application/json-patch+json, application/merge-patch+json, application/strategic-merge-patch+json, \
         application/apply-patch+yaml"
    } else {
        "application/json, application/yaml, application/vnd.kubernetes.protobuf"
    };
    let message = format!(
        "the body of the request was in an unknown format - accepted media types include: {accepted}"
    );
    Status::new(415, "UnsupportedMediaType", message)
}

// Models staging/src/k8s.io/apiserver/pkg/endpoints/handlers/negotiation/errors.go NewNotAcceptableError
pub(super) fn not_acceptable() -> Status {
    let message = "only the following media types are accepted: application/json, application/yaml";
    Status::new(406, "NotAcceptable", message)
}

/// Returns the form that is wanted of those that a header names; `None` where it names none that is known.
pub(super) fn accept_of(header: &str, path: &str, query: &[(String, String)]) -> Option<Accept> {
    if header.trim().is_empty() {
        return Some(Accept::Object);
    }
    let is_root = matches!(path.trim_end_matches('/'), "/api" | "/apis");
    // Logs and metrics are text whatever is asked for.
    let is_text = !path.starts_with("/api") && !path.starts_with("/openapi") || path.ends_with("/log");
    for part in header.split(',') {
        let mut words = part.split(';').map(str::trim);
        let form = words.next().unwrap_or("");
        let parameters: Vec<(&str, &str)> = words.filter_map(|word| word.split_once('=')).collect();
        let parameter =
            |name: &str| parameters.iter().find(|(key, _)| *key == name).map_or("", |(_, value)| *value);
        if !matches!(form, "application/json" | "*/*" | "application/*") {
            continue;
        }
        match parameter("as") {
            "" => return Some(Accept::Object),
            "Table" if parameter("g") == "meta.k8s.io" && parameter("v") == "v1" => {
                let whole = query.iter().any(|(name, value)| name == "includeObject" && value == "Object");
                return Some(if whole { Accept::TableWithObjects } else { Accept::Table });
            }
            "PartialObjectMetadata" | "PartialObjectMetadataList" if parameter("v") == "v1" => {
                return Some(Accept::Metadata);
            }
            "APIGroupDiscoveryList" if is_root && parameter("v") == "v2" => return Some(Accept::Discovery),
            _ => {}
        }
    }
    is_text.then_some(Accept::Object)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_is_accepted() {
        let table = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json;as=Table;v=v1beta1;g=meta.k8s.io,application/json";
        let discovery =
            "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json";
        let protobuf = "application/com.github.proto-openapi.spec.v2@v1.0+protobuf";
        let pods = "/api/v1/pods";
        for (header, path, found) in [
            ("", pods, Some(Accept::Object)),
            ("*/*", pods, Some(Accept::Object)),
            (table, pods, Some(Accept::Table)),
            (discovery, "/apis", Some(Accept::Discovery)),
            (discovery, pods, Some(Accept::Object)),
            ("application/vnd.kubernetes.protobuf, application/json", pods, Some(Accept::Object)),
            (
                "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1",
                pods,
                Some(Accept::Metadata),
            ),
            (protobuf, "/openapi/v2", None),
            ("text/html", pods, None),
            ("text/plain", "/metrics", Some(Accept::Object)),
        ] {
            assert_eq!(accept_of(header, path, &[]), found, "{header} {path}");
        }
    }
}
