//! The proxies as processes.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Program {
    Nginx,
    Caddy,
    HaProxy,
    Traefik,
    Envoy,
}

impl Program {
    /// Starts the proxy in the folder with its configuration.
    pub(super) fn start(self, folder: &Path) -> Child {
        let (name, arguments) = match self {
            Self::Nginx => ("nginx", vec!["-e", "stderr", "-p", ".", "-c", "nginx.conf", "-g", NGINX]),
            Self::Caddy => ("caddy", vec!["run", "--config", "Caddyfile", "--adapter", "caddyfile"]),
            Self::HaProxy => ("haproxy", vec!["-db", "-f", "haproxy.cfg"]),
            Self::Traefik => ("traefik", vec!["--configFile=traefik.yml"]),
            Self::Envoy => ("envoy", vec!["-c", "envoy.yaml", "--concurrency", "1", "--disable-hot-restart"]),
        };
        let log = fs::File::create(folder.join("log")).unwrap();
        Command::new(path_of(name))
            .args(arguments)
            .current_dir(folder)
            .env("HOME", folder)
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap()
    }

    /// The files of the proxy's example.
    pub(super) const fn files(self) -> &'static [&'static str] {
        match self {
            Self::Nginx => &["nginx.conf"],
            Self::Caddy => &["Caddyfile"],
            Self::HaProxy => &["haproxy.cfg", "keyrack.lua"],
            Self::Traefik => &["traefik.yml", "traefik-routes.yml"],
            Self::Envoy => &["envoy.yaml"],
        }
    }

    /// Whether the proxy removes a key from the query. Keyrack denies keys in queries for a proxy that cannot.
    pub(super) fn removes_key_from_query(self) -> bool {
        self != Self::Traefik
    }

    /// Whether the proxy forwards the rate limit headers.
    pub(super) fn passes_on_limits(self) -> bool {
        self != Self::Traefik
    }

    /// Whether the proxy accepts non-ASCII bytes in a URL, which RFC 3986 doesn't allow.
    pub(super) fn accepts_raw_utf8(self) -> bool {
        !matches!(self, Self::HaProxy | Self::Envoy)
    }
}

/// Nginx runs as one process, with its files in the folder of the test.
const NGINX: &str = "daemon off; master_process off; pid nginx.pid; error_log stderr;";

/// The path where `./test` installs Traefik and Envoy.
const INSTALLED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../target/tools/proxies/bin");

fn path_of(name: &str) -> PathBuf {
    let path = std::env::var("PATH").unwrap_or_default();
    let folders = [INSTALLED].into_iter().chain(path.split(':')).chain(["/usr/sbin", "/sbin"]).map(Path::new);
    let program = folders.map(|folder| folder.join(name)).find(|path| path.exists());
    program.unwrap_or_else(|| panic!("{name} is missing; ./test installs it"))
}
