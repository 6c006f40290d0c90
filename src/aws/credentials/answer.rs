//! Credentials as services and programs of AWS write them in JSON.

use std::time::SystemTime;

use aws_credential_types::Credentials;
use aws_smithy_types::DateTime;
use aws_smithy_types::date_time::Format;
use serde_json::Value;

/// A moment in AWS's format, or nothing where it is not one.
pub(super) fn time(text: &str) -> Option<SystemTime> {
    // Old versions of the AWS CLI write the name of the zone.
    let text = text.strip_suffix("UTC").map_or_else(|| text.to_owned(), |moment| format!("{moment}Z"));
    DateTime::from_str(&text, Format::DateTimeWithOffset).ok()?.try_into().ok()
}

/// A string that is not blank.
pub(super) fn text<'a>(value: &'a Value, name: &str) -> Option<&'a str> {
    value.get(name)?.as_str().map(str::trim).filter(|text| !text.is_empty())
}

/// Credentials in the members of an object; nothing where a key is missing or the expiry is not a moment.
pub(super) fn credentials(value: &Value, token: &str, source: &'static str) -> Option<Credentials> {
    let mut credentials = Credentials::builder()
        .access_key_id(text(value, "AccessKeyId")?)
        .secret_access_key(text(value, "SecretAccessKey")?)
        .provider_name(source);
    credentials.set_session_token(text(value, token).map(str::to_owned));
    credentials.set_account_id(text(value, "AccountId").map(Into::into));
    if let Some(expiration) = value.get("Expiration").filter(|value| !value.is_null()) {
        credentials.set_expiry(Some(time(expiration.as_str()?)?));
    }
    Some(credentials.build())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::json;

    use super::*;

    #[test]
    fn a_moment_has_a_zone() {
        let expected = SystemTime::UNIX_EPOCH + Duration::from_hours(438_288);
        for text in
            ["2020-01-01T00:00:00Z", "2020-01-01T00:00:00.000Z", "2020-01-01T01:00:00+01:00", "2020-01-01T00:00:00UTC"]
        {
            assert_eq!(time(text), Some(expected), "{text}");
        }
        for text in ["", "2020-01-01", "tomorrow"] {
            assert_eq!(time(text), None, "{text}");
        }
    }

    #[test]
    fn credentials_need_both_keys_and_an_expiry_that_can_be_read() {
        let full = json!({ "AccessKeyId": "id", "SecretAccessKey": "secret", "Token": "token", "AccountId": "1", "Expiration": "2020-01-01T00:00:00Z" });
        let read = credentials(&full, "Token", "test").expect("complete");
        assert_eq!((read.access_key_id(), read.session_token()), ("id", Some("token")));
        assert_eq!(read.account_id().map(aws_credential_types::attributes::AccountId::as_str), Some("1"));
        assert!(read.expiry().is_some());
        assert_eq!(credentials(&full, "SessionToken", "test").expect("complete").session_token(), None);
        for broken in [
            json!({ "AccessKeyId": "id" }),
            json!({ "AccessKeyId": "", "SecretAccessKey": "secret" }),
            json!({ "AccessKeyId": "id", "SecretAccessKey": "secret", "Expiration": "soon" }),
            json!([]),
        ] {
            assert!(credentials(&broken, "Token", "test").is_none(), "{broken}");
        }
    }
}
