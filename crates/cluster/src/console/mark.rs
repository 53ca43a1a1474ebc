//! Which typed lines stand on the timeline.

/// The most characters of a line that stand on the timeline.
const MARK: usize = 200;

/// Returns the words with which a typed line stands on the timeline; `None` for lines that only look.
pub(super) fn mark_of(line: &str) -> Option<String> {
    let line = line.trim();
    let rest = line.strip_prefix("kubectl ").or_else(|| line.strip_prefix("k "));
    if let Some(rest) = rest {
        let verb = rest.split_whitespace().next()?;
        let acts = [
            "apply", "create", "delete", "scale", "set", "expose", "run", "edit", "patch", "replace",
            "label", "annotate", "rollout", "cordon", "uncordon", "drain", "taint",
        ];
        let only_looks = ["rollout status", "rollout history"].iter().any(|words| rest.starts_with(words));
        return (acts.contains(&verb) && !only_looks).then(|| rest.chars().take(MARK).collect());
    }
    let begins = ["while ", "for ", "until ", "microk8s "].iter().any(|word| line.starts_with(word));
    begins.then(|| line.chars().take(MARK).collect())
}
