use crate::host::FileError;
use std::collections::BTreeMap;
use std::rc::Rc;

/// How many files and folders a tree holds.
const MAX_FILES: usize = 2_000;
/// The longest file, in bytes.
const MAX_FILE: usize = 4 << 20;
/// How much all files hold together, in bytes.
const MAX_ALL: usize = 32 << 20;

/// The files of a machine, by absolute path. A value: a clone is a copy.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Files {
    /// The texts; folders have none.
    entries: BTreeMap<String, Option<Rc<str>>>,
    /// How many bytes all texts have.
    bytes: u64,
}

impl Files {
    /// Makes a tree with these folders.
    pub fn with_folders(folders: &[&str]) -> Files {
        let mut files = Files::default();
        for folder in folders {
            let mut path = String::new();
            for part in folder.split('/').filter(|part| !part.is_empty()) {
                path.push('/');
                path.push_str(part);
                files.entries.insert(path.clone(), None);
            }
        }
        files
    }

    fn is_dir(&self, path: &str) -> bool {
        path == "/" || path.is_empty() || self.entries.get(path).is_some_and(Option::is_none)
    }

    fn parent(path: &str) -> &str {
        path.rsplit_once('/').map_or("", |(parent, _)| parent)
    }

    fn check_parent(&self, path: &str) -> Result<(), FileError> {
        let parent = Files::parent(path);
        if self.is_dir(parent) {
            Ok(())
        } else if self.entries.contains_key(parent) {
            Err(FileError::NotDirectory)
        } else {
            Err(FileError::NotFound)
        }
    }

    /// Reads a file.
    ///
    /// # Errors
    /// Where there is none.
    pub fn read(&self, path: &str) -> Result<Rc<str>, FileError> {
        match self.entries.get(path) {
            Some(Some(text)) => Ok(text.clone()),
            Some(None) => Err(FileError::IsDirectory),
            None if self.is_dir(path) => Err(FileError::IsDirectory),
            None => Err(FileError::NotFound),
        }
    }

    /// Writes a file.
    ///
    /// # Errors
    /// Where its folder isn't there or nothing more has room.
    pub fn write(&mut self, path: &str, text: &str) -> Result<(), FileError> {
        if self.is_dir(path) {
            return Err(FileError::IsDirectory);
        }
        self.check_parent(path)?;
        let old = self.entries.get(path).and_then(Option::as_ref).map_or(0, |text| text.len());
        let bytes = self.bytes as usize - old + text.len();
        let is_new = !self.entries.contains_key(path);
        if text.len() > MAX_FILE || bytes > MAX_ALL || is_new && self.entries.len() >= MAX_FILES {
            return Err(FileError::NoSpace);
        }
        self.bytes = bytes as u64;
        self.entries.insert(path.to_string(), Some(text.into()));
        Ok(())
    }

    /// Writes a file, and makes the folders on the way that are missing.
    ///
    /// # Errors
    /// Where a file stands in the way or nothing more has room.
    pub fn write_deep(&mut self, path: &str, text: &str) -> Result<(), FileError> {
        for (at, _) in path.match_indices('/').skip(1) {
            match path.get(..at).map_or(Ok(()), |folder| self.make_dir(folder)) {
                Ok(()) | Err(FileError::Exists) => {}
                Err(other) => return Err(other),
            }
        }
        self.write(path, text)
    }

    /// Returns the names in a folder in order, those of folders with a `/` at the end.
    ///
    /// # Errors
    /// Where it is no folder.
    pub fn list(&self, path: &str) -> Result<Vec<String>, FileError> {
        if !self.is_dir(path) {
            let is_file = self.entries.contains_key(path);
            return Err(if is_file { FileError::NotDirectory } else { FileError::NotFound });
        }
        let prefix = format!("{}/", path.trim_end_matches('/'));
        let below = self.entries.range::<String, _>(prefix.clone()..);
        let below = below.take_while(|(name, _)| name.starts_with(&prefix));
        let names = below.filter_map(|(name, text)| {
            let name = name.get(prefix.len()..).filter(|name| !name.contains('/'))?;
            Some(if text.is_none() { format!("{name}/") } else { name.to_string() })
        });
        Ok(names.collect())
    }

    /// Makes a folder.
    ///
    /// # Errors
    /// Where something of that name is there, or the folder around it isn't.
    pub fn make_dir(&mut self, path: &str) -> Result<(), FileError> {
        if self.is_dir(path) || self.entries.contains_key(path) {
            return Err(FileError::Exists);
        }
        self.check_parent(path)?;
        if self.entries.len() >= MAX_FILES {
            return Err(FileError::NoSpace);
        }
        self.entries.insert(path.to_string(), None);
        Ok(())
    }

    /// Takes out a file, or a folder with all that is in it.
    ///
    /// # Errors
    /// Where there is none.
    pub fn remove(&mut self, path: &str) -> Result<(), FileError> {
        if !self.entries.contains_key(path) {
            return Err(FileError::NotFound);
        }
        let prefix = format!("{path}/");
        self.entries.retain(|name, _| name != path && !name.starts_with(&prefix));
        self.bytes = self.entries.values().flatten().map(|text| text.len() as u64).sum();
        Ok(())
    }

    /// Returns all files in order: (path, text).
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Rc<str>)> {
        self.entries.iter().filter_map(|(path, text)| Some((path.as_str(), text.as_ref()?)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_files() {
        let mut files = Files::with_folders(&["/root/work", "/tmp"]);
        assert_eq!(files.write("/root/a", "x"), Ok(()));
        assert_eq!(files.write("/root/a/b", "x"), Err(FileError::NotDirectory));
        assert_eq!(files.write("/no/b", "x"), Err(FileError::NotFound));
        assert_eq!(files.write("/tmp", "x"), Err(FileError::IsDirectory));
        assert_eq!(files.write("/root/work/c", "y"), Ok(()));
        assert_eq!(files.list("/root").unwrap(), ["a", "work/"]);
        assert_eq!(files.list("/").unwrap(), ["root/", "tmp/"]);
        assert_eq!(files.list("/root/a"), Err(FileError::NotDirectory));
        assert_eq!(files.make_dir("/tmp"), Err(FileError::Exists));
        assert_eq!(files.write_deep("/tmp/x/y/d", "z"), Ok(()));
        assert_eq!(files.list("/tmp/x/y").unwrap(), ["d"]);
        assert_eq!(files.write_deep("/root/a/x/e", "z"), Err(FileError::NotDirectory));
        assert_eq!(files.remove("/root"), Ok(()));
        assert_eq!(files.read("/root/work/c"), Err(FileError::NotFound));
        assert_eq!(files.write("/tmp/big", &"x".repeat(MAX_FILE + 1)), Err(FileError::NoSpace));
    }
}
