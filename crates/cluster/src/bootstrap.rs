//! A kubelet that has a bootstrap token and no certificate yet: it asks for one, and joins once it has it.
// Models pkg/kubelet/certificate/bootstrap/bootstrap.go LoadClientCert,
// staging/src/k8s.io/client-go/util/certificate/csr/csr.go RequestCertificate, WaitForCertificate

use crate::Cluster;
use crate::join::Machinery;
use crate::parts::Parts;
use api::number::to_base64;
use api::x509::{self, SigningRequest, Subject};
use api::{Method, Request, tree};
use sim::{MILLISECOND, MINUTE, Nanos, SECOND, Time};
use std::rc::Rc;

const REQUESTS: &str = "/apis/certificates.k8s.io/v1/certificatesigningrequests";
/// How soon it has heard that its request was signed. A real kubelet watches the request.
const HEARS: Nanos = 100 * MILLISECOND;
/// The same of a request that nobody has signed for a while.
const HEARS_LATER: Nanos = SECOND;

/// A kubelet that waits for its certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Bootstrap {
    token: String,
    since: Time,
    /// The name of its request; empty before it was sent.
    request: String,
    /// When it looks again.
    pub at: Time,
}

impl Bootstrap {
    /// Makes what a kubelet knows that starts now with a token.
    pub(crate) fn new(token: &str, now: Time) -> Bootstrap {
        Bootstrap { token: token.into(), since: now, request: String::new(), at: now }
    }
}

impl Cluster {
    /// Lets a kubelet go on that waits for its certificate.
    pub(crate) fn step_bootstrap(&mut self, number: u32) {
        let now = self.world.now;
        let Some(node) = self.parts.nodes.get_mut(number as usize) else { return };
        let (name, Some(mut one)) = (node.name.clone(), node.bootstrap.take()) else { return };
        if self.has_certificate(&name, &mut one) {
            return self.do_machinery(Machinery::Join(name.to_string()));
        }
        one.at = now + if now - one.since < MINUTE { HEARS } else { HEARS_LATER };
        self.parts.nodes[number as usize].bootstrap = Some(one);
        self.reschedule(Parts::kubelet_id(number));
    }

    /// Sends a kubelet's request, or looks whether it was signed.
    fn has_certificate(&mut self, node: &str, one: &mut Bootstrap) -> bool {
        if self.world.door.dial(self.wires.apiserver).is_some() {
            return false;
        }
        if one.request.is_empty() {
            let Some(user) = self.authenticate(&one.token).map(Rc::new) else { return false };
            let (name, request) = self.certificate_request(node);
            if self.world.call_now(&request.by(&user, &"kubelet".into())).is_success() {
                one.request = name;
            }
            return false;
        }
        // It watches the request from then on, whatever becomes of its token.
        let found = self.peek(&Request::new(Method::Get, format!("{REQUESTS}/{}", one.request)));
        if found.code == 404 {
            one.request.clear(); // it sends another one
        }
        !found.body["status"]["certificate"].str().is_empty()
    }

    /// Returns the request for a kubelet's certificate, and its name. The controller manager approves and signs it.
    fn certificate_request(&self, node: &str) -> (String, Request) {
        let name = format!("csr-{}", self.world.word("csr", 5));
        let pair = |name: &str, text: String| (name.to_string(), text);
        let subject =
            Subject(vec![pair("O", "system:nodes".into()), pair("CN", format!("system:node:{node}"))]);
        let key = x509::public_key(&x509::private_key(self.world.chance, &name, 2_048)).unwrap_or_default();
        let asked = SigningRequest { subject, key, ..SigningRequest::default() };
        let request = tree!({
            "apiVersion": "certificates.k8s.io/v1", "kind": "CertificateSigningRequest",
            "metadata": {"name": (&name)},
            "spec": {
                "request": (to_base64(asked.to_pem(self.world.chance).as_bytes())),
                "signerName": "kubernetes.io/kube-apiserver-client-kubelet",
                "usages": ["digital signature", "client auth"],
            },
        });
        (name, Request::new(Method::Post, REQUESTS).body(request))
    }
}
