//! What a lazy name stands for: which module, which name of it, and where it was declared.

use std::ffi::CString;

use pyo3::exceptions::{
    PyAttributeError, PyBaseException, PyImportError, PySyntaxError, PyValueError,
};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString};

use super::lazy_caller::{Caller, package_of};
use super::loaded_modules::{is_initializing, modules};

pub struct Target {
    /// Absolute.
    pub module: String,
    pub attr: Option<String>,
    /// `file:line`.
    pub declared_at: String,
}

impl Target {
    /// Check and complete what was declared; nothing is imported.
    pub fn new(
        py: Python<'_>,
        name: &str,
        attr: Option<&str>,
        package: Option<&str>,
        caller: Option<&Caller<'_>>,
    ) -> PyResult<Self> {
        let dots = name.len() - name.trim_start_matches('.').len();
        let rest = &name[dots..];
        if !(is_dotted_name(py, rest)? || (rest.is_empty() && dots > 0)) {
            return Err(PyValueError::new_err(format!(
                "lazy() takes the name of a module, such as 'numpy', 'os.path' or '.sibling', \
                 got {}",
                PyString::new(py, name).repr()?
            )));
        }
        if let Some(attr) = attr
            && !is_identifier(py, attr)?
        {
            return Err(PyValueError::new_err(format!(
                "attr must be one name that the module has, such as 'DataFrame', got {}",
                PyString::new(py, attr).repr()?
            )));
        }
        let module = if dots == 0 {
            rest.to_owned()
        } else {
            let package = match (package, caller) {
                (Some(package), _) => Some(package.to_owned()),
                (None, Some(caller)) => package_of(&caller.globals)?,
                (None, None) => None,
            };
            absolute(name, dots, rest, package.as_deref())?
        };
        let declared_at = match caller {
            Some(caller) => match caller.line()? {
                Some(line) => format!("{}:{line}", caller.file()?),
                None => caller.file()?,
            },
            None => "a thread without Python code".to_owned(),
        };
        Ok(Self { module, attr: attr.map(str::to_owned), declared_at })
    }

    /// `package.module`, or `package.module:Name`.
    pub fn shown(&self) -> String {
        match &self.attr {
            Some(attr) => format!("{}:{attr}", self.module),
            None => self.module.clone(),
        }
    }

    /// Import it, as the import statement does.
    pub fn load<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let Some(attr) = &self.attr else {
            // The leaf of a dotted name as sys.modules has it: some modules replace themselves there.
            return Ok(py.import(self.module.as_str())?.into_any());
        };
        let import = py.import(intern!(py, "builtins"))?.getattr(intern!(py, "__import__"))?;
        let module = import.call1((self.module.as_str(), py.None(), py.None(), (attr,), 0))?;
        match module.getattr(attr.as_str()) {
            Err(error) if error.is_instance_of::<PyAttributeError>(py) => {
                self.load_by_statement(py, attr, error)
            }
            value => value,
        }
    }

    /// Whether module code that is running in this thread is what was imported: it may still change.
    pub fn is_initializing(&self, py: Python<'_>) -> bool {
        let module = modules(py).and_then(|modules| modules.get_item(self.module.as_str()));
        module.is_ok_and(|module| is_initializing(&module))
    }

    /// The statement itself: for its last resorts, and for its own words when they do not help.
    pub fn load_by_statement<'py>(
        &self,
        py: Python<'py>,
        attr: &str,
        error: PyErr,
    ) -> PyResult<Bound<'py, PyAny>> {
        let statement = CString::new(format!("from {} import {attr} as value", self.module))?;
        let space = PyDict::new(py);
        match py.run(&statement, Some(&space), None) {
            Ok(()) => space.as_any().get_item("value"),
            // A keyword is no name for a statement.
            Err(other) if other.is_instance_of::<PySyntaxError>(py) => Err(error),
            Err(other) => Err(other),
        }
    }

    /// The original error, chained to the line that declared the name.
    pub fn explain(&self, py: Python<'_>, error: PyErr) -> PyErr {
        // An error that cannot be chained is still the error.
        let _ = self.chain(py, error.value(py));
        error
    }

    fn chain(&self, py: Python<'_>, error: &Bound<'_, PyBaseException>) -> PyResult<()> {
        let message =
            format!("'{}', declared lazy at {}, failed to load", self.shown(), self.declared_at);
        // The far end of the causes: one the error has of its own is kept, and so is the
        // declaration of a lazy name on the way to this one.
        let mut last = error.clone().into_any();
        let mut seen = Vec::new();
        loop {
            if last.is_exact_instance_of::<PyImportError>() && last.str()?.to_cow()? == message {
                return Ok(()); // the same object, raised again
            }
            if seen.contains(&last.as_ptr()) {
                return Ok(());
            }
            seen.push(last.as_ptr());
            let cause = last.getattr(intern!(py, "__cause__"))?;
            if cause.is_none() {
                break;
            }
            last = cause;
        }
        let declared = PyImportError::new_err(message).into_value(py).into_bound(py);
        // A cause hides the context: hand it on.
        if !last.getattr(intern!(py, "__suppress_context__"))?.is_truthy()? {
            let context = last.getattr(intern!(py, "__context__"))?;
            declared.setattr(intern!(py, "__context__"), context)?;
        }
        last.setattr(intern!(py, "__cause__"), declared)
    }
}

/// The absolute name of what is `dots` levels above and then `rest`.
pub fn absolute(name: &str, dots: usize, rest: &str, package: Option<&str>) -> PyResult<String> {
    let Some(package) = package.filter(|package| !package.is_empty()) else {
        return Err(PyImportError::new_err(format!(
            "the relative name '{name}' needs a package to start from: pass package=, or declare \
             it in a module of a package"
        )));
    };
    let mut base = package;
    for _ in 1..dots {
        let Some((parent, _)) = base.rsplit_once('.') else {
            return Err(PyImportError::new_err(format!(
                "the relative name '{name}' leads beyond the top of the package '{package}'"
            )));
        };
        base = parent;
    }
    Ok(if rest.is_empty() { base.to_owned() } else { format!("{base}.{rest}") })
}

fn is_dotted_name(py: Python<'_>, name: &str) -> PyResult<bool> {
    for part in name.split('.') {
        if !is_identifier(py, part)? {
            return Ok(false);
        }
    }
    Ok(true)
}

fn is_identifier(py: Python<'_>, name: &str) -> PyResult<bool> {
    if name.is_ascii() {
        let is_word = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        return Ok(is_word && name.starts_with(|first: char| !first.is_ascii_digit()));
    }
    PyString::new(py, name).call_method0(intern!(py, "isidentifier"))?.is_truthy()
}
