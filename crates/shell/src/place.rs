use std::rc::Rc;

/// Where a command runs.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Place {
    /// The learner's own machine.
    #[default]
    Client,
    /// A node.
    Node(Rc<str>),
    /// A container of a pod.
    Container {
        /// The pod's namespace.
        namespace: Rc<str>,
        /// The pod.
        pod: Rc<str>,
        /// The container.
        container: Rc<str>,
    },
}

impl Place {
    /// Returns whether it is the learner's own machine.
    pub fn is_client(&self) -> bool {
        *self == Place::Client
    }

    /// Returns whether it is in a container.
    pub fn is_container(&self) -> bool {
        matches!(self, Place::Container { .. })
    }
}

/// A network interface.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Interface {
    /// Its number; 0 for its place among the others.
    pub index: u32,
    /// Its name: `eth0`, `eth0@if7` in a pod.
    pub name: String,
    /// Its address with its network: `10.244.1.5/24`; empty for a bridge's port.
    pub address: String,
    /// Its hardware address.
    pub mac: String,
    /// The bridge that it is a port of.
    pub master: String,
    /// What `ip -d` tells of a device that is none of wires: `vxlan id 1 local …`.
    pub details: String,
}

/// A machine whose hardware address is known.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Neighbour {
    /// Its address.
    pub address: String,
    /// Its hardware address.
    pub mac: String,
    /// Whether it is still believed.
    pub is_fresh: bool,
    /// The address of the machine whose end of the overlay it is; empty for one on the segment.
    pub behind: String,
}

impl Facts {
    /// Returns the address of its own that others see.
    pub fn address(&self) -> &str {
        let own = self.interfaces.iter().find(|interface| interface.name != "lo");
        own.and_then(|interface| interface.address.split('/').next()).unwrap_or("")
    }
}

/// A folder of a volume, as `ls -l` tells of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct VolumeFolder {
    /// Where it is.
    pub path: String,
    /// Its mode: `drwxrwsrwx`.
    pub mode: String,
    /// Whose group it is.
    pub group: String,
}

/// What a process can find out about the machine it runs on.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Facts {
    /// The machine's name.
    pub hostname: String,
    /// Who it runs as: `root`.
    pub user: String,
    /// The numbers of the user and its groups, in a container.
    pub ids: Option<api::ids::Ids>,
    /// The folders of volumes that everybody may write in.
    pub volumes: Vec<VolumeFolder>,
    /// The folder it begins in.
    pub home: String,
    /// The environment, in order.
    pub environment: Vec<(String, String)>,
    /// The network interfaces.
    pub interfaces: Vec<Interface>,
    /// The routes as `ip route` prints them.
    pub routes: Vec<String>,
    /// The machines whose hardware addresses are known.
    pub neighbours: Vec<Neighbour>,
    /// Whether its programs are busybox's, as in small images.
    pub is_busybox: bool,
    /// How busybox's nslookup asks there.
    pub nslookup: api::nslookup::Style,
    /// The processes: (number, user, command line).
    pub processes: Vec<(u32, String, String)>,
    /// The folder that shows another machine's files, such as a node's in a pod that looks into it, and that machine.
    pub other_root: Option<(String, Place)>,
    /// The programs there are; `None` for all that the shell knows.
    pub programs: Option<Vec<String>>,
}
