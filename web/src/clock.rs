//! Times as the page shows them, and the speeds of the clock.

use view::Moment;

/// Microseconds a second.
pub const SECOND: Moment = 1_000_000;

/// The speeds of the slider, in virtual seconds a real second.
pub const SPEEDS: [f64; 13] = [0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1000.0];

/// Returns the place in [`SPEEDS`] of the speed that is nearest by ratio.
pub fn speed_index(speed: f64) -> usize {
    let reached = SPEEDS.iter().filter(|known| **known <= speed * 1.2).count();
    reached.saturating_sub(1)
}

/// Returns the speed at a place of [`SPEEDS`], the last for places beyond.
pub fn speed_at(index: usize) -> f64 {
    SPEEDS.get(index).or(SPEEDS.last()).copied().unwrap_or(1.0)
}

/// Returns a speed as shown: `×0.1`, `×1000`.
pub fn speed_words(speed: f64) -> String {
    format!("×{speed}")
}

/// Returns a moment in three parts, the least telling set apart: hours (`00:`), `01:12` and tenths (`.3`).
pub fn clock(moment: Moment) -> (String, String, String) {
    let tenths = moment.max(0) / (SECOND / 10);
    let seconds = tenths / 10;
    (
        format!("{:02}:", seconds / 3600),
        format!("{:02}:{:02}", seconds / 60 % 60, seconds % 60),
        format!(".{}", tenths % 10),
    )
}

/// Returns a moment as prose has it: `01:12.3`, with hours only where there are some.
pub fn moment_words(moment: Moment) -> String {
    let (hours, minutes, tenths) = clock(moment);
    match hours.as_str() {
        "00:" => format!("{minutes}{tenths}"),
        _ => format!("{hours}{minutes}{tenths}"),
    }
}

/// Returns the time since a moment as kubectl writes ages: `5s`, `3m10s`, `12m`, `4h5m`, `2d`.
// Models staging/src/k8s.io/apimachinery/pkg/util/duration/duration.go HumanDuration
pub fn age(now: Moment, then: Moment) -> String {
    let seconds = (now - then).max(0) / SECOND;
    let two = |big: i64, unit: &str, small: i64, rest: &str| {
        if small == 0 { format!("{big}{unit}") } else { format!("{big}{unit}{small}{rest}") }
    };
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86_400);
    match () {
        () if seconds < 120 => format!("{seconds}s"),
        () if minutes < 10 => two(minutes, "m", seconds % 60, "s"),
        () if minutes < 180 => format!("{minutes}m"),
        () if hours < 8 => two(hours, "h", minutes % 60, "m"),
        () if hours < 48 => format!("{hours}h"),
        () if hours < 192 => two(days, "d", hours % 24, "h"),
        () => format!("{days}d"),
    }
}

/// Returns a number with separators, as in prose: `1,250`.
pub fn thousands(number: i64) -> String {
    let digits = number.unsigned_abs().to_string();
    let mut text = String::from(if number < 0 { "−" } else { "" });
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_and_ages() {
        for (moment, words) in
            [(0, "00:00.0"), (72_300_000, "01:12.3"), (3_661_000_000, "01:01:01.0"), (-5, "00:00.0")]
        {
            assert_eq!(moment_words(moment), words);
        }
        for (seconds, words) in [
            (0, "0s"),
            (119, "119s"),
            (120, "2m"),
            (190, "3m10s"),
            (700, "11m"),
            (14_700, "4h5m"),
            (200_000, "2d7h"),
        ] {
            assert_eq!(age(seconds * SECOND, 0), words);
        }
        assert_eq!([0, 999, 1250, -28_800].map(thousands), ["0", "999", "1,250", "−28,800"]);
    }

    #[test]
    fn speeds() {
        for (index, speed) in SPEEDS.iter().enumerate() {
            assert_eq!(speed_index(*speed), index);
        }
        assert_eq!((speed_index(0.0), speed_index(3.0), speed_index(1e9)), (0, 4, 12));
        assert_eq!(["×0.1", "×1", "×1000"].map(String::from), [0, 3, 99].map(speed_at).map(speed_words));
    }
}
