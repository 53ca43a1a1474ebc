use crate::{Delivery, WatchSpec};
use api::{EventType, Method, Request, Value, WatchEvent};
use std::rc::Rc;

/// Keeps a cache up with the API server: lists, and watches from there on. Where the watch ends it goes on
/// from what it saw last; where the server doesn't remember that any more it lists anew.
// Models staging/src/k8s.io/client-go/tools/cache/reflector.go Reflector
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Reflector {
    spec: WatchSpec,
    /// The revision of what was seen last; empty where all is to be listed.
    revision: Rc<str>,
}

impl Reflector {
    /// Makes one that has seen nothing yet.
    pub fn new(spec: WatchSpec) -> Reflector {
        Reflector { spec, revision: "".into() }
    }

    fn request(&self) -> Request {
        let spec = &self.spec;
        let selectors = [("fieldSelector", &spec.field_selector), ("labelSelector", &spec.label_selector)];
        let request = Request::new(Method::Get, spec.resource.collection(&spec.namespace));
        let given = selectors.into_iter().filter(|(_, selector)| !selector.is_empty());
        given.fold(request, |request, (name, selector)| request.query(name, selector.as_str()))
    }

    /// Returns the request for all there is.
    pub fn list(&self) -> Request {
        self.request()
    }

    /// Returns the request for what comes after what was seen last; `None` where all is to be listed first.
    pub fn watch(&self) -> Option<Request> {
        let revision = (!self.revision.is_empty()).then(|| self.revision.to_string())?;
        Some(self.request().query("watch", "true").query("resourceVersion", revision))
    }

    /// Takes the answer to [`Reflector::list`].
    pub fn listed(&mut self, list: &Value) -> Delivery {
        self.revision = list["metadata"]["resourceVersion"].text();
        Delivery::Listed(list["items"].items().to_vec())
    }

    /// Takes what a watch brought, and returns what of it is for the cache. After an error there is nothing to
    /// go on from: [`Reflector::watch`] says so.
    // Models staging/src/k8s.io/client-go/tools/cache/reflector.go handleAnyWatch
    pub fn take(&mut self, event: WatchEvent) -> Option<Delivery> {
        if event.event == EventType::Error {
            self.revision = "".into();
            return None;
        }
        self.revision = event.object["metadata"]["resourceVersion"].text();
        (event.event != EventType::Bookmark).then_some(Delivery::Event(event))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use api::{resources::PODS, tree};

    #[test]
    fn goes_on_where_it_was_or_lists_anew() {
        let mut reflector = Reflector::new(WatchSpec::with_fields(PODS, "spec.nodeName=n"));
        assert_eq!(reflector.watch().map(|request| request.query), None);
        reflector.listed(&tree!({"metadata": {"resourceVersion": "7"}, "items": []}));
        let from = |reflector: &Reflector| {
            let request = reflector.watch()?;
            Some(format!("{} {}", request.param("fieldSelector"), request.param("resourceVersion")))
        };
        assert_eq!(from(&reflector).as_deref(), Some("spec.nodeName=n 7"));
        for (event, revision, is_for_the_cache, goes_on) in [
            (EventType::Added, "8", true, Some("spec.nodeName=n 8")),
            (EventType::Bookmark, "20", false, Some("spec.nodeName=n 20")),
            (EventType::Deleted, "21", true, Some("spec.nodeName=n 21")),
            (EventType::Error, "", false, None),
        ] {
            let object = tree!({"metadata": {"resourceVersion": revision}});
            let delivery = reflector.take(WatchEvent { event, object });
            assert_eq!(delivery.is_some(), is_for_the_cache, "{revision}");
            assert_eq!(from(&reflector).as_deref(), goes_on, "{revision}");
        }
    }
}
