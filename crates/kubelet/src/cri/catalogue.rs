use super::image::Image;
use api::reference::Reference;
use std::rc::Rc;

const FILES: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/images.in"));

/// All images that are known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Catalogue {
    images: Vec<Rc<Image>>,
}

/// What a registry says to a pull.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// A known image and its version, or the generic one.
    Image(Rc<Image>, Rc<str>),
    /// The image never had this tag.
    NoSuchTag,
}

thread_local! {
    static BUILT_IN: Rc<Catalogue> = Rc::new(Catalogue::read(FILES).unwrap_or_default());
}

impl Catalogue {
    /// Returns the images that the program comes with.
    pub fn built_in() -> Rc<Catalogue> {
        BUILT_IN.with(Rc::clone)
    }

    /// Reads image files.
    ///
    /// # Errors
    /// The name of the file that can't be read, and why.
    pub fn read(files: &[(&str, &str)]) -> Result<Catalogue, String> {
        let mut images = Vec::new();
        for (name, text) in files {
            let image = Image::read(text).map_err(|error| format!("{name}: {error}"))?;
            images.push(Rc::new(image));
        }
        Ok(Catalogue { images })
    }

    /// Returns the image that a reference names. What nobody knows is a generic server, whatever its tag.
    pub fn find(&self, reference: &Reference) -> Found {
        let familiar = reference.familiar_name();
        let named = |image: &&Rc<Image>| image.names.iter().any(|name| name_matches(name, &familiar));
        let Some(image) = self.images.iter().find(named) else {
            let version = reference.tag().to_string();
            return Found::Image(self.generic(), version.into());
        };
        if reference.digest.is_none() && !image.has_tag(reference.tag()) {
            return Found::NoSuchTag;
        }
        Found::Image(image.clone(), image.version(reference.tag()).into())
    }

    /// Returns the image that stands for all that nobody knows.
    pub fn generic(&self) -> Rc<Image> {
        let generic = |image: &&Rc<Image>| image.names.iter().any(|name| name == "*");
        self.images.iter().find(generic).cloned().unwrap_or_default()
    }

    /// Returns the images in the order of their files.
    pub fn iter(&self) -> impl Iterator<Item = &Rc<Image>> {
        self.images.iter()
    }
}

fn name_matches(pattern: &str, familiar: &str) -> bool {
    if pattern == "*" {
        return false;
    }
    match pattern.strip_suffix('*') {
        Some(prefix) => familiar.starts_with(prefix),
        None => familiar == pattern,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_reads_and_every_name_is_listed_once() {
        let catalogue = Catalogue::read(FILES).unwrap();
        let mut names: Vec<&String> = catalogue.iter().flat_map(|image| &image.names).collect();
        let count = names.len();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), count);
        assert!(!catalogue.generic().names.is_empty());
    }

    #[test]
    fn known_images_have_the_tags_they_have() {
        let catalogue = Catalogue::built_in();
        for (image, version) in [
            ("nginx", Some("1.29.4")),
            ("nginx:1.14.2", Some("1.14.2")),
            ("docker.io/library/nginx:1.25-alpine", Some("1.25")),
            ("nginx:alpine", Some("1.29.4")),
            ("nginx:9.99", None),
            ("nginx:1.161", None),
            ("ghcr.io/subicura/echo:v1", Some("v1")),
            ("ghcr.io/subicura/echo:v9", None),
            ("gcr.io/terrycho-sandbox/deployment:v2", Some("v2")),
            ("mysql:5.7", Some("5.7.44")),
            ("redis", Some("8.4.0")),
            ("example.com/nobody/knows:this", Some("this")),
        ] {
            let found = match catalogue.find(&Reference::parse(image).unwrap()) {
                Found::Image(_, version) => Some(version.to_string()),
                Found::NoSuchTag => None,
            };
            assert_eq!(found.as_deref(), version, "{image}");
        }
    }
}
