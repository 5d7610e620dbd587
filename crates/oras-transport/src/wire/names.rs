use std::{
    future,
    io::Result,
    net::{Ipv4Addr, Ipv6Addr, SocketAddr},
    task::{Context, Poll},
    vec,
};

use futures_core::future::BoxFuture;
use hyper_util::client::legacy::connect::dns::{GaiResolver, Name};
use tower_service::Service;

/// Finds the addresses of hosts: the system's resolver, but for the names that always mean this machine
/// (RFC 6761 section 6.3). So they mean it whatever the system was told, and no thread is asked.
#[derive(Clone)]
pub(super) struct Names(GaiResolver);

impl Names {
    pub(super) fn new() -> Self {
        Self(GaiResolver::new())
    }
}

impl Service<Name> for Names {
    type Response = vec::IntoIter<SocketAddr>;
    type Error = std::io::Error;
    type Future = BoxFuture<'static, Result<Self::Response>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<()>> {
        self.0.poll_ready(cx)
    }

    fn call(&mut self, name: Name) -> Self::Future {
        if is_of_here(name.as_str()) {
            // Whoever connects puts the port in. IPv4 goes first: more servers listen there alone than the other way round.
            let here = [(Ipv4Addr::LOCALHOST, 0).into(), (Ipv6Addr::LOCALHOST, 0).into()];
            return Box::pin(future::ready(Ok(Vec::from(here).into_iter())));
        }
        let found = self.0.call(name);
        Box::pin(async move { Ok(found.await?.collect::<Vec<_>>().into_iter()) })
    }
}

/// Whether a host is `localhost` or under it; a dot may end any name.
fn is_of_here(host: &str) -> bool {
    let host = host.strip_suffix('.').unwrap_or(host);
    host.rsplit('.').next().is_some_and(|last| last.eq_ignore_ascii_case("localhost"))
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn addresses(name: &str) -> Result<Vec<SocketAddr>> {
        Ok(Names::new().call(name.parse().unwrap()).await?.collect())
    }

    #[tokio::test]
    async fn names_of_this_machine_need_no_resolver() {
        for name in ["localhost", "LocalHost", "localhost.", "registry.localhost", "nobody-made.this.name.localhost"] {
            let found = addresses(name).await.unwrap();
            assert_eq!(found, ["127.0.0.1:0".parse().unwrap(), "[::1]:0".parse().unwrap()], "{name}");
        }
    }

    #[test]
    fn names_that_only_look_like_it_are_asked_for() {
        for name in ["notlocalhost", "localhost.example.com", "local", "", "."] {
            assert!(!is_of_here(name), "{name}");
        }
    }
}
