//! From arguments and files to objects.
// Models staging/src/k8s.io/cli-runtime/pkg/resource/builder.go

use crate::cx::Cx;
use crate::failure::{Failure, Outcome, error};
use crate::files;
use crate::mapper::{self, Mapping};
use crate::text::{go_json, quote};
use api::{Value, meta};

/// An object that a command works on.
#[derive(Clone, Debug)]
pub(crate) struct Info {
    /// Its resource type.
    pub mapping: Mapping,
    /// Its namespace; empty for none.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// The object: as the file has it, or as the server does.
    pub object: Value,
    /// The file it stands in; empty for none.
    pub source: String,
}

/// What the arguments ask for.
#[derive(Clone, Debug)]
pub(crate) enum Target {
    /// One object.
    One {
        /// Its resource type.
        mapping: Mapping,
        /// Its namespace.
        namespace: String,
        /// Its name.
        name: String,
    },
    /// A list.
    Many {
        /// The resource type.
        mapping: Mapping,
        /// The namespace; empty for all.
        namespace: String,
    },
    /// An object of a file.
    File(Box<Info>),
}

/// What a command takes of its arguments.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Take {
    /// A type alone means all its objects.
    pub all: bool,
}

pub(crate) const NOTHING_GIVEN: &str = "You must provide one or more resources by argument or filename.\nExample resource specifications include:\n   '-f rsrc.yaml'\n   '--filename=rsrc.json'\n   '<resource> <name>'\n   '<resource>'";

impl Info {
    /// Returns the path of the object, with a subresource unless that is empty.
    pub fn path(&self, subresource: &str) -> String {
        self.mapping.object(&self.namespace, &self.name, subresource)
    }

    /// Returns `deployments/web`.
    // Models staging/src/k8s.io/cli-runtime/pkg/resource/visitor.go Info.ObjectName
    pub fn object_name(&self) -> String {
        format!("{}/{}", self.mapping.plural, self.name)
    }

    /// Returns the object as errors describe it.
    // Models staging/src/k8s.io/cli-runtime/pkg/resource/visitor.go Info.String
    pub fn described(&self) -> String {
        let m = &self.mapping;
        let group = if m.group.is_empty() { String::new() } else { format!("{}/", m.group) };
        let slash = if m.group.is_empty() { "/" } else { "" };
        format!(
            "Resource: \"{slash}{group}{}, Resource={}\", GroupVersionKind: \"{slash}{group}{}, Kind={}\"\nName: {}, Namespace: {}",
            m.version,
            m.plural,
            m.version,
            m.kind,
            quote(&self.name),
            quote(&self.namespace)
        )
    }

    /// Takes an object that the server answered.
    pub fn refresh(&mut self, object: Value) {
        if !meta::name(&object).is_empty() {
            self.name = meta::name(&object).to_string();
        }
        self.object = object;
        if self.object["kind"].is_null() {
            self.object.set(&["kind"], &self.mapping.kind);
            self.object.set(&["apiVersion"], self.mapping.api_version());
        }
    }
}

/// Returns the objects of the files that the flags name, with the failures.
pub(crate) fn from_files(cx: &mut Cx) -> (Vec<Info>, Vec<Failure>) {
    let (reads, mut failures) = files::read(cx);
    let mut infos = Vec::new();
    for read in reads {
        match info(cx, read) {
            Ok(info) => infos.push(info),
            Err(failure) => failures.push(failure),
        }
    }
    (infos, failures)
}

// Models staging/src/k8s.io/cli-runtime/pkg/resource/mapper.go infoForData
fn info(cx: &mut Cx, read: files::Read) -> Outcome<Info> {
    let files::Read { mut object, source } = read;
    let (api_version, kind) = (object["apiVersion"].str().to_string(), object["kind"].str().to_string());
    let name = meta::name(&object).to_string();
    let given = meta::namespace(&object).to_string();
    if name.is_empty()
        && !object["metadata"]["name"].is_null()
        && object["metadata"]["name"].as_str().is_none()
    {
        return error(format!(
            "unable to decode {}: json: cannot unmarshal {} into Go struct field ObjectMeta.metadata.name of type string",
            quote(&source),
            json_kind(&object["metadata"]["name"])
        ));
    }
    let mapping = mapper::of_object(cx, &api_version, &kind)?;
    let Some(mapping) = mapping.filter(|mapping| mapping.served) else {
        let known =
            schema::kinds().iter().any(|known| known.kind == kind && known.api_version() == api_version);
        let ours = if known { format!("\n{}", mapper::to_come(&kind)) } else { String::new() };
        return error(format!(
            "resource mapping not found for name: {} namespace: {} from {}: no matches for kind {} in version \
             {}\nensure CRDs are installed first{ours}",
            quote(&name),
            quote(&given),
            quote(&source),
            quote(&kind),
            quote(&api_version)
        ));
    };
    let mut namespace = String::new();
    if mapping.namespaced {
        let wanted = cx.namespace();
        namespace = if given.is_empty() { wanted.clone() } else { given.clone() };
        if cx.is_namespace_given() && namespace != wanted {
            return error(format!(
                "the namespace from the provided object {} does not match the namespace {}. You must pass \
                 '--namespace={namespace}' to perform this operation.",
                quote(&namespace),
                quote(&wanted)
            ));
        }
        // What never reaches the server is left as it is.
        if !cx.flags.is("local") || !given.is_empty() {
            object.set(&["metadata", "namespace"], &namespace);
        }
    }
    Ok(Info { mapping, namespace, name, object, source })
}

fn json_kind(value: &Value) -> &'static str {
    match value {
        Value::Bool(_) => "bool",
        Value::Int(_) | Value::Float(_) => "number",
        Value::List(_) => "array",
        _ => "object",
    }
}

fn types_of(cx: &mut Cx, word: &str) -> Outcome<Vec<Mapping>> {
    let mut mappings: Vec<Mapping> = Vec::new();
    for part in word.split(',').filter(|part| !part.is_empty()) {
        for mapping in mapper::expand(cx, part)? {
            if !mappings.contains(&mapping) {
                mappings.push(mapping);
            }
        }
    }
    Ok(mappings)
}

fn one(cx: &mut Cx, mapping: Mapping, name: &str) -> Outcome<Target> {
    let all = cx.flags.is("all-namespaces");
    if mapping.namespaced && all {
        return error("a resource cannot be retrieved by name across all namespaces");
    }
    let namespace = if mapping.namespaced { cx.namespace() } else { String::new() };
    Ok(Target::One { mapping, namespace, name: name.to_string() })
}

/// Makes `svc/web deploy/web` of `svc,deploy web`.
// Models staging/src/k8s.io/cli-runtime/pkg/resource/builder.go normalizeMultipleResourcesArgs
fn each_of_each(args: &[String]) -> Vec<String> {
    let Some((types, names)) = args.split_first().filter(|(types, _)| types.contains(',')) else {
        return args.to_vec();
    };
    let mut different: Vec<&str> = Vec::new();
    for kind in types.split(',').filter(|kind| !kind.is_empty()) {
        if !different.contains(&kind) {
            different.push(kind);
        }
    }
    if names.is_empty() || different.len() < 2 {
        return args.to_vec();
    }
    different.iter().flat_map(|kind| names.iter().map(move |name| format!("{kind}/{name}"))).collect()
}

/// Returns what arguments and files ask for.
pub(crate) fn targets(cx: &mut Cx, args: &[String], take: Take) -> Outcome<Vec<Target>> {
    let selects = !cx.flags.text("selector").is_empty()
        || !cx.flags.text("field-selector").is_empty()
        || cx.flags.is("all") && cx.spec.path != "wait";
    if files::are_named(cx) {
        return file_targets(cx, args);
    }
    let args = &each_of_each(args)[..];
    let slashes = args.iter().filter(|arg| arg.contains('/')).count();
    if slashes > 0 {
        return tuples(cx, args, slashes, selects);
    }
    let Some((types, names)) = args.split_first() else {
        return error(if selects {
            "at least one resource must be specified to use a selector".to_string()
        } else {
            NOTHING_GIVEN.to_string()
        });
    };
    let mappings = types_of(cx, types)?;
    if selects || names.is_empty() && take.all {
        if !names.is_empty() {
            return error("name cannot be provided when a selector is specified");
        }
        let everywhere = cx.flags.is("all-namespaces");
        let namespace = if everywhere { String::new() } else { cx.namespace() };
        return Ok(mappings
            .into_iter()
            .map(|mapping| {
                let namespace = if mapping.namespaced { namespace.clone() } else { String::new() };
                Target::Many { mapping, namespace }
            })
            .collect());
    }
    if names.is_empty() {
        return error("resource(s) were provided, but no name was specified");
    }
    if mappings.len() > 1 {
        return error("you must specify only one resource");
    }
    let Some(mapping) = mappings.into_iter().next() else {
        return error(NOTHING_GIVEN);
    };
    names.iter().map(|name| one(cx, mapping.clone(), name)).collect()
}

fn file_targets(cx: &mut Cx, args: &[String]) -> Outcome<Vec<Target>> {
    if !args.is_empty() {
        return error(
            "when paths, URLs, or stdin is provided as input, you may not specify resource arguments as well",
        );
    }
    let (infos, failures) = from_files(cx);
    Failure::many(failures)?;
    Ok(infos.into_iter().map(|info| Target::File(Box::new(info))).collect())
}

fn tuples(cx: &mut Cx, args: &[String], slashes: usize, selects: bool) -> Outcome<Vec<Target>> {
    if slashes != args.len() {
        return error(
            "there is no need to specify a resource type as a separate argument when passing arguments in \
             resource/name form (e.g. 'kubectl get resource/<resource_name>' instead of 'kubectl get resource \
             resource/<resource_name>'",
        );
    }
    if selects {
        return error("selectors and the all flag cannot be used when passing resource/name arguments");
    }
    let mut targets = Vec::new();
    for arg in args {
        let parts: Vec<&str> = arg.split('/').collect();
        let [word, name] = parts.as_slice() else {
            return error("arguments in resource/name form may not have more than one slash");
        };
        if word.is_empty() || name.is_empty() || word.contains(',') {
            return error("arguments in resource/name form must have a single resource and name");
        }
        let mapping = mapper::resource(cx, word)?;
        targets.push(one(cx, mapping, name)?);
    }
    Ok(targets)
}

/// Reads what is asked for. What is good is returned with the failures of the rest.
pub(crate) fn fetch(cx: &mut Cx, targets: Vec<Target>) -> (Vec<Info>, Vec<Failure>) {
    let (mut infos, mut failures) = (Vec::new(), Vec::new());
    for target in targets {
        if let Err(failure) = fetch_one(cx, target, &mut infos) {
            failures.push(failure);
        }
    }
    (infos, failures)
}

fn fetch_one(cx: &mut Cx, target: Target, infos: &mut Vec<Info>) -> Outcome {
    match target {
        Target::One { mapping, namespace, name } => {
            let object = cx.get(&mapping, &namespace, &name)?;
            let mut info = Info { mapping, namespace, name, object: Value::Null, source: String::new() };
            info.refresh(object);
            infos.push(info);
        }
        Target::File(info) => {
            let mut info = *info;
            let object = cx.get(&info.mapping, &info.namespace, &info.name)?;
            info.refresh(object);
            infos.push(info);
        }
        Target::Many { mapping, namespace } => {
            let flags = cx.args();
            let (labels, fields) = (flags.text("selector"), flags.text("field-selector"));
            for object in cx.list(&mapping, &namespace, labels, fields)? {
                infos.push(Info {
                    mapping: mapping.clone(),
                    namespace: meta::namespace(&object).to_string(),
                    name: meta::name(&object).to_string(),
                    object,
                    source: String::new(),
                });
            }
        }
    }
    Ok(())
}

/// Reads the objects that the arguments or files name; the first failure ends it.
pub(crate) fn objects(cx: &mut Cx, args: &[String], take: Take) -> Outcome<Vec<Info>> {
    let targets = targets(cx, args, take)?;
    let (infos, failures) = fetch(cx, targets);
    Failure::many(failures)?;
    Ok(infos)
}

/// Returns the objects of the files alone, for `--local`.
pub(crate) fn local(cx: &mut Cx, resources: &[String], file: &str) -> Outcome<Vec<Info>> {
    if !resources.is_empty() || !files::are_named(cx) {
        return error(format!(
            "can only use local files by -f {file}.yaml or --filename={file}.json when --local=true is set"
        ));
    }
    let (infos, failures) = from_files(cx);
    Failure::many(failures)?;
    Ok(infos)
}

/// Splits arguments into resources and the words that change them: `KEY=VALUE`, `KEY-`.
// Models staging/src/k8s.io/kubectl/pkg/cmd/util/helpers.go GetResourcesAndPairs
pub(crate) fn resources_and_pairs(args: &[String], what: &str) -> Outcome<(Vec<String>, Vec<String>)> {
    let is_pair =
        |arg: &String| arg.contains('=') && !arg.starts_with('=') || arg.ends_with('-') && arg.len() > 1;
    let mut resources = Vec::new();
    let mut pairs = Vec::new();
    for arg in args {
        if is_pair(arg) {
            pairs.push(arg.clone());
        } else if pairs.is_empty() {
            resources.push(arg.clone());
        } else {
            return error(format!("all resources must be specified before {what} changes: {arg}"));
        }
    }
    Ok((resources, pairs))
}

/// Returns the JSON that errors cite.
pub(crate) fn cited(patch: &Value) -> String {
    go_json(patch)
}
