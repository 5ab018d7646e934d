//! Who has which object of a pool, and who is next.
//!
//! At most `size` objects exist. An object that comes back goes straight to whoever waits longest:
//! newcomers cannot overtake, since nothing is idle while somebody waits. The right to make an object
//! is handed on in the same way. The object used last is handed out first, so that those a pool does
//! not need grow old together. `V` are Python objects at the border, `W` what wakes a waiter.

use std::collections::VecDeque;

/// What somebody who asked for an object got.
#[derive(Debug, PartialEq, Eq)]
pub enum Grant<V> {
    Object(V),
    /// None was idle, but there is room for one: make it, or [`Roster::vacate`].
    Vacancy,
}

/// A place in the line.
struct Place<V, W> {
    ticket: u64,
    waker: Option<W>,
    /// Only until its waiter comes for it.
    grant: Option<Grant<V>>,
}

pub struct Roster<V, W> {
    size: usize,
    /// Objects there are, or are being made.
    total: usize,
    idle: Vec<V>,
    line: VecDeque<Place<V, W>>,
    tickets: u64,
}

impl<V, W> Roster<V, W> {
    #[must_use]
    pub fn new(size: usize) -> Self {
        Self { size, total: 0, idle: Vec::new(), line: VecDeque::new(), tickets: 0 }
    }

    /// An object or a vacancy, if there is one.
    pub fn take(&mut self) -> Option<Grant<V>> {
        if let Some(object) = self.idle.pop() {
            return Some(Grant::Object(object));
        }
        self.reserve().then_some(Grant::Vacancy)
    }

    /// The idle object used last, if it is as wanted and there is none to shed.
    pub fn take_if(
        &mut self,
        is_wanted: impl FnOnce(&V) -> bool,
        least: usize,
        may_go: impl FnOnce(&V) -> bool,
    ) -> Option<V> {
        let is_shedding = self.idle.len() > 1 && self.total > least && may_go(self.idle.first()?);
        if !is_shedding && is_wanted(self.idle.last()?) { self.idle.pop() } else { None }
    }

    /// Make room for one object more, to be made now; false if the pool is full.
    pub fn reserve(&mut self) -> bool {
        let is_free = self.total < self.size;
        self.total += usize::from(is_free);
        is_free
    }

    /// The same as [`Roster::take`], or the ticket of a place at the end of the line.
    ///
    /// # Errors
    /// The ticket.
    pub fn line_up(&mut self, waker: W) -> Result<(Grant<V>, W), u64> {
        if let Some(grant) = self.take() {
            return Ok((grant, waker));
        }
        self.tickets += 1;
        self.line.push_back(Place { ticket: self.tickets, waker: Some(waker), grant: None });
        Err(self.tickets)
    }

    /// An object comes back: it is for the first in the line, who is to be woken, or idle.
    pub fn give(&mut self, object: V) -> Option<W> {
        if let Some(first) = self.line.iter_mut().find(|place| place.grant.is_none()) {
            first.grant = Some(Grant::Object(object));
            first.waker.take()
        } else {
            self.idle.push(object);
            None
        }
    }

    /// An object is no more, or was never made: the first in the line may make one.
    pub fn vacate(&mut self) -> Option<W> {
        if let Some(first) = self.line.iter_mut().find(|place| place.grant.is_none()) {
            first.grant = Some(Grant::Vacancy);
            first.waker.take()
        } else {
            self.total = self.total.saturating_sub(1);
            None
        }
    }

    /// Whether the holder of a ticket was given something.
    #[must_use]
    pub fn is_called(&self, ticket: u64) -> bool {
        self.line.iter().any(|place| place.ticket == ticket && place.grant.is_some())
    }

    /// Leave the line; what came in the last moment, if anything did, is to be passed on.
    pub fn leave(&mut self, ticket: u64) -> (Option<Grant<V>>, Option<W>) {
        match self.line.iter().position(|place| place.ticket == ticket) {
            Some(at) => match self.line.remove(at) {
                Some(place) => (place.grant, place.waker),
                None => (None, None),
            },
            None => (None, None),
        }
    }

    /// Take all idle objects out; they no longer count.
    pub fn drain(&mut self) -> Vec<V> {
        self.total = self.total.saturating_sub(self.idle.len());
        std::mem::take(&mut self.idle)
    }

    /// Take out the idle object that was used longest ago, if there are more than `least` and it may
    /// go; it no longer counts.
    pub fn shed(&mut self, least: usize, may_go: impl FnOnce(&V) -> bool) -> Option<V> {
        if self.total <= least || !may_go(self.idle.first()?) {
            return None;
        }
        self.total = self.total.saturating_sub(1);
        Some(self.idle.remove(0))
    }

    #[must_use]
    pub fn idle(&self) -> usize {
        self.idle.len()
    }

    #[must_use]
    pub fn total(&self) -> usize {
        self.total
    }

    #[must_use]
    pub fn waiting(&self) -> usize {
        self.line.iter().filter(|place| place.grant.is_none()).count()
    }

    /// Every object and every waker in here, as a garbage collector looks at them.
    pub fn inspect(&self) -> (impl Iterator<Item = &V>, impl Iterator<Item = &W>) {
        let given = self.line.iter().filter_map(|place| match &place.grant {
            Some(Grant::Object(object)) => Some(object),
            _ => None,
        });
        let wakers = self.line.iter().filter_map(|place| place.waker.as_ref());
        (self.idle.iter().chain(given), wakers)
    }
}

#[cfg(all(test, not(loom)))]
#[allow(clippy::unwrap_used, reason = "that is how a test fails")]
mod tests {
    use super::{Grant, Roster};

    fn full(size: usize) -> Roster<u32, &'static str> {
        let mut roster = Roster::new(size);
        for _ in 0..size {
            assert_eq!(roster.take(), Some(Grant::Vacancy));
        }
        assert_eq!(roster.take(), None);
        roster
    }

    #[test]
    fn the_object_used_last_is_handed_out_first() {
        let mut roster = full(2);
        roster.give(1);
        roster.give(2);
        assert_eq!(roster.take(), Some(Grant::Object(2)));
        assert_eq!(roster.take(), Some(Grant::Object(1)));
        assert_eq!(roster.take(), None);
    }

    #[test]
    fn what_comes_back_goes_to_whoever_waits_longest() {
        let mut roster = full(2);
        let first = roster.line_up("first").unwrap_err();
        let second = roster.line_up("second").unwrap_err();
        assert_eq!(roster.waiting(), 2);
        assert_eq!(roster.give(1), Some("first"));
        assert_eq!(roster.take(), None); // a newcomer does not overtake
        assert_eq!(roster.vacate(), Some("second"));
        assert_eq!(roster.leave(second), (Some(Grant::Vacancy), None));
        assert_eq!(roster.leave(first), (Some(Grant::Object(1)), None));
        assert_eq!((roster.total(), roster.idle(), roster.waiting()), (2, 0, 0));
    }

    #[test]
    fn who_leaves_the_line_takes_along_what_came_in_the_last_moment() {
        let mut roster = full(1);
        let ticket = roster.line_up("w").unwrap_err();
        assert!(!roster.is_called(ticket));
        roster.give(1);
        assert!(roster.is_called(ticket));
        assert_eq!(roster.leave(ticket), (Some(Grant::Object(1)), None));
        assert_eq!(roster.leave(ticket), (None, None));
        assert_eq!(roster.give(1), None);
        assert_eq!(roster.idle(), 1);
    }

    #[test]
    fn a_vacancy_that_was_not_used_is_there_again() {
        let mut roster = full(1);
        assert_eq!(roster.vacate(), None);
        assert_eq!(roster.take(), Some(Grant::Vacancy));
    }

    #[test]
    fn shedding_begins_with_the_object_unused_longest_and_keeps_the_least() {
        let mut roster = full(3);
        for object in [1, 2, 3] {
            roster.give(object);
        }
        assert_eq!(roster.shed(1, |object| *object > 1), None);
        assert_eq!(roster.shed(1, |_| true), Some(1));
        assert_eq!(roster.shed(1, |_| true), Some(2));
        assert_eq!(roster.shed(1, |_| true), None);
        assert_eq!(roster.total(), 1);
    }

    #[test]
    fn drained_objects_leave_room() {
        let mut roster = full(2);
        roster.give(1);
        assert_eq!(roster.drain(), [1]);
        assert_eq!(roster.take(), Some(Grant::Vacancy));
        assert_eq!(roster.take(), None);
    }
}
