//! `lazy`: a name that is imported when it is first used.
//!
//! What is handed out depends on who asks: the interpreter's own placeholder where there is one and
//! it is safe (`lazy_native.rs`), a stand-in of ours everywhere else (`lazy_proxy.rs`). Nothing is
//! put into `sys.modules`, and no lock is held while module code runs: a first use by several
//! threads goes through the ordinary import lock.

use pyo3::prelude::*;

use super::lazy_caller::Caller;
use super::lazy_name::Target;
use super::{lazy_native, lazy_proxy};

/// A stand-in for a module, or for one name of it, that is imported when it is first used.
#[pyfunction]
#[pyo3(signature = (name, attr = None, package = None))]
pub fn lazy<'py>(
    py: Python<'py>,
    name: &str,
    attr: Option<&str>,
    package: Option<&str>,
) -> PyResult<Bound<'py, PyAny>> {
    let caller = Caller::current(py)?;
    let target = Target::new(py, name, attr, package, caller.as_ref())?;
    if super::flags::is_on("COLDCACHE_EAGER", false).map_err(super::errors::FlagError::new_err)? {
        return target.load(py);
    }
    if let Some(caller) = &caller
        && let Some(placeholder) = lazy_native::declare(caller, &target, package.is_some())?
    {
        return Ok(placeholder);
    }
    lazy_proxy::declare(py, target, caller)
}
