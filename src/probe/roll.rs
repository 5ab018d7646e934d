//! Who has to be ready, and whether they are.

use std::io;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};

use rustix::process::{Pid, test_kill_process};

use super::board::{Board, MOST_WORKERS, Report};

/// Reports of others that one answer shows: with more, it would not tell more.
const MOST_SHOWN: usize = 8;

/// Whether requests may come, and the answer that says so.
pub struct Readiness {
    pub is_ready: bool,
    pub body: Vec<u8>,
}

/// The board, and how it is read: by itself a process answers for itself; with workers it answers
/// for them.
#[derive(Debug)]
pub struct Roll {
    board: Board,
    /// How many workers have to be ready before it is ready for the first time; zero: no workers.
    required: AtomicUsize,
    /// Once it was ready, one worker that is left can serve.
    was_ready: AtomicBool,
    /// The place of this process, and the process it belongs to.
    place: AtomicUsize,
    owner: AtomicU32,
}

impl Roll {
    pub fn new() -> io::Result<Self> {
        Ok(Self {
            board: Board::new()?,
            required: AtomicUsize::new(0),
            was_ready: AtomicBool::new(false),
            place: AtomicUsize::new(0),
            owner: AtomicU32::new(std::process::id()),
        })
    }

    /// Report for this process; whether it has a place. A child that never took one has none.
    pub fn report(&self, is_ready: bool, body: &[u8]) -> io::Result<bool> {
        let pid = std::process::id();
        if self.owner.load(Ordering::Relaxed) != pid {
            return Ok(false);
        }
        let report = Report { pid, is_ready, body: body.to_vec() };
        self.board.write(self.place.load(Ordering::Relaxed), &report)?;
        Ok(true)
    }

    /// Report for this process from now on as the worker of this number, from 1.
    pub fn adopt(&self, number: usize) {
        self.place.store(number.clamp(1, MOST_WORKERS), Ordering::Relaxed);
        self.owner.store(std::process::id(), Ordering::Relaxed);
    }

    /// Forget what the worker of this number reported: it has ended.
    pub fn forget(&self, number: usize) -> io::Result<()> {
        self.board.clear(number.clamp(1, MOST_WORKERS))
    }

    pub fn require(&self, workers: usize) {
        self.required.store(workers.min(MOST_WORKERS), Ordering::Relaxed);
    }

    pub fn put_timeline(&self, timeline: &[u8]) -> io::Result<()> {
        self.board.write_timeline(timeline)
    }

    pub fn timeline(&self) -> Option<Vec<u8>> {
        self.board.timeline()
    }

    pub fn readiness(&self) -> Readiness {
        let required = self.required.load(Ordering::Relaxed);
        if required == 0 {
            return match self.board.read(0) {
                Some(report) => Readiness { is_ready: report.is_ready, body: report.body },
                None => Readiness { is_ready: false, body: b"{\"ready\":false}".to_vec() },
            };
        }
        let mut ready = 0;
        let mut shown = Vec::new();
        for report in (1..=MOST_WORKERS).filter_map(|place| self.board.read(place)) {
            if !is_alive(report.pid) {
                continue;
            }
            if report.is_ready {
                ready += 1;
            } else if shown.len() < MOST_SHOWN {
                shown.push(report.body);
            }
        }
        let enough = if self.was_ready.load(Ordering::Relaxed) { 1 } else { required };
        let is_ready = ready >= enough;
        if is_ready {
            self.was_ready.store(true, Ordering::Relaxed);
        }
        let mut body =
            format!("{{\"ready\":{is_ready},\"workers\":{{\"required\":{enough},\"ready\":{ready}}},\"waiting\":[")
                .into_bytes();
        body.extend(shown.join(&b","[..]));
        body.extend(b"]}");
        Readiness { is_ready, body }
    }
}

/// Whether a process of this number lives. One that was killed is told of by its parent (`forget`),
/// this is for a parent that cannot.
fn is_alive(pid: u32) -> bool {
    let pid = i32::try_from(pid).ok().and_then(Pid::from_raw);
    // Not to be allowed to signal it means that it is there.
    pid.is_some_and(|pid| test_kill_process(pid) != Err(rustix::io::Errno::SRCH))
}

#[cfg(test)]
mod tests {
    use super::{Board, Report, Roll};

    /// No process has this number: it is above what Linux gives.
    const NOBODY: u32 = 0x7fff_fff0;

    fn write(board: &Board, place: usize, pid: u32, is_ready: bool) -> std::io::Result<()> {
        board.write(place, &Report { pid, is_ready, body: b"{}".to_vec() })
    }

    #[test]
    fn all_workers_have_to_be_ready_first_and_one_later() -> std::io::Result<()> {
        let me = std::process::id();
        let roll = Roll::new()?;
        roll.report(true, b"{}")?;
        roll.require(2);
        assert!(!roll.readiness().is_ready);
        write(&roll.board, 1, me, true)?;
        write(&roll.board, 2, me, false)?;
        assert!(!roll.readiness().is_ready);
        write(&roll.board, 2, me, true)?;
        assert!(roll.readiness().is_ready);
        roll.forget(2)?;
        assert!(roll.readiness().is_ready);
        roll.forget(1)?;
        assert!(!roll.readiness().is_ready);
        Ok(())
    }

    #[test]
    fn who_is_dead_does_not_count() -> std::io::Result<()> {
        let roll = Roll::new()?;
        roll.require(1);
        write(&roll.board, 1, NOBODY, true)?;
        assert!(!roll.readiness().is_ready);
        Ok(())
    }

    #[test]
    fn the_answer_for_workers_shows_what_is_not_ready() -> std::io::Result<()> {
        let roll = Roll::new()?;
        roll.require(1);
        write(&roll.board, 3, std::process::id(), false)?;
        let body = String::from_utf8(roll.readiness().body).unwrap_or_default();
        assert_eq!(body, r#"{"ready":false,"workers":{"required":1,"ready":0},"waiting":[{}]}"#);
        Ok(())
    }
}
