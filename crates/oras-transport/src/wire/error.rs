use std::{error::Error as StdError, io};

use http::Uri;
use oras_content::{Error, ErrorKind};
use rustls::CertificateError;

use crate::{headers::redacted, origin::Origin};

/// What became of a request without a response.
pub(super) fn sending(uri: &Uri, error: hyper_util::client::legacy::Error) -> Error {
    if let Some(ours) = Error::find_in(&error) {
        return ours.clone();
    }
    let host = Origin::of(uri).map_or_else(|| redacted(uri), |origin| origin.to_string());
    let cause = Cause::of(&error);
    let message = match (&cause, error.is_connect()) {
        (Cause::Tls(why), _) => format!("no TLS connection to {host}: {why}"),
        (Cause::NotHttp, _) => format!("{host} does not answer with HTTP; if it speaks TLS, ask it with https"),
        (cause, true) => format!("no connection to {host}: {}", cause.as_str()),
        (cause, false) => format!("the request to {} failed: {}", redacted(uri), cause.as_str()),
    };
    Error::new(cause.kind(), message).with_retryable(cause.may_pass()).with_source(error)
}

/// What became of a response whose body broke.
pub(super) fn reading(uri: &Uri, error: hyper::Error) -> Error {
    if let Some(ours) = Error::find_in(&error) {
        return ours.clone();
    }
    let cause = Cause::of(&error);
    let message = format!("the response of {} broke: {}", redacted(uri), cause.as_str());
    Error::new(cause.kind(), message).with_retryable(true).with_source(error)
}

enum Cause {
    Refused,
    Gone,
    TimedOut,
    Tls(String),
    NotHttp,
    Name,
    Other(String),
}

impl Cause {
    fn of(error: &(dyn StdError + 'static)) -> Self {
        let mut last = error;
        let mut current = Some(error);
        while let Some(error) = current {
            if let Some(cause) = Self::of_one(error) {
                return cause;
            }
            last = error;
            current = error.source();
        }
        Self::Other(last.to_string())
    }

    fn of_one(error: &(dyn StdError + 'static)) -> Option<Self> {
        if let Some(error) = error.downcast_ref::<rustls::Error>() {
            return Some(Self::Tls(explain(error)));
        }
        if let Some(error) = error.downcast_ref::<hyper::Error>() {
            return match error {
                error if error.is_parse() => Some(Self::NotHttp),
                error if error.is_canceled() || error.is_closed() || error.is_incomplete_message() => Some(Self::Gone),
                error if error.is_timeout() => Some(Self::TimedOut),
                _ => None,
            };
        }
        let error = error.downcast_ref::<io::Error>()?;
        // `io::Error::source` skips the error it was made of.
        if let Some(cause) = error.get_ref().and_then(|inner| Self::of_one(inner)) {
            return Some(cause);
        }
        match error.kind() {
            io::ErrorKind::ConnectionRefused => Some(Self::Refused),
            io::ErrorKind::TimedOut => Some(Self::TimedOut),
            io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::BrokenPipe
            | io::ErrorKind::UnexpectedEof
            | io::ErrorKind::NotConnected => Some(Self::Gone),
            _ if error.to_string().contains("lookup address") => Some(Self::Name),
            _ => None,
        }
    }

    /// A refusal, an unknown name and a bad certificate stay what they are; waiting for them only hides a typing error.
    fn may_pass(&self) -> bool {
        matches!(self, Self::Gone | Self::TimedOut | Self::Other(_))
    }

    fn kind(&self) -> ErrorKind {
        if matches!(self, Self::TimedOut) { ErrorKind::Timeout } else { ErrorKind::Io }
    }

    fn as_str(&self) -> &str {
        match self {
            Self::Refused => "connection refused: is it running, and is the port right?",
            Self::Gone => "the connection was closed",
            Self::TimedOut => "timed out",
            Self::NotHttp => "the answer is no HTTP",
            Self::Name => "no such host name",
            Self::Tls(text) | Self::Other(text) => text,
        }
    }
}

fn explain(error: &rustls::Error) -> String {
    let explained = match error {
        rustls::Error::InvalidCertificate(error) => explain_certificate(error),
        rustls::Error::InvalidMessage(_) => Some("it does not speak TLS; if it speaks plain http, ask it with that"),
        _ => None,
    };
    explained.map_or_else(|| error.to_string(), str::to_owned)
}

fn explain_certificate(error: &CertificateError) -> Option<&'static str> {
    use CertificateError as E;
    Some(match error {
        E::UnknownIssuer | E::BadSignature => {
            "its certificate is signed by an authority that is not known here; add that authority's certificate"
        }
        E::Expired | E::ExpiredContext { .. } => "its certificate has expired, or the clock here is wrong",
        E::NotValidYet | E::NotValidYetContext { .. } => "its certificate is not valid yet, or the clock here is wrong",
        E::NotValidForName | E::NotValidForNameContext { .. } => "its certificate is for another host name",
        // webpki's own error, of a type that is not to be had here.
        E::Other(other) if other.to_string().contains("CaUsedAsEndEntity") => {
            "its certificate is that of an authority, and such a one cannot be a server's; have it made for the server"
        }
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_with_a_certificate_is_said_in_words() {
        let rows = [
            (CertificateError::UnknownIssuer, "authority that is not known here"),
            (CertificateError::Expired, "expired"),
            (CertificateError::NotValidYet, "not valid yet"),
            (CertificateError::NotValidForName, "another host name"),
        ];
        for (error, words) in rows {
            let text = explain(&rustls::Error::InvalidCertificate(error));
            assert!(text.contains(words), "{text}");
        }
    }

    #[test]
    fn what_is_not_known_stays_as_it_is() {
        assert_eq!(explain(&rustls::Error::DecryptError), rustls::Error::DecryptError.to_string());
    }
}
