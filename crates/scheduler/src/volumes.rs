use crate::node_info::NodeInfo;
use crate::plugins::{NodeAffinity, Rejected};
use crate::scheduler::Scheduler;
use api::resources::{CSINODES, PERSISTENTVOLUMECLAIMS, PERSISTENTVOLUMES, STORAGECLASSES};
use api::{Value, meta, tree, volume};
use client::{Cx, Failure, Informers};
use sim::Time;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

/// The plugin's name.
pub(crate) const PLUGIN: &str = "VolumeBinding";
/// The plugin that counts the volumes on nodes.
pub(crate) const LIMITS: &str = "NodeVolumeLimits";

/// What a pod's volumes ask of its node.
// Models pkg/scheduler/framework/plugins/volumebinding/volume_binding.go
//
// Left out on purpose: topologies of classes, capacities, the time-out of a binding.
#[derive(Clone, Debug, Default)]
pub(crate) struct PodVolumes {
    /// From where the volumes that are bound can be reached.
    affinities: Vec<NodeAffinity>,
    /// The claims that are bound when the pod has its node.
    delayed: Vec<Delayed>,
    /// The claims for one pod alone.
    alone: Vec<Rc<str>>,
    /// The volumes of drivers, by driver: what nodes have only so much room for.
    driven: Driven,
    /// The nodes that have no room for them.
    full: BTreeSet<Rc<str>>,
}

/// The volumes of each driver, or the claims that are to get one.
type Driven = BTreeMap<Rc<str>, BTreeSet<Rc<str>>>;

/// Returns the driver of a claim's volume, and by what the volume is known.
// Models pkg/scheduler/framework/plugins/nodevolumelimits/csi.go getCSIDriverInfo
fn driven_by(informers: &Informers, claim: &Value) -> Option<(Rc<str>, Rc<str>)> {
    let name = claim["spec"]["volumeName"].str();
    if let Some(volume) = informers.of(PERSISTENTVOLUMES).get(name) {
        return volume::Attachable::of(volume).map(|one| (one.driver.into(), one.handle.into()));
    }
    let class = informers.of(STORAGECLASSES).get(volume::class(claim))?;
    Some((class["provisioner"].text(), meta::key(claim)))
}

/// A claim that waits for its first consumer.
#[derive(Clone, Debug)]
struct Delayed {
    claim: Value,
    /// The volumes of its class, and from where they can be reached.
    volumes: Vec<(NodeAffinity, Value)>,
    /// Whether a volume can be made for it.
    is_made: bool,
}

impl Delayed {
    fn find(&self, node: &NodeInfo, taken: &[Rc<str>]) -> Option<&Value> {
        let there = self.volumes.iter().filter(|(affinity, _)| affinity.matches(node));
        let free = there
            .map(|(_, volume)| volume)
            .filter(|volume| !taken.iter().any(|name| **name == *meta::name(volume)));
        volume::find_matching(&self.claim, free, false)
    }
}

fn affinity(volume: &Value) -> NodeAffinity {
    let required = &volume["spec"]["nodeAffinity"]["required"];
    NodeAffinity::of(&tree!({
        "affinity": {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": (required)}},
    }))
}

impl PodVolumes {
    /// Reads a pod's volumes.
    ///
    /// # Errors
    /// Why they keep it from every node, in the words of the event.
    // Models pkg/scheduler/framework/plugins/volumebinding/volume_binding.go PreFilter
    pub(crate) fn of(informers: &Informers, pod: &Value) -> Result<PodVolumes, String> {
        let mut found = PodVolumes::default();
        let mut unbound = false;
        for volume in pod["spec"]["volumes"].items() {
            let Some(claim) = claim(informers, pod, volume)? else { continue };
            if claim["spec"]["accessModes"].items().iter().any(|mode| mode.str() == "ReadWriteOncePod") {
                found.alone.push(meta::name(claim).into());
            }
            if let Some((driver, volume)) = driven_by(informers, claim) {
                found.driven.entry(driver).or_default().insert(volume);
            }
            let name = claim["spec"]["volumeName"].str();
            if !name.is_empty() {
                let bound = informers.of(PERSISTENTVOLUMES).get(name);
                found.affinities.extend(bound.map(affinity));
                continue;
            }
            let class = informers.of(STORAGECLASSES).get(volume::class(claim));
            let Some(class) = class.filter(|class| volume::is_delayed(class)) else {
                unbound = true;
                continue;
            };
            let all = informers.of(PERSISTENTVOLUMES).iter();
            let of_class = all.filter(|volume| volume::class(volume) == meta::name(class));
            found.delayed.push(Delayed {
                claim: claim.clone(),
                volumes: of_class.map(|volume| (affinity(volume), volume.clone())).collect(),
                is_made: class["provisioner"].str() != volume::NO_PROVISIONER,
            });
        }
        if unbound { Err("pod has unbound immediate PersistentVolumeClaims".to_string()) } else { Ok(found) }
    }

    /// Finds the nodes on which a driver can have no more volumes.
    // Models pkg/scheduler/framework/plugins/nodevolumelimits/csi.go Filter
    pub(crate) fn count(&mut self, informers: &Informers, nodes: &[NodeInfo]) {
        for node in nodes.iter().filter(|_| !self.driven.is_empty()) {
            let Some(limits) = informers.of(CSINODES).get(&node.name) else { continue };
            for row in limits["spec"]["drivers"].items() {
                let most = row["allocatable"]["count"].as_int();
                let wanted = most.and_then(|most| Some((most, self.driven.get(row["name"].str())?)));
                let Some((most, wanted)) = wanted else { continue };
                let pods = node.pods.values().map(|placed| &placed.info.pod);
                let claims = pods.flat_map(|pod| {
                    let key = |name: String| meta::object_key(meta::namespace(pod), &name);
                    volume::claims(pod).map(key).collect::<Vec<Rc<str>>>()
                });
                let there = claims.filter_map(|key| {
                    let (driver, volume) =
                        driven_by(informers, informers.of(PERSISTENTVOLUMECLAIMS).get(&key)?)?;
                    (*driver == *row["name"].str()).then_some(volume)
                });
                let there: BTreeSet<Rc<str>> = there.collect();
                let more = wanted.difference(&there).count();
                if more > 0 && (there.len() + more) as i64 > most {
                    self.full.insert(node.name.clone());
                }
            }
        }
    }

    /// Returns whether another pod, which has its node, uses what is for one pod alone.
    // Models pkg/scheduler/framework/plugins/volumerestrictions/volume_restrictions.go calReadWriteOncePodState
    pub(crate) fn are_taken(&self, nodes: &[NodeInfo], namespace: &str) -> bool {
        if self.alone.is_empty() {
            return false;
        }
        let uses = |pod: &Value| {
            let claims = pod["spec"]["volumes"]
                .items()
                .iter()
                .map(|volume| volume["persistentVolumeClaim"]["claimName"].str());
            meta::namespace(pod) == namespace
                && claims.into_iter().any(|name| self.alone.iter().any(|one| **one == *name))
        };
        nodes.iter().flat_map(|node| node.pods.values()).any(|placed| uses(&placed.info.pod))
    }

    /// Returns why the volumes keep the pod from a node.
    // Models pkg/scheduler/framework/plugins/volumebinding/volume_binding.go Filter
    pub(crate) fn check(&self, node: &NodeInfo) -> Result<(), Rejected> {
        if self.full.contains(&node.name) {
            return Err(Rejected::new(LIMITS, "node(s) exceed max volume count"));
        }
        if !self.affinities.iter().all(|affinity| affinity.matches(node)) {
            let reason = "node(s) didn't match PersistentVolume's node affinity";
            return Err(Rejected::unresolvable(PLUGIN, reason));
        }
        if !self.delayed.iter().all(|claim| claim.is_made || claim.find(node, &[]).is_some()) {
            let reason = "node(s) didn't find available persistent volumes to bind";
            return Err(Rejected::unresolvable(PLUGIN, reason));
        }
        Ok(())
    }
}

/// Returns the claim behind a pod's volume; `None` for a volume of another kind.
fn claim<'a>(informers: &'a Informers, pod: &Value, of: &Value) -> Result<Option<&'a Value>, String> {
    let Some(name) = volume::claim_name(pod, of) else { return Ok(None) };
    let key = meta::object_key(meta::namespace(pod), &name);
    let Some(claim) = informers.of(PERSISTENTVOLUMECLAIMS).get(&key) else {
        return Err(match of["ephemeral"].is_null() {
            true => format!("persistentvolumeclaim {name:?} not found"),
            false => {
                format!(
                    "waiting for ephemeral volume controller to create the persistentvolumeclaim {name:?}"
                )
            }
        });
    };
    if meta::is_deleting(claim) {
        return Err(format!("persistentvolumeclaim {name:?} is being deleted"));
    }
    if claim["status"]["phase"].str() == "Lost" {
        let volume = claim["spec"]["volumeName"].str();
        return Err(format!(
            "persistentvolumeclaim {name:?} bound to non-existent persistentvolume {volume:?}"
        ));
    }
    Ok(Some(claim))
}

impl Scheduler {
    /// Binds the claims that waited for the pod to have a node, or asks for their volumes to be made there.
    /// Returns whether the pod has to wait for that.
    ///
    /// # Errors
    /// What the API server refused.
    // Models pkg/scheduler/framework/plugins/volumebinding/binder.go bindAPIUpdate
    pub(crate) fn bind_volumes(&mut self, cx: &mut Cx, pod: &Value, node: &str) -> Result<bool, Failure> {
        let Ok(volumes) = PodVolumes::of(&self.informers, pod) else { return Ok(false) };
        let Some(info) = self.cache.node(node).filter(|_| !volumes.delayed.is_empty()) else {
            return Ok(false);
        };
        let mut taken: Vec<Rc<str>> = Vec::new();
        for delayed in &volumes.delayed {
            if let Some(volume) = delayed.find(info, &taken) {
                taken.push(meta::name(volume).into());
                let mut given = volume.clone();
                given.set(&["spec", "claimRef"], meta::object_reference(&delayed.claim));
                given.set(&["metadata", "annotations", volume::BOUND_BY_CONTROLLER], "yes");
                cx.update(PERSISTENTVOLUMES, &given, "")?;
            } else {
                let mut claim = delayed.claim.clone();
                claim.set(&["metadata", "annotations", volume::SELECTED_NODE], node);
                cx.update(PERSISTENTVOLUMECLAIMS, &claim, "")?;
            }
        }
        Ok(true)
    }

    /// Sees which of the pods that wait for their volumes have them now, and which never will.
    pub(crate) fn look_at_waiting(&mut self, now: Time) {
        let mut lost: Vec<Rc<str>> = Vec::new();
        for (key, (queued, _)) in &self.waiting {
            match PodVolumes::of(&self.informers, &queued.info.pod) {
                Ok(volumes) if volumes.delayed.is_empty() => {
                    if !self.bindable.contains(key) {
                        self.bindable.push(key.clone());
                    }
                }
                Ok(_) => {}
                Err(_) => lost.push(key.clone()),
            }
        }
        for key in lost {
            if let Some((queued, _)) = self.waiting.remove(&key) {
                self.cache.remove_pod(&key);
                self.queue.add_failed(now, queued);
            }
        }
    }
}
