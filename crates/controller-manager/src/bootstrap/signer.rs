//! Signs the ConfigMap `cluster-info` in `kube-public` with each bootstrap token, so that who knows the token
//! can trust what is in it.
// Models pkg/controller/bootstrap/bootstrapsigner.go

use super::token;
use api::bootstrap_token::{SECRET_PREFIX, field, holds_until, is_token};
use api::resources::{CONFIGMAPS, SECRETS};
use api::{Resource, Value};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use client::{Change, Cx, Enqueue, Failure, Identity, Informers, Reconcile};
use hmac::{Hmac, Mac};
use sha2::Sha256;
use sim::{Nanos, Time};
use std::collections::BTreeMap;

const CLUSTER_INFO: &str = "kube-public/cluster-info";
/// Before a token's id, the name of its signature.
const PREFIX: &str = "jws-kubeconfig-";

/// The bootstrap signer.
#[derive(Clone, Debug, Default)]
pub(crate) struct BootstrapSigner;

impl Reconcile for BootstrapSigner {
    fn identity(&self) -> Identity {
        Identity::controller("bootstrap-signer", "controller/bootstrap-signer")
    }

    fn resources(&self) -> Vec<Resource> {
        vec![SECRETS, CONFIGMAPS]
    }

    fn enqueue(&mut self, change: &Change, _: &Informers, queue: &mut Enqueue) {
        let is_info = change.resource == CONFIGMAPS && &*change.key == CLUSTER_INFO && !change.new.is_null();
        if is_info || token(change).is_some() {
            queue.add(CLUSTER_INFO);
        }
    }

    // Models pkg/controller/bootstrap/bootstrapsigner.go signConfigMap
    fn reconcile(&mut self, cx: &mut Cx, informers: &Informers, key: &str) -> Result<Option<Nanos>, Failure> {
        let Some(info) = informers.of(CONFIGMAPS).get(key) else { return Ok(None) };
        let Some(content) = info["data"]["kubeconfig"].as_str() else { return Ok(None) };
        let secrets = informers.of(SECRETS).iter().filter(|secret| is_token(secret));
        let tokens = secrets.filter_map(|secret| for_signing(secret, cx.at()));
        let wanted: BTreeMap<String, String> =
            tokens.map(|(id, secret)| (format!("{PREFIX}{id}"), signature(content, &id, &secret))).collect();
        let fields = info["data"].fields();
        let known = fields.iter().filter(|(name, _)| name.starts_with(PREFIX));
        let known: BTreeMap<String, String> =
            known.map(|(name, text)| (name.to_string(), text.str().to_string())).collect();
        if known == wanted {
            return Ok(None);
        }
        let mut signed = info.clone();
        for name in known.keys() {
            signed.remove(&["data", name]);
        }
        for (name, signature) in &wanted {
            signed.set(&["data", name], signature.as_str());
        }
        // Upstream doesn't try again either: the change that stood in the way makes it look once more.
        let _: Result<Value, Failure> = cx.update(CONFIGMAPS, &signed, "");
        Ok(None)
    }
}

/// Returns a token's id and its secret, if it may sign.
// Models pkg/controller/bootstrap/util.go validateSecretForSigning
fn for_signing(secret: &Value, now: Time) -> Option<(String, String)> {
    let (id, word) = (field(secret, "token-id"), field(secret, "token-secret"));
    let is_named = secret["metadata"]["name"].str().strip_prefix(SECRET_PREFIX) == Some(id.as_str());
    let signs = field(secret, "usage-bootstrap-signing") == "true";
    let holds = holds_until(secret).is_none_or(|until| until > now);
    (is_named && signs && holds && !id.is_empty() && !word.is_empty()).then_some((id, word))
}

/// Returns a JSON Web Signature whose content is left out.
// Models staging/src/k8s.io/cluster-bootstrap/token/jws/jws.go ComputeDetachedSignature
pub fn signature(content: &str, id: &str, secret: &str) -> String {
    let header = URL_SAFE_NO_PAD.encode(format!("{{\"alg\":\"HS256\",\"kid\":\"{id}\"}}"));
    // A key may be of any length.
    let Ok(mut signer) = Hmac::<Sha256>::new_from_slice(secret.as_bytes()) else { return String::new() };
    signer.update(format!("{header}.{}", URL_SAFE_NO_PAD.encode(content)).as_bytes());
    format!("{header}..{}", URL_SAFE_NO_PAD.encode(signer.finalize().into_bytes()))
}
