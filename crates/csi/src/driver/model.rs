use api::{Value, meta};

/// What is particular to a driver.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Model {
    /// Its name.
    pub(super) name: &'static str,
    /// How its program is called among the agents.
    pub(super) agent: &'static str,
    /// What keeps an attachment, and its volume, until it is detached.
    pub(super) attached: &'static str,
    /// The size of which a volume's is a multiple, and the largest one, in bytes.
    pub(super) sizes: (i64, i64),
    /// Whether a volume can begin as another's copy.
    pub(super) clones: bool,
    /// Whether several pods on several nodes may have a volume, as far as the driver knows.
    pub(super) shares: bool,
    /// The label of nodes that says where volumes can be reached.
    pub(super) topology: &'static str,
    /// The one place there is; empty where each node is its own.
    pub(super) place: &'static str,
    /// The file system of volumes whose class names none; empty for the driver's own.
    pub(super) file_system: &'static str,
    /// The key under which an attachment tells the volume's name; empty for none.
    pub(super) told: &'static str,
}

/// DigitalOcean's block storage.
// Models github.com/digitalocean/csi-digitalocean
static DIGITALOCEAN: Model = Model {
    name: "dobs.csi.digitalocean.com",
    agent: "csi-do-controller",
    attached: "external-attacher/dobs-csi-digitalocean-com",
    sizes: (1 << 30, 16 << 40),
    clones: false,
    shares: false,
    topology: "region",
    place: "nyc1",
    file_system: "ext4",
    told: "dobs.csi.digitalocean.com/volume-name",
};

/// Directories of the node on which the driver runs: made for trying out what drivers can do.
// Models github.com/kubernetes-csi/csi-driver-host-path
static HOSTPATH: Model = Model {
    name: "hostpath.csi.k8s.io",
    agent: "csi-hostpathplugin",
    attached: "external-attacher/hostpath-csi-k8s-io",
    sizes: (1, 1 << 40),
    clones: true,
    shares: true,
    topology: "topology.hostpath.csi/node",
    place: "",
    file_system: "",
    told: "",
};

impl Model {
    /// Returns where the volumes are that the driver of a pod makes.
    pub(super) fn place_of<'a>(&'a self, pod: &'a Value) -> &'a str {
        if self.place.is_empty() { pod["spec"]["nodeName"].str() } else { self.place }
    }

    /// Returns the size of the volume that is made where so many bytes are asked for, in bytes.
    pub(super) fn rounded(&self, asked: i64) -> i64 {
        asked.saturating_add(self.sizes.0 - 1) / self.sizes.0 * self.sizes.0
    }

    /// Returns the driver whose program runs in a pod.
    pub(super) fn of(pod: &Value) -> &'static Model {
        let is = |name: &str| meta::name(pod).starts_with(name);
        if is(HOSTPATH.agent) { &HOSTPATH } else { &DIGITALOCEAN }
    }
}
