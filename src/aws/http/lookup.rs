//! Name lookups: pending ones are shared, and their results are used for some seconds.

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs};
use std::sync::{Arc, LazyLock, Mutex};
use std::time::Duration;

use super::age::Moment;
use crate::aws::off_thread::{OffThread, same_error};
use crate::sync::lock;

/// The lifetime that DynamoDB's own names have.
const USED_FOR: Duration = Duration::from_secs(5);
/// A name whose lookup hangs keeps one thread.
const MOST_THREADS: usize = 32;

type Addresses = Arc<[SocketAddr]>;
type Found = Result<Addresses, Arc<io::Error>>;
type Resolve = dyn Fn(&str) -> io::Result<Vec<SocketAddr>> + Send + Sync;

/// The names of the whole process.
pub(super) static NAMES: LazyLock<Names> =
    LazyLock::new(|| Names::new(|name| Ok((name, 0).to_socket_addrs()?.collect())));

/// Names and their addresses.
pub(super) struct Names {
    resolve: Arc<Resolve>,
    pending: OffThread<String, Found>,
    known: Mutex<HashMap<String, (Addresses, Moment)>>,
}

impl Names {
    pub(super) fn new(resolve: impl Fn(&str) -> io::Result<Vec<SocketAddr>> + Send + Sync + 'static) -> Self {
        Self {
            resolve: Arc::new(resolve),
            pending: OffThread::new("isr-lookup", MOST_THREADS),
            known: Mutex::default(),
        }
    }

    /// The addresses of a host, in the resolver's order; their ports mean nothing. Takes as long as the lookup takes.
    pub(super) async fn addresses(&self, host: &str) -> io::Result<Addresses> {
        if let Some(addresses) = without_lookup(host) {
            return Ok(addresses);
        }
        if let Some(addresses) = self.known(host) {
            return Ok(addresses);
        }
        let (name, resolve) = (host.to_owned(), Arc::clone(&self.resolve));
        let found = self.pending.run(host.to_owned(), move || resolve(&name).map(Arc::from).map_err(Arc::new)).await?;
        let addresses = found.map_err(|error| same_error(&error))?;
        if addresses.is_empty() {
            return Err(io::Error::new(io::ErrorKind::NotFound, "the name has no address"));
        }
        lock(&self.known).insert(host.to_owned(), (Arc::clone(&addresses), Moment::now()));
        Ok(addresses)
    }

    /// None of its addresses answers: they may be those of yesterday.
    pub(super) fn forget(&self, host: &str) {
        lock(&self.known).remove(host);
    }

    /// This address answered, so that the next connection begins with it.
    pub(super) fn prefer(&self, host: &str, address: SocketAddr) {
        if let Some((addresses, _)) = lock(&self.known).get_mut(host)
            && addresses.first().is_some_and(|first| first.ip() != address.ip())
        {
            let mut ordered = addresses.to_vec();
            ordered.sort_by_key(|other| other.ip() != address.ip());
            *addresses = ordered.into();
        }
    }

    fn known(&self, host: &str) -> Option<Addresses> {
        let mut known = lock(&self.known);
        known.retain(|_, (_, since)| !since.is_older_than(USED_FOR));
        known.get(host).map(|(addresses, _)| Arc::clone(addresses))
    }
}

/// Literals need no lookup, and the name of the own machine is never asked of a server (RFC 6761).
fn without_lookup(host: &str) -> Option<Addresses> {
    if let Ok(address) = host.parse::<IpAddr>() {
        return Some([SocketAddr::new(address, 0)].into());
    }
    let is_localhost = host.strip_suffix('.').unwrap_or(host).eq_ignore_ascii_case("localhost");
    let both = [IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)];
    is_localhost.then(|| both.map(|address| SocketAddr::new(address, 0)).into())
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use tokio::time::{Instant, timeout};

    use super::*;

    fn address(last: u8) -> SocketAddr {
        SocketAddr::from(([192, 0, 2, last], 0))
    }

    #[tokio::test]
    async fn literals_and_localhost_need_no_lookup() {
        let names = Names::new(|name| panic!("{name} was looked up"));
        for (host, expected) in [
            ("192.0.2.1", "192.0.2.1:0"),
            ("::1", "[::1]:0"),
            ("localhost", "127.0.0.1:0"),
            ("LocalHost.", "127.0.0.1:0"),
        ] {
            let addresses = names.addresses(host).await.expect("known");
            assert_eq!(addresses[0].to_string(), expected, "{host}");
        }
    }

    #[tokio::test]
    async fn calls_at_once_share_a_lookup_and_later_ones_its_result() {
        let count = Arc::new(AtomicUsize::new(0));
        let lookups = Arc::clone(&count);
        let names = Arc::new(Names::new(move |_| {
            std::thread::sleep(Duration::from_millis(100));
            lookups.fetch_add(1, Ordering::Relaxed);
            Ok(vec![address(1), address(2)])
        }));
        let calls: Vec<_> = (0..20)
            .map(|_| {
                let names = Arc::clone(&names);
                tokio::spawn(async move { names.addresses("a.test").await })
            })
            .collect();
        for call in calls {
            assert_eq!(call.await.expect("no panic").expect("found").len(), 2);
        }
        names.prefer("a.test", address(2));
        assert_eq!(names.addresses("a.test").await.expect("known")[..], [address(2), address(1)]);
        assert_eq!(count.load(Ordering::Relaxed), 1);
        names.forget("a.test");
        names.addresses("a.test").await.expect("found");
        assert_eq!(count.load(Ordering::Relaxed), 2);
    }

    #[tokio::test]
    async fn a_name_whose_lookup_hangs_delays_no_other_and_a_failure_is_not_kept() {
        let (finish, finished) = std::sync::mpsc::channel::<()>();
        let finished = Mutex::new(finished);
        let failures = AtomicUsize::new(0);
        let names = Names::new(move |name| match name {
            "hangs.test" => {
                let _ = lock(&finished).recv();
                Ok(Vec::new())
            }
            _ if failures.fetch_add(1, Ordering::Relaxed) == 0 => Err(io::Error::other("out of order")),
            _ => Ok(vec![address(1)]),
        });
        let begun = Instant::now();
        for _ in 0..MOST_THREADS * 2 {
            assert!(timeout(Duration::from_millis(2), names.addresses("hangs.test")).await.is_err());
        }
        let error = names.addresses("works.test").await.expect_err("out of order");
        assert_eq!(error.to_string(), "out of order");
        assert_eq!(names.addresses("works.test").await.expect("found")[..], [address(1)]);
        assert!(begun.elapsed() < Duration::from_secs(20));
        drop(finish);
    }
}
