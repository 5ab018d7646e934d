//! The options of `cached` and `Cache`: from keyword arguments to [`Options`].

use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString, PyTuple};

use super::arguments::{self, Reaction};
use super::cached::CachedFunction;
use super::decorator::{Decorator, Kind};
use super::errors::{invalid, mistyped};
use super::function::Target;
use super::keywords::Keywords;
use super::options::{Backoff, Options};
use crate::clock::NANOS_PER_SECOND;
use crate::lifetime::Limits;

/// Entries kept where the user names no bound.
const MAX_ENTRIES: u64 = 1024;
/// Cap of the memory of failures where the user names none, unless the first step is longer.
const ERROR_CAP: u64 = 60 * NANOS_PER_SECOND;

/// Check everything that can be checked before the function is known.
pub fn parse(py: Python<'_>, given: &Keywords<'_>, name: &str) -> PyResult<Options> {
    let (ttl, ttl_of) = match given.get("ttl")? {
        Some(ttl) if ttl.is_callable() => (None, Some(ttl.unbind())),
        ttl => (arguments::seconds("ttl", ttl.as_ref())?, None),
    };
    let expires_at = given.callable("expires_at")?;
    let limits = Limits {
        ttl,
        stale: given.seconds("stale")?.unwrap_or(0),
        stale_if_error: given.seconds("stale_if_error")?.unwrap_or(0),
        refresh_ahead: given.seconds("refresh_ahead")?.unwrap_or(0),
    };
    let jitter = given.seconds("jitter")?.unwrap_or(0);
    if ttl.is_none() && ttl_of.is_none() {
        for (option, value) in [
            ("stale", limits.stale),
            ("stale_if_error", limits.stale_if_error),
            ("refresh_ahead", limits.refresh_ahead),
            ("jitter", jitter),
        ] {
            // The windows follow or precede an end; without one they would never open.
            if value > 0 && (expires_at.is_none() || option == "jitter") {
                return Err(PyValueError::new_err(format!(
                    "{option} needs an end to count from: pass ttl= as well"
                )));
            }
        }
    }
    if let Some(ttl) = ttl {
        for (option, value) in [("refresh_ahead", limits.refresh_ahead), ("jitter", jitter)] {
            if value >= ttl && value > 0 {
                return Err(PyValueError::new_err(format!("{option} must be shorter than ttl")));
            }
        }
    }
    let weigher = given.callable("weigher")?;
    let max_weight = given.get("max_weight")?;
    let max_weight = arguments::count("max_weight", max_weight.as_ref(), u64::MAX >> 1)?;
    if weigher.is_some() != max_weight.is_some() {
        return Err(PyTypeError::new_err(
            "max_weight= and weigher= go together: the weigher says what a value weighs",
        ));
    }
    let max_entries = match given.0.get_item("max_entries")? {
        None => Some(MAX_ENTRIES),
        Some(none) if none.is_none() => None,
        Some(most) => arguments::count("max_entries", Some(&most), u64::MAX >> 1)?,
    };
    Ok(Options {
        name: name.into(),
        limits,
        ttl_of,
        expires_at,
        jitter,
        error_ttl: error_ttl(given.get("error_ttl")?.as_ref())?,
        max_entries,
        max_weight,
        weigher,
        policy: arguments::policy(given.get("policy")?.as_ref())?,
        key: given.callable("key")?,
        typed: given.get("typed")?.map_or(Ok(true), |typed| typed.is_truthy())?,
        vary: arguments::callables("vary", given.get("vary")?.as_ref())?,
        copy: copy(py, given.get("copy")?.as_ref())?,
        fallback: given.0.get_item("fallback")?.map(Bound::unbind),
        timeout: arguments::duration("timeout", given.get("timeout")?.as_ref())?,
        on_fork: arguments::on_fork(given.get("on_fork")?.as_ref())?,
        on_restore: arguments::on_restore(given.get("on_restore")?.as_ref(), Reaction::Stale)?,
        listener: given.callable("listener")?,
        after: Vec::new(),
        flag: None,
        takes_no_arguments: false,
        recorded_as: None,
        is_async: false,
        parameters: shown(py, given, max_entries)?,
    })
}

/// What `cache_parameters()` shows: `functools`' two names, then ours as given.
fn shown(py: Python<'_>, given: &Keywords<'_>, max_entries: Option<u64>) -> PyResult<Py<PyAny>> {
    let shown = PyDict::new(py);
    shown.set_item("maxsize", max_entries)?;
    let typed = given.get("typed")?.map_or(Ok(true), |typed| typed.is_truthy())?;
    shown.set_item("typed", typed)?;
    for (name, value) in given.0.iter() {
        let name = name.cast_into::<PyString>()?;
        if name != "typed" {
            shown.set_item(name, value)?;
        }
    }
    Ok(shown.into_any().unbind())
}

/// Seconds, or a pair of them: how long the first failure is remembered, and the longest memory.
fn error_ttl(given: Option<&Bound<'_, PyAny>>) -> PyResult<Option<Backoff>> {
    const WANTS: &str = "a number of seconds, or a pair (first, longest) of them";
    let Some(given) = given else { return Ok(None) };
    let Ok(pair) = given.cast::<PyTuple>() else {
        let first = arguments::seconds("error_ttl", Some(given))?;
        return Ok(first.map(|first| Backoff { first, cap: first.max(ERROR_CAP) }));
    };
    if pair.len() != 2 {
        return Err(invalid("error_ttl", given, WANTS));
    }
    let first = arguments::seconds("error_ttl", Some(&pair.get_item(0)?))?;
    let cap = arguments::seconds("error_ttl", Some(&pair.get_item(1)?))?;
    match (first, cap) {
        (Some(first), Some(cap)) if first <= cap => Ok(Some(Backoff { first, cap })),
        _ => Err(invalid("error_ttl", given, WANTS)),
    }
}

fn copy(py: Python<'_>, given: Option<&Bound<'_, PyAny>>) -> PyResult<Option<Py<PyAny>>> {
    const WANTS: &str = "None, 'shallow', 'deep' or a callable";
    let Some(given) = given else { return Ok(None) };
    if given.is_callable() {
        return Ok(Some(given.clone().unbind()));
    }
    let Ok(word) = given.cast::<PyString>() else { return Err(mistyped("copy", given, WANTS)) };
    let function = match word.to_cow()?.as_ref() {
        "shallow" => "copy",
        "deep" => "deepcopy",
        _ => return Err(invalid("copy", given, WANTS)),
    };
    Ok(Some(py.import("copy")?.getattr(function)?.unbind()))
}

/// Keep a function's results, each for its time.
#[pyfunction]
#[pyo3(signature = (function = None, /, **options), text_signature = "(function=None, /, *, \
    ttl=None, stale=None, stale_if_error=None, error_ttl=None, refresh_ahead=None, jitter=None, \
    max_entries=1024, max_weight=None, weigher=None, policy='lru', key=None, typed=True, vary=(), \
    copy=None, fallback=..., timeout=None, expires_at=None, on_fork='keep', on_restore='stale', \
    listener=None, name=None)")]
pub fn cached<'py>(
    py: Python<'py>,
    function: Option<Bound<'py, PyAny>>,
    options: Option<Bound<'py, PyDict>>,
) -> PyResult<Bound<'py, PyAny>> {
    let given = Keywords::parse(py, "cached", &NAMES, options)?;
    given.name()?;
    parse(py, &given, "")?; // a wrong option is an error here, not when the function comes
    Decorator::apply(function, Kind::Cached, given.0)
}

/// Put the decorator with these options on a function.
pub fn wrap<'py>(
    function: &Bound<'py, PyAny>,
    options: &Bound<'py, PyDict>,
) -> PyResult<Bound<'py, PyAny>> {
    let py = function.py();
    let given = Keywords(options.clone());
    let target = Target::of("cached", function)?;
    let name = given.name()?.unwrap_or_else(|| target.name.clone());
    let mut options = parse(py, &given, &name)?;
    options.is_async = target.is_async;
    CachedFunction::wrap(py, &target, options)
}

/// The options of `cached`; `Cache` takes most of them.
pub const NAMES: [&str; 21] = [
    "ttl",
    "stale",
    "stale_if_error",
    "error_ttl",
    "refresh_ahead",
    "jitter",
    "max_entries",
    "max_weight",
    "weigher",
    "policy",
    "key",
    "typed",
    "vary",
    "copy",
    "fallback",
    "timeout",
    "expires_at",
    "on_fork",
    "on_restore",
    "listener",
    "name",
];
