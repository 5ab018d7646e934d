//! What may have happened to the process behind an entry's back: a fork, a restore, a thaw, a reset.
//!
//! One number counts all such events. An entry that carries the current number is what it was when
//! it was stored, which a hit can check with one comparison; only when the numbers differ does
//! anybody ask what it was.
//!
//! Nobody tells a process that it slept. A thaw is noticed by whoever looks: the distance of the two
//! clocks is kept, and a wall clock that ran ahead since the last look has seen a freeze.

use std::sync::atomic::{AtomicI64, AtomicU32, Ordering::Relaxed};

use parking_lot::Mutex;

use crate::clock::{self, Stamp, THAW_THRESHOLD};

/// An event that entries may have to react to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// This process is the child of a fork.
    Fork,
    /// The process was restored from a snapshot.
    Restore,
    /// Somebody noticed that the sandbox had been frozen.
    Thaw,
    /// Tests asked to forget everything.
    Reset,
}

const EVENTS: usize = 4;

static CURRENT: AtomicU32 = AtomicU32::new(0);
/// The value `CURRENT` took with the latest event of each kind.
static LATEST: [AtomicU32; EVENTS] = [const { AtomicU32::new(0) }; EVENTS];
static COUNTS: [AtomicU32; EVENTS] = [const { AtomicU32::new(0) }; EVENTS];

/// Nanoseconds by which the wall clock was ahead of the monotonic one at the last look.
static AHEAD: AtomicI64 = AtomicI64::new(NEVER_LOOKED);
/// No clocks are 292 years apart.
const NEVER_LOOKED: i64 = i64::MIN;
/// Two coarse clocks are read one after the other, and the kernel may renew them in between.
const READING_ERROR: u64 = clock::COARSE_LAG;

#[inline]
#[must_use]
pub fn current() -> u32 {
    CURRENT.load(Relaxed)
}

pub fn record(event: Event) {
    if event == Event::Restore {
        *RESTORED_AT.lock() = Some(clock::now());
        start_over(); // sleeping was part of the restore: no thaw of its own
    }
    if event == Event::Reset {
        *RESTORED_AT.lock() = None;
    }
    COUNTS[event as usize].fetch_add(1, Relaxed);
    let epoch = CURRENT.fetch_add(1, Relaxed) + 1;
    LATEST[event as usize].store(epoch, Relaxed);
}

/// Look at the clocks: true if they show a thaw since the last look, which then counts as an event.
#[inline]
pub fn look(now: Stamp) -> bool {
    let before = AHEAD.load(Relaxed);
    let ahead = distance(now);
    before.abs_diff(ahead) > READING_ERROR && notice(before, ahead)
}

#[cold]
fn notice(before: i64, ahead: i64) -> bool {
    // Who read the clocks before another look was over must not undo what that one saw.
    let mine = AHEAD.compare_exchange(before, ahead, Relaxed, Relaxed).is_ok();
    let is_thaw = ahead > before && ahead.abs_diff(before) > THAW_THRESHOLD + READING_ERROR;
    let is_noticed = mine && is_thaw && before != NEVER_LOOKED;
    if is_noticed {
        record(Event::Thaw);
    }
    is_noticed
}

/// Look anew, whatever the clocks showed before: they were exchanged, not slept through.
pub fn start_over() {
    AHEAD.store(distance(clock::now_coarse()), Relaxed);
}

fn distance(now: Stamp) -> i64 {
    now.wall.cast_signed().wrapping_sub(now.monotonic.cast_signed())
}

/// How often each kind of event has happened.
#[must_use]
pub fn count(event: Event) -> u32 {
    COUNTS[event as usize].load(Relaxed)
}

/// When this process was last restored from a snapshot.
static RESTORED_AT: Mutex<Option<Stamp>> = Mutex::new(None);

#[must_use]
pub fn restored_at() -> Option<Stamp> {
    *RESTORED_AT.lock()
}

/// Whether such an event came after `epoch` was current.
#[must_use]
pub fn happened_since(event: Event, epoch: u32) -> bool {
    LATEST[event as usize].load(Relaxed) > epoch
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::{Event, current, happened_since, record};

    #[test]
    fn an_event_is_seen_by_what_is_older_and_only_by_that() {
        let before = current();
        record(Event::Restore);
        assert!(happened_since(Event::Restore, before));
        assert!(!happened_since(Event::Restore, current()));
        assert!(!happened_since(Event::Fork, before));
    }
}
