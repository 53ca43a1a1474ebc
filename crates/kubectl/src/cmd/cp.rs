//! `kubectl cp`: by tar in the container, as upstream.
// Models staging/src/k8s.io/kubectl/pkg/cmd/cp/cp.go

use super::exec::{container, info_of};
use crate::archive::{self, Entry};
use crate::builder::Info;
use crate::cmd::create::mapping;
use crate::cx::{Cx, Next};
use crate::failure::{Failure, Outcome, error};
use crate::host::StreamRead;
use crate::task::{Progress, Task};
use api::{Method, Request};

/// How deep folders are copied.
const MAX_DEPTH: u32 = 20;

/// One side of a copy.
struct Side {
    namespace: String,
    pod: String,
    path: String,
}

impl Side {
    /// Reads `[[NAMESPACE/]POD:]PATH`.
    fn read(cx: &Cx, word: &str) -> Outcome<Side> {
        let Some((place, path)) = word.split_once(':') else {
            return Ok(Side { namespace: String::new(), pod: String::new(), path: word.to_string() });
        };
        let (namespace, pod) = match place.split_once('/') {
            Some((namespace, pod)) => (namespace.to_string(), pod),
            None => (cx.namespace(), place),
        };
        if pod.is_empty() || pod.contains('/') {
            return error("filespec must match the canonical format: [[namespace/]pod:]file/path");
        }
        Ok(Side { namespace, pod: pod.to_string(), path: path.to_string() })
    }

    fn is_remote(&self) -> bool {
        !self.pod.is_empty()
    }
}

/// Runs the command.
pub(crate) fn run(cx: &mut Cx) -> Outcome<Next> {
    let flags = cx.args();
    let [from, to] = flags.args.as_slice() else {
        return error("source and destination are required");
    };
    let (from, to) = (Side::read(cx, from)?, Side::read(cx, to)?);
    match (from.is_remote(), to.is_remote()) {
        (true, true) => return error("one of src or dest must be a local file specification"),
        (false, false) => return error("one of src or dest must be a remote file specification"),
        _ if from.path.is_empty() || to.path.is_empty() => return error("filepath can not be empty"),
        _ => {}
    }
    let remote = if from.is_remote() { &from } else { &to };
    let pod = cx.get(&mapping("", "v1", "Pod")?, &remote.namespace, &remote.pod)?;
    let container = match flags.text("container") {
        "" => container(cx, &pod, false)?,
        name => name.to_string(),
    };
    let place = Place { info: info_of(&pod)?, container };
    let (stream, step) = if from.is_remote() {
        let stream = place.exec(cx, &["tar", "cf", "-", &from.path], false)?;
        (stream, Step::Down { source: from.path, target: to.path })
    } else {
        let entries = local(cx, &from.path)?;
        let stream = place.exec(cx, &["test", "-d", &to.path], false)?;
        (stream, Step::Look { source: from.path, target: to.path, entries })
    };
    Ok(Next::Wait(Box::new(Task::Copy(Box::new(Copy { place, stream, text: String::new(), step })))))
}

/// Reads a file, or a folder with all that is in it; names are relative to it.
fn local(cx: &mut Cx, path: &str) -> Outcome<Vec<Entry>> {
    let mut entries = Vec::new();
    let mut left = vec![(path.trim_end_matches('/').to_string(), String::new(), 0)];
    while let Some((path, name, depth)) = left.pop() {
        if let Some(inner) = cx.host.list_folder(&path) {
            if !name.is_empty() {
                entries.push((format!("{name}/"), None));
            }
            for one in inner.iter().rev().filter(|_| depth < MAX_DEPTH) {
                let one = one.trim_end_matches('/');
                let below = if name.is_empty() { one.to_string() } else { format!("{name}/{one}") };
                left.push((format!("{path}/{one}"), below, depth + 1));
            }
            continue;
        }
        match cx.host.read_file(&path) {
            Ok(text) => entries.push((name, Some(text))),
            Err(_) => return error(format!("{path} doesn't exist in local filesystem")),
        }
    }
    Ok(entries)
}

/// The container that is copied to or from.
#[derive(Clone, Debug)]
struct Place {
    info: Info,
    container: String,
}

impl Place {
    fn exec(&self, cx: &mut Cx, command: &[&str], stdin: bool) -> Outcome<u64> {
        let mut request =
            Request::new(Method::Post, self.info.path("exec")).query("container", &self.container);
        for word in command {
            request = request.query("command", *word);
        }
        if stdin {
            request = request.query("stdin", "true");
        }
        let request = request.query("stdout", "true").query("stderr", "true");
        match cx.request(request) {
            Ok(response) => Ok(response.stream),
            Err(Failure::Status(status)) if status.reason == "InternalError" => error(status.message),
            Err(failure) => Err(failure),
        }
    }
}

#[derive(Clone, Debug)]
enum Step {
    /// An archive comes.
    Down { source: String, target: String },
    /// Whether the target is a folder is looked at.
    Look { source: String, target: String, entries: Vec<Entry> },
    /// An archive is unpacked.
    Up,
}

/// A copy under way.
#[derive(Clone, Debug)]
pub(crate) struct Copy {
    place: Place,
    stream: u64,
    text: String,
    step: Step,
}

/// Returns a path's last part.
fn base(path: &str) -> &str {
    path.trim_end_matches('/').rsplit('/').next().unwrap_or(path)
}

impl Copy {
    /// Goes on.
    pub fn step(&mut self, cx: &mut Cx) -> Outcome<Progress> {
        loop {
            match cx.host.poll(self.stream) {
                StreamRead::Bytes(text) => self.text.push_str(&text),
                StreamRead::Errors(text) => cx.err(text),
                StreamRead::Event(_) | StreamRead::Head { .. } => {}
                StreamRead::Empty => return Ok(Progress::stream(self.stream)),
                StreamRead::Exit(code) => {
                    cx.host.close(self.stream);
                    if self.ended(cx, code)? {
                        return Ok(Progress::Done);
                    }
                }
                StreamRead::Closed => return error("lost connection to pod"),
            }
        }
    }

    /// Takes a command's end. Returns whether that was all.
    fn ended(&mut self, cx: &mut Cx, code: i32) -> Outcome<bool> {
        let text = std::mem::take(&mut self.text);
        match std::mem::replace(&mut self.step, Step::Up) {
            Step::Down { source, target } => {
                let read = archive::read(&text);
                let (said, entries) = read.unwrap_or((&text, Vec::new()));
                cx.err(said);
                if code != 0 {
                    return Err(Failure::Process {
                        message: format!("command terminated with exit code {code}"),
                        code: 1,
                    });
                }
                unpack(cx, &source, &target, entries)?;
                Ok(true)
            }
            Step::Look { source, target, entries } => {
                // Into a folder that is there, the file goes under its own name.
                let target = target.trim_end_matches('/');
                let target =
                    if code == 0 { format!("{target}/{}", base(&source)) } else { target.to_string() };
                let (folder, name) = target.rsplit_once('/').unwrap_or((".", &target));
                let folder = if folder.is_empty() { "/" } else { folder };
                let is_folder = !matches!(entries.as_slice(), [(name, Some(_))] if name.is_empty());
                let mut named: Vec<Entry> = Vec::new();
                if is_folder {
                    named.push((format!("{name}/"), None));
                }
                named.extend(entries.into_iter().map(|(below, text)| match below.is_empty() {
                    true => (name.to_string(), text),
                    false => (format!("{name}/{below}"), text),
                }));
                self.stream = self.place.exec(cx, &["tar", "-xmf", "-", "-C", folder], true)?;
                cx.host.write(self.stream, &archive::write(&named));
                cx.host.write(self.stream, "");
                Ok(false)
            }
            Step::Up => {
                cx.err(&text);
                if code != 0 {
                    return Err(Failure::Process {
                        message: format!("command terminated with exit code {code}"),
                        code: 1,
                    });
                }
                Ok(true)
            }
        }
    }

    /// Returns the stream.
    pub fn streams(&self) -> Vec<u64> {
        vec![self.stream]
    }
}

/// Writes what came to where it belongs.
fn unpack(cx: &mut Cx, source: &str, target: &str, entries: Vec<Entry>) -> Outcome {
    let prefix = source.trim_matches('/');
    let is_folder = cx.host.list_folder(target).is_some();
    for (name, content) in entries {
        let below = name.strip_prefix(prefix).unwrap_or(&name).trim_matches('/');
        let target = target.trim_end_matches('/');
        let path = match (below.is_empty(), is_folder) {
            (true, true) if content.is_some() => format!("{target}/{}", base(source)),
            (true, _) => target.to_string(),
            (false, _) => format!("{target}/{below}"),
        };
        match content {
            Some(text) => {
                if let Err(why) = cx.host.write_file(&path, &text) {
                    return error(format!("open {path}: {why}"));
                }
            }
            None => cx.host.make_folder(&path),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::base;

    #[test]
    fn knows_the_last_part() {
        for (path, last) in [("/a/b", "b"), ("a", "a"), ("/a/b/", "b"), ("/", "")] {
            assert_eq!(base(path), last, "{path}");
        }
    }
}
