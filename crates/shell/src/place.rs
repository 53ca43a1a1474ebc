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

/// What a process can find out about the machine it runs on.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Facts {
    /// The machine's name.
    pub hostname: String,
    /// Who it runs as: `root`.
    pub user: String,
    /// The folder it begins in.
    pub home: String,
    /// The environment, in order.
    pub environment: Vec<(String, String)>,
    /// The network interfaces with their addresses: (`eth0`, `10.244.1.5/24`).
    pub addresses: Vec<(String, String)>,
    /// The processes: (number, user, command line).
    pub processes: Vec<(u32, String, String)>,
    /// The programs there are; `None` for all that the shell knows.
    pub programs: Option<Vec<String>>,
}
