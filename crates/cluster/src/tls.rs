//! TLS, before an application sees anything: who listens says whether it speaks it and which certificate it
//! shows. Nobody's certificate is signed by an authority that a client knows without being told.

use crate::Cluster;
use crate::addons::Addon;
use crate::ports::{APISERVER, KUBELETS};
use crate::wires::Asker;
use network::{Answer, Arrival, Headers, HttpResponse, Payload};
use shell::Certificate;
use std::rc::Rc;

/// How a client begins TLS, and how a server goes on.
const HELLO: &str = "\u{16}\u{3}\u{1}";
/// The ports on which add-ons speak TLS: nginx for all, its webhook, MetalLB's, and the metrics server.
const NGINX: u16 = 443;
const NGINX_WEBHOOK: u16 = 8_443;
const METALLB_WEBHOOK: u16 = 9_443;
const METRICS: u16 = 10_250;
/// What OpenSSL says of certificates that nobody vouches for.
// Models openssl crypto/x509/x509_txt.c X509_verify_cert_error_string
const SELF_SIGNED: (u8, &str) = (18, "self-signed certificate");
const SELF_SIGNED_CHAIN: (u8, &str) = (19, "self-signed certificate in certificate chain");
const NO_ISSUER: (u8, &str) = (20, "unable to get local issuer certificate");

/// Returns the words of a client that begins TLS with whom it calls so.
pub(crate) fn hello(name: &str) -> Rc<str> {
    format!("{HELLO}{name}").into()
}

/// Reads the certificate in a server's hello; `None` for what isn't one.
pub(crate) fn read(text: &str) -> Option<Certificate> {
    let mut lines = text.strip_prefix(HELLO)?.split('\n').map(str::to_string);
    let mut next = || lines.next().unwrap_or_default();
    let (subject, issuer, number, why, note) = (next(), next(), next(), next(), next());
    Some(Certificate { subject, issuer, flaw: (number.parse().unwrap_or(0), why), note })
}

fn shown(certificate: &Certificate) -> Rc<str> {
    let Certificate { subject, issuer, flaw: (number, why), note } = certificate;
    format!("{HELLO}{subject}\n{issuer}\n{number}\n{why}\n{note}").into()
}

/// Answers a hello, TLS that the other side doesn't speak or the reverse, and silence. Returns whether it was
/// that.
pub(crate) fn arrive(cluster: &mut Cluster, arrival: &Arrival) -> bool {
    if cluster.wires.askers.get(&arrival.exchange) != Some(&Asker::Console) {
        return false;
    }
    let (name, is_http, is_tls) = match &*arrival.payload {
        Payload::Text(text) if text.is_empty() => {
            cluster.wires.network.reply(arrival.at, arrival.exchange, Answer::Text("".into()));
            return true;
        }
        Payload::Text(text) => match text.strip_prefix(HELLO) {
            Some(name) => (name.to_string(), false, true),
            None => return false,
        },
        Payload::Http(http) => (http.host.to_string(), true, http.is_tls),
        _ => return false,
    };
    let answer = match certificate(cluster, arrival, &name) {
        Some(certificate) if !is_http => Answer::Text(shown(&certificate)),
        None if is_tls => Answer::Text("HTTP/1.1 400 Bad Request\r\n".into()),
        Some(_) if !is_tls => Answer::Http(plain(cluster, arrival)),
        _ => return false,
    };
    cluster.wires.network.reply(arrival.at, arrival.exchange, answer);
    true
}

fn of(subject: &str, issuer: &str, (number, why): (u8, &str)) -> Certificate {
    let (subject, issuer) = (subject.to_string(), issuer.to_string());
    Certificate { subject, issuer, flaw: (number, why.to_string()), note: String::new() }
}

fn of_secret(secret: &str) -> Certificate {
    Certificate {
        note: format!("the one in Secret {secret}; what it says isn't read here"),
        ..of("", "", SELF_SIGNED)
    }
}

/// Returns the certificate that whoever listens there shows to a client that means a name; `None` where no TLS
/// is spoken.
fn certificate(cluster: &Cluster, arrival: &Arrival, name: &str) -> Option<Certificate> {
    if arrival.application == APISERVER {
        return Some(of("CN=kube-apiserver", "CN=kubernetes", NO_ISSUER));
    }
    let began = sim::Time::EPOCH.unix_seconds() - 60 * i64::from(cluster.preset.uptime_minutes);
    // Models k8s.io/client-go/util/cert GenerateSelfSignedCertKeyWithFixtures
    let own =
        |host: &str| of(&format!("CN={host}@{began}"), &format!("CN={host}-ca@{began}"), SELF_SIGNED_CHAIN);
    if let Some(node) = arrival.application.0.checked_sub(KUBELETS) {
        let node = cluster.parts.nodes.get(usize::try_from(node).ok()?)?;
        return Some(own(&node.name));
    }
    let uid = cluster.wires.applications.get(&arrival.application)?;
    match (cluster.parts.addons.of_pod(uid)?, arrival.local.port) {
        (Addon::Ingress(controller), NGINX) => Some(match controller.secret_of(name) {
            "" => {
                let fake = "O=Acme Co; CN=Kubernetes Ingress Controller Fake Certificate";
                of(fake, fake, SELF_SIGNED)
            }
            secret => of_secret(secret),
        }),
        (Addon::Gateway(plane), port) => plane.secret_of(port, name).map(of_secret),
        (Addon::Ingress(_), NGINX_WEBHOOK) => Some(of("O=nil2", "O=nil1", NO_ISSUER)),
        (Addon::Controller(_), METALLB_WEBHOOK) => {
            let name = "CN=metallb-webhook-service.metallb-system.svc";
            Some(of(name, "O=metallb; CN=cert", NO_ISSUER))
        }
        (Addon::Metrics(_), METRICS) => Some(own("localhost")),
        _ => None,
    }
}

/// Returns what is said to a request without TLS where TLS is spoken.
fn plain(cluster: &Cluster, arrival: &Arrival) -> HttpResponse {
    let uid = cluster.wires.applications.get(&arrival.application);
    let addon = uid.and_then(|uid| cluster.parts.addons.of_pod(uid));
    let is_ingress = matches!(addon, Some(Addon::Ingress(_))) && arrival.local.port == NGINX;
    if is_ingress || matches!(addon, Some(Addon::Gateway(_))) {
        // Models nginx src/http/ngx_http_special_response.c ngx_http_error_497_page
        let body = "<html>\r\n<head><title>400 The plain HTTP request was sent to HTTPS port</title></head>\r\n<body>\r\n\
                    <center><h1>400 Bad Request</h1></center>\r\n\
                    <center>The plain HTTP request was sent to HTTPS port</center>\r\n\
                    <hr><center>nginx</center>\r\n</body>\r\n</html>\r\n";
        let headers: Headers =
            vec![("Content-Type".into(), "text/html".into()), ("Connection".into(), "close".into())];
        return HttpResponse { status: 400, headers, body: body.into() };
    }
    // Models net/http/server.go tlsRecordHeaderLooksLikeHTTP
    HttpResponse::new(400, "Client sent an HTTP request to an HTTPS server.\n")
}
