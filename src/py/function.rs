//! What `once` and `cached` have in common: the function, its table, and one table per instance
//! where the function is a method.

use parking_lot::Mutex;
use pyo3::exceptions::PyTypeError;
use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple, PyType};

use super::asynchronous;
use super::errors::{mistyped, type_name};
use super::instances::Instances;
use super::key;
use super::load::Call;
use super::options::Options;
use super::stats::Cause;
use super::table::Table;

/// Code object flags (CPython `Include/cpython/code.h`).
const CO_GENERATOR: u32 = 0x20;
const CO_COROUTINE: u32 = 0x80;
const CO_ASYNC_GENERATOR: u32 = 0x200;

/// What the decorator was put on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Binding {
    /// A function; a method if it is found in a class.
    Plain,
    Static,
    Class,
}

pub struct Function {
    pub wrapped: Py<PyAny>,
    pub options: Py<Options>,
    /// Of the function itself; methods have one per instance instead.
    pub table: Py<Table>,
    binding: Binding,
    /// Classes in whose bodies it was found.
    owners: Mutex<Vec<Py<PyAny>>>,
    instances: Instances,
}

/// Where the result of a call belongs: the instance's table for a method, else the function's own.
pub struct Place<'py> {
    pub table: Bound<'py, Table>,
    pub receiver: Option<Bound<'py, PyAny>>,
    /// Without the receiver.
    pub args: Bound<'py, PyTuple>,
}

/// The function inside whatever was decorated, and what that was.
pub struct Target<'py> {
    pub function: Bound<'py, PyAny>,
    pub binding: Binding,
    pub is_async: bool,
    pub name: String,
}

impl<'py> Target<'py> {
    pub fn of(decorator: &str, given: &Bound<'py, PyAny>) -> PyResult<Self> {
        let builtins = given.py().import("builtins")?;
        let mut function = given.clone();
        let mut binding = Binding::Plain;
        for (name, kind) in [("staticmethod", Binding::Static), ("classmethod", Binding::Class)] {
            if given.is_instance(&builtins.getattr(name)?)? {
                function = given.getattr("__func__")?;
                binding = kind;
            }
        }
        if !function.is_callable() {
            return Err(mistyped(&format!("what {decorator} decorates"), given, "a function"));
        }
        let name = named(&function);
        let flags = code_flags(&function);
        if flags & (CO_GENERATOR | CO_ASYNC_GENERATOR) != 0 {
            return Err(PyTypeError::new_err(format!(
                "{decorator} cannot keep the result of {name}(): a generator is used up by its \
                 first caller; return a list or a tuple instead"
            )));
        }
        Ok(Self { function, binding, is_async: flags & CO_COROUTINE != 0, name })
    }
}

/// Whether the wrapper is inside a `classmethod` of this class: since 3.13 that calls it with the class
/// as an argument, where it was asked to bind before. Looked for under the function's own name, and
/// under all names only where an argument would be an error otherwise.
fn is_class_method_of(
    wrapper: &Bound<'_, PyAny>,
    class: &Bound<'_, PyType>,
    by_any_name: bool,
) -> PyResult<bool> {
    let py = wrapper.py();
    if py.version_info() < (3, 13) {
        return Ok(false);
    }
    let class_method = py.import(intern!(py, "builtins"))?.getattr(intern!(py, "classmethod"))?;
    let holds = |found: &Bound<'_, PyAny>| -> PyResult<bool> {
        Ok(found.is_instance(&class_method)? && found.getattr(intern!(py, "__func__"))?.is(wrapper))
    };
    let name = wrapper.getattr(intern!(py, "__name__")).ok();
    for ancestor in class.mro().iter() {
        let attributes = ancestor.getattr(intern!(py, "__dict__"))?;
        if let Some(name) = &name
            && let Ok(found) = attributes.get_item(name)
            && holds(&found)?
        {
            return Ok(true);
        }
        if by_any_name {
            for found in attributes.call_method0(intern!(py, "values"))?.try_iter()? {
                if holds(&found?)? {
                    return Ok(true);
                }
            }
        }
    }
    Ok(false)
}

fn named(function: &Bound<'_, PyAny>) -> String {
    let name = function.getattr("__qualname__").or_else(|_| function.getattr("__name__"));
    let name = name.and_then(|name| name.extract::<String>());
    name.unwrap_or_else(|_| type_name(function))
}

/// Whether a call of it gives a coroutine. For the Python side, which does not import `inspect` for it.
#[pyfunction]
pub fn _is_coroutine_function(function: &Bound<'_, PyAny>) -> bool {
    is_coroutine_function(function)
}

pub fn is_coroutine_function(function: &Bound<'_, PyAny>) -> bool {
    code_flags(function) & CO_COROUTINE != 0
}

/// The flags of the code that a call would run, through partials, bound methods and `__call__`.
fn code_flags(function: &Bound<'_, PyAny>) -> u32 {
    let mut current = function.clone();
    for _ in 0..32 {
        if let Ok(code) = current.getattr("__code__") {
            return code.getattr("co_flags").and_then(|flags| flags.extract()).unwrap_or(0);
        }
        let inner = match type_name(&current).as_str() {
            "partial" => current.getattr("func"),
            "method" => current.getattr("__func__"),
            // Native code all the way down: their `__call__` has a `__call__` for ever.
            "builtin_function_or_method" | "method_descriptor" | "wrapper_descriptor" => return 0,
            _ => match current.getattr("__wrapped__") {
                Ok(wrapped) => Ok(wrapped),
                Err(_) => current.get_type().getattr("__call__"),
            },
        };
        match inner {
            Ok(inner) => current = inner,
            Err(_) => return 0,
        }
    }
    0
}

impl Function {
    pub fn new(py: Python<'_>, target: &Target<'_>, options: Options) -> PyResult<Self> {
        let options = Py::new(py, options)?;
        Ok(Self {
            wrapped: target.function.clone().unbind(),
            table: Table::create(py, options.clone_ref(py))?.unbind(),
            options,
            binding: target.binding,
            owners: Mutex::default(),
            instances: Instances::new(py),
        })
    }

    /// Make the wrapper look like the function, as `functools.update_wrapper` does.
    pub fn dress(&self, wrapper: &Bound<'_, PyAny>) -> PyResult<()> {
        let py = wrapper.py();
        let function = self.wrapped.bind(py);
        // Since 3.14 annotations are computed when asked for; copying the recipe computes nothing.
        let annotations =
            if py.version_info() >= (3, 14) { "__annotate__" } else { "__annotations__" };
        let names =
            ["__module__", "__name__", "__qualname__", "__doc__", "__type_params__", annotations];
        for name in names {
            if let Ok(value) = function.getattr(name) {
                wrapper.setattr(name, value)?;
            }
        }
        if let Ok(attributes) = function.getattr(intern!(py, "__dict__"))
            && let Ok(attributes) = attributes.cast_into::<PyDict>()
        {
            let own = wrapper.getattr(intern!(py, "__dict__"))?.cast_into::<PyDict>()?;
            own.update(attributes.as_mapping())?;
        }
        if self.options.get().is_async {
            asynchronous::mark_coroutine_function(wrapper)?;
        }
        wrapper.setattr("__wrapped__", function)
    }

    /// Whether it takes an instance, or a class.
    pub fn is_method(&self) -> bool {
        self.binding == Binding::Class || !self.owners.lock().is_empty()
    }

    /// Called when a class body that holds the wrapper was executed.
    pub fn set_name(&self, owner: &Bound<'_, PyAny>) {
        if self.binding == Binding::Plain {
            self.owners.lock().push(owner.clone().unbind());
        }
    }

    /// What the wrapper is bound to when it is looked up on `instance` of `owner`.
    pub fn receiver<'py>(
        &self,
        instance: Option<&Bound<'py, PyAny>>,
        owner: Option<&Bound<'py, PyAny>>,
    ) -> Option<Bound<'py, PyAny>> {
        match self.binding {
            Binding::Static => None,
            Binding::Plain => instance.cloned(),
            Binding::Class => {
                owner.cloned().or_else(|| instance.map(|instance| instance.get_type().into_any()))
            }
        }
    }

    /// For a call that came through the class: the instance among the arguments, and the others.
    fn split_receiver<'py>(
        &self,
        wrapper: &Bound<'py, PyAny>,
        args: &Bound<'py, PyTuple>,
    ) -> PyResult<Option<(Bound<'py, PyAny>, Bound<'py, PyTuple>)>> {
        let py = args.py();
        if args.is_empty() {
            return Ok(None);
        }
        let first = args.get_item(0)?;
        if let Ok(class) = first.cast::<PyType>()
            && is_class_method_of(wrapper, class, self.options.get().takes_no_arguments)?
        {
            return Ok(Some((first, args.get_slice(1, args.len()))));
        }
        let owners: Vec<_> = self.owners.lock().iter().map(|owner| owner.clone_ref(py)).collect();
        for owner in owners {
            if first.is_instance(owner.bind(py))? {
                return Ok(Some((first, args.get_slice(1, args.len()))));
            }
        }
        Ok(None)
    }

    /// The table of this instance.
    pub fn table_of<'py>(&self, instance: &Bound<'py, PyAny>) -> PyResult<Bound<'py, Table>> {
        self.instances.table_of(instance, &self.options)
    }

    /// Where the result of a call belongs.
    pub fn place<'py>(
        &self,
        wrapper: &Bound<'py, PyAny>,
        args: &Bound<'py, PyTuple>,
    ) -> PyResult<Place<'py>> {
        Ok(match self.split_receiver(wrapper, args)? {
            Some((receiver, rest)) => {
                Place { table: self.table_of(&receiver)?, receiver: Some(receiver), args: rest }
            }
            None => Place {
                table: self.table.bind(args.py()).clone(),
                receiver: None,
                args: args.clone(),
            },
        })
    }

    /// The tables of the function and of all instances there are.
    pub fn tables<'py>(&self, py: Python<'py>) -> Vec<Bound<'py, Table>> {
        let own = self.table.bind(py).clone();
        std::iter::once(own).chain(self.instances.tables(py)).collect()
    }

    pub fn clear(&self, py: Python<'_>) -> PyResult<()> {
        for table in self.tables(py) {
            table.get().clear(py, Cause::Explicit)?;
            table.get().reset_stats();
        }
        Ok(())
    }

    /// The call that belongs to a place.
    pub fn call_at<'py>(
        &self,
        place: &Place<'py>,
        kwargs: Option<&Bound<'py, PyDict>>,
    ) -> PyResult<Call<'py>> {
        let args = match &place.receiver {
            None => place.args.clone(),
            Some(receiver) => {
                let all: Vec<_> = std::iter::once(receiver.clone()).chain(&place.args).collect();
                PyTuple::new(place.args.py(), all)?
            }
        };
        let function = self.wrapped.bind(place.args.py()).clone();
        Ok(Call { function, args, kwargs: kwargs.cloned() })
    }

    /// The key of a call.
    pub fn key_of<'py>(
        &self,
        place: &Place<'py>,
        kwargs: Option<&Bound<'py, PyDict>>,
        call: &Call<'py>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let py = place.args.py();
        let options = self.options.get();
        let of_arguments = match &options.key {
            Some(make_key) => make_key.bind(py).call(&call.args, kwargs)?,
            None => key::of_call(&place.args, kwargs, options.typed)?,
        };
        if options.vary.is_empty() {
            return Ok(of_arguments);
        }
        let mut parts = vec![of_arguments];
        for context in &options.vary {
            parts.push(context.bind(py).call0()?);
        }
        Ok(PyTuple::new(py, parts)?.into_any())
    }

    /// The answer to a call: at hand, loaded, or as an awaitable.
    pub fn answer<'py>(
        &self,
        place: &Place<'py>,
        kwargs: Option<&Bound<'py, PyDict>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let call = self.call_at(place, kwargs)?;
        let key = self.key_of(place, kwargs, &call)?;
        let result = if self.options.get().is_async {
            asynchronous::get(&place.table, &key, call)
        } else {
            Table::get(&place.table, &key, &call).and_then(|value| self.copied(value))
        };
        result.map_err(|error| self.explain(error, place, kwargs))
    }

    /// The value as callers get it.
    pub fn copied<'py>(&self, value: Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        match &self.options.get().copy {
            None => Ok(value),
            Some(copy) => copy.bind(value.py()).call1((value,)),
        }
    }

    pub fn explain<'py>(
        &self,
        error: PyErr,
        place: &Place<'py>,
        kwargs: Option<&Bound<'py, PyDict>>,
    ) -> PyErr {
        let options = self.options.get();
        if options.key.is_some() {
            return error;
        }
        let parameters = key::Parameters {
            function: self.wrapped.bind(place.args.py()),
            skipped: usize::from(place.receiver.is_some()),
        };
        key::explain(error, &options.name, &parameters, &place.args, kwargs)
    }

    pub fn traverse(&self, visit: &PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.wrapped)?;
        visit.call(&self.options)?;
        visit.call(&self.table)?;
        for owner in self.owners.lock().iter() {
            visit.call(owner)?;
        }
        self.instances.traverse(visit)
    }

    /// Let go of the classes, which hold the wrapper in turn.
    pub fn forget_owners(&self) {
        let owners = std::mem::take(&mut *self.owners.lock());
        drop(owners);
    }
}
