//! What may have happened to the process behind an entry's back: a fork, a restore, a reset.
//!
//! One number counts all such events. An entry that carries the current number is what it was when
//! it was stored, which a hit can check with one comparison; only when the numbers differ does
//! anybody ask what it was.

use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

use parking_lot::Mutex;

use crate::clock::{self, Stamp};

/// An event that entries may have to react to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// This process is the child of a fork.
    Fork,
    /// The process was restored from a snapshot.
    Restore,
    /// Tests asked to forget everything.
    Reset,
}

static CURRENT: AtomicU32 = AtomicU32::new(0);
/// The value `CURRENT` took with the latest event of each kind.
static LATEST: [AtomicU32; 3] = [const { AtomicU32::new(0) }; 3];

#[inline]
#[must_use]
pub fn current() -> u32 {
    CURRENT.load(Relaxed)
}

pub fn record(event: Event) {
    if event == Event::Restore {
        *RESTORED_AT.lock() = Some(clock::now());
    }
    let epoch = CURRENT.fetch_add(1, Relaxed) + 1;
    LATEST[event as usize].store(epoch, Relaxed);
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
