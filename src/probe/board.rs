//! Memory in which processes report, one place each: an anonymous file that forked children inherit.
//!
//! A report is one `pwrite`, which the kernel keeps apart from other writes; a read that was under way
//! meanwhile is noticed by its checksum and done again. So nobody waits for anybody, and a worker that
//! is killed leaves nothing locked.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use rustix::fs::{MemfdFlags, memfd_create};

/// Bytes of a report in its place, header included.
pub const PLACE_BYTES: usize = 16 * 1024;
/// Places for workers; the first place is that of the process with the probe.
pub const MOST_WORKERS: usize = 256;
/// Bytes of a timeline: far more than a bounded recorder fills.
pub const TIMELINE_BYTES: usize = 512 * 1024;

const HEADER_BYTES: usize = 24;
const TIMELINE_AT: u64 = (PLACE_BYTES * (MOST_WORKERS + 1)) as u64;
const TRIES: usize = 8;

/// What a process said last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    pub pid: u32,
    pub is_ready: bool,
    pub body: Vec<u8>,
}

#[derive(Debug)]
pub struct Board(File);

impl Board {
    pub fn new() -> io::Result<Self> {
        Ok(Self(File::from(memfd_create("coldcache-probe", MemfdFlags::CLOEXEC)?)))
    }

    /// Put a report into a place. Too long a body is an error, and nothing is written.
    pub fn write(&self, place: usize, report: &Report) -> io::Result<()> {
        self.put(offset(place), PLACE_BYTES, report)
    }

    /// What is in a place; `None` if nothing is.
    #[must_use]
    pub fn read(&self, place: usize) -> Option<Report> {
        self.get(offset(place), PLACE_BYTES)
    }

    pub fn clear(&self, place: usize) -> io::Result<()> {
        self.0.write_all_at(&[0; HEADER_BYTES], offset(place))
    }

    pub fn write_timeline(&self, body: &[u8]) -> io::Result<()> {
        let report = Report { pid: 0, is_ready: true, body: body.to_vec() };
        self.put(TIMELINE_AT, TIMELINE_BYTES, &report)
    }

    #[must_use]
    pub fn timeline(&self) -> Option<Vec<u8>> {
        self.get(TIMELINE_AT, TIMELINE_BYTES).map(|report| report.body)
    }

    fn put(&self, at: u64, room: usize, report: &Report) -> io::Result<()> {
        let length = u32::try_from(report.body.len()).unwrap_or(u32::MAX);
        if report.body.len() > room - HEADER_BYTES {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "the report is too long"));
        }
        let mut bytes = vec![0; 8];
        bytes.extend(report.pid.to_le_bytes());
        bytes.extend(length.to_le_bytes());
        bytes.extend(u64::from(report.is_ready).to_le_bytes());
        bytes.extend(&report.body);
        let sum = checksum(&bytes[8..]).to_le_bytes();
        bytes[..8].copy_from_slice(&sum);
        self.0.write_all_at(&bytes, at)
    }

    fn get(&self, at: u64, room: usize) -> Option<Report> {
        (0..TRIES).find_map(|_| self.get_once(at, room).ok().flatten())
    }

    fn get_once(&self, at: u64, room: usize) -> io::Result<Option<Report>> {
        let mut header = [0; HEADER_BYTES];
        self.0.read_exact_at(&mut header, at)?;
        let number = |from: usize| {
            let mut four = [0; 4];
            four.copy_from_slice(&header[from..from + 4]);
            u32::from_le_bytes(four)
        };
        let mut sum = [0; 8];
        sum.copy_from_slice(&header[..8]);
        let length = number(12) as usize;
        if sum == [0; 8] || length > room - HEADER_BYTES {
            return Ok(None);
        }
        let mut bytes = header[8..].to_vec();
        bytes.resize(HEADER_BYTES - 8 + length, 0);
        self.0.read_exact_at(&mut bytes[HEADER_BYTES - 8..], at + HEADER_BYTES as u64)?;
        if checksum(&bytes) != u64::from_le_bytes(sum) {
            return Ok(None); // written meanwhile
        }
        bytes.drain(..HEADER_BYTES - 8);
        Ok(Some(Report { pid: number(8), is_ready: number(16) != 0, body: bytes }))
    }
}

fn offset(place: usize) -> u64 {
    (PLACE_BYTES * place.min(MOST_WORKERS)) as u64
}

/// FNV-1a (Fowler, Noll, Vo), never zero: it tells torn reads, not forgeries.
fn checksum(bytes: &[u8]) -> u64 {
    let sum = bytes.iter().fold(0xcbf2_9ce4_8422_2325_u64, |sum, byte| {
        (sum ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    sum.max(1)
}

#[cfg(test)]
mod tests {
    use super::{Board, MOST_WORKERS, PLACE_BYTES, Report};

    fn report(pid: u32, body: &[u8]) -> Report {
        Report { pid, is_ready: pid % 2 == 1, body: body.to_vec() }
    }

    #[test]
    fn a_report_is_read_as_it_was_written() -> std::io::Result<()> {
        let board = Board::new()?;
        for place in [0, 1, MOST_WORKERS] {
            assert_eq!(board.read(place), None);
            board.write(place, &report(7, b"a longer one"))?;
            board.write(place, &report(8, b"short"))?;
            assert_eq!(board.read(place), Some(report(8, b"short")));
        }
        board.clear(1)?;
        assert_eq!(board.read(1), None);
        assert_eq!(board.read(0), Some(report(8, b"short")));
        Ok(())
    }

    #[test]
    fn too_long_a_report_is_refused_and_the_old_one_stays() -> std::io::Result<()> {
        let board = Board::new()?;
        board.write(0, &report(1, b"old"))?;
        assert!(board.write(0, &report(1, &[b'x'; PLACE_BYTES])).is_err());
        assert_eq!(board.read(0), Some(report(1, b"old")));
        Ok(())
    }

    #[test]
    fn a_reader_never_sees_parts_of_two_reports() -> std::io::Result<()> {
        let board = Board::new()?;
        let bodies = [vec![b'a'; 9000], vec![b'b'; 9000]];
        board.write(0, &report(0, &bodies[0]))?;
        std::thread::scope(|scope| {
            let writer = scope.spawn(|| -> std::io::Result<()> {
                for turn in 1..2000_u32 {
                    board.write(0, &report(turn, &bodies[turn as usize % 2]))?;
                }
                Ok(())
            });
            while !writer.is_finished() {
                if let Some(seen) = board.read(0) {
                    assert_eq!(seen.body, bodies[seen.pid as usize % 2]);
                }
            }
        });
        Ok(())
    }
}
