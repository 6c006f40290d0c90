//! Keeps the SDK from reading the process's environment on the worker's thread, where a `getenv` beside Node's `setenv`
//! ends the process.

use aws_sdk_dynamodb::config::endpoint::DefaultResolver;
use aws_sdk_dynamodb::config::interceptors::BeforeTransmitInterceptorContextMut;
use aws_sdk_dynamodb::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_dynamodb::error::BoxError;
use aws_smithy_runtime_api::client::interceptors::dyn_dispatch_hint;

const TRACE_ID: &str = "x-amzn-trace-id";

/// Lets the SDK read once, on the caller's thread, a variable that it reads when it is first used.
pub(crate) fn read_early() {
    // This parses the partitions of AWS, which the SDK keeps for later resolvers.
    drop(DefaultResolver::new());
}

/// Switches off the SDK's header against recursion of Lambda functions.
///
/// The SDK reads two environment variables for it at every request, unless the header is there, and does not let its
/// interceptor be disabled. So the header is set here, and removed before the request is sent. Lambda's value for it
/// changes with each invocation, but a store keeps the environment of its construction.
#[derive(Debug)]
pub(crate) struct NoTraceHeader;

#[dyn_dispatch_hint]
impl Intercept for NoTraceHeader {
    fn name(&self) -> &'static str {
        "NoTraceHeader"
    }

    fn modify_before_retry_loop(
        &self,
        context: &mut BeforeTransmitInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        context.request_mut().headers_mut().insert(TRACE_ID, "none");
        Ok(())
    }

    fn modify_before_transmit(
        &self,
        context: &mut BeforeTransmitInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        context.request_mut().headers_mut().remove(TRACE_ID);
        Ok(())
    }
}
