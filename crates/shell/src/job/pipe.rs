/// From how many bytes on a pipe's writer waits.
const FULL: usize = 64 << 10;
/// How many bytes a pipe holds at most; what is written beyond is dropped.
const MOST: usize = 8 << 20;

/// What Ctrl-D puts into a terminal's input: whoever reads finds an end there, once.
pub(crate) const END_OF_INPUT: char = '\u{4}';

/// Bytes on their way from one process to another.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Pipe {
    text: String,
    at: usize,
    /// Whether it is typed: then [`END_OF_INPUT`] in it ends what one process reads.
    is_typed: bool,
    /// Whether nothing more will be written.
    pub ended: bool,
    /// Whether nobody reads any more.
    pub broken: bool,
}

/// What came of reading.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Read {
    /// A line with its end, which the last one may lack; or all there was.
    Text(String),
    /// Nothing more comes.
    End,
    /// Nothing yet.
    Wait,
}

impl Pipe {
    /// Makes a pipe that holds a text and nothing more.
    pub fn of(text: &str) -> Pipe {
        Pipe { text: crate::text::cut(text, MOST).to_string(), ended: true, ..Pipe::default() }
    }

    /// Makes the pipe from a keyboard.
    pub fn typed() -> Pipe {
        Pipe { is_typed: true, ..Pipe::default() }
    }

    /// Writes. Returns whether somebody still reads.
    pub fn write(&mut self, text: &str) -> bool {
        let room = MOST.saturating_sub(self.text.len());
        self.text.push_str(crate::text::cut(text, room));
        !self.broken
    }

    /// Returns whether a writer should wait.
    pub fn is_full(&self) -> bool {
        self.text.len() - self.at >= FULL && !self.broken
    }

    /// Returns what can be read, and whether its end comes right after.
    fn rest(&self) -> (&str, bool) {
        let rest = self.text.get(self.at..).unwrap_or("");
        let end = if self.is_typed { rest.split_once(END_OF_INPUT) } else { None };
        match end {
            Some((before, _)) => (before, true),
            None => (rest, self.ended),
        }
    }

    /// Goes past the mark of an end.
    fn pass_end(&mut self) {
        if self.is_typed && self.text.get(self.at..).is_some_and(|rest| rest.starts_with(END_OF_INPUT)) {
            self.pass(END_OF_INPUT.len_utf8());
        }
    }

    fn pass(&mut self, bytes: usize) {
        self.at += bytes;
        if self.at >= self.text.len() {
            self.text.clear();
            self.at = 0;
        } else if self.at > FULL {
            self.text.drain(..self.at);
            self.at = 0;
        }
    }

    /// Takes a line.
    pub fn line(&mut self) -> Read {
        let (rest, ended) = self.rest();
        let length = match rest.find('\n') {
            Some(end) => end + 1,
            None if ended && !rest.is_empty() => rest.len(),
            None if ended => {
                self.pass_end();
                return Read::End;
            }
            None => return Read::Wait,
        };
        let line = rest.get(..length).unwrap_or("").to_string();
        self.pass(length);
        Read::Text(line)
    }

    /// Takes what there is.
    fn some(&mut self) -> Read {
        let (rest, ended) = self.rest();
        match (rest.is_empty(), ended) {
            (false, _) => {
                let text = rest.to_string();
                self.pass(text.len());
                Read::Text(text)
            }
            (true, true) => {
                self.pass_end();
                Read::End
            }
            (true, false) => Read::Wait,
        }
    }

    /// Takes everything once nothing more comes.
    pub fn all(&mut self) -> Read {
        if !self.rest().1 {
            return Read::Wait;
        }
        match self.some() {
            Read::Text(text) => {
                self.pass_end();
                Read::Text(text)
            }
            _ => Read::Text(String::new()),
        }
    }
}
