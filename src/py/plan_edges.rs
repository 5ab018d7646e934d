//! The imports of a plan, as they are given.

use std::collections::{HashMap, HashSet};

use ahash::RandomState;
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyMapping, PyString, PyTuple};

/// For each importing module what it imports.
pub type Edges = HashMap<String, HashSet<String, RandomState>, RandomState>;

/// A statement as plans name it: `m`, or `m:x,y` for the names that a `from` import takes. `None` where
/// a name is none: what is wrong with it the import itself says best.
pub fn text(module: &str, names: Option<&Bound<'_, PyTuple>>) -> PyResult<Option<String>> {
    let mut edge = module.to_owned();
    for (place, name) in names.into_iter().flatten().enumerate() {
        let Ok(name) = name.cast::<PyString>() else { return Ok(None) };
        edge.push(if place == 0 { ':' } else { ',' });
        edge.push_str(&name.to_cow()?);
    }
    Ok(Some(edge))
}

/// Modules whose import means something at the place where it stands, or is used by its mere presence.
pub fn is_never_deferred(module: &str) -> bool {
    matches!(module, "__future__" | "typing")
}

pub fn read(given: &Bound<'_, PyAny>) -> PyResult<Edges> {
    let wrong = |what: &Bound<'_, PyAny>| -> PyErr {
        let shown = what.repr().map_or_else(|_| "?".to_owned(), |shown| shown.to_string());
        PyTypeError::new_err(format!(
            "a plan is a dict from the name of a module to the imports in it, such as \
             {{'app': ['numpy', 'pandas:DataFrame,Series']}}; got {shown}"
        ))
    };
    let given = given.cast::<PyMapping>().map_err(|_| wrong(given))?;
    let mut edges = Edges::default();
    for pair in given.items()? {
        let (importer, imports) = pair.extract::<(Bound<'_, PyAny>, Bound<'_, PyAny>)>()?;
        let importer = importer.cast::<PyString>().map_err(|_| wrong(&importer))?;
        if imports.is_instance_of::<PyString>() {
            return Err(wrong(&imports));
        }
        let mut known = HashSet::default();
        for edge in imports.try_iter().map_err(|_| wrong(&imports))? {
            let edge = edge?;
            let edge = edge.cast::<PyString>().map_err(|_| wrong(&edge))?.to_cow()?.into_owned();
            known.insert(edge);
        }
        if !known.is_empty() {
            edges.insert(importer.to_cow()?.into_owned(), known);
        }
    }
    Ok(edges)
}
