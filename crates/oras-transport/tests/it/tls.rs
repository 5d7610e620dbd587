use std::sync::{Arc, Mutex};

use oras_content::ErrorKind;
use oras_transport::{HttpClient, HttpClientBuilder, RetryPolicy};
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

struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::new([]).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    fn pem(&self) -> String {
        self.0.pem()
    }

    fn issue(&self, name: &str) -> (rcgen::Certificate, KeyPair) {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new([name.to_owned()]).unwrap();
        (params.signed_by(&key, &self.0).unwrap(), key)
    }

    /// Serves `localhost` over TLS; with `clients` only those whom that authority signed. Notes the protocol of each
    /// connection.
    async fn serve(&self, clients: Option<&Self>) -> (String, Arc<Mutex<Vec<Option<Vec<u8>>>>>) {
        let (certificate, key) = self.issue("localhost");
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
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let protocols = Arc::new(Mutex::new(Vec::new()));
        let sink = Arc::clone(&protocols);
        let address = listen(move |_, stream| {
            let (acceptor, sink) = (acceptor.clone(), Arc::clone(&sink));
            async move {
                if let Ok(stream) = acceptor.accept(stream).await {
                    sink.lock().unwrap().push(stream.get_ref().1.alpn_protocol().map(<[u8]>::to_vec));
                    serve_ok(stream).await;
                }
            }
        })
        .await;
        (address.replace("127.0.0.1", "localhost"), protocols)
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
    let (address, protocols) = authority.serve(None).await;
    let client = builder().with_root_certificates(authority.pem().as_bytes()).unwrap().build();
    assert_eq!(ask(&client, &address).await.unwrap(), 200);
    assert_eq!(*protocols.lock().unwrap(), [Some(b"http/1.1".to_vec())]);

    let stranger = builder().with_root_certificates(Authority::new().pem().as_bytes()).unwrap().build();
    let error = ask(&stranger, &address).await.unwrap_err();
    assert_eq!((error.kind(), error.is_retryable()), (ErrorKind::Io, false));
    assert!(error.to_string().contains("add that authority's certificate"), "{error}");
}

#[tokio::test]
async fn a_certificate_of_another_name_is_refused() {
    let authority = Authority::new();
    let (address, _) = authority.serve(None).await;
    let client = builder().with_root_certificates(authority.pem().as_bytes()).unwrap().build();
    let error = ask(&client, &address.replace("localhost", "127.0.0.1")).await.unwrap_err();
    assert!(error.to_string().contains("no TLS connection"), "{error}");
}

#[tokio::test]
async fn a_client_certificate_opens_what_is_closed_to_others() {
    let (authority, clients) = (Authority::new(), Authority::new());
    let (address, _) = authority.serve(Some(&clients)).await;
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
