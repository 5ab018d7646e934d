//! The key under which a deferred name waits in a module's globals: a `str` that notices when it is
//! looked up, because dicts ask their keys whether they are equal to what is looked for.

use std::cell::Cell;

use pyo3::basic::CompareOp;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyDict, PyString, PyTuple, PyType};

use super::trap::Trap;

/// The half of the key's class that is native. It holds nothing, so that a class can have it and
/// `str` as bases.
#[pyclass(frozen, subclass, name = "DeferredNameMethods", module = "coldcache._core")]
pub struct TrapKey;

#[pymethods]
impl TrapKey {
    fn __richcmp__(
        slf: &Bound<'_, Self>,
        other: &Bound<'_, PyAny>,
        op: CompareOp,
    ) -> PyResult<Py<PyAny>> {
        let py = slf.py();
        let trap = trap_of(slf)?;
        let name = trap.get().name(py);
        let answer = match op {
            CompareOp::Eq | CompareOp::Ne => {
                let is_equal = is_same_text(name, other)?
                    && (IS_QUIET.get()
                        || other.is_instance_of::<Self>()
                        || Trap::meet(&trap, slf)?);
                is_equal == matches!(op, CompareOp::Eq)
            }
            _ => return Ok(name.rich_compare(plain(other)?, op)?.unbind()),
        };
        Ok(answer.into_pyobject(py)?.to_owned().into_any().unbind())
    }

    /// A dict hashes its keys when they are put in. Later somebody uses as a key what `dir` or
    /// iteration gave him, most likely to look the name up: then the real object has to be there,
    /// since a key finds itself without being compared.
    fn __hash__(slf: &Bound<'_, Self>) -> PyResult<isize> {
        let trap = trap_of(slf)?;
        if !IS_QUIET.get() {
            Trap::settle(&trap, slf)?;
        }
        trap.get().name(slf.py()).hash()
    }

    fn __reduce__<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyTuple>> {
        let py = slf.py();
        let name = trap_of(slf)?.get().name(py).clone();
        (py.get_type::<PyString>(), (name,)).into_pyobject(py)
    }
}

thread_local! {
    static IS_QUIET: Cell<bool> = const { Cell::new(false) };
}

/// While this lives, keys that this thread handles are strings and no more.
pub struct Quiet(bool);

impl Quiet {
    pub fn new() -> Self {
        Self(IS_QUIET.replace(true))
    }
}

impl Drop for Quiet {
    fn drop(&mut self) {
        IS_QUIET.set(self.0);
    }
}

/// The plain name instead of the key, if the real object is under it; the trap is done with then.
pub fn settled_name<'py>(key: &Bound<'py, TrapKey>) -> PyResult<Option<Bound<'py, PyAny>>> {
    let trap = trap_of(key)?;
    Ok(trap.get().leave().then(|| trap.get().name(key.py()).clone().into_any()))
}

fn trap_of<'py>(key: &Bound<'py, TrapKey>) -> PyResult<Bound<'py, Trap>> {
    Ok(key.getattr(intern!(key.py(), "_trap"))?.cast_into::<Trap>()?)
}

/// As a plain string, where it is a key of ours.
fn plain<'py>(value: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    match value.cast::<TrapKey>() {
        Ok(key) => Ok(trap_of(key)?.get().name(value.py()).clone().into_any()),
        Err(_) => Ok(value.clone()),
    }
}

fn is_same_text(name: &Bound<'_, PyString>, other: &Bound<'_, PyAny>) -> PyResult<bool> {
    let Ok(other) = other.cast::<PyString>() else { return Ok(false) };
    // Without asking the other one, which may have an `__eq__` of its own.
    Ok(name.to_cow()? == other.to_cow()?)
}

/// The key of a trap.
pub fn new<'py>(trap: &Bound<'py, Trap>) -> PyResult<Bound<'py, PyAny>> {
    let py = trap.py();
    let string = py.get_type::<PyString>();
    let make = string.getattr(intern!(py, "__new__"))?;
    let key = make.call1((class(py)?, trap.get().name(py)))?;
    key.setattr(intern!(py, "_trap"), trap)?;
    Ok(key)
}

fn class(py: Python<'_>) -> PyResult<&Bound<'_, PyType>> {
    static CLASS: PyOnceLock<Py<PyType>> = PyOnceLock::new();
    let class = CLASS.get_or_try_init(py, || {
        let string = py.get_type::<PyString>();
        let native = py.get_type::<TrapKey>();
        let members = PyDict::new(py);
        members.set_item("__slots__", ("_trap",))?;
        members.set_item("__module__", "coldcache._core")?;
        members.set_item("__doc__", "A name whose import is deferred.")?;
        // The class takes a slot as it is from one base if all methods of the slot come from there.
        for method in ["__lt__", "__le__", "__eq__", "__ne__", "__gt__", "__ge__", "__hash__"] {
            members.set_item(method, native.getattr("__dict__")?.get_item(method)?)?;
        }
        members.set_item("__reduce__", native.getattr("__dict__")?.get_item("__reduce__")?)?;
        let class = py.get_type::<PyType>().call1(("DeferredName", (string, native), members))?;
        PyResult::Ok(class.cast_into::<PyType>()?.unbind())
    })?;
    Ok(class.bind(py))
}
