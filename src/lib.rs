//! ISR metadata and regeneration leases in DynamoDB.

#[cfg(feature = "node")]
mod binding;
mod config;
mod error;
mod model;
mod store;
mod table;

pub use config::{
    Config, DEFAULT_PK_PREFIX, ENDPOINT_VARIABLES, Endpoint, Environment, TABLE_NAME_VARIABLES, TableName, UniqueIds,
};
pub use error::{Error, ErrorKind, Result};
pub use model::*;
pub use store::Store;
