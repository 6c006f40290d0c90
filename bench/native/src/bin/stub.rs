//! A `DynamoDB` stub: every page exists and is fresh, no lease is held, and every write succeeds.
//!
//! `stub <delay in ms> [<certificate> <key>]`

use std::cell::Cell;
use std::env;
use std::error::Error;
use std::io;
use std::rc::Rc;
use std::time::Duration;

use bench_native::{COUNT_REQUEST, META, Request, Socket, response, serve, tls_from};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

struct Stub {
    requests: Cell<usize>,
    delay: Duration,
    query: Vec<u8>,
    meta: Vec<u8>,
    nothing: Vec<u8>,
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = env::args().skip(1);
    let delay = arguments.next().ok_or("an argument is missing; stub.rs lists them")?.parse()?;
    let stub = Stub {
        requests: Cell::new(0),
        delay: Duration::from_millis(delay),
        query: response(&format!(r#"{{"Count":1,"Items":[{META}],"ScannedCount":1}}"#)),
        meta: response(&format!(r#"{{"Item":{META}}}"#)),
        nothing: response("{}"),
    };
    Ok(serve(stub, tls_from(arguments)?.as_ref(), converse)?)
}

async fn converse(stub: Rc<Stub>, mut stream: Box<dyn Socket>) -> io::Result<()> {
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
            if !stub.delay.is_zero() {
                tokio::time::sleep(stub.delay).await;
            }
            stream.write_all(stub.answer(&request)).await?;
        }
        stream.flush().await?;
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

fn contains(text: &[u8], wanted: &[u8]) -> bool {
    text.windows(wanted.len()).any(|bytes| bytes == wanted)
}
