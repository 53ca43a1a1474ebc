use crate::definition::{Definition, definition};
use crate::table::words;
use std::sync::OnceLock;

/// A kind, as discovery tells of it.
#[derive(Debug)]
pub struct Kind {
    /// The group; empty for the core one.
    pub group: &'static str,
    /// The version.
    pub version: &'static str,
    /// The kind.
    pub kind: &'static str,
    /// The plural, as in paths; empty for a kind that is no resource, such as Scale.
    pub plural: &'static str,
    /// The singular.
    pub singular: &'static str,
    /// The short names.
    pub short_names: Vec<&'static str>,
    /// The categories, such as `all`.
    pub categories: Vec<&'static str>,
    /// Whether its objects belong to a namespace.
    pub namespaced: bool,
    /// What may be done with it.
    pub verbs: Vec<&'static str>,
    /// What is below an object.
    pub subresources: Vec<Subresource>,
    /// Whether this cluster serves it; the others exist in v1.36 and are to come.
    pub served: bool,
    pub(crate) definition: Option<&'static Definition>,
}

/// What is below an object: `status`, `scale`.
#[derive(Debug)]
pub struct Subresource {
    /// The name.
    pub name: &'static str,
    /// The group of its kind.
    pub group: &'static str,
    /// The version of its kind.
    pub version: &'static str,
    /// The kind it takes and answers.
    pub kind: String,
    /// What may be done with it.
    pub verbs: Vec<&'static str>,
}

const KINDS: &str = include_str!("../data/kinds.tsv");
const SUBRESOURCES: &str = include_str!("../data/subresources.tsv");
const ALL_VERBS: &str = "create,delete,deletecollection,get,list,patch,update,watch";

impl Kind {
    /// Returns `v1` or `apps/v1`.
    pub fn api_version(&self) -> String {
        api::group_version(self.group, self.version)
    }

    /// Returns `pods` or `deployments.apps`, as errors name it.
    pub fn group_resource(&self) -> String {
        api::qualified(self.plural, self.group)
    }

    /// Returns `Pod` or `Deployment.apps`, as errors name it.
    pub fn group_kind(&self) -> String {
        api::qualified(self.kind, self.group)
    }

    /// Returns what its objects are made of; `None` where they may hold anything.
    pub fn definition(&self) -> Option<&'static Definition> {
        self.definition
    }

    /// Returns a subresource.
    pub fn subresource(&self, name: &str) -> Option<&Subresource> {
        self.subresources.iter().find(|subresource| subresource.name == name)
    }
}

fn all() -> &'static [Kind] {
    static TABLE: OnceLock<Vec<Kind>> = OnceLock::new();
    TABLE.get_or_init(|| rows(KINDS).map(kind).collect())
}

/// Returns every kind that is a resource, in the order in which discovery lists them.
pub fn kinds() -> &'static [Kind] {
    static COUNT: OnceLock<usize> = OnceLock::new();
    let all = all();
    // Those that are no resources come last in the table.
    let count = COUNT.get_or_init(|| all.partition_point(|kind| !kind.plural.is_empty()));
    all.get(..*count).unwrap_or(all)
}

/// Returns the kind of a resource.
pub fn find(group: &str, version: &str, plural: &str) -> Option<&'static Kind> {
    kinds().iter().find(|k| k.plural == plural && k.group == group && k.version == version)
}

/// Returns a kind by its name, those that are no resources too.
pub fn find_kind(group: &str, version: &str, kind: &str) -> Option<&'static Kind> {
    all().iter().find(|k| k.kind == kind && k.group == group && k.version == version)
}

/// Returns the kind that a word of the command line means: a plural, a singular, a short name or
/// a kind, in any case, perhaps with `.GROUP` or `.VERSION.GROUP` behind it.
// Models staging/src/k8s.io/apimachinery/pkg/api/meta/restmapper.go ResourcesFor
pub fn resolve(word: &str) -> Option<&'static Kind> {
    let word = word.to_ascii_lowercase();
    let (name, rest) = word.split_once('.').unwrap_or((&word, ""));
    let (version, group) = rest.split_once('.').unwrap_or((rest, ""));
    let named: Vec<&Kind> = kinds().iter().filter(|kind| kind.is_named(name)).collect();
    let first = |fits: &dyn Fn(&Kind) -> bool| named.iter().copied().find(|kind| fits(kind));
    if rest.is_empty() {
        return first(&|_| true);
    }
    first(&|kind| kind.version == version && kind.group == group)
        .or_else(|| first(&|kind| kind.group == rest))
        .or_else(|| first(&|kind| kind.group.starts_with(rest)))
}

impl Kind {
    fn is_named(&self, word: &str) -> bool {
        self.plural == word || self.singular == word || self.short_names.contains(&word)
    }
}

fn rows(text: &'static str) -> impl Iterator<Item = Vec<&'static str>> {
    text.lines().filter(|line| !line.starts_with('#')).map(|line| line.split('\t').collect())
}

fn verbs(cell: &'static str) -> Vec<&'static str> {
    words(if cell == "*" { ALL_VERBS } else { cell })
}

fn kind(row: Vec<&'static str>) -> Kind {
    let cell = |i: usize| row.get(i).copied().unwrap_or("");
    let mut kind = Kind {
        group: cell(0),
        version: cell(1),
        kind: cell(2),
        plural: cell(3),
        singular: cell(4),
        short_names: words(cell(5)),
        categories: words(cell(6)),
        namespaced: cell(7) == "ns",
        verbs: verbs(cell(8)),
        subresources: Vec::new(),
        served: cell(10) == "served",
        definition: definition(cell(11)),
    };
    kind.subresources = words(cell(9)).into_iter().filter_map(|name| subresource(&kind, name)).collect();
    kind
}

fn subresource(owner: &Kind, name: &'static str) -> Option<Subresource> {
    let row = rows(SUBRESOURCES).find(|row| row.first() == Some(&name))?;
    let cell = |i: usize, own: &'static str| match row.get(i) {
        Some(&"=") | None => own,
        Some(cell) => cell,
    };
    Some(Subresource {
        name,
        group: cell(1, owner.group),
        version: cell(2, owner.version),
        kind: cell(3, owner.kind).replace('*', owner.kind),
        verbs: verbs(cell(4, "")),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resolves_words_of_the_command_line() {
        for (word, found) in [
            ("po", "pods"),
            ("Pod", "pods"),
            ("deploy", "deployments.apps"),
            ("deployments.apps", "deployments.apps"),
            ("deployment.v1.apps", "deployments.apps"),
            ("deploy.v1beta2.apps", ""),
            ("ev", "events"),
            ("events.events.k8s.io", "events.events.k8s.io"),
            ("events.events", "events.events.k8s.io"),
            ("hpa", "horizontalpodautoscalers.autoscaling"),
            ("svc", "services"),
            ("endpoints", "endpoints"),
            ("foo", ""),
            ("", ""),
            (".", ""),
        ] {
            let kind = resolve(word).map(Kind::group_resource).unwrap_or_default();
            assert_eq!(kind, found, "{word}");
        }
        assert_eq!(resolve("hpa").unwrap().version, "v2");
    }

    #[test]
    fn every_kind_has_a_definition() {
        for kind in all() {
            assert!(kind.definition().is_some(), "{}", kind.kind);
            for subresource in &kind.subresources {
                assert!(!subresource.verbs.is_empty());
            }
        }
        assert_eq!(find("", "v1", "pods").unwrap().subresource("eviction").unwrap().group, "policy");
        let proxy = find("", "v1", "nodes").unwrap().subresource("proxy").unwrap();
        assert_eq!(proxy.kind, "NodeProxyOptions");
        assert!(find_kind("autoscaling", "v1", "Scale").unwrap().plural.is_empty());
        assert!(kinds().iter().all(|kind| !kind.plural.is_empty()));
    }
}
