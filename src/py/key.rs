//! From the arguments of a call to the key of its entry.
//!
//! A single `str` or `int` is its own key. Everything else becomes a tuple: the bare arguments if
//! all of them are plain (`str`, `int`, `bytes`, `None`: no two values of different such types are
//! equal), and otherwise the arguments, a marker before keyword arguments, and with `typed` the type
//! of each, so that `1`, `1.0` and `True` keep apart. A bare tuple never equals one with types in it,
//! as it holds no types.

use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyDict, PyFrozenSet, PyInt, PyString, PyTuple};

use super::errors::type_name;
use super::vectorcall::is_plain;

/// The key of any call.
pub fn of_call<'py>(
    args: &Bound<'py, PyTuple>,
    kwargs: Option<&Bound<'py, PyDict>>,
    typed: bool,
) -> PyResult<Bound<'py, PyAny>> {
    let py = args.py();
    let kwargs = kwargs.filter(|kwargs| !kwargs.is_empty());
    if kwargs.is_none() {
        // The simple keys, which the hit path builds without coming here.
        if args.is_empty() {
            return Ok(py.None().into_bound(py));
        }
        if args.iter_borrowed().all(is_plain) {
            let first = args.get_item(0)?;
            let is_own_key = args.len() == 1
                && (first.is_exact_instance_of::<PyString>()
                    || first.is_exact_instance_of::<PyInt>());
            return Ok(if is_own_key { first } else { args.clone().into_any() });
        }
    }
    let mut parts: Vec<Bound<'py, PyAny>> = args.iter().collect();
    if let Some(kwargs) = kwargs {
        parts.push(keyword_mark(py)?);
        for (name, value) in kwargs.iter() {
            parts.push(name);
            parts.push(value);
        }
    }
    if typed {
        parts.extend(args.iter().map(|argument| argument.get_type().into_any()));
        if let Some(kwargs) = kwargs {
            parts.extend(kwargs.values().iter().map(|value| value.get_type().into_any()));
        }
    }
    Ok(PyTuple::new(py, parts)?.into_any())
}

/// What stands between positional and keyword arguments; equal to nothing a caller can pass.
fn keyword_mark(py: Python<'_>) -> PyResult<Bound<'_, PyAny>> {
    static MARK: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    // A bare `object()`; made without an import, as the first such call may come at the very end.
    let mark = MARK.get_or_try_init(py, || py.get_type::<PyAny>().call0().map(Bound::unbind))?;
    Ok(mark.bind(py).clone())
}

/// The error of a lookup, made clearer if it says that an argument is not hashable.
pub fn explain(
    error: PyErr,
    name: &str,
    parameters: &Parameters<'_, '_>,
    args: &Bound<'_, PyTuple>,
    kwargs: Option<&Bound<'_, PyDict>>,
) -> PyErr {
    let py = args.py();
    if !error.is_instance_of::<PyTypeError>(py) {
        return error;
    }
    let named = kwargs.into_iter().flat_map(|kwargs| {
        kwargs.iter().map(|(name, value)| (format!("argument '{name}'"), value))
    });
    let positional = args.iter().enumerate().map(|(at, value)| (parameters.name(at), value));
    for (argument, value) in positional.chain(named) {
        if value.hash().is_err() && is_unhashable_by_type(&value) {
            let message = format!(
                "{argument} of {name}() is not hashable ({}), so its result cannot be found again; \
                 pass key= to build a key from it",
                type_name(&value)
            );
            let clearer = PyTypeError::new_err(message);
            clearer.set_cause(py, Some(error));
            return clearer;
        }
    }
    error
}

/// Whether the type itself rules hashing out, as opposed to a `__hash__` of the user's that failed.
fn is_unhashable_by_type(value: &Bound<'_, PyAny>) -> bool {
    value.get_type().getattr("__hash__").is_ok_and(|hash| hash.is_none())
        || value.is_exact_instance_of::<PyTuple>()
        || value.is_exact_instance_of::<PyFrozenSet>()
}

/// The parameters of a function, for messages.
pub struct Parameters<'a, 'py> {
    pub function: &'a Bound<'py, PyAny>,
    /// How many of them the caller did not write: the receiver of a method.
    pub skipped: usize,
}

impl Parameters<'_, '_> {
    fn name(&self, at: usize) -> String {
        let name = self
            .function
            .getattr("__code__")
            .and_then(|code| code.getattr("co_varnames"))
            .and_then(|names| names.get_item(at + self.skipped))
            .and_then(|name| name.extract::<String>());
        name.map_or_else(|_| format!("argument {}", at + 1), |name| format!("argument '{name}'"))
    }
}
