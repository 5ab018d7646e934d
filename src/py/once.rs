//! `once`: a function that runs at most once, for all callers.

use pyo3::IntoPyObjectExt;
use pyo3::exceptions::PyTypeError;
use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString, PyTuple};

use super::arguments::{self, Reaction};
use super::declared::declare;
use super::decorator::{Decorator, Kind};
use super::errors::mistyped;
use super::flags::check_name;
use super::flight::Flight;
use super::function::{Function, Place, Target, is_coroutine_function};
use super::keywords::Keywords;
use super::once_method::BoundOnce;
use super::options::{Backoff, Options};
use super::table::Table;
use super::vectorcall::{Called, EntryPoint, look_up};
use crate::clock::NANOS_PER_SECOND;
use crate::lifetime::Limits;
use crate::policy::Policy;
use crate::timeline;
use crate::waits::{self, Actor};

/// `retry="backoff"`: the shape AWS's Secrets Manager caching client uses (1 s, doubling), with an
/// earlier end, as a container that cannot initialise is of no use to anybody.
const RETRY_BACKOFF: Backoff = Backoff { first: NANOS_PER_SECOND, cap: 60 * NANOS_PER_SECOND };
const NEVER: Backoff = Backoff { first: u64::MAX, cap: u64::MAX };

#[pyclass(frozen, immutable_type, weakref, dict, module = "coldcache")]
pub struct Once {
    entry_point: EntryPoint,
    pub inner: Function,
    warm: Warm,
}

/// Whether `warm_up` runs it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Warm {
    Always,
    /// Where no request waits for the start.
    Prepaid,
    Never,
}

impl Warm {
    fn parse(given: Option<&Bound<'_, PyAny>>) -> PyResult<Self> {
        match given {
            None => Ok(Self::Always),
            Some(given) if given.is_instance_of::<PyString>() => {
                let words = [("prepaid", Self::Prepaid)];
                arguments::word(
                    "warm",
                    Some(given),
                    &words,
                    "True, False or 'prepaid'",
                    Self::Always,
                )
            }
            Some(given) => Ok(if given.is_truthy()? { Self::Always } else { Self::Never }),
        }
    }
}

const NAMES: [&str; 9] =
    ["retry", "timeout", "on_fork", "on_restore", "after", "flag", "fallback", "name", "warm"];

/// Run a function at most once and keep its result for the container's lifetime.
#[pyfunction]
#[pyo3(signature = (function = None, /, **options), text_signature = "(function=None, /, *, \
    retry='always', timeout=None, on_fork='keep', on_restore='keep', after=(), flag=None, \
    fallback=..., name=None, warm=True)")]
pub fn once<'py>(
    py: Python<'py>,
    function: Option<Bound<'py, PyAny>>,
    options: Option<Bound<'py, PyDict>>,
) -> PyResult<Bound<'py, PyAny>> {
    let given = Keywords::parse(py, "once", &NAMES, options)?;
    Prepared::parse(&given)?; // a wrong option is an error here, not when the function comes
    Decorator::apply(function, Kind::Once, given.0)
}

/// The `once` inside a declared step: the warm-up runs it as that step.
#[pyfunction]
#[pyo3(signature = (function, name, /))]
pub fn _once_step<'py>(
    py: Python<'py>,
    function: Bound<'py, PyAny>,
    name: String,
) -> PyResult<Bound<'py, PyAny>> {
    let mut prepared = Prepared::parse(&Keywords(PyDict::new(py)))?;
    prepared.name = Some(name);
    prepared.recorded_as = timeline::Kind::Step;
    let target = Target::of("once", &function)?;
    Once::wrap(py, &target, prepared.options(py, &target), Warm::Never)
}

/// Put the decorator with these options on a function.
pub fn wrap<'py>(
    function: &Bound<'py, PyAny>,
    options: &Bound<'py, PyDict>,
) -> PyResult<Bound<'py, PyAny>> {
    let py = function.py();
    let prepared = Prepared::parse(&Keywords(options.clone()))?;
    let target = Target::of("once", function)?;
    prepared.refuse_coroutines_before(py, &target)?;
    Once::wrap(py, &target, prepared.options(py, &target), prepared.warm)
}

/// The options of `once`, checked, before the function is known.
struct Prepared {
    error_ttl: Option<Backoff>,
    timeout: Option<std::time::Duration>,
    on_fork: Reaction,
    on_restore: Reaction,
    after: Vec<Py<PyAny>>,
    flag: Option<String>,
    fallback: Option<Py<PyAny>>,
    name: Option<String>,
    warm: Warm,
    recorded_as: timeline::Kind,
}

impl Prepared {
    fn parse(given: &Keywords<'_>) -> PyResult<Self> {
        let retries = [("always", None), ("never", Some(NEVER)), ("backoff", Some(RETRY_BACKOFF))];
        let wants = "'always', 'never' or 'backoff'";
        let retry = given.get("retry")?;
        let flag = given.text("flag")?;
        flag.as_deref().map_or(Ok(()), check_name)?;
        let fallback = given.0.get_item("fallback")?.map(Bound::unbind);
        if flag.is_some() != fallback.is_some() {
            return Err(PyTypeError::new_err(
                "flag= and fallback= go together: the flag decides whether the function runs, the \
                 fallback (a value or a callable) stands in for it",
            ));
        }
        Ok(Self {
            error_ttl: arguments::word("retry", retry.as_ref(), &retries, wants, None)?,
            timeout: arguments::duration("timeout", given.get("timeout")?.as_ref())?,
            on_fork: arguments::on_fork(given.get("on_fork")?.as_ref())?,
            on_restore: arguments::on_restore(given.get("on_restore")?.as_ref(), Reaction::Keep)?,
            after: arguments::callables("after", given.get("after")?.as_ref())?,
            flag,
            fallback,
            name: given.name()?,
            warm: Warm::parse(given.get("warm")?.as_ref())?,
            recorded_as: timeline::Kind::Once,
        })
    }

    /// Plain code cannot wait for a coroutine that has to come first.
    fn refuse_coroutines_before(&self, py: Python<'_>, target: &Target<'_>) -> PyResult<()> {
        for dependency in &self.after {
            let dependency = dependency.bind(py);
            if !target.is_async && is_coroutine_function(dependency) {
                return Err(mistyped(
                    &format!("after= of {}, which is no coroutine function,", target.name),
                    dependency,
                    "a tuple of plain functions",
                ));
            }
        }
        Ok(())
    }

    fn options(&self, py: Python<'_>, target: &Target<'_>) -> Options {
        Options {
            name: self.name.as_deref().unwrap_or(&target.name).into(),
            limits: Limits { ttl: None, stale: 0, stale_if_error: 0, refresh_ahead: 0 },
            ttl_of: None,
            expires_at: None,
            jitter: 0,
            error_ttl: self.error_ttl,
            max_entries: None,
            max_weight: None,
            weigher: None,
            policy: Policy::Lru,
            key: None,
            typed: true,
            vary: Vec::new(),
            copy: None,
            fallback: self.fallback.as_ref().map(|fallback| fallback.clone_ref(py)),
            timeout: self.timeout,
            on_fork: self.on_fork,
            on_restore: self.on_restore,
            listener: None,
            after: self.after.iter().map(|after| after.clone_ref(py)).collect(),
            flag: self.flag.clone(),
            takes_no_arguments: true,
            recorded_as: Some(self.recorded_as),
            is_async: target.is_async,
            parameters: py.None(),
        }
    }
}

impl Once {
    pub fn wrap<'py>(
        py: Python<'py>,
        target: &Target<'py>,
        options: Options,
        warm: Warm,
    ) -> PyResult<Bound<'py, PyAny>> {
        let inner = Function::new(py, target, options)?;
        let slf = Bound::new(py, Self { entry_point: EntryPoint::of::<Self>(), inner, warm })?;
        slf.get().inner.dress(&slf)?;
        if warm != Warm::Never {
            declare(slf.as_any())?;
        }
        Ok(slf.into_any())
    }
}

impl Called for Once {
    fn entry_point(&self) -> &EntryPoint {
        &self.entry_point
    }

    #[inline]
    fn hit<'py>(
        &self,
        py: Python<'py>,
        args: &[Borrowed<'_, 'py, PyAny>],
    ) -> PyResult<Option<Bound<'py, PyAny>>> {
        hit(self.inner.table.get(), py, args)
    }

    fn call<'py>(
        slf: &Bound<'py, Self>,
        args: &Bound<'py, PyTuple>,
        kwargs: Option<&Bound<'py, PyDict>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let inner = &slf.get().inner;
        let place = inner.place(slf, args)?;
        refuse_arguments(inner, &place, kwargs)?;
        inner.answer(&place, kwargs)
    }
}

/// There is one result, so there is nothing arguments could choose.
pub fn refuse_arguments<'py>(
    inner: &Function,
    place: &Place<'py>,
    kwargs: Option<&Bound<'py, PyDict>>,
) -> PyResult<()> {
    let given = place.args.len() + kwargs.map_or(0, PyDictMethods::len);
    if given == 0 {
        return Ok(());
    }
    let name = &inner.options.get().name;
    Err(PyTypeError::new_err(format!(
        "{name}() runs once and takes no arguments, got {given}; use cached for one result for each \
         argument"
    )))
}

#[inline]
pub fn hit<'py>(
    table: &Table,
    py: Python<'py>,
    args: &[Borrowed<'_, 'py, PyAny>],
) -> PyResult<Option<Bound<'py, PyAny>>> {
    if !args.is_empty() || !table.has_plain_hits {
        return Ok(None);
    }
    look_up(table, py, args)
}

#[pymethods]
impl Once {
    #[pyo3(signature = (*args, **kwargs))]
    fn __call__<'py>(
        slf: &Bound<'py, Self>,
        args: &Bound<'py, PyTuple>,
        kwargs: Option<&Bound<'py, PyDict>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        Self::call(slf, args, kwargs)
    }

    fn __get__<'py>(
        slf: &Bound<'py, Self>,
        instance: Option<Bound<'py, PyAny>>,
        owner: Option<Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let inner = &slf.get().inner;
        let Some(receiver) = inner.receiver(instance.as_ref(), owner.as_ref()) else {
            return Ok(slf.clone().into_any());
        };
        let table = inner.table_of(&receiver)?.unbind();
        Ok(Bound::new(slf.py(), BoundOnce::new(slf, receiver, table))?.into_any())
    }

    fn __set_name__(&self, owner: &Bound<'_, PyAny>, _name: &Bound<'_, PyAny>) {
        self.inner.set_name(owner);
    }

    /// Forget the result: the next call runs the function again.
    fn reset(&self, py: Python<'_>) -> PyResult<()> {
        self.inner.clear(py)
    }

    /// Whether the function has run and its result is kept.
    fn is_done(&self, py: Python<'_>) -> PyResult<bool> {
        Ok(peek(self.inner.table.get(), py)?.is_some())
    }

    /// The result if there is one, else the default; never runs the function.
    #[pyo3(signature = (default = None))]
    fn peek(&self, py: Python<'_>, default: Option<Py<PyAny>>) -> PyResult<Option<Py<PyAny>>> {
        Ok(peek(self.inner.table.get(), py)?.or(default))
    }

    /// Whether the calling thread is inside its run, so that no other thread should wait for it.
    fn _runs_here(&self, py: Python<'_>) -> PyResult<bool> {
        let flights = self.inner.table.get().flights.bind(py);
        let Some(found) = flights.get_item(py.None())? else { return Ok(false) };
        let flight = found.cast_into::<Flight>()?;
        let owner = &flight.get().ticket.owner;
        Ok(*owner == Actor::Thread(waits::this_thread()) && !flight.get().core.has_landed())
    }

    /// Counters, as a dict.
    fn stats<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        self.inner.table.get().stats.as_dict(py)
    }

    /// Whether `warm_up` runs it.
    #[getter]
    fn warm<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        match self.warm {
            Warm::Prepaid => Ok(PyString::new(py, "prepaid").into_any()),
            always => (always == Warm::Always).into_bound_py_any(py),
        }
    }

    /// What is called before it.
    #[getter]
    fn after<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        PyTuple::new(py, self.inner.options.get().after.iter().map(|after| after.clone_ref(py)))
    }

    /// What messages call it.
    #[getter]
    fn name(&self) -> &str {
        &self.inner.options.get().name
    }

    /// Whether its function is a coroutine function.
    #[getter]
    fn is_async(&self) -> bool {
        self.inner.options.get().is_async
    }

    /// Whether it is a method, so that there is nothing to run without an instance or a class.
    #[getter]
    fn is_method(&self) -> bool {
        self.inner.is_method()
    }

    fn __reduce__<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        slf.getattr("__qualname__")
    }

    fn __copy__<'py>(slf: &Bound<'py, Self>) -> Bound<'py, Self> {
        slf.clone()
    }

    fn __deepcopy__<'py>(slf: &Bound<'py, Self>, _memo: &Bound<'py, PyAny>) -> Bound<'py, Self> {
        slf.clone()
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        let state = if self.is_done(py)? { "done" } else { "not run" };
        Ok(format!("<coldcache.once {}: {state}>", self.inner.options.get().name))
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        if !self.entry_point.is_set() {
            return Ok(()); // being made: see `EntryPoint`
        }
        self.inner.traverse(&visit)
    }

    fn __clear__(&self) {
        self.inner.forget_owners();
    }
}

pub fn peek(table: &Table, py: Python<'_>) -> PyResult<Option<Py<PyAny>>> {
    table.peek(&py.None().into_bound(py))
}
