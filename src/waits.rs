//! Who waits for whom: a ring of waits is refused before anybody blocks.
//!
//! Threads and asynchronous loads own tickets. Whoever is about to wait registers here, and the walk
//! along *ticket → owner → what the owner waits for* happens under the same lock as the registration,
//! so two threads that close a ring at the same moment cannot miss each other. The lock is only ever
//! taken by threads attached to the interpreter and never across Python code: a thread that forks
//! holds the interpreter, so no copy of it is ever locked.

use std::cell::Cell;
use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, LazyLock};

use ahash::RandomState;

use parking_lot::Mutex;

use crate::error::Error;

/// Who runs a load or waits for one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Actor {
    /// The plain code of a thread.
    Thread(u64),
    /// An asynchronous load, with all tasks and threads that work for it.
    Load(u64),
}

/// Threads are numbered as they come and no number is used again, unlike the system's.
static NEXT_THREAD: AtomicU64 = AtomicU64::new(1);
thread_local!(static THREAD: Cell<u64> = Cell::new(NEXT_THREAD.fetch_add(1, Relaxed)));

#[must_use]
pub fn this_thread() -> u64 {
    THREAD.get()
}

/// The number of a thread that is about to be started and will [`adopt`] it.
#[must_use]
pub fn coming_thread() -> u64 {
    NEXT_THREAD.fetch_add(1, Relaxed)
}

/// Make the calling thread the one that was announced.
pub fn adopt(thread: u64) {
    THREAD.set(thread);
}

/// What one flight looks like to those who wait: its name, who runs it, and on which thread.
#[derive(Debug)]
pub struct Ticket {
    pub name: Arc<str>,
    pub owner: Actor,
    pub thread: u64,
}

/// A wait: on whose behalf, outermost first, and where.
#[derive(Debug, Clone)]
pub struct Wait {
    pub actors: Vec<Actor>,
    pub thread: u64,
    /// Plain code blocks its whole thread, and with it every task there.
    pub blocks_thread: bool,
}

impl Wait {
    /// Plain code of the calling thread, itself running on behalf of these asynchronous loads.
    #[must_use]
    pub fn of_this_thread(loads: impl IntoIterator<Item = u64>) -> Self {
        let thread = this_thread();
        let mut actors: Vec<Actor> = loads.into_iter().map(Actor::Load).collect();
        actors.push(Actor::Thread(thread));
        Self { actors, thread, blocks_thread: true }
    }

    /// A task of the calling thread, on behalf of these asynchronous loads.
    #[must_use]
    pub fn of_task(loads: impl IntoIterator<Item = u64>) -> Self {
        let actors = loads.into_iter().map(Actor::Load).collect();
        Self { actors, thread: this_thread(), blocks_thread: false }
    }

    /// Whether this wait keeps the ticket's owner from ever finishing.
    fn stops(&self, ticket: &Ticket) -> bool {
        self.actors.contains(&ticket.owner)
            || match ticket.owner {
                // Plain code that owns a load on this very thread is further down the same stack.
                Actor::Thread(thread) => thread == self.thread,
                Actor::Load(_) => self.blocks_thread && ticket.thread == self.thread,
            }
    }
}

#[derive(Default)]
struct Waits {
    /// Loads each actor runs, innermost last.
    running: HashMap<Actor, Vec<Arc<Ticket>>, RandomState>,
    /// What each actor waits for. Several at once: tasks of one load wait side by side.
    waiting: HashMap<Actor, Vec<Arc<Ticket>>, RandomState>,
}

type Tickets = HashMap<Actor, Vec<Arc<Ticket>>, RandomState>;

static WAITS: LazyLock<Mutex<Waits>> = LazyLock::new(Mutex::default);

/// Note that the ticket's owner now runs it.
pub fn begin_run(ticket: &Arc<Ticket>) {
    WAITS.lock().running.entry(ticket.owner).or_default().push(ticket.clone());
}

/// Note that the ticket's owner no longer runs it.
pub fn end_run(ticket: &Arc<Ticket>) {
    remove(&mut WAITS.lock().running, ticket.owner, ticket);
}

/// Register a wait that is about to begin.
///
/// # Errors
/// [`Error::Reentrant`], and no registration, if that wait could never end.
pub fn begin_wait(wait: &Wait, ticket: &Arc<Ticket>) -> Result<(), Error> {
    let mut waits = WAITS.lock();
    if let Some(ring) = waits.ring(wait, ticket) {
        return Err(Error::Reentrant { chain: waits.names(wait, &ring) });
    }
    for actor in &wait.actors {
        waits.waiting.entry(*actor).or_default().push(ticket.clone());
    }
    Ok(())
}

/// Take back a registration.
pub fn end_wait(wait: &Wait, ticket: &Arc<Ticket>) {
    let mut waits = WAITS.lock();
    for actor in &wait.actors {
        remove(&mut waits.waiting, *actor, ticket);
    }
}

fn remove(tickets: &mut Tickets, actor: Actor, ticket: &Arc<Ticket>) {
    if let Some(of_actor) = tickets.get_mut(&actor) {
        if let Some(at) = of_actor.iter().rposition(|other| Arc::ptr_eq(other, ticket)) {
            of_actor.remove(at);
        }
        if of_actor.is_empty() {
            tickets.remove(&actor);
        }
    }
}

/// In a forked child: the other threads, and with them every wait and every run, are gone.
pub fn forget_after_fork() {
    *WAITS.lock() = Waits::default();
}

impl Waits {
    /// The path from the wanted ticket to the one that this wait keeps from ending, if there is one.
    ///
    /// Depth first, each ticket once, on a stack of its own: the graph may be wide and deep, and the
    /// thread's stack small.
    fn ring(&self, wait: &Wait, wanted: &Arc<Ticket>) -> Option<Vec<Arc<Ticket>>> {
        let mut seen = HashSet::<_, RandomState>::default();
        let mut visited: Vec<(&Arc<Ticket>, Option<usize>)> = Vec::new();
        let mut ahead = vec![(wanted, None)];
        while let Some((ticket, before)) = ahead.pop() {
            // Seen before: a second way to what does not close the ring, or somebody else's ring,
            // and whoever closed that one got the error.
            if !seen.insert(Arc::as_ptr(ticket)) {
                continue;
            }
            let here = visited.len();
            visited.push((ticket, before));
            if wait.stops(ticket) {
                let mut path = Vec::new();
                let mut at = Some(here);
                while let Some((ticket, before)) = at.and_then(|at| visited.get(at)) {
                    path.push(Arc::clone(ticket));
                    at = *before;
                }
                path.reverse();
                return Some(path);
            }
            ahead.extend(self.awaited_by(ticket).map(|next| (next, Some(here))));
        }
        None
    }

    /// What keeps the ticket's owner from going on: its own waits, and plain code that blocks the
    /// thread its task lives on.
    fn awaited_by(&self, ticket: &Ticket) -> impl Iterator<Item = &Arc<Ticket>> {
        let of_thread = match ticket.owner {
            Actor::Thread(_) => None,
            Actor::Load(_) => self.waiting.get(&Actor::Thread(ticket.thread)),
        };
        of_thread.into_iter().chain(self.waiting.get(&ticket.owner)).flatten()
    }

    /// The ring in words, closed: it ends with the name it starts with.
    fn names(&self, wait: &Wait, walked: &[Arc<Ticket>]) -> Vec<String> {
        let Some((last, before)) = walked.split_last() else { return Vec::new() };
        // The waiting side first: from the load that everybody else waits for, inwards.
        let mut names = self.names_inside(last);
        let at = wait.actors.iter().position(|actor| *actor == last.owner);
        for inner in at.map_or(&[][..], |at| &wait.actors[at + 1..]) {
            let tickets = self.running.get(inner).map_or(&[][..], Vec::as_slice);
            names.extend(tickets.iter().map(|ticket| ticket.name.to_string()));
        }
        for ticket in before {
            names.extend(self.names_inside(ticket));
        }
        names.push(last.name.to_string());
        names
    }

    /// The ticket's name and those of the loads its owner started inside it.
    fn names_inside(&self, ticket: &Arc<Ticket>) -> Vec<String> {
        let stack = self.running.get(&ticket.owner).map_or(&[][..], Vec::as_slice);
        let inside = stack.iter().skip_while(|other| !Arc::ptr_eq(other, ticket));
        let names: Vec<_> = inside.map(|other| other.name.to_string()).collect();
        if names.is_empty() { vec![ticket.name.to_string()] } else { names }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::{Actor, Arc, Ticket, Wait, begin_run, begin_wait, end_run, end_wait};
    use crate::error::Error;

    // Numbers far from real ones: the graph is one for the whole process and tests run in parallel.
    const FAR: u64 = 1_000_000;

    fn plain(thread: u64) -> Wait {
        let thread = thread + FAR;
        Wait { actors: vec![Actor::Thread(thread)], thread, blocks_thread: true }
    }

    fn task(thread: u64, loads: &[u64]) -> Wait {
        let actors = loads.iter().map(|load| Actor::Load(load + FAR)).collect();
        Wait { actors, thread: thread + FAR, blocks_thread: false }
    }

    fn running(name: &str, owner: Actor, thread: u64) -> Arc<Ticket> {
        let owner = match owner {
            Actor::Thread(number) => Actor::Thread(number + FAR),
            Actor::Load(number) => Actor::Load(number + FAR),
        };
        let ticket = Arc::new(Ticket { name: name.into(), owner, thread: thread + FAR });
        begin_run(&ticket);
        ticket
    }

    fn chain(result: Result<(), Error>) -> Vec<String> {
        match result {
            Err(Error::Reentrant { chain }) => chain,
            other => vec![format!("{other:?}")],
        }
    }

    #[test]
    fn an_owner_may_not_wait_for_itself() {
        let outer = running("outer", Actor::Thread(1), 1);
        let inner = running("inner", Actor::Thread(1), 1);
        assert_eq!(chain(begin_wait(&plain(1), &outer)), ["outer", "inner", "outer"]);
        end_run(&inner);
        assert_eq!(chain(begin_wait(&plain(1), &outer)), ["outer", "outer"]);
    }

    #[test]
    fn a_ring_over_two_threads_is_refused_to_the_one_who_would_close_it() {
        let a = running("a", Actor::Thread(11), 11);
        let b = running("b", Actor::Thread(12), 12);
        assert_eq!(begin_wait(&plain(11), &b), Ok(()));
        assert_eq!(chain(begin_wait(&plain(12), &a)), ["b", "a", "b"]);
        end_wait(&plain(11), &b);
        assert_eq!(begin_wait(&plain(12), &a), Ok(()));
    }

    #[test]
    fn tasks_of_one_loop_may_wait_for_each_others_loads() {
        let a = running("a", Actor::Load(21), 21);
        assert_eq!(begin_wait(&task(21, &[22]), &a), Ok(()));
        assert_eq!(chain(begin_wait(&task(21, &[21]), &a)), ["a", "a"]);
    }

    #[test]
    fn the_loads_between_are_named() {
        let a = running("a", Actor::Load(25), 25);
        let _b = running("b", Actor::Load(26), 25);
        assert_eq!(chain(begin_wait(&task(25, &[25, 26]), &a)), ["a", "b", "a"]);
    }

    #[test]
    fn plain_code_may_not_block_the_loop_that_has_to_finish_the_load() {
        let a = running("a", Actor::Load(31), 31);
        assert_eq!(chain(begin_wait(&plain(31), &a)), ["a", "a"]);
        assert_eq!(begin_wait(&plain(32), &a), Ok(()));
    }

    #[test]
    fn a_task_whose_thread_is_blocked_counts_as_waiting() {
        let a = running("a", Actor::Load(41), 41);
        let b = running("b", Actor::Thread(42), 42);
        assert_eq!(begin_wait(&plain(41), &b), Ok(()));
        assert_eq!(chain(begin_wait(&plain(42), &a)), ["b", "a", "b"]);
    }

    #[test]
    fn many_ways_to_the_same_ticket_are_walked_once() {
        // Layers of two loads that each wait for both of the next: 2^40 paths, 80 tickets.
        let layer =
            |at: u64| [0, 1].map(|side| running("t", Actor::Load(1000 + 2 * at + side), 61));
        let layers: Vec<_> = (0..40).map(layer).collect();
        for pair in layers.windows(2) {
            for (upper, lower) in [(0, 0), (0, 1), (1, 0), (1, 1)] {
                let Actor::Load(number) = pair[0][upper].owner else { continue };
                let wait = task(61, &[number - FAR]);
                assert_eq!(begin_wait(&wait, &pair[1][lower]), Ok(()));
            }
        }
        assert_eq!(begin_wait(&task(61, &[999]), &layers[0][0]), Ok(()));
    }

    #[test]
    fn one_of_several_waits_side_by_side_closes_a_ring() {
        let a = running("a", Actor::Load(51), 51);
        let b = running("b", Actor::Load(52), 51);
        let c = running("c", Actor::Load(53), 51);
        assert_eq!(begin_wait(&task(51, &[51]), &b), Ok(()));
        assert_eq!(begin_wait(&task(51, &[51]), &c), Ok(()));
        assert_eq!(chain(begin_wait(&task(51, &[53]), &a)), ["c", "a", "c"]);
        end_wait(&task(51, &[51]), &c);
        assert_eq!(begin_wait(&task(51, &[53]), &a), Ok(()));
    }
}
