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
static LOOK_UPS: LazyLock<Mutex<HashMap<usize, usize, RandomState>>> =
    LazyLock::new(Mutex::default);
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

/// Whether nothing is waiting in a dict.
pub fn is_done(owner: &Bound<'_, PyDict>) -> bool {
    live() == 0 || !OWNERS.lock().contains_key(&(owner.as_ptr() as usize))
}

pub fn remove(owner: usize, name: &str) {
    let mut owners = OWNERS.lock();
    let Some(names) = owners.get_mut(&owner) else { return };
    if names.remove(name) {
        LIVE.fetch_sub(1, Relaxed);
    }
    if names.is_empty() {
        owners.remove(&owner);
    }
}

/// A thread asks for one of its names and imports; until it has the answer, its look-up is under way.
pub struct LookUp(usize);

impl LookUp {
    pub fn begin(owner: &Bound<'_, PyDict>) -> Self {
        let owner = owner.as_ptr() as usize;
        *LOOK_UPS.lock().entry(owner).or_default() += 1;
        Self(owner)
    }
}

impl Drop for LookUp {
    fn drop(&mut self) {
        let mut under_way = LOOK_UPS.lock();
        if let Some(count) = under_way.get_mut(&self.0) {
            *count -= 1;
            if *count == 0 {
                under_way.remove(&self.0);
            }
        }
    }
}

/// Build the dict's table anew, with plain keys for the names that are used, unless somebody is in the
/// middle of a look-up of another name. While there is a key in it that is no plain `str` it stays in
/// the general form, and the interpreter does not specialise look-ups in it. The order stays, and so
/// does the size: who is iterating goes on as before. `false` if it can never be healed.
pub fn heal(owner: &Bound<'_, PyDict>) -> PyResult<bool> {
    if LOOK_UPS.lock().contains_key(&(owner.as_ptr() as usize)) {
        return Ok(true);
    }
    let mut items = Vec::with_capacity(owner.len());
    let mut ours = Vec::new();
    for (key, value) in owner {
        if key.is_exact_instance_of::<PyString>() {
            items.push((key, value));
        } else if let Ok(trap) = key.cast::<TrapKey>() {
            ours.push(key.clone());
            items.push((trap_key::settled_name(trap)?.unwrap_or(key), value));
        } else {
            return Ok(false); // a key of somebody else's, who may have his say when it is put back
        }
    }
    // No Python code can run from here on, so nobody sees the dict empty: the keys are plain strings
    // and keys of ours, and the values are held.
    let _quiet = trap_key::Quiet::new();
    // A look-up that has compared a key goes on in the table it began in, if the dict's table is at the
    // same address and has the same key at the same place. The new table may be put where the old one
    // was: so none of our keys may be left in that memory.
    ours.iter().try_for_each(|key| owner.del_item(key))?;
    owner.clear();
    items.iter().try_for_each(|(key, value)| owner.set_item(key, value))?;
    Ok(true)
}
