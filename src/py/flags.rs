//! Environment feature flags: on, off, or a clear error.

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

use super::errors::FlagError;

/// Whether the flag is on in the environment of this process.
pub fn is_on(name: &str, default: bool) -> Result<bool, String> {
    let Some(value) = std::env::var_os(name) else { return Ok(default) };
    match value.to_string_lossy().trim().to_ascii_lowercase().as_str() {
        "1" | "true" | "on" | "yes" => Ok(true),
        "0" | "false" | "off" | "no" => Ok(false),
        "" => Ok(default),
        // The value is not shown: a secret in the wrong variable must not reach a log.
        _ => Err(format!(
            "environment variable {name} must be one of 1/0, true/false, on/off, yes/no"
        )),
    }
}

/// Refuse what cannot be the name of an environment variable.
pub fn check_name(name: &str) -> PyResult<()> {
    if name.is_empty() || name.contains(['=', '\0']) {
        return Err(PyValueError::new_err(format!(
            "a flag is the name of an environment variable, got {name:?}"
        )));
    }
    Ok(())
}

/// Whether an environment feature flag is on.
#[pyfunction]
#[pyo3(signature = (name, /, *, default = false))]
pub fn flag(name: &str, default: bool) -> PyResult<bool> {
    check_name(name)?;
    is_on(name, default).map_err(FlagError::new_err)
}
