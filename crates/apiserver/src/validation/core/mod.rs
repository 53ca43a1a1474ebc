//! The core group.

pub(crate) mod affinity;
pub(crate) mod container;
pub(crate) mod downward;
pub(crate) mod limit_range;
pub(crate) mod objects;
pub(crate) mod persistent;
pub(crate) mod pod;
pub(crate) mod probe;
pub(crate) mod quota;
pub(crate) mod resize;
pub(crate) mod resources;
pub(crate) mod restart;
mod security;
pub(crate) mod service;
mod volumes;

pub(crate) use affinity::validate_tolerations;
