//! Ages.

use api::Value;
use sim::{HOUR, MINUTE, Nanos, SECOND, Time};

/// Returns a duration as tables show it.
// Models staging/src/k8s.io/apimachinery/pkg/util/duration/duration.go HumanDuration
pub(crate) fn human(span: Nanos) -> String {
    let (seconds, minutes, hours) = (span / SECOND, span / MINUTE, span / HOUR);
    let days = hours / 24;
    let pair = |big: i64, unit: &str, small: i64, small_unit: &str| {
        if small == 0 { format!("{big}{unit}") } else { format!("{big}{unit}{small}{small_unit}") }
    };
    match (seconds, minutes, hours) {
        (..-1, ..) => "<invalid>".to_string(),
        (-1, ..) => "0s".to_string(),
        (..120, ..) => format!("{seconds}s"),
        (_, ..10, _) => pair(minutes, "m", seconds % 60, "s"),
        (_, ..180, _) => format!("{minutes}m"),
        (.., ..8) => pair(hours, "h", minutes % 60, "m"),
        (.., ..48) => format!("{hours}h"),
        (.., ..192) => pair(days, "d", hours % 24, "h"),
        (.., ..17_520) => format!("{days}d"),
        (.., ..70_080) => pair(days / 365, "y", days % 365, "d"),
        _ => format!("{}y", days / 365),
    }
}

/// Returns how long ago a time was; `<unknown>` where there is none.
// Models pkg/printers/internalversion/printers.go translateTimestampSince
pub(crate) fn since(now: Time, value: &Value) -> String {
    api::meta::time(value).map_or_else(|| "<unknown>".to_string(), |then| human(now - then))
}

/// Returns an object's age.
pub(crate) fn age(now: Time, object: &Value) -> Value {
    since(now, &object["metadata"]["creationTimestamp"]).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shows_durations_as_upstream() {
        for (seconds, text) in [
            (-5, "<invalid>"),
            (-1, "0s"),
            (0, "0s"),
            (119, "119s"),
            (120, "2m"),
            (125, "2m5s"),
            (599, "9m59s"),
            (600, "10m"),
            (3 * 3_600 - 1, "179m"),
            (3 * 3_600, "3h"),
            (3 * 3_600 + 60, "3h1m"),
            (8 * 3_600, "8h"),
            (47 * 3_600, "47h"),
            (49 * 3_600, "2d1h"),
            (8 * 86_400, "8d"),
            (729 * 86_400, "729d"),
            (731 * 86_400, "2y1d"),
            (9 * 365 * 86_400, "9y"),
        ] {
            assert_eq!(human(seconds * SECOND), text, "{seconds}");
        }
    }
}
