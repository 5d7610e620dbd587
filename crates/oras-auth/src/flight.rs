use std::{
    collections::HashMap,
    hash::Hash,
    sync::{Arc, Mutex, PoisonError},
};

use oras_content::Result;
use tokio::sync::OwnedMutexGuard;

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

/// What somebody who wants a thing has to do.
pub(crate) enum Entry<'a, K: Hash + Eq, V> {
    /// Nothing: somebody else made it.
    Made(Result<V>),
    /// To make it.
    Mine(Turn<'a, K, V>),
}

/// The duty to make a thing while others wait for it. When it is dropped, one of them has it.
pub(crate) struct Turn<'a, K: Hash + Eq, V> {
    flights: &'a Flights<K, V>,
    key: K,
    slot: Arc<Slot<V>>,
    made: OwnedMutexGuard<Option<Result<V>>>,
}

impl<K: Hash + Eq + Clone, V: Clone> Flights<K, V> {
    /// Waits for whoever makes the thing already; else it is the caller's to make.
    pub(crate) async fn enter(&self, key: &K) -> Entry<'_, K, V> {
        let slot = {
            let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(running.entry(key.clone()).or_default())
        };
        let made = Arc::clone(&slot).lock_owned().await;
        match &*made {
            Some(result) => Entry::Made(result.clone()),
            None => Entry::Mine(Turn { flights: self, key: key.clone(), slot, made }),
        }
    }

    /// The result of `work`, or of the same work that somebody else began before. When whoever does it is dropped, one of
    /// those who wait begins anew.
    pub(crate) async fn run(&self, key: &K, work: impl Future<Output = Result<V>>) -> Result<V> {
        match self.enter(key).await {
            Entry::Made(result) => result,
            Entry::Mine(turn) => turn.finish(work.await),
        }
    }
}

impl<K: Hash + Eq, V: Clone> Turn<'_, K, V> {
    /// Gives the thing to all who wait for it. Whoever comes from now on wants a new one.
    pub(crate) fn finish(mut self, result: Result<V>) -> Result<V> {
        *self.made = Some(result.clone());
        let mut running = self.flights.running.lock().unwrap_or_else(PoisonError::into_inner);
        if running.get(&self.key).is_some_and(|current| Arc::ptr_eq(current, &self.slot)) {
            running.remove(&self.key);
        }
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
