//! `kubectl get --raw`

use crate::cx::{Cx, Next, refusal};
use crate::failure::Outcome;
use crate::host::StreamRead;
use crate::task::{Progress, Task};
use api::{Method, Request, Response, Value};

/// How many times an answer may send it elsewhere.
// Models net/http/client.go defaultCheckRedirect
const REDIRECTS: u32 = 10;

/// Begins the command.
// Models staging/src/k8s.io/kubectl/pkg/rawhttp/raw.go RawGet
pub(crate) fn start(cx: &mut Cx, path: &str) -> Outcome<Next> {
    let mut raw = Raw::default();
    Ok(if raw.ask(cx, path)? { Next::Wait(Box::new(Task::Raw(raw))) } else { Next::Done })
}

/// An answer that comes through the API server from something else.
#[derive(Clone, Debug, Default)]
pub(crate) struct Raw {
    stream: u64,
    path: String,
    redirects: u32,
    status: u16,
    location: String,
    body: String,
}

impl Raw {
    /// Asks for a path. Returns whether more comes as a stream; else all is printed.
    fn ask(&mut self, cx: &mut Cx, path: &str) -> Outcome<bool> {
        self.path = path.to_string();
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let mut request = Request::new(Method::Get, path);
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            request = request.query(name, value);
        }
        let response = cx.request(request)?;
        self.stream = response.stream;
        if response.stream != 0 {
            return Ok(true);
        }
        match &response.body {
            Value::Str(text) => cx.out(text),
            body => cx.out(format!("{}\n", body.to_json())),
        }
        Ok(false)
    }

    /// Takes what has come.
    pub fn step(&mut self, cx: &mut Cx) -> Outcome<Progress> {
        loop {
            match cx.host.poll(self.stream) {
                StreamRead::Head { status, headers } => {
                    let location =
                        headers.into_iter().find(|(name, _)| name.eq_ignore_ascii_case("location"));
                    (self.status, self.location) = (status, location.map(|(_, to)| to).unwrap_or_default());
                }
                // Whether what a log or a watch brings is printed is known from its answer.
                StreamRead::Bytes(text) | StreamRead::Errors(text) if self.status == 0 => cx.out(text),
                StreamRead::Bytes(text) | StreamRead::Errors(text) => self.body.push_str(&text),
                StreamRead::Event(event) => cx.out(format!(
                    "{{\"type\":\"{}\",\"object\":{}}}\n",
                    event.event.as_str(),
                    event.object.to_json()
                )),
                StreamRead::Exit(_) => {}
                StreamRead::Empty => return Ok(Progress::stream(self.stream)),
                StreamRead::Closed => break,
            }
        }
        let body = std::mem::take(&mut self.body);
        if (300..400).contains(&self.status) && self.location.starts_with('/') {
            self.redirects += 1;
            if self.redirects < REDIRECTS {
                let location = std::mem::take(&mut self.location);
                self.status = 0;
                let waits = self.ask(cx, &location)?;
                return Ok(if waits { Progress::stream(self.stream) } else { Progress::Done });
            }
        }
        if self.status >= 400 {
            let body = Value::from_json(&body).unwrap_or_default();
            return Err(refusal(&Response::new(self.status, body)).into());
        }
        cx.out(body);
        Ok(Progress::Done)
    }

    /// Returns the streams that are open.
    pub fn streams(&self) -> Vec<u64> {
        vec![self.stream]
    }
}
