//! What the machines hold on which commands run: files, kubeconfigs, streams, errands.

use super::api_ports::ApiPorts;
use super::ears::Ears;
use super::forward::Forwards;
use super::ground::HOME;
use super::net::Errands;
use super::proxies::Proxies;
use crate::Preset;
use crate::kubelet_server::Inner;
use apiserver::NodeRequest;
use kubectl::{Config, StreamRead};
use kubelet::cri::LogOptions;
use shell::{Files, Place};
use sim::Time;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

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
    /// Whether a cloud's controller is to begin or to end once the step is over.
    pub(crate) cloud: Option<bool>,
    /// Machines that boot: when they are up again.
    pub reboots: Vec<(Time, String)>,
    pub(super) client: Files,
    nodes: BTreeMap<Place, Files>,
    none: Files,
}

impl Machines {
    pub(super) fn new(preset: &Preset) -> Machines {
        let server = format!("https://{}:6443", preset.apiserver);
        let (user, cluster) = preset.context.split_once('@').unwrap_or((&preset.context, &preset.context));
        Machines {
            mail: BTreeMap::new(),
            node_requests: Vec::new(),
            followers: BTreeMap::new(),
            written: Vec::new(),
            closed: Vec::new(),
            config: Config::new(&preset.context, cluster, &server, user),
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
            cloud: None,
            reboots: Vec::new(),
            client: Files::with_folders(&[HOME, "/tmp"]),
            nodes: BTreeMap::new(),
            none: Files::with_folders(&["/root", "/tmp", "/etc"]),
        }
    }

    pub(crate) fn files(&self, place: &Place) -> &Files {
        if place.is_client() { &self.client } else { self.nodes.get(place).unwrap_or(&self.none) }
    }

    pub(crate) fn files_mut(&mut self, place: &Place) -> &mut Files {
        if place.is_client() {
            return &mut self.client;
        }
        let fresh = || Files::with_folders(&["/root", "/tmp", "/etc"]);
        self.nodes.entry(place.clone()).or_insert_with(fresh)
    }
}
