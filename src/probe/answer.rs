//! The response to a request, complete.

use super::RETRY_AFTER;
use super::request::{Request, Resource};
use super::roll::Roll;

struct Status(&'static str);

const OK: Status = Status("200 OK");
const NOT_READY: Status = Status("503 Service Unavailable");

/// Write the response; the connection is closed after it.
pub fn answer(request: Request, roll: &Roll) -> Vec<u8> {
    let (resource, is_head) = match request {
        Request::Get(resource) => (resource, false),
        Request::Head(resource) => (resource, true),
        Request::Malformed => return plain("400 Bad Request"),
        Request::UnknownPath => return plain("404 Not Found"),
        Request::WrongMethod => return plain("405 Method Not Allowed\r\nAllow: GET, HEAD"),
        Request::TooSlow => return plain("408 Request Timeout"),
        Request::TooLarge => return plain("431 Request Header Fields Too Large"),
    };
    let (status, kind, body) = match resource {
        Resource::Live => (OK, "text/plain", b"ok\n".to_vec()),
        Resource::Ready => {
            let readiness = roll.readiness();
            (if readiness.is_ready { OK } else { NOT_READY }, "application/json", readiness.body)
        }
        Resource::Startup => match roll.timeline() {
            Some(timeline) => (OK, "application/json", timeline),
            None => (NOT_READY, "application/json", b"{\"ready\":false}".to_vec()),
        },
    };
    response(&status, kind, &body, is_head)
}

fn plain(status: &'static str) -> Vec<u8> {
    response(&Status(status), "text/plain", &[], false)
}

fn response(status: &Status, kind: &str, body: &[u8], is_head: bool) -> Vec<u8> {
    let retry = if status.0 == NOT_READY.0 {
        format!("Retry-After: {RETRY_AFTER}\r\n")
    } else {
        String::new()
    };
    let mut bytes = format!(
        "HTTP/1.1 {}\r\nContent-Type: {kind}\r\nContent-Length: {}\r\nCache-Control: no-store\r\n\
         {retry}Connection: close\r\n\r\n",
        status.0,
        body.len()
    )
    .into_bytes();
    if !is_head {
        bytes.extend_from_slice(body);
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::answer;
    use crate::probe::request::{Request, Resource};
    use crate::probe::roll::Roll;

    fn text(request: Request, roll: &Roll) -> String {
        String::from_utf8(answer(request, roll)).unwrap_or_default()
    }

    #[test]
    fn readiness_is_503_with_a_time_to_come_back_until_it_is_reported() -> std::io::Result<()> {
        let roll = Roll::new()?;
        roll.report(false, b"{\"ready\":false}")?;
        let before = text(Request::Get(Resource::Ready), &roll);
        assert!(before.starts_with("HTTP/1.1 503 Service Unavailable\r\n"), "{before}");
        assert!(before.contains("\r\nRetry-After: 1\r\n"));
        assert!(before.ends_with("\r\n\r\n{\"ready\":false}"));

        roll.report(true, b"{\"ready\":true}")?;
        let after = text(Request::Get(Resource::Ready), &roll);
        assert!(after.starts_with("HTTP/1.1 200 OK\r\n"));
        assert!(!after.contains("Retry-After"));
        Ok(())
    }

    #[test]
    fn head_is_get_without_the_body() -> std::io::Result<()> {
        let roll = Roll::new()?;
        let whole = text(Request::Get(Resource::Live), &roll);
        assert_eq!(whole, text(Request::Head(Resource::Live), &roll) + "ok\n");
        Ok(())
    }

    #[test]
    fn a_wrong_method_is_told_which_would_do() -> std::io::Result<()> {
        let roll = Roll::new()?;
        assert!(text(Request::WrongMethod, &roll).contains("\r\nAllow: GET, HEAD\r\n"));
        Ok(())
    }
}
