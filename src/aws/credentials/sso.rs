//! The sign-in of IAM Identity Center: a token that `aws sso login` leaves in a file, for the credentials of a role.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};
use std::{fs, thread};

use ::http::Request;
use aws_credential_types::Credentials;
use aws_runtime::env_config::section::Profile;
use aws_smithy_async::time::TimeSource;
use aws_smithy_types::DateTime;
use aws_smithy_types::date_time::Format;
use serde_json::{Value, json};
use sha1::{Digest, Sha1};
use url::form_urlencoded;

use super::answer::{text, time};
use super::http::USUAL_PATIENCE;
use super::process::STACK_BYTES;
use super::profile::get;
use super::{Chain, http};
use crate::aws::endpoint::{SSO, SSO_OIDC, Service, configured_endpoint};
use crate::aws::files;
use crate::aws::profile::{FILE_LIMIT, SharedFiles, aws_folder};
use crate::error::{Error, ErrorKind, Result};

const SERVICE: &str = "IAM Identity Center";
/// How long ahead of its end a token is refreshed.
const REFRESHED_AHEAD: Duration = Duration::from_mins(5);

/// The sign-in of a profile.
#[derive(Debug)]
pub(super) struct SignIn {
    profile: String,
    region: String,
    account_id: String,
    role_name: String,
    /// The name of the session, or the address of the portal: the file's name is made from it.
    key: String,
}

/// The token, with the members that refresh it.
struct Token {
    path: PathBuf,
    value: Value,
}

impl SignIn {
    /// Nothing where the profile has none.
    pub(super) fn of_profile(profile: &Profile, files: &SharedFiles) -> Option<Result<Self>> {
        let session = get(profile, "sso_session");
        if session.is_none() && get(profile, "sso_start_url").is_none() {
            return None;
        }
        Some(Self::read(profile, session, files).ok_or_else(|| {
            let message = format!(
                "no AWS credentials: profile \"{}\" needs sso_account_id and sso_role_name, and sso_region and sso_start_url in itself or in its sso_session",
                profile.name()
            );
            Error::new(ErrorKind::Credentials, message)
        }))
    }

    fn read(profile: &Profile, session: Option<&str>, files: &SharedFiles) -> Option<Self> {
        let (region, key) = match session {
            Some(name) => {
                let session = files.sso_session(name)?;
                (session.get("sso_region")?, session.get("sso_start_url").and(Some(name))?)
            }
            None => (get(profile, "sso_region")?, get(profile, "sso_start_url")?),
        };
        Some(Self {
            profile: profile.name().to_owned(),
            region: region.to_owned(),
            account_id: get(profile, "sso_account_id")?.to_owned(),
            role_name: get(profile, "sso_role_name")?.to_owned(),
            key: key.to_owned(),
        })
    }

    fn not_signed_in(&self) -> Error {
        let message = format!(
            "no AWS credentials: profile \"{profile}\" is not signed in; run: aws sso login --profile {profile}",
            profile = self.profile
        );
        Error::new(ErrorKind::Credentials, message)
    }
}

pub(super) async fn load(chain: &Chain, files: &SharedFiles, sign_in: &SignIn) -> Result<Credentials> {
    let token = access_token(chain, files, sign_in).await?;
    let query = form_urlencoded::Serializer::new(String::new())
        .append_pair("role_name", &sign_in.role_name)
        .append_pair("account_id", &sign_in.account_id)
        .finish();
    let url = url(chain, files, SSO, sign_in).await?;
    let request = Request::get(format!("{url}/federation/credentials?{query}"))
        .header("x-amz-sso_bearer_token", token)
        .body(String::new())
        .map_err(|_| sign_in.not_signed_in())?;
    let answer = chain.http.ask(SERVICE, USUAL_PATIENCE, &request).await?;
    if answer.status == 401 {
        return Err(sign_in.not_signed_in());
    }
    let value: Value = serde_json::from_str(&answer.body).unwrap_or_default();
    if !answer.is_success() {
        let reason = text(&value, "message").unwrap_or("without a reason");
        let message = format!(
            "no AWS credentials: {SERVICE} refused role \"{}\" of account {} with HTTP status {}: {reason}",
            sign_in.role_name, sign_in.account_id, answer.status
        );
        return Err(Error::new(ErrorKind::Credentials, message));
    }
    role_credentials(&value, sign_in).ok_or_else(|| http::unavailable(SERVICE, answer.status))
}

fn role_credentials(value: &Value, sign_in: &SignIn) -> Option<Credentials> {
    let value = value.get("roleCredentials")?;
    let expiry = SystemTime::UNIX_EPOCH.checked_add(Duration::from_millis(value.get("expiration")?.as_u64()?))?;
    let credentials = Credentials::builder()
        .access_key_id(text(value, "accessKeyId")?)
        .secret_access_key(text(value, "secretAccessKey")?)
        .session_token(text(value, "sessionToken")?)
        .expiry(expiry)
        .account_id(sign_in.account_id.as_str())
        .provider_name("sso");
    Some(credentials.build())
}

async fn access_token(chain: &Chain, files: &SharedFiles, sign_in: &SignIn) -> Result<String> {
    let token = read_token(chain, sign_in).await?;
    let now = chain.clock.now();
    let expiry = text(&token.value, "expiresAt").and_then(time).ok_or_else(|| sign_in.not_signed_in())?;
    if expiry <= now + REFRESHED_AHEAD {
        match refresh(chain, files, sign_in, &token).await {
            Some(Ok(fresh)) => return Ok(fresh),
            Some(Err(error)) if expiry <= now => return Err(error),
            None if expiry <= now => return Err(sign_in.not_signed_in()),
            Some(Err(_)) | None => {}
        }
    }
    text(&token.value, "accessToken").map(str::to_owned).ok_or_else(|| sign_in.not_signed_in())
}

async fn read_token(chain: &Chain, sign_in: &SignIn) -> Result<Token> {
    let folder = aws_folder(&chain.environment).ok_or_else(|| sign_in.not_signed_in())?;
    let path = folder.join("sso").join("cache").join(format!("{}.json", hex(&Sha1::digest(&sign_in.key))));
    let bytes = files::read(&path, FILE_LIMIT).await.map_err(|cause| {
        if cause.kind() == std::io::ErrorKind::TimedOut {
            let message = format!("no AWS credentials: the file {} could not be read in time", path.display());
            return Error::new(ErrorKind::Timeout, message).caused_by(cause);
        }
        sign_in.not_signed_in()
    })?;
    let value = serde_json::from_slice(&bytes).map_err(|_| sign_in.not_signed_in())?;
    Ok(Token { path, value })
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // A string takes everything.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// A new token for the old one; nothing where the file has no right to it.
async fn refresh(chain: &Chain, files: &SharedFiles, sign_in: &SignIn, token: &Token) -> Option<Result<String>> {
    let value = &token.value;
    let body = json!({
        "clientId": text(value, "clientId")?,
        "clientSecret": text(value, "clientSecret")?,
        "grantType": "refresh_token",
        "refreshToken": text(value, "refreshToken")?,
    });
    let now = chain.clock.now();
    if text(value, "registrationExpiresAt").and_then(time).is_some_and(|expiry| expiry <= now) {
        return None;
    }
    Some(exchange(chain, files, sign_in, token, body.to_string()).await)
}

async fn exchange(chain: &Chain, files: &SharedFiles, sign_in: &SignIn, token: &Token, body: String) -> Result<String> {
    let url = url(chain, files, SSO_OIDC, sign_in).await?;
    let request = Request::post(format!("{url}/token"))
        .header("content-type", "application/json")
        .body(body)
        .map_err(|_| sign_in.not_signed_in())?;
    let answer = chain.http.ask(SERVICE, USUAL_PATIENCE, &request).await?;
    let fresh: Value = serde_json::from_str(&answer.body).unwrap_or_default();
    let access_token = text(&fresh, "accessToken").filter(|_| answer.is_success());
    let access_token = access_token.ok_or_else(|| sign_in.not_signed_in())?.to_owned();
    let lifetime = fresh.get("expiresIn").and_then(Value::as_u64).unwrap_or_default();
    let expiry = DateTime::from(chain.clock.now() + Duration::from_secs(lifetime.min(10_000_000)));
    let mut value = token.value.clone();
    if let (Some(members), Ok(expiry)) = (value.as_object_mut(), expiry.fmt(Format::DateTime)) {
        members.insert("accessToken".to_owned(), access_token.clone().into());
        members.insert("expiresAt".to_owned(), expiry.into());
        if let Some(refresh_token) = text(&fresh, "refreshToken") {
            members.insert("refreshToken".to_owned(), refresh_token.into());
        }
        keep(token.path.clone(), value.to_string());
    }
    Ok(access_token)
}

/// Writes the token where AWS's other tools find it: a refresh makes the old one useless. A file that cannot be written
/// costs them a sign-in.
fn keep(path: PathBuf, text: String) {
    let write = move || {
        let new = path.with_extension(format!("{}.new", fastrand::u32(..)));
        if write_private(&new, &text).and_then(|()| fs::rename(&new, &path)).is_err() {
            let _ = fs::remove_file(&new);
        }
    };
    let _ = thread::Builder::new().name("isr-credentials".to_owned()).stack_size(STACK_BYTES).spawn(write);
}

fn write_private(path: &Path, text: &str) -> std::io::Result<()> {
    use std::io::Write;
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    options.open(path)?.write_all(text.as_bytes())
}

async fn url(chain: &Chain, files: &SharedFiles, service: Service, sign_in: &SignIn) -> Result<String> {
    match configured_endpoint(&chain.environment, files, service)? {
        Some(endpoint) => Ok(endpoint.url().trim_end_matches('/').to_owned()),
        None => Ok(format!("https://{}", chain.settings.host(service.host, &sign_in.region).await?)),
    }
}
