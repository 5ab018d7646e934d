//! What all caches of the process have counted together, for metrics.
//!
//! A hit pays nothing for it: each table counts for itself, and whoever asks adds up. Known are weak
//! references to the tables that are alive; what a table has counted is kept when it goes.

use parking_lot::Mutex;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyWeakrefMethods, PyWeakrefReference};

use super::stats::Stats;
use super::table::Table;

struct Known {
    tables: Vec<Py<PyWeakrefReference>>,
    /// When there are so many, those that are gone are taken out.
    prune_at: usize,
}

static KNOWN: Mutex<Known> = Mutex::new(Known { tables: Vec::new(), prune_at: 64 });
/// Of tables that are gone, and of those whose counters were set back.
static GONE: Stats = Stats::new();
/// What a parent of a fork had counted: not this process's.
static BEFORE_FORK: Stats = Stats::new();

/// Count this table in.
pub fn register(table: &Bound<'_, Table>) -> PyResult<()> {
    let py = table.py();
    let weak = PyWeakrefReference::new(table)?.unbind();
    let mut known = KNOWN.lock();
    known.tables.push(weak);
    if known.tables.len() < known.prune_at {
        return Ok(());
    }
    let all = std::mem::take(&mut known.tables);
    drop(known); // before references are looked at and dropped
    let (alive, gone): (Vec<_>, Vec<_>) =
        all.into_iter().partition(|weak| weak.bind(py).upgrade().is_some());
    let mut known = KNOWN.lock();
    known.prune_at = 64.max(2 * alive.len());
    let newer = std::mem::replace(&mut known.tables, alive);
    known.tables.extend(newer);
    drop(known);
    drop(gone);
    Ok(())
}

/// Keep what a table has counted that goes, or starts counting anew.
pub fn keep(stats: &Stats) {
    GONE.absorb(stats);
}

fn sum(py: Python<'_>) -> Stats {
    let weak: Vec<_> = KNOWN.lock().tables.iter().map(|weak| weak.clone_ref(py)).collect();
    let total = Stats::new();
    total.absorb(&GONE);
    for table in weak.iter().filter_map(|weak| weak.bind(py).upgrade()) {
        if let Ok(table) = table.cast_into::<Table>() {
            total.absorb(&table.get().stats);
        }
    }
    total
}

/// In the child of a fork: what was counted so far is the parent's.
pub fn forget_after_fork(py: Python<'_>) {
    let so_far = sum(py);
    BEFORE_FORK.reset();
    BEFORE_FORK.absorb(&so_far);
}

/// What all `cached` functions and `Cache` objects have counted since the start of this process.
#[pyfunction]
pub fn _totals(py: Python<'_>) -> PyResult<Bound<'_, PyDict>> {
    let total = sum(py);
    let totals = PyDict::new(py);
    for ((name, count), (_, before)) in total.figures().into_iter().zip(BEFORE_FORK.figures()) {
        totals.set_item(name, count.saturating_sub(before))?;
    }
    Ok(totals)
}
