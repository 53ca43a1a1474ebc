use api::label::Selector;
use api::{PatchType, Resource, Value, meta, tree};
use client::{Change, Cx, Failure};
use std::collections::BTreeSet;
use std::rc::Rc;

/// Makes the owner reference of a controller.
pub(crate) fn controller_reference(resource: Resource, owner: &Value) -> Value {
    tree!({
        "apiVersion": (resource.api_version()),
        "kind": (resource.kind),
        "name": (meta::name(owner)),
        "uid": (meta::uid(owner)),
        "controller": true,
        "blockOwnerDeletion": true,
    })
}

/// Who claims objects: an owner of a kind, with its selector.
pub(crate) struct Claimant<'a> {
    pub(crate) resource: Resource,
    pub(crate) owner: &'a Value,
    pub(crate) selector: &'a Selector,
}

impl Claimant<'_> {
    /// Returns those of the candidates that the owner controls. Matching orphans are adopted; its own
    /// that match no longer are released.
    // Models pkg/controller/controller_ref_manager.go ClaimObject
    pub(crate) fn claim(
        &self,
        cx: &mut Cx,
        children: Resource,
        candidates: impl IntoIterator<Item = Value>,
    ) -> Result<Vec<Value>, Failure> {
        let mut claimed = Vec::new();
        let mut failed = None;
        let mut can_adopt = None;
        for child in candidates {
            let matches = self.selector.matches(meta::labels(&child));
            match meta::controller(&child) {
                Some(reference) if reference["uid"].str() != meta::uid(self.owner) => {}
                Some(_) if matches => claimed.push(child),
                Some(_) if meta::is_deleting(self.owner) => {}
                Some(_) => {
                    if let Err(failure) = self.release(cx, children, &child) {
                        failed = Some(failure);
                    }
                }
                None if meta::is_deleting(self.owner) || !matches || meta::is_deleting(&child) => {}
                None => {
                    let allowed = can_adopt.get_or_insert_with(|| self.may_adopt(cx)).clone();
                    match allowed.and_then(|()| self.adopt(cx, children, &child)) {
                        Ok(()) => claimed.push(child),
                        Err(failure) if failure.is_not_found() => {}
                        Err(failure) => failed = Some(failure),
                    }
                }
            }
        }
        failed.map_or(Ok(claimed), Err)
    }

    /// Asks the API server, not the cache, whether the owner is still there and stays.
    // Models pkg/controller/controller_ref_manager.go RecheckDeletionTimestamp
    fn may_adopt(&self, cx: &mut Cx) -> Result<(), Failure> {
        let (namespace, name) = (meta::namespace(self.owner), meta::name(self.owner));
        let fresh = cx.get(self.resource, namespace, name)?;
        if meta::uid(&fresh) != meta::uid(self.owner) || meta::is_deleting(&fresh) {
            return Err(Failure::Unreachable(format!("{namespace}/{name} has just been deleted")));
        }
        Ok(())
    }

    fn adopt(&self, cx: &mut Cx, children: Resource, child: &Value) -> Result<(), Failure> {
        let reference = controller_reference(self.resource, self.owner);
        self.patch(cx, children, child, reference)
    }

    fn release(&self, cx: &mut Cx, children: Resource, child: &Value) -> Result<(), Failure> {
        let gone = tree!({"$patch": "delete", "uid": (meta::uid(self.owner))});
        match self.patch(cx, children, child, gone) {
            Err(failure) if failure.is_not_found() || failure.reason() == "Invalid" => Ok(()),
            result => result,
        }
    }

    fn patch(&self, cx: &mut Cx, children: Resource, child: &Value, owner: Value) -> Result<(), Failure> {
        let patch = tree!({"metadata": {"ownerReferences": [(owner)], "uid": (meta::uid(child))}});
        let name = (meta::namespace(child), meta::name(child));
        cx.patch(children, name, "", PatchType::StrategicMerge, &patch).map(|_| ())
    }
}

/// The keys of objects that nobody controls, so that those who adopt need not look at all objects.
#[derive(Clone, Debug, Default)]
pub(crate) struct Orphans {
    keys: BTreeSet<Rc<str>>,
}

impl Orphans {
    /// Takes a change of an object.
    pub(crate) fn observe(&mut self, change: &Change) {
        if !change.new.is_null() && meta::controller(&change.new).is_none() {
            self.keys.insert(change.key.clone());
        } else if !self.keys.is_empty() {
            self.keys.remove(&change.key);
        }
    }

    /// Returns a namespace's keys, in order.
    pub(crate) fn in_namespace(&self, namespace: &str) -> impl Iterator<Item = &Rc<str>> {
        let (from, to): (Rc<str>, Rc<str>) = (format!("{namespace}/").into(), format!("{namespace}0").into());
        self.keys.range(from..to)
    }
}
