//! What the page's address asks for.

use crate::clock::{speed_at, speed_index};
use crate::presets::names;
use crate::words::Lang;

/// The wishes of an address: `?preset=…&seed=…&lesson=…&lang=…&speed=…&embed=1`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Address {
    /// The preset.
    pub preset: Option<String>,
    /// The seed.
    pub seed: Option<u64>,
    /// The lesson.
    pub lesson: Option<String>,
    /// The language.
    pub lang: Option<Lang>,
    /// The speed of the clock.
    pub speed: Option<f64>,
    /// Whether the page stands inside another.
    pub embed: bool,
    /// The compressed session of a shared link, from the hash.
    pub shared: Option<String>,
}

impl Address {
    /// Reads the parameters, decoded, and the hash without its `#`.
    pub fn read<'a>(parameters: impl IntoIterator<Item = (&'a str, &'a str)>, hash: &str) -> Address {
        let mut address = Address::default();
        for (name, value) in parameters {
            match name {
                "preset" if names().any(|name| name == value) => address.preset = Some(value.to_owned()),
                "seed" => address.seed = value.parse().ok(),
                "lesson" if is_name(value) => address.lesson = Some(value.to_owned()),
                "lang" => address.lang = Lang::of(value),
                "speed" => address.speed = value.parse().ok().map(nearest_speed),
                "embed" => address.embed = value != "0",
                _ => {}
            }
        }
        address.shared = hash.strip_prefix("s=").filter(|text| !text.is_empty()).map(str::to_owned);
        address
    }

    /// Returns whether the address asks for a cluster of its own kind.
    pub fn is_specific(&self) -> bool {
        self.preset.is_some() || self.seed.is_some() || self.lesson.is_some()
    }
}

/// Returns the speed of the page's that is nearest to the one wished for.
fn nearest_speed(wanted: f64) -> f64 {
    speed_at(speed_index(wanted))
}

fn is_name(value: &str) -> bool {
    !value.is_empty() && value.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_it_knows() {
        let parameters = [
            ("preset", "v120"),
            ("seed", "42"),
            ("lesson", "rollout"),
            ("lang", "ko-KR"),
            ("speed", "9"),
            ("embed", "1"),
            ("x", "y"),
        ];
        let address = Address::read(parameters, "s=abc");
        assert_eq!(address.preset.as_deref(), Some("v120"));
        assert_eq!((address.seed, address.lang, address.embed), (Some(42), Some(Lang::Ko), true));
        assert_eq!((address.lesson.as_deref(), address.shared.as_deref()), (Some("rollout"), Some("abc")));
        assert_eq!(address.speed, Some(10.0));
        assert!(address.is_specific());
    }

    #[test]
    fn leaves_what_it_does_not_know() {
        let parameters =
            [("preset", "../x"), ("seed", "-1"), ("lesson", "<b>"), ("lang", "fr"), ("speed", "x")];
        assert_eq!(Address::read(parameters, "elsewhere"), Address::default());
        assert!(!Address::default().is_specific());
    }
}
