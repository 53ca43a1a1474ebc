//! What nginx does with a request once it is known who is to answer it: asks an endpoint by a connection of its
//! own, tries others, and answers by itself where none does. Controllers configure it, each in its own way.

mod edits;
mod log;
mod pages;
mod proxy;

pub use edits::{Edits, cookie, header};
pub use log::LogFormat;
pub use pages::{page, redirect};
pub use proxy::{Ask, Balance, Came, Plan, Proxy, Served};
