//! Whole commands against a server whose answers are given.

mod complete;
mod describe;
mod objects;
mod wait;
mod words;
