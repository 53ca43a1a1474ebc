use crate::plugins::SCORE_PLUGINS;
use api::Value;
use std::rc::Rc;

/// The name by which pods choose the scheduler that every cluster has.
pub(crate) const DEFAULT: &str = "default-scheduler";

/// What a node with much in use is worth.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Strategy {
    /// The less, the better: pods are spread.
    #[default]
    LeastAllocated,
    /// The more, the better: pods are packed.
    MostAllocated,
}

/// A profile: the name by which pods choose it, and how its plugins score.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Profile {
    /// The name that pods give in `spec.schedulerName`.
    pub name: Rc<str>,
    /// The weight of each plugin, in the order of [`SCORE_PLUGINS`]; 0 for one that is disabled.
    pub weights: [i64; SCORE_PLUGINS.len()],
    /// How NodeResourcesFit scores.
    pub strategy: Strategy,
}

impl Default for Profile {
    fn default() -> Profile {
        let weights = SCORE_PLUGINS.map(|(_, weight)| weight);
        Profile { name: DEFAULT.into(), weights, strategy: Strategy::default() }
    }
}

impl Profile {
    /// Reads the profiles of a KubeSchedulerConfiguration. Filters can't be disabled here.
    ///
    /// # Errors
    /// What is wrong, as kube-scheduler says it before it ends.
    // Models pkg/scheduler/apis/config/validation/validation.go ValidateKubeSchedulerConfiguration
    pub fn read(config: &Value) -> Result<Vec<Profile>, String> {
        if config["kind"].str() != "KubeSchedulerConfiguration" {
            return Err(format!(
                "couldn't decode as KubeSchedulerConfiguration, got {}",
                config["kind"].str()
            ));
        }
        let mut profiles: Vec<Profile> = Vec::new();
        for (i, given) in config["profiles"].items().iter().take(16).enumerate() {
            let profile = Profile::of(given)?;
            if profiles.iter().any(|other| other.name == profile.name) {
                return Err(format!("profiles[{i}].schedulerName: Duplicate value: {:?}", &*profile.name));
            }
            profiles.push(profile);
        }
        if profiles.is_empty() {
            profiles.push(Profile::default());
        }
        Ok(profiles)
    }

    fn of(given: &Value) -> Result<Profile, String> {
        let mut profile = Profile::default();
        if !given["schedulerName"].str().is_empty() {
            profile.name = given["schedulerName"].text();
        }
        // What is said of scoring goes before what is said of all a plugin does.
        for point in ["multiPoint", "score"] {
            for disabled in given["plugins"][point]["disabled"].items() {
                for (weight, (name, _)) in profile.weights.iter_mut().zip(SCORE_PLUGINS) {
                    if matches!(disabled["name"].str(), "*") || disabled["name"].str() == name {
                        *weight = 0;
                    }
                }
            }
            for enabled in given["plugins"][point]["enabled"].items() {
                let at = SCORE_PLUGINS.iter().position(|(name, _)| *name == enabled["name"].str());
                if let Some((at, weight)) = at.zip(at.and_then(|at| profile.weights.get_mut(at))) {
                    *weight = match enabled["weight"].int() {
                        0 => SCORE_PLUGINS[at].1,
                        given => given.clamp(0, 1_000),
                    };
                }
            }
        }
        for config in
            given["pluginConfig"].items().iter().filter(|one| one["name"].str() == "NodeResourcesFit")
        {
            profile.strategy = match config["args"]["scoringStrategy"]["type"].str() {
                "MostAllocated" => Strategy::MostAllocated,
                "" | "LeastAllocated" => Strategy::LeastAllocated,
                other => return Err(format!("scoringStrategy.type: Unsupported value: {other:?}")),
            };
        }
        Ok(profile)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use api::tree;

    #[test]
    fn reads_profiles() {
        let config = tree!({"kind": "KubeSchedulerConfiguration", "profiles": [
            {},
            {"schedulerName": "packer", "pluginConfig": [
                {"name": "NodeResourcesFit", "args": {"scoringStrategy": {"type": "MostAllocated"}}},
            ]},
            {"schedulerName": "plain", "plugins": {"score": {
                "disabled": [{"name": "*"}], "enabled": [{"name": "ImageLocality", "weight": 7}, {"name": "NodeAffinity"}],
            }}},
        ]});
        let profiles = Profile::read(&config).unwrap_or_default();
        let told: Vec<(&str, [i64; 7], Strategy)> =
            profiles.iter().map(|one| (&*one.name, one.weights, one.strategy)).collect();
        let usual = [3, 2, 1, 2, 2, 1, 1];
        let wanted = [
            ("default-scheduler", usual, Strategy::LeastAllocated),
            ("packer", usual, Strategy::MostAllocated),
            ("plain", [0, 2, 0, 0, 0, 0, 7], Strategy::LeastAllocated),
        ];
        assert_eq!(told, wanted);
    }

    #[test]
    fn refuses_what_upstream_refuses() {
        let twice = tree!({"kind": "KubeSchedulerConfiguration", "profiles": [{"schedulerName": "a"}, {"schedulerName": "a"}]});
        for (config, wanted) in [
            (twice, "profiles[1].schedulerName: Duplicate value: \"a\""),
            (tree!({"kind": "Pod"}), "couldn't decode as KubeSchedulerConfiguration, got Pod"),
        ] {
            assert_eq!(Profile::read(&config).unwrap_err(), wanted);
        }
    }
}
