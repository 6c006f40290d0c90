//! The limits of a partition: token buckets that fill once a second.

use std::collections::HashMap;

use serde_json::Value;
use tokio::time::Instant;

use super::{Answer, partition};

/// Units of capacity.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Units {
    pub(crate) read: f64,
    pub(crate) write: f64,
}

impl Units {
    /// The limits of every partition of `DynamoDB`, each second.
    pub(crate) const PARTITION: Self = Self { read: 3_000.0, write: 1_000.0 };

    pub(crate) fn scaled(self, factor: f64) -> Self {
        Self { read: self.read * factor, write: self.write * factor }
    }

    /// The price of a request, even if its condition fails. Rows of the simulation are smaller than one unit.
    fn price_of(operation: &str, request: &Value) -> Self {
        match operation {
            "Query" | "GetItem" => {
                let read = if request["ConsistentRead"] == true { 1.0 } else { 0.5 };
                Self { read, write: 0.0 }
            }
            "PutItem" | "DeleteItem" | "UpdateItem" => Self { read: 0.0, write: 1.0 },
            "TransactWriteItems" => {
                let actions = request["TransactItems"].as_array().map_or(0, Vec::len);
                Self { read: 0.0, write: 2.0 * f64::from(u32::try_from(actions).expect("a few")) }
            }
            other => panic!("the price of {other} is unknown"),
        }
    }
}

/// The remaining units of a partition, and the time of that count.
struct Bucket {
    left: Units,
    at: Instant,
}

/// The limits of all partitions, and the consumed units.
pub(crate) struct Capacity {
    /// Each second. A partition that was idle can serve this much at once.
    limits: Units,
    buckets: HashMap<String, Bucket>,
    pub(crate) consumed: Units,
    pub(crate) throttles: u32,
}

impl Capacity {
    pub(crate) fn new(limits: Units) -> Self {
        Self { limits, buckets: HashMap::new(), consumed: Units::default(), throttles: 0 }
    }

    /// The refusal of a request that exceeds the limits of its partition.
    pub(crate) fn refuse(&mut self, operation: &str, request: &Value) -> Option<Answer> {
        let (price, now, limits) = (Units::price_of(operation, request), Instant::now(), self.limits);
        let new = || Bucket { left: limits, at: now };
        let bucket = self.buckets.entry(partition(operation, request)).or_insert_with(new);
        let gained = limits.scaled((now - bucket.at).as_secs_f64());
        bucket.at = now;
        bucket.left.read = (bucket.left.read + gained.read).min(limits.read);
        bucket.left.write = (bucket.left.write + gained.write).min(limits.write);
        if bucket.left.read >= price.read && bucket.left.write >= price.write {
            bucket.left.read -= price.read;
            bucket.left.write -= price.write;
            self.consumed.read += price.read;
            self.consumed.write += price.write;
            return None;
        }
        self.throttles += 1;
        Some(throttled(operation, self.throttles))
    }
}

/// The forms that a throttle takes, one after the other.
fn throttled(operation: &str, number: u32) -> Answer {
    let is_even = number.is_multiple_of(2);
    match (operation, is_even) {
        ("TransactWriteItems", true) => Answer::cancelled(&["ThrottlingError", "None"]),
        ("TransactWriteItems", false) => Answer::cancelled(&["None", "ThrottlingError"]),
        (_, true) => Answer::error(400, "ThrottlingException", "Throughput exceeds the current capacity"),
        (_, false) => {
            Answer::error(400, "ProvisionedThroughputExceededException", "The request rate of the key is too high")
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::json;
    use tokio::time::advance;

    use super::*;

    fn put() -> Value {
        json!({ "Item": { "pk": { "S": "p" }, "sk": { "S": "LOCK" } } })
    }

    fn get(is_consistent: bool) -> Value {
        json!({ "Key": { "pk": { "S": "p" }, "sk": { "S": "META" } }, "ConsistentRead": is_consistent })
    }

    fn commit() -> Value {
        json!({ "TransactItems": [{ "Put": put() }, { "Delete": { "Key": put()["Item"] } }] })
    }

    #[tokio::test(start_paused = true)]
    async fn a_partition_serves_a_second_of_burst_and_then_its_rate() {
        let mut capacity = Capacity::new(Units { read: 2.0, write: 10.0 });
        let is_served =
            |capacity: &mut Capacity, operation: &str, request: &Value| capacity.refuse(operation, request).is_none();
        for number in 0..10 {
            assert!(is_served(&mut capacity, "PutItem", &put()), "put {number}");
        }
        assert!(!is_served(&mut capacity, "PutItem", &put()), "the burst is used up");
        assert!(is_served(&mut capacity, "GetItem", &get(true)), "reads have a limit of their own");
        advance(Duration::from_millis(300)).await;
        assert!(!is_served(&mut capacity, "TransactWriteItems", &commit()), "a commit costs 4 units, and 3 are left");
        advance(Duration::from_millis(100)).await;
        assert!(is_served(&mut capacity, "TransactWriteItems", &commit()));
        assert_eq!(capacity.consumed, Units { read: 1.0, write: 14.0 });
        assert_eq!(capacity.throttles, 2, "a throttled request costs nothing");
        advance(Duration::from_mins(1)).await;
        for number in 0..4 {
            assert!(is_served(&mut capacity, "GetItem", &get(false)), "half a unit each, get {number}");
        }
        assert!(!is_served(&mut capacity, "GetItem", &get(false)), "an idle minute gives a second's burst");
    }

    #[test]
    fn throttles_take_every_form_that_dynamodb_has() {
        let code = |operation, number| {
            let answer = throttled(operation, number);
            let reasons = answer.body["CancellationReasons"].as_array().cloned().unwrap_or_default();
            let codes = reasons.iter().filter_map(|reason| reason["Code"].as_str()).filter(|code| *code != "None");
            let name = answer.body["__type"].as_str().expect("a type").rsplit('#').next().expect("a code").to_owned();
            codes.map(str::to_owned).next().unwrap_or(name)
        };
        assert_eq!(code("TransactWriteItems", 1), "ThrottlingError");
        assert_eq!(code("TransactWriteItems", 2), "ThrottlingError");
        assert_eq!(code("PutItem", 1), "ProvisionedThroughputExceededException");
        assert_eq!(code("Query", 2), "ThrottlingException");
    }
}
