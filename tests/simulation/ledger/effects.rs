//! Whether the table's conditions allow the correct changes, and only those.

use serde_json::Value;
use tokio::time::Instant;

use super::history::{Held, Published, decimal, token_in};
use super::{Ledger, Version};
use crate::dynamodb::Answer;
use crate::network::Exchange;
use crate::replay::copy;

impl Ledger {
    /// A request has taken effect or was refused, and left the rows as they are in `after`.
    pub(crate) fn delivered(
        &mut self,
        pk: &str,
        exchange: &Exchange,
        is_awaited: bool,
        answer: &Answer,
        after: &Version,
    ) {
        let before = self.history(pk).now();
        let accepted = answer.status == 200;
        self.note(|| {
            let verdict = if accepted { "accepted" } else { "refused" };
            let (client, operation) = (exchange.client, &exchange.operation);
            if before == *after {
                format!("{operation} of client {client} is {verdict}")
            } else {
                format!("{operation} of client {client} is {verdict}; now {after:?}")
            }
        });
        if before != *after {
            self.history(pk).push(after.clone());
        }
        self.step(pk, |replay| replay.arrived(exchange, copy(is_awaited), answer, after));
        let request = &exchange.request;
        match exchange.operation.as_str() {
            "PutItem" => self.acquired(pk, exchange, accepted, &before, after),
            "DeleteItem" => self.released(request, &before, after),
            "TransactWriteItems" if is_publish(request) => self.committed(pk, exchange, accepted, &before, after),
            "TransactWriteItems" => self.invalidated(pk, request, accepted, &before, after),
            _ => self.require(before == *after, "a read", || format!("client {} changed the rows", exchange.client)),
        }
        let expected = self.history(pk).expected.clone();
        self.require(after.page == expected, "newest wins", || format!("{:?} instead of {expected:?}", after.page));
        let same = match (&after.page, &after.lock) {
            (Some(page), Some(lock)) if page.token() == lock.token => Some(lock.token.clone()),
            _ => None,
        };
        let is_revived = same.as_ref().is_none_or(|token| self.history(pk).revived.contains(token));
        self.require(is_revived, "atomic", || format!("page and lease of {same:?} at once"));
    }

    fn acquired(&mut self, pk: &str, exchange: &Exchange, accepted: bool, before: &Version, after: &Version) {
        let values = &exchange.request["ExpressionAttributeValues"];
        let (owner, now) = (text(&values[":owner"]), decimal(&values[":now_ms"]));
        let was_free = before.lock.as_ref().is_none_or(|lock| lock.is_free(owner, now));
        let verdict = (before.lock.clone(), owner, now);
        self.require(accepted || !was_free, "take-over", || format!("refused although free: {verdict:?}"));
        self.require(!accepted || was_free, "exclusive", || format!("granted although held: {verdict:?}"));
        if !accepted {
            return;
        }
        let Some(Held { token, .. }) = after.lock.clone() else {
            return self.require(false, "acquired", || "no lease after an acquire".to_owned());
        };
        let says_never = self.never.contains(&token);
        self.require(!says_never, "truthful", || format!("{token} was said never to be granted"));
        self.counts.take_overs += u64::from(before.lock.as_ref().is_some_and(|lock| lock.owner != owner));
        let history = self.history(pk);
        let came_back = !history.seen.insert(token.clone()) && !before.is_held_with(&token);
        if came_back && history.revived.insert(token) {
            self.counts.revived += 1;
        }
    }

    fn released(&mut self, request: &Value, before: &Version, after: &Version) {
        let token = text(&request["ExpressionAttributeValues"][":token"]);
        let kept_others = before.lock == after.lock || before.is_held_with(token) && after.lock.is_none();
        self.require(kept_others, "safe release", || format!("{before:?} became {after:?}"));
    }

    fn committed(&mut self, pk: &str, exchange: &Exchange, accepted: bool, before: &Version, after: &Version) {
        let request = &exchange.request;
        if self.is_repeated(pk, request, before == after) {
            return;
        }
        let values = &request["TransactItems"][0]["Delete"]["ExpressionAttributeValues"];
        let (owner, token, now_s) = (text(&values[":owner"]), text(&values[":token"]), decimal(&values[":now_s"]));
        let lets = before.lock.as_ref().is_some_and(|lock| lock.lets_publish(owner, token, now_s));
        self.require(accepted || !lets, "a lease", || format!("{token} was refused with {before:?}"));
        self.require(!accepted || lets, "fenced", || format!("{token} published with {before:?}"));
        if !accepted {
            self.counts.refused_commits += 1;
            return;
        }
        self.counts.commits += 1;
        let latest = self.history(pk).latest();
        let Some(page) = after.page.clone() else {
            return self.require(false, "newest wins", || "no page after a publish".to_owned());
        };
        self.require(after.lock.is_none(), "atomic", || format!("{after:?} after a publish"));
        self.check_order(pk, &page);
        let history = self.history(pk);
        history.transactions.insert(text_of(&request["ClientRequestToken"]));
        history.committed.insert(token.to_owned());
        history.published.insert(page.pointer.clone(), latest);
        history.expected = Some(page);
    }

    /// A token publishes once, and a page that is read after an invalidation was acquired after it, except for revived
    /// LOCKs.
    fn check_order(&mut self, pk: &str, page: &Published) {
        let token = token_in(&page.pointer);
        let history = self.history(pk);
        let is_revived = history.revived.contains(token);
        let is_second = history.committed.contains(token);
        let invalidated = history.invalidated.map(|(at, _)| at);
        let acquired_by = history.acquired_by.get(token).copied();
        let ended = acquired_by.and_then(|id| self.calls[id].ended);
        let is_outdated = matches!((ended, invalidated), (Some(ended), Some(invalidated)) if ended < invalidated);
        self.counts.revived_commits += u64::from(is_second || is_outdated);
        self.require(!is_second || is_revived, "once", || format!("{token} published twice"));
        self.require(!is_outdated || is_revived, "newest wins", || format!("{token} is older than the invalidation"));
        let says_never = self.never.contains(&page.pointer);
        self.require(!says_never || is_revived, "truthful", || format!("{page:?} was said never to be published"));
    }

    fn invalidated(&mut self, pk: &str, request: &Value, accepted: bool, before: &Version, after: &Version) {
        if self.is_repeated(pk, request, before == after) {
            return;
        }
        let is_soft = request["TransactItems"][0].get("Update").is_some();
        if is_soft && before.page.is_none() {
            return self.require(!accepted, "invalidated", || "a page that was not there".to_owned());
        }
        let left = Version { page: before.page.clone().filter(|_| is_soft).map(Published::outdated), lock: None };
        self.require(accepted && *after == left, "invalidated", || format!("{after:?} is left"));
        let history = self.history(pk);
        history.transactions.insert(text_of(&request["ClientRequestToken"]));
        history.invalidated = Some((Instant::now(), history.latest()));
        history.expected = left.page;
    }

    /// A transaction takes effect at most once, however often it arrives.
    fn is_repeated(&mut self, pk: &str, request: &Value, has_no_effect: bool) -> bool {
        let token = text_of(&request["ClientRequestToken"]);
        let is_repeated = self.history(pk).transactions.contains(&token);
        self.require(!is_repeated || has_no_effect, "once", || format!("transaction {token} took effect again"));
        is_repeated
    }
}

fn is_publish(request: &Value) -> bool {
    request["TransactItems"].as_array().is_some_and(|actions| actions.iter().any(|action| action.get("Put").is_some()))
}

/// A typed string.
fn text(value: &Value) -> &str {
    value["S"].as_str().unwrap_or_else(|| panic!("{value} is not a string"))
}

fn text_of(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("{value} is not a string")).to_owned()
}
