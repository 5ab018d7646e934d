//! The native half of coldcache.
//!
//! The modules listed here are the core: plain Rust that compiles and is tested without an
//! interpreter (`--no-default-features`). `py` is the border to CPython and the only user of `pyo3`.

pub mod clock;
pub mod deadline;
pub mod epoch;
pub mod error;
pub mod flight;
pub mod imports;
pub mod lifetime;
pub mod policy;
pub mod probe;
pub mod roster;
pub mod timeline;
pub mod waits;

#[cfg(feature = "python")]
mod py;
