//! The programs that a pod's own command names: a shell and the small tools that go with it. A script
//! is compiled to instructions and stepped, so that it can wait, be cloned, and go on.

mod code;
mod connect;
mod file_tools;
mod lex;
mod output;
mod parse;
mod run;
mod state;
mod tail;
mod text_tools;
mod tools;
mod words;

pub use run::Script;

#[cfg(test)]
mod tests;
