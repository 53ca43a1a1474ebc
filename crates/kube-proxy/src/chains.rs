//! The names of the chains that belong to one Service's port.

use crate::ServicePortName;
use network::Socket;
use sha2::{Digest, Sha256};
use std::rc::Rc;

/// The beginnings of the names of all chains that come and go with Services.
const PREFIXES: [&str; 5] = ["KUBE-SVC-", "KUBE-SVL-", "KUBE-SEP-", "KUBE-FW-", "KUBE-EXT-"];

/// How long what follows the prefix of a name may be in mode nftables.
const NAME_LENGTH: usize = 240;

/// Returns the first 16 letters of a text's SHA-256 in base 32.
// Models pkg/proxy/iptables/proxier.go portProtoHash
fn hash(text: &str) -> String {
    let mut encoded = data_encoding::BASE32.encode(&Sha256::digest(text.as_bytes()));
    encoded.truncate(16);
    encoded
}

/// The chains of one Service's port.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct ServiceChains {
    /// To all endpoints.
    pub(crate) cluster: Rc<str>,
    /// To the node's own endpoints.
    pub(crate) local: Rc<str>,
    /// What checks `loadBalancerSourceRanges`.
    pub(crate) firewall: Rc<str>,
    /// What traffic from outside passes.
    pub(crate) external: Rc<str>,
}

impl ServiceChains {
    /// Names the chains of a port: `namespace/name:port` and `tcp`.
    pub(crate) fn new(name: &str, protocol: &str) -> ServiceChains {
        let hash = hash(&format!("{name}{protocol}"));
        let chain = |prefix: &str| format!("{prefix}{hash}").into();
        ServiceChains {
            cluster: chain("KUBE-SVC-"),
            local: chain("KUBE-SVL-"),
            firewall: chain("KUBE-FW-"),
            external: chain("KUBE-EXT-"),
        }
    }
}

/// Returns what the names of a port's chains in mode nftables end with, or those of one of its endpoints.
// Models pkg/proxy/nftables/proxier.go servicePortChainNameBase, servicePortEndpointChainNameBase
pub(crate) fn plain_name(name: &ServicePortName, endpoint: Option<Socket>) -> String {
    let mut text = format!("{}/{}/{}", name.service, name.protocol.name(), name.port);
    if let Some(Socket { address, port }) = endpoint {
        text.push_str(&format!("__{address}/{port}"));
    }
    let mut encoded = hash(&text);
    encoded.truncate(8);
    let mut whole = format!("{encoded}-{text}");
    if whole.len() > NAME_LENGTH {
        whole.truncate(NAME_LENGTH - 3);
        whole.push_str("...");
    }
    whole
}

/// Names the chain of one endpoint of a port.
pub(crate) fn endpoint_chain(name: &str, protocol: &str, endpoint: &str) -> Rc<str> {
    format!("KUBE-SEP-{}", hash(&format!("{name}{protocol}{endpoint}"))).into()
}

/// Returns whether a chain comes and goes with Services.
pub(crate) fn is_service_chain(name: &str) -> bool {
    PREFIXES.iter().any(|prefix| name.starts_with(prefix))
}

#[cfg(test)]
mod tests {
    use super::*;

    // From pkg/proxy/iptables/proxier_test.go.
    #[test]
    fn names_are_upstreams() {
        for (name, chain) in [
            ("ns1/svc1:p80", "KUBE-SVC-XPGD46QRK7WJZT7O"),
            ("ns2/svc2:p80", "KUBE-SVC-GNZBNJ2PO5MGZ6GT"),
            ("ns4/svc4:p80", "KUBE-SVC-4SW47YFZTEDKD3PK"),
        ] {
            assert_eq!(&*ServiceChains::new(name, "tcp").cluster, chain);
        }
        let name = |service: &str, port: &str| ServicePortName {
            service: service.into(),
            port: port.into(),
            protocol: network::Protocol::Tcp,
        };
        let endpoint = Some(Socket::new([10, 180, 0, 1].into(), 80));
        assert_eq!(plain_name(&name("ns1/svc1", "p80"), None), "ULMVA6XW-ns1/svc1/tcp/p80");
        assert_eq!(plain_name(&name("ns5/svc5", "p80"), None), "HVFWP5L3-ns5/svc5/tcp/p80");
        let own = plain_name(&name("ns1/svc1", "p80"), endpoint);
        assert_eq!(own, "5OJB2KTY-ns1/svc1/tcp/p80__10.180.0.1/80");
        assert_eq!(&*endpoint_chain("ns1/svc1:p80", "tcp", "10.180.0.1:80"), "KUBE-SEP-SXIVWICOYRO3J4NJ");
    }
}
