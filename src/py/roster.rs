//! The roster of a pool at the border: each step is atomic, and none runs Python code under the lock.
//!
//! The lock is only taken by threads attached to the interpreter, as a thread that forks is, so no
//! copy of it is ever locked; and neither a signal handler nor a finalizer can come in between.

use parking_lot::Mutex;
use pyo3::exceptions::PyValueError;
use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::prelude::*;

use super::epochs::look;
use super::made::Made;
use crate::clock;
use crate::roster::{Grant, Roster as Core};

#[pyclass(frozen, immutable_type, module = "coldcache._core")]
pub struct Roster {
    core: Mutex<Core<Py<Made>, Py<PyAny>>>,
}

/// An object, or `True` for the right to make one.
fn granted(py: Python<'_>, grant: Grant<Py<Made>>) -> Py<PyAny> {
    match grant {
        Grant::Object(made) => made.into_any(),
        Grant::Vacancy => true
            .into_pyobject(py)
            .map_or_else(|never| match never {}, |yes| yes.to_owned().into_any().unbind()),
    }
}

#[pymethods]
impl Roster {
    #[new]
    fn new(size: usize) -> PyResult<Self> {
        if size == 0 {
            return Err(PyValueError::new_err("size must be a whole number above zero, got 0"));
        }
        Ok(Self { core: Mutex::new(Core::new(size)) })
    }

    /// An idle object, `True` for the right to make one, or `None` if all are in use.
    fn take(&self, py: Python<'_>) -> Option<Py<PyAny>> {
        let grant = self.core.lock().take();
        grant.map(|grant| granted(py, grant))
    }

    /// The idle object used last, counted as in use, if there is nothing else to do: it can be handed
    /// out without a question, and none is to be shed.
    fn take_healthy(&self, trouble: u64, least: usize) -> Option<Py<Made>> {
        let (now, epoch) = look();
        let is_healthy = |made: &Py<Made>| made.get().is_healthy(now, epoch, trouble);
        let may_go = |made: &Py<Made>| made.get().is_too_idle(now);
        let made = self.core.lock().take_if(is_healthy, least, may_go)?;
        made.get().enter(now);
        Some(made)
    }

    /// The right to make one object more, whatever is idle.
    fn reserve(&self) -> bool {
        self.core.lock().reserve()
    }

    /// `(what take() gives, None)`, or `(None, ticket)` of a place in the line.
    fn line_up(&self, py: Python<'_>, waker: Py<PyAny>) -> (Option<Py<PyAny>>, Option<u64>) {
        let result = self.core.lock().line_up(waker);
        match result {
            Ok((grant, _waker)) => (Some(granted(py, grant)), None),
            Err(ticket) => (None, Some(ticket)),
        }
    }

    /// An object comes back; the waker of whoever it is for, to be called.
    fn give(&self, made: Py<Made>) -> Option<Py<PyAny>> {
        self.core.lock().give(made)
    }

    /// An object is no more or was not made; the waker of whoever may make one, to be called.
    fn vacate(&self) -> Option<Py<PyAny>> {
        self.core.lock().vacate()
    }

    /// Whether the holder of a ticket was given something.
    fn is_called(&self, ticket: u64) -> bool {
        self.core.lock().is_called(ticket)
    }

    /// Leave the line; what came in the last moment, or `None`.
    fn leave(&self, py: Python<'_>, ticket: u64) -> Option<Py<PyAny>> {
        let (grant, waker) = self.core.lock().leave(ticket);
        drop(waker);
        grant.map(|grant| granted(py, grant))
    }

    /// Take all idle objects out.
    fn drain(&self) -> Vec<Py<Made>> {
        self.core.lock().drain()
    }

    /// Take out an idle object that was unused for too long, if there are more than `least`.
    fn shed(&self, least: usize) -> Option<Py<Made>> {
        let now = clock::now();
        self.core.lock().shed(least, |made| made.get().is_too_idle(now))
    }

    /// How many are idle, how many there are, how many callers wait.
    fn counts(&self) -> (usize, usize, usize) {
        let core = self.core.lock();
        (core.idle(), core.total(), core.waiting())
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        let core = self.core.lock();
        let (objects, wakers) = core.inspect();
        for object in objects {
            visit.call(object)?;
        }
        for waker in wakers {
            visit.call(waker)?;
        }
        Ok(())
    }
}
