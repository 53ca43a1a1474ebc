//! The files of a node: what lies on its disk, which its pods see through hostPath and local volumes, and beside it
//! the machine's configuration, which the console keeps.

use super::ground::Ground;
use crate::manifests::KUBELET_CONFIG;
use kubelet::cri::Files;
use shell::{FileError, Place};

/// What belongs to the machine's configuration.
const CONFIGURATION: &str = "/etc/kubernetes";

/// Returns whether a path isn't the disk's.
pub(crate) fn is_configuration(path: &str) -> bool {
    let under = path.strip_prefix(CONFIGURATION);
    path == KUBELET_CONFIG || under.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

fn parent(path: &str) -> &str {
    path.rsplit_once('/').map_or("/", |(parent, _)| if parent.is_empty() { "/" } else { parent })
}

/// Sees whether a file can be in its folder.
fn check_parent(files: &Files, path: &str) -> Result<(), FileError> {
    match parent(path) {
        folder if files.is_directory(folder) => Ok(()),
        folder if files.get(folder).is_some() => Err(FileError::NotDirectory),
        _ => Err(FileError::NotFound),
    }
}

impl Ground<'_> {
    /// Returns what lies on a node's disk, where a path is on one.
    fn disk_files(&mut self, place: &Place, path: &str) -> Option<&mut Files> {
        let Place::Node(name) = place else { return None };
        if is_configuration(path) {
            return None;
        }
        self.parts.node_mut(name).map(|(_, machine)| machine.kubelet.node_files_mut())
    }

    pub(super) fn read_machine_file(&mut self, place: &Place, path: &str) -> Result<String, FileError> {
        match self.disk_files(place, path) {
            None => self.machines.files(place).read(path).map(|text| text.to_string()),
            Some(files) => match files.get(path) {
                Some(text) => Ok(text.to_string()),
                None if files.is_directory(path) => Err(FileError::IsDirectory),
                None => Err(FileError::NotFound),
            },
        }
    }

    pub(super) fn write_machine_file(
        &mut self,
        place: &Place,
        path: &str,
        text: &str,
    ) -> Result<(), FileError> {
        let Some(files) = self.disk_files(place, path) else {
            return self.machines.files_mut(place).write(path, text);
        };
        if files.is_directory(path) {
            return Err(FileError::IsDirectory);
        }
        check_parent(files, path)?;
        if files.write(path, text) { Ok(()) } else { Err(FileError::NoSpace) }
    }

    /// Writes a file on a node of which nothing is kept but its size, in bytes.
    pub(super) fn write_large_file(
        &mut self,
        place: &Place,
        path: &str,
        bytes: u64,
    ) -> Result<(), FileError> {
        self.write_machine_file(place, path, "")?;
        if let Some(files) = self.disk_files(place, path) {
            files.write_large(path, bytes);
        }
        Ok(())
    }

    pub(super) fn list_machine_dir(&mut self, place: &Place, path: &str) -> Result<Vec<String>, FileError> {
        let Some(files) = self.disk_files(place, path) else { return self.machines.files(place).list(path) };
        if files.get(path).is_some() {
            return Err(FileError::NotDirectory);
        }
        if !files.is_directory(path) {
            return Err(FileError::NotFound);
        }
        let base = format!("{}/", path.trim_end_matches('/'));
        let names = files.under(path).filter_map(|(name, _)| {
            let rest = name.strip_prefix(&base).filter(|rest| !rest.is_empty())?;
            Some(rest.split_once('/').map_or(rest.to_string(), |(folder, _)| format!("{folder}/")))
        });
        let mut names: Vec<String> = names.collect();
        let own = self.machines.files(place).list(path).unwrap_or_default();
        names.extend(
            own.into_iter().filter(|name| is_configuration(&format!("{base}{}", name.trim_end_matches('/')))),
        );
        names.sort();
        names.dedup();
        Ok(names)
    }

    pub(super) fn make_machine_dir(&mut self, place: &Place, path: &str) -> Result<(), FileError> {
        let Some(files) = self.disk_files(place, path) else {
            return self.machines.files_mut(place).make_dir(path);
        };
        if files.is_directory(path) || files.get(path).is_some() {
            return Err(FileError::Exists);
        }
        check_parent(files, path)?;
        if files.make_directory(path) { Ok(()) } else { Err(FileError::NoSpace) }
    }

    pub(super) fn remove_machine_file(&mut self, place: &Place, path: &str) -> Result<(), FileError> {
        let Some(files) = self.disk_files(place, path) else {
            return self.machines.files_mut(place).remove(path);
        };
        if path == "/" || !files.remove(path) {
            return Err(FileError::NotFound);
        }
        let folder = parent(path);
        if !files.is_directory(folder) {
            files.make_directory(folder); // it stays when it is empty
        }
        Ok(())
    }
}
