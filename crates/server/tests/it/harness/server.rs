//! A running server with its own data folder.

use std::ffi::OsString;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};

use reqwest::{Client, Method, RequestBuilder};
use serde_json::Value;
use tempfile::TempDir;

use super::keyrack::binary;
use super::small_disk::SmallDisk;
use super::{Answer, KeyrackCommand, SLUG, client, keyrack, send, setup, text, wait_until};

/// A running server with its own data folder. Dropping it kills the process and deletes the folder.
pub(crate) struct Server {
    root: TempDir,
    args: Vec<OsString>,
    env: Vec<(String, String)>,
    /// The disk under the data folder, if the test may fill it.
    small_disk: Option<SmallDisk>,
    process: Child,
    run: usize,
    client: Client,
    /// The URL of the public listener, such as `http://127.0.0.1:40123`. It changes after a restart.
    pub(crate) url: String,
    /// The URL of the operations listener.
    pub(crate) ops_url: String,
    /// The setup link, if the server has no owner yet.
    pub(crate) setup_link: Option<String>,
}

impl Server {
    /// Starts a server with an empty data folder and waits until it is ready.
    pub(crate) async fn start() -> Self {
        Self::start_with(&[], &[]).await
    }

    /// Like [`Self::start`], with additional arguments and environment variables.
    pub(crate) async fn start_with(args: &[&str], env: &[(&str, &str)]) -> Self {
        Self::at(TempDir::new().unwrap(), None, args, env).await
    }

    /// Starts a server on a disk of this size. `None` if the system allows no such disk and the environment accepts that.
    /// The command line cannot see this server's data folder.
    pub(crate) async fn on_small_disk(megabytes: u32, args: &[&str]) -> Option<Self> {
        let root = TempDir::new().unwrap();
        let disk = SmallDisk::mount(&root.path().join("data"), megabytes)?;
        Some(Self::at(root, Some(disk), args, &[]).await)
    }

    async fn at(root: TempDir, small_disk: Option<SmallDisk>, args: &[&str], env: &[(&str, &str)]) -> Self {
        let args: Vec<_> = args.iter().map(OsString::from).collect();
        let env: Vec<_> = env.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let process = spawn(root.path(), small_disk.as_ref(), &args, &env, 0);
        let (url, ops_url, setup_link, client) = (String::new(), String::new(), None, client());
        let mut server =
            Self { root, args, env, small_disk, process, run: 0, client, url, ops_url, setup_link };
        server.wait_until_ready().await;
        server
    }

    /// Starts a server with an owner ([`EMAIL`], [`PASSWORD`]) and a workspace ([`WORKSPACE`], [`SLUG`]).
    pub(crate) async fn set_up() -> Self {
        let server = Self::start().await;
        setup(&server.data()).run().await.assert_succeeded();
        server
    }

    /// The data folder.
    pub(crate) fn data(&self) -> PathBuf {
        self.root.path().join("data")
    }

    /// The disk of a server from [`Self::on_small_disk`]. Panics for other servers.
    pub(crate) fn small_disk(&self) -> &SmallDisk {
        self.small_disk.as_ref().unwrap()
    }

    /// The standard output and standard error since the first start.
    pub(crate) fn output(&self) -> String {
        (0..=self.run).flat_map(|run| ["stdout", "stderr"].map(|name| self.read_output(name, run))).collect()
    }

    /// Creates a key without expiry with the command line and returns its secret.
    pub(crate) async fn create_secret(&self, scopes: &[&str]) -> String {
        text(&self.create_key(scopes, &[]).await["secret"])
    }

    /// Creates a key with the command line and returns it as the API does, with `id` and `secret`. `more` has further
    /// arguments.
    pub(crate) async fn create_key(&self, scopes: &[&str], more: &[&str]) -> Value {
        let mut args = vec!["create", "--name", "of a test", "--json"];
        args.extend(scopes.iter().flat_map(|scope| ["--scope", scope]));
        args.extend(more);
        self.key_command(&args).run().await.json()
    }

    /// `keyrack key …` with this server's data folder and workspace.
    pub(crate) fn key_command(&self, args: &[&str]) -> KeyrackCommand {
        keyrack(["key"]).args(args).arg("--data").arg(self.data()).args(["--workspace", SLUG])
    }

    /// A request to complete and to send with [`send`]. `path` begins after the port.
    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("{}{path}", self.url))
    }

    pub(crate) async fn get(&self, path: &str, key: &str) -> Answer {
        send(self.request(Method::GET, path).bearer_auth(key)).await
    }

    pub(crate) async fn post(&self, path: &str, key: &str, body: Value) -> Answer {
        send(self.request(Method::POST, path).bearer_auth(key).json(&body)).await
    }

    /// Verifies `key` as a trusted service. `node` is the secret of a key with the scope Node.
    pub(crate) async fn verify_as_service(&self, node: &str, key: &str, question: Value) -> Answer {
        let request = self.request(Method::POST, "/api/v1/verify").bearer_auth(key).json(&question);
        send(request.header("x-keyrack-service-key", node)).await
    }

    pub(crate) async fn patch(&self, path: &str, key: &str, body: Value) -> Answer {
        send(self.request(Method::PATCH, path).bearer_auth(key).json(&body)).await
    }

    pub(crate) async fn delete(&self, path: &str, key: &str) -> Answer {
        send(self.request(Method::DELETE, path).bearer_auth(key)).await
    }

    /// Sends a GET request to the operations listener, such as `/metrics`.
    pub(crate) async fn ops(&self, path: &str) -> Answer {
        send(self.client.get(format!("{}{path}", self.ops_url))).await
    }

    /// Kills the process with SIGKILL.
    pub(crate) fn kill(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }

    /// The process ID.
    pub(crate) fn pid(&self) -> u32 {
        self.process.id()
    }

    /// Sends SIGTERM to the process.
    pub(crate) fn send_sigterm(&self) {
        let sent = Command::new("kill").arg("-TERM").arg(self.pid().to_string()).status();
        assert!(sent.unwrap().success());
    }

    /// Sends SIGTERM and waits until the process has exited.
    pub(crate) async fn stop(&mut self) -> ExitStatus {
        self.send_sigterm();
        wait_until("the server stops", async || self.process.try_wait().unwrap()).await
    }

    /// Starts the server again on the same data folder. Stops it first if it is running.
    pub(crate) async fn restart(&mut self) {
        if self.process.try_wait().unwrap().is_none() {
            self.stop().await;
        }
        self.run += 1;
        self.process = spawn(self.root.path(), self.small_disk.as_ref(), &self.args, &self.env, self.run);
        self.wait_until_ready().await;
    }

    async fn wait_until_ready(&mut self) {
        (self.url, self.ops_url) = wait_until("the server listens", async || {
            if let Some(status) = self.process.try_wait().unwrap() {
                panic!("the server exited: {status}\n{}", self.output());
            }
            let stdout = self.read_output("stdout", self.run);
            Some((line_after(&stdout, "Listening on ")?, line_after(&stdout, "Health and metrics: ")?))
        })
        .await;
        // The operations listener responds only after the server has printed everything else.
        wait_until("the server is ready", async || {
            let answer = self.client.get(format!("{}/readyz", self.ops_url)).send().await.ok()?;
            answer.status().is_success().then_some(())
        })
        .await;
        let stdout = self.read_output("stdout", self.run);
        self.setup_link =
            stdout.lines().map(str::trim).find(|line| line.contains("/setup?token=")).map(str::to_owned);
    }

    fn read_output(&self, name: &str, run: usize) -> String {
        let bytes = fs::read(self.root.path().join(format!("{name}.{run}"))).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn spawn(
    root: &Path,
    small_disk: Option<&SmallDisk>,
    args: &[OsString],
    env: &[(String, String)],
    run: usize,
) -> Child {
    let file = |name: &str| File::create(root.join(format!("{name}.{run}"))).unwrap();
    let mut command = binary();
    command
        .arg("--data")
        .arg(root.join("data"))
        .args(["--listen", "127.0.0.1:0", "--ops-listen", "127.0.0.1:0"])
        .args(args)
        .envs(env.iter().map(|(name, value)| (name, value)));
    if let Some(disk) = small_disk {
        command = disk.run_on(&command);
    }
    command.stdin(Stdio::null()).stdout(file("stdout")).stderr(file("stderr")).spawn().unwrap()
}

/// The rest of the first complete line that begins with `start`. A line without its line ending doesn't count.
fn line_after(stdout: &str, start: &str) -> Option<String> {
    let mut lines = stdout.split_inclusive('\n').filter_map(|line| line.strip_suffix('\n'));
    lines.find_map(|line| line.strip_prefix(start)).map(str::to_owned)
}
