//! The chain against services that are stubs.

use std::error::Error as StdError;
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::SystemTime;

use aws_smithy_async::time::{SharedTimeSource, StaticTimeSource};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::*;
use crate::aws::http_client;
use crate::config::{Endpoint, TableName};

/// A service that answers each request as a function says, or keeps silent.
struct Stub {
    url: String,
    asked: Arc<Mutex<Vec<String>>>,
}

type Scripted = Option<(u16, String)>;

impl Stub {
    async fn start(script: impl Fn(&str, usize) -> Scripted + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (log, script) = (Arc::clone(&asked), Arc::new(script));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, Arc::clone(&log), Arc::clone(&script)));
            }
        });
        Self { url, asked }
    }

    fn asked(&self) -> Vec<String> {
        lock(&self.asked).clone()
    }
}

async fn serve(mut stream: TcpStream, log: Arc<Mutex<Vec<String>>>, script: Arc<impl Fn(&str, usize) -> Scripted>) {
    let (mut text, mut chunk) = (String::new(), [0; 4_096]);
    loop {
        let length = stream.read(&mut chunk).await.unwrap_or(0);
        if length == 0 {
            return;
        }
        text.push_str(&String::from_utf8_lossy(&chunk[..length]));
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let size = head
            .to_lowercase()
            .split_once("content-length: ")
            .map_or(0, |(_, rest)| rest.lines().next().expect("a line").trim().parse().expect("a number"));
        if body.len() >= size {
            break;
        }
    }
    let index = {
        let mut log = lock(&log);
        log.push(text.clone());
        log.len() - 1
    };
    match script(&text, index) {
        Some((status, body)) => {
            let head = format!("HTTP/1.1 {status} X\r\ncontent-length: {}\r\nconnection: close\r\n", body.len());
            let date = "date: Thu, 01 Jan 2026 01:00:00 GMT\r\n";
            stream.write_all(format!("{head}{date}\r\n{body}").as_bytes()).await.expect("written");
        }
        None => std::future::pending().await,
    }
}

/// A folder that a test writes to, and that ends with it.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!("isr-credentials-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let path = std::env::temp_dir().join(name);
        fs::create_dir_all(&path).expect("a folder");
        Self(path)
    }

    fn write(&self, name: &str, text: &str) -> String {
        let path = self.0.join(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(&path, text).expect("written");
        path.to_str().expect("UTF-8").to_owned()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).expect("removed");
    }
}

/// The first of 2026.
fn now() -> SystemTime {
    time("2026-01-01T00:00:00Z").expect("a moment")
}

/// The chain that a configuration has, away from the loopback interface.
async fn chain(variables: &[(&str, &str)]) -> Chain {
    chain_at(variables, None).await
}

async fn chain_at(variables: &[(&str, &str)], endpoint: Option<&str>) -> Chain {
    let mut config = Config::new(TableName::new("isr").expect("a name"));
    let region = ("AWS_REGION", "eu-west-1");
    let all = variables.iter().chain([&region]);
    config.environment = all.map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    config.endpoint = endpoint.map(|url| Endpoint::new("endpoint", url).expect("an address"));
    let files = SharedFiles::read(&config.environment).await.expect("read");
    let settings = Settings::resolve(&config, &files).await.expect("settings");
    let clock = SigningClock::new(SharedTimeSource::new(StaticTimeSource::new(now())));
    match Source::of(&config, &settings, files, &clock, http_client(&config)) {
        Source::Chain(chain) => *chain,
        source => panic!("{source:?} is not the chain"),
    }
}

async fn load(variables: &[(&str, &str)]) -> Result<Credentials> {
    chain(variables).await.load().await
}

/// The kind and the message.
async fn failure(variables: &[(&str, &str)]) -> (ErrorKind, String) {
    let error = load(variables).await.expect_err("no credentials");
    let mut next = error.source();
    while let Some(cause) = next {
        assert!(!format!("{cause} {cause:?}").contains("CANARY"), "{cause:?}");
        next = cause.source();
    }
    (error.kind(), error.to_string())
}

const NO_INSTANCE: (&str, &str) = ("AWS_EC2_METADATA_DISABLED", "true");
const JSON: &str =
    r#"{"AccessKeyId":"AKID","SecretAccessKey":"secret","Token":"token","Expiration":"2026-01-01T06:00:00Z"}"#;

fn xml(key_id: &str) -> String {
    format!(
        "<R><Credentials><AccessKeyId>{key_id}</AccessKeyId><SecretAccessKey>secret</SecretAccessKey>\
         <SessionToken>token</SessionToken><Expiration>2026-01-01T01:00:00Z</Expiration></Credentials>\
         <AssumedRoleUser><Arn>arn:aws:sts::123456789012:assumed-role/x/y</Arn></AssumedRoleUser></R>"
    )
}

#[tokio::test]
async fn a_chain_without_a_source_fails() {
    let (kind, message) = failure(&[NO_INSTANCE]).await;
    assert_eq!(kind, ErrorKind::Credentials);
    assert!(message.starts_with("no AWS credentials: pass options.credentials"), "{message}");
}

mod container {
    use super::*;

    #[tokio::test]
    async fn hands_out_credentials_for_a_token_that_is_read_anew_each_time() {
        let (stub, folder) = (Stub::start(|_, _| Some((200, JSON.to_owned()))).await, Folder::new());
        let file = folder.write("token", "first\n");
        let url = format!("{}/v1/credentials", stub.url);
        let chain = chain(&[
            NO_INSTANCE,
            ("AWS_CONTAINER_CREDENTIALS_FULL_URI", &url),
            ("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", &file),
            ("AWS_CONTAINER_AUTHORIZATION_TOKEN", "unused"),
        ])
        .await;
        let credentials = chain.load().await.expect("credentials");
        assert_eq!((credentials.access_key_id(), credentials.session_token()), ("AKID", Some("token")));
        assert_eq!(credentials.expiry(), Some(now() + Duration::from_hours(6)));
        folder.write("token", "second");
        chain.load().await.expect("credentials");
        let asked = stub.asked();
        for (request, token) in asked.iter().zip(["first", "second"]) {
            assert!(request.starts_with("GET /v1/credentials HTTP/1.1\r\n"), "{request}");
            assert!(request.contains(&format!("authorization: {token}\r\n")), "{request}");
        }
        assert_eq!(asked.len(), 2);
    }

    #[tokio::test]
    async fn is_asked_again_after_a_server_error_and_not_after_a_refusal() {
        for (status, kind, requests) in [(500, ErrorKind::Unavailable, 3), (403, ErrorKind::Credentials, 1)] {
            let stub = Stub::start(move |_, _| Some((status, "CANARY".to_owned()))).await;
            let (found, message) = failure(&[NO_INSTANCE, ("AWS_CONTAINER_CREDENTIALS_FULL_URI", &stub.url)]).await;
            assert_eq!((found, stub.asked().len()), (kind, requests), "{message}");
            assert!(message.contains(&status.to_string()) && !message.contains("CANARY"), "{message}");
        }
        let stub = Stub::start(|_, index| Some(if index == 0 { (503, String::new()) } else { (200, JSON.to_owned()) }));
        let stub = stub.await;
        load(&[NO_INSTANCE, ("AWS_CONTAINER_CREDENTIALS_FULL_URI", &stub.url)]).await.expect("the second answer");
    }

    #[tokio::test]
    async fn that_cannot_be_reached_is_unavailable() {
        let variables = [NO_INSTANCE, ("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://127.0.0.1:1/")];
        assert_eq!(failure(&variables).await.0, ErrorKind::Unavailable);
    }
}

mod instance {
    use super::*;

    const ENDPOINT: &str = "AWS_EC2_METADATA_SERVICE_ENDPOINT";
    const ROLE: &str = "GET /latest/meta-data/iam/security-credentials/";

    #[expect(clippy::unnecessary_wraps, reason = "other services are silent at times")]
    fn service(request: &str, _: usize) -> Scripted {
        Some(if request.starts_with("PUT /latest/api/token ") {
            (200, "TOKEN".to_owned())
        } else if !request.contains("x-aws-ec2-metadata-token: TOKEN\r\n") {
            (401, String::new())
        } else if request.starts_with(&format!("{ROLE} ")) {
            (200, "the-role".to_owned())
        } else if request.starts_with(&format!("{ROLE}the-role ")) {
            (200, JSON.replace('{', r#"{"Code":"Success","#))
        } else {
            (404, String::new())
        })
    }

    #[tokio::test]
    async fn hands_out_the_credentials_of_its_role() {
        let stub = Stub::start(service).await;
        for disabled in ["", "false", "FALSE"] {
            let credentials = load(&[(ENDPOINT, &stub.url), ("AWS_EC2_METADATA_DISABLED", disabled)]).await;
            assert_eq!(credentials.expect("the role's").access_key_id(), "AKID");
        }
        assert_eq!(stub.asked().len(), 9);
        for disabled in ["true", "1", "yes"] {
            failure(&[(ENDPOINT, &stub.url), ("AWS_EC2_METADATA_DISABLED", disabled)]).await;
        }
        assert_eq!(stub.asked().len(), 9);
    }

    #[tokio::test]
    async fn extends_credentials_that_have_expired() {
        let stub = Stub::start(|request, index| {
            let (status, body) = service(request, index)?;
            Some((status, body.replace("2026-01-01T06", "2025-12-31T06")))
        })
        .await;
        let credentials = load(&[(ENDPOINT, &stub.url)]).await.expect("the role's");
        assert_eq!(credentials.expiry(), Some(now() + Duration::from_mins(5)));
    }

    #[tokio::test]
    async fn that_is_slow_or_out_of_order_is_a_passing_fault() {
        let broken = Stub::start(|_, _| Some((500, String::new()))).await;
        let patient = [(ENDPOINT, broken.url.as_str()), ("AWS_METADATA_SERVICE_NUM_ATTEMPTS", "2")];
        assert_eq!(failure(&patient).await.0, ErrorKind::Unavailable);
        assert_eq!(broken.asked().len(), 2);
        let silent = Stub::start(|_, _| None).await;
        let (kind, message) = failure(&[(ENDPOINT, &silent.url), ("AWS_METADATA_SERVICE_TIMEOUT", "0.05")]).await;
        assert_eq!(kind, ErrorKind::Timeout);
        assert!(message.contains("50 ms"), "{message}");
        assert_eq!(failure(&[(ENDPOINT, "http://127.0.0.1:1")]).await.0, ErrorKind::Unavailable);
    }

    #[tokio::test]
    async fn without_a_role_or_with_a_refusal_has_no_credentials() {
        let without_role =
            Stub::start(
                |request, index| {
                    if request.starts_with(ROLE) { Some((404, String::new())) } else { service(request, index) }
                },
            )
            .await;
        let (kind, message) = failure(&[(ENDPOINT, &without_role.url)]).await;
        assert_eq!((kind, message.contains("has no role")), (ErrorKind::Credentials, true), "{message}");
        let refusing = Stub::start(|request, index| {
            let (status, body) = service(request, index)?;
            Some((status, body.replace("Success", "AssumeRoleUnauthorizedAccess")))
        })
        .await;
        let (kind, message) = failure(&[(ENDPOINT, &refusing.url)]).await;
        assert_eq!(kind, ErrorKind::Credentials);
        assert!(message.contains("AssumeRoleUnauthorizedAccess"), "{message}");
    }

    #[tokio::test]
    async fn settings_in_another_format_are_errors_that_name_them() {
        for (name, value) in [
            (ENDPOINT, "nowhere"),
            ("AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE", "IPv5"),
            ("AWS_METADATA_SERVICE_TIMEOUT", "-1"),
            ("AWS_METADATA_SERVICE_NUM_ATTEMPTS", "0"),
        ] {
            let (kind, message) = failure(&[(name, value)]).await;
            assert_eq!(kind, ErrorKind::Config, "{name}");
            assert!(message.contains(name) && message.contains(value), "{message}");
        }
    }
}

mod web_identity {
    use super::*;

    const ROLE: (&str, &str) = ("AWS_ROLE_ARN", "arn:aws:iam::123456789012:role/x");

    #[tokio::test]
    async fn is_exchanged_for_a_role_with_a_token_that_is_read_anew_each_time() {
        let (stub, folder) = (Stub::start(|_, index| Some((200, xml(&format!("AKID{index}"))))).await, Folder::new());
        let file = folder.write("token", "first");
        let chain = chain(&[ROLE, ("AWS_WEB_IDENTITY_TOKEN_FILE", &file), ("AWS_ENDPOINT_URL_STS", &stub.url)]).await;
        let credentials = chain.load().await.expect("the role's");
        assert_eq!((credentials.access_key_id(), credentials.session_token()), ("AKID0", Some("token")));
        assert_eq!(
            credentials.account_id().map(aws_credential_types::attributes::AccountId::as_str),
            Some("123456789012")
        );
        assert_eq!(credentials.expiry(), Some(now() + Duration::from_hours(1)));
        folder.write("token", "second");
        assert_eq!(chain.load().await.expect("the role's").access_key_id(), "AKID1");
        for (request, token) in stub.asked().iter().zip(["first", "second"]) {
            assert!(request.contains("Action=AssumeRoleWithWebIdentity&"), "{request}");
            assert!(request.ends_with(&format!("&WebIdentityToken={token}")), "{request}");
            assert!(request.contains("RoleArn=arn%3Aaws%3Aiam%3A%3A123456789012%3Arole%2Fx&"), "{request}");
            assert!(!request.contains("authorization:"), "{request}");
        }
    }

    #[tokio::test]
    async fn is_refused_for_good_or_for_the_moment() {
        let folder = Folder::new();
        let file = folder.write("token", "CANARY");
        for (status, code, kind, requests) in [
            (403, "AccessDenied", ErrorKind::Credentials, 1),
            (400, "IDPCommunicationError", ErrorKind::Unavailable, 1),
            (503, "ServiceUnavailable", ErrorKind::Unavailable, 3),
        ] {
            let body =
                format!("<ErrorResponse><Error><Code>{code}</Code><Message>so</Message></Error></ErrorResponse>");
            let stub = Stub::start(move |_, _| Some((status, body.clone()))).await;
            let (found, message) =
                failure(&[ROLE, ("AWS_WEB_IDENTITY_TOKEN_FILE", &file), ("AWS_ENDPOINT_URL_STS", &stub.url)]).await;
            assert_eq!((found, stub.asked().len()), (kind, requests), "{message}");
            assert!(!message.contains("CANARY"), "{message}");
        }
        let (kind, message) = failure(&[ROLE, ("AWS_WEB_IDENTITY_TOKEN_FILE", "no such file")]).await;
        assert_eq!(kind, ErrorKind::Credentials);
        assert!(message.contains("no such file"), "{message}");
    }
}

mod in_a_profile {
    use super::*;

    /// The credentials of a config file, with other variables.
    async fn outcome(config: &str, more: &[(&str, &str)]) -> Result<Credentials> {
        let folder = Folder::new();
        let file = folder.write("config", config);
        let files = [("AWS_CONFIG_FILE", file.as_str()), ("AWS_PROFILE", "blue"), NO_INSTANCE];
        load(&[&files, more].concat()).await
    }

    async fn key_id(config: &str, more: &[(&str, &str)]) -> String {
        outcome(config, more).await.expect("credentials").access_key_id().to_owned()
    }

    async fn refusal(config: &str) -> String {
        let error = outcome(config, &[]).await.expect_err("no credentials");
        assert_eq!(error.kind(), ErrorKind::Credentials, "{error}");
        error.to_string()
    }

    const KEYS: &str = "aws_access_key_id = AKIDKEYS\naws_secret_access_key = secret\n";
    const ROLE: &str = "role_arn = arn:aws:iam::1:role/x\n";

    #[tokio::test]
    async fn keys_are_used() {
        assert_eq!(key_id(&format!("[profile blue]\n{KEYS}"), &[]).await, "AKIDKEYS");
        let account = format!("[profile blue]\n{KEYS}aws_account_id = 12\n");
        let credentials = outcome(&account, &[]).await.expect("credentials");
        assert_eq!(credentials.account_id().map(aws_credential_types::attributes::AccountId::as_str), Some("12"));
    }

    #[tokio::test]
    async fn roles_are_assumed_from_their_source_on_each_signed_by_the_one_before() {
        let stub = Stub::start(|_, index| Some((200, xml(&format!("AKID{index}"))))).await;
        let sts = [("AWS_ENDPOINT_URL_STS", stub.url.as_str())];
        let config = format!(
            "[profile blue]\n{ROLE}source_profile = green\nexternal_id = ext\nduration_seconds = 900\n\
             [profile green]\nrole_arn = arn:aws:iam::1:role/green\nsource_profile = red\n[profile red]\n{KEYS}"
        );
        assert_eq!(key_id(&config, &sts).await, "AKID1");
        let asked = stub.asked();
        assert_eq!(asked.len(), 2);
        assert!(asked[0].contains("Credential=AKIDKEYS/20260101/eu-west-1/sts/aws4_request"), "{}", asked[0]);
        assert!(asked[0].contains("role%2Fgreen"), "{}", asked[0]);
        assert!(asked[1].contains("Credential=AKID0/20260101/eu-west-1/sts/aws4_request"), "{}", asked[1]);
        assert!(asked[1].contains("x-amz-security-token: token\r\n"), "{}", asked[1]);
        assert!(asked[1].ends_with("&ExternalId=ext&DurationSeconds=900"), "{}", asked[1]);
        let itself = format!("[profile blue]\n{ROLE}{KEYS}source_profile = blue\n");
        assert_eq!(key_id(&itself, &sts).await, "AKID2");
        assert!(stub.asked()[2].contains("Credential=AKIDKEYS/"));
    }

    #[tokio::test]
    async fn a_role_has_its_source_in_the_environment_or_a_container() {
        let stub = Stub::start(|request, _| {
            Some((200, if request.starts_with("GET /container") { JSON.to_owned() } else { xml("AKIDROLE") }))
        })
        .await;
        let container = format!("{}/container", stub.url);
        let more = [("AWS_ENDPOINT_URL_STS", stub.url.as_str()), ("AWS_CONTAINER_CREDENTIALS_FULL_URI", &container)];
        let config = format!("[profile blue]\n{ROLE}credential_source = EcsContainer\n");
        assert_eq!(key_id(&config, &more).await, "AKIDROLE");
        assert!(stub.asked()[1].contains("Credential=AKID/"), "{}", stub.asked()[1]);
        let none = format!("[profile blue]\n{ROLE}credential_source = Environment\n");
        assert!(refusal(&none).await.contains("credential_source Environment of profile \"blue\" has none"));
    }

    #[tokio::test]
    async fn a_signature_that_sts_refuses_for_its_time_is_made_anew() {
        let expired = "<E><Code>SignatureDoesNotMatch</Code><Message>Signature expired</Message></E>";
        let stub = Stub::start(move |request, _| {
            let is_right = request.contains("x-amz-date: 20260101T010000Z");
            Some(if is_right { (200, xml("AKIDROLE")) } else { (403, expired.to_owned()) })
        })
        .await;
        let config = format!("[profile blue]\n{ROLE}source_profile = red\n[profile red]\n{KEYS}");
        // Those of the answer have just expired by the corrected clock: that is not judged here.
        assert_eq!(key_id(&config, &[("AWS_ENDPOINT_URL_STS", &stub.url)]).await, "AKIDROLE");
        assert_eq!(stub.asked().len(), 2);
    }

    #[tokio::test]
    async fn what_is_missing_or_not_supported_is_said() {
        for (config, says) in [
            (String::new(), "profile \"blue\" does not exist in"),
            (format!("[profile blue]\n{ROLE}source_profile = red\n"), "profile \"red\" does not exist in"),
            (
                format!("[profile blue]\n{ROLE}source_profile = red\n[profile red]\n"),
                "profile \"red\" has no credentials",
            ),
            (format!("[profile blue]\n{ROLE}"), "needs source_profile or credential_source"),
            (format!("[profile blue]\n{ROLE}mfa_serial = x\nsource_profile = red\n"), "fromIni({ mfaCodeProvider })"),
            (format!("[profile blue]\n{ROLE}credential_source = Moon\n"), "is \"Moon\""),
            (
                format!("[profile blue]\n{ROLE}source_profile = red\n[profile red]\n{ROLE}source_profile = blue\n"),
                "profile \"blue\" is a source_profile of itself",
            ),
            ("[profile blue]\nlogin_session = arn\n".to_owned(), "fromNodeProviderChain()"),
            ("[profile blue]\nsso_start_url = https://x\n".to_owned(), "needs sso_account_id"),
            ("[profile blue]\nregion = eu-west-1\n".to_owned(), "no AWS credentials: pass options.credentials"),
        ] {
            let message = refusal(&config).await;
            assert!(message.contains(says), "{message}");
        }
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn a_program_is_asked() {
        let json = r#"{"Version":1,"AccessKeyId":"AKIDPROGRAM","SecretAccessKey":"secret"}"#;
        let config = format!("[profile blue]\naws_account_id = 12\ncredential_process = echo '{json}'\n");
        let credentials = outcome(&config, &[]).await.expect("credentials");
        assert_eq!(credentials.access_key_id(), "AKIDPROGRAM");
        assert_eq!(credentials.account_id().map(aws_credential_types::attributes::AccountId::as_str), Some("12"));
    }
}

mod sign_in {
    use super::*;

    const CONFIG: &str = "[profile blue]\nsso_session = corp\nsso_account_id = 123456789012\nsso_role_name = dev\n\
        [sso-session corp]\nsso_region = eu-west-1\nsso_start_url = https://corp.awsapps.com/start\n";
    const LEGACY: &str = "[profile blue]\nsso_start_url = https://corp.awsapps.com/start\nsso_region = eu-west-1\n\
        sso_account_id = 123456789012\nsso_role_name = dev\n";

    #[expect(clippy::unnecessary_wraps, reason = "other services are silent at times")]
    fn portal(request: &str, _: usize) -> Scripted {
        Some(if request.starts_with("POST /token ") {
            (200, r#"{"accessToken":"FRESH","expiresIn":28800,"refreshToken":"NEXT"}"#.to_owned())
        } else if request.contains("x-amz-sso_bearer_token: FRESH\r\n") {
            let keys = r#""accessKeyId":"AKIDSSO","secretAccessKey":"secret","sessionToken":"token""#;
            (200, format!(r#"{{"roleCredentials":{{{keys},"expiration":1767229200000}}}}"#))
        } else {
            (401, "{}".to_owned())
        })
    }

    fn token(value: &str, expires: &str, more: &str) -> String {
        format!(r#"{{"accessToken":"{value}","expiresAt":"{expires}","region":"eu-west-1"{more}}}"#)
    }

    const REFRESHING: &str = r#","clientId":"id","clientSecret":"CANARY","refreshToken":"CANARY2","registrationExpiresAt":"2027-01-01T00:00:00Z""#;

    async fn outcome(config: &str, file: &str, token: Option<&str>, stub: &Stub) -> (Result<Credentials>, Folder) {
        let folder = Folder::new();
        folder.write(".aws/config", config);
        if let Some(token) = token {
            folder.write(file, token);
        }
        let home = folder.0.to_str().expect("UTF-8");
        let variables = [
            ("HOME", home),
            ("AWS_PROFILE", "blue"),
            NO_INSTANCE,
            ("AWS_ENDPOINT_URL_SSO", &stub.url),
            ("AWS_ENDPOINT_URL_SSO_OIDC", &stub.url),
        ];
        (load(&variables).await, folder)
    }

    fn file_of(key: &str) -> String {
        use sha1::{Digest, Sha1};
        let hex = Sha1::digest(key).iter().fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"));
        format!(".aws/sso/cache/{hex}.json")
    }

    #[tokio::test]
    async fn gives_the_credentials_of_a_role_for_the_token_in_its_file() {
        for (config, key) in [(CONFIG, "corp"), (LEGACY, "https://corp.awsapps.com/start")] {
            let stub = Stub::start(portal).await;
            let valid = token("FRESH", "2026-01-01T08:00:00Z", "");
            let (outcome, _folder) = outcome(config, &file_of(key), Some(&valid), &stub).await;
            let credentials = outcome.expect("the role's");
            assert_eq!((credentials.access_key_id(), credentials.session_token()), ("AKIDSSO", Some("token")));
            assert_eq!(credentials.expiry(), Some(now() + Duration::from_hours(1)));
            let request = "GET /federation/credentials?role_name=dev&account_id=123456789012 HTTP/1.1\r\n";
            assert!(stub.asked()[0].starts_with(request), "{}", stub.asked()[0]);
        }
    }

    #[tokio::test]
    async fn that_is_missing_expired_or_refused_says_how_to_sign_in() {
        for old in
            [None, Some(token("OLD", "2025-12-31T00:00:00Z", "")), Some(token("BAD", "2026-01-02T00:00:00Z", ""))]
        {
            let stub = Stub::start(portal).await;
            let (outcome, _folder) = outcome(CONFIG, &file_of("corp"), old.as_deref(), &stub).await;
            let error = outcome.expect_err("not signed in");
            assert_eq!(error.kind(), ErrorKind::Credentials);
            assert!(error.to_string().contains("aws sso login --profile blue"), "{error}");
        }
    }

    #[tokio::test]
    async fn is_refreshed_and_written_back_where_the_file_allows_it() {
        let stub = Stub::start(portal).await;
        let old = token("OLD", "2026-01-01T00:01:00Z", REFRESHING);
        let (outcome, folder) = outcome(CONFIG, &file_of("corp"), Some(&old), &stub).await;
        assert_eq!(outcome.expect("the role's").access_key_id(), "AKIDSSO");
        assert!(stub.asked()[0].contains(r#""refreshToken":"CANARY2""#), "{}", stub.asked()[0]);
        let path = folder.0.join(file_of("corp"));
        let written = loop {
            let text = fs::read_to_string(&path).expect("there");
            if !text.contains("OLD") {
                break text;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        };
        let value: serde_json::Value = serde_json::from_str(&written).expect("JSON");
        assert_eq!((&value["accessToken"], &value["refreshToken"]), (&"FRESH".into(), &"NEXT".into()));
        assert_eq!(value["expiresAt"], "2026-01-01T08:00:00Z");
        assert_eq!(value["clientId"], "id");
    }

    #[tokio::test]
    async fn whose_service_is_out_of_order_is_a_passing_fault() {
        let stub = Stub::start(|_, _| Some((503, String::new()))).await;
        let valid = token("FRESH", "2026-01-01T08:00:00Z", "");
        let (outcome, _folder) = outcome(CONFIG, &file_of("corp"), Some(&valid), &stub).await;
        assert_eq!(outcome.expect_err("out of order").kind(), ErrorKind::Unavailable);
    }
}

mod at_a_loopback_endpoint {
    use super::*;

    async fn key_id(variables: &[(&str, &str)]) -> String {
        let chain = chain_at(variables, Some("http://localhost:8000")).await;
        chain.load().await.expect("credentials").access_key_id().to_owned()
    }

    #[tokio::test]
    async fn dummies_serve_where_nothing_is_configured_and_no_service_is_asked() {
        let stub = Stub::start(|_, _| None).await;
        let services = [
            ("AWS_EC2_METADATA_SERVICE_ENDPOINT", stub.url.as_str()),
            ("AWS_CONTAINER_CREDENTIALS_FULL_URI", &stub.url),
        ];
        assert_eq!(key_id(&services).await, "local");
        assert_eq!(stub.asked(), Vec::<String>::new());
    }

    #[tokio::test]
    async fn a_profile_serves_and_one_that_the_environment_does_not_name_may_fail() {
        let folder = Folder::new();
        let keys = folder.write("keys", "[default]\naws_access_key_id = AKIDFILE\naws_secret_access_key = secret\n");
        assert_eq!(key_id(&[("AWS_SHARED_CREDENTIALS_FILE", &keys)]).await, "AKIDFILE");
        let broken = folder
            .write("broken", "[default]\ncredential_process = false\n[profile blue]\ncredential_process = false\n");
        assert_eq!(key_id(&[("AWS_CONFIG_FILE", &broken)]).await, "local");
        let named = [("AWS_CONFIG_FILE", broken.as_str()), ("AWS_PROFILE", "blue")];
        let chain = chain_at(&named, Some("http://localhost:8000")).await;
        assert_eq!(chain.load().await.expect_err("it fails").kind(), ErrorKind::Credentials);
    }
}
