//! The core's errors as Python exceptions. The classes are Python: `coldcache/exceptions.py`.

use pyo3::exceptions::{PyRuntimeError, PyTypeError, PyValueError};
use pyo3::prelude::*;

use crate::error::Error;

pyo3::import_exception!(coldcache.exceptions, FlagError);
pyo3::import_exception!(coldcache.exceptions, LoadTimeout);
pyo3::import_exception!(coldcache.exceptions, ReentrantLoadError);

impl From<Error> for PyErr {
    fn from(error: Error) -> Self {
        let message = error.to_string();
        match error {
            Error::Reentrant { .. } => ReentrantLoadError::new_err(message),
            Error::Timeout { .. } | Error::Deadline { .. } => LoadTimeout::new_err(message),
            Error::Invalid { .. } => PyValueError::new_err(message),
            Error::ClockNotHeld => PyRuntimeError::new_err(message),
        }
    }
}

/// A value of the right type that cannot be used.
pub fn invalid(what: &str, given: &Bound<'_, PyAny>, wants: &'static str) -> PyErr {
    Error::Invalid { what: what.to_owned(), given: shown(given), wants }.into()
}

/// A value of the wrong type.
pub fn mistyped(what: &str, given: &Bound<'_, PyAny>, wants: &str) -> PyErr {
    PyTypeError::new_err(format!(
        "{what} must be {wants}, got {} ({})",
        shown(given),
        type_name(given)
    ))
}

/// The repr of an option, shortened; options are code, never payload.
fn shown(value: &Bound<'_, PyAny>) -> String {
    const LONGEST: usize = 80;
    match value.repr() {
        Ok(text) => {
            let text = text.to_string_lossy().into_owned();
            if text.chars().count() <= LONGEST {
                text
            } else {
                text.chars().take(LONGEST - 1).chain(['…']).collect()
            }
        }
        Err(_) => format!("an object of type {}", type_name(value)),
    }
}

pub fn type_name(value: &Bound<'_, PyAny>) -> String {
    // Not by `to_string`: that is Python's `str()`, which runs signal handlers and loses what they
    // raise.
    let name = value.get_type().name();
    name.map_or_else(|_| "?".to_owned(), |name| name.to_string_lossy().into_owned())
}
