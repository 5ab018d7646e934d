//! The border to CPython: one file a class, plus what several of them need.
//!
//! Rules that hold everywhere here: no lock is held while Python code can run, an object is dropped or
//! allocated, or a thread waits; a class that holds Python objects traverses all of them, always.

mod actors;
mod arguments;
mod asynchronous;
mod background;
mod birth;
mod cache;
mod cached;
mod cached_options;
mod deadline;
mod declared;
mod decorator;
mod dict_steps;
mod entry;
mod epochs;
mod errors;
mod failure;
mod flags;
mod flight;
mod function;
mod import_facts;
mod instances;
mod key;
mod keywords;
mod landing;
mod lazy;
mod lazy_caller;
mod lazy_name;
mod lazy_native;
mod lazy_operators;
mod lazy_pending;
mod lazy_proxy;
mod lease;
mod load;
mod loaded_modules;
mod log;
mod made;
mod method;
mod once;
mod once_method;
mod options;
mod plan;
mod plan_code;
mod plan_edges;
mod plan_filter;
mod plan_hook;
mod plan_record;
mod plan_waiting;
mod probe;
mod rare;
mod ready;
mod roster;
mod seat;
mod stats;
mod table;
mod testing;
mod timeline;
mod totals;
mod traced;
mod tracer;
mod trap;
mod trap_copies;
mod trap_key;
mod trap_owners;
mod trap_parents;
mod trap_target;
mod twin;
mod vectorcall;

/// The native half of coldcache.
///
/// It asks for the GIL: the hit path relies on being alone between two bytecodes, and nothing here has
/// been tested without it (`docs/decisions/0003-the-gil-is-used.md`).
#[pyo3::pymodule(name = "_core", gil_used = true)]
mod core {
    use pyo3::prelude::*;

    #[pymodule_export]
    use super::actors::{_stand_in_for, _this_thread};
    #[pymodule_export]
    use super::background::{_refreshes_under_way, _settle_refreshes};
    #[pymodule_export]
    use super::cache::Cache;
    #[pymodule_export]
    use super::cached::CachedFunction;
    #[pymodule_export]
    use super::cached_options::cached;
    #[pymodule_export]
    use super::deadline::{_patience, _set_deadline};
    #[pymodule_export]
    use super::declared::{_declare, _declared};
    #[pymodule_export]
    use super::epochs::{_set_on_thaw, epochs, lifetime_epoch};
    #[pymodule_export]
    use super::flags::flag;
    #[pymodule_export]
    use super::function::_is_coroutine_function;
    #[pymodule_export]
    use super::lazy::lazy;
    #[pymodule_export]
    use super::lazy_pending::{_pending_numbers, _resolve, pending, resolve_all};
    #[pymodule_export]
    use super::log::{stays_eager, warn};
    #[pymodule_export]
    use super::made::keep_for_ever;
    #[pymodule_export]
    use super::method::CachedMethod;
    #[pymodule_export]
    use super::once::{_once_step, Once, once};
    #[pymodule_export]
    use super::once_method::BoundOnce;
    #[pymodule_export]
    use super::plan_code::{_digest, fingerprint};
    #[pymodule_export]
    use super::rare::__getattr__;
    #[pymodule_export]
    use super::testing::{
        _clock_hold, _clock_now, _clock_release, _clock_turn, _forget_everything, _note_fork,
        _note_restore, _since_restore,
    };
    #[pymodule_export]
    use super::timeline::{
        _begin_step, _close_timeline, _count_startup_error, _imported, _mark, _timeline,
    };
    #[pymodule_export]
    use super::totals::_totals;

    #[pymodule_export]
    #[allow(non_upper_case_globals, reason = "Python's name")]
    const __version__: &str = env!("CARGO_PKG_VERSION");

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        crate::epoch::start_over(); // the first look has something to compare with
        super::install_entry_points(module.py())?;
        let posix = module.py().import("posix")?;
        let in_child = pyo3::types::IntoPyDict::into_py_dict(
            [("after_in_child", module.getattr("_note_fork")?)],
            module.py(),
        )?;
        posix.getattr("register_at_fork")?.call((), Some(&in_child))?;
        super::register_restore_hook(module)?;
        super::tracer::install_if_asked(module.py())
    }
}

use pyo3::prelude::*;

use vectorcall::install;

/// Have restores from a Lambda snapshot noted, where the platform's library is in use: somebody has
/// imported it, or the platform says that it will take a snapshot. The runtime client itself imports
/// it only after the handler. Anywhere else it is not imported.
fn register_restore_hook(module: &Bound<'_, PyModule>) -> PyResult<()> {
    const NAME: &str = "snapshot_restore_py";
    let py = module.py();
    let modules = py.import("sys")?.getattr("modules")?;
    let is_announced =
        std::env::var_os("AWS_LAMBDA_INITIALIZATION_TYPE").is_some_and(|kind| kind == "snap-start");
    let hooks = match modules.get_item(NAME) {
        Ok(hooks) => Some(hooks),
        Err(_) if is_announced => py.import(NAME).ok().map(Bound::into_any),
        Err(_) => None,
    };
    if let Some(hooks) = hooks
        && let Ok(register) = hooks.getattr("register_after_restore")
    {
        register.call1((module.getattr("_note_restore")?,))?;
    }
    Ok(())
}

fn install_entry_points(py: Python<'_>) -> PyResult<()> {
    vectorcall::prepare(py);
    if flags::is_on("COLDCACHE_PLAIN_CALL", false).map_err(errors::FlagError::new_err)? {
        return Ok(());
    }
    // Any callable will do for the probes, and any object for their receiver.
    let callable = py.import("builtins")?.getattr("len")?;
    let once = once::once(py, Some(callable.clone()), None)?;
    let once = once.cast_into::<once::Once>()?;
    install(&once)?;
    let table = once.get().inner.table.clone_ref(py);
    let receiver = py.None().into_bound(py);
    install(&Bound::new(py, once_method::BoundOnce::new(&once, receiver.clone(), table))?)?;
    let cached = cached_options::cached(py, Some(callable), None)?;
    let cached = cached.cast_into::<cached::CachedFunction>()?;
    install(&cached)?;
    let table = cached.get().inner.table.clone_ref(py);
    install(&Bound::new(py, method::CachedMethod::new(&cached, receiver, table))?)?;
    Ok(())
}
