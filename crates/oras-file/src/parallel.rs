//! gzip on several threads: blocks of one size, each a member of the file, whatever the number of threads.

use std::{
    collections::VecDeque,
    io::{self, Write},
    num::NonZeroUsize,
    sync::{
        Arc, Mutex, PoisonError,
        mpsc::{Receiver, Sender, SyncSender, channel, sync_channel},
    },
    thread,
};

use flate2::Compression;

use crate::compress::gzip_member;

/// Large enough that a block's own dictionary costs less than one per cent.
const BLOCK_SIZE: usize = 1 << 20;

struct Job {
    block: Vec<u8>,
    done: SyncSender<io::Result<Vec<u8>>>,
}

/// Compresses what is written into it. Its threads end when it is dropped, each with the block it is at.
pub(crate) struct ParallelGzip<W> {
    out: W,
    block: Vec<u8>,
    jobs: Sender<Job>,
    running: VecDeque<Receiver<io::Result<Vec<u8>>>>,
    max_running: usize,
    is_empty: bool,
}

impl<W: Write> ParallelGzip<W> {
    pub(crate) fn new(out: W, level: Compression, threads: NonZeroUsize) -> io::Result<Self> {
        let (jobs, waiting) = channel::<Job>();
        let waiting = Arc::new(Mutex::new(waiting));
        for _ in 0..threads.get() {
            let waiting = Arc::clone(&waiting);
            thread::Builder::new().name("oras-gzip".into()).spawn(move || {
                while let Some(job) = next(&waiting) {
                    // Nobody waits for it when the writer is gone.
                    let _ = job.done.send(gzip_member(&job.block, level));
                }
            })?;
        }
        let max_running = threads.get().saturating_mul(2);
        let (block, running) = (Vec::with_capacity(BLOCK_SIZE), VecDeque::new());
        Ok(Self { out, block, jobs, running, max_running, is_empty: true })
    }

    pub(crate) fn finish(mut self) -> io::Result<W> {
        if !self.block.is_empty() || self.is_empty {
            self.submit()?;
        }
        while !self.running.is_empty() {
            self.write_next()?;
        }
        Ok(self.out)
    }

    fn submit(&mut self) -> io::Result<()> {
        let block = std::mem::replace(&mut self.block, Vec::with_capacity(BLOCK_SIZE));
        let (done, result) = sync_channel(1);
        self.jobs.send(Job { block, done }).map_err(|error| io::Error::other(error.to_string()))?;
        self.running.push_back(result);
        self.is_empty = false;
        if self.running.len() > self.max_running { self.write_next() } else { Ok(()) }
    }

    fn write_next(&mut self) -> io::Result<()> {
        let Some(result) = self.running.pop_front() else { return Ok(()) };
        let member = result.recv().map_err(io::Error::other)??;
        self.out.write_all(&member)
    }
}

fn next(waiting: &Mutex<Receiver<Job>>) -> Option<Job> {
    waiting.lock().unwrap_or_else(PoisonError::into_inner).recv().ok()
}

impl<W: Write> Write for ParallelGzip<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let len = bytes.len().min(BLOCK_SIZE - self.block.len());
        self.block.extend_from_slice(bytes.get(..len).unwrap_or_default());
        if self.block.len() == BLOCK_SIZE {
            self.submit()?;
        }
        Ok(len)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use super::*;

    fn compress(content: &[u8], threads: usize) -> Vec<u8> {
        let threads = NonZeroUsize::new(threads).unwrap();
        let mut gzip = ParallelGzip::new(Vec::new(), Compression::new(1), threads).unwrap();
        gzip.write_all(content).unwrap();
        gzip.finish().unwrap()
    }

    #[test]
    fn any_number_of_threads_gives_the_same_bytes() {
        for len in [0, 1, BLOCK_SIZE, 5 * BLOCK_SIZE + 7] {
            let content: Vec<u8> = (0..len).map(|n| u8::try_from((n + n / 70_000) % 251).unwrap()).collect();
            let one = compress(&content, 1);
            assert!(compress(&content, 2) == one && compress(&content, 5) == one);
            let mut back = Vec::new();
            flate2::read::MultiGzDecoder::new(one.as_slice()).read_to_end(&mut back).unwrap();
            assert!(back == content, "{len} bytes");
        }
    }
}
