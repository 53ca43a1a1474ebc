//! Whole commands against a server whose answers are given.

mod complete;
mod describe;
mod nonsense;
mod objects;
mod wait;
mod words;
