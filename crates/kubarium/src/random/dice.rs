//! Addressed chance for a scenario: a draw is a function of the seed, the action's number and the draw's
//! number within it, so that an action stays what it is when others are taken out.

use sim::Chance;

/// The draws of one action.
pub struct Dice {
    chance: Chance,
    action: String,
    draws: u64,
}

impl Dice {
    /// Makes the draws of an action of the scenario with this seed.
    pub fn new(seed: u64, action: u64) -> Dice {
        Dice { chance: Chance::new(seed), action: action.to_string(), draws: 0 }
    }

    /// Returns a number from `low` to `high`, both included.
    pub fn between(&mut self, low: i64, high: i64) -> i64 {
        self.draws += 1;
        self.chance.between("scenario", &self.action, self.draws, low, high)
    }

    /// Returns whether one of `n` cases came.
    pub fn one_in(&mut self, n: i64) -> bool {
        self.between(1, n) == 1
    }

    /// Returns one of several; they are never none.
    pub fn of<'a, T: ?Sized>(&mut self, several: &[&'a T]) -> &'a T {
        let last = i64::try_from(several.len()).unwrap_or(1) - 1;
        several[usize::try_from(self.between(0, last)).unwrap_or(0)]
    }
}
