//! A token service for distribution's token authentication: both ways of asking that the
//! [documentation](https://distribution.github.io/distribution/spec/auth/token/) knows.
//!
//! One user may do what is asked for; anybody else, anonymous included, gets 401.

use std::fs;
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, SystemTime};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use serde_json::{Map, Value, json};

use super::error::{Doing, LabError};
use super::http::{self, Request};
use super::jwt::{LIFETIME, Signer};
use super::registries::User;
use super::tls::Tls;

/// The issuer that the registry is told to trust.
pub(crate) const ISSUER: &str = "lab-issuer";
/// The service that tokens are for.
pub(crate) const SERVICE: &str = "lab-registry";
/// Given to whoever asks for an offline token, and taken back for an access token.
const REFRESH_TOKEN: &str = "lab-refresh-token";

/// A running service; it ends when dropped.
#[derive(Debug)]
pub(crate) struct TokenService {
    address: SocketAddr,
    office: Arc<Office>,
    certificate: PathBuf,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug)]
struct Office {
    signer: Signer,
    user: User,
    tls: Option<Arc<ServerConfig>>,
}

impl TokenService {
    /// Starts a service for one user, over TLS if the registry speaks it; the certificate of its key goes to `dir`.
    pub(crate) fn start(dir: &Path, user: &User, tls: Option<&Tls>) -> Result<Self, LabError> {
        const TASK: &str = "start a token service";
        let signer = Signer::create(ISSUER)?;
        let certificate = dir.join("token.pem");
        fs::write(&certificate, signer.certificate_pem()).doing(TASK)?;
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).doing(TASK)?;
        let address = listener.local_addr().doing(TASK)?;
        let stop = Arc::new(AtomicBool::new(false));
        let office = Arc::new(Office { signer, user: user.clone(), tls: tls.map(Tls::server_config).transpose()? });
        let thread = thread::spawn({
            let (office, stop) = (Arc::clone(&office), Arc::clone(&stop));
            move || serve(&listener, &office, &stop)
        });
        Ok(Self { address, office, certificate, stop, thread: Some(thread) })
    }

    /// The URL to ask for tokens; by name, because careful clients refuse a realm at a loopback address.
    pub(crate) fn realm(&self) -> String {
        let scheme = if self.office.tls.is_some() { "https" } else { "http" };
        format!("{scheme}://localhost:{}/token", self.address.port())
    }

    /// A token that lets its holder pull from a repository, until an hour ago.
    pub(crate) fn expired_token(&self, repository: &str) -> Result<String, LabError> {
        let access = json!({ "type": "repository", "name": repository, "actions": ["pull"] });
        let issued = SystemTime::now() - Duration::from_secs(LIFETIME + 3600);
        self.office.signer.token(issued, &self.office.user.name, SERVICE, &[access])
    }

    /// The file of the certificate to trust.
    pub(crate) fn certificate(&self) -> &Path {
        &self.certificate
    }
}

impl Drop for TokenService {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        // Wakes the accept; when that is impossible the thread has ended already.
        let _ = TcpStream::connect(self.address);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn serve(listener: &TcpListener, office: &Arc<Office>, stop: &AtomicBool) {
    for stream in listener.incoming().flatten() {
        if stop.load(Ordering::SeqCst) {
            return;
        }
        let office = Arc::clone(office);
        // A client that breaks off is the client's business.
        thread::spawn(move || office.meet(stream).ok());
    }
}

impl Office {
    fn meet(&self, mut stream: TcpStream) -> io::Result<()> {
        stream.set_read_timeout(Some(http::SILENCE))?;
        let Some(config) = &self.tls else { return self.answer(&mut stream) };
        let connection = ServerConnection::new(Arc::clone(config)).map_err(io::Error::other)?;
        let mut stream = StreamOwned::new(connection, stream);
        self.answer(&mut stream)?;
        stream.conn.send_close_notify();
        stream.flush()
    }

    fn answer(&self, stream: &mut (impl Read + Write)) -> io::Result<()> {
        let request = Request::read(stream)?;
        if request.path != "/token" {
            return http::answer(stream, "404 Not Found", "{}");
        }
        if !self.knows(&request) {
            return http::answer(stream, "401 Unauthorized", "{}");
        }
        match self.grant(&request) {
            Ok(body) => http::answer(stream, "200 OK", &body.to_string()),
            Err(error) => http::answer(stream, "500 Internal Server Error", &json!(error.to_string()).to_string()),
        }
    }

    fn knows(&self, request: &Request) -> bool {
        if request.method == "GET" {
            let basic = STANDARD.encode(format!("{}:{}", self.user.name, self.user.password));
            return request.authorization == Some(format!("Basic {basic}"));
        }
        match request.value("grant_type") {
            Some("refresh_token") => request.value("refresh_token") == Some(REFRESH_TOKEN),
            Some("password") => {
                let User { name, password } = &self.user;
                request.value("username") == Some(name) && request.value("password") == Some(password)
            }
            _ => false,
        }
    }

    fn grant(&self, request: &Request) -> Result<Value, LabError> {
        let scopes = request.pairs.iter().filter(|(name, _)| name == "scope");
        let access: Vec<Value> =
            scopes.flat_map(|(_, value)| value.split_whitespace()).filter_map(parse_scope).collect();
        let service = request.value("service").unwrap_or_default();
        let token = self.signer.token(SystemTime::now(), &self.user.name, service, &access)?;
        let mut body = Map::new();
        body.insert("token".to_owned(), json!(token));
        body.insert("access_token".to_owned(), json!(token));
        body.insert("expires_in".to_owned(), json!(LIFETIME));
        if request.value("offline_token") == Some("true") || request.value("access_type") == Some("offline") {
            body.insert("refresh_token".to_owned(), json!(REFRESH_TOKEN));
        }
        Ok(body.into())
    }
}

/// Reads `type:name:action,action`; the name may hold colons.
fn parse_scope(scope: &str) -> Option<Value> {
    let (kind, rest) = scope.split_once(':')?;
    let (name, actions) = rest.rsplit_once(':')?;
    let actions: Vec<&str> = actions.split(',').collect();
    Some(json!({ "type": kind, "name": name, "actions": actions }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_in_a_scope_may_hold_colons() {
        let scope = parse_scope("repository:host:5000/a/b:pull,push").unwrap();
        assert_eq!(scope, json!({ "type": "repository", "name": "host:5000/a/b", "actions": ["pull", "push"] }));
        assert_eq!(parse_scope("repository:pull"), None);
    }

    #[test]
    fn tokens_are_for_the_one_user() {
        let dir = tempfile::tempdir().unwrap();
        let user = User { name: "lab".to_owned(), password: "secret".to_owned() };
        let service = TokenService::start(dir.path(), &user, None).unwrap();
        let ask = |method: &str, fields: &str, body: &str| {
            let target = format!("/token?service={SERVICE}&scope=repository:a:pull");
            http::ask(service.address, method, &target, fields, body.as_bytes()).unwrap().status
        };
        let basic = |text: &str| format!("Authorization: Basic {}\r\n", STANDARD.encode(text));
        assert_eq!(ask("GET", "", ""), 401);
        assert_eq!(ask("GET", &basic("lab:wrong"), ""), 401);
        assert_eq!(ask("GET", &basic("lab:secret"), ""), 200);
        assert_eq!(ask("POST", "", "grant_type=password&username=lab&password=secret"), 200);
        assert_eq!(ask("POST", "", "grant_type=refresh_token&refresh_token=other"), 401);
        assert_eq!(ask("POST", "", "grant_type=refresh_token&refresh_token=lab-refresh-token"), 200);
    }
}
