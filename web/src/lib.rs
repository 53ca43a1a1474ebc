//! What the page and its simulation worker share: the messages between them, the worker's loop,
//! and the page's hold on the worker; and what of the page needs no browser.
//!
//! The page is the binary `app`, the worker the binary `worker`.

pub mod actions;
pub mod address;
pub mod changed_lines;
pub mod clock;
pub mod completion;
pub mod context;
pub mod diagram;
pub mod editor_event;
pub mod engine;
pub mod files;
pub mod heartbeat;
pub mod history;
pub mod kept;
pub mod layout;
pub mod lesson;
pub mod lines;
pub mod link;
pub mod load;
pub mod milestones;
pub mod model;
pub mod presets;
pub mod protocol;
pub mod pump;
pub mod rules;
pub mod selection;
pub mod session_log;
pub mod simulation;
pub mod table;
pub mod timeline;
pub mod traffic;
pub mod ui;
pub mod usage;
pub mod utf16;
pub mod way;
pub mod who;
pub mod words;
pub mod worker_host;
pub mod worker_scope;
