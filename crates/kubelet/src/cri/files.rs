use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

/// The longest file, in bytes; what is written beyond is dropped.
pub(super) const MAX_FILE: usize = 256 * 1024;
/// How many files a tree holds; more aren't made.
const MAX_FILES: usize = 4_096;
/// How much a tree holds, in bytes; no more is written.
const MAX_BYTES: u64 = 8 * 1024 * 1024;

/// Files by their absolute path. A directory is a path that ends in `/`, or one with files under it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Files {
    files: BTreeMap<Rc<str>, Rc<str>>,
    /// How large files are of which nothing but the size is kept, in bytes.
    large: BTreeMap<Rc<str>, u64>,
    /// What is kept of all files, in bytes.
    bytes: u64,
}

impl Files {
    /// Returns a file's content.
    pub fn get(&self, path: &str) -> Option<&Rc<str>> {
        self.files.get(path)
    }

    /// Writes a file. Returns whether there was room for it.
    pub fn write(&mut self, path: &str, content: &str) -> bool {
        let known = self.files.get(path).map(|text| text.len() as u64);
        if self.files.len() >= MAX_FILES && known.is_none() {
            return false;
        }
        let mut end = content.len().min(MAX_FILE);
        while !content.is_char_boundary(end) {
            end -= 1;
        }
        let bytes = self.bytes.saturating_sub(known.unwrap_or(0)) + end as u64;
        if bytes > MAX_BYTES {
            return false;
        }
        self.bytes = bytes;
        self.large.remove(path);
        self.files.insert(path.into(), content.get(..end).unwrap_or("").into());
        true
    }

    /// Writes a file of so many bytes, of which nothing is kept but how many they are. Returns whether there was
    /// room for it.
    pub fn write_large(&mut self, path: &str, bytes: u64) -> bool {
        let written = self.write(path, "");
        if written && bytes > 0 {
            self.large.insert(path.into(), bytes);
        }
        written
    }

    /// Returns how large a file is, in bytes.
    pub fn size(&self, path: &str) -> Option<u64> {
        let content = self.files.get(path)?;
        Some(self.large.get(path).copied().unwrap_or(content.len() as u64))
    }

    /// Makes a directory.
    pub fn make_directory(&mut self, path: &str) -> bool {
        self.write(&format!("{}/", path.trim_end_matches('/')), "")
    }

    /// Takes out a file, or a directory with what is under it. Returns whether there was one.
    pub fn remove(&mut self, path: &str) -> bool {
        let under = format!("{}/", path.trim_end_matches('/'));
        let before = self.files.len();
        let mut bytes = 0;
        self.files.retain(|name, content| {
            let stays = &**name != path && !name.starts_with(&under);
            bytes += if stays { content.len() as u64 } else { 0 };
            stays
        });
        self.bytes = bytes;
        self.large.retain(|name, _| &**name != path && !name.starts_with(&under));
        self.files.len() != before
    }

    /// Returns whether the path is a directory.
    pub fn is_directory(&self, path: &str) -> bool {
        let under = format!("{}/", path.trim_end_matches('/'));
        under == "/"
            || self
                .files
                .range::<str, _>((std::ops::Bound::Included(under.as_str()), std::ops::Bound::Unbounded))
                .next()
                .is_some_and(|(name, _)| name.starts_with(&under))
    }

    /// Returns the paths under a directory with their contents; directories end in `/`.
    pub fn under<'a>(&'a self, path: &str) -> impl Iterator<Item = (&'a str, &'a Rc<str>)> {
        let under = format!("{}/", path.trim_end_matches('/'));
        self.files
            .range::<str, _>((std::ops::Bound::Included(under.as_str()), std::ops::Bound::Unbounded))
            .take_while(move |(name, _)| name.starts_with(&under))
            .map(|(name, content)| (&**name, content))
    }

    /// Returns all paths with their contents.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Rc<str>)> {
        self.files.iter().map(|(name, content)| (&**name, content))
    }

    /// Returns how much all files hold together, in bytes.
    pub fn bytes(&self) -> u64 {
        self.large.values().fold(self.bytes, |sum, bytes| sum.saturating_add(*bytes))
    }

    /// Returns whether there is no file.
    pub fn is_empty(&self) -> bool {
        self.files.is_empty()
    }
}

impl<A: AsRef<str>, B: AsRef<str>> FromIterator<(A, B)> for Files {
    fn from_iter<I: IntoIterator<Item = (A, B)>>(entries: I) -> Files {
        let mut files = Files::default();
        for (path, content) in entries {
            files.write(path.as_ref(), content.as_ref());
        }
        files
    }
}

/// Volumes that outlive pods and nodes, by their handle: a PersistentVolume's name, an NFS export.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Storage {
    volumes: BTreeMap<Rc<str>, Files>,
    /// What servers export: the server's address and the folder.
    exports: BTreeSet<(Rc<str>, Rc<str>)>,
}

impl Storage {
    /// Returns a volume's files, which are none at first.
    pub fn volume(&mut self, handle: &str) -> &mut Files {
        self.volumes.entry(handle.into()).or_default()
    }

    /// Lets a server export a folder.
    pub fn export(&mut self, server: &str, folder: &str) {
        self.exports.insert((server.into(), folder.into()));
    }

    /// Returns whether a server exports a path; an empty one asks for any.
    pub fn is_exported(&self, server: &str, path: &str) -> bool {
        self.exports.iter().any(|(known, folder)| {
            let below = path.strip_prefix(folder.trim_end_matches('/'));
            **known == *server
                && (path.is_empty() || below.is_some_and(|rest| rest.is_empty() || rest.starts_with('/')))
        })
    }

    /// Makes what is behind one handle be behind another too, as it is now.
    pub fn copy(&mut self, from: &str, to: &str) {
        let files = self.volumes.get(from).cloned().unwrap_or_default();
        self.volumes.insert(to.into(), files);
    }

    /// Forgets a volume.
    pub fn remove(&mut self, handle: &str) {
        self.volumes.remove(handle);
    }
}
