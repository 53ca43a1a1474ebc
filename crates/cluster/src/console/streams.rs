//! What only a kubelet can answer: logs and commands in containers, as streams.

use super::machines::Follower;
use crate::Cluster;
use apiserver::{NodeRequest, NodeRequestKind};
use kubectl::StreamRead;
use kubelet::cri::LogOptions;
use sim::{SECOND, Time};

impl Cluster {
    /// Takes up new requests for kubelets, and passes on what followed logs have got since.
    pub(crate) fn serve_streams(&mut self) {
        self.end_lost_execs();
        self.end_lost_ports();
        for request in std::mem::take(&mut self.terminal.machines.node_requests) {
            self.serve(request);
        }
        self.take_proxied();
        self.take_api_answers();
        if !self.terminal.machines.inner.is_empty() {
            crate::ports::answer_inner(self);
        }
        if !self.terminal.machines.followers.is_empty() {
            self.follow_logs();
        }
    }

    fn serve(&mut self, request: NodeRequest) {
        match &request.kind {
            NodeRequestKind::Log(options) => {
                let limit = options.limit_bytes.and_then(|bytes| usize::try_from(bytes).ok());
                let options = log_options(options, &request.container, self.now());
                let follow = matches!(&request.kind, NodeRequestKind::Log(log) if log.follow);
                self.serve_log(&request, options, follow, limit);
            }
            NodeRequestKind::Exec { command, stdin, tty } => {
                self.begin_exec(&request, command, *stdin, *tty);
            }
            NodeRequestKind::Attach { stdin: true, tty } if self.begin_attach(&request, *tty) => {}
            NodeRequestKind::Attach { .. } => self.serve_log(&request, LogOptions::default(), true, None),
            NodeRequestKind::Proxy(proxied) => self.begin_proxy(&request, proxied),
            // Its ports are open already.
            NodeRequestKind::PortForward { .. } => {}
        }
    }

    /// Puts something into a stream.
    pub(crate) fn mail(&mut self, stream: u64, read: StreamRead) {
        if let Some(mail) = self.terminal.machines.mail.get_mut(&stream) {
            mail.push_back(read);
            self.terminal.wake();
        }
    }

    fn serve_log(&mut self, request: &NodeRequest, options: LogOptions, follow: bool, limit: Option<usize>) {
        let stream = request.stream;
        // A kubelet that is off has refused before.
        let Some(node) = self.parts.node(&request.node) else { return self.mail(stream, StreamRead::Closed) };
        match node.kubelet.logs(&request.namespace, &request.pod, &options) {
            Ok(logs) => {
                let mut text = lines(&logs.lines, options.timestamps);
                let is_full = limit.is_some_and(|limit| text.len() >= limit);
                if let Some(limit) = limit.filter(|_| is_full) {
                    text.truncate(text.floor_char_boundary(limit));
                }
                self.mail(stream, StreamRead::Bytes(text));
                if follow && !logs.ended && !is_full {
                    let (node, namespace, pod) =
                        (request.node.clone(), request.namespace.clone(), request.pod.clone());
                    let options = LogOptions { from: logs.next, tail: None, since: None, ..options };
                    let follower = Follower { node, namespace, pod, options };
                    self.terminal.machines.followers.insert(stream, follower);
                } else {
                    self.mail(stream, StreamRead::Closed);
                }
            }
            Err(_) => self.mail(stream, StreamRead::Closed),
        }
    }

    fn follow_logs(&mut self) {
        for (stream, mut follower) in std::mem::take(&mut self.terminal.machines.followers) {
            let node = self.parts.node(&follower.node).filter(|node| node.on);
            let logs =
                node.map(|node| node.kubelet.logs(&follower.namespace, &follower.pod, &follower.options));
            match logs {
                Some(Ok(logs)) => {
                    if !logs.lines.is_empty() {
                        self.mail(stream, StreamRead::Bytes(lines(&logs.lines, follower.options.timestamps)));
                    }
                    follower.options.from = logs.next;
                    if logs.ended {
                        self.mail(stream, StreamRead::Closed);
                    } else {
                        self.terminal.machines.followers.insert(stream, follower);
                    }
                }
                Some(Err(_)) | None => self.mail(stream, StreamRead::Closed),
            }
        }
    }

    /// Returns the last lines of a pod's first container's log, for the inspector.
    pub(crate) fn log_lines(&self, namespace: &str, pod: &str, most: usize) -> Vec<String> {
        let key = ("pods", format!("{namespace}/{pod}"));
        let node = self.view.objects.get(&key).map_or("", |pod| pod["spec"]["nodeName"].str());
        let Some(node) = self.parts.node(node) else { return Vec::new() };
        let options = LogOptions { tail: Some(most as u64), ..LogOptions::default() };
        let logs = node.kubelet.logs(namespace, pod, &options).unwrap_or_default();
        logs.lines.iter().map(|line| line.text.to_string()).collect()
    }
}

/// Returns which lines are asked for, in the kubelet's terms.
pub(super) fn log_options(asked: &apiserver::LogOptions, container: &str, now: Time) -> LogOptions {
    let of_age = asked.since_seconds.map(|seconds| now + -seconds.saturating_mul(SECOND));
    LogOptions {
        container: container.to_string(),
        previous: asked.previous,
        tail: asked.tail_lines.map(|lines| u64::try_from(lines).unwrap_or(0)),
        since: of_age.or_else(|| Time::parse_rfc3339(&asked.since_time)),
        timestamps: asked.timestamps,
        from: 0,
    }
}

fn lines(lines: &[kubelet::cri::LogLine], timestamps: bool) -> String {
    let one = |line: &kubelet::cri::LogLine| {
        if timestamps {
            format!("{} {}\n", line.at.rfc3339_nano(), line.text)
        } else {
            format!("{}\n", line.text)
        }
    };
    lines.iter().map(one).collect()
}
