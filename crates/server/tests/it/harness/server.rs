//! A running server on a folder of its own.

use std::ffi::OsString;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};

use reqwest::{Client, Method, RequestBuilder};
use serde_json::Value;
use tempfile::TempDir;

use super::keyrack::binary;
use super::small_disk::SmallDisk;
use super::{Answer, Keyrack, SLUG, client, keyrack, send, setup, text, until};

/// A running server on a folder of its own. Dropped, it is killed and its folder removed.
pub(crate) struct Server {
    root: TempDir,
    args: Vec<OsString>,
    env: Vec<(String, String)>,
    /// Under the data folder, if the test may fill it.
    small_disk: Option<SmallDisk>,
    process: Child,
    run: usize,
    client: Client,
    /// Where it listens, such as `http://127.0.0.1:40123`. Another one after a restart.
    pub(crate) url: String,
    /// Where it tells its health and metrics.
    pub(crate) ops_url: String,
    /// The link that the first owner opens, if there is no owner yet.
    pub(crate) setup_link: Option<String>,
}

impl Server {
    /// A server on an empty folder, ready.
    pub(crate) async fn start() -> Self {
        Self::with(&[], &[]).await
    }

    /// A server with more arguments and environment, ready.
    pub(crate) async fn with(args: &[&str], env: &[(&str, &str)]) -> Self {
        Self::at(TempDir::new().unwrap(), None, args, env).await
    }

    /// A server on a disk of so many megabytes, ready. `None` where the system allows no such disk and the environment
    /// accepts that; the command line doesn't see the data folder of such a server.
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

    /// A server with an owner ([`EMAIL`], [`PASSWORD`]) and a workspace ([`WORKSPACE`], [`SLUG`]).
    pub(crate) async fn set_up() -> Self {
        let server = Self::start().await;
        setup(&server.data()).run().await.succeeded();
        server
    }

    /// Its data folder.
    pub(crate) fn data(&self) -> PathBuf {
        self.root.path().join("data")
    }

    /// Its disk, after [`Self::on_small_disk`].
    pub(crate) fn small_disk(&self) -> &SmallDisk {
        self.small_disk.as_ref().unwrap()
    }

    /// Everything it has written, to both outputs, since the first start.
    pub(crate) fn output(&self) -> String {
        (0..=self.run).flat_map(|run| ["stdout", "stderr"].map(|name| self.written(name, run))).collect()
    }

    /// The secret of a new key, made by the command line. The key never expires.
    pub(crate) async fn key(&self, scopes: &[&str]) -> String {
        text(&self.make_key(scopes, &[]).await["secret"])
    }

    /// A new key as the API answers it, with `id` and `secret`; `more` are further arguments.
    pub(crate) async fn make_key(&self, scopes: &[&str], more: &[&str]) -> Value {
        let mut args = vec!["create", "--name", "of a test", "--json"];
        args.extend(scopes.iter().flat_map(|scope| ["--scope", scope]));
        args.extend(more);
        self.keys(&args).run().await.json()
    }

    /// `keyrack key …` on this server's folder and workspace.
    pub(crate) fn keys(&self, args: &[&str]) -> Keyrack {
        keyrack(["key"]).args(args).arg("--data").arg(self.data()).args(["--workspace", SLUG])
    }

    /// A request to be completed and sent with [`send`]; `path` begins behind the port.
    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("{}{path}", self.url))
    }

    pub(crate) async fn get(&self, path: &str, key: &str) -> Answer {
        send(self.request(Method::GET, path).bearer_auth(key)).await
    }

    pub(crate) async fn post(&self, path: &str, key: &str, body: Value) -> Answer {
        send(self.request(Method::POST, path).bearer_auth(key).json(&body)).await
    }

    /// Asks about `key` as a trusted service, which holds `node`, a key with the scope Node.
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

    /// A path of the second listener, such as `/metrics`.
    pub(crate) async fn ops(&self, path: &str) -> Answer {
        send(self.client.get(format!("{}{path}", self.ops_url))).await
    }

    /// Kills it as a power cut would, as far as processes can tell.
    pub(crate) fn kill(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }

    /// Its process.
    pub(crate) fn pid(&self) -> u32 {
        self.process.id()
    }

    /// Asks it to stop.
    pub(crate) fn ask_to_stop(&self) {
        let asked = Command::new("kill").arg("-TERM").arg(self.pid().to_string()).status();
        assert!(asked.unwrap().success());
    }

    /// Asks it to stop, and waits until it has.
    pub(crate) async fn stop(&mut self) -> ExitStatus {
        self.ask_to_stop();
        until("the server stops", async || self.process.try_wait().unwrap()).await
    }

    /// Starts it anew on the same folder, after [`Self::kill`] or [`Self::stop`] or in place of one that runs.
    pub(crate) async fn restart(&mut self) {
        if self.process.try_wait().unwrap().is_none() {
            self.stop().await;
        }
        self.run += 1;
        self.process = spawn(self.root.path(), self.small_disk.as_ref(), &self.args, &self.env, self.run);
        self.wait_until_ready().await;
    }

    async fn wait_until_ready(&mut self) {
        (self.url, self.ops_url) = until("the server listens", async || {
            if let Some(status) = self.process.try_wait().unwrap() {
                panic!("the server ended: {status}\n{}", self.output());
            }
            let said = self.written("stdout", self.run);
            Some((line_after(&said, "listening on ")?, line_after(&said, "health and metrics on ")?))
        })
        .await;
        // It answers there only after all else that it has to say is said.
        until("the server is ready", async || {
            let answer = self.client.get(format!("{}/readyz", self.ops_url)).send().await.ok()?;
            answer.status().is_success().then_some(())
        })
        .await;
        let said = self.written("stdout", self.run);
        self.setup_link =
            said.lines().map(str::trim).find(|line| line.contains("/setup?token=")).map(str::to_owned);
    }

    fn written(&self, name: &str, run: usize) -> String {
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

/// A whole line that begins so; one that is still being written does not count.
fn line_after(said: &str, start: &str) -> Option<String> {
    let mut lines = said.split_inclusive('\n').filter_map(|line| line.strip_suffix('\n'));
    lines.find_map(|line| line.strip_prefix(start)).map(str::to_owned)
}
