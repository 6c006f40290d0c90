//! The operator's and the developer's side: describe, probe, inspect, list and survey the table, and create it.
//!
//! Invariant: nothing here changes a row. [`ensure_table`] creates the table and turns TTL on; every other request reads,
//! or writes under a condition that never holds. Each file adds its calls to [`Store`].

mod describe;
mod ensure_table;
mod inspect;
mod list;
mod probe;
mod scan;
mod survey;

pub use self::describe::TableInfo;
pub use self::inspect::Inspection;
pub use self::list::{Listed, Listing};
pub use self::probe::{Probe, ProbeRequest};
pub use self::scan::Position;
pub use self::survey::{PrefixCount, Survey};

use crate::Store;
use crate::call::{Call, Operation};

impl Store {
    fn admin_call(&self, request: &'static str) -> Call<()> {
        self.call(Operation::Admin(request), ())
    }
}
