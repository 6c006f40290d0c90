//! `DynamoDB` in memory, as far as the store uses it: one table, the five requests, conditions and request tokens.
//!
//! It never guesses: it panics at an unknown request. `conformance.rs` holds it against DynamoDB Local.

mod capacity;
mod condition;
mod update;

pub(crate) use self::capacity::{Capacity, Units};

use std::collections::{BTreeMap, HashMap};

use serde_json::{Map, Value, json};

/// As `DynamoDB` writes it in JSON: attribute names to typed values.
pub(crate) type Item = Map<String, Value>;

/// Partition key and sort key.
type Key = (String, String);

/// The response.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Value,
}

impl Answer {
    fn ok(body: Value) -> Self {
        Self { status: 200, body }
    }

    /// An error in `DynamoDB`'s own form.
    pub(crate) fn error(status: u16, code: &str, message: &str) -> Self {
        let body = json!({ "__type": format!("com.amazonaws.dynamodb.v20120810#{code}"), "message": message });
        Self { status, body }
    }

    /// A cancelled transaction, with a reason for each of its items.
    pub(crate) fn cancelled(codes: &[&str]) -> Self {
        let message = format!(
            "Transaction cancelled, please refer cancellation reasons for specific reasons [{}]",
            codes.join(", ")
        );
        let mut answer = Self::error(400, "TransactionCanceledException", &message);
        let reasons = codes.iter().map(|code| match *code {
            "None" => json!({ "Code": "None" }),
            code => json!({ "Code": code, "Message": CONDITION_FAILED }),
        });
        answer.body["CancellationReasons"] = reasons.collect();
        answer
    }
}

const CONDITION_FAILED: &str = "The conditional request failed";

/// One table's rows, and the transactions that were applied to them.
#[derive(Default)]
pub(crate) struct Database {
    rows: BTreeMap<Key, Item>,
    /// By client request token: the request that had it.
    applied: HashMap<String, Value>,
    /// The limits of its partitions; without them it serves everything.
    pub(crate) capacity: Option<Capacity>,
}

impl Database {
    pub(crate) fn row(&self, pk: &str, sk: &str) -> Option<&Item> {
        self.rows.get(&(pk.to_owned(), sk.to_owned()))
    }

    /// Applies the request, completely or not at all.
    pub(crate) fn answer(&mut self, operation: &str, request: &Value) -> Answer {
        if let Some(refusal) = self.capacity.as_mut().and_then(|capacity| capacity.refuse(operation, request)) {
            return refusal;
        }
        match operation {
            "Query" => self.query(request),
            "GetItem" => match self.rows.get(&key_of(&request["Key"])) {
                Some(item) => Answer::ok(json!({ "Item": item })),
                None => Answer::ok(json!({})),
            },
            "PutItem" | "DeleteItem" => self.write(operation, request),
            "TransactWriteItems" => self.transact(request),
            other => panic!("the store has no use for {other}"),
        }
    }

    fn query(&self, request: &Value) -> Answer {
        let condition = text(&request["KeyConditionExpression"]);
        let values = &request["ExpressionAttributeValues"];
        let items: Vec<&Item> =
            self.rows.values().filter(|item| condition::holds(condition, Some(item), values)).collect();
        Answer::ok(json!({ "Count": items.len(), "ScannedCount": items.len(), "Items": items }))
    }

    fn write(&mut self, operation: &str, request: &Value) -> Answer {
        if self.allows(operation, request) {
            self.apply(operation, request);
            return Answer::ok(json!({}));
        }
        let mut answer = Answer::error(400, "ConditionalCheckFailedException", CONDITION_FAILED);
        if request["ReturnValuesOnConditionCheckFailure"] == "ALL_OLD"
            && let Some(item) = self.rows.get(&target(operation, request))
        {
            answer.body["Item"] = json!(item);
        }
        answer
    }

    fn transact(&mut self, request: &Value) -> Answer {
        let token = text(&request["ClientRequestToken"]);
        let actions = &request["TransactItems"];
        if let Some(applied) = self.applied.get(token) {
            if applied == actions {
                return Answer::ok(json!({}));
            }
            let message = "The transaction has been called with different parameters under one token";
            return Answer::error(400, "IdempotentParameterMismatchException", message);
        }
        let steps: Vec<(&str, &Value)> = actions.as_array().expect("a list").iter().map(action).collect();
        let verdicts: Vec<&str> = steps
            .iter()
            .map(|(operation, action)| if self.allows(operation, action) { "None" } else { "ConditionalCheckFailed" })
            .collect();
        if verdicts.iter().any(|verdict| *verdict != "None") {
            return Answer::cancelled(&verdicts);
        }
        for (operation, action) in steps {
            self.apply(operation, action);
        }
        self.applied.insert(token.to_owned(), actions.clone());
        Answer::ok(json!({}))
    }

    fn allows(&self, operation: &str, request: &Value) -> bool {
        let item = self.rows.get(&target(operation, request));
        let Some(condition) = request["ConditionExpression"].as_str() else { return true };
        condition::holds(condition, item, &request["ExpressionAttributeValues"])
    }

    fn apply(&mut self, operation: &str, request: &Value) {
        let key = target(operation, request);
        match operation {
            "PutItem" => {
                self.rows.insert(key, request["Item"].as_object().expect("an item").clone());
            }
            "UpdateItem" => {
                // An update of a missing row makes one of its key.
                let new = || request["Key"].as_object().expect("a key").clone();
                update::apply(request, self.rows.entry(key).or_insert_with(new));
            }
            _ => {
                self.rows.remove(&key);
            }
        }
    }
}

/// One action of a transaction, named as the request that would do it alone.
fn action(action: &Value) -> (&str, &Value) {
    let (name, request) = action.as_object().and_then(|action| action.iter().next()).expect("one action");
    match name.as_str() {
        "Put" => ("PutItem", request),
        "Delete" => ("DeleteItem", request),
        "Update" => ("UpdateItem", request),
        other => panic!("the store has no use for {other}"),
    }
}

fn target(operation: &str, request: &Value) -> Key {
    key_of(if operation == "PutItem" { &request["Item"] } else { &request["Key"] })
}

fn key_of(attributes: &Value) -> Key {
    (text(&attributes["pk"]["S"]).to_owned(), text(&attributes["sk"]["S"]).to_owned())
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("a string, not {value}"))
}

/// The partition that a request is about.
pub(crate) fn partition(operation: &str, request: &Value) -> String {
    match operation {
        "Query" => text(&request["ExpressionAttributeValues"][":pk"]["S"]).to_owned(),
        "GetItem" => key_of(&request["Key"]).0,
        "TransactWriteItems" => {
            let (operation, action) = action(&request["TransactItems"][0]);
            target(operation, action).0
        }
        _ => target(operation, request).0,
    }
}
