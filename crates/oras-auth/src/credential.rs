use std::fmt;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::HeaderValue;

/// Who somebody is to a registry: a user name with a password, a refresh token, an access token, or nobody.
///
/// Neither `Debug` nor anything else prints a secret.
#[derive(Clone, Default, PartialEq, Eq, Hash)]
pub struct Credential {
    username: String,
    password: String,
    refresh_token: String,
    access_token: String,
}

impl Credential {
    /// Nobody in particular.
    pub fn anonymous() -> Self {
        Self::default()
    }

    /// A user name and a password.
    pub fn password(username: impl Into<String>, password: impl Into<String>) -> Self {
        Self { username: username.into(), password: password.into(), ..Self::default() }
    }

    /// A refresh token, also called identity token: a token server makes access tokens of it. The registry never sees it.
    pub fn refresh_token(token: impl Into<String>) -> Self {
        Self { refresh_token: token.into(), ..Self::default() }
    }

    /// An access token, also called registry token: it goes to the registry as it is.
    pub fn access_token(token: impl Into<String>) -> Self {
        Self { access_token: token.into(), ..Self::default() }
    }

    /// The same with a user name and a password besides a token.
    #[must_use]
    pub fn with_password(mut self, username: impl Into<String>, password: impl Into<String>) -> Self {
        self.username = username.into();
        self.password = password.into();
        self
    }

    /// The same with a refresh token besides what is there.
    #[must_use]
    pub fn with_refresh_token(mut self, token: impl Into<String>) -> Self {
        self.refresh_token = token.into();
        self
    }

    /// The same with an access token besides what is there.
    #[must_use]
    pub fn with_access_token(mut self, token: impl Into<String>) -> Self {
        self.access_token = token.into();
        self
    }

    /// Whether it is nobody in particular.
    pub fn is_anonymous(&self) -> bool {
        *self == Self::default()
    }

    /// The user name; empty when there is none.
    pub fn username(&self) -> &str {
        &self.username
    }

    /// The password, for those who store it; empty when there is none.
    pub fn expose_password(&self) -> &str {
        &self.password
    }

    /// The refresh token, for those who store it; empty when there is none.
    pub fn expose_refresh_token(&self) -> &str {
        &self.refresh_token
    }

    /// The access token, for those who store it; empty when there is none.
    pub fn expose_access_token(&self) -> &str {
        &self.access_token
    }

    /// Whose it is, in words; none when it is nobody's in particular.
    pub(crate) fn holder(&self) -> Option<String> {
        match (self.username.as_str(), self.access_token.is_empty()) {
            _ if self.is_anonymous() => None,
            ("", true) => Some("the holder of a refresh token".to_owned()),
            ("", false) => Some("the holder of an access token".to_owned()),
            (user, _) => Some(format!("the user {user}")),
        }
    }

    pub(crate) fn has_password(&self) -> bool {
        !self.username.is_empty() && !self.password.is_empty()
    }
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("Credential");
        debug.field("username", &self.username);
        for (name, secret) in
            [("password", &self.password), ("refresh_token", &self.refresh_token), ("access_token", &self.access_token)]
        {
            if !secret.is_empty() {
                debug.field(name, &format_args!("***"));
            }
        }
        debug.finish()
    }
}

/// `Authorization: Basic`.
pub(crate) fn basic(username: &str, password: &str) -> HeaderValue {
    let encoded = STANDARD.encode(format!("{username}:{password}"));
    sensitive(&format!("Basic {encoded}")).unwrap_or_else(|| HeaderValue::from_static("Basic"))
}

/// `Authorization: Bearer`; none for a token that fits into no header.
pub(crate) fn bearer(token: &str) -> Option<HeaderValue> {
    sensitive(&format!("Bearer {token}"))
}

fn sensitive(text: &str) -> Option<HeaderValue> {
    let mut value = HeaderValue::from_str(text).ok()?;
    value.set_sensitive(true);
    Some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prints_no_secret() {
        let credential =
            Credential::password("me", "hunter2").with_refresh_token("hunter3").with_access_token("hunter4");
        let text = format!("{credential:?} {:?} {:?}", basic("me", "hunter2"), bearer("hunter4"));
        assert!(text.contains("me") && !text.contains("hunter") && !text.contains("aHVudGVy"), "{text}");
    }
}
