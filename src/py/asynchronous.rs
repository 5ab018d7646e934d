//! The native side of asynchronous loads: what a coroutine needs from the table.
//!
//! A hit never sees an event loop: it is an awaitable that is already done. The waiting and the
//! running are Python (`_asyncio.py`), as tasks and futures are; `asyncio` itself is imported only
//! when the first coroutine function is decorated.

use std::time::Instant;

use parking_lot::Mutex;
use pyo3::exceptions::{PyRuntimeError, PyStopIteration};
use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};

use super::flight::Flight;
use super::landing::{Landing, is_shared};
use super::load::{Call, Runner, Seat, fallback};
use super::log;
use super::table::{Found, Table};
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
    };
    py.import(intern!(py, "coldcache._asyncio"))?.call_method1(intern!(py, "drive"), (load,))
}

/// What a coroutine does next: `(value, flight, owns)`; see [`AsyncLoad::step`].
type Step<'py> = (Option<Bound<'py, PyAny>>, Option<Bound<'py, Flight>>, bool);

/// One request of one coroutine for one key.
#[pyclass(frozen, module = "coldcache._core")]
pub struct AsyncLoad {
    table: Py<Table>,
    key: Py<PyAny>,
    function: Py<PyAny>,
    args: Py<PyTuple>,
    kwargs: Option<Py<PyDict>>,
    /// Whatever is stored.
    is_anew: bool,
    /// What may be served if the load fails.
    old: Mutex<Option<Py<super::entry::Entry>>>,
    started: Mutex<Option<Instant>>,
}

impl AsyncLoad {
    fn call<'py>(&self, py: Python<'py>) -> Call<'py> {
        Call {
            function: self.function.bind(py).clone(),
            args: self.args.bind(py).clone(),
            kwargs: self.kwargs.as_ref().map(|kwargs| kwargs.bind(py).clone()),
        }
    }
}

#[pymethods]
impl AsyncLoad {
    /// What to do next: `(value, flight, owns)`. With `owns` the flight is to be started; a value
    /// beside it is served meanwhile. Without a flight the value is the answer.
    fn step<'py>(
        &self,
        py: Python<'py>,
        event_loop: Bound<'py, PyAny>,
        number: u64,
        is_retry: bool,
    ) -> PyResult<Step<'py>> {
        let it = self.table.get();
        let key = self.key.bind(py);
        let mut served = None;
        if !self.is_anew {
            match it.find(key)? {
                Found::Fresh(entry) => {
                    it.stats.hits.add(1);
                    return Ok((Some(entry.get().value.bind(py).clone()), None, false));
                }
                Found::Refresh { entry, is_stale } => {
                    (if is_stale { &it.stats.stale_served } else { &it.stats.hits }).add(1);
                    served = Some(entry.get().value.bind(py).clone());
                }
                Found::Missing { old } => {
                    let before = std::mem::replace(&mut *self.old.lock(), old.map(Bound::unbind));
                    drop(before);
                }
            }
            if served.is_none() && !is_retry {
                it.stats.misses.add(1);
            }
            if let Some(error) = it.remembered_failure(key)? {
                return match served {
                    Some(value) => Ok((Some(value), None, false)),
                    None => Ok((Some(self.recover(py, error)?), None, false)),
                };
            }
        }
        match it.board(key, Runner::task(number, event_loop))? {
            Seat::Owner(flight) => Ok((served, Some(flight), true)),
            Seat::Passenger(_) if served.is_some() => Ok((served, None, false)),
            Seat::Passenger(flight) => Ok((None, Some(flight), false)),
        }
    }

    /// Start the load: an awaitable of its result.
    fn begin<'py>(&self, py: Python<'py>, flight: &Flight) -> PyResult<Bound<'py, PyAny>> {
        *self.started.lock() = Some(Instant::now());
        waits::begin_run(&flight.ticket);
        super::load::make(self.table.bind(py), &self.call(py))
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

    /// What the passenger of a landed flight gets: `(True, value)`, or `(False, None)` to start over.
    fn take<'py>(
        &self,
        flight: &Bound<'py, Flight>,
        is_owner: bool,
    ) -> PyResult<(bool, Option<Bound<'py, PyAny>>)> {
        let py = flight.py();
        match flight.get().core.outcome(|value| value.clone_ref(py)) {
            Some(Outcome::Value(value)) => Ok((true, Some(self.copied(value.into_bound(py))?))),
            Some(Outcome::Failed(error)) => {
                let error = if is_owner {
                    PyErr::from_value(error.into_bound(py))
                } else {
                    twin::of(py, &error)
                };
                if self.is_anew { Err(error) } else { Ok((true, Some(self.recover(py, error)?))) }
            }
            Some(Outcome::Abandoned) | None => {
                self.table.get().discard(self.key.bind(py), flight)?;
                Ok((false, None))
            }
        }
    }

    /// The value as callers get it.
    fn copied<'py>(&self, value: Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        match &self.table.get().options.get().copy {
            None => Ok(value),
            Some(copy) => copy.bind(value.py()).call1((value,)),
        }
    }

    /// Seconds a passenger waits at most.
    #[getter]
    fn timeout(&self) -> Option<f64> {
        self.table.get().options.get().timeout.map(|timeout| timeout.as_secs_f64())
    }

    /// The failed refresh beside the calls is mentioned once.
    fn note_failed_refresh(&self, py: Python<'_>, kind: &str) {
        log::refresh_failed(py, &self.table.get().options.get().name, kind);
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
        let (table, key, call) = (self.table.bind(py), self.key.bind(py), self.call(py));
        if clock::now().thawed_since(flight.get().started) && flight.get().core.is_unattended() {
            // A refresh nobody waits for that slept with the sandbox: as old as the freeze.
            it.discard(key, flight)?;
        }
        let settled = Landing { table, key, call: &call, old: None }.settle(flight, result);
        flight.get().land(py, Outcome::Abandoned); // no effect unless settling itself went wrong
        settled
    }

    fn recover<'py>(&self, py: Python<'py>, error: PyErr) -> PyResult<Bound<'py, PyAny>> {
        let old = self.old.lock().as_ref().map(|old| old.bind(py).clone());
        let (table, key, call) = (self.table.bind(py), self.key.bind(py), self.call(py));
        if old.is_none()
            && table.get().options.get().flag.is_none()
            && let Some(instead) = fallback(table, &call)
        {
            return instead;
        }
        let value = Landing { table, key, call: &call, old }.recover(error)?;
        self.copied(value)
    }
}

/// A coroutine that is already done: what a hit returns.
#[pyclass(frozen, module = "coldcache._core")]
pub struct Ready {
    value: Mutex<Option<Py<PyAny>>>,
}

impl Ready {
    fn of(value: Bound<'_, PyAny>) -> Self {
        Self { value: Mutex::new(Some(value.unbind())) }
    }

    fn finish(&self) -> PyErr {
        match self.value.lock().take() {
            Some(value) => PyStopIteration::new_err((value,)),
            None => PyRuntimeError::new_err("cannot reuse already awaited coroutine"),
        }
    }
}

#[pymethods]
impl Ready {
    fn __await__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __iter__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __next__(&self) -> PyResult<Py<PyAny>> {
        Err(self.finish())
    }

    fn send(&self, value: Bound<'_, PyAny>) -> PyResult<Py<PyAny>> {
        let _ = value;
        Err(self.finish())
    }

    #[pyo3(signature = (kind, value = None, traceback = None))]
    fn throw(
        &self,
        kind: Bound<'_, PyAny>,
        value: Option<Bound<'_, PyAny>>,
        traceback: Option<Bound<'_, PyAny>>,
    ) -> PyResult<Py<PyAny>> {
        let _ = traceback;
        self.close();
        let error = match value {
            Some(value) if value.is_instance(&kind).unwrap_or(false) => value,
            Some(value) => kind.call1((value,))?,
            None if kind.is_callable() => kind.call0()?,
            None => kind,
        };
        Err(PyErr::from_value(error))
    }

    fn close(&self) {
        let value = self.value.lock().take();
        drop(value);
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        match self.value.lock().as_ref() {
            Some(value) => visit.call(value),
            None => Ok(()),
        }
    }
}
