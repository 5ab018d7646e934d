//! What a user decided about one decorated function or cache, checked and in native form.
//!
//! Shared by the tables of all instances of a class, and the only place that owns the Python
//! callables among the options, so the garbage collector counts each of them once.

use std::sync::Arc;
use std::time::Duration;

use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::prelude::*;

use super::arguments::Reaction;
use crate::lifetime::Limits;
use crate::policy::Policy;
use crate::timeline::Kind;

/// How long a failure is remembered, in nanoseconds: doubled with each failure in a row.
#[derive(Debug, Clone, Copy)]
pub struct Backoff {
    pub first: u64,
    pub cap: u64,
}

impl Backoff {
    /// The time after so many failures in a row (at least one).
    pub fn after(&self, failures: u32) -> u64 {
        let doublings = failures.saturating_sub(1).min(63);
        self.first
            .checked_shl(doublings)
            .filter(|time| time >> doublings == self.first)
            .map_or(self.cap, |time| time.min(self.cap))
    }
}

#[pyclass(frozen, immutable_type, module = "coldcache._core")]
pub struct Options {
    /// What messages call it.
    pub name: Arc<str>,
    pub limits: Limits,
    /// `ttl` as a function of the value.
    pub ttl_of: Option<Py<PyAny>>,
    /// Absolute end as a function of the value.
    pub expires_at: Option<Py<PyAny>>,
    /// In nanoseconds.
    pub jitter: u64,
    /// `None`: failures are not remembered.
    pub error_ttl: Option<Backoff>,
    pub max_entries: Option<u64>,
    pub max_weight: Option<u64>,
    pub weigher: Option<Py<PyAny>>,
    pub policy: Policy,
    pub key: Option<Py<PyAny>>,
    pub typed: bool,
    pub vary: Vec<Py<PyAny>>,
    pub copy: Option<Py<PyAny>>,
    pub fallback: Option<Py<PyAny>>,
    pub timeout: Option<Duration>,
    pub on_fork: Reaction,
    pub on_restore: Reaction,
    pub listener: Option<Py<PyAny>>,
    /// Loads that have to be done before this one.
    pub after: Vec<Py<PyAny>>,
    /// Environment flag that has to be on for the function to run at all.
    pub flag: Option<String>,
    /// There is one result: `once`.
    pub takes_no_arguments: bool,
    /// As what its runs are told of in the timeline of the start, if they are part of one.
    pub recorded_as: Option<Kind>,
    /// Loads are coroutines.
    pub is_async: bool,
    /// What `cache_parameters()` shows, as the user wrote it.
    pub parameters: Py<PyAny>,
}

impl Options {
    /// Whether a hit is the bare stored object, found under the bare arguments.
    pub fn has_plain_hits(&self) -> bool {
        self.key.is_none() && self.vary.is_empty() && self.copy.is_none() && !self.is_async
    }

    /// Whether results end before the container does.
    pub fn has_end(&self) -> bool {
        self.limits.ttl.is_some() || self.ttl_of.is_some() || self.expires_at.is_some()
    }

    pub fn is_bounded(&self) -> bool {
        self.max_entries.is_some() || self.max_weight.is_some()
    }
}

#[pymethods]
impl Options {
    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        let single = [
            &self.ttl_of,
            &self.expires_at,
            &self.weigher,
            &self.key,
            &self.copy,
            &self.fallback,
            &self.listener,
        ];
        for object in single.into_iter().flatten() {
            visit.call(object)?;
        }
        for object in self.vary.iter().chain(&self.after) {
            visit.call(object)?;
        }
        visit.call(&self.parameters)
    }
}

#[cfg(test)]
mod tests {
    use super::Backoff;

    #[test]
    fn the_memory_of_failures_doubles_up_to_its_cap() {
        let backoff = Backoff { first: 3, cap: 20 };
        let times: Vec<u64> = (1..=5).map(|n| backoff.after(n)).collect();
        assert_eq!(times, [3, 6, 12, 20, 20]);
        assert_eq!(backoff.after(u32::MAX), 20);
    }
}
