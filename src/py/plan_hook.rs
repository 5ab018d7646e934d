//! What happens at an import statement on 3.10-3.14 while a plan is applied.

use std::cell::Cell;
use std::sync::Arc;

use pyo3::intern;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyDict, PyString, PyTuple};

use super::lazy_caller::{Caller, package_of};
use super::lazy_name::absolute;
use super::loaded_modules::{is_initializing, modules, namespace};
use super::plan::ImportPlan;
use super::plan_code::Code;
use super::plan_record::{self, Outcome, Row};
use super::trap::{Kind, NewTrap, Trap};
use super::trap_target::{Declared, Take, Target};
use super::{plan_code, plan_edges, trap_owners, trap_parents};
use crate::imports::bytecode::Statement;

/// What stands in a module's globals under a trap, and is never seen by code that looks names up.
#[pyclass(frozen, name = "Deferred", module = "coldcache._core")]
pub struct Placeholder;

thread_local! {
    /// How many names the statement that was deferred a moment ago takes from the placeholder.
    static TO_TAKE: Cell<usize> = const { Cell::new(0) };
}

#[pymethods]
impl Placeholder {
    /// A `from` import takes its names from what the import returned: they are deferred as well. To
    /// everybody else it is an object without attributes.
    fn __getattribute__<'py>(
        slf: &Bound<'py, Self>,
        name: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let left = TO_TAKE.get();
        if left > 0 {
            TO_TAKE.set(left - 1);
            return Ok(slf.clone().into_any());
        }
        let py = slf.py();
        let of_object = py.get_type::<PyAny>().getattr(intern!(py, "__getattribute__"))?;
        of_object.call1((slf, name))
    }

    fn __repr__(&self) -> &'static str {
        "<an import that is deferred until its name is read>"
    }
}

pub fn placeholder(py: Python<'_>) -> PyResult<Bound<'_, PyAny>> {
    static PLACEHOLDER: PyOnceLock<Py<Placeholder>> = PyOnceLock::new();
    let it = PLACEHOLDER.get_or_try_init(py, || Py::new(py, Placeholder))?;
    Ok(it.bind(py).clone().into_any())
}

/// An import statement at module level, as the interpreter hands it to `__import__`.
pub struct Asked<'a, 'py> {
    pub importer: &'a str,
    pub name: &'a Bound<'py, PyAny>,
    pub globals: &'a Bound<'py, PyDict>,
    pub names: Option<&'a Bound<'py, PyTuple>>,
    pub level: usize,
    pub import: &'a Bound<'py, PyAny>,
}

impl Asked<'_, '_> {
    /// The absolute name, if there is one.
    pub fn module(&self) -> PyResult<Option<String>> {
        let Ok(name) = self.name.cast::<PyString>() else { return Ok(None) };
        let name = name.to_cow()?;
        if self.level == 0 {
            return Ok(Some(name.into_owned()));
        }
        // What is wrong with a relative name the import itself says best.
        Ok(absolute(&name, self.level, &name, package_of(self.globals)?.as_deref()).ok())
    }

    fn has_star(&self) -> bool {
        self.names.is_some_and(|names| is_star(names))
    }
}

pub fn is_star(names: &Bound<'_, PyTuple>) -> bool {
    names.len() == 1 && names.get_item(0).is_ok_and(|name| name.eq("*").unwrap_or(false))
}

/// What becomes of a statement.
pub enum Fate<'py> {
    /// The placeholder, for what is deferred.
    Deferred(Bound<'py, PyAny>),
    /// An ordinary import, with its place in the record.
    Eager(Option<Row>),
}

/// Defer the import if the plan says so and nothing is against it.
pub fn defer<'py>(plan: &ImportPlan, asked: &Asked<'_, 'py>) -> PyResult<Fate<'py>> {
    let py = asked.globals.py();
    let Some(module) = asked.module()? else { return Ok(Fate::Eager(None)) };
    let Some(edge) = plan_edges::text(&module, asked.names)? else { return Ok(Fate::Eager(None)) };
    let is_planned = plan.names(asked.importer, &edge);
    if !is_planned && plan.record.is_none() {
        return Ok(Fate::Eager(None));
    }
    let Some(ops) = plan_code::opcodes(py) else { return Ok(Fate::Eager(None)) };
    let Some(caller) = Caller::current(py)?.filter(|caller| caller.globals.is(asked.globals))
    else {
        return Ok(Fate::Eager(None)); // another tool's function passed the statement on
    };
    let code_object = caller.code()?;
    let code = plan.codes.of(&code_object)?;
    let offset = caller.offset()?;
    let note = |outcome| -> PyResult<_> {
        let Some(record) = &plan.record else { return Ok(None) };
        Ok(Some(record.add(plan_record::Statement {
            importer: asked.importer.to_owned(),
            edge: edge.clone(),
            line: caller.line()?.unwrap_or(0),
            outcome,
            used: None,
        })))
    };
    let is_fixed =
        || plan_edges::is_never_deferred(&module) || asked.has_star() || code.is_guarded(offset);
    let Some(statement) = code.statement(py, offset, ops).filter(|_| !is_fixed()) else {
        // Where there is no import statement at all, `__import__` was called as a function.
        return Ok(Fate::Eager(note(Outcome::Fixed)?));
    };
    if !is_planned || !plan.fits(asked.importer, &code_object)? {
        return Ok(Fate::Eager(note(Outcome::Eager)?));
    }
    let takes = statement.takes();
    let places = stores(py, &code, statement, asked.names.is_some(), &module)?;
    if is_loaded(py, &module, asked.names)? || has_doubles(&places)? {
        return Ok(Fate::Eager(note(Outcome::Bound)?));
    }
    let row = note(Outcome::Pending)?;
    let declared =
        Arc::new(Declared { module, file: caller.file()?, line: caller.line()?.unwrap_or(0) });
    let value = placeholder(py)?;
    TO_TAKE.set(takes);
    for (name, take) in places {
        // Reading the package of `import a.b` is no use of `a.b`.
        let is_package = matches!(take, Take::Root) && declared.module.contains('.');
        let target = Arc::new(Target { declared: Arc::clone(&declared), take });
        let new = NewTrap {
            owner: asked.globals,
            name: &name,
            target: Arc::clone(&target),
            import: asked.import,
            kind: Kind::Statement,
            row: row.clone().filter(|_| !is_package),
        };
        Trap::plant(new, &value)?;
        if let Some(name) = target.name() {
            trap_parents::guessed(asked.import, &declared, name)?;
        }
    }
    trap_parents::deferred(asked.import, &declared, row.as_ref())?;
    Ok(Fate::Deferred(value))
}

/// The names that the statement stores, and what belongs under each.
fn stores<'py>(
    py: Python<'py>,
    code: &Code,
    statement: Statement,
    is_from: bool,
    module: &str,
) -> PyResult<Vec<(Bound<'py, PyString>, Take)>> {
    let text = |place: usize| -> PyResult<String> { Ok(code.name(py, place)?.to_cow()?.into()) };
    Ok(match statement {
        Statement::Whole { store } => vec![(code.name(py, store)?, Take::Root)],
        Statement::Leaf { parts, store } => {
            let parts = parts.into_iter().map(text).collect::<PyResult<_>>()?;
            vec![(code.name(py, store)?, Take::Leaf(parts))]
        }
        // `import a.b as x` looks like `from a import b as x` from here on.
        Statement::From { names } if !is_from => {
            let parts = module.split('.').skip(1).map(str::to_owned).collect();
            let Some(&(_, store)) = names.first() else { return Ok(Vec::new()) };
            vec![(code.name(py, store)?, Take::Leaf(parts))]
        }
        Statement::From { names } => names
            .into_iter()
            .map(|(attribute, store)| Ok((code.name(py, store)?, Take::Name(text(attribute)?))))
            .collect::<PyResult<_>>()?,
    })
}

/// Two names that are one: the second store would be taken for a look-up.
fn has_doubles(places: &[(Bound<'_, PyString>, Take)]) -> PyResult<bool> {
    for (at, (name, _)) in places.iter().enumerate() {
        for (other, _) in &places[..at] {
            if name.as_any().eq(other)? {
                return Ok(true);
            }
        }
    }
    Ok(false)
}

/// Whether the import would find everything there already: then it costs nothing.
fn is_loaded(py: Python<'_>, module: &str, names: Option<&Bound<'_, PyTuple>>) -> PyResult<bool> {
    let Ok(loaded) = modules(py)?.get_item(module) else { return Ok(false) };
    if loaded.is_none() || is_initializing(&loaded) {
        return Ok(false);
    }
    let Some(names) = names else { return Ok(true) };
    let Some(space) = namespace(&loaded) else { return Ok(false) };
    for name in names {
        let name = name.cast_into::<PyString>()?;
        if trap_owners::has(&space, &name.to_cow()?) || !space.contains(&name)? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Before `from m import *` copies the names of a module: it would copy what stands under traps.
pub fn settle_star(module: &Bound<'_, PyAny>) -> PyResult<()> {
    let py = module.py();
    let Some(space) = namespace(module) else { return Ok(()) };
    let names = trap_owners::names(&space);
    if names.is_empty() || space.contains(intern!(py, "__all__"))? {
        return Ok(()); // with a list, the names are looked up one by one
    }
    for name in names.iter().filter(|name| !name.starts_with('_')) {
        space.get_item(&**name)?;
    }
    Ok(())
}
