use super::filter::given;
use super::options::{Given, Known};
use super::simple::Ended;
use super::{Io, Program, Progress};
use crate::host::FileError;
use crate::job::{Block, Editing};
use crate::place::{Facts, VolumeFolder};

const fn known(name: &'static str, plain: &'static str) -> Known {
    Known { name, plain, valued: "", long: &[], code: 1 }
}

/// How deep folders are gone through.
const MAX_DEPTH: u32 = 20;
/// How many files are gone through at most.
const MOST: usize = 2_000;

/// Adds a file, or a folder with all that is in it, under a name: folders end with `/`.
pub(super) fn collect(
    io: &mut Io,
    path: &str,
    name: &str,
    into: &mut Vec<kubectl::archive::Entry>,
) -> Result<(), FileError> {
    let mut left = vec![(path.to_string(), name.trim_end_matches('/').to_string(), 0)];
    while let Some((path, name, depth)) = left.pop() {
        match io.host.list_dir(&io.state.place, &path) {
            Ok(inner) => {
                into.push((format!("{name}/"), None));
                for one in inner.iter().rev().filter(|_| depth < MAX_DEPTH) {
                    let one = one.trim_end_matches('/');
                    let below = api::path::absolute(&path, one);
                    left.push((below, format!("{}/{one}", name.trim_end_matches('/')), depth + 1));
                }
            }
            Err(FileError::NotDirectory) => {
                let text = io.host.read_file(&io.state.place, &path)?;
                into.push((name, Some(text)));
            }
            Err(error) => return Err(error),
        }
        if into.len() >= MOST {
            break;
        }
    }
    Ok(())
}

/// `find [FOLDER…] [-name PATTERN] [-type f|d] [-maxdepth N]`
pub(super) fn find(argv: &[String], io: &mut Io) -> Program {
    let words = argv.get(1..).unwrap_or_default();
    let count = words.iter().take_while(|word| !word.starts_with('-')).count();
    let (paths, tests) = words.split_at(count.min(words.len()));
    let (mut pattern, mut kind, mut depth) = (None, None, usize::MAX);
    let mut tests = tests.iter();
    while let Some(test) = tests.next() {
        let value = tests.next().map_or("", String::as_str);
        match test.as_str() {
            "-name" | "-iname" => {
                let mut wild = crate::text::Pattern::default();
                wild.wild(value);
                pattern = Some(wild);
            }
            "-type" => kind = value.chars().next(),
            "-maxdepth" => depth = value.parse().unwrap_or(depth),
            "-print" => {}
            other => {
                let hint = "# kubarium: of find's tests there are -name, -type and -maxdepth";
                return Ended::failed(&format!("find: unknown predicate `{other}'\n{hint}"), 1);
            }
        }
    }
    let here = [".".to_string()];
    let (mut out, mut errors) = (String::new(), String::new());
    for path in if paths.is_empty() { here.as_slice() } else { paths } {
        let mut found = Vec::new();
        if let Err(error) = collect(io, &io.path(path), path, &mut found) {
            errors.push_str(&format!("find: '{path}': {}\n", error.words()));
        }
        for (name, content) in found {
            let name = name.trim_end_matches('/');
            let base: Vec<char> = name.rsplit('/').next().unwrap_or(name).chars().collect();
            let level = name.strip_prefix(path.trim_end_matches('/')).unwrap_or(name).matches('/').count();
            let fits = pattern.as_ref().is_none_or(|pattern| pattern.fits(&base));
            let is_kind = kind.is_none_or(|kind| (kind == 'd') == content.is_none());
            if fits && is_kind && level <= depth {
                out.push_str(&format!("{}\n", if name.is_empty() { "/" } else { name }));
            }
        }
    }
    let status = i32::from(!errors.is_empty());
    Ended::with(&out, &errors, status)
}

/// `ls`
pub(super) fn ls(argv: &[String], io: &mut Io) -> Program {
    let given = given!(
        Known {
            name: "ls",
            plain: "alhAF1trRSd",
            valued: "",
            long: &[("all", 'a'), ("color", 'F')],
            code: 2
        },
        argv
    );
    let paths = if given.args.is_empty() { vec![".".to_string()] } else { given.args.clone() };
    let (mut files, mut folders, mut err, mut status) = (Vec::new(), Vec::new(), String::new(), 0);
    for name in &paths {
        let path = io.path(name);
        match io.host.list_dir(&io.state.place, &path) {
            Ok(names) if !given.has('d') => folders.push((name.clone(), names)),
            Ok(_) => files.push(format!("{}/", name.trim_end_matches('/'))),
            Err(FileError::NotDirectory) => files.push(name.clone()),
            Err(error) => {
                err.push_str(&format!("ls: cannot access '{name}': {}\n", error.words()));
                status = 2;
            }
        }
    }
    let single = given.has('1') || !io.prints_to_terminal();
    let mut out = listing(&files, "", given.has('l'), single, io);
    for (i, (name, names)) in folders.iter().enumerate() {
        if paths.len() > 1 {
            let blank = if i > 0 || !files.is_empty() { "\n" } else { "" };
            out.push_str(&format!("{blank}{name}:\n"));
        }
        let shown = names.iter().filter(|name| given.has('a') || given.has('A') || !name.starts_with('.'));
        let mut shown: Vec<String> = shown.cloned().collect();
        if given.has('a') {
            shown.splice(0..0, ["./".to_string(), "../".to_string()]);
        }
        if given.has('r') {
            shown.reverse();
        }
        let folder = io.path(name);
        if given.has('l') {
            out.push_str(&format!("total {}\n", shown.len() * 4));
        }
        out.push_str(&listing(&shown, &folder, given.has('l'), single, io));
    }
    Ended::with(&out, &err, status)
}

fn listing(names: &[String], folder: &str, is_long: bool, single: bool, io: &mut Io) -> String {
    let plain = |name: &str| match name.strip_suffix('/') {
        Some("") | None => name.to_string(),
        Some(name) => name.to_string(),
    };
    if !is_long {
        let names: Vec<String> = names.iter().map(|name| plain(name)).collect();
        return match (names.is_empty(), single) {
            (true, _) => String::new(),
            (false, true) => format!("{}\n", names.join("\n")),
            (false, false) => format!("{}\n", names.join("  ")),
        };
    }
    let date = super::simple::format_time(io.host.now(), "%b %e %H:%M");
    let facts = io.host.facts(&io.state.place);
    let mut out = String::new();
    for name in names {
        let path = if folder.is_empty() { io.path(name) } else { api::path::absolute(folder, name) };
        let size = io.host.read_file(&io.state.place, &path).map_or(4_096, |text| text.len());
        let mode = if name.ends_with('/') { "drwxr-xr-x 2" } else { "-rw-r--r-- 1" };
        let volume = facts.volumes.iter().find(|volume| volume.path == path);
        let (mode, user, group) = match volume {
            Some(volume) => (format!("{} 2", volume.mode), "root", volume.group.clone()),
            None => (mode.to_string(), io.state.user.as_str(), group_of(&facts, &path, &io.state.user)),
        };
        out.push_str(&format!("{mode} {user} {group} {size:>5} {date} {}\n", plain(name)));
    }
    out
}

/// Returns the group of a file: that of the folder that it is in, where that passes its group on, or else its maker's.
fn group_of(facts: &Facts, path: &str, user: &str) -> String {
    let holds = |volume: &&VolumeFolder| {
        let rest = path.strip_prefix(volume.path.as_str());
        rest.is_some_and(|rest| rest.starts_with('/')) && volume.mode.contains('s')
    };
    match (facts.volumes.iter().filter(holds).max_by_key(|volume| volume.path.len()), &facts.ids) {
        (Some(volume), _) => volume.group.clone(),
        (None, Some(ids)) => ids.group_name(),
        (None, None) => user.to_string(),
    }
}

/// `mkdir`
pub(super) fn mkdir(argv: &[String], io: &mut Io) -> Program {
    let given = given!(Known { long: &[("parents", 'p')], ..known("mkdir", "pv") }, argv);
    if given.args.is_empty() {
        return Ended::failed("mkdir: missing operand\nTry 'mkdir --help' for more information.", 1);
    }
    for name in &given.args {
        let path = io.path(name);
        let mut made = String::new();
        if given.has('p') {
            let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
            for part in parts.iter().take(parts.len().saturating_sub(1)) {
                made.push('/');
                made.push_str(part);
                let _ = io.host.make_dir(&io.state.place, &made);
            }
        }
        match io.host.make_dir(&io.state.place, &path) {
            Ok(()) => {}
            Err(FileError::Exists) if given.has('p') => {}
            Err(error) => {
                let cannot = if io.state.is_busybox { "can't" } else { "cannot" };
                return Ended::failed(
                    &format!("mkdir: {cannot} create directory '{name}': {}", error.words()),
                    1,
                );
            }
        }
    }
    Ended::printed("")
}

/// `rm`
pub(super) fn rm(argv: &[String], io: &mut Io) -> Program {
    let given = given!(Known { long: &[("recursive", 'r'), ("force", 'f')], ..known("rm", "rRfvi") }, argv);
    if given.args.is_empty() && !given.has('f') {
        return Ended::failed("rm: missing operand\nTry 'rm --help' for more information.", 1);
    }
    let mut err = String::new();
    for name in &given.args {
        let path = io.path(name);
        let is_folder = io.host.list_dir(&io.state.place, &path).is_ok();
        let removed = if path == "/" {
            err.push_str("rm: it is dangerous to operate recursively on '/'\n");
            continue;
        } else if is_folder && !given.has('r') && !given.has('R') {
            Err(FileError::IsDirectory)
        } else {
            io.host.remove(&io.state.place, &path)
        };
        match removed {
            Ok(()) => {}
            Err(FileError::NotFound) if given.has('f') => {}
            Err(error) => {
                let cannot = if io.state.is_busybox { "can't" } else { "cannot" };
                err.push_str(&format!("rm: {cannot} remove '{name}': {}\n", error.words()));
            }
        }
    }
    let status = i32::from(!err.is_empty());
    Ended::with("", &err, status)
}

/// `touch`
pub(super) fn touch(argv: &[String], io: &mut Io) -> Program {
    let given = given!(known("touch", "acm"), argv);
    let mut err = String::new();
    for name in &given.args {
        let path = io.path(name);
        if io.host.read_file(&io.state.place, &path) == Err(FileError::NotFound)
            && let Err(error) = io.host.write_file(&io.state.place, &path, "")
        {
            let what = if io.state.is_busybox { name.clone() } else { format!("cannot touch '{name}'") };
            err.push_str(&format!("touch: {what}: {}\n", error.words()));
        }
    }
    let status = i32::from(!err.is_empty());
    Ended::with("", &err, status)
}

/// `cp`
pub(super) fn cp(argv: &[String], io: &mut Io) -> Program {
    let given = given!(known("cp", "rRafpvi"), argv);
    copy("cp", &given, false, io)
}

/// `mv`
pub(super) fn mv(argv: &[String], io: &mut Io) -> Program {
    let given = given!(known("mv", "fvni"), argv);
    copy("mv", &given, true, io)
}

fn copy(name: &str, given: &Given, moves: bool, io: &mut Io) -> Program {
    let args = &given.args;
    let Some((to, from)) = args.split_last().filter(|(_, from)| !from.is_empty()) else {
        let missing = match args.first() {
            Some(file) => format!("{name}: missing destination file operand after '{file}'"),
            None => format!("{name}: missing file operand"),
        };
        return Ended::failed(&format!("{missing}\nTry '{name} --help' for more information."), 1);
    };
    let target = io.path(to);
    let into_folder = io.host.list_dir(&io.state.place, &target).is_ok();
    if from.len() > 1 && !into_folder {
        return Ended::failed(&format!("{name}: target '{to}' is not a directory"), 1);
    }
    for file in from {
        let source = io.path(file);
        let text = match io.host.read_file(&io.state.place, &source) {
            Ok(text) => text,
            Err(FileError::IsDirectory) => {
                return Ended::failed(&format!("{name}: -r not specified; omitting directory '{file}'"), 1);
            }
            Err(error) => {
                return Ended::failed(&format!("{name}: cannot stat '{file}': {}", error.words()), 1);
            }
        };
        let base = source.rsplit('/').next().unwrap_or("");
        let path = if into_folder { api::path::absolute(&target, base) } else { target.clone() };
        if path == source {
            return Ended::failed(&format!("{name}: '{file}' and '{to}' are the same file"), 1);
        }
        if given.has('i') && io.host.read_file(&io.state.place, &path).is_ok() {
            let question = format!("{name}: overwrite '{to}'? ");
            return Ended::failed(
                &format!("{question}\n# kubarium: nobody can answer; without -i it is overwritten"),
                1,
            );
        }
        if let Err(error) = io.host.write_file(&io.state.place, &path, &text) {
            let cannot = if io.state.is_busybox { "can't create" } else { "cannot create regular file" };
            return Ended::failed(&format!("{name}: {cannot} '{to}': {}", error.words()), 1);
        }
        if moves {
            let _ = io.host.remove(&io.state.place, &source);
        }
    }
    Ended::printed("")
}

/// `vi`, `nano`, `edit`: the page's editor.
#[derive(Clone, Debug)]
pub(crate) struct Vi {
    name: String,
    path: String,
    opened: bool,
}

/// `vi`
pub(super) fn vi(argv: &[String], io: &mut Io) -> Program {
    let program = argv.first().map_or("vi", String::as_str);
    match argv.iter().skip(1).find(|word| !word.starts_with('-')) {
        Some(name) => Program::Vi(Vi { name: name.clone(), path: io.path(name), opened: false }),
        None => Ended::failed(&format!("# kubarium: say which file: {program} FILE"), 1),
    }
}

impl Vi {
    /// Opens the editor and waits for what it leaves.
    pub fn step(&mut self, io: &mut Io) -> Progress {
        if !self.opened {
            let text = match io.host.read_file(&io.state.place, &self.path) {
                Ok(text) => text,
                Err(FileError::NotFound) => String::new(),
                Err(error) => return io.fail(&format!("\"{}\": {}", self.name, error.words()), 1),
            };
            if !io.host.edit_file(&self.path) {
                return io.fail("# kubarium: there is no editor here; sed -i changes files too", 1);
            }
            io.shared.editing = Some(Editing { path: self.path.clone(), text, saved: None });
            self.opened = true;
            return Progress::Wait(Block::Editor);
        }
        let Some(saved) = io.shared.editing.as_ref().and_then(|editing| editing.saved.clone()) else {
            return Progress::Wait(Block::Editor);
        };
        io.shared.editing = None;
        let Some(text) = saved else { return Progress::Done(0) };
        match io.host.write_file(&io.state.place, &self.path, &text) {
            Ok(()) => Progress::Done(0),
            Err(error) => io.fail(&format!("\"{}\": {}", self.name, error.words()), 1),
        }
    }
}
