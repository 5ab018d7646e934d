//! The epochs as Python-side code sees them: one number to compare, and what it is made of.

use pyo3::prelude::*;

use crate::clock::{self, Stamp};
use crate::epoch::{self, Event};

/// Look at the clocks; the time and the current epoch.
#[inline]
pub fn look() -> (Stamp, u32) {
    let now = clock::now_coarse();
    epoch::look(now);
    (now, epoch::current())
}

/// A number that has changed if anything happened to the process since it was last asked for.
#[pyfunction]
pub fn lifetime_epoch() -> u32 {
    look().1
}

/// How often the process was forked, restored, thawed, reset.
#[pyfunction]
pub fn epochs() -> (u32, u32, u32, u32) {
    look();
    (
        epoch::count(Event::Fork),
        epoch::count(Event::Restore),
        epoch::count(Event::Thaw),
        epoch::count(Event::Reset),
    )
}
