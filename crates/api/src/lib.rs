//! What travels through the API: objects as trees, their metadata, requests and answers.
//!
//! A kind is data: nothing here knows the fields of one. Typed views for reading live where they
//! are needed.

pub mod bootstrap_token;
pub mod cron;
pub mod go;
pub mod hosts;
pub mod ids;
pub mod int_or_string;
pub mod jsonpath;
mod key;
mod key_map;
pub mod label;
mod map;
pub mod meta;
pub mod name;
pub mod nslookup;
pub mod number;
pub mod path;
pub mod placement;
pub mod pod_resources;
pub mod qos;
pub mod quantity;
pub mod quota;
pub mod reference;
mod request;
mod resource;
pub mod restart;
mod shape;
pub mod status;
pub mod text;
mod tree;
mod value;
pub mod volume;
mod watch;
pub mod x509;
pub mod yaml;

pub use key::{Key, StaticKey};
pub use key_map::KeyMap;
pub use map::Map;
pub use request::{Accept, Method, PatchType, Request, Response, User};
pub use resource::{Resource, group_version, qualified, resources};
pub use status::{FieldError, FieldErrorKind, Status};
pub use value::Value;
pub use watch::{EventType, WatchEvent};
