//! The JavaScript thread: calls leave it together at the end of a tick, and their completions come back together.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::ffi::c_void;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::ptr;
use std::rc::Rc;
use std::sync::{Arc, Mutex, MutexGuard};

use napi::{Env, sys};

use super::tick::TickEnd;
use super::worker::worker;
use crate::sync::lock;

/// The work of a call; it ends by handing over a completion.
pub(in crate::binding) type Work = Pin<Box<dyn Future<Output = ()> + Send>>;
/// Runs on the JavaScript thread.
pub(in crate::binding) type Task = Box<dyn FnOnce(&Env) + Send>;

/// One for each JavaScript environment: the main thread has one, and each worker thread.
pub(in crate::binding) struct JsThread {
    /// The calls of this tick.
    calls: RefCell<Vec<Work>>,
    /// Promises that are not settled. As long as there are any, the process stays alive.
    open: Cell<usize>,
    mailbox: Arc<Mailbox>,
    tick_end: TickEnd,
}

thread_local! {
    static JS_THREADS: RefCell<HashMap<sys::napi_env, Rc<JsThread>>> = RefCell::default();
}

impl JsThread {
    /// The environment's JavaScript thread, made when the addon is loaded.
    pub(in crate::binding) fn of(env: &Env) -> napi::Result<Rc<Self>> {
        if let Some(thread) = JS_THREADS.with_borrow(|threads| threads.get(&env.raw()).cloned()) {
            return Ok(thread);
        }
        let mailbox = Mailbox::new(env)?;
        let tick_end = TickEnd::new(env, on_tick_end);
        let thread = Rc::new(Self { calls: RefCell::default(), open: Cell::new(0), mailbox, tick_end });
        JS_THREADS.with_borrow_mut(|threads| threads.insert(env.raw(), Rc::clone(&thread)));
        Ok(thread)
    }

    /// The mailbox of the thread.
    pub(in crate::binding) fn mailbox(&self) -> Arc<Mailbox> {
        Arc::clone(&self.mailbox)
    }

    /// Begins `work` when the tick ends.
    pub(in crate::binding) fn begin(&self, env: &Env, work: Work) {
        if self.open.replace(self.open.get() + 1) == 0 {
            self.mailbox.keep_alive(env, true);
        }
        self.calls.borrow_mut().push(work);
        let is_first = self.calls.borrow().len() == 1;
        if is_first && !self.tick_end.schedule(env) && !self.mailbox.wake_up() {
            self.send();
        }
    }

    fn send(&self) {
        // The worker was there when the calls were made.
        let Ok(worker) = worker() else { return };
        for call in self.calls.take() {
            worker.spawn(call);
        }
    }

    fn run_tasks(&self, env: &Env) {
        let Letters { completions, tasks } = std::mem::take(&mut self.mailbox.lock().letters);
        let completed = completions.len();
        for task in tasks.into_iter().chain(completions) {
            let mut scope = ptr::null_mut();
            // SAFETY: the scope that is closed is the one that was opened. A task that panics leaves the others alone.
            unsafe {
                let is_open = sys::napi_open_handle_scope(env.raw(), &raw mut scope) == sys::Status::napi_ok;
                let _ = catch_unwind(AssertUnwindSafe(|| task(env)));
                if is_open {
                    sys::napi_close_handle_scope(env.raw(), scope);
                }
            }
        }
        if completed > 0 {
            self.open.set(self.open.get().saturating_sub(completed));
            if self.open.get() == 0 {
                self.mailbox.keep_alive(env, false);
            }
        }
    }
}

/// The tasks that wait for the JavaScript thread.
pub(in crate::binding) struct Mailbox(Mutex<State>);

struct State {
    letters: Letters,
    /// Null once the environment has ended.
    wake_up: WakeUp,
}

#[derive(Default)]
struct Letters {
    /// Each settles a promise that was counted.
    completions: Vec<Task>,
    tasks: Vec<Task>,
}

impl State {
    fn wake_up(&mut self) -> bool {
        let WakeUp(wake_up) = self.wake_up;
        if wake_up.is_null() {
            return false;
        }
        // SAFETY: it is not null, so the environment has not ended, which takes the lock.
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

impl Mailbox {
    fn new(env: &Env) -> napi::Result<Arc<Self>> {
        let state = State { letters: Letters::default(), wake_up: WakeUp(ptr::null_mut()) };
        let mailbox = Arc::new(Self(Mutex::new(state)));
        let name = env.create_string("tabletheory-isr")?;
        let mut wake_up = ptr::null_mut();
        let kept = Arc::into_raw(Arc::clone(&mailbox));
        // SAFETY: all handles are live in the current scope; `on_teardown` takes over `kept`.
        napi::check_status!(unsafe {
            sys::napi_create_threadsafe_function(
                env.raw(),
                ptr::null_mut(),
                ptr::null_mut(),
                napi::JsValue::raw(&name),
                0,
                1,
                kept.cast_mut().cast(),
                Some(on_teardown),
                ptr::null_mut(),
                Some(on_wakeup),
                &raw mut wake_up,
            )
        })?;
        mailbox.lock().wake_up = WakeUp(wake_up);
        mailbox.keep_alive(env, false);
        Ok(mailbox)
    }

    /// Hands over the completion of a call, from any thread. Dropped where the environment has ended.
    pub(in crate::binding) fn complete(&self, completion: Task) {
        self.push(completion, |letters| &mut letters.completions);
    }

    /// Hands over a task that is not the end of a call. Dropped where the environment has ended.
    pub(in crate::binding) fn post(&self, task: Task) {
        self.push(task, |letters| &mut letters.tasks);
    }

    fn push(&self, task: Task, kind: impl FnOnce(&mut Letters) -> &mut Vec<Task>) {
        let mut state = self.lock();
        if state.wake_up.0.is_null() {
            return;
        }
        let is_first = state.letters.completions.is_empty() && state.letters.tasks.is_empty();
        kind(&mut state.letters).push(task);
        if is_first {
            state.wake_up();
        }
    }

    /// Has [`on_wakeup`] called. Says whether it will be.
    fn wake_up(&self) -> bool {
        self.lock().wake_up()
    }

    fn keep_alive(&self, env: &Env, is_wanted: bool) {
        let WakeUp(wake_up) = self.lock().wake_up;
        if wake_up.is_null() {
            return;
        }
        // SAFETY: on the JavaScript thread, on which alone it is released. The status says nothing.
        let _ = unsafe {
            if is_wanted {
                sys::napi_ref_threadsafe_function(env.raw(), wake_up)
            } else {
                sys::napi_unref_threadsafe_function(env.raw(), wake_up)
            }
        };
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        lock(&self.0)
    }
}

/// Called on the JavaScript thread when tasks are waiting.
extern "C" fn on_wakeup(env: sys::napi_env, _: sys::napi_value, _: *mut c_void, _: *mut c_void) {
    if env.is_null() {
        return;
    }
    without_panic(|| {
        if let Some(thread) = existing(env) {
            thread.run_tasks(&Env::from_raw(env));
            thread.send();
        }
    });
}

/// Called on the JavaScript thread when a tick in which calls were made has ended.
extern "C" fn on_tick_end(env: sys::napi_env, _: sys::napi_callback_info) -> sys::napi_value {
    without_panic(|| {
        if let Some(thread) = existing(env) {
            thread.send();
        }
    });
    ptr::null_mut()
}

fn existing(env: sys::napi_env) -> Option<Rc<JsThread>> {
    JS_THREADS.try_with(|threads| threads.borrow().get(&env).cloned()).ok().flatten()
}

/// Called on the JavaScript thread when the environment ends.
extern "C" fn on_teardown(env: sys::napi_env, kept: *mut c_void, _: *mut c_void) {
    // SAFETY: `kept` is the reference that `Mailbox::new` kept for this function.
    let mailbox = unsafe { Arc::from_raw(kept.cast::<Mailbox>()) };
    without_panic(|| {
        let letters = {
            let mut state = mailbox.lock();
            state.wake_up = WakeUp(ptr::null_mut());
            std::mem::take(&mut state.letters)
        };
        drop(letters);
        // Its calls, when dropped, push completions to a mailbox that is closed.
        let thread = JS_THREADS.try_with(|threads| threads.borrow_mut().remove(&env));
        drop(thread);
    });
}

/// A panic must not go on into Node.js, which it would end.
fn without_panic(work: impl FnOnce()) {
    let _ = catch_unwind(AssertUnwindSafe(work));
}
