//! Where requests go and for which region they are signed, by AWS's precedence: options, environment, profile.

use aws_sdk_dynamodb::config::endpoint::{DefaultResolver, Params, ResolveEndpoint};
use aws_sdk_dynamodb::error::BoxError;
use aws_types::endpoint_config::AccountIdEndpointMode;
use http::Uri;
use http::uri::InvalidUri;

use super::credentials::from_environment;
use super::profile::SharedFiles;
use crate::config::{
    Config, Endpoint, Environment, IGNORE_CONFIGURED_ENDPOINTS, NumberOption, REGION_RULE, is_region, switch,
};
use crate::error::{Error, ErrorKind, Result};

/// The most that the option takes.
const MOST_ATTEMPTS: u32 = 10;
/// Stands for the account of credentials that are not loaded yet.
const ANY_ACCOUNT: &str = "000000000000";
/// DynamoDB Local takes any.
const LOOPBACK_REGION: &str = "us-east-1";

/// The resolved settings.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    pub(crate) region: String,
    pub(crate) use_fips: bool,
    pub(crate) use_dual_stack: bool,
    /// Nothing where it is AWS's own.
    pub(crate) endpoint: Option<Endpoint>,
    /// Where requests go, as far as it does not depend on the account of credentials that are not loaded yet.
    pub(crate) uri: Uri,
    pub(crate) account_id_mode: AccountIdEndpointMode,
    pub(crate) max_attempts: u32,
}

impl Settings {
    /// # Errors
    /// `Config` for a setting that is missing, is not in its format, or contradicts another.
    pub(crate) async fn resolve(config: &Config, files: &SharedFiles) -> Result<Self> {
        let environment = &config.environment;
        let endpoint = match &config.endpoint {
            Some(endpoint) => Some(endpoint.clone()),
            None => configured_endpoint(environment, files, DYNAMODB)?,
        };
        let (region, is_fips_region) = region(config, files, endpoint.as_ref())?;
        let use_fips = is_fips_region || is_on(environment, files, "AWS_USE_FIPS_ENDPOINT", "use_fips_endpoint")?;
        let use_dual_stack = is_on(environment, files, "AWS_USE_DUALSTACK_ENDPOINT", "use_dualstack_endpoint")?;
        if endpoint.is_some() && (use_fips || use_dual_stack) {
            let kind = if use_fips { "FIPS" } else { "dual-stack" };
            let message = format!("a {kind} endpoint and a custom endpoint are both configured; remove one of them");
            return Err(Error::new(ErrorKind::Config, message));
        }
        let mut settings = Self {
            uri: Uri::default(),
            account_id_mode: account_id_mode(environment, files)?,
            max_attempts: max_attempts(config, files)?,
            region,
            use_fips,
            use_dual_stack,
            endpoint,
        };
        settings.uri = settings.resolved(config).await?;
        Ok(settings)
    }

    /// The endpoint as a request will resolve it. So settings that contradict each other are an error before one.
    async fn resolved(&self, config: &Config) -> Result<Uri> {
        let account_id = from_environment(&config.environment)
            .and_then(|credentials| credentials.account_id().map(|id| id.as_str().to_owned()));
        let is_required = self.account_id_mode == AccountIdEndpointMode::Required;
        let params = Params::builder()
            .region(self.region.clone())
            .use_fips(self.use_fips)
            .use_dual_stack(self.use_dual_stack)
            .set_endpoint(self.endpoint.as_ref().map(|endpoint| endpoint.url().to_owned()))
            .account_id_endpoint_mode(self.account_id_mode.to_string())
            .set_account_id(account_id.or_else(|| is_required.then(|| ANY_ACCOUNT.to_owned())))
            .resource_arn(config.table_name.as_str())
            .build();
        let unusable = |cause: BoxError| {
            let message = format!("AWS region \"{}\" has no endpoint for these settings: {cause}", self.region);
            Error::new(ErrorKind::Config, message)
        };
        let params = params.map_err(|cause| unusable(cause.into()))?;
        let endpoint = DefaultResolver::new().resolve_endpoint(&params).await.map_err(unusable)?;
        endpoint.url().parse().map_err(|cause: InvalidUri| unusable(cause.into()))
    }

    /// For messages.
    pub(crate) fn location(&self) -> String {
        match &self.endpoint {
            Some(endpoint) => format!("endpoint {}", endpoint.url()),
            None => format!("region {}", self.region),
        }
    }

    pub(crate) fn is_loopback(&self) -> bool {
        self.endpoint.as_ref().is_some_and(Endpoint::is_loopback)
    }

    /// The host of another service, which has the form of DynamoDB's: the SDK knows the domains of all partitions.
    ///
    /// # Errors
    /// `Config` where the region has no such endpoint.
    pub(crate) async fn host(&self, service: &str, region: &str) -> Result<String> {
        let unusable = |cause: BoxError| {
            let message = format!("AWS region \"{region}\" has no endpoint of this kind: {cause}");
            Error::new(ErrorKind::Config, message)
        };
        let params = Params::builder()
            .region(region.to_owned())
            .use_fips(self.use_fips)
            .use_dual_stack(self.use_dual_stack)
            .build()
            .map_err(|cause| unusable(cause.into()))?;
        let endpoint = DefaultResolver::new();
        let endpoint = endpoint.resolve_endpoint(&params).await.map_err(unusable)?;
        let host = endpoint.url().trim_start_matches("https://");
        Ok(host.strip_prefix("dynamodb").map_or_else(|| host.to_owned(), |rest| format!("{service}{rest}")))
    }
}

/// A service as the settings for its endpoint name it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Service {
    /// In environment variables.
    variable: &'static str,
    /// In the `services` section.
    section: &'static str,
    /// At the begin of its host.
    pub(crate) host: &'static str,
}

pub(crate) const DYNAMODB: Service =
    Service { variable: "AWS_ENDPOINT_URL_DYNAMODB", section: "dynamodb", host: "dynamodb" };
pub(crate) const STS: Service = Service { variable: "AWS_ENDPOINT_URL_STS", section: "sts", host: "sts" };
pub(crate) const SSO: Service = Service { variable: "AWS_ENDPOINT_URL_SSO", section: "sso", host: "portal.sso" };
pub(crate) const SSO_OIDC: Service =
    Service { variable: "AWS_ENDPOINT_URL_SSO_OIDC", section: "sso_oidc", host: "oidc" };

/// The endpoint that the environment or the profile has for a service, unless one of them says that it does not count.
///
/// # Errors
/// `OutOfRange` for one that is not a URL.
pub(crate) fn configured_endpoint(
    environment: &Environment,
    files: &SharedFiles,
    service: Service,
) -> Result<Option<Endpoint>> {
    if is_on(environment, files, IGNORE_CONFIGURED_ENDPOINTS, "ignore_configured_endpoint_urls")? {
        return Ok(None);
    }
    let mut variables = vec![service.variable, "AWS_ENDPOINT_URL"];
    if service.section == DYNAMODB.section {
        variables.push("DYNAMODB_ENDPOINT");
    }
    if let Some((name, url)) = environment.first(&variables) {
        return Endpoint::new(name, url).map(Some);
    }
    let in_profile = files.get_for_service(service.section, "endpoint_url")?.or_else(|| files.get("endpoint_url"));
    let source = || format!("endpoint_url of profile \"{}\"", files.profile_name());
    in_profile.map(|url| Endpoint::new(&source(), url)).transpose()
}

fn region(config: &Config, files: &SharedFiles, endpoint: Option<&Endpoint>) -> Result<(String, bool)> {
    match config.configured_region().or_else(|| files.get("region")) {
        Some(region) if is_region(region) => Ok(without_fips(region)),
        Some(region) => Err(Error::new(ErrorKind::Config, format!("AWS region {region:?} is not {REGION_RULE}"))),
        None if endpoint.is_some_and(Endpoint::is_loopback) => Ok((LOOPBACK_REGION.to_owned(), false)),
        None => {
            let reason = files.missing_profile().map(|missing| format!(" ({missing})")).unwrap_or_default();
            let message = format!(
                "no AWS region{reason}: pass options.region, or set AWS_REGION, AWS_DEFAULT_REGION or the region of a profile"
            );
            Err(Error::new(ErrorKind::Config, message))
        }
    }
}

/// The region that a pseudo-region stands for, such as `fips-us-east-1`, and whether it was one.
fn without_fips(region: &str) -> (String, bool) {
    if region == "aws-fips" || region == "fips-aws-global" {
        return (LOOPBACK_REGION.to_owned(), true);
    }
    match region.strip_prefix("fips-").or_else(|| region.strip_suffix("-fips")) {
        Some(region) => (region.to_owned(), true),
        None => (region.to_owned(), false),
    }
}

fn is_on(environment: &Environment, files: &SharedFiles, variable: &str, key: &str) -> Result<bool> {
    match (environment.get(variable), files.get(key)) {
        (Some(value), _) => switch(variable, value),
        (None, Some(value)) => switch(&format!("{key} of profile \"{}\"", files.profile_name()), value),
        (None, None) => Ok(false),
    }
}

fn account_id_mode(environment: &Environment, files: &SharedFiles) -> Result<AccountIdEndpointMode> {
    const VARIABLE: &str = "AWS_ACCOUNT_ID_ENDPOINT_MODE";
    let Some(mode) = environment.get(VARIABLE).or_else(|| files.get("account_id_endpoint_mode")) else {
        return Ok(AccountIdEndpointMode::Preferred);
    };
    mode.to_ascii_lowercase().parse().map_err(|_| {
        let message = format!("{VARIABLE} must be preferred, disabled or required, and is {mode:?}");
        Error::new(ErrorKind::Config, message)
    })
}

/// The option's; a larger number that other tools use is as good as the largest.
fn max_attempts(config: &Config, files: &SharedFiles) -> Result<u32> {
    const VARIABLE: &str = "AWS_MAX_ATTEMPTS";
    if config.has_number(NumberOption::MaxAttempts) {
        return Ok(config.max_attempts());
    }
    let Some(text) = config.environment.get(VARIABLE).or_else(|| files.get("max_attempts")) else {
        return Ok(config.max_attempts());
    };
    if let Ok(attempts @ 1..) = text.parse() {
        return Ok(MOST_ATTEMPTS.min(attempts));
    }
    let message = format!("{VARIABLE} must be a whole number of at least 1, and is {text:?}");
    Err(Error::new(ErrorKind::Config, message))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::TableName;

    fn config(variables: &[(&str, &str)]) -> Config {
        let mut config = Config::new(TableName::new("isr").expect("a name"));
        config.environment = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        config
    }

    async fn resolve(variables: &[(&str, &str)], profile: &str) -> Result<Settings> {
        let config = config(variables);
        let text = format!("[default]\n{profile}\n");
        let files = SharedFiles::of_text(&config.environment, &text).await?;
        Settings::resolve(&config, &files).await
    }

    /// The host of DynamoDB.
    async fn host(variables: &[(&str, &str)], profile: &str) -> String {
        let settings = resolve(variables, profile).await.expect("settings");
        settings.host("dynamodb", &settings.region).await.expect("a host")
    }

    async fn refusal(variables: &[(&str, &str)], profile: &str) -> String {
        let error = resolve(variables, profile).await.expect_err("settings that cannot be");
        assert!(matches!(error.kind(), ErrorKind::Config | ErrorKind::OutOfRange), "{error}");
        error.to_string()
    }

    const FIPS: (&str, &str) = ("AWS_USE_FIPS_ENDPOINT", "true");
    const DUAL: (&str, &str) = ("AWS_USE_DUALSTACK_ENDPOINT", "true");

    #[tokio::test]
    async fn each_partition_has_its_hosts() {
        for (region, plain, fips, sts) in [
            ("us-east-1", "amazonaws.com", "dynamodb-fips.us-east-1.amazonaws.com", "sts.us-east-1.amazonaws.com"),
            ("eu-west-1", "amazonaws.com", "dynamodb-fips.eu-west-1.amazonaws.com", "sts.eu-west-1.amazonaws.com"),
            (
                "cn-north-1",
                "amazonaws.com.cn",
                "dynamodb-fips.cn-north-1.amazonaws.com.cn",
                "sts.cn-north-1.amazonaws.com.cn",
            ),
            (
                "us-gov-west-1",
                "amazonaws.com",
                "dynamodb.us-gov-west-1.amazonaws.com",
                "sts.us-gov-west-1.amazonaws.com",
            ),
            ("us-iso-east-1", "c2s.ic.gov", "dynamodb-fips.us-iso-east-1.c2s.ic.gov", "sts.us-iso-east-1.c2s.ic.gov"),
            (
                "us-isob-east-1",
                "sc2s.sgov.gov",
                "dynamodb-fips.us-isob-east-1.sc2s.sgov.gov",
                "sts.us-isob-east-1.sc2s.sgov.gov",
            ),
            (
                "eu-isoe-west-1",
                "cloud.adc-e.uk",
                "dynamodb-fips.eu-isoe-west-1.cloud.adc-e.uk",
                "sts.eu-isoe-west-1.cloud.adc-e.uk",
            ),
            (
                "us-isof-south-1",
                "csp.hci.ic.gov",
                "dynamodb-fips.us-isof-south-1.csp.hci.ic.gov",
                "sts.us-isof-south-1.csp.hci.ic.gov",
            ),
            (
                "eusc-de-east-1",
                "amazonaws.eu",
                "dynamodb-fips.eusc-de-east-1.amazonaws.eu",
                "sts.eusc-de-east-1.amazonaws.eu",
            ),
        ] {
            let here = ("AWS_REGION", region);
            assert_eq!(host(&[here], "").await, format!("dynamodb.{region}.{plain}"));
            assert_eq!(host(&[here, FIPS], "").await, fips);
            let settings = resolve(&[here], "").await.expect("settings");
            assert_eq!(settings.host(STS.host, region).await.expect("a host"), sts);
        }
        assert_eq!(host(&[("AWS_REGION", "eu-west-1"), DUAL], "").await, "dynamodb.eu-west-1.api.aws");
    }

    #[tokio::test]
    async fn a_pseudo_region_is_a_region_with_fips() {
        for (name, region) in [
            ("fips-us-east-1", "us-east-1"),
            ("us-gov-west-1-fips", "us-gov-west-1"),
            ("aws-fips", "us-east-1"),
            ("fips-aws-global", "us-east-1"),
        ] {
            let settings = resolve(&[("AWS_REGION", name)], "").await.expect("settings");
            assert_eq!((settings.region.as_str(), settings.use_fips), (region, true), "{name}");
        }
    }

    #[tokio::test]
    async fn the_environment_comes_before_the_profile_and_options_before_both() {
        let profile = "region = eu-west-3\nuse_fips_endpoint = true\nuse_dualstack_endpoint = true\nmax_attempts = 5\naccount_id_endpoint_mode = disabled";
        let settings = resolve(&[], profile).await.expect("settings");
        assert_eq!((settings.region.as_str(), settings.max_attempts), ("eu-west-3", 5));
        assert!(settings.use_fips && settings.use_dual_stack);
        assert_eq!(settings.account_id_mode, AccountIdEndpointMode::Disabled);
        let off = [
            ("AWS_DEFAULT_REGION", "eu-west-2"),
            ("AWS_USE_FIPS_ENDPOINT", "false"),
            ("AWS_USE_DUALSTACK_ENDPOINT", "FALSE"),
            ("AWS_MAX_ATTEMPTS", "7"),
            ("AWS_ACCOUNT_ID_ENDPOINT_MODE", "Required"),
        ];
        let settings = resolve(&off, profile).await.expect("settings");
        assert_eq!((settings.region.as_str(), settings.max_attempts), ("eu-west-2", 7));
        assert!(!settings.use_fips && !settings.use_dual_stack);
        assert_eq!(settings.account_id_mode, AccountIdEndpointMode::Required);
        let mut config = config(&off);
        config.set_region("eu-west-1".to_owned()).expect("a region");
        config.set_number(NumberOption::MaxAttempts, 2.0).expect("in range");
        let files =
            SharedFiles::of_text(&config.environment, &format!("[default]\n{profile}\n")).await.expect("a file");
        let settings = Settings::resolve(&config, &files).await.expect("settings");
        assert_eq!((settings.region.as_str(), settings.max_attempts), ("eu-west-1", 2));
        let defaults = resolve(&[("AWS_REGION", "eu-west-1")], "").await.expect("settings");
        assert_eq!((defaults.max_attempts, defaults.account_id_mode), (3, AccountIdEndpointMode::Preferred));
        assert_eq!(
            resolve(&[("AWS_REGION", "x"), ("AWS_MAX_ATTEMPTS", "99")], "").await.expect("settings").max_attempts,
            10
        );
    }

    #[tokio::test]
    async fn endpoints_are_configured_for_one_service_or_for_all() {
        let here = ("AWS_REGION", "eu-west-1");
        let services =
            "endpoint_url = http://all\nservices = mine\n[services mine]\ndynamodb =\n  endpoint_url = http://only\n";
        for (variables, profile, url) in [
            (vec![here], "", None),
            (vec![here], "endpoint_url = http://all", Some("http://all")),
            (vec![here], services, Some("http://only")),
            (vec![here, ("DYNAMODB_ENDPOINT", "http://own")], services, Some("http://own")),
            (vec![here, ("AWS_ENDPOINT_URL", "http://env")], services, Some("http://env")),
            (
                vec![here, ("AWS_ENDPOINT_URL", "http://env"), ("AWS_ENDPOINT_URL_DYNAMODB", "http://db")],
                services,
                Some("http://db"),
            ),
            (vec![here, ("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "true")], services, None),
            (
                vec![here, ("AWS_ENDPOINT_URL", "http://env")],
                "ignore_configured_endpoint_urls = true\nendpoint_url = http://all",
                None,
            ),
            (
                vec![here, ("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "false")],
                "ignore_configured_endpoint_urls = true\nendpoint_url = http://all",
                Some("http://all"),
            ),
        ] {
            let settings = resolve(&variables, profile).await.expect("settings");
            assert_eq!(settings.endpoint.as_ref().map(Endpoint::url), url, "{variables:?} {profile}");
        }
    }

    #[tokio::test]
    async fn a_loopback_endpoint_needs_no_region() {
        let settings = resolve(&[], "endpoint_url = http://localhost:8000").await.expect("settings");
        assert_eq!((settings.region.as_str(), settings.is_loopback()), ("us-east-1", true));
        assert!(refusal(&[], "endpoint_url = http://db:8000").await.starts_with("no AWS region: pass options.region"));
        let message = refusal(&[("AWS_PROFILE", "blue")], "").await;
        assert!(message.contains("profile \"blue\" does not exist"), "{message}");
    }

    #[tokio::test]
    async fn settings_that_contradict_each_other_or_have_another_format_are_refused() {
        let here = ("AWS_REGION", "eu-west-1");
        let custom = ("AWS_ENDPOINT_URL", "http://db");
        for (variables, profile, says) in [
            (vec![here, custom, FIPS], "", "a FIPS endpoint and a custom endpoint"),
            (vec![("AWS_REGION", "fips-us-east-1"), custom], "", "a FIPS endpoint and a custom endpoint"),
            (vec![here, custom, DUAL], "", "a dual-stack endpoint and a custom endpoint"),
            (
                vec![here, ("AWS_USE_FIPS_ENDPOINT", "1")],
                "",
                "AWS_USE_FIPS_ENDPOINT must be true or false, and is \"1\"",
            ),
            (vec![here], "use_fips_endpoint = on", "use_fips_endpoint of profile \"default\" must be true or false"),
            (vec![here, ("AWS_MAX_ATTEMPTS", "0")], "", "AWS_MAX_ATTEMPTS"),
            (vec![here, ("AWS_MAX_ATTEMPTS", "many")], "", "AWS_MAX_ATTEMPTS"),
            (vec![here, ("AWS_ACCOUNT_ID_ENDPOINT_MODE", "x")], "", "AWS_ACCOUNT_ID_ENDPOINT_MODE"),
            (vec![here], "endpoint_url = db", "endpoint_url of profile \"default\" must be an http:// or https:// URL"),
            (vec![("AWS_REGION", "eu west")], "", "AWS region \"eu west\""),
        ] {
            let message = refusal(&variables, profile).await;
            assert!(message.contains(says), "{message}");
        }
    }
}
