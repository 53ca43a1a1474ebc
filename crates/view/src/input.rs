use crate::{Ask, Moment};
use serde::{Deserialize, Serialize};

/// Something that a person did to the cluster. The log of inputs with preset and seed is a session's truth.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "camelCase")]
pub enum Input {
    /// A line typed into a console tab.
    Line {
        /// The tab; where its command still runs, the line is that command's standard input.
        tab: u32,
        /// The line, without its end.
        text: String,
    },
    /// Ctrl-C in a console tab.
    Interrupt {
        /// The tab.
        tab: u32,
    },
    /// Ctrl-D in a console tab: what its command reads has come to its end. Nothing happens where none runs.
    EndInput {
        /// The tab.
        tab: u32,
    },
    /// Another console tab is opened.
    OpenTab,
    /// A console tab is closed; its command ends.
    CloseTab {
        /// The tab.
        tab: u32,
    },
    /// A file in the console's working folder is written (by the editor).
    WriteFile {
        /// Its name.
        name: String,
        /// Its new text.
        text: String,
    },
    /// A file is deleted.
    RemoveFile {
        /// Its name.
        name: String,
    },
    /// `kubectl edit` waits for an editor; this is what was saved. `None`: nothing was.
    Edited {
        /// The tab whose command waits.
        tab: u32,
        /// The text.
        text: Option<String>,
    },
    /// A machine is stopped (its power is cut) or started.
    Power {
        /// The node.
        node: String,
        /// Whether it runs from now on.
        on: bool,
    },
    /// The link between two machines is cut or mended.
    Link {
        /// A node, or `client`.
        a: String,
        /// Another one, or `apiserver` or `others`.
        b: String,
        /// Whether packets pass from now on.
        up: bool,
    },
}

/// An input with the moment at which it took effect.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoggedInput {
    /// When.
    pub at: Moment,
    /// What.
    pub input: Input,
}

/// A session: all that is needed to bring a cluster to the same moment again.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    /// The preset's name.
    pub preset: String,
    /// The seed.
    pub seed: u64,
    /// What was done.
    pub inputs: Vec<LoggedInput>,
    /// How far it had come.
    pub until: Moment,
}

/// What the page tells the worker.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "camelCase")]
pub enum ToWorker {
    /// Begins a cluster, and brings it to `session.until` with its inputs. First of all messages.
    Start {
        /// The session.
        session: Session,
    },
    /// Something is done to the cluster, at its present moment.
    Input {
        /// What.
        input: Input,
    },
    /// The clock runs at this speed from now on; 0 stops it.
    Speed {
        /// Virtual seconds a real second: 0.1 to 1000.
        factor: f64,
    },
    /// The clock stands; one event happens.
    Step,
    /// The clock runs as fast as it can until all pods are ready and nothing changes, then at the speed as before.
    UntilReady,
    /// The page wants to know something; looking changes nothing.
    Ask {
        /// The number under which the answer comes.
        id: u32,
        /// What.
        ask: Ask,
    },
}
