//! What the page and its simulation worker share: the messages between them, the worker's loop,
//! and the page's hold on the worker; and what of the page needs no browser.
//!
//! The page is the binary `app`, the worker the binary `worker`.

pub mod context;
pub mod diagram;
pub mod editor_event;
pub mod engine;
pub mod heartbeat;
pub mod model;
pub mod protocol;
pub mod pump;
pub mod selection;
pub mod table;
pub mod timeline;
pub mod utf16;
pub mod words;
pub mod worker_host;
pub mod worker_scope;
