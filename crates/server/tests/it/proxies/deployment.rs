//! Keyrack, a proxy that verifies requests with it, and a service behind the proxy.

use std::fs;
use std::path::Path;
use std::process::Child;

use regex::{Captures, Regex};
use reqwest::{Client, Method, RequestBuilder};
use serde_json::Value;
use tempfile::TempDir;

use super::echo::echo;
use super::program::Program;
use crate::api::Api;
use crate::harness::{Answer, SLUG, client, send, wait_until};

/// The headers that Keyrack, a proxy, and a service exchange about a request.
pub(super) const KEYRACK_HEADERS: [&str; 7] = [
    "X-Keyrack-Key",
    "X-Keyrack-Workspace",
    "X-Keyrack-Scopes",
    "X-Keyrack-For-Workspace",
    "X-Keyrack-Permission",
    "X-Keyrack-Proxy",
    "X-Keyrack-Status",
];

pub(crate) struct Deployment {
    pub(crate) api: Api,
    pub(crate) program: Program,
    pub(crate) url: String,
    client: Client,
    process: Child,
    folder: TempDir,
}

impl Deployment {
    /// Starts all three and returns when the proxy denies a request without a key.
    pub(crate) async fn of(program: Program) -> Self {
        assert_eq!(SLUG, "northfield-vision", "the examples name this workspace");
        let api = Api::start().await;
        let folder = TempDir::new().unwrap();
        let port = free_port();
        let ports = [
            ("8080", api.server.url.rsplit(':').next().unwrap().to_owned()),
            ("8088", port.to_string()),
            ("8089", free_port().to_string()),
            ("9000", echo().await.to_string()),
        ];
        for file in program.files() {
            let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/proxies");
            let text = fs::read_to_string(examples.join(file)).unwrap();
            fs::write(folder.path().join(file), adapt_example(&text, &ports)).unwrap();
        }
        let process = program.start(folder.path());
        let url = format!("http://127.0.0.1:{port}");
        let mut deployment = Self { api, program, url, client: client(), process, folder };
        deployment.wait_until_ready().await;
        deployment
    }

    async fn wait_until_ready(&mut self) {
        wait_until("the proxy denies a request without a key", async || {
            if let Some(status) = self.process.try_wait().unwrap() {
                panic!("the proxy exited: {status}\n{}", self.log());
            }
            let answer = self.request(Method::GET, "/").send().await.ok()?;
            (answer.status() == 401).then_some(())
        })
        .await;
    }

    /// A request to the proxy.
    pub(super) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("{}{path}", self.url))
    }

    pub(super) async fn get(&self, path: &str, secret: &str) -> Answer {
        send(self.request(Method::GET, path).header("x-api-key", secret)).await
    }

    /// All output and logs of the proxy.
    pub(super) fn log(&self) -> String {
        let text = |name| fs::read_to_string(self.folder.path().join(name)).unwrap_or_default();
        ["log", "access.log"].map(text).concat()
    }
}

impl Drop for Deployment {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
        if !std::thread::panicking() {
            assert!(!self.log().contains("kr_sk_"), "a log contains a secret: {}", self.log());
        }
    }
}

/// The example with other ports, and without folders that only root can write.
fn adapt_example(text: &str, ports: &[(&str, String)]) -> String {
    let of_example = Regex::new(r"\b(8080|8088|8089|9000)\b").unwrap();
    let text = of_example.replace_all(text, |found: &Captures<'_>| {
        let (_, port) = ports.iter().find(|(port, _)| *port == &found[0]).unwrap();
        port.clone()
    });
    let folders = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
    let folders = folders.map(|name| format!("{name}_temp_path {name};")).join(" ");
    text.replace("\nhttp {", &format!("\nhttp {{ {folders}")).replace("/var/log/nginx/", "")
}

/// A port that is free now.
fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// The values of a header that the service received.
pub(super) fn received(answer: &Answer, name: &str) -> Vec<String> {
    let echoed = answer.json();
    let headers = echoed["headers"].as_array().unwrap().iter().filter(|header| header[0] == name);
    headers.map(|header| header[1].as_str().unwrap().to_owned()).collect()
}

/// The code of a denial. Panics unless a page can read the denial and its request ID.
pub(super) fn code(answer: &Answer) -> Value {
    let problem = answer.json();
    assert_eq!(problem["request_id"], answer.header("x-request-id"), "{answer:?}");
    assert!(answer.header("x-request-id").starts_with("req_"), "{answer:?}");
    assert_readable_by_pages(answer);
    assert!(answer.header("access-control-expose-headers").contains("X-Request-Id"), "{answer:?}");
    problem["code"].clone()
}

pub(super) fn assert_readable_by_pages(answer: &Answer) {
    let origins: Vec<_> = answer.headers.get_all("access-control-allow-origin").iter().collect();
    assert_eq!(origins, ["*"], "{answer:?}");
}

/// Adds forged headers in all spellings that CGI maps to the same variable.
pub(super) fn with_forged_headers(request: RequestBuilder) -> RequestBuilder {
    let forged = KEYRACK_HEADERS.iter().flat_map(|name| spellings(name));
    let request = forged.fold(request, |request, name| request.header(name, "forged"));
    request.header("x-original-uri", "/?api-key=forged").header("x-forwarded-uri", "/?api-key=forged")
}

/// The name with `-` or `_` at each position.
fn spellings(name: &str) -> Vec<String> {
    name.split('-').fold(Vec::new(), |spelled: Vec<String>, part| match spelled.len() {
        0 => vec![part.to_owned()],
        _ => {
            spelled.iter().flat_map(|begin| [format!("{begin}-{part}"), format!("{begin}_{part}")]).collect()
        }
    })
}
