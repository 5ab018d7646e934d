//! The stand-in for what is not loaded yet, on every Python and wherever the interpreter's own
//! placeholder would not do.
//!
//! It knows the globals it was made for. On first use it loads, then puts the real object in its own
//! place there, so that every later use is a plain global access; what still refers to the stand-in
//! (an element of a list, a default argument) is forwarded.

use std::cell::RefCell;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;
use pyo3::exceptions::{PyAttributeError, PyImportError};
use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyModule, PyString, PyTuple};

use super::lazy_caller::Caller;
use super::lazy_name::Target;
use super::lazy_operators;
use super::lazy_pending::{self, Number};

thread_local! {
    /// The error of the look-up that `__getattr__` is asked about next: it is raised, not made anew.
    static MISSING: RefCell<Option<PyErr>> = const { RefCell::new(None) };
}

#[pyclass(frozen, weakref, subclass, name = "LazyModule", module = "coldcache")]
pub struct Lazy {
    pub number: Number,
    pub target: Target,
    /// The globals of the declaring code.
    owner: Mutex<Option<Py<PyDict>>>,
    value: Mutex<Option<Py<PyAny>>>,
    uses: AtomicU64,
}

/// The stand-in for one name of a module: it has the special methods of every kind of object
/// (`lazy_operators.rs`), each of which loads.
#[pyclass(frozen, extends = Lazy, name = "LazyAttribute", module = "coldcache")]
pub struct LazyAttribute;

pub fn declare<'py>(
    py: Python<'py>,
    target: Target,
    caller: Option<Caller<'py>>,
) -> PyResult<Bound<'py, PyAny>> {
    let is_attribute = target.attr.is_some();
    let lazy = Lazy {
        number: lazy_pending::next_number(),
        target,
        owner: Mutex::new(caller.map(|caller| caller.globals.unbind())),
        value: Mutex::new(None),
        uses: AtomicU64::new(0),
    };
    let proxy = if is_attribute {
        lazy_operators::install(py)?;
        let class = PyClassInitializer::from(lazy).add_subclass(LazyAttribute);
        Bound::new(py, class)?.into_super()
    } else {
        Bound::new(py, lazy)?
    };
    lazy_pending::add_proxy(&proxy)?;
    Ok(proxy.into_any())
}

impl Lazy {
    /// The real object, loaded if it has to be.
    pub fn resolve<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        let py = slf.py();
        let it = slf.get();
        let known = it.value.lock().as_ref().map(|value| value.clone_ref(py));
        let value = if let Some(value) = known {
            value.into_bound(py)
        } else {
            let value = it.target.load(py).map_err(|error| it.target.explain(py, error))?;
            if it.target.is_initializing(py) {
                return Ok(value);
            }
            it.keep(value)
        };
        // The first use puts the real object in place. Whoever stored the stand-in later, or
        // elsewhere, is found by looking again ever more rarely.
        if (it.uses.fetch_add(1, Ordering::Relaxed) + 1).is_power_of_two() {
            Self::rebind(slf, &value)?;
        }
        Ok(value)
    }

    /// Of several threads that load at once the first decides.
    fn keep<'py>(&self, value: Bound<'py, PyAny>) -> Bound<'py, PyAny> {
        let py = value.py();
        let kept = {
            let mut place = self.value.lock();
            place.get_or_insert_with(|| value.clone().unbind()).clone_ref(py)
        };
        lazy_pending::remove(self.number);
        kept.into_bound(py)
    }

    pub fn is_loaded(&self) -> bool {
        self.value.lock().is_some()
    }

    /// Put the real object wherever the globals of the declaring or the using code hold the proxy.
    fn rebind(slf: &Bound<'_, Self>, value: &Bound<'_, PyAny>) -> PyResult<()> {
        let py = slf.py();
        let owner = slf.get().owner.lock().as_ref().map(|owner| owner.clone_ref(py));
        if let Some(owner) = &owner {
            replace(owner.bind(py), slf, value)?;
        }
        match Caller::current(py)? {
            Some(user) if owner.is_none_or(|owner| !owner.is(&user.globals)) => {
                replace(&user.globals, slf, value)
            }
            _ => Ok(()),
        }
    }

    /// What has to be answered about the proxy itself; everything else is the real object's.
    fn look_up<'py>(
        slf: &Bound<'py, Self>,
        name: &Bound<'py, PyString>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let py = slf.py();
        let is_module = slf.get().target.attr.is_none();
        match name.to_cow()?.as_ref() {
            "__class__" if is_module => return Ok(py.get_type::<PyModule>().into_any()),
            "__spec__" if is_module => Self::refuse_reload(slf)?,
            "__reduce__" | "__reduce_ex__" | "__copy__" | "__deepcopy__" | "__mro_entries__" => {
                let of_object = py.get_type::<PyAny>().getattr(intern!(py, "__getattribute__"))?;
                return of_object.call1((slf, name));
            }
            _ => {}
        }
        Self::resolve(slf)?.getattr(name)
    }

    /// `reload` compares its argument with what is in `sys.modules`, which a stand-in cannot be.
    fn refuse_reload(slf: &Bound<'_, Self>) -> PyResult<()> {
        let py = slf.py();
        let Some(user) = Caller::current(py)? else { return Ok(()) };
        let is_reload = user.code()?.getattr(intern!(py, "co_name"))?.eq("reload")?
            && user
                .globals
                .get_item(intern!(py, "__name__"))?
                .map_or(Ok(false), |name| name.eq("importlib"))?;
        if !is_reload {
            return Ok(());
        }
        Self::resolve(slf)?;
        let it = slf.get();
        Err(PyImportError::new_err(format!(
            "reload() was given the stand-in for '{}' (declared lazy at {}), which is loaded now: \
             reload it by its name again, or reload sys.modules['{}']",
            it.target.module, it.target.declared_at, it.target.module
        )))
    }
}

fn replace(
    globals: &Bound<'_, PyDict>,
    proxy: &Bound<'_, Lazy>,
    value: &Bound<'_, PyAny>,
) -> PyResult<()> {
    let names: Vec<_> =
        globals.iter().filter(|(_, held)| held.is(proxy)).map(|(name, _)| name).collect();
    for name in names {
        globals.set_item(name, value)?;
    }
    Ok(())
}

impl Drop for Lazy {
    fn drop(&mut self) {
        lazy_pending::remove(self.number);
    }
}

#[pymethods]
impl Lazy {
    fn __getattribute__<'py>(
        slf: &Bound<'py, Self>,
        name: &Bound<'py, PyString>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let py = slf.py();
        Self::look_up(slf, name).inspect_err(|error| {
            if error.is_instance_of::<PyAttributeError>(py) {
                let before = MISSING.replace(Some(error.clone_ref(py)));
                drop(before);
            }
        })
    }

    /// Asked at once after an `AttributeError` of the above.
    fn __getattr__<'py>(
        slf: &Bound<'py, Self>,
        name: &Bound<'py, PyString>,
    ) -> PyResult<Bound<'py, PyAny>> {
        match MISSING.take() {
            Some(error) => Err(error),
            None => Self::resolve(slf)?.getattr(name),
        }
    }

    fn __setattr__<'py>(
        slf: &Bound<'py, Self>,
        name: &Bound<'py, PyString>,
        value: &Bound<'py, PyAny>,
    ) -> PyResult<()> {
        Self::resolve(slf)?.setattr(name, value)
    }

    fn __delattr__<'py>(slf: &Bound<'py, Self>, name: &Bound<'py, PyString>) -> PyResult<()> {
        Self::resolve(slf)?.delattr(name)
    }

    fn __dir__<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        Ok(Self::resolve(slf)?.dir()?.into_any())
    }

    fn __bool__(&self) -> bool {
        true // as any module; an attribute has an answer of its own
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        let value = self.value.lock().as_ref().map(|value| value.clone_ref(py));
        if let Some(value) = value {
            return Ok(value.bind(py).repr()?.to_string());
        }
        let kind = if self.target.attr.is_some() { "name" } else { "module" };
        let Target { declared_at, .. } = &self.target;
        Ok(format!("<lazy {kind} '{}', declared at {declared_at}>", self.target.shown()))
    }

    /// A class is made with the real class as its base.
    fn __mro_entries__<'py>(
        slf: &Bound<'py, Self>,
        bases: &Bound<'py, PyTuple>,
    ) -> PyResult<Bound<'py, PyTuple>> {
        let py = slf.py();
        let real = Self::resolve(slf)?;
        if !real.is_instance_of::<pyo3::types::PyType>()
            && let Some(entries) = real.getattr_opt(intern!(py, "__mro_entries__"))?
        {
            return Ok(entries.call1((bases,))?.cast_into()?);
        }
        PyTuple::new(py, [real])
    }

    /// Pickled by name: whoever loads the pickle declares it lazy again.
    fn __reduce__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        let lazy = py.import(intern!(py, "coldcache._core"))?.getattr(intern!(py, "lazy"))?;
        let arguments = (self.target.module.as_str(), self.target.attr.as_deref());
        (lazy, arguments).into_pyobject(py)
    }

    /// A module is not copied: there is one of each. Of a name the real object decides.
    fn __copy__<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        if slf.get().target.attr.is_none() {
            return Ok(slf.clone().into_any());
        }
        let py = slf.py();
        py.import(intern!(py, "copy"))?.call_method1(intern!(py, "copy"), (Self::resolve(slf)?,))
    }

    fn __deepcopy__<'py>(
        slf: &Bound<'py, Self>,
        memo: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyAny>> {
        if slf.get().target.attr.is_none() {
            return Ok(slf.clone().into_any());
        }
        let py = slf.py();
        let arguments = (Self::resolve(slf)?, memo);
        py.import(intern!(py, "copy"))?.call_method1(intern!(py, "deepcopy"), arguments)
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        if let Some(owner) = self.owner.lock().as_ref() {
            visit.call(owner)?;
        }
        if let Some(value) = self.value.lock().as_ref() {
            visit.call(value)?;
        }
        Ok(())
    }

    fn __clear__(&self) {
        let owner = self.owner.lock().take();
        let value = self.value.lock().take();
        drop((owner, value));
    }
}
