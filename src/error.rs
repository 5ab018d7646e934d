//! Every way the core can fail, with its message.
//!
//! A message says what was wrong, what was given, and what would do. The border turns each
//! variant into one Python exception (`py/errors.rs`); nothing here knows Python.

use std::fmt;

/// A failure of coldcache itself, never of the user's function.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Error {
    /// A load waits, directly or through others, for itself. The names run from the flight that
    /// was asked for, along who waits for whom, back to the same flight.
    Reentrant { chain: Vec<String> },
    /// A caller gave up waiting for somebody else's load.
    Timeout { name: String, waited_ms: u64 },
    /// The same because the invocation is about to be ended.
    Deadline { name: String, waited_ms: u64 },
    /// An option or an argument that cannot be used.
    Invalid { what: String, given: String, wants: &'static str },
    /// The clock of the tests was turned while nobody held it.
    ClockNotHeld,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Reentrant { chain } => {
                write!(f, "a load waits for itself: {}", chain.join(" -> "))
            }
            Self::Timeout { name, waited_ms } => {
                write!(f, "gave up after {} s waiting for the load of {name}", Seconds(*waited_ms))
            }
            Self::Deadline { name, waited_ms } => write!(
                f,
                "gave up after {} s waiting for the load of {name}: the invocation ends",
                Seconds(*waited_ms)
            ),
            Self::Invalid { what, given, wants } => {
                write!(f, "{what} must be {wants}, got {given}")
            }
            Self::ClockNotHeld => f.write_str(
                "the clock can only be turned inside `with coldcache.testing.clock() as clock:`",
            ),
        }
    }
}

impl std::error::Error for Error {}

/// Milliseconds, shown as seconds without trailing zeros.
struct Seconds(u64);

impl fmt::Display for Seconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = format!("{}.{:03}", self.0 / 1000, self.0 % 1000);
        f.write_str(text.trim_end_matches('0').trim_end_matches('.'))
    }
}

#[cfg(test)]
mod tests {
    use super::Error;

    #[test]
    fn a_ring_is_shown_in_the_order_of_waiting() {
        let error = Error::Reentrant { chain: vec!["a".into(), "b".into(), "a".into()] };
        assert_eq!(error.to_string(), "a load waits for itself: a -> b -> a");
    }

    #[test]
    fn a_timeout_shows_seconds_without_trailing_zeros() {
        let shown = |waited_ms| Error::Timeout { name: "f".into(), waited_ms }.to_string();
        assert!(shown(1500).starts_with("gave up after 1.5 s "));
        assert!(shown(2000).starts_with("gave up after 2 s "));
    }
}
