//! A `DynamoDB` that answers at once: every page is there and fresh, nobody holds a lease, and every write succeeds.

use std::cell::Cell;
use std::io;
use std::rc::Rc;

use bench_native::{COUNT_REQUEST, META, response, serve};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

struct Stub {
    requests: Cell<usize>,
    query: Vec<u8>,
    meta: Vec<u8>,
    nothing: Vec<u8>,
}

fn main() -> io::Result<()> {
    let stub = Stub {
        requests: Cell::new(0),
        query: response(&format!(r#"{{"Count":1,"Items":[{META}],"ScannedCount":1}}"#)),
        meta: response(&format!(r#"{{"Item":{META}}}"#)),
        nothing: response("{}"),
    };
    serve(stub, converse)
}

async fn converse(stub: Rc<Stub>, mut stream: TcpStream) -> io::Result<()> {
    let mut received = Vec::with_capacity(16 * 1024);
    loop {
        let Some(request) = Request::parse(&received) else {
            if stream.read_buf(&mut received).await? == 0 {
                return Ok(());
            }
            continue;
        };
        let length = request.length;
        if received.starts_with(COUNT_REQUEST) {
            stream.write_all(&response(&stub.requests.get().to_string())).await?;
        } else {
            stub.requests.set(stub.requests.get() + 1);
            stream.write_all(stub.answer(&request)).await?;
        }
        received.drain(..length);
    }
}

impl Stub {
    fn answer(&self, request: &Request) -> &[u8] {
        match request.operation {
            b"Query" => &self.query,
            b"GetItem" if !contains(request.body, b"\"LOCK\"") => &self.meta,
            _ => &self.nothing,
        }
    }
}

struct Request<'a> {
    operation: &'a [u8],
    body: &'a [u8],
    /// With its headers.
    length: usize,
}

impl<'a> Request<'a> {
    /// Nothing while it has not come in whole.
    fn parse(received: &'a [u8]) -> Option<Self> {
        const END: &[u8] = b"\r\n\r\n";
        let head_length = received.windows(END.len()).position(|bytes| bytes == END)? + END.len();
        let (head, rest) = received.split_at(head_length);
        let (mut operation, mut body_length) = (&[][..], 0);
        for line in head.split(|byte| *byte == b'\n') {
            let Some(colon) = line.iter().position(|byte| *byte == b':') else { continue };
            let (name, value) = line.split_at(colon);
            let value = value.get(1..)?.trim_ascii();
            if name.eq_ignore_ascii_case(b"content-length") {
                body_length = str::from_utf8(value).ok()?.parse().ok()?;
            } else if name.eq_ignore_ascii_case(b"x-amz-target") {
                operation = value.rsplit(|byte| *byte == b'.').next()?;
            }
        }
        Some(Self { operation, body: rest.get(..body_length)?, length: head_length + body_length })
    }
}

fn contains(text: &[u8], wanted: &[u8]) -> bool {
    text.windows(wanted.len()).any(|bytes| bytes == wanted)
}
