use crate::builtin;
use crate::host::Host;
use crate::program;
use crate::state::ShellState;
use crate::syntax::{self, CommandKind};
use api::path::absolute;
use api::{Request, Response};
use kubectl::StreamRead;
use sim::Time;

/// How many candidates there are at most.
const MOST: usize = 200;

/// A word that could stand there.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Candidate {
    /// The word, with what is typed of it.
    pub text: String,
    /// What it is, in our words; may be empty.
    pub detail: String,
}

/// How a line can go on.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Completion {
    /// How many characters before the cursor the candidates replace.
    pub replace: u32,
    /// The candidates, in order.
    pub candidates: Vec<Candidate>,
}

/// Returns how a line can go on at the cursor, which is counted in bytes. Nothing is changed by it;
/// the cluster is read through the host, which may answer from what it knows.
pub fn complete(line: &str, cursor: usize, state: &ShellState, host: &mut dyn Host) -> Completion {
    let before = crate::text::cut(line, cursor);
    let words = words_before(before);
    let Some((last, earlier)) = words.split_last() else { return Completion::default() };
    let mut candidates = match earlier.first().map(String::as_str) {
        None => commands(last, state, host),
        Some("kubectl" | "k") => {
            let own = of_kubectl(&words, state, host);
            let after_dash = earlier.iter().any(|word| word == "--");
            let wants_file =
                earlier.last().is_some_and(|word| matches!(word.as_str(), "-f" | "--filename" | "-k"));
            if wants_file || own.is_empty() && !after_dash && last.contains(['/', '.']) {
                files(last, state, host)
            } else {
                own
            }
        }
        Some("ssh") if earlier.len() == 1 => nodes(state, host),
        Some("watch" | "time" | "sudo") if earlier.len() == 1 => commands(last, state, host),
        Some("which" | "type" | "help") => commands(last, state, host),
        Some(_) => files(last, state, host),
    };
    candidates.retain(|candidate| candidate.text.starts_with(last.as_str()));
    candidates.sort();
    candidates.dedup();
    candidates.truncate(MOST);
    Completion { replace: u32::try_from(last.chars().count()).unwrap_or(0), candidates }
}

/// Returns the words of the command that the cursor is in; the last is the one it is at.
fn words_before(line: &str) -> Vec<String> {
    // What stands before the last operator is another command's.
    let mut start = 0;
    let (mut single, mut double, mut escaped) = (false, false, false);
    for (at, character) in line.char_indices() {
        match character {
            _ if escaped => {
                escaped = false;
                continue;
            }
            '\\' if !single => escaped = true,
            '\'' if !double => single = !single,
            '"' if !single => double = !double,
            '|' | ';' | '&' | '(' if !single && !double => start = at + 1,
            _ => {}
        }
    }
    let rest = line.get(start..).unwrap_or("").trim_start();
    let mut words: Vec<String> = match syntax::parse(rest) {
        Ok(script) => plain_words(&script),
        Err(_) => rest.split_whitespace().map(str::to_string).collect(),
    };
    // A keyword before a command is none of its words.
    while words.len() > 1
        && words.first().is_some_and(|word| matches!(word.as_str(), "do" | "then" | "else" | "while" | "!"))
    {
        words.remove(0);
    }
    if rest.is_empty() || rest.ends_with([' ', '\t']) {
        words.push(String::new());
    }
    words
}

fn plain_words(script: &syntax::Script) -> Vec<String> {
    let pipelines = script.items.iter().flat_map(|item| &item.pipelines);
    let command = pipelines.flat_map(|(_, pipeline)| &pipeline.commands).next_back();
    let Some(CommandKind::Simple { words, .. }) = command.map(|command| &command.kind) else {
        return Vec::new();
    };
    let text = |word: &syntax::Word| -> String {
        let parts = word.parts.iter().map(|part| match part {
            syntax::Part::Text { text, .. } => text.as_str(),
            _ => "",
        });
        parts.collect()
    };
    words.iter().map(text).collect()
}

/// Returns whether a command of that name, or at that path, is there at a place.
pub fn has_program(name: &str, place: &crate::Place, facts: &crate::Facts) -> bool {
    let bare = name.rsplit('/').next().unwrap_or(name);
    let has = |known: &str| known == bare;
    match &facts.programs {
        _ if program::machine_names(place).any(has) || builtin::NAMES.iter().any(|(known, _)| has(known)) => {
            true
        }
        Some(programs) => programs.iter().any(|known| has(known)),
        None => program::names().any(|(known, _)| has(known)),
    }
}

fn commands(last: &str, state: &ShellState, host: &mut dyn Host) -> Vec<Candidate> {
    let facts = host.facts(&state.place);
    let has = |name: &str| {
        facts.programs.as_ref().is_none_or(|programs| programs.iter().any(|known| known == name))
    };
    let candidate =
        |(name, detail): (&str, &str)| Candidate { text: name.to_string(), detail: detail.to_string() };
    let mut all: Vec<Candidate> = builtin::NAMES.iter().copied().map(candidate).collect();
    all.extend(program::names().filter(|(name, _)| has(name)).map(candidate));
    all.extend(program::machine_names(&state.place).map(|name| candidate((name, ""))));
    all.extend(state.functions.keys().map(|name| candidate((name, "a function"))));
    if last.is_empty() {
        all.retain(|candidate| candidate.text == "kubectl" || candidate.text == "help");
    }
    if last.contains('/') {
        all.extend(files(last, state, host));
    }
    all
}

fn files(last: &str, state: &ShellState, host: &mut dyn Host) -> Vec<Candidate> {
    let (folder, _) = last.rsplit_once('/').map_or(("", last), |(folder, name)| (folder, name));
    let prefix = last.get(..last.rfind('/').map_or(0, |at| at + 1)).unwrap_or("");
    let path = if last.starts_with('/') && folder.is_empty() {
        "/".to_string()
    } else {
        absolute(&state.cwd, folder)
    };
    let names = host.list_dir(&state.place, &path).unwrap_or_default();
    names
        .into_iter()
        .map(|name| Candidate { text: format!("{prefix}{name}"), detail: String::new() })
        .collect()
}

fn nodes(state: &ShellState, host: &mut dyn Host) -> Vec<Candidate> {
    let words = ["kubectl", "get", "nodes", ""].map(str::to_string);
    of_kubectl(&words, state, host)
}

fn of_kubectl(words: &[String], state: &ShellState, host: &mut dyn Host) -> Vec<Candidate> {
    let config = host.kubeconfig(&state.place);
    let mut words = words.to_vec();
    if let Some(name) = words.first_mut() {
        *name = "kubectl".to_string();
    }
    let found = kubectl::complete(&words, &mut Reader { host, state }, &config);
    found.into_iter().map(|text| Candidate { text, detail: String::new() }).collect()
}

/// What completion reaches of the shell's world: it only reads.
struct Reader<'a> {
    host: &'a mut dyn Host,
    state: &'a ShellState,
}

impl kubectl::Host for Reader<'_> {
    fn now(&self) -> Time {
        self.host.now()
    }

    fn request(&mut self, mut request: Request) -> Result<Response, String> {
        if request.method != api::Method::Get {
            return Err("completion only reads".to_string());
        }
        request.agent = "completion".into();
        self.host.request(&self.state.place, request)
    }

    fn poll(&mut self, _stream: u64) -> StreamRead {
        StreamRead::Closed
    }

    fn write(&mut self, _stream: u64, _text: &str) {}

    fn close(&mut self, stream: u64) {
        self.host.stream_close(stream);
    }

    fn read_file(&mut self, path: &str) -> Result<String, String> {
        let path = absolute(&self.state.cwd, path);
        self.host.read_file(&self.state.place, &path).map_err(|error| error.words().to_lowercase())
    }

    fn write_file(&mut self, _path: &str, _text: &str) -> Result<(), String> {
        Err("read-only file system".to_string())
    }

    fn fetch(&mut self, _url: &str) -> Result<String, String> {
        Err("completion only reads".to_string())
    }

    fn out(&mut self, _text: &str) {}

    fn err(&mut self, _text: &str) {}
}
