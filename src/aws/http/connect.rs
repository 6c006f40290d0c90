//! The race of a name's addresses (RFC 8305): each gets a head start before the next, and the first that connects wins.

use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::task::Poll;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::time::{Instant, sleep_until};

/// The delay that RFC 8305 recommends.
const LONGEST_HEAD_START: Duration = Duration::from_millis(250);

/// The attempt to connect to one address.
type Attempt = Pin<Box<dyn Future<Output = io::Result<(TcpStream, SocketAddr)>> + Send>>;

/// A connection to one of `addresses`, which are not empty, at `port`. Takes as long as the fastest takes.
///
/// # Errors
/// That of the address that failed last, when all have failed.
pub(super) async fn connect(
    addresses: &[SocketAddr],
    port: u16,
    limit: Duration,
) -> io::Result<(TcpStream, SocketAddr)> {
    let mut waiting = interleaved(addresses, port).into_iter();
    // Each address is tried within the limit, however many there are.
    let share = u32::try_from(addresses.len()).map_or(limit, |count| limit / count.max(1));
    let head_start = share.min(LONGEST_HEAD_START);
    let mut running: Vec<Attempt> = Vec::new();
    let mut next_start = pin!(sleep_until(Instant::now()));
    let mut last_error = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
    poll_fn(|context| {
        loop {
            let mut is_next_due = running.is_empty() || next_start.as_mut().poll(context).is_ready();
            let mut index = 0;
            while let Some(attempt) = running.get_mut(index) {
                match attempt.as_mut().poll(context) {
                    Poll::Ready(Ok(connected)) => return Poll::Ready(Ok(connected)),
                    Poll::Ready(Err(error)) => {
                        last_error = error;
                        is_next_due = true;
                        drop(running.swap_remove(index));
                    }
                    Poll::Pending => index += 1,
                }
            }
            if is_next_due && let Some(address) = waiting.next() {
                running.push(Box::pin(async move { Ok((TcpStream::connect(address).await?, address)) }));
                next_start.as_mut().reset(Instant::now() + head_start);
            } else if running.is_empty() {
                let nothing = io::Error::from(io::ErrorKind::NotFound);
                return Poll::Ready(Err(std::mem::replace(&mut last_error, nothing)));
            } else {
                return Poll::Pending;
            }
        }
    })
    .await
}

/// Both families in turn, beginning with the resolver's first.
fn interleaved(addresses: &[SocketAddr], port: u16) -> Vec<SocketAddr> {
    let is_v6_first = addresses.first().is_some_and(SocketAddr::is_ipv6);
    let (mut first, mut second): (Vec<SocketAddr>, Vec<SocketAddr>) =
        addresses.iter().copied().partition(|address| address.is_ipv6() == is_v6_first);
    first.reverse();
    second.reverse();
    let mut ordered: Vec<SocketAddr> = Vec::with_capacity(addresses.len());
    while !first.is_empty() || !second.is_empty() {
        ordered.extend(first.pop().into_iter().chain(second.pop()));
    }
    for address in &mut ordered {
        address.set_port(port);
    }
    ordered
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;
    use tokio::time::timeout;

    use super::*;

    const LIMIT: Duration = Duration::from_secs(20);

    fn addresses(texts: &[&str]) -> Vec<SocketAddr> {
        texts.iter().map(|text| text.parse().expect("an address")).collect()
    }

    #[test]
    fn the_families_alternate_and_the_resolvers_first_begins() {
        let found = addresses(&["[::1]:0", "[::2]:0", "1.1.1.1:0", "1.1.1.2:0", "1.1.1.3:0"]);
        let expected = addresses(&["[::1]:9", "1.1.1.1:9", "[::2]:9", "1.1.1.2:9", "1.1.1.3:9"]);
        assert_eq!(interleaved(&found, 9), expected);
        assert_eq!(interleaved(&found[2..], 9), expected_v4());
    }

    fn expected_v4() -> Vec<SocketAddr> {
        addresses(&["1.1.1.1:9", "1.1.1.2:9", "1.1.1.3:9"])
    }

    #[tokio::test]
    async fn an_address_that_refuses_is_left_for_the_next_one_at_once() {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let good = listener.local_addr().expect("bound");
        // Nothing listens there.
        let all = addresses(&["127.0.0.2:0", "127.0.0.2:0", &good.to_string()]);
        let (_, winner) = connect(&all, good.port(), LIMIT).await.expect("connected");
        assert_eq!(winner, good);
    }

    /// An address that answers nothing: the queue before it is full, and is never emptied.
    #[cfg(target_os = "linux")]
    async fn black_hole(address: SocketAddr) -> (TcpListener, Vec<TcpStream>) {
        let socket = tokio::net::TcpSocket::new_v4().expect("a socket");
        socket.bind(address).expect("free");
        let listener = socket.listen(1).expect("listening");
        let mut queue = Vec::new();
        while let Ok(connected) = timeout(Duration::from_millis(200), TcpStream::connect(address)).await {
            queue.push(connected.expect("connected"));
        }
        (listener, queue)
    }

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn an_address_that_says_nothing_keeps_its_head_start_and_no_more() {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let good = listener.local_addr().expect("bound");
        let holes =
            ["127.0.0.3", "127.0.0.4"].map(|host| SocketAddr::new(host.parse().expect("an address"), good.port()));
        let _holes = (black_hole(holes[0]).await, black_hole(holes[1]).await);
        let all = [holes[0], holes[1], good];
        let patient = connect(&all, good.port(), LIMIT);
        let (_, winner) = timeout(LIMIT, patient).await.expect("in time").expect("connected");
        assert_eq!(winner, good);
        // Each has its share of a short limit, too.
        let short = connect(&all, good.port(), Duration::from_millis(90));
        let (_, winner) = timeout(LIMIT, short).await.expect("in time").expect("connected");
        assert_eq!(winner, good);
    }

    #[tokio::test]
    async fn the_error_of_an_address_is_told_when_all_refuse() {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("bound").port();
        drop(listener);
        let error = connect(&addresses(&["127.0.0.1:0", "127.0.0.2:0"]), port, LIMIT).await.expect_err("refused");
        assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
    }
}
