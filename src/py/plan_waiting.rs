//! What plans have deferred and nobody has used so far.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use pyo3::exceptions::PyException;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString};

use super::{plan_filter, trap_owners, trap_target};

static HAS_PLAN: AtomicBool = AtomicBool::new(false);

/// A plan is applied.
pub fn note_plan() {
    HAS_PLAN.store(true, Relaxed);
}

/// For `coldcache.resolve_all`: without a plan what `lazy` statements of 3.15 deferred stays so.
pub fn resolve_planned(py: Python<'_>) -> PyResult<()> {
    if HAS_PLAN.load(Relaxed) { resolve_all(py) } else { Ok(()) }
}

/// Import now whatever was deferred in the modules that are loaded. All are tried; then the first
/// error is raised.
pub fn resolve_all(py: Python<'_>) -> PyResult<()> {
    let mut first_error = None;
    // What is imported here may defer more; every round resolves all there was before it.
    loop {
        let waiting = waiting(py)?;
        let before = waiting.len();
        for (space, name) in waiting {
            let name = name.cast::<PyString>()?;
            let read =
                if plan_filter::is_native(py) { space.getattr(name) } else { space.get_item(name) };
            match read {
                // One that fails keeps no other from loading; what ends a program ends this.
                Err(error) if !error.is_instance_of::<PyException>(py) => return Err(error),
                Err(error) => {
                    first_error.get_or_insert(error);
                }
                Ok(_) => {}
            }
        }
        // The rest fails, or belongs to code that is no module.
        if pending(py)? >= before {
            break;
        }
    }
    first_error.map_or(Ok(()), Err)
}

/// How many deferred names have not been used so far.
pub fn pending(py: Python<'_>) -> PyResult<usize> {
    if plan_filter::is_native(py) {
        return Ok(plan_filter::waiting(py)?.len());
    }
    Ok(trap_owners::live())
}

/// What waits in the modules that are loaded, as namespace and name.
fn waiting(py: Python<'_>) -> PyResult<Vec<(Bound<'_, PyAny>, Bound<'_, PyAny>)>> {
    if plan_filter::is_native(py) {
        return plan_filter::waiting(py);
    }
    let mut found = Vec::new();
    let all = trap_target::modules(py)?.call_method0(intern!(py, "copy"))?;
    for module in all.cast::<PyDict>()?.values() {
        let Ok(space) = module.getattr(intern!(py, "__dict__")) else { continue };
        let Ok(space) = space.cast_into::<PyDict>() else { continue };
        for name in trap_owners::names(&space) {
            found.push((space.clone().into_any(), PyString::new(py, &name).into_any()));
        }
    }
    Ok(found)
}
