//! Imports: what one did (its record, the spans it was put together from, the probes behind them),
//! and what the bytecode says about one that may be deferred.
//!
//! Plain Rust: the hooks that feed it are the border's (`py/tracer.rs`, `py/plan_hook.rs`).

pub mod bytecode;
pub mod digest;
pub mod guards;
pub mod probe;
pub mod record;
pub mod spans;
mod stack;
