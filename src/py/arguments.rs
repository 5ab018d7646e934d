//! Option values parsed at the border: the rest of the code only sees what can be used.

use std::time::Duration;

use pyo3::prelude::*;
use pyo3::types::{PyBool, PyString, PyTuple};

use super::errors::{invalid, mistyped};
use crate::clock::NANOS_PER_SECOND;
use crate::policy::Policy;

/// The longest duration an option can hold, in seconds: 100 years, well inside an i64 of nanoseconds.
const LONGEST: f64 = 100.0 * 365.25 * 86_400.0;

/// A number of seconds above zero, in nanoseconds; `None` stays `None`.
pub fn seconds(what: &str, given: Option<&Bound<'_, PyAny>>) -> PyResult<Option<u64>> {
    const WANTS: &str = "a positive number of seconds";
    let Some(given) = given else { return Ok(None) };
    let value = number(what, given, WANTS)?;
    if !(value.is_finite() && value > 0.0) {
        return Err(invalid(what, given, WANTS));
    }
    if value > LONGEST {
        return Err(invalid(what, given, "at most 100 years, in seconds (None is for ever)"));
    }
    // At least one nanosecond: what is above zero stays above zero.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked above")]
    Ok(Some(((value * 1e9) as u64).max(1)))
}

pub fn duration(what: &str, given: Option<&Bound<'_, PyAny>>) -> PyResult<Option<Duration>> {
    Ok(seconds(what, given)?.map(Duration::from_nanos))
}

/// A moment on the wall clock in seconds since 1970, in nanoseconds; a datetime will do.
pub fn moment(what: &str, given: &Bound<'_, PyAny>) -> PyResult<u64> {
    const WANTS: &str = "seconds since 1970 or an aware datetime";
    let stamped;
    let number_given = if given.hasattr("timestamp")? {
        if given.getattr("tzinfo")?.is_none() {
            return Err(invalid(what, given, "seconds since 1970 or a datetime with a time zone"));
        }
        stamped = given.call_method0("timestamp")?;
        &stamped
    } else {
        given
    };
    let value = number(what, number_given, WANTS)?;
    #[expect(clippy::cast_precision_loss, reason = "a bound, not a value")]
    let latest = u64::MAX as f64 / 2.0 / NANOS_PER_SECOND as f64;
    if !value.is_finite() || value > latest {
        return Err(invalid(what, given, WANTS));
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked above")]
    Ok((value.max(0.0) * 1e9) as u64)
}

fn number(what: &str, given: &Bound<'_, PyAny>, wants: &str) -> PyResult<f64> {
    if given.is_instance_of::<PyBool>() || given.is_instance_of::<PyString>() {
        return Err(mistyped(what, given, wants));
    }
    given.extract().map_err(|_| mistyped(what, given, wants))
}

/// A whole number from 1 to `most`.
pub fn count(what: &str, given: Option<&Bound<'_, PyAny>>, most: u64) -> PyResult<Option<u64>> {
    const WANTS: &str = "a whole number above zero";
    let Some(given) = given else { return Ok(None) };
    if given.is_instance_of::<PyBool>() {
        return Err(mistyped(what, given, WANTS));
    }
    let value: i128 = given.extract().map_err(|_| mistyped(what, given, WANTS))?;
    match u64::try_from(value) {
        Ok(value) if value > 0 && value <= most => Ok(Some(value)),
        _ => Err(invalid(what, given, WANTS)),
    }
}

pub fn callable(what: &str, given: Option<&Bound<'_, PyAny>>) -> PyResult<Option<Py<PyAny>>> {
    match given {
        Some(given) if !given.is_callable() => Err(mistyped(what, given, "a callable")),
        given => Ok(given.map(|given| given.clone().unbind())),
    }
}

/// A tuple of callables; absent is empty.
pub fn callables(what: &str, given: Option<&Bound<'_, PyAny>>) -> PyResult<Vec<Py<PyAny>>> {
    const WANTS: &str = "a tuple of callables without arguments";
    let Some(given) = given else { return Ok(Vec::new()) };
    let Ok(all) = given.cast::<PyTuple>() else { return Err(mistyped(what, given, WANTS)) };
    let mut callables = Vec::new();
    for one in all.iter() {
        if !one.is_callable() {
            return Err(mistyped(what, &one, WANTS));
        }
        callables.push(one.unbind());
    }
    Ok(callables)
}

/// One of a few words.
pub fn word<T: Copy>(
    what: &str,
    given: Option<&Bound<'_, PyAny>>,
    words: &[(&str, T)],
    wants: &'static str,
    default: T,
) -> PyResult<T> {
    let Some(given) = given else { return Ok(default) };
    let Ok(text) = given.cast::<PyString>() else { return Err(mistyped(what, given, wants)) };
    let text = text.to_cow()?;
    let found = words.iter().find(|(word, _)| *word == text);
    found.map(|(_, value)| *value).ok_or_else(|| invalid(what, given, wants))
}

/// What an event does to the values that were stored before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reaction {
    Keep,
    /// To be loaded anew; until then good for what a stale value is good for.
    Stale,
    Reset,
}

impl Reaction {
    /// Whether nothing has to be done about stored values.
    pub fn is_keep(self) -> bool {
        self == Self::Keep
    }
}

pub fn on_fork(given: Option<&Bound<'_, PyAny>>) -> PyResult<Reaction> {
    let words = [("keep", Reaction::Keep), ("reset", Reaction::Reset)];
    word("on_fork", given, &words, "'keep' or 'reset'", Reaction::Keep)
}

pub fn on_restore(given: Option<&Bound<'_, PyAny>>, default: Reaction) -> PyResult<Reaction> {
    let words = [("keep", Reaction::Keep), ("stale", Reaction::Stale), ("reset", Reaction::Reset)];
    word("on_restore", given, &words, "'keep', 'stale' or 'reset'", default)
}

pub fn policy(given: Option<&Bound<'_, PyAny>>) -> PyResult<Policy> {
    let words = [("lru", Policy::Lru), ("tiny_lfu", Policy::TinyLfu)];
    word("policy", given, &words, "'lru' or 'tiny_lfu'", Policy::Lru)
}
