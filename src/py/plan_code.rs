//! Code objects as the plan's engine needs them: read once, kept while their module is being executed.

use std::ops::Range;
use std::sync::Arc;

use parking_lot::Mutex;
use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyBytes, PyDict, PyString, PyTuple};

use super::lazy_caller::Caller;
use crate::imports::bytecode::{self, Opcodes, Statement, Write};
use crate::imports::digest::Digest;
use crate::imports::guards;

/// How deep imports are nested where every level asks for its code more than once.
const KEPT: usize = 16;

/// The instructions of this interpreter, if they are known.
pub fn opcodes(py: Python<'_>) -> Option<Opcodes> {
    static OPCODES: PyOnceLock<Option<Opcodes>> = PyOnceLock::new();
    *OPCODES.get_or_init(py, || Opcodes::of(py.version_info().minor))
}

pub struct Code {
    bytes: Py<PyBytes>,
    names: Py<PyTuple>,
    guarded: Vec<Range<usize>>,
}

impl Code {
    fn read(code: &Bound<'_, PyAny>) -> PyResult<Self> {
        let py = code.py();
        let bytes = code.getattr(intern!(py, "co_code"))?.cast_into::<PyBytes>()?;
        let guarded = match code.getattr_opt(intern!(py, "co_exceptiontable"))? {
            Some(table) => guards::from_table(table.cast::<PyBytes>()?.as_bytes()),
            None => guards::from_blocks(bytes.as_bytes()),
        };
        let names = code.getattr(intern!(py, "co_names"))?.cast_into::<PyTuple>()?;
        Ok(Self { bytes: bytes.unbind(), names: names.unbind(), guarded })
    }

    pub fn is_guarded(&self, offset: usize) -> bool {
        self.guarded.iter().any(|range| range.contains(&offset))
    }

    pub fn statement(&self, py: Python<'_>, offset: usize, ops: Opcodes) -> Option<Statement> {
        bytecode::statement_at(self.bytes.as_bytes(py), offset, ops)
    }

    pub fn name<'py>(&self, py: Python<'py>, place: usize) -> PyResult<Bound<'py, PyString>> {
        Ok(self.names.bind(py).get_item(place)?.cast_into::<PyString>()?)
    }
}

/// The code objects that were asked for last.
#[derive(Default)]
pub struct Codes(Mutex<Vec<(Py<PyAny>, Arc<Code>)>>);

impl Codes {
    pub fn of(&self, code: &Bound<'_, PyAny>) -> PyResult<Arc<Code>> {
        {
            let kept = self.0.lock();
            if let Some((_, facts)) = kept.iter().find(|(known, _)| known.is(code)) {
                return Ok(Arc::clone(facts));
            }
        }
        let facts = Arc::new(Code::read(code)?);
        let dropped = {
            let mut kept = self.0.lock();
            kept.insert(0, (code.clone().unbind(), Arc::clone(&facts)));
            let end = KEPT.min(kept.len());
            kept.split_off(end)
        };
        drop(dropped); // not under the lock
        Ok(facts)
    }

    pub fn traverse(&self, visit: &PyVisit<'_>) -> Result<(), PyTraverseError> {
        for (code, facts) in self.0.lock().iter() {
            visit.call(code)?;
            visit.call(&facts.names)?;
        }
        Ok(())
    }

    pub fn clear(&self) {
        let dropped = std::mem::take(&mut *self.0.lock());
        drop(dropped);
    }
}

/// A number for the bytecode of a module: another one after its imports were edited.
#[pyfunction]
pub fn fingerprint(code: &Bound<'_, PyAny>) -> PyResult<u64> {
    let py = code.py();
    let mut digest = Digest::default();
    let bytes = code.getattr(intern!(py, "co_code"))?;
    digest.add(bytes.cast::<PyBytes>()?.as_bytes());
    for name in code.getattr(intern!(py, "co_names"))?.cast::<PyTuple>()? {
        digest.add(name.cast::<PyString>()?.to_cow()?.as_bytes());
        digest.add(b"\0");
    }
    Ok(digest.value())
}

/// A number for some bytes, the same everywhere. For `coldcache._lock` alone.
#[pyfunction]
pub fn _digest(data: &[u8]) -> u64 {
    let mut digest = Digest::default();
    digest.add(data);
    digest.value()
}

/// What the running Python code does with a name of a dict.
pub enum Here {
    Read,
    Store,
    Delete,
}

/// Whether the current instruction writes `name` to `owner`, the globals of a module: a dict cannot tell
/// a store from a look-up. What a call does, `setattr` for example, is not seen: it counts as reading.
pub fn here(owner: &Bound<'_, PyDict>, name: &Bound<'_, PyString>) -> PyResult<Here> {
    let py = owner.py();
    let (Some(ops), Some(caller)) = (opcodes(py), Caller::current(py)?) else {
        return Ok(Here::Read);
    };
    let code = caller.code()?;
    let bytes = code.getattr(intern!(py, "co_code"))?.cast_into::<PyBytes>()?;
    let at = caller.offset()?;
    let Some(write) = bytecode::write_at(bytes.as_bytes(), at, ops) else { return Ok(Here::Read) };
    let names = code.getattr(intern!(py, "co_names"))?.cast_into::<PyTuple>()?;
    let is_name = |place: usize| names.get_item(place).is_ok_and(|it| it.eq(name).unwrap_or(false));
    let is_global = || caller.globals.is(owner);
    Ok(match write {
        Write::Store(place) if is_global() && is_name(place) => Here::Store,
        Write::Delete(place) if is_global() && is_name(place) => Here::Delete,
        Write::StoreAttr(place) if is_name(place) => Here::Store,
        Write::DeleteAttr(place) if is_name(place) => Here::Delete,
        Write::StoreItem => Here::Store,
        Write::DeleteItem => Here::Delete,
        _ => Here::Read,
    })
}
