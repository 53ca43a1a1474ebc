//! What only a kubelet can answer: logs, commands in containers, forwarded ports.

/// A request that the API server passes on to a node's kubelet. Its answer goes to the stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeRequest {
    /// The stream that the client reads; the number in [`api::Response::stream`].
    pub stream: u64,
    /// The node; empty where the pod has none yet.
    pub node: String,
    /// The pod's namespace.
    pub namespace: String,
    /// The pod's name.
    pub pod: String,
    /// The pod's uid.
    pub uid: String,
    /// The container; empty where none is needed.
    pub container: String,
    /// What is wanted.
    pub kind: NodeRequestKind,
}

/// What is wanted of a kubelet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NodeRequestKind {
    /// A container's log.
    Log(LogOptions),
    /// A command in a container.
    Exec {
        /// The command and its arguments.
        command: Vec<String>,
        /// Whether the client sends input.
        stdin: bool,
        /// Whether it is for a terminal.
        tty: bool,
    },
    /// The running process' input and output.
    Attach {
        /// Whether the client sends input.
        stdin: bool,
        /// Whether it is for a terminal.
        tty: bool,
    },
    /// Connections to the pod's ports.
    PortForward {
        /// The ports.
        ports: Vec<u16>,
    },
    /// A request that the API server itself passes on to what listens in the cluster.
    Proxy(ProxyRequest),
}

/// A request over HTTP that goes on to what listens in the cluster.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProxyRequest {
    /// The address.
    pub address: String,
    /// The port.
    pub port: u16,
    /// Whether it goes through TLS.
    pub tls: bool,
    /// GET, POST, …
    pub method: String,
    /// The path up to and with `/proxy`: what the client sees before what listens there.
    pub prefix: String,
    /// The path there; empty where the client is to ask again with a slash.
    pub path: String,
    /// The query, without its question mark.
    pub query: String,
    /// The headers, in order.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: String,
}

/// Which part of a log is wanted (`PodLogOptions`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogOptions {
    /// Whether what is written later is wanted too.
    pub follow: bool,
    /// Whether the log of the container's life before is wanted.
    pub previous: bool,
    /// Whether each line begins with its time.
    pub timestamps: bool,
    /// How many of the last lines are wanted.
    pub tail_lines: Option<i64>,
    /// How old lines may be, in seconds.
    pub since_seconds: Option<i64>,
    /// The earliest time, as RFC 3339; empty for none.
    pub since_time: String,
    /// How many bytes are wanted at most.
    pub limit_bytes: Option<i64>,
}
