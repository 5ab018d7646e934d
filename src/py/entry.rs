//! One stored value with its life. Frozen for Python; only the horizon and the epoch ever change.

use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering::Relaxed};

use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::prelude::*;

use super::arguments::Reaction;
use super::birth::random;
use super::options::Options;
use crate::clock::{self, Stamp};
use crate::epoch::{self, Event};
use crate::lifetime::{Freshness, Life, jitter_cut};
use crate::policy::Id;

#[pyclass(frozen, immutable_type, module = "coldcache._core")]
pub struct Entry {
    pub key: Py<PyAny>,
    pub value: Py<PyAny>,
    /// As the user allowed it; jitter makes it shorter.
    life: Life,
    /// Nanoseconds that jitter takes off.
    cut: AtomicU64,
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
    ) -> PyResult<Self> {
        let cut = match life.ttl {
            Some(ttl) if options.jitter > 0 => jitter_cut(ttl, options.jitter, 0, random()?),
            _ => 0,
        };
        let horizon = life.shortened(cut).horizon(&options.limits);
        Ok(Self {
            key,
            value,
            life,
            cut: AtomicU64::new(cut),
            id,
            weight,
            horizon_monotonic: AtomicU64::new(horizon.monotonic),
            horizon_wall: AtomicU64::new(horizon.wall),
            epoch: AtomicU32::new(epoch),
            uses: AtomicU32::new(0),
            is_gone: AtomicBool::new(false),
        })
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
        let by_age = self.life.shortened(self.cut.load(Relaxed)).judge(&options.limits, now);
        self.judge_events(options, now, by_age).map_or(by_age, |by_event| by_event.max(by_age))
    }

    fn judge_events(&self, options: &Options, now: Stamp, by_age: Freshness) -> Option<Freshness> {
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
            let is_copy = [Event::Fork, Event::Restore].map(|of| epoch::happened_since(of, since));
            if is_copy.contains(&true) && by_age == Freshness::Fresh {
                self.draw_jitter_again(options, now);
            }
            self.epoch.store(current, Relaxed); // approved: the next hit is a plain one again
            None
        }
    }

    /// Other copies of this process hold the same entry with the same end: without this they would
    /// all load it at the same moment. Only what is left of the life is shortened, so that the copies
    /// do not all load now either.
    fn draw_jitter_again(&self, options: &Options, now: Stamp) {
        if let Some(ttl) = self.life.ttl
            && options.jitter > 0
            && let Ok(random) = random()
        {
            let cut = jitter_cut(ttl, options.jitter, now.since(self.life.born), random);
            let horizon = self.life.shortened(cut).horizon(&options.limits);
            self.cut.store(cut, Relaxed);
            self.horizon_monotonic.store(horizon.monotonic, Relaxed);
            self.horizon_wall.store(horizon.wall, Relaxed);
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
