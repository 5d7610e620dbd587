use std::{
    fmt,
    future::Future as _,
    io,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
    time::{Instant, Sleep},
};
use tokio_rustls::server::TlsStream;

use super::Link;

/// How much of a request is thrown away after its answer, so that the client gets to read the answer.
const MAX_LINGER_BYTES: usize = 256 * 1024 * 1024;

/// How long that may take.
const MAX_LINGER: Duration = Duration::from_secs(5);

/// What a connection runs over.
pub(super) trait Transport: AsyncRead + AsyncWrite + Unpin + Send + 'static {
    fn tcp(&self) -> &TcpStream;
}

impl Transport for TcpStream {
    fn tcp(&self) -> &TcpStream {
        self
    }
}

impl Transport for TlsStream<TcpStream> {
    fn tcp(&self) -> &TcpStream {
        self.get_ref().0
    }
}

/// A connection that tells when it has nothing left to write, gives up on a client that does not read, ends by reset on
/// demand, and lets a client that is still sending read the answer before it closes.
pub(super) struct Connection<T: Transport> {
    transport: T,
    link: Link,
    idle: Duration,
    deadline: Option<Pin<Box<Sleep>>>,
    linger: Option<Linger>,
}

struct Linger {
    left: usize,
    deadline: Pin<Box<Sleep>>,
}

impl<T: Transport> Connection<T> {
    pub(super) fn new(transport: T, link: Link, idle: Duration) -> Self {
        Self { transport, link, idle, deadline: None, linger: None }
    }

    /// A write that made no progress is given some time, and no more.
    fn watch<R>(&mut self, cx: &mut Context<'_>, written: Poll<io::Result<R>>) -> Poll<io::Result<R>> {
        if written.is_ready() {
            self.deadline = None;
            return written;
        }
        let idle = self.idle;
        let deadline = self.deadline.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(Instant::now() + idle)));
        ready!(deadline.as_mut().poll(cx));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }

    /// Reads and forgets until the client closes: closing with unread bytes would reset the connection, and could take
    /// the answer away from the client.
    fn poll_linger(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let linger = self.linger.get_or_insert_with(|| Linger {
            left: MAX_LINGER_BYTES,
            deadline: Box::pin(tokio::time::sleep_until(Instant::now() + MAX_LINGER)),
        });
        let mut scratch = [0; 8192];
        while linger.left > 0 && linger.deadline.as_mut().poll(cx).is_pending() {
            let mut buffer = ReadBuf::new(&mut scratch);
            match Pin::new(&mut self.transport).poll_read(cx, &mut buffer) {
                Poll::Ready(Ok(())) if !buffer.filled().is_empty() => {
                    linger.left = linger.left.saturating_sub(buffer.filled().len());
                }
                Poll::Ready(_) => return Poll::Ready(Ok(())),
                Poll::Pending => return Poll::Pending,
            }
        }
        Poll::Ready(Ok(()))
    }
}

impl<T: Transport> AsyncRead for Connection<T> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.transport).poll_read(cx, buffer)
    }
}

impl<T: Transport> AsyncWrite for Connection<T> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.transport).poll_write(cx, bytes);
        self.watch(cx, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.transport).poll_write_vectored(cx, parts);
        self.watch(cx, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.transport.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.transport).poll_flush(cx);
        ready!(self.watch(cx, flushed))?;
        self.link.set_flushed();
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.linger.is_none() {
            let closed = Pin::new(&mut self.transport).poll_shutdown(cx);
            ready!(self.watch(cx, closed))?;
        }
        if self.link.is_unread() { self.poll_linger(cx) } else { Poll::Ready(Ok(())) }
    }
}

impl<T: Transport> Drop for Connection<T> {
    fn drop(&mut self) {
        if self.link.is_reset() {
            // A socket without the option is closed in the ordinary way.
            let _ = self.transport.tcp().set_zero_linger();
        }
    }
}

impl<T: Transport> fmt::Debug for Connection<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection").field("link", &self.link).finish_non_exhaustive()
    }
}
