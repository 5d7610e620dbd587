use std::{
    fmt::{Debug, Write as _},
    sync::{Arc, LazyLock, Mutex},
};

use oras_transport::{HttpBody, HttpClient};
use tokio::io::AsyncWriteExt as _;
use tracing::{
    Dispatch, Event, Metadata, Subscriber,
    field::{Field, Visit},
    span,
    subscriber::{DefaultGuard, NoSubscriber, set_default},
};

use crate::support::{listen, read_head, serve_ok};

/// Keeps every event and span as text.
#[derive(Clone, Default)]
struct Keeper(Arc<Mutex<String>>);

struct Text<'a>(&'a mut String);

impl Visit for Text<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        write!(self.0, "{field}={value:?} ").unwrap();
    }
}

impl Subscriber for Keeper {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target() == "oras::http"
    }

    fn new_span(&self, attributes: &span::Attributes<'_>) -> span::Id {
        let mut text = self.0.lock().unwrap();
        write!(text, "span {} ", attributes.metadata().name()).unwrap();
        attributes.record(&mut Text(&mut text));
        text.push('\n');
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, record: &span::Record<'_>) {
        record.record(&mut Text(&mut self.0.lock().unwrap()));
    }

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut text = self.0.lock().unwrap();
        event.record(&mut Text(&mut text));
        text.push('\n');
    }

    fn enter(&self, _: &span::Id) {}

    fn exit(&self, _: &span::Id) {}
}

/// Keeps what this thread does from now on.
///
/// While there is one subscriber alone, what another thread reaches first is taken for something that interests nobody; so
/// there is another.
fn keep() -> (Keeper, DefaultGuard) {
    static OTHER: LazyLock<Dispatch> = LazyLock::new(|| Dispatch::new(NoSubscriber::new()));
    LazyLock::force(&OTHER);
    let keeper = Keeper::default();
    let guard = set_default(keeper.clone());
    (keeper, guard)
}

#[tokio::test]
async fn a_log_shows_each_request_without_its_secrets() {
    let (keeper, _guard) = keep();
    let address = listen(|_, stream| serve_ok(stream)).await;
    let url = format!("http://{address}/v2/app/blobs/uploads/1?_state=hunter2&digest=sha256:abc");
    let request = http::Request::put(url)
        .header("authorization", "Bearer hunter2")
        .header("cookie", "hunter2")
        .header("x-api-key", "hunter2")
        .header("accept", "text/plain")
        .body(HttpBody::from_bytes("hunter2".into()))
        .unwrap();
    assert_eq!(HttpClient::new().send(request).await.unwrap().status(), 200);
    // One that nobody answers, and one that leads to nowhere.
    for url in ["http://me:hunter2@127.0.0.1:1/x?sig=hunter2".to_owned(), format!("http://{}/", leading_away().await)] {
        HttpClient::new().send(http::Request::get(url).body(HttpBody::empty()).unwrap()).await.unwrap_err();
    }
    let text = keeper.0.lock().unwrap().clone();
    assert!(text.contains("no response") && text.contains("status=307"), "{text}");
    for shown in
        ["method=PUT", "/v2/app/blobs/uploads/1", "digest=sha256:abc", "status=200", "text/plain", "authorization"]
    {
        assert!(text.contains(shown), "{shown}: {text}");
    }
    assert!(!text.contains("hunter2"), "{text}");
    let span = text.lines().find(|line| line.starts_with("span request")).unwrap();
    assert!(span.contains("host=\"127.0.0.1\"") && span.contains("bytes_sent=7"), "{span}");
    assert!(["elapsed=", "bytes_received="].iter().all(|field| text.contains(field)), "{text}");
}

#[tokio::test]
async fn each_retry_is_a_span() {
    let (keeper, _guard) = keep();
    let address = listen(|at, stream| async move { if at == 0 { drop(stream) } else { serve_ok(stream).await } }).await;
    let request = http::Request::get(format!("http://{address}/v2/")).body(HttpBody::empty()).unwrap();
    assert_eq!(HttpClient::new().send(request).await.unwrap().status(), 200);
    let text = keeper.0.lock().unwrap().clone();
    let spans: Vec<&str> = text.lines().filter(|line| line.starts_with("span ")).collect();
    assert_eq!(spans.len(), 3, "{text}");
    assert!(spans[0].starts_with("span request"));
    assert_eq!(spans[1].trim(), "span retry retries=1");
    assert!(spans[2].starts_with("span request"));
}

/// A server that redirects with secrets in its target.
async fn leading_away() -> String {
    listen(|_, mut stream| async move {
        if read_head(&mut stream).await.is_some() {
            let answer = "HTTP/1.1 307 Temporary Redirect\r\nlocation: ftp://me:hunter2@127.0.0.1/?sig=hunter2\r\n\
                          set-cookie: hunter2\r\ncontent-length: 0\r\n\r\n";
            stream.write_all(answer.as_bytes()).await.unwrap();
        }
    })
    .await
}
