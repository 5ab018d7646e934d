//! The loop: one thread, non-blocking sockets, a deadline for everybody.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rustix::event::{EventfdFlags, PollFd, PollFlags, Timespec, eventfd, poll};

use super::connection::Connection;
use super::roll::Roll;
use super::{MOST_ACCEPTS, MOST_CONNECTIONS, ROUND};

/// It needs a few kilobytes; the default of 8 MB would be shown as used memory by some tools.
const STACK_BYTES: usize = 128 * 1024;

/// Connections that the kernel keeps until they are accepted; it caps this by `somaxconn`.
const BACKLOG: i32 = 4096;

/// An open port and its peers, while nobody serves them.
#[derive(Debug)]
pub struct Server {
    listener: TcpListener,
    roll: Arc<Roll>,
    /// The oldest first.
    connections: Vec<Connection>,
    round_ends: Instant,
    accepts_left: u32,
}

/// A server in its thread.
#[derive(Debug)]
pub struct Serving {
    thread: JoinHandle<Server>,
    stop: Arc<OwnedFd>,
}

impl Server {
    pub fn bind(address: SocketAddr, roll: Arc<Roll>) -> io::Result<Self> {
        let listener = TcpListener::bind(address)?;
        listener.set_nonblocking(true)?;
        // The standard library's 128 overflow in a flood, and who is dropped comes again in a second.
        rustix::net::listen(&listener, BACKLOG)?;
        Ok(Self {
            listener,
            roll,
            connections: Vec::new(),
            round_ends: Instant::now() + ROUND,
            accepts_left: MOST_ACCEPTS,
        })
    }

    pub fn address(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Serve in a thread of its own, which has the signal mask of the calling one.
    pub fn start(self) -> io::Result<Serving> {
        let stop = Arc::new(eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?);
        let seen = Arc::clone(&stop);
        let thread = std::thread::Builder::new()
            .name("coldcache-probe".to_owned())
            .stack_size(STACK_BYTES)
            .spawn(move || self.serve(&seen))?;
        Ok(Serving { thread, stop })
    }

    fn serve(mut self, stop: &OwnedFd) -> Server {
        loop {
            match self.wait(stop) {
                Ok(false) => {}
                Ok(true) => return self,
                // Out of memory or of file descriptors, for a while: not in a tight loop.
                Err(_) => std::thread::sleep(ROUND),
            }
            let now = Instant::now();
            for connection in &mut self.connections {
                connection.advance(now, &self.roll);
            }
            self.connections.retain(|connection| !connection.is_closed());
            self.accept(now);
        }
    }

    /// Wait until there is something to do; whether that is to stop.
    fn wait(&self, stop: &OwnedFd) -> io::Result<bool> {
        let now = Instant::now();
        let is_open = self.accepts_left > 0;
        let mut until = self.connections.iter().map(Connection::until).min();
        if !is_open {
            until = Some(until.map_or(self.round_ends, |one| one.min(self.round_ends)));
        }
        let timeout = until.map(|until| timespec(until.saturating_duration_since(now)));
        let mut waited = vec![PollFd::new(stop, PollFlags::IN)];
        if is_open {
            waited.push(PollFd::new(&self.listener, PollFlags::IN));
        }
        for connection in &self.connections {
            waited.push(PollFd::new(&connection.stream, connection.interest()));
        }
        match poll(&mut waited, timeout.as_ref()) {
            Ok(_) => Ok(!waited[0].revents().is_empty()),
            Err(rustix::io::Errno::INTR) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    fn accept(&mut self, now: Instant) {
        if now >= self.round_ends {
            self.round_ends = now + ROUND;
            self.accepts_left = MOST_ACCEPTS;
        }
        while self.accepts_left > 0 {
            let Ok((stream, _)) = self.listener.accept() else { return };
            self.accepts_left -= 1;
            let Some(mut connection) = Connection::new(stream, now) else { continue };
            connection.advance(now, &self.roll); // its request may be here already
            if connection.is_closed() {
                continue;
            }
            if self.connections.len() >= MOST_CONNECTIONS {
                self.connections.remove(0);
            }
            self.connections.push(connection);
        }
    }
}

impl Serving {
    /// Stop serving, and wait for the thread, which is on its way at once. The port stays open.
    pub fn stop(self) -> io::Result<Server> {
        rustix::io::write(&*self.stop, &1_u64.to_ne_bytes())?;
        self.thread.join().map_err(|_| io::Error::other("the thread of the probe has panicked"))
    }
}

fn timespec(duration: Duration) -> Timespec {
    // A millisecond more: a poll that ends before the deadline would be repeated at once.
    let duration = duration + Duration::from_millis(1);
    Timespec {
        tv_sec: i64::try_from(duration.as_secs()).unwrap_or(i64::MAX),
        tv_nsec: i64::from(duration.subsec_nanos()),
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::{Ipv4Addr, SocketAddr, TcpStream};
    use std::sync::Arc;

    use super::{Roll, Server, Serving};
    use crate::probe::MOST_CONNECTIONS;

    fn serving() -> std::io::Result<(Serving, SocketAddr)> {
        let roll = Arc::new(Roll::new()?);
        let server = Server::bind((Ipv4Addr::LOCALHOST, 0).into(), roll)?;
        let address = server.address()?;
        Ok((server.start()?, address))
    }

    fn ask(address: SocketAddr) -> std::io::Result<String> {
        let mut stream = TcpStream::connect(address)?;
        stream.write_all(b"GET /livez HTTP/1.1\r\n\r\n")?;
        let mut text = String::new();
        stream.read_to_string(&mut text)?;
        Ok(text)
    }

    #[test]
    fn a_server_goes_on_where_it_was_stopped() -> std::io::Result<()> {
        let (first, address) = serving()?;
        assert!(ask(address)?.starts_with("HTTP/1.1 200 OK\r\n"));
        let between = first.stop()?;
        let mut waiting = TcpStream::connect(address)?;
        waiting.write_all(b"GET /livez HTTP/1.1\r\n\r\n")?;
        let second = between.start()?;
        let mut text = String::new();
        waiting.read_to_string(&mut text)?;
        assert!(text.starts_with("HTTP/1.1 200 OK\r\n"));
        second.stop().map(drop)
    }

    #[test]
    fn those_who_do_nothing_keep_nobody_out() -> std::io::Result<()> {
        let (server, address) = serving()?;
        let silent: Result<Vec<TcpStream>, _> =
            (0..3 * MOST_CONNECTIONS).map(|_| TcpStream::connect(address)).collect();
        assert!(ask(address)?.starts_with("HTTP/1.1 200 OK\r\n"));
        drop(silent?);
        server.stop().map(drop)
    }
}
