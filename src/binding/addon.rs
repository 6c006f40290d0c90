//! The library that Node.js loads: its class registers itself. Parts that only a whole program has are here.

use mimalloc::MiMalloc;
use napi::Env;
use napi::bindgen_prelude::Object;
use napi_derive::napi;
use tabletheory_isr::binding;

/// A request makes some hundreds of small allocations, which take a fifth of its time with the system's allocator.
/// (Version 2 of mimalloc: 3 takes the thread that loads it for the main one, and crashes once that has ended.)
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

/// Runs when the addon is loaded.
///
/// # Errors
/// An operation that the engine refuses, which it does not in an environment that works.
#[napi(module_exports)]
pub fn loaded(mut exports: Object<'_>, env: Env) -> napi::Result<()> {
    binding::loaded(&mut exports, &env)
}
