//! What the tracer of imports asks the interpreter: who imports, and from what.

use pyo3::exceptions::{PyImportError, PyRuntimeError};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyDict, PyString};

use super::errors::type_name;
use crate::imports::record::{Asker, Spec};

/// Frames of importlib between the import and who asked for it, at most.
const MOST_FRAMES: usize = 32;
const LONGEST_MESSAGE: usize = 200;

/// Kept, because asking for it anew would be an import, by whatever `__import__` is by then.
static SYS: PyOnceLock<Py<PyModule>> = PyOnceLock::new();
static GET_FRAME: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
static THREAD_ID: PyOnceLock<Py<PyAny>> = PyOnceLock::new();

/// Import what is needed before the first import is seen.
pub fn prepare(py: Python<'_>) -> PyResult<()> {
    SYS.get_or_try_init(py, || Ok::<_, PyErr>(py.import("sys")?.unbind()))?;
    GET_FRAME
        .get_or_try_init(py, || Ok::<_, PyErr>(py.import("sys")?.getattr("_getframe")?.into()))?;
    THREAD_ID.get_or_try_init(py, || {
        Ok::<_, PyErr>(py.import("_thread")?.getattr("get_native_id")?.into())
    })?;
    Ok(())
}

pub fn thread_id(py: Python<'_>) -> PyResult<u64> {
    let get = THREAD_ID.get(py).ok_or_else(|| PyRuntimeError::new_err("unprepared"))?;
    get.bind(py).call0()?.extract()
}

/// Whether a module is there already, so that nothing is going to be loaded.
pub fn is_imported(name: &Bound<'_, PyAny>) -> bool {
    let py = name.py();
    let Some(Ok(modules)) = SYS.get(py).map(|sys| sys.bind(py).getattr(intern!(py, "modules")))
    else {
        return false;
    };
    let module = match modules.cast_exact::<PyDict>() {
        Ok(modules) => modules.get_item(name).ok().flatten(),
        Err(_) => modules.get_item(name).ok(),
    };
    // None in its place is a ban, which fails as an import does.
    module.is_some_and(|module| !module.is_none())
}

/// The innermost frame that does not belong to importlib.
pub fn asker(py: Python<'_>) -> PyResult<Asker> {
    let get = GET_FRAME.get(py).ok_or_else(|| PyRuntimeError::new_err("unprepared"))?;
    let mut frame = get.bind(py).call0()?;
    for _ in 0..MOST_FRAMES {
        let module = frame
            .getattr(intern!(py, "f_globals"))?
            .cast_into::<PyDict>()?
            .get_item(intern!(py, "__name__"))?
            .and_then(|name| text(&name));
        if !module.as_deref().is_some_and(is_importlib) {
            let code = frame.getattr(intern!(py, "f_code"))?;
            let file = code.getattr(intern!(py, "co_filename"))?;
            let line = frame.getattr(intern!(py, "f_lineno"))?.extract().unwrap_or_default();
            return Ok(Asker { module, file: text(&file).unwrap_or_default(), line });
        }
        frame = frame.getattr(intern!(py, "f_back"))?;
    }
    Err(PyRuntimeError::new_err("importlib all the way down"))
}

fn is_importlib(module: &str) -> bool {
    matches!(
        module,
        "importlib"
            | "importlib._bootstrap"
            | "importlib._bootstrap_external"
            | "_frozen_importlib"
            | "_frozen_importlib_external"
    )
}

pub fn spec_of(spec: &Bound<'_, PyAny>) -> Spec {
    let py = spec.py();
    let places = spec.getattr(intern!(py, "submodule_search_locations"));
    Spec {
        origin: spec.getattr(intern!(py, "origin")).ok().and_then(|origin| text(&origin)),
        is_package: places.is_ok_and(|places| !places.is_none()),
    }
}

/// The type of an exception. Its message only where it is about imports: others may tell secrets.
pub fn describe(py: Python<'_>, error: &PyErr) -> (String, Option<String>) {
    let message = error
        .is_instance_of::<PyImportError>(py)
        .then(|| error.value(py).str().ok())
        .flatten()
        .map(|message| message.to_string_lossy().chars().take(LONGEST_MESSAGE).collect());
    (type_name(error.value(py)), message)
}

/// A path may hold bytes that are no text; they are replaced.
fn text(value: &Bound<'_, PyAny>) -> Option<String> {
    Some(value.cast::<PyString>().ok()?.to_string_lossy().into_owned())
}
