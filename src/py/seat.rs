//! What one user of a pool has of it: nothing, a place in the line, room for an object, an object.
//!
//! It changes hands between roster and seat inside single steps, so that a signal handler that
//! raises, wherever that is, leaves it in one of the two: what a seat holds can always be given up.

use parking_lot::Mutex;
use pyo3::exceptions::PyRuntimeError;
use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::prelude::*;

use super::epochs::look;
use super::made::Made;
use super::roster::Roster;
use crate::roster::Grant;

enum Holds {
    Nothing,
    /// A ticket of the line.
    Place(u64),
    /// The right to make an object.
    Room,
    Object(Py<Made>),
}

impl From<Grant<Py<Made>>> for Holds {
    fn from(grant: Grant<Py<Made>>) -> Self {
        match grant {
            Grant::Object(made) => Self::Object(made),
            Grant::Vacancy => Self::Room,
        }
    }
}

#[pyclass(frozen, immutable_type, module = "coldcache._core")]
pub struct Seat {
    roster: Py<Roster>,
    holds: Mutex<Holds>,
}

impl Seat {
    fn swap(&self, holds: Holds) -> Holds {
        std::mem::replace(&mut *self.holds.lock(), holds)
    }

    /// Take over what was granted, if anything was.
    fn settle(&self, grant: Option<Grant<Py<Made>>>) -> bool {
        let is_granted = grant.is_some();
        drop(self.swap(grant.map_or(Holds::Nothing, Holds::from)));
        is_granted
    }
}

#[pymethods]
impl Seat {
    #[new]
    fn new(roster: Py<Roster>) -> Self {
        Self { roster, holds: Mutex::new(Holds::Nothing) }
    }

    /// Take the idle object used last, counted as in use, if there is nothing else to do: it can be
    /// handed out without a question, and none is to be shed.
    fn take_healthy(&self, py: Python<'_>, trouble: u64, least: usize) -> Option<Py<Made>> {
        let (now, epoch) = look();
        let is_healthy = |made: &Py<Made>| made.get().is_healthy(now, epoch, trouble);
        let may_go = |made: &Py<Made>| made.get().is_too_idle(now);
        let made = self.roster.get().core.lock().take_if(is_healthy, least, may_go)?;
        made.get().enter(now);
        drop(self.swap(Holds::Object(made.clone_ref(py))));
        Some(made)
    }

    /// Take an idle object, or room for one; false if there is neither.
    fn take(&self) -> bool {
        let grant = self.roster.get().core.lock().take();
        self.settle(grant)
    }

    /// Take room for one object more, whatever is idle; false if there is none.
    fn reserve(&self) -> bool {
        let is_free = self.roster.get().core.lock().reserve();
        self.settle(is_free.then_some(Grant::Vacancy))
    }

    /// The same as `take`, or stand in the line; the waker is called when it is one's turn.
    fn line_up(&self, waker: Py<PyAny>) -> bool {
        let result = self.roster.get().core.lock().line_up(waker);
        match result {
            Ok((grant, _waker)) => self.settle(Some(grant)),
            Err(ticket) => {
                drop(self.swap(Holds::Place(ticket)));
                false
            }
        }
    }

    /// Whether it is one's turn.
    fn is_called(&self) -> bool {
        match *self.holds.lock() {
            Holds::Place(ticket) => self.roster.get().core.lock().is_called(ticket),
            _ => true,
        }
    }

    /// Leave the line with what one got; false if that is nothing.
    fn arrive(&self) -> bool {
        let Holds::Place(ticket) = *self.holds.lock() else { return true };
        let (grant, waker) = self.roster.get().core.lock().leave(ticket);
        let is_granted = self.settle(grant);
        drop(waker);
        is_granted
    }

    /// The object on it.
    #[getter]
    fn made(&self, py: Python<'_>) -> Option<Py<Made>> {
        match &*self.holds.lock() {
            Holds::Object(made) => Some(made.clone_ref(py)),
            _ => None,
        }
    }

    /// Put the object there that was made in the room for it, or instead of the one before.
    fn fill(&self, made: Py<Made>) -> PyResult<()> {
        let mut holds = self.holds.lock();
        if !matches!(*holds, Holds::Room | Holds::Object(_)) {
            drop(holds);
            return Err(PyRuntimeError::new_err("a seat without room cannot be filled"));
        }
        let before = std::mem::replace(&mut *holds, Holds::Object(made));
        drop(holds);
        drop(before);
        Ok(())
    }

    /// Give the object back; the waker of whoever it is for, to be called.
    fn give(&self) -> Option<Py<PyAny>> {
        match self.swap(Holds::Nothing) {
            Holds::Object(made) => self.roster.get().core.lock().give(made),
            Holds::Room => self.roster.get().core.lock().vacate(),
            Holds::Nothing => None,
            Holds::Place(ticket) => self.leave(ticket),
        }
    }

    /// Give up everything, the object as well: there is room for another then; whom to wake.
    fn vacate(&self) -> Option<Py<PyAny>> {
        let before = self.swap(Holds::Nothing);
        let waker = match before {
            Holds::Object(_) | Holds::Room => self.roster.get().core.lock().vacate(),
            Holds::Nothing => None,
            Holds::Place(ticket) => self.leave(ticket),
        };
        drop(before);
        waker
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.roster)?;
        match &*self.holds.lock() {
            Holds::Object(made) => visit.call(made),
            _ => Ok(()),
        }
    }
}

impl Seat {
    /// Leave the line; what came in the last moment is for the next in it.
    fn leave(&self, ticket: u64) -> Option<Py<PyAny>> {
        let roster = self.roster.get();
        let (grant, waker) = roster.core.lock().leave(ticket);
        drop(waker);
        match grant? {
            Grant::Object(made) => roster.core.lock().give(made),
            Grant::Vacancy => roster.core.lock().vacate(),
        }
    }
}
