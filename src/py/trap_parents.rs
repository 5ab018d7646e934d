//! Submodules as attributes of their package. An eager `import a.b` also makes `a.b` readable for
//! everybody who has `a`; a deferred one leaves a trap on the package instead, at once or as soon as
//! the package is there.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, LazyLock};

use ahash::RandomState;
use parking_lot::Mutex;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::PyString;

use super::loaded_modules::{is_initializing, modules, namespace};
use super::plan_record::Row;
use super::trap::{Kind, NewTrap, Trap};
use super::trap_owners;
use super::trap_target::{Declared, Take, Target};

#[derive(Clone)]
struct Child {
    name: String,
    statement: Arc<Declared>,
    /// The statement in the record, if this is the module it imports.
    row: Option<Row>,
    /// What a `from` import asks for may be a submodule, or any other name.
    is_guess: bool,
}

/// What deferred statements would have made readable on packages that are not loaded yet.
type Waiting = HashMap<String, Vec<Child>, RandomState>;

static WAITING: LazyLock<Mutex<Waiting>> = LazyLock::new(Mutex::default);
static PACKAGES: AtomicUsize = AtomicUsize::new(0);

/// A statement that imports a module was deferred: make it readable on the packages above it.
pub fn deferred(
    import: &Bound<'_, PyAny>,
    declared: &Arc<Declared>,
    mut row: Option<&Row>,
) -> PyResult<()> {
    let mut path = declared.module.as_str();
    while let Some((parent, child)) = path.rsplit_once('.') {
        offer(import, parent, Child::new(child, declared, row.take(), false))?;
        path = parent;
    }
    Ok(())
}

/// What a deferred `from` import takes of a module may be a submodule of it.
pub fn guessed(import: &Bound<'_, PyAny>, declared: &Arc<Declared>, name: &str) -> PyResult<()> {
    offer(import, &declared.module, Child::new(name, declared, None, true)).map(drop)
}

/// A module was imported: its packages are there now.
pub fn loaded(module: &str, import: &Bound<'_, PyAny>) -> PyResult<()> {
    if !is_awaited(module) {
        return Ok(());
    }
    let mut path = module;
    loop {
        // They leave the list when they are on the package, not before: another thread that has
        // imported it goes on as soon as it finds nothing here.
        let waiting = WAITING.lock().get(path).cloned();
        let mut done = Vec::new();
        for child in waiting.into_iter().flatten() {
            let name = child.name.clone();
            if offer(import, path, child)? {
                done.push(name);
            }
        }
        if !done.is_empty() {
            forget(path, &done);
        }
        let Some((parent, _)) = path.rsplit_once('.') else { return Ok(()) };
        path = parent;
        if PACKAGES.load(Relaxed) == 0 {
            return Ok(());
        }
    }
}

/// Whether anything waits for the module or a package around it: mostly nothing does, and each import
/// statement asks, those inside functions at every call.
fn is_awaited(module: &str) -> bool {
    if PACKAGES.load(Relaxed) == 0 {
        return false;
    }
    let waiting = WAITING.lock();
    let mut path = module;
    loop {
        if waiting.contains_key(path) {
            return true;
        }
        let Some((parent, _)) = path.rsplit_once('.') else { return false };
        path = parent;
    }
}

impl Child {
    fn new(name: &str, statement: &Arc<Declared>, row: Option<&Row>, is_guess: bool) -> Self {
        let statement = Arc::clone(statement);
        Self { name: name.to_owned(), statement, row: row.cloned(), is_guess }
    }
}

fn forget(package: &str, names: &[String]) {
    let mut waiting = WAITING.lock();
    let Some(children) = waiting.get_mut(package) else { return };
    children.retain(|child| !names.contains(&child.name));
    if children.is_empty() {
        waiting.remove(package);
        PACKAGES.fetch_sub(1, Relaxed);
    }
}

/// Put a trap for a submodule on its package. Whether that is settled; else it waits.
fn offer(import: &Bound<'_, PyAny>, parent: &str, child: Child) -> PyResult<bool> {
    let py = import.py();
    let modules = modules(py)?;
    let Ok(package) = modules.get_item(parent) else {
        wait(parent, child);
        return Ok(false);
    };
    let Some(space) = namespace(&package) else { return Ok(true) };
    if trap_owners::has(&space, &child.name) {
        return Ok(true);
    }
    if child.is_guess && is_initializing(&package) {
        wait(parent, child); // it may still define that name
        return Ok(false);
    }
    if child.is_guess && !space.contains(intern!(py, "__path__"))? {
        return Ok(true);
    }
    let name = PyString::intern(py, &child.name);
    let module = format!("{parent}.{}", child.name);
    if space.contains(&name)? || modules.contains(&module)? {
        return Ok(true);
    }
    let Declared { file, line, .. } = &*child.statement;
    let declared = Arc::new(Declared { module, file: file.clone(), line: *line });
    let new = NewTrap {
        owner: &space,
        name: &name,
        target: Arc::new(Target { declared, take: Take::Module }),
        import,
        kind: if child.is_guess { Kind::Guess } else { Kind::Submodule },
        row: child.row,
    };
    Trap::plant(new, &super::plan_hook::placeholder(py)?)?;
    Ok(true)
}

fn wait(parent: &str, child: Child) {
    let mut waiting = WAITING.lock();
    let children = waiting.entry(parent.to_owned()).or_insert_with(|| {
        PACKAGES.fetch_add(1, Relaxed);
        Vec::new()
    });
    match children.iter_mut().find(|known| known.name == child.name) {
        Some(known) => {
            known.is_guess &= child.is_guess;
            known.row = known.row.take().or(child.row);
        }
        None => children.push(child),
    }
}
