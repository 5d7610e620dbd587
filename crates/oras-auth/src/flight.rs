use std::{
    collections::HashMap,
    hash::Hash,
    sync::{Arc, Mutex, PoisonError},
};

use oras_content::Result;

/// Lets those who want the same thing at the same time have it made once.
#[derive(Debug)]
pub(crate) struct Flights<K, V> {
    running: Mutex<HashMap<K, Arc<Slot<V>>>>,
}

type Slot<V> = tokio::sync::Mutex<Option<Result<V>>>;

impl<K, V> Default for Flights<K, V> {
    fn default() -> Self {
        Self { running: Mutex::default() }
    }
}

impl<K: Hash + Eq + Clone, V: Clone> Flights<K, V> {
    /// The result of `work`, or of the same work that somebody else began before. When whoever does it is dropped, one of
    /// those who wait begins anew.
    pub(crate) async fn run(&self, key: &K, work: impl Future<Output = Result<V>>) -> Result<V> {
        let slot = {
            let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(running.entry(key.clone()).or_default())
        };
        let mut done = slot.lock().await;
        if let Some(result) = &*done {
            return result.clone();
        }
        let result = work.await;
        *done = Some(result.clone());
        // Whoever comes from now on wants a new one.
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        if running.get(key).is_some_and(|current| Arc::ptr_eq(current, &slot)) {
            running.remove(key);
        }
        drop(running);
        result
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use futures_util::{FutureExt as _, future::join_all};
    use oras_content::{Error, ErrorKind};

    use super::*;

    #[tokio::test]
    async fn work_is_done_once_for_all_who_wait_even_when_it_fails() {
        for fails in [false, true] {
            let (flights, count) = (Flights::default(), AtomicU32::new(0));
            let work = || async {
                tokio::task::yield_now().await;
                let at = count.fetch_add(1, Ordering::Relaxed);
                if fails { Err(Error::new(ErrorKind::Other, "no")) } else { Ok(at) }
            };
            let all = join_all((0..16).map(|_| flights.run(&"a", work()))).await;
            assert!(all.iter().all(|result| result.is_err() == fails));
            assert_eq!(count.load(Ordering::Relaxed), 1);
            let _later = flights.run(&"a", work()).await;
            assert_eq!(count.load(Ordering::Relaxed), 2);
        }
    }

    #[tokio::test]
    async fn another_one_begins_anew_when_the_first_is_dropped() {
        let flights: Flights<&str, u32> = Flights::default();
        let mut first = Box::pin(flights.run(&"a", std::future::pending()));
        assert!(first.as_mut().now_or_never().is_none());
        let mut second = Box::pin(flights.run(&"a", async { Ok(2) }));
        assert!(second.as_mut().now_or_never().is_none());
        drop(first);
        assert_eq!(second.await.unwrap(), 2);
    }
}
