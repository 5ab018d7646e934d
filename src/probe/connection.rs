//! One peer: reads its request, writes the answer, reads what it still sends, and is closed.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::Instant;

use rustix::event::PollFlags;

use super::answer::answer;
use super::request::{Request, parse};
use super::roll::Roll;
use super::{DRAIN, MOST_HEAD_BYTES, PATIENCE};

const CHUNK_BYTES: usize = 2048;
/// Bytes read and thrown away after the answer; who sends more is cut off.
const MOST_DRAINED_BYTES: usize = 256 * 1024;

#[derive(Debug)]
enum Phase {
    Reading(Vec<u8>),
    Writing { bytes: Vec<u8>, sent: usize },
    Draining { bytes: usize },
    Closed,
}

#[derive(Debug)]
pub struct Connection {
    pub stream: TcpStream,
    phase: Phase,
    /// When the phase ends, done or not.
    until: Instant,
}

impl Connection {
    /// A connection from now on; `None` if the peer is gone already.
    pub fn new(stream: TcpStream, now: Instant) -> Option<Self> {
        stream.set_nonblocking(true).ok()?;
        Some(Self { stream, phase: Phase::Reading(Vec::new()), until: now + PATIENCE })
    }

    pub fn is_closed(&self) -> bool {
        matches!(self.phase, Phase::Closed)
    }

    pub fn until(&self) -> Instant {
        self.until
    }

    /// What it waits for.
    pub fn interest(&self) -> PollFlags {
        match self.phase {
            Phase::Writing { .. } => PollFlags::OUT,
            _ => PollFlags::IN,
        }
    }

    /// Go as far as it goes without waiting.
    pub fn advance(&mut self, now: Instant, roll: &Roll) {
        if now >= self.until {
            self.run_out(now, roll);
        }
        if let Phase::Reading(_) = self.phase {
            self.read(now, roll);
        }
        if let Phase::Writing { .. } = self.phase {
            self.write(now);
        }
        if let Phase::Draining { .. } = self.phase {
            self.drain();
        }
    }

    /// The time of this phase is over: half a request is told so, everything else is closed.
    fn run_out(&mut self, now: Instant, roll: &Roll) {
        match &self.phase {
            Phase::Reading(bytes) if !bytes.is_empty() => {
                self.begin_answer(Request::TooSlow, now, roll);
            }
            _ => self.phase = Phase::Closed,
        }
    }

    fn read(&mut self, now: Instant, roll: &Roll) {
        let mut chunk = [0; CHUNK_BYTES];
        while let Phase::Reading(bytes) = &mut self.phase {
            match self.stream.read(&mut chunk) {
                Ok(0) => self.phase = Phase::Closed,
                Ok(length) => {
                    bytes.extend_from_slice(&chunk[..length]);
                    bytes.truncate(MOST_HEAD_BYTES);
                    if let Some(request) = parse(bytes) {
                        self.begin_answer(request, now, roll);
                    }
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => return,
                Err(_) => self.phase = Phase::Closed,
            }
        }
    }

    fn begin_answer(&mut self, request: Request, now: Instant, roll: &Roll) {
        self.phase = Phase::Writing { bytes: answer(request, roll), sent: 0 };
        self.until = now + PATIENCE;
    }

    fn write(&mut self, now: Instant) {
        while let Phase::Writing { bytes, sent } = &mut self.phase {
            match self.stream.write(&bytes[*sent..]) {
                Ok(length) => {
                    *sent += length;
                    if *sent == bytes.len() {
                        let has_ended = self.stream.shutdown(Shutdown::Write).is_ok();
                        self.until = now + DRAIN;
                        self.phase =
                            if has_ended { Phase::Draining { bytes: 0 } } else { Phase::Closed };
                    }
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => return,
                Err(_) => self.phase = Phase::Closed,
            }
        }
    }

    fn drain(&mut self) {
        let mut chunk = [0; CHUNK_BYTES];
        while let Phase::Draining { bytes } = &mut self.phase {
            match self.stream.read(&mut chunk) {
                Ok(length) if length > 0 && *bytes < MOST_DRAINED_BYTES => *bytes += length,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => return,
                _ => self.phase = Phase::Closed,
            }
        }
    }
}
