//! Namespaces, names, labels and annotations.

use crate::fields;
use crate::references::POD_SPECS;
use crate::resource::Resource;
use api::Value;

/// Kinds whose names say what they are for, so that nothing is put before or after them.
// Models api/internal/konfig/builtinpluginconsts nameprefix.go and PrefixTransformer.go
const NAMED: [&str; 3] = ["CustomResourceDefinition", "APIService", "Namespace"];

/// Selectors that common labels are added to, and whether they are made where they are missing.
// Models api/internal/konfig/builtinpluginconsts/commonlabels.go
const SELECTORS: [(&str, &str, bool); 14] = [
    ("Service", "spec/selector", true),
    ("ReplicationController", "spec/selector", true),
    ("Deployment", "spec/selector/matchLabels", true),
    ("ReplicaSet", "spec/selector/matchLabels", true),
    ("DaemonSet", "spec/selector/matchLabels", true),
    ("StatefulSet", "spec/selector/matchLabels", true),
    ("StatefulSet", "spec/volumeClaimTemplates/metadata/labels", true),
    ("Job", "spec/selector/matchLabels", false),
    ("CronJob", "spec/jobTemplate/spec/selector/matchLabels", false),
    ("PodDisruptionBudget", "spec/selector/matchLabels", false),
    ("NetworkPolicy", "spec/podSelector/matchLabels", false),
    ("NetworkPolicy", "spec/ingress/from/podSelector/matchLabels", false),
    ("NetworkPolicy", "spec/egress/to/podSelector/matchLabels", false),
    ("CronJob", "spec/jobTemplate/metadata/labels", true),
];

/// Selectors in the pods' specifications of Deployments and StatefulSets.
const AFFINITIES: [&str; 5] = [
    "affinity/podAffinity/preferredDuringSchedulingIgnoredDuringExecution/podAffinityTerm/labelSelector/matchLabels",
    "affinity/podAffinity/requiredDuringSchedulingIgnoredDuringExecution/labelSelector/matchLabels",
    "affinity/podAntiAffinity/preferredDuringSchedulingIgnoredDuringExecution/podAffinityTerm/labelSelector/matchLabels",
    "affinity/podAntiAffinity/requiredDuringSchedulingIgnoredDuringExecution/labelSelector/matchLabels",
    "topologySpreadConstraints/labelSelector/matchLabels",
];

/// Puts everything that is in namespaces into one.
// Models api/internal/builtins/NamespaceTransformer.go
pub fn namespace(namespace: &str, resources: &mut [Resource]) {
    if namespace.is_empty() {
        return;
    }
    for own in resources {
        own.remember();
        match own.kind() {
            "Namespace" => own.object.set(&["metadata", "name"], namespace),
            "RoleBinding" | "ClusterRoleBinding" => {
                fields::each(&mut own.object, "subjects", false, &mut |subject| {
                    if subject["kind"].str() == "ServiceAccount" && subject["name"].str() == "default" {
                        subject.set(&["namespace"], namespace);
                    }
                });
            }
            "APIService" => {
                fields::each(&mut own.object, "spec/service/namespace", false, &mut |value| {
                    *value = Value::from(namespace);
                });
            }
            _ => {}
        }
        if own.is_namespaced() {
            own.object.set(&["metadata", "namespace"], namespace);
        }
        own.remember();
    }
}

/// Puts a prefix and a suffix to all names.
pub fn affixes(prefix: &str, suffix: &str, resources: &mut [Resource]) {
    if prefix.is_empty() && suffix.is_empty() {
        return;
    }
    for own in resources.iter_mut().filter(|own| !NAMED.contains(&own.kind())) {
        own.remember();
        let name = format!("{prefix}{}{suffix}", own.name());
        own.object.set(&["metadata", "name"], name);
        own.remember();
    }
}

/// Adds `commonLabels` and `labels`.
// Models api/internal/builtins/LabelTransformer.go
pub fn labels(own: &Value, resources: &mut [Resource]) {
    for set in own["labels"].items() {
        let (selectors, templates) = (set["includeSelectors"].is_true(), set["includeTemplates"].is_true());
        add_labels(&set["pairs"], selectors, templates || selectors, resources);
        for field in set["fields"].items() {
            for own in resources
                .iter_mut()
                .filter(|own| matches!(field["kind"].str(), kind if kind.is_empty() || kind == own.kind()))
            {
                let path = field["path"].str().replace("[]", "");
                put(&mut own.object, &path, field["create"].is_true(), &set["pairs"]);
            }
        }
    }
    add_labels(&own["commonLabels"], true, true, resources);
}

fn add_labels(pairs: &Value, selectors: bool, templates: bool, resources: &mut [Resource]) {
    if pairs.is_empty() {
        return;
    }
    for own in resources {
        let kind = own.kind().to_string();
        put(&mut own.object, "metadata/labels", true, pairs);
        let spec = POD_SPECS.iter().find(|(own, _)| *own == kind && *own != "Pod").map(|(_, spec)| *spec);
        if let (Some(spec), true) = (spec, templates) {
            let template = spec.trim_end_matches("/spec");
            put(&mut own.object, &format!("{template}/metadata/labels"), true, pairs);
        }
        if !selectors {
            continue;
        }
        for (_, path, create) in SELECTORS.iter().filter(|(own, _, _)| *own == kind) {
            put(&mut own.object, path, *create, pairs);
        }
        if let (Some(spec), "Deployment" | "StatefulSet") = (spec, kind.as_str()) {
            for path in AFFINITIES {
                put(&mut own.object, &format!("{spec}/{path}"), false, pairs);
            }
        }
    }
}

/// Adds `commonAnnotations`.
pub fn annotations(pairs: &Value, resources: &mut [Resource]) {
    if pairs.is_empty() {
        return;
    }
    for own in resources {
        put(&mut own.object, "metadata/annotations", true, pairs);
        let spec = POD_SPECS.iter().find(|(kind, _)| *kind == own.kind() && *kind != "Pod");
        if let Some((kind, spec)) = spec {
            if *kind == "CronJob" {
                put(&mut own.object, "spec/jobTemplate/metadata/annotations", true, pairs);
            }
            let template = spec.trim_end_matches("/spec");
            put(&mut own.object, &format!("{template}/metadata/annotations"), true, pairs);
        }
    }
}

fn put(object: &mut Value, path: &str, create: bool, pairs: &Value) {
    let is_there = |value: &Value| value.as_map().is_some();
    fields::each(object, path, create, &mut |value| {
        if create || is_there(value) {
            for (key, text) in pairs.fields().iter() {
                value.set(&[key], &*text.text());
            }
        }
    });
}
