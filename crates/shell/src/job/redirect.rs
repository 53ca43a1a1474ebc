//! Redirections.

use super::frame::Frame;
use super::machine::Machine;
use super::pipe::Pipe;
use super::shared::{Fds, Input, Sink};
use super::thread::Thread;
use crate::expand::{Expander, Results};
use crate::syntax::{Command, RedirectKind};
use api::path::absolute;
use std::rc::Rc;

impl Machine<'_> {
    pub(super) fn redirect(&mut self, thread: &mut Thread, command: &Rc<Command>, results: &Results) -> bool {
        let before = thread.fds;
        let mut opened = Vec::new();
        let mut failed = None;
        for redirect in &command.redirects {
            let target =
                Expander { host: &mut *self.host, state: &mut thread.state, results }.text(&redirect.target);
            let target = match target {
                Ok(target) => target,
                Err(error) => {
                    failed = Some(error);
                    break;
                }
            };
            if let Err(error) = self.redirect_one(thread, redirect.fd, redirect.kind, &target, &mut opened) {
                failed = Some(error);
                break;
            }
        }
        if let Some(error) = failed {
            self.complain(thread, &error);
            thread.fds = before;
            for id in opened {
                self.shared.close(self.host, id);
            }
            thread.state.status = 1;
            return false;
        }
        thread.frames.push(Frame::Restore { fds: before, opened, variables: Vec::new() });
        true
    }

    pub(super) fn redirect_one(
        &mut self,
        thread: &mut Thread,
        fd: u32,
        kind: RedirectKind,
        target: &str,
        opened: &mut Vec<u32>,
    ) -> Result<(), String> {
        let path = absolute(&thread.state.cwd, target);
        let place = thread.state.place.clone();
        match kind {
            RedirectKind::Here => {
                let pipe = self.shared.pipe(Pipe::of(target));
                opened.push(pipe);
                thread.fds.stdin = Input::Pipe(pipe);
            }
            RedirectKind::Read if matches!(target, "/dev/null") => thread.fds.stdin = Input::Null,
            RedirectKind::Read if matches!(target, "/dev/stdin" | "/dev/tty") => {}
            RedirectKind::Read => {
                let text =
                    self.host.read_file(&place, &path).map_err(|e| format!("{target}: {}", e.words()))?;
                let pipe = self.shared.pipe(Pipe::of(&text));
                opened.push(pipe);
                thread.fds.stdin = Input::Pipe(pipe);
            }
            RedirectKind::Duplicate => {
                let sink = match target {
                    "1" => thread.fds.stdout,
                    "2" => thread.fds.stderr,
                    "-" => Sink::Null,
                    "0" if fd == 0 => return Ok(()),
                    _ if !target.chars().all(|digit| digit.is_ascii_digit()) && fd == 1 => {
                        return self.redirect_one(thread, 1, RedirectKind::Both, target, opened);
                    }
                    _ => return Err(format!("{target}: Bad file descriptor")),
                };
                set_sink(&mut thread.fds, fd, sink);
            }
            RedirectKind::Write | RedirectKind::Append | RedirectKind::Both => {
                let sink = match target {
                    "/dev/null" => Sink::Null,
                    "/dev/stdout" => thread.fds.stdout,
                    "/dev/stderr" => thread.fds.stderr,
                    "/dev/tty" => Sink::Out,
                    "" => return Err(": No such file or directory".to_string()),
                    _ => {
                        let append = kind == RedirectKind::Append;
                        let open = self.shared.open(self.host, &place, &path, append);
                        let what = if thread.state.is_busybox { "can't create " } else { "" };
                        open.map_err(|error| format!("{what}{target}: {}", error.words()))?
                    }
                };
                if let Sink::File(id) = sink {
                    opened.push(id);
                }
                set_sink(&mut thread.fds, fd, sink);
                if kind == RedirectKind::Both {
                    thread.fds.stderr = sink;
                }
            }
        }
        Ok(())
    }
}

fn set_sink(fds: &mut Fds, fd: u32, sink: Sink) {
    match fd {
        1 => fds.stdout = sink,
        2 => fds.stderr = sink,
        _ => {}
    }
}
