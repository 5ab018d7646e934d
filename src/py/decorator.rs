//! Decorators that work bare and with options.

use std::convert::Infallible;

use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::PyCFunction;

/// An option for which `None` is a value.
#[derive(Clone)]
pub enum Given<'py> {
    Unset,
    Is(Bound<'py, PyAny>),
}

impl<'py> FromPyObject<'_, 'py> for Given<'py> {
    type Error = Infallible;

    fn extract(given: Borrowed<'_, 'py, PyAny>) -> Result<Self, Self::Error> {
        // `...` is how the documented signature writes the absence.
        Ok(if given.is(given.py().Ellipsis()) { Self::Unset } else { Self::Is(given.to_owned()) })
    }
}

impl<'py> Given<'py> {
    pub fn into_option(self) -> Option<Bound<'py, PyAny>> {
        match self {
            Self::Unset => None,
            Self::Is(value) => Some(value),
        }
    }
}

pub struct Decorator;

impl Decorator {
    /// Wrap the function now, or return a decorator that will.
    pub fn apply<'py>(
        py: Python<'py>,
        function: Option<Bound<'py, PyAny>>,
        wrap: impl for<'a> Fn(Python<'a>, &Bound<'a, PyAny>) -> PyResult<Bound<'a, PyAny>>
        + Send
        + Sync
        + 'static,
    ) -> PyResult<Bound<'py, PyAny>> {
        if let Some(function) = function {
            return wrap(py, &function);
        }
        let decorator = PyCFunction::new_closure(py, None, None, move |args, kwargs| {
            if args.len() != 1 || kwargs.is_some_and(|kwargs| !kwargs.is_empty()) {
                return Err(PyTypeError::new_err("a decorator takes one argument: the function"));
            }
            wrap(args.py(), &args.get_item(0)?).map(Bound::unbind)
        })?;
        Ok(decorator.into_any())
    }
}
