//! From beginnings and ends to records: who is inside whom, on each thread.
//!
//! A span is an import or a step of one. When it ends, its time goes to whoever is around it as time
//! that was not its own. The tracer's own work is kept out of both.
//!
//! Ends need not match beginnings: a greenlet may be switched away in the middle of an import. A span
//! that ends takes along what is still open above it, and an end whose beginning is gone does nothing.

pub use super::stack::Token;

use super::record::{Asker, Counters, Record, Spec, Step, Totals};
use super::stack::{Open, Stack, ThreadKey, What};

/// How an import began.
pub struct Beginning<'a> {
    pub name: &'a str,
    pub is_reload: bool,
    pub asker: Option<Asker>,
    pub counters: Counters,
    /// The system's id of the thread; asked for only where a thread has nothing open.
    pub thread: Option<u64>,
    /// When the tracer began to work on it.
    pub entered: u64,
}

/// How an import ended.
pub struct Ending {
    pub at: u64,
    pub counters: Counters,
    pub error: Option<(String, Option<String>)>,
}

/// All open spans, and the finished records that nobody has taken yet.
pub struct Spans<C> {
    clock: C,
    /// Of the threads that are importing: rarely more than one, so looking through them is fastest.
    stacks: Vec<Stack>,
    finished: Vec<Record>,
    limit: usize,
    next: u64,
    dropped: u64,
    own: u64,
    installed_at: u64,
}

impl<C: Fn() -> u64> Spans<C> {
    /// # Arguments
    /// `limit`: how many finished records are kept until they are taken; more are counted and dropped.
    pub fn new(clock: C, limit: usize) -> Self {
        Self {
            clock,
            stacks: Vec::new(),
            finished: Vec::new(),
            limit,
            next: 0,
            dropped: 0,
            own: 0,
            installed_at: 0,
        }
    }

    /// Note that imports are seen from now on.
    pub fn start(&mut self) {
        self.installed_at = (self.clock)();
    }

    /// Whether this thread is importing.
    #[must_use]
    pub fn is_importing(&self) -> bool {
        let thread = ThreadKey::current();
        self.stacks.iter().any(|stack| stack.thread == thread)
    }

    /// An import begins; its clock starts when this returns.
    pub fn begin(&mut self, given: Beginning<'_>) -> Token {
        let at = self.position().unwrap_or_else(|| {
            self.stacks.push(Stack { thread: ThreadKey::current(), open: Vec::new() });
            self.stacks.len() - 1
        });
        let stack = &mut self.stacks[at];
        let around = stack.import();
        let (parent, depth) = match &around {
            Some(record) => (Some(record.id), record.depth + 1),
            None => (None, 0),
        };
        let thread = around.map(|record| record.thread).or(given.thread).unwrap_or_default();
        let record = Record {
            id: self.next,
            parent,
            name: given.name.to_owned(),
            is_reload: given.is_reload,
            depth,
            thread,
            asker: given.asker,
            before: given.counters,
            ..Record::default()
        };
        let token = Token(self.next);
        self.next += 1;
        let start = (self.clock)();
        self.own += start.saturating_sub(given.entered);
        if let Some(around) = stack.open.last_mut() {
            around.lose(start.saturating_sub(given.entered));
        }
        let what = What::Import(Box::new(record));
        stack.open.push(Open { token, what, start, inner: 0, imports: 0 });
        token
    }

    /// A step begins, if it is one of the import that this thread is at; if not, it is none of ours:
    /// a module that reads a file or asks for a spec in its body does so on its own account.
    pub fn begin_step(&mut self, step: Step) -> Option<Token> {
        let at = self.position()?;
        let stack = &mut self.stacks[at].open;
        let belongs = matches!(
            (&stack.last()?.what, step),
            (What::Import(_), Step::Find | Step::Load)
                | (What::Step(Step::Load), Step::Code | Step::Dlopen | Step::Exec)
                | (What::Step(Step::Code), Step::Read | Step::Unmarshal | Step::Compile)
        );
        if !belongs {
            return None;
        }
        let token = Token(self.next);
        self.next += 1;
        let start = (self.clock)();
        stack.push(Open { token, what: What::Step(step), start, inner: 0, imports: 0 });
        Some(token)
    }

    /// What the loader of the import that this thread is at was given.
    pub fn note_spec(&mut self, spec: Spec) {
        if let Some(record) = self.current() {
            record.spec = Some(spec);
        }
    }

    /// The import that this thread is at has read so many bytes.
    pub fn note_read(&mut self, bytes: u64) {
        if let Some(record) = self.current() {
            record.read_bytes += bytes;
        }
    }

    /// A step ends.
    pub fn end_step(&mut self, token: Token) {
        let end = (self.clock)();
        let Some((open, at)) = self.close(token) else { return };
        let What::Step(step) = open.what else { return };
        let took = end.saturating_sub(open.start);
        let stack = &mut self.stacks[at];
        if let Some(around) = stack.open.last_mut() {
            around.inner += took;
            around.imports += open.imports;
        }
        if let Some(record) = stack.import() {
            record.steps[step as usize] += took.saturating_sub(open.inner);
            record.note(step);
        }
    }

    /// An import ends. True if this thread has nothing open any more.
    pub fn end(&mut self, token: Token, given: Ending) -> bool {
        let Some((open, at)) = self.close(token) else { return false };
        let What::Import(mut record) = open.what else { return false };
        record.start = open.start;
        record.end = given.at;
        record.after = given.counters;
        record.error = given.error;
        record.nested = open.imports;
        if self.finished.len() < self.limit {
            self.finished.push(*record);
        } else {
            self.dropped += 1;
        }
        let left = (self.clock)();
        self.own += left.saturating_sub(given.at);
        match self.stacks[at].open.last_mut() {
            Some(around) => around.lose(left.saturating_sub(open.start)),
            None => drop(self.stacks.swap_remove(at)),
        }
        self.position().is_none()
    }

    /// The finished records, which are forgotten here.
    pub fn take(&mut self) -> Vec<Record> {
        std::mem::take(&mut self.finished)
    }

    /// The finished records that nobody has taken.
    #[must_use]
    pub fn finished(&self) -> &[Record] {
        &self.finished
    }

    #[must_use]
    pub fn totals(&self) -> Totals {
        Totals { dropped: self.dropped, own: self.own, installed_at: self.installed_at }
    }

    fn position(&self) -> Option<usize> {
        let thread = ThreadKey::current();
        self.stacks.iter().position(|stack| stack.thread == thread)
    }

    /// Take a span out, and where its stack is.
    fn close(&mut self, token: Token) -> Option<(Open, usize)> {
        let at = self.position()?;
        let stack = &mut self.stacks[at].open;
        let place = stack.iter().rposition(|open| open.token == token)?;
        let is_import = |open: &Open| matches!(open.what, What::Import(_));
        self.dropped += stack.drain(place + 1..).filter(is_import).count() as u64;
        Some((stack.pop()?, at))
    }

    fn current(&mut self) -> Option<&mut Record> {
        let at = self.position()?;
        self.stacks[at].import()
    }
}

#[cfg(all(test, not(loom)))]
#[allow(clippy::unwrap_used, clippy::panic, reason = "that is how a test fails")]
mod tests {
    use std::cell::Cell;
    use std::rc::Rc;

    use super::{Beginning, Ending, Spans, Step, Token};
    use crate::imports::record::{Counters, Record};

    /// Spans whose clock is turned by hand.
    struct Bench {
        now: Rc<Cell<u64>>,
        spans: Spans<Box<dyn Fn() -> u64>>,
    }

    impl Bench {
        fn new(limit: usize) -> Self {
            let now = Rc::new(Cell::new(0));
            let clock = Rc::clone(&now);
            Self { now, spans: Spans::new(Box::new(move || clock.get()), limit) }
        }

        fn pass(&self, nanos: u64) {
            self.now.set(self.now.get() + nanos);
        }

        fn begin(&mut self, name: &str) -> Token {
            self.spans.begin(Beginning {
                name,
                is_reload: false,
                asker: None,
                counters: Counters::default(),
                thread: Some(7),
                entered: self.now.get(),
            })
        }

        fn step(&mut self, step: Step, nanos: u64) {
            let token = self.spans.begin_step(step);
            self.pass(nanos);
            if let Some(token) = token {
                self.spans.end_step(token);
            }
        }

        fn end(&mut self, token: Token) -> bool {
            let at = self.now.get();
            self.spans.end(token, Ending { at, counters: Counters::default(), error: None })
        }

        fn only(&mut self) -> Record {
            let mut records = self.spans.take();
            assert_eq!(records.len(), 1);
            records.remove(0)
        }
    }

    #[test]
    fn the_parts_of_an_import_add_up_to_its_time() {
        let mut bench = Bench::new(10);
        let outer = bench.begin("outer");
        bench.pass(1);
        bench.step(Step::Find, 2);
        let load = bench.spans.begin_step(Step::Load).unwrap();
        let code = bench.spans.begin_step(Step::Code).unwrap();
        bench.pass(4);
        bench.step(Step::Read, 8);
        bench.step(Step::Unmarshal, 16);
        bench.spans.end_step(code);
        bench.pass(32);
        let inner = bench.begin("inner");
        bench.pass(64);
        bench.step(Step::Find, 128);
        assert!(!bench.end(inner));
        bench.pass(256);
        bench.spans.end_step(load);
        assert!(bench.end(outer));

        let [inner, outer] = &bench.spans.take()[..] else { panic!("two imports") };
        assert_eq!((inner.name.as_str(), inner.parent, inner.depth), ("inner", Some(outer.id), 1));
        assert_eq!(inner.end - inner.start, 64 + 128);
        assert_eq!(outer.nested, 64 + 128);
        assert_eq!(outer.steps, [2, 32 + 256, 4, 8, 16, 0, 0, 0]);
        let own = 1;
        assert_eq!(outer.end - outer.start, own + outer.steps.iter().sum::<u64>() + outer.nested);
    }

    #[test]
    fn the_tracers_own_work_is_nobodys_import() {
        let mut bench = Bench::new(10);
        let outer = bench.begin("outer");
        let entered = bench.now.get();
        bench.pass(5); // looking for who asked
        let inner = bench.spans.begin(Beginning {
            name: "inner",
            is_reload: false,
            asker: None,
            counters: Counters::default(),
            thread: None,
            entered,
        });
        bench.pass(10);
        let at = bench.now.get();
        bench.pass(3); // reading the counters
        bench.spans.end(inner, Ending { at, counters: Counters::default(), error: None });
        bench.end(outer);

        let [inner, outer] = &bench.spans.take()[..] else { panic!("two imports") };
        assert_eq!(inner.end - inner.start, 10);
        assert_eq!((outer.end - outer.start, outer.nested), (18, 18));
        assert_eq!(bench.spans.totals().own, 8);
    }

    #[test]
    fn what_a_body_reads_is_not_a_step_of_its_import() {
        let mut bench = Bench::new(10);
        let token = bench.begin("a");
        let load = bench.spans.begin_step(Step::Load).unwrap();
        for step in [Step::Read, Step::Unmarshal, Step::Compile, Step::Find] {
            assert!(bench.spans.begin_step(step).is_none());
        }
        bench.spans.end_step(load);
        bench.end(token);
    }

    #[test]
    fn a_step_outside_of_imports_is_not_seen() {
        let mut bench = Bench::new(10);
        assert!(bench.spans.begin_step(Step::Find).is_none());
        assert!(!bench.spans.is_importing());
    }

    #[test]
    fn an_end_takes_along_what_is_open_above_it() {
        let mut bench = Bench::new(10);
        let first = bench.begin("first");
        let second = bench.begin("second");
        assert!(bench.end(first));
        assert!(!bench.end(second));
        assert_eq!(bench.only().name, "first");
        assert_eq!(bench.spans.totals().dropped, 1);
        assert!(!bench.spans.is_importing());
    }

    #[test]
    fn records_beyond_the_limit_are_counted_and_dropped() {
        let mut bench = Bench::new(1);
        for name in ["a", "b", "c"] {
            let token = bench.begin(name);
            bench.end(token);
        }
        assert_eq!(bench.only().name, "a");
        assert_eq!(bench.spans.totals().dropped, 2);
    }

    #[test]
    fn a_dropped_import_still_costs_its_parent() {
        let mut bench = Bench::new(0);
        let outer = bench.begin("outer");
        let inner = bench.begin("inner");
        bench.pass(9);
        bench.end(inner);
        bench.spans.limit = 1;
        bench.end(outer);
        assert_eq!(bench.only().nested, 9);
    }
}
