//! What a plan that observes writes down: each import statement at module level, and what became of it.

use std::sync::Arc;

use parking_lot::Mutex;
use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::prelude::*;

use super::lazy_caller::Caller;

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    Eager,
    Fixed,
    Bound,
    Pending,
    Resolved,
    Failed,
}

impl Outcome {
    pub const fn text(self) -> &'static str {
        match self {
            Self::Eager => "eager",
            Self::Fixed => "fixed",
            Self::Bound => "bound",
            Self::Pending => "pending",
            Self::Resolved => "resolved",
            Self::Failed => "failed",
        }
    }
}

#[derive(Clone)]
pub struct Statement {
    pub importer: String,
    pub edge: String,
    pub line: usize,
    pub outcome: Outcome,
    /// `file:line` of the first use.
    pub used: Option<String>,
}

#[derive(Default)]
struct Seen {
    statements: Vec<Statement>,
    /// Of statements whose import raised when it was used, innermost first.
    failures: Vec<usize>,
}

#[derive(Clone)]
pub struct Record {
    seen: Arc<Mutex<Seen>>,
    /// Called with importer, edge and exception of each import that raises, while it is raised: to
    /// keep the exception would keep alive what its frames hold.
    listener: Option<Arc<Py<PyAny>>>,
}

/// A statement in the record.
#[derive(Clone)]
pub struct Row {
    record: Record,
    place: usize,
}

impl Record {
    /// What *observe* asks for: nothing, a record, or a record and to be told of failures.
    pub fn wanted(observe: &Bound<'_, PyAny>) -> PyResult<Option<Self>> {
        if !observe.is_truthy()? {
            return Ok(None);
        }
        let listener = observe.is_callable().then(|| Arc::new(observe.clone().unbind()));
        Ok(Some(Self { seen: Arc::default(), listener }))
    }

    pub fn add(&self, statement: Statement) -> Row {
        let mut seen = self.seen.lock();
        seen.statements.push(statement);
        Row { record: self.clone(), place: seen.statements.len() - 1 }
    }

    pub fn statements(&self) -> Vec<Statement> {
        self.seen.lock().statements.clone()
    }

    pub fn failures(&self) -> Vec<(String, String)> {
        let seen = self.seen.lock();
        let of = |&place: &usize| {
            let Statement { importer, edge, .. } = &seen.statements[place];
            (importer.clone(), edge.clone())
        };
        seen.failures.iter().map(of).collect()
    }

    pub fn traverse(&self, visit: &PyVisit<'_>) -> Result<(), PyTraverseError> {
        match &self.listener {
            Some(listener) => visit.call(&**listener),
            None => Ok(()),
        }
    }
}

impl Row {
    pub fn used(&self, by: Option<&Caller<'_>>) -> PyResult<()> {
        let Some(by) = by else { return Ok(()) };
        let place = format!("{}:{}", by.file()?, by.line()?.unwrap_or(0));
        self.record.seen.lock().statements[self.place].used.get_or_insert(place);
        Ok(())
    }

    pub fn resolved(&self) {
        self.record.seen.lock().statements[self.place].outcome = Outcome::Resolved;
    }

    /// An import that was not deferred raised: without a plan it does as well.
    pub fn failed_at_once(&self, py: Python<'_>, error: &PyErr) {
        self.record.seen.lock().statements[self.place].outcome = Outcome::Failed;
        self.tell(py, error);
    }

    pub fn failed(&self, py: Python<'_>, error: &PyErr) {
        {
            let mut seen = self.record.seen.lock();
            seen.failures.push(self.place);
            let outcome = &mut seen.statements[self.place].outcome;
            if *outcome == Outcome::Pending {
                *outcome = Outcome::Failed;
            }
        }
        self.tell(py, error);
    }

    fn tell(&self, py: Python<'_>, error: &PyErr) {
        let Some(listener) = &self.record.listener else { return };
        let (importer, edge) = {
            let seen = self.record.seen.lock();
            let Statement { importer, edge, .. } = &seen.statements[self.place];
            (importer.clone(), edge.clone())
        };
        let value = error.clone_ref(py).into_value(py); // with its traceback
        if let Err(raised) = listener.bind(py).call1((importer, edge, value)) {
            raised.write_unraisable(py, Some(listener.bind(py))); // the import's own error counts
        }
    }
}
