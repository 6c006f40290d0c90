//! The way from the JavaScript thread to the worker and back. Calls go over together, all that were made in one turn of the
//! event loop, so that those for the same key share a request. Results come back as many at once as there are.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::ffi::c_void;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::ptr;
use std::rc::Rc;
use std::sync::{Arc, Mutex, MutexGuard};

use napi::{Env, sys};

use super::worker::worker;
use crate::locked::locked;

/// What is done for a call; it ends by handing over a [`Settlement`].
pub(super) type Work = Pin<Box<dyn Future<Output = ()> + Send>>;
/// Settles a promise, on the JavaScript thread.
pub(super) type Settlement = Box<dyn FnOnce(&Env) + Send>;

/// One for each JavaScript environment: the main thread has one, and each worker.
pub(super) struct Bridge {
    /// Made in this turn.
    calls: RefCell<Vec<Work>>,
    /// Promises that are not settled. As long as there are any, the process stays alive.
    open: Cell<usize>,
    results: Arc<Results>,
}

thread_local! {
    static BRIDGES: RefCell<HashMap<sys::napi_env, Rc<Bridge>>> = RefCell::default();
}

impl Bridge {
    /// The environment's bridge, built when the addon is loaded.
    pub(super) fn of(env: &Env) -> napi::Result<Rc<Self>> {
        if let Some(bridge) = BRIDGES.with_borrow(|bridges| bridges.get(&env.raw()).cloned()) {
            return Ok(bridge);
        }
        let results = Results::new(env)?;
        let bridge = Rc::new(Self { calls: RefCell::default(), open: Cell::new(0), results });
        BRIDGES.with_borrow_mut(|bridges| bridges.insert(env.raw(), Rc::clone(&bridge)));
        Ok(bridge)
    }

    /// Where the call's settlement goes.
    pub(super) fn results(&self) -> Arc<Results> {
        Arc::clone(&self.results)
    }

    /// Begins `work` when the event loop comes round.
    pub(super) fn begin(&self, env: &Env, work: Work) {
        if self.open.replace(self.open.get() + 1) == 0 {
            self.results.keep_alive(env, true);
        }
        self.calls.borrow_mut().push(work);
        if self.calls.borrow().len() == 1 && !self.results.wake_up() {
            self.send();
        }
    }

    fn send(&self) {
        let calls = self.calls.take();
        if calls.is_empty() {
            return;
        }
        // It was there when the calls were made. Not one by one: the first would be gone before the last has come.
        let Ok(worker) = worker() else { return };
        worker.spawn(async {
            for call in calls {
                tokio::spawn(call);
            }
        });
    }

    fn settle(&self, env: &Env) {
        let settlements = std::mem::take(&mut self.results.lock().waiting);
        let settled = settlements.len();
        if settled == 0 {
            return;
        }
        for settlement in settlements {
            let mut scope = ptr::null_mut();
            // SAFETY: the scope that is closed is the one that was opened. One that panics leaves the others alone.
            unsafe {
                let is_open = sys::napi_open_handle_scope(env.raw(), &raw mut scope) == sys::Status::napi_ok;
                let _ = catch_unwind(AssertUnwindSafe(|| settlement(env)));
                if is_open {
                    sys::napi_close_handle_scope(env.raw(), scope);
                }
            }
        }
        self.open.set(self.open.get().saturating_sub(settled));
        if self.open.get() == 0 {
            self.results.keep_alive(env, false);
        }
    }
}

/// What the JavaScript thread has still to be told.
pub(super) struct Results(Mutex<State>);

struct State {
    waiting: Vec<Settlement>,
    /// Null once there is nobody to be told any more.
    wake_up: WakeUp,
}

impl State {
    fn wake_up(&mut self) -> bool {
        let WakeUp(wake_up) = self.wake_up;
        if wake_up.is_null() {
            return false;
        }
        // SAFETY: it is not null, so it has not been forgotten, which takes the lock.
        let status = unsafe {
            let mode = sys::ThreadsafeFunctionCallMode::nonblocking;
            sys::napi_call_threadsafe_function(wake_up, ptr::null_mut(), mode)
        };
        if status != sys::Status::napi_ok {
            self.wake_up = WakeUp(ptr::null_mut());
        }
        status == sys::Status::napi_ok
    }
}

struct WakeUp(sys::napi_threadsafe_function);

// SAFETY: it is made for use by any thread.
unsafe impl Send for WakeUp {}

impl Results {
    fn new(env: &Env) -> napi::Result<Arc<Self>> {
        let results = Arc::new(Self(Mutex::new(State { waiting: vec![], wake_up: WakeUp(ptr::null_mut()) })));
        let name = env.create_string("tabletheory-isr")?;
        let mut wake_up = ptr::null_mut();
        let kept = Arc::into_raw(Arc::clone(&results));
        // SAFETY: all handles are live in the current scope; `forget` takes over what is kept.
        napi::check_status!(unsafe {
            sys::napi_create_threadsafe_function(
                env.raw(),
                ptr::null_mut(),
                ptr::null_mut(),
                napi::JsValue::raw(&name),
                0,
                1,
                kept.cast_mut().cast(),
                Some(forget),
                ptr::null_mut(),
                Some(come_round),
                &raw mut wake_up,
            )
        })?;
        results.lock().wake_up = WakeUp(wake_up);
        results.keep_alive(env, false);
        Ok(results)
    }

    /// Hands a settlement over, from any thread. Dropped where the environment is gone.
    pub(super) fn push(&self, settlement: Settlement) {
        let mut state = self.lock();
        if state.wake_up.0.is_null() {
            return;
        }
        state.waiting.push(settlement);
        if state.waiting.len() == 1 {
            state.wake_up();
        }
    }

    /// Has [`come_round`] called. Says whether it will be.
    fn wake_up(&self) -> bool {
        self.lock().wake_up()
    }

    fn keep_alive(&self, env: &Env, is_wanted: bool) {
        let WakeUp(wake_up) = self.lock().wake_up;
        if wake_up.is_null() {
            return;
        }
        // SAFETY: on the JavaScript thread, on which alone it can be forgotten. What they return says nothing.
        let _ = unsafe {
            if is_wanted {
                sys::napi_ref_threadsafe_function(env.raw(), wake_up)
            } else {
                sys::napi_unref_threadsafe_function(env.raw(), wake_up)
            }
        };
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        locked(&self.0)
    }
}

/// Called on the JavaScript thread when calls or results are waiting.
extern "C" fn come_round(env: sys::napi_env, _: sys::napi_value, _: *mut c_void, _: *mut c_void) {
    if env.is_null() {
        return;
    }
    without_panic(|| {
        let bridge = BRIDGES.try_with(|bridges| bridges.borrow().get(&env).cloned());
        if let Ok(Some(bridge)) = bridge {
            bridge.settle(&Env::from_raw(env));
            bridge.send();
        }
    });
}

/// Called on the JavaScript thread when the environment ends.
extern "C" fn forget(env: sys::napi_env, kept: *mut c_void, _: *mut c_void) {
    // SAFETY: this is what `Results::new` kept for it.
    let results = unsafe { Arc::from_raw(kept.cast::<Results>()) };
    without_panic(|| {
        let waiting = {
            let mut state = results.lock();
            state.wake_up = WakeUp(ptr::null_mut());
            std::mem::take(&mut state.waiting)
        };
        drop(waiting);
        // Its calls, when dropped, have something to say to nobody.
        let bridge = BRIDGES.try_with(|bridges| bridges.borrow_mut().remove(&env));
        drop(bridge);
    });
}

/// A panic must not go on into Node.js, which it would end.
fn without_panic(work: impl FnOnce()) {
    let _ = catch_unwind(AssertUnwindSafe(work));
}
