//! `kubectl proxy`: a port of the machine that leads to the API server.
// Models staging/src/k8s.io/kubectl/pkg/cmd/proxy/proxy.go

use crate::cx::{Cx, Next};
use crate::failure::{Outcome, error};
use crate::host::StreamRead;
use crate::task::{Progress, Task};

/// Runs the command.
pub(crate) fn run(cx: &mut Cx) -> Outcome<Next> {
    let flags = cx.args();
    if !flags.text("unix-socket").is_empty() || !flags.text("www").is_empty() {
        return error("only a port is served\n# kubarium: there are no sockets here, nor files to serve");
    }
    let Ok(wanted) = u16::try_from(flags.int("port")) else {
        return error(format!("listen tcp: address {}: invalid port", flags.int("port")));
    };
    let prefix = format!("/{}", flags.text("api-prefix").trim_matches('/'));
    let user = cx.user();
    let Some((stream, port)) = cx.host.serve_api(&user, wanted, prefix.trim_end_matches('/')) else {
        return error(format!("listen tcp 127.0.0.1:{wanted}: bind: address already in use"));
    };
    cx.line(format!("Starting to serve on 127.0.0.1:{port}"));
    Ok(Next::Wait(Box::new(Task::Proxy(Proxy { stream }))))
}

/// A port that leads to the API server, until Ctrl-C.
#[derive(Clone, Debug)]
pub(crate) struct Proxy {
    stream: u64,
}

impl Proxy {
    /// Waits for its end.
    pub fn step(&mut self, cx: &mut Cx) -> Outcome<Progress> {
        loop {
            match cx.host.poll(self.stream) {
                StreamRead::Bytes(text) | StreamRead::Errors(text) => cx.err(text),
                StreamRead::Event(_) | StreamRead::Head { .. } => {}
                StreamRead::Empty => return Ok(Progress::stream(self.stream)),
                StreamRead::Exit(_) | StreamRead::Closed => return Ok(Progress::Done),
            }
        }
    }

    /// Returns the stream.
    pub fn streams(&self) -> Vec<u64> {
        vec![self.stream]
    }
}
