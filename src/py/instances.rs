//! One table per instance, for methods.
//!
//! The instance owns its table, in its `__dict__`, so that a value that refers back to the instance
//! makes an ordinary cycle. What has no such dict (slots, classes) is known by address in a table
//! beside, with a weak reference that tells when the instance is gone; there a value that refers back
//! keeps the instance alive. What has no weak references either (`int`, `tuple`) is kept alive.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use ahash::RandomState;
use parking_lot::Mutex;
use pyo3::exceptions::PyTypeError;
use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{
    PyCFunction, PyDict, PyString, PyTuple, PyType, PyWeakrefMethods, PyWeakrefReference,
};

use super::errors::type_name;
use super::options::Options;
use super::table::Table;

type Beside = HashMap<usize, (Py<PyWeakrefReference>, Py<Table>), RandomState>;

pub struct Instances {
    /// Where in an instance's `__dict__` its state lies; interned.
    name: Py<PyString>,
    /// By address; the weak reference tells whether it is still the same object.
    beside: Arc<Mutex<Beside>>,
    /// By address: instance and table, for what cannot be referred to weakly.
    kept: Py<PyDict>,
    /// Weak references to the tables that instances own.
    owned: Mutex<Vec<Py<PyWeakrefReference>>>,
}

/// What an instance owns. A copy of the instance gets this very object with the copied `__dict__`,
/// so it knows whose it is; pickled, it is nobody's.
#[pyclass(frozen, immutable_type, name = "_InstanceState", module = "coldcache._core")]
pub struct InstanceState {
    /// Whose state it is.
    of: Option<Py<PyWeakrefReference>>,
    table: Option<Py<Table>>,
}

#[pymethods]
impl InstanceState {
    #[new]
    fn new() -> Self {
        Self { of: None, table: None }
    }

    fn __reduce__<'py>(slf: &Bound<'py, Self>) -> (Bound<'py, PyType>, Bound<'py, PyTuple>) {
        (slf.get_type(), PyTuple::empty(slf.py()))
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.of)?;
        visit.call(&self.table)
    }
}

impl Instances {
    pub fn new(py: Python<'_>) -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        let name = format!("_coldcache_{}", NEXT.fetch_add(1, Relaxed));
        Self {
            name: PyString::intern(py, &name).unbind(),
            beside: Arc::default(),
            kept: PyDict::new(py).unbind(),
            owned: Mutex::default(),
        }
    }

    pub fn table_of<'py>(
        &self,
        instance: &Bound<'py, PyAny>,
        options: &Py<Options>,
    ) -> PyResult<Bound<'py, Table>> {
        let py = instance.py();
        let attributes = instance.getattr(intern!(py, "__dict__")).ok();
        match attributes.and_then(|attributes| attributes.cast_into_exact::<PyDict>().ok()) {
            Some(attributes) => self.owned_table(instance, &attributes, options),
            None => self.table_beside(instance, options),
        }
    }

    fn owned_table<'py>(
        &self,
        instance: &Bound<'py, PyAny>,
        attributes: &Bound<'py, PyDict>,
        options: &Py<Options>,
    ) -> PyResult<Bound<'py, Table>> {
        let py = instance.py();
        let name = self.name.bind(py);
        if let Some(table) = table_in(attributes, name, instance)? {
            return Ok(table);
        }
        let Ok(of) = PyWeakrefReference::new(instance) else {
            return self.table_kept(instance, options);
        };
        let table = Table::create(py, options.clone_ref(py))?;
        let state = InstanceState { of: Some(of.unbind()), table: Some(table.clone().unbind()) };
        let state = Bound::new(py, state)?;
        let weak_table = PyWeakrefReference::new(&table)?.unbind();
        // Another thread may have been faster while these were made: from here on nothing runs.
        if let Some(faster) = table_in(attributes, name, instance)? {
            return Ok(faster);
        }
        attributes.set_item(name, state)?;
        self.note(py, weak_table);
        Ok(table)
    }

    /// For an instance of `int`, `tuple` and the like: nothing tells when it is gone, and a copy of its
    /// `__dict__` could turn up at its address. So it is kept alive, as many of them as entries.
    fn table_kept<'py>(
        &self,
        instance: &Bound<'py, PyAny>,
        options: &Py<Options>,
    ) -> PyResult<Bound<'py, Table>> {
        let py = instance.py();
        let kept = self.kept.bind(py);
        let address = instance.as_ptr() as usize;
        if let Some(found) = kept.get_item(address)? {
            return Ok(found.get_item(1)?.cast_into::<Table>()?);
        }
        let table = Table::create(py, options.clone_ref(py))?;
        kept.set_item(address, (instance, &table))?;
        let most = options.get().max_entries;
        if most.is_some_and(|most| kept.len() as u64 > most)
            && let Some((oldest, _)) = kept.iter().next()
        {
            kept.del_item(oldest)?;
        }
        Ok(table)
    }

    /// Remember a table that an instance owns, and forget dead ones as their number doubles.
    fn note(&self, py: Python<'_>, table: Py<PyWeakrefReference>) {
        let mut owned = self.owned.lock();
        let mut dead = Vec::new();
        if owned.len() >= 16 && owned.len().is_power_of_two() {
            let (alive, gone) = std::mem::take(&mut *owned)
                .into_iter()
                .partition(|table| table.bind(py).upgrade().is_some());
            *owned = alive;
            dead = gone;
        }
        owned.push(table);
        drop(owned);
        drop(dead);
    }

    fn table_beside<'py>(
        &self,
        instance: &Bound<'py, PyAny>,
        options: &Py<Options>,
    ) -> PyResult<Bound<'py, Table>> {
        let py = instance.py();
        let address = instance.as_ptr() as usize;
        if let Some(table) = self.known_beside(instance, address) {
            return Ok(table);
        }
        let table = Table::create(py, options.clone_ref(py))?;
        let reference = self.weak_reference(instance, address, options)?;
        if let Some(faster) = self.known_beside(instance, address) {
            return Ok(faster);
        }
        let mut beside = self.beside.lock();
        let before = beside.insert(address, (reference, table.clone().unbind()));
        drop(beside);
        drop(before); // a dead one whose callback is still due
        Ok(table)
    }

    fn known_beside<'py>(
        &self,
        instance: &Bound<'py, PyAny>,
        address: usize,
    ) -> Option<Bound<'py, Table>> {
        let py = instance.py();
        let beside = self.beside.lock();
        let (reference, table) = beside.get(&address)?;
        let table = is_of(reference, instance).then(|| table.clone_ref(py));
        drop(beside);
        table.map(|table| table.into_bound(py))
    }

    fn weak_reference(
        &self,
        instance: &Bound<'_, PyAny>,
        address: usize,
        options: &Py<Options>,
    ) -> PyResult<Py<PyWeakrefReference>> {
        let beside = Arc::downgrade(&self.beside);
        let callback = PyCFunction::new_closure(instance.py(), None, None, move |args, _| {
            let Some(beside) = beside.upgrade() else { return };
            let mut locked = beside.lock();
            let is_dead_one = locked.get(&address).is_some_and(|(reference, _)| {
                args.get_borrowed_item(0).is_ok_and(|dead| dead.is(reference))
            });
            let gone = if is_dead_one { locked.remove(&address) } else { None };
            drop(locked);
            drop(gone);
        })?;
        PyWeakrefReference::new_with(instance, callback)
            .map(Bound::unbind)
            .map_err(|error| needs_weak_references(instance, options, error))
    }

    /// The tables of all instances that are alive.
    pub fn tables<'py>(&self, py: Python<'py>) -> Vec<Bound<'py, Table>> {
        let beside: Vec<_> =
            self.beside.lock().values().map(|(_, table)| table.clone_ref(py)).collect();
        let owned: Vec<_> = self.owned.lock().iter().map(|table| table.clone_ref(py)).collect();
        let owned = owned.into_iter().filter_map(|table| table.into_bound(py).upgrade());
        let kept = self.kept.bind(py).values().into_iter().filter_map(|pair| pair.get_item(1).ok());
        let owned = owned.chain(kept);
        beside
            .into_iter()
            .map(|table| table.into_bound(py))
            .chain(owned.filter_map(|table| table.cast_into::<Table>().ok()))
            .collect()
    }

    pub fn traverse(&self, visit: &PyVisit<'_>) -> Result<(), PyTraverseError> {
        for (reference, table) in self.beside.lock().values() {
            visit.call(reference)?;
            visit.call(table)?;
        }
        for table in self.owned.lock().iter() {
            visit.call(table)?;
        }
        visit.call(&self.kept)
    }
}

/// The table in an instance's dict, if it is this instance's own.
fn table_in<'py>(
    attributes: &Bound<'py, PyDict>,
    name: &Bound<'py, PyString>,
    instance: &Bound<'py, PyAny>,
) -> PyResult<Option<Bound<'py, Table>>> {
    let py = instance.py();
    let Some(found) = attributes.get_item(name)? else { return Ok(None) };
    let Ok(state) = found.cast_into::<InstanceState>() else { return Ok(None) };
    let state = state.get();
    let is_own = state.of.as_ref().is_some_and(|of| is_of(of, instance));
    Ok(state.table.as_ref().filter(|_| is_own).map(|table| table.bind(py).clone()))
}

fn is_of(reference: &Py<PyWeakrefReference>, instance: &Bound<'_, PyAny>) -> bool {
    reference.bind(instance.py()).upgrade().is_some_and(|alive| alive.is(instance))
}

fn needs_weak_references(
    instance: &Bound<'_, PyAny>,
    options: &Py<Options>,
    cause: PyErr,
) -> PyErr {
    let clearer = PyTypeError::new_err(format!(
        "{} of {} keeps its state per instance and needs a place for it: add '__dict__' or \
         '__weakref__' to __slots__",
        options.get().name,
        type_name(instance)
    ));
    clearer.set_cause(instance.py(), Some(cause));
    clearer
}
