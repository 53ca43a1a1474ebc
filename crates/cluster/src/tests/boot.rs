//! What a learner finds when the cluster has come up.

use crate::{Cluster, Preset};

#[test]
fn controllers_see_what_they_have_written() {
    for seed in 0..24 {
        let mut cluster = Cluster::new(&Preset::named("lesson").unwrap(), seed);
        let failed = "kubectl get events -A --no-headers --field-selector reason=FailedToCreateEndpoint";
        assert_eq!(cluster.run_line(failed), "No resources found\n", "seed {seed}");
    }
}
