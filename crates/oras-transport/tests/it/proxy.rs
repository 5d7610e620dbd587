use std::sync::{Arc, Mutex};

use oras_content::ErrorKind;
use oras_transport::{HttpClient, HttpClientBuilder, RetryPolicy};
use tokio::io::AsyncWriteExt as _;

use crate::{
    support::{get, header, listen, read_head, serve_ok},
    tls::Authority,
};

fn builder(variables: &[(&'static str, String)]) -> HttpClientBuilder {
    let variables = variables.to_vec();
    HttpClient::builder()
        .with_retry(RetryPolicy::none())
        .without_system_roots()
        .with_proxies(move |name| variables.iter().find(|(found, _)| *found == name).map(|(_, value)| value.clone()))
}

/// A proxy that passes on nothing, answers plain requests itself and lets `acceptor` answer behind tunnels.
async fn proxy(acceptor: Option<tokio_rustls::TlsAcceptor>) -> (String, Arc<Mutex<Vec<String>>>) {
    let heads = Arc::new(Mutex::new(Vec::new()));
    let sink = Arc::clone(&heads);
    let address = listen(move |_, mut stream| {
        let (acceptor, sink) = (acceptor.clone(), Arc::clone(&sink));
        async move {
            while let Some(head) = read_head(&mut stream).await {
                let asks = head.lines().next().unwrap().to_owned();
                let who = header(&head, "proxy-authorization").unwrap_or("-").to_owned();
                sink.lock().unwrap().push(format!("{asks} {who}"));
                match &acceptor {
                    Some(acceptor) if asks.starts_with("CONNECT") => {
                        stream.write_all(b"HTTP/1.1 200 Connection established\r\nVia: x\r\n\r\n").await.unwrap();
                        serve_ok(acceptor.accept(stream).await.unwrap()).await;
                        return;
                    }
                    None if asks.starts_with("CONNECT") => {
                        stream.write_all(b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n").await.unwrap();
                    }
                    _ => stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").await.unwrap(),
                }
            }
        }
    })
    .await;
    (address, heads)
}

#[tokio::test]
async fn plain_requests_are_passed_on_by_a_proxy_that_is_told_who_asks() {
    let (address, heads) = proxy(None).await;
    let client = builder(&[("http_proxy", format!("http://me:p%40ss@{address}"))]).build();
    for _ in 0..2 {
        assert_eq!(client.send(get("http://registry.test/v2/")).await.unwrap().status(), 200);
    }
    let expected = "GET http://registry.test/v2/ HTTP/1.1 Basic bWU6cEBzcw==";
    assert_eq!(*heads.lock().unwrap(), [expected, expected]);
}

#[tokio::test]
async fn tls_goes_through_a_tunnel() {
    let authority = Authority::new();
    let (address, heads) = proxy(Some(authority.acceptor("registry.test", None, "http/1.1"))).await;
    let client =
        builder(&[("HTTPS_PROXY", address)]).with_root_certificates(authority.pem().as_bytes()).unwrap().build();
    let mut request = get("https://registry.test/v2/");
    request.headers_mut().insert("authorization", "Bearer secret".parse().unwrap());
    assert_eq!(client.send(request).await.unwrap().status(), 200);
    assert_eq!(*heads.lock().unwrap(), ["CONNECT registry.test:443 HTTP/1.1 -"]);
}

#[tokio::test]
async fn a_refused_tunnel_is_told() {
    let (address, _) = proxy(None).await;
    let root = Authority::new().pem();
    let client = builder(&[("all_proxy", address)]).with_root_certificates(root.as_bytes()).unwrap().build();
    let error = client.send(get("https://registry.test/v2/")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Io);
    assert!(error.to_string().contains("407"), "{error}");
}

#[tokio::test]
async fn this_machine_and_exceptions_are_asked_directly() {
    let (address, heads) = proxy(None).await;
    let direct = listen(|_, stream| serve_ok(stream)).await;
    let client = builder(&[("http_proxy", address.clone())]).build();
    for url in [format!("http://{direct}/"), format!("http://{}/", direct.replace("127.0.0.1", "localhost"))] {
        assert_eq!(client.send(get(&url)).await.unwrap().status(), 200);
    }
    assert!(heads.lock().unwrap().is_empty());

    for (exceptions, url, goes_through) in [
        ("", "http://registry.test/", true),
        ("*", "http://registry.test/", false),
        ("registry.test", "http://registry.test/", false),
        ("registry.test", "http://a.registry.test/", false),
        (".registry.test", "http://a.registry.test/", false),
        (".registry.test", "http://registry.test/", true),
        ("*.registry.test", "http://a.registry.test/", false),
        ("egistry.test", "http://registry.test/", true),
        ("registry.test:81", "http://registry.test/", true),
        ("other, registry.test:80", "http://registry.test/", false),
        ("192.0.2.0/24", "http://192.0.2.7/", false),
        ("192.0.2.0/24", "http://192.0.3.7/", true),
        ("192.0.2.7", "http://192.0.2.7/", false),
        ("0.0.0.0/0", "http://192.0.2.7/", false),
        ("2001:db8::/32", "http://[2001:db8::1]/", false),
        ("2001:db8::/32", "http://[2001:db9::1]/", true),
        ("[2001:db8::1]", "http://[2001:db8::1]/", false),
        ("[2001:db8::1]:80", "http://[2001:db8::1]/", false),
        ("[2001:db8::1]:81", "http://[2001:db8::1]/", true),
        ("10.0.0.0/99", "http://10.0.0.1/", true),
    ] {
        let variables = [("http_proxy", address.clone()), ("NO_PROXY", exceptions.to_owned())];
        let mut timeouts = oras_transport::Timeouts::default();
        timeouts.connect = std::time::Duration::from_millis(200);
        let client = builder(&variables).with_timeouts(timeouts).build();
        // What goes directly finds nobody: these names and addresses are for documentation.
        assert_eq!(client.send(get(url)).await.is_ok(), goes_through, "{url} with no_proxy {exceptions:?}");
    }
}

#[tokio::test]
async fn a_cgi_program_takes_no_proxy_from_a_caller_and_other_proxies_are_refused_without_their_secrets() {
    let variables = [("REQUEST_METHOD", "GET".to_owned()), ("HTTP_PROXY", "http://127.0.0.1:1".to_owned())];
    let direct = builder(&variables).build().send(get("http://registry.test/")).await.unwrap_err();
    assert!(!direct.to_string().contains("refused"), "{direct}");

    for proxy in ["socks5://me:hunter2@127.0.0.1:1", "https://me:hunter2@127.0.0.1:1", "http://me:hunter2@exa mple"] {
        let error =
            builder(&[("http_proxy", proxy.to_owned())]).build().send(get("http://registry.test/")).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
        assert!(!format!("{error:?}").contains("hunter2"), "{error:?}");
    }
}
