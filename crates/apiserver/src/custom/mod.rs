//! Custom resources: what CustomResourceDefinitions define goes the same way as what is built in.
//!
//! A version of a definition whose names were accepted makes a [`Rest`], as a row of the table of kinds
//! does; what differs stands in its [`Custom`]. They are made from the store anew when a definition has
//! changed, so that they are no state of their own.
// Models staging/src/k8s.io/apiextensions-apiserver/pkg/apiserver/customresource_handler.go

mod columns;
mod object;
mod rules;
mod version;

pub(crate) use object::Writing;
pub(crate) use rules::{check_rules, has_rules};

use crate::fields::simple_path;
use crate::registry;
use crate::resources::Rest;
use api::{Value, meta, resources};
use columns::Column;
use etcd::Store;
use schema::{Kind, Served};
use std::collections::BTreeMap;
use std::rc::Rc;

/// Where the numbers of custom resources begin; those of the built-in ones are below.
const FIRST_NUMBER: u16 = 4_096;

/// What is particular to a custom resource.
#[derive(Clone, Debug)]
pub(crate) struct Custom {
    /// The structural schema of this version.
    pub(crate) schema: Value,
    /// Whether the schema has rules in CEL.
    has_rules: bool,
    /// `GROUP/VERSION` in which objects are kept.
    stored: String,
    columns: Rc<[Column]>,
    /// The fields by which objects can be selected, as a selector names them.
    pub(crate) selectable: Rc<[String]>,
    /// Where replicas wanted, replicas there are, and the selector stand; empty without scale.
    pub(crate) scale: [String; 3],
    /// Whether the definition is being deleted, so that nothing can be created.
    pub(crate) is_terminating: bool,
    /// Whether discovery tells of it.
    is_established: bool,
    /// What a user of this version is warned of; empty for nothing.
    pub(crate) deprecated: String,
}

/// The custom resources that are served.
#[derive(Clone, Debug, Default)]
pub(crate) struct Customs {
    rests: Vec<Rc<Rest>>,
}

impl Customs {
    /// Reads the definitions of a store. A resource keeps its number as long as the server lives.
    pub(crate) fn of(store: &Store, numbers: &mut BTreeMap<String, u16>) -> Customs {
        let Some(definitions) = crate::resources::of(resources::CUSTOMRESOURCEDEFINITIONS) else {
            return Customs::default();
        };
        let mut rests = Vec::new();
        for (_, entry) in store.range(&definitions.range("")) {
            let definition = &entry.value;
            if !meta::is_condition_true(definition, "NamesAccepted")
                && !meta::is_condition_true(definition, "Established")
            {
                continue;
            }
            let mut versions: Vec<&Value> = definition["spec"]["versions"].items().iter().collect();
            versions.retain(|version| version["served"].is_true());
            versions.sort_by(|a, b| version::compare(a["name"].str(), b["name"].str()));
            for version in versions {
                if let Some(kind) = schema::custom(definition, version)
                    && crate::resources::find(kind.group, kind.version, kind.plural).is_none()
                {
                    rests.push(Rc::new(rest(definition, version, kind, numbers)));
                }
            }
        }
        rests.sort_by(|a, b| a.kind.group.cmp(b.kind.group));
        Customs { rests }
    }

    /// Returns a resource.
    pub(crate) fn find(&self, group: &str, version: &str, plural: &str) -> Option<&Rc<Rest>> {
        let same = |rest: &&Rc<Rest>| {
            rest.kind.plural == plural && rest.kind.group == group && rest.kind.version == version
        };
        self.rests.iter().find(same)
    }

    /// Returns all.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Rest> {
        self.rests.iter().map(|rest| &**rest)
    }

    /// Returns what discovery tells of, groups and versions in its order.
    pub(crate) fn served(&self) -> impl Iterator<Item = Served> {
        let established = |rest: &&Rc<Rest>| rest.custom.as_ref().is_some_and(|custom| custom.is_established);
        self.rests.iter().filter(established).map(|rest| Served {
            kind: rest.kind,
            schema: rest.custom.as_ref().map(|custom| custom.schema.clone()),
        })
    }
}

fn rest(
    definition: &Value,
    version: &Value,
    kind: &'static Kind,
    numbers: &mut BTreeMap<String, u16>,
) -> Rest {
    let group_resource = kind.group_resource();
    let next = FIRST_NUMBER.saturating_add(u16::try_from(numbers.len()).unwrap_or(u16::MAX));
    let number = *numbers.entry(group_resource.clone()).or_insert(next);
    Rest {
        kind,
        api_version: kind.api_version(),
        group_resource,
        group_kind: kind.group_kind(),
        prefix: format!("/registry/{}/{}/", kind.group, kind.plural),
        number,
        strategy: registry::custom(kind.namespaced),
        printer: crate::printers::find("", ""),
        has_status: kind.subresource("status").is_some(),
        unattended: "",
        blank_status: Value::Null,
        custom: Some(Rc::new(custom(definition, version, kind))),
    }
}

fn custom(definition: &Value, version: &Value, kind: &Kind) -> Custom {
    let stored = definition["spec"]["versions"].items().iter().find(|version| version["storage"].is_true());
    let stored = stored.map_or(kind.version, |version| version["name"].str());
    let deprecated = match (version["deprecated"].is_true(), version["deprecationWarning"].str()) {
        (false, _) => String::new(),
        (true, "") => format!("{} {} is deprecated", kind.api_version(), kind.kind),
        (true, warning) => warning.to_string(),
    };
    let scale = &version["subresources"]["scale"];
    let path = |name: &str| simple_path(scale[name].str());
    Custom {
        has_rules: has_rules(&version["schema"]["openAPIV3Schema"]),
        schema: version["schema"]["openAPIV3Schema"].clone(),
        stored: api::group_version(kind.group, stored),
        columns: columns::of(version),
        selectable: version["selectableFields"]
            .items()
            .iter()
            .map(|field| simple_path(field["jsonPath"].str()))
            .collect(),
        scale: ["specReplicasPath", "statusReplicasPath", "labelSelectorPath"].map(path),
        is_terminating: meta::is_deleting(definition),
        is_established: meta::is_condition_true(definition, "Established"),
        deprecated,
    }
}

impl Custom {
    /// Returns a stored object in the version that is asked for. Only the version's name differs, because
    /// there are no conversion webhooks.
    // Models staging/src/k8s.io/apiextensions-apiserver/pkg/apiserver/conversion/nop_converter.go Convert
    pub(crate) fn read(&self, api_version: &str, mut object: Value) -> Value {
        if object["apiVersion"].str() != api_version {
            object.set(&["apiVersion"], api_version);
            schema::structural::prune(&self.schema, &mut object);
        }
        schema::structural::default(&self.schema, &mut object);
        object
    }

    /// Returns an object as it is stored.
    pub(crate) fn store(&self, mut object: Value) -> Value {
        if object["apiVersion"].str() != self.stored {
            object.set(&["apiVersion"], self.stored.as_str());
        }
        object
    }
}
