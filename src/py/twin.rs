//! An exception of each waiter's own: same type, same arguments, chained to the original.
//!
//! One object raised in many threads would collect all their tracebacks.

use pyo3::exceptions::PyBaseException;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};

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
    let built = class.call1(args.clone()).ok().filter(|built| {
        built.get_type().is(&class)
            && built.getattr(intern!(py, "args")).and_then(|new| new.eq(&args)).unwrap_or(false)
    });
    let twin = if let Some(twin) = built {
        twin
    } else {
        let new = py.get_type::<PyBaseException>().getattr(intern!(py, "__new__"))?;
        let unfilled = new.call1((&class,))?;
        unfilled.setattr(intern!(py, "args"), &args)?;
        unfilled
    };
    let state = original.getattr(intern!(py, "__dict__"))?.cast_into::<PyDict>()?;
    if !state.is_empty() {
        twin.getattr(intern!(py, "__dict__"))?.cast_into::<PyDict>()?.update(state.as_mapping())?;
    }
    Ok(twin)
}
