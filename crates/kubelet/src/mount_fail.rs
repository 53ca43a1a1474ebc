//! What can't be mounted: paths of another kind, exports of NFS that nobody has, volumes whose driver is no more, folders over files.

use crate::cri::{Files, Mount, View};
use crate::shared::Turn;
use crate::worker::PodWorker;
use api::Value;

/// Why a volume of a driver that was disabled isn't made.
// Models pkg/volume/git_repo/git_repo.go SetUpAt
pub(crate) const NO_GIT_REPO: &str = "git-repo volume plugin has been disabled; if necessary, it may be re-enabled by \
    enabling the feature-gate `GitRepoVolumeDriver`";

impl PodWorker {
    /// Sees whether somebody exports what an NFS volume shows; `volume` is its name, or that of its PersistentVolume.
    ///
    /// # Errors
    /// The words of `mount`.
    // Models pkg/volume/nfs/nfs.go SetUpAt, staging/src/k8s.io/mount-utils/mount_linux.go doMount
    pub(crate) fn check_nfs(
        &self,
        turn: &mut Turn,
        volume: &str,
        nfs: &Value,
        options: &[Value],
    ) -> Result<(), String> {
        let (server, path) = (nfs["server"].str(), nfs["path"].str());
        let is_bare = turn.is_bare();
        let storage = turn.net.storage();
        if is_bare || storage.is_exported(server, path) {
            return Ok(());
        }
        let is_name = server.parse::<std::net::IpAddr>().is_err();
        let why = if storage.is_exported(server, "") {
            format!("mounting {server}:{path} failed, reason given by server: No such file or directory")
        } else if is_name {
            format!("Failed to resolve server {server}: Name or service not known")
        } else {
            "Connection timed out".to_string()
        };
        let read_only = nfs["readOnly"].is_true().then_some("ro");
        let options: Vec<&str> = read_only.into_iter().chain(options.iter().map(Value::str)).collect();
        let options = if options.is_empty() { String::new() } else { format!("-o {} ", options.join(",")) };
        Err(format!(
            "mount failed: exit status 32\nMounting command: mount\nMounting arguments: -t nfs {options}{server}:{path} \
             /var/lib/kubelet/pods/{}/volumes/kubernetes.io~nfs/{volume}\nOutput: mount.nfs: {why}\n",
            self.uid
        ))
    }

    /// Returns the runtime's words where a container's mount is a folder and its image has a file in the place.
    // Models opencontainers/runc libcontainer/rootfs_linux.go createMountpoint
    pub(crate) fn folder_over_file(&mut self, turn: &mut Turn, i: usize) -> Option<String> {
        let find = |files: &mut View| {
            let mounts = files.root.mounts.clone();
            let mut folders = mounts.into_iter().filter(|mount| mount.device.is_none());
            folders.find(|mount| {
                files.root.image.get(&mount.path).is_some() && files.read(&mount.path).is_none()
            })
        };
        let mount = self.with_app(turn, i, |_, cx| find(&mut cx.files)).flatten()?;
        let (source, path) = (self.source_path(i, &mount), &mount.path);
        let id = &self.containers.get(i)?.id;
        Some(format!(
            "error mounting {source:?} to rootfs at {path:?}: create mountpoint for {path} mount: cannot create \
             subdirectories in \"/run/containerd/io.containerd.runtime.v2.task/k8s.io/{id}/rootfs{path}\": not a directory"
        ))
    }

    /// Returns where on the node what a container mounts at a path is.
    // Models pkg/volume/util/subpath/subpath_linux.go getSubpathBindTarget, pkg/kubelet/kubelet_getters.go getPodVolumeDir
    fn source_path(&self, i: usize, mount: &Mount) -> String {
        let Some(container) = self.containers.get(i) else { return String::new() };
        let mounts = container.spec["volumeMounts"].items();
        let at = mounts.iter().position(|known| *known["mountPath"].str() == *mount.path).unwrap_or(0);
        let name = mounts.get(at).map(|known| known["name"].text()).unwrap_or_default();
        let pod = format!("/var/lib/kubelet/pods/{}", self.uid);
        if !mount.sub_path.is_empty() {
            return format!("{pod}/volume-subpaths/{name}/{}/{at}", container.name);
        }
        let mut volumes = self.pod["spec"]["volumes"].items().iter();
        let volume = volumes.find(|volume| volume["name"].text() == name).cloned().unwrap_or_default();
        if let Some(path) = volume["hostPath"]["path"].as_str() {
            return path.to_string();
        }
        let plugins = [
            ("configMap", "configmap"),
            ("downwardAPI", "downward-api"),
            ("emptyDir", "empty-dir"),
            ("nfs", "nfs"),
            ("projected", "projected"),
            ("secret", "secret"),
        ];
        let plugin = plugins.iter().find(|(field, _)| !volume[*field].is_null());
        let plugin = plugin.map_or("csi", |(_, plugin)| plugin);
        format!("{pod}/volumes/kubernetes.io~{plugin}/{name}")
    }
}

/// Returns whether a node has such a file or folder.
pub(crate) fn is_there(files: &Files, path: &str) -> bool {
    files.is_directory(path) || files.get(path).is_some() || is_system_path(path)
}

/// Sees whether what a hostPath volume is to show is of the kind that it says, and makes what it asks for.
///
/// # Errors
/// What it is not.
// Models pkg/volume/hostpath/host_path.go checkTypeInternal
pub(crate) fn check_host_path(files: &mut Files, path: &str, kind: &str) -> Result<(), String> {
    let path = path.trim_end_matches('/');
    let (is_file, exists) = (files.get(path).is_some(), path.is_empty() || is_there(files, path));
    match kind {
        // What nobody asks for the runtime makes.
        "" | "DirectoryOrCreate" if !exists => _ = files.make_directory(path),
        "FileOrCreate" if !exists => _ = files.write(path, ""),
        _ => {}
    }
    let what = match kind {
        "Directory" if !exists || is_file => "a directory",
        "DirectoryOrCreate" if is_file => "a directory",
        "File" if !is_file => "a file",
        "FileOrCreate" if exists && !is_file => "a file",
        "Socket" if !path.ends_with("/containerd.sock") => "a socket file",
        "CharDevice" if !path.starts_with("/dev/") => "a character device",
        "BlockDevice" if !path.starts_with("/dev/") => "a block device",
        _ => return Ok(()),
    };
    Err(format!("hostPath type check failed: {path} is not {what}"))
}

fn is_system_path(path: &str) -> bool {
    ["/var", "/etc", "/usr", "/proc", "/sys", "/run", "/dev", "/lib", "/tmp", "/opt", "/home"].iter().any(
        |system| {
            path == *system || path.starts_with("/var/log") || path.starts_with("/var/lib") || path == "/"
        },
    )
}
