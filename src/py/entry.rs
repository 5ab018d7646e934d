//! One stored value with its life. Frozen for Python; only the horizon and the epoch ever change.

use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering::Relaxed};

use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::prelude::*;

use super::arguments::Reaction;
use super::options::Options;
use crate::clock::{self, Stamp};
use crate::epoch::{self, Event};
use crate::lifetime::{Freshness, Life};
use crate::policy::Id;

#[pyclass(frozen, immutable_type, module = "coldcache._core")]
pub struct Entry {
    pub key: Py<PyAny>,
    pub value: Py<PyAny>,
    pub life: Life,
    pub id: Id,
    pub weight: u32,
    /// Before this moment, on both clocks, a hit needs no judging.
    horizon_monotonic: AtomicU64,
    horizon_wall: AtomicU64,
    /// Epoch in which the entry was stored or last approved.
    epoch: AtomicU32,
    /// Hits since it was stored, for the policy to learn from.
    uses: AtomicU32,
    /// Whether the table no longer counts it: an entry is let go of once.
    is_gone: AtomicBool,
}

impl Entry {
    /// `epoch` is that in which the load began: what happens during a load concerns its result.
    pub fn new(
        key: Py<PyAny>,
        value: Py<PyAny>,
        life: Life,
        weight: u32,
        epoch: u32,
        id: Id,
        options: &Options,
    ) -> Self {
        let horizon = life.horizon(&options.limits);
        Self {
            key,
            value,
            life,
            id,
            weight,
            horizon_monotonic: AtomicU64::new(horizon.monotonic),
            horizon_wall: AtomicU64::new(horizon.wall),
            epoch: AtomicU32::new(epoch),
            uses: AtomicU32::new(0),
            is_gone: AtomicBool::new(false),
        }
    }

    /// Count a use. Plain load and store, as with all counters: see `stats.rs`.
    #[inline]
    pub fn count_use(&self) {
        self.uses.store(self.uses.load(Relaxed).wrapping_add(1), Relaxed);
    }

    pub fn uses(&self) -> u32 {
        self.uses.load(Relaxed)
    }

    /// Note that the table no longer counts it; true for the first to do so.
    pub fn go(&self) -> bool {
        !self.is_gone.swap(true, Relaxed)
    }

    pub fn is_gone(&self) -> bool {
        self.is_gone.load(Relaxed)
    }

    /// Whether the value can be served without another question.
    #[inline]
    pub fn is_plainly_fresh(&self) -> bool {
        if self.epoch.load(Relaxed) != epoch::current() {
            return false;
        }
        let monotonic = self.horizon_monotonic.load(Relaxed);
        if monotonic == u64::MAX && self.horizon_wall.load(Relaxed) == u64::MAX {
            return true; // no clock can reach it, so none is read
        }
        let now = clock::now_coarse();
        now.monotonic < monotonic && now.wall < self.horizon_wall.load(Relaxed)
    }

    /// What the value is good for at `now`: by its age, or by what happened to the process if that is
    /// worse.
    pub fn judge(&self, options: &Options, now: Stamp) -> Freshness {
        let by_age = self.life.judge(&options.limits, now);
        self.judge_events(options, now).map_or(by_age, |by_event| by_event.max(by_age))
    }

    fn judge_events(&self, options: &Options, now: Stamp) -> Option<Freshness> {
        let since = self.epoch.load(Relaxed);
        let current = epoch::current();
        if since == current {
            return None;
        }
        let reaction_to = |event, reaction| {
            if epoch::happened_since(event, since) { reaction } else { Reaction::Keep }
        };
        let reactions = [
            reaction_to(Event::Reset, Reaction::Reset),
            reaction_to(Event::Fork, options.on_fork),
            reaction_to(Event::Restore, options.on_restore),
        ];
        if reactions.contains(&Reaction::Reset) {
            Some(Freshness::Expired)
        } else if reactions.contains(&Reaction::Stale) {
            // As if its life had ended with the restore: the windows after it are the user's.
            let late = epoch::restored_at().map_or(u64::MAX, |restored| now.since(restored));
            Some(options.limits.verdict_after_end(late))
        } else {
            self.epoch.store(current, Relaxed); // approved: the next hit is a plain one again
            None
        }
    }

    pub fn is_live(&self, options: &Options, now: Stamp) -> bool {
        matches!(self.judge(options, now), Freshness::Fresh | Freshness::RefreshDue)
    }
}

#[pymethods]
impl Entry {
    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.key)?;
        visit.call(&self.value)
    }
}
