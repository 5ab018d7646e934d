//! The memory of failures: what keeps a load that has just failed from being tried again at once.

use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::prelude::*;

use super::dict_steps::pop;
use super::errors::type_name;
use super::options::{Backoff, Options};
use super::table::Table;
use super::twin;
use crate::clock::{self, NANOS_PER_SECOND, Stamp};
use crate::epoch::{Event, current, happened_since};

/// Between refreshes that fail, where the user named no `error_ttl`.
const REFRESH_PAUSE: Backoff = Backoff { first: NANOS_PER_SECOND, cap: 60 * NANOS_PER_SECOND };

/// A failure that is remembered for a while.
#[pyclass(frozen, immutable_type, module = "coldcache._core")]
pub struct Failure {
    error: Py<PyAny>,
    in_a_row: u32,
    at: Stamp,
    lasts: u64,
    epoch: u32,
}

impl Failure {
    /// Whether it still keeps a new load from starting.
    fn is_alive(&self, options: &Options) -> bool {
        let happened = |event| happened_since(event, self.epoch);
        !(happened(Event::Reset)
            || (happened(Event::Fork) && !options.on_fork.is_keep())
            || (happened(Event::Restore) && !options.on_restore.is_keep()))
            && clock::now().since(self.at) < self.lasts
    }
}

#[pymethods]
impl Failure {
    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.error)
    }

    fn __repr__(&self, py: Python<'_>) -> String {
        format!("<failure: {}>", type_name(self.error.bind(py)))
    }
}

impl Table {
    /// The failure that stands in the way of a new load, as an exception of this caller's own.
    pub fn remembered_failure(&self, key: &Bound<'_, PyAny>) -> PyResult<Option<PyErr>> {
        let py = key.py();
        if self.options.get().error_ttl.is_none() {
            return Ok(None);
        }
        let Some(failure) = self.failure(key)? else { return Ok(None) };
        if !failure.get().is_alive(self.options.get()) {
            return Ok(None);
        }
        Ok(Some(twin::of(py, &failure.get().error)))
    }

    fn failure<'py>(&self, key: &Bound<'py, PyAny>) -> PyResult<Option<Bound<'py, Failure>>> {
        match self.failures.bind(key.py()).get_item(key)? {
            Some(found) => Ok(found.cast_into::<Failure>().ok()),
            None => Ok(None),
        }
    }

    /// Whether a refresh beside the calls has failed so lately that it is not yet tried again.
    ///
    /// Calls are not concerned: without `error_ttl` a call that finds nothing to serve loads.
    pub fn is_refresh_paused(&self, key: &Bound<'_, PyAny>) -> PyResult<bool> {
        let failure = self.failure(key)?;
        Ok(failure.is_some_and(|failure| failure.get().is_alive(self.options.get())))
    }

    /// A refresh beside the calls has failed: without a pause every hit would start the next one.
    pub fn pause_refresh(&self, key: &Bound<'_, PyAny>) -> PyResult<()> {
        if self.options.get().error_ttl.is_some() {
            return Ok(()); // the user's own pause, noted with the failure
        }
        self.note_failure(key, &key.py().None().into_bound(key.py()), REFRESH_PAUSE)
    }

    pub fn remember_failure(
        &self,
        key: &Bound<'_, PyAny>,
        error: &Bound<'_, PyAny>,
    ) -> PyResult<()> {
        match self.options.get().error_ttl {
            Some(backoff) => self.note_failure(key, error, backoff),
            None => Ok(()),
        }
    }

    fn note_failure(
        &self,
        key: &Bound<'_, PyAny>,
        error: &Bound<'_, PyAny>,
        backoff: Backoff,
    ) -> PyResult<()> {
        let options = self.options.get();
        let py = key.py();
        let in_a_row = self.failure(key)?.map_or(0, |before| before.get().in_a_row) + 1;
        let failure = Failure {
            error: error.clone().unbind(),
            in_a_row,
            at: clock::now(),
            lasts: backoff.after(in_a_row),
            epoch: current(),
        };
        let failures = self.failures.bind(py);
        failures.set_item(key, Bound::new(py, failure)?)?;
        if options.max_entries.is_some_and(|most| failures.len() as u64 > most)
            && let Some((oldest, _)) = failures.iter().next()
            && let Err(error) = pop(failures, &oldest)
        {
            error.write_unraisable(py, None); // somebody else's key: not this caller's fault
        }
        Ok(())
    }

    pub fn forget_failure(&self, key: &Bound<'_, PyAny>) -> PyResult<()> {
        pop(self.failures.bind(key.py()), key).map(drop)
    }
}
