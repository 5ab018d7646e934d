//! What time is it: the wall clock and the monotonic clock, always read together.
//!
//! A frozen sandbox can sleep for an hour while its monotonic clock stands still, and a wall clock
//! can be stepped back. One clock alone is wrong in one of the two cases, so nothing outside this
//! file ever sees one without the other. For tests the pair can be held and turned by hand; the
//! hand-turned pair stands still between turns.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};

use parking_lot::Mutex;
use rustix::time::{ClockId, Timespec, clock_gettime};

use crate::error::Error;

pub const NANOS_PER_SECOND: u64 = 1_000_000_000;

/// How far a coarse reading can lie behind the true time, in nanoseconds.
///
/// The kernel renews the coarse clocks on its timer tick, which comes at least 100 times a second.
pub const COARSE_LAG: u64 = 10_000_000;

/// Wall time running ahead of monotonic time by more than this many nanoseconds is a thaw.
///
/// Daily corrections of a wall clock stay well below it; the shortest freeze worth noticing is
/// longer.
pub const THAW_THRESHOLD: u64 = 2 * NANOS_PER_SECOND;

/// One moment on both clocks, in nanoseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamp {
    /// Since some fixed moment in the past; does not count while the sandbox is frozen.
    pub monotonic: u64,
    /// Since 1970; may be stepped in either direction.
    pub wall: u64,
}

impl Stamp {
    /// Nanoseconds since `earlier`, by whichever clock says more.
    #[must_use]
    pub fn since(self, earlier: Self) -> u64 {
        let monotonic = self.monotonic.saturating_sub(earlier.monotonic);
        monotonic.max(self.wall.saturating_sub(earlier.wall))
    }

    /// Whether the sandbox was frozen between `earlier` and this moment.
    #[must_use]
    pub fn thawed_since(self, earlier: Self) -> bool {
        let monotonic = self.monotonic.saturating_sub(earlier.monotonic);
        let wall = self.wall.saturating_sub(earlier.wall);
        wall.saturating_sub(monotonic) > THAW_THRESHOLD
    }
}

/// The exact time.
#[must_use]
pub fn now() -> Stamp {
    if HELD.load(Relaxed) {
        return manual();
    }
    Stamp {
        monotonic: nanos(clock_gettime(ClockId::Monotonic)),
        wall: nanos(clock_gettime(ClockId::Realtime)),
    }
}

/// The time as of the kernel's last tick: at most [`COARSE_LAG`] old, and much cheaper to read.
#[inline]
#[must_use]
pub fn now_coarse() -> Stamp {
    if HELD.load(Relaxed) {
        return manual();
    }
    Stamp {
        monotonic: nanos(clock_gettime(ClockId::MonotonicCoarse)),
        wall: nanos(clock_gettime(ClockId::RealtimeCoarse)),
    }
}

#[inline]
fn nanos(time: Timespec) -> u64 {
    // Both clocks count up from zero or from 1970, so neither part is ever negative.
    time.tv_sec.cast_unsigned() * NANOS_PER_SECOND + time.tv_nsec.cast_unsigned()
}

static HELD: AtomicBool = AtomicBool::new(false);
static MONOTONIC: AtomicU64 = AtomicU64::new(0);
static WALL: AtomicU64 = AtomicU64::new(0);
static HOLDERS: Mutex<u32> = Mutex::new(0);

#[cold]
fn manual() -> Stamp {
    Stamp { monotonic: MONOTONIC.load(Relaxed), wall: WALL.load(Relaxed) }
}

/// Stop the clocks where they are; from now on they move only by [`turn`]. Nests.
pub fn hold() {
    let mut holders = HOLDERS.lock();
    if *holders == 0 {
        let start = now();
        MONOTONIC.store(start.monotonic, Relaxed);
        WALL.store(start.wall, Relaxed);
        HELD.store(true, Relaxed);
    }
    *holders += 1;
}

/// Give the clocks back; true if this was the last holder and they run again.
///
/// # Errors
/// [`Error::ClockNotHeld`] if nobody holds them.
pub fn release() -> Result<bool, Error> {
    let mut holders = HOLDERS.lock();
    *holders = holders.checked_sub(1).ok_or(Error::ClockNotHeld)?;
    if *holders == 0 {
        HELD.store(false, Relaxed);
    }
    Ok(*holders == 0)
}

/// Move the held clocks by so many nanoseconds each; only the wall clock can go back.
///
/// # Errors
/// [`Error::ClockNotHeld`] if nobody holds them.
pub fn turn(monotonic: u64, wall: i64) -> Result<(), Error> {
    let holders = HOLDERS.lock();
    if *holders == 0 {
        return Err(Error::ClockNotHeld);
    }
    MONOTONIC.store(MONOTONIC.load(Relaxed).saturating_add(monotonic), Relaxed);
    WALL.store(WALL.load(Relaxed).saturating_add_signed(wall), Relaxed);
    Ok(())
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::{COARSE_LAG, NANOS_PER_SECOND, Stamp, now, now_coarse};

    const HOUR: u64 = 3600 * NANOS_PER_SECOND;

    fn stamp(monotonic: u64, wall: u64) -> Stamp {
        Stamp { monotonic, wall }
    }

    #[test]
    fn frozen_time_counts_as_elapsed() {
        assert_eq!(stamp(5, 10 + HOUR).since(stamp(5, 10)), HOUR);
    }

    #[test]
    fn a_wall_clock_stepped_back_takes_nothing_away() {
        assert_eq!(stamp(5 + 120, HOUR).since(stamp(5, 2 * HOUR)), 120);
    }

    #[test]
    fn a_freeze_is_told_from_a_small_correction() {
        let before = stamp(0, HOUR);
        assert!(stamp(0, 2 * HOUR).thawed_since(before));
        assert!(!stamp(HOUR, 2 * HOUR + NANOS_PER_SECOND).thawed_since(before));
        assert!(!stamp(HOUR, 0).thawed_since(before));
    }

    #[test]
    fn coarse_readings_lag_by_no_more_than_stated() {
        for _ in 0..1000 {
            let before = now();
            let coarse = now_coarse();
            assert!(coarse.monotonic + COARSE_LAG >= before.monotonic);
            assert!(coarse.monotonic <= now().monotonic);
        }
    }
}
