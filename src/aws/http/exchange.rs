//! One request: over an idle connection, over a new one, and over both where the first was reset.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{HOST, PROXY_AUTHORIZATION};
use http::{HeaderValue, Request, Response, Uri};
use http_body_util::Full;
use tokio::time::{Instant, timeout};

use super::connection::{Connection, ExchangeError};
use super::connector::Shared;
use super::establish::Establish;
use super::failure::{HttpFailure, SentTwice};
use super::phase::{Ending, Phase, Progress, is_abandoned};
use super::pool::Pool;
use super::proxy::Proxy;
use super::target::Target;

/// A request and its limits.
pub(super) struct Exchange {
    pub(super) target: Target,
    pub(super) request: Request<Bytes>,
    pub(super) progress: Progress,
    /// For a connection to stand.
    pub(super) connect_limit: Duration,
    /// From when the request is sent to the end of its answer.
    pub(super) answer_limit: Option<Duration>,
}

impl Exchange {
    /// The answer.
    ///
    /// An idle connection that is reset before the first byte of an answer says nothing about the server. It is dead,
    /// and so may be all that were idle for as long. The request is then sent once more, over a new connection. Since
    /// it may have been applied, answer and failure are marked.
    pub(super) async fn run(self, shared: &Shared) -> Result<Response<Bytes>, HttpFailure> {
        let _ending = Ending(self.progress.clone());
        let proxy = shared.proxies.route(&self.target)?;
        if let Some(connection) = shared.pool.take(&self.target) {
            let used = connection.used.instant;
            match self.send(&shared.pool, connection, proxy).await {
                Err(failure) if failure.phase < Phase::Reading && !failure.is_timeout => {
                    shared.pool.discard(&self.target, used);
                }
                result => return result,
            }
        }
        let was_sent = self.progress.was_sent();
        let (target, progress, limit) = (&self.target, &self.progress, self.connect_limit);
        let connection = Establish { shared, target, proxy, progress, limit }.run().await;
        let connection = connection.map_err(|failure| failure.sent(was_sent))?;
        let mut answer = self.send(&shared.pool, connection, proxy).await?;
        if was_sent {
            answer.extensions_mut().insert(SentTwice);
        }
        Ok(answer)
    }

    async fn send(
        &self,
        pool: &Arc<Pool>,
        mut connection: Connection,
        proxy: Option<&Proxy>,
    ) -> Result<Response<Bytes>, HttpFailure> {
        let silence = Silence { pool, target: &self.target, since: Instant::now() };
        let exchange = connection.exchange(self.on_the_wire(proxy), &self.progress);
        let answer = match self.answer_limit {
            Some(limit) => timeout(limit, exchange).await,
            None => Ok(exchange.await),
        };
        let phase = self.progress.phase();
        let Ok(answer) = answer else {
            return Err(HttpFailure::timed_out(phase, &format!("{} of {}", phase.noun(), self.target))
                .sent(self.progress.was_sent()));
        };
        silence.end();
        match answer {
            Ok(answer) => {
                pool.keep(&self.target, connection);
                Ok(answer)
            }
            Err(error) => {
                let failure = match error {
                    ExchangeError::TooLarge => HttpFailure::new(phase, error.to_string()),
                    _ => HttpFailure::new(phase, format!("the connection to {} broke {phase}", self.target))
                        .caused_by(error),
                };
                Err(failure.sent(self.progress.was_sent()))
            }
        }
    }

    /// The request as it is sent: without the parts of its address that the connection stands for.
    fn on_the_wire(&self, proxy: Option<&Proxy>) -> Request<Full<Bytes>> {
        let mut request = self.request.clone().map(Full::new);
        if !request.headers().contains_key(HOST)
            && let Ok(host) = HeaderValue::try_from(self.target.host_header())
        {
            request.headers_mut().insert(HOST, host);
        }
        match proxy {
            // The whole address tells the proxy where the request goes.
            Some(proxy) if !self.target.is_https => {
                if let Some(authorization) = &proxy.authorization {
                    request.headers_mut().insert(PROXY_AUTHORIZATION, authorization.clone());
                }
            }
            _ => {
                let path = request.uri().path_and_query().cloned().map(Uri::from).unwrap_or_default();
                *request.uri_mut() = path;
            }
        }
        request
    }
}

/// A request that ends without an answer. If its timeout has passed, its connection is dead, and so may be all that were
/// idle when it was sent. (After an idle time, the other end may have forgotten them without a word.) A request that is
/// cancelled for another reason tells nothing about them.
struct Silence<'a> {
    pool: &'a Pool,
    target: &'a Target,
    since: Instant,
}

impl Silence<'_> {
    fn end(self) {
        std::mem::forget(self);
    }
}

impl Drop for Silence<'_> {
    fn drop(&mut self) {
        if is_abandoned() {
            self.pool.discard(self.target, self.since);
        }
    }
}
