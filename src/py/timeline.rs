//! The startup recorder: one timeline a process, always on, and who feeds it.
//!
//! Which step the current code is inside of is a context variable, so that tasks and the threads of a
//! warm-up nest where they belong. The lock is only taken by threads attached to the interpreter and
//! never across Python code: a thread that forks holds the interpreter, so no copy of it is locked.

use parking_lot::Mutex;
use pyo3::exceptions::PyValueError;
use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::PyDict;

use super::errors::type_name;
use super::tracer;
use crate::clock::NANOS_PER_SECOND;
use crate::imports::probe::monotonic;
use crate::timeline::{Kind, Mark, Ticket, Timeline};

static TIMELINE: Mutex<Timeline> = Mutex::new(Timeline::new());

/// The step around the current code, by its place. Made with the first step: not every start has one.
static AROUND: PyOnceLock<Py<PyAny>> = PyOnceLock::new();

fn around(py: Python<'_>) -> PyResult<&Bound<'_, PyAny>> {
    let made = AROUND.get_or_try_init(py, || {
        let class = py.import("_contextvars")?.getattr("ContextVar")?;
        let default = [("default", py.None())];
        let default = pyo3::types::IntoPyDict::into_py_dict(default, py)?;
        PyResult::Ok(class.call(("coldcache_step",), Some(&default))?.unbind())
    })?;
    Ok(made.bind(py))
}

/// A step under way; code that runs meanwhile in this context is inside it.
///
/// Not among the names of the module: making the class would be part of every import.
#[pyclass(frozen, module = "coldcache._core", name = "_OpenStep")]
pub struct OpenStep {
    ticket: Ticket,
    began: u64,
    token: Mutex<Option<Py<PyAny>>>,
}

impl OpenStep {
    /// `None` when the start is over.
    pub fn begin(
        py: Python<'_>,
        kind: Kind,
        name: &str,
        tags: Vec<(String, String)>,
    ) -> PyResult<Option<Self>> {
        if TIMELINE.lock().is_closed() {
            return Ok(None);
        }
        let around = around(py)?;
        let parent = around.call_method0(intern!(py, "get"))?.extract()?;
        let began = monotonic();
        let Some(ticket) = TIMELINE.lock().begin(kind, name, tags, parent, began) else {
            return Ok(None);
        };
        let token = match ticket.id {
            Some(id) => Some(around.call_method1(intern!(py, "set"), (id,))?.unbind()),
            None => None,
        };
        Ok(Some(Self { ticket, began, token: Mutex::new(token) }))
    }

    pub fn finish(&self, py: Python<'_>, error: Option<&str>) {
        let now = monotonic();
        TIMELINE.lock().end(self.ticket, now, error);
        let Some(token) = self.token.lock().take() else { return };
        // Ended in another context than begun: nothing of this one has to be put back.
        if let Ok(around) = around(py) {
            drop(around.call_method1(intern!(py, "reset"), (token,)));
        }
    }
}

impl OpenStep {
    pub fn traverse(&self, visit: &PyVisit<'_>) -> Result<(), PyTraverseError> {
        match self.token.lock().as_ref() {
            Some(token) => visit.call(token),
            None => Ok(()),
        }
    }
}

#[pymethods]
impl OpenStep {
    /// When it began, in seconds of `time.perf_counter()`.
    #[getter]
    #[expect(clippy::cast_precision_loss, reason = "a float of seconds is what callers have")]
    fn began(&self) -> f64 {
        self.began as f64 / NANOS_PER_SECOND as f64
    }

    /// End it, with the type of what was raised.
    #[pyo3(signature = (kind = None, /))]
    fn end(&self, py: Python<'_>, kind: Option<&str>) {
        self.finish(py, kind);
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        self.traverse(&visit)
    }
}

/// Run something as a step. Whatever goes wrong in the recorder costs the record and nothing else.
pub fn recorded<T>(
    py: Python<'_>,
    kind: Kind,
    name: &str,
    run: impl FnOnce() -> PyResult<T>,
) -> PyResult<T> {
    let step = OpenStep::begin(py, kind, name, Vec::new()).ok().flatten();
    let result = run();
    if let Some(step) = step {
        let error = result.as_ref().err().map(|error| type_name(error.value(py).as_any()));
        step.finish(py, error.as_deref());
    }
    result
}

/// Begin a step of the start; `None` when the start is over.
#[pyfunction]
#[pyo3(signature = (kind, name, tags = None, /))]
pub fn _begin_step(
    py: Python<'_>,
    kind: &str,
    name: &str,
    tags: Option<Vec<(String, String)>>,
) -> PyResult<Option<OpenStep>> {
    let kind = Kind::of_word(kind)
        .ok_or_else(|| PyValueError::new_err(format!("there is no kind of step {kind:?}")))?;
    OpenStep::begin(py, kind, name, tags.unwrap_or_default())
}

/// Note a moment of the start; whether it is the first of its kind.
#[pyfunction]
#[pyo3(signature = (name, /))]
pub fn _mark(name: &str) -> PyResult<bool> {
    let mark = Mark::of_word(name)
        .ok_or_else(|| PyValueError::new_err(format!("there is no moment {name:?}")))?;
    Ok(TIMELINE.lock().mark(mark, monotonic()))
}

/// The import of the package is over; it began at this reading of `time.perf_counter_ns()`.
#[pyfunction]
#[pyo3(signature = (began, /))]
pub fn _imported(began: u64) {
    let mut timeline = TIMELINE.lock();
    if let Some(ticket) = timeline.begin(Kind::Import, "coldcache", Vec::new(), None, began) {
        timeline.end(ticket, monotonic(), None);
    }
}

/// Count an error of the start that no step stands for.
#[pyfunction]
#[pyo3(signature = (kind, /))]
pub fn _count_startup_error(kind: &str) {
    let mut timeline = TIMELINE.lock();
    if !timeline.is_closed() {
        timeline.count_error(kind);
    }
}

/// The start is over: nothing is added any more.
#[pyfunction]
pub fn _close_timeline() {
    TIMELINE.lock().close();
}

/// Imports shorter than this are not worth a line: what they cost is in the import around them.
const SHORTEST_IMPORT: u64 = NANOS_PER_SECOND / 1000;

/// All that was recorded; times in nanoseconds of the monotonic clock.
#[pyfunction]
pub fn _timeline(py: Python<'_>) -> PyResult<Bound<'_, PyDict>> {
    let imports = tracer::finished(SHORTEST_IMPORT);
    let taken = {
        let timeline = TIMELINE.lock();
        let marks: Vec<_> = Mark::ALL
            .into_iter()
            .filter_map(|mark| timeline.at(mark).map(|at| (mark.word(), at)))
            .collect();
        (timeline.steps().to_vec(), marks, timeline.dropped(), timeline.errors().to_vec())
    };
    let (steps, marks, dropped, errors) = taken;
    let all = PyDict::new(py);
    let rows: Vec<_> = steps
        .into_iter()
        .map(|step| {
            let times = (step.began, step.ended);
            (step.parent, step.kind.word(), step.name, times.0, times.1, step.error, step.tags)
        })
        .collect();
    all.set_item("steps", rows)?;
    all.set_item("marks", pyo3::types::IntoPyDict::into_py_dict(marks, py)?)?;
    all.set_item("dropped", dropped)?;
    all.set_item("errors", pyo3::types::IntoPyDict::into_py_dict(errors, py)?)?;
    let rows: Vec<_> = imports
        .into_iter()
        .map(|one| {
            let error = one.error.map(|(kind, _)| kind);
            (one.id, one.parent, one.name, one.start, one.end, error)
        })
        .collect();
    all.set_item("imports", rows)?;
    Ok(all)
}

/// The process is a copy of one that was forked or restored, or tests want to begin anew.
pub fn note(mark: Mark) {
    TIMELINE.lock().mark(mark, monotonic());
}

pub fn restart() {
    TIMELINE.lock().restart();
}
