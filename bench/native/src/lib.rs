//! What the benchmark's servers share: each says where it listens, counts requests, and ends with whoever started it.

use std::io::{self, Write};
use std::process;
use std::rc::Rc;
use std::thread;

use tokio::net::{TcpListener, TcpStream};
use tokio::runtime;
use tokio::task::LocalSet;

/// A page, as the store writes it.
pub const META: &str = r#"{"pk":{"S":"CACHE#default::/news/{slug}?slug=hello"},"sk":{"S":"META"},"s3_key":{"S":"isr/2cf24dba5fb0a30e26e83b2a/1760000000123-6f1c0a52-4c3e-4b0e-9d0a-6b8f8f3f8a11.html"},"generated_at":{"N":"1760000000"},"generated_at_ms":{"N":"1760000000123"},"revalidate_seconds":{"N":"1000000000"},"revalidate_ms":{"N":"1000000000000"},"status":{"N":"200"},"content_type":{"S":"text/html; charset=utf-8"},"content_security_policy":{"S":"default-src 'self'; script-src 'self' 'nonce-0123456789abcdef'; object-src 'none'"},"strict_csp_policy":{"M":{"inlineScripts":{"BOOL":false}}},"etag":{"S":"W/\"aaf4c61ddcc5e8a2dabede0f3b482cd9aea9434d\""},"cache_key":{"S":"default::/news/{slug}?slug=hello"}}"#;

/// The request for the number of requests so far, which is not one of them.
pub const COUNT_REQUEST: &[u8] = b"GET /count ";

/// One answer, with its headers.
#[must_use]
pub fn response(body: &str) -> Vec<u8> {
    let length = body.len();
    format!(
        "HTTP/1.1 200 OK\r\n\
         content-type: application/x-amz-json-1.0\r\n\
         x-amzn-requestid: 0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789ABCDEF\r\n\
         content-length: {length}\r\n\r\n{body}"
    )
    .into_bytes()
}

/// Serves connections on a free port of the loopback interface, whose number is the first line on the standard output,
/// until the standard input is closed.
///
/// # Errors
///
/// When there is no port to listen on.
pub fn serve<S: 'static, F: Future<Output = io::Result<()>> + 'static>(
    state: S,
    connection: fn(Rc<S>, TcpStream) -> F,
) -> io::Result<()> {
    thread::spawn(|| {
        // Either way nobody is there any more.
        let _ = io::copy(&mut io::stdin(), &mut io::sink());
        process::exit(0)
    });
    let state = Rc::new(state);
    let runtime = runtime::Builder::new_current_thread().enable_io().build()?;
    LocalSet::new().block_on(&runtime, async {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        println!("{}", listener.local_addr()?.port());
        io::stdout().flush()?;
        loop {
            let (stream, _) = listener.accept().await?;
            stream.set_nodelay(true)?;
            let served = connection(Rc::clone(&state), stream);
            // A connection that breaks is its client's loss.
            tokio::task::spawn_local(async { drop(served.await) });
        }
    })
}
