//! How a missing value gets into a table: one load for all callers, by plain code.
//!
//! The caller that finds neither a value nor a flight makes the flight and runs the load; all others
//! wait for it. What becomes of the result is in `landing.rs`; the same for coroutines is in
//! `_asyncio.py`.

use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};

use super::background;
use super::dict_steps::{pop_exact, set_default};
use super::errors::FlagError;
use super::flags::is_on;
use super::flight::Flight;
use super::landing::Landing;
use super::table::{Found, Table};
use super::twin;
use crate::flight::Outcome;
use crate::waits::{self, Actor};

/// A call that can be made now or later.
pub struct Call<'py> {
    pub function: Bound<'py, PyAny>,
    pub args: Bound<'py, PyTuple>,
    pub kwargs: Option<Bound<'py, PyDict>>,
}

impl<'py> Call<'py> {
    pub fn make(&self) -> PyResult<Bound<'py, PyAny>> {
        self.function.call(&self.args, self.kwargs.as_ref())
    }
}

/// Who would run a load.
pub struct Runner<'py> {
    pub actor: Actor,
    pub thread: u64,
    /// Where it would be a task.
    pub event_loop: Option<Bound<'py, PyAny>>,
}

impl<'py> Runner<'py> {
    pub fn this_thread() -> Self {
        Self::thread(waits::this_thread())
    }

    pub fn thread(number: u64) -> Self {
        Self { actor: Actor::Thread(number), thread: number, event_loop: None }
    }

    /// A load of this number, as a task of a loop on this thread.
    pub fn task(number: u64, event_loop: Bound<'py, PyAny>) -> Self {
        let thread = waits::this_thread();
        Self { actor: Actor::Load(number), thread, event_loop: Some(event_loop) }
    }
}

/// A place in a flight.
pub enum Seat<'py> {
    Owner(Bound<'py, Flight>),
    Passenger(Bound<'py, Flight>),
}

impl Table {
    /// The value under this key, loaded by `call` if it has to be.
    pub fn get<'py>(
        slf: &Bound<'py, Self>,
        key: &Bound<'py, PyAny>,
        call: &Call<'py>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let py = slf.py();
        let it = slf.get();
        let mut has_missed = false;
        loop {
            let old = match it.find(key)? {
                Found::Fresh(entry) => {
                    it.stats.hits.add(1);
                    return Ok(entry.get().value.bind(py).clone());
                }
                Found::Refresh { entry, is_stale } => {
                    background::refresh(slf, key, call)?;
                    (if is_stale { &it.stats.stale_served } else { &it.stats.hits }).add(1);
                    return Ok(entry.get().value.bind(py).clone());
                }
                Found::Missing { old } => old,
            };
            if !has_missed {
                it.stats.misses.add(1);
                has_missed = true;
            }
            let landing = Landing { table: slf, key, call, old };
            if let Some(error) = it.remembered_failure(key)? {
                return landing.recover(error);
            }
            match it.board(key, Runner::this_thread())? {
                Seat::Owner(flight) => return landing.run(&flight),
                Seat::Passenger(flight) => {
                    match flight.get().wait(py, it.options.get().timeout)? {
                        Outcome::Value(value) => return Ok(value.into_bound(py)),
                        Outcome::Failed(error) => return landing.recover(twin::of(py, &error)),
                        // Start over; an orphan must not be found again.
                        Outcome::Abandoned => drop(it.discard(key, &flight)?),
                    }
                }
            }
        }
    }

    /// Load anew, whatever is stored or under way.
    pub fn reload<'py>(
        slf: &Bound<'py, Self>,
        key: &Bound<'py, PyAny>,
        call: &Call<'py>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let it = slf.get();
        loop {
            it.cut_off(key)?; // what began before may bring what was true before
            if let Seat::Owner(flight) = it.board(key, Runner::this_thread())? {
                let landing = Landing { table: slf, key, call, old: None };
                return landing.run_anew(&flight);
            }
        }
    }

    /// Join the flight of this key, or make one and own it.
    pub fn board<'py>(&self, key: &Bound<'py, PyAny>, runner: Runner<'py>) -> PyResult<Seat<'py>> {
        let py = key.py();
        let flights = self.flights.bind(py);
        loop {
            if let Some(found) = flights.get_item(key)? {
                let flight = found.cast_into::<Flight>()?;
                if flight.get().core.has_landed() || flight.get().is_outdated(self.options.get()) {
                    // Its owner is between publishing and taking it out; or it began before
                    // something that made everybody start anew. Who waits already still gets it.
                    self.discard(key, &flight)?;
                    continue;
                }
                if flight.get().is_orphan(py) {
                    flight.get().land(py, Outcome::Abandoned)?;
                    self.discard(key, &flight)?;
                    continue;
                }
                return Ok(Seat::Passenger(flight));
            }
            let name = &self.options.get().name;
            let event_loop = runner.event_loop.clone().map(Bound::unbind);
            let mine = Flight::new(name, runner.actor, runner.thread, event_loop);
            let mine = Bound::new(py, mine)?;
            if set_default(flights, key, mine.as_any())?.is(&mine) {
                return Ok(Seat::Owner(mine));
            }
        }
    }

    /// Take this very flight out, if it is still there: true if it was, and so may publish.
    pub fn discard(&self, key: &Bound<'_, PyAny>, flight: &Bound<'_, Flight>) -> PyResult<bool> {
        pop_exact(self.flights.bind(key.py()), key, flight.as_any())
    }
}

/// Make the call of a load: what has to come before it, the flag that guards it, the function.
pub fn make<'py>(table: &Bound<'py, Table>, call: &Call<'py>) -> PyResult<Bound<'py, PyAny>> {
    for dependency in &table.get().options.get().after {
        dependency.bind(table.py()).call0()?;
    }
    make_guarded(table, call)
}

/// The same when what has to come before it has come.
pub fn make_guarded<'py>(
    table: &Bound<'py, Table>,
    call: &Call<'py>,
) -> PyResult<Bound<'py, PyAny>> {
    if let Some(flag) = &table.get().options.get().flag
        && !is_on(flag, false).map_err(FlagError::new_err)?
        && let Some(instead) = fallback(table, call)
    {
        return instead;
    }
    call.make()
}

/// What stands in for the result of a load that failed, if the user named something for that.
pub fn fallback_of_failure<'py>(
    table: &Bound<'py, Table>,
    call: &Call<'py>,
) -> Option<PyResult<Bound<'py, PyAny>>> {
    if table.get().options.get().flag.is_some() {
        return None; // that of a flag is for when it is off
    }
    fallback(table, call)
}

fn fallback<'py>(
    table: &Bound<'py, Table>,
    call: &Call<'py>,
) -> Option<PyResult<Bound<'py, PyAny>>> {
    let fallback = table.get().options.get().fallback.as_ref()?.bind(table.py());
    if !fallback.is_callable() {
        return Some(Ok(fallback.clone()));
    }
    Some(fallback.call(&call.args, call.kwargs.as_ref()))
}

/// Run with this thread registered as the one that runs the flight.
pub fn running<T>(flight: &Flight, run: impl FnOnce() -> T) -> T {
    struct Registered<'a>(&'a Flight);
    impl Drop for Registered<'_> {
        fn drop(&mut self) {
            waits::end_run(&self.0.ticket);
        }
    }
    waits::begin_run(&flight.ticket);
    let _registered = Registered(flight);
    run()
}

/// Called in the child of a fork, where only the forking thread goes on.
pub fn forget_after_fork() {
    waits::forget_after_fork();
    background::forget_after_fork();
    super::timeline::note(crate::timeline::Mark::Forked);
    crate::deadline::set(None);
    crate::epoch::record(crate::epoch::Event::Fork);
}
