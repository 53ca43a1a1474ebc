//! Completion of a command line.

use crate::commands;
use crate::flags::{self, Flag, Kind, NONE};
use crate::mapper::{self, Mapping};
use crate::{Config, Host};
use api::{Accept, Method, Request, Value, meta};

/// The most words that are offered.
const MAX_WORDS: usize = 500;

/// Commands whose arguments are types and names.
const TYPED: &[&str] = &[
    "get",
    "describe",
    "delete",
    "edit",
    "label",
    "annotate",
    "scale",
    "expose",
    "patch",
    "autoscale",
    "wait",
    "rollout history",
    "rollout pause",
    "rollout restart",
    "rollout resume",
    "rollout status",
    "rollout undo",
    "set env",
    "set image",
    "set resources",
    "set selector",
    "set serviceaccount",
    "set subject",
    "explain",
    "apply view-last-applied",
    "apply edit-last-applied",
    "taint",
];
/// Commands whose arguments are names of one type.
const NAMED: &[(&str, &str)] = &[
    ("logs", "pods"),
    ("exec", "pods"),
    ("attach", "pods"),
    ("debug", "pods"),
    ("port-forward", "pods"),
    ("top pod", "pods"),
    ("cordon", "nodes"),
    ("uncordon", "nodes"),
    ("drain", "nodes"),
    ("top node", "nodes"),
];
/// Values that a flag may have.
const VALUES: &[(&str, &[&str])] = &[
    ("output", &["json", "yaml", "name", "wide", "jsonpath=", "custom-columns=", "go-template="]),
    ("dry-run", &["none", "client", "server"]),
    ("cascade", &["background", "foreground", "orphan"]),
    ("restart", &["Always", "OnFailure", "Never"]),
    ("image-pull-policy", &["Always", "IfNotPresent", "Never"]),
    ("validate", &["strict", "warn", "ignore"]),
];

/// Returns what the last of the words may become: commands, flags, resource types, names,
/// namespaces, containers. The first word is `kubectl`. The cluster is only read.
pub fn complete(words: &[String], host: &mut dyn Host, config: &Config) -> Vec<String> {
    let Some((last, before)) = words.split_last() else {
        return Vec::new();
    };
    let before = before.get(1..).unwrap_or(&[]);
    if before.iter().any(|word| word == "--") {
        return Vec::new();
    }
    let mut found = candidates(last, before, host, config);
    found.retain(|word| word.starts_with(last.as_str()));
    found.sort();
    found.dedup();
    found.truncate(MAX_WORDS);
    found
}

fn candidates(last: &str, before: &[String], host: &mut dyn Host, config: &Config) -> Vec<String> {
    let Ok((spec, rest)) = crate::command::find(before) else {
        return Vec::new();
    };
    let known = flags::of(spec.path);
    let namespace = namespace(&rest, config);
    let mut asker = Asker { host, config, namespace };
    if let Some(flag) = before.last().and_then(|word| wants_value(word, &known)) {
        return asker.values(flag, &rest);
    }
    if let Some((name, _)) = last.split_once('=').filter(|_| last.starts_with("--")) {
        let flag = known.iter().find(|flag| name.strip_prefix("--") == Some(flag.name));
        let values = flag.map(|flag| asker.values(flag, &rest)).unwrap_or_default();
        return values.into_iter().map(|value| format!("{name}={value}")).collect();
    }
    if last.starts_with('-') {
        return known.iter().map(|flag| format!("--{}", flag.name)).collect();
    }
    let args = arguments(&rest, &known);
    let below: Vec<String> = commands::below(spec.path).map(|spec| spec.name().to_string()).collect();
    if args.is_empty() && !below.is_empty() {
        return below;
    }
    asker.arguments(spec.path, last, &args)
}

/// Returns the flag whose value comes next, if the word is such a flag.
fn wants_value(word: &str, known: &[&'static Flag]) -> Option<&'static Flag> {
    let takes = |flag: &&&'static Flag| !matches!(flag.kind, Kind::Bool | Kind::Optional(_));
    if let Some(name) = word.strip_prefix("--") {
        return known.iter().find(|flag| flag.name == name).filter(takes).copied();
    }
    let letters = word.strip_prefix('-')?;
    let letter = letters.chars().last()?;
    known.iter().find(|flag| flag.short != NONE && flag.short == letter).filter(takes).copied()
}

fn arguments(words: &[String], known: &[&'static Flag]) -> Vec<String> {
    let mut args = Vec::new();
    let mut i = 0;
    while let Some(word) = words.get(i) {
        if word.len() > 1 && word.starts_with('-') {
            i += if flags::takes_next(word, known) { 2 } else { 1 };
        } else {
            args.push(word.clone());
            i += 1;
        }
    }
    args
}

fn namespace(words: &[String], config: &Config) -> String {
    let mut words = words.iter();
    while let Some(word) = words.next() {
        if word == "-n" || word == "--namespace" {
            return words.next().cloned().unwrap_or_default();
        }
        if let Some(name) = word.strip_prefix("--namespace=") {
            return name.to_string();
        }
    }
    config.namespace().to_string()
}

struct Asker<'a> {
    host: &'a mut dyn Host,
    config: &'a Config,
    namespace: String,
}

impl Asker<'_> {
    fn get(&mut self, path: String) -> Value {
        let mut request = Request::new(Method::Get, path).accept(Accept::Object);
        if let Some(user) =
            self.config.current().and_then(|now| self.config.users.iter().find(|user| user.name == now.user))
        {
            request.user = std::rc::Rc::new(user.user.clone());
        }
        match self.host.request(request) {
            Ok(response) if response.is_success() => response.body,
            _ => Value::Null,
        }
    }

    /// Returns the resource types that definitions add.
    fn custom(&mut self) -> Vec<Mapping> {
        let mut ask = |path: &str| Ok(self.get(path.to_string()));
        mapper::custom_types(&mut ask).unwrap_or_default()
    }

    fn mapping(&mut self, word: &str) -> Option<Mapping> {
        if let Some(kind) = schema::resolve(word).filter(|kind| kind.served) {
            return Some(Mapping::from(kind));
        }
        let (name, group) = word.split_once('.').unwrap_or((word, ""));
        let fits = |mapping: &Mapping| mapping.is_named(name) && (group.is_empty() || mapping.group == group);
        self.custom().into_iter().find(fits)
    }

    /// Returns the words that mean resource types; after a comma, with what stands before it.
    fn types(&mut self, last: &str) -> Vec<String> {
        let head = last.rfind(',').and_then(|at| last.get(..=at)).unwrap_or("");
        let mut words = Vec::new();
        for kind in schema::kinds().iter().filter(|kind| kind.served && kind.verbs.contains(&"list")) {
            words.push(kind.plural.to_string());
            words.push(kind.singular.to_string());
            words.extend(kind.short_names.iter().map(|name| (*name).to_string()));
        }
        for mapping in self.custom() {
            words.extend(mapping.names());
            words.push(mapping.group_resource());
        }
        if head.is_empty() {
            words.push("all".to_string());
        }
        words.into_iter().map(|word| format!("{head}{word}")).collect()
    }

    fn names(&mut self, word: &str) -> Vec<String> {
        let Some(mapping) = self.mapping(word) else {
            return Vec::new();
        };
        let namespace = if mapping.namespaced { self.namespace.clone() } else { String::new() };
        let list = self.get(mapping.collection(&namespace));
        list["items"].items().iter().map(|item| meta::name(item).to_string()).collect()
    }

    fn values(&mut self, flag: &Flag, rest: &[String]) -> Vec<String> {
        if let Some((_, values)) = VALUES.iter().find(|(name, _)| *name == flag.name) {
            return values.iter().map(|value| (*value).to_string()).collect();
        }
        match flag.name {
            "namespace" => self.names("namespaces"),
            "container" => self.containers(rest),
            "context" => self.config.contexts.iter().map(|context| context.name.clone()).collect(),
            "cluster" => self.config.clusters.iter().map(|cluster| cluster.name.clone()).collect(),
            "user" => self.config.users.iter().map(|user| user.name.clone()).collect(),
            "filename" => self.files(),
            _ => Vec::new(),
        }
    }

    fn files(&mut self) -> Vec<String> {
        self.host.list_folder(".").unwrap_or_default()
    }

    fn containers(&mut self, rest: &[String]) -> Vec<String> {
        let pods = self.names("pods");
        let named = |word: &String| word.strip_prefix("pod/").unwrap_or(word).to_string();
        let Some(pod) = rest.iter().map(named).find(|word| pods.contains(word)) else {
            return Vec::new();
        };
        let pod = self.get(format!("/api/v1/namespaces/{}/pods/{pod}", self.namespace));
        ["initContainers", "containers", "ephemeralContainers"]
            .iter()
            .flat_map(|list| pod["spec"][*list].items())
            .map(|container| container["name"].str().to_string())
            .collect()
    }

    fn arguments(&mut self, path: &str, last: &str, args: &[String]) -> Vec<String> {
        if let Some((_, word)) = NAMED.iter().find(|(command, _)| *command == path) {
            return match (args.len(), last.split_once('/')) {
                (_, Some((kind, _))) => self.slashed(kind),
                (0, None) => self.names(word),
                (_, None) if path == "logs" => self.containers(args),
                (_, None) if *word == "nodes" => self.names(word),
                _ => Vec::new(),
            };
        }
        match path {
            "config use-context"
            | "config delete-context"
            | "config rename-context"
            | "config get-contexts" => {
                return self.config.contexts.iter().map(|context| context.name.clone()).collect();
            }
            _ if !TYPED.contains(&path) => return Vec::new(),
            _ => {}
        }
        if let Some((kind, _)) = last.split_once('/') {
            return self.slashed(kind);
        }
        match args.first() {
            None => self.types(last),
            Some(_) if path == "explain" => Vec::new(),
            Some(kind) => {
                let names = self.names(kind);
                names.into_iter().filter(|name| !args.contains(name)).collect()
            }
        }
    }

    fn slashed(&mut self, kind: &str) -> Vec<String> {
        self.names(kind).into_iter().map(|name| format!("{kind}/{name}")).collect()
    }
}
