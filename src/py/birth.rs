//! From a value to its entry: what it weighs, when it ends, under which id the bound knows it.

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use rustix::rand::{GetRandomFlags, getrandom};

use super::arguments;
use super::entry::Entry;
use super::errors::mistyped;
use super::flight::Flight;
use super::table::Table;
use crate::clock::{self, Stamp};
use crate::epoch;
use crate::lifetime::Life;

/// When the life of a value began. To be taken before anything of the user's looks at the value.
#[derive(Debug, Clone, Copy)]
pub struct Birth {
    pub stamp: Stamp,
    /// Epoch in which the load began: what happens during a load concerns its result.
    pub epoch: u32,
}

impl Birth {
    pub fn now() -> Self {
        Self { stamp: clock::now(), epoch: epoch::current() }
    }

    /// At the end of this load; at its beginning if it slept with the sandbox, as then nobody knows
    /// how old its answer is.
    pub fn at_end_of(flight: &Flight) -> Self {
        let now = clock::now();
        let stamp = if now.thawed_since(flight.started) { flight.started } else { now };
        Self { stamp, epoch: flight.epoch }
    }
}

impl Table {
    /// An entry for a value that was loaded just now.
    pub fn new_entry<'py>(
        &self,
        key: &Bound<'py, PyAny>,
        value: Bound<'py, PyAny>,
        birth: Birth,
    ) -> PyResult<Bound<'py, Entry>> {
        let ttl = self.ttl_of(&value)?;
        self.new_entry_with_ttl(key, value, ttl, birth)
    }

    pub fn new_entry_with_ttl<'py>(
        &self,
        key: &Bound<'py, PyAny>,
        value: Bound<'py, PyAny>,
        ttl: Option<u64>,
        birth: Birth,
    ) -> PyResult<Bound<'py, Entry>> {
        let py = value.py();
        let options = self.options.get();
        let ends_at = match &options.expires_at {
            None => None,
            Some(expires_at) => match expires_at.bind(py).call1((&value,))? {
                at if at.is_none() => None,
                at => Some(arguments::moment("the result of expires_at", &at)?),
            },
        };
        let weight = self.weigh(&value)?;
        let life = Life { born: birth.stamp, ttl, ends_at };
        let id = self.next_id(key)?;
        Bound::new(
            py,
            Entry::new(
                key.clone().unbind(),
                value.unbind(),
                life,
                weight,
                birth.epoch,
                id,
                options,
            )?,
        )
    }

    fn ttl_of(&self, value: &Bound<'_, PyAny>) -> PyResult<Option<u64>> {
        let options = self.options.get();
        match &options.ttl_of {
            None => Ok(options.limits.ttl),
            Some(ttl_of) => match ttl_of.bind(value.py()).call1((value,))? {
                ttl if ttl.is_none() => Ok(None),
                ttl => arguments::seconds("the result of ttl", Some(&ttl)),
            },
        }
    }

    fn weigh(&self, value: &Bound<'_, PyAny>) -> PyResult<u32> {
        const WANTS: &str = "a whole number from 0 to 4294967295";
        let Some(weigher) = &self.options.get().weigher else { return Ok(1) };
        let weight = weigher.bind(value.py()).call1((value,))?;
        let Ok(number) = weight.extract::<i128>() else {
            return Err(mistyped("the result of weigher", &weight, WANTS));
        };
        u32::try_from(number).map_err(|_| {
            PyValueError::new_err(format!("the result of weigher must be {WANTS}, got {number}"))
        })
    }
}

/// From the kernel each time, so that clones of one snapshot do not draw the same numbers.
pub fn random() -> std::io::Result<u64> {
    let mut bytes = [0_u8; 8];
    getrandom(&mut bytes[..], GetRandomFlags::empty())?;
    Ok(u64::from_ne_bytes(bytes))
}
