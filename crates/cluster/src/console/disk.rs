//! A node's disk: `fallocate` fills it, `rm` frees it, `df` tells.

use super::ground::Ground;
use kubelet::Disk;
use shell::{MachineAnswer, Place};

impl Ground<'_> {
    /// `fallocate -l SIZE FILE`: a file of that size, of which nothing is written.
    pub(super) fn fallocate(&mut self, node: &str, words: &[&str]) -> MachineAnswer {
        let ["-l" | "--length", size, path] = words else {
            return MachineAnswer::failed(1, "fallocate: no length argument specified\n");
        };
        let Some(bytes) = size_of(size) else {
            return MachineAnswer::failed(1, format!("fallocate: failed to parse length\n# {size:?}\n"));
        };
        let path = api::path::absolute("/root", path);
        let place = Place::Node(node.into());
        let room = self.disk_of(node).map_or(0, Disk::available);
        let known =
            self.parts.node(node).and_then(|machine| machine.kubelet.node_files().size(&path)).unwrap_or(0);
        if bytes > room.saturating_add(i64::try_from(known).unwrap_or(i64::MAX)) {
            return MachineAnswer::failed(1, "fallocate: fallocate failed: No space left on device\n");
        }
        if self.write_large_file(&place, &path, bytes.unsigned_abs()).is_err() {
            return MachineAnswer::failed(
                1,
                format!("fallocate: cannot open {path}: No such file or directory\n"),
            );
        }
        MachineAnswer::ok("")
    }

    /// `df`: how much of the disk is taken.
    pub(super) fn df(&mut self, node: &str, words: &[&str]) -> MachineAnswer {
        let Some(disk) = self.disk_of(node) else { return MachineAnswer::default() };
        let is_human = words.iter().any(|word| word.starts_with('-') && word.contains('h'));
        let size = i128::from(disk.size.max(1));
        let percent = (i128::from(disk.used) * 100 + size - 1) / size;
        let figures = [disk.size, disk.used, disk.available()];
        MachineAnswer::ok(match is_human {
            true => {
                let [size, used, left] = figures.map(human);
                format!(
                    "Filesystem      Size  Used Avail Use% Mounted on\n/dev/sda1       {size:>4}  {used:>4}  {left:>4} {percent:>3}% /\n"
                )
            }
            false => {
                let [size, used, left] = figures.map(|bytes| bytes / 1_024);
                format!(
                    "Filesystem     1K-blocks     Used Available Use% Mounted on\n/dev/sda1      {size:>9} {used:>8} {left:>9} {percent:>3}% /\n"
                )
            }
        })
    }

    fn disk_of(&self, node: &str) -> Option<Disk> {
        Some(self.parts.node(node)?.kubelet.disk())
    }
}

/// Reads a size: `30G`, `500MiB`, `1024`.
fn size_of(text: &str) -> Option<i64> {
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at_checked(digits)?;
    let factor: i64 = match unit.trim_end_matches("iB") {
        "" => 1,
        "K" => 1 << 10,
        "M" => 1 << 20,
        "G" => 1 << 30,
        "T" => 1 << 40,
        _ => return None,
    };
    number.parse::<i64>().ok()?.checked_mul(factor).filter(|bytes| *bytes > 0)
}

/// Writes a number of bytes as `df -h` does: rounded up, with one digit after the point below ten.
fn human(bytes: i64) -> String {
    const UNITS: [&str; 5] = ["", "K", "M", "G", "T"];
    let (mut value, mut unit) = (bytes as f64, 0);
    while value >= 1_024.0 && unit < UNITS.len() - 1 {
        value /= 1_024.0;
        unit += 1;
    }
    let tenths = (value * 10.0).ceil() / 10.0;
    if tenths < 10.0 && unit > 0 {
        format!("{tenths:.1}{}", UNITS[unit])
    } else {
        format!("{}{}", value.ceil(), UNITS[unit])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_and_written() {
        for (text, bytes) in [
            ("30G", Some(30 << 30)),
            ("500MiB", Some(500 << 20)),
            ("7", Some(7)),
            ("0", None),
            ("9X", None),
            ("", None),
        ] {
            assert_eq!(size_of(text), bytes, "{text}");
        }
        for (bytes, text) in [(0, "0"), (40 << 30, "40G"), (3_221_225_473, "3.1G"), (10_737_418_241, "11G")] {
            assert_eq!(human(bytes), text);
        }
    }
}
