use std::fmt;
use std::ops::{Add, Sub};

/// A duration in nanoseconds.
pub type Nanos = i64;
/// One microsecond in nanoseconds.
pub const MICROSECOND: Nanos = 1_000;
/// One millisecond in nanoseconds.
pub const MILLISECOND: Nanos = 1_000_000;
/// One second in nanoseconds.
pub const SECOND: Nanos = 1_000_000_000;
/// One minute in nanoseconds.
pub const MINUTE: Nanos = 60 * SECOND;
/// One hour in nanoseconds.
pub const HOUR: Nanos = 60 * MINUTE;

/// A moment of virtual time: nanoseconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Time(pub i64);

impl Time {
    /// The moment at which a simulated cluster begins, unless it is told otherwise:
    /// 2026-01-05T09:00:00Z.
    pub const EPOCH: Time = Time(1_767_603_600 * SECOND);
    /// Later than every moment that is reached.
    pub const NEVER: Time = Time(i64::MAX);

    /// Returns whole seconds since 1970.
    pub fn unix_seconds(self) -> i64 {
        self.0.div_euclid(SECOND)
    }

    /// Returns the calendar's (year, month, day, hour, minute, second) in UTC.
    pub fn civil(self) -> (i64, i64, i64, i64, i64, i64) {
        let seconds = self.unix_seconds();
        let days = seconds.div_euclid(86_400);
        let of_day = seconds.rem_euclid(86_400);
        // The days are counted in 400-year eras from 0000-03-01, so that leap days come last.
        let shifted = days + 719_468;
        let era = shifted.div_euclid(146_097);
        let day_of_era = shifted.rem_euclid(146_097);
        let year_of_era =
            (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let shifted_month = (5 * day_of_year + 2) / 153;
        let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
        let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
        let year = year_of_era + era * 400 + i64::from(month <= 2);
        (year, month, day, of_day / 3_600, of_day / 60 % 60, of_day % 60)
    }

    /// Returns the moment as the API writes `metav1.Time`: `2026-01-05T09:00:00Z`.
    pub fn rfc3339(self) -> String {
        self.written(0)
    }

    /// Returns the moment as the API writes `metav1.MicroTime`: `2026-01-05T09:00:00.000000Z`.
    pub fn rfc3339_micro(self) -> String {
        self.written(6)
    }

    /// Returns the moment as kubelets write it before a container's line: `2026-01-05T09:00:00.000000000Z`.
    pub fn rfc3339_nano(self) -> String {
        self.written(9)
    }

    /// Returns the moment with so many digits of its second's parts. Times are written so often that it is
    /// done by hand.
    fn written(self, digits: usize) -> String {
        let (year, month, day, hour, minute, second) = self.civil();
        let mut text = *b"0000-00-00T00:00:00.000000000Z";
        // So many nanoseconds lie between 1677 and 2262.
        for (place, number) in
            [(0, year / 100), (2, year % 100), (5, month), (8, day), (11, hour), (14, minute), (17, second)]
        {
            put(&mut text, place, number as u32);
        }
        let mut end = 19;
        if digits > 0 {
            let parts = self.0.rem_euclid(SECOND) as u32;
            for (place, number) in
                [(20, parts / 10_000_000), (22, parts / 100_000), (24, parts / 1_000), (26, parts / 10)]
            {
                put(&mut text, place, number % 100);
            }
            text[28] = b'0' + (parts % 10) as u8;
            end += 1 + digits;
        }
        text[end] = b'Z';
        std::str::from_utf8(&text[..=end]).unwrap_or("").to_string()
    }

    /// Reads what [`Time::rfc3339`] and [`Time::rfc3339_micro`] write; `None` for anything else.
    pub fn parse_rfc3339(text: &str) -> Option<Time> {
        let text = text.strip_suffix('Z')?;
        let (date, clock) = text.split_once('T')?;
        let mut date = date.split('-').map(|part| part.parse::<i64>().ok());
        let (year, month, day) = (date.next()??, date.next()??, date.next()??);
        let (clock, fraction) = clock.split_once('.').unwrap_or((clock, ""));
        let mut clock = clock.split(':').map(|part| part.parse::<i64>().ok());
        let (hour, minute, second) = (clock.next()??, clock.next()??, clock.next()??);
        let in_range = (0..=9999).contains(&year)
            && (1..=12).contains(&month)
            && (1..=31).contains(&day)
            && (0..24).contains(&hour)
            && (0..60).contains(&minute)
            && (0..=60).contains(&second);
        if !in_range || fraction.len() > 9 {
            return None;
        }
        let nanos = if fraction.is_empty() {
            0
        } else {
            fraction.parse::<i64>().ok()? * 10_i64.pow(9 - fraction.len() as u32)
        };
        let seconds = days_from_civil(year, month, day) * 86_400 + hour * 3_600 + minute * 60 + second;
        Some(Time(seconds * SECOND + nanos))
    }
}

/// Writes a number of two digits.
fn put(text: &mut [u8; 30], place: usize, number: u32) {
    text[place] = b'0' + (number / 10) as u8;
    text[place + 1] = b'0' + (number % 10) as u8;
}

fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let shifted_month = (month + 9) % 12;
    let day_of_year = (153 * shifted_month + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

impl Add<Nanos> for Time {
    type Output = Time;
    fn add(self, span: Nanos) -> Time {
        Time(self.0.saturating_add(span))
    }
}

impl Sub for Time {
    type Output = Nanos;
    fn sub(self, earlier: Time) -> Nanos {
        self.0.saturating_sub(earlier.0)
    }
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.rfc3339())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_and_reads_moments() {
        for (seconds, text) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (1_767_603_600, "2026-01-05T09:00:00Z"),
            (4_102_444_799, "2099-12-31T23:59:59Z"),
        ] {
            let time = Time(seconds * SECOND);
            assert_eq!(time.rfc3339(), text);
            assert_eq!(Time::parse_rfc3339(text), Some(time));
        }
        let micro = Time(1_500 * MILLISECOND);
        assert_eq!(micro.rfc3339_micro(), "1970-01-01T00:00:01.500000Z");
        assert_eq!(Time::parse_rfc3339(&micro.rfc3339_micro()), Some(micro));
        assert_eq!(Time(1_500_000_007).rfc3339_nano(), "1970-01-01T00:00:01.500000007Z");
        assert_eq!(Time(1_234_567_891).rfc3339_micro(), "1970-01-01T00:00:01.234567Z");
        assert_eq!(Time(i64::MIN).rfc3339_nano(), "1677-09-21T00:12:43.145224192Z");
        for bad in ["", "today", "2026-13-01T00:00:00Z", "2026-01-01", "2026-01-01T00:00Z"] {
            assert_eq!(Time::parse_rfc3339(bad), None, "{bad}");
        }
    }
}
