use super::frame::Frame;
use super::shared::Fds;
use crate::state::ShellState;
use sim::Time;

/// One process of a job: a stack of what it is doing.
#[derive(Clone, Debug)]
pub(crate) struct Thread {
    pub frames: Vec<Frame>,
    pub state: ShellState,
    pub fds: Fds,
    /// The process that waits for it.
    pub parent: u32,
    /// The pipe that ends with it.
    pub writes: Option<u32>,
    /// The pipe that nobody reads after it.
    pub reads: Option<u32>,
    /// What it waits for.
    pub block: Block,
}

/// What a process waits for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) enum Block {
    /// Nothing.
    #[default]
    None,
    /// Another process of the job.
    Inside,
    /// A moment.
    Time(Time),
    /// A stream, until a moment; whether typed text is passed to it.
    Stream(u64, Option<Time>, bool),
    /// A network exchange.
    Exchange(u64),
    /// Typed text.
    Typed,
    /// The editor.
    Editor,
}

impl Thread {
    /// Makes a process that does this.
    pub fn new(state: ShellState, fds: Fds, parent: u32, frame: Frame) -> Thread {
        Thread { frames: vec![frame], state, fds, parent, writes: None, reads: None, block: Block::None }
    }
}
