//! What becomes of a load: the entry of a value, the memory of a failure, what is served instead.

use std::time::Instant;

use pyo3::exceptions::{PyException, PyTypeError, PyValueError};
use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::PyDict;
use rustix::rand::{GetRandomFlags, getrandom};

use super::arguments;
use super::entry::Entry;
use super::errors::{mistyped, type_name};
use super::flight::Flight;
use super::load::{Call, fallback_of_failure, make, running};
use super::log;
use super::options::Options;
use super::table::{Found, Table};
use super::twin;
use super::vectorcall::is_plain;
use crate::clock::{self, Stamp};
use crate::flight::Outcome;
use crate::lifetime::{Freshness, Life, jittered};

/// A load that is about to be run or has just been: where its result belongs.
pub struct Landing<'a, 'py> {
    pub table: &'a Bound<'py, Table>,
    pub key: &'a Bound<'py, PyAny>,
    pub call: &'a Call<'py>,
    /// What may be served if the load fails.
    pub old: Option<Bound<'py, Entry>>,
}

impl<'py> Landing<'_, 'py> {
    /// Run the load as the owner of the flight, unless a value came in before the flight was made.
    pub fn run(&self, flight: &Bound<'py, Flight>) -> PyResult<Bound<'py, PyAny>> {
        match self.table.get().find(self.key) {
            Ok(Found::Fresh(entry)) => {
                let value = entry.get().value.clone_ref(flight.py());
                self.table.get().discard(self.key, flight)?;
                flight.get().land(flight.py(), Outcome::Value(value.clone_ref(flight.py())));
                Ok(value.into_bound(flight.py()))
            }
            Ok(_) => match self.run_anew(flight) {
                Err(error) if is_shared(&error, flight.py()) => self.recover(error),
                result => result,
            },
            Err(error) => {
                flight.get().land(flight.py(), Outcome::Abandoned);
                Err(error)
            }
        }
    }

    /// Run the load as the owner of the flight, come what may.
    pub fn run_anew(&self, flight: &Bound<'py, Flight>) -> PyResult<Bound<'py, PyAny>> {
        // However this ends, and be it by a panic, nobody waits for this flight afterwards.
        let _ends = Ends(flight);
        let start = Instant::now();
        let loaded = running(flight.get(), || make(self.table, self.call));
        self.table.get().stats.count_load(start.elapsed());
        self.settle(flight, loaded)
    }

    /// Publish a result, and hand it on to the owner's caller.
    pub fn settle(
        &self,
        flight: &Bound<'py, Flight>,
        loaded: PyResult<Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let py = flight.py();
        let table = self.table.get();
        let keepable = loaded.and_then(|value| self.keepable(value));
        match keepable.and_then(|value| table.new_entry(self.key, value, flight.get().epoch)) {
            Ok(entry) => {
                let value = entry.get().value.bind(py).clone();
                if table.discard(self.key, flight)? {
                    table.forget_failure(self.key)?;
                    table.insert(py, &entry)?;
                }
                flight.get().land(py, Outcome::Value(value.clone().unbind()));
                Ok(value)
            }
            Err(error) if is_shared(&error, py) => {
                table.stats.failures.add(1);
                let shared = error.value(py).clone().into_any();
                if table.discard(self.key, flight)? {
                    table.remember_failure(self.key, &shared)?;
                }
                flight.get().land(py, Outcome::Failed(shared.unbind()));
                Err(error)
            }
            Err(error) => {
                // An exit, an interrupt, a cancellation: this caller's own business.
                table.discard(self.key, flight)?;
                flight.get().land(py, Outcome::Abandoned);
                Err(error)
            }
        }
    }

    /// The value, unless its first caller would use it up.
    fn keepable(&self, value: Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        if is_plain(value.as_borrowed()) || value.is_exact_instance_of::<PyDict>() {
            return Ok(value); // most results, without asking for names
        }
        let kind = type_name(&value);
        let is_used_up = matches!(kind.as_str(), "coroutine" | "generator" | "async_generator")
            && value.get_type().module()? == "builtins";
        if !is_used_up && !value.hasattr(intern!(value.py(), "_asyncio_future_blocking"))? {
            return Ok(value);
        }
        if is_used_up && kind != "async_generator" {
            value.call_method0(intern!(value.py(), "close"))?; // or it complains later
        }
        Err(PyTypeError::new_err(format!(
            "{} returned a {kind}, which its first caller would use up: decorate the coroutine \
             function itself, or return a list or a tuple",
            self.table.get().options.get().name
        )))
    }

    /// What this caller gets after a failed load.
    pub fn recover(&self, error: PyErr) -> PyResult<Bound<'py, PyAny>> {
        if let Some(value) = self.old_value(&error) {
            return Ok(value);
        }
        match fallback_of_failure(self.table, self.call) {
            Some(instead) => instead,
            None => Err(error),
        }
    }

    /// The old value, if it may still stand in for one that could not be loaded.
    pub fn old_value(&self, error: &PyErr) -> Option<Bound<'py, PyAny>> {
        let py = self.table.py();
        let table = self.table.get();
        let old = self.old.as_ref()?.get();
        if old.judge(table.options.get(), clock::now()) == Freshness::Expired {
            return None;
        }
        table.stats.stale_served.add(1);
        log::served_stale(py, &table.options.get().name, error);
        Some(old.value.bind(py).clone())
    }
}

/// Whether a failure is everybody's: an exit, an interrupt or a cancellation is not.
pub fn is_shared(error: &PyErr, py: Python<'_>) -> bool {
    // asyncio's CancelledError is no Exception; that of concurrent.futures still is.
    error.is_instance_of::<PyException>(py)
        && !error.get_type(py).name().is_ok_and(|name| name == "CancelledError")
}

struct Ends<'a, 'py>(&'a Bound<'py, Flight>);

impl Drop for Ends<'_, '_> {
    fn drop(&mut self) {
        self.0.get().land(self.0.py(), Outcome::Abandoned);
    }
}

impl Table {
    /// An entry for a value that was loaded just now, by a load that began in `epoch`.
    pub fn new_entry<'py>(
        &self,
        key: &Bound<'py, PyAny>,
        value: Bound<'py, PyAny>,
        epoch: u32,
    ) -> PyResult<Bound<'py, Entry>> {
        let ttl = self.ttl_of(&value)?;
        self.new_entry_with_ttl(key, value, ttl, epoch)
    }

    pub fn new_entry_with_ttl<'py>(
        &self,
        key: &Bound<'py, PyAny>,
        value: Bound<'py, PyAny>,
        ttl: Option<u64>,
        epoch: u32,
    ) -> PyResult<Bound<'py, Entry>> {
        let py = value.py();
        let options = self.options.get();
        let ttl = match ttl {
            Some(ttl) if options.jitter > 0 => Some(jittered(ttl, options.jitter, random()?)),
            ttl => ttl,
        };
        let ends_at = match &options.expires_at {
            None => None,
            Some(expires_at) => match expires_at.bind(py).call1((&value,))? {
                at if at.is_none() => None,
                at => Some(arguments::moment("the result of expires_at", &at)?),
            },
        };
        let weight = self.weigh(&value)?;
        let life = Life { born: clock::now(), ttl, ends_at };
        Bound::new(
            py,
            Entry::new(key.clone().unbind(), value.unbind(), life, weight, epoch, options),
        )
    }

    fn ttl_of(&self, value: &Bound<'_, PyAny>) -> PyResult<Option<u64>> {
        let options = self.options.get();
        match &options.ttl_of {
            None => Ok(options.limits.ttl),
            Some(ttl_of) => match ttl_of.bind(value.py()).call1((value,))? {
                ttl if ttl.is_none() => Ok(None),
                ttl => arguments::seconds("the result of ttl", Some(&ttl)),
            },
        }
    }

    fn weigh(&self, value: &Bound<'_, PyAny>) -> PyResult<u32> {
        const WANTS: &str = "a whole number from 0 to 4294967295";
        let Some(weigher) = &self.options.get().weigher else { return Ok(1) };
        let weight = weigher.bind(value.py()).call1((value,))?;
        let Ok(number) = weight.extract::<i128>() else {
            return Err(mistyped("the result of weigher", &weight, WANTS));
        };
        u32::try_from(number).map_err(|_| {
            PyValueError::new_err(format!("the result of weigher must be {WANTS}, got {number}"))
        })
    }

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

    pub fn remember_failure(
        &self,
        key: &Bound<'_, PyAny>,
        error: &Bound<'_, PyAny>,
    ) -> PyResult<()> {
        let options = self.options.get();
        let Some(backoff) = options.error_ttl else { return Ok(()) };
        let py = key.py();
        let in_a_row = self.failure(key)?.map_or(0, |before| before.get().in_a_row) + 1;
        let failure = Failure {
            error: error.clone().unbind(),
            in_a_row,
            at: clock::now(),
            lasts: backoff.after(in_a_row),
            epoch: crate::epoch::current(),
        };
        let failures = self.failures.bind(py);
        failures.set_item(key, Bound::new(py, failure)?)?;
        if options.max_entries.is_some_and(|most| failures.len() as u64 > most)
            && let Some((oldest, _)) = failures.iter().next()
        {
            failures.del_item(oldest)?;
        }
        Ok(())
    }

    pub fn forget_failure(&self, key: &Bound<'_, PyAny>) -> PyResult<()> {
        let failures = self.failures.bind(key.py());
        if !failures.is_empty() && failures.contains(key)? {
            failures.del_item(key)?;
        }
        Ok(())
    }
}

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
        use crate::epoch::{Event, happened_since};
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

/// From the kernel each time, so that clones of one snapshot do not draw the same numbers.
fn random() -> PyResult<u64> {
    let mut bytes = [0_u8; 8];
    getrandom(&mut bytes[..], GetRandomFlags::empty()).map_err(std::io::Error::from)?;
    Ok(u64::from_ne_bytes(bytes))
}
