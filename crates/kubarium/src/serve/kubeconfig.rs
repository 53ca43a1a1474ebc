//! The file by which clients find the server.

use std::io::Write;
use std::net::SocketAddr;

/// Makes the administrator's token.
pub(super) fn token() -> String {
    // What is drawn by the hasher's keys differs from run to run; it guards nothing but the own machine.
    use std::hash::{BuildHasher, Hasher};
    let draw = || std::hash::RandomState::new().build_hasher().finish();
    format!("kubarium-{:016x}{:016x}", draw(), draw())
}

/// Writes the file and returns its path.
pub(super) fn write(address: SocketAddr, token: &str) -> Result<String, String> {
    let folder = std::env::temp_dir().join(format!("kubarium-{}", address.port()));
    std::fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let path = folder.join("kubeconfig");
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let failed = |error: std::io::Error| format!("{}: {error}", path.display());
    let mut file = options.open(&path).map_err(failed)?;
    file.write_all(text(address, token).as_bytes()).map_err(failed)?;
    Ok(path.display().to_string())
}

fn text(address: SocketAddr, token: &str) -> String {
    format!(
        "apiVersion: v1\nkind: Config\ncurrent-context: kubernetes-admin@kubarium\nclusters:\n- name: kubarium\n  \
         cluster:\n    server: http://{address}\nusers:\n- name: kubernetes-admin\n  user:\n    token: {token}\n\
         contexts:\n- name: kubernetes-admin@kubarium\n  context:\n    cluster: kubarium\n    user: kubernetes-admin\n"
    )
}
