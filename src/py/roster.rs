//! The roster of a pool at the border; what its users do with it is in `seat.rs`.
//!
//! Each step is atomic, and none runs Python code under the lock. The lock is only taken by threads attached to the interpreter, as a thread that forks is, so no
//! copy of it is ever locked; and neither a signal handler nor a finalizer can come in between.

use parking_lot::Mutex;
use pyo3::exceptions::PyValueError;
use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::prelude::*;

use super::made::Made;
use crate::clock;
use crate::roster::Roster as Core;

#[pyclass(frozen, immutable_type, module = "coldcache._core")]
pub struct Roster {
    pub core: Mutex<Core<Py<Made>, Py<PyAny>>>,
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
