//! The shared config and credentials files of AWS's tools, and the profile in them that counts.

use std::path::{Path, PathBuf};
use std::time::Duration;

use aws_runtime::env_config::file::{EnvConfigFileKind, EnvConfigFiles};
use aws_runtime::env_config::property::PropertiesKey;
use aws_runtime::env_config::section::{EnvConfigSections, Profile, SsoSession};
use aws_runtime::env_config::source;
use aws_types::os_shim_internal::{Env, Fs};

use super::files;
use super::profile_format::strict;
use crate::config::Environment;
use crate::error::{Error, ErrorKind, Result};

/// A file that takes longer is on a dead mount, or is a pipe.
pub(crate) const FILE_LIMIT: Duration = Duration::from_secs(2);
const PROFILE: &str = "AWS_PROFILE";
const DEFAULT_PROFILE: &str = "default";
const HOME_VARIABLES: [&str; 2] = ["HOME", "USERPROFILE"];

/// The folder of AWS's tools in the home directory.
pub(crate) fn aws_folder(environment: &Environment) -> Option<PathBuf> {
    home(environment).map(|home| home.join(".aws"))
}

fn home(environment: &Environment) -> Option<&Path> {
    environment.first(&HOME_VARIABLES).map(|(_, home)| Path::new(home))
}

/// Both files, merged as AWS's tools do it.
#[derive(Debug)]
pub(crate) struct SharedFiles {
    sections: EnvConfigSections,
    /// The names of the `services` sections.
    services: Vec<String>,
    profile: String,
    /// Whether the environment names the profile.
    is_named: bool,
    /// For messages.
    paths: String,
}

impl SharedFiles {
    /// Reads the files. One that is missing or may not be read counts as empty.
    ///
    /// # Errors
    /// `Timeout` for a file that does not answer, and `Config` for one that is not in AWS's format.
    pub(crate) async fn read(environment: &Environment) -> Result<Self> {
        let config = path(environment, "AWS_CONFIG_FILE", "config");
        let credentials = path(environment, "AWS_SHARED_CREDENTIALS_FILE", "credentials");
        let (config_text, credentials_text) =
            tokio::join!(contents(config.as_deref()), contents(credentials.as_deref()));
        let paths: Vec<_> = [config, credentials].iter().flatten().map(|path| format!("{}", path.display())).collect();
        Self::parse(environment, config_text?, credentials_text?, paths.join(" and ")).await
    }

    /// Empty ones, for a configuration that needs none.
    pub(crate) fn unread(environment: &Environment) -> Self {
        Self {
            sections: EnvConfigSections::default(),
            services: vec![],
            profile: environment.get(PROFILE).unwrap_or(DEFAULT_PROFILE).to_owned(),
            is_named: environment.get(PROFILE).is_some(),
            paths: String::new(),
        }
    }

    /// As if `config` were the text of the only file.
    #[cfg(test)]
    pub(crate) async fn of_text(environment: &Environment, config: &str) -> Result<Self> {
        Self::parse(environment, config.to_owned(), String::new(), "config".to_owned()).await
    }

    async fn parse(environment: &Environment, config: String, credentials: String, paths: String) -> Result<Self> {
        let unusable = |cause: Box<dyn std::error::Error + Send + Sync>| {
            Error::new(ErrorKind::Config, format!("the AWS files {paths} cannot be parsed: {cause}"))
        };
        let empty = Self::unread(environment);
        if config.is_empty() && credentials.is_empty() {
            return Ok(Self { paths, ..empty });
        }
        let (config, credentials) = (strict(&config), strict(&credentials));
        let services = config.lines().filter_map(|line| line.strip_prefix("[services ")?.strip_suffix(']'));
        let services = services.map(|name| name.trim().to_owned()).collect();
        let files = EnvConfigFiles::builder()
            .with_contents(EnvConfigFileKind::Config, config)
            .with_contents(EnvConfigFileKind::Credentials, credentials)
            .build();
        // Contents and an environment of our own: this reads neither files nor variables.
        let variables = Env::from_slice(&[(PROFILE, &empty.profile)]);
        let source = source::load(&variables, &Fs::real(), &files).await.map_err(|cause| unusable(cause.into()))?;
        let sections = EnvConfigSections::parse(source).map_err(|cause| unusable(cause.into()))?;
        Ok(Self { sections, services, paths, ..empty })
    }

    /// The name of the profile that counts.
    pub(crate) fn profile_name(&self) -> &str {
        &self.profile
    }

    /// Whether the environment names it.
    pub(crate) fn is_named(&self) -> bool {
        self.is_named
    }

    pub(crate) fn profile(&self, name: &str) -> Option<&Profile> {
        self.sections.get_profile(name)
    }

    pub(crate) fn sso_session(&self, name: &str) -> Option<&SsoSession> {
        self.sections.sso_session(name)
    }

    /// A setting of the profile that counts, unless it is blank.
    pub(crate) fn get(&self, key: &str) -> Option<&str> {
        self.profile(&self.profile)
            .and_then(|profile| profile.get(key))
            .map(str::trim)
            .filter(|value| !value.is_empty())
    }

    /// A setting of one service, in the `services` section that the profile names.
    ///
    /// # Errors
    /// `Config` where the section does not exist.
    pub(crate) fn get_for_service(&self, service: &str, key: &str) -> Result<Option<&str>> {
        let Some(services) = self.get("services") else { return Ok(None) };
        if !self.services.iter().any(|name| name == services) {
            let (profile, paths) = (&self.profile, &self.paths);
            let message = format!(
                "profile \"{profile}\" names the services section \"{services}\", which does not exist in {paths}"
            );
            return Err(Error::new(ErrorKind::Config, message));
        }
        Ok(self.of_service(services, service, key))
    }

    fn of_service(&self, services: &str, service: &str, key: &str) -> Option<&str> {
        let key = PropertiesKey::builder()
            .section_key("services")
            .section_name(services)
            .property_name(service)
            .sub_property_name(key)
            .build()
            .ok()?;
        self.sections.other_sections().get(&key).map(|value| value.trim()).filter(|value| !value.is_empty())
    }

    /// A phrase that says so, where the environment names a profile that does not exist.
    pub(crate) fn missing_profile(&self) -> Option<String> {
        (self.is_named && self.profile(&self.profile).is_none()).then(|| self.does_not_exist(&self.profile))
    }

    pub(crate) fn does_not_exist(&self, profile: &str) -> String {
        let place = if self.paths.is_empty() { "any AWS file" } else { &self.paths };
        format!("profile \"{profile}\" does not exist in {place}")
    }
}

fn path(environment: &Environment, variable: &str, name: &str) -> Option<PathBuf> {
    let Some(path) = environment.get(variable) else {
        return aws_folder(environment).map(|folder| folder.join(name));
    };
    match (path.strip_prefix("~/"), home(environment)) {
        (Some(rest), Some(home)) => Some(home.join(rest)),
        _ => Some(PathBuf::from(path)),
    }
}

async fn contents(path: Option<&Path>) -> Result<String> {
    let Some(path) = path else { return Ok(String::new()) };
    match files::read(path, FILE_LIMIT).await {
        Ok(bytes) => Ok(String::from_utf8_lossy(&bytes).into_owned()),
        Err(cause) if cause.kind() == std::io::ErrorKind::TimedOut => {
            let message = format!("the AWS file {} could not be read in time", path.display());
            Err(Error::new(ErrorKind::Timeout, message).caused_by(cause))
        }
        Err(_) => Ok(String::new()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment(variables: &[(&str, &str)]) -> Environment {
        variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    async fn parsed(variables: &[(&str, &str)], config: &str) -> SharedFiles {
        SharedFiles::of_text(&environment(variables), config).await.expect("in AWS's format")
    }

    #[tokio::test]
    async fn settings_are_those_of_the_profile_that_the_environment_names() {
        let config = "[default]\nregion = of-default\n[profile blue]\nregion = of-blue\nservices = local\n\
            [services local]\ndynamodb =\n  endpoint_url = http://localhost:8000\n";
        let default = parsed(&[], config).await;
        assert_eq!((default.get("region"), default.missing_profile()), (Some("of-default"), None));
        let endpoint = |files: &SharedFiles, service: &str| {
            files.get_for_service(service, "endpoint_url").expect("a section").map(str::to_owned)
        };
        assert_eq!(endpoint(&default, "dynamodb"), None);
        let blue = parsed(&[("AWS_PROFILE", "blue")], config).await;
        assert_eq!(blue.get("region"), Some("of-blue"));
        assert_eq!(endpoint(&blue, "dynamodb").as_deref(), Some("http://localhost:8000"));
        assert_eq!(endpoint(&blue, "sts"), None);
        let misspelt = parsed(&[], "[default]\nservices = locale\n[services local]\n").await;
        let error = misspelt.get_for_service("dynamodb", "endpoint_url").expect_err("no such section");
        assert!(error.to_string().contains("\"locale\", which does not exist"), "{error}");
        let red = parsed(&[("AWS_PROFILE", "red")], config).await;
        assert_eq!(red.get("region"), None);
        assert_eq!(red.missing_profile().as_deref(), Some("profile \"red\" does not exist in config"));
    }

    #[tokio::test]
    async fn a_file_in_another_format_is_an_error_that_names_it() {
        let error = SharedFiles::of_text(&environment(&[]), "[default\n").await.expect_err("no closing bracket");
        assert_eq!(error.kind(), ErrorKind::Config);
        assert!(error.to_string().starts_with("the AWS files config cannot be parsed"), "{error}");
    }

    #[test]
    fn files_are_in_the_home_directory_unless_the_environment_says_otherwise() {
        let path = |variables: &[(&str, &str)]| path(&environment(variables), "AWS_CONFIG_FILE", "config");
        assert_eq!(path(&[]), None);
        assert_eq!(path(&[("HOME", "/home/me")]).expect("at home"), Path::new("/home/me/.aws/config"));
        assert_eq!(path(&[("USERPROFILE", "/u")]).expect("at home"), Path::new("/u/.aws/config"));
        let named = |name| path(&[("HOME", "/home/me"), ("AWS_CONFIG_FILE", name)]).expect("named");
        assert_eq!(named("/etc/aws"), Path::new("/etc/aws"));
        assert_eq!(named("~/aws"), Path::new("/home/me/aws"));
    }

    #[tokio::test]
    async fn files_that_are_missing_count_as_empty() {
        let missing = [("AWS_CONFIG_FILE", "no such file"), ("AWS_SHARED_CREDENTIALS_FILE", "src")];
        let files = SharedFiles::read(&environment(&missing)).await.expect("empty");
        assert_eq!((files.get("region"), files.profile_name()), (None, "default"));
    }
}
