//! The entries of one function, one instance or one cache: storing, finding, evicting, counting.
//!
//! Python objects live in Python dicts, so hashing, equality, re-entrancy and garbage collection are
//! CPython's. Rust holds numbers. Nothing here holds a lock: the dict operations may run a user's
//! `__hash__` or `__eq__`, which may use this very table. How a missing value gets here is in
//! `load.rs`.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use once_cell::sync::OnceCell;
use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::prelude::*;
use pyo3::types::PyDict;

use super::entry::Entry;
use super::options::Options;
use super::stats::{Cause, Stats};
use super::vectorcall::{Slot, look_under};
use crate::clock;
use crate::lifetime::Freshness;
use crate::policy::{Keeper, Ring};

#[pyclass(frozen, immutable_type, weakref, module = "coldcache._core")]
pub struct Table {
    pub options: Py<Options>,
    /// Key → `Entry`.
    pub entries: Py<PyDict>,
    /// The entry under `None`, the key of a call without arguments.
    pub nullary: Slot,
    /// Key → `Flight`, for loads that may still publish; a flight taken out of here may not.
    pub flights: Py<PyDict>,
    /// Key → `Failure`, only with `error_ttl`.
    pub failures: Py<PyDict>,
    /// Id → `Entry`, from the moment the bound was first reached.
    by_id: Py<PyDict>,
    keepers: OnceCell<Vec<Keeper>>,
    /// Only where there is a bound.
    ring: Option<Box<Ring>>,
    weight: AtomicU64,
    pub stats: Stats,
    /// Copied from the options, for the hit path.
    pub has_plain_hits: bool,
}

/// What a look-up found.
pub enum Found<'py> {
    Fresh(Bound<'py, Entry>),
    /// To be served, and to be refreshed meanwhile; the flag tells whether it is past its ttl.
    Refresh {
        entry: Bound<'py, Entry>,
        is_stale: bool,
    },
    /// Nothing to serve, unless a load fails.
    Missing {
        old: Option<Bound<'py, Entry>>,
    },
}

impl Table {
    pub fn new(py: Python<'_>, options: Py<Options>) -> Self {
        let given = options.get();
        Self {
            has_plain_hits: given.has_plain_hits(),
            entries: PyDict::new(py).unbind(),
            nullary: Slot::default(),
            flights: PyDict::new(py).unbind(),
            failures: PyDict::new(py).unbind(),
            by_id: PyDict::new(py).unbind(),
            keepers: OnceCell::new(),
            ring: given.is_bounded().then(Box::default),
            weight: AtomicU64::new(0),
            stats: Stats::default(),
            options,
        }
    }

    /// The value under this key if it can be served without another question.
    #[inline]
    pub fn hit<'py>(&self, key: &Bound<'py, PyAny>) -> PyResult<Option<Bound<'py, PyAny>>> {
        look_under(self, key.py(), key.as_borrowed())
    }

    #[inline]
    pub fn count_hit(&self, entry: &Entry) {
        self.stats.hits.add(1);
        if let Some(ring) = &self.ring {
            ring.mark(entry.id);
        }
    }

    pub fn entry<'py>(&self, key: &Bound<'py, PyAny>) -> PyResult<Option<Bound<'py, Entry>>> {
        match self.entries.bind(key.py()).get_item(key)? {
            Some(found) => Ok(found.cast_into::<Entry>().ok()),
            None => Ok(None),
        }
    }

    pub fn find<'py>(&self, key: &Bound<'py, PyAny>) -> PyResult<Found<'py>> {
        let Some(entry) = self.entry(key)? else { return Ok(Found::Missing { old: None }) };
        let verdict = entry.get().judge(self.options.get(), clock::now());
        if let Some(ring) = &self.ring
            && verdict != Freshness::Expired
        {
            ring.mark(entry.get().id);
        }
        Ok(match verdict {
            Freshness::Fresh => Found::Fresh(entry),
            Freshness::RefreshDue => Found::Refresh { entry, is_stale: false },
            Freshness::Stale => Found::Refresh { entry, is_stale: true },
            Freshness::FallbackOnly => Found::Missing { old: Some(entry) },
            Freshness::Expired => Found::Missing { old: None },
        })
    }

    /// Store an entry, and let go of what has to go for it.
    pub fn insert(&self, py: Python<'_>, entry: &Bound<'_, Entry>) -> PyResult<()> {
        let entries = self.entries.bind(py);
        let key = entry.get().key.bind(py);
        let replaced = self.entry(key)?;
        entries.set_item(key, entry)?;
        if key.is_none() {
            self.nullary.set(py, Some(entry.clone().unbind()));
        }
        self.weight.fetch_add(u64::from(entry.get().weight), Relaxed);
        if let Some(old) = replaced {
            let dead = !old.get().is_live(self.options.get(), clock::now());
            self.let_go(&old, if dead { Cause::Expired } else { Cause::Replaced })?;
        }
        if let Some(ring) = &self.ring {
            for id in self.admit(py, ring, entry)? {
                self.evict(py, id)?;
            }
        }
        Ok(())
    }

    /// Ids that have to go now that this entry is there.
    fn admit(&self, py: Python<'_>, ring: &Ring, entry: &Bound<'_, Entry>) -> PyResult<Vec<u64>> {
        let options = self.options.get();
        let by_id = self.by_id.bind(py);
        if self.keepers.get().is_none() {
            ring.mark(entry.get().id); // storing is a use, until moka keeps the order
            let entries = self.entries.bind(py);
            let is_within = options.max_entries.is_none_or(|most| entries.len() as u64 <= most)
                && options.max_weight.is_none_or(|most| self.weight.load(Relaxed) <= most);
            if is_within {
                return Ok(Vec::new());
            }
            return self.build_keepers(py, ring, entry);
        }
        by_id.set_item(entry.get().id, entry)?;
        let mut evicted = Vec::new();
        for keeper in self.keepers.get().into_iter().flatten() {
            keeper.learn(ring);
            evicted.extend(keeper.admit(entry.get().id, entry.get().weight));
        }
        Ok(evicted)
    }

    /// The bound is reached for the first time: tell moka what is there, oldest first.
    fn build_keepers(
        &self,
        py: Python<'_>,
        ring: &Ring,
        newest: &Bound<'_, Entry>,
    ) -> PyResult<Vec<u64>> {
        let options = self.options.get();
        let by_id = self.by_id.bind(py);
        let mut present = Vec::new();
        for found in self.entries.bind(py).values() {
            if let Ok(entry) = found.cast_into::<Entry>() {
                by_id.set_item(entry.get().id, &entry)?;
                present.push((entry.get().id, entry.get().weight));
            }
        }
        let newest = (newest.get().id, newest.get().weight);
        present.retain(|(id, _)| *id != newest.0);
        present.sort_unstable();
        let by_entries = options.max_entries.map(|most| Keeper::new(most, options.policy, false));
        let by_weight = options.max_weight.map(|most| Keeper::new(most, options.policy, true));
        let keepers: Vec<Keeper> = by_entries.into_iter().chain(by_weight).collect();
        let mut evicted = Vec::new();
        for keeper in &keepers {
            for (id, weight) in &present {
                evicted.extend(keeper.admit(*id, *weight));
            }
            keeper.learn(ring);
            evicted.extend(keeper.admit(newest.0, newest.1));
        }
        // Another thread may have been here while a dict was resized; its keepers are as good.
        drop(self.keepers.set(keepers));
        Ok(evicted)
    }

    fn evict(&self, py: Python<'_>, id: u64) -> PyResult<()> {
        let Some(found) = self.by_id.bind(py).get_item(id)? else { return Ok(()) };
        let Ok(entry) = found.cast_into::<Entry>() else { return Ok(()) };
        let dead = !entry.get().is_live(self.options.get(), clock::now());
        if !self.remove_entry(&entry, if dead { Cause::Expired } else { Cause::Size })? {
            // Two threads stored under one key at once and this one was overwritten unseen.
            self.let_go(&entry, Cause::Replaced)?;
        }
        Ok(())
    }

    /// Remove this very entry; false if another one is under its key by now.
    pub fn remove_entry(&self, entry: &Bound<'_, Entry>, cause: Cause) -> PyResult<bool> {
        let py = entry.py();
        let key = entry.get().key.bind(py);
        let is_current = self.entry(key)?.is_some_and(|current| current.is(entry));
        if is_current {
            self.entries.bind(py).del_item(key)?;
            if key.is_none() {
                self.nullary.set(py, None);
            }
            self.let_go(entry, cause)?;
        }
        Ok(is_current)
    }

    pub fn remove(&self, key: &Bound<'_, PyAny>, cause: Cause) -> PyResult<bool> {
        match self.entry(key)? {
            Some(entry) => self.remove_entry(&entry, cause),
            None => Ok(false),
        }
    }

    /// Forget the numbers of an entry that was taken out, count it, tell the listener.
    fn let_go(&self, entry: &Bound<'_, Entry>, cause: Cause) -> PyResult<()> {
        let py = entry.py();
        let it = entry.get();
        self.weight.fetch_sub(u64::from(it.weight), Relaxed);
        if let Some(keepers) = self.keepers.get() {
            keepers.iter().for_each(|keeper| keeper.forget(it.id));
            let by_id = self.by_id.bind(py);
            if by_id.contains(it.id)? {
                by_id.del_item(it.id)?;
            }
        }
        self.stats.count_removal(cause);
        if let Some(listener) = &self.options.get().listener {
            let listener = listener.bind(py);
            let told = listener.call1((it.key.bind(py), it.value.bind(py), cause.word()));
            if let Err(error) = told {
                // The entry is gone whatever the listener thinks of it.
                error.write_unraisable(py, Some(listener));
            }
        }
        Ok(())
    }

    /// The live value under this key, without counting.
    pub fn peek(&self, key: &Bound<'_, PyAny>) -> PyResult<Option<Py<PyAny>>> {
        let Some(entry) = self.entry(key)? else { return Ok(None) };
        let entry = entry.get();
        let is_live = entry.is_live(self.options.get(), clock::now());
        Ok(is_live.then(|| entry.value.clone_ref(key.py())))
    }

    /// Forget what is stored under a key, failures included; a load under way will not be kept.
    pub fn invalidate(&self, key: &Bound<'_, PyAny>) -> PyResult<bool> {
        let flights = self.flights.bind(key.py());
        if flights.contains(key)? {
            flights.del_item(key)?;
        }
        self.forget_failure(key)?;
        self.remove(key, Cause::Explicit)
    }

    /// Remove everything; loads under way will not publish.
    pub fn clear(&self, py: Python<'_>, cause: Cause) -> PyResult<()> {
        self.flights.bind(py).clear();
        self.failures.bind(py).clear();
        for found in self.entries.bind(py).values() {
            if let Ok(entry) = found.cast_into::<Entry>() {
                self.remove_entry(&entry, cause)?;
            }
        }
        Ok(())
    }

    /// Drop what is past every use; how many entries that were.
    pub fn expire(&self, py: Python<'_>) -> PyResult<usize> {
        let now = clock::now();
        let mut dropped = 0;
        for found in self.entries.bind(py).values() {
            if let Ok(entry) = found.cast_into::<Entry>()
                && entry.get().judge(self.options.get(), now) == Freshness::Expired
                && self.remove_entry(&entry, Cause::Expired)?
            {
                dropped += 1;
            }
        }
        Ok(dropped)
    }

    /// The live entries at this moment, in the order of their keys' first insertion.
    pub fn live<'py>(&self, py: Python<'py>) -> Vec<Bound<'py, Entry>> {
        let now = clock::now();
        let all = self.entries.bind(py).values();
        all.iter()
            .filter_map(|found| found.cast_into::<Entry>().ok())
            .filter(|entry| entry.get().is_live(self.options.get(), now))
            .collect()
    }
}

#[pymethods]
impl Table {
    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.options)?;
        self.nullary.traverse(&visit)?;
        for dict in [&self.entries, &self.flights, &self.failures, &self.by_id] {
            visit.call(dict)?;
        }
        Ok(())
    }

    fn __clear__(&self, py: Python<'_>) {
        self.nullary.set(py, None); // the dicts clear themselves
    }
}
