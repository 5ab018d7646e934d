//! `Cache`: a mapping whose entries have a life.

use pyo3::exceptions::{PyKeyError, PyTypeError};
use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyDict, PyIterator, PyTuple};

use super::arguments;
use super::asynchronous;
use super::birth::Birth;
use super::cached::cache_info;
use super::cached_options::{NAMES, parse};
use super::decorator::Given;
use super::errors::mistyped;
use super::function::is_coroutine_function;
use super::keywords::Keywords;
use super::load::Call;
use super::options::Options;
use super::stats::Cause;
use super::table::Table;

/// Options that only make sense where a function is decorated.
const NOT_HERE: [&str; 5] = ["key", "typed", "vary", "fallback", "copy"];

/// A mapping for the container's lifetime whose entries expire.
#[pyclass(frozen, immutable_type, weakref, mapping, module = "coldcache")]
pub struct Cache {
    pub table: Py<Table>,
}

impl Cache {
    fn options(&self) -> &Options {
        self.table.get().options.get()
    }

    fn store<'py>(
        &self,
        key: &Bound<'py, PyAny>,
        value: Bound<'py, PyAny>,
        ttl: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<()> {
        let table = self.table.get();
        let birth = Birth::now();
        let entry = match arguments::seconds("ttl", ttl)? {
            Some(ttl) => table.new_entry_with_ttl(key, value, Some(ttl), birth)?,
            None => table.new_entry(key, value, birth)?,
        };
        table.cut_off(key)?; // what is set now is newer than what a load under way will bring
        table.insert(&entry)
    }

    fn live(&self, key: &Bound<'_, PyAny>) -> PyResult<Option<Py<PyAny>>> {
        if let Some(value) = self.table.get().hit(key)? {
            return Ok(Some(value.unbind()));
        }
        let value = self.table.get().peek(key)?;
        let stats = &self.table.get().stats;
        (if value.is_some() { &stats.hits } else { &stats.misses }).add(1);
        Ok(value)
    }

    /// The live pairs at this moment, as a dict of their own.
    fn snapshot<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let pairs = PyDict::new(py);
        for entry in self.table.get().live(py) {
            pairs.set_item(entry.get().key.bind(py), entry.get().value.bind(py))?;
        }
        Ok(pairs)
    }
}

/// Make `isinstance(cache, MutableMapping)` true. Not when the module is loaded, as the abstract
/// classes may not be there yet and cost more than all of coldcache.
fn register_as_mapping(py: Python<'_>) -> PyResult<()> {
    static REGISTERED: PyOnceLock<()> = PyOnceLock::new();
    if REGISTERED.get(py).is_none() {
        let abstract_classes = py.import("_collections_abc")?;
        let mapping = abstract_classes.getattr("MutableMapping")?;
        mapping.call_method1("register", (py.get_type::<Cache>(),))?;
        let _ = REGISTERED.set(py, ()); // another thread may have been faster
    }
    Ok(())
}

#[pymethods]
impl Cache {
    #[new]
    #[pyo3(signature = (**options), text_signature = "(*, ttl=None, stale=None, \
        stale_if_error=None, error_ttl=None, refresh_ahead=None, jitter=None, max_entries=1024, \
        max_weight=None, weigher=None, policy='lru', timeout=None, expires_at=None, \
        on_fork='keep', on_restore='stale', listener=None, name=None)")]
    fn new(py: Python<'_>, options: Option<Bound<'_, PyDict>>) -> PyResult<Self> {
        let given = Keywords::parse(py, "Cache", &NAMES, options)?;
        for name in NOT_HERE {
            if given.0.contains(name)? {
                return Err(PyTypeError::new_err(format!(
                    "Cache() takes no {name}=: it is an option of cached, where a function is called"
                )));
            }
        }
        let name = given.name()?;
        let options = parse(py, &given, name.as_deref().unwrap_or("Cache"))?;
        let options = Py::new(py, options)?;
        register_as_mapping(py)?;
        Ok(Self { table: Table::create(py, options)?.unbind() })
    }

    fn __getitem__(&self, key: Bound<'_, PyAny>) -> PyResult<Py<PyAny>> {
        self.live(&key)?.ok_or_else(|| PyKeyError::new_err((key.unbind(),)))
    }

    fn __setitem__<'py>(&self, key: Bound<'py, PyAny>, value: Bound<'py, PyAny>) -> PyResult<()> {
        self.store(&key, value, None)
    }

    fn __delitem__(&self, key: Bound<'_, PyAny>) -> PyResult<()> {
        let was_live = self.table.get().peek(&key)?.is_some();
        self.table.get().invalidate(&key)?;
        if was_live { Ok(()) } else { Err(PyKeyError::new_err((key.unbind(),))) }
    }

    fn __contains__(&self, key: Bound<'_, PyAny>) -> PyResult<bool> {
        Ok(self.table.get().peek(&key)?.is_some())
    }

    /// Live entries.
    fn __len__(&self, py: Python<'_>) -> usize {
        self.table.get().live(py).len()
    }

    /// A cache is true, also while it is empty: `if cache:` asks whether there is one.
    fn __bool__(&self) -> bool {
        true
    }

    fn __iter__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyIterator>> {
        self.snapshot(py)?.try_iter()
    }

    /// The live value, else the default.
    #[pyo3(signature = (key, default = None, /))]
    fn get(
        &self,
        key: Bound<'_, PyAny>,
        default: Option<Py<PyAny>>,
    ) -> PyResult<Option<Py<PyAny>>> {
        Ok(self.live(&key)?.or(default))
    }

    /// Store a value, for its own time if one is given.
    #[pyo3(signature = (key, value, /, *, ttl = None))]
    fn set<'py>(
        &self,
        key: Bound<'py, PyAny>,
        value: Bound<'py, PyAny>,
        ttl: Option<Bound<'py, PyAny>>,
    ) -> PyResult<()> {
        self.store(&key, value, ttl.as_ref())
    }

    /// The value, loaded by `loader()` if it has to be; an awaitable if the loader is a coroutine
    /// function. One load for all callers, whichever kind each of them passes.
    #[pyo3(signature = (key, loader, /))]
    fn get_or_load<'py>(
        slf: &Bound<'py, Self>,
        key: Bound<'py, PyAny>,
        loader: Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let py = slf.py();
        if !loader.is_callable() {
            return Err(mistyped("loader", &loader, "a callable without arguments"));
        }
        let table = slf.get().table.bind(py);
        let is_async = is_coroutine_function(&loader);
        let call = Call { function: loader, args: PyTuple::empty(py), kwargs: None };
        if is_async {
            return asynchronous::get(table, &key, call);
        }
        if let Some(value) = table.get().hit(&key)? {
            return Ok(value);
        }
        Table::get(table, &key, &call)
    }

    /// The live value without counting it as a use, else None.
    fn peek(&self, key: Bound<'_, PyAny>) -> PyResult<Option<Py<PyAny>>> {
        self.table.get().peek(&key)
    }

    /// Forget a key; true if there was something under it.
    fn invalidate(&self, key: Bound<'_, PyAny>) -> PyResult<bool> {
        self.table.get().invalidate(&key)
    }

    /// Forget everything; loads under way are not kept.
    fn clear(&self, py: Python<'_>) -> PyResult<()> {
        self.table.get().clear(py, Cause::Explicit)
    }

    /// Drop what is past every use; how many entries that were.
    fn expire(&self, py: Python<'_>) -> PyResult<usize> {
        self.table.get().expire(py)
    }

    /// Take the live value out.
    #[pyo3(signature = (key, default = Given::Unset, /))]
    fn pop(&self, key: Bound<'_, PyAny>, default: Given<'_>) -> PyResult<Py<PyAny>> {
        let value = self.table.get().peek(&key)?;
        self.table.get().invalidate(&key)?;
        value
            .or_else(|| default.into_option().map(Bound::unbind))
            .ok_or_else(|| PyKeyError::new_err((key.unbind(),)))
    }

    /// Take out the live pair whose key came first.
    fn popitem(&self, py: Python<'_>) -> PyResult<(Py<PyAny>, Py<PyAny>)> {
        let table = self.table.get();
        for entry in table.live(py) {
            if table.remove_entry(&entry, Cause::Explicit)? {
                return Ok((entry.get().key.clone_ref(py), entry.get().value.clone_ref(py)));
            }
        }
        Err(PyKeyError::new_err("popitem(): cache is empty"))
    }

    /// The live value, or the default, stored if there was none.
    #[pyo3(signature = (key, default = None, /))]
    fn setdefault<'py>(
        &self,
        key: Bound<'py, PyAny>,
        default: Option<Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let py = key.py();
        if let Some(value) = self.live(&key)? {
            return Ok(value.into_bound(py));
        }
        let value = default.unwrap_or_else(|| py.None().into_bound(py));
        self.store(&key, value.clone(), None)?;
        Ok(value)
    }

    /// Store the pairs of a mapping or of an iterable.
    #[pyo3(signature = (other = None, /, **pairs))]
    fn update<'py>(
        &self,
        py: Python<'py>,
        other: Option<Bound<'py, PyAny>>,
        pairs: Option<Bound<'py, PyDict>>,
    ) -> PyResult<()> {
        let all = PyDict::new(py);
        if let Some(other) = other {
            all.call_method1("update", (other,))?;
        }
        if let Some(pairs) = pairs {
            all.update(pairs.as_mapping())?;
        }
        for (key, value) in all.iter() {
            self.store(&key, value, None)?;
        }
        Ok(())
    }

    /// The live keys at this moment.
    fn keys<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.snapshot(py)?.call_method0(intern!(py, "keys"))
    }

    /// The live values at this moment.
    fn values<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.snapshot(py)?.call_method0(intern!(py, "values"))
    }

    /// The live pairs at this moment.
    fn items<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.snapshot(py)?.call_method0(intern!(py, "items"))
    }

    /// Hits, misses, maxsize, currsize: as functools' `cache_info`.
    fn cache_info<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        cache_info(py, self.table.get())
    }

    /// Counters, as a dict.
    fn stats<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        self.table.get().stats.as_dict(py)
    }

    fn __repr__(&self, py: Python<'_>) -> String {
        let live = self.table.get().live(py).len();
        format!("<coldcache.Cache {}: {live} live entries>", self.options().name)
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.table)
    }
}
