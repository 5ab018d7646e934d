//! The Python code that called us: a native function has no frame of its own, so the interpreter's
//! current frame is the caller's.

use pyo3::exceptions::PyValueError;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::PyDict;

pub struct Caller<'py> {
    pub frame: Bound<'py, PyAny>,
    pub globals: Bound<'py, PyDict>,
}

impl<'py> Caller<'py> {
    /// The caller, unless a thread was started with a native function and there is none.
    pub fn current(py: Python<'py>) -> PyResult<Option<Self>> {
        static GET_FRAME: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
        let get_frame = GET_FRAME.import(py, "sys", "_getframe")?;
        let frame = match get_frame.call1((0,)) {
            Err(error) if error.is_instance_of::<PyValueError>(py) => return Ok(None),
            frame => frame?,
        };
        // On 3.15 there is a frame in such a thread, but it is of no code.
        let globals = frame.getattr(intern!(py, "f_globals"))?.cast_into::<PyDict>();
        Ok(globals.ok().map(|globals| Self { frame, globals }))
    }

    pub fn code(&self) -> PyResult<Bound<'py, PyAny>> {
        self.frame.getattr(intern!(self.frame.py(), "f_code"))
    }

    pub fn file(&self) -> PyResult<String> {
        self.code()?.getattr(intern!(self.frame.py(), "co_filename"))?.extract()
    }

    /// The line it is at; code that was made without lines has none.
    pub fn line(&self) -> PyResult<Option<usize>> {
        self.frame.getattr(intern!(self.frame.py(), "f_lineno"))?.extract()
    }

    /// The byte offset of the instruction it is at.
    pub fn offset(&self) -> PyResult<usize> {
        self.frame.getattr(intern!(self.frame.py(), "f_lasti"))?.extract()
    }
}

/// What relative names in code with these globals are relative to, by the rules of the import
/// statement.
pub fn package_of(globals: &Bound<'_, PyDict>) -> PyResult<Option<String>> {
    let py = globals.py();
    let text = |value: Bound<'_, PyAny>| value.extract::<String>().ok();
    let of = |name| globals.get_item(name);
    if let Some(package) = of(intern!(py, "__package__"))?.and_then(text) {
        return Ok(Some(package));
    }
    if let Some(spec) = of(intern!(py, "__spec__"))?.filter(|spec| !spec.is_none()) {
        return Ok(text(spec.getattr(intern!(py, "parent"))?));
    }
    let Some(name) = of(intern!(py, "__name__"))?.and_then(text) else { return Ok(None) };
    if of(intern!(py, "__path__"))?.is_some() {
        return Ok(Some(name));
    }
    Ok(name.rsplit_once('.').map(|(package, _)| package.to_owned()))
}
