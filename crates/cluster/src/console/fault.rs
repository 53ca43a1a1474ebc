//! `machine fault`: what is wrong with the program in a pod's first container.

use super::ground::Ground;
use api::quantity::{Format, Quantity};
use kubelet::AppFaults;
use shell::{MachineAnswer, Place};

/// The most that a leak may take a minute.
const LEAK: i64 = 1 << 40;
/// How late an answer may be, in milliseconds.
const LATEST_MS: u32 = 600_000;

impl Ground<'_> {
    /// `machine fault POD …`: gives a pod's program a fault, besides those that it has; `none` takes all away.
    pub(super) fn machine_fault(&mut self, pod: &str, words: &[&str]) -> MachineAnswer {
        let (namespace, name) = match pod.split_once('/') {
            Some((namespace, name)) => (namespace.to_string(), name),
            None => (self.namespace_of(&Place::Client), pod),
        };
        let known = self.with_kubelet(&namespace, name, |kubelet, _, _| kubelet.faults(&namespace, name, ""));
        let Some(before) = known else {
            return MachineAnswer::failed(1, format!("machine: no pod {namespace}/{name} on a node\n"));
        };
        let faults = match changed(before, words) {
            Ok(faults) => faults,
            Err(why) => return MachineAnswer::failed(2, format!("machine: {why}\n")),
        };
        let is_set = self.with_kubelet(&namespace, name, |kubelet, cx, wires| {
            kubelet.set_faults(cx, wires, (&namespace, name, ""), faults)
        });
        match is_set {
            Some(Ok(())) => MachineAnswer::ok(format!("{name}: {}\n", told(faults))),
            _ => MachineAnswer::failed(1, format!("machine: no container of {namespace}/{name}\n")),
        }
    }
}

/// Returns a program's faults after one more.
fn changed(before: AppFaults, words: &[&str]) -> Result<AppFaults, String> {
    let number = |text: &str, most: u32| match text.parse::<u32>() {
        Ok(number) if (1..=most).contains(&number) => Ok(number),
        _ => Err(format!("{text:?} is no number from 1 to {most}")),
    };
    match words {
        ["none"] => Ok(AppFaults::default()),
        ["unready"] => Ok(AppFaults { unready: true, ..before }),
        ["leak", size] => match Quantity::parse(size).map(|size| size.value()) {
            Ok(bytes) if (1..=LEAK).contains(&bytes) => Ok(AppFaults { leak_per_minute: bytes, ..before }),
            _ => Err(format!("{size:?} is no size such as 50Mi, which is taken each minute")),
        },
        ["crash", count] => Ok(AppFaults { crash_after: number(count, 1_000_000)?, ..before }),
        ["slow", ms] => Ok(AppFaults { slow_ms: number(ms, LATEST_MS)?, ..before }),
        _ => Err("a fault is unready, leak SIZE, crash REQUESTS, slow MILLISECONDS or none".to_string()),
    }
}

/// Returns faults in words.
fn told(faults: AppFaults) -> String {
    let mut words = Vec::new();
    if faults.unready {
        words.push("says that it isn't ready".to_string());
    }
    if faults.leak_per_minute > 0 {
        let size = Quantity::from_milli(faults.leak_per_minute.saturating_mul(1_000), Format::BinarySi);
        words.push(format!("leaks {size} a minute"));
    }
    if faults.crash_after > 0 {
        words.push(format!("crashes at request {}", faults.crash_after));
    }
    if faults.slow_ms > 0 {
        words.push(format!("answers {} ms later", faults.slow_ms));
    }
    if words.is_empty() { "no faults".to_string() } else { words.join(", ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_add_up_until_none() {
        let none = AppFaults::default();
        let slow = AppFaults { slow_ms: 200, ..none };
        for (before, words, after) in [
            (none, "unready", Some(AppFaults { unready: true, ..none })),
            (slow, "leak 50Mi", Some(AppFaults { leak_per_minute: 50 << 20, ..slow })),
            (slow, "crash 3", Some(AppFaults { crash_after: 3, ..slow })),
            (slow, "slow 5000", Some(AppFaults { slow_ms: 5_000, ..none })),
            (slow, "none", Some(none)),
            (none, "leak", None),
            (none, "leak -1", None),
            (none, "crash 0", None),
            (none, "slow 99999999", None),
            (none, "", None),
        ] {
            let words: Vec<&str> = words.split_whitespace().collect();
            assert_eq!(changed(before, &words).ok(), after, "{words:?}");
        }
        assert_eq!(told(none), "no faults");
        assert_eq!(told(slow), "answers 200 ms later");
    }
}
