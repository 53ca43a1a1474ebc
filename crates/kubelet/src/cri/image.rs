use api::nslookup::Style;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::rc::Rc;

use super::files::Files;

/// The tools that every image with a shell has.
const USUAL: &str = "awk base64 basename cat clear cp cut date df dirname echo egrep env expr false find grep \
    head hostname id kill ls mkdir more mv nl printenv printf pwd rev rm sed seq sleep sort tac tail tee test \
    time timeout touch tr true uname uniq wc which whoami xargs yes";

/// The directories of an image built on Debian, which is taken for one with bash, and of one on Alpine.
const OF_DEBIAN: &str =
    "bin boot dev etc home lib lib64 media mnt opt proc root run sbin srv sys tmp usr var";
const OF_ALPINE: &str = "bin dev etc home lib media mnt opt proc root run sbin srv sys tmp usr var";

/// What an image's main process does. `images/README.md` documents the words.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Program {
    /// Answers HTTP by its routes.
    #[default]
    Http,
    /// Answers redis commands.
    Redis,
    /// Answers SQL.
    Mysql,
    /// Counts in redis: answers HTTP with a number.
    Counter,
    /// Writes nothing and waits.
    Wait,
    /// A shell: without a terminal it ends at once.
    Shell,
    /// Prints what it prints at its start and ends.
    Print,
    /// Computes pi where its command asks for that (`print bpi(2000)`); else a shell.
    Perl,
    /// Is played by the cluster: `coredns`, `metallb-controller`, `metallb-speaker`.
    Builtin,
    /// Is played by the cluster as a process of the machine, which has its ports and answers there: `kube-scheduler`.
    Process,
}

/// A route of an HTTP server.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Route {
    /// The path, without the query; a `*` at its end matches what follows.
    pub path: String,
    /// The method; empty for all.
    pub method: String,
    /// The status; 200 unless stated.
    pub status: Option<u16>,
    /// Headers beyond Content-Length and Date.
    pub headers: BTreeMap<String, String>,
    /// The body, a template.
    pub body: String,
    /// How long the answer takes beyond the usual, in milliseconds.
    pub after_ms: u32,
    /// From how long after the program's start on it answers, in milliseconds.
    pub from_ms: u32,
}

/// How the process takes the signal that asks it to stop.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Stop {
    /// Whether it goes on as if nothing had come: it ends by SIGKILL, with 137.
    pub ignores: bool,
    /// Its exit code.
    pub exit: i64,
    /// How long it takes, in milliseconds.
    pub after_ms: u32,
    /// What it writes.
    pub log: Vec<String>,
}

impl Default for Stop {
    fn default() -> Stop {
        Stop { ignores: false, exit: 143, after_ms: 20, log: Vec::new() }
    }
}

/// What the process writes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Log {
    /// When it starts, templates; a line that begins with `stderr:` goes there.
    pub start: Vec<String>,
    /// For each request, a template; empty for nothing.
    pub request: String,
}

/// What the program writes to its files when it starts, and what it does where it can't.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Write {
    /// The paths, any of which will do.
    pub paths: Vec<String>,
    /// Whether it takes root, whatever the paths.
    pub root: bool,
    /// How many lines of `log.start` come before it.
    pub after: usize,
    /// How many lines of `log.start` after that are left out where it can't be written.
    pub skips: usize,
    /// What is logged instead, templates in which `{errno}` and `{error}` say why.
    pub log: Vec<String>,
    /// The exit code by which the program ends then; without it, it goes on.
    pub exit: Option<i64>,
}

/// What its processes are called, where that isn't how they were run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Processes {
    /// The main one; `{command}` is how it was run, without the entrypoint.
    pub title: String,
    /// Those that it begins, one for each processor of the node; empty for none.
    pub worker: String,
    /// The number of the user that those run as, where the main one runs as root.
    pub worker_user: i64,
}

/// What a CSI driver in the image answers about itself and the node that it runs on.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CsiDriver {
    /// Its name.
    pub name: String,
    /// How many of its volumes a node has at most; 0 for any number.
    pub volumes: i64,
    /// The label that says where the node is.
    pub topology: String,
    /// The label's value; empty where each node is a place of its own, and has its name for a number.
    pub place: String,
}

/// An image as data.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Image {
    /// Its names, without tag: `nginx`, `ghcr.io/subicura/echo`. A `*` at the end matches what follows.
    pub names: Vec<String>,
    /// The tags that exist, patterns; without any, every tag exists.
    pub tags: Vec<String>,
    /// What a tag ends in, beside the patterns themselves: `-alpine`.
    pub variants: Vec<String>,
    /// Tags whose version isn't what they say: `latest: 1.29.4`.
    pub versions: BTreeMap<String, String>,
    /// Its size in bytes, as the registry compresses it.
    pub size: i64,
    /// The entrypoint.
    pub entrypoint: Vec<String>,
    /// The command.
    pub command: Vec<String>,
    /// What it is where its first argument is one of these; `*` is any other.
    #[serde(skip)]
    pub subcommands: BTreeMap<String, Rc<Image>>,
    /// What its processes are called.
    pub processes: Processes,
    /// The words by which a pod's own command still means this image's program.
    pub runs: Vec<String>,
    /// What the main process does.
    pub program: Program,
    /// Which program the cluster plays, where `program` is `builtin`.
    pub builtin: String,
    /// The CSI driver that it is.
    pub csi: Option<CsiDriver>,
    /// The TCP ports that it listens on; without any, the container's own.
    pub ports: Vec<u16>,
    /// The UDP ports that it listens on.
    pub udp_ports: Vec<u16>,
    /// How long from its start until it listens, in milliseconds.
    pub listens_after_ms: u32,
    /// The exit code, where the process ends by itself.
    pub exit: i64,
    /// The variable that must be set, and what is written where it isn't (the process ends with 1).
    pub requires: BTreeMap<String, String>,
    /// What it logs.
    pub log: Log,
    /// What of its files it writes when it starts, in order.
    pub writes: Vec<Write>,
    /// The directory that it serves files from; empty for none.
    pub root: String,
    /// Whether a directory without an index is answered by a list of what is in it.
    pub lists_folders: bool,
    /// The methods by which it serves files; without any, GET and HEAD.
    pub file_methods: Vec<String>,
    /// The body of its 405 to other methods, a template; without it, they are left to the routes.
    pub not_allowed: String,
    /// Its routes; the first that matches counts.
    pub routes: Vec<Route>,
    /// How it stops.
    pub stop: Stop,
    /// Its files.
    pub files: BTreeMap<String, String>,
    /// The same as containers see them, one tree for all of them.
    #[serde(skip)]
    pub tree: Rc<Files>,
    /// The directories of its root; without any, those that come with its shell.
    pub folders: Vec<String>,
    /// Its environment, templates.
    pub env: BTreeMap<String, String>,
    /// The working directory.
    pub workdir: String,
    /// The user's number.
    pub user: i64,
    /// The folders that belong to another user than root, and that user's number.
    pub owners: BTreeMap<String, i64>,
    /// Whether its small tools are busybox's; unless stated, where there is no bash.
    pub busybox: Option<bool>,
    /// The versions whose nslookup asks through the C library, patterns as those of tags.
    pub library_nslookup: Vec<String>,
    /// The shells and tools in it; `sh`, `bash`, `curl`. Without any there is no shell.
    pub tools: Vec<String>,
    /// What it uses of memory when idle, a quantity.
    pub memory: String,
    /// What it uses of a processor when idle, a quantity.
    pub cpu: String,
    /// How long a processor works on a request, in microseconds.
    pub cpu_us_per_request: u32,
    /// What a request adds to its memory for good, a quantity.
    pub memory_per_request: String,
    /// What a minute adds to its memory, a quantity.
    pub memory_per_minute: String,
    /// What its memory grows to at most, a quantity.
    pub memory_at_most: String,
    /// The words of its command line that say how many processors it keeps busy.
    pub cpu_arguments: Vec<String>,
    /// The words of its command line that say how much memory it holds.
    pub memory_arguments: Vec<String>,
    /// The words of its command line that say on which port it listens instead of `ports`.
    pub port_arguments: Vec<String>,
}

impl Image {
    /// Reads an image's file. A subcommand is the image with other fields.
    pub(super) fn read(text: &str) -> Result<Image, serde_yaml::Error> {
        let mut fields: serde_yaml::Mapping = serde_yaml::from_str(text)?;
        let subcommands = fields.remove("subcommands").unwrap_or_default();
        let subcommands: BTreeMap<String, serde_yaml::Mapping> = match subcommands.is_null() {
            true => BTreeMap::new(),
            false => serde_yaml::from_value(subcommands)?,
        };
        let mut image = Image::of_fields(fields.clone())?;
        for (name, own) in subcommands {
            let mut fields = fields.clone();
            fields.extend(own);
            image.subcommands.insert(name, Rc::new(Image::of_fields(fields)?));
        }
        Ok(image)
    }

    fn of_fields(fields: serde_yaml::Mapping) -> Result<Image, serde_yaml::Error> {
        let mut image: Image = serde_yaml::from_value(serde_yaml::Value::Mapping(fields))?;
        if image.has_shell() {
            image.tools.extend(USUAL.split_whitespace().map(str::to_string));
        }
        for folder in image.top_folders() {
            image.files.entry(format!("/{folder}/")).or_default();
        }
        image.tree = Rc::new(image.files.iter().collect());
        Ok(image)
    }

    /// Returns the words behind the entrypoint, where a command line begins with that.
    fn behind_entrypoint<'a>(&self, argv: &'a [Rc<str>]) -> Option<&'a [Rc<str>]> {
        let (own, rest) = argv.split_at_checked(self.entrypoint.len())?;
        let begins = self.entrypoint.iter().zip(own).all(|(known, word)| **known == **word);
        (begins && !own.is_empty()).then_some(rest)
    }

    /// Returns whether a command line's first word still means the image's program.
    fn is_run(&self, argv: &[Rc<str>]) -> bool {
        let first = argv.first().map_or("", |word| word.rsplit('/').next().unwrap_or(word));
        self.runs.iter().any(|word| word == first)
    }

    /// Returns what its main process is called when it is run by these words; `None` for how it was run.
    pub fn title(&self, argv: &[Rc<str>]) -> Option<String> {
        let command = match self.behind_entrypoint(argv) {
            Some(command) => command,
            None if self.is_run(argv) => argv,
            None => return None,
        };
        let title = &self.processes.title;
        (!title.is_empty()).then(|| title.replace("{command}", &command.join(" ")))
    }

    /// Returns what the image is when it is run by these words: its first argument may choose.
    pub fn run_by(self: &Rc<Image>, argv: &[Rc<str>]) -> Rc<Image> {
        let argument = match self.behind_entrypoint(argv) {
            Some(rest) => rest.first(),
            None => argv.get(1).filter(|_| self.is_run(argv)),
        };
        let chosen =
            argument.and_then(|word| self.subcommands.get(&**word).or_else(|| self.subcommands.get("*")));
        chosen.unwrap_or(self).clone()
    }

    /// Returns whether a tag exists.
    pub fn has_tag(&self, tag: &str) -> bool {
        if self.tags.is_empty() {
            return true;
        }
        self.tags.iter().any(|pattern| {
            tag_matches(pattern, tag)
                || self.variants.iter().any(|variant| {
                    tag.strip_suffix(variant.as_str()).is_some_and(|rest| tag_matches(pattern, rest))
                })
        }) || self.variants.iter().any(|variant| variant.strip_prefix('-') == Some(tag))
    }

    /// Returns the version that a tag stands for.
    pub fn version(&self, tag: &str) -> String {
        if let Some(version) = self.versions.get(tag) {
            return version.clone();
        }
        let plain = tag.split('-').next().unwrap_or(tag);
        match self.versions.get(plain) {
            Some(version) => version.clone(),
            None if plain.starts_with(|first: char| first.is_ascii_digit() || first == 'v') => {
                plain.to_string()
            }
            None => self.versions.get("latest").cloned().unwrap_or_else(|| tag.to_string()),
        }
    }

    /// Returns the directories of its root.
    fn top_folders(&self) -> Vec<String> {
        let usual = match self.tools.iter().any(|tool| tool == "bash") {
            _ if !self.has_shell() => "",
            true => OF_DEBIAN,
            false => OF_ALPINE,
        };
        let own = self.folders.iter().cloned();
        let usual = usual.split_whitespace().map(str::to_string).filter(|_| self.folders.is_empty());
        own.chain(usual).collect()
    }

    /// Returns how busybox's nslookup asks in a version of it.
    pub fn nslookup(&self, version: &str) -> Style {
        let fits = self.library_nslookup.iter().any(|pattern| tag_matches(pattern, version));
        if fits { Style::Library } else { Style::Own }
    }

    /// Returns whether its small tools are busybox's, as where there is no bash.
    pub fn is_busybox(&self) -> bool {
        self.busybox.unwrap_or_else(|| !self.tools.iter().any(|tool| tool == "bash"))
    }

    /// Returns whether it has a shell.
    pub fn has_shell(&self) -> bool {
        self.tools.iter().any(|tool| tool == "sh" || tool == "bash")
    }
}

/// Returns whether a tag is meant by a pattern, in which `{7..29}` stands for a number and `*` for anything.
fn tag_matches(pattern: &str, tag: &str) -> bool {
    let Some(at) = pattern.find(['{', '*']) else { return pattern == tag };
    let (literal, rest) = pattern.split_at(at);
    let Some(tag) = tag.strip_prefix(literal) else { return false };
    if let Some(after) = rest.strip_prefix('*') {
        return tag
            .char_indices()
            .map(|(i, _)| i)
            .chain([tag.len()])
            .any(|i| tag.get(i..).is_some_and(|left| tag_matches(after, left)));
    }
    let Some((range, after)) = rest.strip_prefix('{').and_then(|rest| rest.split_once('}')) else {
        return false;
    };
    let Some((low, high)) = range.split_once("..") else { return false };
    let digits = tag.bytes().take_while(u8::is_ascii_digit).count();
    let (number, left) = tag.split_at(digits);
    let (Ok(low), Ok(high), Ok(value)) = (low.parse::<u32>(), high.parse::<u32>(), number.parse::<u32>())
    else {
        return false;
    };
    (low..=high).contains(&value) && number == value.to_string() && tag_matches(after, left)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_match_their_patterns() {
        for (pattern, tag, yes) in [
            ("1.{7..29}", "1.25", true),
            ("1.{7..29}", "1.161", false),
            ("1.{7..29}", "1.025", false),
            ("1.{7..29}.{0..12}", "1.16.1", true),
            ("1.{7..29}.{0..12}", "1.16", false),
            ("v*", "v2.5.2", true),
            ("*-x", "a-b-x", true),
            ("latest", "latest", true),
            ("latest", "late", false),
            ("{", "1", false),
        ] {
            assert_eq!(tag_matches(pattern, tag), yes, "{pattern} {tag}");
        }
    }
}
