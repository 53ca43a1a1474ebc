//! A kubelet that has a bootstrap token and no certificate yet: it asks for one, and joins once it has it.
// Models pkg/kubelet/certificate/bootstrap/bootstrap.go LoadClientCert,
// staging/src/k8s.io/client-go/util/certificate/csr/csr.go RequestCertificate, WaitForCertificate

use crate::Cluster;
use crate::console::kubeadm::{GROUP, word};
use crate::join::Machinery;
use api::number::to_base64;
use api::x509::{self, SigningRequest, Subject};
use api::{Method, Request, User, tree};
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
    pub node: String,
    /// The token's id.
    id: String,
    since: Time,
    /// The name of its request; empty before it was sent.
    request: String,
    /// When it looks again.
    pub at: Time,
}

impl Bootstrap {
    /// Makes the kubelet of a machine, which starts now with a token.
    pub(crate) fn new(node: &str, id: &str, now: Time) -> Bootstrap {
        Bootstrap { node: node.into(), id: id.into(), since: now, request: String::new(), at: now }
    }
}

impl Cluster {
    /// Lets the kubelets go on that wait for their certificates.
    pub(crate) fn step_bootstraps(&mut self) {
        let now = self.world.now;
        let all = std::mem::take(&mut self.terminal.machines.bootstraps);
        let (due, mut left): (Vec<_>, Vec<_>) = all.into_iter().partition(|one| one.at <= now);
        for mut one in due {
            if self.has_certificate(&mut one) {
                self.do_machinery(Machinery::Join(one.node));
            } else {
                one.at = now + if now - one.since < MINUTE { HEARS } else { HEARS_LATER };
                left.push(one);
            }
        }
        self.terminal.machines.bootstraps = left;
    }

    /// Sends a kubelet's request, or looks whether it was signed.
    fn has_certificate(&mut self, one: &mut Bootstrap) -> bool {
        let number = self.parts.by_name.get(&*one.node).copied().unwrap_or(u32::MAX);
        let is_on = self.parts.nodes.get(number as usize).is_some_and(|node| node.on);
        if !is_on || self.world.door.dial(self.wires.apiserver).is_some() {
            return false;
        }
        if one.request.is_empty() {
            one.request = self.request_certificate(&one.node, &one.id);
            return false;
        }
        let found = self.peek(&Request::new(Method::Get, format!("{REQUESTS}/{}", one.request)));
        if found.code == 404 {
            one.request.clear(); // it sends another one
        }
        !found.body["status"]["certificate"].str().is_empty()
    }

    /// Asks for a kubelet's certificate with the token, and returns the request's name; an empty one where it was
    /// refused. The controller manager approves and signs it.
    fn request_certificate(&mut self, node: &str, id: &str) -> String {
        let n = self.world.requests;
        let name = format!("csr-{}", word(self.world.chance, "csr", n, 5));
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
        let groups = ["system:bootstrappers", GROUP, "system:authenticated"];
        let user = Rc::new(User::new(&format!("system:bootstrap:{id}"), &groups));
        let asked = Request::new(Method::Post, REQUESTS).body(request).by(&user, &"kubelet".into());
        let made = self.world.call_now(&asked);
        if made.is_success() { name } else { String::new() }
    }
}
