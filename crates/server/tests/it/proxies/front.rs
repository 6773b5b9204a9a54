//! A real proxy in front of a service, asking a real server.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use reqwest::{Client, Method, RequestBuilder};
use tempfile::TempDir;

use super::echo::echo;
use crate::desk::Desk;
use crate::harness::{Answer, client, send, until};

#[derive(Clone, Copy, Debug)]
pub(super) enum Program {
    Nginx,
    Caddy,
    HaProxy,
}

/// The proxy, what it asks, and what lies behind it.
pub(super) struct Front {
    pub(super) desk: Desk,
    url: String,
    client: Client,
    process: Child,
    folder: TempDir,
}

impl Program {
    fn start(self, folder: &Path) -> Child {
        let (name, arguments) = match self {
            Self::Nginx => ("nginx", vec!["-e", "stderr", "-p", ".", "-c", "nginx.conf", "-g", NGINX]),
            Self::Caddy => ("caddy", vec!["run", "--config", "Caddyfile", "--adapter", "caddyfile"]),
            Self::HaProxy => ("haproxy", vec!["-db", "-f", "haproxy.cfg"]),
        };
        let log = fs::File::create(folder.join("log")).unwrap();
        Command::new(found(name))
            .args(arguments)
            .current_dir(folder)
            .env("HOME", folder)
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap()
    }

    const fn files(self) -> &'static [&'static str] {
        match self {
            Self::Nginx => &["nginx.conf"],
            Self::Caddy => &["Caddyfile"],
            Self::HaProxy => &["haproxy.cfg", "keyrack.lua"],
        }
    }
}

/// One process, whose files lie in the folder of the test.
const NGINX: &str = "daemon off; master_process off; pid nginx.pid; error_log stderr;";

fn found(name: &str) -> PathBuf {
    let path = std::env::var("PATH").unwrap_or_default();
    let folders = path.split(':').chain(["/usr/sbin", "/sbin"]).map(Path::new);
    let program = folders.map(|folder| folder.join(name)).find(|path| path.exists());
    program.unwrap_or_else(|| panic!("{name} is missing; ./test installs it"))
}

impl Front {
    pub(super) async fn of(program: Program) -> Self {
        let desk = Desk::open().await;
        let (folder, service) = (TempDir::new().unwrap(), echo().await);
        let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/proxies");
        let own = free_address();
        for file in program.files() {
            let text = fs::read_to_string(examples.join(file)).unwrap();
            let keyrack = desk.server.url.trim_start_matches("http://");
            let mut text = text.replace("127.0.0.1:8080", keyrack).replace("127.0.0.1:8088", &own);
            text = text.replace("127.0.0.1:9000", &service);
            if matches!(program, Program::Nginx) {
                // It may be started by somebody who must not write where it was installed.
                let paths = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
                let paths = paths.map(|name| format!("{name}_temp_path {name};")).join(" ");
                text = text.replace("http {", &format!("http {{ access_log off; {paths}"));
            }
            fs::write(folder.path().join(file), text).unwrap();
        }
        let process = program.start(folder.path());
        let mut front = Self { desk, url: format!("http://{own}"), client: client(), process, folder };
        front.wait_until_it_listens().await;
        front
    }

    async fn wait_until_it_listens(&mut self) {
        let address = self.url.trim_start_matches("http://").to_owned();
        until("the proxy listens", async || {
            if let Some(status) = self.process.try_wait().unwrap() {
                panic!("it ended: {status}\n{}", self.log());
            }
            tokio::net::TcpStream::connect(&address).await.ok()
        })
        .await;
    }

    pub(super) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("{}{path}", self.url))
    }

    pub(super) async fn get(&self, path: &str, secret: &str) -> Answer {
        send(self.request(Method::GET, path).header("x-api-key", secret)).await
    }

    pub(super) fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }
}

impl Drop for Front {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// An address that nobody listens on now.
fn free_address() -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().to_string()
}
