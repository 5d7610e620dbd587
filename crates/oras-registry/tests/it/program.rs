//! The program, as a process of its own.

use std::{
    collections::HashMap,
    io::{BufRead as _, BufReader},
    net::SocketAddr,
    path::Path,
    process::{Child, Command, Stdio},
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use bytes::Bytes;
use http::{Request, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use oras_descriptor::Digest;
use tokio::{net::TcpStream, task::JoinSet};

use crate::client::{Document, manifest, raw, request};

/// The size of a test: that of every run, unless the environment asks for a longer one.
fn size(variable: &str, usual: u64) -> u64 {
    std::env::var(variable).map_or(usual, |text| text.parse().unwrap())
}

/// A running program, killed when it is dropped.
struct Program {
    child: Child,
    addr: SocketAddr,
}

impl Program {
    fn start(args: &[&str]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_oras-registry"));
        command.args(["serve", "--addr", "127.0.0.1:0"]).args(args).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        Self { addr: line.trim().parse().unwrap(), child }
    }

    fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Memory in use, in KiB.
    #[cfg(target_os = "linux")]
    fn memory(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        line.split_whitespace().next().unwrap().parse().unwrap()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // Both fail only when it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A client with a connection that it keeps.
struct Connection {
    sender: SendRequest<Full<Bytes>>,
    _driver: JoinSet<()>,
}

impl Connection {
    async fn open(addr: SocketAddr) -> Option<Self> {
        let stream = TcpStream::connect(addr).await.ok()?;
        let (sender, connection) = handshake(TokioIo::new(stream)).await.ok()?;
        let mut driver = JoinSet::new();
        driver.spawn(async move {
            // How a connection ends is seen by its requests.
            let _ = connection.await;
        });
        Some(Self { sender, _driver: driver })
    }

    /// An answer; nothing when the server is gone.
    async fn send(&mut self, method: &str, target: &str, media_type: &str, body: Bytes) -> Option<(StatusCode, Bytes)> {
        let request =
            Request::builder().method(method).uri(target).header("host", "h").header("content-type", media_type);
        self.sender.ready().await.ok()?;
        let response = self.sender.send_request(request.body(Full::new(body)).unwrap()).await.ok()?;
        let status = response.status();
        assert!(!status.is_server_error(), "{method} {target}: {status}");
        let body = response.into_body().collect().await.ok()?.to_bytes();
        Some((status, body))
    }

    async fn push_blob(&mut self, name: &str, content: Bytes) -> Option<Digest> {
        let digest = Digest::of(&content);
        let target = format!("/v2/{name}/blobs/uploads/?digest={digest}");
        let (status, _) = self.send("POST", &target, "application/octet-stream", content).await?;
        assert_eq!(status, 201);
        Some(digest)
    }

    async fn push(&mut self, name: &str, reference: &str, document: &Document) -> Option<()> {
        let target = format!("/v2/{name}/manifests/{reference}");
        let (status, body) = self.send("PUT", &target, document.0.as_str(), document.1.clone()).await?;
        assert_eq!(status, 201, "{body:?}");
        Some(())
    }
}

#[tokio::test]
async fn prints_its_address_and_stops_when_told() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().to_str().unwrap();
    let mut program = Program::start(&["--root", root, "--auth", "basic", "--user", "me:secret", "--log", "info"]);
    assert!(raw(program.addr, &request("GET", "/v2/?secret")).await.head().starts_with("http/1.1 401"));
    let status = Command::new("kill").arg(program.child.id().to_string()).status().unwrap();
    assert!(status.success());
    assert!(program.child.wait().unwrap().success());
    let mut log = String::new();
    std::io::Read::read_to_string(program.child.stderr.as_mut().unwrap(), &mut log).unwrap();
    assert!(log.starts_with("INFO answered method=GET path=\"/v2/\" status=401 millis="), "{log}");
}

#[test]
fn words_that_make_no_sense_are_refused() {
    for args in
        [&["--user", "me"][..], &["--auth", "basic", "--user", "me"], &["--tls-cert", "x"], &["--free", "/nowhere"]]
    {
        let mut command = Command::new(env!("CARGO_BIN_EXE_oras-registry"));
        let output = command.arg("serve").args(args).output().unwrap();
        assert!(!output.status.success() && output.stdout.is_empty(), "{args:?}");
    }
}

/// What was acknowledged: content by repository and path.
type Acknowledged = Arc<Mutex<HashMap<String, Digest>>>;

/// What one client does until the server is gone.
struct Work {
    addr: SocketAddr,
    name: String,
    client: u64,
    count: Arc<AtomicU64>,
    done: Acknowledged,
}

impl Work {
    async fn push_on(self) {
        let mut random = fastrand::Rng::with_seed(self.client);
        let Some(mut connection) = Connection::open(self.addr).await else { return };
        while self.push_once(&mut connection, &mut random).await.is_some() {
            self.count.fetch_add(1, Ordering::Relaxed);
        }
    }

    async fn push_once(&self, connection: &mut Connection, random: &mut fastrand::Rng) -> Option<()> {
        let (name, done) = (&self.name, || self.done.lock().unwrap());
        let content: Vec<u8> = (0..random.usize(1..100_000)).map(|_| random.u8(..)).collect();
        let digest = connection.push_blob(name, content.into()).await?;
        done().insert(format!("/v2/{name}/blobs/{digest}"), digest);
        let document = manifest(&random.u64(..).to_string());
        let digest = document.digest();
        connection.push(name, digest.as_str(), &document).await?;
        done().insert(format!("/v2/{name}/manifests/{digest}"), digest.clone());
        let tag = format!("c{}-{}", self.client, random.u8(..10));
        let path = format!("/v2/{name}/manifests/{tag}");
        // Once the push has been sent, either manifest is a right answer until it is acknowledged.
        done().remove(&path);
        connection.push(name, &tag, &document).await?;
        done().insert(path, digest);
        Some(())
    }
}

async fn assert_all_there(addr: SocketAddr, done: &Acknowledged) {
    let expected = done.lock().unwrap().clone();
    let mut connection = Connection::open(addr).await.unwrap();
    for (path, digest) in expected {
        let (status, body) = connection.send("GET", &path, "", Bytes::new()).await.unwrap();
        assert_eq!((status.as_u16(), Digest::of(&body)), (200, digest), "{path}");
    }
}

fn serve_disk(root: &Path) -> Program {
    Program::start(&["--root", root.to_str().unwrap(), "--sparse"])
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_acknowledged_survives_being_killed() {
    const CLIENTS: u64 = 4;

    let kills = size("ORAS_TEST_KILLS", 10);
    let dir = tempfile::tempdir().unwrap();
    let done = Acknowledged::default();
    let mut random = fastrand::Rng::with_seed(7);
    for kill in 0..kills {
        let mut program = serve_disk(dir.path());
        let count = Arc::new(AtomicU64::new(0));
        let mut clients = JoinSet::new();
        for client in 0..CLIENTS {
            let work = Work {
                addr: program.addr,
                // Two share a repository, so that its index is changed from two sides.
                name: format!("kill/{}", client / 2),
                client: kill * CLIENTS + client,
                count: Arc::clone(&count),
                done: Arc::clone(&done),
            };
            clients.spawn(work.push_on());
        }
        let enough = random.u64(1..40);
        while count.load(Ordering::Relaxed) < enough {
            tokio::task::yield_now().await;
        }
        program.kill();
        clients.join_all().await;
        let program = serve_disk(dir.path());
        assert_all_there(program.addr, &done).await;
    }
    println!("figures: {kills} kills, {} acknowledged writes", done.lock().unwrap().len());
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn mixed_load_loses_and_tears_nothing() {
    const CLIENTS: u64 = 64;
    let dir = tempfile::tempdir().unwrap();
    let program = serve_disk(dir.path());
    let deadline = Instant::now() + Duration::from_secs(size("ORAS_TEST_LOAD_SECONDS", 5));
    let mut clients = JoinSet::new();
    for client in 0..CLIENTS {
        clients.spawn(mixed(program.addr, client, deadline));
    }
    let requests: u64 = clients.join_all().await.into_iter().sum();
    assert!(requests > CLIENTS * 10, "{requests} requests");
    let memory = program.memory();
    assert!(memory < 96 * 1024, "{memory} KiB");
    println!("figures: {CLIENTS} clients, {requests} requests, {memory} KiB at the end");
}

/// Pushes, pulls, deletes and moves tags, in a repository of its own and in one that all share.
async fn mixed(addr: SocketAddr, client: u64, deadline: Instant) -> u64 {
    let mut random = fastrand::Rng::with_seed(client);
    let mut connection = Connection::open(addr).await.unwrap();
    let own = format!("load/own{client}");
    let mut mine: HashMap<String, Digest> = HashMap::new();
    let mut requests = 0;
    while Instant::now() < deadline {
        requests += 1;
        match random.u8(..6) {
            0 => {
                let content: Bytes = (0..random.usize(..50_000)).map(|_| random.u8(..)).collect::<Vec<_>>().into();
                let digest = connection.push_blob(&own, content).await.unwrap();
                mine.insert(format!("/v2/{own}/blobs/{digest}"), digest);
            }
            1 => {
                let (document, tag) = (manifest(&random.u64(..).to_string()), format!("t{}", random.u8(..4)));
                connection.push(&own, &tag, &document).await.unwrap();
                mine.insert(format!("/v2/{own}/manifests/{tag}"), document.digest());
            }
            2 => {
                let Some(path) = mine.keys().next().cloned() else { continue };
                let (status, _) = connection.send("DELETE", &path, "", Bytes::new()).await.unwrap();
                assert_eq!(status, 202, "{path}");
                mine.remove(&path);
                assert_eq!(connection.send("GET", &path, "", Bytes::new()).await.unwrap().0, 404);
            }
            3 => {
                let shared = manifest(&random.u8(..20).to_string());
                connection.push("load/shared", "moving", &shared).await.unwrap();
            }
            4 => {
                let (status, body) =
                    connection.send("GET", "/v2/load/shared/manifests/moving", "", Bytes::new()).await.unwrap();
                let is_known = (0..20).any(|n: u8| manifest(&n.to_string()).1 == body);
                assert!(status == 404 || is_known, "{status} {body:?}");
            }
            _ => {
                for (path, digest) in &mine {
                    let (status, body) = connection.send("GET", path, "", Bytes::new()).await.unwrap();
                    assert_eq!((status.as_u16(), &Digest::of(&body)), (200, digest), "{path}");
                }
            }
        }
    }
    requests
}
