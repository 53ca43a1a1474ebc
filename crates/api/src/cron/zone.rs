use sim::{HOUR, MINUTE, Nanos, SECOND, Time};

/// When clocks are put forward by an hour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Summer {
    Never,
    /// From the last Sunday of March to the last of October, both at 01:00 UTC.
    Europe,
    /// From the second Sunday of March to the first of November, both at 02:00 by the clock.
    America,
}

/// A time zone by its IANA name. The table has the usual ones with today's rules, not their history.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Zone {
    minutes: i64,
    summer: Summer,
}

const ZONES: &[(&str, i64, Summer)] = &[
    ("UTC", 0, Summer::Never),
    ("Etc/UTC", 0, Summer::Never),
    ("GMT", 0, Summer::Never),
    ("Africa/Cairo", 120, Summer::Never),
    ("Africa/Johannesburg", 120, Summer::Never),
    ("Africa/Lagos", 60, Summer::Never),
    ("Africa/Nairobi", 180, Summer::Never),
    ("America/Argentina/Buenos_Aires", -180, Summer::Never),
    ("America/Bogota", -300, Summer::Never),
    ("America/Chicago", -360, Summer::America),
    ("America/Denver", -420, Summer::America),
    ("America/Los_Angeles", -480, Summer::America),
    ("America/Mexico_City", -360, Summer::Never),
    ("America/New_York", -300, Summer::America),
    ("America/Phoenix", -420, Summer::Never),
    ("America/Sao_Paulo", -180, Summer::Never),
    ("America/Toronto", -300, Summer::America),
    ("America/Vancouver", -480, Summer::America),
    ("Asia/Bangkok", 420, Summer::Never),
    ("Asia/Dubai", 240, Summer::Never),
    ("Asia/Ho_Chi_Minh", 420, Summer::Never),
    ("Asia/Hong_Kong", 480, Summer::Never),
    ("Asia/Jakarta", 420, Summer::Never),
    ("Asia/Karachi", 300, Summer::Never),
    ("Asia/Kolkata", 330, Summer::Never),
    ("Asia/Calcutta", 330, Summer::Never),
    ("Asia/Manila", 480, Summer::Never),
    ("Asia/Riyadh", 180, Summer::Never),
    ("Asia/Seoul", 540, Summer::Never),
    ("Asia/Shanghai", 480, Summer::Never),
    ("Asia/Singapore", 480, Summer::Never),
    ("Asia/Taipei", 480, Summer::Never),
    ("Asia/Tokyo", 540, Summer::Never),
    ("Australia/Brisbane", 600, Summer::Never),
    ("Australia/Perth", 480, Summer::Never),
    ("Europe/Amsterdam", 60, Summer::Europe),
    ("Europe/Athens", 120, Summer::Europe),
    ("Europe/Berlin", 60, Summer::Europe),
    ("Europe/Brussels", 60, Summer::Europe),
    ("Europe/Dublin", 0, Summer::Europe),
    ("Europe/Helsinki", 120, Summer::Europe),
    ("Europe/Istanbul", 180, Summer::Never),
    ("Europe/Kyiv", 120, Summer::Europe),
    ("Europe/Lisbon", 0, Summer::Europe),
    ("Europe/London", 0, Summer::Europe),
    ("Europe/Madrid", 60, Summer::Europe),
    ("Europe/Moscow", 180, Summer::Never),
    ("Europe/Oslo", 60, Summer::Europe),
    ("Europe/Paris", 60, Summer::Europe),
    ("Europe/Prague", 60, Summer::Europe),
    ("Europe/Rome", 60, Summer::Europe),
    ("Europe/Stockholm", 60, Summer::Europe),
    ("Europe/Vienna", 60, Summer::Europe),
    ("Europe/Warsaw", 60, Summer::Europe),
    ("Europe/Zurich", 60, Summer::Europe),
    ("Pacific/Honolulu", -600, Summer::Never),
];

impl Zone {
    /// The zone of clusters.
    pub const UTC: Zone = Zone { minutes: 0, summer: Summer::Never };

    /// Returns the zone with this name; `None` where the table has none.
    pub fn find(name: &str) -> Option<Zone> {
        let row = ZONES.iter().find(|(known, _, _)| *known == name);
        row.map(|(_, minutes, summer)| Zone { minutes: *minutes, summer: *summer })
    }

    /// Returns what the zone's clocks are ahead of UTC at a moment.
    pub fn offset(self, at: Time) -> Nanos {
        let standard = self.minutes * MINUTE;
        let (year, ..) = at.civil();
        let is_summer = match self.summer {
            Summer::Never => false,
            Summer::Europe => {
                let (from, to) = (sunday(year, 3, None) + HOUR, sunday(year, 10, None) + HOUR);
                (from..to).contains(&at)
            }
            Summer::America => {
                let from = sunday(year, 3, Some(2)) + (2 * HOUR - standard);
                let to = sunday(year, 11, Some(1)) + (HOUR - standard);
                (from..to).contains(&at)
            }
        };
        if is_summer { standard + HOUR } else { standard }
    }

    /// Returns the moment at which the zone's clocks show a local time; `near` is one not long before.
    pub(super) fn to_utc(self, local: Time, near: Time) -> Time {
        let guess = local + -self.offset(near);
        local + -self.offset(guess)
    }

    /// Returns a moment as the zone's clocks show it: `2026-01-05T18:00:00+09:00`.
    pub fn rfc3339(self, at: Time) -> String {
        let offset = self.offset(at) / SECOND / 60;
        let local = (at + self.offset(at)).rfc3339();
        if offset == 0 {
            return local;
        }
        let sign = if offset < 0 { '-' } else { '+' };
        let (hours, minutes) = (offset.abs() / 60, offset.abs() % 60);
        format!("{}{sign}{hours:02}:{minutes:02}", local.trim_end_matches('Z'))
    }
}

/// Returns the midnight at which a month's nth Sunday begins, in UTC; without a number its last one.
fn sunday(year: i64, month: i64, nth: Option<i64>) -> Time {
    let first_of = |year: i64, month: i64| {
        Time::parse_rfc3339(&format!("{year:04}-{month:02}-01T00:00:00Z")).unwrap_or_default()
    };
    let day = 24 * HOUR;
    match nth {
        Some(nth) => {
            let first = first_of(year, month);
            first + ((7 - super::weekday(first)) % 7 + 7 * (nth - 1)) * day
        }
        None => {
            let next = if month == 12 { first_of(year + 1, 1) } else { first_of(year, month + 1) };
            let last = next + -day;
            last + -(super::weekday(last) * day)
        }
    }
}
