//! Plays a scenario and looks at the cluster after each of its actions, and at rest.

use super::Action;
use super::history::History;
use super::invariants::{Violation, When, violations};
use super::rest;
use super::scene::Scene;
use cluster::{Cluster, Preset, play_step};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// After each how many actions the caches are compared with lists, which takes its time.
const CACHES: usize = 8;

/// What a scenario came to that broke nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Played {
    /// How many things happened.
    pub events: u64,
    /// A digest of what was printed and of what the store holds in the end.
    pub digest: u64,
}

/// A broken invariant, or several.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// After how many actions it was seen; all of them, where it was at rest.
    pub after: usize,
    /// What is broken.
    pub violations: Vec<Violation>,
}

/// Plays a scenario.
///
/// # Errors
/// The first time that invariants were broken.
pub fn play(preset: &Preset, seed: u64, actions: &[Action]) -> Result<Played, Failure> {
    let mut done = 0;
    let played = catch_unwind(AssertUnwindSafe(|| play_all(preset, seed, actions, &mut done)));
    played.unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().cloned();
        let text = text.or_else(|| panic.downcast_ref::<&str>().map(|text| text.to_string()));
        let how = text.unwrap_or_default();
        let violation = Violation { invariant: "nothing_panics", object: "kubarium".to_string(), how };
        Err(Failure { after: done, violations: vec![violation] })
    })
}

fn play_all(preset: &Preset, seed: u64, actions: &[Action], done: &mut usize) -> Result<Played, Failure> {
    let mut cluster = Cluster::new(preset, seed);
    let mut history = History::of(&cluster);
    let mut digest = Digest::default();
    for action in actions {
        *done += 1;
        for step in action {
            play_step(&mut cluster, step, &mut |text| digest.add(text));
        }
        let mut broken = look(&cluster, &mut history);
        if done.is_multiple_of(CACHES) {
            broken.extend(rest::stale_caches(&cluster));
        }
        fail_if(*done, broken)?;
    }
    // Where nobody answers or works, nothing comes to rest.
    cluster.undo_faults();
    fail_if(*done, rest::violations_at_rest(&mut cluster, &mut history))?;
    for (key, entry) in cluster.store().range("") {
        digest.add(key);
        digest.add(&entry.value.to_json());
    }
    Ok(Played { events: cluster.events(), digest: digest.0 })
}

fn fail_if(after: usize, violations: Vec<Violation>) -> Result<(), Failure> {
    if violations.is_empty() { Ok(()) } else { Err(Failure { after, violations }) }
}

/// Returns what is broken now that never may be.
pub(super) fn look(cluster: &Cluster, history: &mut History) -> Vec<Violation> {
    let mut broken = history.follow(cluster);
    broken.extend(violations(&Scene::of_cluster(cluster, history.existed.clone()), When::Always));
    broken
}

/// A digest of texts.
struct Digest(u64);

impl Default for Digest {
    fn default() -> Digest {
        Digest(0xcbf2_9ce4_8422_2325)
    }
}

impl Digest {
    // FNV-1a.
    fn add(&mut self, text: &str) {
        for byte in text.bytes() {
            self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
}
