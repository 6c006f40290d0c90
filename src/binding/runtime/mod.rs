//! The bridge between JavaScript and Rust: values, promises, the JavaScript thread and the worker thread.
//!
//! Only [`receiver`] knows the class and its methods, by their names.

pub(in crate::binding) mod callback;
pub(in crate::binding) mod js_thread;
pub(in crate::binding) mod promise;
pub(in crate::binding) mod receiver;
mod tick;
pub(in crate::binding) mod value;
pub(in crate::binding) mod worker;
