use std::{
    fmt::{Debug, Write as _},
    sync::{Arc, Mutex},
};

use oras_transport::{HttpBody, HttpClient};
use tokio::io::AsyncWriteExt as _;
use tracing::{
    Event, Metadata, Subscriber,
    field::{Field, Visit},
    span,
};

use crate::support::{listen, read_head, serve_ok};

/// Keeps every event as text.
#[derive(Clone, Default)]
struct Keeper(Arc<Mutex<String>>);

impl Subscriber for Keeper {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target() == "oras::http"
    }

    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

    fn event(&self, event: &Event<'_>) {
        struct Text<'a>(&'a mut String);
        impl Visit for Text<'_> {
            fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
                write!(self.0, "{field}={value:?} ").unwrap();
            }
        }
        let mut text = self.0.lock().unwrap();
        event.record(&mut Text(&mut text));
        text.push('\n');
    }

    fn enter(&self, _: &span::Id) {}

    fn exit(&self, _: &span::Id) {}
}

#[tokio::test]
async fn a_log_shows_each_request_without_its_secrets() {
    let keeper = Keeper::default();
    let _guard = tracing::subscriber::set_default(keeper.clone());
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
