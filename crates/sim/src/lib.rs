//! The simulation's ground: one clock, one source of chance, one queue of events, one trace.
//!
//! Everything that varies in a simulated cluster (time, latency, chance) comes from here, so that
//! the same seed and the same inputs give the same bytes, natively and in WebAssembly.

mod chance;
mod queue;
mod time;
mod timing;
mod trace;

pub use chance::{Chance, Series};
pub use queue::EventQueue;
pub use time::{HOUR, MICROSECOND, MILLISECOND, MINUTE, Nanos, SECOND, Time};
pub use timing::{Span, Timing};
pub use trace::{Call, Delivery, Record, RecordKind, Step, Trace};
