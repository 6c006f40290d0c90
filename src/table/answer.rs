//! What counts as an answer: a success of `DynamoDB` always has a body. The SDK takes an empty one for an empty object, and
//! so would take whatever stands in between and says 200 for a page that is gone, or a lease that is granted.

use aws_sdk_dynamodb::config::interceptors::AfterDeserializationInterceptorContextRef;
use aws_sdk_dynamodb::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_dynamodb::error::BoxError;
use aws_smithy_runtime_api::client::interceptors::dyn_dispatch_hint;

/// Refuses an answer without a body.
#[derive(Debug)]
pub(super) struct EmptyIsNoAnswer;

#[dyn_dispatch_hint]
impl Intercept for EmptyIsNoAnswer {
    fn name(&self) -> &'static str {
        "EmptyIsNoAnswer"
    }

    fn read_after_deserialization(
        &self,
        context: &AfterDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let response = context.response();
        if response.status().is_success() && response.body().bytes().is_some_and(<[u8]>::is_empty) {
            return Err("it is empty".into());
        }
        Ok(())
    }
}
