//! The container runtime: images as data, and the programs that run in containers as values.

mod app;
mod catalogue;
mod counter;
mod disk_tools;
mod files;
mod http;
mod http_server;
mod image;
mod ipam;
mod logs;
mod mysql;
mod pi;
mod program;
mod redis;
mod view;

pub use api::reference::Reference;
pub(crate) use app::no_program;
pub use app::{App, Launch, root_of};
pub use catalogue::{Catalogue, Found};
pub(crate) use disk_tools::run as disk_tool;
pub use files::{Files, Storage};
pub use http::{complete, header, http_date, klog, log_date, path_of, stamp, text, unix_date};
pub use image::{CsiDriver, Image, Log, Program, Route, Stop};
pub(crate) use ipam::Ipam;
pub use logs::{LogLine, LogOptions, LogRing};
pub use program::{AppCx, AppRequest, Came, Effect, PodFacts, Signal};
pub use view::{Mount, MountSource, RootFs, View, clean_path};
