//! From a birth, a moment and the limits to what an entry is still good for.
//!
//! Pure arithmetic on stamps: which clock says what is decided in `clock.rs`, what to do with the
//! answer in `py/table.rs`.

use crate::clock::{COARSE_LAG, Stamp};

/// How long an entry lives and what may be done with it after that, in nanoseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Life from the end of the load; `None` is the container's lifetime.
    pub ttl: Option<u64>,
    /// After the ttl: served while one refresh runs.
    pub stale: u64,
    /// After the ttl: served if a load fails.
    pub stale_if_error: u64,
    /// Before the ttl: served while one refresh runs.
    pub refresh_ahead: u64,
}

impl Limits {
    /// What an entry is good for so many nanoseconds after its end.
    #[must_use]
    pub fn verdict_after_end(&self, late: u64) -> Freshness {
        if late < self.stale {
            Freshness::Stale
        } else if late < self.stale_if_error {
            Freshness::FallbackOnly
        } else {
            Freshness::Expired
        }
    }
}

/// What an entry is good for at one moment, best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Freshness {
    Fresh,
    /// Still fresh, but near enough to its end to be refreshed now.
    RefreshDue,
    /// To be served while a refresh runs.
    Stale,
    /// Only to be served if a load fails.
    FallbackOnly,
    Expired,
}

/// The life of one entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Life {
    pub born: Stamp,
    /// Life of this entry; `None` is the container's lifetime.
    pub ttl: Option<u64>,
    /// Absolute end on the wall clock, in nanoseconds since 1970, where the value carries one.
    pub ends_at: Option<u64>,
}

/// The moment, on each clock, from which a hit must be judged in full.
///
/// A moment that no clock reaches (584 years) stands for an entry without an end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Horizon {
    pub monotonic: u64,
    pub wall: u64,
}

impl Life {
    /// The same with so many nanoseconds taken off the ttl.
    #[must_use]
    pub fn shortened(self, cut: u64) -> Self {
        Self { ttl: self.ttl.map(|ttl| ttl.saturating_sub(cut)), ..self }
    }

    /// What the entry is good for at `now`.
    #[must_use]
    pub fn judge(&self, limits: &Limits, now: Stamp) -> Freshness {
        let late = self.late_by(now);
        match late {
            None => Freshness::Fresh,
            Some(late) if late < 0 => {
                if late.unsigned_abs() <= limits.refresh_ahead {
                    Freshness::RefreshDue
                } else {
                    Freshness::Fresh
                }
            }
            Some(late) => limits.verdict_after_end(late.unsigned_abs()),
        }
    }

    /// Nanoseconds of life left at `now`; `None` without an end, zero once expired.
    #[must_use]
    pub fn left(&self, now: Stamp) -> Option<u64> {
        self.late_by(now).map(|late| if late < 0 { late.unsigned_abs() } else { 0 })
    }

    /// Nanoseconds past the end of life, negative before it; whichever of the limits comes first.
    fn late_by(&self, now: Stamp) -> Option<i64> {
        let by_age = self.ttl.map(|ttl| difference(now.since(self.born), ttl));
        let by_wall = self.ends_at.map(|end| difference(now.wall, end));
        by_age.max(by_wall)
    }

    /// Until when a hit needs no judging.
    ///
    /// Early by the lag of the coarse clocks: a coarse reading before the horizon proves that the
    /// true time is before the end.
    #[must_use]
    pub fn horizon(&self, limits: &Limits) -> Horizon {
        let early = limits.refresh_ahead.saturating_add(COARSE_LAG);
        let end = |start: u64| match self.ttl {
            Some(ttl) => start.saturating_add(ttl).saturating_sub(early),
            None => u64::MAX,
        };
        let wall = end(self.born.wall);
        Horizon {
            monotonic: end(self.born.monotonic),
            wall: self.ends_at.map_or(wall, |at| wall.min(at.saturating_sub(early))),
        }
    }
}

fn difference(a: u64, b: u64) -> i64 {
    i64::try_from(i128::from(a) - i128::from(b)).unwrap_or(if a > b { i64::MAX } else { i64::MIN })
}

/// How much of a ttl to take off for jitter: a random part of it, and never more than the ttl itself.
///
/// Shortened, not lengthened: nothing is ever served beyond what the user allowed. `age` is how much of
/// the ttl is over: it is not taken off again, so that an entry which gets a new end ends later than now.
#[must_use]
pub fn jitter_cut(ttl: u64, jitter: u64, age: u64, random: u64) -> u64 {
    let span = jitter.min(ttl.saturating_sub(age));
    let off = (u128::from(span) * u128::from(random)) >> 64;
    u64::try_from(off).unwrap_or(span)
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::{Freshness, Life, Limits, jitter_cut};
    use crate::clock::{COARSE_LAG, NANOS_PER_SECOND, Stamp};

    const BORN: Stamp = Stamp { monotonic: 1_000 * S, wall: 1_000_000 * S };
    const S: u64 = NANOS_PER_SECOND;

    fn limits() -> Limits {
        Limits { ttl: Some(60 * S), stale: 0, stale_if_error: 0, refresh_ahead: 0 }
    }

    fn life() -> Life {
        Life { born: BORN, ttl: Some(60 * S), ends_at: None }
    }

    fn later(monotonic: u64, wall: i64) -> Stamp {
        Stamp {
            monotonic: BORN.monotonic + monotonic * S,
            wall: BORN.wall.saturating_add_signed(wall * 1_000_000_000),
        }
    }

    #[test]
    fn an_entry_expires_when_either_clock_says_so() {
        let judge = |now| life().judge(&limits(), now);
        assert_eq!(judge(later(59, 59)), Freshness::Fresh);
        assert_eq!(judge(later(60, 59)), Freshness::Expired);
        assert_eq!(judge(later(59, 60)), Freshness::Expired);
        assert_eq!(judge(later(0, 3600)), Freshness::Expired);
        assert_eq!(judge(later(120, -3480)), Freshness::Expired);
    }

    #[test]
    fn each_window_ends_where_the_next_begins() {
        let limits =
            Limits { stale: 10 * S, stale_if_error: 30 * S, refresh_ahead: 5 * S, ..limits() };
        let judge = |t| life().judge(&limits, later(t, 0));
        assert_eq!(judge(54), Freshness::Fresh);
        assert_eq!(judge(55), Freshness::RefreshDue);
        assert_eq!(judge(60), Freshness::Stale);
        assert_eq!(judge(70), Freshness::FallbackOnly);
        assert_eq!(judge(90), Freshness::Expired);
    }

    #[test]
    fn an_absolute_end_goes_by_the_wall_clock() {
        let life = Life { ttl: None, ends_at: Some(BORN.wall + 10 * S), ..life() };
        assert_eq!(life.judge(&limits(), later(3600, 9)), Freshness::Fresh);
        assert_eq!(life.judge(&limits(), later(0, 10)), Freshness::Expired);
    }

    #[test]
    fn the_horizon_lies_before_the_end_by_the_lag_of_the_coarse_clocks() {
        let horizon = life().horizon(&limits());
        assert_eq!(horizon.monotonic, BORN.monotonic + 60 * S - COARSE_LAG);
        assert_eq!(horizon.wall, BORN.wall + 60 * S - COARSE_LAG);
    }

    #[test]
    fn an_entry_without_an_end_is_fresh_for_ever() {
        let life = Life { ttl: None, ..life() };
        assert_eq!(life.judge(&limits(), later(1 << 30, 1 << 30)), Freshness::Fresh);
        assert_eq!(life.horizon(&limits()).monotonic, u64::MAX);
        assert_eq!(life.left(later(0, 0)), None);
    }

    #[test]
    fn jitter_shortens_and_never_reaches_below_zero() {
        assert_eq!(jitter_cut(60, 30, 0, 0), 0);
        assert_eq!(jitter_cut(60, 30, 0, u64::MAX), 29);
        assert_eq!(jitter_cut(60, 600, 0, u64::MAX), 59);
    }

    #[test]
    fn jitter_drawn_again_ends_no_life_at_once() {
        assert_eq!(jitter_cut(60, 30, 50, u64::MAX), 9);
        assert_eq!(jitter_cut(60, 30, 10, u64::MAX), 29);
        assert_eq!(jitter_cut(60, 30, 70, u64::MAX), 0);
    }
}
