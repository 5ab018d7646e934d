//! On whose behalf a thread works: one that runs another's call for it waits in its name.

use pyo3::prelude::*;

use crate::waits;

/// The number of the calling thread among those that wait for one another.
#[pyfunction]
pub fn _this_thread() -> u64 {
    waits::this_thread()
}

/// Have the calling thread count as the one of this number, which does nothing until it has ended.
#[pyfunction]
pub fn _stand_in_for(thread: u64) {
    waits::adopt(thread);
}
