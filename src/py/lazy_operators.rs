//! The special methods of a lazy name that is no module: calls, operators, iteration and the rest,
//! each of which loads and asks the real object.
//!
//! They are set on the class as Python code would set them, from a table, when the first such name
//! is declared: the slots that `PyO3` writes for in-place operators cannot hand back another object,
//! which is what `NUMBER += 1` needs.

use pyo3::exceptions::PyTypeError;
use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyDict, PyTuple};

use super::lazy_proxy::{Lazy, LazyAttribute};

/// How a special method of the stand-in is carried out.
#[derive(Clone, Copy, PartialEq)]
enum Form {
    /// `function(real, *arguments)`
    Function,
    /// `function(argument, real)`
    Reflected,
    /// What the real object's class has under the same name.
    Special,
    /// `real(*arguments)`
    Call,
    /// As a variable of a class: what the real object would be there.
    Descriptor,
}

const BINARY: [&str; 12] = [
    "add", "sub", "mul", "matmul", "truediv", "floordiv", "mod", "lshift", "rshift", "and", "or",
    "xor",
];

/// Special method, module and function.
const FUNCTIONS: [(&str, &str, &str); 32] = [
    ("__pow__", "builtins", "pow"),
    ("__ipow__", "_operator", "ipow"),
    ("__divmod__", "builtins", "divmod"),
    ("__neg__", "_operator", "neg"),
    ("__pos__", "_operator", "pos"),
    ("__abs__", "builtins", "abs"),
    ("__invert__", "_operator", "invert"),
    ("__lt__", "_operator", "lt"),
    ("__le__", "_operator", "le"),
    ("__eq__", "_operator", "eq"),
    ("__ne__", "_operator", "ne"),
    ("__gt__", "_operator", "gt"),
    ("__ge__", "_operator", "ge"),
    ("__hash__", "builtins", "hash"),
    ("__bool__", "_operator", "truth"),
    ("__int__", "builtins", "int"),
    ("__float__", "builtins", "float"),
    ("__complex__", "builtins", "complex"),
    ("__index__", "_operator", "index"),
    ("__round__", "builtins", "round"),
    ("__str__", "builtins", "str"),
    ("__bytes__", "builtins", "bytes"),
    ("__format__", "builtins", "format"),
    ("__fspath__", "posix", "fspath"),
    ("__len__", "builtins", "len"),
    ("__length_hint__", "_operator", "length_hint"),
    ("__iter__", "builtins", "iter"),
    ("__next__", "builtins", "next"),
    ("__reversed__", "builtins", "reversed"),
    ("__contains__", "_operator", "contains"),
    ("__getitem__", "_operator", "getitem"),
    ("__setitem__", "_operator", "setitem"),
];

const REFLECTED: [(&str, &str, &str); 4] = [
    ("__rpow__", "builtins", "pow"),
    ("__rdivmod__", "builtins", "divmod"),
    ("__instancecheck__", "builtins", "isinstance"),
    ("__subclasscheck__", "builtins", "issubclass"),
];

const SPECIAL: [&str; 10] = [
    "__trunc__",
    "__floor__",
    "__ceil__",
    "__enter__",
    "__exit__",
    "__aenter__",
    "__aexit__",
    "__await__",
    "__aiter__",
    "__anext__",
];

/// Give the class its special methods, the first time.
pub fn install(py: Python<'_>) -> PyResult<()> {
    static DONE: PyOnceLock<()> = PyOnceLock::new();
    DONE.get_or_try_init(py, || {
        let class = py.get_type::<LazyAttribute>();
        let set = |special: &str, form, of: Option<(&str, &str)>| {
            let function = match of {
                Some((module, function)) => Some(py.import(module)?.getattr(function)?.unbind()),
                None => None,
            };
            let name = special.to_owned();
            class.setattr(special, Bound::new(py, SpecialMethod { name, form, function })?)
        };
        for name in BINARY {
            // Two of them are words of Python: and_, or_.
            let plain = if matches!(name, "and" | "or") { format!("{name}_") } else { name.into() };
            let plain = ("_operator", plain.as_str());
            set(&format!("__{name}__"), Form::Function, Some(plain))?;
            set(&format!("__r{name}__"), Form::Reflected, Some(plain))?;
            let in_place = format!("i{name}");
            set(&format!("__{in_place}__"), Form::Function, Some(("_operator", &in_place)))?;
        }
        for (special, module, function) in FUNCTIONS {
            set(special, Form::Function, Some((module, function)))?;
        }
        set("__delitem__", Form::Function, Some(("_operator", "delitem")))?;
        for (special, module, function) in REFLECTED {
            set(special, Form::Reflected, Some((module, function)))?;
        }
        for special in SPECIAL {
            set(special, Form::Special, None)?;
        }
        set("__call__", Form::Call, None)?;
        set("__get__", Form::Descriptor, None)
    })?;
    Ok(())
}

/// A function of the class `LazyAttribute`.
#[pyclass(frozen, module = "coldcache._core")]
struct SpecialMethod {
    name: String,
    form: Form,
    function: Option<Py<PyAny>>,
}

#[pymethods]
impl SpecialMethod {
    fn __get__<'py>(
        slf: &Bound<'py, Self>,
        instance: &Bound<'py, PyAny>,
        _class: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyAny>> {
        if instance.is_none() {
            return Ok(slf.clone().into_any());
        }
        let py = slf.py();
        let partial = py.import(intern!(py, "_functools"))?.getattr(intern!(py, "partial"))?;
        partial.call1((slf, instance))
    }

    #[pyo3(signature = (proxy, *arguments, **keywords))]
    fn __call__<'py>(
        &self,
        proxy: &Bound<'py, PyAny>,
        arguments: &Bound<'py, PyTuple>,
        keywords: Option<&Bound<'py, PyDict>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let py = proxy.py();
        let real = Lazy::resolve(proxy.cast::<Lazy>()?)?;
        let with = |first: &Bound<'py, PyAny>| {
            let all: Vec<_> = std::iter::once(first.clone()).chain(arguments).collect();
            PyTuple::new(py, all)
        };
        match (self.form, &self.function) {
            (Form::Call, _) => real.call(arguments, keywords),
            (Form::Function, Some(function)) => function.bind(py).call(with(&real)?, keywords),
            (Form::Reflected, Some(function)) => {
                function.bind(py).call1((arguments.get_item(0)?, real))
            }
            (Form::Descriptor, _) => match real.get_type().getattr_opt(self.name.as_str())? {
                Some(get) => get.call1(with(&real)?),
                None => Ok(real),
            },
            _ => match real.get_type().getattr_opt(self.name.as_str())? {
                Some(method) => method.call(with(&real)?, keywords),
                None => Err(PyTypeError::new_err(format!(
                    "'{}' object has no {}()",
                    super::errors::type_name(&real),
                    self.name
                ))),
            },
        }
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        if let Some(function) = &self.function {
            visit.call(function)?;
        }
        Ok(())
    }
}
