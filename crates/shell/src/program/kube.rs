use super::shells::script_of;
use super::{Io, Program, Progress, Spawn};
use crate::job::{Block, END_OF_INPUT, Editing, Input, Read};
use crate::place::Place;
use api::path::absolute;
use api::{Request, Response, User};
use kubectl::{Step, StreamRead};
use sim::Time;

/// kubectl
#[derive(Clone, Debug)]
pub(crate) struct Kube {
    argv: Vec<String>,
    /// The command, once its input has been read.
    command: Option<Box<kubectl::Command>>,
    /// Whether typed text goes to the process that it is attached to.
    is_attached: bool,
    edit: Edit,
}

/// Where an edit is.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Edit {
    None,
    /// A command changes this file.
    ByCommand(String),
    /// The page's editor has it.
    ByEditor,
}

/// `kubectl`
pub(super) fn kubectl(argv: &[String], _io: &mut Io) -> Program {
    let mut argv = argv.to_vec();
    if let Some(name) = argv.first_mut() {
        *name = "kubectl".to_string();
    }
    Program::Kube(Box::new(Kube { argv, command: None, is_attached: false, edit: Edit::None }))
}

impl Kube {
    fn own_words(&self) -> impl Iterator<Item = &str> {
        self.argv.iter().skip(1).map(String::as_str).take_while(|word| *word != "--")
    }

    /// Returns whether it reads its standard input.
    fn reads_input(&self) -> bool {
        let is_stdin =
            |word: &str| matches!(word, "-" | "/dev/stdin") || word.ends_with("=-") || word == "-f-";
        self.own_words().any(is_stdin) || self.has_flag('i')
    }

    fn has_flag(&self, flag: char) -> bool {
        let verb = self.own_words().find(|word| !word.starts_with('-')).unwrap_or("");
        let long = if flag == 'i' { "--stdin" } else { "--tty" };
        let is_short = |word: &str| {
            word.strip_prefix('-').is_some_and(|flags| {
                !flags.is_empty() && flags.chars().all(|c| "itq".contains(c)) && flags.contains(flag)
            })
        };
        matches!(verb, "exec" | "attach" | "run" | "debug")
            && self.own_words().any(|word| is_short(word) || word == long || *word == format!("{long}=true"))
    }

    /// Returns whether Ctrl-C goes to the process that it is attached to.
    pub fn has_terminal(&self) -> bool {
        self.is_attached && self.has_flag('t')
    }

    /// Goes on.
    pub fn step(&mut self, io: &mut Io) -> Progress {
        if self.command.is_none() {
            let piped = io.fds.stdin != Input::Terminal;
            let mut stdin = None;
            let asks = self.reads_input();
            if asks && (piped || !self.has_flag('i')) {
                match io.all() {
                    Read::Text(text) => stdin = Some(text),
                    _ => return io.wait(),
                }
            }
            self.command = Some(Box::new(kubectl::Command::new(self.argv.clone(), stdin)));
        }
        match std::mem::replace(&mut self.edit, Edit::None) {
            Edit::None => {}
            Edit::ByCommand(path) => {
                let text = io.host.read_file(&io.state.place, &path).ok();
                let status = io.child.take().map_or(1, |child| child.status);
                if let Some(command) = &mut self.command {
                    command.edited(text.filter(|_| status == 0));
                }
            }
            Edit::ByEditor => match io.shared.editing.as_ref().and_then(|editing| editing.saved.clone()) {
                Some(saved) => {
                    io.shared.editing = None;
                    if let Some(command) = &mut self.command {
                        command.edited(saved);
                    }
                }
                None => {
                    self.edit = Edit::ByEditor;
                    return Progress::Wait(Block::Editor);
                }
            },
        }
        self.advance(io)
    }

    fn advance(&mut self, io: &mut Io) -> Progress {
        let has_terminal = self.has_terminal();
        let Some(command) = &mut self.command else { return Progress::Done(1) };
        if self.is_attached && io.fds.stdin == Input::Terminal {
            let is_over = io.shared.typed.ended;
            loop {
                match io.line() {
                    Read::Text(line) => command.input(&mut Bridge { io }, &line),
                    // Without a terminal there, kubectl closes the process's input.
                    Read::End if !is_over => {
                        let end = if has_terminal { END_OF_INPUT.to_string() } else { String::new() };
                        command.input(&mut Bridge { io }, &end);
                    }
                    Read::End | Read::Wait => break,
                }
            }
        }
        let place = io.state.place.clone();
        let before = io.host.kubeconfig(&place);
        let mut config = before.clone();
        let step = command.step(&mut Bridge { io }, &mut config);
        if config != before {
            io.host.set_kubeconfig(&place, config);
        }
        match step {
            Step::Done(code) => Progress::Done(code),
            Step::Wait { until, stream, input } => {
                self.is_attached = input;
                Progress::Wait(Block::Stream(stream, until, input && io.fds.stdin == Input::Terminal))
            }
            Step::Edit { path, text } => self.edit(io, &path, text),
        }
    }

    fn edit(&mut self, io: &mut Io, path: &str, text: String) -> Progress {
        let editor = ["KUBE_EDITOR", "EDITOR"]
            .into_iter()
            .find_map(|name| io.state.get(name))
            .unwrap_or("vi")
            .to_string();
        let is_page = ["vi", "vim", "nano", "edit"].contains(&editor.trim());
        let path = absolute(&io.state.cwd, path);
        if is_page {
            if !io.host.edit_file(&path) {
                if let Some(command) = &mut self.command {
                    command.edited(None);
                }
                io.err("error: unable to launch the editor \"vi\"\n# kubarium: there is no editor here; say KUBE_EDITOR=\"sed -i s/a/b/\" before it\n");
                return Progress::Done(1);
            }
            io.shared.editing = Some(Editing { path, text, saved: None });
            self.edit = Edit::ByEditor;
            return Progress::Wait(Block::Editor);
        }
        if let Err(error) = io.host.write_file(&io.state.place, &path, &text) {
            return io.fail(&format!("error: {path}: {}", error.words()), 1);
        }
        let script = match crate::syntax::parse(&format!("{editor} {path}")) {
            Ok(script) => std::rc::Rc::new(script),
            Err(_) => script_of(&[editor, path.clone()]),
        };
        self.edit = Edit::ByCommand(path);
        Progress::Spawn(Spawn {
            script,
            state: None,
            captures: false,
            captures_errors: false,
            stdin: None,
            until: None,
        })
    }

    /// Ends it as Ctrl-C does.
    pub fn interrupt(&mut self, io: &mut Io) {
        io.shared.editing = None;
        if let Some(command) = &mut self.command {
            command.interrupt(&mut Bridge { io });
        }
    }

    /// Passes Ctrl-C on to the process that it is attached to.
    pub fn pass_interrupt(&mut self, io: &mut Io) {
        if let Some(command) = &mut self.command {
            command.input(&mut Bridge { io }, "\u{3}");
        }
    }
}

/// What kubectl reaches of the shell's world.
struct Bridge<'a, 'b> {
    io: &'a mut Io<'b>,
}

impl Bridge<'_, '_> {
    fn place(&self) -> Place {
        self.io.state.place.clone()
    }
}

/// Says why a file can't be used in the words of Go's `os` package.
fn go_words(error: crate::FileError) -> String {
    error.words().to_lowercase()
}

impl kubectl::Host for Bridge<'_, '_> {
    fn now(&self) -> Time {
        self.io.host.now()
    }

    fn request(&mut self, request: Request) -> Result<Response, String> {
        let place = self.place();
        self.io.host.request(&place, request)
    }

    fn poll(&mut self, stream: u64) -> StreamRead {
        self.io.host.stream_read(stream)
    }

    fn write(&mut self, stream: u64, text: &str) {
        self.io.host.stream_write(stream, text);
    }

    fn close(&mut self, stream: u64) {
        self.io.host.stream_close(stream);
    }

    fn read_file(&mut self, path: &str) -> Result<String, String> {
        self.io.read(path).map_err(go_words)
    }

    fn write_file(&mut self, path: &str, text: &str) -> Result<(), String> {
        let (place, path) = (self.place(), self.io.path(path));
        self.io.host.write_file(&place, &path, text).map_err(go_words)
    }

    fn list_folder(&mut self, path: &str) -> Option<Vec<String>> {
        let (place, path) = (self.place(), self.io.path(path));
        self.io.host.list_dir(&place, &path).ok()
    }

    fn absolute(&self, path: &str) -> String {
        self.io.path(path)
    }

    fn make_folder(&mut self, path: &str) {
        let (place, path) = (self.place(), self.io.path(path));
        // One that is there already is as good.
        let _ = self.io.host.make_dir(&place, path.trim_end_matches('/'));
    }

    fn fetch(&mut self, url: &str) -> Result<String, String> {
        if let Some(text) = self.io.host.known_url(url) {
            return Ok(text);
        }
        let host = url.split("//").nth(1).unwrap_or(url).split('/').next().unwrap_or("");
        Err(format!(
            "Get {url:?}: dial tcp: lookup {host}: no such host\n\
             # kubarium: nothing outside the page is fetched; paste the manifest into the editor instead"
        ))
    }

    fn listen(&mut self, stream: u64, local: u16, remote: u16) -> Option<u16> {
        let place = self.place();
        self.io.host.listen(&place, stream, local, remote)
    }

    fn serve_api(&mut self, user: &User, local: u16, prefix: &str) -> Option<(u64, u16)> {
        let place = self.place();
        self.io.host.serve_api(&place, user, local, prefix)
    }

    fn variable(&self, name: &str) -> Option<String> {
        self.io.state.get(name).map(str::to_string)
    }

    fn own_kubeconfig(&self) -> Option<String> {
        self.io.state.place.is_client().then(|| self.kubeconfig_path())
    }

    fn kubeconfig_path(&self) -> String {
        format!("{}/.kube/config", self.io.state.home)
    }

    fn out(&mut self, text: &str) {
        self.io.out(text);
    }

    fn err(&mut self, text: &str) {
        self.io.err(text);
    }
}
