//! `ImportTracer`: sees the imports of a running interpreter, from inside importlib.
//!
//! importlib looks its own functions up when it calls them, so a stand-in in its namespace sees each
//! import, whoever asked for it: a statement, a function, native code. Here the stand-ins are put in
//! and taken out again; what they do is in `traced.rs`.

use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use parking_lot::Mutex;
use pyo3::exceptions::{PyImportError, PyRuntimeError};
use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use super::errors::invalid;
use super::flags::is_on;
use super::import_facts::prepare;
use super::log::warn;
use super::traced::{Role, Shared, Traced};
use crate::imports::record::{Record, Step};

/// Records kept until they are taken, unless the caller says otherwise: about 20 MB of them.
const LIMIT: usize = 65_536;

const BOOTSTRAP: &str = "_frozen_importlib";
const EXTERNAL: &str = "_frozen_importlib_external";

/// Where the stand-ins go: module, class in it if any, name, role. The first one is indispensable.
const PLACES: [(&str, Option<&str>, &str, Role); 11] = [
    (BOOTSTRAP, None, "_find_and_load", Role::Import),
    (BOOTSTRAP, None, "_exec", Role::Reload),
    (BOOTSTRAP, None, "_find_spec", Role::Step(Step::Find)),
    (BOOTSTRAP, None, "_load_unlocked", Role::Step(Step::Load)),
    (EXTERNAL, Some("SourceLoader"), "get_code", Role::Step(Step::Code)),
    (EXTERNAL, Some("SourcelessFileLoader"), "get_code", Role::Step(Step::Code)),
    (EXTERNAL, Some("FileLoader"), "get_data", Role::Step(Step::Read)),
    (EXTERNAL, None, "_compile_bytecode", Role::Step(Step::Unmarshal)),
    (EXTERNAL, Some("SourceLoader"), "source_to_code", Role::Step(Step::Compile)),
    ("_imp", None, "create_dynamic", Role::Step(Step::Dlopen)),
    ("_imp", None, "exec_dynamic", Role::Step(Step::Exec)),
];

/// Modules that import functions of importlib by name; they may hold a stand-in when it is removed.
const BORROWERS: [(&str, &str); 1] = [("importlib.util", "_find_spec")];

static IS_INSTALLED: AtomicBool = AtomicBool::new(false);

/// What the tracer that is installed, or was last, has seen.
static LATEST: Mutex<Option<Arc<Shared>>> = Mutex::new(None);

/// Records kept of a start that nobody profiles.
const LIMIT_AT_START: usize = 4096;

/// The imports seen so far that took so many nanoseconds, or failed.
pub fn finished(shortest: u64) -> Vec<Record> {
    let latest = LATEST.lock().clone();
    latest.map(|shared| shared.finished(shortest)).unwrap_or_default()
}

/// Trace the imports of this start, if the environment says so.
pub fn install_if_asked(py: Python<'_>) -> PyResult<()> {
    const NAME: &str = "COLDCACHE_TRACE_IMPORTS";
    match is_on(NAME, false) {
        Ok(false) => Ok(()),
        Ok(true) => {
            let tracer = ImportTracer {
                shared: Arc::new(Shared::new(LIMIT_AT_START, None)),
                installed: Mutex::default(),
            };
            let tracer = Bound::new(py, tracer)?;
            // Whoever traces already has a better reason to.
            if let Err(error) = tracer.get().install(py)
                && !error.is_instance_of::<PyRuntimeError>(py)
            {
                warn(py, &format!("{NAME}: {error}"))?;
            }
            // The stand-ins hold what they need; the tracer itself would only take them out again.
            Ok(())
        }
        Err(message) => warn(py, &message),
    }
}

struct Installed {
    owner: Py<PyAny>,
    name: &'static str,
    function: Py<PyAny>,
    stand_in: Py<Traced>,
}

/// Sees every import of this interpreter from `install()` to `uninstall()`.
#[pyclass(frozen, module = "coldcache._core")]
pub struct ImportTracer {
    shared: Arc<Shared>,
    installed: Mutex<Vec<Installed>>,
}

#[pymethods]
impl ImportTracer {
    #[new]
    #[pyo3(signature = (*, path=None, limit=None))]
    fn new(path: Option<PathBuf>, limit: Option<&Bound<'_, PyAny>>) -> PyResult<Self> {
        let limit = match limit {
            None => LIMIT,
            Some(given) => given
                .extract::<usize>()
                .ok()
                .filter(|limit| *limit > 0)
                .ok_or_else(|| invalid("limit", given, "a number of records, at least 1"))?,
        };
        let create = |path: PathBuf| {
            // Not through a link and not into what somebody else has put there.
            OpenOptions::new().append(true).create_new(true).mode(0o600).open(path)
        };
        Ok(Self {
            shared: Arc::new(Shared::new(limit, path.map(create).transpose()?)),
            installed: Mutex::default(),
        })
    }

    /// Begin to see imports.
    fn install(&self, py: Python<'_>) -> PyResult<()> {
        prepare(py)?;
        if IS_INSTALLED.swap(true, Relaxed) {
            return Err(PyRuntimeError::new_err(
                "an import tracer is installed already; uninstall it first",
            ));
        }
        let installed = self.stand_ins(py);
        if !matches!(installed.first(), Some(first) if first.name == PLACES[0].2) {
            IS_INSTALLED.store(false, Relaxed);
            return Err(PyImportError::new_err(
                "the imports of this interpreter cannot be traced: its importlib has no \
                 _find_and_load that can be replaced",
            ));
        }
        self.shared.switch_on();
        for place in &installed {
            place.owner.bind(py).setattr(place.name, &place.stand_in)?;
        }
        *self.installed.lock() = installed;
        *LATEST.lock() = Some(Arc::clone(&self.shared));
        Ok(())
    }

    /// Put importlib's own functions back. Where somebody else has replaced them meanwhile, theirs
    /// stay; a stand-in that is still held somewhere only passes calls on.
    fn uninstall(&self, py: Python<'_>) -> PyResult<()> {
        let installed = std::mem::take(&mut *self.installed.lock());
        if installed.is_empty() {
            return Ok(());
        }
        self.shared.switch_off();
        IS_INSTALLED.store(false, Relaxed);
        for place in installed.iter().rev() {
            restore(place.owner.bind(py), place)?;
        }
        let modules = py.import(intern!(py, "sys"))?.getattr(intern!(py, "modules"))?;
        for (module, name) in BORROWERS {
            if let Ok(module) = modules.get_item(module)
                && let Some(place) = installed.iter().find(|place| place.name == name)
            {
                restore(&module, place)?;
            }
        }
        Ok(())
    }

    /// The finished imports as JSON, one a line, the totals last. They are forgotten here.
    fn take<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, &self.shared.lines())
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        for place in self.installed.lock().iter() {
            visit.call(&place.owner)?;
            visit.call(&place.function)?;
            visit.call(&place.stand_in)?;
        }
        Ok(())
    }
}

impl ImportTracer {
    fn stand_ins(&self, py: Python<'_>) -> Vec<Installed> {
        let stand_in = |(module, class, name, role): (&str, Option<&str>, &'static str, Role)| {
            let module = py.import(module)?.into_any();
            let owner = class.map_or_else(|| Ok(module.clone()), |class| module.getattr(class))?;
            // From the owner itself: a class that inherits must not get one of its own.
            let function = owner.getattr(intern!(py, "__dict__"))?.get_item(name)?;
            let shared = Arc::clone(&self.shared);
            let stand_in = Traced::new(role, &function, shared)?;
            PyResult::Ok(Installed {
                owner: owner.unbind(),
                name,
                function: function.unbind(),
                stand_in,
            })
        };
        // An importlib that is built differently lacks that part of the split, and no more.
        PLACES.into_iter().filter_map(|place| stand_in(place).ok()).collect()
    }
}

fn restore(owner: &Bound<'_, PyAny>, place: &Installed) -> PyResult<()> {
    let current = owner.getattr(intern!(owner.py(), "__dict__"))?.get_item(place.name).ok();
    if current.is_some_and(|current| current.is(&place.stand_in)) {
        owner.setattr(place.name, &place.function)?;
    }
    Ok(())
}
