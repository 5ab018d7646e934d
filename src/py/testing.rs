//! What `coldcache.testing` needs from the core: the clock to turn by hand, and forgetting.

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

use super::arguments::seconds;
use crate::clock;
use crate::epoch::{self, Event};

#[pyfunction]
pub fn _clock_hold() {
    clock::hold();
}

/// Give the clocks back. What was stored by turned clocks is forgotten: real ones cannot judge it.
#[pyfunction]
pub fn _clock_release() -> PyResult<()> {
    if clock::release()? {
        epoch::start_over();
        epoch::record(Event::Reset);
    }
    Ok(())
}

/// Turn the clocks by so many seconds each.
#[pyfunction]
pub fn _clock_turn(monotonic: &Bound<'_, PyAny>, wall: &Bound<'_, PyAny>) -> PyResult<()> {
    let forward = signed("seconds", monotonic)?;
    let forward = u64::try_from(forward)
        .map_err(|_| PyValueError::new_err("a monotonic clock does not go back"))?;
    Ok(clock::turn(forward, signed("seconds", wall)?)?)
}

fn signed(what: &str, given: &Bound<'_, PyAny>) -> PyResult<i64> {
    if given.eq(0)? {
        return Ok(0);
    }
    let is_back = given.lt(0)?;
    let amount = if is_back { given.neg()? } else { given.clone() };
    let nanos = seconds(what, Some(&amount))?.unwrap_or(0);
    let nanos = i64::try_from(nanos).unwrap_or(i64::MAX);
    Ok(if is_back { -nanos } else { nanos })
}

/// The time as the core sees it: seconds on the monotonic and on the wall clock.
#[pyfunction]
#[expect(clippy::cast_precision_loss, reason = "for people and tests")]
pub fn _clock_now() -> (f64, f64) {
    let now = clock::now();
    (now.monotonic as f64 / 1e9, now.wall as f64 / 1e9)
}

/// Forget every value and every failure that was ever stored.
#[pyfunction]
pub fn _forget_everything() {
    super::timeline::restart();
    crate::deadline::set(None);
    epoch::record(Event::Reset);
}

/// The process was restored from a snapshot.
#[pyfunction]
pub fn _note_restore() {
    super::timeline::note(crate::timeline::Mark::Restored);
    epoch::record(Event::Restore);
}

/// Seconds since this process was last restored from a snapshot; `None` if it never was.
#[pyfunction]
#[expect(clippy::cast_precision_loss, reason = "for people and budgets")]
pub fn _since_restore() -> Option<f64> {
    epoch::restored_at().map(|then| clock::now().since(then) as f64 / 1e9)
}

/// The process is the child of a fork.
#[pyfunction]
pub fn _note_fork(py: Python<'_>) {
    super::load::forget_after_fork();
    super::totals::forget_after_fork(py);
}
