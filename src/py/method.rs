//! A `cached` method looked up on an instance: the same function, that instance's results.

use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString, PyTuple};

use super::cached::{CachedFunction, cache_info, hit, invalidate, peek, refresh};
use super::function::{Function, Place};
use super::stats::Cause;
use super::table::Table;
use super::vectorcall::{Called, EntryPoint};

#[pyclass(frozen, immutable_type, weakref, module = "coldcache")]
pub struct CachedMethod {
    entry_point: EntryPoint,
    cached: Py<CachedFunction>,
    receiver: Py<PyAny>,
    table: Py<Table>,
}

impl CachedMethod {
    pub fn new<'py>(
        cached: &Bound<'py, CachedFunction>,
        receiver: Bound<'py, PyAny>,
        table: Py<Table>,
    ) -> Self {
        Self {
            entry_point: EntryPoint::of::<Self>(),
            cached: cached.clone().unbind(),
            receiver: receiver.unbind(),
            table,
        }
    }

    fn place<'py>(&self, args: &Bound<'py, PyTuple>) -> Place<'py> {
        let py = args.py();
        Place {
            table: self.table.bind(py).clone(),
            receiver: Some(self.receiver.bind(py).clone()),
            args: args.clone(),
        }
    }

    fn inner(&self) -> &Function {
        &self.cached.get().inner
    }
}

impl Called for CachedMethod {
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
        let it = slf.get();
        it.inner().answer(&it.place(args), kwargs)
    }
}

#[pymethods]
impl CachedMethod {
    #[pyo3(signature = (*args, **kwargs))]
    fn __call__<'py>(
        slf: &Bound<'py, Self>,
        args: &Bound<'py, PyTuple>,
        kwargs: Option<&Bound<'py, PyDict>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        Self::call(slf, args, kwargs)
    }

    /// Forget this instance's result of this call; true if there was one.
    #[pyo3(signature = (*args, **kwargs))]
    fn invalidate<'py>(
        &self,
        args: &Bound<'py, PyTuple>,
        kwargs: Option<&Bound<'py, PyDict>>,
    ) -> PyResult<bool> {
        invalidate(self.inner(), &self.place(args), kwargs)
    }

    /// Run the method for this call now, keep the result and return it.
    #[pyo3(signature = (*args, **kwargs))]
    fn refresh<'py>(
        &self,
        args: &Bound<'py, PyTuple>,
        kwargs: Option<&Bound<'py, PyDict>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        refresh(self.inner(), &self.place(args), kwargs)
    }

    /// The kept result of this call, or None; never runs the method, counts nothing.
    #[pyo3(signature = (*args, **kwargs))]
    fn peek<'py>(
        &self,
        args: &Bound<'py, PyTuple>,
        kwargs: Option<&Bound<'py, PyDict>>,
    ) -> PyResult<Option<Py<PyAny>>> {
        peek(self.inner(), &self.place(args), kwargs)
    }

    /// Forget all results of this instance.
    fn cache_clear(&self, py: Python<'_>) -> PyResult<()> {
        self.table.get().clear(py, Cause::Explicit)?;
        self.table.get().reset_stats();
        Ok(())
    }

    /// Hits, misses, maxsize, currsize of this instance.
    fn cache_info<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        cache_info(py, self.table.get())
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
    fn __func__(&self, py: Python<'_>) -> Py<CachedFunction> {
        self.cached.clone_ref(py)
    }

    #[getter]
    fn __doc__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.cached.bind(py).getattr("__doc__")
    }

    /// Names and the rest are those of the function.
    fn __getattr__<'py>(
        slf: &Bound<'py, Self>,
        name: &Bound<'py, PyString>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let it = slf.get();
        let value = it.cached.bind(slf.py()).getattr(name)?;
        if name == "__wrapped__" && value.hasattr("__get__")? {
            // Bound as well, so that signatures do not show `self`.
            return value.call_method1("__get__", (&it.receiver,));
        }
        Ok(value)
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.cached)?;
        visit.call(&self.receiver)?;
        visit.call(&self.table)
    }
}
