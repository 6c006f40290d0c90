//! The way to AWS: region, credentials, connections, and how often and how long a request is tried.
//!
//! Nothing here knows rows, keys or attributes.

mod answer;
mod client;
mod connections;
mod credentials;
mod endpoint;
mod files;
mod http;
mod off_thread;
mod profile;
mod profile_format;
mod request_error;
mod retry;
mod sdk_environment;
mod signing;
mod signing_clock;
mod user_agent;

pub(crate) use self::answer::with_server_date;
pub(crate) use self::client::{Connected, connect};
#[doc(hidden)]
pub use self::http::http_client;
pub(crate) use self::request_error::{RequestError, RequestErrorKind};
pub(crate) use self::retry::{RequestObserver, RetryError, RetryPolicy, ThrottleBackoff, retry};
pub(crate) use self::sdk_environment::read_early;
