//! The indexes of a Job's pods, and the texts that keep sets of them: `0-2,5`.
// Models pkg/controller/job/indexed_job_utils.go

use api::{Value, meta, tree};

/// The annotation and label that tell a pod's index.
pub(super) const INDEX: &str = "batch.kubernetes.io/job-completion-index";
const INDEX_VARIABLE: &str = "JOB_COMPLETION_INDEX";

/// A set of indexes: intervals in order, apart from each other, both ends within.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Indexes(Vec<(i64, i64)>);

impl Indexes {
    /// Reads what [`Indexes::text`] writes, as far as it is below `completions`.
    // Models pkg/controller/job/indexed_job_utils.go parseIndexesFromString
    pub(super) fn parse(text: &str, completions: i64) -> Indexes {
        let mut set = Indexes::default();
        for part in text.split(',').filter(|part| !part.is_empty()) {
            let (first, last) = part.split_once('-').unwrap_or((part, part));
            if let (Ok(first), Ok(last)) = (first.parse::<i64>(), last.parse::<i64>())
                && first < completions
                && set.0.last().is_none_or(|(_, before)| first > *before)
            {
                let last = last.min(completions - 1);
                match set.0.last_mut() {
                    Some((_, before)) if *before + 1 == first => *before = last,
                    _ => set.0.push((first, last)),
                }
            }
        }
        set
    }

    pub(super) fn text(&self) -> String {
        let part = |(first, last): &(i64, i64)| match last - first {
            0 => first.to_string(),
            1 => format!("{first},{last}"),
            _ => format!("{first}-{last}"),
        };
        self.0.iter().map(part).collect::<Vec<_>>().join(",")
    }

    pub(super) fn len(&self) -> i64 {
        self.0.iter().map(|(first, last)| last - first + 1).sum()
    }

    pub(super) fn has(&self, index: i64) -> bool {
        let at = self.0.partition_point(|(_, last)| *last < index);
        self.0.get(at).is_some_and(|(first, _)| *first <= index)
    }

    pub(super) fn insert_all(&mut self, other: &Indexes) {
        for (first, last) in &other.0 {
            (*first..=*last).for_each(|index| self.insert(index));
        }
    }

    pub(super) fn insert(&mut self, index: i64) {
        if self.has(index) {
            return;
        }
        let at = self.0.partition_point(|(_, last)| *last < index);
        self.0.insert(at, (index, index));
        let mut joined: Vec<(i64, i64)> = Vec::with_capacity(self.0.len());
        for (first, last) in self.0.drain(..) {
            match joined.last_mut() {
                Some((_, before)) if *before + 1 == first => *before = last,
                _ => joined.push((first, last)),
            }
        }
        self.0 = joined;
    }
}

/// Returns whether a Job's pods are told apart by an index.
pub(super) fn is_indexed(job: &Value) -> bool {
    job["spec"]["completionMode"].str() == "Indexed"
}

/// Returns a pod's index; `None` for none that the Job has.
// Models pkg/controller/job/indexed_job_utils.go getCompletionIndex
pub(super) fn index_of(pod: &Value, completions: i64) -> Option<i64> {
    let index: i64 = meta::annotation(pod, INDEX).parse().ok()?;
    (0..completions).contains(&index).then_some(index)
}

/// Returns the first indexes that are neither taken nor done, at most so many.
// Models pkg/controller/job/indexed_job_utils.go firstPendingIndexes
pub(super) fn first_pending(taken: &Indexes, count: usize, completions: i64) -> Vec<i64> {
    (0..completions).filter(|index| !taken.has(*index)).take(count).collect()
}

/// Gives a pod its index: in its metadata, its host name and its containers' environment.
// Models pkg/controller/job/indexed_job_utils.go addCompletionIndexEnvVariables
pub(super) fn set_index(pod: &mut Value, job: &str, index: i64) {
    pod.set(&["metadata", "annotations", INDEX], index.to_string());
    pod.set(&["metadata", "labels", INDEX], index.to_string());
    pod.set(&["metadata", "generateName"], format!("{job}-{index}-"));
    pod.set(&["spec", "hostname"], format!("{job}-{index}"));
    let field =
        tree!({"fieldRef": {"apiVersion": "v1", "fieldPath": (format!("metadata.labels['{INDEX}']"))}});
    for list in ["initContainers", "containers"] {
        if pod["spec"][list].is_empty() {
            continue;
        }
        for container in pod.at_mut(&["spec", list]).list_mut() {
            let is_there = |variable: &Value| variable["name"].str() == INDEX_VARIABLE;
            if !container["env"].items().iter().any(is_there) {
                let variable = tree!({"name": INDEX_VARIABLE, "valueFrom": (&field)});
                container.at_mut(&["env"]).list_mut().push(variable);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_sets_as_text() {
        for (insert, text) in [
            (vec![], ""),
            (vec![3], "3"),
            (vec![1, 0], "0,1"),
            (vec![0, 2, 1], "0-2"),
            (vec![5, 0, 1, 2, 5], "0-2,5"),
            (vec![0, 2, 4, 3], "0,2-4"),
        ] {
            let mut set = Indexes::default();
            insert.iter().for_each(|index| set.insert(*index));
            assert_eq!(set.text(), text, "{insert:?}");
            assert_eq!(Indexes::parse(text, 10), set, "{text}");
            assert!(insert.iter().all(|index| set.has(*index)) && !set.has(9));
        }
        assert_eq!(Indexes::parse("0-2,5", 2).text(), "0,1");
        assert_eq!(first_pending(&Indexes::parse("0-2,5", 10), 3, 10), [3, 4, 6]);
    }
}
