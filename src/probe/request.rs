//! The head of a request: its first line decides, the fields after it are only counted.
//!
//! Every connection is closed after one answer, so neither bodies nor pipelined requests are read,
//! and no field of the head means anything here.

use super::MOST_HEAD_BYTES;

/// Longer methods are not looked at for their end: no method in use has more letters.
const LONGEST_METHOD: usize = 20;

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resource {
    Live,
    Ready,
    Startup,
}

/// A request, or why it is none that is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Request {
    Get(Resource),
    Head(Resource),
    Malformed,
    UnknownPath,
    WrongMethod,
    TooLarge,
    TooSlow,
}

/// The request that these bytes begin with, or `None` as long as its head has not ended.
pub fn parse(bytes: &[u8]) -> Option<Request> {
    if is_hopeless(bytes) {
        return Some(Request::Malformed);
    }
    let line_end = bytes.iter().position(|byte| *byte == b'\n');
    let line = line_end.map(|end| parse_line(&bytes[..end]));
    if line == Some(Request::Malformed) {
        return line; // garbage is told at once
    }
    let has_ended = bytes.windows(4).any(|four| four == b"\r\n\r\n");
    if has_ended {
        line
    } else if bytes.len() >= MOST_HEAD_BYTES {
        Some(Request::TooLarge)
    } else {
        None
    }
}

/// Whether no more bytes can make it a request: a TLS greeting, say, which would wait for an answer.
fn is_hopeless(bytes: &[u8]) -> bool {
    let method = bytes.iter().position(|byte| *byte == b' ').unwrap_or(bytes.len());
    method > LONGEST_METHOD || !bytes[..method].iter().all(u8::is_ascii_uppercase)
}

fn parse_line(line: &[u8]) -> Request {
    let Some(line) = line.strip_suffix(b"\r").and_then(|line| std::str::from_utf8(line).ok())
    else {
        return Request::Malformed;
    };
    let words: Vec<&str> = line.split(' ').collect();
    let [method, target, version] = words[..] else { return Request::Malformed };
    if method.is_empty() || !matches!(version, "HTTP/1.1" | "HTTP/1.0") {
        return Request::Malformed;
    }
    let make = match method {
        "GET" => Request::Get,
        "HEAD" => Request::Head,
        _ => return Request::WrongMethod,
    };
    match path_of(target) {
        "/livez" => make(Resource::Live),
        "/readyz" => make(Resource::Ready),
        "/startup" => make(Resource::Startup),
        path if path.starts_with('/') => Request::UnknownPath,
        _ => Request::Malformed,
    }
}

/// The path of a target; proxies may send the whole address.
fn path_of(target: &str) -> &str {
    let path = match target.strip_prefix("http://") {
        Some(rest) => rest.find('/').map_or("/", |start| &rest[start..]),
        None => target,
    };
    path.split('?').next().unwrap_or(path)
}

#[cfg(test)]
mod tests {
    use super::{Request, Resource, parse};

    fn parsed(text: &str) -> Option<Request> {
        parse(text.as_bytes())
    }

    #[test]
    fn a_request_is_known_when_its_head_has_ended() {
        let text = "GET /readyz HTTP/1.1\r\nHost: a\r\n\r\n";
        for end in 0..text.len() {
            assert_eq!(parsed(&text[..end]), None);
        }
        assert_eq!(parsed(text), Some(Request::Get(Resource::Ready)));
    }

    #[test]
    fn what_follows_the_head_is_not_looked_at() {
        let text = "HEAD /livez HTTP/1.0\r\n\r\nGET /nothing HTTP/1.1\r\n\r\n";
        assert_eq!(parsed(text), Some(Request::Head(Resource::Live)));
    }

    #[test]
    fn query_and_whole_address_do_not_matter() {
        for target in ["/startup?verbose", "http://127.0.0.1:81/startup", "http://h/startup?"] {
            let text = format!("GET {target} HTTP/1.1\r\n\r\n");
            assert_eq!(parsed(&text), Some(Request::Get(Resource::Startup)));
        }
    }

    #[test]
    fn garbage_is_told_before_the_head_has_ended() {
        for text in ["\u{16}\u{3}\u{1}", "get /", "GET\r\n", "GET  /livez HTTP/1.1\r\n", "\r\n"] {
            assert_eq!(parsed(text), Some(Request::Malformed), "{text:?}");
        }
        for text in ["GET /livez\r\n", "GET /livez HTTP/2.0\r\n", "GET livez HTTP/1.1\r\n"] {
            assert_eq!(parsed(text), Some(Request::Malformed), "{text:?}");
        }
        assert_eq!(parse(&[b'A'; 21]), Some(Request::Malformed));
        assert_eq!(parse(b"GET /\xff HTTP/1.1\r\n"), Some(Request::Malformed));
    }

    #[test]
    fn other_paths_and_methods_are_told_apart() {
        assert_eq!(parsed("GET /livez/ HTTP/1.1\r\n\r\n"), Some(Request::UnknownPath));
        assert_eq!(parsed("POST /livez HTTP/1.1\r\n\r\n"), Some(Request::WrongMethod));
    }

    #[test]
    fn a_head_without_an_end_is_too_large() {
        let text = format!("GET /livez HTTP/1.1\r\nA: {}", "a".repeat(super::MOST_HEAD_BYTES));
        assert_eq!(parsed(&text), Some(Request::TooLarge));
    }
}
