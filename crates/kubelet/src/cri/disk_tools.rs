//! The tools that write bytes by their number: `dd`, `fallocate`, `blockdev`.

use super::view::{View, clean_path};

/// How much a `dd` without `count` writes of what never ends, in bytes.
const ENDLESS: u64 = 1 << 40;
/// How fast a disk is written, in bytes a second.
const SPEED: u64 = 200_000_000;

/// What a tool answers: its exit code, output and errors.
pub(crate) type Answer = (i64, String, String);

fn failed(name: &str, why: &str) -> Answer {
    (1, String::new(), format!("{name}: {why}\n"))
}

/// Runs one of the tools in a directory; `None` for other commands. `input` is what comes from the pipe.
pub(crate) fn run(files: &mut View, directory: &str, words: &[&str], input: &str) -> Option<Answer> {
    let (name, args) = words.split_first()?;
    Some(match *name {
        "dd" => dd(files, directory, args, input),
        "fallocate" => fallocate(files, directory, args),
        "blockdev" => blockdev(files, directory, args),
        _ => return None,
    })
}

/// Reads a number of bytes as `dd` does: `512`, `1k`, `4M`, `2G`; `MB` and the like count by thousands.
fn number(text: &str) -> Option<u64> {
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at_checked(digits)?;
    let factor: u64 = match unit {
        "" | "c" => 1,
        "w" => 2,
        "b" => 512,
        "kB" => 1_000,
        "k" | "K" | "KiB" => 1 << 10,
        "MB" => 1_000_000,
        "M" | "m" | "MiB" => 1 << 20,
        "GB" => 1_000_000_000,
        "G" | "g" | "GiB" => 1 << 30,
        _ => return None,
    };
    number.parse::<u64>().ok()?.checked_mul(factor)
}

/// Writes a number of bytes with one digit after the point: `1.0M`.
fn human(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["", "K", "M", "G", "T"];
    let (mut unit, mut value) = (0, u128::from(bytes) * 10);
    while value >= 10_240 && unit < UNITS.len() - 1 {
        value = (value + 512) / 1_024;
        unit += 1;
    }
    let name = UNITS.get(unit).unwrap_or(&"");
    if unit == 0 { format!("{bytes}") } else { format!("{}.{}{name}", value / 10, value % 10) }
}

/// `dd if=F of=F bs=N count=N skip=N seek=N conv=notrunc status=none`
fn dd(files: &mut View, directory: &str, args: &[&str], input: &str) -> Answer {
    let value = |key: &str| args.iter().rev().find_map(|arg| arg.strip_prefix(key)?.strip_prefix('='));
    let known = ["if", "of", "bs", "ibs", "obs", "count", "skip", "seek", "conv", "status", "oflag", "iflag"];
    if let Some(other) =
        args.iter().find(|arg| !known.contains(&arg.split_once('=').map_or(**arg, |(key, _)| key)))
    {
        return failed("dd", &format!("unrecognized operand '{other}'"));
    }
    let mut numbers = [512, u64::MAX, 0, 0];
    for (slot, key) in numbers.iter_mut().zip(["bs", "count", "skip", "seek"]) {
        if let Some(text) = value(key) {
            let Some(read) = number(text) else { return failed("dd", &format!("invalid number '{text}'")) };
            *slot = read;
        }
    }
    let [block, count, skip, seek] = numbers;
    if block == 0 {
        return failed("dd", "invalid number '0'");
    }
    let (skipped, most) = (skip.saturating_mul(block), count.saturating_mul(block));
    let source = value("if").unwrap_or("");
    let content: Option<Vec<u8>> = match source {
        "/dev/zero" | "/dev/urandom" | "/dev/random" => None,
        "" => Some(input.as_bytes().to_vec()),
        name => match files.read(&clean_path(directory, name)) {
            Some(text) => Some(text.as_bytes().to_vec()),
            None => return failed("dd", &format!("can't open '{name}': No such file or directory")),
        },
    };
    let part = content.map(|bytes| {
        let from = usize::try_from(skipped).unwrap_or(usize::MAX).min(bytes.len());
        let until = usize::try_from(most).unwrap_or(usize::MAX).saturating_add(from).min(bytes.len());
        bytes.get(from..until).unwrap_or(&[]).to_vec()
    });
    let wanted = part.as_ref().map_or(most.min(ENDLESS), |part| part.len() as u64);
    let Some(target) = value("of") else {
        let text = part.map(|part| String::from_utf8_lossy(&part).into_owned()).unwrap_or_default();
        return (0, text, summary(wanted, block, value("status")));
    };
    let place = clean_path(directory, target);
    let from = seek.saturating_mul(block);
    let keeps = value("conv").is_some_and(|words| words.split(',').any(|word| word == "notrunc"));
    let written = write(files, &place, (from, wanted), part.as_deref(), keeps || from > 0);
    match written {
        Ok(bytes) if bytes == wanted && !(count == u64::MAX && part.is_none()) => {
            (0, String::new(), summary(bytes, block, value("status")))
        }
        Ok(bytes) => {
            let why = format!("dd: error writing '{target}': No space left on device\n");
            (1, String::new(), why + &summary(bytes, block, value("status")))
        }
        Err(why) => failed("dd", &format!("can't open '{target}': {why}")),
    }
}

/// Writes what `dd` has read, and returns how many bytes had room. What is of no text is only counted.
fn write(
    files: &mut View,
    place: &str,
    (from, wanted): (u64, u64),
    part: Option<&[u8]>,
    keeps: bool,
) -> Result<u64, &'static str> {
    if place == "/dev/null" {
        return Ok(wanted);
    }
    if files.is_directory(place) {
        return Err("Is a directory");
    }
    let directory = place
        .rsplit_once('/')
        .map_or("/", |(directory, _)| if directory.is_empty() { "/" } else { directory });
    if !files.is_directory(directory) {
        return Err("No such file or directory");
    }
    let device = files.device(place);
    let room = device.map_or(wanted, |size| size.saturating_sub(from).min(wanted));
    match (part, device) {
        (Some(part), _) if device.is_some() || keeps => {
            let part =
                part.get(..usize::try_from(room).unwrap_or(usize::MAX).min(part.len())).unwrap_or(part);
            files.write_at(place, from, part)?;
        }
        (Some(part), _) => files.write(place, &String::from_utf8_lossy(part))?,
        (None, Some(_)) => {
            // Only what covers something that was written is worth keeping.
            let known = files.read(place).map_or(0, |content| content.len() as u64);
            let zeros = known.saturating_sub(from).min(room);
            files.write_at(place, from, &vec![0; usize::try_from(zeros).unwrap_or(0)])?;
        }
        (None, None) => files.write_large(place, from.saturating_add(room))?,
    }
    Ok(room)
}

/// Tells how much was copied, as BusyBox' `dd` does.
fn summary(bytes: u64, block: u64, status: Option<&str>) -> String {
    if status == Some("none") {
        return String::new();
    }
    let records = format!("{}+{}", bytes / block, u64::from(!bytes.is_multiple_of(block)));
    let micros = (bytes.saturating_mul(1_000) / (SPEED / 1_000)).max(1);
    let speed = u64::try_from(u128::from(bytes) * 1_000_000 / u128::from(micros)).unwrap_or(SPEED);
    format!(
        "{records} records in\n{records} records out\n{bytes} bytes ({}B) copied, {}.{:06} seconds, {}B/s\n",
        human(bytes),
        micros / 1_000_000,
        micros % 1_000_000,
        human(speed)
    )
}

/// `fallocate -l SIZE FILE`
fn fallocate(files: &mut View, directory: &str, args: &[&str]) -> Answer {
    let ["-l" | "--length", size, name] = args else {
        return failed("fallocate", "no length argument specified");
    };
    let Some(bytes) = number(size).filter(|bytes| *bytes > 0) else {
        return failed("fallocate", &format!("failed to parse length: {size:?}"));
    };
    match write(files, &clean_path(directory, name), (0, bytes), None, false) {
        Ok(_) => (0, String::new(), String::new()),
        Err(why) => failed("fallocate", &format!("cannot open {name}: {why}")),
    }
}

/// `blockdev --getsize64 DEVICE`
fn blockdev(files: &mut View, directory: &str, args: &[&str]) -> Answer {
    let [flag, name] = args else { return failed("blockdev", "no device specified") };
    let place = clean_path(directory, name);
    let Some(size) = files.device(&place) else {
        let is_there = files.read(&place).is_some() || files.is_directory(&place);
        let why = if is_there { "Inappropriate ioctl for device" } else { "No such file or directory" };
        return failed(
            "blockdev",
            &if is_there { why.to_string() } else { format!("cannot open {name}: {why}") },
        );
    };
    match *flag {
        "--getsize64" => (0, format!("{size}\n"), String::new()),
        "--getsz" | "--getsize" => (0, format!("{}\n", size / 512), String::new()),
        "--getss" | "--getbsz" => (0, "512\n".to_string(), String::new()),
        "--getro" => (0, "0\n".to_string(), String::new()),
        other => failed("blockdev", &format!("Unknown command: {other}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cri::{Files, Mount, MountSource, RootFs, Storage};
    use std::collections::BTreeMap;

    /// Each row: the words, the exit code, output and errors; they follow each other. A device of 64 bytes is at
    /// /dev/xvda.
    #[test]
    fn bytes_are_written_by_their_number() {
        let device = Mount {
            path: "/dev/xvda".into(),
            source: MountSource::Storage("v".into()),
            sub_path: "device".into(),
            read_only: false,
            device: Some(64),
        };
        let mut root = RootFs { mounts: vec![device], ..RootFs::default() };
        root.written.write("/tmp/text", "0123456789");
        let (mut node, mut storage, mut volumes) = (Files::default(), Storage::default(), BTreeMap::new());
        let mut view =
            View { root: &mut root, volumes: &mut volumes, node: &mut node, storage: &mut storage };
        for (words, code, out, err) in [
            ("dd if=/tmp/text of=/dev/xvda status=none", 0, "", ""),
            ("dd if=/dev/xvda bs=1 skip=3 count=4 status=none", 0, "3456", ""),
            ("dd if=/tmp/text of=/dev/xvda bs=1 seek=8 count=2 status=none", 0, "", ""),
            ("dd if=/dev/xvda status=none", 0, "0123456701", ""),
            (
                "dd if=/dev/xvda of=/dev/null bs=4",
                0,
                "",
                "2+1 records in\n2+1 records out\n10 bytes (10B) copied, 0.000001 seconds, 9.5MB/s\n",
            ),
            ("dd if=/dev/zero of=/dev/xvda bs=1 count=2 status=none", 0, "", ""),
            ("dd if=/dev/xvda bs=1 count=3 status=none", 0, "\0\u{0}2", ""),
            (
                "dd if=/dev/zero of=/dev/xvda bs=100 status=none",
                1,
                "",
                "dd: error writing '/dev/xvda': No space left on device\n",
            ),
            (
                "dd if=/dev/zero of=/tmp/big bs=1M count=300",
                0,
                "",
                "300+0 records in\n300+0 records out\n314572800 bytes (300.0MB) copied, 1.572864 seconds, 190.7MB/s\n",
            ),
            ("dd if=/none of=/tmp/x", 1, "", "dd: can't open '/none': No such file or directory\n"),
            ("dd if=/tmp/text of=/none/x", 1, "", "dd: can't open '/none/x': No such file or directory\n"),
            ("dd if=/tmp/text what=x", 1, "", "dd: unrecognized operand 'what=x'\n"),
            ("fallocate -l 2G /tmp/two", 0, "", ""),
            ("blockdev --getsize64 /dev/xvda", 0, "64\n", ""),
            ("blockdev --getsize64 /tmp/text", 1, "", "blockdev: Inappropriate ioctl for device\n"),
        ] {
            let split: Vec<&str> = words.split(' ').collect();
            let answer = run(&mut view, "/", &split, "").unwrap();
            assert_eq!(answer, (code, out.to_string(), err.to_string()), "{words}");
        }
        assert_eq!(view.list("/dev"), ["xvda"]);
        assert_eq!(view.write("/dev/xvda", &"x".repeat(65)), Err("No space left on device"));
        assert_eq!(root.written.bytes(), (300 << 20) + (2 << 30) + 10);
        root.written.remove("/tmp/two");
        assert_eq!(root.written.bytes(), (300 << 20) + 10);
    }
}
