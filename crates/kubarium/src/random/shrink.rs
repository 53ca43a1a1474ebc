//! Makes a scenario shorter while it still breaks the same invariant.

use super::play::{Failure, play};
use super::{Action, Violation};
use cluster::Preset;

/// How often a scenario is played to find a shorter one.
const TRIES: usize = 120;

/// Returns the actions that still break the first invariant that the scenario broke, and how they do: parts
/// are left out, ever smaller ones, while it stays broken.
pub fn shrink(preset: &Preset, seed: u64, actions: &[Action], failure: Failure) -> (Vec<Action>, Failure) {
    let Some(Violation { invariant, .. }) = failure.violations.first().cloned() else {
        return (actions.to_vec(), failure);
    };
    // What came after it was seen has nothing to do with it.
    let shortest = actions.get(..failure.after).unwrap_or(actions).to_vec();
    let mut found = failure;
    let short = shorten(shortest, TRIES, &mut |fewer| match play(preset, seed, fewer) {
        Err(failure) if failure.violations.iter().any(|one| one.invariant == invariant) => {
            found = failure;
            true
        }
        _ => false,
    });
    (short, found)
}

/// Leaves parts out while `holds` says that what is left will do, so often at most.
fn shorten<T: Clone>(mut items: Vec<T>, tries: usize, holds: &mut dyn FnMut(&[T]) -> bool) -> Vec<T> {
    let mut left = tries;
    let mut size = items.len().div_ceil(2);
    while size > 0 && left > 0 {
        let mut from = 0;
        let mut shrunk = false;
        while from < items.len() && left > 0 {
            let to = (from + size).min(items.len());
            let fewer: Vec<T> = items[..from].iter().chain(&items[to..]).cloned().collect();
            left -= 1;
            if holds(&fewer) {
                items = fewer;
                shrunk = true;
            } else {
                from = to;
            }
        }
        if !(shrunk && size == 1) {
            size /= 2;
        }
    }
    items
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leaves_out_what_does_not_matter() {
        for needed in [vec![], vec![7], vec![0, 49], vec![3, 4, 30]] {
            let short = shorten((0..50).collect(), 1_000, &mut |fewer: &[i32]| {
                needed.iter().all(|one| fewer.contains(one))
            });
            assert_eq!(short, needed);
        }
        let mut count = 0;
        shorten((0..50).collect(), 9, &mut |_: &[i32]| {
            count += 1;
            false
        });
        assert_eq!(count, 9);
    }
}
