//! The few lines coldcache logs itself. `logging` is imported when there is something to say.

use std::sync::{Arc, LazyLock};

use ahash::RandomState;

use parking_lot::Mutex;
use pyo3::prelude::*;

type Said = std::collections::HashSet<(&'static str, Arc<str>), RandomState>;

/// What was said about whom. One line for each is enough: the counters tell how often.
static SAID: LazyLock<Mutex<Said>> = LazyLock::new(Mutex::default);

/// A load failed and an old value was served. Names the function and the type of the error only:
/// messages and arguments may hold secrets.
pub fn served_stale(py: Python<'_>, name: &Arc<str>, error: &PyErr) {
    let kind = super::errors::type_name(error.value(py).as_any());
    warn_once(
        py,
        "served stale",
        name,
        "load of %s failed (%s): serving the old value; said once, counted in stats()",
        &kind,
    );
}

/// A refresh beside the calls failed.
pub fn refresh_failed(py: Python<'_>, name: &Arc<str>, kind: &str) {
    warn_once(
        py,
        "refresh failed",
        name,
        "refresh of %s failed (%s); said once, counted in stats()",
        kind,
    );
}

/// A plan of deferred imports is not applied. For `coldcache.auto` as well.
#[pyfunction(name = "_stays_eager")]
pub fn stays_eager(py: Python<'_>, reason: &str) {
    warn_once(py, "stays eager", &Arc::from("imports"), "%s stay eager: %s", reason);
}

/// Say something each time. For the Python side.
#[pyfunction(name = "_log_warning")]
pub fn warn(py: Python<'_>, text: &str) -> PyResult<()> {
    let logger = py.import("logging")?.call_method1("getLogger", ("coldcache",))?;
    logger.call_method1("warning", ("%s", text)).map(drop)
}

/// A module is not the one that a plan was made for.
pub fn module_changed(py: Python<'_>, module: &str) {
    let message = "imports of %s stay eager: %s; said for the first such module";
    let reason = "it has changed since the plan was made (run coldcache optimize again)";
    if SAID.lock().insert(("module changed", Arc::from(""))) {
        warn_once(py, "module changed", &Arc::from(module), message, reason);
    }
}

fn warn_once(
    py: Python<'_>,
    what: &'static str,
    name: &Arc<str>,
    message: &'static str,
    kind: &str,
) {
    if !SAID.lock().insert((what, name.clone())) {
        return;
    }
    let warned = py.import("logging").and_then(|logging| {
        let logger = logging.call_method1("getLogger", ("coldcache",))?;
        logger.call_method1("warning", (message, &**name, kind))
    });
    if let Err(error) = warned {
        error.write_unraisable(py, None);
    }
}
