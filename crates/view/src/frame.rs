use crate::{Answer, LoggedInput, Moment, Rows};
use serde::{Deserialize, Serialize};

/// What the worker tells the page.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "camelCase")]
pub enum FromWorker {
    /// A frame. The first says that the cluster stands.
    Frame {
        /// The frame.
        frame: Box<Frame>,
    },
    /// An input took effect; the page keeps it in its log.
    Logged {
        /// The input.
        input: LoggedInput,
    },
    /// An answer to [`crate::ToWorker::Ask`].
    Answer {
        /// The question's number.
        id: u32,
        /// The answer.
        answer: Answer,
    },
    /// The worker can't go on: this is why. It takes nothing more.
    Failed {
        /// Why.
        message: String,
    },
}

/// What changed since the last frame.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Frame {
    /// The frame's number, from 1.
    pub number: u64,
    /// The present.
    pub now: Moment,
    /// Whether the clock stands.
    pub paused: bool,
    /// The speed at which the clock runs: virtual seconds a real second.
    pub speed: f64,
    /// Whether the cluster runs as fast as it can, until it is ready.
    pub hurrying: bool,
    /// Rows that changed or went.
    pub rows: Rows,
    /// What began to travel since the last frame.
    pub travellers: Vec<Traveller>,
    /// How many more there were than a frame carries (`travellers` holds the latest).
    pub travellers_dropped: u32,
    /// What consoles printed.
    pub console: Vec<ConsoleChunk>,
    /// The console's tabs, where they changed.
    pub tabs: Option<Vec<TabRow>>,
    /// Files of the console's working folder that a command wrote or removed (`None`).
    pub files: Vec<(String, Option<String>)>,
}

/// What kind of thing travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum TravellerKind {
    /// An API request, from its caller to the API server.
    Request,
    /// A watch event, from the API server to a watcher.
    Watch,
    /// A request packet on the network, on one leg of its way.
    Packet,
    /// An answer's packet, on one leg of its way.
    Reply,
    /// A step of a component at its place: a pull, a start, a probe.
    Step,
}

/// Something on its way from one place to another.
///
/// Places: `client`, `apiserver`, `etcd`, `scheduler`, `controller/NAME`, `kubelet/NODE`, `proxy/NODE`,
/// `node/NODE` (its eth0), `pod/NAMESPACE/NAME`, `kubectl` (the console; drawn at the client),
/// `addon/NAME` for pods that use the API.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Traveller {
    /// Its number; packets of one exchange share `exchange`.
    pub id: u64,
    /// What it is.
    pub kind: TravellerKind,
    /// From which place.
    pub from: String,
    /// To which place.
    pub to: String,
    /// When it left.
    pub began: Moment,
    /// When it arrives or arrived.
    pub ended: Moment,
    /// `PATCH pods/x/status`, `MODIFIED Pod`, `GET /`: what stands beside it.
    pub label: String,
    /// The object it is about: `pods/default/x`; empty for packets.
    pub object: String,
    /// The exchange a packet belongs to, to be asked for; 0 for others.
    pub exchange: u64,
    /// The version (1, 2, …) of the pod that answers; 0 where it isn't known or doesn't apply.
    pub version: u32,
    /// Whether it ends badly: refused, lost, an error's answer.
    pub bad: bool,
}

/// What a console printed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConsoleChunk {
    /// The tab.
    pub tab: u32,
    /// The text, as printed.
    pub text: String,
    /// Whether it is the echo of a typed line (with its prompt).
    pub echo: bool,
    /// Whether all that was there is wiped first (`clear`, `watch`).
    pub clear: bool,
}

/// A console's tab.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TabRow {
    /// Its number.
    pub id: u32,
    /// `Console`, or the running command's words.
    pub title: String,
    /// Whether a command runs; then typed lines are its input.
    pub running: bool,
    /// Whether the running command reads what is typed now, until Ctrl-D: `cat > f`, `kubectl apply -f -`,
    /// a shell on another machine. Then the tab's prompt is that command's input, and what stands on the
    /// output's last line, without an end, is what it asks.
    pub reads: bool,
    /// The prompt: `$ `, or a nested shell's.
    pub prompt: String,
    /// The command waits for an editor: the file's name and text (`kubectl edit`).
    pub editing: Option<(String, String)>,
    /// Says what the command waits for, where the clock stands: it needs the clock.
    pub waiting: bool,
}
