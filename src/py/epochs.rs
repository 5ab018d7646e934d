//! The epochs as Python-side code sees them: one number to compare, and what it is made of.

use parking_lot::Mutex;
use pyo3::prelude::*;

use crate::clock::{self, Stamp};
use crate::epoch::{self, Event};

/// Look at the clocks; the time and the current epoch.
#[inline]
pub fn look() -> (Stamp, u32) {
    let now = clock::now_coarse();
    if epoch::look(now) {
        tell_of_thaw();
    }
    (now, epoch::current())
}

/// What is to be called by the look that notices a thaw: the hooks of `coldcache.on_thaw`.
static ON_THAW: Mutex<Option<Py<PyAny>>> = Mutex::new(None);

#[cold]
fn tell_of_thaw() {
    Python::attach(|py| {
        let hooks = ON_THAW.lock().as_ref().map(|hooks| hooks.clone_ref(py));
        // A hook that fails is no failure of the one who looked.
        if let Some(hooks) = hooks
            && let Err(error) = hooks.call0(py)
        {
            error.write_unraisable(py, Some(hooks.bind(py)));
        }
    });
}

/// Have something called, in the thread that looked, whenever a thaw is noticed. For `_lifecycle`.
#[pyfunction]
pub fn _set_on_thaw(hooks: Py<PyAny>) {
    let before = ON_THAW.lock().replace(hooks);
    drop(before);
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
