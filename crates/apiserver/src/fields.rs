//! Selection of objects by labels and fields.

use crate::resources::Rest;
use api::label::{FieldRequirement, Selector, parse, parse_fields};
use api::{Request, Status, Value};
use std::rc::Rc;

/// Which objects a list, a watch or a deletion is about.
#[derive(Clone, Debug, Default)]
pub(crate) struct Selection {
    labels: Selector,
    fields: Vec<FieldRequirement>,
}

/// The fields by which objects of the core group's kinds can be selected, besides name and namespace.
// Models pkg/apis/core/v1/conversion.go addConversionFuncs
fn selectable(group: &str, plural: &str) -> Option<&'static [&'static str]> {
    Some(match (group, plural) {
        ("", "pods") => &[
            "spec.nodeName",
            "spec.restartPolicy",
            "spec.schedulerName",
            "spec.serviceAccountName",
            "spec.hostNetwork",
            "status.phase",
            "status.podIP",
            "status.podIPs",
            "status.nominatedNodeName",
        ],
        ("" | "events.k8s.io", "events") => &[
            "involvedObject.kind",
            "involvedObject.namespace",
            "involvedObject.name",
            "involvedObject.uid",
            "involvedObject.apiVersion",
            "involvedObject.resourceVersion",
            "involvedObject.fieldPath",
            "reason",
            "reportingComponent",
            "source",
            "type",
        ],
        ("", "nodes") => &["spec.unschedulable"],
        ("", "namespaces") => &["status.phase"],
        ("", "secrets") => &["type"],
        ("", "services") => &["spec.clusterIP", "spec.type"],
        ("", "replicationcontrollers") | ("apps", "replicasets") => &["status.replicas"],
        ("batch", "jobs") => &["status.successful"],
        ("certificates.k8s.io", "certificatesigningrequests") => &["spec.signerName"],
        _ => return None,
    })
}

impl Selection {
    /// Reads the selection of a request.
    ///
    /// # Errors
    /// A BadRequest where a selector can't be read or a field can't be selected by.
    pub(crate) fn of(request: &Request, rest: &Rest) -> Result<Selection, Status> {
        let (labels, fields) = (request.param("labelSelector"), request.param("fieldSelector"));
        let labels = if labels.is_empty() {
            Selector::default()
        } else {
            parse(labels).map_err(Status::bad_request)?
        };
        let fields =
            if fields.is_empty() { Vec::new() } else { parse_fields(fields).map_err(Status::bad_request)? };
        for requirement in &fields {
            check_field(&requirement.field, rest)?;
        }
        Ok(Selection { labels, fields })
    }

    /// Returns whether everything is selected.
    pub(crate) fn is_everything(&self) -> bool {
        self.labels.is_empty() && self.fields.is_empty()
    }

    /// Returns whether an object is selected; null never is.
    pub(crate) fn matches(&self, object: &Value) -> bool {
        !object.is_null()
            && self.fields.iter().all(|requirement| {
                (field(object, &requirement.field) == requirement.value) == requirement.equals
            })
            && (self.labels.is_empty() || self.labels.matches(api::meta::labels(object)))
    }

    /// Returns the value that a field must have.
    pub(crate) fn required(&self, name: &str) -> Option<Rc<str>> {
        let mut fields = self.fields.iter();
        fields
            .find(|requirement| requirement.equals && requirement.field == name)
            .map(|r| r.value.as_str().into())
    }
}

fn check_field(name: &str, rest: &Rest) -> Result<(), Status> {
    let known = selectable(rest.kind.group, rest.kind.plural);
    let common = matches!(name, "metadata.name" | "metadata.namespace")
        || rest.custom.as_ref().is_some_and(|custom| custom.selectable.iter().any(|field| field == name));
    if common || known.is_some_and(|known| known.contains(&name)) {
        return Ok(());
    }
    Err(Status::bad_request(match known {
        Some(_) => format!("field label not supported: {name}"),
        None if rest.custom.is_some() => format!("field label not supported: {name}"),
        None => {
            format!("{name:?} is not a known field selector: only \"metadata.name\", \"metadata.namespace\"")
        }
    }))
}

/// Returns a simple JSONPath, `.spec.replicas`, as a selector names it: `spec.replicas`.
pub(crate) fn simple_path(path: &str) -> String {
    path.trim_start_matches('.').to_string()
}

/// Returns what stands at a path of names with dots between.
pub(crate) fn at_path<'a>(object: &'a Value, path: &str) -> &'a Value {
    path.split('.').fold(object, |value, key| &value[key])
}

/// Returns a field's value as selectors compare it.
fn field(object: &Value, name: &str) -> String {
    let value = match name {
        "source" => {
            let component = &object["source"]["component"];
            if component.str().is_empty() { &object["reportingComponent"] } else { component }
        }
        "status.successful" => &object["status"]["succeeded"],
        "status.podIPs" => &object["status"]["podIP"],
        "spec.clusterIP" => &object["spec"]["clusterIP"],
        name => at_path(object, name),
    };
    match value {
        Value::Str(text) => text.to_string(),
        Value::Int(number) => number.to_string(),
        Value::Bool(truth) => truth.to_string(),
        // What isn't there is Go's zero value.
        _ if matches!(name, "spec.unschedulable" | "spec.hostNetwork") => "false".to_string(),
        _ if matches!(name, "status.replicas" | "status.successful") => "0".to_string(),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resources::find;
    use api::{Method, tree};

    #[test]
    fn selects_by_labels_and_fields() {
        let pods = find("", "v1", "pods").unwrap();
        let pod = tree!({
            "metadata": {"name": "a", "labels": {"app": "web"}},
            "spec": {"nodeName": "n1"},
            "status": {"phase": "Running"},
        });
        for (labels, fields, selected) in [
            ("", "", true),
            ("app=web", "", true),
            ("app!=web", "", false),
            ("", "spec.nodeName=n1,status.phase!=Failed", true),
            ("", "spec.nodeName=n2", false),
            ("", "spec.hostNetwork=false", true),
            ("app in (web)", "metadata.name=b", false),
        ] {
            let request =
                Request::new(Method::Get, "/").query("labelSelector", labels).query("fieldSelector", fields);
            let selection = Selection::of(&request, pods).unwrap();
            assert_eq!(selection.matches(&pod), selected, "{labels} {fields}");
        }
        let refused = |plural: &str, fields: &str| {
            let rest = crate::resources::all().iter().find(|rest| rest.kind.plural == plural).unwrap();
            let request = Request::new(Method::Get, "/").query("fieldSelector", fields);
            Selection::of(&request, rest).unwrap_err().message
        };
        assert_eq!(refused("pods", "x=y"), "field label not supported: x");
        assert_eq!(
            refused("configmaps", "x=y"),
            "\"x\" is not a known field selector: only \"metadata.name\", \"metadata.namespace\""
        );
    }
}
