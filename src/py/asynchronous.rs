//! The native side of asynchronous loads: what a coroutine needs from the table.
//!
//! A hit never sees an event loop: it is an awaitable that is already done. The waiting and the
//! running are Python (`_asyncio.py`), as tasks and futures are; `asyncio` itself is imported only
//! when the first coroutine function is decorated.

use std::sync::atomic::Ordering::Relaxed;
use std::time::Instant;

use parking_lot::Mutex;
use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};

use super::entry::Entry;
use super::errors::type_name;
use super::flight::Flight;
use super::landing::{Landing, is_shared};
use super::load::{Call, Runner, Seat, fallback_of_failure, make_guarded};
use super::log;
use super::ready::Ready;
use super::table::{Found, Table};
use super::timeline::OpenStep;
use super::twin;
use crate::clock;
use crate::flight::Outcome;
use crate::waits;

/// Make `inspect` and `asyncio` see a coroutine function in the wrapper.
pub fn mark_coroutine_function(wrapper: &Bound<'_, PyAny>) -> PyResult<()> {
    let py = wrapper.py();
    py.import("coldcache._asyncio")?.call_method1("mark_coroutine_function", (wrapper,))?;
    Ok(())
}

/// An awaitable of the value under this key.
pub fn get<'py>(
    table: &Bound<'py, Table>,
    key: &Bound<'py, PyAny>,
    call: Call<'py>,
) -> PyResult<Bound<'py, PyAny>> {
    let py = table.py();
    let it = table.get();
    if let Some(entry) = it.entry(key)?
        && entry.get().is_plainly_fresh()
        && it.options.get().copy.is_none()
    {
        return match it.hit(key)? {
            Some(value) => Ok(Bound::new(py, Ready::of(value))?.into_any()),
            None => drive(table, key, call, false),
        };
    }
    drive(table, key, call, false)
}

/// An awaitable of a value that is loaded anew.
pub fn reload<'py>(
    table: &Bound<'py, Table>,
    key: &Bound<'py, PyAny>,
    call: Call<'py>,
) -> PyResult<Bound<'py, PyAny>> {
    drive(table, key, call, true)
}

fn drive<'py>(
    table: &Bound<'py, Table>,
    key: &Bound<'py, PyAny>,
    call: Call<'py>,
    is_anew: bool,
) -> PyResult<Bound<'py, PyAny>> {
    let py = table.py();
    let load = AsyncLoad {
        table: table.clone().unbind(),
        key: key.clone().unbind(),
        function: call.function.unbind(),
        args: call.args.unbind(),
        kwargs: call.kwargs.map(Bound::unbind),
        is_anew,
        old: Mutex::new(None),
        started: Mutex::new(None),
        step: Mutex::new(None),
    };
    py.import(intern!(py, "coldcache._asyncio"))?.call_method1(intern!(py, "drive"), (load,))
}

/// What a coroutine does next: a word, then what belongs to it; see [`AsyncLoad::step`].
type Step<'py> = (&'static str, Option<Bound<'py, PyAny>>, Option<Bound<'py, Flight>>);

/// One request of one coroutine for one key.
#[pyclass(frozen, immutable_type, module = "coldcache._core")]
pub struct AsyncLoad {
    table: Py<Table>,
    key: Py<PyAny>,
    function: Py<PyAny>,
    args: Py<PyTuple>,
    kwargs: Option<Py<PyDict>>,
    /// Whatever is stored.
    is_anew: bool,
    /// What may be served if the load fails.
    old: Mutex<Option<Py<Entry>>>,
    started: Mutex<Option<Instant>>,
    /// Of a `once`, while the start is recorded.
    step: Mutex<Option<OpenStep>>,
}

/// What somebody with this seat does next.
fn seated(seat: Seat<'_>) -> Step<'_> {
    match seat {
        Seat::Owner(flight) => ("owner", None, Some(flight)),
        Seat::Passenger(flight) => ("passenger", None, Some(flight)),
    }
}

impl AsyncLoad {
    fn answer<'py>(&self, entry: &Bound<'py, Entry>) -> PyResult<Step<'py>> {
        let value = self.copied(entry.get().value.bind(entry.py()).clone())?;
        Ok(("value", Some(value), None))
    }

    /// The value as callers get it.
    fn copied<'py>(&self, value: Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        match &self.table.get().options.get().copy {
            None => Ok(value),
            Some(copy) => copy.bind(value.py()).call1((value,)),
        }
    }

    fn prepared<'py>(&self, py: Python<'py>) -> Call<'py> {
        Call {
            function: self.function.bind(py).clone(),
            args: self.args.bind(py).clone(),
            kwargs: self.kwargs.as_ref().map(|kwargs| kwargs.bind(py).clone()),
        }
    }
}

#[pymethods]
impl AsyncLoad {
    /// What to do next:
    ///
    /// - `("value", value, None)`: that is the answer;
    /// - `("await", awaitable, None)`: its result is the answer;
    /// - `("refresh", value, flight)`: that is the answer, but start the flight;
    /// - `("owner", None, flight)`: start the flight, then wait for it;
    /// - `("passenger", None, flight)`: wait for the flight.
    fn step<'py>(
        &self,
        py: Python<'py>,
        event_loop: Bound<'py, PyAny>,
        number: u64,
        is_retry: bool,
    ) -> PyResult<Step<'py>> {
        let it = self.table.get();
        let key = self.key.bind(py);
        if self.is_anew {
            if !is_retry {
                it.cut_off(key)?; // what began before may bring what was true before
            }
            return Ok(seated(it.board(key, Runner::task(number, event_loop))?));
        }
        match it.find(key)? {
            Found::Fresh(entry) => {
                it.stats.hits.add(1);
                return self.answer(&entry);
            }
            Found::Refresh { entry, is_stale } => {
                (if is_stale { &it.stats.stale_served } else { &it.stats.hits }).add(1);
                let (word, value, _) = self.answer(&entry)?;
                if it.is_refresh_paused(key)? {
                    return Ok((word, value, None)); // it failed a moment ago: not yet again
                }
                return Ok(match it.board(key, Runner::task(number, event_loop))? {
                    Seat::Owner(flight) => ("refresh", value, Some(flight)),
                    Seat::Passenger(_) => (word, value, None),
                });
            }
            Found::Missing { old } => {
                let before = std::mem::replace(&mut *self.old.lock(), old.map(Bound::unbind));
                drop(before);
            }
        }
        if !is_retry {
            it.stats.misses.add(1);
        }
        if let Some(error) = it.remembered_failure(key)? {
            let (word, value) = self.recover(py, error)?;
            return Ok((word, Some(value), None));
        }
        let seat = it.board(key, Runner::task(number, event_loop))?;
        if let Seat::Owner(flight) = &seat {
            // A value may have come in before the flight was made: keys can run Python code.
            match it.find(key) {
                Ok(Found::Fresh(entry)) => {
                    let value = entry.get().value.clone_ref(py);
                    flight.get().land(py, Outcome::Value(value))?;
                    it.discard(key, flight)?;
                    return self.answer(&entry);
                }
                Ok(_) => {}
                Err(error) => {
                    flight.get().land(py, Outcome::Abandoned)?;
                    return Err(error);
                }
            }
        }
        Ok(seated(seat))
    }

    /// What has to be loaded before this.
    #[getter]
    fn after(&self, py: Python<'_>) -> Vec<Py<PyAny>> {
        let options = self.table.get().options.get();
        options.after.iter().map(|after| after.clone_ref(py)).collect()
    }

    /// Note that the load runs from now on.
    fn begin(&self, py: Python<'_>, flight: &Flight) {
        let options = self.table.get().options.get();
        if let Some(kind) = options.recorded_as {
            let step = OpenStep::begin(py, kind, &options.name, Vec::new()).ok().flatten();
            *self.step.lock() = step;
        }
        flight.is_begun.store(true, Relaxed);
        *self.started.lock() = Some(Instant::now());
        waits::begin_run(&flight.ticket);
    }

    /// Make the call: an awaitable of its result.
    fn call<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let made = make_guarded(self.table.bind(py), &self.prepared(py))?;
        if made.get_type().hasattr(intern!(py, "__await__"))? {
            return Ok(made);
        }
        Ok(Bound::new(py, Ready::of(made))?.into_any()) // a plain value that stands in
    }

    /// The load has ended with a value.
    fn succeed(&self, flight: &Bound<'_, Flight>, value: &Bound<'_, PyAny>) -> PyResult<()> {
        self.end(flight, Ok(value.clone())).map(drop)
    }

    /// The load has ended with an exception; true if it is everybody's.
    fn fail(&self, flight: &Bound<'_, Flight>, error: &Bound<'_, PyAny>) -> bool {
        let error = PyErr::from_value(error.clone());
        let shared = is_shared(&error, flight.py());
        drop(self.end(flight, Err(error)));
        shared
    }

    /// What the passenger of a landed flight does: as with `step`, or `("again", None)`.
    fn take<'py>(
        &self,
        flight: &Bound<'py, Flight>,
        is_owner: bool,
    ) -> PyResult<(&'static str, Option<Bound<'py, PyAny>>)> {
        let py = flight.py();
        match flight.get().core.outcome(|value| value.clone_ref(py)) {
            Some(Outcome::Value(value)) => Ok(("value", Some(self.copied(value.into_bound(py))?))),
            Some(Outcome::Failed(error)) => {
                let error = if is_owner {
                    PyErr::from_value(error.into_bound(py))
                } else {
                    twin::of(py, &error)
                };
                if self.is_anew {
                    return Err(error);
                }
                let (word, value) = self.recover(py, error)?;
                Ok((word, Some(value)))
            }
            Some(Outcome::Abandoned) | None => {
                self.table.get().discard(self.key.bind(py), flight)?;
                Ok(("again", None))
            }
        }
    }

    /// Seconds a passenger waits at most.
    #[getter]
    fn timeout(&self) -> Option<f64> {
        self.table.get().options.get().timeout.map(|timeout| timeout.as_secs_f64())
    }

    /// The failed refresh beside the calls is mentioned once, and not tried again at once.
    fn note_failed_refresh(&self, py: Python<'_>, kind: &str) -> PyResult<()> {
        log::refresh_failed(py, &self.table.get().options.get().name, kind);
        self.table.get().pause_refresh(self.key.bind(py))
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.table)?;
        visit.call(&self.key)?;
        visit.call(&self.function)?;
        visit.call(&self.args)?;
        visit.call(&self.kwargs)?;
        if let Some(old) = self.old.lock().as_ref() {
            visit.call(old)?;
        }
        if let Some(step) = self.step.lock().as_ref() {
            step.traverse(&visit)?;
        }
        Ok(())
    }
}

impl AsyncLoad {
    fn end<'py>(
        &self,
        flight: &Bound<'py, Flight>,
        result: PyResult<Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let py = flight.py();
        let it = self.table.get();
        waits::end_run(&flight.get().ticket);
        if let Some(started) = self.started.lock().take() {
            it.stats.count_load(started.elapsed());
        }
        let step = self.step.lock().take();
        if let Some(step) = step {
            let error = result.as_ref().err().map(|error| type_name(error.value(py).as_any()));
            step.finish(py, error.as_deref());
        }
        let (table, key, call) = (self.table.bind(py), self.key.bind(py), self.prepared(py));
        if clock::now().thawed_since(flight.get().started) && flight.get().core.is_unattended() {
            // A refresh nobody waits for that slept with the sandbox: as old as the freeze.
            it.discard(key, flight)?;
        }
        let settled = Landing { table, key, call: &call, old: None }.settle(flight, result);
        flight.get().land(py, Outcome::Abandoned)?; // no effect unless settling itself went wrong
        settled
    }

    fn recover<'py>(
        &self,
        py: Python<'py>,
        error: PyErr,
    ) -> PyResult<(&'static str, Bound<'py, PyAny>)> {
        let old = self.old.lock().as_ref().map(|old| old.bind(py).clone());
        let (table, key, call) = (self.table.bind(py), self.key.bind(py), self.prepared(py));
        let landing = Landing { table, key, call: &call, old };
        if let Some(value) = landing.old_value(&error) {
            return Ok(("value", self.copied(value)?));
        }
        match fallback_of_failure(table, &call) {
            None => Err(error),
            Some(instead) => {
                let instead = instead?;
                let is_awaitable = instead.get_type().hasattr(intern!(py, "__await__"))?;
                Ok((if is_awaitable { "await" } else { "value" }, instead))
            }
        }
    }
}
