//! `kubectl kustomize` and `-k`: manifests built from a folder with a kustomization.
//!
//! What there is: resources, components, generators of ConfigMaps and Secrets with their hashes,
//! names, namespaces, labels, annotations, images, replicas, patches of both kinds and replacements.
//! What there is not says so by name: plugins, Helm charts, `vars`, `configurations`, folders of a
//! repository elsewhere.
// Models sigs.k8s.io/kustomize/api/krusty

mod accumulate;
mod fields;
mod generate;
mod hash;
mod kustomization;
mod order;
mod paths;
mod references;
mod resource;
mod target;
mod transform;

use api::Value;
use api::path::absolute;

pub use hash::suffix;

/// Where files are read from. Paths are absolute.
pub trait Files {
    /// Reads a file.
    ///
    /// # Errors
    /// Why it can't be read, in the words of Go's `os` package: `no such file or directory`.
    fn read(&mut self, path: &str) -> Result<String, String>;

    /// Returns whether there is a folder at a path.
    fn is_folder(&mut self, path: &str) -> bool;

    /// Fetches what is at a URL.
    ///
    /// # Errors
    /// Why it can't be fetched.
    fn fetch(&mut self, url: &str) -> Result<String, String>;
}

/// What came of a build.
#[derive(Clone, Debug, Default)]
pub struct Built {
    /// The objects, in order.
    pub objects: Vec<Value>,
    /// What is deprecated in the kustomizations, a line each.
    pub warnings: Vec<String>,
}

/// Builds what the kustomization of a folder describes.
///
/// # Errors
/// kustomize's message, and where that is cryptic a line of ours.
// Models api/krusty/kustomizer.go Kustomizer.Run
pub fn build(files: &mut dyn Files, folder: &str) -> Result<Built, String> {
    let root = absolute("/", folder);
    if !files.is_folder(&root) {
        return Err(match files.read(&root) {
            Ok(_) => format!("must build at directory: '{root}': file is not directory"),
            Err(_) => format!("must build at directory: not a valid directory: {}", paths::missing(&root)),
        });
    }
    let mut build = accumulate::Build::new(files);
    let (mut resources, sort) = build.root(&root)?;
    for resource in &mut resources {
        resource.add_hash();
    }
    references::fix(&mut resources)?;
    let warnings = build.warnings;
    let mut objects: Vec<Value> =
        resources.into_iter().filter(|own| !own.is_local()).map(|own| own.object).collect();
    order::sort(&mut objects, &sort);
    Ok(Built { objects, warnings })
}
