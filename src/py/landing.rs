//! What becomes of a load: the entry of a value, the memory of a failure, what is served instead.

use std::time::Instant;

use pyo3::exceptions::{PyException, PyTypeError};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyDict, PyFloat, PyList, PyTuple};

use super::birth::Birth;
use super::entry::Entry;
use super::errors::type_name;
use super::flight::Flight;
use super::load::{Call, fallback_of_failure, make, running};
use super::log;
use super::table::{Found, Table};
use super::timeline::recorded;
use super::vectorcall::is_plain;
use crate::clock;
use crate::flight::Outcome;
use crate::lifetime::Freshness;

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
                let value = entry.get().value.bind(flight.py()).clone();
                flight.get().land(flight.py(), Outcome::Value(value.clone().unbind()))?;
                self.table.get().discard(self.key, flight)?;
                Ok(value)
            }
            Ok(_) => match self.run_anew(flight) {
                Err(error) if is_shared(&error, flight.py()) => self.recover(error),
                result => result,
            },
            Err(error) => {
                flight.get().land(flight.py(), Outcome::Abandoned)?;
                Err(error)
            }
        }
    }

    /// Run the load as the owner of the flight, come what may.
    pub fn run_anew(&self, flight: &Bound<'py, Flight>) -> PyResult<Bound<'py, PyAny>> {
        // However this ends, and be it by a panic, nobody waits for this flight afterwards.
        let _ends = Ends(flight);
        let start = Instant::now();
        let run = || running(flight.get(), || make(self.table, self.call));
        let options = self.table.get().options.get();
        let loaded = match options.recorded_as {
            Some(kind) => recorded(flight.py(), kind, &options.name, run),
            None => run(),
        };
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
        let birth = Birth::at_end_of(flight.get());
        let keepable = loaded.and_then(|value| self.keepable(value));
        match keepable.and_then(|value| table.new_entry(self.key, value, birth)) {
            Ok(entry) => {
                let value = entry.get().value.bind(py).clone();
                table.publish(flight, &entry)?;
                flight.get().land(py, Outcome::Value(value.clone().unbind()))?;
                Ok(value)
            }
            Err(error) if is_shared(&error, py) => {
                table.stats.failures.add(1);
                let shared = error.value(py).clone().into_any();
                if table.is_boarding(self.key, flight)? {
                    table.remember_failure(self.key, &shared)?;
                    if !table.discard(self.key, flight)? {
                        table.forget_failure(self.key)?; // cut off in between
                    }
                }
                flight.get().land(py, Outcome::Failed(shared.unbind()))?;
                Err(error)
            }
            Err(error) => {
                // An exit, an interrupt, a cancellation: this caller's own business.
                table.discard(self.key, flight)?;
                flight.get().land(py, Outcome::Abandoned)?;
                Err(error)
            }
        }
    }

    /// The value, unless its first caller would use it up.
    fn keepable(&self, value: Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        if is_data(&value) {
            return Ok(value); // most results, without asking for names
        }
        let kind = type_name(&value);
        let is_used_up = matches!(kind.as_str(), "coroutine" | "generator" | "async_generator")
            && value.get_type().module()? == "builtins";
        // Asked of the class, as asyncio does: a mock has every attribute.
        let is_future =
            value.get_type().hasattr(intern!(value.py(), "_asyncio_future_blocking"))?;
        if !is_used_up && !is_future {
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

/// Whether it is of a builtin type that holds data.
fn is_data(value: &Bound<'_, PyAny>) -> bool {
    is_plain(value.as_borrowed())
        || value.is_exact_instance_of::<PyDict>()
        || value.is_exact_instance_of::<PyList>()
        || value.is_exact_instance_of::<PyTuple>()
        || value.is_exact_instance_of::<PyFloat>()
        || value.is_exact_instance_of::<PyBool>()
}

impl Table {
    /// Whether this very flight may still publish.
    pub fn is_boarding(
        &self,
        key: &Bound<'_, PyAny>,
        flight: &Bound<'_, Flight>,
    ) -> PyResult<bool> {
        let found = self.flights.bind(key.py()).get_item(key)?;
        Ok(found.is_some_and(|found| found.is(flight)))
    }
}

struct Ends<'a, 'py>(&'a Bound<'py, Flight>);

impl Drop for Ends<'_, '_> {
    fn drop(&mut self) {
        let py = self.0.py();
        if let Err(error) = self.0.get().land(py, Outcome::Abandoned) {
            error.write_unraisable(py, None);
        }
    }
}
