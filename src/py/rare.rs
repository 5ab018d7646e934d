//! Classes that not every start uses: each is put together when it is first asked for.
//!
//! A class costs some ten microseconds to make, and importing the module is part of every cold start.

use pyo3::exceptions::PyAttributeError;
use pyo3::prelude::*;
use pyo3::types::PyType;

use super::asynchronous::AsyncLoad;
use super::background::Refresh;
use super::flight::Flight;
use super::instances::InstanceState;
use super::lazy_proxy::Lazy;
use super::lease::{Lease, Shared};
use super::made::Made;
use super::plan::ImportPlan;
use super::probe::Probe;
use super::roster::Roster;
use super::seat::Seat;
use super::timeline::OpenStep;
use super::tracer::ImportTracer;

/// A class of this module by its name, once and for all (PEP 562).
#[pyfunction]
pub fn __getattr__<'py>(py: Python<'py>, name: &str) -> PyResult<Bound<'py, PyType>> {
    let class = match name {
        "AsyncLoad" => py.get_type::<AsyncLoad>(),
        "Flight" => py.get_type::<Flight>(),
        "ImportPlan" => py.get_type::<ImportPlan>(),
        "ImportTracer" => py.get_type::<ImportTracer>(),
        "LazyModule" => py.get_type::<Lazy>(),
        "Lease" => py.get_type::<Lease>(),
        "Made" => py.get_type::<Made>(),
        "Refresh" => py.get_type::<Refresh>(),
        "Roster" => py.get_type::<Roster>(),
        "Seat" => py.get_type::<Seat>(),
        "Shared" => py.get_type::<Shared>(),
        "_Probe" => py.get_type::<Probe>(),
        "_OpenStep" => py.get_type::<OpenStep>(),
        "_InstanceState" => py.get_type::<InstanceState>(),
        _ => {
            let message = format!("module 'coldcache._core' has no attribute '{name}'");
            return Err(PyAttributeError::new_err(message));
        }
    };
    py.import("coldcache._core")?.setattr(name, &class)?;
    Ok(class)
}
