//! Waits for the container that looks, then attaches to it.
// Models staging/src/k8s.io/kubectl/pkg/cmd/debug/debug.go waitForContainer, handleAttachPod

use crate::builder::Info;
use crate::cmd::exec::Exec;
use crate::cx::Cx;
use crate::failure::Outcome;
use crate::host::StreamRead;
use crate::task::{Progress, Task};
use api::{EventType, Method, Request, Status, Value};
use sim::SECOND;

/// A container that is waited for.
#[derive(Clone, Debug)]
pub(crate) struct Attach {
    info: Info,
    container: String,
    stream: u64,
    said: String,
}

impl Attach {
    /// Waits for a container of a pod.
    pub fn new(info: Info, container: String) -> Attach {
        Attach { info, container, stream: 0, said: String::new() }
    }

    /// Goes on once the container runs or has ended.
    pub fn step(&mut self, cx: &mut Cx) -> Outcome<Progress> {
        if self.stream == 0 {
            let pod = cx.get(&self.info.mapping, &self.info.namespace, &self.info.name)?;
            if let Some(next) = self.look(cx, &pod)? {
                return Ok(next);
            }
            let fields = format!("metadata.name={}", self.info.name);
            let revision = pod["metadata"]["resourceVersion"].str();
            self.stream = cx.watch(&self.info.mapping, &self.info.namespace, &fields, revision)?;
        }
        loop {
            match cx.host.poll(self.stream) {
                StreamRead::Event(event) if event.event == EventType::Deleted => {
                    return Err(Status::not_found("pods", "").into());
                }
                StreamRead::Event(event) => {
                    if let Some(next) = self.look(cx, &event.object)? {
                        cx.host.close(self.stream);
                        self.stream = 0;
                        return Ok(next);
                    }
                }
                StreamRead::Bytes(_)
                | StreamRead::Errors(_)
                | StreamRead::Exit(_)
                | StreamRead::Head { .. } => {}
                StreamRead::Empty => return Ok(Progress::stream(self.stream)),
                StreamRead::Closed => {
                    self.stream = 0;
                    return Ok(Progress::stream_until(0, Some(cx.now() + SECOND)));
                }
            }
        }
    }

    fn look(&mut self, cx: &mut Cx, pod: &Value) -> Outcome<Option<Progress>> {
        let lists = ["initContainerStatuses", "containerStatuses", "ephemeralContainerStatuses"];
        let mut statuses = lists.iter().flat_map(|list| pod["status"][*list].items());
        let Some(status) = statuses.find(|status| status["name"].str() == self.container) else {
            return Ok(None);
        };
        let state = &status["state"];
        let info = Info { object: pod.clone(), ..self.info.clone() };
        let task = if state.get("running").is_some() {
            Exec::attached(cx, &info, &self.container, None)?
        } else if state.get("terminated").is_some() {
            let request = Request::new(Method::Get, info.path("log")).query("container", &self.container);
            let stream = cx.request(request)?.stream;
            Exec::log(cx, stream, None)
        } else {
            let message = state["waiting"]["message"].str();
            if !message.is_empty() && message != self.said && !cx.flags.is("quiet") {
                cx.err(format!("Warning: container {}: {message}\n", self.container));
                self.said = message.to_string();
            }
            return Ok(None);
        };
        Ok(Some(Progress::Become(Box::new(Task::Exec(task)))))
    }

    /// Returns the streams that are open.
    pub fn streams(&self) -> Vec<u64> {
        if self.stream == 0 { Vec::new() } else { vec![self.stream] }
    }
}
