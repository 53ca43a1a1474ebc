//! What the machines hold on which commands run: files, kubeconfigs, streams, errands.

use super::api_ports::ApiPorts;
use super::ears::Ears;
use super::forward::Forwards;
use super::ground::HOME;
use super::net::Errands;
use super::proxies::Proxies;
use crate::join::Machinery;
use crate::kubelet_server::Inner;
use crate::manifests::{FOLDER, KUBELET_CONFIG, kubelet_config, of_control_plane};
use crate::{NodeSpec, Preset};
use apiserver::NodeRequest;
use kubectl::{Config, StreamRead};
use kubelet::cri::LogOptions;
use shell::{Files, MachineWait, Place};
use sim::Time;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// The folders of a node that were there from the first moment.
const FOLDERS: &[&str] = &["/root", "/tmp", "/etc", FOLDER, "/var/lib/kubelet"];

/// The administrator's kubeconfig on a machine of the control plane.
const ADMIN: &str = "/etc/kubernetes/admin.conf";

/// Returns what a node's files are at first.
fn files_of_node() -> Files {
    let mut files = Files::with_folders(FOLDERS);
    // There is room for it.
    let _ = files.write(KUBELET_CONFIG, kubelet_config());
    files
}

/// Returns what a control-plane node's files are at first.
fn files_of_control_plane(node: &NodeSpec, planes: &[&NodeSpec], config: &Config) -> (Place, Files) {
    let mut files = files_of_node();
    let _ = files.write(ADMIN, &config.text());
    for (path, text) in of_control_plane(&node.name, planes) {
        // There is room for them.
        let _ = files.write(&path, &text);
    }
    (Place::Node(node.name.as_str().into()), files)
}

/// A log that is followed.
#[derive(Clone, Debug)]
pub(crate) struct Follower {
    pub node: String,
    pub namespace: String,
    pub pod: String,
    pub options: LogOptions,
}

/// What the console's machines hold: files, kubeconfigs, streams, errands on the network.
#[derive(Clone, Debug)]
pub(crate) struct Machines {
    pub mail: BTreeMap<u64, VecDeque<StreamRead>>,
    pub node_requests: Vec<NodeRequest>,
    pub followers: BTreeMap<u64, Follower>,
    pub written: Vec<(u64, String)>,
    pub closed: Vec<u64>,
    pub config: Config,
    pub configs: BTreeMap<Place, Config>,
    pub errands: Errands,
    /// Kubelets that were asked something: when they are due is to be looked at anew.
    pub touched: BTreeSet<u32>,
    pub changed_files: Vec<(String, Option<String>)>,
    pub open_in_editor: Vec<String>,
    /// Ports that lead into pods.
    pub forwards: Forwards,
    /// The ports that lead to the API server.
    pub api_ports: ApiPorts,
    /// Ports that programs have opened.
    pub ears: Ears,
    /// Answers that come as streams for processes in the cluster.
    pub inner: BTreeMap<u64, Inner>,
    /// What the API server asks on its clients' behalf.
    pub proxies: Proxies,
    /// Whether a stream got something while commands were stepped.
    pub has_mail: bool,
    /// Machines whose kube-proxy is to start anew.
    pub proxy_restarts: Vec<String>,
    /// Machines in whose folder of static pods something was written.
    pub manifests: BTreeSet<String>,
    /// Whether a cloud's controller is to begin or to end once the step is over.
    pub(crate) cloud: Option<bool>,
    /// What is to be done with machines once the step is over.
    pub machinery: Vec<Machinery>,
    /// What the program that was run last waits for.
    pub wait: Option<MachineWait>,
    /// Machines that boot: when they are up again.
    pub reboots: Vec<(Time, String)>,
    /// Machines that wait for their pods to end before they go off: when they are looked at again.
    pub shutdowns: Vec<(Time, String)>,
    /// Machines that are to shut down once the step is over.
    pub downs: Vec<String>,
    pub(super) client: Files,
    nodes: BTreeMap<Place, Files>,
    none: Files,
}

impl Machines {
    pub(super) fn new(preset: &Preset) -> Machines {
        let server = format!("https://{}:6443", preset.apiserver);
        let planes: Vec<&NodeSpec> = preset.nodes.iter().filter(|node| node.control_plane).collect();
        let (user, cluster) = preset.context.split_once('@').unwrap_or((&preset.context, &preset.context));
        let config = Config::new(&preset.context, cluster, &server, user);
        let mut client = Files::with_folders(&[HOME, &format!("{HOME}/.kube"), "/tmp"]);
        // There is room for it.
        let _ = client.write(&format!("{HOME}/.kube/config"), &config.text());
        let of_plane = |node: &&NodeSpec| files_of_control_plane(node, &planes, &config);
        Machines {
            mail: BTreeMap::new(),
            node_requests: Vec::new(),
            followers: BTreeMap::new(),
            written: Vec::new(),
            closed: Vec::new(),
            configs: BTreeMap::new(),
            errands: Errands::default(),
            touched: BTreeSet::new(),
            changed_files: Vec::new(),
            open_in_editor: Vec::new(),
            forwards: Forwards::default(),
            api_ports: ApiPorts::default(),
            ears: Ears::default(),
            inner: BTreeMap::new(),
            proxies: Proxies::default(),
            has_mail: false,
            proxy_restarts: Vec::new(),
            manifests: BTreeSet::new(),
            cloud: None,
            machinery: Vec::new(),
            wait: None,
            reboots: Vec::new(),
            shutdowns: Vec::new(),
            downs: Vec::new(),
            client,
            nodes: planes.iter().map(of_plane).collect(),
            none: files_of_node(),
            config,
        }
    }

    pub(crate) fn files(&self, place: &Place) -> &Files {
        if place.is_client() { &self.client } else { self.nodes.get(place).unwrap_or(&self.none) }
    }

    pub(crate) fn files_mut(&mut self, place: &Place) -> &mut Files {
        if place.is_client() {
            return &mut self.client;
        }
        self.nodes.entry(place.clone()).or_insert_with(files_of_node)
    }
}
