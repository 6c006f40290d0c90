//! Roles: AWS STS hands out their credentials for a signature, or for the token of a web identity.

use ::http::Request;
use aws_credential_types::Credentials;
use aws_runtime::env_config::section::Profile;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use aws_smithy_async::time::TimeSource;
use url::form_urlencoded;

use super::answer::time;
use super::container::read_token;
use super::http::{Answer, USUAL_PATIENCE};
use super::profile::get;
use super::{Chain, http};
use crate::aws::endpoint::{STS, configured_endpoint};
use crate::aws::profile::SharedFiles;
use crate::config::Environment;
use crate::error::{Error, ErrorKind, Result};

const SERVICE: &str = "AWS STS";
const SESSION_NAME: &str = "tabletheory-isr";

/// A role, and how it is asked for.
#[derive(Debug, Clone)]
pub(super) struct Role {
    arn: String,
    session_name: String,
    external_id: Option<String>,
    duration_seconds: Option<String>,
    /// Of a web identity.
    pub(super) token_file: Option<String>,
}

impl Role {
    /// That of the environment, as EKS and others set it.
    pub(super) fn of_web_identity(environment: &Environment) -> Option<Result<Self>> {
        let token_file = environment.get("AWS_WEB_IDENTITY_TOKEN_FILE")?.to_owned();
        let Some(arn) = environment.get("AWS_ROLE_ARN") else {
            let message = "no AWS credentials: AWS_WEB_IDENTITY_TOKEN_FILE is set and AWS_ROLE_ARN is not; set both";
            return Some(Err(Error::new(ErrorKind::Credentials, message)));
        };
        Some(Ok(Self {
            arn: arn.to_owned(),
            session_name: environment.get("AWS_ROLE_SESSION_NAME").unwrap_or(SESSION_NAME).to_owned(),
            external_id: None,
            duration_seconds: None,
            token_file: Some(token_file),
        }))
    }

    pub(super) fn of_profile(profile: &Profile) -> Option<Result<Self>> {
        let arn = get(profile, "role_arn")?.to_owned();
        if get(profile, "mfa_serial").is_some() {
            let message = format!(
                "no AWS credentials: profile \"{}\" needs a code of its mfa_serial, and nothing asks for one here; pass credentials: fromIni({{ mfaCodeProvider }}) of the package @aws-sdk/credential-providers as an option",
                profile.name()
            );
            return Some(Err(Error::new(ErrorKind::Credentials, message)));
        }
        Some(Ok(Self {
            arn,
            session_name: get(profile, "role_session_name").unwrap_or(SESSION_NAME).to_owned(),
            external_id: get(profile, "external_id").map(str::to_owned),
            duration_seconds: get(profile, "duration_seconds").map(str::to_owned),
            token_file: get(profile, "web_identity_token_file").map(str::to_owned),
        }))
    }

    fn form(&self, action: &str, token: Option<&str>) -> String {
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.append_pair("Action", action)
            .append_pair("Version", "2011-06-15")
            .append_pair("RoleArn", &self.arn)
            .append_pair("RoleSessionName", &self.session_name);
        let more = [
            ("ExternalId", self.external_id.as_deref()),
            ("DurationSeconds", self.duration_seconds.as_deref()),
            ("WebIdentityToken", token),
        ];
        for (name, value) in more {
            if let Some(value) = value {
                form.append_pair(name, value);
            }
        }
        form.finish()
    }
}

/// Asks for a role in exchange for the token in its file, which is read anew each time.
pub(super) async fn assume_role_with_web_identity(
    chain: &Chain,
    files: &SharedFiles,
    role: &Role,
) -> Result<Credentials> {
    let token_file = role.token_file.as_deref().unwrap_or_default();
    let token = read_token("AWS_WEB_IDENTITY_TOKEN_FILE", token_file).await?;
    let form = role.form("AssumeRoleWithWebIdentity", Some(&token));
    let request = request(chain, files).await?.body(form).map_err(not_built)?;
    let answer = chain.http.ask(SERVICE, USUAL_PATIENCE, &request).await?;
    read(&answer, role)
}

/// Asks for a role in exchange for a signature by `keys`.
pub(super) async fn assume_role(
    chain: &Chain,
    files: &SharedFiles,
    role: &Role,
    keys: Credentials,
) -> Result<Credentials> {
    let used = chain.clock.correction();
    let answer = chain.http.ask(SERVICE, USUAL_PATIENCE, &signed(chain, files, role, &keys).await?).await?;
    let is_refused_for_its_time = matches!(error_code(&answer), Some("SignatureDoesNotMatch" | "RequestExpired"));
    let answer = match answer.date {
        Some(date) if is_refused_for_its_time && chain.clock.learn(date, used) => {
            chain.http.ask(SERVICE, USUAL_PATIENCE, &signed(chain, files, role, &keys).await?).await?
        }
        _ => answer,
    };
    read(&answer, role)
}

async fn request(chain: &Chain, files: &SharedFiles) -> Result<::http::request::Builder> {
    let url = match configured_endpoint(&chain.environment, files, STS)? {
        Some(endpoint) => endpoint.url().to_owned(),
        None => format!("https://{}", chain.settings.host(STS.host, &chain.settings.region).await?),
    };
    Ok(Request::post(url).header("content-type", "application/x-www-form-urlencoded"))
}

async fn signed(chain: &Chain, files: &SharedFiles, role: &Role, keys: &Credentials) -> Result<Request<String>> {
    let mut request = request(chain, files).await?.body(role.form("AssumeRole", None)).map_err(not_built)?;
    let identity = keys.clone().into();
    let params = v4::SigningParams::builder()
        .identity(&identity)
        .region(&chain.settings.region)
        .name("sts")
        .time(chain.clock.now())
        .settings(SigningSettings::default())
        .build()
        .map_err(not_built)?
        .into();
    let headers = request.headers().iter().filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?)));
    let body = SignableBody::Bytes(request.body().as_bytes());
    let signable = SignableRequest::new("POST", request.uri().to_string(), headers, body).map_err(not_built)?;
    let (instructions, _) = sign(signable, &params).map_err(not_built)?.into_parts();
    instructions.apply_to_request_http1x(&mut request);
    Ok(request)
}

fn not_built(cause: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::new(ErrorKind::Credentials, "no AWS credentials: the request to AWS STS could not be built").caused_by(cause)
}

/// STS answers in XML without attributes.
fn read(answer: &Answer, role: &Role) -> Result<Credentials> {
    if !answer.is_success() {
        let code = error_code(answer).unwrap_or("an error without a code");
        let message = element(&answer.body, "Message").unwrap_or_default();
        let kind = if is_passing(code) { ErrorKind::Unavailable } else { ErrorKind::Credentials };
        let message =
            format!("no AWS credentials: AWS STS refused role \"{}\": {code}: {}", role.arn, unescaped(message));
        return Err(Error::new(kind, message));
    }
    let read = || {
        let mut credentials = Credentials::builder()
            .access_key_id(element(&answer.body, "AccessKeyId")?)
            .secret_access_key(unescaped(element(&answer.body, "SecretAccessKey")?))
            .session_token(unescaped(element(&answer.body, "SessionToken")?))
            .expiry(time(element(&answer.body, "Expiration")?)?)
            .provider_name("role");
        let account = element(&answer.body, "Arn").and_then(|arn| arn.split(':').nth(4));
        credentials.set_account_id(account.filter(|account| !account.is_empty()).map(Into::into));
        Some(credentials.build())
    };
    read().ok_or_else(|| http::unavailable(SERVICE, answer.status))
}

fn error_code(answer: &Answer) -> Option<&str> {
    if answer.is_success() { None } else { element(&answer.body, "Code") }
}

fn is_passing(code: &str) -> bool {
    matches!(code, "Throttling" | "ThrottlingException" | "RequestLimitExceeded" | "IDPCommunicationError")
}

/// The text of the first element of this name.
fn element<'a>(xml: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = xml.split_once(&format!("<{name}>"))?;
    rest.split_once(&format!("</{name}>")).map(|(text, _)| text.trim())
}

fn unescaped(text: &str) -> String {
    text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&apos;", "'").replace("&amp;", "&")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_element_is_found_by_its_name() {
        let xml = "<A><Code> X </Code><Message>a &lt;b&gt; &amp;amp;</Message><CodeX>Y</CodeX></A>";
        assert_eq!(element(xml, "Code"), Some("X"));
        assert_eq!(element(xml, "CodeX"), Some("Y"));
        assert_eq!(element(xml, "Co"), None);
        assert_eq!(element(xml, "Message").map(unescaped).as_deref(), Some("a <b> &amp;"));
    }
}
