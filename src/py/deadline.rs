//! The end of the invocation under way, as the handler tells of it.

use std::time::Duration;

use pyo3::prelude::*;

use crate::deadline;

/// The invocation ends in so many seconds; `None`: nothing ends it.
#[pyfunction]
#[pyo3(signature = (seconds, /))]
pub fn _set_deadline(seconds: Option<f64>) {
    // What is no time span at all says nothing about an end.
    deadline::set(seconds.and_then(|left| Duration::try_from_secs_f64(left.max(0.0)).ok()));
}

/// Seconds that a wait beginning now may take; `None`: as long as it likes.
#[pyfunction]
pub fn _patience() -> Option<f64> {
    deadline::patience().map(|left| left.as_secs_f64())
}
