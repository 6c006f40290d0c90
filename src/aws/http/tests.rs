//! The connector against servers on this machine.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use aws_smithy_runtime_api::client::http::{HttpConnector, HttpConnectorSettings};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_types::body::SdkBody;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

use super::connector::Http;
use super::failure::{HttpFailure, SentTwice};
use super::phase::{Phase, Reached, abandon};
use crate::config::{Config, TableName};

const LIMIT: Duration = Duration::from_secs(20);
const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}";

fn client(variables: &[(&str, &str)]) -> Http {
    let mut config = Config::new(TableName::new("isr").expect("a name"));
    let owned = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    config.environment = owned.collect();
    Http::new(&config, None)
}

async fn send(client: &Http, uri: &str) -> Result<HttpResponse, ConnectorError> {
    send_within(client, uri, LIMIT).await
}

async fn send_within(client: &Http, uri: &str, connect_limit: Duration) -> Result<HttpResponse, ConnectorError> {
    let mut request = HttpRequest::new(SdkBody::from("{\"a\":1}"));
    request.set_method("POST").expect("a method");
    request.set_uri(uri).expect("a URI");
    let settings = HttpConnectorSettings::builder().connect_timeout(connect_limit).build();
    client.connector(&settings).call(request).await
}

fn failure(error: &ConnectorError) -> &HttpFailure {
    HttpFailure::find(error).expect("of the connector")
}

/// The head and body of a request.
async fn read_request(stream: &mut TcpStream) -> Option<String> {
    let mut text = Vec::new();
    while !text.ends_with(b"{\"a\":1}") {
        let byte = stream.read_u8().await.ok()?;
        text.push(byte);
    }
    Some(String::from_utf8(text).expect("text"))
}

fn reset(stream: TcpStream) {
    // Closing it with data unread, or without lingering, resets it.
    #[expect(deprecated, reason = "a linger of zero does not block")]
    stream.set_linger(Some(Duration::ZERO)).expect("a socket");
    drop(stream);
}

/// Answers so many requests of a connection, and resets it at the next one.
async fn serve(listener: TcpListener, answers: usize, requests: Arc<AtomicUsize>) {
    while let Ok((mut stream, _)) = listener.accept().await {
        let requests = Arc::clone(&requests);
        tokio::spawn(async move {
            for _ in 0..answers {
                if read_request(&mut stream).await.is_none() {
                    return;
                }
                requests.fetch_add(1, Ordering::Relaxed);
                stream.write_all(ANSWER).await.expect("written");
            }
            if read_request(&mut stream).await.is_some() {
                requests.fetch_add(1, Ordering::Relaxed);
                reset(stream);
            }
        });
    }
}

struct Server {
    uri: String,
    requests: Arc<AtomicUsize>,
    task: tokio::task::JoinHandle<()>,
}

async fn server(answers: usize) -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let uri = format!("http://{}/", listener.local_addr().expect("bound"));
    let requests = Arc::new(AtomicUsize::new(0));
    let task = tokio::spawn(serve(listener, answers, Arc::clone(&requests)));
    Server { uri, requests, task }
}

/// A server that runs `act` on each connection.
async fn server_that<F: Future<Output = ()> + Send + 'static>(act: impl Fn(TcpStream) -> F + Send + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let uri = format!("http://{}/", listener.local_addr().expect("bound"));
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(act(stream));
        }
    });
    uri
}

#[tokio::test]
async fn a_request_that_resets_idle_connections_is_sent_again_over_a_new_one_and_says_so() {
    let Server { uri, requests, .. } = server(1).await;
    let client = client(&[]);
    let target = super::target::Target::of(&uri.parse().expect("a URI")).expect("a target");
    let first: Vec<_> = (0..40).map(|_| send(&client, &uri)).collect();
    for answer in futures_join(first).await {
        assert!(answer.expect("answered").extension::<SentTwice>().is_none());
    }
    assert_eq!(client.idle(&target), 40);
    let second: Vec<_> = (0..12).map(|_| send(&client, &uri)).collect();
    for answer in futures_join(second).await {
        let answer = answer.expect("answered");
        assert_eq!(answer.body().bytes(), Some(&b"{}"[..]));
        assert!(answer.extension::<SentTwice>().is_some());
    }
    // The other 28 were given up unused.
    assert_eq!(requests.load(Ordering::Relaxed), 40 + 12 * 2);
    assert_eq!(client.idle(&target), 12);
}

/// Runs the futures at once and returns their outputs.
async fn futures_join<T>(futures: Vec<impl Future<Output = T>>) -> Vec<T> {
    let mut pinned: Vec<_> = futures.into_iter().map(|future| (Box::pin(future), None)).collect();
    std::future::poll_fn(|context| {
        for (future, output) in &mut pinned {
            if output.is_none()
                && let std::task::Poll::Ready(value) = future.as_mut().poll(context)
            {
                *output = Some(value);
            }
        }
        let are_done = pinned.iter().all(|(_, output)| output.is_some());
        if are_done { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
    })
    .await;
    pinned.into_iter().filter_map(|(_, output)| output).collect()
}

#[tokio::test]
async fn a_request_that_resets_a_new_connection_fails_and_was_sent() {
    let Server { uri, requests, .. } = server(0).await;
    let error = send(&client(&[]), &uri).await.expect_err("reset");
    assert_eq!((failure(&error).phase, failure(&error).was_sent), (Phase::Waiting, true), "{error:?}");
    assert!(error.is_io());
    assert_eq!(requests.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn a_request_that_cannot_be_sent_again_was_sent_all_the_same() {
    let Server { uri, task, .. } = server(1).await;
    let client = client(&[]);
    send(&client, &uri).await.expect("answered");
    // The listener is gone; the connection is not.
    task.abort();
    let _ = task.await;
    let error = send(&client, &uri).await.expect_err("reset, and refused");
    assert_eq!((failure(&error).phase, failure(&error).was_sent), (Phase::Connect, true), "{error:?}");
}

#[tokio::test]
async fn a_refused_connection_took_nothing_along() {
    let Server { uri, task, .. } = server(0).await;
    task.abort();
    let _ = task.await;
    let error = send(&client(&[]), &uri).await.expect_err("refused");
    assert_eq!((failure(&error).phase, failure(&error).was_sent), (Phase::Connect, false), "{error:?}");
    assert!(error.is_io());
}

#[tokio::test]
async fn the_connect_limit_ends_a_handshake_that_is_not_answered_and_names_it() {
    let uri = server_that(|stream| async move {
        let _stream = stream;
        tokio::time::sleep(LIMIT).await;
    });
    let uri = uri.await.replace("http://", "https://");
    let error = send_within(&client(&[]), &uri, Duration::from_millis(200)).await.expect_err("silent");
    assert!(error.is_timeout(), "{error:?}");
    assert_eq!((failure(&error).phase, failure(&error).was_sent), (Phase::Handshake, false));
}

/// A client with two idle connections to a server that does not answer its third request.
async fn connected_twice() -> (Http, String, super::target::Target) {
    let count = Arc::new(AtomicUsize::new(0));
    let uri = server_that(move |mut stream| {
        let count = Arc::clone(&count);
        async move {
            while read_request(&mut stream).await.is_some() {
                if count.fetch_add(1, Ordering::Relaxed) == 2 {
                    tokio::time::sleep(LIMIT).await;
                }
                stream.write_all(ANSWER).await.expect("written");
            }
        }
    })
    .await;
    let client = client(&[]);
    let target = super::target::Target::of(&uri.parse().expect("a URI")).expect("a target");
    for answer in futures_join(vec![send(&client, &uri), send(&client, &uri)]).await {
        answer.expect("answered");
    }
    (client, uri, target)
}

#[tokio::test]
async fn a_caller_that_gives_up_knows_the_phase_and_gives_idle_connections_up_too() {
    let (client, uri, target) = connected_twice().await;
    assert_eq!(client.idle(&target), 2);
    let mut request = Box::pin(send(&client, &uri));
    assert!(timeout(Duration::from_millis(200), &mut request).await.is_err());
    assert_eq!(abandon(request), Some(Reached { phase: Phase::Waiting, was_sent: true }));
    assert_eq!(client.idle(&target), 0);
    send(&client, &uri).await.expect("answered over a new connection");
}

#[tokio::test]
async fn a_request_that_is_cancelled_early_leaves_idle_connections_alone() {
    let (client, uri, target) = connected_twice().await;
    assert!(timeout(Duration::from_millis(100), send(&client, &uri)).await.is_err());
    assert_eq!(client.idle(&target), 1);
}

#[tokio::test]
async fn an_answer_above_eight_megabytes_is_refused_while_it_is_read() {
    let endless = server_that(|mut stream| async move {
        let _ = read_request(&mut stream).await;
        let head = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
        stream.write_all(head).await.expect("written");
        let chunk = [b"10000\r\n".to_vec(), vec![b'x'; 0x10000], b"\r\n".to_vec()].concat();
        while stream.write_all(&chunk).await.is_ok() {}
    })
    .await;
    let announced = server_that(|mut stream| async move {
        let _ = read_request(&mut stream).await;
        let head = b"HTTP/1.1 200 OK\r\ncontent-length: 8388609\r\n\r\n";
        stream.write_all(head).await.expect("written");
        tokio::time::sleep(LIMIT).await;
    })
    .await;
    for uri in [endless, announced] {
        let error = send(&client(&[]), &uri).await.expect_err("too large");
        assert_eq!(failure(&error).to_string(), "the answer is larger than 8 MB");
        assert_eq!((failure(&error).phase, failure(&error).was_sent), (Phase::Reading, true));
    }
}

#[tokio::test]
async fn an_answer_may_be_chunked_or_end_with_its_connection() {
    for answer in [
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\n{\r\n1\r\n}\r\n0\r\n\r\n",
        "HTTP/1.0 200 OK\r\n\r\n{}",
        "HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n{}",
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}",
    ] {
        let uri = server_that(move |mut stream| async move {
            let _ = read_request(&mut stream).await;
            for piece in answer.as_bytes().chunks(7) {
                stream.write_all(piece).await.expect("written");
                stream.flush().await.expect("written");
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        })
        .await;
        let read = send(&client(&[]), &uri).await.expect("answered");
        assert_eq!(read.body().bytes(), Some(&b"{}"[..]), "{answer}");
    }
}

#[tokio::test]
async fn an_answer_that_is_cut_off_is_a_failure() {
    let uri = server_that(|mut stream| async move {
        let _ = read_request(&mut stream).await;
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n{}").await;
    })
    .await;
    let error = send(&client(&[]), &uri).await.expect_err("cut off");
    assert_eq!((failure(&error).phase, failure(&error).was_sent), (Phase::Reading, true), "{error:?}");
}

#[tokio::test]
async fn a_proxy_gets_whole_addresses_and_tunnels_and_its_password() {
    let uri = server_that(|mut stream| async move {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(stream.read_u8().await.expect("a request"));
        }
        let head = String::from_utf8(head).expect("text");
        assert!(head.to_lowercase().contains("proxy-authorization: basic bwu6cebz\r\n"), "{head}");
        let first = head.lines().next().unwrap_or_default();
        let answer: &[u8] = match first {
            "POST http://plain.test:8000/path HTTP/1.1" => {
                assert!(head.contains("host: plain.test:8000\r\n"), "{head}");
                ANSWER
            }
            "CONNECT refused.test:443 HTTP/1.1" => b"HTTP/1.1 403 Forbidden\r\n\r\n",
            "CONNECT password.test:443 HTTP/1.1" => b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n",
            "CONNECT tunnel.test:443 HTTP/1.1" => b"HTTP/1.1 200 Connection established\r\n\r\n",
            other => panic!("{other}"),
        };
        stream.write_all(answer).await.expect("written");
        if first.starts_with("CONNECT tunnel") {
            // The handshake begins inside the tunnel: its first byte says so.
            assert_eq!(stream.read_u8().await.expect("a record"), 22);
            stream.write_all(b"not TLS").await.expect("written");
        }
        tokio::time::sleep(LIMIT).await;
    })
    .await;
    let proxy = uri.replace("http://", "http://me:p%40s@");
    let client = client(&[("HTTP_PROXY", &proxy), ("https_proxy", &proxy), ("NO_PROXY", "direct.test")]);
    send(&client, "http://plain.test:8000/path").await.expect("answered");
    for (uri, phase, says) in [
        ("https://refused.test", Phase::Proxy, "HTTP status 403"),
        ("https://password.test", Phase::Proxy, "HTTP status 407"),
        ("https://tunnel.test", Phase::Handshake, "the TLS handshake with tunnel.test:443 failed"),
    ] {
        let error = send(&client, uri).await.expect_err(uri);
        let failure = failure(&error);
        assert_eq!((failure.phase, failure.was_sent), (phase, false), "{error:?}");
        assert!(failure.to_string().contains(says), "{failure}");
        assert!(!format!("{error:?}").contains("p@s"), "{error:?}");
    }
    let Server { uri: direct, .. } = server(1).await;
    send(&client, &direct).await.expect("reached without the proxy");
}
