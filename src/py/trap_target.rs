//! What a deferred name stands for, and how it is imported when its time has come.

use std::sync::Arc;

use pyo3::exceptions::PyAttributeError;
use pyo3::prelude::*;
use pyo3::types::PyTuple;

use super::lazy_name;
use super::loaded_modules::modules;
use super::trap_parents;

/// The part that all names of a statement share.
pub struct Declared {
    /// Absolute.
    pub module: String,
    pub file: String,
    pub line: usize,
}

pub enum Take {
    /// The module, or the package that a dotted name begins with.
    Root,
    /// What these attributes lead to, from the first part on.
    Leaf(Vec<String>),
    /// A name of the module.
    Name(String),
    /// The module itself.
    Module,
}

pub struct Target {
    pub declared: Arc<Declared>,
    pub take: Take,
}

impl Target {
    pub fn module(&self) -> &str {
        &self.declared.module
    }

    /// What a `from` import takes of the module.
    pub fn name(&self) -> Option<&str> {
        match &self.take {
            Take::Name(name) => Some(name),
            _ => None,
        }
    }

    pub fn load<'py>(&self, import: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        let py = import.py();
        let module = match self.take {
            // What else the statement imports is deferred on, as a name of the package.
            Take::Root => self.module().split('.').next().unwrap_or_default(),
            _ => self.module(),
        };
        let names = PyTuple::new(py, self.name())?;
        let load = || import.call1((module, py.None(), py.None(), &names, 0));
        let mut imported = load()?;
        if !modules(py)?.contains(module)? {
            // Before 3.14 threads that wait for a module get it even if it fails, and is taken away.
            imported = load()?;
        }
        trap_parents::loaded(module, import)?;
        match &self.take {
            Take::Root => Ok(imported),
            Take::Leaf(parts) => leaf(imported, module, parts),
            Take::Name(name) => match imported.getattr(name.as_str()) {
                Err(error) if error.is_instance_of::<PyAttributeError>(py) => {
                    self.as_lazy_name().load_by_statement(py, name, error)
                }
                value => value,
            },
            Take::Module => modules(py)?.get_item(module),
        }
    }

    /// The original error, chained to the line of the statement.
    pub fn explain(&self, py: Python<'_>, error: PyErr) -> PyErr {
        self.as_lazy_name().explain(py, error)
    }

    fn as_lazy_name(&self) -> lazy_name::Target {
        let Declared { module, file, line } = &*self.declared;
        lazy_name::Target {
            module: module.clone(),
            attr: self.name().map(str::to_owned),
            declared_at: format!("{file}:{line}"),
        }
    }
}

/// As `import a.b.c as x` goes from `a` to `c`: by attributes, else by `sys.modules`.
fn leaf<'py>(
    root: Bound<'py, PyAny>,
    module: &str,
    parts: &[String],
) -> PyResult<Bound<'py, PyAny>> {
    let py = root.py();
    let mut value = root;
    let mut end = module.find('.').unwrap_or(module.len());
    for part in parts {
        end += 1 + part.len();
        value = match value.getattr(part.as_str()) {
            Err(error) if error.is_instance_of::<PyAttributeError>(py) => {
                modules(py)?.get_item(&module[..end.min(module.len())]).map_err(|_| error)?
            }
            value => value?,
        };
    }
    Ok(value)
}
