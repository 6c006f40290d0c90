//! One connection, which the request that uses it drives.

use std::future::poll_fn;
use std::io;
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use hyper::body::{Body, Frame, Incoming};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::age::Moment;
use super::phase::{Phase, Progress};
use crate::sync::lock;

/// TCP, or TLS over it.
pub(super) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

/// `DynamoDB` answers with 1 MB of items at most.
const LARGEST_ANSWER_BYTES: usize = 8 * 1_024 * 1_024;
/// Where the connection ends while hyper has not said why.
const CLOSED: &str = "the connection was closed";

type Driver = http1::Connection<TokioIo<Observed>, Full<Bytes>>;

/// A connection, idle or in use by one request.
pub(super) struct Connection {
    sender: http1::SendRequest<Full<Bytes>>,
    /// Nothing once it has ended.
    driver: Option<Driver>,
    observer: Observer,
    /// When it was opened, or last answered.
    pub(super) used: Moment,
}

/// Why an exchange failed.
#[derive(Debug, thiserror::Error)]
pub(super) enum ExchangeError {
    #[error(transparent)]
    Broken(#[from] hyper::Error),
    #[error("{CLOSED}")]
    Closed,
    #[error("the answer is larger than 8 MB")]
    TooLarge,
}

impl Connection {
    pub(super) async fn new(stream: Box<dyn Stream>) -> hyper::Result<Self> {
        let observer = Observer::default();
        let io = TokioIo::new(Observed { stream, observer: observer.clone() });
        let (sender, driver) = http1::Builder::new().handshake(io).await?;
        Ok(Self { sender, driver: Some(driver), observer, used: Moment::now() })
    }

    /// Sends a request and reads the whole answer. The connection is not usable after an error, or when this future is
    /// dropped before its end.
    pub(super) async fn exchange(
        &mut self,
        request: Request<Full<Bytes>>,
        progress: &Progress,
    ) -> Result<Response<Bytes>, ExchangeError> {
        progress.enter(Phase::Sending);
        *lock(&self.observer) = Some(progress.clone());
        let mut answer = pin!(self.sender.send_request(request));
        let answer = poll_fn(|context| {
            // The answer is ready as soon as the driver has read it: so in the same poll.
            drive(&mut self.driver, context);
            match answer.as_mut().poll(context) {
                Poll::Pending if self.driver.is_none() => Poll::Ready(Err(ExchangeError::Closed)),
                answer => answer.map_err(ExchangeError::from),
            }
        });
        let (parts, body) = answer.await?.into_parts();
        let body = self.collect(body).await?;
        *lock(&self.observer) = None;
        self.used = Moment::now();
        Ok(Response::from_parts(parts, body))
    }

    async fn collect(&mut self, mut body: Incoming) -> Result<Bytes, ExchangeError> {
        let announced = body.size_hint();
        if announced.lower() > LARGEST_ANSWER_BYTES as u64 {
            return Err(ExchangeError::TooLarge);
        }
        let mut collected = Collected::default();
        while let Some(frame) = poll_fn(|context| next_frame(&mut body, &mut self.driver, context)).await {
            if let Ok(data) = frame?.into_data() {
                collected.push(data)?;
            }
        }
        let collected = collected.into_bytes();
        let is_whole = announced.exact().is_none_or(|length| length == collected.len() as u64);
        if is_whole { Ok(collected) } else { Err(ExchangeError::Closed) }
    }

    /// Whether another request can be sent: looks at the socket.
    pub(super) fn is_usable(&mut self) -> bool {
        drive(&mut self.driver, &mut Context::from_waker(Waker::noop()));
        self.driver.is_some() && self.sender.is_ready()
    }
}

/// The driver reads the bytes that the body asks for, and the body returns them as frames.
fn next_frame(
    body: &mut Incoming,
    driver: &mut Option<Driver>,
    context: &mut Context<'_>,
) -> Poll<Option<Result<Frame<Bytes>, ExchangeError>>> {
    let mut frame = Pin::new(&mut *body).poll_frame(context);
    if frame.is_pending() {
        drive(driver, context);
        frame = Pin::new(body).poll_frame(context);
    }
    match frame {
        Poll::Ready(frame) => Poll::Ready(frame.map(|frame| frame.map_err(ExchangeError::from))),
        Poll::Pending if driver.is_none() => Poll::Ready(Some(Err(ExchangeError::Closed))),
        Poll::Pending => Poll::Pending,
    }
}

fn drive(driver: &mut Option<Driver>, context: &mut Context<'_>) {
    if let Some(connection) = driver
        && Pin::new(connection).poll(context).is_ready()
    {
        // Its result reaches the request through the request's own future; dropping the driver wakes that future.
        *driver = None;
    }
}

/// Mostly one chunk, which is not copied.
#[derive(Default)]
struct Collected {
    first: Bytes,
    all: Vec<u8>,
}

impl Collected {
    fn push(&mut self, data: Bytes) -> Result<(), ExchangeError> {
        if self.first.is_empty() {
            self.first = data;
            return Ok(());
        }
        if self.all.is_empty() {
            self.all.extend_from_slice(&self.first);
        }
        if self.all.len() + data.len() > LARGEST_ANSWER_BYTES {
            return Err(ExchangeError::TooLarge);
        }
        self.all.extend_from_slice(&data);
        Ok(())
    }

    fn into_bytes(self) -> Bytes {
        if self.all.is_empty() { self.first } else { self.all.into() }
    }
}

/// The request that uses the connection at present.
type Observer = Arc<Mutex<Option<Progress>>>;

/// A stream that tells the request when its first bytes leave, and when those of the answer come.
struct Observed {
    stream: Box<dyn Stream>,
    observer: Observer,
}

impl Observed {
    fn has_written(&self) {
        if let Some(progress) = &*lock(&self.observer) {
            progress.sent();
        }
    }

    fn has_read(&self) {
        if let Some(progress) = &*lock(&self.observer) {
            progress.enter(Phase::Reading);
        }
    }
}

impl AsyncRead for Observed {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let result = Pin::new(&mut self.stream).poll_read(context, buffer);
        if buffer.filled().len() > before {
            self.has_read();
        }
        result
    }
}

impl AsyncWrite for Observed {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, data: &[u8]) -> Poll<io::Result<usize>> {
        let result = Pin::new(&mut self.stream).poll_write(context, data);
        if matches!(result, Poll::Ready(Ok(1..))) {
            self.has_written();
        }
        result
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        data: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let result = Pin::new(&mut self.stream).poll_write_vectored(context, data);
        if matches!(result, Poll::Ready(Ok(1..))) {
            self.has_written();
        }
        result
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
