//! What plans have deferred and nobody has used so far.

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use ahash::RandomState;
use pyo3::exceptions::PyException;
use pyo3::prelude::*;
use pyo3::types::PyDict;

use super::loaded_modules::namespaces;
use super::{plan_filter, trap_owners};

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
    let mut tried = HashSet::<_, RandomState>::default();
    loop {
        // What is imported here may defer more.
        let mut names = waiting(py)?;
        names.retain(|name| tried.insert(name.place()));
        if names.is_empty() {
            return first_error.map_or(Ok(()), Err);
        }
        for name in names {
            match name.read() {
                // One that fails keeps no other from loading; what ends a program ends this.
                Err(error) if error.is_instance_of::<PyException>(py) => {
                    first_error.get_or_insert(error);
                }
                read => read?,
            }
        }
    }
}

/// How many deferred names have not been used so far.
pub fn pending(py: Python<'_>) -> PyResult<usize> {
    if plan_filter::is_native(py) {
        return Ok(plan_filter::waiting(py)?.len());
    }
    Ok(trap_owners::live())
}

/// A deferred name, where its reader finds it.
enum Name<'py> {
    /// A placeholder of the interpreter's own, which an attribute look-up resolves.
    OfModule(Bound<'py, PyAny>, String),
    /// A trap, which any look-up in its dict resolves.
    OfDict(Bound<'py, PyDict>, String),
}

impl Name<'_> {
    fn place(&self) -> (usize, String) {
        match self {
            Self::OfModule(module, name) => (module.as_ptr() as usize, name.clone()),
            Self::OfDict(space, name) => (space.as_ptr() as usize, name.clone()),
        }
    }

    fn read(&self) -> PyResult<()> {
        match self {
            Self::OfModule(module, name) => module.getattr(name.as_str()).map(drop),
            // Nothing is left of one that was a guess, and a wrong one.
            Self::OfDict(space, name) => space.get_item(name).map(drop),
        }
    }
}

fn waiting(py: Python<'_>) -> PyResult<Vec<Name<'_>>> {
    if plan_filter::is_native(py) {
        let found = plan_filter::waiting(py)?.into_iter();
        return Ok(found.map(|(module, name)| Name::OfModule(module, name)).collect());
    }
    let mut found = Vec::new();
    for (_, space) in namespaces(py)? {
        let names = trap_owners::names(&space).into_iter();
        found.extend(names.map(|name| Name::OfDict(space.clone(), name.into())));
    }
    Ok(found)
}
