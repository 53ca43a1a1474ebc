use std::rc::Rc;

/// A piece of a word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Piece {
    /// Text as it stands.
    Text(Rc<str>),
    /// `$NAME`, `${NAME…}`; what stands in braces after the name is the operation.
    Variable { name: Rc<str>, operation: Rc<str>, quoted: bool },
    /// `$((…))`.
    Arithmetic(Rc<str>),
    /// The output of `$(…)`, which ran before.
    Output { slot: u32, quoted: bool },
}

/// A word of a command.
pub(crate) type Word = Vec<Piece>;

/// Where output goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    /// A file, from its beginning or at its end.
    File { path: Word, append: bool },
    /// Where the other stream goes: `2>&1`, `>&2`.
    Other,
}

/// A redirection: of which stream, and where to; 0 is the input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Redirect {
    pub stream: u8,
    pub target: Target,
}

/// A command with its words.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Simple {
    pub assignments: Vec<(Rc<str>, Word)>,
    pub words: Vec<Word>,
    pub redirects: Vec<Redirect>,
}

/// One instruction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Op {
    /// Runs a command.
    Run(Simple),
    /// Goes on elsewhere.
    Jump(u32),
    /// Goes on elsewhere where the last command failed.
    JumpIfFailed(u32),
    /// Goes on elsewhere where the last command did well.
    JumpIfDone(u32),
    /// Turns the last command's outcome round.
    Not,
    /// Sets the outcome to success.
    Succeed,
    /// Begins a loop over words.
    For { words: Vec<Word> },
    /// Takes the loop's next word, or goes on elsewhere.
    Next { name: Rc<str>, end: u32 },
    /// Drops the innermost loop's words.
    EndFor,
    /// From now on output is kept.
    Keep,
    /// Puts what was kept into a slot, without the line's end.
    Store(u32),
    /// Makes what was kept the input of the next command.
    Pipe,
    /// Output goes to a file until the matching [`Op::Restore`].
    Redirect(Vec<Redirect>),
    /// Ends the innermost redirection.
    Restore,
    /// Lets what stands up to there run beside.
    Beside(u32),
    /// Ends this strand.
    End,
}

/// A script as instructions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Code {
    pub ops: Vec<Op>,
    pub slots: u32,
}

impl Op {
    /// Moves what it names of instructions and slots.
    pub(crate) fn move_by(&mut self, base: u32, slots: u32) {
        let word = |word: &mut Word| {
            for piece in word {
                if let Piece::Output { slot, .. } = piece {
                    *slot += slots;
                }
            }
        };
        let redirects = |list: &mut Vec<Redirect>| {
            for redirect in list {
                if let Target::File { path, .. } = &mut redirect.target {
                    word(path);
                }
            }
        };
        match self {
            Op::Jump(to)
            | Op::JumpIfFailed(to)
            | Op::JumpIfDone(to)
            | Op::Beside(to)
            | Op::Next { end: to, .. } => *to += base,
            Op::Store(slot) => *slot += slots,
            Op::For { words } => words.iter_mut().for_each(word),
            Op::Redirect(list) => redirects(list),
            Op::Run(command) => {
                command.words.iter_mut().for_each(word);
                command.assignments.iter_mut().for_each(|(_, value)| word(value));
                redirects(&mut command.redirects);
            }
            _ => {}
        }
    }
}

impl Code {
    /// Returns where it goes on after what a redirection is for, which begins here.
    pub(crate) fn after_restore(&self, from: u32) -> u32 {
        let (mut depth, mut at) = (1, from);
        for op in self.ops.iter().skip(usize::try_from(from).unwrap_or(usize::MAX)) {
            at += 1;
            match op {
                Op::Redirect(_) => depth += 1,
                Op::Restore => depth -= 1,
                _ => {}
            }
            if depth == 0 {
                break;
            }
        }
        at
    }
}
