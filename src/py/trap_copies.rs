//! Copies of a module's globals, which `doctest`, `runpy` or `exec(code, dict(globals()))` make: deferred
//! names are in them under the same keys, and get the real object when the original does.

use pyo3::intern;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::PyDict;

use super::trap_key::Quiet;

/// References to a key that is looked up in the one dict it is in: that dict's and the look-up's.
const USUAL: usize = 2;

/// Whether somebody else may hold the key, which as many `others` are looking up at this moment.
pub fn may_exist(key: &Bound<'_, PyAny>, others: usize) -> PyResult<bool> {
    let (count, _) = lookups(key.py())?;
    Ok(count.bind(key.py()).call1((key,))?.extract::<usize>()? > USUAL + others)
}

/// Put the real object into the copies as well. Asks the collector, which looks at every object.
pub fn update(
    owner: &Bound<'_, PyDict>,
    key: &Bound<'_, PyAny>,
    value: &Bound<'_, PyAny>,
) -> PyResult<()> {
    let (_, referrers) = lookups(key.py())?;
    for holder in referrers.bind(key.py()).call1((key,))?.try_iter()? {
        if let Ok(copy) = holder?.cast_into_exact::<PyDict>()
            && !copy.is(owner)
        {
            let _quiet = Quiet::new();
            if copy.contains(key)? {
                copy.set_item(key, value)?;
            }
        }
    }
    Ok(())
}

/// `sys.getrefcount` and `gc.get_referrers`, looked up before imports come through the hook.
pub fn lookups(py: Python<'_>) -> PyResult<&(Py<PyAny>, Py<PyAny>)> {
    static LOOKUPS: PyOnceLock<(Py<PyAny>, Py<PyAny>)> = PyOnceLock::new();
    LOOKUPS.get_or_try_init(py, || {
        let count = py.import("sys")?.getattr(intern!(py, "getrefcount"))?;
        let referrers = py.import("gc")?.getattr(intern!(py, "get_referrers"))?;
        Ok((count.unbind(), referrers.unbind()))
    })
}
