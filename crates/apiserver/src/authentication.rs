//! Tokens, and whose they are: those of service accounts, which are made here, and bootstrap tokens.
//!
//! A service account's token is a JSON Web Token as upstream's, with the same claims. It is signed with a key that the cluster
//! keeps for itself (HS256) where upstream signs with an RSA key whose public half others may have.

use crate::resources::Rest;
use crate::server::ApiServer;
use api::bootstrap_token::{self, NAMESPACE, SECRET_PREFIX};
use api::{User, Value, meta, tree};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, Mac};
use sha2::Sha256;
use sim::{SECOND, Time};

/// Who makes tokens, and for whom they are where a request doesn't say.
pub(crate) const ISSUER: &str = "https://kubernetes.default.svc.cluster.local";
/// The longest text that may be a token.
const MAX_TOKEN: usize = 16 * 1024;

/// Who has a token, and for whom it is.
pub(crate) struct Holder {
    pub(crate) user: User,
    pub(crate) audiences: Vec<String>,
}

fn signer(key: &[u8]) -> Option<Hmac<Sha256>> {
    Hmac::new_from_slice(key).ok()
}

/// Signs claims.
// Models pkg/serviceaccount/jwt.go GenerateToken
pub(crate) fn sign(key: &[u8], claims: &Value) -> String {
    let header = tree!({"alg": "HS256", "kid": "kubarium"});
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_json());
    let text = format!("{}.{}", part(&header), part(claims));
    let Some(mut signer) = signer(key) else { return text };
    signer.update(text.as_bytes());
    format!("{text}.{}", URL_SAFE_NO_PAD.encode(signer.finalize().into_bytes()))
}

/// Returns a token's claims, if it was signed with this key.
fn claims(key: &[u8], token: &str) -> Option<Value> {
    let (text, signature) = token.rsplit_once('.').filter(|_| token.len() <= MAX_TOKEN)?;
    let mut signer = signer(key)?;
    signer.update(text.as_bytes());
    signer.verify_slice(&URL_SAFE_NO_PAD.decode(signature).ok()?).ok()?;
    let (_, payload) = text.split_once('.')?;
    Value::from_json(std::str::from_utf8(&URL_SAFE_NO_PAD.decode(payload).ok()?).ok()?).ok()
}

impl ApiServer {
    /// Takes another key for the tokens of service accounts. Tokens made before are none any more.
    pub fn set_token_key(&mut self, key: &[u8]) {
        self.options.token_key = key.to_vec();
    }

    /// Returns whose a token is, if it is one for this API server.
    pub fn authenticate(&mut self, now: Time, token: &str) -> Option<User> {
        self.holder(now, token, &[]).map(|holder| holder.user)
    }

    /// Returns who has a token that is meant for one of these audiences; without any, for this API server.
    // Models pkg/serviceaccount/claims.go Validate
    pub(crate) fn holder(&self, now: Time, token: &str, audiences: &[String]) -> Option<Holder> {
        if let Some((id, secret)) = bootstrap_token::parse(token) {
            // Models staging/src/k8s.io/apiserver/pkg/authentication/authenticator/audagnostic.go
            let is_meant = audiences.is_empty() || audiences.iter().any(|one| one == ISSUER);
            let user = self.bootstrapper(now, id, secret).filter(|_| is_meant)?;
            return Some(Holder { user, audiences: vec![ISSUER.to_string()] });
        }
        let claims = claims(&self.options.token_key, token)?;
        let second = now.0 / SECOND;
        let is_of_now = (claims["nbf"].int()..claims["exp"].int()).contains(&second);
        let own = [ISSUER.to_string()];
        let wanted = if audiences.is_empty() { &own } else { audiences };
        let meant = claims["aud"].items().iter().map(Value::str);
        let audiences: Vec<String> =
            meant.filter(|audience| wanted.iter().any(|one| one == audience)).map(str::to_string).collect();
        if !is_of_now || audiences.is_empty() || claims["iss"].str() != ISSUER {
            return None;
        }
        let bound = &claims["kubernetes.io"];
        let namespace = bound["namespace"].str();
        let account = &bound["serviceaccount"];
        self.living("serviceaccounts", namespace, account)?;
        for (key, plural) in [("pod", "pods"), ("secret", "secrets"), ("node", "nodes")] {
            if !bound[key].is_null() {
                self.living(plural, if plural == "nodes" { "" } else { namespace }, &bound[key])?;
            }
        }
        let mut user = service_account(namespace, account["name"].str());
        user.uid = account["uid"].str().into();
        let mut tell = |key: &str, value: &str| {
            if !value.is_empty() {
                user.extra.push((format!("authentication.kubernetes.io/{key}").into(), vec![value.into()]));
            }
        };
        tell("credential-id", &format!("JTI={}", claims["jti"].str()));
        tell("node-name", bound["node"]["name"].str());
        tell("node-uid", bound["node"]["uid"].str());
        tell("pod-name", bound["pod"]["name"].str());
        tell("pod-uid", bound["pod"]["uid"].str());
        Some(Holder { user, audiences })
    }

    /// Returns whose a bootstrap token is.
    // Models plugin/pkg/auth/authenticator/token/bootstrap/bootstrap.go AuthenticateToken
    fn bootstrapper(&self, now: Time, id: &str, word: &str) -> Option<User> {
        let key = core("secrets")?.key(NAMESPACE, &format!("{SECRET_PREFIX}{id}"));
        let secret = &self.store.get(&key)?.value;
        let field = |name: &str| bootstrap_token::field(secret, name);
        let is_of = field("token-id") == id && field("token-secret") == word;
        let holds = bootstrap_token::holds_until(secret).is_none_or(|until| until > now);
        let may = holds && field("usage-bootstrap-authentication") == "true";
        if meta::is_deleting(secret) || !bootstrap_token::is_token(secret) || !is_of || !may {
            return None;
        }
        let groups = bootstrap_token::groups(secret)?;
        let groups: Vec<&str> = groups.iter().map(String::as_str).chain(["system:authenticated"]).collect();
        Some(User::new(&format!("system:bootstrap:{id}"), &groups))
    }

    /// Returns an object that a token is bound to, if it is still the same and isn't being deleted.
    fn living(&self, plural: &str, namespace: &str, bound: &Value) -> Option<&Value> {
        let rest = core(plural)?;
        let object = &self.store.get(&rest.key(namespace, bound["name"].str()))?.value;
        (meta::uid(object) == bound["uid"].str() && !meta::is_deleting(object)).then_some(object)
    }
}

/// Returns a resource of the core group.
pub(crate) fn core(plural: &str) -> Option<&'static Rest> {
    crate::resources::find("", "v1", plural)
}

/// Returns a service account as a user.
// Models staging/src/k8s.io/apiserver/pkg/authentication/serviceaccount/util.go UserInfo
pub(crate) fn service_account(namespace: &str, name: &str) -> User {
    let groups =
        ["system:serviceaccounts", &format!("system:serviceaccounts:{namespace}"), "system:authenticated"];
    User::new(&format!("system:serviceaccount:{namespace}:{name}"), &groups)
}

/// Returns a user as reviews tell of them.
pub(crate) fn user_info(user: &User) -> Value {
    let groups: Vec<Value> = user.groups.iter().map(Value::from).collect();
    let mut info = tree!({"username": (&user.name), "groups": groups});
    if !user.uid.is_empty() {
        info.set(&["uid"], &*user.uid);
    }
    for (key, values) in &user.extra {
        let values: Vec<Value> = values.iter().map(Value::from).collect();
        info.set(&["extra", key], values);
    }
    info
}

/// Returns the key of a cluster that isn't given one: the same seed gives the same tokens.
pub(crate) fn key_of(chance: sim::Chance) -> Vec<u8> {
    (0..4).flat_map(|n| chance.draw("token-key", "", n).to_be_bytes()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_that_was_changed_is_none() {
        let claims_made = tree!({"sub": "system:serviceaccount:default:x", "exp": 5});
        let token = sign(b"key", &claims_made);
        assert_eq!(claims(b"key", &token), Some(claims_made));
        assert_eq!(claims(b"other", &token), None);
        let (head, rest) = token.split_once('.').unwrap();
        let (payload, signature) = rest.split_once('.').unwrap();
        let forged = URL_SAFE_NO_PAD.encode(r#"{"exp":9}"#);
        for changed in [
            format!("{head}.{forged}.{signature}"),
            format!("{head}.{payload}."),
            format!("{head}.{payload}"),
            String::new(),
            "a.b.c".to_string(),
            "x".repeat(MAX_TOKEN + 1),
        ] {
            assert_eq!(claims(b"key", &changed), None, "{changed}");
        }
    }
}
