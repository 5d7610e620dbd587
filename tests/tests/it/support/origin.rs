use std::sync::{Arc, Mutex};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

/// The heads of all requests that came to an [`Origin`].
#[derive(Clone, Debug, Default)]
pub(crate) struct Heads(Arc<Mutex<Vec<String>>>);

impl Heads {
    pub(crate) fn all(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }

    /// Asserts that nobody brought a credential or a secret here.
    #[track_caller]
    pub(crate) fn assert_clean(&self, secrets: &[&str]) {
        for head in self.all() {
            let lower = head.to_ascii_lowercase();
            for header in ["authorization:", "cookie:", "proxy-authorization:"] {
                assert!(!lower.contains(header), "a credential came here: {head}");
            }
            for secret in secrets {
                assert!(!head.contains(secret), "a secret came here: {head}");
            }
        }
    }
}

/// A server on a port of its own that records every request and answers as it is told, once a connection.
#[derive(Debug)]
pub(crate) struct Origin {
    port: u16,
    heads: Heads,
    task: JoinHandle<()>,
}

impl Origin {
    /// `answer` gets method and target, `GET /v2/`, and whether there was an `Authorization`; it gives status and headers.
    pub(crate) async fn start(answer: impl Fn(&str, bool) -> String + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let heads = Heads::default();
        let (answer, sink) = (Arc::new(answer), heads.clone());
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, Arc::clone(&answer), sink.clone()));
            }
        });
        Self { port, heads, task }
    }

    /// One that has nothing.
    pub(crate) async fn of_nothing() -> Self {
        Self::start(|_, _| "404 Not Found\r\n".to_owned()).await
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    pub(crate) fn heads(&self) -> &Heads {
        &self.heads
    }
}

impl Drop for Origin {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(mut stream: TcpStream, answer: Arc<impl Fn(&str, bool) -> String>, heads: Heads) {
    let mut bytes = Vec::new();
    while !bytes.windows(4).any(|window| window == b"\r\n\r\n") {
        match stream.read_buf(&mut bytes).await {
            Ok(1..) => {}
            _ => return,
        }
    }
    let head = String::from_utf8_lossy(&bytes).into_owned();
    let line: Vec<_> = head.split(' ').take(2).collect();
    let is_known = head.to_ascii_lowercase().contains("\r\nauthorization:");
    heads.0.lock().unwrap().push(head.clone());
    let text = answer(&line.join(" "), is_known);
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or_else(|| (text.trim_end(), ""));
    let text =
        format!("HTTP/1.1 {}\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}", head.trim_end(), body.len());
    // Who asked may be gone.
    let _ = stream.write_all(text.as_bytes()).await;
    let _ = stream.shutdown().await;
    // A body that nobody reads would end the connection by reset.
    let _ = tokio::io::copy(&mut stream, &mut tokio::io::sink()).await;
}
