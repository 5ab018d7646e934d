//! Modules that are loaded, and their namespaces.

use pyo3::intern;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::PyDict;

/// `sys.modules`. An import of `sys` may go through a hook of ours.
pub fn modules(py: Python<'_>) -> PyResult<Bound<'_, PyAny>> {
    static SYS: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let sys = SYS.get_or_try_init(py, || PyResult::Ok(py.import("sys")?.into_any().unbind()))?;
    sys.bind(py).getattr(intern!(py, "modules"))
}

/// The globals of a module; what stands in `sys.modules` may have none.
pub fn namespace<'py>(module: &Bound<'py, PyAny>) -> Option<Bound<'py, PyDict>> {
    let space = module.getattr(intern!(module.py(), "__dict__")).ok()?;
    space.cast_into::<PyDict>().ok()
}

/// All of them with their globals, as they are now.
pub fn namespaces(py: Python<'_>) -> PyResult<Vec<(Bound<'_, PyAny>, Bound<'_, PyDict>)>> {
    let all = modules(py)?.call_method0(intern!(py, "copy"))?.cast_into::<PyDict>()?;
    let modules = all.values().into_iter();
    Ok(modules.filter_map(|module| namespace(&module).map(|space| (module, space))).collect())
}

/// Whether the body of a module is running, in whatever thread.
pub fn is_initializing(module: &Bound<'_, PyAny>) -> bool {
    let py = module.py();
    let state = || {
        module.getattr(intern!(py, "__spec__"))?.getattr(intern!(py, "_initializing"))?.is_truthy()
    };
    state().unwrap_or(false)
}
