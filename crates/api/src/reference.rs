//! Names of images.

use std::fmt;

/// An image's name taken apart, as container runtimes do it.
// Models github.com/distribution/reference ParseNormalizedNamed
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Reference {
    /// The registry: `docker.io`.
    pub domain: String,
    /// The path: `library/nginx`.
    pub path: String,
    /// The tag, where there is one.
    pub tag: Option<String>,
    /// The digest, where there is one.
    pub digest: Option<String>,
}

impl Reference {
    /// Reads a name as it stands in a container's `image`.
    ///
    /// # Errors
    /// The words of the reference parser: `invalid reference format`.
    pub fn parse(image: &str) -> Result<Reference, &'static str> {
        const BAD: &str = "invalid reference format";
        let (rest, digest) = match image.split_once('@') {
            Some((rest, digest)) if digest.contains(':') => (rest, Some(digest.to_string())),
            Some(_) => return Err(BAD),
            None => (image, None),
        };
        let (name, tag) = match rest.rsplit_once(':') {
            Some((name, tag)) if !tag.contains('/') => (name, Some(tag)),
            _ => (rest, None),
        };
        let (domain, path) = match name.split_once('/') {
            Some((domain, path)) if domain.contains(['.', ':']) || domain == "localhost" => {
                (domain, path.to_string())
            }
            Some(_) => ("docker.io", name.to_string()),
            None => ("docker.io", format!("library/{name}")),
        };
        if path.bytes().any(|byte| byte.is_ascii_uppercase()) {
            return Err("repository name must be lowercase");
        }
        let domain = if domain == "index.docker.io" { "docker.io" } else { domain };
        let is_component = |part: &str| {
            !part.is_empty()
                && part.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"._-".contains(&b))
                && part.bytes().next().is_some_and(|b| b.is_ascii_alphanumeric())
                && part.bytes().last().is_some_and(|b| b.is_ascii_alphanumeric())
        };
        let is_tag = |tag: &str| {
            (1..=128).contains(&tag.len())
                && tag.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b))
                && !tag.starts_with(['.', '-'])
        };
        if !path.split('/').all(is_component) || tag.is_some_and(|tag| !is_tag(tag)) {
            return Err(BAD);
        }
        Ok(Reference { domain: domain.to_string(), path, tag: tag.map(str::to_string), digest })
    }

    /// Returns the tag; `latest` where there is none.
    pub fn tag(&self) -> &str {
        self.tag.as_deref().unwrap_or("latest")
    }

    /// Returns the name as people write it: without `docker.io/` and `library/`.
    pub fn familiar_name(&self) -> String {
        if self.domain != "docker.io" {
            return self.name();
        }
        self.path.strip_prefix("library/").unwrap_or(&self.path).to_string()
    }

    /// Returns the name with its registry, without tag and digest.
    pub fn name(&self) -> String {
        format!("{}/{}", self.domain, self.path)
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.digest {
            Some(digest) => write!(f, "{}@{digest}", self.name()),
            None => write!(f, "{}:{}", self.name(), self.tag()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_names_as_the_runtime_does() {
        for (image, whole) in [
            ("nginx", Ok("docker.io/library/nginx:latest")),
            ("nginx:1.25", Ok("docker.io/library/nginx:1.25")),
            ("curlimages/curl", Ok("docker.io/curlimages/curl:latest")),
            ("ghcr.io/subicura/echo:v1", Ok("ghcr.io/subicura/echo:v1")),
            ("localhost:5000/a/b", Ok("localhost:5000/a/b:latest")),
            ("nginx@sha256:ab", Ok("docker.io/library/nginx@sha256:ab")),
            ("Nginx", Err("repository name must be lowercase")),
            ("nginx:", Err("invalid reference format")),
            ("a b", Err("invalid reference format")),
            ("", Err("invalid reference format")),
            ("nginx: 1.25", Err("invalid reference format")),
        ] {
            let read = Reference::parse(image).map(|reference| reference.to_string());
            assert_eq!(read.as_deref(), whole.as_ref().map(|text| *text), "{image}");
        }
    }
}
