use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use oras_descriptor::{Algorithm, Digest, Hasher, Verifier};

use crate::error::Result;

/// The check of a blob, and the hash of one that is not described yet, shared with whoever makes its bytes: a source that
/// has a thread of its own [adds](Self::add) them there, so that hashing and sending overlap.
#[derive(Clone, Default)]
pub struct Sum(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    verifier: Option<Verifier>,
    hasher: Option<Hasher>,
    size: u64,
}

impl Sum {
    pub(super) fn of(verifier: Verifier) -> Self {
        let size = verifier.position();
        Self(Arc::new(Mutex::new(State { verifier: Some(verifier), hasher: None, size })))
    }

    // No code that may panic runs under the lock.
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds the next bytes.
    ///
    /// # Errors
    ///
    /// [`Corrupt`](crate::ErrorKind::Corrupt) on the first byte past the described size.
    pub fn add(&self, chunk: &[u8]) -> Result<()> {
        let mut state = self.state();
        if let Some(verifier) = &mut state.verifier {
            verifier.update(chunk)?;
        }
        if let Some(hasher) = &mut state.hasher {
            hasher.update(chunk);
        }
        state.size += chunk.len() as u64;
        Ok(())
    }

    /// Leaves the hash out, for a source that knows that its bytes are those of this digest; answers whether that can be
    /// done. The size is still checked.
    pub fn vouch(&self, digest: &Digest) -> bool {
        let mut state = self.state();
        let is_untouched = state.size == 0 && state.hasher.is_none();
        let is_same = state.verifier.as_ref().is_some_and(|verifier| verifier.digest() == digest);
        if is_untouched && is_same {
            state.verifier = None;
        }
        is_untouched && is_same
    }

    /// The digest and the size of what was added to the sum of [`Blob::summed`](super::Blob::summed).
    pub fn described(&self) -> Option<(Digest, u64)> {
        let state = self.state();
        let hasher = state.hasher.as_ref()?;
        Some((hasher.clone().finish(), state.size))
    }

    pub(super) fn also_hash(&self, algorithm: Algorithm) {
        self.state().hasher = Some(algorithm.hasher());
    }

    /// How many bytes were added.
    pub(super) fn size(&self) -> u64 {
        self.state().size
    }

    pub(super) fn is_complete(&self) -> bool {
        self.state().verifier.as_ref().is_some_and(Verifier::is_complete)
    }

    pub(super) fn take_verifier(&self) -> Option<Verifier> {
        self.state().verifier.take()
    }

    /// Whether all that was added is what was described.
    pub(super) fn finish(&self) -> Result<()> {
        Ok(self.take_verifier().map_or(Ok(()), Verifier::finish)?)
    }
}

impl fmt::Debug for Sum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sum").field("size", &self.size()).finish_non_exhaustive()
    }
}
