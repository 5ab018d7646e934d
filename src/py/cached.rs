//! `cached`: a function whose results are kept, each for its time.

use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};

use super::asynchronous;
use super::function::{Function, Place, Target};
use super::load::Call;
use super::method::CachedMethod;
use super::options::Options;
use super::table::Table;
use super::vectorcall::{Called, EntryPoint, look_up};

#[pyclass(frozen, immutable_type, weakref, dict, module = "coldcache")]
pub struct CachedFunction {
    entry_point: EntryPoint,
    pub inner: Function,
}

impl CachedFunction {
    pub fn wrap<'py>(
        py: Python<'py>,
        target: &Target<'py>,
        options: Options,
    ) -> PyResult<Bound<'py, PyAny>> {
        let inner = Function::new(py, target, options)?;
        let slf = Bound::new(py, Self { entry_point: EntryPoint::of::<Self>(), inner })?;
        slf.get().inner.dress(&slf)?;
        Ok(slf.into_any())
    }
}

impl Called for CachedFunction {
    fn entry_point(&self) -> &EntryPoint {
        &self.entry_point
    }

    #[inline]
    fn hit<'py>(
        &self,
        py: Python<'py>,
        args: &[Borrowed<'_, 'py, PyAny>],
    ) -> PyResult<Option<Bound<'py, PyAny>>> {
        hit(self.inner.table.get(), py, args)
    }

    fn call<'py>(
        slf: &Bound<'py, Self>,
        args: &Bound<'py, PyTuple>,
        kwargs: Option<&Bound<'py, PyDict>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let inner = &slf.get().inner;
        inner.answer(&inner.place(slf, args)?, kwargs)
    }
}

/// The answer if it is stored under a simple key and plainly fresh.
#[inline]
pub fn hit<'py>(
    table: &Table,
    py: Python<'py>,
    args: &[Borrowed<'_, 'py, PyAny>],
) -> PyResult<Option<Bound<'py, PyAny>>> {
    if !table.has_plain_hits {
        return Ok(None);
    }
    look_up(table, py, args)
}

fn key<'py>(
    inner: &Function,
    place: &Place<'py>,
    kwargs: Option<&Bound<'py, PyDict>>,
) -> PyResult<(Bound<'py, PyAny>, Call<'py>)> {
    let call = inner.call_at(place, kwargs)?;
    let key = inner.key_of(place, kwargs, &call)?;
    Ok((key, call))
}

pub fn invalidate<'py>(
    inner: &Function,
    place: &Place<'py>,
    kwargs: Option<&Bound<'py, PyDict>>,
) -> PyResult<bool> {
    let (key, _) = key(inner, place, kwargs)?;
    let removed = place.table.get().invalidate(&key);
    removed.map_err(|error| inner.explain(error, place, kwargs))
}

pub fn refresh<'py>(
    inner: &Function,
    place: &Place<'py>,
    kwargs: Option<&Bound<'py, PyDict>>,
) -> PyResult<Bound<'py, PyAny>> {
    let (key, call) = key(inner, place, kwargs)?;
    let result = if inner.options.get().is_async {
        asynchronous::reload(&place.table, &key, call)
    } else {
        Table::reload(&place.table, &key, &call).and_then(|value| inner.copied(value))
    };
    result.map_err(|error| inner.explain(error, place, kwargs))
}

pub fn peek<'py>(
    inner: &Function,
    place: &Place<'py>,
    kwargs: Option<&Bound<'py, PyDict>>,
) -> PyResult<Option<Py<PyAny>>> {
    let (key, _) = key(inner, place, kwargs)?;
    let found = place.table.get().peek(&key);
    let found = found.map_err(|error| inner.explain(error, place, kwargs))?;
    let copied = found.map(|value| inner.copied(value.into_bound(place.table.py())));
    Ok(copied.transpose()?.map(Bound::unbind))
}

/// `functools`' record of the same name, so that what reads one reads the other.
pub fn cache_info<'py>(py: Python<'py>, table: &Table) -> PyResult<Bound<'py, PyAny>> {
    let stats = &table.stats;
    let held = table.entries.bind(py).len();
    py.import("coldcache._cache")?.getattr("CacheInfo")?.call1((
        stats.hits.get(),
        stats.misses.get(),
        table.options.get().max_entries,
        held,
    ))
}

#[pymethods]
impl CachedFunction {
    #[pyo3(signature = (*args, **kwargs))]
    fn __call__<'py>(
        slf: &Bound<'py, Self>,
        args: &Bound<'py, PyTuple>,
        kwargs: Option<&Bound<'py, PyDict>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        Self::call(slf, args, kwargs)
    }

    fn __get__<'py>(
        slf: &Bound<'py, Self>,
        instance: Option<Bound<'py, PyAny>>,
        owner: Option<Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let inner = &slf.get().inner;
        let Some(receiver) = inner.receiver(instance.as_ref(), owner.as_ref()) else {
            return Ok(slf.clone().into_any());
        };
        let table = inner.table_of(&receiver)?.unbind();
        Ok(Bound::new(slf.py(), CachedMethod::new(slf, receiver, table))?.into_any())
    }

    fn __set_name__(&self, owner: &Bound<'_, PyAny>, _name: &Bound<'_, PyAny>) {
        self.inner.set_name(owner);
    }

    /// Forget the result of this call; true if there was one.
    #[pyo3(signature = (*args, **kwargs))]
    fn invalidate<'py>(
        slf: &Bound<'py, Self>,
        args: &Bound<'py, PyTuple>,
        kwargs: Option<&Bound<'py, PyDict>>,
    ) -> PyResult<bool> {
        let inner = &slf.get().inner;
        invalidate(inner, &inner.place(slf, args)?, kwargs)
    }

    /// Run the function for this call now, keep the result and return it.
    #[pyo3(signature = (*args, **kwargs))]
    fn refresh<'py>(
        slf: &Bound<'py, Self>,
        args: &Bound<'py, PyTuple>,
        kwargs: Option<&Bound<'py, PyDict>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let inner = &slf.get().inner;
        refresh(inner, &inner.place(slf, args)?, kwargs)
    }

    /// The kept result of this call, or None; never runs the function, counts nothing.
    #[pyo3(signature = (*args, **kwargs))]
    fn peek<'py>(
        slf: &Bound<'py, Self>,
        args: &Bound<'py, PyTuple>,
        kwargs: Option<&Bound<'py, PyDict>>,
    ) -> PyResult<Option<Py<PyAny>>> {
        let inner = &slf.get().inner;
        peek(inner, &inner.place(slf, args)?, kwargs)
    }

    /// Forget everything, counters included; loads under way are not kept.
    fn cache_clear(&self, py: Python<'_>) -> PyResult<()> {
        self.inner.clear(py)
    }

    /// Hits, misses, maxsize, currsize: as functools' `cache_info`.
    fn cache_info<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        cache_info(py, self.inner.table.get())
    }

    /// The options in force, as a dict.
    fn cache_parameters<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        self.inner.options.get().parameters.bind(py).cast::<PyDict>()?.copy()
    }

    /// Counters, as a dict.
    fn stats<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        self.inner.table.get().stats.as_dict(py)
    }

    fn __reduce__<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        slf.getattr("__qualname__")
    }

    fn __copy__<'py>(slf: &Bound<'py, Self>) -> Bound<'py, Self> {
        slf.clone()
    }

    fn __deepcopy__<'py>(slf: &Bound<'py, Self>, _memo: &Bound<'py, PyAny>) -> Bound<'py, Self> {
        slf.clone()
    }

    fn __repr__(&self, py: Python<'_>) -> String {
        let held = self.inner.table.get().entries.bind(py).len();
        format!("<coldcache.cached {}: {held} entries>", self.inner.options.get().name)
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        if !self.entry_point.is_set() {
            return Ok(()); // being made: see `EntryPoint`
        }
        self.inner.traverse(&visit)
    }

    fn __clear__(&self) {
        self.inner.forget_owners();
    }
}
