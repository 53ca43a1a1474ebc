use sim::Time;
use std::collections::{BTreeMap, BTreeSet};

/// When each part of the cluster next has something to do.
#[derive(Clone, Debug, Default)]
pub(crate) struct Agenda {
    by_time: BTreeSet<(Time, u32)>,
    by_part: BTreeMap<u32, Time>,
}

impl Agenda {
    /// Sets when a part is due; [`Time::NEVER`] takes it off.
    pub(crate) fn set(&mut self, part: u32, at: Time) {
        let before =
            if at == Time::NEVER { self.by_part.remove(&part) } else { self.by_part.insert(part, at) };
        if before == Some(at) {
            return;
        }
        if let Some(before) = before {
            self.by_time.remove(&(before, part));
        }
        if at != Time::NEVER {
            self.by_time.insert((at, part));
        }
    }

    /// Returns the part that is due first, and when.
    pub(crate) fn first(&self) -> Option<(Time, u32)> {
        self.by_time.first().copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_who_is_first() {
        let mut agenda = Agenda::default();
        assert_eq!(agenda.first(), None);
        agenda.set(1, Time(5));
        agenda.set(2, Time(3));
        agenda.set(3, Time(3));
        assert_eq!(agenda.first(), Some((Time(3), 2)));
        agenda.set(2, Time(9));
        assert_eq!(agenda.first(), Some((Time(3), 3)));
        agenda.set(3, Time::NEVER);
        assert_eq!(agenda.first(), Some((Time(5), 1)));
    }
}
