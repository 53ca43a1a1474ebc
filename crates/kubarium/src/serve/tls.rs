//! TLS: the cluster's own certificate authority, the server's certificate, and whose a client's is.

use super::identity::{Identity, Peer};
use rcgen::{
    BasicConstraints, Certificate, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair, KeyUsagePurpose,
};
use std::net::IpAddr;
use std::sync::Arc;
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::client::danger::HandshakeSignatureValid;
use tokio_rustls::rustls::crypto::{CryptoProvider, ring};
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, UnixTime};
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use tokio_rustls::rustls::{
    DigitallySignedStruct, DistinguishedName, Error, RootCertStore, ServerConfig, SignatureScheme,
};
use tokio_rustls::server::TlsStream;

/// The names by which the API server is known inside the cluster.
const NAMES: [&str; 5] = [
    "localhost",
    "kubernetes",
    "kubernetes.default",
    "kubernetes.default.svc",
    "kubernetes.default.svc.cluster.local",
];

/// The cluster's certificate authority.
pub(super) struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
}

/// A certificate with its key, both as PEM.
pub(super) struct Pair {
    pub(super) certificate: String,
    pub(super) key: String,
}

fn told(error: impl std::fmt::Display) -> String {
    format!("certificates: {error}")
}

impl Authority {
    /// Makes an authority that nobody else trusts.
    pub(super) fn new() -> Result<Authority, String> {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, "kubernetes");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![
            KeyUsagePurpose::DigitalSignature,
            KeyUsagePurpose::KeyEncipherment,
            KeyUsagePurpose::KeyCertSign,
        ];
        let key = KeyPair::generate().map_err(told)?;
        Ok(Authority { issuer: CertifiedIssuer::self_signed(params, key).map_err(told)? })
    }

    /// Returns the authority's own certificate as PEM.
    pub(super) fn certificate(&self) -> String {
        self.issuer.pem()
    }

    fn issue(&self, mut params: CertificateParams) -> Result<(Certificate, KeyPair), String> {
        params.use_authority_key_identifier_extension = true;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature, KeyUsagePurpose::KeyEncipherment];
        let key = KeyPair::generate().map_err(told)?;
        let certificate = params.signed_by(&key, &self.issuer).map_err(told)?;
        Ok((certificate, key))
    }

    /// Issues a client's certificate: the common name is the user, the organisations are the groups.
    // Models staging/src/k8s.io/apiserver/pkg/authentication/request/x509/x509.go CommonNameUserConversion
    pub(super) fn client(&self, user: &str, group: &str) -> Result<Pair, String> {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, user);
        params.distinguished_name.push(DnType::OrganizationName, group);
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        let (certificate, key) = self.issue(params)?;
        Ok(Pair { certificate: certificate.pem(), key: key.serialize_pem() })
    }

    /// Makes what TLS connections are accepted with, at an address.
    pub(super) fn acceptor(&self, address: IpAddr) -> Result<Acceptor, String> {
        let mut names: Vec<String> = NAMES.map(str::to_string).to_vec();
        names.extend(["127.0.0.1".to_string(), "::1".to_string(), address.to_string()]);
        names.dedup();
        let mut params = CertificateParams::new(names).map_err(told)?;
        params.distinguished_name.push(DnType::CommonName, "kube-apiserver");
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        let (certificate, key) = self.issue(params)?;
        let mut roots = RootCertStore::empty();
        roots.add(self.issuer.der().clone()).map_err(told)?;
        let provider: Arc<CryptoProvider> = Arc::new(ring::default_provider());
        let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider.clone());
        let verifier: Arc<dyn ClientCertVerifier> = verifier.allow_unauthenticated().build().map_err(told)?;
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(told)?
            .with_client_cert_verifier(Arc::new(Lenient(verifier.clone())))
            .with_single_cert(vec![certificate.der().clone()], key)
            .map_err(told)?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Acceptor { tls: TlsAcceptor::from(Arc::new(config)), verifier })
    }
}

/// What TLS connections are accepted with.
pub(super) struct Acceptor {
    tls: TlsAcceptor,
    verifier: Arc<dyn ClientCertVerifier>,
}

impl Acceptor {
    /// Does the handshake, and says who is at the other end.
    pub(super) async fn accept(
        &self,
        connection: TcpStream,
    ) -> std::io::Result<(TlsStream<TcpStream>, Peer)> {
        let stream = self.tls.accept(connection).await?;
        let certificates = stream.get_ref().1.peer_certificates().unwrap_or_default();
        let peer = match certificates {
            [] => Peer::Anonymous,
            [own, others @ ..] => {
                let is_ours = self.verifier.verify_client_cert(own, others, UnixTime::now()).is_ok();
                let identity = is_ours.then(|| identity_of(own)).flatten();
                identity.map_or(Peer::Stranger, Peer::User)
            }
        };
        Ok((stream, peer))
    }
}

/// Returns the user that a certificate names.
fn identity_of(certificate: &CertificateDer) -> Option<Identity> {
    let (_, certificate) = x509_parser::parse_x509_certificate(certificate).ok()?;
    let subject = certificate.subject();
    let user = subject.iter_common_name().next()?.as_str().ok()?.to_string();
    let groups = subject.iter_organization().filter_map(|name| name.as_str().ok());
    let groups = groups.map(str::to_string).chain(["system:authenticated".to_string()]).collect();
    Some((user, groups))
}

/// Takes any certificate for the time of the handshake, as Go's server does when it only asks for one: who
/// shows another cluster's is told so in an answer.
#[derive(Debug)]
struct Lenient(Arc<dyn ClientCertVerifier>);

impl ClientCertVerifier for Lenient {
    fn client_auth_mandatory(&self) -> bool {
        false
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        self.0.root_hint_subjects()
    }

    fn verify_client_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        Ok(ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.0.verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.0.verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.supported_verify_schemes()
    }
}
