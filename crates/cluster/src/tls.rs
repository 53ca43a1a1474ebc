//! What is answered before an application sees it, where somebody in front of the console asks: TLS, which
//! what listens on a port that is meant for it speaks, with a certificate that nobody vouches for whom
//! `curl` knows; and connections over which nothing is sent.

use crate::Cluster;
use crate::wires::Asker;
use network::{Answer, Arrival, Payload};

/// How a client begins TLS, and how a server goes on.
const HELLO: &str = "\u{16}\u{3}\u{1}";

/// Returns whether what listens on a port speaks TLS: 443, 6443, 8443, 9443 and the kubelet's 10250.
pub(crate) fn is_spoken(port: u16) -> bool {
    port % 1_000 == 443 || port == 10_250
}

/// Answers a hello, TLS that the other side doesn't speak, and silence. Returns whether it was that.
pub(crate) fn arrive(cluster: &mut Cluster, arrival: &Arrival) -> bool {
    let is_asked = || cluster.wires.askers.get(&arrival.exchange) == Some(&Asker::Console);
    if matches!(&*arrival.payload, Payload::Text(text) if text.is_empty()) && is_asked() {
        cluster.wires.network.reply(arrival.at, arrival.exchange, Answer::Text("".into()));
        return true;
    }
    let is_hello = matches!(&*arrival.payload, Payload::Text(text) if text.starts_with(HELLO));
    let is_tls = is_hello || matches!(&*arrival.payload, Payload::Http(http) if http.is_tls);
    let speaks = is_spoken(arrival.local.port);
    if !is_tls || (speaks && !is_hello) || !is_asked() {
        return false;
    }
    let answer = match speaks {
        true => format!("{HELLO}{}", distrust(cluster, arrival)),
        false => "HTTP/1.1 400 Bad Request\r\n".to_string(),
    };
    cluster.wires.network.reply(arrival.at, arrival.exchange, Answer::Text(answer.into()));
    true
}

/// Returns why a certificate is no good: that of an ingress controller is signed by itself, others by an
/// authority that nobody knows.
fn distrust(cluster: &Cluster, arrival: &Arrival) -> &'static str {
    let uid = cluster.wires.applications.get(&arrival.application);
    match uid.is_some_and(|uid| cluster.parts.addons.is_ingress(uid)) {
        true => "self-signed certificate",
        false => "unable to get local issuer certificate",
    }
}
