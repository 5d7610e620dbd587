use std::{
    convert::Infallible,
    sync::{Arc, Mutex},
};

use oras_content::{Blob, Error, ErrorKind};
use oras_transport::{HttpBody, HttpClient, HttpClientBuilder, RetryPolicy};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        RootCertStore, ServerConfig,
        pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer},
        server::WebPkiClientVerifier,
    },
};

use crate::support::{get, listen, serve_ok};

pub(crate) struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    pub(crate) fn new() -> Self {
        let mut params = CertificateParams::new([]).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    pub(crate) fn pem(&self) -> String {
        self.0.pem()
    }

    fn issue(&self, name: &str) -> (rcgen::Certificate, KeyPair) {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new([name.to_owned()]).unwrap();
        (params.signed_by(&key, &self.0).unwrap(), key)
    }

    /// Speaks TLS as `name`; with `clients` only to those whom that authority signed.
    pub(crate) fn acceptor(&self, name: &str, clients: Option<&Self>, protocol: &str) -> TlsAcceptor {
        let (certificate, key) = self.issue(name);
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ServerConfig::builder_with_provider(Arc::clone(&provider)).with_safe_default_protocol_versions();
        let builder = match clients {
            None => builder.unwrap().with_no_client_auth(),
            Some(clients) => {
                let mut roots = RootCertStore::empty();
                roots.add(clients.0.der().clone()).unwrap();
                let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build().unwrap();
                builder.unwrap().with_client_cert_verifier(verifier)
            }
        };
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let mut config = builder.with_single_cert(vec![certificate.der().clone()], key).unwrap();
        config.alpn_protocols = vec![protocol.as_bytes().to_vec()];
        TlsAcceptor::from(Arc::new(config))
    }

    /// Serves `localhost` over TLS.
    async fn serve(&self, clients: Option<&Self>) -> String {
        let acceptor = self.acceptor("localhost", clients, "http/1.1");
        let address = listen(move |_, stream| {
            let acceptor = acceptor.clone();
            async move {
                if let Ok(stream) = acceptor.accept(stream).await {
                    serve_ok(stream).await;
                }
            }
        })
        .await;
        address.replace("127.0.0.1", "localhost")
    }
}

fn builder() -> HttpClientBuilder {
    HttpClient::builder().with_retry(RetryPolicy::none()).without_system_roots()
}

async fn ask(client: &HttpClient, address: &str) -> oras_content::Result<u16> {
    Ok(client.send(get(&format!("https://{address}/v2/"))).await?.status().as_u16())
}

#[tokio::test]
async fn an_extra_root_is_trusted_and_an_unknown_one_explained() {
    let authority = Authority::new();
    let address = authority.serve(None).await;
    let client = builder().with_root_certificates(authority.pem().as_bytes()).unwrap().build();
    assert_eq!(ask(&client, &address).await.unwrap(), 200);

    let stranger = builder().with_root_certificates(Authority::new().pem().as_bytes()).unwrap().build();
    let error = ask(&stranger, &address).await.unwrap_err();
    assert_eq!((error.kind(), error.is_retryable()), (ErrorKind::Io, false));
    assert!(error.to_string().contains("add that authority's certificate"), "{error}");
}

/// Serves `localhost` with HTTP/2 where it is offered, and notes the version of each request.
async fn serve_any_version(authority: &Authority) -> (String, Arc<Mutex<Vec<http::Version>>>) {
    let versions = Arc::new(Mutex::new(Vec::new()));
    let sink = Arc::clone(&versions);
    let (two, one) = (authority.acceptor("localhost", None, "h2"), authority.acceptor("localhost", None, "http/1.1"));
    let address = listen(move |at, stream| {
        // The first connection offers HTTP/2, the second one does not.
        let (acceptor, versions) = (if at == 0 { two.clone() } else { one.clone() }, Arc::clone(&sink));
        async move {
            let Ok(stream) = acceptor.accept(stream).await else { return };
            let io = hyper_util::rt::TokioIo::new(stream);
            let answer = hyper::service::service_fn(move |request: hyper::Request<hyper::body::Incoming>| {
                versions.lock().unwrap().push(request.version());
                async move { Ok::<_, Infallible>(hyper::Response::new(request.into_body())) }
            });
            let executor = hyper_util::rt::TokioExecutor::new();
            if at == 0 {
                hyper::server::conn::http2::Builder::new(executor).serve_connection(io, answer).await.unwrap();
            } else {
                hyper::server::conn::http1::Builder::new().serve_connection(io, answer).await.unwrap();
            }
        }
    })
    .await;
    (address.replace("127.0.0.1", "localhost"), versions)
}

#[tokio::test]
async fn http_2_is_spoken_where_it_is_offered_unless_it_is_switched_off() {
    let authority = Authority::new();
    let (address, versions) = serve_any_version(&authority).await;
    let with_root = || builder().with_root_certificates(authority.pem().as_bytes()).unwrap();
    for client in [with_root().build(), with_root().http1_only().build()] {
        let body = HttpBody::from_blob(Blob::from_bytes(vec![7; 3 << 20].into()));
        let request = http::Request::put(format!("https://{address}/")).body(body).unwrap();
        let echoed = client.send(request).await.unwrap().into_body().bytes(4 << 20).await.unwrap();
        assert!(echoed == vec![7; 3 << 20]);
    }
    assert_eq!(*versions.lock().unwrap(), [http::Version::HTTP_2, http::Version::HTTP_11]);
}

#[tokio::test]
async fn an_error_of_the_source_comes_back_over_http_2_too() {
    let authority = Authority::new();
    let (address, _) = serve_any_version(&authority).await;
    let client = builder().with_root_certificates(authority.pem().as_bytes()).unwrap().build();
    let failure = Error::new(ErrorKind::Denied, "the source says no");
    let chunks = futures_util::stream::iter([Ok(bytes::Bytes::from_static(b"x")), Err(failure)]);
    let body = HttpBody::from_blob(Blob::from_stream(Some(8), chunks));
    let request = http::Request::put(format!("https://{address}/")).body(body).unwrap();
    // The echo begins to answer before the body has ended, so the failure is seen there.
    let error = match client.send(request).await {
        Err(error) => error,
        Ok(response) => response.into_body().bytes(100).await.unwrap_err(),
    };
    assert_eq!((error.kind(), error.is_from_blob()), (ErrorKind::Denied, true), "{error:?}");
}

#[tokio::test]
async fn a_certificate_of_another_name_is_refused() {
    let authority = Authority::new();
    let address = authority.serve(None).await;
    let client = builder().with_root_certificates(authority.pem().as_bytes()).unwrap().build();
    let error = ask(&client, &address.replace("localhost", "127.0.0.1")).await.unwrap_err();
    assert!(error.to_string().contains("no TLS connection"), "{error}");
}

#[tokio::test]
async fn a_client_certificate_opens_what_is_closed_to_others() {
    let (authority, clients) = (Authority::new(), Authority::new());
    let address = authority.serve(Some(&clients)).await;
    let with_root = || builder().with_root_certificates(authority.pem().as_bytes()).unwrap();
    assert_eq!(ask(&with_root().build(), &address).await.unwrap_err().kind(), ErrorKind::Io);

    let (certificate, key) = clients.issue("me");
    let (certificate, key) = (certificate.pem(), key.serialize_pem());
    let known = with_root().with_client_certificate(certificate.as_bytes(), key.as_bytes()).unwrap().build();
    assert_eq!(ask(&known, &address).await.unwrap(), 200);

    let directory = tempfile::tempdir().unwrap();
    let of_host = directory.path().join(&address);
    std::fs::create_dir(&of_host).unwrap();
    for (name, text) in [("ca.crt", authority.pem()), ("client.cert", certificate), ("client.key", key)] {
        std::fs::write(of_host.join(name), text).unwrap();
    }
    let client = builder().with_certs_dirs([directory.path().to_owned()]).build();
    assert_eq!(ask(&client, &address).await.unwrap(), 200);
    std::fs::write(of_host.join("ca.crt"), "-----BEGIN CERTIFICATE-----\n%%%\n-----END CERTIFICATE-----\n").unwrap();
    let broken = builder().with_certs_dirs([directory.path().to_owned()]).build();
    assert!(ask(&broken, &address).await.unwrap_err().to_string().contains("ca.crt"));
}

#[tokio::test]
async fn https_to_a_plain_server_is_explained() {
    let address = listen(|_, mut stream| async move {
        use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
        let mut hello = [0; 64];
        let _some = stream.read(&mut hello).await;
        let _sent = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
    })
    .await;
    let client = builder().with_root_certificates(Authority::new().pem().as_bytes()).unwrap().build();
    let error = ask(&client, &address).await.unwrap_err();
    assert!(error.to_string().contains("plain http"), "{error}");
}

#[tokio::test]
async fn no_roots_at_all_is_said() {
    let error = ask(&builder().build(), "localhost:1").await.unwrap_err();
    assert!(error.to_string().contains("no root certificates"), "{error}");
}

#[test]
fn what_is_no_pem_is_refused_when_it_is_given() {
    for text in ["", "hello", "-----BEGIN CERTIFICATE-----\n%%%\n-----END CERTIFICATE-----\n"] {
        assert_eq!(builder().with_root_certificates(text.as_bytes()).unwrap_err().kind(), ErrorKind::Io);
        assert_eq!(
            builder().with_client_certificate(text.as_bytes(), text.as_bytes()).unwrap_err().kind(),
            ErrorKind::Io
        );
    }
}
