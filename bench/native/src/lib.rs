//! The benchmark's servers share this code: each prints its port, counts requests, and ends with its parent process.

use std::error::Error;
use std::io::{self, Write};
use std::process;
use std::rc::Rc;
use std::sync::Arc;
use std::thread;

use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime;
use tokio::task::LocalSet;
use tokio_rustls::TlsAcceptor;

/// A page, as the store writes it.
pub const META: &str = r#"{"pk":{"S":"CACHE#default::/news/{slug}?slug=hello"},"sk":{"S":"META"},"s3_key":{"S":"isr/2cf24dba5fb0a30e26e83b2a/1760000000123-6f1c0a52-4c3e-4b0e-9d0a-6b8f8f3f8a11.html"},"generated_at":{"N":"1760000000"},"generated_at_ms":{"N":"1760000000123"},"revalidate_seconds":{"N":"1000000000"},"revalidate_ms":{"N":"1000000000000"},"status":{"N":"200"},"content_type":{"S":"text/html; charset=utf-8"},"content_security_policy":{"S":"default-src 'self'; script-src 'self' 'nonce-0123456789abcdef'; object-src 'none'"},"strict_csp_policy":{"M":{"inlineScripts":{"BOOL":false}}},"etag":{"S":"W/\"aaf4c61ddcc5e8a2dabede0f3b482cd9aea9434d\""},"cache_key":{"S":"default::/news/{slug}?slug=hello"}}"#;

/// The request for the number of requests so far, which is not one of them.
pub const COUNT_REQUEST: &[u8] = b"GET /count ";

/// One answer, with its headers.
#[must_use]
pub fn response(body: &str) -> Vec<u8> {
    response_with("200 OK", body)
}

/// `DynamoDB`'s answer to a request that it refuses.
#[must_use]
pub fn error_response(kind: &str, message: &str) -> Vec<u8> {
    response_with("400 Bad Request", &format!(r#"{{"__type":"{kind}","message":"{message}"}}"#))
}

fn response_with(status: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!(
        "HTTP/1.1 {status}\r\n\
         content-type: application/x-amz-json-1.0\r\n\
         x-amzn-requestid: 0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789ABCDEF\r\n\
         content-length: {length}\r\n\r\n{body}"
    )
    .into_bytes()
}

/// A connection, plain or over TLS.
pub trait Socket: AsyncRead + AsyncWrite + Unpin {}

impl<S: AsyncRead + AsyncWrite + Unpin> Socket for S {}

/// The server's side of TLS, from the last two arguments of a program: the files of a certificate and of its key.
/// Without arguments, connections are plain.
///
/// # Errors
///
/// When a file cannot be used.
pub fn tls_from(mut arguments: impl Iterator<Item = String>) -> Result<Option<TlsAcceptor>, Box<dyn Error>> {
    let Some((certificate, key)) = arguments.next().zip(arguments.next()) else { return Ok(None) };
    let chain = CertificateDer::pem_file_iter(certificate)?.collect::<Result<_, _>>()?;
    let config = ServerConfig::builder_with_provider(rustls::crypto::ring::default_provider().into())
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .with_no_client_auth()
        .with_single_cert(chain, PrivateKeyDer::from_pem_file(key)?)?;
    Ok(Some(Arc::new(config).into()))
}

/// Serves connections on a free port of the loopback interface, whose number is the first line on the standard output,
/// until the standard input is closed.
///
/// # Errors
///
/// When the server cannot listen on a port.
pub fn serve<S: 'static, F: Future<Output = io::Result<()>> + 'static>(
    state: S,
    tls: Option<&TlsAcceptor>,
    connection: fn(Rc<S>, Box<dyn Socket>) -> F,
) -> io::Result<()> {
    thread::spawn(|| {
        // At the end of the input, or at an error, the parent process has ended.
        let _ = io::copy(&mut io::stdin(), &mut io::sink());
        process::exit(0)
    });
    let state = Rc::new(state);
    let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
    LocalSet::new().block_on(&runtime, async {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        println!("{}", listener.local_addr()?.port());
        io::stdout().flush()?;
        loop {
            let (stream, _) = listener.accept().await?;
            stream.set_nodelay(true)?;
            let (state, tls) = (Rc::clone(&state), tls.cloned());
            // A broken connection must not end the server.
            tokio::task::spawn_local(async move { drop(accept(state, tls, stream, connection).await) });
        }
    })
}

async fn accept<S, F: Future<Output = io::Result<()>>>(
    state: Rc<S>,
    tls: Option<TlsAcceptor>,
    stream: TcpStream,
    connection: fn(Rc<S>, Box<dyn Socket>) -> F,
) -> io::Result<()> {
    match tls {
        Some(tls) => connection(state, Box::new(tls.accept(stream).await?)).await,
        None => connection(state, Box::new(stream)).await,
    }
}

/// An HTTP message that was received in full.
pub struct Request<'a> {
    /// The name of its operation in DynamoDB; empty in an answer.
    pub operation: &'a [u8],
    /// The body, which is JSON.
    pub body: &'a [u8],
    /// The length in bytes, with the headers.
    pub length: usize,
}

impl<'a> Request<'a> {
    /// Returns `None` while a part of the message is missing.
    #[must_use]
    pub fn parse(received: &'a [u8]) -> Option<Self> {
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
