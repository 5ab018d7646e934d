//! A refresh beside the calls: the old value is served while one thread loads the new one.
//!
//! It starts on access, never by itself, so a container without traffic refreshes nothing. A refresh
//! that was frozen with the sandbox may not publish: what it fetched is as old as the freeze.

use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use pyo3::types::{PyCFunction, PyTuple};

use super::flight::Flight;
use super::landing::Landing;
use super::load::{Call, Runner, Seat, running};
use super::log;
use super::table::Table;
use crate::clock;
use crate::flight::Outcome;
use crate::waits;

/// Start a refresh unless a load of this key is under way.
pub fn refresh<'py>(
    table: &Bound<'py, Table>,
    key: &Bound<'py, PyAny>,
    call: &Call<'py>,
) -> PyResult<()> {
    let py = table.py();
    let it = table.get();
    if it.remembered_failure(key)?.is_some() {
        return Ok(()); // it failed a moment ago: not yet again
    }
    let runner = waits::coming_thread();
    let Seat::Owner(flight) = it.board(key, Runner::thread(runner))? else { return Ok(()) };
    if let Err(error) = start(table, key, call, &flight) {
        it.discard(key, &flight)?;
        flight.get().land(py, Outcome::Abandoned);
        if !error.is_instance_of::<PyRuntimeError>(py) {
            return Err(error);
        }
        // No thread could be started: the old value is served and the next call tries again.
        it.stats.failures.add(1);
        log::refresh_failed(py, &it.options.get().name, "RuntimeError");
    }
    Ok(())
}

fn start<'py>(
    table: &Bound<'py, Table>,
    key: &Bound<'py, PyAny>,
    call: &Call<'py>,
    flight: &Bound<'py, Flight>,
) -> PyResult<()> {
    let py = table.py();
    let owned_table = table.clone().unbind();
    let owned_key = key.clone().unbind();
    let owned_flight = flight.clone().unbind();
    let function = call.function.clone().unbind();
    let args = call.args.clone().unbind();
    let kwargs = call.kwargs.clone().map(Bound::unbind);
    let body = PyCFunction::new_closure(py, None, None, move |given, _| {
        let py = given.py();
        let call = Call {
            function: function.bind(py).clone(),
            args: args.bind(py).clone(),
            kwargs: kwargs.as_ref().map(|kwargs| kwargs.bind(py).clone()),
        };
        run(owned_table.bind(py), owned_key.bind(py), &call, owned_flight.bind(py));
    })?;
    py.import("_thread")?.call_method1("start_new_thread", (body, PyTuple::empty(py)))?;
    Ok(())
}

fn run<'py>(
    table: &Bound<'py, Table>,
    key: &Bound<'py, PyAny>,
    call: &Call<'py>,
    flight: &Bound<'py, Flight>,
) {
    let py = table.py();
    waits::adopt(flight.get().ticket.thread);
    let it = table.get();
    let start = std::time::Instant::now();
    let loaded = running(flight.get(), || super::load::make(table, call));
    it.stats.count_load(start.elapsed());
    if clock::now().thawed_since(flight.get().started) {
        drop(it.discard(key, flight));
        flight.get().land(py, Outcome::Abandoned);
        return;
    }
    let failed = loaded.as_ref().err().map(|error| {
        error.get_type(py).name().map_or_else(|_| "?".to_owned(), |name| name.to_string())
    });
    let landing = Landing { table, key, call, old: None };
    let settled = landing.settle(flight, loaded);
    flight.get().land(py, Outcome::Abandoned); // no effect unless settling itself went wrong
    if let Some(kind) = failed {
        log::refresh_failed(py, &it.options.get().name, &kind);
    } else if let Err(error) = settled {
        error.write_unraisable(py, Some(table.as_any()));
    }
}
