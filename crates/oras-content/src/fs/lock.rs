use std::{
    fs::{File, TryLockError},
    time::{Duration, Instant},
};

/// How long a lock is waited for: an abandoned writer ends within one chunk, which takes a slow disk a moment.
const PATIENCE: Duration = Duration::from_millis(500);

/// The first pause, which doubles each time.
const FIRST_PAUSE: Duration = Duration::from_millis(1);

/// Takes the lock of a partial file, for blocking threads only; says whether it could be had.
///
/// When a push is dropped, its thread holds the file until it has written the chunk that it is at. An attempt that
/// follows at once waits that moment, so that it goes on where the earlier one ended. A writer that is alive keeps the
/// lock, and the caller writes another file.
pub fn lock_abandoned(file: &File) -> bool {
    let (deadline, mut pause) = (Instant::now() + PATIENCE, FIRST_PAUSE);
    loop {
        match file.try_lock() {
            Ok(()) => return true,
            Err(TryLockError::WouldBlock) if Instant::now() < deadline => {}
            // Where locks are not supported, a file of its own does as well.
            Err(_) => return false,
        }
        #[expect(
            clippy::disallowed_methods,
            reason = "on a blocking thread; the condition is a lock of another thread"
        )]
        std::thread::sleep(pause);
        pause *= 2;
    }
}
