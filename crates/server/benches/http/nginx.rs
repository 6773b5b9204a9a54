//! A real nginx to compare with.

use std::fs;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

/// A running nginx with one worker. Drop kills the process.
pub(crate) struct Nginx {
    process: Child,
    _folder: TempDir,
}

impl Drop for Nginx {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Returns the path of nginx. Prints a line and returns `None` if nginx is not installed.
pub(crate) fn program() -> Option<&'static Path> {
    let program = ["/usr/sbin/nginx", "/usr/bin/nginx"].into_iter().map(Path::new).find(|path| path.exists());
    if program.is_none() {
        println!("nginx is not installed: no figures beside it\n");
    }
    program
}

impl Nginx {
    /// Starts nginx with the given configuration and waits until it listens on `address`.
    pub(crate) fn start(program: &Path, configuration: &str, address: SocketAddr) -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("nginx.conf"), configuration).unwrap();
        let process = Command::new(program)
            .args(["-e", "stderr", "-p"])
            .arg(folder.path())
            .args([
                "-c",
                "nginx.conf",
                "-g",
                "daemon off; master_process off; pid nginx.pid; error_log stderr crit;",
            ])
            .stdin(Stdio::null())
            .spawn();
        let nginx = Self { process: process.unwrap(), _folder: folder };
        while TcpStream::connect(address).is_err() {
            std::thread::yield_now();
        }
        nginx
    }
}

/// Returns a local address that nothing listens on at the moment.
pub(crate) fn free_address() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}
