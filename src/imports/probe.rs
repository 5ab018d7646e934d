//! What is read at the start and at the end of an import: the time, how much memory is resident, and
//! how many page faults there were.

use std::fs::File;
use std::os::unix::fs::FileExt;

use rustix::time::{ClockId, clock_gettime};

use super::record::Counters;
use super::stack::ThreadKey;
use crate::clock::NANOS_PER_SECOND;
use crate::epoch::{self, Event};

/// How long counters that were read count as those of now: reading them takes two system calls, and
/// the end of one import and the beginning of the next are often closer together than that. What
/// grows meanwhile, a few dozen pages at most, is put down to the next import instead of this one.
const FRESH_NANOS: u64 = 25_000;

/// Nanoseconds of the system's monotonic clock, which all processes of a machine share.
///
/// Not the clock of `crate::clock`: a test that turns that one must not bend a profile.
#[must_use]
pub fn monotonic() -> u64 {
    let time = clock_gettime(ClockId::Monotonic);
    time.tv_sec.cast_unsigned() * NANOS_PER_SECOND + time.tv_nsec.cast_unsigned()
}

/// The resident set of this process, read from a file that is kept open.
#[derive(Debug)]
pub struct Resident {
    file: Option<File>,
    opened_at: u32,
    page_bytes: i64,
}

impl Default for Resident {
    fn default() -> Self {
        Self {
            file: File::open("/proc/self/statm").ok(),
            opened_at: epoch::current(),
            page_bytes: i64::try_from(rustix::param::page_size()).unwrap_or_default(),
        }
    }
}

impl Resident {
    /// How many bytes, or nothing where the system does not tell.
    pub fn bytes(&mut self) -> Option<i64> {
        if epoch::happened_since(Event::Fork, self.opened_at) {
            // The open file goes on telling the size of the parent.
            *self = Self::default();
        }
        // Seven numbers; the second is the resident set.
        let mut text = [0; 128];
        let length = self.file.as_ref()?.read_at(&mut text, 0).ok()?;
        Some(second_number(text.get(..length)?)? * self.page_bytes)
    }
}

/// By hand: this is read twice for every import.
fn second_number(text: &[u8]) -> Option<i64> {
    let mut words = text.split(|byte| *byte == b' ');
    words.nth(1)?.iter().try_fold(0_i64, |number, byte| {
        let digit = byte.is_ascii_digit().then(|| i64::from(byte - b'0'))?;
        number.checked_mul(10)?.checked_add(digit)
    })
}

/// Minor and major page faults of this thread so far, where the system tells.
///
/// Asked for natively: through `resource` of the standard library the answer costs more than twice as
/// much, and the module is one more to load.
#[must_use]
pub fn faults() -> Option<(i64, i64)> {
    #[cfg(target_os = "linux")]
    {
        use nix::sys::resource::{UsageWho, getrusage};

        let usage = getrusage(UsageWho::RUSAGE_THREAD).ok()?;
        Some((usage.minor_page_faults(), usage.major_page_faults()))
    }
    #[cfg(not(target_os = "linux"))]
    None
}

/// Counters that were read a moment ago, by the same thread.
#[derive(Debug, Default)]
pub struct Recent(Option<(ThreadKey, u64, Counters)>);

impl Recent {
    /// Those that still count at *now*.
    #[must_use]
    pub fn at(&self, now: u64) -> Option<Counters> {
        let (thread, read_at, counters) = self.0?;
        let is_fresh = now.saturating_sub(read_at) < FRESH_NANOS && now >= read_at;
        (is_fresh && thread == ThreadKey::current()).then_some(counters)
    }

    pub fn keep(&mut self, now: u64, counters: Counters) {
        self.0 = Some((ThreadKey::current(), now, counters));
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::{Counters, FRESH_NANOS, Recent, Resident, faults, monotonic};

    fn recent() -> Recent {
        let mut recent = Recent::default();
        recent.keep(1_000, Counters { resident: Some(7), faults: None });
        recent
    }

    #[test]
    fn counters_are_used_again_for_a_moment() {
        let recent = recent();
        let seen = |now| recent.at(now).and_then(|counters| counters.resident);
        assert_eq!(seen(1_000), Some(7));
        assert_eq!(seen(999 + FRESH_NANOS), Some(7));
        assert_eq!(seen(1_000 + FRESH_NANOS), None);
        assert_eq!(seen(999), None);
    }

    #[test]
    fn counters_of_another_thread_are_not_used() {
        let recent = recent();
        let seen = std::thread::scope(|scope| scope.spawn(|| recent.at(1_000)).join());
        assert!(seen.is_ok_and(|seen| seen.is_none()));
    }

    #[test]
    fn the_clock_does_not_go_back() {
        let earlier = monotonic();
        assert!(monotonic() >= earlier);
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn touched_memory_has_faulted() {
        let before = faults();
        drop(std::hint::black_box(vec![1_u8; 8 << 20]));
        assert!(faults().zip(before).is_some_and(|(after, before)| after.0 > before.0));
    }

    #[test]
    fn touched_memory_becomes_resident() {
        let mut resident = Resident::default();
        let Some(before) = resident.bytes() else { return };
        // Far more than what the kernel's counters may lag behind.
        let memory = std::hint::black_box(vec![1_u8; 64 << 20]);
        assert!(resident.bytes().is_some_and(|after| after >= before + (60 << 20)));
        drop(memory);
    }
}
