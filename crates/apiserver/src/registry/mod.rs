//! What differs from kind to kind: how objects are prepared, validated and deleted.

mod apiextensions;
mod apps;
mod batch;
mod core;
mod further;
pub(crate) mod service;
mod strategy;
mod warnings;

pub(crate) use strategy::{GarbageCollection, Strategy, custom, find};
