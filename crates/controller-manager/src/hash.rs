use api::Value;

/// Returns the hash of a pod template as it stands in names and in the label `pod-template-hash`.
/// It is taken of the template's JSON; upstream takes it of Go's printed structure, so the values
/// differ from a real cluster's, the form does not.
// Models pkg/controller/controller_utils.go ComputeHash
pub fn pod_template_hash(template: &Value, collision_count: Option<i64>) -> String {
    let mut hash = fnv1a(FNV_OFFSET, template.to_json().as_bytes());
    if let Some(count) = collision_count {
        let mut bytes = [0; 8];
        bytes[..4].copy_from_slice(&(count as u32).to_le_bytes());
        hash = fnv1a(hash, &bytes);
    }
    safe_encode(&hash.to_string())
}

const FNV_OFFSET: u32 = 0x811c_9dc5;

fn fnv1a(hash: u32, bytes: &[u8]) -> u32 {
    bytes.iter().fold(hash, |hash, byte| (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193))
}

// Models staging/src/k8s.io/apimachinery/pkg/util/rand/rand.go SafeEncodeString
fn safe_encode(text: &str) -> String {
    const ALPHABET: &[u8; 27] = b"bcdfghjklmnpqrstvwxz2456789";
    text.bytes().map(|byte| ALPHABET[usize::from(byte) % ALPHABET.len()] as char).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use api::tree;

    #[test]
    fn encodes_as_upstream() {
        // The 32-bit FNV-1a of "a" is 0xe40c292c.
        assert_eq!(fnv1a(FNV_OFFSET, b"a"), 0xe40c_292c);
        assert_eq!(safe_encode("0123456789"), "456789bcdf");
    }

    #[test]
    fn depends_on_template_and_collisions() {
        let one = tree!({"spec": {"containers": [{"image": "nginx:1"}]}});
        let two = tree!({"spec": {"containers": [{"image": "nginx:2"}]}});
        let hash = pod_template_hash(&one, None);
        assert_eq!(hash, pod_template_hash(&one.clone(), None));
        assert_ne!(hash, pod_template_hash(&two, None));
        assert_ne!(hash, pod_template_hash(&one, Some(0)));
        assert_ne!(pod_template_hash(&one, Some(1)), pod_template_hash(&one, Some(2)));
    }
}
