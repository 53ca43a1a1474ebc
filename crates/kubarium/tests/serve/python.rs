//! Python's client (`kubernetes` on PyPI), which `cargo xtask test` installs in the target folder.

use crate::server::{Server, say};
use std::path::Path;
use std::process::Command;

#[test]
fn python_s_client_works_as_with_a_real_cluster() {
    let python = Path::new(env!("CARGO_TARGET_TMPDIR")).join("../python/bin/python");
    let has_client = || Command::new(&python).args(["-c", "import kubernetes"]).output();
    if !has_client().is_ok_and(|told| told.status.success()) {
        say("NOT RUN: Python's client isn't installed; `cargo xtask test` installs it");
        return;
    }
    let server = Server::start();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/serve/client.py");
    let told = Command::new(&python).arg(script).arg(&server.kubeconfig).output().unwrap();
    let (out, err) = (String::from_utf8_lossy(&told.stdout), String::from_utf8_lossy(&told.stderr));
    assert!(told.status.success(), "after {out}:\n{err}");
    assert_eq!(out.lines().last(), Some("many_at_once"), "all stories are told");
}
