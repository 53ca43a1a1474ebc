//! What a pod's glyph tells: its phase, by form alone.

use view::PodRow;

use super::shape::{Group, Point, Rect, number};

/// A phase as the diagram knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// Runs and is ready.
    Ready,
    /// Runs, not ready.
    NotReady,
    /// Its containers are being made.
    Creating,
    /// It has no node yet.
    Pending,
    /// It ends.
    Terminating,
    /// It waits after a crash or a failed pull, or can't be made.
    Crash,
    /// It is done.
    Completed,
    /// It failed.
    Failed,
}

impl Phase {
    /// Returns the phase of a pod, by what kubectl says of it.
    pub fn of(pod: &PodRow) -> Phase {
        if pod.ending.is_some() || pod.status == "Terminating" {
            return Phase::Terminating;
        }
        let status = pod.status.strip_prefix("Init:").unwrap_or(&pod.status);
        match status {
            "Running" if pod.ready => Phase::Ready,
            "Running" | "NotReady" | "Unknown" => Phase::NotReady,
            "Completed" | "Succeeded" => Phase::Completed,
            "Pending" if pod.node.is_empty() => Phase::Pending,
            "SchedulingGated" => Phase::Pending,
            "Pending" | "ContainerCreating" | "PodInitializing" => Phase::Creating,
            // `Init:0/2`
            progress if progress.contains('/') => Phase::Creating,
            waits
                if waits.ends_with("BackOff")
                    || waits.starts_with("ErrImage")
                    || waits.starts_with("Create") =>
            {
                Phase::Crash
            }
            "InvalidImageName" | "RunContainerError" | "PostStartHookError" => Phase::Crash,
            _ => Phase::Failed,
        }
    }

    /// Returns its class, for the outline.
    pub fn class(self) -> &'static str {
        match self {
            Phase::Ready => "ready",
            Phase::NotReady => "unready",
            Phase::Creating => "creating",
            Phase::Pending => "pending",
            Phase::Terminating => "ending",
            Phase::Crash => "crash",
            Phase::Completed => "completed",
            Phase::Failed => "failed",
        }
    }
}

/// Draws the glyph of a phase, `size` high, around a point. `colour` is the class of the version.
pub fn glyph(into: &mut Group, phase: Phase, (x, y): Point, colour: &str, size: f64) {
    let r = size * 0.36;
    let n = number;
    let line = format!("gl {colour}s");
    let fill = colour.to_owned();
    match phase {
        Phase::Pending => into.circle(format!("{line} gl-dash"), (x, y), r),
        Phase::Creating => {
            into.circle(format!("{line} gl-faint"), (x, y), r);
            into.path(
                format!("{line} gl-thick"),
                format!("M{} {}A{r} {r} 0 1 1 {} {}", n(x), n(y - r), n(x - r), n(y), r = n(r)),
            );
        }
        Phase::NotReady => {
            into.circle(line, (x, y), r);
            into.path(fill, format!("M{} {}A{r} {r} 0 0 0 {} {}z", n(x), n(y - r), n(x), n(y + r), r = n(r)));
        }
        Phase::Ready => into.circle(fill, (x, y), r + size * 0.0575),
        Phase::Completed => {
            into.circle(fill, (x, y), r + size * 0.0575);
            let check = format!(
                "M{} {}l{} {}l{} {}",
                n(x - r * 0.5),
                n(y),
                n(r * 0.4),
                n(r * 0.42),
                n(r * 0.65),
                n(-r * 0.8)
            );
            into.path("gl gl-cut", check);
        }
        Phase::Terminating => {
            let a = size * 0.4;
            into.path(
                line,
                format!("M{} {}H{}L{} {}z", n(x - a), n(y - a * 0.72), n(x + a), n(x), n(y + a * 0.9)),
            );
            let tip = format!(
                "M{} {}H{}L{} {}z",
                n(x - a * 0.5),
                n(y + a * 0.09),
                n(x + a * 0.5),
                n(x),
                n(y + a * 0.9)
            );
            into.path(fill, tip);
        }
        Phase::Crash | Phase::Failed => {
            let a = size * 0.48;
            let diamond = format!("M{} {}l{a} {a}l-{a} {a}l-{a} -{a}z", n(x), n(y - a), a = n(a));
            into.path("bad", diamond);
            let sign = if phase == Phase::Crash {
                format!(
                    "M{} {}v{}M{} {}v.01",
                    n(x),
                    n(y - size * 0.18),
                    n(size * 0.22),
                    n(x),
                    n(y + size * 0.18)
                )
            } else {
                let b = size * 0.14;
                format!(
                    "M{} {}l{c} {c}M{} {}l-{c} {c}",
                    n(x - b),
                    n(y - b),
                    n(x + b),
                    n(y - b),
                    c = n(2.0 * b)
                )
            };
            into.path("gl gl-cut", sign);
        }
    }
}

/// Draws the outlines of a pill: one, two or three, by version.
pub fn outlines(into: &mut Group, rect: Rect, radius: f64, version: u32, phase: Phase, colour: &str) {
    let state = phase.class();
    let fill = if phase == Phase::Ready { format!("{colour}w") } else { "bare".to_owned() };
    into.rect(format!("pill {colour}s {fill} {state}"), rect, radius);
    let count = if version == 0 { 1 } else { (version - 1) % 3 + 1 };
    for i in 1..count {
        let by = 3.0 * f64::from(i);
        into.rect(format!("pill in {colour}s {state}"), rect.inset(by), (radius - by).max(1.0));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kubectls_status_tells_the_phase() {
        for (status, ready, node, phase) in [
            ("Running", true, "n", Phase::Ready),
            ("Running", false, "n", Phase::NotReady),
            ("Pending", false, "", Phase::Pending),
            ("Pending", false, "n", Phase::Creating),
            ("ContainerCreating", false, "n", Phase::Creating),
            ("Init:0/2", false, "n", Phase::Creating),
            ("Init:CrashLoopBackOff", false, "n", Phase::Crash),
            ("ImagePullBackOff", false, "n", Phase::Crash),
            ("ErrImagePull", false, "n", Phase::Crash),
            ("Completed", false, "n", Phase::Completed),
            ("OOMKilled", false, "n", Phase::Failed),
            ("Terminating", true, "n", Phase::Terminating),
        ] {
            let pod =
                PodRow { status: status.into(), ready, node: node.into(), ..crate::diagram::sample::pod() };
            assert_eq!(Phase::of(&pod), phase, "{status}");
        }
    }
}
