//! `tc`: a node's queue delays and loses packets.

use super::ground::Ground;
use network::{HostId, Netem};
use shell::MachineAnswer;
use sim::{MICROSECOND, MILLISECOND, Nanos, SECOND};

const HINT: &str = "# kubarium: there is tc qdisc add|change|replace|del|show dev eth0 root netem delay 100ms [10ms] loss 10%\n";

impl Ground<'_> {
    /// `tc qdisc …`
    pub(super) fn tc(&mut self, host: HostId, words: &[&str]) -> MachineAnswer {
        let Some((&"qdisc", rest)) = words.split_first() else {
            let object = words.first().unwrap_or(&"");
            let text = match *object {
                "" => "Usage:\ttc [ OPTIONS ] OBJECT { COMMAND | help }\n".to_string(),
                object => format!("Object \"{object}\" is unknown, try \"tc help\".\n"),
            };
            return MachineAnswer::failed(1, format!("{text}{HINT}"));
        };
        let known = self.wires.network.topology().netem(host);
        let (verb, rest) = rest.split_first().map_or(("show", rest), |(verb, rest)| (*verb, rest));
        let rest: Vec<&str> =
            rest.iter().copied().filter(|word| !matches!(*word, "root" | "handle" | "1:")).collect();
        if matches!(verb, "show" | "list" | "ls") {
            let device = rest.iter().position(|word| *word == "dev").and_then(|at| rest.get(at + 1));
            let is_shown =
                |line: &&str| device.is_none_or(|device| line.contains(&format!(" dev {device} ")));
            let all = listed(known);
            return MachineAnswer::ok(
                all.lines().filter(is_shown).map(|line| format!("{line}\n")).collect::<String>(),
            );
        }
        let ["dev", device, rest @ ..] = rest.as_slice() else {
            return MachineAnswer::failed(
                1,
                format!("Command line is not complete. Try option \"help\"\n{HINT}"),
            );
        };
        if *device != "eth0" {
            return match *device {
                "lo" | "cni0" => {
                    MachineAnswer::failed(2, format!("# kubarium: only eth0 has a queue here\n{HINT}"))
                }
                device => MachineAnswer::failed(1, format!("Cannot find device \"{device}\"\n")),
            };
        }
        match (verb, known) {
            ("del" | "delete", None) => {
                return MachineAnswer::failed(2, "Error: Cannot delete qdisc with handle of zero.\n");
            }
            ("del" | "delete", _) => {
                self.wires.network.set_netem(host, None);
                return MachineAnswer::ok("");
            }
            ("add", Some(_)) => {
                return MachineAnswer::failed(2, "Error: Exclusivity flag on, cannot modify.\n");
            }
            ("change", None) => {
                return MachineAnswer::failed(
                    2,
                    "Error: Qdisc not found. To create specify NLM_F_CREATE flag.\n",
                );
            }
            ("add" | "change" | "replace", _) => {}
            (verb, _) => {
                return MachineAnswer::failed(
                    1,
                    format!("Command \"{verb}\" is unknown, try \"tc qdisc help\".\n"),
                );
            }
        }
        match rest.split_first() {
            Some((&"netem", rest)) => match netem(rest) {
                Ok(netem) => {
                    self.wires.network.set_netem(host, Some(netem));
                    MachineAnswer::ok("")
                }
                Err(why) => MachineAnswer::failed(1, format!("{why}\n{HINT}")),
            },
            Some((kind, _)) => MachineAnswer::failed(
                2,
                format!(
                    "Error: Specified qdisc kind is unknown.\n# kubarium: of {kind} and others there is netem\n"
                ),
            ),
            None => {
                MachineAnswer::failed(1, format!("Command line is not complete. Try option \"help\"\n{HINT}"))
            }
        }
    }
}

/// Reads `delay 100ms 10ms loss 10%`.
fn netem(words: &[&str]) -> Result<Netem, String> {
    let mut netem = Netem::default();
    let mut words = words.iter().copied().peekable();
    while let Some(word) = words.next() {
        match word {
            "delay" => {
                let text = words.next().unwrap_or("");
                netem.delay = span(text).ok_or_else(|| format!("Illegal \"latency\": \"{text}\""))?;
                if let Some(jitter) = words.peek().and_then(|text| span(text)) {
                    netem.jitter = jitter;
                    words.next();
                }
            }
            "loss" => {
                if words.peek() == Some(&"random") {
                    words.next();
                }
                let text = words.next().unwrap_or("");
                netem.loss_per_million =
                    share(text).ok_or_else(|| format!("Illegal \"loss percent\": \"{text}\""))?;
            }
            word => return Err(format!("What is \"{word}\"?")),
        }
    }
    Ok(netem)
}

/// Reads `100ms`, `1s`, `250us`; a number alone is in microseconds.
fn span(text: &str) -> Option<Nanos> {
    let at = text.find(|letter: char| letter.is_ascii_alphabetic()).unwrap_or(text.len());
    let (number, unit) = text.split_at(at);
    let unit = match unit {
        "s" | "sec" | "secs" => SECOND,
        "ms" | "msec" | "msecs" => MILLISECOND,
        "" | "us" | "usec" | "usecs" => MICROSECOND,
        _ => return None,
    };
    let number: f64 = number.parse().ok().filter(|number| (0.0..1e9).contains(number))?;
    Some(((number * unit as f64) as Nanos).min(3_600 * SECOND))
}

/// Reads `10%` as parts of a million.
fn share(text: &str) -> Option<u32> {
    let percent: f64 = text.strip_suffix('%').unwrap_or(text).parse().ok()?;
    (0.0..=100.0).contains(&percent).then_some((percent * 10_000.0) as u32)
}

fn listed(netem: Option<Netem>) -> String {
    let eth0 = match netem {
        None => "qdisc fq_codel 0: dev eth0 root refcnt 2 limit 10240p flows 1024 quantum 1514 target 5ms interval 100ms memory_limit 32Mb ecn drop_batch 64 \n".to_string(),
        Some(Netem { delay, jitter, loss_per_million }) => {
            let mut out = "qdisc netem 8001: dev eth0 root refcnt 2 limit 1000".to_string();
            if delay > 0 || jitter > 0 {
                out.push_str(&format!(" delay {}", time(delay)));
            }
            if jitter > 0 {
                out.push_str(&format!("  {}", time(jitter)));
            }
            if loss_per_million > 0 {
                let hundredths = loss_per_million / 100;
                let (whole, rest) = (hundredths / 100, hundredths % 100);
                let rest = if rest == 0 { String::new() } else { format!(".{rest:02}").trim_end_matches('0').to_string() };
                out.push_str(&format!(" loss {whole}{rest}%"));
            }
            format!("{out}\n")
        }
    };
    format!("qdisc noqueue 0: dev lo root refcnt 2 \n{eth0}qdisc noqueue 0: dev cni0 root refcnt 2 \n")
}

fn time(nanos: Nanos) -> String {
    let (unit, name) = match nanos {
        nanos if nanos >= SECOND => (SECOND, "s"),
        nanos if nanos >= MILLISECOND => (MILLISECOND, "ms"),
        _ => (MICROSECOND, "us"),
    };
    let hundredths = nanos * 100 / unit;
    let text = format!("{}.{:02}", hundredths / 100, hundredths % 100);
    format!("{}{name}", text.trim_end_matches('0').trim_end_matches('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_and_lists_what_netem_does() {
        for (words, told) in [
            (&["delay", "100ms"][..], Ok(" delay 100ms")),
            (&["delay", "1.5s", "250us", "loss", "0.1%"], Ok(" delay 1.5s  250us loss 0.1%")),
            (&["loss", "random", "10%"], Ok(" loss 10%")),
            (&["delay", "soon"], Err("Illegal \"latency\": \"soon\"")),
            (&["loss", "200%"], Err("Illegal \"loss percent\": \"200%\"")),
            (&["corrupt", "1%"], Err("What is \"corrupt\"?")),
        ] {
            let got = netem(words).map(|netem| {
                let all = listed(Some(netem));
                all.lines().nth(1).unwrap_or("").split("limit 1000").nth(1).unwrap_or("").to_string()
            });
            assert_eq!(got, told.map(str::to_string).map_err(str::to_string), "{words:?}");
        }
    }
}
