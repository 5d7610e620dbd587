use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use tokio::{runtime::Handle, sync::mpsc, task::JoinHandle};

use super::{source::ByteStream, sum::Sum};
use crate::{error::Result, fs::joined};

/// How many chunks wait to be hashed: a registry gives up to 1 MiB at once, and a window of a blob has four such pieces.
const DEPTH: usize = 1;

impl Sum {
    /// Adds the chunks of a stream on a blocking thread, for a source that has none of its own: hashing overlaps with
    /// whatever is done with them. The stream ends, or fails, only once all its chunks were added. Dropping it ends the
    /// thread within one chunk.
    ///
    /// The answer says whether that is done, as [`BlobSource::open_summed`](super::BlobSource::open_summed) does: outside of
    /// a runtime of tokio there is no such thread, and the stream comes back as it was.
    pub fn add_aside(&self, stream: ByteStream) -> (ByteStream, bool) {
        let Ok(runtime) = Handle::try_current() else { return (stream, false) };
        let (chunks, mut receiver) = mpsc::channel::<Bytes>(DEPTH);
        let sum = self.clone();
        let task = runtime.spawn_blocking(move || {
            while let Some(chunk) = receiver.blocking_recv() {
                sum.add(&chunk)?;
            }
            Ok(())
        });
        let aside = Aside { stream, worker: Some((chunks, task)) };
        (stream::unfold(aside, |mut aside| async move { Some((aside.next().await?, aside)) }).boxed(), true)
    }
}

struct Aside {
    stream: ByteStream,
    worker: Option<(mpsc::Sender<Bytes>, JoinHandle<Result<()>>)>,
}

impl Aside {
    async fn next(&mut self) -> Option<Result<Bytes>> {
        let next = self.stream.next().await;
        if let (Some(Ok(chunk)), Some((chunks, _))) = (&next, &self.worker)
            && chunks.send(chunk.clone()).await.is_ok()
        {
            return next;
        }
        // The thread has given up, or there is nothing more for it.
        let (chunks, task) = self.worker.take()?;
        drop(chunks);
        match joined(task).await {
            Err(error) => Some(Err(error)),
            Ok(()) => next,
        }
    }
}
