//! `lazy`: a module that is imported when it is first used.
//!
//! The proxy knows the globals it was made for. On first use it imports, then puts the real module in
//! its own place there, so that every later use is a plain global access; what still refers to the
//! proxy (an alias elsewhere) is forwarded. It is never put into `sys.modules`, and no lock is held
//! while module code runs: a first use by several threads goes through the ordinary import lock.

use parking_lot::Mutex;
use pyo3::exceptions::{PyAttributeError, PyImportError, PyValueError};
use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString, PyTuple};

#[pyclass(frozen, weakref, name = "LazyModule", module = "coldcache")]
pub struct Lazy {
    name: String,
    /// The globals of the declaring module, until the name was rebound there.
    owner: Mutex<Option<Py<PyDict>>>,
    declared_at: String,
    module: Mutex<Option<Py<PyAny>>>,
}

/// A stand-in for a module that is imported when it is first used.
#[pyfunction]
#[pyo3(signature = (name, /))]
pub fn lazy<'py>(py: Python<'py>, name: &str) -> PyResult<Bound<'py, PyAny>> {
    let is_identifier = |part: &str| {
        PyString::new(py, part)
            .call_method0(intern!(py, "isidentifier"))
            .and_then(|answer| answer.is_truthy())
    };
    for part in name.split('.') {
        if !is_identifier(part)? {
            return Err(PyValueError::new_err(format!(
                "lazy() takes the absolute name of a module, such as 'numpy' or 'os.path', got {}",
                PyString::new(py, name).repr()?
            )));
        }
    }
    // A native function has no frame of its own: the current one is the caller's.
    let frame = py.import(intern!(py, "sys"))?.call_method1(intern!(py, "_getframe"), (0,))?;
    let owner = frame.getattr(intern!(py, "f_globals"))?.cast_into::<PyDict>()?;
    let file = frame.getattr(intern!(py, "f_code"))?.getattr(intern!(py, "co_filename"))?;
    let line = frame.getattr(intern!(py, "f_lineno"))?;
    let proxy = Lazy {
        name: name.to_owned(),
        owner: Mutex::new(Some(owner.unbind())),
        declared_at: format!("{file}:{line}"),
        module: Mutex::new(None),
    };
    let proxy = Bound::new(py, proxy)?;
    if super::flags::is_on("COLDCACHE_EAGER", false).map_err(super::errors::FlagError::new_err)? {
        return Lazy::resolve(&proxy);
    }
    Ok(proxy.into_any())
}

impl Lazy {
    /// The real module, imported if it has to be.
    fn resolve<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        let py = slf.py();
        let it = slf.get();
        let known = it.module.lock().as_ref().map(|module| module.clone_ref(py));
        if let Some(module) = known {
            return Ok(module.into_bound(py));
        }
        let module = it.import(py).map_err(|error| it.explain(py, error))?;
        let before = it.module.lock().replace(module.clone().unbind());
        drop(before);
        let owner = it.owner.lock().take();
        if let Some(owner) = owner {
            rebind(owner.bind(py), slf, &module)?;
        }
        Ok(module)
    }

    fn import<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        // The leaf of a dotted name, as sys.modules has it: some modules replace themselves there.
        Ok(py.import(self.name.as_str())?.into_any())
    }

    /// The original error, chained to the line that declared the name.
    fn explain(&self, py: Python<'_>, error: PyErr) -> PyErr {
        if error.cause(py).is_none() {
            let declared = PyImportError::new_err(format!(
                "'{}' was declared lazy at {} and failed to import on first use",
                self.name, self.declared_at
            ));
            error.set_cause(py, Some(declared));
        }
        error
    }
}

/// Put the module wherever the owner's globals hold the proxy.
fn rebind(
    owner: &Bound<'_, PyDict>,
    proxy: &Bound<'_, Lazy>,
    module: &Bound<'_, PyAny>,
) -> PyResult<()> {
    for (name, value) in owner.copy()?.iter() {
        if value.is(proxy) {
            owner.set_item(name, module)?;
        }
    }
    Ok(())
}

#[pymethods]
impl Lazy {
    fn __getattribute__<'py>(
        slf: &Bound<'py, Self>,
        name: &Bound<'py, PyString>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let py = slf.py();
        // What tools ask of any object must not load: its class, and how to pickle or copy it.
        match name.to_cow()?.as_ref() {
            "__class__" => {
                return py.import(intern!(py, "sys"))?.getattr(intern!(py, "__class__"));
            }
            "__reduce__" | "__reduce_ex__" => {
                let by_name = py.import(intern!(py, "coldcache._core"))?.getattr("_reduce_lazy")?;
                return Ok(py
                    .import("_functools")?
                    .getattr("partial")?
                    .call1((by_name, slf.get().name.as_str()))?
                    .into_any());
            }
            // Otherwise a deep copy would load; without it one is made as pickling does.
            "__deepcopy__" => return Err(PyAttributeError::new_err(name.clone().unbind())),
            _ => {}
        }
        Self::resolve(slf)?.getattr(name)
    }

    /// Asked after a failure: the module's own words for what it does not have.
    fn __getattr__<'py>(
        slf: &Bound<'py, Self>,
        name: &Bound<'py, PyString>,
    ) -> PyResult<Bound<'py, PyAny>> {
        if name == "__deepcopy__" {
            return Err(PyAttributeError::new_err(name.clone().unbind()));
        }
        Self::resolve(slf)?.getattr(name)
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
        true // as any module
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        let module = self.module.lock().as_ref().map(|module| module.clone_ref(py));
        Ok(match module {
            Some(module) => module.bind(py).repr()?.to_string(),
            None => format!("<lazy module '{}', declared at {}>", self.name, self.declared_at),
        })
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        if let Some(owner) = self.owner.lock().as_ref() {
            visit.call(owner)?;
        }
        if let Some(module) = self.module.lock().as_ref() {
            visit.call(module)?;
        }
        Ok(())
    }

    fn __clear__(&self) {
        let owner = self.owner.lock().take();
        let module = self.module.lock().take();
        drop((owner, module));
    }
}

/// How a lazy module is pickled: as its name, to be declared lazy again by whoever loads it.
#[pyfunction]
#[pyo3(name = "_reduce_lazy", signature = (name, *_protocol))]
pub fn reduce_lazy<'py>(
    py: Python<'py>,
    name: &str,
    _protocol: &Bound<'py, PyTuple>,
) -> PyResult<(Bound<'py, PyAny>, (String,))> {
    let lazy = py.import(intern!(py, "coldcache"))?.getattr(intern!(py, "lazy"))?;
    Ok((lazy, (name.to_owned(),)))
}
