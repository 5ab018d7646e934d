//! A flight as Python-side code sees it: who runs it, how it is waited for, how it is abandoned.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use pyo3::exceptions::{PyException, PyRuntimeError};
use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::intern;
use pyo3::prelude::*;

use super::options::Options;
use crate::clock::{self, Stamp};
use crate::deadline;
use crate::epoch::{self, Event};
use crate::error::Error;
use crate::flight::{Flight as Core, Outcome};
use crate::waits::{self, Actor, Ticket, Wait};

/// How long a thread waits before it looks for signals and for an owner that went away.
const SLICE: Duration = Duration::from_millis(20);

/// How long it may take to make the task of an asynchronous load.
const STARTING: Duration = Duration::from_secs(1);

#[pyclass(frozen, immutable_type, module = "coldcache._core")]
pub struct Flight {
    pub core: Core<Py<PyAny>, Py<PyAny>>,
    pub ticket: Arc<Ticket>,
    pub started: Stamp,
    pub epoch: u32,
    /// On the real clock, however a test turns the other.
    made: Instant,
    /// Whether a task runs it.
    pub is_begun: AtomicBool,
    /// The event loop and the task of an asynchronous load.
    event_loop: Option<Py<PyAny>>,
    task: Mutex<Option<Py<PyAny>>>,
}

impl Flight {
    pub fn new(name: &Arc<str>, owner: Actor, thread: u64, event_loop: Option<Py<PyAny>>) -> Self {
        Self {
            core: Core::new(),
            ticket: Arc::new(Ticket { name: name.clone(), owner, thread }),
            started: clock::now(),
            epoch: epoch::current(),
            made: Instant::now(),
            is_begun: AtomicBool::new(false),
            event_loop,
            task: Mutex::new(None),
        }
    }

    /// End the flight; whoever waits goes on.
    ///
    /// # Errors
    /// What a signal handler raised while the waiting event loops were told, after all of them were.
    pub fn land(&self, py: Python<'_>, outcome: Outcome<Py<PyAny>>) -> PyResult<()> {
        let Some(wakers) = self.core.land(outcome) else { return Ok(()) };
        if !epoch::happened_since(Event::Fork, self.epoch) {
            self.core.release();
        }
        let mut interrupted = Ok(());
        for waker in wakers {
            let waker = waker.bind(py);
            let Err(error) = waker.call0() else { continue };
            if error.is_instance_of::<PyRuntimeError>(py) {
                continue; // its loop closed in the meantime: nobody is left to wake
            }
            // A signal handler came in between: the waker has yet to do its work.
            drop(waker.call0());
            if error.is_instance_of::<PyException>(py) {
                error.write_unraisable(py, Some(waker));
            } else if interrupted.is_ok() {
                interrupted = Err(error);
            }
        }
        interrupted
    }

    /// Whether nobody is left who could land this flight.
    pub fn is_orphan(&self, py: Python<'_>) -> bool {
        if epoch::happened_since(Event::Fork, self.epoch) {
            return true;
        }
        if self.is_stranded() {
            return true;
        }
        // A loop that stands still may never run again; a newcomer does not wait to find out.
        self.event_loop.as_ref().is_some_and(|event_loop| {
            let running = event_loop.bind(py).call_method0(intern!(py, "is_running"));
            !running.is_ok_and(|running| running.is_truthy().unwrap_or(false))
        })
    }

    /// Whether an asynchronous load was given up before it had a task to run it.
    fn is_stranded(&self) -> bool {
        // Between boarding and starting nothing is awaited: whoever else comes along on that thread
        // sees the leftover of an exception, and elsewhere it takes no second.
        self.event_loop.is_some()
            && !self.is_begun.load(Relaxed)
            && (waits::this_thread() == self.ticket.thread || self.made.elapsed() > STARTING)
    }

    /// Whether what this flight brings is not for callers that come now.
    pub fn is_outdated(&self, options: &Options) -> bool {
        // A load that slept with the sandbox may hang on a dead connection, and what it brings is as
        // old as the freeze. What never expires is worth waiting for all the same.
        if options.has_end() && clock::now().thawed_since(self.started) {
            return true;
        }
        epoch::happened_since(Event::Reset, self.epoch)
            || (epoch::happened_since(Event::Restore, self.epoch) && !options.on_restore.is_keep())
    }

    /// Wait as plain code of this thread. `Abandoned` also stands for an owner that went away.
    pub fn wait(&self, py: Python<'_>, timeout: Option<Duration>) -> PyResult<Outcome<Py<PyAny>>> {
        let me = Wait::of_this_thread(running_loads(py)?);
        waits::begin_wait(&me, &self.ticket)?;
        self.core.join();
        let result = self.wait_registered(py, timeout);
        waits::end_wait(&me, &self.ticket);
        if self.core.leave() {
            self.cancel(py);
        }
        result
    }

    fn wait_registered(
        &self,
        py: Python<'_>,
        timeout: Option<Duration>,
    ) -> PyResult<Outcome<Py<PyAny>>> {
        let start = Instant::now();
        let end = deadline::patience();
        let is_invocations = end.is_some_and(|end| timeout.is_none_or(|timeout| end < timeout));
        let timeout = [timeout, end].into_iter().flatten().min();
        loop {
            let slice = match timeout {
                None => SLICE,
                Some(timeout) => match timeout.checked_sub(start.elapsed()) {
                    Some(left) if !left.is_zero() => left.min(SLICE),
                    _ => return Err(self.timed_out(start.elapsed(), is_invocations)),
                },
            };
            if py.detach(|| self.core.wait(slice))
                && let Some(outcome) = self.core.outcome(|value| value.clone_ref(py))
            {
                return Ok(outcome);
            }
            py.check_signals()?;
            if self.is_orphan(py) {
                self.land(py, Outcome::Abandoned)?;
                return Ok(Outcome::Abandoned);
            }
        }
    }

    fn timed_out(&self, waited: Duration, is_invocations: bool) -> PyErr {
        let waited_ms = u64::try_from(waited.as_millis()).unwrap_or(u64::MAX);
        let name = self.ticket.name.to_string();
        if is_invocations {
            Error::Deadline { name, waited_ms }.into()
        } else {
            Error::Timeout { name, waited_ms }.into()
        }
    }

    /// Cancel the task of an asynchronous load that nobody waits for any more.
    fn cancel(&self, py: Python<'_>) {
        let task = self.task.lock().as_ref().map(|task| task.clone_ref(py));
        let (Some(task), Some(event_loop)) = (task, &self.event_loop) else { return };
        let task = task.bind(py);
        // A closed loop has cancelled its tasks already.
        drop(task.getattr("cancel").and_then(|cancel| {
            event_loop.bind(py).call_method1("call_soon_threadsafe", (cancel,))
        }));
    }
}

#[pymethods]
impl Flight {
    /// Start of a wait on behalf of these loads; raises if it could never end.
    fn begin_wait(&self, loads: Vec<u64>) -> PyResult<()> {
        waits::begin_wait(&Wait::of_task(loads), &self.ticket)?;
        self.core.join();
        Ok(())
    }

    /// End of that wait; a load nobody waits for any more is cancelled.
    fn end_wait(&self, py: Python<'_>, loads: Vec<u64>) {
        waits::end_wait(&Wait::of_task(loads), &self.ticket);
        if self.core.leave() {
            self.cancel(py);
        }
    }

    /// Whether the load is a task of this event loop.
    fn runs_on(&self, event_loop: &Bound<'_, PyAny>) -> bool {
        self.event_loop.as_ref().is_some_and(|own| own.is(event_loop))
    }

    /// The exception of a caller that waited for so many seconds, maybe until its invocation ends.
    #[pyo3(name = "timed_out", signature = (seconds, /, *, is_invocations = false))]
    fn py_timed_out(&self, py: Python<'_>, seconds: f64, is_invocations: bool) -> Py<PyAny> {
        self.timed_out(Duration::try_from_secs_f64(seconds).unwrap_or_default(), is_invocations)
            .into_value(py)
            .into_any()
    }

    /// Have the waker called after the landing; false if the flight has landed.
    fn wake_later(&self, waker: Py<PyAny>) -> bool {
        self.core.wake_later(waker).is_ok()
    }

    /// Whether nobody is left who could land this flight.
    #[pyo3(name = "is_orphan")]
    fn py_is_orphan(&self, py: Python<'_>) -> bool {
        self.is_orphan(py)
    }

    /// Give up on a flight that nobody can land.
    fn abandon(&self, py: Python<'_>) -> PyResult<()> {
        self.land(py, Outcome::Abandoned)
    }

    /// Whether the flight has ended.
    fn has_landed(&self) -> bool {
        self.core.has_landed()
    }

    /// Name the task that runs the load.
    fn run_by(&self, task: Py<PyAny>) {
        self.is_begun.store(true, Relaxed);
        let before = self.task.lock().replace(task);
        drop(before);
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.event_loop)?;
        let mut result = Ok(());
        if let Some(task) = self.task.lock().as_ref() {
            result = visit.call(task);
        }
        self.core.inspect(|value, wakers| {
            for object in value.into_iter().chain(wakers) {
                if result.is_ok() {
                    result = visit.call(object);
                }
            }
        });
        result
    }

    fn __clear__(&self) {
        let task = self.task.lock().take();
        drop(task);
    }
}

/// The asynchronous loads this code runs for: inherited by tasks and by `asyncio.to_thread`.
fn running_loads(py: Python<'_>) -> PyResult<Vec<u64>> {
    // Where no coroutine function was ever decorated the module is not there, and nor are the loads;
    // nor are they while another thread is still importing it.
    let modules = py.import(intern!(py, "sys"))?.getattr(intern!(py, "modules"))?;
    let ask = modules
        .get_item(intern!(py, "coldcache._asyncio"))
        .and_then(|module| module.getattr(intern!(py, "running_loads")));
    match ask {
        Ok(ask) => ask.call0()?.extract(),
        Err(_) => Ok(Vec::new()),
    }
}
