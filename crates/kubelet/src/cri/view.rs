use super::files::{Files, Storage};
use api::ids::Ids;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

/// Where the files of a mount are.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum MountSource {
    /// A volume of the pod.
    Pod(Rc<str>),
    /// A directory of the node.
    Node(Rc<str>),
    /// A volume that outlives the node.
    Storage(Rc<str>),
}

/// A volume's place in a container.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Mount {
    /// The path in the container.
    pub path: Rc<str>,
    /// Where the files are.
    pub source: MountSource,
    /// Which part of the volume; empty for all.
    pub sub_path: Rc<str>,
    /// Whether it can't be written.
    pub read_only: bool,
    /// How large it is in bytes, where it is no directory but a block device.
    pub device: Option<u64>,
}

/// What a container has written over its image, and its mounts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RootFs {
    /// The image's files.
    pub image: Rc<Files>,
    /// What was written since the container was made.
    pub written: Files,
    /// What of the image was removed.
    pub removed: BTreeSet<Rc<str>>,
    /// The mounts; of nested ones the longer path counts.
    pub mounts: Vec<Mount>,
    /// Whether only mounts can be written.
    pub read_only: bool,
    /// As whom its processes run.
    pub ids: Ids,
    /// Which user the image gives a folder to.
    pub owners: BTreeMap<String, i64>,
    /// The file that is mounted for the words at a container's end.
    pub termination_log: Rc<str>,
}

/// Why a file system that is only for reading can't be written.
const READ_ONLY: &str = "Read-only file system";
/// Why what belongs to another can't.
pub const DENIED: &str = "Permission denied";
/// The folders that everybody may write in.
const OPEN: [&str; 3] = ["/tmp", "/var/tmp", "/dev/shm"];

/// A container's files as a process in it sees them.
pub struct View<'a> {
    /// The container's own.
    pub root: &'a mut RootFs,
    /// The pod's volumes.
    pub volumes: &'a mut BTreeMap<Rc<str>, Files>,
    /// The node's files.
    pub node: &'a mut Files,
    /// What outlives the node.
    pub storage: &'a mut Storage,
}

/// Returns an absolute path without `.`, `..` and doubled slashes.
pub fn clean_path(directory: &str, path: &str) -> String {
    if path.starts_with('/')
        && (path == "/" || path.split('/').skip(1).all(|part| !matches!(part, "" | "." | "..")))
    {
        return path.to_string();
    }
    let whole = if path.starts_with('/') { path.to_string() } else { format!("{directory}/{path}") };
    let mut parts: Vec<&str> = Vec::new();
    for part in whole.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    format!("/{}", parts.join("/"))
}

/// Returns whether a path is a directory or something in it.
fn is_under(path: &str, directory: &str) -> bool {
    path.strip_prefix(directory).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

impl View<'_> {
    /// Returns the mount that a path is on.
    fn mount(&self, path: &str) -> Option<&Mount> {
        let mounts = self.root.mounts.iter().filter(|mount| {
            let under = path.strip_prefix(mount.path.trim_end_matches('/'));
            path == &*mount.path || under.is_some_and(|rest| rest.starts_with('/'))
        });
        mounts.max_by_key(|mount| mount.path.len())
    }

    /// Returns how large the block device at a path is, in bytes; `None` where there is none.
    pub fn device(&self, path: &str) -> Option<u64> {
        self.mount(path).filter(|mount| *mount.path == *path)?.device
    }

    /// Returns the tree that holds a path, and the path in it.
    fn place(&mut self, path: &str) -> Option<(&mut Files, String)> {
        let mount = self.mount(path)?.clone();
        let rest = path.get(mount.path.trim_end_matches('/').len()..).unwrap_or("");
        let within = clean_path("/", &format!("{}/{rest}", mount.sub_path));
        Some(match &mount.source {
            MountSource::Pod(name) => (self.volumes.entry(name.clone()).or_default(), within),
            MountSource::Node(directory) => {
                let place = clean_path("/", &format!("{directory}/{within}"));
                (&mut *self.node, place)
            }
            MountSource::Storage(handle) => (self.storage.volume(handle), within),
        })
    }

    /// Returns a file's content.
    pub fn read(&mut self, path: &str) -> Option<Rc<str>> {
        let is_device = self.device(path).is_some();
        if let Some((files, place)) = self.place(path) {
            return files.get(&place).cloned().or_else(|| is_device.then(|| "".into()));
        }
        if let Some(content) = self.root.written.get(path) {
            return Some(content.clone());
        }
        if self.root.removed.contains(path) { None } else { self.root.image.get(path).cloned() }
    }

    /// Returns whether the path is a directory.
    pub fn is_directory(&mut self, path: &str) -> bool {
        if let Some((files, place)) = self.place(path) {
            return place == "/" || files.is_directory(&place);
        }
        let under = format!("{}/", path.trim_end_matches('/'));
        self.root.written.is_directory(path)
            || self.root.image.is_directory(path)
            || self.root.mounts.iter().any(|mount| mount.path.starts_with(&under))
            || matches!(
                path,
                "/tmp" | "/etc" | "/var" | "/root" | "/home" | "/dev" | "/usr" | "/bin" | "/proc"
            )
    }

    /// Returns why a path can't be written, in the system's words; `None` where it can.
    pub fn refusal(&self, path: &str) -> Option<&'static str> {
        if let Some(mount) = self.mount(path) {
            return mount.read_only.then_some(READ_ONLY);
        }
        // The runtime mounts what is in memory over an image's /dev.
        let is_mounted = *path == *self.root.termination_log || is_under(path, "/dev");
        if self.root.read_only && !is_mounted {
            return Some(READ_ONLY);
        }
        let own = |(folder, owner): (&String, &i64)| *owner == self.root.ids.user && is_under(path, folder);
        let may = self.root.ids.user == 0
            || *path == *self.root.termination_log
            || OPEN.iter().any(|folder| is_under(path, folder))
            || self.root.owners.iter().any(own);
        (!may).then_some(DENIED)
    }

    /// Writes a file. What is written to a block device takes the place of what is at its beginning.
    ///
    /// # Errors
    /// The system's words: `Read-only file system`, `No space left on device`.
    pub fn write(&mut self, path: &str, content: &str) -> Result<(), &'static str> {
        if let Some(why) = self.refusal(path) {
            return Err(why);
        }
        if self.device(path).is_some() {
            return self.write_at(path, 0, content.as_bytes());
        }
        let written = match self.place(path) {
            Some((files, place)) => files.write(&place, content),
            None => {
                self.root.removed.remove(path);
                self.root.written.write(path, content)
            }
        };
        if written { Ok(()) } else { Err("No space left on device") }
    }

    /// Writes so many bytes into a file, of which nothing is kept but how many they are.
    ///
    /// # Errors
    /// As [`View::write`].
    pub fn write_large(&mut self, path: &str, bytes: u64) -> Result<(), &'static str> {
        if let Some(why) = self.refusal(path) {
            return Err(why);
        }
        let written = match self.place(path) {
            Some((files, place)) => files.write_large(&place, bytes),
            None => {
                self.root.removed.remove(path);
                self.root.written.write_large(path, bytes)
            }
        };
        if written { Ok(()) } else { Err("No space left on device") }
    }

    /// Writes bytes into a file or a block device, from a place on; what is around them stays.
    ///
    /// # Errors
    /// As [`View::write`].
    pub fn write_at(&mut self, path: &str, from: u64, bytes: &[u8]) -> Result<(), &'static str> {
        if let Some(why) = self.refusal(path) {
            return Err(why);
        }
        let most = self.device(path).unwrap_or(u64::MAX);
        let until = from.saturating_add(bytes.len() as u64);
        let Some(until) = usize::try_from(until).ok().filter(|until| *until as u64 <= most) else {
            return Err("No space left on device");
        };
        if until > super::files::MAX_FILE {
            return Ok(()); // what is so far back in a device is never looked at
        }
        let mut content = self.read(path).map_or_else(Vec::new, |content| content.as_bytes().to_vec());
        content.resize(content.len().max(until), 0);
        let from = until - bytes.len();
        if let Some(place) = content.get_mut(from..until) {
            place.copy_from_slice(bytes);
        }
        let content = String::from_utf8_lossy(&content).into_owned();
        let written = match self.place(path) {
            Some((files, place)) => files.write(&place, &content),
            None => self.root.written.write(path, &content),
        };
        if written { Ok(()) } else { Err("No space left on device") }
    }

    /// Makes a directory.
    ///
    /// # Errors
    /// As [`View::write`].
    pub fn make_directory(&mut self, path: &str) -> Result<(), &'static str> {
        if let Some(why) = self.refusal(path) {
            return Err(why);
        }
        let made = match self.place(path) {
            Some((files, place)) => files.make_directory(&place),
            None => self.root.written.make_directory(path),
        };
        if made { Ok(()) } else { Err("No space left on device") }
    }

    /// Takes out a file or a directory. Returns whether there was one.
    ///
    /// # Errors
    /// `Read-only file system`.
    pub fn remove(&mut self, path: &str) -> Result<bool, &'static str> {
        if self.device(path).is_some() {
            return Err("Device or resource busy");
        }
        if let Some(why) = self.refusal(path) {
            return Err(why);
        }
        if let Some((files, place)) = self.place(path) {
            return Ok(files.remove(&place));
        }
        let in_image = self.root.image.get(path).is_some() && self.root.removed.insert(path.into());
        Ok(self.root.written.remove(path) || in_image)
    }

    /// Returns the names in a directory, in order; directories end in `/`.
    pub fn list(&mut self, path: &str) -> Vec<String> {
        let mut names = BTreeSet::new();
        let base = format!("{}/", path.trim_end_matches('/'));
        let mut add = |base: &str, full: &str| {
            let Some(rest) = full.strip_prefix(base).filter(|rest| !rest.is_empty()) else { return };
            match rest.split_once('/') {
                Some((directory, _)) => names.insert(format!("{directory}/")),
                None => names.insert(rest.to_string()),
            };
        };
        if let Some((files, place)) = self.place(path) {
            let within = format!("{}/", place.trim_end_matches('/'));
            files.under(&place).for_each(|(name, _)| add(&within, name));
        } else {
            let removed = &self.root.removed;
            self.root
                .image
                .under(path)
                .filter(|(name, _)| !removed.contains(*name))
                .for_each(|(name, _)| add(&base, name));
            self.root.written.under(path).for_each(|(name, _)| add(&base, name));
        }
        for mount in &self.root.mounts {
            match mount.device {
                Some(_) => add(&base, &mount.path),
                None => add(&base, &format!("{}/", mount.path.trim_end_matches('/'))),
            }
        }
        names.into_iter().collect()
    }

    /// Returns every file that can be seen, with its path. It is a copy, for a console to look at.
    pub fn all(&mut self) -> Files {
        let mut files = Files::default();
        for (path, content) in self.root.image.iter().chain(self.root.written.iter()) {
            let hidden = self.root.mounts.iter().any(|mount| {
                path == &*mount.path || path.starts_with(&format!("{}/", mount.path.trim_end_matches('/')))
            });
            if !hidden && !self.root.removed.contains(path) {
                files.write(path, content);
            }
        }
        for mount in self.root.mounts.clone() {
            if mount.device.is_some() {
                files.write(&mount.path, &self.read(&mount.path).unwrap_or_default());
                continue;
            }
            files.make_directory(&mount.path);
            let Some((tree, place)) = self.place(&mount.path) else { continue };
            if let Some(content) = tree.get(&place) {
                let content = content.clone();
                files.remove(&mount.path);
                files.write(&mount.path, &content);
                continue;
            }
            let base = place.trim_end_matches('/').len();
            for (path, content) in tree.under(&place) {
                let rest = path.get(base..).unwrap_or("");
                files.write(&format!("{}{rest}", mount.path.trim_end_matches('/')), content);
            }
        }
        files
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mount_hides_the_image_and_can_be_read_only() {
        let mut root = RootFs {
            image: Rc::new([("/etc/app/a", "image"), ("/etc/hosts", "h")].into_iter().collect()),
            mounts: vec![
                Mount {
                    path: "/etc/app".into(),
                    source: MountSource::Pod("cfg".into()),
                    sub_path: "".into(),
                    read_only: true,
                    device: None,
                },
                Mount {
                    path: "/data".into(),
                    source: MountSource::Storage("pv1".into()),
                    sub_path: "db".into(),
                    read_only: false,
                    device: None,
                },
                Mount {
                    path: "/host".into(),
                    source: MountSource::Node("/var/log".into()),
                    sub_path: "".into(),
                    read_only: false,
                    device: None,
                },
            ],
            ..RootFs::default()
        };
        let mut volumes =
            BTreeMap::from([("cfg".into(), [("/level", "beginner")].into_iter().collect::<Files>())]);
        let (mut node, mut storage) = (Files::default(), Storage::default());
        let mut view =
            View { root: &mut root, volumes: &mut volumes, node: &mut node, storage: &mut storage };
        assert_eq!(view.read("/etc/app/a"), None);
        assert_eq!(view.read("/etc/app/level").as_deref(), Some("beginner"));
        assert_eq!(view.read("/etc/hosts").as_deref(), Some("h"));
        assert_eq!(view.write("/etc/app/x", ""), Err("Read-only file system"));
        assert_eq!(view.write("/data/x", "1"), Ok(()));
        assert_eq!(view.write("/host/log", "2"), Ok(()));
        assert_eq!(view.list("/"), ["data/", "etc/", "host/"]);
        assert_eq!(view.list("/etc"), ["app/", "hosts"]);
        assert_eq!(view.list("/data"), ["x"]);
        assert_eq!(view.remove("/etc/hosts"), Ok(true));
        assert_eq!(view.read("/etc/hosts"), None);
        let all = view.all();
        assert_eq!(all.get("/etc/app/level").map(|text| &**text), Some("beginner"));
        assert_eq!(all.get("/etc/app/a"), None);
        assert_eq!(storage.volume("pv1").get("/db/x").map(|text| &**text), Some("1"));
        assert_eq!(node.get("/var/log/log").map(|text| &**text), Some("2"));
    }
}
