use std::{io, sync::Arc};

use oras_registry::{Accounts, AuthScheme, Server};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem::PemObject as _};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};
use tokio_rustls::TlsConnector;

/// An authority, and a certificate of it with its key, as PEM.
struct Certificates {
    authority: String,
    certificate: String,
    key: String,
}

fn certificates() -> Certificates {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    let certificate = params.signed_by(&key, &authority).unwrap();
    Certificates { authority: authority.pem(), certificate: certificate.pem(), key: key.serialize_pem() }
}

/// What comes back over TLS, and which protocol was agreed on.
async fn exchange(
    server: &Server,
    trusted: &str,
    identity: Option<&Certificates>,
    alpn: &[u8],
) -> io::Result<(Vec<u8>, String)> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(trusted.as_bytes()).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let builder = builder.with_root_certificates(roots);
    let mut config = match identity {
        None => builder.with_no_client_auth(),
        Some(own) => {
            let chain = vec![CertificateDer::from_pem_slice(own.certificate.as_bytes()).unwrap()];
            let key = PrivateKeyDer::from_pem_slice(own.key.as_bytes()).unwrap();
            builder.with_client_auth_cert(chain, key).unwrap()
        }
    };
    config.alpn_protocols = vec![alpn.to_vec()];
    let stream = TcpStream::connect(server.addr()).await?;
    let mut stream =
        TlsConnector::from(Arc::new(config)).connect(ServerName::try_from("localhost").unwrap(), stream).await?;
    let protocol = String::from_utf8_lossy(stream.get_ref().1.alpn_protocol().unwrap_or_default()).into_owned();
    let mut answer = Vec::new();
    if protocol == "http/1.1" {
        let request = format!("GET /v2/ HTTP/1.1\r\nhost: {}\r\nconnection: close\r\n\r\n", server.host());
        stream.write_all(request.as_bytes()).await?;
        stream.read_to_end(&mut answer).await?;
    }
    Ok((answer, protocol))
}

#[tokio::test]
async fn speaks_tls_and_says_so() {
    let own = certificates();
    let builder = Server::builder().with_auth(AuthScheme::Token, Accounts::new());
    let server = builder.with_tls(own.certificate.as_str(), own.key.as_str()).start().await.unwrap();
    assert!(server.url().starts_with("https://localhost:"));
    let (answer, _) = exchange(&server, &own.authority, None, b"http/1.1").await.unwrap();
    let answer = String::from_utf8(answer).unwrap();
    assert!(answer.contains(&format!("realm=\"{}/token\"", server.url())), "{answer}");
    assert_eq!(exchange(&server, &own.authority, None, b"h2").await.unwrap().1, "h2");
    assert!(exchange(&server, &certificates().authority, None, b"h2").await.is_err());
}

#[tokio::test]
async fn can_ask_clients_for_certificates() {
    let (own, clients) = (certificates(), certificates());
    let builder = Server::builder().with_tls(own.certificate.as_str(), own.key.as_str());
    let server = builder.with_client_authorities(clients.authority.as_str()).start().await.unwrap();
    let (answer, _) = exchange(&server, &own.authority, Some(&clients), b"http/1.1").await.unwrap();
    assert!(answer.starts_with(b"HTTP/1.1 200"));
    for identity in [None, Some(&own)] {
        assert!(exchange(&server, &own.authority, identity, b"http/1.1").await.is_err());
    }
}

#[tokio::test]
async fn unusable_certificates_are_refused_at_the_start() {
    let own = certificates();
    for builder in [
        Server::builder().with_tls("nonsense", own.key.as_str()),
        Server::builder().with_tls(own.certificate.as_str(), "nonsense"),
        Server::builder().with_tls(own.certificate.as_str(), certificates().key),
        Server::builder().with_client_authorities(own.authority.as_str()),
    ] {
        assert_eq!(builder.start().await.unwrap_err().kind(), io::ErrorKind::InvalidInput);
    }
}
