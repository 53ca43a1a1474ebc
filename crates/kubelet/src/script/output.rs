use super::code::{Redirect, Target};
use super::run::{KEPT, Script, Sink};
use super::words::Scope;
use crate::cri::{AppCx, clean_path};

impl Script {
    pub(super) fn open_input(&mut self, cx: &mut AppCx, i: usize) -> Result<(), String> {
        let Some(strand) = self.strands.get(i) else { return Ok(()) };
        let from =
            strand.own.iter().rev().find(|redirect| redirect.stream == 0).map(|redirect| &redirect.target);
        let Some(Target::File { path, .. }) = from else { return Ok(()) };
        let scope = Scope { variables: &self.variables, slots: &self.slots, status: 0 };
        let name = scope.text(path);
        let path = clean_path(&self.directory, &name);
        let content = match path.as_str() {
            "/dev/null" => "".into(),
            path => cx.files.read(path).ok_or_else(|| format!("can't open {name}: no such file"))?,
        };
        if let Some(strand) = self.strands.get_mut(i) {
            strand.input = Some(content.to_string());
        }
        Ok(())
    }

    /// Makes the files that output goes to anew, or lets them be where it goes to their end.
    ///
    /// # Errors
    /// The shell's words about the first that can't be made: the command isn't run then.
    pub(super) fn open_outputs(&self, cx: &mut AppCx, redirects: &[Redirect]) -> Result<(), String> {
        for redirect in redirects.iter().filter(|redirect| redirect.stream != 0) {
            let Some((path, append)) = self.path_of(&redirect.target) else { continue };
            if path.starts_with("/dev/") || path.starts_with("/proc/") {
                continue;
            }
            let before = if append { cx.files.read(&path) } else { None };
            cx.files
                .write(&path, before.as_deref().unwrap_or(""))
                .map_err(|why| format!("can't create {}: {why}", self.name_of(&redirect.target)))?;
        }
        Ok(())
    }

    /// Returns the file of a redirection as it was written.
    fn name_of(&self, target: &Target) -> String {
        let scope = Scope { variables: &self.variables, slots: &self.slots, status: 0 };
        match target {
            Target::File { path, .. } => scope.text(path),
            Target::Other => String::new(),
        }
    }

    pub(super) fn path_of(&self, target: &Target) -> Option<(String, bool)> {
        match target {
            Target::File { path, append } => {
                let scope = Scope { variables: &self.variables, slots: &self.slots, status: 0 };
                Some((clean_path(&self.directory, &scope.text(path)), *append))
            }
            Target::Other => None,
        }
    }

    /// Writes a command's output: to a file, a pipe, or the log.
    pub(crate) fn write_strand(&mut self, cx: &mut AppCx, i: usize, text: &str, stderr: bool) {
        if text.is_empty() {
            return;
        }
        let Some(strand) = self.strands.get(i) else { return };
        let mut stderr = stderr;
        let layers: Vec<Vec<Redirect>> = strand.redirects.iter().chain([&strand.own]).cloned().collect();
        for (depth, layer) in layers.iter().enumerate().rev() {
            let of = |stderr: bool| {
                let stream = if stderr { 2 } else { 1 };
                layer.iter().rev().find(|redirect| redirect.stream == stream || redirect.stream == 3)
            };
            let mut redirect = of(stderr);
            if let Some(Redirect { target: Target::Other, .. }) = redirect {
                stderr = !stderr;
                redirect = of(stderr).filter(|redirect| redirect.target != Target::Other);
            }
            let Some((path, append)) = redirect.and_then(|redirect| self.path_of(&redirect.target)) else {
                continue;
            };
            return self.write_file(cx, i, (&path, append || depth + 1 < layers.len()), text);
        }
        let kept = self.strands.get_mut(i).and_then(|strand| strand.kept.last_mut());
        match kept.filter(|_| !stderr) {
            Some(kept) if kept.len() + text.len() <= KEPT => kept.push_str(text),
            Some(_) => {}
            None => self.write(cx, text, stderr),
        }
    }

    pub(super) fn write_file(&mut self, cx: &mut AppCx, i: usize, (path, append): (&str, bool), text: &str) {
        match path {
            "/dev/null" => {}
            "/dev/stdout" | "/proc/1/fd/1" => self.write(cx, text, false),
            "/dev/stderr" | "/proc/1/fd/2" => self.write(cx, text, true),
            path => {
                let before = if append { cx.files.read(path) } else { None };
                let whole = format!("{}{text}", before.as_deref().unwrap_or(""));
                if let Err(why) = cx.files.write(path, &whole) {
                    self.set_status(i, 1);
                    self.write(cx, &format!("sh: write error: {why}\n"), true);
                } else if let Some(redirect) = self.strands.get_mut(i).map(|strand| &mut strand.own) {
                    // What the same command writes after this goes behind it.
                    for redirect in redirect.iter_mut() {
                        if let Target::File { append, .. } = &mut redirect.target {
                            *append = true;
                        }
                    }
                }
            }
        }
    }

    /// Writes to the log, line by line.
    pub(super) fn write(&mut self, cx: &mut AppCx, text: &str, stderr: bool) {
        match &mut self.sink {
            Sink::Text(kept) => {
                if kept.len() + text.len() <= KEPT {
                    kept.push_str(text);
                }
            }
            Sink::Log if stderr => cx.logs.add(cx.now, text, true),
            Sink::Log => {
                self.partial.push_str(text);
                if let Some(end) = self.partial.rfind('\n') {
                    let rest = self.partial.split_off(end + 1);
                    cx.logs.add(cx.now, &std::mem::replace(&mut self.partial, rest), false);
                } else if self.partial.len() > KEPT {
                    self.flush(cx);
                }
            }
        }
    }

    pub(super) fn flush(&mut self, cx: &mut AppCx) {
        if !self.partial.is_empty() {
            cx.logs.add(cx.now, &std::mem::take(&mut self.partial), false);
        }
    }
}
