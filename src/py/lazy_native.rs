//! The interpreter's own placeholder for a lazy import, where it has one (CPython 3.15 and later).
//!
//! A variable of a module that holds one becomes the real object when it is read, but one that ends
//! up anywhere else stays a placeholder, of no use. So it is handed out only if the code that called
//! is the plain statement `name = lazy("...")` of a module: its instructions are compared with those
//! that the running interpreter makes of such a statement.

use pyo3::exceptions::PySyntaxError;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyBytes, PyDict, PyModule, PyString, PyTuple};

use super::lazy_caller::Caller;
use super::lazy_name::Target;
use super::lazy_pending;

/// Bytes of an instruction, or of one unit of its inline cache.
const UNIT: usize = 2;
const CACHE: u8 = 0;

/// A placeholder, or what the interpreter's filter made of it; nothing if it would not be safe here.
pub fn declare<'py>(
    caller: &Caller<'py>,
    target: &Target,
    has_package: bool,
) -> PyResult<Option<Bound<'py, PyAny>>> {
    let py = caller.frame.py();
    let Some(lazy_import) = lazy_import(py)? else { return Ok(None) };
    let Some(module) = module_of(caller)? else { return Ok(None) };
    let Some(variable) = variable_assigned(caller, target.attr.is_some(), has_package)? else {
        return Ok(None);
    };
    let made = match &target.attr {
        None => {
            let globals = &caller.globals;
            // With names to take from it a dotted name is the leaf, and this one is always there.
            lazy_import.call1((target.module.as_str(), globals, globals, ("__name__",), 0))?
        }
        Some(attr) => match by_statement(caller, &target.module, attr) {
            // A keyword is no name for a statement.
            Err(error) if error.is_instance_of::<PySyntaxError>(py) => return Ok(None),
            made => made?,
        },
    };
    if is_placeholder(&made) {
        let (shown, declared_at) = (target.shown(), target.declared_at.clone());
        lazy_pending::add_native(&module, variable, shown, declared_at)?;
    }
    Ok(Some(made))
}

pub fn is_placeholder(value: &Bound<'_, PyAny>) -> bool {
    value.get_type().name().is_ok_and(|name| name == "lazy_import")
}

fn lazy_import(py: Python<'_>) -> PyResult<Option<Bound<'_, PyAny>>> {
    static BUILTIN: PyOnceLock<Option<Py<PyAny>>> = PyOnceLock::new();
    let builtin = BUILTIN.get_or_try_init(py, || {
        let builtins = py.import(intern!(py, "builtins"))?;
        Ok::<_, PyErr>(builtins.getattr_opt("__lazy_import__")?.map(Bound::unbind))
    })?;
    Ok(builtin.as_ref().map(|builtin| builtin.bind(py).clone()))
}

/// The module whose body is running.
fn module_of<'py>(caller: &Caller<'py>) -> PyResult<Option<Bound<'py, PyModule>>> {
    let py = caller.frame.py();
    if !caller.frame.getattr(intern!(py, "f_locals"))?.is(&caller.globals) {
        return Ok(None);
    }
    let Some(name) = caller.globals.get_item(intern!(py, "__name__"))? else { return Ok(None) };
    let modules = py.import(intern!(py, "sys"))?.getattr(intern!(py, "modules"))?;
    let module = modules.cast::<PyDict>()?.get_item(name)?;
    let module = module.and_then(|module| module.cast_into::<PyModule>().ok());
    Ok(module.filter(|module| module.dict().is(&caller.globals)))
}

/// `lazy from module import attr`, as if it stood where the caller is.
fn by_statement<'py>(
    caller: &Caller<'py>,
    module: &str,
    attr: &str,
) -> PyResult<Bound<'py, PyAny>> {
    let py = caller.frame.py();
    let builtins = py.import(intern!(py, "builtins"))?;
    let above = "\n".repeat(caller.line()?.unwrap_or(1).saturating_sub(1));
    let source = format!("{above}lazy from {module} import {attr} as value");
    let code = builtins.call_method1("compile", (source, caller.file()?, "exec"))?;
    let space = PyDict::new(py);
    for name in ["__name__", "__package__", "__spec__", "__builtins__"] {
        if let Some(value) = caller.globals.get_item(name)? {
            space.set_item(name, value)?;
        }
    }
    builtins.call_method1("exec", (code, &space))?;
    space.as_any().get_item("value")
}

/// The variable that the statement which called stores our answer in.
fn variable_assigned(
    caller: &Caller<'_>,
    has_attr: bool,
    has_package: bool,
) -> PyResult<Option<String>> {
    let py = caller.frame.py();
    let code = caller.code()?;
    let bytecode = code.getattr(intern!(py, "co_code"))?.cast_into::<PyBytes>()?;
    let at: usize = caller.frame.getattr(intern!(py, "f_lasti"))?.extract()?;
    let names = code.getattr(intern!(py, "co_names"))?.cast_into::<PyTuple>()?;
    for statement in Statement::all(py, has_attr, has_package)? {
        if let Some(found) = statement.matches(bytecode.as_bytes(), at)
            && is_lazy(py, &caller.globals, &names, &found)?
        {
            return Ok(Some(names.get_item(found.variable)?.extract()?));
        }
    }
    Ok(None)
}

/// Whether what the statement calls is this very function: not one that calls it in turn.
fn is_lazy(
    py: Python<'_>,
    globals: &Bound<'_, PyDict>,
    names: &Bound<'_, PyTuple>,
    found: &Match,
) -> PyResult<bool> {
    let Some(callee) = globals.get_item(names.get_item(found.callee)?)? else { return Ok(false) };
    let callee = match found.attribute {
        None => Some(callee),
        Some(attribute) => match callee.cast::<PyModule>() {
            Ok(module) => module.dict().get_item(names.get_item(attribute)?)?,
            Err(_) => None,
        },
    };
    let this = py.import(intern!(py, "coldcache._core"))?.getattr(intern!(py, "lazy"))?;
    Ok(callee.is_some_and(|callee| callee.is(&this)))
}

/// The instructions of a statement, as this interpreter compiles it.
struct Statement {
    units: Vec<[u8; UNIT]>,
    call: usize,
    is_attribute: bool,
}

/// Indices of names in the code that matched.
struct Match {
    callee: usize,
    attribute: Option<usize>,
    variable: usize,
}

impl Statement {
    fn all(py: Python<'_>, has_attr: bool, has_package: bool) -> PyResult<&[Self]> {
        static MADE: [PyOnceLock<Vec<Statement>>; 4] = [const { PyOnceLock::new() }; 4];
        let which = usize::from(has_attr) * 2 + usize::from(has_package);
        let arguments: &[&str] = match (has_attr, has_package) {
            (false, false) => &["'a'"],
            (true, false) => &["'a','b'", "'a',attr='b'"],
            (false, true) => &["'a',package='c'"],
            (true, true) => &["'a','b','c'", "'a','b',package='c'", "'a',attr='b',package='c'"],
        };
        let made = MADE[which].get_or_try_init(py, || {
            let mut all = Vec::new();
            for arguments in arguments {
                // What the same code imported as a module is called in another way than an object.
                for above in ["import m", "m = m"] {
                    all.extend(Self::compile(py, above, "m.f", arguments, true)?);
                }
                all.extend(Self::compile(py, "m = m", "f", arguments, false)?);
            }
            Ok::<_, PyErr>(all)
        })?;
        Ok(made)
    }

    fn compile(
        py: Python<'_>,
        above: &str,
        callee: &str,
        arguments: &str,
        is_attribute: bool,
    ) -> PyResult<Option<Self>> {
        // Reading and storing one name shows which instruction stores.
        let units = body(py, "a = a")?;
        let Some([store, _]) = units.get(1).copied() else { return Ok(None) };
        let code = body(py, &format!("{above}\nx = {callee}({arguments})"))?;
        let mut stores = (0..code.len()).filter(|index| code[*index][0] == store);
        let (Some(above), Some(end)) = (stores.next(), stores.next()) else { return Ok(None) };
        let units = code[above + 1..=end].to_vec();
        let end = units.len() - 1;
        let call = units[..end].iter().rposition(|[operation, _]| *operation != CACHE);
        Ok(call.map(|call| Self { units, call, is_attribute }))
    }

    /// Compare with the code around a call.
    fn matches(&self, bytecode: &[u8], at: usize) -> Option<Match> {
        let start = at.checked_sub(self.call * UNIT)?;
        let there = bytecode.get(start..start + self.units.len() * UNIT)?;
        let mut there = there.chunks_exact(UNIT).zip(&self.units).enumerate();
        let mut arguments = Vec::new();
        let is_same = there.all(|(index, (there, [operation, argument]))| {
            let is_name = *operation != CACHE && index != self.call;
            if is_name {
                arguments.push(usize::from(there[1]));
            }
            there[0] == *operation && (is_name || *operation == CACHE || there[1] == *argument)
        });
        if !is_same {
            return None;
        }
        // Attributes are numbered with a flag below: whether they are called.
        let attribute = self.is_attribute.then(|| arguments.get(1).map(|number| number >> 1));
        Some(Match {
            callee: *arguments.first()?,
            attribute: attribute.flatten(),
            variable: *arguments.last()?,
        })
    }
}

/// The instructions of a statement, after those that begin any code.
fn body(py: Python<'_>, source: &str) -> PyResult<Vec<[u8; UNIT]>> {
    let compile = py.import(intern!(py, "builtins"))?.getattr(intern!(py, "compile"))?;
    let code = compile.call1((PyString::new(py, source), "", "exec"))?;
    let code = code.getattr(intern!(py, "co_code"))?.cast_into::<PyBytes>()?;
    let units = code.as_bytes().chunks_exact(UNIT).map(|unit| [unit[0], unit[1]]);
    let mut units = units.skip(1).skip_while(|[operation, _]| *operation == CACHE);
    Ok(units.by_ref().collect())
}
