//! Decorators that work bare and with options.

use std::convert::Infallible;

use pyo3::exceptions::PyTypeError;
use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};

use super::{cached_options, once};

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

/// What `once(...)` and `cached(...)` with options return: the options, waiting for the function.
#[pyclass(frozen, immutable_type, name = "_Decorator", module = "coldcache._core")]
pub struct Decorator {
    kind: Kind,
    /// Checked, as given.
    options: Py<PyDict>,
}

#[derive(Debug, Clone, Copy)]
pub enum Kind {
    Once,
    Cached,
}

impl Decorator {
    /// Wrap the function now, or return a decorator that will.
    pub fn apply<'py>(
        function: Option<Bound<'py, PyAny>>,
        kind: Kind,
        options: Bound<'py, PyDict>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let py = options.py();
        let decorator = Self { kind, options: options.unbind() };
        match function {
            Some(function) => decorator.wrap(&function),
            None => Ok(Bound::new(py, decorator)?.into_any()),
        }
    }

    fn wrap<'py>(&self, function: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        let options = self.options.bind(function.py());
        match self.kind {
            Kind::Once => once::wrap(function, options),
            Kind::Cached => cached_options::wrap(function, options),
        }
    }
}

#[pymethods]
impl Decorator {
    #[pyo3(signature = (*args, **kwargs))]
    fn __call__<'py>(
        &self,
        args: &Bound<'py, PyTuple>,
        kwargs: Option<&Bound<'py, PyDict>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        if args.len() != 1 || kwargs.is_some_and(|kwargs| !kwargs.is_empty()) {
            return Err(PyTypeError::new_err("a decorator takes one argument: the function"));
        }
        self.wrap(&args.get_item(0)?)
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.options)
    }
}
