//! Stands before a server, forwards every byte as it comes, and counts the requests.
//!
//! `relay 127.0.0.1:8000 [<certificate> <key>]`

use std::cell::Cell;
use std::env;
use std::error::Error;
use std::io;
use std::rc::Rc;

use bench_native::{COUNT_REQUEST, Socket, response, serve, tls_from};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

struct Relay {
    requests: Cell<usize>,
    server: String,
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = env::args().skip(1);
    let server = arguments.next().ok_or("an argument is missing; relay.rs lists them")?;
    Ok(serve(Relay { requests: Cell::new(0), server }, tls_from(arguments)?.as_ref(), converse)?)
}

async fn converse(relay: Rc<Relay>, client: Box<dyn Socket>) -> io::Result<()> {
    let (mut from_client, mut to_client) = tokio::io::split(client);
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
    let answers = tokio::task::spawn_local(async move {
        tokio::io::copy(&mut from_server, &mut to_client).await?;
        // The server closes idle connections, and the client must notice.
        to_client.shutdown().await
    });
    while !received.is_empty() {
        // A client sends a request only after the answer to the last one, so each request begins a new read.
        if received.starts_with(b"POST ") {
            relay.requests.set(relay.requests.get() + 1);
        }
        to_server.write_all(&received).await?;
        received.clear();
        from_client.read_buf(&mut received).await?;
    }
    to_server.shutdown().await?;
    answers.await?
}
