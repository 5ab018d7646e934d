//! Which dicts have traps in them, and under which names. Addresses are safe as keys: a trap holds its
//! dict for as long as it is listed here.

use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use ahash::RandomState;
use parking_lot::Mutex;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString};

type Names = HashSet<Box<str>, RandomState>;

static OWNERS: LazyLock<Mutex<HashMap<usize, Names, RandomState>>> = LazyLock::new(Mutex::default);
static LIVE: AtomicUsize = AtomicUsize::new(0);

/// How many traps there are.
pub fn live() -> usize {
    LIVE.load(Relaxed)
}

pub fn add(owner: &Bound<'_, PyDict>, name: &str) {
    if OWNERS.lock().entry(owner.as_ptr() as usize).or_default().insert(name.into()) {
        LIVE.fetch_add(1, Relaxed);
    }
}

pub fn has(owner: &Bound<'_, PyDict>, name: &str) -> bool {
    live() > 0
        && OWNERS.lock().get(&(owner.as_ptr() as usize)).is_some_and(|names| names.contains(name))
}

/// The names under which a dict has traps.
pub fn names(owner: &Bound<'_, PyDict>) -> Vec<Box<str>> {
    if live() == 0 {
        return Vec::new();
    }
    let owners = OWNERS.lock();
    owners.get(&(owner.as_ptr() as usize)).into_iter().flatten().cloned().collect()
}

/// Forget one; whether it was the last of its dict.
pub fn remove(owner: usize, name: &str) -> bool {
    let mut owners = OWNERS.lock();
    let Some(names) = owners.get_mut(&owner) else { return false };
    if names.remove(name) {
        LIVE.fetch_sub(1, Relaxed);
    }
    let is_last = names.is_empty();
    if is_last {
        owners.remove(&owner);
    }
    is_last
}

/// Build the dict's table anew. With a key in it that was no plain `str`, it stays in the general form,
/// even after that key is gone, and the interpreter does not specialise look-ups in it.
pub fn heal(owner: &Bound<'_, PyDict>) -> PyResult<()> {
    // No Python code can run in here, so nobody sees the dict empty: the keys are plain strings, the
    // values are held, and there are no traps any more.
    let items: Vec<_> = owner.iter().collect();
    if !items.iter().all(|(key, _)| key.is_exact_instance_of::<PyString>()) {
        return Ok(());
    }
    owner.clear();
    items.iter().try_for_each(|(key, value)| owner.set_item(key, value))
}
