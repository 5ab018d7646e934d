//! The use of a shared object: `with database() as connection`.
//!
//! While the object is healthy a use is native from end to end: two coarse clock reads, a few
//! comparisons, a count. In every other case the resource is asked (`_resource.py`).

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};

use parking_lot::Mutex;
use pyo3::exceptions::{PyRuntimeError, PyTypeError};
use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyDict, PyTuple, PyType};

use super::epochs::look;
use super::made::Made;
use super::ready::Ready;
use crate::clock;

/// What `Resource` is made of natively: the object that is handed out, and counts.
#[pyclass(frozen, subclass, weakref, module = "coldcache._core")]
pub struct Shared {
    current: Mutex<Option<Py<Made>>>,
    /// Errors that make every object suspicious that was last found well before them.
    trouble: AtomicU64,
    uses: AtomicU64,
    is_async: bool,
}

impl Shared {
    /// The current object, if it can be handed out without a question; counted as in use.
    #[inline]
    fn healthy<'py>(&self, py: Python<'py>) -> Option<Bound<'py, Made>> {
        let made = self.current.lock().as_ref()?.clone_ref(py).into_bound(py);
        let (now, epoch) = look();
        if !made.get().is_healthy(now, epoch, self.trouble.load(Relaxed)) {
            return None;
        }
        made.get().enter(now);
        self.count_use();
        Some(made)
    }

    fn count_use(&self) {
        self.uses.store(self.uses.load(Relaxed) + 1, Relaxed);
    }
}

#[pymethods]
impl Shared {
    #[new]
    #[pyo3(signature = (is_async, *args, **kwargs))]
    fn new(is_async: bool, args: &Bound<'_, PyTuple>, kwargs: Option<&Bound<'_, PyDict>>) -> Self {
        let _ = (args, kwargs); // for the subclass
        Self {
            current: Mutex::new(None),
            trouble: AtomicU64::new(0),
            uses: AtomicU64::new(0),
            is_async,
        }
    }

    #[pyo3(signature = (*, retry = false))]
    fn __call__<'py>(slf: &Bound<'py, Self>, retry: bool) -> PyResult<Bound<'py, PyAny>> {
        if retry {
            return slf.call_method0(intern!(slf.py(), "_attempts"));
        }
        Ok(Bound::new(slf.py(), Lease::new(slf.clone().unbind(), false))?.into_any())
    }

    /// For type checkers: it is generic to them.
    #[classmethod]
    fn __class_getitem__<'py>(
        class: &Bound<'py, PyType>,
        _item: &Bound<'py, PyAny>,
    ) -> Bound<'py, PyType> {
        class.clone()
    }

    #[getter]
    fn _current(&self, py: Python<'_>) -> Option<Py<Made>> {
        self.current.lock().as_ref().map(|made| made.clone_ref(py))
    }

    #[setter(_current)]
    fn set_current(&self, made: Option<Py<Made>>) {
        let before = std::mem::replace(&mut *self.current.lock(), made);
        drop(before);
    }

    #[getter]
    fn _trouble(&self) -> u64 {
        self.trouble.load(Relaxed)
    }

    /// From now on every object is suspicious until it was found well.
    fn _suspect(&self) {
        self.trouble.fetch_add(1, Relaxed);
    }

    #[getter]
    fn _uses(&self) -> u64 {
        self.uses.load(Relaxed)
    }

    #[getter]
    fn is_async(&self) -> bool {
        self.is_async
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        match self.current.lock().as_ref() {
            Some(made) => visit.call(made),
            None => Ok(()),
        }
    }

    fn __clear__(&self) {
        self.set_current(None);
    }
}

/// One use of a shared object, from `with` to its end.
#[pyclass(frozen, immutable_type, module = "coldcache._core")]
pub struct Lease {
    owner: Py<Shared>,
    made: Mutex<Option<Py<Made>>>,
    was_entered: AtomicBool,
    /// Whether an error that the owner can mend is swallowed here, for another attempt.
    may_retry: bool,
    is_to_be_retried: AtomicBool,
}

impl Lease {
    fn new(owner: Py<Shared>, may_retry: bool) -> Self {
        Self {
            owner,
            made: Mutex::new(None),
            was_entered: AtomicBool::new(false),
            may_retry,
            is_to_be_retried: AtomicBool::new(false),
        }
    }

    fn begin(&self, py: Python<'_>, is_async: bool) -> PyResult<()> {
        if self.owner.get().is_async != is_async {
            let name = self.owner.bind(py).getattr(intern!(py, "name"))?;
            let (kind, with) = if is_async {
                ("a plain function", "with")
            } else {
                ("a coroutine function", "async with")
            };
            return Err(PyTypeError::new_err(format!(
                "{name} is made by {kind}: use `{with} {name}() as ...`"
            )));
        }
        if self.was_entered.swap(true, Relaxed) {
            return Err(PyRuntimeError::new_err(
                "a lease is good for one `with` block: call the resource again",
            ));
        }
        Ok(())
    }

    fn keep<'py>(&self, made: Bound<'py, Made>) -> Bound<'py, PyAny> {
        let value = made.get().value.bind(made.py()).clone();
        *self.made.lock() = Some(made.unbind());
        value
    }

    /// The end of the block: what was in use.
    fn end<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, Made>> {
        let made = self.made.lock().take().ok_or_else(|| {
            PyRuntimeError::new_err("a lease that is not in use cannot be given back")
        })?;
        made.get().exit(clock::now_coarse());
        Ok(made.into_bound(py))
    }

    /// Have the owner look at an error; true if it is swallowed for another attempt.
    fn report(&self, made: &Bound<'_, Made>, error: &Bound<'_, PyAny>) -> PyResult<bool> {
        let py = made.py();
        let verdict = self
            .owner
            .bind(py)
            .call_method1(intern!(py, "_failed"), (made, error, self.may_retry))?;
        let is_to_be_retried = verdict.is_truthy()?;
        self.is_to_be_retried.store(is_to_be_retried, Relaxed);
        Ok(is_to_be_retried)
    }
}

#[pymethods]
impl Lease {
    #[new]
    fn py_new(owner: Py<Shared>, may_retry: bool) -> Self {
        Self::new(owner, may_retry)
    }

    fn __enter__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.begin(py, false)?;
        if let Some(made) = self.owner.get().healthy(py) {
            if made.get().event_loop.is_none() || made.get().lives_on(&running_loop(py)?) {
                return Ok(self.keep(made));
            }
            made.get().drop_user();
        } else {
            self.owner.get().count_use();
        }
        // Counted as in use here, not there: no signal handler can come in between.
        loop {
            let made = self.owner.bind(py).call_method0(intern!(py, "_obtain"))?;
            let made = made.cast_into::<Made>()?;
            if made.get().take() {
                return Ok(self.keep(made));
            }
        }
    }

    #[pyo3(signature = (kind, error, _traceback, /))]
    fn __exit__(
        &self,
        py: Python<'_>,
        kind: Option<Bound<'_, PyAny>>,
        error: Option<Bound<'_, PyAny>>,
        _traceback: Option<Bound<'_, PyAny>>,
    ) -> PyResult<bool> {
        let made = self.end(py)?;
        let mut is_swallowed = false;
        if let (Some(_), Some(error)) = (kind, error) {
            is_swallowed = self.report(&made, &error)?;
        }
        if made.get().is_over() {
            self.owner.bind(py).call_method1(intern!(py, "_close"), (made,))?;
        }
        Ok(is_swallowed)
    }

    fn __aenter__<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        let py = slf.py();
        let lease = slf.get();
        lease.begin(py, true)?;
        if let Some(made) = lease.owner.get().healthy(py) {
            if made.get().lives_on(&running_loop(py)?) {
                return Ok(Bound::new(py, Ready::of(lease.keep(made)))?.into_any());
            }
            made.get().drop_user();
        } else {
            lease.owner.get().count_use();
        }
        lease.owner.bind(py).call_method1(intern!(py, "_enter"), (slf,))
    }

    /// Take over what `_enter` obtained, counted as in use; false if it was replaced meanwhile.
    fn _hold(&self, made: Bound<'_, Made>) -> bool {
        let is_held = made.get().take();
        if is_held {
            self.keep(made);
        }
        is_held
    }

    #[pyo3(signature = (kind, error, _traceback, /))]
    fn __aexit__<'py>(
        &self,
        py: Python<'py>,
        kind: Option<Bound<'py, PyAny>>,
        error: Option<Bound<'py, PyAny>>,
        _traceback: Option<Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let made = self.end(py)?;
        let mut is_swallowed = false;
        if let (Some(_), Some(error)) = (kind, error) {
            is_swallowed = self.report(&made, &error)?;
        }
        if made.get().is_over() {
            let owner = self.owner.bind(py);
            return owner.call_method1(intern!(py, "_exit"), (made, is_swallowed));
        }
        let answer = is_swallowed.into_pyobject(py)?.to_owned().into_any();
        Ok(Bound::new(py, Ready::of(answer))?.into_any())
    }

    #[getter]
    fn is_to_be_retried(&self) -> bool {
        self.is_to_be_retried.load(Relaxed)
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        let name = self.owner.bind(py).getattr(intern!(py, "name"))?;
        let state = match (self.made.lock().is_some(), self.was_entered.load(Relaxed)) {
            (true, _) => "in use",
            (false, true) => "over",
            (false, false) => "not entered",
        };
        Ok(format!("<lease of {name}: {state}>"))
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.owner)?;
        match self.made.lock().as_ref() {
            Some(made) => visit.call(made),
            None => Ok(()),
        }
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        // Collected inside its block (a generator that nobody finished): it is no user any more.
        if let Some(made) = self.made.get_mut() {
            made.get().drop_user();
        }
    }
}

fn running_loop(py: Python<'_>) -> PyResult<Bound<'_, PyAny>> {
    static ASK: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let ask = ASK.get_or_try_init(py, || {
        py.import("asyncio")?.getattr("_get_running_loop").map(Bound::unbind)
    })?;
    ask.bind(py).call0() // None where none runs
}
