use crate::cri::{Catalogue, Found, Image, Reference};
use sim::{Chance, Nanos, Time};
use std::collections::BTreeMap;
use std::rc::Rc;

/// How many images a node keeps.
const IMAGES: usize = 512;

/// An image on a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LocalImage {
    pub image: Rc<Image>,
    pub version: Rc<str>,
    /// `docker.io/library/nginx:latest`.
    pub name: Rc<str>,
    /// `docker.io/library/nginx@sha256:…`.
    pub id: Rc<str>,
}

/// The images that a node has, and the one pull at a time that it makes.
// Models pkg/kubelet/images/image_manager.go, pkg/kubelet/images/puller.go serialImagePuller
#[derive(Clone, Debug, Default)]
pub(crate) struct NodeImages {
    present: BTreeMap<Rc<str>, LocalImage>,
    busy_until: Time,
}

impl NodeImages {
    /// Returns the image that a reference names, where the node has it.
    pub(crate) fn get(&self, reference: &Reference) -> Option<&LocalImage> {
        self.present.get(reference.to_string().as_str())
    }

    /// Begins a pull at the puller's next free moment, and returns when that is and when it ends.
    pub(crate) fn reserve(&mut self, now: Time, takes: Nanos) -> (Time, Time) {
        let began = now.max(self.busy_until);
        self.busy_until = began + takes;
        (began, self.busy_until)
    }

    /// Gives up what is under way.
    pub(crate) fn reset(&mut self) {
        self.busy_until = Time(0);
    }

    /// Keeps only the images whose name is told to be used.
    pub(crate) fn keep(&mut self, is_used: impl Fn(&str) -> bool) {
        self.present.retain(|name, _| is_used(name));
    }

    /// Keeps an image that was pulled.
    pub(crate) fn add(&mut self, image: LocalImage) {
        if self.present.len() >= IMAGES {
            self.present.pop_first();
        }
        self.present.insert(image.name.clone(), image);
    }

    /// Returns how many there are.
    pub(crate) fn len(&self) -> usize {
        self.present.len()
    }

    /// Returns how much all of them take of the disk, in bytes.
    pub(crate) fn bytes(&self) -> i64 {
        self.present.values().map(|local| local.image.size).sum()
    }

    /// Returns the images for the node's status: (names, bytes), the largest first.
    pub(crate) fn list(&self) -> Vec<(Vec<String>, i64)> {
        let mut list: Vec<_> = self
            .present
            .values()
            .map(|local| (vec![local.id.to_string(), local.name.to_string()], local.image.size))
            .collect();
        list.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        list
    }
}

/// Returns what a registry has under a reference.
///
/// # Errors
/// containerd's words where it has nothing.
pub(crate) fn look_up(
    catalogue: &Catalogue,
    reference: &Reference,
    takes_any: bool,
) -> Result<LocalImage, String> {
    let (image, version) = match catalogue.find(reference) {
        Found::Image(image, version) => (image, version),
        Found::NoSuchTag if takes_any => {
            let known = Reference { tag: None, digest: None, ..reference.clone() };
            match catalogue.find(&known) {
                Found::Image(image, _) => (image, reference.tag().into()),
                Found::NoSuchTag => (catalogue.generic(), reference.tag().into()),
            }
        }
        Found::NoSuchTag => {
            return Err(format!(
                "rpc error: code = NotFound desc = failed to pull and unpack image \"{reference}\": \
                 failed to resolve reference \"{reference}\": {reference}: not found"
            ));
        }
    };
    let name: Rc<str> = reference.to_string().into();
    let id = match &reference.digest {
        Some(_) => name.clone(),
        None => format!("{}@sha256:{}", reference.name(), hex64(Chance::new(0), "image", &name, 0)).into(),
    };
    Ok(LocalImage { image, version, name, id })
}

/// Returns 64 hexadecimal digits.
pub(crate) fn hex64(chance: Chance, purpose: &str, object: &str, n: u64) -> String {
    (0..4).map(|part| format!("{:016x}", chance.draw(purpose, object, n.wrapping_mul(4) + part))).collect()
}

/// Returns a duration as Go prints it, cut to milliseconds: `1.234s`, `900ms`, `1m2.5s`.
pub(crate) fn go_duration(span: Nanos) -> String {
    api::go::duration(span.max(0) / sim::MILLISECOND * sim::MILLISECOND)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_gos() {
        for (millis, text) in [
            (0, "0s"),
            (900, "900ms"),
            (1_000, "1s"),
            (1_230, "1.23s"),
            (62_500, "1m2.5s"),
            (3_600_000, "1h0m0s"),
        ] {
            assert_eq!(go_duration(millis * sim::MILLISECOND), text);
        }
    }

    #[test]
    fn a_registry_has_what_it_has() {
        let catalogue = Catalogue::built_in();
        let missing = Reference::parse("nginx:9.99").unwrap();
        let words = "rpc error: code = NotFound desc = failed to pull and unpack image \
                     \"docker.io/library/nginx:9.99\": failed to resolve reference \
                     \"docker.io/library/nginx:9.99\": docker.io/library/nginx:9.99: not found";
        assert_eq!(look_up(&catalogue, &missing, false).unwrap_err(), words);
        assert_eq!(&*look_up(&catalogue, &missing, true).unwrap().version, "9.99");
        let found = look_up(&catalogue, &Reference::parse("nginx").unwrap(), false).unwrap();
        assert_eq!(&*found.name, "docker.io/library/nginx:latest");
        assert!(found.id.starts_with("docker.io/library/nginx@sha256:"));
    }
}
