//! When the invocation under way ends, so that whoever waits for somebody else's load gives up before
//! the platform does.
//!
//! One for the process, as the platforms that end an invocation by force run one at a time. Where
//! calls overlap nobody can tell whose end counts, and then there is none.

use std::time::{Duration, Instant};

use parking_lot::Mutex;

/// What is left to the caller at the end, to answer without the value.
const RESERVE: Duration = Duration::from_millis(50);

static END: Mutex<Option<Instant>> = Mutex::new(None);

/// The invocation ends after so much time; `None`: nothing ends it.
pub fn set(left: Option<Duration>) {
    *END.lock() = left.and_then(|left| Instant::now().checked_add(left));
}

/// How long the invocation still runs, if something ends it.
#[must_use]
pub fn remaining() -> Option<Duration> {
    END.lock().map(|end| end.saturating_duration_since(Instant::now()))
}

/// How long a wait that begins now may take, if something ends the invocation.
#[must_use]
pub fn patience() -> Option<Duration> {
    // At the very end a tenth is left, or the wait would end before it began.
    remaining().map(|left| left.saturating_sub(RESERVE.min(left / 10)))
}

#[cfg(all(test, not(loom)))]
#[allow(clippy::unwrap_used, reason = "that is how a test fails")]
mod tests {
    use std::time::Duration;

    use super::{patience, remaining, set};

    #[test]
    fn a_wait_ends_a_little_before_the_invocation() {
        set(Some(Duration::from_secs(10)));
        let (wait, whole) = (patience().unwrap(), remaining().unwrap());
        assert!(wait < whole && wait > Duration::from_secs(9));
        set(Some(Duration::ZERO));
        assert_eq!(patience(), Some(Duration::ZERO));
        set(None);
        assert_eq!(patience(), None);
    }
}
