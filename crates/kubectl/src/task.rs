//! What a command is while it waits: a value that is stepped.

use crate::cmd;
use crate::cx::Cx;
use crate::failure::Outcome;
use sim::Time;

/// What came of a step.
pub(crate) enum Progress {
    /// It is done.
    Done,
    /// It waits for a stream, a moment, or somebody's typing.
    Wait {
        /// The moment at which it wants to go on at the latest.
        until: Option<Time>,
        /// The stream; 0 for none.
        stream: u64,
        /// Whether typed text goes to the stream.
        input: bool,
    },
    /// An editor is wanted.
    Edit {
        /// The file.
        path: String,
        /// Its text.
        text: String,
    },
    /// Another task takes over.
    Become(Box<Task>),
}

impl Progress {
    /// Waits for a stream.
    pub fn stream(stream: u64) -> Progress {
        Progress::Wait { until: None, stream, input: false }
    }

    /// Waits for a stream until a moment.
    pub fn stream_until(stream: u64, until: Option<Time>) -> Progress {
        Progress::Wait { until, stream, input: false }
    }
}

macro_rules! tasks {
    ($($name:ident($type:ty),)*) => {
        /// A command that waits.
        #[derive(Clone, Debug)]
        pub(crate) enum Task {
            $(#[doc = stringify!($name)] $name($type),)*
        }

        impl Task {
            /// Goes on as far as it can.
            pub fn step(&mut self, cx: &mut Cx) -> Outcome<Progress> {
                match self {
                    $(Task::$name(task) => task.step(cx),)*
                }
            }

            /// Returns the streams that are open.
            pub fn streams(&self) -> Vec<u64> {
                match self {
                    $(Task::$name(task) => task.streams(),)*
                }
            }
        }
    };
}

tasks! {
    Copy(Box<cmd::cp::Copy>),
    Debug(Box<cmd::debug::attach::Attach>),
    Delete(cmd::delete::Gone),
    Drain(cmd::drain::Drain),
    Dump(Box<cmd::cluster_info::dump::Dump>),
    Edit(cmd::edit::Edit),
    Events(Box<cmd::events::Events>),
    Exec(cmd::exec::Exec),
    Forward(cmd::port_forward::Forward),
    Logs(cmd::logs::Logs),
    Proxy(cmd::proxy::Proxy),
    Raw(cmd::get::raw::Raw),
    Run(cmd::run::Started),
    Status(cmd::rollout::status::Status),
    Wait(cmd::wait::Wait),
    Watch(cmd::get::watch::Watch),
}
