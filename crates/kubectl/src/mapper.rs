//! Resource types: which words of the command line and which kinds of files mean them.

use crate::cx::Cx;
use crate::failure::{Failure, Outcome};
use crate::text::quote;
use api::{Method, Request, Value};
use schema::Kind;

/// The most groups that discovery asks for.
const MAX_GROUPS: usize = 64;
/// The most versions of a group that discovery asks for.
const MAX_VERSIONS: usize = 16;

/// A resource type and where it is served.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Mapping {
    /// The group; empty for the core one.
    pub group: String,
    /// The version.
    pub version: String,
    /// The kind.
    pub kind: String,
    /// The plural, as in paths.
    pub plural: String,
    /// The singular.
    pub singular: String,
    /// The short names.
    pub short_names: Vec<String>,
    /// The categories.
    pub categories: Vec<String>,
    /// Whether its objects belong to a namespace.
    pub namespaced: bool,
    /// Whether the cluster serves it.
    pub served: bool,
    /// What may be done with it.
    pub verbs: Vec<String>,
}

fn strings(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_string()).collect()
}

impl From<&Kind> for Mapping {
    fn from(kind: &Kind) -> Mapping {
        Mapping {
            group: kind.group.to_string(),
            version: kind.version.to_string(),
            kind: kind.kind.to_string(),
            plural: kind.plural.to_string(),
            singular: kind.singular.to_string(),
            short_names: strings(&kind.short_names),
            categories: strings(&kind.categories),
            namespaced: kind.namespaced,
            served: kind.served,
            verbs: strings(&kind.verbs),
        }
    }
}

impl Mapping {
    /// Returns the schema's kind; `None` for a custom resource.
    pub fn schema(&self) -> Option<&'static Kind> {
        schema::find_kind(&self.group, &self.version, &self.kind)
    }

    /// Returns `v1` or `apps/v1`.
    pub fn api_version(&self) -> String {
        if self.group.is_empty() { self.version.clone() } else { format!("{}/{}", self.group, self.version) }
    }

    /// Returns `deployments.apps`.
    pub fn group_resource(&self) -> String {
        if self.group.is_empty() { self.plural.clone() } else { format!("{}.{}", self.plural, self.group) }
    }

    /// Returns `deployment.apps`, which stands before a name in what kubectl prints.
    pub fn lower_kind(&self) -> String {
        let kind = self.kind.to_lowercase();
        if self.group.is_empty() { kind } else { format!("{kind}.{}", self.group) }
    }

    /// Returns the path of the collection; an empty namespace means all of them.
    pub fn collection(&self, namespace: &str) -> String {
        let root = if self.group.is_empty() { "/api/" } else { "/apis/" };
        let mut path = format!("{root}{}/", self.api_version());
        if self.namespaced && !namespace.is_empty() {
            path.push_str(&format!("namespaces/{namespace}/"));
        }
        path.push_str(&self.plural);
        path
    }

    /// Returns the path of one object, with a subresource unless that is empty.
    pub fn object(&self, namespace: &str, name: &str, subresource: &str) -> String {
        let mut path = format!("{}/{name}", self.collection(namespace));
        if !subresource.is_empty() {
            path.push('/');
            path.push_str(subresource);
        }
        path
    }

    /// Returns the items of a list, each with its `apiVersion` and `kind`.
    pub fn items(&self, list: &Value) -> Vec<Value> {
        let named = |item: &Value| {
            let mut item = item.clone();
            if item["kind"].is_null() {
                item.set(&["kind"], &self.kind);
                item.set(&["apiVersion"], self.api_version());
            }
            item
        };
        list["items"].items().iter().map(named).collect()
    }

    /// Says which selector a list was refused for.
    // Models staging/src/k8s.io/cli-runtime/pkg/resource/visitor.go EnhanceListError
    pub fn list_failure(&self, failure: Failure, labels: &str, fields: &str) -> Failure {
        let what = format!("{}, Resource={}", self.gv(), self.plural);
        match failure {
            Failure::Status(mut status) if status.code == 400 => {
                status.message = format!(
                    "Unable to find {} that match label selector {}, field selector {}: {}",
                    quote(&what),
                    quote(labels),
                    quote(fields),
                    status.message
                );
                Failure::Status(status)
            }
            other => other,
        }
    }

    fn gv(&self) -> String {
        format!("{}/{}", self.group, self.version)
    }

    /// Returns whether a word without a group means it.
    pub fn is_named(&self, word: &str) -> bool {
        self.plural == word || self.singular == word || self.short_names.iter().any(|name| name == word)
    }

    /// Returns the words without a group that mean it.
    pub fn names(&self) -> Vec<String> {
        [vec![self.plural.clone(), self.singular.clone()], self.short_names.clone()].concat()
    }
}

/// Says that something of v1.36 isn't here yet.
pub(crate) fn to_come(kind: &str) -> String {
    format!("# kubarium: {kind} is not served yet; it is to come")
}

/// Finds the resource type that a word of the command line means: a plural, a singular, a short
/// name or a kind, perhaps with `.GROUP` or `.VERSION.GROUP` behind it.
// Models staging/src/k8s.io/cli-runtime/pkg/resource/builder.go mappingFor
pub(crate) fn resource(cx: &mut Cx, word: &str) -> Outcome<Mapping> {
    match find_resource(cx, word)? {
        Some(mapping) if mapping.served => Ok(mapping),
        Some(mapping) => crate::failure::error(format!("{}\n{}", no_resource(word), to_come(&mapping.kind))),
        None => crate::failure::error(no_resource(word)),
    }
}

fn no_resource(word: &str) -> String {
    let plain = word.split('.').next().unwrap_or("");
    format!("the server doesn't have a resource type {}", quote(plain))
}

/// Finds the resource type that a word means, served or not.
pub(crate) fn find_resource(cx: &mut Cx, word: &str) -> Outcome<Option<Mapping>> {
    if word.is_empty() {
        return Ok(None);
    }
    if let Some(kind) = schema::resolve(word) {
        return checked(cx, kind.into()).map(Some);
    }
    let word = word.to_lowercase();
    let (name, rest) = word.split_once('.').unwrap_or((&word, ""));
    let fits = |mapping: &&Mapping| {
        mapping.is_named(name)
            && (rest.is_empty()
                || rest == mapping.group
                || rest == format!("{}.{}", mapping.version, mapping.group))
    };
    Ok(discovered(cx)?.iter().find(fits).cloned())
}

/// Finds the resource type of an object's `apiVersion` and `kind`, served or not.
pub(crate) fn of_object(cx: &mut Cx, api_version: &str, kind: &str) -> Outcome<Option<Mapping>> {
    let (group, version) = api_version.rsplit_once('/').unwrap_or(("", api_version));
    let same = |known: &&Kind| known.kind == kind && known.group == group && known.version == version;
    if let Some(found) = schema::kinds().iter().find(same) {
        return checked(cx, found.into()).map(Some);
    }
    let same =
        |mapping: &&Mapping| mapping.kind == kind && mapping.group == group && mapping.version == version;
    Ok(discovered(cx)?.iter().find(same).cloned())
}

/// Asks discovery whether the server has a resource after all that the schema's table says it hasn't.
fn checked(cx: &mut Cx, mut mapping: Mapping) -> Outcome<Mapping> {
    if !mapping.served {
        let version = mapping.api_version();
        if !cx.run.served.contains_key(&version) {
            let root = if mapping.group.is_empty() { "/api" } else { "/apis" };
            let list = cx.send(Request::new(Method::Get, format!("{root}/{version}")))?;
            let names = list.body["resources"].items().iter().map(|row| row["name"].str().to_string());
            cx.run.served.insert(version.clone(), names.collect());
        }
        mapping.served = cx.run.served.get(&version).is_some_and(|names| names.contains(&mapping.plural));
    }
    Ok(mapping)
}

/// Finds the resource type of a kind that the schema knows; fails where the server hasn't got it.
pub(crate) fn of_kind(cx: &mut Cx, group: &str, version: &str, kind: &str) -> Outcome<Mapping> {
    let Some(known) = schema::find_kind(group, version, kind) else {
        return crate::failure::error(format!("no matches for kind {}", quote(kind)));
    };
    let mapping = checked(cx, known.into())?;
    if mapping.served {
        return Ok(mapping);
    }
    crate::failure::error(format!("the server could not find the requested resource\n{}", to_come(kind)))
}

/// Asks discovery for the resources that definitions add, by a function that gets a path.
pub(crate) fn custom_types(ask: &mut dyn FnMut(&str) -> Outcome<Value>) -> Outcome<Vec<Mapping>> {
    let mut found = Vec::new();
    for group in ask("/apis")?["groups"].items().iter().take(MAX_GROUPS) {
        if schema::kinds().iter().any(|kind| kind.group == group["name"].str()) {
            continue;
        }
        // The preferred version comes first.
        for version in group["versions"].items().iter().take(MAX_VERSIONS) {
            let version = version["groupVersion"].str();
            let list = ask(&format!("/apis/{version}"))?;
            found.extend(list["resources"].items().iter().filter_map(|row| custom(version, row)));
        }
    }
    Ok(found)
}

/// Asks discovery, once a command, for the resources that the schema doesn't know.
fn discovered<'a>(cx: &'a mut Cx) -> Outcome<&'a [Mapping]> {
    if cx.run.discovered.is_none() {
        let mut ask = |path: &str| Ok(cx.send(Request::new(Method::Get, path))?.body);
        let found = custom_types(&mut ask)?;
        cx.run.discovered = Some(found);
    }
    Ok(cx.run.discovered.as_deref().unwrap_or(&[]))
}

fn custom(group_version: &str, row: &Value) -> Option<Mapping> {
    let (group, version) = group_version.split_once('/')?;
    let plural = row["name"].str();
    if plural.is_empty() || plural.contains('/') {
        return None;
    }
    let words = |value: &Value| value.items().iter().map(|word| word.str().to_string()).collect();
    let kind = row["kind"].str().to_string();
    let singular = match row["singularName"].str() {
        "" => kind.to_lowercase(),
        name => name.to_string(),
    };
    Some(Mapping {
        group: group.to_string(),
        version: version.to_string(),
        plural: plural.to_string(),
        singular,
        kind,
        short_names: words(&row["shortNames"]),
        categories: words(&row["categories"]),
        namespaced: row["namespaced"].is_true(),
        served: true,
        verbs: words(&row["verbs"]),
    })
}

/// Returns all resource types that the cluster serves, custom ones last.
pub(crate) fn all(cx: &mut Cx) -> Outcome<Vec<Mapping>> {
    let mut all = Vec::new();
    for kind in schema::kinds() {
        let mapping = checked(cx, kind.into())?;
        if mapping.served {
            all.push(mapping);
        }
    }
    all.extend(discovered(cx)?.iter().cloned());
    Ok(all)
}

/// Adds a resource type unless it is there: of several versions the first is the preferred one.
pub(crate) fn add_preferred(found: &mut Vec<Mapping>, mapping: Mapping) {
    if !found.iter().any(|other| other.group == mapping.group && other.kind == mapping.kind) {
        found.push(mapping);
    }
}

/// Returns the resource types that a word means: those of a category, or one.
pub(crate) fn expand(cx: &mut Cx, word: &str) -> Outcome<Vec<Mapping>> {
    let mut found: Vec<Mapping> = Vec::new();
    for kind in schema::kinds().iter().filter(|kind| kind.categories.contains(&word)) {
        let mapping = checked(cx, kind.into())?;
        if mapping.served {
            add_preferred(&mut found, mapping);
        }
    }
    if !found.is_empty() || schema::resolve(word).is_none() {
        for mapping in
            discovered(cx)?.iter().filter(|mapping| mapping.categories.iter().any(|one| one == word))
        {
            add_preferred(&mut found, mapping.clone());
        }
    }
    if found.is_empty() {
        found.push(resource(cx, word)?);
    }
    Ok(found)
}
