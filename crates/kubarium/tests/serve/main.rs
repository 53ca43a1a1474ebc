//! `kubarium serve` and clients that are not ours: bare HTTP, kube-rs, Python's client, kubectl, Helm.
#![allow(clippy::disallowed_methods, clippy::disallowed_types)] // clients live by the clock on the wall

#[path = "../normalise/mod.rs"]
mod normalise;

mod controller;
mod helm;
mod kube_rs;
mod kubectl;
mod outside;
mod python;
mod recordings;
mod requests;
mod server;
mod words;
