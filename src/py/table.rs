//! The entries of one function, one instance or one cache: storing, finding, evicting, counting.
//!
//! Python objects live in Python dicts, so hashing, equality, re-entrancy and garbage collection are
//! CPython's. Rust holds numbers. Nothing here holds a lock: the dict operations may run a user's
//! `__hash__` or `__eq__`, which may use this very table. How a missing value gets here is in
//! `load.rs`.

use std::iter;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use once_cell::sync::OnceCell;
use parking_lot::Mutex;
use pyo3::exceptions::PyException;
use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::prelude::*;
use pyo3::types::PyDict;

use super::dict_steps::{pop, pop_exact, set_default};
use super::entry::Entry;
use super::flight::Flight;
use super::options::Options;
use super::stats::{Cause, Stats};
use super::totals;
use super::vectorcall::{Slot, look_under};
use crate::clock;
use crate::lifetime::Freshness;
use crate::policy::{Id, Keeper, Policy, Ring};

/// Hits of one entry that count when moka first hears of them. Its counters go to 15; one that starts
/// full could never be overtaken, as moka forgets only while something still counts up.
const MOST_COUNTED: u32 = 12;

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
    /// Ids moka has let go of while their keys could not be hashed.
    overdue: Mutex<Vec<Id>>,
    /// Only where there is a bound.
    ring: Option<Box<Ring>>,
    weight: AtomicU64,
    pub stats: Stats,
    /// Copied from the options, for the hit path.
    pub has_plain_hits: bool,
}

/// Admit `present`, tell of the hits since, admit the newest: what has to go, from all bounds together.
fn admit_to_all(
    keepers: &[Keeper],
    present: &[(Id, u32)],
    hits: &[Id],
    newest: (Id, u32),
) -> Vec<Id> {
    let mut evicted = Vec::new();
    for keeper in keepers {
        for (id, weight) in present {
            evicted.extend(keeper.admit(*id, *weight));
        }
        keeper.learn(hits);
        // What one bound has refused must not push anything out of the next.
        if !evicted.contains(&newest.0) {
            evicted.extend(keeper.admit(newest.0, newest.1));
        }
    }
    evicted
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
    /// An empty table; one of `once` is not counted among the caches.
    pub fn create(py: Python<'_>, options: Py<Options>) -> PyResult<Bound<'_, Self>> {
        let is_cache = !options.get().takes_no_arguments;
        let table = Bound::new(py, Self::new(py, options))?;
        if is_cache {
            totals::register(&table)?;
        }
        Ok(table)
    }

    fn new(py: Python<'_>, options: Py<Options>) -> Self {
        let given = options.get();
        Self {
            has_plain_hits: given.has_plain_hits(),
            entries: PyDict::new(py).unbind(),
            nullary: Slot::default(),
            flights: PyDict::new(py).unbind(),
            failures: PyDict::new(py).unbind(),
            by_id: PyDict::new(py).unbind(),
            keepers: OnceCell::new(),
            overdue: Mutex::default(),
            ring: given.is_bounded().then(Box::default),
            weight: AtomicU64::new(0),
            stats: Stats::new(),
            options,
        }
    }

    /// Count from zero again. The totals of the process go on.
    pub fn reset_stats(&self) {
        self.keep_stats();
        self.stats.reset();
    }

    fn keep_stats(&self) {
        if !self.options.get().takes_no_arguments {
            totals::keep(&self.stats);
        }
    }

    /// An id for a new entry under this key.
    pub fn next_id(&self, key: &Bound<'_, PyAny>) -> PyResult<Id> {
        // Only a bound asks for the hash: a key may take its time for it.
        let hash = if self.ring.is_some() { key.hash()? } else { 0 };
        Ok(Id::next(hash.cast_unsigned() as u64))
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
            entry.count_use();
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
            entry.get().count_use();
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
    pub fn insert(&self, entry: &Bound<'_, Entry>) -> PyResult<()> {
        let key = entry.get().key.bind(entry.py());
        let replaced = self.entry(key)?;
        self.entries.bind(entry.py()).set_item(key, entry)?;
        self.took_place(entry, replaced)
    }

    /// Store what a flight brought, and take the flight out, unless somebody has cut it off.
    ///
    /// First stored, then taken out: nobody who asks in between finds neither. Keys that run Python
    /// code let others in at every step: what they store or cut off meanwhile prevails.
    pub fn publish(&self, flight: &Bound<'_, Flight>, entry: &Bound<'_, Entry>) -> PyResult<()> {
        let py = flight.py();
        let key = entry.get().key.bind(py);
        let entries = self.entries.bind(py);
        if !self.is_boarding(key, flight)? {
            return Ok(());
        }
        self.forget_failure(key)?;
        let old = pop(entries, key)?;
        if !self.is_boarding(key, flight)? {
            if let Some(newer) = old {
                set_default(entries, key, &newer)?;
            }
            return Ok(());
        }
        let old = old.and_then(|old| old.cast_into::<Entry>().ok());
        if set_default(entries, key, entry.as_any())?.is(entry) {
            self.took_place(entry, old)?;
        } else if let Some(old) = old
            && self.forget(&old)?
        {
            self.tell(&old, Cause::Replaced)?;
        }
        if !self.discard(key, flight)? {
            self.remove_entry(entry, Cause::Explicit)?;
        }
        Ok(())
    }

    /// Do the books for an entry that is in the dict now, in the place of another one perhaps.
    fn took_place<'py>(
        &self,
        entry: &Bound<'py, Entry>,
        replaced: Option<Bound<'py, Entry>>,
    ) -> PyResult<()> {
        let py = entry.py();
        let it = entry.get();
        let mut gone = Vec::new();
        if it.key.bind(py).is_none() {
            self.nullary.set(py, Some(entry.clone().unbind()));
        }
        self.weight.fetch_add(u64::from(it.weight), Relaxed);
        if let Some(old) = replaced
            && self.forget(&old)?
        {
            let is_live = old.get().is_live(self.options.get(), clock::now());
            gone.push((old, if is_live { Cause::Replaced } else { Cause::Expired }));
        }
        if let Some(ring) = &self.ring {
            let overdue = std::mem::take(&mut *self.overdue.lock());
            for id in overdue.into_iter().chain(self.admit(py, ring, entry)?) {
                gone.extend(self.evict(py, id));
            }
            if it.is_gone() {
                self.strike(py, it.id)?; // removed by somebody while it was being admitted
            }
        }
        // Listeners last: they may use this very table.
        self.tell_all(gone)
    }

    /// Ids that have to go now that this entry is there.
    fn admit(&self, py: Python<'_>, ring: &Ring, entry: &Bound<'_, Entry>) -> PyResult<Vec<Id>> {
        let options = self.options.get();
        let it = entry.get();
        if self.keepers.get().is_none() {
            ring.mark(it.id); // storing is a use, until moka keeps the order
            let held = self.entries.bind(py).len() as u64;
            let is_within = options.max_entries.is_none_or(|most| held <= most)
                && options.max_weight.is_none_or(|most| self.weight.load(Relaxed) <= most);
            if is_within {
                return Ok(Vec::new());
            }
            return self.build_keepers(py, ring, entry);
        }
        self.by_id.bind(py).set_item(it.id.number(), entry)?;
        let keepers = self.keepers.get().map_or(&[][..], Vec::as_slice);
        Ok(admit_to_all(keepers, &[], &ring.drain(), (it.id, it.weight)))
    }

    /// The bound is reached for the first time: tell moka what is there, oldest first.
    fn build_keepers(
        &self,
        py: Python<'_>,
        ring: &Ring,
        newest: &Bound<'_, Entry>,
    ) -> PyResult<Vec<Id>> {
        let options = self.options.get();
        let by_id = self.by_id.bind(py);
        let mut present = Vec::new();
        let mut used = Vec::new();
        for found in self.entries.bind(py).values() {
            if let Ok(entry) = found.cast_into::<Entry>() {
                by_id.set_item(entry.get().id.number(), &entry)?;
                present.push((entry.get().id, entry.get().weight));
                used.push((entry.get().id, entry.get().uses()));
            }
        }
        let newest = (newest.get().id, newest.get().weight);
        present.retain(|(id, _)| *id != newest.0);
        present.sort_unstable_by_key(|(id, _)| id.order());
        let latest = ring.drain();
        let mut hits = Vec::new();
        if options.policy == Policy::TinyLfu {
            // The ring knows the latest hits only; how often each entry was hit, the entry knows.
            for (id, uses) in used {
                let in_ring = latest.iter().filter(|hit| **hit == id).count();
                let before = (uses.min(MOST_COUNTED) as usize).saturating_sub(in_ring);
                hits.extend(iter::repeat_n(id, before));
            }
        }
        hits.extend(latest);
        let by_entries = options.max_entries.map(|most| Keeper::new(most, options.policy, false));
        let by_weight = options.max_weight.map(|most| Keeper::new(most, options.policy, true));
        let keepers: Vec<Keeper> = by_entries.into_iter().chain(by_weight).collect();
        let evicted = admit_to_all(&keepers, &present, &hits, newest);
        // Another thread may have been here while a dict was resized; its keepers are as good.
        drop(self.keepers.set(keepers));
        Ok(evicted)
    }

    /// Take out what moka let go of. A key that cannot be hashed now is tried again with the next
    /// addition: whoever adds something is not to blame for somebody else's key.
    fn evict<'py>(&self, py: Python<'py>, id: Id) -> Option<(Bound<'py, Entry>, Cause)> {
        let taken = || -> PyResult<Option<Bound<'py, Entry>>> {
            let Some(found) = self.by_id.bind(py).get_item(id.number())? else { return Ok(None) };
            let entry = found.cast_into::<Entry>()?;
            self.take_out(&entry)?;
            Ok(if self.forget(&entry)? { Some(entry) } else { None })
        };
        match taken() {
            Ok(entry) => entry.map(|entry| {
                let is_live = entry.get().is_live(self.options.get(), clock::now());
                (entry, if is_live { Cause::Size } else { Cause::Expired })
            }),
            Err(error) => {
                self.overdue.lock().push(id);
                error.write_unraisable(py, None);
                None
            }
        }
    }

    /// Remove this very entry; false if another one is under its key by now.
    pub fn remove_entry(&self, entry: &Bound<'_, Entry>, cause: Cause) -> PyResult<bool> {
        let was_there = self.take_out(entry)?;
        if was_there && self.forget(entry)? {
            self.tell(entry, cause)?;
        }
        Ok(was_there)
    }

    /// Take this very entry out of the dict.
    fn take_out(&self, entry: &Bound<'_, Entry>) -> PyResult<bool> {
        let py = entry.py();
        let key = entry.get().key.bind(py);
        let was_there = pop_exact(self.entries.bind(py), key, entry)?;
        if was_there && key.is_none() {
            self.nullary.set(py, None);
        }
        Ok(was_there)
    }

    pub fn remove(&self, key: &Bound<'_, PyAny>, cause: Cause) -> PyResult<bool> {
        match self.entry(key)? {
            Some(entry) => self.remove_entry(&entry, cause),
            None => Ok(false),
        }
    }

    /// Forget the numbers of an entry that was taken out; false if that was done before.
    fn forget(&self, entry: &Bound<'_, Entry>) -> PyResult<bool> {
        let it = entry.get();
        if !it.go() {
            return Ok(false);
        }
        self.weight.fetch_sub(u64::from(it.weight), Relaxed);
        self.strike(entry.py(), it.id)?;
        Ok(true)
    }

    /// Strike an id from the books of the bound.
    fn strike(&self, py: Python<'_>, id: Id) -> PyResult<()> {
        if let Some(keepers) = self.keepers.get() {
            keepers.iter().for_each(|keeper| keeper.forget(id));
            let by_id = self.by_id.bind(py);
            if by_id.contains(id.number())? {
                by_id.del_item(id.number())?;
            }
        }
        Ok(())
    }

    /// Count a removal and tell the listener. The entry is gone whatever the listener thinks of it;
    /// only an exit or an interrupt comes out.
    fn tell(&self, entry: &Bound<'_, Entry>, cause: Cause) -> PyResult<()> {
        let py = entry.py();
        self.stats.count_removal(cause);
        let Some(listener) = &self.options.get().listener else { return Ok(()) };
        let (key, value) = (entry.get().key.bind(py), entry.get().value.bind(py));
        let listener = listener.bind(py);
        match listener.call1((key, value, cause.word())) {
            Err(error) if error.is_instance_of::<PyException>(py) => {
                error.write_unraisable(py, Some(listener));
                Ok(())
            }
            told => told.map(drop),
        }
    }

    /// Tell of several removals, all of them, and then of the first error.
    fn tell_all(&self, gone: Vec<(Bound<'_, Entry>, Cause)>) -> PyResult<()> {
        gone.iter().map(|(entry, cause)| self.tell(entry, *cause)).fold(Ok(()), PyResult::and)
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
        self.cut_off(key)?;
        self.remove(key, Cause::Explicit)
    }

    /// Whatever comes of a load under way, or came of one that failed, is not for later callers.
    pub fn cut_off(&self, key: &Bound<'_, PyAny>) -> PyResult<()> {
        let py = key.py();
        pop(self.flights.bind(py), key)?;
        pop(self.failures.bind(py), key)?;
        Ok(())
    }

    /// Remove everything; loads under way will not publish. Asks no key for its hash.
    pub fn clear(&self, py: Python<'_>, cause: Cause) -> PyResult<()> {
        self.flights.bind(py).clear();
        self.failures.bind(py).clear();
        let entries = self.entries.bind(py);
        let all = entries.values();
        entries.clear(); // nothing dies yet: `all` holds everything
        self.nullary.set(py, None);
        let mut gone = Vec::new();
        for found in all {
            let entry = found.cast_into::<Entry>()?;
            if self.forget(&entry)? {
                gone.push((entry, cause));
            }
        }
        self.tell_all(gone)
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

impl Drop for Table {
    fn drop(&mut self) {
        self.keep_stats();
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
