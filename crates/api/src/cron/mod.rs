//! CronJobs' schedules: what they say, and when the next time is.

mod parse;
mod zone;

pub use zone::Zone;

use sim::{HOUR, MINUTE, Nanos, SECOND, Time};

const DAY: Nanos = 24 * HOUR;
/// For how many days a next time is looked for; `0 0 30 2 *` has none.
const MAX_DAYS: u32 = 5 * 366;

/// A schedule: the minutes that it names, or one time after the other.
// Models vendor/github.com/robfig/cron/v3/spec.go SpecSchedule
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Schedule {
    minutes: u64,
    hours: u64,
    days: u64,
    months: u64,
    weekdays: u64,
    /// Whether any day of the month and any day of the week will do.
    any_day: [bool; 2],
    every: Option<Nanos>,
}

/// Returns the day of the week, 0 for Sunday, of a moment read as local time.
fn weekday(local: Time) -> i64 {
    (local.0.div_euclid(DAY) + 4).rem_euclid(7)
}

impl Schedule {
    /// Returns the first moment after `after` that the schedule names; `None` for none in five years.
    // Models vendor/github.com/robfig/cron/v3/spec.go Next
    pub fn next(&self, after: Time, zone: Zone) -> Option<Time> {
        if let Some(every) = self.every {
            return Some(Time((after.0.div_euclid(SECOND)) * SECOND) + every);
        }
        let mut at = Time((after.0.div_euclid(MINUTE) + 1) * MINUTE);
        let mut days = 0;
        while days <= MAX_DAYS {
            let local = at + zone.offset(at);
            let (_, month, day, hour, minute, _) = local.civil();
            let names = |bits: u64, value: i64| bits >> value & 1 == 1;
            if !names(self.months, month) || !self.names_day(day, weekday(local)) {
                let midnight = Time((local.0.div_euclid(DAY) + 1) * DAY);
                at = zone.to_utc(midnight, at);
                days += 1;
            } else if !names(self.hours, hour) {
                let next = (local.0.div_euclid(HOUR) + 1) * HOUR;
                days += u32::from(Time(next).0.rem_euclid(DAY) == 0);
                at = at + (next - local.0);
            } else if !names(self.minutes, minute) {
                at = at + MINUTE;
            } else {
                return Some(at);
            }
        }
        None
    }

    /// Returns whether a day will do: where both kinds of days are named, one of them is enough.
    // Models vendor/github.com/robfig/cron/v3/spec.go dayMatches
    fn names_day(&self, day: i64, weekday: i64) -> bool {
        let (of_month, of_week) = (self.days >> day & 1 == 1, self.weekdays >> weekday & 1 == 1);
        if self.any_day.contains(&true) { of_month && of_week } else { of_month || of_week }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_next_time() {
        let utc = Zone::find("UTC").unwrap();
        for (schedule, after, next) in [
            ("*/5 * * * *", "2026-01-05T09:00:00Z", "2026-01-05T09:05:00Z"),
            ("*/5 * * * *", "2026-01-05T09:04:59Z", "2026-01-05T09:05:00Z"),
            ("30 3 * * *", "2026-01-05T09:00:00Z", "2026-01-06T03:30:00Z"),
            ("0 0 1 * *", "2026-01-05T09:00:00Z", "2026-02-01T00:00:00Z"),
            ("0 0 29 2 *", "2026-01-05T09:00:00Z", "2028-02-29T00:00:00Z"),
            ("0 12 * * mon", "2026-01-05T12:00:00Z", "2026-01-12T12:00:00Z"),
            ("0 12 13 * fri", "2026-01-05T12:00:00Z", "2026-01-09T12:00:00Z"),
            ("1-3,50 22-23 * dec *", "2026-01-05T12:00:00Z", "2026-12-01T22:01:00Z"),
            ("@hourly", "2026-01-05T09:00:00Z", "2026-01-05T10:00:00Z"),
            ("@weekly", "2026-01-05T09:00:00Z", "2026-01-11T00:00:00Z"),
            ("@every 1h30m", "2026-01-05T09:00:00Z", "2026-01-05T10:30:00Z"),
        ] {
            let found = Schedule::parse(schedule).unwrap().next(Time::parse_rfc3339(after).unwrap(), utc);
            assert_eq!(found.map(Time::rfc3339).as_deref(), Some(next), "{schedule} after {after}");
        }
        let never = Schedule::parse("0 0 30 2 *").unwrap();
        assert_eq!(never.next(Time::EPOCH, utc), None);
    }

    #[test]
    fn keeps_to_its_zone() {
        for (zone, after, next) in [
            ("Asia/Seoul", "2026-01-05T09:00:00Z", "2026-01-06T00:00:00Z"),
            ("Europe/Berlin", "2026-03-28T09:00:00Z", "2026-03-29T07:00:00Z"),
            ("Europe/Berlin", "2026-03-27T09:00:00Z", "2026-03-28T08:00:00Z"),
            ("America/New_York", "2026-03-07T20:00:00Z", "2026-03-08T13:00:00Z"),
            ("America/New_York", "2026-10-31T20:00:00Z", "2026-11-01T14:00:00Z"),
        ] {
            let schedule = Schedule::parse("0 9 * * *").unwrap();
            let found =
                schedule.next(Time::parse_rfc3339(after).unwrap(), Zone::find(zone).unwrap()).unwrap();
            assert_eq!(found.rfc3339(), next, "{zone} after {after}");
        }
        assert!(Zone::find("Mars/Olympus").is_none());
    }
}
