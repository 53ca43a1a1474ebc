//! Who leads, where there are several control planes: of etcd's members, of the controller managers, of the
//! schedulers.

use crate::Cluster;
use crate::control_plane::{ControlPlane, Member, Unit};
use crate::parts::{MANAGER, PLANE, Parts, SCHEDULER, Target};
use api::resources::LEASES;
use api::{Status, Value, tree};
use client::{Component, Cx, Identity};
use sim::{Chance, Nanos, SECOND, Time};

/// For how long a lease holds (`--leader-elect-lease-duration`).
const LEASE: Nanos = 15 * SECOND;
/// How often a lease is renewed, and tried for (`--leader-elect-retry-period`).
const RETRY: Nanos = 2 * SECOND;
/// etcd's members wait between this and twice as long for a sign of their leader (`--election-timeout`).
const ELECTION: Nanos = SECOND;
/// The processes of which one works while the others wait.
pub(crate) const LED: [Unit; 2] = [Unit::Manager, Unit::Scheduler];

/// Who leads. Members are named by their place among the control planes.
#[derive(Clone, Debug, Default)]
pub(crate) struct Leadership {
    /// The leader of etcd; none where it has no quorum, or elects.
    pub etcd: Option<usize>,
    election_ends: Option<Time>,
    /// How many elections there have been.
    pub term: u64,
    leases: [Lease; 2],
    renew_at: Option<Time>,
}

/// A lease of the controller managers or of the schedulers.
#[derive(Clone, Debug, Default)]
struct Lease {
    holder: Option<usize>,
    /// When another may take it.
    free_at: Option<Time>,
    acquired: Time,
    transitions: i64,
}

impl ControlPlane {
    fn running(&self, unit: Unit, is_on: &impl Fn(&Member) -> bool) -> Vec<usize> {
        let runs = |(_, member): &(usize, &Member)| is_on(member) && !member.stopped.contains(&unit);
        self.members.iter().enumerate().filter(runs).map(|(i, _)| i).collect()
    }

    /// Returns whether there are several, so that leaders are elected.
    pub(crate) fn is_replicated(&self) -> bool {
        self.members.len() > 1
    }

    /// Returns what the API server says for as long as etcd doesn't serve it.
    // Models etcd server/etcdserver/errors/errors.go
    pub(crate) fn etcd_trouble(&self, is_on: impl Fn(&Member) -> bool) -> Option<Status> {
        const REFUSED: &str = "rpc error: code = Unavailable desc = connection error: desc = \"transport: Error while \
                               dialing: dial tcp 127.0.0.1:2379: connect: connection refused\"";
        let members = self.running(Unit::Etcd, &is_on);
        let servers = self.running(Unit::ApiServer, &is_on);
        let message = if !servers.iter().any(|server| members.contains(server)) {
            // An API server asks the member beside it only.
            REFUSED
        } else if members.len() * 2 <= self.members.len() {
            "etcdserver: request timed out"
        } else if self.leadership.election_ends.is_some() {
            "etcdserver: leader changed"
        } else {
            return None;
        };
        Some(Status::new(500, "", message))
    }

    /// Lets etcd's members elect a leader, where theirs is gone and a majority is left.
    pub(crate) fn elect(&mut self, now: Time, chance: Chance, is_on: impl Fn(&Member) -> bool) {
        let running = self.running(Unit::Etcd, &is_on);
        let has_quorum = running.len() * 2 > self.members.len();
        let is_alone = self.members.len() == 1;
        let led = &mut self.leadership;
        if !has_quorum {
            (led.etcd, led.election_ends) = (None, None);
        } else if led.etcd.is_some_and(|leader| running.contains(&leader)) {
            led.election_ends = None;
        } else if led.term == 0 || is_alone || led.election_ends.is_some_and(|ends| ends <= now) {
            let n = chance.draw("etcd-leader", "", led.term) % running.len().max(1) as u64;
            (led.etcd, led.election_ends) = (running.get(n as usize).copied(), None);
            led.term += 1;
        } else if led.election_ends.is_none() {
            led.etcd = None;
            led.election_ends =
                Some(now + chance.span("etcd-election", "", led.term, ELECTION, 2 * ELECTION));
        }
    }

    /// Lets the leases of controller managers and schedulers go from one that is gone to another, once they have
    /// run out.
    // Models staging/src/k8s.io/client-go/tools/leaderelection/leaderelection.go tryAcquireOrRenew
    pub(crate) fn lease(
        &mut self,
        now: Time,
        chance: Chance,
        can_write: bool,
        is_on: impl Fn(&Member) -> bool,
    ) {
        for (i, unit) in LED.into_iter().enumerate() {
            let running = self.running(unit, &is_on);
            let is_replicated = self.is_replicated();
            let Some(lease) = self.leadership.leases.get_mut(i) else { return };
            if lease.holder.is_some_and(|holder| running.contains(&holder)) {
                continue;
            }
            let retry = |n: i64| chance.span("lease", unit.name(), n.unsigned_abs(), 0, RETRY);
            if lease.holder.take().is_some() && is_replicated {
                lease.free_at = Some(now + LEASE + retry(lease.transitions));
            }
            if lease.free_at.is_some_and(|free| free > now) {
                continue;
            }
            if running.is_empty() {
                // Whoever starts takes it at once.
                lease.free_at = None;
                continue;
            }
            if !can_write && is_replicated {
                lease.free_at = Some(now + RETRY);
                continue;
            }
            let n = chance.draw("lease-holder", unit.name(), lease.transitions.unsigned_abs());
            lease.holder = running.get((n % running.len() as u64) as usize).copied();
            (lease.free_at, lease.acquired) = (None, now);
            lease.transitions += 1;
        }
    }

    /// Returns which member holds a lease.
    pub(crate) fn holder(&self, unit: Unit) -> Option<usize> {
        let at = LED.iter().position(|led| *led == unit)?;
        self.leadership.leases.get(at)?.holder
    }

    /// Returns when somebody has to be elected or a lease renewed.
    pub(crate) fn next_at(&self) -> Time {
        let led = &self.leadership;
        let free = led.leases.iter().filter(|lease| lease.holder.is_none()).filter_map(|lease| lease.free_at);
        let renew = led.renew_at.filter(|_| self.is_replicated());
        free.chain(led.election_ends).chain(renew).fold(Time::NEVER, Time::min)
    }

    fn lease_object(&self, at: usize, unit: Unit, chance: Chance, now: Time) -> Option<Value> {
        let lease = self.leadership.leases.get(at)?;
        let member = self.members.get(lease.holder?)?;
        let machine = member.machine.as_deref().unwrap_or("");
        let draw = |n| chance.draw("lease-identity", unit.name(), lease.transitions.unsigned_abs() * 2 + n);
        let (high, low) = (draw(0), draw(1));
        let (a, b, c) = (high >> 32, high >> 16 & 0xffff, high & 0xfff);
        let (d, e) = (low >> 48 & 0x3fff | 0x8000, low & 0xffff_ffff_ffff);
        let identity = format!("{machine}_{a:08x}-{b:04x}-4{c:03x}-{d:04x}-{e:012x}");
        Some(tree!({
            "apiVersion": "coordination.k8s.io/v1",
            "kind": "Lease",
            "metadata": {"name": (unit.name()), "namespace": "kube-system"},
            "spec": {
                "acquireTime": (lease.acquired.rfc3339_micro()),
                "holderIdentity": identity,
                "leaseDurationSeconds": (LEASE / SECOND),
                "leaseTransitions": (lease.transitions - 1),
                "renewTime": (now.rfc3339_micro()),
            },
        }))
    }
}

impl Cluster {
    /// Does what is due of elections and leases.
    pub(crate) fn step_plane(&mut self) {
        self.review();
        let now = self.world.now;
        let led = &mut self.parts.plane.leadership;
        if self.parts.plane.members.len() < 2 || led.renew_at.is_some_and(|at| at > now) {
            return;
        }
        led.renew_at = Some(now + RETRY);
        let identities = [self.parts.manager.identity().clone(), self.parts.scheduler.identity().clone()];
        for (at, (unit, identity)) in LED.into_iter().zip(identities).enumerate() {
            if let Some(lease) = self.parts.plane.lease_object(at, unit, self.world.chance, now) {
                self.write_lease(&lease, identity);
            }
        }
        self.agenda.set(PLANE, self.parts.plane.next_at());
    }

    fn write_lease(&mut self, lease: &Value, identity: Identity) {
        let timing = self.world.timing.clone();
        let (now, chance) = (self.world.now, self.world.chance);
        let mut cx = Cx::new(now, chance, &timing, &mut self.world, identity);
        // One that isn't written is tried again with the next.
        match cx.get(LEASES, "kube-system", api::meta::name(lease)) {
            Ok(there) => {
                let mut lease = lease.clone();
                lease.set(&["metadata", "resourceVersion"], &there["metadata"]["resourceVersion"]);
                let _ = cx.update(LEASES, &lease, "");
            }
            Err(failure) if failure.is_not_found() => drop(cx.create(LEASES, lease)),
            Err(_) => {}
        }
    }

    /// Lets those lead who can, and returns whether the controller manager and the scheduler work.
    pub(crate) fn lead(&mut self, can_write: bool) -> [(u32, bool); 2] {
        let (now, chance) = (self.world.now, self.world.chance);
        let mut plane = self.parts.plane.clone();
        plane.lease(now, chance, can_write, |member| self.parts.has_power(member));
        let before = LED.map(|unit| self.parts.plane.holder(unit));
        self.parts.plane = plane;
        for (unit, before) in LED.into_iter().zip(before) {
            if self.parts.plane.holder(unit) != before {
                self.tell_leader(unit);
            }
        }
        let plane = &self.parts.plane;
        [
            (MANAGER, plane.holder(Unit::Manager).is_some()),
            (SCHEDULER, plane.holder(Unit::Scheduler).is_some()),
        ]
    }
}

impl Cluster {
    /// Lets who leads from now on write that into its log.
    // Models staging/src/k8s.io/client-go/tools/leaderelection/leaderelection.go acquire
    pub(crate) fn tell_leader(&mut self, unit: Unit) {
        let plane = &self.parts.plane;
        let leader = plane.holder(unit).and_then(|holder| plane.members.get(holder)?.machine.clone());
        let Some(node) = leader else { return };
        let Some(number) = self.parts.by_name.get(&node).copied() else { return };
        let pod = format!("{}-{node}", unit.name());
        let Cluster { world, wires, parts, .. } = self;
        parts.with(world, wires, Parts::kubelet_id(number), |target, cx, wires| {
            if let Target::Kubelet(kubelet) = target {
                let (stamp, name) = (kubelet::cri::klog(cx.now), unit.name());
                let lock = format!("kube-system/{name}");
                let line = format!(
                    "stderr:I{stamp}       1 leaderelection.go:271] successfully acquired lease {lock}"
                );
                kubelet.write_log(cx, wires, ("kube-system", &pod), &line);
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;
    use std::rc::Rc;

    fn plane(stopped: &[(usize, Unit)], of: usize) -> ControlPlane {
        let mut plane = ControlPlane::new((0..of).map(|i| Rc::from(format!("m{i}"))));
        for (member, unit) in stopped {
            plane.members[*member].stopped = BTreeSet::from([*unit]);
        }
        plane
    }

    /// etcd serves as long as a majority of its members does.
    // Models https://etcd.io/docs/v3.6/faq/#what-is-failure-tolerance
    #[test]
    fn a_majority_serves() {
        for (of, stopped, serves) in
            [(1, 0, true), (3, 0, true), (3, 1, true), (3, 2, false), (5, 2, true), (5, 3, false)]
        {
            let stopped: Vec<(usize, Unit)> = (0..stopped).map(|i| (i, Unit::Etcd)).collect();
            let mut plane = plane(&stopped, of);
            plane.elect(Time(0), Chance::new(1), |_| true);
            let trouble = plane.etcd_trouble(|_| true).map(|status| status.message);
            let wanted = (!serves).then(|| "etcdserver: request timed out".to_string());
            assert_eq!(trouble, wanted, "{stopped:?} of {of}");
            assert_eq!(plane.leadership.etcd.is_some(), serves);
        }
    }

    #[test]
    fn a_lost_leader_is_followed_by_another() {
        let mut plane = plane(&[], 3);
        let chance = Chance::new(1);
        plane.elect(Time(0), chance, |_| true);
        let first = plane.leadership.etcd.unwrap();
        plane.members[first].stopped.insert(Unit::Etcd);
        plane.elect(Time(0), chance, |_| true);
        let said = plane.etcd_trouble(|_| true).map(|status| status.message);
        assert_eq!(said.as_deref(), Some("etcdserver: leader changed"));
        let ends = plane.next_at();
        assert!((SECOND..=2 * SECOND).contains(&(ends - Time(0))), "{ends:?}");
        plane.elect(ends, chance, |_| true);
        assert!(plane.leadership.etcd.is_some_and(|leader| leader != first));
        assert_eq!((plane.etcd_trouble(|_| true), plane.leadership.term), (None, 2));
    }

    #[test]
    fn a_lease_goes_to_another_once_it_has_run_out() {
        let mut plane = plane(&[], 3);
        let chance = Chance::new(1);
        plane.lease(Time(0), chance, true, |_| true);
        let first = plane.holder(Unit::Scheduler).unwrap();
        plane.members[first].stopped.insert(Unit::Scheduler);
        plane.lease(Time(0), chance, true, |_| true);
        assert_eq!(plane.holder(Unit::Scheduler), None);
        let free = plane.next_at();
        assert!((LEASE..=LEASE + RETRY).contains(&(free - Time(0))), "{free:?}");
        plane.lease(free, chance, true, |_| true);
        assert!(plane.holder(Unit::Scheduler).is_some_and(|holder| holder != first));
    }

    #[test]
    fn a_lease_that_nobody_wants_waits_for_nothing() {
        let mut plane = plane(&[], 3);
        let chance = Chance::new(1);
        plane.lease(Time(0), chance, true, |_| true);
        for member in &mut plane.members {
            member.stopped.insert(Unit::Scheduler);
        }
        plane.lease(Time(0), chance, true, |_| true);
        let free = plane.next_at();
        plane.lease(free, chance, true, |_| true);
        assert_eq!(plane.next_at(), Time::NEVER);
        plane.members[1].stopped.clear();
        plane.lease(free + SECOND, chance, true, |_| true);
        assert_eq!(plane.holder(Unit::Scheduler), Some(1));
    }
}
