use sim::{MINUTE, Nanos, SECOND, Time};

const FIRST: Nanos = 10 * SECOND;
const LONGEST: Nanos = 5 * MINUTE;

/// How long to wait before something is tried again: 10 s, twice as long each time, at most five
/// minutes; from the beginning again after ten minutes without trouble.
// Models staging/src/k8s.io/client-go/util/flowcontrol/backoff.go Backoff
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct BackOff {
    entry: Option<(Nanos, Time)>,
}

impl BackOff {
    /// Counts one more failure, at `event`.
    pub(crate) fn next(&mut self, event: Time) {
        let delay = match self.entry {
            Some((delay, updated)) if event - updated <= 2 * LONGEST => (delay * 2).min(LONGEST),
            _ => FIRST,
        };
        self.entry = Some((delay, event));
    }

    /// Returns how long the wait is.
    pub(crate) fn delay(&self) -> Nanos {
        self.entry.map_or(0, |(delay, _)| delay)
    }

    /// Returns until when to wait after something that happened at `event`; `None` for not at all.
    pub(crate) fn until_since(&self, event: Time) -> Option<Time> {
        let (delay, updated) = self.entry?;
        (event - updated <= 2 * LONGEST).then(|| event + delay)
    }

    /// Returns until when to wait after the last failure; `None` for not at all.
    pub(crate) fn until(&self) -> Option<Time> {
        self.entry.map(|(delay, updated)| updated + delay)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn doubles_to_five_minutes_and_forgets() {
        let mut back_off = BackOff::default();
        let mut now = Time(0);
        assert_eq!(back_off.until_since(now), None);
        for seconds in [10, 20, 40, 80, 160, 300, 300] {
            back_off.next(now);
            assert_eq!(back_off.delay(), seconds * SECOND);
            now = now + back_off.delay();
        }
        assert_eq!(back_off.until_since(now), Some(now + 300 * SECOND));
        let later = now + 11 * MINUTE;
        assert_eq!(back_off.until_since(later), None);
        back_off.next(later);
        assert_eq!(back_off.delay(), 10 * SECOND);
    }
}
