//! Helm, which `cargo xtask test` installs in the target folder with Python's client.

use crate::kubectl::Kubectl;
use crate::server::{Server, say};
use std::path::Path;

/// What is typed, and what the answer must hold. The chart is the one that `helm create` writes.
const STORY: &[(&str, &str)] = &[
    ("helm create web", "Creating web"),
    ("helm install web ./web --wait --timeout 50s", "STATUS: deployed"),
    ("helm list", "web-0.1.0"),
    ("helm test web --logs --timeout 50s", "Phase:          Succeeded"),
    ("helm install web ./web", "cannot re-use a name that is still in use"),
    ("helm upgrade web ./web --set replicaCount=3 --wait --timeout 50s", "REVISION: 2"),
    ("helm get values web", "replicaCount: 3"),
    ("helm rollback web 1 --wait --timeout 50s", "Rollback was a success! Happy Helming!"),
    ("helm history web", "Rollback to 1"),
    ("helm upgrade web ./web --set ingress.enabled=true,autoscaling.enabled=true", "REVISION: 4"),
    ("helm get manifest web", "kind: HorizontalPodAutoscaler"),
    ("helm upgrade web ./web --set service.port=0", "spec.ports[0].port: Invalid value: 0"),
    ("helm status web", "STATUS: failed"),
    ("helm uninstall web --wait --timeout 50s", "release \"web\" uninstalled"),
    ("helm list --all --short", ""),
];

#[test]
fn helm_works_as_with_a_real_cluster() {
    let tools = Path::new(env!("CARGO_TARGET_TMPDIR")).join("../python/bin");
    if !tools.join("helm").exists() {
        say("NOT RUN: Helm isn't installed; `cargo xtask test` installs it");
        return;
    }
    let server = Server::of("lesson", &["--speed", "5"]);
    let shell = Kubectl::new(&server);
    for (line, wanted) in STORY {
        let told = shell.shell(&format!("PATH={}:$PATH\n{line}", tools.display()));
        assert!(told.contains(wanted), "$ {line}\n{told}");
        assert!(!wanted.is_empty() || told.is_empty(), "$ {line}\n{told}");
    }
}
