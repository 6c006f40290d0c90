//! What counts as an answer: a success of `DynamoDB` always has a body. The SDK takes an empty one for an empty object, and
//! so would take whatever stands in between and says 200 for a page that is gone, or a lease that is granted.

use std::cell::Cell;
use std::time::SystemTime;

use aws_sdk_dynamodb::config::interceptors::AfterDeserializationInterceptorContextRef;
use aws_sdk_dynamodb::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_dynamodb::error::BoxError;
use aws_smithy_runtime_api::client::interceptors::dyn_dispatch_hint;
use aws_smithy_types::DateTime;
use aws_smithy_types::date_time::Format;

tokio::task_local! {
    static DATE: Cell<Option<SystemTime>>;
}

/// What `call` comes to, and when its last answer was given by the server's clock.
pub(super) async fn dated<T>(call: impl Future<Output = T>) -> (T, Option<SystemTime>) {
    let call = async {
        let result = call.await;
        (result, DATE.with(Cell::get))
    };
    DATE.scope(Cell::default(), call).await
}

/// Refuses an answer without a body, and looks at the date of those whose date is asked for.
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
        // Mostly nobody has asked.
        let _ = DATE.try_with(|date| {
            let text = response.headers().get("date");
            date.set(text.and_then(|text| DateTime::from_str(text, Format::HttpDate).ok()?.try_into().ok()));
        });
        if response.status().is_success() && response.body().bytes().is_some_and(<[u8]>::is_empty) {
            return Err("it is empty".into());
        }
        Ok(())
    }
}
