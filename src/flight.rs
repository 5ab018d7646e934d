//! One run for all callers: the state machine of a load that others may wait for.
//!
//! A flight is made by the caller that found nothing (its owner) and ends exactly once: with a
//! value, with a failure, or abandoned, which tells whoever waits to start over. Threads wait at a
//! gate; everybody else leaves a waker that the border calls after the landing.
//! Who may wait for whom is decided in `waits.rs`. `V` and `W` are Python objects at the border and
//! integers in the model checks.
//!
//! Two locks, because of `fork`. The state is only locked by threads attached to the interpreter, as
//! a thread that forks is, so no copy of it is ever locked. The gate is what detached threads sleep
//! at, and its copy may be: in a child nobody touches the gate of an older flight again. Both are the
//! standard library's: `parking_lot` parks all threads of a process in one table, which a fork can
//! copy in a locked state (`docs/decisions/0002-locks-of-a-flight.md`).

use std::sync::PoisonError;
use std::time::Duration;

#[cfg(loom)]
use loom::sync::{Condvar, Mutex, MutexGuard};
#[cfg(not(loom))]
use std::sync::{Condvar, Mutex, MutexGuard};

/// How a flight ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome<V> {
    Value(V),
    Failed(V),
    /// The owner went away without a result that may be shared.
    Abandoned,
}

struct State<V, W> {
    outcome: Option<Outcome<V>>,
    wakers: Vec<W>,
    waiters: usize,
}

/// A load in progress, or the result of one that just ended.
pub struct Flight<V, W> {
    state: Mutex<State<V, W>>,
    gate: Gate,
}

/// Opens once; threads sleep in front of it while detached from the interpreter.
struct Gate {
    is_open: Mutex<bool>,
    opened: Condvar,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // No change below can stop half way through, so a poisoned value is a sound one.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<V, W> Default for Flight<V, W> {
    fn default() -> Self {
        Self::new()
    }
}

impl<V, W> Flight<V, W> {
    #[must_use]
    pub fn new() -> Self {
        Self {
            state: Mutex::new(State { outcome: None, wakers: Vec::new(), waiters: 0 }),
            gate: Gate { is_open: Mutex::new(false), opened: Condvar::new() },
        }
    }

    /// End the flight and take over whom to wake; `None`, and no effect, if it had ended before.
    ///
    /// Threads at the gate go on only after [`Flight::release`].
    pub fn land(&self, outcome: Outcome<V>) -> Option<Vec<W>> {
        let mut state = lock(&self.state);
        if state.outcome.is_none() {
            state.outcome = Some(outcome);
            return Some(std::mem::take(&mut state.wakers));
        }
        drop(state); // before the outcome that is not kept
        None
    }

    /// Open the gate: threads that wait go on. Not to be called in a child forked since.
    pub fn release(&self) {
        *lock(&self.gate.is_open) = true;
        self.gate.opened.notify_all();
    }

    /// Look at the value and the wakers, as a garbage collector does.
    pub fn inspect(&self, look: impl FnOnce(Option<&V>, &[W])) {
        let state = lock(&self.state);
        let value = match &state.outcome {
            Some(Outcome::Value(value) | Outcome::Failed(value)) => Some(value),
            Some(Outcome::Abandoned) | None => None,
        };
        look(value, &state.wakers);
    }

    /// How the flight ended, if it has; `copy` must not run anything that could come back here.
    pub fn outcome<U>(&self, copy: impl FnOnce(&V) -> U) -> Option<Outcome<U>> {
        lock(&self.state).outcome.as_ref().map(|outcome| match outcome {
            Outcome::Value(value) => Outcome::Value(copy(value)),
            Outcome::Failed(value) => Outcome::Failed(copy(value)),
            Outcome::Abandoned => Outcome::Abandoned,
        })
    }

    pub fn has_landed(&self) -> bool {
        lock(&self.state).outcome.is_some()
    }

    /// Count one more caller that waits.
    pub fn join(&self) {
        lock(&self.state).waiters += 1;
    }

    /// Count one waiting caller less; true if nobody waits any more and the flight still runs.
    pub fn leave(&self) -> bool {
        let mut state = lock(&self.state);
        state.waiters = state.waiters.saturating_sub(1);
        state.waiters == 0 && state.outcome.is_none()
    }

    /// Whether nobody waits.
    pub fn is_unattended(&self) -> bool {
        lock(&self.state).waiters == 0
    }

    /// Leave a waker to be handed out by [`Flight::land`]; handed back if the flight has ended.
    ///
    /// # Errors
    /// The waker itself.
    pub fn wake_later(&self, waker: W) -> Result<(), W> {
        let mut state = lock(&self.state);
        if state.outcome.is_some() {
            drop(state);
            return Err(waker);
        }
        state.wakers.push(waker);
        Ok(())
    }

    /// Block until the flight was released or so much time has passed; true if it was released.
    pub fn wait(&self, at_most: Duration) -> bool {
        let mut is_open = lock(&self.gate.is_open);
        if !*is_open {
            is_open = self.gate.sleep(is_open, at_most);
        }
        *is_open
    }
}

impl Gate {
    #[cfg(not(loom))]
    fn sleep<'a>(
        &'a self,
        is_open: MutexGuard<'a, bool>,
        at_most: Duration,
    ) -> MutexGuard<'a, bool> {
        // A spurious wake-up only makes this slice shorter: every caller loops.
        self.opened.wait_timeout(is_open, at_most).unwrap_or_else(PoisonError::into_inner).0
    }

    #[cfg(loom)]
    fn sleep<'a>(
        &'a self,
        is_open: MutexGuard<'a, bool>,
        _at_most: Duration,
    ) -> MutexGuard<'a, bool> {
        // The model has no time: a lost wake-up shows as a deadlock instead of a late answer.
        self.opened.wait(is_open).unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use std::sync::{Arc, Barrier};
    use std::thread;
    use std::time::Duration;

    use super::{Flight, Outcome};

    #[test]
    fn every_waiter_gets_the_value() {
        let flight = Arc::new(Flight::<u32, ()>::new());
        let barrier = Arc::new(Barrier::new(9));
        let waiters: Vec<_> = (0..8)
            .map(|_| {
                let (flight, barrier) = (flight.clone(), barrier.clone());
                thread::spawn(move || {
                    barrier.wait();
                    while !flight.wait(Duration::from_secs(1)) {}
                    flight.outcome(|value| *value)
                })
            })
            .collect();
        barrier.wait();
        assert!(flight.land(Outcome::Value(7)).is_some());
        flight.release();
        for waiter in waiters {
            assert_eq!(waiter.join().ok().flatten(), Some(Outcome::Value(7)));
        }
    }

    #[test]
    fn only_the_first_landing_counts() {
        let flight = Flight::<u32, ()>::new();
        assert!(flight.land(Outcome::Failed(1)).is_some());
        assert!(flight.land(Outcome::Value(2)).is_none());
        assert_eq!(flight.outcome(|value| *value), Some(Outcome::Failed(1)));
    }

    #[test]
    fn a_waker_left_too_late_is_handed_back() {
        let flight = Flight::<u32, u32>::new();
        assert_eq!(flight.wake_later(1), Ok(()));
        assert_eq!(flight.land(Outcome::Abandoned), Some(vec![1]));
        assert_eq!(flight.wake_later(2), Err(2));
    }

    #[test]
    fn the_last_waiter_to_leave_is_told_so() {
        let flight = Flight::<u32, ()>::new();
        flight.join();
        flight.join();
        assert!(!flight.leave());
        assert!(flight.leave());
    }

    #[test]
    fn a_wait_ends_with_its_time() {
        let flight = Flight::<u32, ()>::new();
        assert!(!flight.wait(Duration::from_millis(1)));
    }
}

#[cfg(all(test, loom))]
mod loom_tests {
    use loom::sync::Arc;
    use loom::thread;
    use std::time::Duration;

    use super::{Flight, Outcome};

    const SLICE: Duration = Duration::from_millis(1);

    #[test]
    fn no_wake_up_is_lost() {
        loom::model(|| {
            let flight = Arc::new(Flight::<u32, ()>::new());
            let waiter = {
                let flight = flight.clone();
                thread::spawn(move || {
                    while !flight.wait(SLICE) {}
                    flight.outcome(|value| *value)
                })
            };
            flight.land(Outcome::Value(1));
            flight.release();
            assert_eq!(waiter.join().unwrap(), Some(Outcome::Value(1)));
        });
    }

    #[test]
    fn two_landings_agree_on_one_outcome() {
        loom::model(|| {
            let flight = Arc::new(Flight::<u32, ()>::new());
            let other = {
                let flight = flight.clone();
                thread::spawn(move || flight.land(Outcome::Value(1)).is_some())
            };
            let here = flight.land(Outcome::Abandoned).is_some();
            let there = other.join().unwrap();
            assert!(here != there);
            let expected = if here { Outcome::Abandoned } else { Outcome::Value(1) };
            assert_eq!(flight.outcome(|value| *value), Some(expected));
        });
    }

    #[test]
    fn a_waker_is_either_handed_out_or_handed_back() {
        loom::model(|| {
            let flight = Arc::new(Flight::<u32, u32>::new());
            let other = {
                let flight = flight.clone();
                thread::spawn(move || flight.wake_later(9).is_err())
            };
            let woken = flight.land(Outcome::Value(1)).unwrap();
            let handed_back = other.join().unwrap();
            assert!(woken.contains(&9) != handed_back);
        });
    }

    #[test]
    fn exactly_one_of_two_leavers_is_last() {
        loom::model(|| {
            let flight = Arc::new(Flight::<u32, ()>::new());
            flight.join();
            flight.join();
            let other = {
                let flight = flight.clone();
                thread::spawn(move || flight.leave())
            };
            let here = flight.leave();
            assert!(here != other.join().unwrap());
        });
    }
}
