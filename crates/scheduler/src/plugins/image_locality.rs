use super::MAX_NODE_SCORE;
use crate::cache::Cache;
use crate::node_info::NodeInfo;
use crate::pod_info::PodInfo;

const MIN_THRESHOLD: i64 = 23 * 1024 * 1024;
const MAX_CONTAINER_THRESHOLD: i64 = 1_000 * 1024 * 1024;

/// Returns how much of the pod's images is on the node, in hundredths; images that are on many nodes
/// count more.
// Models pkg/scheduler/framework/plugins/imagelocality/image_locality.go
pub(super) fn score(cache: &Cache, info: &PodInfo, node: &NodeInfo) -> i64 {
    if node.images.is_empty() || info.images.is_empty() {
        return 0;
    }
    let total = cache.nodes().len() as i64;
    let scaled = |image: &str| {
        let name = normalized(image);
        let size = node.images.get(name.as_str()).copied().unwrap_or(0);
        let spread = cache.nodes_with_image(&name) as f64 / total as f64;
        (size as f64 * spread) as i64
    };
    let sum: i64 = info.images.iter().map(|image| scaled(image)).sum();
    let max = MAX_CONTAINER_THRESHOLD * info.images.len() as i64;
    MAX_NODE_SCORE * (sum.clamp(MIN_THRESHOLD, max) - MIN_THRESHOLD) / (max - MIN_THRESHOLD)
}

/// Returns the image's name with a tag.
fn normalized(image: &str) -> String {
    let last = image.rsplit('/').next().unwrap_or(image);
    if last.contains(':') || last.contains('@') { image.to_string() } else { format!("{image}:latest") }
}
