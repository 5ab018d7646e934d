//! What is open on one thread: the imports under way, and the steps they are at.

use std::ptr;

use super::record::{Record, Step};

/// Names a beginning, for the end that belongs to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Token(pub(super) u64);

pub(super) enum What {
    Import(Box<Record>),
    Step(Step),
}

pub(super) struct Open {
    pub token: Token,
    pub what: What,
    pub start: u64,
    /// Of the time since `start`: what is not its own, but that of imports and steps inside it, or the
    /// tracer's.
    pub inner: u64,
    /// The part of `inner` that belongs to other imports, or to the tracer's work for them.
    pub imports: u64,
}

impl Open {
    pub fn lose(&mut self, nanos: u64) {
        self.inner += nanos;
        self.imports += nanos;
    }
}

/// The stack of one thread.
pub(super) struct Stack {
    pub thread: ThreadKey,
    pub open: Vec<Open>,
}

impl Stack {
    /// The import that the thread is at.
    pub fn import(&mut self) -> Option<&mut Record> {
        self.open.iter_mut().rev().find_map(|open| match &mut open.what {
            What::Import(record) => Some(&mut **record),
            What::Step(_) => None,
        })
    }
}

/// Different for all threads that are alive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ThreadKey(usize);

impl ThreadKey {
    pub fn current() -> Self {
        thread_local! { static PLACE: u8 = const { 0 } }
        PLACE.with(|place| Self(ptr::from_ref(place).addr()))
    }
}
