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
use super::trap_owners::LookUp;
use super::trap_target::Target;
use super::{trap_copies, trap_key, trap_owners};

/// In the dict, but the statement has not stored under it yet.
const PLANTED: u8 = 0;
/// The next one who asks reads the name.
const ARMED: u8 = 1;
/// The real object is in the dict, under the trap's own key still.
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
    target: Arc<Target>,
    /// How imports are made.
    import: Py<PyAny>,
    kind: Kind,
    planter: ThreadId,
    state: AtomicU8,
    resolving: Mutex<Vec<ThreadId>>,
    row: Option<Row>,
}

/// Who puts the name there.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The statement that was deferred stores it.
    Statement,
    /// Nobody: it is a submodule, which the eager import would have put on its package.
    Submodule,
    /// The same, if there is such a submodule.
    Guess,
}

pub struct NewTrap<'a, 'py> {
    pub owner: &'a Bound<'py, PyDict>,
    pub name: &'a Bound<'py, PyString>,
    pub target: Arc<Target>,
    pub import: &'a Bound<'py, PyAny>,
    pub kind: Kind,
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
        take(new.owner, new.name)?;
        let is_stored = new.kind == Kind::Statement;
        let trap = Bound::new(
            py,
            Self {
                name: new.name.clone().unbind(),
                owner: new.owner.clone().unbind(),
                target: new.target,
                import: new.import.clone().unbind(),
                kind: new.kind,
                planter: thread::current().id(),
                state: AtomicU8::new(if is_stored { PLANTED } else { ASIDE }),
                resolving: Mutex::default(),
                row: new.row,
            },
        )?;
        let key = trap_key::new(&trap)?;
        new.owner.set_item(&key, value)?;
        trap_owners::add(new.owner, &name);
        if !is_stored {
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
                if !trap_owners::heal(it.owner.bind(py))? {
                    it.leave(); // its value is in its place
                }
                Ok(true)
            }
            _ if it.is_resolving_here() => Ok(false),
            _ => match here(it.owner.bind(py), it.name(py))? {
                // In a copy of the dict it says nothing about the dict itself.
                Here::Store if !it.may_have_copies(key)? => it.drop_key(key).map(|()| false),
                Here::Delete if !it.may_have_copies(key)? => {
                    it.forget(py, GONE);
                    Ok(true)
                }
                _ if is_finalizing(py) => Ok(false),
                _ => Self::resolve(slf, key),
            },
        }
    }

    /// Somebody hashes the key, which only those do who got it from the dict.
    pub fn settle(slf: &Bound<'_, Self>, key: &Bound<'_, PyAny>) -> PyResult<()> {
        let it = slf.get();
        let is_due = it.state.load(Relaxed) == ARMED && !it.is_resolving_here();
        if is_due && !is_finalizing(slf.py()) {
            Self::resolve(slf, key)?;
        }
        Ok(())
    }

    /// Put the real object under the key. Whether the key is what is looked for.
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
        let look_up = LookUp::begin(self.owner.bind(py));
        let loaded = self.target.load(self.import.bind(py));
        drop(look_up);
        {
            let mut resolving = self.resolving.lock();
            if let Some(at) = resolving.iter().rposition(|&id| id == thread::current().id()) {
                resolving.swap_remove(at);
            }
        }
        match loaded {
            Err(error) if self.kind == Kind::Guess && is_missing(py, &error, &self.target) => {
                Ok(None)
            }
            Err(error) => {
                if let Some(row) = &self.row {
                    row.failed(py, &error);
                }
                Err(self.target.explain(py, error))
            }
            Ok(value) => {
                if let Some(row) = &self.row {
                    row.resolved();
                }
                Ok(Some(value))
            }
        }
    }

    /// Put the real object where the trap is, unless somebody was faster. The key stays, so that the
    /// order does, until the dict is healed: with the last deferred name, or when this one is read again.
    fn finish(&self, key: &Bound<'_, PyAny>, value: Bound<'_, PyAny>) -> PyResult<()> {
        let py = key.py();
        if self.state.compare_exchange(ARMED, ASIDE, Relaxed, Relaxed).is_err() {
            // Somebody was faster, but could not heal the dict as long as we were here.
            return self.heal_if_done(py);
        }
        let placed = self.place(key, &value);
        self.forget(py, SETTLED);
        placed?;
        if self.may_have_copies(key)? {
            trap_copies::update(self.owner.bind(py), key, &value)?;
        }
        self.heal_if_done(py)
    }

    fn heal_if_done(&self, py: Python<'_>) -> PyResult<()> {
        let owner = self.owner.bind(py);
        if trap_owners::is_done(owner) {
            trap_owners::heal(owner)?;
        }
        Ok(())
    }

    /// Meanwhile the key answers to nobody but itself.
    fn place(&self, key: &Bound<'_, PyAny>, value: &Bound<'_, PyAny>) -> PyResult<()> {
        let owner = self.owner.bind(key.py());
        let name = self.name(key.py());
        if owner.contains(name)? {
            // The import machinery, or code that ran meanwhile, has put something there under a plain
            // key. For a submodule that is it.
            if self.kind == Kind::Statement {
                owner.set_item(name, value)?;
            }
            return owner.del_item(key);
        }
        if owner.contains(key)? { owner.set_item(key, value) } else { Ok(()) }
    }

    /// Take the key out: there is no such name, or somebody stores another object under it.
    fn drop_key(&self, key: &Bound<'_, PyAny>) -> PyResult<()> {
        let py = key.py();
        let owner = self.owner.bind(py);
        self.state.store(ASIDE, Relaxed);
        let removed = owner.del_item(key);
        self.forget(py, GONE);
        match removed {
            // It has been taken out, or the whole dict was cleared.
            Err(error) if !error.is_instance_of::<PyKeyError>(py) => Err(error),
            _ => self.heal_if_done(py),
        }
    }

    /// The dict gets a plain key instead. Whether there is the real object to put under it.
    pub fn leave(&self) -> bool {
        self.state.compare_exchange(SETTLED, GONE, Relaxed, Relaxed).is_ok()
    }

    /// It is not waiting any more.
    fn forget(&self, py: Python<'_>, state: u8) {
        self.state.store(state, Relaxed);
        if let Ok(name) = self.name(py).to_cow() {
            trap_owners::remove(self.owner.as_ptr() as usize, &name);
        }
    }

    /// Whether somebody else holds the key: a copy of the dict perhaps.
    fn may_have_copies(&self, key: &Bound<'_, PyAny>) -> PyResult<bool> {
        let others =
            self.resolving.lock().iter().filter(|&&id| id != thread::current().id()).count();
        trap_copies::may_exist(key, others)
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
        if matches!(self.state.load(Relaxed), PLANTED | ARMED | ASIDE) {
            Python::attach(|py| self.forget(py, GONE));
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
        trap.get().forget(py, GONE);
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
