//! Reading a schedule, with the words of the parser that upstream uses.

use super::Schedule;
use sim::{HOUR, MILLISECOND, MINUTE, Nanos, SECOND};

const MACROS: [(&str, &str); 7] = [
    ("@yearly", "0 0 1 1 *"),
    ("@annually", "0 0 1 1 *"),
    ("@monthly", "0 0 1 * *"),
    ("@weekly", "0 0 * * 0"),
    ("@daily", "0 0 * * *"),
    ("@midnight", "0 0 * * *"),
    ("@hourly", "0 * * * *"),
];
const MONTHS: [&str; 12] =
    ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const DAYS: [&str; 7] = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

struct Bounds {
    low: i64,
    high: i64,
    names: &'static [&'static str],
    first: i64,
}

const FIELDS: [Bounds; 5] = [
    Bounds { low: 0, high: 59, names: &[], first: 0 },
    Bounds { low: 0, high: 23, names: &[], first: 0 },
    Bounds { low: 1, high: 31, names: &[], first: 0 },
    Bounds { low: 1, high: 12, names: &MONTHS, first: 1 },
    Bounds { low: 0, high: 6, names: &DAYS, first: 0 },
];

impl Schedule {
    /// Reads a schedule.
    ///
    /// # Errors
    /// What is wrong with it.
    // Models vendor/github.com/robfig/cron/v3/parser.go ParseStandard
    pub fn parse(schedule: &str) -> Result<Schedule, String> {
        if let Some((_, fields)) = MACROS.iter().find(|(name, _)| *name == schedule) {
            return Schedule::parse(fields);
        }
        if let Some(text) = schedule.strip_prefix("@every ") {
            let failed = || format!("failed to parse duration {schedule}: time: invalid duration {text:?}");
            let every = duration(text).ok_or_else(failed)?;
            let every = (every / SECOND).max(1) * SECOND;
            let none = [0; 5];
            return Ok(Schedule::of(none, [false; 2], Some(every)));
        }
        if schedule.starts_with('@') {
            return Err(format!("unrecognized descriptor: {schedule}"));
        }
        let fields: Vec<&str> = schedule.split_whitespace().collect();
        if fields.len() != 5 {
            return Err(format!("expected exactly 5 fields, found {}: [{}]", fields.len(), fields.join(" ")));
        }
        let (mut bits, mut any) = ([0; 5], [false; 5]);
        for (i, (field, bounds)) in fields.iter().zip(&FIELDS).enumerate() {
            for part in field.split(',').filter(|part| !part.is_empty()) {
                let (of_part, is_any) = range(part, bounds)?;
                bits[i] |= of_part;
                any[i] |= is_any;
            }
        }
        Ok(Schedule::of(bits, [any[2], any[4]], None))
    }

    fn of(bits: [u64; 5], any_day: [bool; 2], every: Option<Nanos>) -> Schedule {
        let [minutes, hours, days, months, weekdays] = bits;
        Schedule { minutes, hours, days, months, weekdays, any_day, every }
    }
}

/// Reads a duration as Go writes it, of hours, minutes, seconds and milliseconds: `1h30m`.
fn duration(text: &str) -> Option<Nanos> {
    let mut rest = text;
    let mut total: Nanos = 0;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit())?;
        let number: i64 = rest[..digits].parse().ok()?;
        let units = [("ms", MILLISECOND), ("h", HOUR), ("m", MINUTE), ("s", SECOND)];
        let (unit, nanos) = units.into_iter().find(|(unit, _)| rest[digits..].starts_with(unit))?;
        total = total.checked_add(number.checked_mul(nanos)?)?;
        rest = &rest[digits + unit.len()..];
    }
    (total > 0).then_some(total)
}

/// Returns the values that a part of a field names, as bits, and whether it names all.
// Models vendor/github.com/robfig/cron/v3/parser.go getRange
fn range(expression: &str, bounds: &Bounds) -> Result<(u64, bool), String> {
    let mut parts = expression.split('/');
    let (ends, step, more) = (parts.next().unwrap_or(""), parts.next(), parts.next());
    let mut ends = ends.split('-');
    let (first, last) = (ends.next().unwrap_or(""), ends.next());
    let is_any = first == "*" || first == "?";
    let (low, mut high) = if is_any {
        (bounds.low, bounds.high)
    } else {
        let low = number(first, bounds)?;
        match (last, ends.next()) {
            (None, _) => (low, low),
            (Some(last), None) => (low, number(last, bounds)?),
            _ => return Err(format!("too many hyphens: {expression}")),
        }
    };
    let step = match (step, more) {
        (None, _) => 1,
        (Some(step), None) => {
            if last.is_none() {
                high = bounds.high;
            }
            number_text(step)?
        }
        _ => return Err(format!("too many slashes: {expression}")),
    };
    if low < bounds.low {
        return Err(format!("beginning of range ({low}) below minimum ({}): {expression}", bounds.low));
    }
    if high > bounds.high {
        return Err(format!("end of range ({high}) above maximum ({}): {expression}", bounds.high));
    }
    if low > high {
        return Err(format!("beginning of range ({low}) beyond end of range ({high}): {expression}"));
    }
    if step == 0 {
        return Err(format!("step of range should be a positive number: {expression}"));
    }
    let mut bits = 0;
    let mut value = low;
    while value <= high {
        bits |= 1 << value;
        value = value.saturating_add(step);
    }
    Ok((bits, is_any && step == 1))
}

fn number(text: &str, bounds: &Bounds) -> Result<i64, String> {
    let lower = text.to_lowercase();
    match bounds.names.iter().position(|name| *name == lower) {
        Some(i) => Ok(bounds.first + i as i64),
        None => number_text(text),
    }
}

fn number_text(text: &str) -> Result<i64, String> {
    match text.parse::<i64>() {
        Ok(number) if number < 0 => Err(format!("negative number ({number}) not allowed: {text}")),
        Ok(number) => Ok(number),
        Err(_) => {
            Err(format!("failed to parse int from {text}: strconv.Atoi: parsing {text:?}: invalid syntax"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checks_schedules() {
        for (schedule, answer) in [
            ("*/5 * * * *", ""),
            ("0 0 1 jan sun", ""),
            ("1-5,10/2 * ? * mon-fri", ""),
            ("@daily", ""),
            ("nope", "expected exactly 5 fields, found 1: [nope]"),
            ("60 * * * *", "end of range (60) above maximum (59): 60"),
            ("* * 0 * *", "beginning of range (0) below minimum (1): 0"),
            ("x * * * *", "failed to parse int from x: strconv.Atoi: parsing \"x\": invalid syntax"),
            ("@never", "unrecognized descriptor: @never"),
        ] {
            assert_eq!(Schedule::parse(schedule).err().unwrap_or_default(), answer, "{schedule}");
        }
    }
}
