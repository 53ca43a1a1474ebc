//! Whether a CronJob's schedule can be read, in the words of the parser that upstream uses.

const MACROS: [&str; 7] = ["@yearly", "@annually", "@monthly", "@weekly", "@daily", "@midnight", "@hourly"];
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

/// Checks a schedule.
///
/// # Errors
/// What is wrong with it.
// Models vendor/github.com/robfig/cron/v3/parser.go ParseStandard
pub(crate) fn check(schedule: &str) -> Result<(), String> {
    if schedule.starts_with('@') {
        if MACROS.contains(&schedule) || schedule.starts_with("@every ") {
            return Ok(());
        }
        return Err(format!("unrecognized descriptor: {schedule}"));
    }
    let fields: Vec<&str> = schedule.split_whitespace().collect();
    if fields.len() != 5 {
        return Err(format!("expected exactly 5 fields, found {}: [{}]", fields.len(), fields.join(" ")));
    }
    for (field, bounds) in fields.iter().zip(&FIELDS) {
        for part in field.split(',').filter(|part| !part.is_empty()) {
            check_range(part, bounds)?;
        }
    }
    Ok(())
}

fn check_range(expression: &str, bounds: &Bounds) -> Result<(), String> {
    let mut parts = expression.split('/');
    let (range, step, more) = (parts.next().unwrap_or(""), parts.next(), parts.next());
    let mut ends = range.split('-');
    let (first, last) = (ends.next().unwrap_or(""), ends.next());
    let (low, mut high) = if first == "*" || first == "?" {
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
    Ok(())
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
            assert_eq!(check(schedule).err().unwrap_or_default(), answer, "{schedule}");
        }
    }
}
