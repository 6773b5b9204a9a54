//! A Chromium with an empty profile and its own chromedriver. Dropping it stops both.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};

use serde_json::json;
use tempfile::TempDir;
use thirtyfour::{
    Capabilities, CapabilitiesHelper, ChromeCapabilities, ChromiumLikeCapabilities, LoggingPrefsLogLevel,
    WebDriver,
};

use crate::harness::{Server, client};

/// The host name under which some tests reach their server. It isn't a loopback name, so browsers disable the clipboard
/// API.
pub(in crate::browser) const PLAIN_NAME: &str = "http://keyrack.test";

/// How the browser is configured and by which address it reaches the server.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum BrowserKind {
    /// Uses the loopback address.
    Usual,
    /// Uses a plain-HTTP host name that resolves to the server.
    ByName,
    /// Uses the loopback address, with JavaScript disabled.
    WithoutScript,
}

/// A browser with one window.
pub(crate) struct Browser {
    driver: Option<WebDriver>,
    /// The origin of the server, as the browser sees it: `http://host[:port]`.
    pub(in crate::browser) origin: String,
    chromedriver: Chromedriver,
    _profile: TempDir,
}

impl Browser {
    /// Opens a browser without loading a page.
    pub(crate) async fn open(kind: BrowserKind, server: &Server) -> Self {
        Self::open_with(kind, server, &[]).await
    }

    /// Like [`Self::open`], with additional host names, each with its `host:port`.
    pub(in crate::browser) async fn open_with(
        kind: BrowserKind,
        server: &Server,
        names: &[(&str, &str)],
    ) -> Self {
        let profile = TempDir::new().unwrap();
        let chromedriver = Chromedriver::start();
        let url = format!("http://127.0.0.1:{}", chromedriver.port);
        let driver =
            WebDriver::builder(url, capabilities(kind, server, names, &profile)).client(client()).connect();
        let driver = driver.await.unwrap_or_else(|error| panic!("Chromium did not start: {error}"));
        let origin = if kind == BrowserKind::ByName { PLAIN_NAME.to_owned() } else { server.url.clone() };
        Self { driver: Some(driver), origin, chromedriver, _profile: profile }
    }

    pub(in crate::browser) fn driver(&self) -> &WebDriver {
        self.driver.as_ref().unwrap()
    }

    /// Sends a command of the DevTools protocol.
    pub(in crate::browser) async fn devtools(&self, method: &str, params: serde_json::Value) {
        self.driver().cdp().send_raw(method, params).await.unwrap();
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // A shutdown of chromedriver ends its browsers, regardless of their state.
        let _ = self.driver.take().map(WebDriver::leak);
        self.chromedriver.shut_down();
    }
}

fn capabilities(
    kind: BrowserKind,
    server: &Server,
    names: &[(&str, &str)],
    profile: &TempDir,
) -> Capabilities {
    let mut chrome = ChromeCapabilities::new();
    let profile = format!("--user-data-dir={}", profile.path().display());
    let to_server = server.url.trim_start_matches("http://");
    let names = [("keyrack.test", to_server)].into_iter().chain(names.iter().copied());
    let names = names.map(|(name, to)| format!("MAP {name} {to}")).collect::<Vec<_>>().join(", ");
    let names = format!("--host-resolver-rules={names}, MAP * ~NOTFOUND, EXCLUDE 127.0.0.1");
    let arguments = [
        "--headless=new",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--disable-dev-shm-usage",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--lang=en-US",
        "--window-size=1440,900",
        &profile,
        &names,
    ];
    for argument in arguments {
        chrome.add_arg(argument).unwrap();
    }
    if kind == BrowserKind::WithoutScript {
        let settings = json!({ "profile.managed_default_content_settings.javascript": 2 });
        chrome.add_experimental_option("prefs", settings).unwrap();
    }
    chrome.set_browser_log_level(LoggingPrefsLogLevel::All).unwrap();
    chrome.set("unhandledPromptBehavior", "accept").unwrap();
    chrome.into()
}

struct Chromedriver {
    process: Child,
    port: u16,
}

impl Chromedriver {
    /// Chromedriver picks a free port on one address and needs the same port on another address. If that port is in use,
    /// chromedriver exits and is started again.
    fn start() -> Self {
        let started = (0..5).find_map(|_| Self::try_start());
        started.expect("chromedriver exited five times without a port")
    }

    fn try_start() -> Option<Self> {
        let command =
            Command::new("chromedriver").arg("--port=0").stdout(Stdio::piped()).stderr(Stdio::null()).spawn();
        let mut process = command.unwrap_or_else(|error| {
            panic!("cannot run chromedriver ({error}): ./test installs it, with chromium and axe-core")
        });
        let mut stdout = BufReader::new(process.stdout.take().unwrap());
        let port = loop {
            let mut line = String::new();
            if stdout.read_line(&mut line).unwrap() == 0 {
                process.wait().unwrap();
                return None;
            }
            if let Some((_, port)) = line.rsplit_once("started successfully on port ") {
                break port.trim().trim_end_matches('.').parse().unwrap();
            }
        };
        // Reads the remaining output, so that chromedriver never blocks on a full pipe.
        std::thread::spawn(move || std::io::copy(&mut stdout, &mut std::io::sink()));
        Some(Self { process, port })
    }

    fn shut_down(&mut self) {
        if let Ok(mut stream) = TcpStream::connect(("127.0.0.1", self.port)) {
            let _ = stream.set_read_timeout(Some(super::TIMEOUT));
            let _ =
                stream.write_all(b"GET /shutdown HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n");
            let _ = stream.read_to_end(&mut Vec::new());
        }
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
