//! A private authority, and the certificate of a server on loopback.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose};
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use super::error::{Doing, LabError};

/// Certificate and key of a server, and the authority to trust for it.
#[derive(Debug)]
pub(crate) struct Tls {
    ca_pem: String,
    certificate: PathBuf,
    key: PathBuf,
}

impl Tls {
    /// Makes an authority and a certificate for `localhost` and the loopback addresses; files go to `dir`.
    pub(crate) fn create(dir: &Path) -> Result<Self, LabError> {
        const TASK: &str = "make a certificate";
        let ca_key = KeyPair::generate().doing(TASK)?;
        let params = authority().doing(TASK)?;
        let ca_pem = params.self_signed(&ca_key).doing(TASK)?.pem();
        let issuer = Issuer::new(params, ca_key);

        let server_key = KeyPair::generate().doing(TASK)?;
        let names = ["localhost", "127.0.0.1", "::1"].map(str::to_owned);
        let server = CertificateParams::new(names).and_then(|p| p.signed_by(&server_key, &issuer)).doing(TASK)?;

        let (certificate, key) = (dir.join("server.pem"), dir.join("server.key"));
        fs::write(&certificate, server.pem()).doing(TASK)?;
        fs::write(&key, server_key.serialize_pem()).doing(TASK)?;
        Ok(Self { ca_pem, certificate, key })
    }

    /// The authority's certificate.
    pub(crate) fn ca_pem(&self) -> &str {
        &self.ca_pem
    }

    /// The file of the server's certificate.
    pub(crate) fn certificate(&self) -> &Path {
        &self.certificate
    }

    /// The file of the server's key.
    pub(crate) fn key(&self) -> &Path {
        &self.key
    }

    /// The same certificate for a server of our own.
    pub(crate) fn server_config(&self) -> Result<Arc<ServerConfig>, LabError> {
        const TASK: &str = "configure TLS";
        let chain = CertificateDer::pem_file_iter(&self.certificate).doing(TASK)?.collect::<Result<Vec<_>, _>>();
        let key = PrivateKeyDer::from_pem_file(&self.key).doing(TASK)?;
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder =
            ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().doing(TASK)?;
        let config = builder.with_no_client_auth().with_single_cert(chain.doing(TASK)?, key).doing(TASK)?;
        Ok(Arc::new(config))
    }
}

fn authority() -> Result<CertificateParams, rcgen::Error> {
    let mut params = CertificateParams::new(Vec::<String>::new())?;
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.distinguished_name.push(DnType::CommonName, "lab authority");
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::DigitalSignature];
    Ok(params)
}
