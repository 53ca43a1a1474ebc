//! Names that objects call others by, mended once those are called otherwise.
// Models api/internal/konfig/builtinpluginconsts/namereference.go

use crate::fields;
use crate::resource::Resource;
use api::Value;

/// Where the specification of a pod stands in each kind that has one.
pub const POD_SPECS: [(&str, &str); 9] = [
    ("Pod", "spec"),
    ("PodTemplate", "template/spec"),
    ("Deployment", "spec/template/spec"),
    ("ReplicaSet", "spec/template/spec"),
    ("ReplicationController", "spec/template/spec"),
    ("DaemonSet", "spec/template/spec"),
    ("StatefulSet", "spec/template/spec"),
    ("Job", "spec/template/spec"),
    ("CronJob", "spec/jobTemplate/spec/template/spec"),
];

/// Fields of a pod's specification: the kind that is called, and the path.
const OF_PODS: [(&str, &str); 16] = [
    ("ConfigMap", "volumes/configMap/name"),
    ("ConfigMap", "containers/env/valueFrom/configMapKeyRef/name"),
    ("ConfigMap", "initContainers/env/valueFrom/configMapKeyRef/name"),
    ("ConfigMap", "containers/envFrom/configMapRef/name"),
    ("ConfigMap", "initContainers/envFrom/configMapRef/name"),
    ("ConfigMap", "volumes/projected/sources/configMap/name"),
    ("Secret", "volumes/secret/secretName"),
    ("Secret", "containers/env/valueFrom/secretKeyRef/name"),
    ("Secret", "initContainers/env/valueFrom/secretKeyRef/name"),
    ("Secret", "containers/envFrom/secretRef/name"),
    ("Secret", "initContainers/envFrom/secretRef/name"),
    ("Secret", "imagePullSecrets/name"),
    ("Secret", "volumes/projected/sources/secret/name"),
    ("ServiceAccount", "serviceAccountName"),
    ("PersistentVolumeClaim", "volumes/persistentVolumeClaim/claimName"),
    ("PriorityClass", "priorityClassName"),
];

/// Fields of other kinds: the kind that is called, who calls it, and the path.
const OF_OTHERS: [(&str, &str, &str); 33] = [
    ("Deployment", "HorizontalPodAutoscaler", "spec/scaleTargetRef/name"),
    ("ReplicationController", "HorizontalPodAutoscaler", "spec/scaleTargetRef/name"),
    ("ReplicaSet", "HorizontalPodAutoscaler", "spec/scaleTargetRef/name"),
    ("StatefulSet", "HorizontalPodAutoscaler", "spec/scaleTargetRef/name"),
    ("ConfigMap", "Role", "rules/resourceNames"),
    ("ConfigMap", "ClusterRole", "rules/resourceNames"),
    ("ConfigMap", "Node", "spec/configSource/configMap"),
    ("Secret", "Role", "rules/resourceNames"),
    ("Secret", "ClusterRole", "rules/resourceNames"),
    ("Secret", "Ingress", "spec/tls/secretName"),
    ("Secret", "ServiceAccount", "imagePullSecrets/name"),
    ("Secret", "StorageClass", "parameters/secretName"),
    ("Secret", "StorageClass", "parameters/adminSecretName"),
    ("Secret", "StorageClass", "parameters/userSecretName"),
    ("Secret", "StorageClass", "parameters/secretRef"),
    ("Secret", "PersistentVolume", "spec/azureFile/secretName"),
    ("Service", "StatefulSet", "spec/serviceName"),
    ("Service", "Ingress", "spec/rules/http/paths/backend/service/name"),
    ("Service", "Ingress", "spec/defaultBackend/service/name"),
    ("Service", "Ingress", "spec/rules/http/paths/backend/serviceName"),
    ("Service", "Ingress", "spec/backend/serviceName"),
    ("Service", "APIService", "spec/service/name"),
    ("Service", "HTTPRoute", "spec/rules/backendRefs/name"),
    ("Service", "ValidatingWebhookConfiguration", "webhooks/clientConfig/service/name"),
    ("Service", "MutatingWebhookConfiguration", "webhooks/clientConfig/service/name"),
    ("PersistentVolume", "PersistentVolumeClaim", "spec/volumeName"),
    ("PersistentVolume", "ClusterRole", "rules/resourceNames"),
    ("StorageClass", "PersistentVolume", "spec/storageClassName"),
    ("StorageClass", "PersistentVolumeClaim", "spec/storageClassName"),
    ("StorageClass", "StatefulSet", "spec/volumeClaimTemplates/spec/storageClassName"),
    ("IngressClass", "Ingress", "spec/ingressClassName"),
    ("Role", "RoleBinding", "roleRef/name"),
    ("ClusterRole", "ClusterRoleBinding", "roleRef/name"),
];

/// An object as others may call it.
struct Called {
    kind: String,
    former: Vec<(String, String)>,
    namespace: String,
    name: String,
    is_namespaced: bool,
}

/// Gives all references the names that the objects have now.
///
/// # Errors
/// kustomize's message where a name may mean several objects.
pub fn fix(resources: &mut [Resource]) -> Result<(), String> {
    let all: Vec<Called> = resources
        .iter()
        .map(|own| Called {
            kind: own.kind().into(),
            former: own.former.clone(),
            namespace: own.namespace().into(),
            name: own.name().into(),
            is_namespaced: own.is_namespaced(),
        })
        .collect();
    for own in resources {
        let (kind, namespace) = (own.kind().to_string(), own.namespace().to_string());
        let renamed = |kind: &str, value: &mut Value| {
            if let Some(called) = find(&all, kind, value.str(), &namespace) {
                *value = Value::from(called.name.as_str());
            }
        };
        if let Some((_, spec)) = POD_SPECS.iter().find(|(own, _)| *own == kind) {
            for (called, path) in OF_PODS {
                fields::each(&mut own.object, &format!("{spec}/{path}"), false, &mut |value| {
                    renamed(called, value)
                });
            }
        }
        for (called, _, path) in OF_OTHERS.iter().filter(|(_, by, _)| *by == kind) {
            // Which kind is meant, the reference itself may say.
            let said = match *path {
                "spec/scaleTargetRef/name" => own.object["spec"]["scaleTargetRef"]["kind"].str(),
                "roleRef/name" => own.object["roleRef"]["kind"].str(),
                _ => called,
            };
            if said == *called {
                fields::each(&mut own.object, path, false, &mut |value| renamed(called, value));
            }
        }
        if kind == "RoleBinding" && own.object["roleRef"]["kind"].str() == "ClusterRole" {
            fields::each(&mut own.object, "roleRef/name", false, &mut |value| renamed("ClusterRole", value));
        }
        if matches!(kind.as_str(), "RoleBinding" | "ClusterRoleBinding") {
            fields::each(&mut own.object, "subjects", false, &mut |subject| account(&all, subject));
        }
    }
    Ok(())
}

/// A subject calls a service account by name and namespace.
fn account(all: &[Called], subject: &mut Value) {
    if subject["kind"].str() != "ServiceAccount" {
        return;
    }
    let (name, namespace) = (subject["name"].str(), subject["namespace"].str());
    let is_meant = |called: &&Called| {
        called.kind == "ServiceAccount"
            && called.former.iter().any(|(own, former)| former == name && same_namespace(own, namespace))
    };
    if let Some(called) = all.iter().find(is_meant) {
        subject.set(&["name"], called.name.as_str());
        if !called.namespace.is_empty() {
            subject.set(&["namespace"], called.namespace.as_str());
        }
    }
}

fn same_namespace(a: &str, b: &str) -> bool {
    let or_default =
        |namespace: &str| if namespace.is_empty() { "default".to_string() } else { namespace.to_string() };
    or_default(a) == or_default(b)
}

/// Returns the object that is meant: of the kind, once called so, in the caller's namespace if it is in one.
fn find<'a>(all: &'a [Called], kind: &str, name: &str, namespace: &str) -> Option<&'a Called> {
    let fits = |called: &&Called| {
        called.kind == kind
            && (called.name == name || called.former.iter().any(|(_, former)| former == name))
            && (!called.is_namespaced || same_namespace(&called.namespace, namespace))
    };
    let mut found = all.iter().filter(fits);
    let first = found.next()?;
    // What is called so now is meant before what was once.
    Some(std::iter::once(first).chain(found).find(|called| called.name == name).unwrap_or(first))
}
