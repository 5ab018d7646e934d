//! Counters of one table.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use pyo3::prelude::*;
use pyo3::types::PyDict;

/// Why an entry left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    Explicit,
    Replaced,
    Expired,
    Size,
}

impl Cause {
    const ALL: [Self; 4] = [Self::Explicit, Self::Replaced, Self::Expired, Self::Size];

    pub fn word(self) -> &'static str {
        match self {
            Self::Explicit => "explicit",
            Self::Replaced => "replaced",
            Self::Expired => "expired",
            Self::Size => "size",
        }
    }
}

/// A number that is only written by threads attached to the interpreter.
///
/// Load and store instead of an atomic addition: an attached thread is alone between two bytecodes,
/// and a hit pays a nanosecond instead of five.
pub struct Counter(AtomicU64);

impl Counter {
    const fn new() -> Self {
        Self(AtomicU64::new(0))
    }

    #[inline]
    pub fn add(&self, amount: u64) {
        self.0.store(self.0.load(Relaxed).wrapping_add(amount), Relaxed);
    }

    pub fn get(&self) -> u64 {
        self.0.load(Relaxed)
    }

    fn raise_to(&self, value: u64) {
        self.0.store(self.0.load(Relaxed).max(value), Relaxed);
    }

    fn reset(&self) {
        self.0.store(0, Relaxed);
    }
}

pub struct Stats {
    pub hits: Counter,
    pub misses: Counter,
    pub loads: Counter,
    pub failures: Counter,
    pub stale_served: Counter,
    removals: [Counter; 4],
    load_time_total: Counter,
    load_time_max: Counter,
}

impl Stats {
    pub const fn new() -> Self {
        Self {
            hits: Counter::new(),
            misses: Counter::new(),
            loads: Counter::new(),
            failures: Counter::new(),
            stale_served: Counter::new(),
            removals: [const { Counter::new() }; 4],
            load_time_total: Counter::new(),
            load_time_max: Counter::new(),
        }
    }

    /// The numbers that metrics tell of, under their names there.
    pub fn figures(&self) -> [(&'static str, u64); 6] {
        [
            ("hits", self.hits.get()),
            ("misses", self.misses.get()),
            ("loads", self.loads.get()),
            ("load_errors", self.failures.get()),
            ("stale", self.stale_served.get()),
            ("evictions", self.removals[Cause::Size as usize].get()),
        ]
    }

    /// Add the figures of another table to these.
    pub fn absorb(&self, other: &Self) {
        self.hits.add(other.hits.get());
        self.misses.add(other.misses.get());
        self.loads.add(other.loads.get());
        self.failures.add(other.failures.get());
        self.stale_served.add(other.stale_served.get());
        let size = Cause::Size as usize;
        self.removals[size].add(other.removals[size].get());
    }

    pub fn count_removal(&self, cause: Cause) {
        self.removals[cause as usize].add(1);
    }

    pub fn count_load(&self, took: Duration) {
        let nanos = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        self.loads.add(1);
        self.load_time_total.add(nanos);
        self.load_time_max.raise_to(nanos);
    }

    pub fn reset(&self) {
        let counters = [
            &self.hits,
            &self.misses,
            &self.loads,
            &self.failures,
            &self.stale_served,
            &self.load_time_total,
            &self.load_time_max,
        ];
        counters.into_iter().chain(&self.removals).for_each(Counter::reset);
    }

    #[expect(clippy::cast_precision_loss, reason = "nanoseconds of load time, for people")]
    pub fn as_dict<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let seconds = |counter: &Counter| counter.get() as f64 / 1e9;
        let all = PyDict::new(py);
        all.set_item("hits", self.hits.get())?;
        all.set_item("misses", self.misses.get())?;
        all.set_item("loads", self.loads.get())?;
        all.set_item("failures", self.failures.get())?;
        all.set_item("stale_served", self.stale_served.get())?;
        let removals = PyDict::new(py);
        for cause in Cause::ALL {
            removals.set_item(cause.word(), self.removals[cause as usize].get())?;
        }
        all.set_item("removals", removals)?;
        all.set_item("load_time_total", seconds(&self.load_time_total))?;
        all.set_item("load_time_max", seconds(&self.load_time_max))?;
        Ok(all)
    }
}
