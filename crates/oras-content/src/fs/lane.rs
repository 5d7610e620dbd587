use std::{
    collections::VecDeque,
    fmt,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

use tokio::sync::oneshot;

use super::blocking;
use crate::error::{Error, ErrorKind, Result};

/// A visit that takes longer is not short: others should not wait behind it. Making a small file on a local disk takes a
/// tenth of this, and one that is synced, or lies behind a network, several times as much.
const SHORT: Duration = Duration::from_micros(500);

/// How many visits get a thread of their own after one that was not short.
const WARY: u32 = 16;

/// How long the thread waits for another visit before it goes back to the runtime.
const LINGER: Duration = Duration::from_millis(5);

type Visit = Box<dyn FnOnce() + Send>;

/// Short visits to the file system, one after another on one blocking thread of tokio.
///
/// Waking a thread costs more than making a small file. [`blocking`] wakes one for each visit; here a visit that comes
/// while another goes on is taken up by the same thread. Where visits turn out to take long, as on a disk that syncs or a
/// file system behind a network, each gets a thread of its own, so that they do not wait for each other.
///
/// Clones share the thread. A visit must not wait for another. Like all of this module, it needs a runtime of tokio.
#[derive(Clone, Default)]
pub struct Lane(Arc<Owner>);

impl Lane {
    /// A lane without a thread, which comes with the first visit.
    pub fn new() -> Self {
        Self::default()
    }

    /// Runs blocking work; a panic in it becomes an error here.
    ///
    /// # Errors
    ///
    /// What the work gives, or [`ErrorKind::Other`] when it did not come to an end.
    ///
    /// # Cancel safety
    ///
    /// Work that has begun goes on to its end on its thread; its result is lost. Work that waits behind other visits is not
    /// begun; work that has a thread of its own is, as with [`blocking`].
    pub async fn run<T: Send + 'static>(&self, work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
        let queue = Arc::clone(&self.0.queue);
        let timed = move || {
            let begun = Instant::now();
            let result = work();
            queue.note(begun.elapsed());
            result
        };
        if self.0.queue.is_wary() {
            return blocking(timed).await;
        }
        let (answer, answered) = oneshot::channel();
        self.0.queue.push(Box::new(move || {
            if !answer.is_closed() {
                // Nobody waits any more when this fails.
                let _ = answer.send(timed());
            }
        }));
        answered.await.unwrap_or_else(|_| Err(Error::new(ErrorKind::Other, "blocking work did not end")))
    }
}

impl fmt::Debug for Lane {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lane").field("is_wary", &self.0.queue.is_wary()).finish_non_exhaustive()
    }
}

/// All clones of a lane; the thread ends with the last of them.
#[derive(Default)]
struct Owner {
    queue: Arc<Queue>,
}

impl Drop for Owner {
    fn drop(&mut self) {
        self.queue.state().is_closed = true;
        self.queue.changed.notify_one();
    }
}

#[derive(Default)]
struct Queue {
    state: Mutex<State>,
    changed: Condvar,
    /// How many visits are still to get a thread of their own.
    wary: AtomicU32,
}

#[derive(Default)]
struct State {
    visits: VecDeque<Visit>,
    thread: Thread,
    is_closed: bool,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Thread {
    #[default]
    None,
    Busy,
    Waiting,
}

impl Queue {
    // Nothing that can panic is done under the lock.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_wary(&self) -> bool {
        self.wary.load(Ordering::Relaxed) > 0
    }

    /// Learns from how long a visit took.
    fn note(&self, took: Duration) {
        if took > SHORT {
            self.wary.store(WARY, Ordering::Relaxed);
        } else if self.is_wary() {
            let _ = self.wary.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1));
        }
    }

    /// Adds a visit, and sees to it that there is a thread for it.
    fn push(self: &Arc<Self>, visit: Visit) {
        let mut state = self.state();
        state.visits.push_back(visit);
        let thread = std::mem::replace(&mut state.thread, Thread::Busy);
        drop(state);
        match thread {
            Thread::Busy => {}
            Thread::Waiting => self.changed.notify_one(),
            Thread::None => {
                let shift = Shift { queue: Arc::clone(self), is_over: false };
                tokio::task::spawn_blocking(move || shift.work());
            }
        }
    }
}

/// The time a thread has for the visits of a queue.
struct Shift {
    queue: Arc<Queue>,
    is_over: bool,
}

impl Shift {
    fn work(mut self) {
        while let Some(visit) = self.next() {
            // Whoever waits for it hears that it did not end.
            let _ = catch_unwind(AssertUnwindSafe(visit));
        }
    }

    /// The next visit, if one comes soon.
    fn next(&mut self) -> Option<Visit> {
        let mut state = self.queue.state();
        if state.visits.is_empty() {
            state.thread = Thread::Waiting;
            let is_idle = |state: &mut State| state.visits.is_empty() && !state.is_closed;
            let waited = self.queue.changed.wait_timeout_while(state, LINGER, is_idle);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        let visit = state.visits.pop_front();
        self.is_over = visit.is_none();
        state.thread = if self.is_over { Thread::None } else { Thread::Busy };
        visit
    }
}

impl Drop for Shift {
    /// A runtime that shuts down never begins: then nobody may wait for what is queued, and others may begin again.
    fn drop(&mut self) {
        if !self.is_over {
            let mut state = self.queue.state();
            state.thread = Thread::None;
            let abandoned = std::mem::take(&mut state.visits);
            drop(state);
            drop(abandoned);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{
        sync::{Barrier, atomic::AtomicBool, mpsc},
        thread,
    };

    use futures_util::{FutureExt as _, future::join_all};

    use super::*;

    /// Passes time on the thread that calls it.
    fn spend(time: Duration) {
        let begun = Instant::now();
        while begun.elapsed() < time {
            std::hint::spin_loop();
        }
    }

    /// A lane that has seen a visit that took long.
    async fn wary() -> Lane {
        let lane = Lane::new();
        let long = || {
            spend(SHORT * 2);
            Ok(())
        };
        lane.run(long).await.unwrap();
        lane
    }

    #[tokio::test]
    async fn short_visits_share_a_thread() {
        let lane = Lane::new();
        // What the machine does meanwhile may make one long.
        for _ in 0..100 {
            let visits = join_all((0..8).map(|number| lane.run(move || Ok((number, thread::current().id()))))).await;
            let visits: Vec<_> = visits.into_iter().map(Result::unwrap).collect();
            assert_eq!(visits.iter().map(|(number, _)| *number).collect::<Vec<_>>(), (0..8).collect::<Vec<_>>());
            if visits.iter().all(|(_, id)| *id == visits[0].1) {
                return;
            }
        }
        panic!("short visits were never made by one thread");
    }

    #[tokio::test]
    async fn after_a_long_visit_they_do_not_wait_for_each_other() {
        let lane = wary().await;
        let together = Arc::new(Barrier::new(2));
        let visit = || {
            let together = Arc::clone(&together);
            lane.run(move || Ok(together.wait().is_leader()))
        };
        let (one, other) = futures_util::future::join(visit(), visit()).await;
        assert_ne!(one.unwrap(), other.unwrap());
    }

    #[tokio::test]
    async fn many_short_visits_after_a_long_one_share_a_thread_again() {
        let lane = wary().await;
        for _ in 0..10_000 {
            if !lane.0.queue.is_wary() {
                return;
            }
            lane.run(|| Ok(())).await.unwrap();
        }
        panic!("the lane stays wary");
    }

    #[tokio::test]
    async fn a_panic_is_an_error_and_the_lane_goes_on() {
        let lane = Lane::new();
        let error = lane.run(|| if true { panic!("on purpose") } else { Ok(()) }).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Other);
        assert_eq!(lane.run(|| Ok(7)).await.unwrap(), 7);
    }

    #[tokio::test]
    async fn errors_come_back() {
        let error = Lane::new().run(|| Err::<(), _>(Error::new(ErrorKind::Denied, "no"))).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Denied);
    }

    #[tokio::test]
    async fn a_visit_that_nobody_waits_for_is_not_begun() {
        let lane = Lane::new();
        let (open, gate) = mpsc::channel::<()>();
        let mut holding = Box::pin(lane.run(move || {
            gate.recv().unwrap();
            Ok(())
        }));
        assert!(holding.as_mut().now_or_never().is_none());
        let was_begun = Arc::new(AtomicBool::new(false));
        let begun = Arc::clone(&was_begun);
        let begin = move || {
            begun.store(true, Ordering::SeqCst);
            Ok(())
        };
        assert!(lane.run(begin).now_or_never().is_none());
        open.send(()).unwrap();
        holding.await.unwrap();
        // The queue is empty before a visit after it is made by the same thread, or the thread is gone.
        while lane.0.queue.state().thread == Thread::Busy {
            tokio::task::yield_now().await;
        }
        assert!(!was_begun.load(Ordering::SeqCst));
    }

    #[test]
    fn a_runtime_that_shuts_down_leaves_the_lane_to_others() {
        let runtime = || tokio::runtime::Builder::new_current_thread().build().unwrap();
        let lane = Lane::new();
        let first = runtime();
        let handle = first.handle().clone();
        drop(first);
        let error = {
            let _entered = handle.enter();
            lane.run(|| Ok(())).now_or_never().unwrap().unwrap_err()
        };
        assert_eq!(error.kind(), ErrorKind::Other);
        assert_eq!(runtime().block_on(lane.run(|| Ok(7))).unwrap(), 7);
    }

    #[tokio::test]
    async fn a_visit_that_comes_while_the_thread_leaves_is_made() {
        let lane = Lane::new();
        for step in 0..40 {
            assert_eq!(lane.run(move || Ok(step)).await.unwrap(), step);
            spend(LINGER - Duration::from_micros(100) + Duration::from_micros(5) * step);
        }
    }

    #[tokio::test]
    async fn the_thread_ends_with_the_last_clone() {
        let lane = Lane::new();
        lane.run(|| Ok(())).await.unwrap();
        let queue = Arc::downgrade(&lane.0.queue);
        drop(lane);
        let begun = Instant::now();
        while queue.strong_count() > 0 {
            assert!(begun.elapsed() < Duration::from_secs(10), "the thread stays");
            tokio::task::yield_now().await;
        }
    }
}
