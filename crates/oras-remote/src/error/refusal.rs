//! What a person is told when a registry lets them not in.

use oras_auth::Refused;
use oras_content::ErrorKind;

/// Why a host refused, and what to do about it: the end of a sentence. `refused` is known where our own layer of
/// authentication asked.
pub(crate) fn explain(host: &str, kind: ErrorKind, refused: Option<&Refused>) -> String {
    let scopes = refused.map(|refused| &refused.scopes).filter(|scopes| !scopes.is_empty());
    let wanted = scopes.map_or_else(String::new, |scopes| format!(" for {scopes}"));
    let holder = refused.map(|refused| refused.holder.as_deref());
    match (kind, holder) {
        (ErrorKind::Denied, None) => String::new(),
        (ErrorKind::Denied, Some(None)) => {
            format!(": {host} forbids this to those it does not know{wanted}; log in to {host} if you have an account")
        }
        (ErrorKind::Denied, Some(Some(holder))) => format!(": {host} forbids this to {holder}{wanted}"),
        (_, None) => format!(": the password or token for {host} is missing, wrong or no longer valid; log in again"),
        (_, Some(None)) => {
            format!(": {host} wants a password or token{wanted}, and there is none; log in to {host} first")
        }
        (_, Some(Some(holder))) => format!(
            ": {host} does not accept {holder}{wanted}: the password or token is wrong, no longer valid or not enough; log \
             in again"
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_our_own_layer_little_is_known() {
        assert_eq!(explain("r.example", ErrorKind::Denied, None), "");
        let told = explain("r.example", ErrorKind::Unauthorized, None);
        assert!(told.contains("r.example") && told.ends_with("log in again"), "{told}");
    }
}
