//! What an import did: its record, the spans it was put together from, and the probes behind them.
//!
//! Plain Rust: the hooks that feed it are the border's (`py/tracer.rs`).

pub mod probe;
pub mod record;
pub mod spans;
mod stack;
