//! A pod runs as a service account, whose token is mounted into its containers.

use crate::handlers::Call;
use crate::resources;
use crate::server::ApiServer;
use api::{Status, Value, tree};

const MOUNT_PATH: &str = "/var/run/secrets/kubernetes.io/serviceaccount";
const VOLUME: &str = "kube-api-access-";
const MIRROR: &str = "kubernetes.io/config.mirror";
/// An hour and what upstream adds so that its own tokens can be told from others'.
const EXPIRATION_SECONDS: i64 = 3607;

// Models plugin/pkg/admission/serviceaccount/admission.go Admit
pub(super) fn admit(server: &ApiServer, call: &Call, pod: &mut Value) -> Result<(), Status> {
    if api::meta::annotations(pod).get(MIRROR).is_some() {
        return Ok(());
    }
    if pod["spec"]["serviceAccountName"].str().is_empty() {
        pod.set(&["spec", "serviceAccountName"], "default");
    }
    let name = pod["spec"]["serviceAccountName"].clone();
    let accounts = resources::find("", "v1", "serviceaccounts");
    let account = accounts
        .and_then(|accounts| server.store.get(&accounts.key(call.namespace, name.str())))
        .map(|entry| entry.value.clone());
    // The default account comes from a controller; until it has come, pods start without one.
    if account.is_none() && name.str() != "default" {
        let (namespace, name) = (call.namespace, name.str());
        let why =
            format!("error looking up service account {namespace}/{name}: serviceaccount {name:?} not found");
        return Err(Status::forbidden("pods", call.object_name, &why));
    }
    pod.set(&["spec", "serviceAccount"], name);
    let account = account.unwrap_or_default();
    let secrets = &account["imagePullSecrets"];
    if !secrets.items().is_empty() && pod["spec"]["imagePullSecrets"].items().is_empty() {
        pod.set(&["spec", "imagePullSecrets"], secrets);
    }
    let wanted = [&pod["spec"]["automountServiceAccountToken"], &account["automountServiceAccountToken"]];
    if wanted.into_iter().find_map(Value::as_bool) != Some(false) {
        mount_token(server, call, pod);
    }
    Ok(())
}

// Models plugin/pkg/admission/serviceaccount/admission.go mountServiceAccountToken
fn mount_token(server: &ApiServer, call: &Call, pod: &mut Value) {
    let there = pod["spec"]["volumes"].items().iter().find(|volume| volume["name"].str().starts_with(VOLUME));
    let (volume, is_new) = match there {
        Some(volume) => (volume["name"].clone(), false),
        None => {
            let key = call.rest.key(call.namespace, call.object_name);
            let number = server.draw_number().unsigned_abs();
            let suffix = server.options.chance.name_suffix("token-volume", &key, number, 5);
            (format!("{VOLUME}{suffix}").into(), true)
        }
    };
    let mut mount = server.shared.token_mount.clone();
    mount.set(&["name"], &volume);
    let mut needed = false;
    for list in ["initContainers", "containers"] {
        if pod["spec"][list].items().is_empty() {
            continue;
        }
        for container in pod.at_mut(&["spec", list]).list_mut() {
            let mounted =
                container["volumeMounts"].items().iter().any(|mount| mount["mountPath"].str() == MOUNT_PATH);
            if !mounted {
                container.at_mut(&["volumeMounts"]).list_mut().push(mount.clone());
                needed = true;
            }
        }
    }
    if needed && is_new {
        let mut token_volume = server.shared.token_volume.clone();
        token_volume.set(&["name"], volume);
        pod.at_mut(&["spec", "volumes"]).list_mut().push(token_volume);
    }
}

/// Returns the mount of a token, without the volume's name.
pub(super) fn token_mount() -> Value {
    tree!({"name": "", "readOnly": true, "mountPath": MOUNT_PATH})
}

/// Returns the volume of a token, without a name.
// Models plugin/pkg/admission/serviceaccount/admission.go TokenVolumeSource
pub(super) fn token_volume() -> Value {
    tree!({"name": "", "projected": {
        "defaultMode": 420,
        "sources": [
            {"serviceAccountToken": {"path": "token", "expirationSeconds": EXPIRATION_SECONDS}},
            {"configMap": {"name": "kube-root-ca.crt", "items": [{"key": "ca.crt", "path": "ca.crt"}]}},
            {"downwardAPI": {"items": [
                {"path": "namespace", "fieldRef": {"apiVersion": "v1", "fieldPath": "metadata.namespace"}},
            ]}},
        ],
    }})
}
