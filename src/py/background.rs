//! A refresh beside the calls: the old value is served while one thread loads the new one.
//!
//! It starts on access, never by itself, so a container without traffic refreshes nothing. It runs in
//! the caller's context, from a plain Python function (`_refresh.py`): a thread that CPython ends at
//! exit must not have native frames below the user's code. A refresh that was frozen with the sandbox
//! may not publish: what it fetched is as old as the freeze.

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use pyo3::exceptions::PyRuntimeError;
use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};

use super::errors::type_name;
use super::flight::Flight;
use super::landing::Landing;
use super::load::{Call, Runner, Seat};
use super::log;
use super::table::Table;
use crate::clock;
use crate::flight::Outcome;
use crate::waits;

/// Refreshes in threads that have not ended. No lock: a waiting thread is detached, and a copy of a
/// lock that it holds would stay locked in a forked child.
static UNDER_WAY: AtomicUsize = AtomicUsize::new(0);

/// How long a thread waits before it looks again.
const SLICE: Duration = Duration::from_millis(1);

/// How many refreshes run in threads of their own.
#[pyfunction]
pub fn _refreshes_under_way() -> usize {
    UNDER_WAY.load(Relaxed)
}

/// Wait at most so many seconds for the refreshes under way; true if none is left.
#[pyfunction]
#[pyo3(signature = (seconds, /))]
pub fn _settle_refreshes(py: Python<'_>, seconds: f64) -> PyResult<bool> {
    let most = Duration::try_from_secs_f64(seconds.max(0.0)).unwrap_or_default();
    let start = Instant::now();
    while UNDER_WAY.load(Relaxed) > 0 {
        if start.elapsed() >= most {
            return Ok(false);
        }
        py.detach(|| thread::sleep(SLICE));
        py.check_signals()?;
    }
    Ok(true)
}

fn ended() {
    // Only attached threads write it: one that a fork has left out of the count must not wrap it.
    UNDER_WAY.store(UNDER_WAY.load(Relaxed).saturating_sub(1), Relaxed);
}

/// In a forked child: none of those threads is there.
pub fn forget_after_fork() {
    UNDER_WAY.store(0, Relaxed);
}

/// Start a refresh unless a load of this key is under way.
pub fn refresh<'py>(
    table: &Bound<'py, Table>,
    key: &Bound<'py, PyAny>,
    call: &Call<'py>,
) -> PyResult<()> {
    let py = table.py();
    let it = table.get();
    if it.is_refresh_paused(key)? {
        return Ok(()); // it failed a moment ago: not yet again
    }
    let thread = waits::coming_thread();
    let Seat::Owner(flight) = it.board(key, Runner::thread(thread))? else { return Ok(()) };
    UNDER_WAY.fetch_add(1, Relaxed);
    let started = Refresh::new(table, key, call, &flight).and_then(|refresh| {
        let run = py.import(intern!(py, "coldcache._refresh"))?.getattr(intern!(py, "start"))?;
        run.call1((refresh,))
    });
    if let Err(error) = started {
        ended();
        flight.get().land(py, Outcome::Abandoned)?;
        it.discard(key, &flight)?;
        if !error.is_instance_of::<PyRuntimeError>(py) {
            return Err(error);
        }
        // No thread could be started: the old value is served and the next call tries again.
        it.stats.failures.add(1);
        log::refresh_failed(py, &it.options.get().name, "RuntimeError");
    }
    Ok(())
}

/// One refresh, for the thread that runs it.
#[pyclass(frozen, immutable_type, module = "coldcache._core")]
pub struct Refresh {
    table: Py<Table>,
    key: Py<PyAny>,
    flight: Py<Flight>,
    function: Py<PyAny>,
    args: Py<PyTuple>,
    kwargs: Py<PyDict>,
    started: Mutex<Option<Instant>>,
}

impl Refresh {
    fn new<'py>(
        table: &Bound<'py, Table>,
        key: &Bound<'py, PyAny>,
        call: &Call<'py>,
        flight: &Bound<'py, Flight>,
    ) -> PyResult<Bound<'py, Self>> {
        let py = table.py();
        let refresh = Self {
            table: table.clone().unbind(),
            key: key.clone().unbind(),
            flight: flight.clone().unbind(),
            function: call.function.clone().unbind(),
            args: call.args.clone().unbind(),
            kwargs: call.kwargs.clone().unwrap_or_else(|| PyDict::new(py)).unbind(),
            started: Mutex::new(None),
        };
        Bound::new(py, refresh)
    }

    fn end<'py>(&self, py: Python<'py>, loaded: PyResult<Bound<'py, PyAny>>) -> PyResult<()> {
        let flight = self.flight.bind(py);
        let it = self.table.get();
        waits::end_run(&flight.get().ticket);
        if let Some(started) = self.started.lock().take() {
            it.stats.count_load(started.elapsed());
        }
        let (table, key) = (self.table.bind(py), self.key.bind(py));
        let settled = if clock::now().thawed_since(flight.get().started) {
            it.discard(key, flight).map(drop)
        } else {
            let call = Call {
                function: self.function.bind(py).clone(),
                args: self.args.bind(py).clone(),
                kwargs: Some(self.kwargs.bind(py).clone()),
            };
            Landing { table, key, call: &call, old: None }.settle(flight, loaded).map(drop)
        };
        let landed = flight.get().land(py, Outcome::Abandoned); // no effect if it has landed
        ended();
        landed?;
        settled
    }
}

#[pymethods]
impl Refresh {
    /// Take over: the calling thread runs the refresh from now on. What it has to call.
    fn begin(&self, py: Python<'_>) -> (Py<PyAny>, Py<PyTuple>, Py<PyDict>) {
        let ticket = &self.flight.get().ticket;
        waits::adopt(ticket.thread);
        waits::begin_run(ticket);
        *self.started.lock() = Some(Instant::now());
        (self.function.clone_ref(py), self.args.clone_ref(py), self.kwargs.clone_ref(py))
    }

    fn succeed(&self, value: Bound<'_, PyAny>) {
        let py = value.py();
        let settled = self.end(py, Ok(value));
        self.note(py, settled);
    }

    fn fail(&self, error: &Bound<'_, PyAny>) {
        let py = error.py();
        let settled = self.end(py, Err(PyErr::from_value(error.clone())));
        self.note(py, settled);
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.table)?;
        visit.call(&self.key)?;
        visit.call(&self.flight)?;
        visit.call(&self.function)?;
        visit.call(&self.args)?;
        visit.call(&self.kwargs)
    }
}

impl Refresh {
    /// Nobody waits for a refresh, so nobody would see its failure: one line tells of it.
    fn note(&self, py: Python<'_>, settled: PyResult<()>) {
        let Err(error) = settled else { return };
        if let Err(error) = self.table.get().pause_refresh(self.key.bind(py)) {
            error.write_unraisable(py, None);
        }
        let kind = type_name(error.value(py).as_any());
        log::refresh_failed(py, &self.table.get().options.get().name, &kind);
    }
}
