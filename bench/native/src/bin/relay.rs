//! Stands before a server, passes every byte on as it comes, and counts the requests.
//!
//! `relay 127.0.0.1:8000`

use std::cell::Cell;
use std::env;
use std::io;
use std::rc::Rc;

use bench_native::{COUNT_REQUEST, response, serve};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

struct Relay {
    requests: Cell<usize>,
    server: String,
}

fn main() -> io::Result<()> {
    let server = env::args().nth(1).ok_or_else(|| io::Error::other("relay needs the address of a server"))?;
    serve(Relay { requests: Cell::new(0), server }, converse)
}

async fn converse(relay: Rc<Relay>, client: TcpStream) -> io::Result<()> {
    let (mut from_client, mut to_client) = client.into_split();
    let mut received = Vec::with_capacity(16 * 1024);
    while received.is_empty() {
        if from_client.read_buf(&mut received).await? == 0 {
            return Ok(());
        }
        if received.starts_with(COUNT_REQUEST) {
            to_client.write_all(&response(&relay.requests.get().to_string())).await?;
            received.clear();
        }
    }
    let server = TcpStream::connect(&relay.server).await?;
    server.set_nodelay(true)?;
    let (mut from_server, mut to_server) = server.into_split();
    let answers = tokio::task::spawn_local(async move { tokio::io::copy(&mut from_server, &mut to_client).await });
    while !received.is_empty() {
        // A client sends its next request when it has the last answer, so that each begins a read of its own.
        if received.starts_with(b"POST ") {
            relay.requests.set(relay.requests.get() + 1);
        }
        to_server.write_all(&received).await?;
        received.clear();
        from_client.read_buf(&mut received).await?;
    }
    to_server.shutdown().await?;
    answers.await?.map(drop)
}
