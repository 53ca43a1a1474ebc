use std::rc::Rc;

/// Commands one after the other.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Script {
    /// The commands.
    pub items: Vec<Item>,
}

/// Pipelines joined by `&&` and `||`, up to `;`, `&` or the line's end.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Item {
    /// The first pipeline, then each with what joins it to those before.
    pub pipelines: Vec<(Join, Rc<Pipeline>)>,
    /// Whether it ends in `&`.
    pub background: bool,
    /// Its text.
    pub text: Rc<str>,
}

/// When a pipeline runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Join {
    /// In any case: it is the first.
    First,
    /// After success: `&&`.
    And,
    /// After failure: `||`.
    Or,
}

/// Commands joined by `|`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Pipeline {
    /// Whether its status is turned round by `!`.
    pub negated: bool,
    /// The commands.
    pub commands: Vec<Rc<Command>>,
}

/// A command with its redirections.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Command {
    /// What it is.
    pub kind: CommandKind,
    /// Where its input and output go.
    pub redirects: Vec<Redirect>,
}

/// What a command is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum CommandKind {
    /// `A=b word …`
    Simple {
        /// The assignments before the words.
        assignments: Vec<(String, Word)>,
        /// The words.
        words: Vec<Word>,
    },
    /// `{ …; }`
    Group(Rc<Script>),
    /// `( … )`
    Subshell(Rc<Script>),
    /// `if …; then …; elif …; else …; fi`
    If {
        /// Conditions with what is done.
        branches: Vec<(Rc<Script>, Rc<Script>)>,
        /// What is done else.
        otherwise: Option<Rc<Script>>,
    },
    /// `while …; do …; done`
    While {
        /// Whether it is `until`.
        until: bool,
        /// The condition.
        condition: Rc<Script>,
        /// What is repeated.
        body: Rc<Script>,
    },
    /// `for NAME in …; do …; done`
    For {
        /// The variable.
        name: String,
        /// The words; `None` for the positional parameters.
        words: Option<Vec<Word>>,
        /// What is repeated.
        body: Rc<Script>,
    },
    /// `case WORD in PATTERN) …;; esac`
    Case {
        /// The word.
        word: Word,
        /// Patterns with what is done.
        arms: Vec<(Vec<Word>, Rc<Script>)>,
    },
    /// `NAME() { …; }`
    Function {
        /// The name.
        name: String,
        /// What it does.
        body: Rc<Command>,
    },
}

/// A redirection.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Redirect {
    /// The file descriptor: 0, 1 or 2.
    pub fd: u32,
    /// How it is redirected.
    pub kind: RedirectKind,
    /// To or from what.
    pub target: Word,
}

/// How a file descriptor is redirected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RedirectKind {
    /// `<`
    Read,
    /// `>`
    Write,
    /// `>>`
    Append,
    /// `>&`
    Duplicate,
    /// `&>`: standard output and error.
    Both,
    /// `<<` and `<<<`: the target is the text.
    Here,
}

/// A word before it is expanded.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Word {
    /// The parts.
    pub parts: Vec<Part>,
}

/// A part of a word.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Part {
    /// Text as it is. What was in quotes is never split and means nothing special.
    Text {
        /// The text.
        text: String,
        /// Whether it was in quotes.
        quoted: bool,
    },
    /// `$NAME` and `${NAME…}`.
    Variable {
        /// The name, `?`, `#`, `@`, `*`, `$`, `!`, or a number.
        name: String,
        /// What is done with its value.
        operation: Operation,
        /// Whether it was in quotes.
        quoted: bool,
    },
    /// `$( … )` and the same in backquotes.
    Command {
        /// The commands.
        script: Rc<Script>,
        /// Whether it was in quotes.
        quoted: bool,
    },
    /// `<( … )`: a file that holds what the commands print.
    File {
        /// The commands.
        script: Rc<Script>,
    },
    /// `$(( … ))`
    Arithmetic {
        /// The expression.
        expression: Word,
    },
}

/// What is done with a variable's value.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Operation {
    /// Nothing.
    Value,
    /// `${#NAME}`
    Length,
    /// `${NAME:-word}`; without the colon, only where it isn't set.
    Default {
        /// Whether an empty value counts as none.
        or_empty: bool,
        /// The word.
        word: Word,
    },
    /// `${NAME:=word}`
    Assign {
        /// Whether an empty value counts as none.
        or_empty: bool,
        /// The word.
        word: Word,
    },
    /// `${NAME:+word}`
    Alternative {
        /// Whether an empty value counts as none.
        or_empty: bool,
        /// The word.
        word: Word,
    },
    /// `${NAME:?word}`
    Required {
        /// Whether an empty value counts as none.
        or_empty: bool,
        /// The word.
        word: Word,
    },
    /// `${NAME#pattern}`, `##`, `%`, `%%`
    Trim {
        /// Whether the end is trimmed.
        suffix: bool,
        /// Whether as much as possible is.
        longest: bool,
        /// The pattern.
        pattern: Word,
    },
    /// `${NAME/pattern/text}`
    Replace {
        /// Whether all are.
        all: bool,
        /// The pattern.
        pattern: Word,
        /// What is put in.
        with: Word,
    },
    /// `${NAME:offset:length}`
    Slice {
        /// The offset.
        offset: Word,
        /// The length.
        length: Option<Word>,
    },
}

impl Word {
    /// Returns a word of this text alone.
    pub fn text(text: &str, quoted: bool) -> Word {
        Word { parts: vec![Part::Text { text: text.to_string(), quoted }] }
    }

    /// Returns the text of a word without quotes and expansions.
    pub fn plain(&self) -> Option<&str> {
        match self.parts.as_slice() {
            [Part::Text { text, quoted: false }] => Some(text),
            _ => None,
        }
    }
}
