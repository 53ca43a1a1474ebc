//! Secrets of type `kubernetes.io/service-account-token`: a token that holds for as long as its Secret is there
//! is put in, and the Secret goes with its account.
//!
//! The API server signs the token as it signs any other, for the longest time that one may be asked for; its
//! claims are those of such a token.
// Models pkg/controller/serviceaccount/tokens_controller.go

use crate::rootca::CERTIFICATE;
use api::number::to_base64;
use api::resources::{SECRETS, SERVICEACCOUNTS};
use api::{Resource, Value, meta, tree};
use client::{Change, Cx, Enqueue, Failure, Identity, Informers, Reconcile};
use sim::Nanos;

const TYPE: &str = "kubernetes.io/service-account-token";
const ACCOUNT: &str = "kubernetes.io/service-account.name";
const ACCOUNT_UID: &str = "kubernetes.io/service-account.uid";
/// The longest time that a token may be asked for, in seconds.
const LONGEST_SECONDS: i64 = 1 << 32;

/// The controller of tokens. It goes by the controller manager's own name, as upstream's does.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tokens;

impl Reconcile for Tokens {
    fn identity(&self) -> Identity {
        Identity::new(
            "system:kube-controller-manager",
            &["system:authenticated"],
            "controller/serviceaccount-token",
        )
    }

    fn resources(&self) -> Vec<Resource> {
        vec![SECRETS, SERVICEACCOUNTS]
    }

    fn enqueue(&mut self, change: &Change, informers: &Informers, queue: &mut Enqueue) {
        if change.resource == SECRETS && change.new["type"].str() == TYPE {
            queue.add(change.key.clone());
        } else if change.resource == SERVICEACCOUNTS {
            let (namespace, name) = meta::split_key(&change.key);
            let secrets = informers.of(SECRETS).iter().filter(|secret| secret["type"].str() == TYPE);
            let own = secrets.filter(|secret| {
                meta::namespace(secret) == namespace && meta::annotation(secret, ACCOUNT) == name
            });
            own.for_each(|secret| queue.add(meta::key(secret)));
        }
    }

    // Models pkg/controller/serviceaccount/tokens_controller.go syncSecret, generateTokenIfNeeded
    fn reconcile(&mut self, cx: &mut Cx, informers: &Informers, key: &str) -> Result<Option<Nanos>, Failure> {
        let secret = informers.of(SECRETS).get(key).filter(|secret| secret["type"].str() == TYPE);
        let Some(secret) = secret else { return Ok(None) };
        let namespace = meta::namespace(secret);
        let uid = meta::annotation(secret, ACCOUNT_UID);
        let is_own = |account: &Value| uid.is_empty() || uid == meta::uid(account);
        let account = meta::annotation(secret, ACCOUNT);
        let cached = informers.of(SERVICEACCOUNTS).get(&meta::object_key(namespace, account));
        let found = match cached.filter(|account| is_own(account)) {
            Some(account) => Some(account.clone()),
            None => match cx.get(SERVICEACCOUNTS, namespace, account) {
                Ok(account) => Some(account).filter(is_own),
                Err(failure) if failure.is_not_found() => None,
                Err(failure) => return Err(failure),
            },
        };
        let result = match found {
            None => {
                let options = tree!({"preconditions": {"uid": (meta::uid(secret))}});
                cx.delete(SECRETS, namespace, meta::name(secret), options)
            }
            Some(account) => fill(cx, secret, &account),
        };
        match result {
            Err(failure) if !failure.is_not_found() && !failure.is_conflict() => Err(failure),
            _ => Ok(None),
        }
    }
}

/// Puts in what is missing.
fn fill(cx: &mut Cx, secret: &Value, account: &Value) -> Result<Value, Failure> {
    let (namespace, name) = (meta::namespace(secret), meta::name(account));
    let lacks = |field: &str| secret["data"][field].str().is_empty();
    let authority = to_base64(CERTIFICATE.as_bytes());
    let has_authority = secret["data"]["ca.crt"].str() == authority;
    if has_authority && !lacks("token") && !lacks("namespace") {
        return Ok(Value::Null);
    }
    let mut wanted = secret.clone();
    wanted.set(&["data", "ca.crt"], authority);
    if lacks("namespace") {
        wanted.set(&["data", "namespace"], to_base64(namespace.as_bytes()));
    }
    if lacks("token") {
        let bound = tree!({
            "apiVersion": "v1", "kind": "Secret", "name": (meta::name(secret)), "uid": (meta::uid(secret)),
        });
        let request = tree!({
            "apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "metadata": {},
            "spec": {"expirationSeconds": LONGEST_SECONDS, "boundObjectRef": bound},
        });
        let answer = cx.post(SERVICEACCOUNTS, (namespace, name), "token", &request)?;
        wanted.set(&["data", "token"], to_base64(answer["status"]["token"].str().as_bytes()));
    }
    wanted.set(&["metadata", "annotations", ACCOUNT], name);
    wanted.set(&["metadata", "annotations", ACCOUNT_UID], meta::uid(account));
    cx.update(SECRETS, &wanted, "")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manager::ControllerManager;
    use client::testing::{Bench, Server};
    use sim::{SECOND, Time};

    fn secret(annotations: &[(&str, &str)], data: &[(&str, &str)]) -> Value {
        let mut secret = tree!({"metadata": {"name": "token-1", "namespace": "default"}, "type": TYPE});
        for (name, text) in annotations {
            secret.set(&["metadata", "annotations", name], *text);
        }
        for (name, text) in data {
            secret.set(&["data", name], *text);
        }
        secret
    }

    /// Of upstream's TestTokenCreation (tokens_controller_test.go).
    #[test]
    fn secrets_are_filled_or_go() {
        let (own, other) = ((ACCOUNT, "default"), (ACCOUNT_UID, "12345"));
        let authority = to_base64(CERTIFICATE.as_bytes());
        let full = [("token", "ABC"), ("ca.crt", authority.as_str()), ("namespace", "ZGVmYXVsdA==")];
        for (what, secret, stays, token) in [
            (
                "added secret without token data",
                secret(&[own, other], &[]),
                true,
                "dG9rZW4tb2YtZGVmYXVsdC9kZWZhdWx0",
            ),
            (
                "added secret without its account's uid",
                secret(&[own], &[]),
                true,
                "dG9rZW4tb2YtZGVmYXVsdC9kZWZhdWx0",
            ),
            ("added secret without ca data", secret(&[own, other], &full[..1]), true, "ABC"),
            (
                "added secret with mismatched ca data",
                secret(&[own, other], &[full[0], ("ca.crt", "eA=="), full[2]]),
                true,
                "ABC",
            ),
            ("added secret without namespace data", secret(&[own, other], &full[..2]), true, "ABC"),
            (
                "added token secret without serviceaccount",
                secret(&[(ACCOUNT, "nobody"), other], &full),
                false,
                "",
            ),
            (
                "added token secret of another account of that name",
                secret(&[own, (ACCOUNT_UID, "54321")], &full),
                false,
                "",
            ),
            ("added token secret with serviceaccount", secret(&[own, other], &full), true, "ABC"),
        ] {
            let mut server = Server::default();
            let account = tree!({"metadata": {"name": "default", "namespace": "default", "uid": "12345"}});
            server.put(Time::EPOCH, SERVICEACCOUNTS, account);
            server.put(Time::EPOCH, SECRETS, secret);
            let mut bench = Bench::new(ControllerManager::new(&[]), server);
            bench.run(SECOND);
            let secret = bench.server.object(SECRETS, "default/token-1");
            assert_eq!(!secret.is_null(), stays, "{what}");
            if stays {
                let data = &secret["data"];
                let found = [data["token"].str(), data["ca.crt"].str(), data["namespace"].str()];
                assert_eq!(found, [token, &authority, full[2].1], "{what}");
                assert_eq!(meta::annotation(&secret, ACCOUNT_UID), "12345", "{what}");
            }
            bench.server.remove(SERVICEACCOUNTS, "default/default");
            bench.run(SECOND);
            assert!(
                bench.server.object(SECRETS, "default/token-1").is_null(),
                "{what}: it goes with its account"
            );
        }
    }
}
