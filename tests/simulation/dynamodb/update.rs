//! Update expressions, as far as the store uses them: `SET name = :value, …`.

use serde_json::Value;

use super::{Item, text};

/// Sets the attributes of the request's `UpdateExpression`.
pub(crate) fn apply(request: &Value, item: &mut Item) {
    let expression = text(&request["UpdateExpression"]);
    let assignments =
        expression.strip_prefix("SET ").unwrap_or_else(|| panic!("the store does not use {expression:?}"));
    for assignment in assignments.split(',') {
        let (name, value) = assignment.split_once('=').unwrap_or_else(|| panic!("{assignment:?} assigns nothing"));
        let (name, value) = (name.trim(), value.trim());
        let value = request["ExpressionAttributeValues"].get(value);
        item.insert(name.to_owned(), value.unwrap_or_else(|| panic!("{assignment:?} has no value")).clone());
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::Database;

    fn soft_invalidation(token: &str) -> serde_json::Value {
        let key = |sk: &str| json!({ "pk": { "S": "p" }, "sk": { "S": sk } });
        json!({
            "ClientRequestToken": token,
            "TransactItems": [
                {
                    "Update": {
                        "Key": key("META"),
                        "UpdateExpression": "SET generated_at = :zero, generated_at_ms = :zero",
                        "ConditionExpression": "attribute_exists(pk)",
                        "ExpressionAttributeValues": { ":zero": { "N": "0" } },
                    }
                },
                { "Delete": { "Key": key("LOCK") } },
            ],
        })
    }

    #[test]
    fn an_update_sets_its_attributes_of_a_row_that_exists_and_keeps_the_others() {
        let mut database = Database::default();
        let missing = database.answer("TransactWriteItems", &soft_invalidation("a"));
        assert_eq!(missing.body["CancellationReasons"][0]["Code"], "ConditionalCheckFailed");
        assert!(database.row("p", "META").is_none());
        let row = |generated_at: &str| {
            json!({
                "pk": { "S": "p" }, "sk": { "S": "META" }, "s3_key": { "S": "page" },
                "generated_at": { "N": generated_at }, "generated_at_ms": { "N": generated_at },
            })
        };
        database.answer("PutItem", &json!({ "Item": row("7") }));
        assert_eq!(database.answer("TransactWriteItems", &soft_invalidation("b")).status, 200);
        assert_eq!(database.row("p", "META").map(|row| json!(row)), Some(row("0")));
    }
}
