//! Creates, mends and deletes a StatefulSet's pods with their claims, and tells of it.
// Models pkg/controller/statefulset/stateful_pod_control.go

use super::{StatefulSets, claims, utils};
use api::resources::{PERSISTENTVOLUMECLAIMS, PODS};
use api::{Value, meta};
use client::{Cx, Failure, Informers};

impl StatefulSets {
    /// Creates a pod after the claims that it mounts.
    pub(super) fn create_pod(
        &mut self,
        cx: &mut Cx,
        informers: &Informers,
        set: &Value,
        pod: &Value,
    ) -> Result<(), Failure> {
        if let Err(failure) = self.create_claims(cx, informers, set, pod) {
            self.record_pod(cx, "Create", set, pod, Some(&failure));
            return Err(failure);
        }
        let created = match cx.create(PODS, pod) {
            Err(failure) if failure.is_already_exists() => return Err(failure),
            result => result,
        };
        self.record_pod(cx, "Create", set, pod, created.as_ref().err());
        created?;
        self.update_claims(cx, informers, set, pod)
    }

    /// Gives a pod the identity, the storage and the claims' owners that it should have.
    pub(super) fn update_pod(
        &mut self,
        cx: &mut Cx,
        informers: &Informers,
        set: &Value,
        pod: &Value,
    ) -> Result<(), Failure> {
        let mut wanted = pod.clone();
        if !utils::identity_matches(set, pod) {
            utils::update_identity(set, &mut wanted);
        }
        if !utils::storage_matches(set, pod) {
            utils::update_storage(set, &mut wanted);
            if let Err(failure) = self.create_claims(cx, informers, set, pod) {
                self.record_pod(cx, "Update", set, pod, Some(&failure));
                return Err(failure);
            }
        }
        self.update_claims(cx, informers, set, pod)?;
        if wanted == *pod {
            return Ok(());
        }
        let updated = cx.update(PODS, &wanted, "");
        self.record_pod(cx, "Update", set, pod, updated.as_ref().err());
        updated.map(|_| ())
    }

    /// Deletes a pod; its claims stay.
    pub(super) fn delete_pod(&mut self, cx: &mut Cx, set: &Value, pod: &Value) -> Result<(), Failure> {
        let deleted = cx.delete(PODS, meta::namespace(pod), meta::name(pod), Value::Null);
        self.record_pod(cx, "Delete", set, pod, deleted.as_ref().err());
        deleted.map(|_| ())
    }

    /// Creates those of a pod's claims that aren't there.
    pub(super) fn create_claims(
        &mut self,
        cx: &mut Cx,
        informers: &Informers,
        set: &Value,
        pod: &Value,
    ) -> Result<(), Failure> {
        let mut failures = Vec::new();
        for (_, claim) in utils::claims(set, utils::ordinal(pod)) {
            let name = meta::name(&claim);
            match informers.of(PERSISTENTVOLUMECLAIMS).get(&meta::key(&claim)) {
                Some(there) if meta::is_deleting(there) => {
                    failures.push(format!("pvc {name} is being deleted"))
                }
                Some(_) => {}
                None => {
                    let created = cx.create(PERSISTENTVOLUMECLAIMS, &claim);
                    let failure = created.err();
                    if let Some(failure) = &failure {
                        failures.push(format!("failed to create PVC {name}: {failure}"));
                    }
                    if !failure.as_ref().is_some_and(Failure::is_already_exists) {
                        self.record_claim(cx, set, pod, name, failure.as_ref());
                    }
                }
            }
        }
        match failures.as_slice() {
            [] => Ok(()),
            [one] => Err(Failure::Unreachable(one.clone())),
            many => Err(Failure::Unreachable(format!("[{}]", many.join(", ")))),
        }
    }

    /// Gives a pod's claims the owners that the retention policy asks for.
    // Models pkg/controller/statefulset/stateful_pod_control.go UpdatePodClaimForRetentionPolicy
    pub(super) fn update_claims(
        &self,
        cx: &mut Cx,
        informers: &Informers,
        set: &Value,
        pod: &Value,
    ) -> Result<(), Failure> {
        for (_, claim) in utils::claims(set, utils::ordinal(pod)) {
            let Some(claim) = informers.of(PERSISTENTVOLUMECLAIMS).get(&meta::key(&claim)) else { continue };
            if !claims::is_owner_up_to_date(set, pod, claim) {
                cx.update(PERSISTENTVOLUMECLAIMS, &claims::with_owners(set, pod, claim), "")?;
            }
        }
        Ok(())
    }

    fn record_pod(&mut self, cx: &mut Cx, verb: &str, set: &Value, pod: &Value, failure: Option<&Failure>) {
        let (pod, name) = (meta::name(pod), meta::name(set));
        match failure {
            None => {
                let message = format!("{verb} Pod {pod} in StatefulSet {name} successful");
                self.recorder.event(cx, set, "Normal", &format!("Successful{verb}"), &message);
            }
            Some(failure) => {
                let message = format!("{verb} Pod {pod} in StatefulSet {name} failed error: {failure}");
                self.recorder.event(cx, set, "Warning", &format!("Failed{verb}"), &message);
            }
        }
    }

    fn record_claim(
        &mut self,
        cx: &mut Cx,
        set: &Value,
        pod: &Value,
        claim: &str,
        failure: Option<&Failure>,
    ) {
        let (pod, name) = (meta::name(pod), meta::name(set));
        match failure {
            None => {
                let message = format!("Create Claim {claim} Pod {pod} in StatefulSet {name} success");
                self.recorder.event(cx, set, "Normal", "SuccessfulCreate", &message);
            }
            Some(failure) => {
                let message = format!(
                    "Create Claim {claim} for Pod {pod} in StatefulSet {name} failed error: {failure}"
                );
                self.recorder.event(cx, set, "Warning", "FailedCreate", &message);
            }
        }
    }
}
