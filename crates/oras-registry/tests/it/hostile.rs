//! Input that nobody should send.

use std::{fs, sync::LazyLock, time::Duration};

use oras_descriptor::Digest;
use oras_registry::{Accounts, AuthScheme, Limits, Permission, Server};
use proptest::{collection::vec, prelude::*, sample::select};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    runtime::Runtime,
};

use crate::client::{Answer, Client, manifest, raw};

const CASES: u32 = 2_000;

static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Runtime::new().unwrap());

/// The registries that get everything, each over another storage and another way of auth.
static CLIENTS: LazyLock<Vec<Client>> = LazyLock::new(|| {
    let limits = Limits::with(|limits| {
        limits.sessions = 100;
        limits.blob = Some(1 << 20);
        limits.min_chunk = Some(4);
        limits.idle = Duration::from_secs(5);
    });
    let accounts = Accounts::new().with_anonymous([Permission::all()]);
    let builder = || Server::builder().with_limits(limits.clone());
    RUNTIME.block_on(async {
        let plain = crate::memory::setup::client(builder()).await;
        let basic = crate::memory::setup::client(builder().with_auth(AuthScheme::Basic, accounts)).await;
        let disk = crate::disk::setup::client(builder().with_sparse(true)).await;
        for client in [&plain, &disk] {
            client.push_blob("a", "x").await;
            let index = r#"{"schemaVersion":2,"manifests":[]}"#;
            let headers = [("content-type", "application/vnd.oci.image.index.v1+json")];
            client.send("PUT", "/v2/a/manifests/v1", &headers, index).await;
        }
        vec![plain, basic, disk]
    })
});

fn segment() -> impl Strategy<Value = String> {
    let known = [
        "v2",
        "a",
        "a/b",
        "blobs",
        "uploads",
        "manifests",
        "tags",
        "list",
        "referrers",
        "_catalog",
        "_oci",
        "token",
        "..",
        ".",
        "",
        "%2e%2e",
        "%2F",
        "%00",
        "%ff",
        "v1",
        "sha256:x",
        "sha512",
        "_uploads",
        "session.json",
        "index.json",
        "artifacts-uploads",
        "artifacts-downloads",
    ];
    let digests = [Digest::of(b"x").to_string(), Digest::of(b"").to_string(), "md5:00".to_owned()];
    prop_oneof![
        8 => select(known.map(str::to_owned).to_vec()),
        3 => select(digests.to_vec()),
        1 => "[A-Za-z0-9%._~:@!$'()*+,;=-]{0,300}",
        1 => Just("a".repeat(10_000)),
    ]
}

fn parameter() -> impl Strategy<Value = String> {
    let names = select(vec![
        "digest",
        "mount",
        "from",
        "n",
        "last",
        "tag",
        "artifactType",
        "digest-algorithm",
        "scope",
        "_session",
    ]);
    let values = prop_oneof![
        select(vec![
            "",
            "0",
            "1",
            "-1",
            "99999999999999999999",
            "a",
            "../x",
            "%",
            "%zz",
            "sha256:",
            "sha256",
            "~",
            "a+b"
        ])
        .prop_map(str::to_owned),
        Just(Digest::of(b"x").to_string()),
        "[A-Za-z0-9%._~:@!$'()*+,;=/?-]{0,40}",
    ];
    (names, values).prop_map(|(name, value)| format!("{name}={value}"))
}

fn header() -> impl Strategy<Value = (&'static str, String)> {
    let names = select(vec![
        "range",
        "content-range",
        "content-type",
        "if-match",
        "if-none-match",
        "if-range",
        "accept",
        "authorization",
        "content-length",
        "host",
        "x-odd",
    ]);
    let values = prop_oneof![
        select(vec![
            "bytes=0-",
            "bytes=-",
            "bytes=--1",
            "bytes=18446744073709551615-",
            "0-18446744073709551615",
            "0-0",
            "1-0",
            "*",
            "\"",
            "W/\"x\"",
            "Basic Og==",
            "Basic !",
            "Bearer",
            "Bearer x",
            "application/vnd.oci.image.index.v1+json",
            "application/vnd.oci.image.manifest.v1+json",
            ";;;",
            "",
        ])
        .prop_map(str::to_owned),
        "[ -~]{0,60}",
    ];
    (names, values)
}

fn body() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        Just(Vec::new()),
        Just(b"x".to_vec()),
        vec(any::<u8>(), 0..200),
        (1_usize..3000).prop_map(|depth| "[".repeat(depth).into_bytes()),
        (1_usize..3000).prop_map(|depth| r#"{"config":"#.repeat(depth).into_bytes()),
        select(vec![
            r#"{"schemaVersion":2,"manifests":null}"#,
            r#"{"schemaVersion":2,"manifests":[{"size":-1}]}"#,
            r#"{"schemaVersion":2,"manifests":[],"subject":{"digest":"sha256:x","size":1}}"#,
            r#"{"schemaVersion":2,"manifests":[],"annotations":{"a":1}}"#,
            r#"{"schemaVersion":1e999}"#,
            "\u{feff}{}",
        ])
        .prop_map(|text| text.as_bytes().to_vec()),
    ]
}

fn assert_sane(answer: &Answer, request: &dyn std::fmt::Debug) {
    assert!(answer.status.as_u16() < 500, "{} for {request:?}: {}", answer.status, answer.text());
    if answer.status.is_client_error() && !answer.body.is_empty() {
        let code = answer.code();
        assert!(code.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_'), "{code}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: CASES, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_request_makes_it_fail(
        method in select(vec!["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "BREW"]),
        segments in vec(segment(), 0..7),
        parameters in vec(parameter(), 0..3),
        headers in vec(header(), 0..4),
        body in body(),
        in_repository in any::<bool>(),
    ) {
        let start = if in_repository { "/v2/a/" } else { "/" };
        let target = format!("{start}{}?{}", segments.join("/"), parameters.join("&"));
        // What http itself refuses never comes to the registry.
        prop_assume!(target.parse::<http::Uri>().is_ok());
        let headers: Vec<_> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let clients = &*CLIENTS;
        RUNTIME.block_on(async {
            for client in clients {
                let answer = client.send(method, &target, &headers, body.clone()).await;
                assert_sane(&answer, &(method, &target, &headers));
            }
        });
    }

    #[test]
    fn no_sequence_of_chunks_makes_it_fail(
        steps in vec((0_usize..4, prop::option::of((0_u64..20, 0_u64..20)), 0_usize..20), 1..12),
    ) {
        let clients = &*CLIENTS;
        RUNTIME.block_on(async {
            for client in clients {
                let opened = client.post("/v2/a/blobs/uploads/").await;
                assert_eq!(opened.status, 202);
                let location = opened.header("location").to_owned();
                for (kind, range, size) in &steps {
                    let body = vec![7; *size];
                    let range = range.map(|(first, last)| format!("{first}-{last}"));
                    let headers: Vec<_> = range.iter().map(|range| ("content-range", range.as_str())).collect();
                    let answer = match kind {
                        0 => client.get(&location).await,
                        1 => client.send("PUT", &format!("{location}?digest={}", Digest::of(&body)), &headers, body).await,
                        _ => client.send("PATCH", &location, &headers, body).await,
                    };
                    assert_sane(&answer, &steps);
                }
                client.delete(&location).await;
            }
        });
    }
}

#[tokio::test]
async fn no_name_leaves_the_root() {
    let client = crate::disk::setup::sparse().await;
    let root = client.1.as_ref().unwrap().path().to_owned();
    let digest = Digest::of(b"x");
    for name in [
        "..",
        "../out",
        "a/../../out",
        "%2e%2e/out",
        "a/%2e%2e%2f%2e%2e%2fout",
        "/etc",
        "a//b",
        "a/_oci",
        "_uploads",
        "a\\..\\out",
    ] {
        for target in [
            format!("/v2/{name}/blobs/uploads/?digest={digest}"),
            format!("/v2/a/blobs/uploads/?mount={digest}&from={name}"),
        ] {
            if target.parse::<http::Uri>().is_ok() {
                let answer = client.send("POST", &target, &[], "x").await;
                assert!(answer.status.is_client_error(), "{target}: {}", answer.status);
            }
        }
        client.push(&format!("/v2/{}/manifests/x", name.replace('\\', "%5c")), &manifest("x")).await;
    }
    for digest in ["sha256:../../../out", "sha256%3A..%2F..%2Fout", "../blobs:x", "sha256:.", "x/..:y"] {
        assert!(client.get(&format!("/v2/a/blobs/{digest}")).await.status.is_client_error());
        assert!(client.post(&format!("/v2/a/blobs/uploads/?digest={digest}")).await.status.is_client_error());
    }
    let above: Vec<_> = fs::read_dir(root.parent().unwrap()).unwrap().filter_map(|entry| entry.ok()).collect();
    assert!(above.iter().all(|entry| entry.file_name() != "out"));
    assert!(fs::read_dir(&root).unwrap().all(|entry| entry.unwrap().file_name() == "_uploads"), "nothing was stored");
}

#[tokio::test]
async fn garbage_on_the_wire_is_answered_or_dropped() {
    let server = Server::builder().start().await.unwrap();
    let long = format!("GET /v2/{} HTTP/1.1\r\nhost: h\r\n\r\n", "a".repeat(1_000_000));
    let many = format!("GET /v2/ HTTP/1.1\r\n{}\r\n", "x: y\r\n".repeat(10_000));
    let cases: [&[u8]; 9] = [
        b"\x00\x01\x02\r\n\r\n",
        b"GET\r\n\r\n",
        b"GET /v2/ HTTP/9.9\r\n\r\n",
        b"GET http:// HTTP/1.1\r\n\r\n",
        b"POST /v2/a/blobs/uploads/ HTTP/1.1\r\nhost: h\r\ncontent-length: x\r\n\r\n",
        b"POST /v2/a/blobs/uploads/ HTTP/1.1\r\nhost: h\r\ncontent-length: -1\r\n\r\n",
        b"PUT /v2/a/manifests/x HTTP/1.1\r\nhost: h\r\ntransfer-encoding: chunked\r\nconnection: close\r\n\r\nzz\r\n",
        long.as_bytes(),
        many.as_bytes(),
    ];
    for case in cases {
        let answer = raw(server.addr(), case).await;
        let head = String::from_utf8_lossy(&answer.bytes);
        assert!(head.is_empty() || head.starts_with("HTTP/1.1 4"), "{head}");
    }
    assert!(raw(server.addr(), &crate::client::request("GET", "/v2/")).await.head().starts_with("http/1.1 200"));
}

#[tokio::test]
async fn hundreds_of_slow_clients_keep_nobody_waiting() {
    let client = crate::disk::setup::sparse().await;
    let root = client.1.as_ref().unwrap().path();
    let server = Server::builder().with_root(root).start().await.unwrap();
    let opened = raw(server.addr(), &crate::client::request("POST", "/v2/a/blobs/uploads/")).await.head();
    let location = opened.lines().find_map(|line| line.strip_prefix("location: ")).unwrap();
    let content = vec![7; 2 * 1024 * 1024];
    let digest = Digest::of(&content);
    let mut put = format!(
        "PUT {location}?digest={digest} HTTP/1.1\r\nhost: h\r\nconnection: close\r\ncontent-length: {}\r\n\r\n",
        content.len()
    )
    .into_bytes();
    put.extend(&content);
    assert!(raw(server.addr(), &put).await.head().starts_with("http/1.1 201"));
    let mut slow = Vec::new();
    // More than there are blocking threads, and less in all than the system gives to sockets.
    for _ in 0..600 {
        let mut stream = TcpStream::connect(server.addr()).await.unwrap();
        stream.write_all(&crate::client::request("GET", &format!("/v2/a/blobs/{digest}"))).await.unwrap();
        let mut start = [0; 16];
        stream.read_exact(&mut start).await.unwrap();
        slow.push(stream);
    }
    let get = crate::client::request("GET", &format!("/v2/a/blobs/{digest}"));
    let quick = tokio::time::timeout(Duration::from_secs(20), raw(server.addr(), &get));
    assert_eq!(quick.await.unwrap().body(), content);
}
