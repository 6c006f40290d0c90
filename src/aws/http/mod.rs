//! HTTP/1.1 over TCP and TLS, behind the SDK's own trait.
//!
//! A request takes an idle connection of its endpoint, or a new one. A new one takes these steps, each a file here: the
//! name lookup, the race of its addresses, the proxy, the TLS handshake. Connections are driven by the request that uses
//! them, and by no other task. So an answer that is in the socket is read before any timer of that request.

mod age;
mod certificates;
mod connect;
mod connection;
mod connector;
mod establish;
mod exchange;
mod failure;
mod handshake_error;
mod lookup;
mod no_proxy;
mod phase;
mod pool;
mod proxy;
mod target;
#[cfg(test)]
mod tests;
mod trust;
mod verifier;

pub(crate) use self::connector::Http;
pub use self::connector::http_client;
pub(crate) use self::failure::{HttpFailure, was_sent_twice};
pub(crate) use self::phase::abandon;
