use std::sync::Arc;

use http::{HeaderName, Method, header, request::Parts};

use oras_reference::validate_repository;

use crate::{
    auth::{Actions, Caller, Need},
    behaviour::{Behaviour, Installed},
    query::Query,
    routes::{Route, Target},
};

/// A request apart from its body, and what is known of it.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) head: Parts,
    pub(crate) route: Route,
    pub(crate) query: Query,
    pub(crate) caller: Caller,
    /// Scheme and host, as the client sees them.
    pub(crate) base: String,
    installed: Arc<Installed>,
}

impl Call {
    pub(crate) fn new(head: Parts, mut route: Route, installed: Arc<Installed>, is_tls: bool) -> Self {
        let query = Query::parse(head.uri.query().unwrap_or_default());
        if let (Target::Uploads, Some(id)) = (&route.target, query.first(super::uploads::SESSION_PARAMETER)) {
            route.target = Target::Session(id.into());
        }
        let base = format!("{}://{}", if is_tls { "https" } else { "http" }, host(&head));
        Self { head, route, query, caller: Caller::Anyone, base, installed }
    }

    pub(crate) fn name(&self) -> &str {
        &self.route.name
    }

    pub(crate) fn quirks(&self) -> &Behaviour {
        &self.installed.behaviour
    }

    pub(crate) fn is_head(&self) -> bool {
        self.head.method == Method::HEAD
    }

    /// The first value of a header, if it is text.
    pub(crate) fn header(&self, name: HeaderName) -> Option<&str> {
        self.head.headers.get(name)?.to_str().ok()
    }

    /// All values of a header that is a list, without blanks.
    pub(crate) fn list(&self, name: HeaderName) -> Option<Vec<&str>> {
        let lines = self.head.headers.get_all(name);
        let has_any = lines.iter().next().is_some();
        let values = lines.iter().filter_map(|line| line.to_str().ok()).flat_map(|line| line.split(','));
        has_any.then(|| values.map(str::trim).collect())
    }

    /// The repository that a mount names as its source.
    pub(crate) fn mount_source(&self) -> Option<&str> {
        self.query
            .first("mount")
            .and_then(|_| self.query.first("from"))
            .filter(|from| validate_repository(from).is_ok())
    }

    /// What the request needs; nothing for the token endpoint, which asks for itself.
    pub(crate) fn need(&self) -> Option<Need<'_>> {
        let reads = matches!(self.head.method, Method::GET | Method::HEAD);
        let actions = match (&self.route.target, &self.head.method) {
            (Target::Token, _) => return None,
            (Target::Base | Target::Extensions | Target::Unknown | Target::BadName, _) => return Some(Need::Identity),
            (Target::Catalog, _) => return Some(Need::Catalog),
            (Target::Uploads | Target::Session(_), _) => Actions::PUSH,
            (_, &Method::DELETE) => Actions::DELETE,
            _ if reads => Actions::PULL,
            _ => Actions::PUSH,
        };
        Some(Need::Repository(self.name(), actions))
    }
}

/// The host as the client wrote it; anything odd becomes `localhost`, as it ends up in headers.
fn host(head: &Parts) -> String {
    let authority = head.uri.authority().map(|authority| authority.as_str());
    let host = authority.or_else(|| head.headers.get(header::HOST)?.to_str().ok());
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b".-_:[]".contains(&byte);
    host.filter(|host| !host.is_empty() && host.bytes().all(is_plain)).unwrap_or("localhost").to_owned()
}
