//! Readiness over HTTP, answered by a thread of its own that knows nothing of Python.
//!
//! `request` reads the head of a request, `answer` writes the response, `connection` is one peer with
//! its deadline, `server` the loop over all of them, `board` the memory in which processes report.
//! The thread shares no lock with anybody: it can be answered while the interpreter is busy, and
//! stopped around a fork.

mod answer;
pub mod board;
mod connection;
mod request;
pub mod roll;
pub mod server;

use std::time::Duration;

/// Connections at a time; one more evicts the oldest, so that those who do nothing keep nobody out.
pub const MOST_CONNECTIONS: usize = 128;
/// Bytes of a request's head: probes and proxies send a few hundred.
pub const MOST_HEAD_BYTES: usize = 8 * 1024;
/// How long a peer may take to send its request, or to read the answer. Probes wait a second.
pub const PATIENCE: Duration = Duration::from_secs(2);
/// How long what a peer still sends is read after the answer, as closing at once could destroy it.
pub const DRAIN: Duration = Duration::from_millis(500);
/// Connections accepted in one `ROUND`: a flood takes a few per cent of one processor, no more.
pub const MOST_ACCEPTS: u32 = 500;
pub const ROUND: Duration = Duration::from_millis(100);
/// Seconds until a client should look again.
pub const RETRY_AFTER: u32 = 1;
