use super::signer::signature;
use crate::manager::ControllerManager;
use api::number::to_base64;
use api::resources::{CONFIGMAPS, SECRETS};
use api::{Value, tree};
use client::testing::{Bench, Server};
use sim::{HOUR, SECOND, Time};

fn secret(id: &str, fields: &[(&str, &str)]) -> Value {
    let mut secret = tree!({
        "metadata": {"name": (format!("bootstrap-token-{id}")), "namespace": "kube-system"},
        "type": "bootstrap.kubernetes.io/token",
    });
    for (name, text) in [("token-id", id), ("token-secret", "0123456789abcdef")].iter().chain(fields) {
        secret.set(&["data", name], to_base64(text.as_bytes()));
    }
    secret
}

fn bench(secrets: &[Value]) -> Bench<ControllerManager> {
    let mut server = Server::default();
    let info = tree!({
        "metadata": {"name": "cluster-info", "namespace": "kube-public"}, "data": {"kubeconfig": "payload"},
    });
    server.put(Time::EPOCH, CONFIGMAPS, info);
    for secret in secrets {
        server.put(Time::EPOCH, SECRETS, secret.clone());
    }
    Bench::new(ControllerManager::new(&[]), server)
}

fn signatures(bench: &Bench<ControllerManager>) -> Vec<String> {
    let info = bench.server.object(CONFIGMAPS, "kube-public/cluster-info");
    let names = info["data"].fields();
    names.iter().filter_map(|(name, _)| Some(name.strip_prefix("jws-kubeconfig-")?.to_string())).collect()
}

const SIGNS: (&str, &str) = ("usage-bootstrap-signing", "true");

/// Of upstream's TestComputeDetachedSig (staging/src/k8s.io/cluster-bootstrap/token/jws/jws_test.go).
#[test]
fn signs_as_upstream_does() {
    assert_eq!(
        signature(
            "Hello from the other side. I must have called a thousand times.",
            "joshua",
            "my voice is my passcode"
        ),
        "eyJhbGciOiJIUzI1NiIsImtpZCI6Impvc2h1YSJ9..VShe2taLd-YTrmWuRkcL_8QTNDHYxQIEBsAYYiIj1_8"
    );
}

/// Of upstream's TestSimpleSign, TestNoSignNeeded, TestUpdateSignature, TestRemoveSignature
/// (bootstrapsigner_test.go) and TestValidateSecretForSigning (util_test.go).
#[test]
fn signs_with_what_may_sign() {
    let later = (Time::EPOCH + HOUR).rfc3339();
    let named_otherwise = |mut secret: Value| {
        secret.set(&["metadata", "name"], "bootstrap-token-other");
        secret
    };
    let of_another_type = |mut secret: Value| {
        secret.set(&["type"], "Opaque");
        secret
    };
    for (what, secret, signs) in [
        ("it may sign", secret("tokenid", &[SIGNS]), true),
        ("signing key not passed as true", secret("tokenid", &[("usage-bootstrap-signing", "false")]), false),
        ("signing key not passed", secret("tokenid", &[]), false),
        ("it has expired", secret("tokenid", &[SIGNS, ("expiration", "2020-01-01T00:00:00Z")]), false),
        ("it can't be read until when it holds", secret("tokenid", &[SIGNS, ("expiration", "soon")]), false),
        ("it holds as yet", secret("tokenid", &[SIGNS, ("expiration", &later)]), true),
        ("no token secret", secret("tokenid", &[SIGNS, ("token-secret", "")]), false),
        ("no token id", secret("tokenid", &[SIGNS, ("token-id", "")]), false),
        ("the name is another's", named_otherwise(secret("tokenid", &[SIGNS])), false),
        ("it is another type's", of_another_type(secret("tokenid", &[SIGNS])), false),
    ] {
        let mut bench = bench(&[secret]);
        bench.run(SECOND);
        assert_eq!(!signatures(&bench).is_empty(), signs, "{what}");
    }
}

#[test]
fn signatures_come_and_go_with_their_tokens() {
    let mut bench = bench(&[secret("aaaaaa", &[SIGNS]), secret("bbbbbb", &[SIGNS])]);
    bench.run(SECOND);
    assert_eq!(signatures(&bench), ["aaaaaa", "bbbbbb"]);
    bench.server.remove(SECRETS, "kube-system/bootstrap-token-aaaaaa");
    bench.run(SECOND);
    assert_eq!(signatures(&bench), ["bbbbbb"]);
    assert!(bench.component.stop("bootstrap-signer"));
    bench.server.put(bench.now, SECRETS, secret("cccccc", &[SIGNS]));
    bench.run(SECOND);
    assert_eq!(signatures(&bench), ["bbbbbb"], "nobody signs");
}

/// Of upstream's TestCleanerNoExpiration, TestCleanerExpired, TestCleanerNotExpired and
/// TestCleanerExpiredAt (tokencleaner_test.go).
#[test]
fn tokens_that_no_longer_hold_go() {
    let at = |hours: i64| (Time::EPOCH + hours * HOUR).rfc3339();
    for (what, expiration, after, goes) in [
        ("no expiration", String::new(), 100 * HOUR, false),
        ("expired", at(-1), SECOND, true),
        ("not expired", at(1), SECOND, false),
        ("expired meanwhile", at(1), HOUR + SECOND, true),
        ("a moment before", at(1), HOUR - SECOND, false),
        ("nobody can read it", "soon".to_string(), SECOND, true),
    ] {
        let mut bench = bench(&[secret("tokenid", &[("expiration", &expiration)])]);
        bench.run(after);
        let is_gone = bench.server.object(SECRETS, "kube-system/bootstrap-token-tokenid").is_null();
        assert_eq!(is_gone, goes, "{what}");
    }
}
