//! The controllers of kube-controller-manager: each makes one kind of object true, and knows
//! nothing of the others. A controller is a folder named as upstream's.

mod bootstrap;
mod certificates;
mod claim;
mod clusterroleaggregation;
mod cronjob;
mod daemonset;
mod deployment;
mod disruption;
mod endpoint;
mod endpointslice;
mod endpointslicemirroring;
mod garbagecollector;
mod hash;
mod history;
mod intstr;
mod job;
mod manager;
mod namespace;
mod nodeipam;
mod nodelifecycle;
mod pod;
mod pod_control;
mod podautoscaler;
mod podgc;
mod replicaset;
mod resourcequota;
mod rootca;
mod service_pods;
mod serviceaccount;
mod statefulset;
mod tainteviction;
mod taints;
mod ttl;
mod ttlafterfinished;
mod volume;

pub use bootstrap::signature as token_signature;
pub use hash::pod_template_hash;
pub use manager::{CONTROLLER_NAMES, ControllerManager, ControllerState};
pub use nodeipam::CLUSTER_CIDR;
pub use ttl::{ANNOTATION as TTL_ANNOTATION, seconds_for as ttl_seconds};
