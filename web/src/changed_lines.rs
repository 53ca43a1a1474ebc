//! The lines of a text that differ from what was applied.

/// The most lines that are compared; longer texts have no marks.
const LINES: usize = 600;

/// Returns the numbers, from 1, of the lines of `now` that aren't in `then`, both in order.
pub fn changed_lines(then: &str, now: &str) -> Vec<u32> {
    let (a, b): (Vec<_>, Vec<_>) = (then.lines().collect(), now.lines().collect());
    if a.len() > LINES || b.len() > LINES {
        return Vec::new();
    }
    // The longest common subsequence, from the end.
    let mut longest = vec![vec![0u16; b.len() + 1]; a.len() + 1];
    for i in (0..a.len()).rev() {
        for j in (0..b.len()).rev() {
            longest[i][j] = if a[i] == b[j] {
                longest[i + 1][j + 1] + 1
            } else {
                longest[i + 1][j].max(longest[i][j + 1])
            };
        }
    }
    let (mut i, mut j, mut changed) = (0, 0, Vec::new());
    while j < b.len() {
        if i < a.len() && a[i] == b[j] {
            (i, j) = (i + 1, j + 1);
        } else if i < a.len() && longest[i + 1][j] >= longest[i][j + 1] {
            i += 1;
        } else {
            changed.push(u32::try_from(j + 1).unwrap_or(u32::MAX));
            j += 1;
        }
    }
    changed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_what_changed() {
        for (then, now, changed) in [
            ("a\nb\nc", "a\nb\nc", vec![]),
            ("a\nb\nc", "a\nx\nc", vec![2]),
            ("a\nb", "a\nn\nb\nm", vec![2, 4]),
            ("a\nb\nc", "c", vec![]),
            ("", "a\nb", vec![1, 2]),
        ] {
            assert_eq!(changed_lines(then, now), changed, "{then:?} → {now:?}");
        }
    }
}
