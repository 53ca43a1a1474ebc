//! Reading resources, folder by folder, and doing to them what each kustomization says.
// Models api/internal/target/kusttarget.go

use crate::resource::Resource;
use crate::{Files, generate, kustomization, paths, transform};
use api::Value;
use api::path::absolute;

/// How deep kustomizations may stand on one another.
const MAX_DEPTH: usize = 64;
/// How many objects one may bring together.
const MAX_OBJECTS: usize = 10_000;

/// A build under way.
pub struct Build<'a> {
    files: &'a mut dyn Files,
    /// The folders that are being read, the outermost first.
    visited: Vec<String>,
    /// What is deprecated.
    pub warnings: Vec<String>,
}

impl<'a> Build<'a> {
    /// Begins one.
    pub fn new(files: &'a mut dyn Files) -> Build<'a> {
        Build { files, visited: Vec::new(), warnings: Vec::new() }
    }

    /// Builds the outermost folder. Returns its resources and its `sortOptions`.
    pub fn root(&mut self, root: &str) -> Result<(Vec<Resource>, Value), String> {
        let own = self.kustomization(root)?;
        let sort = own["sortOptions"].clone();
        Ok((self.folder(root, &own, Vec::new())?, sort))
    }

    fn kustomization(&mut self, root: &str) -> Result<Value, String> {
        let found: Vec<String> = kustomization::FILES
            .iter()
            .filter_map(|name| self.files.read(&absolute(root, name)).ok())
            .collect();
        match found.as_slice() {
            [] => Err(format!(
                "unable to find one of 'kustomization.yaml', 'kustomization.yml' or 'Kustomization' in directory '{root}'"
            )),
            [text] => kustomization::read(text, root, &mut self.warnings),
            _ => Err(format!("Found multiple kustomization files under: {root}\n")),
        }
    }

    /// Builds a folder. A component's `resources` are those of the kustomization that names it.
    fn folder(
        &mut self,
        root: &str,
        own: &Value,
        mut resources: Vec<Resource>,
    ) -> Result<Vec<Resource>, String> {
        self.visited.push(root.to_string());
        for path in own["resources"].items() {
            self.resource(root, path.str(), &mut resources)
                .map_err(|why| format!("accumulating resources: {why}"))?;
        }
        let read = &mut |path: &str| self.local(root, path);
        generate::all(own, &mut resources, read)?;
        for path in own["components"].items() {
            resources = self
                .component(root, path.str(), resources)
                .map_err(|why| format!("accumulating components: {why}"))?;
        }
        let read = &mut |path: &str| self.local(root, path);
        transform::all(own, &mut resources, read)?;
        self.visited.pop();
        Ok(resources)
    }

    /// Reads a file that a kustomization names, which must be in its folder.
    // Models api/internal/loader/loadrestrictions.go RestrictionRootOnly
    fn local(&mut self, root: &str, path: &str) -> Result<String, String> {
        let whole = absolute(root, path);
        if !paths::is_within(&whole, root) {
            return Err(format!("security; file '{whole}' is not in or below '{root}'"));
        }
        if self.files.is_folder(&whole) {
            return Err(format!("'{whole}' must resolve to a file"));
        }
        self.files.read(&whole).map_err(|_| paths::missing(&whole))
    }

    // Models accumulateResources: a path is tried as a file, then as a folder.
    fn resource(&mut self, root: &str, path: &str, resources: &mut Vec<Resource>) -> Result<(), String> {
        if path.starts_with("http://") || path.starts_with("https://") {
            let text = self.files.fetch(path).map_err(|why| {
                format!("accumulation err='accumulating resources from '{path}': {why}\n# kubarium: folders of repositories can't be fetched; paste their files")
            })?;
            return file(path, &text, resources);
        }
        let whole = absolute(root, path);
        let trouble = match self.files.is_folder(&whole) {
            true => format!("accumulating resources from '{path}': '{whole}' must resolve to a file"),
            false => match self.local(root, path) {
                Ok(text) => match file(path, &text, resources) {
                    Ok(()) => return Ok(()),
                    Err(why) => why,
                },
                Err(why) => format!("accumulating resources from '{path}': {why}"),
            },
        };
        if !self.files.is_folder(&whole) {
            let why = match self.files.read(&whole) {
                Ok(_) => format!("'{whole}': file is not directory"),
                Err(_) => format!("not a valid directory: {}", paths::missing(&whole)),
            };
            return Err(format!("accumulation err='{trouble}': must build at directory: {why}"));
        }
        let nested = |why: String| format!("accumulation err='{trouble}': {why}");
        let found = self.nested(root, &whole, false, Vec::new()).map_err(nested)?;
        for resource in found {
            append(resources, resource).map_err(|why| format!("merging resources from '{path}': {why}"))?;
        }
        Ok(())
    }

    fn component(
        &mut self,
        root: &str,
        path: &str,
        resources: Vec<Resource>,
    ) -> Result<Vec<Resource>, String> {
        let whole = absolute(root, path);
        if !self.files.is_folder(&whole) {
            let why = format!("must build at directory: not a valid directory: {}", paths::missing(&whole));
            return Err(format!("loader.New {}", api::go::quote(&why)));
        }
        self.nested(root, &whole, true, resources)
            .map_err(|why| format!("accumulateDirectory: {}", api::go::quote(&why)))
    }

    fn nested(
        &mut self,
        root: &str,
        whole: &str,
        is_component: bool,
        resources: Vec<Resource>,
    ) -> Result<Vec<Resource>, String> {
        if let Some(visited) = self.visited.iter().find(|visited| paths::is_within(visited, whole)) {
            return Err(format!(
                "cycle detected: candidate root '{whole}' contains visited root '{visited}'"
            ));
        }
        if self.visited.len() >= MAX_DEPTH {
            return Err(format!("kustomizations stand on one another too deeply at '{root}'"));
        }
        let own = self
            .kustomization(whole)
            .map_err(|why| format!("couldn't make target for path '{whole}': {why}"))?;
        let kind = own["kind"].str();
        match (is_component, kind) {
            (true, "Component") | (false, "" | "Kustomization") => {}
            (true, kind) => {
                let kind = if kind.is_empty() { "Kustomization" } else { kind };
                return Err(format!("expected kind 'Component' for path '{whole}' but got '{kind}'"));
            }
            (false, _) => return Err(format!("expected kind != 'Component' for path '{whole}'")),
        }
        self.folder(whole, &own, resources)
            .map_err(|why| format!("recursed accumulation of path '{whole}': {why}"))
    }
}

/// Takes in the objects of a file, all or none.
fn file(path: &str, text: &str, resources: &mut Vec<Resource>) -> Result<(), String> {
    let from = |why: String| format!("accumulating resources from '{path}': {why}");
    let (documents, trouble) = api::yaml::parse_all(text);
    if let Some(trouble) = trouble {
        return Err(from(format!("MalformedYAMLError: {} in File: {path}", trouble.in_kubectl_words())));
    }
    let mut all = resources.clone();
    for document in documents {
        let items = match document.value["kind"].str().ends_with("List")
            && document.value["items"].as_list().is_some()
        {
            true => document.value["items"].items().to_vec(),
            false => vec![document.value],
        };
        for object in items.into_iter().filter(|object| !object.is_null()) {
            for name in ["kind", "metadata"] {
                if object[name].is_empty() {
                    return Err(from(match name {
                        "kind" => format!(
                            "missing kind in object {{{{ }} {{{{{} }} map[] map[]}}}}",
                            api::meta::name(&object)
                        ),
                        _ => format!("missing metadata.name in object {}", object.to_json()),
                    }));
                }
            }
            append(&mut all, Resource::new(object))
                .map_err(|why| format!("merging resources from '{path}': {why}"))?;
        }
    }
    *resources = all;
    Ok(())
}

/// Adds a resource, whose identity must be new.
// Models api/resmap/reswrangler.go Append
pub fn append(resources: &mut Vec<Resource>, resource: Resource) -> Result<(), String> {
    if resources.iter().any(|other| other.is_same(&resource)) {
        return Err(format!("may not add resource with an already registered id: {}", resource.id()));
    }
    if resources.len() >= MAX_OBJECTS {
        return Err(format!("a kustomization brings together at most {MAX_OBJECTS} objects here"));
    }
    resources.push(resource);
    Ok(())
}
