//! What is read at the start and at the end of an import: the time, and how much memory is resident.

use std::fs::File;
use std::os::unix::fs::FileExt;

use rustix::time::{ClockId, clock_gettime};

use crate::clock::NANOS_PER_SECOND;
use crate::epoch::{self, Event};

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
}

impl Default for Resident {
    fn default() -> Self {
        Self { file: File::open("/proc/self/statm").ok(), opened_at: epoch::current() }
    }
}

impl Resident {
    /// Pages, or nothing where the system does not tell.
    pub fn pages(&mut self) -> Option<i64> {
        if epoch::happened_since(Event::Fork, self.opened_at) {
            // The open file goes on telling the size of the parent.
            *self = Self::default();
        }
        // Seven numbers; the second is the resident set.
        let mut text = [0; 128];
        let length = self.file.as_ref()?.read_at(&mut text, 0).ok()?;
        let text = std::str::from_utf8(text.get(..length)?).ok()?;
        text.split(' ').nth(1)?.parse().ok()
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::{Resident, monotonic};

    #[test]
    fn the_clock_does_not_go_back() {
        let earlier = monotonic();
        assert!(monotonic() >= earlier);
    }

    #[test]
    fn touched_memory_becomes_resident() {
        let mut resident = Resident::default();
        let Some(before) = resident.pages() else { return };
        // Far more than what the kernel's counters may lag behind.
        let memory = std::hint::black_box(vec![1_u8; 64 << 20]);
        assert!(resident.pages().is_some_and(|after| after > before));
        drop(memory);
    }
}
