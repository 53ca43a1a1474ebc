//! The container runtime: images as data, and the programs that run in containers as values.

mod app;
mod counter;
mod files;
mod http;
mod http_server;
mod image;
mod ipam;
mod logs;
mod mysql;
mod redis;
mod reference;

pub use app::{App, AppCx, AppRequest, Came, Effect, Launch, PodFacts, Signal, root_of};
pub use files::{Files, Mount, MountSource, RootFs, Storage, View, clean_path};
pub use http::{complete, header, http_date, log_date, path_of, stamp, text, unix_date};
pub use image::{Catalogue, Found, Image, Log, Program, Route, Stop};
pub(crate) use ipam::Ipam;
pub use logs::{LogLine, LogOptions, LogRing};
pub use reference::Reference;
