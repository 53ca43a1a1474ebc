//! Names that are known only at run time.

use std::collections::BTreeSet;
use std::sync::Mutex;

/// The longest name that is kept, in bytes; a resource's group is a DNS name and no longer.
const LENGTH: usize = 253;
/// How many names are kept.
const COUNT: usize = 65_536;

static NAMES: Mutex<BTreeSet<&'static str>> = Mutex::new(BTreeSet::new());

/// Returns a name that lives as long as the program: of a kind that is known only at run time. Equal
/// names share their memory, which is never given back; `None` where there are too many.
pub fn keep(text: &str) -> Option<&'static str> {
    let mut names = NAMES.lock().ok()?;
    if let Some(name) = names.get(text) {
        return Some(name);
    }
    if text.len() > LENGTH || names.len() >= COUNT {
        return None;
    }
    let name: &'static str = Box::leak(text.into());
    names.insert(name);
    Some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_a_name_once() {
        let (one, other) = (keep("crontabs").unwrap(), keep(&String::from("crontabs")).unwrap());
        assert_eq!(one.as_ptr(), other.as_ptr());
        assert_eq!(keep(&"x".repeat(LENGTH + 1)), None);
    }
}
