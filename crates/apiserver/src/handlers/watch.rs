//! watch.
// Models staging/src/k8s.io/apiserver/pkg/endpoints/handlers/watch.go

use super::Call;
use crate::fields::Selection;
use crate::server::ApiServer;
use crate::status;
use crate::watch_cache::Stream;
use api::{Response, Status, Value};

impl ApiServer {
    /// Opens a watch. Its events go to the stream that the answer names.
    pub(crate) fn watch(&mut self, call: &mut Call) -> Result<Response, Status> {
        let request = call.request;
        let selection = Selection::of(request, call.rest)?;
        let from = request.param("resourceVersion");
        let from: i64 = match from {
            "" => 0,
            text => text.parse().map_err(|_| {
                let message =
                    format!("Invalid value: {text:?}: strconv.ParseUint: parsing {text:?}: invalid syntax");
                Status::bad_request(format!("resourceVersion: {message}"))
            })?,
        };
        let id = self.new_stream();
        let initial = self.selected(call, &selection);
        let bookmarks = request.flag("allowWatchBookmarks");
        let stream = Stream::new(call.rest, call.namespace, selection, request.accept, bookmarks);
        self.watches.open(id, stream);
        let wants_all = request.flag("sendInitialEvents");
        // Without a revision, and with 0, a watch begins with what is there.
        let told = if from == 0 || wants_all {
            let revision = self.store.revision();
            for object in initial {
                let at = api::meta::revision(&object);
                self.watches.replay(id, at, &Value::Null, &object, call.now);
            }
            if wants_all && bookmarks {
                self.watches.end_of_initial(id, revision);
            }
            Ok(())
        } else {
            self.replay_since(call, id, from)
        };
        if let Err(status) = told {
            self.watches.fail(id, &status);
        }
        Ok(Response { code: 200, stream: id, ..Response::default() })
    }

    fn replay_since(&mut self, call: &Call, id: u64, from: i64) -> Result<(), Status> {
        let prefix = call.rest.prefix.as_str();
        let events = self.store.since(from).map_err(|error| status::expired(error.to_string()))?;
        for event in events.filter(|event| event.key.starts_with(prefix)) {
            self.watches.replay(id, event.revision, &event.previous, &event.value, call.now);
        }
        Ok(())
    }
}
