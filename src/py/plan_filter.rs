//! The plan on CPython 3.15 and later: the interpreter can defer any import statement (PEP 810) and
//! asks a filter which.

use parking_lot::Mutex;
use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyString, PyTuple};

use super::lazy_caller::Caller;
use super::loaded_modules::{modules, namespace, namespaces};
use super::plan::ImportPlan;
use super::plan_edges;
use super::plan_record::{Outcome, Statement};

/// `IMPORT_NAME` of CPython 3.15, and the bit of its operand that says `lazy import`.
const IMPORT_NAME: u8 = 72;
const IS_LAZY: u8 = 1;

/// Whether the interpreter can defer imports itself.
pub fn is_native(py: Python<'_>) -> bool {
    py.version_info() >= (3, 15)
}

struct Before {
    mode: Py<PyAny>,
    filter: Option<Py<PyAny>>,
    ours: Py<PyAny>,
}

#[derive(Default)]
pub struct Filter(Mutex<Option<Before>>);

impl Filter {
    pub fn install(&self, plan: &Bound<'_, ImportPlan>) -> PyResult<Option<String>> {
        let py = plan.py();
        let sys = py.import(intern!(py, "sys"))?;
        if py.version_info().minor != 15 {
            let version = Python::version_str();
            return Ok(Some(format!("the bytecode of CPython {version} is not known")));
        }
        let mode = sys.call_method0(intern!(py, "get_lazy_imports"))?;
        if mode.eq("all")? {
            return Ok(Some("this interpreter defers all imports already".to_owned()));
        }
        let filter = sys.call_method0(intern!(py, "get_lazy_imports_filter"))?;
        let filter = (!filter.is_none()).then(|| filter.unbind());
        let ours = plan.getattr(intern!(py, "_filter"))?;
        let before = Before { mode: mode.unbind(), filter, ours: ours.clone().unbind() };
        let earlier = self.0.lock().replace(before);
        drop(earlier);
        sys.call_method1(intern!(py, "set_lazy_imports_filter"), (ours,))?;
        sys.call_method1(intern!(py, "set_lazy_imports"), ("all",))?;
        Ok(None)
    }

    /// Put the mode and the filter back that were there, unless somebody has changed them meanwhile.
    pub fn uninstall(&self, py: Python<'_>) -> PyResult<()> {
        let Some(before) = self.0.lock().take() else { return Ok(()) };
        let sys = py.import(intern!(py, "sys"))?;
        if sys.call_method0(intern!(py, "get_lazy_imports_filter"))?.is(&before.ours) {
            sys.call_method1(intern!(py, "set_lazy_imports"), (before.mode,))?;
            sys.call_method1(intern!(py, "set_lazy_imports_filter"), (before.filter,))?;
        }
        Ok(())
    }

    pub fn decide(
        &self,
        plan: &Bound<'_, ImportPlan>,
        importer: &Bound<'_, PyAny>,
        name: &Bound<'_, PyAny>,
        fromlist: &Bound<'_, PyAny>,
    ) -> PyResult<bool> {
        let py = plan.py();
        let caller = Caller::current(py)?;
        if !self.is_wanted(plan.get(), caller.as_ref(), importer, name, fromlist)? {
            return Ok(false);
        }
        let other = {
            let before = self.0.lock();
            before.as_ref().and_then(|before| before.filter.as_ref().map(|it| it.clone_ref(py)))
        };
        match other {
            Some(other) => other.bind(py).call1((importer, name, fromlist))?.is_truthy(),
            None => Ok(true),
        }
    }

    fn is_wanted(
        &self,
        plan: &ImportPlan,
        caller: Option<&Caller<'_>>,
        importer: &Bound<'_, PyAny>,
        name: &Bound<'_, PyAny>,
        fromlist: &Bound<'_, PyAny>,
    ) -> PyResult<bool> {
        if let Some(caller) = caller
            && says_lazy(caller, name)?
        {
            return Ok(true);
        }
        let (Ok(importer), Ok(name)) = (importer.cast::<PyString>(), name.cast::<PyString>())
        else {
            return Ok(false);
        };
        let (importer, name) = (importer.to_cow()?, name.to_cow()?);
        let names = fromlist.cast::<PyTuple>().ok();
        let Some(edge) = plan_edges::text(&name, names)? else { return Ok(false) };
        let is_fixed = plan_edges::is_never_deferred(&name)
            || caller.map_or(Ok(true), |caller| is_fixed(plan, caller, &importer))?;
        let fits = || match caller {
            Some(caller) => plan.fits(&importer, &caller.code()?),
            None => Ok(true),
        };
        let is_planned = !is_fixed && plan.names(&importer, &edge) && fits()?;
        if let Some(record) = &plan.record {
            let line = caller.map_or(Ok(None), Caller::line)?.unwrap_or(0);
            let outcome = match (is_fixed, is_planned) {
                (true, _) => Outcome::Fixed,
                (false, true) => Outcome::Pending,
                (false, false) => Outcome::Eager,
            };
            let importer = importer.into_owned();
            record.add(Statement { importer, edge, line, outcome, used: None });
        }
        Ok(is_planned)
    }

    /// What became of a statement: the interpreter tells nobody when it resolves one.
    pub fn outcome(&self, py: Python<'_>, statement: &Statement) -> PyResult<Outcome> {
        let module = statement.edge.split(':').next().unwrap_or_default();
        let is_open = statement.outcome == Outcome::Pending && is_native(py);
        if is_open && modules(py)?.contains(module)? {
            return Ok(Outcome::Resolved);
        }
        Ok(statement.outcome)
    }

    pub fn traverse(&self, visit: &PyVisit<'_>) -> Result<(), PyTraverseError> {
        if let Some(before) = &*self.0.lock() {
            visit.call(&before.mode)?;
            visit.call(&before.filter)?;
            visit.call(&before.ours)?;
        }
        Ok(())
    }
}

/// What waits in the modules that are loaded, as module and name: their own `lazy` statements, too.
pub fn waiting(py: Python<'_>) -> PyResult<Vec<(Bound<'_, PyAny>, String)>> {
    let kind = py.import(intern!(py, "types"))?.getattr(intern!(py, "LazyImportType"))?;
    let mut found = Vec::new();
    for (module, space) in namespaces(py)? {
        for (name, value) in space {
            if value.is_exact_instance(&kind)
                && let Ok(name) = name.cast::<PyString>()
            {
                found.push((module.clone(), name.to_cow()?.into_owned()));
            }
        }
    }
    Ok(found)
}

/// Whether the statement stays where it is: in `try` or `with`, or in code that is not the module's, who
/// may look at the names in another way.
fn is_fixed(plan: &ImportPlan, caller: &Caller<'_>, importer: &str) -> PyResult<bool> {
    let py = caller.frame.py();
    let space = modules(py)?.get_item(importer).ok().and_then(|module| namespace(&module));
    if !space.is_some_and(|space| space.is(&caller.globals)) {
        return Ok(true);
    }
    Ok(plan.codes.of(&caller.code()?)?.is_guarded(caller.offset()?))
}

/// Whether the code itself asks for it: with the keyword, or in its `__lazy_modules__`.
fn says_lazy(caller: &Caller<'_>, name: &Bound<'_, PyAny>) -> PyResult<bool> {
    let py = name.py();
    let code = caller.code()?.getattr(intern!(py, "co_code"))?;
    let code = code.cast::<PyBytes>()?.as_bytes();
    match code.get(caller.offset()?..) {
        Some([IMPORT_NAME, operand, ..]) if operand & IS_LAZY == 0 => {}
        _ => return Ok(true), // the keyword, or a call of `__lazy_import__`
    }
    match caller.globals.get_item(intern!(py, "__lazy_modules__"))? {
        Some(names) => Ok(names.contains(name).unwrap_or(false)),
        None => Ok(false),
    }
}
