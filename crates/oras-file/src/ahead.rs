//! Reading ahead on a thread of its own: while one chunk is put to use, the next is made.

use std::{
    io::{self, Read},
    sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel},
    thread,
};

/// How much is read at once.
const CHUNK_SIZE: usize = 256 * 1024;

/// How many chunks wait to be used.
const DEPTH: usize = 3;

/// A buffer, and how much of it is filled.
type Chunk = (Vec<u8>, usize);

/// Gives what another reader gives. Its thread ends with the chunk it is at when this is dropped.
pub(crate) struct Ahead {
    chunks: Receiver<io::Result<Chunk>>,
    /// Buffers go back: a new one for each chunk would cost more than filling it.
    used: Sender<Vec<u8>>,
    chunk: Chunk,
    position: usize,
}

impl Ahead {
    pub(crate) fn new(inner: impl Read + Send + 'static) -> io::Result<Self> {
        let (filled, chunks) = sync_channel(DEPTH);
        let (used, free) = channel();
        thread::Builder::new().name("oras-read-ahead".into()).spawn(move || read_all(inner, &filled, &free))?;
        Ok(Self { chunks, used, chunk: (Vec::new(), 0), position: 0 })
    }

    /// Whether there is another chunk to read from.
    fn next(&mut self) -> io::Result<bool> {
        // The thread is gone when it has said all there is.
        let Ok(chunk) = self.chunks.recv() else { return Ok(false) };
        let (buffer, _) = std::mem::replace(&mut self.chunk, chunk?);
        self.position = 0;
        let _ = self.used.send(buffer);
        Ok(true)
    }
}

impl Read for Ahead {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.position == self.chunk.1 && !self.next()? {
            return Ok(0);
        }
        let (filled, end) = &self.chunk;
        let len = filled.get(self.position..*end).unwrap_or_default().read(buffer)?;
        self.position += len;
        Ok(len)
    }
}

fn read_all(mut inner: impl Read, filled: &SyncSender<io::Result<Chunk>>, free: &Receiver<Vec<u8>>) {
    loop {
        let used = free.try_recv().ok().filter(|buffer| buffer.len() == CHUNK_SIZE);
        let mut buffer = used.unwrap_or_else(|| vec![0; CHUNK_SIZE]);
        let (len, failure) = fill(&mut inner, &mut buffer);
        if len > 0 && filled.send(Ok((buffer, len))).is_err() {
            return;
        }
        if let Some(error) = failure {
            // Nobody waits for the error of a reader that was dropped.
            let _ = filled.send(Err(error));
            return;
        }
        if len < CHUNK_SIZE {
            return;
        }
    }
}

/// How much could be read: less than the buffer holds at the end, or before an error.
fn fill(inner: &mut impl Read, buffer: &mut [u8]) -> (usize, Option<io::Error>) {
    let mut len = 0;
    while len < buffer.len() {
        match inner.read(buffer.get_mut(len..).unwrap_or_default()) {
            Ok(0) => break,
            Ok(more) => len += more,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return (len, Some(error)),
        }
    }
    (len, None)
}

#[cfg(test)]
mod tests {
    use std::{
        sync::Arc,
        time::{Duration, Instant},
    };

    use super::*;

    struct Broken;

    impl Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::ErrorKind::InvalidData.into())
        }
    }

    struct Endless(#[expect(dead_code, reason = "is gone when the thread is")] Arc<()>);

    impl Read for Endless {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            Ok(buffer.len())
        }
    }

    #[test]
    fn gives_every_byte_and_then_the_error() {
        for len in [0, 1, CHUNK_SIZE - 1, CHUNK_SIZE, 9 * CHUNK_SIZE + 7] {
            let content: Vec<u8> = (0..len).map(|n| u8::try_from(n % 251).unwrap()).collect();
            let mut found = Vec::new();
            Ahead::new(io::Cursor::new(content.clone())).unwrap().read_to_end(&mut found).unwrap();
            assert!(found == content, "{len} bytes");
            let (mut found, broken) = (Vec::new(), io::Cursor::new(content.clone()).chain(Broken));
            let error = Ahead::new(broken).unwrap().read_to_end(&mut found).unwrap_err();
            assert_eq!((found.len(), error.kind()), (len, io::ErrorKind::InvalidData));
        }
    }

    #[test]
    fn the_thread_ends_when_nobody_reads_any_more() {
        let alive = Arc::new(());
        let mut ahead = Ahead::new(Endless(Arc::clone(&alive))).unwrap();
        ahead.read_exact(&mut [0; 1000]).unwrap();
        drop(ahead);
        let deadline = Instant::now() + Duration::from_secs(20);
        while Arc::strong_count(&alive) > 1 {
            assert!(Instant::now() < deadline, "the thread goes on");
            thread::yield_now();
        }
    }
}
