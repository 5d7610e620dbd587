use oras_registry::{Builder, Server};
use oras_transport::HttpClientBuilder;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};

/// A certificate authority that nobody knows.
pub(crate) struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    pub(crate) fn new() -> Self {
        let mut params = CertificateParams::new([]).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    /// Lets a client trust it, and nobody else.
    pub(crate) fn trust(&self, builder: HttpClientBuilder) -> HttpClientBuilder {
        builder.without_system_roots().with_root_certificates(self.0.pem().as_bytes()).unwrap()
    }

    /// A server over TLS, known as `localhost`.
    pub(crate) async fn serve(&self, builder: Builder) -> Server {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(["localhost".to_owned()]).unwrap();
        let certificate = params.signed_by(&key, &self.0).unwrap();
        builder.with_tls(certificate.pem(), key.serialize_pem()).start().await.unwrap()
    }
}
