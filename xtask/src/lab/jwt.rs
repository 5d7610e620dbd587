//! Signed tokens as distribution's token authentication takes them: ES256, with the certificate in the header.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use rcgen::{CertificateParams, KeyPair, SigningKey as _};
use serde_json::{Value, json};

use super::der::fixed_signature;
use super::error::{Doing, LabError};

/// Seconds a token is good for.
pub(crate) const LIFETIME: u64 = 300;

/// A key, its certificate, and the name it signs under.
#[derive(Debug)]
pub(crate) struct Signer {
    key: KeyPair,
    certificate: rcgen::Certificate,
    issuer: &'static str,
    count: AtomicU64,
}

impl Signer {
    /// Makes a key and a certificate for it.
    pub(crate) fn create(issuer: &'static str) -> Result<Self, LabError> {
        const TASK: &str = "make a key for tokens";
        let key = KeyPair::generate().doing(TASK)?;
        let certificate =
            CertificateParams::new([issuer.to_owned()]).and_then(|params| params.self_signed(&key)).doing(TASK)?;
        Ok(Self { key, certificate, issuer, count: AtomicU64::new(0) })
    }

    /// The certificate that a registry is to trust.
    pub(crate) fn certificate_pem(&self) -> String {
        self.certificate.pem()
    }

    /// Signs a token that was issued at a time, for `service` that allows `access`, a list of `{type, name, actions}`.
    pub(crate) fn token(
        &self,
        issued: SystemTime,
        subject: &str,
        service: &str,
        access: &[Value],
    ) -> Result<String, LabError> {
        const TASK: &str = "sign a token";
        let issued = issued.duration_since(UNIX_EPOCH).doing(TASK)?.as_secs();
        let header = json!({ "typ": "JWT", "alg": "ES256", "x5c": [STANDARD.encode(self.certificate.der())] });
        let claims = json!({
            "iss": self.issuer, "sub": subject, "aud": service, "access": access,
            "iat": issued, "nbf": issued.saturating_sub(10), "exp": issued + LIFETIME,
            "jti": self.count.fetch_add(1, Ordering::Relaxed).to_string(),
        });
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let text = format!("{}.{}", part(&header), part(&claims));
        let der = self.key.sign(text.as_bytes()).doing(TASK)?;
        let signature = fixed_signature(&der).ok_or("not an ECDSA signature").doing(TASK)?;
        Ok(format!("{text}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }
}
