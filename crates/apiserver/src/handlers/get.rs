//! get and list.
// Models staging/src/k8s.io/apiserver/pkg/endpoints/handlers/get.go

use super::{Call, shape};
use crate::conversion;
use crate::fields::Selection;
use crate::printers;
use crate::server::ApiServer;
use crate::status;
use api::{Accept, Response, Status, Value, tree};

impl ApiServer {
    /// Answers with one object.
    pub(crate) fn get(&mut self, call: &mut Call) -> Result<Response, Status> {
        let entry = self.store.get(&call.key()).ok_or_else(|| call.not_found())?;
        Ok(call.answer(200, entry.value.clone()))
    }

    /// Answers with a collection.
    // Models staging/src/k8s.io/apiserver/pkg/endpoints/handlers/get.go ListResource
    pub(crate) fn list(&mut self, call: &mut Call) -> Result<Response, Status> {
        let selection = Selection::of(call.request, call.rest)?;
        let page = self.page(call, &selection)?;
        let rest = call.rest;
        let mut metadata = tree!({"resourceVersion": (page.revision.to_string())});
        if !page.next.is_empty() {
            metadata.set(&["continue"], page.next);
            if selection.is_everything() {
                metadata.set(&["remainingItemCount"], page.remaining);
            }
        }
        let accept = call.request.accept;
        if matches!(accept, Accept::Table | Accept::TableWithObjects) {
            let items = page.items.into_iter().map(|object| rest.read_custom(object));
            let table = printers::table(rest, items, metadata, accept, call.now);
            return Ok(Response::new(200, table));
        }
        let items: Vec<Value> = if accept == Accept::Metadata || conversion::is_converted(rest) {
            page.items.into_iter().map(|object| shape(rest, accept, object, call.now)).collect()
        } else {
            page.items
        };
        let (kind, version) = if accept == Accept::Metadata {
            ("PartialObjectMetadataList".to_string(), "meta.k8s.io/v1")
        } else {
            (format!("{}List", rest.kind.kind), rest.api_version.as_str())
        };
        let list = tree!({"kind": kind, "apiVersion": version, "metadata": metadata, "items": items});
        Ok(Response::new(200, list))
    }

    /// Returns the objects of a collection that are selected.
    pub(crate) fn selected(&self, call: &Call, selection: &Selection) -> Vec<Value> {
        let prefix = call.rest.range(call.namespace);
        let all = self.store.range(&prefix).map(|(_, entry)| &entry.value);
        if selection.is_everything() {
            return all.cloned().collect();
        }
        all.filter(|object| selection.matches(object)).cloned().collect()
    }

    fn page(&self, call: &Call, selection: &Selection) -> Result<Page, Status> {
        let request = call.request;
        let limit: usize = request.param("limit").parse().unwrap_or(0);
        let token = request.param("continue");
        if token.is_empty() {
            if let Some(revision) = exact_revision(call)? {
                return self.page_of_past(call, selection, revision, "", limit);
            }
            let all = self.selected(call, selection);
            return Ok(cut(all, call, self.store.revision(), limit));
        }
        let expired = || {
            status::expired(
                "The provided continue parameter is too old to display a consistent list result. You can start a new \
                 list without the continue parameter, or use the continue token in this response to retrieve the \
                 remainder of the results. Continuing with the provided token results in an inconsistent list - \
                 objects that were created, modified, or deleted between the time the first chunk was returned and \
                 now may show up in the list.",
            )
        };
        let invalid = || Status::bad_request("continue key is not valid");
        let (revision, start) = token.split_once(':').ok_or_else(invalid)?;
        let revision: i64 = revision.parse().map_err(|_| invalid())?;
        self.page_of_past(call, selection, revision, start, limit).map_err(|_| expired())
    }

    fn page_of_past(
        &self,
        call: &Call,
        selection: &Selection,
        revision: i64,
        start: &str,
        limit: usize,
    ) -> Result<Page, Status> {
        let prefix = call.rest.range(call.namespace);
        let then =
            self.store.range_at(&prefix, revision).map_err(|error| status::expired(error.to_string()))?;
        let rest = then.into_iter().filter(|(key, _)| &**key >= start).map(|(_, value)| value);
        let selected: Vec<Value> = rest.filter(|object| selection.matches(object)).collect();
        Ok(cut(selected, call, revision, limit))
    }

    /// Answers for what isn't stored: nothing for other resources.
    pub(super) fn virtual_resource(&mut self, call: &mut Call) -> Result<Option<Response>, Status> {
        let kind = call.rest.kind;
        match (kind.group, kind.plural) {
            ("", "componentstatuses") => crate::component_status::answer(call, &self.health).map(Some),
            ("", "bindings") if call.verb == "create" => self.bind_pod(call).map(Some),
            ("authorization.k8s.io" | "authentication.k8s.io", _) if call.verb == "create" => {
                self.review(call).map(Some)
            }
            _ => Ok(None),
        }
    }
}

struct Page {
    items: Vec<Value>,
    revision: i64,
    next: String,
    remaining: usize,
}

/// Returns the revision that a list is wanted of exactly.
fn exact_revision(call: &Call) -> Result<Option<i64>, Status> {
    if call.request.param("resourceVersionMatch") != "Exact" {
        return Ok(None);
    }
    let text = call.request.param("resourceVersion");
    let revision =
        text.parse().map_err(|_| Status::bad_request(format!("invalid resource version {text:?}")))?;
    Ok(Some(revision))
}

fn cut(mut items: Vec<Value>, call: &Call, revision: i64, limit: usize) -> Page {
    let (mut next, mut remaining) = (String::new(), 0);
    if limit > 0 && items.len() > limit {
        remaining = items.len() - limit;
        if let Some(first) = items.get(limit) {
            let key = call.rest.key(api::meta::namespace(first), api::meta::name(first));
            next = format!("{revision}:{key}");
        }
        items.truncate(limit);
    }
    Page { items, revision, next, remaining }
}

/// Returns a stored object in the form of the resource that was asked for.
pub(super) fn in_form(call: &Call, object: Value) -> Value {
    conversion::from_stored(call.rest, object)
}
