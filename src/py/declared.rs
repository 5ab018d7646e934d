//! What declared itself at import: the functions and objects that `coldcache.warm_up` may run.
//!
//! Weak references, in the order of declaration: nothing here keeps anything alive, and declaring costs
//! a decorator next to nothing.

use parking_lot::Mutex;
use pyo3::prelude::*;
use pyo3::types::{PyWeakrefMethods, PyWeakrefReference};

struct Declared {
    weak: Vec<Py<PyWeakrefReference>>,
    /// When there are so many, those that are gone are taken out.
    prune_at: usize,
}

static DECLARED: Mutex<Declared> = Mutex::new(Declared { weak: Vec::new(), prune_at: 64 });

/// Remember an object for `warm_up` for as long as it lives.
pub fn declare(object: &Bound<'_, PyAny>) -> PyResult<()> {
    let py = object.py();
    let weak = PyWeakrefReference::new(object)?.unbind();
    let mut declared = DECLARED.lock();
    declared.weak.push(weak);
    if declared.weak.len() < declared.prune_at {
        return Ok(());
    }
    let all = std::mem::take(&mut declared.weak);
    drop(declared); // before references are dropped
    let (alive, gone): (Vec<_>, Vec<_>) =
        all.into_iter().partition(|weak| weak.bind(py).upgrade().is_some());
    let mut declared = DECLARED.lock();
    declared.prune_at = 64.max(2 * alive.len());
    let newer = std::mem::replace(&mut declared.weak, alive);
    declared.weak.extend(newer);
    drop(declared);
    drop(gone);
    Ok(())
}

/// Remember an object for `warm_up` for as long as it lives. For resources and pools.
#[pyfunction]
#[pyo3(signature = (declared, /))]
pub fn _declare(declared: &Bound<'_, PyAny>) -> PyResult<()> {
    declare(declared)
}

/// What declared itself and is alive, oldest first.
#[pyfunction]
pub fn _declared(py: Python<'_>) -> Vec<Bound<'_, PyAny>> {
    let weak: Vec<_> = DECLARED.lock().weak.iter().map(|weak| weak.clone_ref(py)).collect();
    weak.iter().filter_map(|weak| weak.bind(py).upgrade()).collect()
}
