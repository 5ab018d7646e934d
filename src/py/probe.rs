//! The probe as Python sees it: start, stop, report. Its thread never meets the interpreter.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use parking_lot::Mutex;
use pyo3::exceptions::{PyOSError, PyValueError};
use pyo3::prelude::*;

use crate::probe::board::MOST_WORKERS;
use crate::probe::roll::Roll;
use crate::probe::server::{Server, Serving};

#[derive(Debug)]
enum Phase {
    Serving(Serving),
    /// Around a fork: the thread has ended, the port is still open.
    Paused(Server),
}

/// A port that answers whether this process, or its workers, are ready.
#[pyclass(frozen, immutable_type, module = "coldcache._core", name = "_Probe")]
pub struct Probe {
    roll: Arc<Roll>,
    address: SocketAddr,
    phase: Mutex<Option<Phase>>,
}

impl Probe {
    /// End the thread; it needs nothing of the interpreter, so it is waited for with the GIL.
    fn halt(&self) -> PyResult<Option<Server>> {
        let phase = self.phase.lock().take();
        match phase {
            Some(Phase::Serving(serving)) => Ok(Some(serving.stop()?)),
            Some(Phase::Paused(server)) => Ok(Some(server)),
            None => Ok(None),
        }
    }

    fn serve(&self, py: Python<'_>, server: Server) -> PyResult<()> {
        let signal = py.import("_signal")?;
        let set_mask = signal.getattr("pthread_sigmask")?;
        // Signals are for Python's threads; the kernel gives one to any thread that lets it come.
        let all = signal.call_method0("valid_signals")?;
        let old = set_mask.call1((signal.getattr("SIG_BLOCK")?, all))?;
        let started = server.start();
        let restored = set_mask.call1((signal.getattr("SIG_SETMASK")?, old));
        *self.phase.lock() = Some(Phase::Serving(started?));
        restored.map(drop) // an error is what a handler raised
    }
}

#[pymethods]
impl Probe {
    #[new]
    fn new(py: Python<'_>, host: &str, port: u16) -> PyResult<Self> {
        let host: IpAddr = host.parse().map_err(|_| {
            PyValueError::new_err(format!("host must be an IP address, got {host:?}"))
        })?;
        let roll = Arc::new(Roll::new()?);
        let server = Server::bind((host, port).into(), Arc::clone(&roll)).map_err(|error| {
            // PyO3's own would have no errno.
            PyOSError::new_err((error.raw_os_error(), error.to_string()))
        })?;
        let probe = Self { roll, address: server.address()?, phase: Mutex::new(None) };
        probe.serve(py, server)?;
        Ok(probe)
    }

    #[getter]
    fn address(&self) -> (String, u16) {
        (self.address.ip().to_string(), self.address.port())
    }

    /// Close the port.
    fn stop(&self) -> PyResult<()> {
        self.halt().map(drop)
    }

    fn is_serving(&self) -> bool {
        self.phase.lock().is_some()
    }

    /// What the answer says from now on, for this process; whether it has a place to say so.
    fn report(&self, is_ready: bool, body: &[u8]) -> PyResult<bool> {
        Ok(self.roll.report(is_ready, body)?)
    }

    fn put_timeline(&self, timeline: &[u8]) -> PyResult<()> {
        Ok(self.roll.put_timeline(timeline)?)
    }

    fn require(&self, workers: usize) {
        self.roll.require(workers);
    }

    fn adopt(&self, number: usize) {
        self.roll.adopt(number);
    }

    fn forget(&self, number: usize) -> PyResult<()> {
        Ok(self.roll.forget(number)?)
    }

    /// Before a fork: a process with one thread is copied, and nothing of it is in use.
    fn pause(&self) -> PyResult<()> {
        let server = self.halt()?;
        *self.phase.lock() = server.map(Phase::Paused);
        Ok(())
    }

    /// After it, in the parent.
    fn resume(&self, py: Python<'_>) -> PyResult<()> {
        match self.halt()? {
            Some(server) => self.serve(py, server),
            None => Ok(()),
        }
    }

    #[classattr]
    #[pyo3(name = "MOST_WORKERS")]
    const WORKERS: usize = MOST_WORKERS;

    fn __repr__(&self) -> String {
        format!("<coldcache probe on {}>", self.address)
    }
}
