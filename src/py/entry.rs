//! One stored value with its life. Frozen for Python; only the horizon and the epoch ever change.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::Relaxed};

use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::prelude::*;

use super::arguments::Reaction;
use super::options::Options;
use crate::clock::{self, Stamp};
use crate::epoch::{self, Event};
use crate::lifetime::{Freshness, Life};

#[pyclass(frozen, immutable_type, module = "coldcache._core")]
pub struct Entry {
    pub key: Py<PyAny>,
    pub value: Py<PyAny>,
    pub life: Life,
    /// Never used twice in a process.
    pub id: u64,
    pub weight: u32,
    /// Before this moment, on both clocks, a hit needs no judging.
    horizon_monotonic: AtomicU64,
    horizon_wall: AtomicU64,
    /// Epoch in which the entry was stored or last approved.
    epoch: AtomicU32,
}

static NEXT_ID: AtomicU64 = AtomicU64::new(1);

impl Entry {
    /// `epoch` is that in which the load began: what happens during a load concerns its result.
    pub fn new(
        key: Py<PyAny>,
        value: Py<PyAny>,
        life: Life,
        weight: u32,
        epoch: u32,
        options: &Options,
    ) -> Self {
        let horizon = life.horizon(&options.limits);
        Self {
            key,
            value,
            life,
            id: NEXT_ID.fetch_add(1, Relaxed),
            weight,
            horizon_monotonic: AtomicU64::new(horizon.monotonic),
            horizon_wall: AtomicU64::new(horizon.wall),
            epoch: AtomicU32::new(epoch),
        }
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

    /// What the value is good for at `now`, after whatever happened to the process.
    pub fn judge(&self, options: &Options, now: Stamp) -> Freshness {
        if let Some(verdict) = self.judge_events(options) {
            return verdict;
        }
        self.life.judge(&options.limits, now)
    }

    fn judge_events(&self, options: &Options) -> Option<Freshness> {
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
            // Old enough to be replaced, good enough for whatever the user allowed a stale value for.
            Some(if options.limits.stale > 0 {
                Freshness::Stale
            } else if options.limits.stale_if_error > 0 {
                Freshness::FallbackOnly
            } else {
                Freshness::Expired
            })
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
