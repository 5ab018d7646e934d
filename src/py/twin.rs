//! An exception of each waiter's own: same type, same arguments, chained to the original.
//!
//! One object raised in many threads would collect all their tracebacks.

use pyo3::exceptions::PyBaseException;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple, PyType};

/// A new exception like this one, with this one as its cause.
///
/// A class whose constructor refuses the stored arguments is filled in without its `__init__`; one
/// that refuses that too is shared as it is, without the traceback of whoever raised it first.
pub fn of(py: Python<'_>, original: &Py<PyAny>) -> PyErr {
    let original = original.bind(py);
    let shared = PyErr::from_value(original.clone());
    if let Ok(twin) = like(original) {
        let twin = PyErr::from_value(twin);
        twin.set_cause(py, Some(shared));
        twin
    } else {
        shared.set_traceback(py, None);
        shared
    }
}

fn like<'py>(original: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    let py = original.py();
    let class = original.get_type();
    let args = original.getattr(intern!(py, "args"))?.cast_into::<PyTuple>()?;
    let twin = match rebuilt(original, &args) {
        Some(twin) => twin,
        None => unfilled(&class, &args)?,
    };
    let state = original.getattr(intern!(py, "__dict__"))?.cast_into::<PyDict>()?;
    if !state.is_empty() {
        twin.getattr(intern!(py, "__dict__"))?.cast_into::<PyDict>()?.update(state.as_mapping())?;
    }
    Ok(twin)
}

/// By the class's own recipe for pickling, which knows what is not among `args` (the file name of an
/// `OSError`, the module name of an `ImportError`).
fn rebuilt<'py>(
    original: &Bound<'py, PyAny>,
    args: &Bound<'py, PyTuple>,
) -> Option<Bound<'py, PyAny>> {
    let py = original.py();
    let recipe = original.call_method0(intern!(py, "__reduce__")).ok()?;
    let recipe = recipe.cast_into::<PyTuple>().ok()?;
    let make = recipe.get_item(0).ok()?;
    let twin = make.call1(recipe.get_item(1).ok()?.cast_into::<PyTuple>().ok()?).ok()?;
    let is_like = twin.get_type().is(original.get_type())
        && !twin.is(original)
        && twin.getattr(intern!(py, "args")).and_then(|new| new.eq(args)).unwrap_or(false);
    if !is_like {
        return None;
    }
    if let Ok(state) = recipe.get_item(2)
        && !state.is_none()
    {
        twin.call_method1(intern!(py, "__setstate__"), (state,)).ok()?;
    }
    Some(twin)
}

fn unfilled<'py>(
    class: &Bound<'py, PyType>,
    args: &Bound<'py, PyTuple>,
) -> PyResult<Bound<'py, PyAny>> {
    let py = class.py();
    let new = py.get_type::<PyBaseException>().getattr(intern!(py, "__new__"))?;
    let twin = new.call1((class,))?;
    twin.setattr(intern!(py, "args"), args)?;
    Ok(twin)
}
