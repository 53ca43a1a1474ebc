use crate::Nanos;

/// The source of all chance. A draw is a function of (seed, purpose, object, n), never the next
/// number of a shared stream, so that one more event elsewhere changes nothing here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Chance {
    seed: u64,
    decided: Option<Decided>,
}

/// Draws that are decided beforehand, for whoever asks what could come of a draw.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Decided {
    purpose: &'static str,
    least: [u64; Chance::DECISIONS],
}

impl Chance {
    /// Makes the source for a seed.
    pub fn new(seed: u64) -> Chance {
        Chance { seed, decided: None }
    }

    /// How many draws of a purpose can be decided to be the least.
    pub const DECISIONS: usize = 3;

    /// Returns a source whose draws for a purpose are decided: 0 for the numbers named, of which the first
    /// [`Chance::DECISIONS`] count, and the greatest of all for others. What else is drawn stays as it is.
    pub fn deciding(self, purpose: &'static str, least: &[u64]) -> Chance {
        let mut decided = Decided { purpose, least: [u64::MAX; Chance::DECISIONS] };
        decided.least.iter_mut().zip(least).for_each(|(place, n)| *place = *n);
        Chance { decided: Some(decided), ..self }
    }

    /// Returns the seed.
    pub fn seed(self) -> u64 {
        self.seed
    }

    /// Returns 64 random bits for the `n`th draw that `object` makes for `purpose`.
    pub fn draw(self, purpose: &str, object: &str, n: u64) -> u64 {
        self.series(purpose, object).draw(n)
    }

    /// Returns all draws that `object` makes for `purpose`, for whoever makes many of them.
    pub fn series(self, purpose: &str, object: &str) -> Series {
        let decided = self.decided.filter(|decided| decided.purpose == purpose);
        let state = mix(self.seed ^ 0x9e37_79b9_7f4a_7c15);
        let state = absorb(absorb(state, purpose.as_bytes()), object.as_bytes());
        Series { state, decided }
    }

    /// Returns a whole number from `low` to `high`, both included.
    pub fn between(self, purpose: &str, object: &str, n: u64, low: i64, high: i64) -> i64 {
        if high <= low {
            return low;
        }
        let width = (high - low) as u64 + 1;
        low + (self.draw(purpose, object, n) % width) as i64
    }

    /// Returns a duration from `low` to `high`.
    pub fn span(self, purpose: &str, object: &str, n: u64, low: Nanos, high: Nanos) -> Nanos {
        self.between(purpose, object, n, low, high)
    }

    /// Returns a number in [0, 1) with 53 random bits.
    pub fn unit(self, purpose: &str, object: &str, n: u64) -> f64 {
        (self.draw(purpose, object, n) >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Returns `length` characters of the alphabet that Kubernetes draws generated names from.
    // Models staging/src/k8s.io/apimachinery/pkg/util/rand/rand.go String
    pub fn name_suffix(self, purpose: &str, object: &str, n: u64, length: u32) -> String {
        const ALPHABET: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";
        let mut bits = self.draw(purpose, object, n);
        let mut text = String::new();
        for i in 0..length {
            if i % 8 == 7 {
                bits = mix(bits);
            }
            text.push(ALPHABET[(bits % ALPHABET.len() as u64) as usize] as char);
            bits /= ALPHABET.len() as u64;
        }
        text
    }
}

/// The draws of one object for one purpose.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Series {
    state: u64,
    decided: Option<Decided>,
}

impl Series {
    /// Returns 64 random bits for the `n`th draw, as [`Chance::draw`] does.
    pub fn draw(self, n: u64) -> u64 {
        match self.decided {
            Some(decided) if decided.least.contains(&n) => 0,
            Some(_) => u64::MAX,
            None => mix(self.state ^ n.wrapping_mul(0xff51_afd7_ed55_8ccd)),
        }
    }
}

fn absorb(state: u64, bytes: &[u8]) -> u64 {
    let mut state = mix(state ^ bytes.len() as u64);
    for chunk in bytes.chunks(8) {
        let mut word = [0_u8; 8];
        word[..chunk.len()].copy_from_slice(chunk);
        state = mix(state ^ u64::from_le_bytes(word));
    }
    state
}

/// The finaliser of SplitMix64.
fn mix(word: u64) -> u64 {
    let word = word.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    word ^ (word >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_draw_depends_on_its_address_only() {
        let chance = Chance::new(1);
        let first = chance.draw("pull", "default/a", 0);
        assert_eq!(first, Chance::new(1).draw("pull", "default/a", 0));
        assert_eq!(first, chance.series("pull", "default/a").draw(0));
        for other in [
            Chance::new(2).draw("pull", "default/a", 0),
            chance.draw("start", "default/a", 0),
            chance.draw("pull", "default/b", 0),
            chance.draw("pull", "default/a", 1),
        ] {
            assert_ne!(first, other);
        }
    }

    #[test]
    fn draws_can_be_decided() {
        let chance = Chance::new(1);
        let decided = chance.deciding("iptables", &[3, 5]);
        let draws = [2, 3, 4, 5].map(|n| decided.draw("iptables", "client", n));
        assert_eq!(draws, [u64::MAX, 0, u64::MAX, 0]);
        assert_eq!([2, 3].map(|n| decided.series("iptables", "client").draw(n)), [u64::MAX, 0]);
        assert_eq!(decided.draw("link", "client", 3), chance.draw("link", "client", 3));
    }

    #[test]
    fn draws_stay_in_their_range() {
        let chance = Chance::new(7);
        let mut sum = 0.0;
        for n in 0..1_000 {
            assert!((3..=5).contains(&chance.between("p", "o", n, 3, 5)));
            sum += chance.unit("p", "o", n);
        }
        assert!((450.0..550.0).contains(&sum), "{sum}");
        assert_eq!(chance.name_suffix("p", "o", 0, 10).len(), 10);
    }
}
