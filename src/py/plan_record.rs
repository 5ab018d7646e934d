//! What a plan that observes writes down: each import statement at module level, and what became of it.

use std::sync::Arc;

use parking_lot::Mutex;
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

#[derive(Clone, Default)]
pub struct Record(Arc<Mutex<Seen>>);

/// A statement in the record.
#[derive(Clone)]
pub struct Row {
    record: Record,
    place: usize,
}

impl Record {
    pub fn add(&self, statement: Statement) -> Row {
        let mut seen = self.0.lock();
        seen.statements.push(statement);
        Row { record: self.clone(), place: seen.statements.len() - 1 }
    }

    pub fn statements(&self) -> Vec<Statement> {
        self.0.lock().statements.clone()
    }

    pub fn failures(&self) -> Vec<(String, String)> {
        let seen = self.0.lock();
        let of = |&place: &usize| {
            let Statement { importer, edge, .. } = &seen.statements[place];
            (importer.clone(), edge.clone())
        };
        seen.failures.iter().map(of).collect()
    }
}

impl Row {
    pub fn used(&self, by: Option<&Caller<'_>>) -> PyResult<()> {
        let Some(by) = by else { return Ok(()) };
        let place = format!("{}:{}", by.file()?, by.line()?.unwrap_or(0));
        self.record.0.lock().statements[self.place].used.get_or_insert(place);
        Ok(())
    }

    pub fn resolved(&self) {
        self.record.0.lock().statements[self.place].outcome = Outcome::Resolved;
    }

    /// An import that was not deferred raised: without a plan it does as well.
    pub fn failed_at_once(&self) {
        self.record.0.lock().statements[self.place].outcome = Outcome::Failed;
    }

    pub fn failed(&self) {
        let mut seen = self.record.0.lock();
        seen.failures.push(self.place);
        let outcome = &mut seen.statements[self.place].outcome;
        if *outcome == Outcome::Pending {
            *outcome = Outcome::Failed;
        }
    }
}
