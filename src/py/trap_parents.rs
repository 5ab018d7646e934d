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
use pyo3::types::{PyDict, PyString};

use super::trap::{NewTrap, Trap};
use super::trap_owners;
use super::trap_target::{Declared, Take, Target, modules};

/// Where a deferred statement is, for each submodule of a package that is not loaded yet.
type Waiting = HashMap<String, Vec<(String, Arc<Declared>)>, RandomState>;

static WAITING: LazyLock<Mutex<Waiting>> = LazyLock::new(Mutex::default);
static PACKAGES: AtomicUsize = AtomicUsize::new(0);

/// A statement that imports a module was deferred: make it readable on the packages above it.
/// With `name`, what a `from` import asks of the module may be a submodule of it, too.
pub fn deferred(
    import: &Bound<'_, PyAny>,
    declared: &Arc<Declared>,
    name: Option<&str>,
) -> PyResult<()> {
    let mut path = declared.module.as_str();
    if let Some(name) = name {
        offer(import, path, name, declared, true)?;
    }
    while let Some((parent, child)) = path.rsplit_once('.') {
        offer(import, parent, child, declared, false)?;
        path = parent;
    }
    Ok(())
}

/// A module was imported: its packages are there now.
pub fn loaded(module: &str, import: &Bound<'_, PyAny>) -> PyResult<()> {
    if PACKAGES.load(Relaxed) == 0 {
        return Ok(());
    }
    let mut path = module;
    loop {
        let waiting = WAITING.lock().remove(path);
        if let Some(waiting) = waiting {
            PACKAGES.fetch_sub(1, Relaxed);
            for (child, declared) in waiting {
                offer(import, path, &child, &declared, false)?;
            }
        }
        let Some((parent, _)) = path.rsplit_once('.') else { return Ok(()) };
        path = parent;
        if PACKAGES.load(Relaxed) == 0 {
            return Ok(());
        }
    }
}

fn offer(
    import: &Bound<'_, PyAny>,
    parent: &str,
    child: &str,
    statement: &Arc<Declared>,
    is_guess: bool,
) -> PyResult<()> {
    let py = import.py();
    let modules = modules(py)?;
    let Ok(package) = modules.get_item(parent) else {
        if !is_guess {
            wait(parent, child, statement);
        }
        return Ok(());
    };
    let Ok(space) = package.getattr(intern!(py, "__dict__")) else { return Ok(()) };
    let Ok(space) = space.cast_into::<PyDict>() else { return Ok(()) };
    if trap_owners::has(&space, child) {
        return Ok(());
    }
    if is_guess && (is_initializing(&package) || !space.contains(intern!(py, "__path__"))?) {
        // It may still define that name; or it has no submodules.
        return Ok(());
    }
    let name = PyString::intern(py, child);
    let module = format!("{parent}.{child}");
    if space.contains(&name)? || modules.contains(&module)? {
        return Ok(());
    }
    let declared =
        Arc::new(Declared { module, file: statement.file.clone(), line: statement.line });
    let new = NewTrap {
        owner: &space,
        name: &name,
        target: Arc::new(Target { declared, take: Take::Module }),
        import,
        is_submodule: true,
        row: None,
    };
    Trap::plant(new, &super::plan_hook::placeholder(py)?)
}

fn wait(parent: &str, child: &str, statement: &Arc<Declared>) {
    let mut waiting = WAITING.lock();
    let children = waiting.entry(parent.to_owned()).or_insert_with(|| {
        PACKAGES.fetch_add(1, Relaxed);
        Vec::new()
    });
    if !children.iter().any(|(known, _)| known == child) {
        children.push((child.to_owned(), Arc::clone(statement)));
    }
}

/// Whether the body of a module is running, in whatever thread.
pub fn is_initializing(module: &Bound<'_, PyAny>) -> bool {
    let py = module.py();
    let state = || {
        module.getattr(intern!(py, "__spec__"))?.getattr(intern!(py, "_initializing"))?.is_truthy()
    };
    state().unwrap_or(false)
}
