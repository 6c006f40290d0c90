//! A successful answer of `DynamoDB` always has a body. The SDK reads an empty body as an empty object. An empty 200
//! from a proxy would then mean that a page is missing, or that a lease is acquired.

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

/// The output of `call`, and the time of its last answer by the server's clock.
pub(crate) async fn with_server_date<T>(call: impl Future<Output = T>) -> (T, Option<SystemTime>) {
    let call = async {
        let result = call.await;
        (result, DATE.with(Cell::get))
    };
    DATE.scope(Cell::default(), call).await
}

/// Refuses an answer without a body, and looks at the date of those whose date is asked for.
#[derive(Debug)]
pub(crate) struct RejectEmptyBody;

#[dyn_dispatch_hint]
impl Intercept for RejectEmptyBody {
    fn name(&self) -> &'static str {
        "RejectEmptyBody"
    }

    fn read_after_deserialization(
        &self,
        context: &AfterDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let response = context.response();
        // Most requests run outside `with_server_date`, without a place for the date.
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
