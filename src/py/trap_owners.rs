//! Which dicts have traps in them, and under which names. Addresses are safe as keys: a trap holds its
//! dict for as long as it is listed here.

use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use ahash::RandomState;
use parking_lot::Mutex;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString};

use super::trap_key::{self, TrapKey};

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

/// Build the dict's table anew, with plain keys for the names that are used. While there is a key in it
/// that is no plain `str` it stays in the general form, and the interpreter does not specialise
/// look-ups in it. The order stays, and so does the size: who is iterating goes on as before.
pub fn heal(owner: &Bound<'_, PyDict>) -> PyResult<()> {
    let mut items = Vec::with_capacity(owner.len());
    for (key, value) in owner {
        if key.is_exact_instance_of::<PyString>() {
            items.push((key, value));
        } else if let Ok(trap) = key.cast::<TrapKey>() {
            items.push((trap_key::settled_name(trap)?.unwrap_or(key), value));
        } else {
            return Ok(()); // a key of somebody else's, who may have his say when it is put back
        }
    }
    // No Python code can run from here on, so nobody sees the dict empty: the keys are plain strings
    // and keys of ours, and the values are held.
    let _quiet = trap_key::Quiet::new();
    owner.clear();
    items.iter().try_for_each(|(key, value)| owner.set_item(key, value))
}
