//! Which lazy names are not loaded yet, and loading them all.

use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;
use pyo3::exceptions::PyException;
use pyo3::prelude::*;
use pyo3::types::{PyModule, PyWeakrefMethods, PyWeakrefReference};

use super::lazy_native::is_placeholder;
use super::lazy_proxy::Lazy;

/// A declaration, in the order in which they were made.
pub type Number = u64;

static NEXT: AtomicU64 = AtomicU64::new(0);
/// Rust data and weak references only: nothing here keeps a module alive.
static PENDING: Mutex<Vec<(Number, Entry)>> = Mutex::new(Vec::new()); // sorted

enum Entry {
    Proxy(Py<PyWeakrefReference>),
    /// The interpreter's own placeholder: a variable of a module.
    Native {
        module: Py<PyWeakrefReference>,
        variable: String,
        shown: String,
        declared_at: String,
    },
}

pub fn next_number() -> Number {
    NEXT.fetch_add(1, Ordering::Relaxed)
}

pub fn add_proxy(proxy: &Bound<'_, Lazy>) -> PyResult<()> {
    let entry = Entry::Proxy(PyWeakrefReference::new(proxy.as_any())?.unbind());
    add(proxy.get().number, entry);
    Ok(())
}

pub fn add_native(
    module: &Bound<'_, PyModule>,
    variable: String,
    shown: String,
    declared_at: String,
) -> PyResult<()> {
    let module = PyWeakrefReference::new(module.as_any())?.unbind();
    let entry = Entry::Native { module, variable, shown, declared_at };
    add(next_number(), entry);
    Ok(())
}

fn add(number: Number, entry: Entry) {
    let mut pending = PENDING.lock();
    // At the end, but for one that was declared while this one was being made.
    let place = pending.partition_point(|(other, _)| *other < number);
    pending.insert(place, (number, entry));
}

/// It is loaded, or gone.
pub fn remove(number: Number) {
    let mut pending = PENDING.lock();
    let place = pending.binary_search_by_key(&number, |(other, _)| *other);
    let gone = place.ok().map(|place| pending.remove(place));
    drop(pending);
    drop(gone);
}

/// A declared name, kept alive for the moment.
enum Declared<'py> {
    Proxy(Bound<'py, Lazy>),
    Native { module: Bound<'py, PyModule>, variable: String, shown: String, declared_at: String },
}

impl<'py> Declared<'py> {
    /// Of an entry; nothing if its proxy or its module is gone.
    fn of(py: Python<'py>, entry: Entry) -> PyResult<Option<Self>> {
        Ok(match entry {
            Entry::Proxy(proxy) => match proxy.bind(py).upgrade() {
                Some(proxy) => Some(Self::Proxy(proxy.cast_into()?)),
                None => None,
            },
            Entry::Native { module, variable, shown, declared_at } => {
                match module.bind(py).upgrade() {
                    Some(module) => {
                        let module = module.cast_into()?;
                        Some(Self::Native { module, variable, shown, declared_at })
                    }
                    None => None,
                }
            }
        })
    }

    fn shown(&self) -> String {
        match self {
            Self::Proxy(proxy) => proxy.get().target.shown(),
            Self::Native { shown, .. } => shown.clone(),
        }
    }

    fn declared_at(&self) -> String {
        match self {
            Self::Proxy(proxy) => proxy.get().target.declared_at.clone(),
            Self::Native { declared_at, .. } => declared_at.clone(),
        }
    }

    fn is_pending(&self) -> PyResult<bool> {
        match self {
            Self::Proxy(proxy) => Ok(!proxy.get().is_loaded()),
            Self::Native { module, variable, .. } => {
                Ok(module.dict().get_item(variable)?.is_some_and(|value| is_placeholder(&value)))
            }
        }
    }

    fn load(&self) -> PyResult<()> {
        match self {
            Self::Proxy(proxy) => Lazy::resolve(proxy).map(drop),
            // Reading the variable as an attribute is what resolves it.
            Self::Native { module, variable, .. } => {
                module.as_any().getattr(variable.as_str()).map(drop)
            }
        }
    }
}

/// What is not loaded, of the declarations from this one on, oldest first.
fn pending_from(py: Python<'_>, first: Number) -> PyResult<Vec<(Number, Declared<'_>)>> {
    let entries: Vec<(Number, Entry)> = PENDING
        .lock()
        .iter()
        .filter(|(number, _)| *number >= first)
        .map(|(number, entry)| (*number, entry.clone_ref(py)))
        .collect();
    let mut variables = Vec::new();
    let mut found = Vec::new();
    // From the newest on: a module that was reloaded declared the same variable twice.
    for (number, entry) in entries.into_iter().rev() {
        let Some(name) = Declared::of(py, entry)? else {
            remove(number);
            continue;
        };
        if let Declared::Native { module, variable, .. } = &name {
            let variable = (module.as_ptr(), variable.clone());
            if variables.contains(&variable) {
                remove(number);
                continue;
            }
            variables.push(variable);
        }
        // One that is not pending may be about to be stored by another thread: its entry stays.
        if name.is_pending()? {
            found.push((number, name));
        }
    }
    found.reverse();
    Ok(found)
}

impl Entry {
    fn clone_ref(&self, py: Python<'_>) -> Self {
        match self {
            Self::Proxy(proxy) => Self::Proxy(proxy.clone_ref(py)),
            Self::Native { module, variable, shown, declared_at } => Self::Native {
                module: module.clone_ref(py),
                variable: variable.clone(),
                shown: shown.clone(),
                declared_at: declared_at.clone(),
            },
        }
    }
}

/// The lazy names that are not loaded yet, each with the line that declared it.
#[pyfunction]
pub fn pending(py: Python<'_>) -> PyResult<Vec<(String, String)>> {
    let found = pending_from(py, 0)?;
    Ok(found.iter().map(|(_, name)| (name.shown(), name.declared_at())).collect())
}

/// The same with the number of each declaration. For `warm_up`, which times each of them.
#[pyfunction]
pub fn _pending_numbers(py: Python<'_>) -> PyResult<Vec<(Number, String)>> {
    let found = pending_from(py, 0)?;
    Ok(found.iter().map(|(number, name)| (*number, name.shown())).collect())
}

/// Load the name that was declared with this number, if it is not loaded yet.
#[pyfunction]
pub fn _resolve(py: Python<'_>, number: Number) -> PyResult<()> {
    let found = pending_from(py, number)?;
    match found.first() {
        Some((first, name)) if *first == number => name.load(),
        _ => Ok(()),
    }
}

/// Load every lazy name now, also those that are declared on the way.
#[pyfunction]
pub fn resolve_all(py: Python<'_>) -> PyResult<Vec<String>> {
    let mut loaded = Vec::new();
    let mut failure = None;
    let mut first = 0;
    loop {
        let batch = pending_from(py, first)?;
        let Some((last, _)) = batch.last() else { break };
        first = last + 1;
        for (_, name) in batch {
            if !name.is_pending()? {
                continue;
            }
            match name.load() {
                Ok(()) => loaded.push(name.shown()),
                // One that fails keeps no other from loading; what ends a program ends this.
                Err(error) if error.is_instance_of::<PyException>(py) => {
                    failure.get_or_insert(error);
                }
                Err(error) => return Err(error),
            }
        }
    }
    match super::plan_waiting::resolve_planned(py) {
        Err(error) if error.is_instance_of::<PyException>(py) => {
            failure.get_or_insert(error);
        }
        done => done?,
    }
    failure.map_or(Ok(loaded), Err)
}
