//! Requests of the simulated network, as steps of the model.

use serde_json::Value;
use tokio::time::Instant;

use super::message::{Answer, Part, Request};
use super::table::Copy;
use super::{Attempt, Replay, Verdict, is_same_lock, millis, require};
use crate::dynamodb;
use crate::ledger::{Version, call_in, decimal, token_in};
use crate::network::Exchange;

impl Replay {
    /// A request is sent.
    pub(crate) fn sent(&mut self, exchange: &Exchange) {
        let request = self.translate(exchange);
        if let Some(Request::Commit { claim, nth: 1.., .. }) = request {
            // The caller commits again, after any result of the first commit.
            self.history.doubt(claim.lease);
        }
        let attempt = Attempt {
            client: exchange.client,
            request,
            transaction: exchange.request["ClientRequestToken"].as_str().map(str::to_owned),
            sent: Instant::now(),
            judged: None,
            heard: None,
        };
        self.attempts.insert(exchange.id, attempt);
    }

    /// A copy of the request has arrived, was answered so, and has left the rows as they are in `after`.
    pub(crate) fn arrived(
        &mut self,
        exchange: &Exchange,
        copy: Copy,
        answer: &dynamodb::Answer,
        after: &Version,
    ) -> Verdict {
        let before = self.table;
        let attempt = self.attempts.get(&exchange.id).and_then(|attempt| attempt.request);
        let Some(request) = attempt else {
            self.judged(exchange.id, copy, Answer::Done { again: true });
            return Ok(());
        };
        let expected = self.table.serve(request, copy, self.mutant, &mut self.history);
        if copy == Copy::Awaited
            && let Some(attempt) = self.attempts.get_mut(&exchange.id)
        {
            // A refusal is about the table as it was, which it is still.
            attempt.judged = Some((self.table, expected));
        }
        let is_done = matches!(expected, Answer::Done { .. });
        require(is_done == (answer.status == 200), || {
            format!("the model answers {request:?} with {expected:?}, the table with {}: {before:?}", answer.body)
        })?;
        self.require_same(after)?;
        self.keeps_rules()
    }

    fn judged(&mut self, id: usize, copy: Copy, answer: Answer) {
        let table = self.table;
        if copy == Copy::Awaited
            && let Some(attempt) = self.attempts.get_mut(&id)
        {
            attempt.judged = Some((table, answer));
        }
    }

    /// The caller has the answer.
    pub(crate) fn heard(&mut self, id: usize, answer: &dynamodb::Answer) {
        if let Some(attempt) = self.attempts.get_mut(&id) {
            attempt.heard = Some(meaning(answer));
        }
    }

    /// An invalidation has been told that it has succeeded.
    pub(crate) fn invalidation_succeeded(&mut self, client: usize, began: Instant) -> Verdict {
        let own = self.attempts.values().filter(|attempt| attempt.client == client && attempt.sent >= began);
        let mut done = own.filter_map(|attempt| match (attempt.request, attempt.heard) {
            (Some(Request::Invalidate { call, .. }), Some(Answer::Done { .. })) => Some(call),
            _ => None,
        });
        let Some(call) = done.next_back() else {
            return Err("the model cannot tell an invalidation without an answer that it has succeeded".to_owned());
        };
        self.history.invalidation_reported(call);
        self.keeps_rules()
    }

    fn require_same(&mut self, after: &Version) -> Verdict {
        let page = after.page.as_ref().map(|page| (self.names.lease(page.token()), page.is_outdated()));
        let is_same_page = self.table.meta.map(|lease| (lease, self.table.is_outdated)) == page;
        let lock = after.lock.as_ref();
        let lock = lock.map(|lock| (self.names.lease(&lock.token), self.names.owner(&lock.owner), lock.expires_at));
        let is_same_lock = match (self.table.lock, lock) {
            (None, None) => true,
            (Some(ours), Some((lease, owner, expires_at))) => is_same_lock(ours, lease, owner, expires_at),
            _ => false,
        };
        let table = self.table;
        require(is_same_page && is_same_lock, || format!("the model has {table:?}, the table {after:?}"))
    }

    fn translate(&mut self, exchange: &Exchange) -> Option<Request> {
        let request = &exchange.request;
        let text = |value: &Value| value["S"].as_str().map(str::to_owned).unwrap_or_default();
        let values = &request["ExpressionAttributeValues"];
        match exchange.operation.as_str() {
            "PutItem" => {
                let item = &request["Item"];
                let claim = self.names.claim(&text(&item["lease_token"]), &text(&item["lease_owner"]));
                Some(Request::Acquire { claim, now: millis(decimal(&values[":now_ms"])) })
            }
            "DeleteItem" => {
                Some(Request::Release { claim: self.names.claim(&text(&values[":token"]), &text(&values[":owner"])) })
            }
            "TransactWriteItems" => {
                let actions = &request["TransactItems"];
                let action = |name: &str| actions.as_array()?.iter().find_map(|action| action.get(name));
                let Some(put) = action("Put") else {
                    let token = request["ClientRequestToken"].as_str().unwrap_or_default();
                    let call = self.names.invalidation(token);
                    let is_soft = action("Update").is_some();
                    return Some(Request::Invalidate { call, is_soft, attempt: 0, part: Part::Whole });
                };
                let values = &action("Delete")?["ExpressionAttributeValues"];
                let claim = self.names.claim(&text(&values[":token"]), &text(&values[":owner"]));
                let pointer = text(&put["Item"]["s3_key"]);
                assert_eq!(self.names.lease(token_in(&pointer)), claim.lease, "pages are named after their lease");
                let nth = self.names.commit(claim.lease, call_in(&pointer));
                let now = millis(decimal(&values[":now_s"]) * 1_000.0);
                Some(Request::Commit { claim, nth, now, attempt: 0, part: Part::Whole })
            }
            _ => None,
        }
    }
}

/// The meaning of an answer for the store that gets it.
fn meaning(answer: &dynamodb::Answer) -> Answer {
    let code = answer.body["__type"].as_str().and_then(|name| name.rsplit('#').next()).unwrap_or_default();
    let reasons = answer.body["CancellationReasons"].as_array().cloned().unwrap_or_default();
    let has_reason = |names: &[&str]| reasons.iter().any(|reason| names.iter().any(|name| reason["Code"] == **name));
    match code {
        _ if answer.status == 200 => Answer::Done { again: false },
        "ConditionalCheckFailedException" => Answer::Refused,
        "TransactionCanceledException" if has_reason(&["ConditionalCheckFailed"]) => Answer::Refused,
        "TransactionCanceledException" if has_reason(&["TransactionConflict"]) => Answer::Conflict,
        "TransactionConflictException" | "TransactionInProgressException" => Answer::Conflict,
        "ThrottlingException"
        | "ProvisionedThroughputExceededException"
        | "RequestLimitExceeded"
        // It says as little, and the request is sent again.
        | "ExpiredTokenException"
        | "TransactionCanceledException" => Answer::Throttled,
        _ => Answer::Silence,
    }
}
