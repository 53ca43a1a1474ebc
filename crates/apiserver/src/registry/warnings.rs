//! What users are warned of.
// Models pkg/api/pod/warnings.go, pkg/api/service/warnings.go

use api::Value;

/// Warns of a Service's fields.
// Models pkg/api/service/warnings.go GetWarningsForService
pub(crate) fn service(new: &Value, old: &Value, warnings: &mut Vec<String>) {
    let spec = &new["spec"];
    if !spec["externalIPs"].items().is_empty() && old["spec"]["externalIPs"] != spec["externalIPs"] {
        warnings.push(
            "spec.externalIPs is deprecated and may no longer be implemented in some clusters".to_string(),
        );
    }
    if spec["type"].str() == "ExternalName" && !spec["externalIPs"].items().is_empty() {
        warnings.push("spec.externalIPs is ignored when spec.type is \"ExternalName\"".to_string());
    }
}

/// Warns of a pod's fields.
pub(crate) fn pod(new: &Value, _: &Value, warnings: &mut Vec<String>) {
    spec(&new["spec"], "spec", warnings);
}

/// Warns of a template's fields.
pub(crate) fn template_owner(new: &Value, old: &Value, warnings: &mut Vec<String>) {
    let template = &new["spec"]["template"];
    if template.same(&old["spec"]["template"]) {
        return;
    }
    spec(&template["spec"], "spec.template.spec", warnings);
}

// Models pkg/api/pod/warnings.go warningsForPodSpecAndMeta
fn spec(spec: &Value, path: &str, warnings: &mut Vec<String>) {
    const OLD_LABELS: [(&str, &str); 3] = [
        ("beta.kubernetes.io/arch", "use \"kubernetes.io/arch\" instead"),
        ("beta.kubernetes.io/os", "use \"kubernetes.io/os\" instead"),
        ("failure-domain.beta.kubernetes.io/zone", "use \"topology.kubernetes.io/zone\" instead"),
    ];
    for (label, what) in OLD_LABELS {
        if spec["nodeSelector"].get(label).is_some() {
            warnings.push(format!("{path}.nodeSelector[{label}]: deprecated since v1.14; {what}"));
        }
    }
    for list in ["initContainers", "containers"] {
        for (i, container) in spec[list].items().iter().enumerate() {
            duplicates(container, &|| format!("{path}.{list}[{i}]"), warnings);
        }
    }
    let grace = &spec["terminationGracePeriodSeconds"];
    if grace.as_int().is_some_and(|seconds| seconds < 0) {
        warnings.push(format!("{path}.terminationGracePeriodSeconds: must be >= 0; negative values are invalid and will be treated as 1"));
    }
}

fn duplicates(container: &Value, path: &dyn Fn() -> String, warnings: &mut Vec<String>) {
    let env = container["env"].items();
    for (i, variable) in env.iter().enumerate() {
        if env.iter().take(i).any(|other| other["name"] == variable["name"]) {
            let name = variable["name"].str();
            warnings.push(format!(
                "{}.env[{i}]: hides previous definition of {name:?}, which may be dropped when using apply",
                path()
            ));
        }
    }
    let ports = container["ports"].items();
    for (i, port) in ports.iter().enumerate() {
        let same = |other: &Value| {
            other["containerPort"] == port["containerPort"] && other["protocol"] == port["protocol"]
        };
        if let Some(first) = ports.iter().take(i).position(same) {
            let path = path();
            warnings.push(format!("{path}.ports[{i}]: duplicate port definition with {path}.ports[{first}]"));
        }
    }
}
