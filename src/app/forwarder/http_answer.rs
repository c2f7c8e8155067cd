//! Finds the end of an HTTP/1 answer in what an app sends, so that a connection that is to end is closed between two requests and
//! never within an answer, however long an app pauses there. Of an answer whose length is known, only the head is read.

/// The longest head of an answer that is looked for an end.
const HEAD_LIMIT: usize = 32 * 1024;

/// The end of a body in chunks.
const LAST_CHUNK: &[u8] = b"\r\n0\r\n\r\n";

/// How much of an answer has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HttpAnswer {
    /// A part of its head.
    Head(Vec<u8>),
    /// All but so many bytes of its body.
    Body(u64),
    /// A part of a body in chunks, of which these were the last bytes.
    Chunks(Vec<u8>),
    Complete,
    /// All that comes until the app closes the connection.
    UntilClose,
    /// It is no HTTP/1.
    Unknown,
}

impl HttpAnswer {
    /// One of which nothing has come.
    pub fn new() -> Self {
        HttpAnswer::Head(Vec::new())
    }

    /// Whether the bytes that come next must be seen; else their number is enough.
    pub fn is_read(&self) -> bool {
        matches!(self, HttpAnswer::Head(_) | HttpAnswer::Chunks(_))
    }

    /// More of it has come.
    pub fn read(&mut self, bytes: &[u8]) {
        match self {
            HttpAnswer::Head(head) => {
                head.extend_from_slice(bytes);
                *self = after_head(std::mem::take(head));
            }
            HttpAnswer::Chunks(last) => {
                last.extend_from_slice(bytes);
                *self = in_chunks(last);
            }
            _ => self.skip(bytes.len()),
        }
    }

    /// So many bytes more have come, unseen.
    pub fn skip(&mut self, count: usize) {
        *self = match self {
            HttpAnswer::Body(left) => match left.checked_sub(count as u64) {
                Some(0) => HttpAnswer::Complete,
                Some(left) => HttpAnswer::Body(left),
                None => HttpAnswer::Unknown,
            },
            HttpAnswer::UntilClose => HttpAnswer::UntilClose,
            _ => HttpAnswer::Unknown,
        };
    }

    /// Whether a part of it has come and another part is still to come.
    pub fn is_partial(&self) -> bool {
        match self {
            HttpAnswer::Head(bytes) => !bytes.is_empty(),
            HttpAnswer::Body(_) | HttpAnswer::Chunks(_) | HttpAnswer::UntilClose => true,
            HttpAnswer::Complete | HttpAnswer::Unknown => false,
        }
    }
}

/// What is known from the first bytes of an answer.
fn after_head(bytes: Vec<u8>) -> HttpAnswer {
    const PROTOCOL: &[u8] = b"HTTP/1.";
    let common = bytes.len().min(PROTOCOL.len());
    if bytes[..common] != PROTOCOL[..common] {
        return HttpAnswer::Unknown;
    }
    let Some(length) = memchr::memmem::find(&bytes, b"\r\n\r\n").map(|at| at + 4) else {
        return if bytes.len() > HEAD_LIMIT { HttpAnswer::Unknown } else { HttpAnswer::Head(bytes) };
    };
    let (head, rest) = bytes.split_at(length);
    let head = String::from_utf8_lossy(head);
    match head.split_ascii_whitespace().nth(1).unwrap_or_default() {
        // Another protocol comes.
        "101" => HttpAnswer::Unknown,
        status if status.starts_with('1') => after_head(rest.to_vec()),
        "204" | "304" if rest.is_empty() => HttpAnswer::Complete,
        _ if header(&head, "transfer-encoding").is_some_and(|coding| coding.eq_ignore_ascii_case("chunked")) => {
            // The line before the first chunk ends with the head.
            in_chunks(&[b"\r\n", rest].concat())
        }
        _ => match header(&head, "content-length").and_then(|length| length.parse().ok()) {
            Some(length) => {
                let mut answer = HttpAnswer::Body(length);
                answer.skip(rest.len());
                answer
            }
            None => HttpAnswer::UntilClose,
        },
    }
}

fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    let headers = head.lines().skip(1).filter_map(|line| line.split_once(':'));
    headers.filter(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim()).next()
}

/// What is known of a body in chunks from its last bytes. That a chunk has the very bytes of the end, and pauses after
/// them, is not worth reading all chunks.
fn in_chunks(last: &[u8]) -> HttpAnswer {
    if last.ends_with(LAST_CHUNK) {
        return HttpAnswer::Complete;
    }
    HttpAnswer::Chunks(last[last.len().saturating_sub(LAST_CHUNK.len() - 1)..].to_vec())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::HttpAnswer;

    /// Answers whose end can be told.
    const ANSWERS: [&str; 7] = [
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\ncontent-length:0\r\n\r\n",
        "HTTP/1.1 204 No Content\r\n\r\n",
        "HTTP/1.1 304 Not Modified\r\nETag: x\r\n\r\n",
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
        "HTTP/1.0 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n0\r\n\r\n",
    ];

    fn after(parts: &[&[u8]]) -> HttpAnswer {
        let mut answer = HttpAnswer::new();
        parts.iter().for_each(|part| answer.read(part));
        answer
    }

    #[test]
    fn without_a_length_an_answer_goes_on_until_the_app_closes() {
        let mut answer = after(&[b"HTTP/1.1 200 OK\r\n\r\nhello"]);
        answer.skip(10_000);
        assert_eq!(answer, HttpAnswer::UntilClose);
        assert!(answer.is_partial());
    }

    #[test]
    fn what_is_no_answer_stays_unknown() {
        let web_socket = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n";
        let longer_than_it_says = "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nhello";
        for text in [web_socket, longer_than_it_says, "220 smtp ready\r\n", "\0\0\x12"] {
            assert_eq!(after(&[text.as_bytes()]), HttpAnswer::Unknown, "{text:?}");
        }
    }

    #[test]
    fn a_body_of_a_known_length_is_counted_unseen() {
        let mut answer = after(&[b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n123"]);
        assert!(!answer.is_read());
        answer.skip(6);
        assert_eq!(answer, HttpAnswer::Body(1));
        answer.skip(1);
        assert_eq!(answer, HttpAnswer::Complete);
    }

    #[test]
    fn a_head_without_end_is_given_up() {
        let line = "HTTP/1.1 200 OK\r\n".to_owned() + &"x: y\r\n".repeat(10_000);
        assert_eq!(after(&[line.as_bytes()]), HttpAnswer::Unknown);
    }

    proptest! {
        #[test]
        fn an_answer_is_complete_with_its_last_byte_and_not_before(
            text in prop::sample::select(&ANSWERS[..]),
            cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..4),
        ) {
            let bytes = text.as_bytes();
            let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len())).collect();
            cuts.extend([0, bytes.len()]);
            cuts.sort_unstable();
            let mut answer = HttpAnswer::new();
            for part in cuts.windows(2).map(|ends| &bytes[ends[0]..ends[1]]).filter(|part| !part.is_empty()) {
                prop_assert_ne!(&answer, &HttpAnswer::Complete);
                prop_assert_eq!(answer.is_partial(), answer != HttpAnswer::new());
                answer.read(part);
            }
            prop_assert_eq!(answer, HttpAnswer::Complete);
        }
    }
}
