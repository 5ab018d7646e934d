//! `ImportPlan`: the import statements that wait until what they bind is used, and the switch for it.
//!
//! On 3.15 and later the interpreter defers them itself and asks a filter (`plan_filter.rs`); before,
//! `__import__` is replaced (`plan_hook.rs`).

use std::cell::Cell;
use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use ahash::RandomState;
use parking_lot::Mutex;
use pyo3::exceptions::{PyRuntimeError, PyValueError};
use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{IntoPyDict, PyDict, PyModule, PyString, PyTuple};

use super::lazy_caller::Caller;
use super::plan_code::{self, Codes, fingerprint};
use super::plan_edges::{self, Edges};
use super::plan_filter::{self, Filter};
use super::plan_hook::{self, Asked, Fate};
use super::plan_record::Record;
use super::{loaded_modules, log, plan_waiting, trap_copies, trap_owners, trap_parents};

/// Importer, edge, state, line, and where it was used first.
type Reported = (String, String, &'static str, usize, Option<String>);

static IS_ENABLED: AtomicBool = AtomicBool::new(false);

thread_local! {
    static DECIDING: Cell<bool> = const { Cell::new(false) };
}

/// Defers the import statements it names until what they bind is used.
#[pyclass(frozen, weakref, module = "coldcache._core")]
pub struct ImportPlan {
    edges: Edges,
    fingerprints: Mutex<HashMap<String, u64, RandomState>>,
    /// Importers whose bytecode is not what the plan was made for.
    changed: Mutex<HashSet<String, RandomState>>,
    pub record: Option<Record>,
    pub codes: Codes,
    is_on: AtomicBool,
    /// What `builtins.__import__` was.
    import: Mutex<Option<Py<PyAny>>>,
    /// What is put there, or handed over as the filter.
    hook: Mutex<Option<Py<PyAny>>>,
    filter: Filter,
}

#[pymethods]
impl ImportPlan {
    #[new]
    #[pyo3(signature = (edges, *, fingerprints=None, observe=None))]
    fn new(
        edges: &Bound<'_, PyAny>,
        fingerprints: Option<HashMap<String, u64>>,
        observe: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Self> {
        Ok(Self {
            edges: plan_edges::read(edges)?,
            fingerprints: Mutex::new(fingerprints.unwrap_or_default().into_iter().collect()),
            changed: Mutex::default(),
            record: observe.map(Record::wanted).transpose()?.flatten(),
            codes: Codes::default(),
            is_on: AtomicBool::new(false),
            import: Mutex::default(),
            hook: Mutex::default(),
            filter: Filter::default(),
        })
    }

    /// Begin to defer. Whether the plan is applied: an interpreter that behaves in another way than
    /// this was written for stays as it is, and a line in the log says so.
    fn enable(slf: &Bound<'_, Self>) -> PyResult<bool> {
        let py = slf.py();
        let it = slf.get();
        if it.is_on.load(Relaxed) {
            return Ok(true);
        }
        if it.edges.is_empty() && it.record.is_none() {
            return Ok(true); // nothing changes and nothing costs
        }
        if IS_ENABLED.swap(true, Relaxed) {
            return Err(PyRuntimeError::new_err(
                "another import plan is applied; disable it first",
            ));
        }
        let done = if plan_filter::is_native(py) {
            it.filter.install(slf)
        } else {
            Self::install_hook(slf)
        };
        if !matches!(done, Ok(None)) {
            IS_ENABLED.store(false, Relaxed);
        }
        match done? {
            None => {
                it.is_on.store(true, Relaxed);
                plan_waiting::note_plan();
                Ok(true)
            }
            Some(reason) => {
                log::stays_eager(py, &reason);
                Ok(false)
            }
        }
    }

    /// Stop deferring. What was deferred so far is still imported when it is used.
    fn disable(slf: &Bound<'_, Self>) -> PyResult<()> {
        let py = slf.py();
        let it = slf.get();
        if !it.is_on.swap(false, Relaxed) {
            return Ok(());
        }
        IS_ENABLED.store(false, Relaxed);
        it.codes.clear();
        if plan_filter::is_native(py) {
            return it.filter.uninstall(py);
        }
        let hook = it.hook.lock().take();
        let import = it.import.lock().as_ref().map(|import| import.clone_ref(py));
        let builtins = py.import(intern!(py, "builtins"))?;
        let name = intern!(py, "__import__");
        // Whoever replaced it after us keeps what he put there, and we pass his calls on.
        if let (Some(hook), Some(import)) = (hook, import)
            && builtins.getattr(name)?.is(&hook)
        {
            builtins.setattr(name, import)?;
        }
        Ok(())
    }

    /// Import now whatever was deferred in the modules that are loaded. All are tried; then the first
    /// error is raised.
    #[staticmethod]
    fn resolve_all(py: Python<'_>) -> PyResult<()> {
        plan_waiting::resolve_all(py)
    }

    /// How many deferred names have not been used so far.
    #[staticmethod]
    fn pending(py: Python<'_>) -> PyResult<usize> {
        plan_waiting::pending(py)
    }

    /// What a plan that observes has seen: importer, edge, state, line, and `file:line` of the first use.
    fn report(&self, py: Python<'_>) -> PyResult<Vec<Reported>> {
        let Some(record) = &self.record else {
            return Err(PyValueError::new_err(
                "this plan does not observe: make it with observe=True",
            ));
        };
        let statements = record.statements();
        statements
            .into_iter()
            .map(|it| {
                let outcome = self.filter.outcome(py, &it)?;
                Ok((it.importer, it.edge, outcome.text(), it.line, it.used))
            })
            .collect()
    }

    /// Deferred statements through whose import an exception passed, innermost first.
    fn failures(&self) -> Vec<(String, String)> {
        self.record.as_ref().map(Record::failures).unwrap_or_default()
    }

    #[pyo3(name = "__import__", signature = (name, globals=None, locals=None, fromlist=None, level=None))]
    fn import<'py>(
        slf: &Bound<'py, Self>,
        name: &Bound<'py, PyAny>,
        globals: Option<&Bound<'py, PyAny>>,
        locals: Option<&Bound<'py, PyAny>>,
        fromlist: Option<&Bound<'py, PyAny>>,
        level: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let py = slf.py();
        let it = slf.get();
        let Some(import) = it.import.lock().as_ref().map(|import| import.clone_ref(py)) else {
            return Err(PyRuntimeError::new_err("this import plan was never enabled"));
        };
        let import = import.bind(py);
        let names = fromlist.and_then(|names| names.cast::<PyTuple>().ok());
        let names = names.filter(|names| !names.is_empty());
        let mut row = None;
        // The statements of a module run where globals and locals are one.
        let at_top = globals
            .zip(locals)
            .filter(|(globals, locals)| globals.is(*locals))
            .and_then(|(globals, _)| globals.cast::<PyDict>().ok());
        if let Some(globals) = at_top
            && it.is_on.load(Relaxed)
            && let Some(importer) = globals.get_item(intern!(py, "__name__"))?
            && let Ok(importer) = importer.cast::<PyString>()
        {
            let importer = importer.to_cow()?;
            if it.record.is_some() || it.edges.contains_key(&*importer) {
                let level = level.and_then(|level| level.extract().ok()).unwrap_or(0);
                let asked = Asked { importer: &importer, name, globals, names, level, import };
                // What runs in there may import by itself, from the same frame.
                if !DECIDING.replace(true) {
                    let deferred = plan_hook::defer(it, &asked);
                    DECIDING.set(false);
                    match deferred? {
                        Fate::Deferred(value) => return Ok(value),
                        Fate::Eager(noted) => row = noted,
                    }
                }
            }
        }
        let pass_on = || {
            let imported = if globals.is_some() && level.is_some() {
                import.call1((name, globals, locals, fromlist, level)) // every statement
            } else {
                let given = [
                    (intern!(py, "globals"), globals),
                    (intern!(py, "locals"), locals),
                    (intern!(py, "fromlist"), fromlist),
                    (intern!(py, "level"), level),
                ];
                let given = given.into_iter().filter_map(|(name, it)| Some((name, it?)));
                import.call((name,), Some(&given.into_py_dict(py)?))
            };
            imported.inspect_err(|error| row.iter().for_each(|row| row.failed_at_once(py, error)))
        };
        if trap_owners::live() == 0 {
            return pass_on();
        }
        let imported = pass_on()?;
        if names.is_some_and(plan_hook::is_star) {
            plan_hook::settle_star(&imported)?;
        }
        if let Ok(text) = name.cast::<PyString>() {
            let text = text.to_cow()?;
            let is_absolute = level.is_none_or(|it| it.extract::<i64>().is_ok_and(|it| it == 0));
            if is_absolute {
                trap_parents::loaded(&text, import)?;
            } else if let Ok(full) = imported.getattr(intern!(py, "__name__"))
                && let Ok(full) = full.cast::<PyString>()
            {
                trap_parents::loaded(&full.to_cow()?, import)?;
            }
        }
        Ok(imported)
    }

    /// The filter for `sys.set_lazy_imports_filter`.
    fn _filter(
        slf: &Bound<'_, Self>,
        importer: &Bound<'_, PyAny>,
        name: &Bound<'_, PyAny>,
        fromlist: &Bound<'_, PyAny>,
    ) -> PyResult<bool> {
        slf.get().filter.decide(slf, importer, name, fromlist)
    }

    /// For `coldcache._plan_check` alone: act as if enabled, with this way to import.
    fn _try_with(&self, py: Python<'_>, import: Py<PyAny>) -> PyResult<()> {
        // What is looked up once is looked up now, before imports come this way.
        loaded_modules::modules(py)?;
        trap_copies::lookups(py)?;
        Caller::current(py)?;
        let before = self.import.lock().replace(import);
        drop(before);
        self.is_on.store(true, Relaxed);
        Ok(())
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        self.codes.traverse(&visit)?;
        self.filter.traverse(&visit)?;
        if let Some(record) = &self.record {
            record.traverse(&visit)?;
        }
        for kept in [&self.import, &self.hook] {
            if let Some(kept) = &*kept.lock() {
                visit.call(kept)?;
            }
        }
        Ok(())
    }
}

impl ImportPlan {
    /// Whether the plan defers this statement.
    pub fn names(&self, importer: &str, edge: &str) -> bool {
        self.edges.get(importer).is_some_and(|edges| edges.contains(edge))
    }

    /// Whether the importer is the code that the plan was made for.
    pub fn fits(&self, importer: &str, code: &Bound<'_, PyAny>) -> PyResult<bool> {
        let expected = self.fingerprints.lock().remove(importer);
        let Some(expected) = expected else {
            return Ok(!self.changed.lock().contains(importer));
        };
        if fingerprint(code)? == expected {
            return Ok(true);
        }
        self.changed.lock().insert(importer.to_owned());
        log::module_changed(code.py(), importer);
        Ok(false)
    }

    /// Why not, if the hook was not put in.
    fn install_hook(slf: &Bound<'_, Self>) -> PyResult<Option<String>> {
        let py = slf.py();
        let builtins = py.import(intern!(py, "builtins"))?;
        let name = intern!(py, "__import__");
        let import = builtins.getattr(name)?;
        if plan_code::opcodes(py).is_none() {
            return Ok(Some(format!(
                "the bytecode of CPython {}.{} is not known",
                py.version_info().major,
                py.version_info().minor
            )));
        }
        if !is_builtin(&import) {
            return Ok(Some(format!(
                "builtins.__import__ has been replaced by {}",
                import.repr()?
            )));
        }
        if let Some(reason) = misbehaviour(py)? {
            return Ok(Some(reason.to_owned()));
        }
        let hook = slf.getattr(name)?;
        let before = slf.get().import.lock().replace(import.unbind());
        drop(before);
        let before = slf.get().hook.lock().replace(hook.clone().unbind());
        drop(before);
        builtins.setattr(name, hook)?;
        Ok(None)
    }
}

/// What this interpreter does in another way than deferred imports need it. It is asked once.
fn misbehaviour(py: Python<'_>) -> PyResult<Option<&str>> {
    static FOUND: PyOnceLock<Option<String>> = PyOnceLock::new();
    let found = FOUND.get_or_try_init(py, || {
        let check = py.import(intern!(py, "coldcache._plan_check"))?;
        check.call_method0(intern!(py, "misbehaviour"))?.extract()
    });
    Ok(found?.as_deref())
}

/// Whether it is the interpreter's own.
fn is_builtin(import: &Bound<'_, PyAny>) -> bool {
    let py = import.py();
    let module = import.getattr(intern!(py, "__self__"));
    module.is_ok_and(|module| {
        module.is_instance_of::<PyModule>()
            && module
                .getattr(intern!(py, "__name__"))
                .is_ok_and(|name| name.eq("builtins").unwrap_or(false))
    })
}
