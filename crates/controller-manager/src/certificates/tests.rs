use super::cleaner::is_old;
use super::signer::{check, validity};
use super::*;
use crate::manager::ControllerManager;
use api::number::to_base64;
use api::resources::CERTIFICATESIGNINGREQUESTS;
use api::tree;
use api::x509::{Certificate, Subject, private_key, public_key};
use client::testing::{Bench, Server};
use sim::{Chance, HOUR, MINUTE, Nanos, SECOND, Time};

const CLIENT: &str = "kubernetes.io/kube-apiserver-client";
const SERVING: &str = "kubernetes.io/kubelet-serving";
const CLIENT_USAGES: &[&str] = &["digital signature", "client auth"];

/// A request as `openssl req` and a manifest make it, for a subject such as `O=team/CN=kim`.
fn request(signer: &str, subject: &str, usages: &[&str]) -> Value {
    let pairs = subject.split('/').filter_map(|pair| pair.split_once('='));
    let subject = Subject(pairs.map(|(name, text)| (name.to_string(), text.to_string())).collect());
    let chance = Chance::new(1);
    let key = public_key(&private_key(chance, "key", 2_048)).unwrap_or_default();
    let asked = SigningRequest { subject, key, ..SigningRequest::default() };
    let usages: Vec<Value> = usages.iter().map(|usage| (*usage).into()).collect();
    tree!({
        "metadata": {"name": "csr-x"},
        "spec": {
            "request": (to_base64(asked.to_pem(chance).as_bytes())),
            "signerName": signer, "usages": usages,
            "username": "system:bootstrap:abcdef", "groups": ["system:bootstrappers"],
        },
    })
}

fn bench(request: Value) -> Bench<ControllerManager> {
    let mut server = Server::default();
    server.put(Time::EPOCH, CERTIFICATESIGNINGREQUESTS, request);
    Bench::new(ControllerManager::new(&[]), server)
}

fn kinds(request: &Value) -> Vec<String> {
    let conditions = request["status"]["conditions"].items().iter();
    conditions
        .map(|condition| format!("{}: {}", condition["type"].str(), condition["message"].str()))
        .collect()
}

/// What the signers say to a request, of upstream's TestSigner and pkg/apis/certificates/helpers_test.go
/// (TestIsKubeletClientCSR, TestIsKubeletServingCSR).
#[test]
fn signers_check() {
    let both = &["digital signature", "key encipherment", "client auth"];
    for (signer, subject, usages, says) in [
        (CLIENT, "CN=kim", CLIENT_USAGES, Some("")),
        (CLIENT, "O=anything/CN=kim", &["client auth"], Some("")),
        (
            CLIENT,
            "CN=kim",
            &["digital signature"],
            Some("missing required usage for client certificate: client auth"),
        ),
        (
            CLIENT,
            "CN=kim",
            &["client auth", "server auth"],
            Some("invalid usage for client certificate: server auth"),
        ),
        (KUBELET_CLIENT, "O=system:nodes/CN=system:node:n1", CLIENT_USAGES, Some("")),
        (KUBELET_CLIENT, "O=system:nodes/CN=system:node:n1", both, Some("")),
        (KUBELET_CLIENT, "CN=system:node:n1", both, Some("subject organization is not system:nodes")),
        (
            KUBELET_CLIENT,
            "O=system:nodes/O=x/CN=system:node:n1",
            both,
            Some("subject organization is not system:nodes"),
        ),
        (
            KUBELET_CLIENT,
            "O=system:nodes/CN=n1",
            both,
            Some("subject common name does not begin with system:node:"),
        ),
        (
            KUBELET_CLIENT,
            "O=system:nodes/CN=system:node:n1",
            &["client auth"],
            Some("usages did not match [client auth digital signature key encipherment]"),
        ),
        (
            SERVING,
            "O=system:nodes/CN=system:node:n1",
            &["server auth"],
            Some("DNS or IP subjectAltName is required"),
        ),
        (
            SERVING,
            "O=team/CN=system:node:n1",
            &["server auth"],
            Some("subject organization is not system:nodes"),
        ),
        ("kubernetes.io/legacy-unknown", "CN=anything", &["server auth"], Some("")),
        ("example.com/own", "CN=kim", CLIENT_USAGES, None),
    ] {
        let request = request(signer, subject, usages);
        let asked = parsed(&request).unwrap_or_default();
        let told = check(&request, &asked).map(|result| result.err().unwrap_or_default());
        assert_eq!(told.as_deref(), says, "{signer} {subject} {usages:?}");
    }
}

/// Of upstream's TestCertificateAuthority and TestDuration (signer_test.go).
#[test]
fn certificates_are_good_for_as_long_as_asked() {
    let year = 365 * 24 * HOUR;
    for (seconds, before, after) in [
        (None, 5 * MINUTE, year - 5 * MINUTE),
        (Some(10 * 365 * 86_400), 5 * MINUTE, year - 5 * MINUTE),
        (Some(86_400), 5 * MINUTE, 24 * HOUR - 5 * MINUTE),
        (Some(8 * 3_600), 5 * MINUTE, 8 * HOUR - 5 * MINUTE),
        (Some(8 * 3_600 - 1), 5 * MINUTE, 8 * HOUR - SECOND),
        (Some(600), 5 * MINUTE, 10 * MINUTE),
        (Some(60), 5 * MINUTE, 10 * MINUTE),
    ] {
        let (from, until) = validity(Time::EPOCH, seconds);
        assert_eq!((Time::EPOCH - from, until - Time::EPOCH), (before, after), "{seconds:?}");
    }
}

/// Of upstream's TestCleaner (cleaner_test.go): a second before a limit nothing is cleared away, after it it is.
#[test]
fn old_requests_go() {
    let now = Time::EPOCH + 100 * HOUR;
    let ago = |span: Nanos| (now + -span).rfc3339();
    let good = {
        let request = request(CLIENT, "CN=kim", CLIENT_USAGES);
        let asked = parsed(&request).unwrap_or_default();
        move |until: Time| {
            let subject = asked.subject.clone();
            let names = asked.names.clone();
            let certificate = Certificate {
                subject: subject.clone(),
                issuer: subject,
                not_before: now,
                not_after: until,
                names,
            };
            to_base64(certificate.issue(&asked.key, &[], Chance::new(1)).as_bytes())
        }
    };
    let day = 24 * HOUR;
    for (name, made, condition, certificate, goes) in [
        (
            "no delete approved not passed deadline",
            MINUTE,
            Some(("Approved", 59 * MINUTE)),
            Some(now + day),
            false,
        ),
        (
            "no delete approved passed deadline not issued",
            61 * MINUTE,
            Some(("Approved", 61 * MINUTE)),
            None,
            false,
        ),
        ("delete approved passed deadline", 2 * HOUR, Some(("Approved", 61 * MINUTE)), Some(now + day), true),
        ("no delete denied not passed deadline", MINUTE, Some(("Denied", 59 * MINUTE)), None, false),
        ("delete denied passed deadline", 2 * HOUR, Some(("Denied", 61 * MINUTE)), None, true),
        ("no delete failed not passed deadline", HOUR, Some(("Failed", 59 * MINUTE)), None, false),
        ("delete failed passed deadline", 2 * HOUR, Some(("Failed", 61 * MINUTE)), None, true),
        ("no delete pending not passed deadline", day - MINUTE, None, None, false),
        ("delete pending passed deadline", day + MINUTE, None, None, true),
        (
            "no delete approved not passed deadline unissued",
            day,
            Some(("Approved", 50 * MINUTE)),
            None,
            false,
        ),
        (
            "delete approved not passed deadline expired",
            HOUR,
            Some(("Approved", 50 * MINUTE)),
            Some(now + -SECOND),
            true,
        ),
    ] {
        let mut request = request(CLIENT, "CN=kim", CLIENT_USAGES);
        request.set(&["metadata", "creationTimestamp"], ago(made));
        if let Some((kind, at)) = condition {
            let condition = tree!({"type": kind, "status": "True", "lastUpdateTime": (ago(at))});
            request.set(&["status", "conditions"], vec![condition]);
        }
        if let Some(until) = certificate {
            request.set(&["status", "certificate"], good(until));
        }
        assert_eq!(is_old(&request, now), goes, "{name}");
    }
}

/// A request that nobody may have approved by itself waits; an approved one is signed, or has failed.
#[test]
fn signs_only_what_is_approved() {
    for (usages, then) in [
        (CLIENT_USAGES, "Approved: "),
        (&["server auth"], "Failed: invalid usage for client certificate: server auth"),
    ] {
        let mut bench = bench(request(CLIENT, "CN=kim", usages));
        bench.run(SECOND);
        let read =
            |bench: &Bench<ControllerManager>| bench.server.object(CERTIFICATESIGNINGREQUESTS, "csr-x");
        assert!(kinds(&read(&bench)).is_empty(), "nobody approves it");
        bench.server.change(bench.now, CERTIFICATESIGNINGREQUESTS, "csr-x", |request| {
            let condition = tree!({"type": "Approved", "status": "True", "message": ""});
            request.set(&["status", "conditions"], vec![condition]);
        });
        bench.run(SECOND);
        let done = read(&bench);
        assert_eq!(kinds(&done).last().map(String::as_str), Some(then));
        let certificate = Certificate::parse(&text(&done["status"]["certificate"]));
        assert_eq!(certificate.is_ok(), then == "Approved: ");
        if let Ok(certificate) = certificate {
            assert_eq!(certificate.subject.common_name(), "kim");
            assert_eq!(certificate.issuer.common_name(), "kubernetes");
        }
    }
}

/// Without the signer nothing is signed; it takes up what waits when it starts.
#[test]
fn a_stopped_signer_signs_nothing() {
    let mut approved = request(CLIENT, "CN=kim", CLIENT_USAGES);
    approved.set(&["status", "conditions"], vec![tree!({"type": "Approved", "status": "True"})]);
    let mut bench = bench(approved);
    assert!(bench.component.stop("certificatesigningrequest-signing"));
    bench.run(10 * SECOND);
    let issued = |bench: &Bench<ControllerManager>| {
        !bench.server.object(CERTIFICATESIGNINGREQUESTS, "csr-x")["status"]["certificate"].is_null()
    };
    assert!(!issued(&bench));
    let now = bench.now;
    assert!(bench.component.start(now, "certificatesigningrequest-signing"));
    bench.run(SECOND);
    assert!(issued(&bench));
}

/// The approver asks whether who asked may; where nobody answers so, the request waits and it asks again.
/// Of upstream's TestHandle and TestRecognizers (sarapprove_test.go).
#[test]
fn approves_after_a_review() {
    const SELF: &str = "Approved: Auto approving self kubelet client certificate after SubjectAccessReview.";
    const OTHER: &str = "Approved: Auto approving kubelet client certificate after SubjectAccessReview.";
    let node = "O=system:nodes/CN=system:node:n1";
    for (signer, subject, usages, user, allowed, told) in [
        (KUBELET_CLIENT, node, CLIENT_USAGES, "system:bootstrap:a", "nodeclient", OTHER),
        (KUBELET_CLIENT, node, CLIENT_USAGES, "system:bootstrap:a", "selfnodeclient", ""),
        (KUBELET_CLIENT, node, CLIENT_USAGES, "system:bootstrap:a", "", ""),
        (KUBELET_CLIENT, node, CLIENT_USAGES, "system:node:n1", "selfnodeclient", SELF),
        (KUBELET_CLIENT, node, CLIENT_USAGES, "system:node:n1", "nodeclient", OTHER),
        (KUBELET_CLIENT, "O=system:nodes/CN=n1", CLIENT_USAGES, "n1", "selfnodeclient", ""),
        (KUBELET_CLIENT, "CN=kim", CLIENT_USAGES, "kim", "nodeclient", ""),
        (KUBELET_CLIENT, node, &["client auth", "server auth"], "x", "nodeclient", ""),
        (SERVING, node, &["digital signature", "server auth"], "x", "nodeclient", ""),
        (CLIENT, node, CLIENT_USAGES, "x", "nodeclient", ""),
    ] {
        let mut request = request(signer, subject, usages);
        request.set(&["spec", "username"], user);
        let mut bench = bench(request);
        bench.server.allowed.push(allowed.to_string());
        bench.run(SECOND);
        let request = bench.server.object(CERTIFICATESIGNINGREQUESTS, "csr-x");
        assert_eq!(kinds(&request).join(" "), told, "{signer} {subject} {usages:?} {user} {allowed}");
    }
}

/// Rights that come late are found: the approver asks again, later each time.
#[test]
fn asks_again_for_rights_that_come_late() {
    let node = "O=system:nodes/CN=system:node:n1";
    let mut bench = bench(request(KUBELET_CLIENT, node, CLIENT_USAGES));
    bench.run(10 * SECOND);
    bench.server.allowed.push("nodeclient".to_string());
    bench.run(60 * SECOND);
    let request = bench.server.object(CERTIFICATESIGNINGREQUESTS, "csr-x");
    assert!(!request["status"]["certificate"].is_null());
}
