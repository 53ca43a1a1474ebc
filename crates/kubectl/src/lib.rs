//! kubectl v1.36: from words to API requests to what is printed.
//!
//! A [`Command`] is a value that is stepped: what it needs of the machine it asks of its [`Host`].

pub mod archive;
mod builder;
mod cmd;
mod command;
mod commands;
mod complete;
mod config;
mod cx;
mod failure;
mod files;
mod flags;
mod host;
mod loading;
mod mapper;
mod printers;
mod tabs;
mod task;
mod template;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
mod text;

pub use command::{Command, Step};
pub use complete::complete;
pub use config::{Config, ConfigCluster, ConfigContext, ConfigUser};
pub use host::{Host, StreamRead};
