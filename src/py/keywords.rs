//! Keyword options as a user gave them.

use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::PyDict;

use super::arguments;
use super::decorator::Given;
use super::errors::mistyped;

/// Keyword options by name, all of them known; those given as `...` count as not given.
pub struct Keywords<'py>(pub Bound<'py, PyDict>);

impl<'py> Keywords<'py> {
    pub fn parse(
        py: Python<'py>,
        what: &str,
        names: &[&str],
        options: Option<Bound<'py, PyDict>>,
    ) -> PyResult<Self> {
        let kept = PyDict::new(py);
        for (name, value) in options.iter().flat_map(PyDictMethods::iter) {
            let text = name.extract::<String>()?;
            if !names.contains(&text.as_str()) {
                return Err(PyTypeError::new_err(format!(
                    "{what}() got an unexpected option '{text}'; it takes {}",
                    names.join(", ")
                )));
            }
            if let Given::Is(value) = value.extract::<Given<'_>>()? {
                kept.set_item(name, value)?;
            }
        }
        Ok(Self(kept))
    }

    /// The option, unless it is absent or None.
    pub fn get(&self, name: &str) -> PyResult<Option<Bound<'py, PyAny>>> {
        Ok(self.0.get_item(name)?.filter(|value| !value.is_none()))
    }

    pub fn seconds(&self, name: &str) -> PyResult<Option<u64>> {
        arguments::seconds(name, self.get(name)?.as_ref())
    }

    pub fn callable(&self, name: &str) -> PyResult<Option<Py<PyAny>>> {
        arguments::callable(name, self.get(name)?.as_ref())
    }

    /// What messages call the thing, if the user has a wish.
    pub fn name(&self) -> PyResult<Option<String>> {
        self.text("name")
    }

    pub fn text(&self, name: &str) -> PyResult<Option<String>> {
        let given = self.get(name)?;
        given
            .map(|text| text.extract::<String>().map_err(|_| mistyped(name, &text, "a string")))
            .transpose()
    }
}
