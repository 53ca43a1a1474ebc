//! Times as `metav1.Time` and `metav1.MicroTime` read and print them.

/// Returns a time as it is printed, where that differs: in UTC, to the second or the microsecond.
///
/// # Errors
/// What Go's `time.Parse` says.
// Models staging/src/k8s.io/apimachinery/pkg/apis/meta/v1/time.go UnmarshalJSON
pub(super) fn canonical(text: &str, micro: bool) -> Result<Option<String>, String> {
    if is_plain(text, micro) {
        return Ok(None);
    }
    let layout = if micro { "2006-01-02T15:04:05.000000Z07:00" } else { "2006-01-02T15:04:05Z07:00" };
    let mut parser = Parser { text, rest: text, layout, micro };
    let time = parser.parse()?;
    let printed = time.print(micro);
    Ok(if printed == text { None } else { Some(printed) })
}

/// Tells at a glance most of the times that are as they are printed.
fn is_plain(text: &str, micro: bool) -> bool {
    let number = |from: usize, to: usize| -> Option<i64> {
        let digits = text.as_bytes().get(from..to)?;
        let digit = |sum: i64, byte: &u8| byte.is_ascii_digit().then(|| sum * 10 + i64::from(byte - b'0'));
        digits.iter().try_fold(0, digit)
    };
    let [Some(year), Some(month), Some(day), Some(hour), Some(minute), Some(second)] =
        [(0, 4), (5, 7), (8, 10), (11, 13), (14, 16), (17, 19)].map(|(from, to)| number(from, to))
    else {
        return false;
    };
    let end: &[(usize, u8)] = if micro { &[(19, b'.'), (26, b'Z')] } else { &[(19, b'Z')] };
    let mut signs = [(4, b'-'), (7, b'-'), (10, b'T'), (13, b':'), (16, b':')].iter().chain(end);
    signs.all(|(at, sign)| text.as_bytes().get(*at) == Some(sign))
        && text.len() == if micro { 27 } else { 20 }
        && (!micro || number(20, 26).is_some())
        && (1..=12).contains(&month)
        && (1..=days_in(year, month)).contains(&day)
        && hour < 24
        && minute < 60
        && second < 60
}

struct Parser<'a> {
    text: &'a str,
    rest: &'a str,
    layout: &'a str,
    micro: bool,
}

struct Moment {
    days: i64,
    seconds: i64,
    micros: u32,
}

impl<'a> Parser<'a> {
    fn fail(&self, part: &str) -> String {
        let (text, layout) = (self.text, self.layout);
        format!("parsing time {text:?} as {layout:?}: cannot parse {:?} as {part:?}", self.rest)
    }

    fn number(&mut self, digits: usize, part: &str) -> Result<i64, String> {
        match self.rest.get(..digits) {
            Some(head) if head.bytes().all(|byte| byte.is_ascii_digit()) => {
                self.rest = self.rest.get(digits..).unwrap_or("");
                Ok(head.parse().unwrap_or(0))
            }
            _ => Err(self.fail(part)),
        }
    }

    fn sign(&mut self, sign: &str) -> Result<(), String> {
        self.rest = self.rest.strip_prefix(sign).ok_or_else(|| self.fail(sign))?;
        Ok(())
    }

    fn out_of_range(&self, what: &str) -> String {
        format!("parsing time {:?}: {what} out of range", self.text)
    }

    fn parse(&mut self) -> Result<Moment, String> {
        let year = self.number(4, "2006")?;
        self.sign("-")?;
        let month = self.number(2, "01")?;
        self.sign("-")?;
        let day = self.number(2, "02")?;
        self.sign("T")?;
        let hour = self.number(2, "15")?;
        self.sign(":")?;
        let minute = self.number(2, "04")?;
        self.sign(":")?;
        let second = self.number(2, "05")?;
        let micros = self.fraction()?;
        let offset = self.zone()?;
        if !self.rest.is_empty() {
            let rest = self.rest;
            return Err(format!("parsing time {:?}: extra text: {rest:?}", self.text));
        }
        for (what, wrong) in [
            ("month", !(1..=12).contains(&month)),
            ("day", !(1..=days_in(year, month)).contains(&day)),
            ("hour", hour > 23),
            ("minute", minute > 59),
            ("second", second > 59),
        ] {
            if wrong {
                return Err(self.out_of_range(what));
            }
        }
        let seconds = hour * 3600 + minute * 60 + second - offset;
        let days = days_from_civil(year, month, day) + seconds.div_euclid(86_400);
        Ok(Moment { days, seconds: seconds.rem_euclid(86_400), micros })
    }

    fn fraction(&mut self) -> Result<u32, String> {
        let Some(rest) = self.rest.strip_prefix('.').filter(|r| r.starts_with(|c: char| c.is_ascii_digit()))
        else {
            return if self.micro { Err(self.fail(".000000")) } else { Ok(0) };
        };
        let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        let (digits, rest) = rest.split_at(end);
        self.rest = rest;
        Ok(format!("{digits:0<6.6}").parse().unwrap_or(0))
    }

    /// Reads `Z` or `+09:00`; returns the seconds ahead of UTC.
    fn zone(&mut self) -> Result<i64, String> {
        if let Some(rest) = self.rest.strip_prefix('Z') {
            self.rest = rest;
            return Ok(0);
        }
        let whole = self.fail("Z07:00");
        let direction = match self.rest.as_bytes().first() {
            Some(b'+') => 1,
            Some(b'-') => -1,
            _ => return Err(whole),
        };
        self.rest = self.rest.get(1..).unwrap_or("");
        let mut read = || -> Result<i64, String> {
            let hours = self.number(2, "")?;
            self.sign(":")?;
            let minutes = self.number(2, "")?;
            Ok(direction * (hours * 3600 + minutes * 60))
        };
        read().map_err(|_| whole)
    }
}

impl Moment {
    fn print(&self, micro: bool) -> String {
        let (year, month, day) = civil_from_days(self.days);
        let (hour, minute, second) = (self.seconds / 3600, self.seconds / 60 % 60, self.seconds % 60);
        let mut text = format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}");
        if micro {
            text.push_str(&format!(".{:06}", self.micros));
        }
        text.push('Z');
        text
    }
}

fn days_in(year: i64, month: i64) -> i64 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Returns the days since 1970-01-01, after Howard Hinnant's `days_from_civil`.
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, month, day_of_year - (153 * shifted + 2) / 5 + 1)
}

#[cfg(test)]
mod tests {
    use super::canonical;

    #[test]
    fn reads_times_as_go() {
        for (text, micro, printed) in [
            ("2026-01-02T03:04:05Z", false, "2026-01-02T03:04:05Z"),
            ("2024-02-29T23:59:59Z", false, "2024-02-29T23:59:59Z"),
            ("2026-01-02T03:04:05.999Z", false, "2026-01-02T03:04:05Z"),
            ("2026-03-01T03:04:05+09:00", false, "2026-02-28T18:04:05Z"),
            ("2024-03-01T00:00:00+00:01", false, "2024-02-29T23:59:00Z"),
            ("2026-01-02T03:04:05.000001Z", true, "2026-01-02T03:04:05.000001Z"),
            ("2026-01-02T03:04:05.123456Z", true, "2026-01-02T03:04:05.123456Z"),
            ("2026-01-02T03:04:05.5Z", true, "2026-01-02T03:04:05.500000Z"),
        ] {
            let read = canonical(text, micro).unwrap();
            assert_eq!(read.as_deref().unwrap_or(text), printed);
        }
        for (text, error) in [
            ("x", r#"parsing time "x" as "2006-01-02T15:04:05Z07:00": cannot parse "x" as "2006""#),
            (
                "2026-01-02",
                r#"parsing time "2026-01-02" as "2006-01-02T15:04:05Z07:00": cannot parse "" as "T""#,
            ),
            ("2026-13-02T03:04:05Z", r#"parsing time "2026-13-02T03:04:05Z": month out of range"#),
            ("2026-02-29T03:04:05Z", r#"parsing time "2026-02-29T03:04:05Z": day out of range"#),
            ("2026-01-02T03:04:60Z", r#"parsing time "2026-01-02T03:04:60Z": second out of range"#),
            (
                "2026-01-02T03:04:05",
                r#"parsing time "2026-01-02T03:04:05" as "2006-01-02T15:04:05Z07:00": cannot parse "" as "Z07:00""#,
            ),
        ] {
            assert_eq!(canonical(text, false).unwrap_err(), error);
        }
    }
}
