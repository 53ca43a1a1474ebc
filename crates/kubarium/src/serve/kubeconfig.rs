//! The file by which clients find the server.

use super::tls::{Authority, Pair};
use std::io::Write;
use std::net::SocketAddr;
use std::path::Path;
use tokio_rustls::rustls::crypto::ring;

/// Returns random bytes, for what nobody is to guess.
pub(super) fn secret() -> Result<[u8; 32], String> {
    let mut bytes = [0; 32];
    ring::default_provider().secure_random.fill(&mut bytes).map_err(|_| "no source of randomness")?;
    Ok(bytes)
}

/// Makes the administrator's token.
pub(super) fn token() -> Result<String, String> {
    let digits = secret()?.iter().take(16).map(|byte| format!("{byte:02x}")).collect::<String>();
    Ok(format!("kubarium-{digits}"))
}

/// Writes the file, which nobody else may read, and returns its path.
pub(super) fn write(address: SocketAddr, authority: &Authority, token: &str) -> Result<String, String> {
    let (user, group) = ("kubernetes-admin", "system:masters");
    let text = text(address, &authority.certificate(), &authority.client(user, group)?, token);
    let folder = std::env::temp_dir().join(format!("kubarium-{}", address.port()));
    let path = folder.join("kubeconfig");
    write_secret(&folder, &path, &text).map_err(|error| format!("{}: {error}", path.display()))?;
    Ok(path.display().to_string())
}

fn write_secret(folder: &Path, path: &Path, text: &str) -> std::io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    let mut options = std::fs::OpenOptions::new();
    #[cfg(unix)]
    {
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    }
    builder.recursive(true).create(folder)?;
    // What was there, perhaps somebody else's, is not written into.
    if let Err(error) = std::fs::remove_file(path)
        && error.kind() != std::io::ErrorKind::NotFound
    {
        return Err(error);
    }
    options.write(true).create_new(true).open(path)?.write_all(text.as_bytes())
}

fn text(address: SocketAddr, authority: &str, pair: &Pair, token: &str) -> String {
    let encode = |text: &str| super::protobuf::base64(text.as_bytes());
    let (authority, certificate, key) = (encode(authority), encode(&pair.certificate), encode(&pair.key));
    let server = match address.ip() {
        ip if !ip.is_unspecified() => address,
        std::net::IpAddr::V4(_) => ([127, 0, 0, 1], address.port()).into(),
        std::net::IpAddr::V6(_) => (std::net::Ipv6Addr::LOCALHOST, address.port()).into(),
    };
    format!(
        "apiVersion: v1
kind: Config
current-context: kubernetes-admin@kubarium
clusters:
- name: kubarium
  cluster:
    server: https://{server}
    certificate-authority-data: {authority}
users:
- name: kubernetes-admin
  user:
    client-certificate-data: {certificate}
    client-key-data: {key}
- name: token
  user:
    token: {token}
contexts:
- name: kubernetes-admin@kubarium
  context:
    cluster: kubarium
    user: kubernetes-admin
- name: token@kubarium
  context:
    cluster: kubarium
    user: token
"
    )
}
