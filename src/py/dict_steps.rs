//! Changes of a dict that are one step, however the keys hash and compare.
//!
//! A key with a Python `__hash__` or `__eq__` lets other threads in at every look-up, so a look-up
//! followed by a change is two steps with anything in between. These call the dict's own methods,
//! which hash once and change at once.

use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::PyDict;

/// Take out what is under the key.
pub fn pop<'py>(
    dict: &Bound<'py, PyDict>,
    key: &Bound<'py, PyAny>,
) -> PyResult<Option<Bound<'py, PyAny>>> {
    if dict.is_empty() {
        return Ok(None);
    }
    let py = dict.py();
    let found = dict.call_method1(intern!(py, "pop"), (key, py.None()))?;
    Ok(if found.is_none() { None } else { Some(found) })
}

/// Take out this very object; false, and no change, if something else is under the key.
pub fn pop_exact<'py>(
    dict: &Bound<'py, PyDict>,
    key: &Bound<'py, PyAny>,
    expected: &Bound<'py, PyAny>,
) -> PyResult<bool> {
    if !dict.get_item(key)?.is_some_and(|found| found.is(expected)) {
        return Ok(false);
    }
    match pop(dict, key)? {
        Some(found) if found.is(expected) => Ok(true),
        Some(other) => {
            set_default(dict, key, &other)?; // it came in between: back to its place
            Ok(false)
        }
        None => Ok(false),
    }
}

/// What is under the key, or the value, put there.
pub fn set_default<'py>(
    dict: &Bound<'py, PyDict>,
    key: &Bound<'py, PyAny>,
    value: &Bound<'py, PyAny>,
) -> PyResult<Bound<'py, PyAny>> {
    dict.call_method1(intern!(dict.py(), "setdefault"), (key, value))
}
