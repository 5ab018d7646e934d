//! One object that a factory made, with all that decides whether it can be handed out as it is.
//!
//! Healthy is what needs no question: found well in the current epoch, no error since, neither too
//! old nor too long unused. Everything else has a reason with a name, and what to do about it is
//! decided in Python (`_resource.py`, `_pool.py`).

use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering::Relaxed};

use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::prelude::*;
use pyo3::types::PyTuple;

use super::arguments::seconds;
use super::epochs::look;
use crate::clock::{self, Stamp};
use crate::epoch::{Event, happened_since};

#[pyclass(frozen, immutable_type, module = "coldcache._core")]
pub struct Made {
    #[pyo3(get)]
    pub value: Py<PyAny>,
    /// The event loop it lives on; `None` for one that any thread may use.
    #[pyo3(get)]
    pub event_loop: Option<Py<PyAny>>,
    /// Generations of the secrets it was made with.
    #[pyo3(get)]
    generations: Py<PyTuple>,
    born: Stamp,
    max_age: Option<u64>,
    max_idle: Option<u64>,
    /// Epoch in which it was made or last found well.
    epoch: AtomicU32,
    /// How many errors of its kind there had been by then.
    trouble: AtomicU64,
    /// Start or end of the latest use, on each clock.
    used_monotonic: AtomicU64,
    used_wall: AtomicU64,
    users: AtomicU32,
    is_retired: AtomicBool,
    is_closed: AtomicBool,
}

impl Made {
    /// Whether it can be handed out without a question.
    #[inline]
    pub fn is_healthy(&self, now: Stamp, epoch: u32, trouble: u64) -> bool {
        self.epoch.load(Relaxed) == epoch
            && self.trouble.load(Relaxed) == trouble
            && !self.is_retired.load(Relaxed)
            && !self.is_too_old(now)
            && !self.is_too_idle(now)
    }

    fn is_too_old(&self, now: Stamp) -> bool {
        self.max_age.is_some_and(|limit| now.since(self.born) >= limit)
    }

    pub fn is_too_idle(&self, now: Stamp) -> bool {
        self.max_idle.is_some_and(|limit| now.since(self.used()) > limit)
    }

    fn used(&self) -> Stamp {
        Stamp { monotonic: self.used_monotonic.load(Relaxed), wall: self.used_wall.load(Relaxed) }
    }

    #[inline]
    fn touch(&self, now: Stamp) {
        self.used_monotonic.store(now.monotonic, Relaxed);
        self.used_wall.store(now.wall, Relaxed);
    }

    /// Count one more user. Plain load and store: only attached threads do, see `stats.rs`.
    #[inline]
    pub fn enter(&self, now: Stamp) {
        self.users.store(self.users.load(Relaxed) + 1, Relaxed);
        self.touch(now);
    }

    /// Count one user less; true if it was the last one of an object that is to be closed.
    #[inline]
    pub fn exit(&self, now: Stamp) -> bool {
        self.touch(now);
        self.drop_user()
    }

    #[inline]
    pub fn drop_user(&self) -> bool {
        let users = self.users.load(Relaxed).saturating_sub(1);
        self.users.store(users, Relaxed);
        users == 0 && self.is_retired.load(Relaxed)
    }

    /// Whether nobody uses it and nobody is to use it again: `_failed` may have retired it.
    pub fn is_over(&self) -> bool {
        self.is_retired.load(Relaxed) && self.users.load(Relaxed) == 0
    }

    pub fn lives_on(&self, event_loop: &Bound<'_, PyAny>) -> bool {
        self.event_loop.as_ref().is_none_or(|own| own.is(event_loop))
    }
}

#[pymethods]
impl Made {
    /// `epoch` and `trouble` are those from before the factory was called.
    #[new]
    #[pyo3(signature = (value, epoch, trouble, generations, max_age = None, max_idle = None, event_loop = None))]
    fn new(
        value: Py<PyAny>,
        epoch: u32,
        trouble: u64,
        generations: Py<PyTuple>,
        max_age: Option<&Bound<'_, PyAny>>,
        max_idle: Option<&Bound<'_, PyAny>>,
        event_loop: Option<Py<PyAny>>,
    ) -> PyResult<Self> {
        let now = clock::now();
        Ok(Self {
            value,
            event_loop,
            generations,
            born: now,
            max_age: seconds("max_age", max_age)?,
            max_idle: seconds("max_idle", max_idle)?,
            epoch: AtomicU32::new(epoch),
            trouble: AtomicU64::new(trouble),
            used_monotonic: AtomicU64::new(now.monotonic),
            used_wall: AtomicU64::new(now.wall),
            users: AtomicU32::new(0),
            is_retired: AtomicBool::new(false),
            is_closed: AtomicBool::new(false),
        })
    }

    /// Why it cannot be handed out as it is, weightiest first; `None` if it can.
    fn reason(
        &self,
        trouble: u64,
        survives_fork: bool,
        survives_restore: bool,
    ) -> Option<&'static str> {
        let (_, epoch) = look();
        let now = clock::now();
        let since = self.epoch.load(Relaxed);
        if self.is_retired.load(Relaxed) {
            return Some("retired");
        }
        let causes = [
            ("reset", happened_since(Event::Reset, since)),
            ("fork", happened_since(Event::Fork, since) && !survives_fork),
            ("age", self.is_too_old(now)),
            ("restore", happened_since(Event::Restore, since) && !survives_restore),
            ("error", self.trouble.load(Relaxed) != trouble),
            ("idle", self.is_too_idle(now)),
            ("thaw", happened_since(Event::Thaw, since)),
        ];
        let weightiest = causes.into_iter().find_map(|(word, is_so)| is_so.then_some(word));
        if weightiest.is_none() {
            self.epoch.store(epoch, Relaxed); // the next use is native again
        }
        weightiest
    }

    /// It was found well: as of this epoch, after so much trouble.
    fn approve(&self, epoch: u32, trouble: u64) {
        self.epoch.store(epoch, Relaxed);
        self.trouble.store(trouble, Relaxed);
        self.touch(clock::now());
    }

    /// Count one more user; false, and not counted, if it is not to be used any more.
    pub fn take(&self) -> bool {
        if self.is_retired.load(Relaxed) {
            return false;
        }
        self.enter(clock::now_coarse());
        true
    }

    /// Count one user less; true if the caller has to close it.
    fn leave(&self) -> bool {
        self.exit(clock::now_coarse())
    }

    /// It is not to be used any more; true if the caller has to close it.
    fn retire(&self) -> bool {
        self.is_retired.store(true, Relaxed);
        self.users.load(Relaxed) == 0
    }

    /// Claim the closing of it; true for the first to do so.
    fn close_once(&self) -> bool {
        !self.is_closed.swap(true, Relaxed)
    }

    #[getter]
    fn users(&self) -> u32 {
        self.users.load(Relaxed)
    }

    #[getter]
    fn is_retired(&self) -> bool {
        self.is_retired.load(Relaxed)
    }

    /// Seconds since it was made, by whichever clock says more.
    #[getter]
    #[expect(clippy::cast_precision_loss, reason = "for people")]
    fn age(&self) -> f64 {
        clock::now().since(self.born) as f64 / 1e9
    }

    /// Whether it has been unused for longer than its `max_idle`.
    #[getter(is_too_idle)]
    fn py_is_too_idle(&self) -> bool {
        self.is_too_idle(clock::now())
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.event_loop)?;
        visit.call(&self.generations)?;
        visit.call(&self.value)
    }
}

/// Never let an object go, whoever else does.
///
/// For what a forked child has of its parent: a destructor would say goodbye on a socket that the
/// parent still talks on.
#[pyfunction]
#[pyo3(name = "_keep_for_ever")]
pub fn keep_for_ever(object: Py<PyAny>) {
    std::mem::forget(object);
}
