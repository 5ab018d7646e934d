//! A `once` method looked up on an instance: the same function, that instance's result.

use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString, PyTuple};

use super::function::{Function, Place};
use super::once::{Once, hit, peek, refuse_arguments};
use super::stats::Cause;
use super::table::Table;
use super::vectorcall::{Called, EntryPoint};

// A `once` method looked up on an instance. No docstring here: it shows the one of the function.
#[pyclass(frozen, immutable_type, weakref, module = "coldcache")]
pub struct BoundOnce {
    entry_point: EntryPoint,
    once: Py<Once>,
    receiver: Py<PyAny>,
    table: Py<Table>,
}

impl BoundOnce {
    pub fn new<'py>(
        once: &Bound<'py, Once>,
        receiver: Bound<'py, PyAny>,
        table: Py<Table>,
    ) -> Self {
        Self {
            entry_point: EntryPoint::of::<Self>(),
            once: once.clone().unbind(),
            receiver: receiver.unbind(),
            table,
        }
    }
}

impl BoundOnce {
    fn inner(&self) -> &Function {
        &self.once.get().inner
    }
}

impl Called for BoundOnce {
    fn entry_point(&self) -> &EntryPoint {
        &self.entry_point
    }

    #[inline]
    fn hit<'py>(
        &self,
        py: Python<'py>,
        args: &[Borrowed<'_, 'py, PyAny>],
    ) -> PyResult<Option<Bound<'py, PyAny>>> {
        hit(self.table.get(), py, args)
    }

    fn call<'py>(
        slf: &Bound<'py, Self>,
        args: &Bound<'py, PyTuple>,
        kwargs: Option<&Bound<'py, PyDict>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let py = slf.py();
        let it = slf.get();
        let place = Place {
            table: it.table.bind(py).clone(),
            receiver: Some(it.receiver.bind(py).clone()),
            args: args.clone(),
        };
        refuse_arguments(it.inner(), &place, kwargs)?;
        it.inner().answer(&place, kwargs)
    }
}

#[pymethods]
impl BoundOnce {
    #[pyo3(signature = (*args, **kwargs))]
    fn __call__<'py>(
        slf: &Bound<'py, Self>,
        args: &Bound<'py, PyTuple>,
        kwargs: Option<&Bound<'py, PyDict>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        Self::call(slf, args, kwargs)
    }

    /// Forget this instance's result.
    fn reset(&self, py: Python<'_>) -> PyResult<()> {
        self.table.get().clear(py, Cause::Explicit)
    }

    /// Whether the method has run for this instance and its result is kept.
    fn is_done(&self, py: Python<'_>) -> PyResult<bool> {
        Ok(peek(self.table.get(), py)?.is_some())
    }

    /// This instance's result if there is one, else the default.
    #[pyo3(signature = (default = None))]
    fn peek(&self, py: Python<'_>, default: Option<Py<PyAny>>) -> PyResult<Option<Py<PyAny>>> {
        Ok(peek(self.table.get(), py)?.or(default))
    }

    /// Counters of this instance, as a dict.
    fn stats<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        self.table.get().stats.as_dict(py)
    }

    #[getter]
    fn __self__(&self, py: Python<'_>) -> Py<PyAny> {
        self.receiver.clone_ref(py)
    }

    #[getter]
    fn __func__(&self, py: Python<'_>) -> Py<Once> {
        self.once.clone_ref(py)
    }

    #[getter]
    fn __doc__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.once.bind(py).getattr("__doc__")
    }

    /// Names and the rest are those of the function.
    fn __getattr__<'py>(
        slf: &Bound<'py, Self>,
        name: &Bound<'py, PyString>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let it = slf.get();
        let value = it.once.bind(slf.py()).getattr(name)?;
        if name == "__wrapped__" && value.hasattr("__get__")? {
            // Bound as well, so that signatures do not show `self`.
            return value.call_method1("__get__", (&it.receiver,));
        }
        Ok(value)
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.once)?;
        visit.call(&self.receiver)?;
        visit.call(&self.table)
    }
}
