//! The answer of a coroutine function when it is at hand: an awaitable that never meets an event loop.

use parking_lot::Mutex;
use pyo3::exceptions::{PyRuntimeError, PyStopIteration};
use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::prelude::*;

/// A coroutine that is already done: what a hit returns.
#[pyclass(frozen, immutable_type, module = "coldcache._core")]
pub struct Ready {
    value: Mutex<Option<Py<PyAny>>>,
}

impl Ready {
    pub fn of(value: Bound<'_, PyAny>) -> Self {
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
