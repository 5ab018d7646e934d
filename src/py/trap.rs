//! A deferred name in a module's globals: what it stands for, and what happens when it is read.
//!
//! The technique and its rules are described in `docs/decisions/0007-trap-keys.md`.

use std::cell::{Cell, RefCell};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering::Relaxed};
use std::thread::{self, ThreadId};

use parking_lot::Mutex;
use pyo3::exceptions::{PyKeyError, PyModuleNotFoundError};
use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyDict, PyString};

use super::lazy_caller::Caller;
use super::plan_code::{Here, here};
use super::plan_record::Row;
use super::trap_target::Target;
use super::{trap_key, trap_owners};

/// In the dict, but the statement has not stored under it yet.
const PLANTED: u8 = 0;
/// The next one who asks reads the name.
const ARMED: u8 = 1;
/// The real object is in the dict, under the trap's own key.
const SETTLED: u8 = 2;
/// Somebody works on the dict: the trap is not what is looked for.
const ASIDE: u8 = 3;
/// Not in the dict any more.
const GONE: u8 = 4;

thread_local! {
    /// Set while this thread takes a trap out of a dict by name.
    static IS_TAKING: Cell<bool> = const { Cell::new(false) };
    /// The trap that answered then.
    static TAKEN: RefCell<Option<Py<Trap>>> = const { RefCell::new(None) };
}

#[pyclass(frozen, module = "coldcache._core")]
pub struct Trap {
    name: Py<PyString>,
    owner: Py<PyDict>,
    /// What to import, in this order; the last one gives the value.
    targets: Vec<Arc<Target>>,
    /// How imports are made.
    import: Py<PyAny>,
    /// Of a name that no statement stores: a submodule that the eager import would have put here.
    is_submodule: bool,
    planter: ThreadId,
    state: AtomicU8,
    resolving: Mutex<Vec<ThreadId>>,
    row: Option<Row>,
}

pub struct NewTrap<'a, 'py> {
    pub owner: &'a Bound<'py, PyDict>,
    pub name: &'a Bound<'py, PyString>,
    pub target: Arc<Target>,
    pub import: &'a Bound<'py, PyAny>,
    pub is_submodule: bool,
    pub row: Option<Row>,
}

impl Trap {
    pub fn name<'py>(&self, py: Python<'py>) -> &Bound<'py, PyString> {
        self.name.bind(py)
    }

    /// Put a trap into a dict, in place of whatever is there under that name.
    pub fn plant<'py>(new: NewTrap<'_, 'py>, value: &Bound<'py, PyAny>) -> PyResult<()> {
        let py = new.owner.py();
        let name = new.name.to_cow()?;
        let mut targets = Vec::with_capacity(1);
        if let Some(before) = take(new.owner, new.name)?
            && !before.get().is_submodule
            && new.target.adds_to_package()
        {
            // `import a.b` and `import a.c` bind the same name: both are due when it is read.
            targets.extend(before.get().targets.iter().cloned());
        }
        targets.push(new.target);
        let trap = Bound::new(
            py,
            Self {
                name: new.name.clone().unbind(),
                owner: new.owner.clone().unbind(),
                targets,
                import: new.import.clone().unbind(),
                is_submodule: new.is_submodule,
                planter: thread::current().id(),
                state: AtomicU8::new(if new.is_submodule { ASIDE } else { PLANTED }),
                resolving: Mutex::default(),
                row: new.row,
            },
        )?;
        let key = trap_key::new(&trap)?;
        new.owner.set_item(&key, value)?;
        trap_owners::add(new.owner, &name);
        if new.is_submodule {
            trap.get().state.store(ARMED, Relaxed);
        }
        Ok(())
    }

    /// Somebody compares the key with its own name: the statement's store comes first, then reads.
    /// Whether the key is what is looked for.
    pub fn meet(slf: &Bound<'_, Self>, key: &Bound<'_, PyAny>) -> PyResult<bool> {
        let py = slf.py();
        let it = slf.get();
        if IS_TAKING.get() {
            TAKEN.replace(Some(slf.clone().unbind()));
            return Ok(true);
        }
        match it.state.load(Relaxed) {
            PLANTED if it.planter == thread::current().id() => {
                it.state.store(ARMED, Relaxed);
                Ok(true)
            }
            // The statement has not come to an end: for another thread the name is not there yet.
            PLANTED | ASIDE => Ok(false),
            GONE => Ok(true),
            SETTLED => {
                let value = it.in_its_place(py, || it.owner.bind(py).as_any().get_item(key))?;
                it.finish(key, value).map(|()| true)
            }
            _ if it.is_resolving_here() => Ok(false),
            _ => match here(it.owner.bind(py), it.name(py))? {
                Here::Store => it.drop_key(key).map(|()| false),
                Here::Delete => {
                    it.forget(py);
                    Ok(true)
                }
                Here::Read if is_finalizing(py) => Ok(false),
                Here::Read => Self::resolve(slf, key),
            },
        }
    }

    /// Somebody hashes the key, which only those do who got it from the dict: put the real object
    /// under it. The table stays as it is, since he may be iterating.
    pub fn settle(slf: &Bound<'_, Self>, key: &Bound<'_, PyAny>) -> PyResult<()> {
        let py = slf.py();
        let it = slf.get();
        if it.state.load(Relaxed) != ARMED || it.is_resolving_here() || is_finalizing(py) {
            return Ok(());
        }
        let Some(value) = it.load(py)? else { return Ok(()) };
        if it.state.load(Relaxed) == ARMED {
            it.in_its_place(py, || it.owner.bind(py).set_item(key, value))?;
            it.state.store(SETTLED, Relaxed);
        }
        Ok(())
    }

    fn resolve(slf: &Bound<'_, Self>, key: &Bound<'_, PyAny>) -> PyResult<bool> {
        let it = slf.get();
        match it.load(slf.py())? {
            Some(value) => it.finish(key, value).map(|()| true),
            None => it.drop_key(key).map(|()| false),
        }
    }

    /// The real object; `None` if there is no such submodule, which only a statement could have told.
    fn load<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        if let Some(row) = &self.row {
            row.used(Caller::current(py)?.as_ref())?;
        }
        self.resolving.lock().push(thread::current().id());
        let loaded = self.load_all(py);
        {
            let mut resolving = self.resolving.lock();
            if let Some(at) = resolving.iter().rposition(|&id| id == thread::current().id()) {
                resolving.swap_remove(at);
            }
        }
        match loaded {
            Err((error, target)) if self.is_submodule && is_missing(py, &error, &target) => {
                Ok(None)
            }
            Err((error, target)) => {
                if let Some(row) = &self.row {
                    row.failed();
                }
                Err(target.explain(py, error))
            }
            Ok(value) => {
                if let Some(row) = &self.row {
                    row.resolved();
                }
                Ok(Some(value))
            }
        }
    }

    fn load_all<'py>(&self, py: Python<'py>) -> Result<Bound<'py, PyAny>, (PyErr, Arc<Target>)> {
        let mut value = py.None().into_bound(py);
        for target in &self.targets {
            value =
                target.load(self.import.bind(py)).map_err(|error| (error, Arc::clone(target)))?;
        }
        Ok(value)
    }

    /// Put the real object where the trap is, unless somebody was faster.
    fn finish(&self, key: &Bound<'_, PyAny>, value: Bound<'_, PyAny>) -> PyResult<()> {
        let py = key.py();
        if self.state.load(Relaxed) == GONE {
            return Ok(());
        }
        let owner = self.owner.bind(py);
        let name = self.name(py);
        self.remove_key(key)?;
        // What the import machinery has put there meanwhile is the submodule itself.
        if !(self.is_submodule && owner.contains(name)?) {
            owner.set_item(name, value)?;
        }
        self.heal_if_last(py)
    }

    fn drop_key(&self, key: &Bound<'_, PyAny>) -> PyResult<()> {
        if self.state.load(Relaxed) == GONE {
            return Ok(());
        }
        self.remove_key(key)?;
        self.heal_if_last(key.py())
    }

    fn remove_key(&self, key: &Bound<'_, PyAny>) -> PyResult<()> {
        let py = key.py();
        let removed = self.in_its_place(py, || self.owner.bind(py).del_item(key));
        self.state.store(GONE, Relaxed);
        match removed {
            // It has been taken out, or the whole dict was cleared.
            Err(error) if error.is_instance_of::<PyKeyError>(py) => Ok(()),
            removed => removed,
        }
    }

    /// Do something with the trap's own entry: meanwhile the key answers to nobody but itself.
    fn in_its_place<T>(&self, _py: Python<'_>, work: impl FnOnce() -> T) -> T {
        let before = self.state.swap(ASIDE, Relaxed);
        let done = work();
        self.state.store(before, Relaxed);
        done
    }

    fn heal_if_last(&self, py: Python<'_>) -> PyResult<()> {
        if self.forget(py) { trap_owners::heal(self.owner.bind(py)) } else { Ok(()) }
    }

    /// It is not in the dict any more, or will not be in a moment.
    fn forget(&self, py: Python<'_>) -> bool {
        self.state.store(GONE, Relaxed);
        let Ok(name) = self.name(py).to_cow() else { return false };
        trap_owners::remove(self.owner.as_ptr() as usize, &name)
    }

    fn is_resolving_here(&self) -> bool {
        self.resolving.lock().contains(&thread::current().id())
    }
}

#[pymethods]
impl Trap {
    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.name)?;
        visit.call(&self.owner)?;
        visit.call(&self.import)
    }
}

impl Drop for Trap {
    fn drop(&mut self) {
        if self.state.load(Relaxed) != GONE {
            Python::attach(|py| self.forget(py));
        }
    }
}

/// Take the trap under a name, or the plain entry, out of a dict; nothing is imported.
pub fn take<'py>(
    owner: &Bound<'py, PyDict>,
    name: &Bound<'py, PyString>,
) -> PyResult<Option<Bound<'py, Trap>>> {
    let py = owner.py();
    if !trap_owners::has(owner, &name.to_cow()?) {
        if owner.contains(name)? {
            // An old key of the same text would keep its place, and be found first.
            owner.del_item(name)?;
        }
        return Ok(None);
    }
    IS_TAKING.set(true);
    let removed = owner.del_item(name);
    IS_TAKING.set(false);
    let trap = TAKEN.take();
    match removed {
        Err(error) if !error.is_instance_of::<PyKeyError>(py) => return Err(error),
        _ => {}
    }
    if let Some(trap) = &trap {
        trap.get().forget(py);
    }
    Ok(trap.map(|trap| trap.into_bound(py)))
}

fn is_missing(py: Python<'_>, error: &PyErr, target: &Target) -> bool {
    error.is_instance_of::<PyModuleNotFoundError>(py)
        && error
            .value(py)
            .getattr(intern!(py, "name"))
            .and_then(|name| name.extract::<String>())
            .is_ok_and(|name| name == target.module())
}

/// Whether the interpreter is being torn down, when modules are emptied entry by entry.
fn is_finalizing(py: Python<'_>) -> bool {
    static IS_FINALIZING: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    IS_FINALIZING
        .import(py, "sys", "is_finalizing")
        .and_then(|ask| ask.call0()?.is_truthy())
        .unwrap_or(true)
}
