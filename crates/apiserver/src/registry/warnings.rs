//! What users are warned of.
// Models pkg/api/pod/warnings.go, pkg/api/service/warnings.go

use api::Value;
use api::quantity::Quantity;

/// Warns of a Service's fields.
// Models pkg/api/service/warnings.go GetWarningsForService
pub(crate) fn service(new: &Value, old: &Value, warnings: &mut Vec<String>) {
    let spec = &new["spec"];
    if matches!(spec["clusterIPs"].items(), [ip] if ip.str() == "None") {
        let is_sticky = !matches!(spec["sessionAffinity"].str(), "" | "None");
        for (field, is_set) in [
            ("loadBalancerIP", !spec["loadBalancerIP"].str().is_empty()),
            ("externalIPs", !spec["externalIPs"].items().is_empty()),
            ("SessionAffinity", is_sticky),
        ] {
            if is_set {
                warnings.push(format!("spec.{field} is ignored for headless services"));
            }
        }
    }
    if !spec["externalIPs"].items().is_empty() && old["spec"]["externalIPs"] != spec["externalIPs"] {
        warnings.push(
            "spec.externalIPs is deprecated and may no longer be implemented in some clusters".to_string(),
        );
    }
    if spec["type"].str() == "ExternalName" && !spec["externalIPs"].items().is_empty() {
        warnings.push("spec.externalIPs is ignored when spec.type is \"ExternalName\"".to_string());
    }
}

/// Warns of a new pod's fields; of a changed one's nobody is warned.
// Models pkg/registry/core/pod/strategy.go WarningsOnUpdate
pub(crate) fn pod(new: &Value, old: &Value, warnings: &mut Vec<String>) {
    if old.is_null() {
        template(new, "", warnings);
    }
}

/// Warns of a template's fields.
pub(crate) fn template_owner(new: &Value, old: &Value, warnings: &mut Vec<String>) {
    let own = &new["spec"]["template"];
    if !own.same(&old["spec"]["template"]) {
        template(own, "spec.template.", warnings);
    }
}

const OLD_LABELS: [(&str, &str, &str); 5] = [
    ("beta.kubernetes.io/arch", "v1.14", "kubernetes.io/arch"),
    ("beta.kubernetes.io/os", "v1.14", "kubernetes.io/os"),
    ("failure-domain.beta.kubernetes.io/region", "v1.17", "topology.kubernetes.io/region"),
    ("failure-domain.beta.kubernetes.io/zone", "v1.17", "topology.kubernetes.io/zone"),
    ("beta.kubernetes.io/instance-type", "v1.17", "node.kubernetes.io/instance-type"),
];
const OLD_ANNOTATIONS: [(&str, &str); 3] = [
    (
        "scheduler.alpha.kubernetes.io/critical-pod",
        "non-functional in v1.16+; use the \"priorityClassName\" field instead",
    ),
    ("security.alpha.kubernetes.io/sysctls", "non-functional in v1.11+; use the \"sysctls\" field instead"),
    (
        "security.alpha.kubernetes.io/unsafe-sysctls",
        "non-functional in v1.11+; use the \"sysctls\" field instead",
    ),
];
/// Volumes that are no longer had: the field, as what it is written of, and since when.
const OLD_VOLUMES: [(&str, &str, &str); 9] = [
    ("photonPersistentDisk", "photonPersistentDisk", "deprecated in v1.11, non-functional in v1.16+"),
    ("gitRepo", "gitRepo", "deprecated in v1.11, and disabled by default in v1.33+"),
    ("scaleIO", "scaleIO", "deprecated in v1.16, non-functional in v1.22+"),
    ("flocker", "flocker", "deprecated in v1.22, non-functional in v1.25+"),
    ("storageos", "storageOS", "deprecated in v1.22, non-functional in v1.25+"),
    ("quobyte", "quobyte", "deprecated in v1.22, non-functional in v1.25+"),
    ("glusterfs", "glusterfs", "deprecated in v1.25, non-functional in v1.26+"),
    ("cephfs", "cephfs", "deprecated in v1.28, non-functional in v1.31+"),
    ("rbd", "rbd", "deprecated in v1.28, non-functional in v1.31+"),
];
const LISTS: [&str; 3] = ["initContainers", "containers", "ephemeralContainers"];
const REQUIRED: &str = "requiredDuringSchedulingIgnoredDuringExecution";
const PREFERRED: &str = "preferredDuringSchedulingIgnoredDuringExecution";
const NO_SELECTOR: &str = "a null labelSelector results in matching no pod";

/// Warns of the fields of a pod or a template, whose place the prefix is.
// Models pkg/api/pod/warnings.go warningsForPodSpecAndMeta
fn template(template: &Value, prefix: &str, warnings: &mut Vec<String>) {
    let (spec, annotations) = (&template["spec"], &template["metadata"]["annotations"]);
    let path = format!("{prefix}spec");
    for (label, since, new) in OLD_LABELS {
        if spec["nodeSelector"].get(label).is_some() {
            warnings
                .push(format!("{path}.nodeSelector[{label}]: deprecated since {since}; use {new:?} instead"));
        }
    }
    for (i, constraint) in spec["topologySpreadConstraints"].items().iter().enumerate() {
        if constraint["labelSelector"].is_null() {
            warnings.push(format!("{path}.topologySpreadConstraints[{i}].labelSelector: {NO_SELECTOR}"));
        }
    }
    for (name, message) in OLD_ANNOTATIONS {
        if annotations.get(name).is_some() {
            warnings.push(format!("{prefix}metadata.annotations[{name}]: {message}"));
        }
    }
    for (i, volume) in spec["volumes"].items().iter().enumerate() {
        for (field, name, message) in OLD_VOLUMES {
            if !volume[field].is_null() {
                warnings.push(format!("{path}.volumes[{i}].{name}: {message}"));
            }
        }
    }
    repeated(&spec["hostAliases"], "ip", &format!("{path}.hostAliases"), warnings);
    let secrets = format!("{path}.imagePullSecrets");
    repeated(&spec["imagePullSecrets"], "name", &secrets, warnings);
    for (i, secret) in spec["imagePullSecrets"].items().iter().enumerate() {
        if secret["name"].str().is_empty() {
            warnings.push(format!("{secrets}[{i}].name: invalid empty name \"\""));
        }
    }
    for name in ["memory", "ephemeral-storage"] {
        fractional(&spec["overhead"][name], || format!("{path}.overhead[{name}]"), warnings);
    }
    let pod_profile = !spec["securityContext"]["appArmorProfile"].is_null();
    for list in LISTS {
        for (i, container) in spec[list].items().iter().enumerate() {
            let key = format!("container.apparmor.security.beta.kubernetes.io/{}", container["name"].str());
            let has_profile = pod_profile || !container["securityContext"]["appArmorProfile"].is_null();
            if !has_profile && annotations.get(&key).is_some() {
                let place = format!("{prefix}metadata.annotations[{key}]");
                warnings.push(format!(
                    "{place}: deprecated since v1.30; use the \"appArmorProfile\" field instead"
                ));
            }
            container_fields(container, &|| format!("{path}.{list}[{i}]"), warnings);
        }
    }
    ports(spec, &path, warnings);
    let grace = &spec["terminationGracePeriodSeconds"];
    if grace.as_int().is_some_and(|seconds| seconds < 0) {
        warnings.push(format!("{path}.terminationGracePeriodSeconds: must be >= 0; negative values are invalid and will be treated as 1"));
    }
    for field in ["podAffinity", "podAntiAffinity"] {
        let affinity = &spec["affinity"][field];
        let path = format!("{path}.affinity.{field}");
        for (i, term) in affinity[REQUIRED].items().iter().enumerate() {
            if term["labelSelector"].is_null() {
                warnings.push(format!("{path}.{REQUIRED}[{i}].labelSelector: {NO_SELECTOR}"));
            }
        }
        for (i, weighted) in affinity[PREFERRED].items().iter().enumerate() {
            if weighted["podAffinityTerm"]["labelSelector"].is_null() {
                warnings
                    .push(format!("{path}.{PREFERRED}[{i}].podAffinityTerm.labelSelector: {NO_SELECTOR}"));
            }
        }
    }
}

fn repeated(list: &Value, field: &str, path: &str, warnings: &mut Vec<String>) {
    let items = list.items();
    for (i, item) in items.iter().enumerate() {
        if items.iter().take(i).any(|other| other[field] == item[field]) {
            warnings.push(format!("{path}[{i}].{field}: duplicate {field} {:?}", item[field].str()));
        }
    }
}

fn fractional(amount: &Value, path: impl Fn() -> String, warnings: &mut Vec<String>) {
    if let Ok(quantity) = Quantity::from_value(amount)
        && quantity.milli_value() % 1000 != 0
    {
        let text = quantity.to_string();
        warnings.push(format!("{}: fractional byte value {text:?} is invalid, must be an integer", path()));
    }
}

fn container_fields(container: &Value, path: &dyn Fn() -> String, warnings: &mut Vec<String>) {
    for name in ["memory", "ephemeral-storage"] {
        for list in ["limits", "requests"] {
            let place = || format!("{}.resources.{list}[{name}]", path());
            fractional(&container["resources"][list][name], place, warnings);
        }
    }
    let env = container["env"].items();
    for (i, variable) in env.iter().enumerate() {
        let (name, value) = (variable["name"].str(), variable["value"].str());
        let reference = format!("$({name})");
        let hides = !variable["valueFrom"].is_null() || value == reference || !value.contains(&reference);
        if hides && env.iter().take(i).any(|other| other["name"] == variable["name"]) {
            warnings.push(format!(
                "{}.env[{i}]: hides previous definition of {name:?}, which may be dropped when using apply",
                path()
            ));
        }
    }
}

/// Warns of the same ports of different containers, too.
fn ports(spec: &Value, path: &str, warnings: &mut Vec<String>) {
    let mut seen: Vec<(String, &Value)> = Vec::new();
    for list in LISTS {
        for (i, container) in spec[list].items().iter().enumerate() {
            for (j, port) in container["ports"].items().iter().enumerate() {
                let place = format!("{path}.{list}[{i}].ports[{j}]");
                let host = port["hostPort"].int();
                if !port["hostIP"].str().is_empty() && host == 0 {
                    let [name, protocol, ip] = ["name", "protocol", "hostIP"].map(|field| port[field].str());
                    let own = port["containerPort"].int();
                    warnings.push(format!("{place}: hostIP set without hostPort: {{Name:{name} HostPort:0 ContainerPort:{own} Protocol:{protocol} HostIP:{ip}}}"));
                }
                let same = |other: &Value| {
                    ["containerPort", "protocol"].iter().all(|field| other[*field] == port[*field])
                };
                for (first, other) in seen.iter().filter(|(_, other)| same(other)) {
                    let (ip, other_ip) = (port["hostIP"].str(), other["hostIP"].str());
                    let other_host = other["hostPort"].int();
                    let what = if ip == other_ip && host == other_host {
                        "duplicate"
                    } else if host == 0 || other_host == 0 {
                        "overlapping"
                    } else if host == other_host && ip.is_empty() != other_ip.is_empty() {
                        "dangerously ambiguous"
                    } else {
                        continue;
                    };
                    warnings.push(format!("{place}: {what} port definition with {first}"));
                }
                seen.push((place, port));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // Rows as in pkg/api/pod/warnings_test.go TestWarnings.
    #[test]
    fn pods_are_warned_of_as_upstream_s() {
        let nothing: &[&str] = &[];
        for (given, expected) in [
            (r#"{"spec":{"topologySpreadConstraints":[{"labelSelector":{}}]}}"#, nothing),
            (
                r#"{"spec":{"topologySpreadConstraints":[{"labelSelector":{}},{}]}}"#,
                &[
                    "spec.topologySpreadConstraints[1].labelSelector: a null labelSelector results in matching no pod",
                ],
            ),
            (
                r#"{"spec":{"affinity":{"podAffinity":{"requiredDuringSchedulingIgnoredDuringExecution":[{"labelSelector":{}},{}],"preferredDuringSchedulingIgnoredDuringExecution":[{"podAffinityTerm":{}}]}}}}"#,
                &[
                    "spec.affinity.podAffinity.requiredDuringSchedulingIgnoredDuringExecution[1].labelSelector: a null labelSelector results in matching no pod",
                    "spec.affinity.podAffinity.preferredDuringSchedulingIgnoredDuringExecution[0].podAffinityTerm.labelSelector: a null labelSelector results in matching no pod",
                ],
            ),
            (
                r#"{"spec":{"volumes":[{"gitRepo":{}},{"storageos":{}}]}}"#,
                &[
                    "spec.volumes[0].gitRepo: deprecated in v1.11, and disabled by default in v1.33+",
                    "spec.volumes[1].storageOS: deprecated in v1.22, non-functional in v1.25+",
                ],
            ),
            (
                r#"{"spec":{"imagePullSecrets":[{"name":"a"},{"name":"a"},{"name":""}],"hostAliases":[{"ip":"1.1.1.1"},{"ip":"1.1.1.1"}]}}"#,
                &[
                    r#"spec.hostAliases[1].ip: duplicate ip "1.1.1.1""#,
                    r#"spec.imagePullSecrets[1].name: duplicate name "a""#,
                    r#"spec.imagePullSecrets[2].name: invalid empty name """#,
                ],
            ),
            (
                r#"{"spec":{"containers":[{"resources":{"requests":{"memory":"128m"},"limits":{"memory":"200m","cpu":"200m"}}}]}}"#,
                &[
                    r#"spec.containers[0].resources.limits[memory]: fractional byte value "200m" is invalid, must be an integer"#,
                    r#"spec.containers[0].resources.requests[memory]: fractional byte value "128m" is invalid, must be an integer"#,
                ],
            ),
            (
                r#"{"metadata":{"annotations":{"container.apparmor.security.beta.kubernetes.io/foo":"unconfined"}},"spec":{"containers":[{"name":"foo"}]}}"#,
                &[
                    r#"metadata.annotations[container.apparmor.security.beta.kubernetes.io/foo]: deprecated since v1.30; use the "appArmorProfile" field instead"#,
                ],
            ),
            (
                r#"{"metadata":{"annotations":{"container.apparmor.security.beta.kubernetes.io/foo":"unconfined"}},"spec":{"securityContext":{"appArmorProfile":{}},"containers":[{"name":"foo"}]}}"#,
                nothing,
            ),
            (
                r#"{"spec":{"containers":[{"env":[{"name":"a","value":"a"},{"name":"a","value":"$(a)b"},{"name":"a","value":"b"}]}]}}"#,
                &[
                    r#"spec.containers[0].env[2]: hides previous definition of "a", which may be dropped when using apply"#,
                ],
            ),
            (
                r#"{"spec":{"containers":[{"ports":[{"containerPort":80}]},{"ports":[{"containerPort":80},{"containerPort":80,"hostPort":8080}]}]}}"#,
                &[
                    "spec.containers[1].ports[0]: duplicate port definition with spec.containers[0].ports[0]",
                    "spec.containers[1].ports[1]: overlapping port definition with spec.containers[0].ports[0]",
                    "spec.containers[1].ports[1]: overlapping port definition with spec.containers[1].ports[0]",
                ],
            ),
            (
                r#"{"spec":{"nodeSelector":{"failure-domain.beta.kubernetes.io/zone":"a"},"terminationGracePeriodSeconds":-1}}"#,
                &[
                    r#"spec.nodeSelector[failure-domain.beta.kubernetes.io/zone]: deprecated since v1.17; use "topology.kubernetes.io/zone" instead"#,
                    "spec.terminationGracePeriodSeconds: must be >= 0; negative values are invalid and will be treated as 1",
                ],
            ),
        ] {
            let given = Value::from_json(given).unwrap();
            let mut found = Vec::new();
            pod(&given, &Value::Null, &mut found);
            assert_eq!(found, expected);
            let owner = api::tree!({"spec": {"template": (&given)}});
            let mut of_template = Vec::new();
            template_owner(&owner, &Value::Null, &mut of_template);
            let expected: Vec<String> = expected
                .iter()
                .map(|text| {
                    let text = format!("spec.template.{text}");
                    text.replace("with spec.", "with spec.template.spec.")
                })
                .collect();
            assert_eq!(of_template, expected);
        }
    }
}
