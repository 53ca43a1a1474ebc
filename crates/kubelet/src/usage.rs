use crate::admit;
use crate::container::Container;
use crate::cri::{App, Image};
use api::Value;
use sim::{MINUTE, Nanos, SECOND, Time};
use std::rc::Rc;

/// The share of its limit that a container's requests have left to them when something in it never rests.
const LEAST_SHARE: i64 = 10;
/// How much work may wait in a container before it takes no more.
const BACKLOG: Nanos = 30 * SECOND;

/// What a container has used of processors: counted where something is asked of it, and reckoned up to the
/// present only when somebody looks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Meter {
    pub began: Time,
    at: Time,
    /// Processor time that was used until `at`.
    used: Nanos,
    /// Processor time of requests that is still to be worked off.
    pending: Nanos,
    requests: i64,
    memory: Memory,
    /// Thousandths of a processor: when idle, by what never rests, and at most.
    idle: i64,
    busy: i64,
    rate: i64,
}

/// How much memory a process takes, in bytes: from the start, by each request, by each minute, at most.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Memory {
    base: i64,
    per_request: i64,
    per_minute: i64,
    at_most: i64,
}

impl Memory {
    /// Returns what an image's process takes, or what its arguments ask for.
    fn of(image: &Image, argv: &[Rc<str>]) -> Memory {
        let amount = |text: &str| admit::amount("memory", &text.into());
        let read = |text: &str| {
            let digits = text.trim_end_matches(['B', 'i']);
            Some(amount(&format!("{digits}i"))).filter(|bytes| *bytes > 0)
        };
        let asked = arguments(argv, &image.memory_arguments, read);
        if !asked.is_empty() {
            let base = asked.into_iter().fold(0, i64::saturating_add);
            return Memory { base, at_most: i64::MAX, ..Memory::default() };
        }
        Memory {
            base: amount(&image.memory),
            per_request: amount(&image.memory_per_request),
            per_minute: amount(&image.memory_per_minute),
            at_most: if image.memory_at_most.is_empty() { i64::MAX } else { amount(&image.memory_at_most) },
        }
    }
}

impl Meter {
    fn new(now: Time, idle: i64, rate: i64) -> Meter {
        let rate = rate.max(1);
        Meter { began: now, at: now, idle: idle.min(rate), rate, ..Meter::default() }
    }

    /// Returns thousandths of a processor that go into what isn't a request.
    fn background(&self) -> i64 {
        (self.idle + self.busy).min(self.rate)
    }

    /// Returns thousandths of a processor that requests have.
    fn share(&self) -> i64 {
        (self.rate - self.background()).max(self.rate / LEAST_SHARE).max(1)
    }

    fn settle(&mut self, now: Time) {
        let span = (now - self.at).max(0);
        let of = |milli: i64| part(span, milli, 1_000);
        let worked = self.pending.min(of(self.share()));
        self.pending -= worked;
        self.used += (of(self.background()) + worked).min(of(self.rate));
        self.at = self.at.max(now);
    }

    /// Takes up a request that costs so much processor time. Returns how long it takes to be served; `None`
    /// where too much waits already.
    fn serve(&mut self, now: Time, cost: Nanos) -> Option<Nanos> {
        self.settle(now);
        self.requests = self.requests.saturating_add(1);
        let wait = part(self.pending + cost, 1_000, self.share());
        if wait > BACKLOG {
            return None;
        }
        self.pending += cost;
        Some(wait.max(cost))
    }

    /// Counts work that nobody waits for.
    fn work(&mut self, now: Time, cost: Nanos) {
        self.settle(now);
        self.pending = (self.pending + cost).min(BACKLOG);
    }

    /// Gives it more or fewer processors from now on.
    fn set_rate(&mut self, now: Time, rate: i64) {
        self.settle(now);
        self.rate = rate.max(1);
    }

    fn set_busy(&mut self, now: Time, busy: i64) {
        if self.busy != busy {
            self.settle(now);
            self.busy = busy;
        }
    }

    /// Returns the processor time that was used until now.
    fn used(&self, now: Time) -> Nanos {
        let mut there = self.clone();
        there.settle(now);
        there.used
    }
}

/// Returns a part of a span, exact however long it is.
pub(crate) fn part(span: Nanos, of: i64, whole: i64) -> Nanos {
    Nanos::try_from(i128::from(span) * i128::from(of) / i128::from(whole.max(1))).unwrap_or(Nanos::MAX)
}

/// Returns the sum of the numbers behind some of a command's words: `--cpu 2`, `--cpu=2`.
pub(crate) fn arguments<T>(argv: &[Rc<str>], known: &[String], read: impl Fn(&str) -> Option<T>) -> Vec<T> {
    let mut found = Vec::new();
    for (i, word) in argv.iter().enumerate() {
        let (name, value) = match word.split_once('=') {
            Some((name, value)) => (name, Some(value)),
            None => (&**word, argv.get(i + 1).map(|value| &**value)),
        };
        if known.iter().any(|known| known == name) {
            found.extend(value.and_then(&read));
        }
    }
    found
}

impl Container {
    fn image(&self) -> Option<&Rc<Image>> {
        self.local.as_ref().map(|local| &local.image)
    }

    fn limit(&self, name: &str) -> Option<i64> {
        let limit = &self.spec["resources"]["limits"][name];
        (!limit.is_null()).then(|| admit::amount(name, limit))
    }

    /// Begins to count anew, as its process starts. `most` is what the node has, in thousandths.
    pub(crate) fn start_meter(&mut self, now: Time, most: i64) {
        let idle = self.image().map_or(0, |image| cpu_amount(&image.cpu));
        self.meter = Meter::new(now, idle, self.limit("cpu").unwrap_or(most).min(most));
        self.faulty.begin(now);
        self.meter.memory = self.image().map_or_else(Memory::default, |image| Memory::of(image, &self.argv));
        self.note_work(now);
    }

    /// Takes other resources than it was started with. `most` is what the node has, in thousandths. Returns whether
    /// that needs another process.
    // Models pkg/kubelet/kuberuntime/kuberuntime_manager.go computePodResizeAction
    pub(crate) fn resize(&mut self, now: Time, before: &Value, most: i64) -> bool {
        self.meter.set_rate(now, self.limit("cpu").unwrap_or(most).min(most));
        if self.out_of_memory_at.is_none_or(|at| at > now) {
            self.out_of_memory_at = None;
            self.watch_memory(now);
        }
        let differs = |name: &str| {
            ["limits", "requests"]
                .iter()
                .any(|list| before[*list][name] != self.spec["resources"][*list][name])
        };
        let mut policies = self.spec["resizePolicy"].items().iter();
        policies.any(|policy| {
            policy["restartPolicy"].str() == "RestartContainer" && differs(policy["resourceName"].str())
        })
    }

    /// Notes how many processors its program keeps busy.
    pub(crate) fn note_work(&mut self, now: Time) {
        let script = if self.app.as_ref().is_some_and(App::is_busy) { 1_000 } else { 0 };
        let asked: i64 = match self.image() {
            Some(image) if !image.cpu_arguments.is_empty() => {
                let read = |text: &str| text.parse::<i64>().ok();
                arguments(&self.argv, &image.cpu_arguments, read).into_iter().sum()
            }
            _ => 0,
        };
        self.meter.set_busy(now, script + asked.clamp(0, 1_000) * 1_000);
    }

    /// Returns the processor time that its process has used.
    pub(crate) fn cpu_used(&self, now: Time) -> Nanos {
        self.meter.used(now)
    }

    /// Takes up a request: returns how long it takes to be worked on, `None` where too many wait.
    pub(crate) fn serve(&mut self, now: Time) -> Option<Nanos> {
        let image = self.image()?;
        let (cost, grows) = (i64::from(image.cpu_us_per_request) * 1_000, self.meter.memory.per_request > 0);
        let wait = self.meter.serve(now, cost);
        if grows {
            self.watch_memory(now);
        }
        wait
    }

    /// Counts the work of a call that its program makes.
    pub(crate) fn count_call(&mut self, now: Time, cost: Nanos) {
        self.meter.work(now, cost);
    }

    /// Returns how much memory it uses, in bytes: what its image says, or what its arguments ask for.
    pub(crate) fn memory(&self, now: Time) -> i64 {
        let (meter, memory) = (&self.meter, &self.meter.memory);
        let by_requests = memory.per_request.saturating_mul(meter.requests);
        let by_time = match memory.per_minute {
            0 => 0,
            growth => part(growth, (now - meter.began).max(0), MINUTE),
        };
        let own = memory.base.saturating_add(by_requests).saturating_add(by_time).min(memory.at_most);
        own.saturating_add(self.faulty.leaked(now))
    }

    /// Returns whether its memory grows by itself.
    pub(crate) fn memory_grows(&self) -> bool {
        self.meter.memory.per_minute != 0 || self.faulty.faults.leak_per_minute != 0
    }

    /// Notes when the kernel ends its process, where that takes more memory than it may.
    pub(crate) fn watch_memory(&mut self, now: Time) {
        let Some(limit) = self.limit("memory") else { return };
        if self.memory(now) > limit {
            self.out_of_memory_at = Some(self.out_of_memory_at.unwrap_or(now).min(now));
            return;
        }
        let growth = self.meter.memory.per_minute.saturating_add(self.faulty.faults.leak_per_minute);
        if growth > 0 {
            let left = limit - self.memory(now) + 1;
            let at = now + part(left, MINUTE, growth) + sim::MILLISECOND;
            self.out_of_memory_at = (self.memory(at) > limit).then_some(at);
        }
    }
}

fn cpu_amount(text: &str) -> i64 {
    admit::amount("cpu", &text.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use sim::MILLISECOND;

    #[test]
    fn a_limit_makes_requests_wait() {
        // limit, cost of a request in ms, requests at once → when the last is served, used after a second
        for (rate, cost, count, last, used) in [
            (1_000, 100, 1, 100, 100),
            (500, 100, 1, 200, 100),
            (500, 100, 4, 800, 400),
            (500, 200, 4, 1_600, 500),
            (2_000, 100, 4, 200, 400),
            (4_000, 100, 1, 100, 100),
        ] {
            let mut meter = Meter::new(Time(0), 0, rate);
            let waits: Vec<_> = (0..count).map(|_| meter.serve(Time(0), cost * MILLISECOND)).collect();
            assert_eq!(waits.last(), Some(&Some(last * MILLISECOND)), "{rate} {cost} {count}");
            assert_eq!(meter.used(Time(SECOND)), used * MILLISECOND, "{rate} {cost} {count}");
        }
    }

    #[test]
    fn nothing_uses_more_than_its_limit() {
        let mut meter = Meter::new(Time(0), 10, 250);
        meter.set_busy(Time(0), 3_000);
        assert_eq!(meter.used(Time(4 * SECOND)), SECOND);
        meter.serve(Time(4 * SECOND), SECOND);
        assert_eq!(meter.used(Time(8 * SECOND)), 2 * SECOND);
        // What is too much is refused.
        assert_eq!(Meter::new(Time(0), 0, 1).serve(Time(0), SECOND), None);
        // A year is no problem.
        assert_eq!(meter.used(Time(31_536_000 * SECOND)), 7_884_000 * SECOND);
    }

    #[test]
    fn finds_numbers_among_arguments() {
        let known = ["--cpu".to_string(), "-c".to_string()];
        let read = |text: &str| text.parse::<i64>().ok();
        for (line, found) in [
            ("stress --cpu 2", vec![2]),
            ("stress --cpu=3 -c 1", vec![3, 1]),
            ("stress --cpu", vec![]),
            ("stress --cpu many --vm 3", vec![]),
        ] {
            let argv: Vec<Rc<str>> = line.split(' ').map(Into::into).collect();
            assert_eq!(arguments(&argv, &known, read), found, "{line}");
        }
    }
}
