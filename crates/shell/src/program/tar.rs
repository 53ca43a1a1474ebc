//! tar: files as one stream, and back. What it writes isn't the real form, in which texts would be bytes;
//! nothing but it and kubectl cp reads it.

use super::files;
use super::simple::Ended;
use super::{Io, Program, Progress};
use crate::job::{Input, Read};

/// tar, as it waits for an archive on its input.
#[derive(Clone, Debug)]
pub(crate) struct Tar {
    folder: String,
    is_listing: bool,
    is_verbose: bool,
}

/// `tar`
pub(super) fn tar(argv: &[String], io: &mut Io) -> Program {
    let (mut flags, mut archive, mut folder, mut names) = (String::new(), None, String::new(), Vec::new());
    let mut words = argv.iter().skip(1).enumerate();
    while let Some((i, word)) = words.next() {
        let is_flags = word.starts_with('-') && word.len() > 1 || i == 0;
        if word == "-C" {
            folder = words.next().map_or(String::new(), |(_, word)| word.clone());
        } else if is_flags {
            flags.push_str(word.trim_start_matches('-'));
            if word.ends_with('f') {
                archive = words.next().map(|(_, word)| word.clone());
            }
        } else {
            names.push(word.clone());
        }
    }
    let archive = archive.unwrap_or_else(|| "-".to_string());
    let has = |flag: char| flags.contains(flag);
    if !folder.is_empty() && io.host.list_dir(&io.state.place, &io.path(&folder)).is_err() {
        let why = format!(
            "tar: {folder}: Cannot open: No such file or directory\ntar: Error is not recoverable: exiting now"
        );
        return Ended::failed(&why, 2);
    }
    if has('c') {
        return create(&archive, &folder, &names, io);
    }
    if !has('x') && !has('t') {
        return Ended::failed(
            "tar: You must specify one of the '-Acdtrux', '--delete' or '--test-label' options\nTry 'tar --help' or 'tar --usage' for more information.",
            2,
        );
    }
    let tar = Tar { folder, is_listing: has('t'), is_verbose: has('v') };
    if archive == "-" {
        return Program::Tar(tar);
    }
    match io.read(&archive) {
        Ok(text) => tar.unpack(&text, io),
        Err(error) => Ended::failed(
            &format!(
                "tar: {archive}: Cannot open: {}\ntar: Error is not recoverable: exiting now",
                error.words()
            ),
            2,
        ),
    }
}

fn create(archive: &str, folder: &str, names: &[String], io: &mut Io) -> Program {
    let mut entries = Vec::new();
    let (mut errors, mut status) = (String::new(), 0);
    if names.iter().any(|name| name.starts_with('/')) {
        errors.push_str(match io.state.is_busybox {
            true => "tar: removing leading '/' from member names\n",
            false => "tar: Removing leading `/' from member names\n",
        });
    }
    for name in names {
        let base =
            if folder.is_empty() { io.path(name) } else { api::path::absolute(&io.path(folder), name) };
        if let Err(error) = files::collect(io, &base, name.trim_start_matches('/'), &mut entries) {
            errors.push_str(&format!("tar: {name}: Cannot stat: {}\n", error.words()));
            status = 2;
        }
    }
    if status != 0 {
        errors.push_str("tar: Exiting with failure status due to previous errors\n");
    }
    let text = kubectl::archive::write(&entries);
    // Where both go to one stream, what is said comes first.
    io.err(&errors);
    if archive == "-" {
        return Ended::with(&text, "", status);
    }
    let path = io.path(archive);
    match io.host.write_file(&io.state.place, &path, &text) {
        Ok(()) => Ended::with("", "", status),
        Err(error) => Ended::failed(&format!("tar: {archive}: Cannot open: {}", error.words()), 2),
    }
}

impl Tar {
    /// Unpacks what it reads, once all has come.
    pub fn step(&mut self, io: &mut Io) -> Progress {
        if io.fds.stdin == Input::Terminal && !io.shared.lacks_terminal {
            return io.fail("tar: Refusing to read archive contents from terminal (missing -f option?)\ntar: Error is not recoverable: exiting now", 2);
        }
        match io.all() {
            Read::Text(text) => match self.clone().unpack(&text, io) {
                Program::Ended(mut ended) => ended.step(io),
                _ => Progress::Done(0),
            },
            _ => io.wait(),
        }
    }

    fn unpack(&self, text: &str, io: &mut Io) -> Program {
        let Some((_, entries)) = kubectl::archive::read(text) else {
            return Ended::failed(
                "tar: This does not look like a tar archive\ntar: Exiting with failure status due to previous errors",
                2,
            );
        };
        let (mut out, mut errors) = (String::new(), String::new());
        let folder = io.path(&self.folder);
        for (name, content) in entries {
            if self.is_listing || self.is_verbose {
                out.push_str(&format!("{name}\n"));
            }
            if self.is_listing {
                continue;
            }
            let path = api::path::absolute(&folder, &name);
            let written = match content {
                Some(text) => io.host.write_file(&io.state.place, &path, &text),
                None => io.host.make_dir(&io.state.place, path.trim_end_matches('/')).or(Ok(())),
            };
            if let Err(error) = written {
                errors.push_str(&format!("tar: {name}: Cannot open: {}\n", error.words()));
            }
        }
        if !errors.is_empty() {
            errors.push_str("tar: Exiting with failure status due to previous errors\n");
        }
        let status = if errors.is_empty() { 0 } else { 2 };
        Ended::with(&out, &errors, status)
    }
}
