//! The one way in for calls: CPython's vectorcall protocol, and the only `unsafe` of the crate.
//!
//! PyO3 gives a class `tp_call`, which packs the arguments of every call into a tuple and a dict.
//! The vectorcall protocol (PEP 590) hands them over where they lie. A class opts in by keeping a
//! function pointer in each instance and telling the type where; both are done here, once, when the
//! module is loaded, and checked. With `COLDCACHE_PLAIN_CALL=1` in the environment nothing is
//! installed and every call takes `tp_call`: same behaviour, slower (the test suite runs both ways).
#![allow(unsafe_code)]

use std::cell::UnsafeCell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr::null_mut;
use std::slice;
use std::sync::atomic::{AtomicPtr, Ordering::Relaxed};

use pyo3::exceptions::{PyRuntimeError, PySystemError};
use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::prelude::*;
use pyo3::pyclass::boolean_struct::True;
use pyo3::types::{PyBytes, PyDict, PyInt, PyString, PyTuple};
use pyo3::{PyClass, ffi};

use super::entry::Entry;
use super::table::Table;

/// Where an instance keeps its entry point; CPython reads it through `tp_vectorcall_offset`.
///
/// All zeros is a valid value, and what a class with a `__dict__` shows to a garbage collection that
/// comes while CPython makes that dict: the object is tracked by then, but not yet filled in.
#[repr(transparent)]
pub struct EntryPoint(Option<ffi::vectorcallfunc>);

impl EntryPoint {
    pub fn of<T: Called>() -> Self {
        Self(Some(enter::<T>))
    }

    /// Whether the instance around it is filled in; if not, nothing else in it may be touched.
    pub fn is_set(&self) -> bool {
        self.0.is_some()
    }
}

/// A class whose instances are called through the vectorcall protocol.
pub trait Called: PyClass<Frozen = True> + Sync {
    fn entry_point(&self) -> &EntryPoint;

    /// The answer to a call with these positional arguments, if it is at hand.
    ///
    /// May compare keys, which may run Python code, but must not drop a `Py` nor detach: PyO3 is not
    /// told that the thread is attached, which is what makes this way in cheap.
    fn hit<'py>(
        &self,
        py: Python<'py>,
        args: &[Borrowed<'_, 'py, PyAny>],
    ) -> PyResult<Option<Bound<'py, PyAny>>>;

    /// The same as `tp_call`.
    fn call<'py>(
        slf: &Bound<'py, Self>,
        args: &Bound<'py, PyTuple>,
        kwargs: Option<&Bound<'py, PyDict>>,
    ) -> PyResult<Bound<'py, PyAny>>;
}

/// The answer to a call with these positional arguments, if their key is a simple one (`key.rs`) and
/// the value under it can be served without another question.
#[inline]
pub fn look_up<'py>(
    table: &Table,
    py: Python<'py>,
    args: &[Borrowed<'_, 'py, PyAny>],
) -> PyResult<Option<Bound<'py, PyAny>>> {
    match args {
        [] => Ok(table.nullary.entry(py).and_then(|entry| serve(table, py, entry))),
        [only]
            if only.is_exact_instance_of::<PyString>() || only.is_exact_instance_of::<PyInt>() =>
        {
            look_under(table, py, *only)
        }
        several if several.iter().all(|argument| is_plain(*argument)) => {
            let length = several.len().cast_signed();
            // SAFETY: a new tuple has exactly as many free places as are filled here, each with a
            // reference of its own, before anybody else can see the tuple; a null is an exception.
            let key = unsafe {
                let tuple = ffi::PyTuple_New(length);
                if tuple.is_null() {
                    return Err(PyErr::fetch(py));
                }
                for (at, argument) in several.iter().enumerate() {
                    ffi::Py_INCREF(argument.as_ptr());
                    ffi::PyTuple_SET_ITEM(tuple, at.cast_signed(), argument.as_ptr());
                }
                Bound::from_owned_ptr(py, tuple)
            };
            look_under(table, py, key.as_borrowed())
        }
        _ => Ok(None),
    }
}

/// The value under this key, if it can be served without another question.
#[inline]
pub fn look_under<'py>(
    table: &Table,
    py: Python<'py>,
    key: Borrowed<'_, 'py, PyAny>,
) -> PyResult<Option<Bound<'py, PyAny>>> {
    // SAFETY: both are live objects and the first is a dict; the result is borrowed from the dict.
    let found = unsafe { ffi::PyDict_GetItemWithError(table.entries.as_ptr(), key.as_ptr()) };
    if found.is_null() {
        return PyErr::take(py).map_or(Ok(None), Err);
    }
    // SAFETY: `found` was in the dict when the look-up returned, and no Python code runs on this
    // thread from there to the end of this function, nor on another while this one is attached.
    if unsafe { ffi::Py_TYPE(found) } != ENTRY_CLASS.load(Relaxed) {
        return Ok(None); // cannot be: the dict is private; but a debugger may get at it
    }
    // SAFETY: its type was just compared; see above for how long it lives.
    let entry = unsafe { Borrowed::from_ptr(py, found).cast_unchecked::<Entry>() };
    Ok(serve(table, py, entry.get()))
}

/// The value of this entry, counted as a hit, unless the entry needs judging. Runs no Python code.
#[inline]
fn serve<'py>(table: &Table, py: Python<'py>, entry: &Entry) -> Option<Bound<'py, PyAny>> {
    if !entry.is_plainly_fresh() {
        return None;
    }
    table.count_hit(entry);
    Some(entry.value.bind(py).clone())
}

/// The entry of a call without arguments, beside the dict it is in: a look-up without a look-up.
///
/// Only touched by threads attached to the interpreter. The module asks for the GIL (`mod.rs`), so
/// one such thread at a time is at work, and nothing here lets go of the interpreter in between.
#[derive(Default)]
pub struct Slot(UnsafeCell<Option<Py<Entry>>>);

// SAFETY: every access is made by the one thread that holds the GIL; see above.
unsafe impl Sync for Slot {}

impl Slot {
    /// The entry; to be used before any Python code runs, as that may replace it.
    #[inline]
    fn entry<'a>(&'a self, _py: Python<'a>) -> Option<&'a Entry> {
        // SAFETY: attached, and no caller runs Python code while the reference lives.
        unsafe { (*self.0.get()).as_ref() }.map(Py::get)
    }

    pub fn set(&self, _py: Python<'_>, entry: Option<Py<Entry>>) {
        // SAFETY: attached; the swap is plain moves and no reference into the slot is alive: `entry`
        // hands out none that outlives its caller's next Python code, and this is such code.
        let before = unsafe { std::mem::replace(&mut *self.0.get(), entry) };
        drop(before); // only now: it may run a destructor that comes back here
    }

    pub fn traverse(&self, visit: &PyVisit<'_>) -> Result<(), PyTraverseError> {
        // SAFETY: a collection runs attached, and a visit only counts references.
        match unsafe { (*self.0.get()).as_ref() } {
            Some(entry) => visit.call(entry),
            None => Ok(()),
        }
    }
}

/// Whether values of this exact type equal only values of the same type.
#[inline]
pub fn is_plain(argument: Borrowed<'_, '_, PyAny>) -> bool {
    argument.is_exact_instance_of::<PyString>()
        || argument.is_exact_instance_of::<PyInt>()
        || argument.is_none()
        || argument.is_exact_instance_of::<PyBytes>()
}

/// The class of `Entry`, so that a hit need not ask PyO3 for it.
static ENTRY_CLASS: AtomicPtr<ffi::PyTypeObject> = AtomicPtr::new(null_mut());

/// To be called when the module is loaded, before anything else here.
pub fn prepare(py: Python<'_>) {
    ENTRY_CLASS.store(py.get_type::<Entry>().as_type_ptr(), Relaxed);
}

/// Make `T` callable through the vectorcall protocol; any instance will do as the probe.
pub fn install<T: Called>(probe: &Bound<'_, T>) -> PyResult<()> {
    let py = probe.py();
    let object = probe.as_ptr().cast::<u8>();
    let field = std::ptr::from_ref(probe.get().entry_point()).cast::<u8>();
    let offset = (field as usize).wrapping_sub(object as usize);
    let class = T::type_object(py);
    let class = class.as_ptr().cast::<ffi::PyTypeObject>();
    // SAFETY: `class` is the heap type PyO3 made for `T` and is alive as long as the process. This
    // runs while the module is being loaded, attached, before any other code can see the type: no
    // instance is being called and no subclass exists that would have inherited the slots.
    unsafe {
        let size = usize::try_from((*class).tp_basicsize).unwrap_or(0);
        let fits = offset >= size_of::<ffi::PyObject>()
            && offset + size_of::<EntryPoint>() <= size
            && offset.is_multiple_of(align_of::<EntryPoint>());
        if !fits || (*class).tp_vectorcall_offset != 0 || (*class).tp_call.is_none() {
            return Err(PySystemError::new_err(
                "the layout of a callable class is not as expected",
            ));
        }
        // Every instance has the same layout, so the offset seen in the probe holds for all.
        (*class).tp_vectorcall_offset = offset.cast_signed();
        (*class).tp_flags |= ffi::Py_TPFLAGS_HAVE_VECTORCALL;
    }
    // SAFETY: `probe` is a live object whose type now has the flag and an offset inside the object.
    let seen = unsafe { ffi::PyVectorcall_Function(probe.as_ptr()) };
    let expected: ffi::vectorcallfunc = enter::<T>;
    if seen.is_none_or(|seen| seen as usize != expected as usize) {
        return Err(PySystemError::new_err("the entry point of a callable class is not found"));
    }
    Ok(())
}

/// What CPython calls for `instance(*args, **kwargs)`.
unsafe extern "C" fn enter<T: Called>(
    callable: *mut ffi::PyObject,
    args: *const *mut ffi::PyObject,
    nargsf: usize,
    kwnames: *mut ffi::PyObject,
) -> *mut ffi::PyObject {
    // SAFETY: CPython calls with the thread attached, and it stays so until we return.
    let py = unsafe { Python::assume_attached() };
    let run = || -> PyResult<*mut ffi::PyObject> {
        // SAFETY: the caller holds a reference to `callable` across the call. The pointer was read
        // out of an instance of `T` (`install` put the offset into `T`'s type alone, and the class
        // cannot be subclassed), so it is one.
        let slf = unsafe { Borrowed::from_ptr(py, callable).cast_unchecked::<T>() };
        // SAFETY: masks the flag bit out of the number; no memory is touched.
        let positional = unsafe { ffi::PyVectorcall_NARGS(nargsf) }.cast_unsigned();
        let given: &[Borrowed<'_, '_, PyAny>] = if positional == 0 {
            &[] // `args` may be null then
        } else {
            // SAFETY: PEP 590: `args` points to at least `positional` borrowed, non-null references
            // that stay valid for the call. `Borrowed` is a transparent wrapper of such a pointer.
            unsafe { slice::from_raw_parts(args.cast(), positional) }
        };
        if kwnames.is_null()
            && let Some(value) = slf.get().hit(py, given)?
        {
            return Ok(value.into_ptr());
        }
        let tuple = PyTuple::new(py, given)?;
        let kwargs = if kwnames.is_null() {
            None
        } else {
            // SAFETY: PEP 590: `kwnames` is a tuple of the names, and as many values follow the
            // positional ones in `args`.
            let (names, values) = unsafe {
                let names = Borrowed::from_ptr(py, kwnames).cast_unchecked::<PyTuple>();
                let start: *const Borrowed<'_, '_, PyAny> = args.cast();
                (names, slice::from_raw_parts(start.add(positional), names.len()))
            };
            let kwargs = PyDict::new(py);
            for (name, value) in names.iter().zip(values) {
                kwargs.set_item(name, value)?;
            }
            Some(kwargs)
        };
        let kwargs = kwargs.as_ref().map_or(null_mut(), Bound::as_ptr);
        // SAFETY: attached; the type is alive as its instance is, and `install` saw its `tp_call`,
        // which is PyO3's: it takes a tuple and a dict or null, and from there on PyO3 knows that
        // the thread is attached, also while the interpreter shuts down.
        let result = unsafe {
            let call = (*ffi::Py_TYPE(callable)).tp_call;
            call.map(|call| call(callable, tuple.as_ptr(), kwargs))
        };
        // A null says that the exception is set already.
        Ok(result.unwrap_or(null_mut()))
    };
    match catch_unwind(AssertUnwindSafe(run)) {
        Ok(Ok(result)) => result,
        Ok(Err(error)) => {
            error.restore(py);
            null_mut()
        }
        Err(_) => {
            PyRuntimeError::new_err("coldcache: internal error (a panic); please report it")
                .restore(py);
            null_mut()
        }
    }
}
