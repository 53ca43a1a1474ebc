//! An object on its way through the kustomizations, with what it was called before.

use crate::hash;
use api::{Value, meta};

/// Objects that tools only read for themselves.
const LOCAL: &str = "config.kubernetes.io/local-config";

/// An object and its history.
#[derive(Clone, Debug)]
pub struct Resource {
    /// The object.
    pub object: Value,
    /// What it was called at each step: namespace and name. The first is what its file says.
    pub former: Vec<(String, String)>,
    /// Whether a generator made it and its name ends with its hash.
    pub hashed: bool,
}

impl Resource {
    /// Takes in an object as a file or a generator has it.
    pub fn new(object: Value) -> Resource {
        let mut resource = Resource { object, former: Vec::new(), hashed: false };
        resource.remember();
        resource
    }

    /// Returns its group and version.
    pub fn group_version(&self) -> (&str, &str) {
        let whole = self.object["apiVersion"].str();
        whole.split_once('/').unwrap_or(("", whole))
    }

    /// Returns its kind.
    pub fn kind(&self) -> &str {
        self.object["kind"].str()
    }

    /// Returns its name.
    pub fn name(&self) -> &str {
        meta::name(&self.object)
    }

    /// Returns its namespace; empty where none is written.
    pub fn namespace(&self) -> &str {
        meta::namespace(&self.object)
    }

    /// Returns whether objects of its kind are in namespaces; a kind that isn't known is.
    pub fn is_namespaced(&self) -> bool {
        let (group, version) = self.group_version();
        schema::find_kind(group, version, self.kind()).is_none_or(|kind| kind.namespaced)
    }

    /// Keeps what it is called now.
    pub fn remember(&mut self) {
        let name = (self.namespace().to_string(), self.name().to_string());
        if self.former.last() != Some(&name) {
            self.former.push(name);
        }
    }

    /// Returns whether it was called so at some step.
    pub fn was_named(&self, name: &str) -> bool {
        self.name() == name || self.former.iter().any(|(_, former)| former == name)
    }

    /// Returns whether it is one object with another, by what it is called now.
    pub fn is_same(&self, other: &Resource) -> bool {
        let is_default = |namespace: &str| namespace.is_empty() || namespace == "default";
        self.group_version() == other.group_version()
            && self.kind() == other.kind()
            && self.name() == other.name()
            && (self.namespace() == other.namespace()
                || (is_default(self.namespace()) && is_default(other.namespace())))
    }

    /// Returns its identity as messages write it: `Service.v1.[noGrp]/web.[noNs]`.
    // Models kyaml/resid ResId.String
    pub fn id(&self) -> String {
        let or = |text: &str, other: &str| if text.is_empty() { other.to_string() } else { text.to_string() };
        let (group, version) = self.group_version();
        let (version, group) = (or(version, "[noVer]"), or(group, "[noGrp]"));
        let (name, namespace) = (or(self.name(), "[noName]"), or(self.namespace(), "[noNs]"));
        format!("{}.{version}.{group}/{name}.{namespace}", self.kind())
    }

    /// Adds the hash of its content to the name, where a generator asked for it.
    pub fn add_hash(&mut self) {
        if self.hashed {
            let name = format!("{}-{}", self.name(), hash::suffix(&self.object, ""));
            self.object.set(&["metadata", "name"], name);
            self.remember();
        }
    }

    /// Returns whether it is for tools alone.
    pub fn is_local(&self) -> bool {
        let value = meta::annotation(&self.object, LOCAL);
        !value.is_empty() && value != "false"
    }
}
