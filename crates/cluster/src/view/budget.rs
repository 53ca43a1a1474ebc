use super::View;
use ::view::BudgetRow;
use api::{Value, meta};

impl View {
    /// Makes a rolling update's arithmetic from the Deployment and its ReplicaSets.
    pub(super) fn budget_row(&self, deployment: &Value) -> BudgetRow {
        let spec = &deployment["spec"];
        let wanted = spec["replicas"].int();
        let update = &spec["strategy"]["rollingUpdate"];
        let rolling_strategy = spec["strategy"]["type"].str() != "Recreate";
        let surge = share(&update["maxSurge"], wanted, Round::Up);
        let mut unavailable = share(&update["maxUnavailable"], wanted, Round::Down);
        if rolling_strategy && surge.1 == 0 && unavailable.1 == 0 {
            unavailable.1 = 1; // as upstream: it could not go on otherwise
        }
        let namespace = meta::namespace(deployment).to_string();
        let sets = self
            .objects
            .range(("replicasets", format!("{namespace}/"))..("replicasets", format!("{namespace}0")))
            .map(|(_, set)| set)
            .filter(|set| meta::is_controlled_by(set, deployment));
        let mut versions: Vec<(u32, i64, i64)> = sets
            .filter(|set| set["status"]["replicas"].int() > 0 || set["spec"]["replicas"].int() > 0)
            .map(|set| {
                let status = &set["status"];
                let version = self.versions.of(meta::uid(set));
                (version, status["replicas"].int(), status["availableReplicas"].int())
            })
            .collect();
        versions.sort();
        let progress = meta::condition(deployment, "Progressing");
        let status = &deployment["status"];
        let settled = status["updatedReplicas"].int() == wanted
            && status["replicas"].int() == wanted
            && status["availableReplicas"].int() == wanted
            && status["observedGeneration"].int() >= meta::generation(deployment);
        BudgetRow {
            wanted,
            surge,
            unavailable,
            versions,
            min_ready_seconds: spec["minReadySeconds"].int(),
            // Without a rolling update there are no limits to keep.
            rolling: rolling_strategy && !settled,
            progress: progress.map_or(String::new(), |condition| condition["reason"].str().to_string()),
        }
    }
}

#[derive(Clone, Copy)]
enum Round {
    Up,
    Down,
}

/// Returns a number or percentage as written, and as a number of pods.
fn share(value: &Value, of: i64, round: Round) -> (String, i64) {
    if let Some(number) = value.as_int() {
        return (number.to_string(), number);
    }
    let percent: i64 = value.str().trim_end_matches('%').parse().unwrap_or(0);
    let pods = match round {
        Round::Up => (percent.saturating_mul(of) + 99).div_euclid(100),
        Round::Down => percent.saturating_mul(of).div_euclid(100),
    };
    (value.str().to_string(), pods)
}
