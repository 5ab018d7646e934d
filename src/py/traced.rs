//! The stand-ins that an `ImportTracer` puts into importlib.
//!
//! They are native: they add no frame to a traceback, and importlib's frames are cut out of tracebacks
//! as before. Whatever goes wrong in the tracer's own work leaves a gap in the record and the import
//! as it is.

use std::fs::File;
use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use parking_lot::Mutex;
use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyString, PyTuple, PyType};

use super::import_facts::{asker, describe, is_imported, spec_of, thread_id};
use crate::epoch::{self, Event};
use crate::imports::probe::{Recent, Resident, faults, monotonic};
use crate::imports::record::{Counters, Record, Step};
use crate::imports::spans::{Beginning, Ending, Spans, Token};

/// Room for one record as a line of JSON: most are shorter.
const LINE_BYTES: usize = 800;

/// What a stand-in stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    Import,
    Reload,
    Step(Step),
}

/// What a tracer and its stand-ins share. Holds no Python object.
pub struct Shared {
    is_on: AtomicBool,
    spans: Mutex<Spans<fn() -> u64>>,
    resident: Mutex<Resident>,
    recent: Mutex<Recent>,
    sink: Mutex<Option<File>>,
    created_at: u32,
}

impl Shared {
    pub fn new(limit: usize, sink: Option<File>) -> Self {
        Self {
            is_on: AtomicBool::new(false),
            spans: Mutex::new(Spans::new(monotonic, limit)),
            resident: Mutex::default(),
            recent: Mutex::default(),
            sink: Mutex::new(sink),
            created_at: epoch::current(),
        }
    }

    pub fn switch_on(&self) {
        self.spans.lock().start();
        self.is_on.store(true, Relaxed);
    }

    /// From now on the stand-ins only pass calls on.
    pub fn switch_off(&self) {
        self.is_on.store(false, Relaxed);
    }

    fn begin(
        &self,
        py: Python<'_>,
        entered: u64,
        name: &Bound<'_, PyAny>,
        is_reload: bool,
    ) -> Option<Token> {
        let name = name.cast::<PyString>().ok()?.to_string_lossy().into_owned();
        let asker = asker(py).ok();
        let thread = if self.spans.lock().is_importing() { None } else { thread_id(py).ok() };
        let counters = self.counters(entered);
        let given = Beginning { name: &name, is_reload, asker, counters, thread, entered };
        Some(self.spans.lock().begin(given))
    }

    /// Those of about *now*.
    fn counters(&self, now: u64) -> Counters {
        let mut recent = self.recent.lock();
        recent.at(now).unwrap_or_else(|| {
            let counters = Counters { resident: self.resident.lock().bytes(), faults: faults() };
            recent.keep(now, counters);
            counters
        })
    }

    fn end(&self, py: Python<'_>, token: Token, at: u64, error: Option<&PyErr>) {
        let counters = self.counters(at);
        let error = error.map(|error| describe(py, error));
        let is_last = self.spans.lock().end(token, Ending { at, counters, error });
        if is_last && let Some(sink) = self.sink.lock().as_mut() {
            if epoch::happened_since(Event::Fork, self.created_at) {
                return; // the file is the parent's, and its ids are not ours
            }
            // A full disk costs the profile, never the function.
            let _ = sink.write_all(&self.lines());
        }
    }

    /// Copies of the finished records that took so long, or failed.
    pub fn finished(&self, shortest: u64) -> Vec<Record> {
        let is_worth_it = |record: &&Record| {
            record.error.is_some() || record.end.saturating_sub(record.start) >= shortest
        };
        self.spans.lock().finished().iter().filter(is_worth_it).cloned().collect()
    }

    /// The finished records as lines of JSON, and the totals as the last line.
    pub fn lines(&self) -> Vec<u8> {
        let (records, totals) = {
            let mut spans = self.spans.lock();
            (spans.take(), spans.totals())
        };
        let mut text = Vec::with_capacity((records.len() + 1) * LINE_BYTES);
        records.iter().for_each(|record| record.write_line(&mut text));
        totals.write_line(&mut text);
        text
    }
}

/// A function of importlib, with a look at the clock before and after.
#[pyclass(frozen, module = "coldcache._core", name = "_TracedFunction")]
pub struct Traced {
    role: Role,
    function: Py<PyAny>,
    method: Py<PyType>,
    shared: Arc<Shared>,
}

#[pymethods]
impl Traced {
    #[pyo3(signature = (*args, **kwargs))]
    fn __call__<'py>(
        &self,
        py: Python<'py>,
        args: &Bound<'py, PyTuple>,
        kwargs: Option<&Bound<'py, PyDict>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let function = self.function.bind(py);
        if !self.shared.is_on.load(Relaxed) {
            return function.call(args, kwargs);
        }
        match self.role {
            Role::Import => self.import(args, kwargs),
            Role::Reload => self.reload(args, kwargs),
            Role::Step(step) => self.step(step, args, kwargs),
        }
    }

    /// As a method of a class, it is bound like the function it stands for.
    fn __get__<'py>(
        slf: &Bound<'py, Self>,
        instance: Option<&Bound<'py, PyAny>>,
        _owner: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        match instance {
            Some(instance) => slf.get().method.bind(slf.py()).call1((slf, instance)),
            None => Ok(slf.clone().into_any()),
        }
    }

    #[getter]
    fn __wrapped__<'py>(&self, py: Python<'py>) -> Bound<'py, PyAny> {
        self.function.bind(py).clone()
    }

    fn __getattr__<'py>(
        &self,
        py: Python<'py>,
        name: &Bound<'py, PyString>,
    ) -> PyResult<Bound<'py, PyAny>> {
        self.function.bind(py).getattr(name)
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.function)?;
        visit.call(&self.method)
    }
}

impl Traced {
    pub fn new(role: Role, function: &Bound<'_, PyAny>, shared: Arc<Shared>) -> PyResult<Py<Self>> {
        let py = function.py();
        // Binding a function to anything gives the type of bound methods; a builtin is never bound.
        let method = function
            .call_method1(intern!(py, "__get__"), (0,))
            .map_or_else(|_| py.get_type::<PyAny>(), |method| method.get_type());
        Py::new(
            py,
            Self { role, function: function.clone().unbind(), method: method.unbind(), shared },
        )
    }

    fn import<'py>(
        &self,
        args: &Bound<'py, PyTuple>,
        kwargs: Option<&Bound<'py, PyDict>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let entered = monotonic();
        let py = args.py();
        let function = self.function.bind(py);
        let token = args
            .get_item(0)
            .ok()
            .filter(|name| !is_imported(name))
            .and_then(|name| self.shared.begin(py, entered, &name, false));
        let Some(token) = token else { return function.call(args, kwargs) };
        let result = function.call(args, kwargs);
        self.shared.end(py, token, monotonic(), result.as_ref().err());
        result
    }

    /// `importlib.reload` runs the loader of a module that is there already.
    fn reload<'py>(
        &self,
        args: &Bound<'py, PyTuple>,
        kwargs: Option<&Bound<'py, PyDict>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let entered = monotonic();
        let py = args.py();
        let function = self.function.bind(py);
        let spec = args.get_item(0);
        let token = spec
            .as_ref()
            .ok()
            .and_then(|spec| spec.getattr(intern!(py, "name")).ok())
            .and_then(|name| self.shared.begin(py, entered, &name, true));
        let Some(token) = token else { return function.call(args, kwargs) };
        let result = self.step(Step::Load, args, kwargs);
        self.shared.end(py, token, monotonic(), result.as_ref().err());
        result
    }

    fn step<'py>(
        &self,
        step: Step,
        args: &Bound<'py, PyTuple>,
        kwargs: Option<&Bound<'py, PyDict>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let py = args.py();
        let function = self.function.bind(py);
        let spans = &self.shared.spans;
        let Some(token) = spans.lock().begin_step(step) else {
            return function.call(args, kwargs);
        };
        if step == Step::Load
            && let Ok(spec) = args.get_item(0)
        {
            let spec = spec_of(&spec);
            spans.lock().note_spec(spec);
        }
        let result = function.call(args, kwargs);
        let read = match &result {
            Ok(value) if step == Step::Read => value.cast::<PyBytes>().ok(),
            _ => None,
        };
        let read = read.map(|bytes| bytes.as_bytes().len() as u64);
        let mut spans = spans.lock();
        spans.end_step(token);
        read.inspect(|bytes| spans.note_read(*bytes));
        drop(spans);
        result
    }
}
