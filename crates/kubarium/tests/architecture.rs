//! Holds the crates' dependencies to the table of ARCHITECTURE.md: they point down only, and no
//! component names the API server, the store or another component.

use std::collections::BTreeSet;
use std::path::Path;

/// (crate, the project's crates that it may depend on).
const TABLE: &[(&str, &[&str])] = &[
    ("sim", &[]),
    ("view", &[]),
    ("api", &["sim"]),
    ("schema", &["api"]),
    ("etcd", &["api", "sim"]),
    ("apiserver", &["api", "etcd", "schema", "sim"]),
    ("client", &["api", "sim"]),
    ("apiextensions", &["api", "client", "sim"]),
    ("kube-aggregator", &["api", "client", "sim"]),
    ("controller-manager", &["api", "client", "sim"]),
    ("scheduler", &["api", "client", "sim"]),
    ("network", &["api", "sim"]),
    ("kubelet", &["api", "client", "network", "sim"]),
    ("kube-proxy", &["api", "client", "network", "sim"]),
    ("network-policy", &["api", "client", "network", "sim"]),
    ("cloud-provider", &["api", "client", "sim"]),
    ("frr", &["network", "sim"]),
    ("nginx", &["network", "sim"]),
    ("ingress-nginx", &["api", "client", "network", "nginx", "sim"]),
    ("nginx-gateway-fabric", &["api", "client", "network", "nginx", "sim"]),
    ("coredns", &["api", "client", "network", "sim"]),
    ("metallb", &["api", "client", "network", "sim"]),
    ("metrics-server", &["api", "client", "network", "sim"]),
    ("nfs-provisioner", &["api", "client", "sim"]),
    ("csi", &["api", "client", "sim"]),
    ("kustomize", &["api", "schema"]),
    ("kubectl", &["api", "client", "kustomize", "schema", "sim"]),
    ("shell", &["api", "client", "kubectl", "sim"]),
    (
        "cluster",
        &[
            "api",
            "apiextensions",
            "apiserver",
            "client",
            "cloud-provider",
            "controller-manager",
            "coredns",
            "csi",
            "etcd",
            "frr",
            "ingress-nginx",
            "kube-aggregator",
            "kube-proxy",
            "kubectl",
            "kubelet",
            "metallb",
            "metrics-server",
            "network",
            "network-policy",
            "nfs-provisioner",
            "nginx",
            "nginx-gateway-fabric",
            "scheduler",
            "schema",
            "shell",
            "sim",
            "view",
        ],
    ),
    ("kubarium", &["api", "cluster", "schema", "sim", "view"]),
    ("web", &["api", "cluster", "schema", "sim", "view"]),
];

/// Returns the names under `[dependencies]` of a manifest.
fn dependencies(manifest: &str) -> BTreeSet<String> {
    let mut inside = false;
    let mut names = BTreeSet::new();
    for line in manifest.lines() {
        if line.starts_with('[') {
            inside = line.trim() == "[dependencies]";
            if let Some(name) = line.trim().strip_prefix("[dependencies.") {
                names.insert(name.trim_end_matches(']').to_string());
            }
        } else if inside && let Some((name, _)) = line.split_once(['.', '=', ' ']) {
            names.insert(name.trim().to_string());
        }
    }
    names
}

#[test]
fn dependencies_point_down() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let ours: BTreeSet<&str> = TABLE.iter().map(|(name, _)| *name).collect();
    for (name, allowed) in TABLE {
        let folder = if *name == "web" { root.join("web") } else { root.join("crates").join(name) };
        let manifest = std::fs::read_to_string(folder.join("Cargo.toml")).unwrap();
        let own = dependencies(&manifest).into_iter().filter(|other| ours.contains(other.as_str()));
        for other in own {
            assert!(allowed.contains(&other.as_str()), "{name} may not depend on {other}");
        }
    }
    let there = std::fs::read_dir(root.join("crates")).unwrap();
    for entry in there {
        let name = entry.unwrap().file_name().to_string_lossy().to_string();
        assert!(ours.contains(name.as_str()), "crates/{name} is not in the table");
    }
}

#[test]
fn only_the_page_knows_javascript() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    for (name, _) in TABLE.iter().filter(|(name, _)| !matches!(*name, "web" | "kubarium")) {
        let manifest = std::fs::read_to_string(root.join("crates").join(name).join("Cargo.toml")).unwrap();
        for word in ["wasm-bindgen", "web-sys", "js-sys", "yew"] {
            assert!(!dependencies(&manifest).contains(word), "{name} depends on {word}");
        }
    }
}
