//! A new connection: name lookup, race, proxy, handshake.

use std::sync::Arc;
use std::time::Duration;

use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use super::connect::connect;
use super::connection::{Connection, Stream};
use super::connector::Shared;
use super::failure::HttpFailure;
use super::handshake_error::HandshakeError;
use super::lookup::NAMES;
use super::phase::{Phase, Progress};
use super::proxy::Proxy;
use super::target::Target;

/// The inputs of a connection to `target`.
pub(super) struct Establish<'a> {
    pub(super) shared: &'a Shared,
    pub(super) target: &'a Target,
    pub(super) proxy: Option<&'a Proxy>,
    pub(super) progress: &'a Progress,
    pub(super) limit: Duration,
}

impl Establish<'_> {
    /// A connection, within the limit. The files of trusted certificates have a limit of their own.
    pub(super) async fn run(&self) -> Result<Connection, HttpFailure> {
        let is_encrypted = self.target.is_https || self.proxy.is_some_and(|proxy| proxy.target.is_https);
        let tls = if is_encrypted { Some(self.trusted().await?) } else { None };
        timeout(self.limit, self.run_in_time(tls)).await.map_err(|_| {
            let phase = self.progress.phase();
            HttpFailure::timed_out(phase, &format!("{} of {}", phase.noun(), self.peer(phase)))
        })?
    }

    /// The other end of the connection in a phase.
    fn peer(&self, phase: Phase) -> String {
        match self.proxy {
            Some(proxy) if phase < Phase::Handshake => proxy.to_string(),
            _ => self.target.to_string(),
        }
    }

    async fn run_in_time(&self, tls: Option<&Arc<ClientConfig>>) -> Result<Connection, HttpFailure> {
        let tcp = self.connect().await?;
        let mut stream: Box<dyn Stream> = Box::new(tcp);
        if let Some(proxy) = self.proxy {
            self.progress.enter(Phase::Proxy);
            if let Some(tls) = tls.filter(|_| proxy.target.is_https) {
                stream = encrypt(tls, &proxy.target, stream).await?;
            }
            if self.target.is_https {
                proxy.open_tunnel(&mut *stream, self.target).await?;
            }
        }
        if let Some(tls) = tls.filter(|_| self.target.is_https) {
            self.progress.enter(Phase::Handshake);
            stream = encrypt(tls, self.target, stream).await?;
        }
        let connection = Connection::new(stream).await;
        connection.map_err(|cause| HttpFailure::new(Phase::Connect, self.no_connection()).caused_by(cause))
    }

    async fn trusted(&self) -> Result<&Arc<ClientConfig>, HttpFailure> {
        self.progress.enter(Phase::Trust);
        self.shared.trust.config().await.map_err(|cause| HttpFailure::new(Phase::Trust, cause.to_string()))
    }

    async fn connect(&self) -> Result<tokio::net::TcpStream, HttpFailure> {
        let Target { host, port, .. } = self.proxy.map_or(self.target, |proxy| &proxy.target);
        self.progress.enter(Phase::Lookup);
        let addresses = NAMES.addresses(host).await.map_err(|cause| {
            HttpFailure::new(Phase::Lookup, format!("the name lookup of \"{host}\" failed")).caused_by(cause)
        })?;
        self.progress.enter(Phase::Connect);
        let (stream, address) = connect(&addresses, *port, self.limit).await.map_err(|cause| {
            NAMES.forget(host);
            HttpFailure::new(Phase::Connect, self.no_connection()).caused_by(cause)
        })?;
        NAMES.prefer(host, address);
        // Without it a request may wait until the one before is acknowledged.
        let _ = stream.set_nodelay(true);
        Ok(stream)
    }

    fn no_connection(&self) -> String {
        format!("connecting to {} failed", self.peer(Phase::Connect))
    }
}

async fn encrypt(
    config: &Arc<ClientConfig>,
    target: &Target,
    stream: Box<dyn Stream>,
) -> Result<Box<dyn Stream>, HttpFailure> {
    let failure = || HttpFailure::new(Phase::Handshake, format!("the TLS handshake with {target} failed"));
    let name = ServerName::try_from(target.host.clone()).map_err(|cause| failure().caused_by(cause))?;
    let stream = TlsConnector::from(Arc::clone(config)).connect(name, stream).await;
    Ok(Box::new(stream.map_err(|cause| failure().caused_by(HandshakeError::new(cause)))?))
}
