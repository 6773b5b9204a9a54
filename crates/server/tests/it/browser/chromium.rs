//! A Chromium with an empty profile, driven by a chromedriver of its own. Dropped, both are gone.

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

/// The name under which some tests reach their server: no loopback, so browsers keep the clipboard API from it.
pub(in crate::browser) const PLAIN_NAME: &str = "http://keyrack.test";

/// What sort of browser, and by which address it reaches the server.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// By the loopback address.
    Usual,
    /// By a plain-http name that leads to the server.
    ByName,
    /// With JavaScript switched off in the settings.
    WithoutScript,
}

/// A browser with one window.
pub(crate) struct Browser {
    driver: Option<WebDriver>,
    /// Where its server is, for the browser: `http://host[:port]`.
    pub(in crate::browser) origin: String,
    chromedriver: Chromedriver,
    _profile: TempDir,
}

impl Browser {
    /// A new browser beside `server`, with nothing opened yet.
    pub(crate) async fn open(kind: Kind, server: &Server) -> Self {
        Self::open_with(kind, server, &[]).await
    }

    /// The same where more host names lead somewhere: each with its `host:port`.
    pub(in crate::browser) async fn open_with(kind: Kind, server: &Server, names: &[(&str, &str)]) -> Self {
        let profile = TempDir::new().unwrap();
        let chromedriver = Chromedriver::start();
        let url = format!("http://127.0.0.1:{}", chromedriver.port);
        let driver =
            WebDriver::builder(url, capabilities(kind, server, names, &profile)).client(client()).connect();
        let driver = driver.await.unwrap_or_else(|error| panic!("Chromium did not start: {error}"));
        let origin = if kind == Kind::ByName { PLAIN_NAME.to_owned() } else { server.url.clone() };
        Self { driver: Some(driver), origin, chromedriver, _profile: profile }
    }

    pub(in crate::browser) fn driver(&self) -> &WebDriver {
        self.driver.as_ref().unwrap()
    }

    /// A command of the DevTools protocol.
    pub(in crate::browser) async fn devtools(&self, method: &str, params: serde_json::Value) {
        self.driver().cdp().send_raw(method, params).await.unwrap();
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // Chromedriver ends its browsers itself when it is shut down, whatever state the test left them in.
        let _ = self.driver.take().map(WebDriver::leak);
        self.chromedriver.shut_down();
    }
}

fn capabilities(kind: Kind, server: &Server, names: &[(&str, &str)], profile: &TempDir) -> Capabilities {
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
    if kind == Kind::WithoutScript {
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
    /// It draws a port on one address and wants the same on another: where that is taken, it ends and is started again.
    fn start() -> Self {
        let started = (0..5).find_map(|_| Self::try_start());
        started.expect("chromedriver ended five times and named no port")
    }

    fn try_start() -> Option<Self> {
        let command =
            Command::new("chromedriver").arg("--port=0").stdout(Stdio::piped()).stderr(Stdio::null()).spawn();
        let mut process = command.unwrap_or_else(|error| {
            panic!("cannot run chromedriver ({error}): ./test installs it, with chromium and axe-core")
        });
        let mut said = BufReader::new(process.stdout.take().unwrap());
        let port = loop {
            let mut line = String::new();
            if said.read_line(&mut line).unwrap() == 0 {
                process.wait().unwrap();
                return None;
            }
            if let Some((_, port)) = line.rsplit_once("started successfully on port ") {
                break port.trim().trim_end_matches('.').parse().unwrap();
            }
        };
        // Whatever else it says is read, so that it never waits for a reader.
        std::thread::spawn(move || std::io::copy(&mut said, &mut std::io::sink()));
        Some(Self { process, port })
    }

    fn shut_down(&mut self) {
        if let Ok(mut stream) = TcpStream::connect(("127.0.0.1", self.port)) {
            let _ = stream.set_read_timeout(Some(super::PATIENCE));
            let _ =
                stream.write_all(b"GET /shutdown HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n");
            let _ = stream.read_to_end(&mut Vec::new());
        }
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
