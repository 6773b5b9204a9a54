//! Lists the migrations: each file `0001_what_it_does.sql` becomes a `Migration` in the store.

use std::fmt::Write as _;
use std::path::Path;
use std::{env, fs, io};

fn main() -> io::Result<()> {
    let folder =
        Path::new(&env::var("CARGO_MANIFEST_DIR").map_err(io::Error::other)?).join("migrations/sqlite");
    println!("cargo::rerun-if-changed={}", folder.display());
    let mut files = fs::read_dir(&folder)?.map(|file| Ok(file?.path())).collect::<io::Result<Vec<_>>>()?;
    files.sort();
    let mut list = String::from("&[");
    for file in files {
        let name = file.file_stem().unwrap_or_default().to_string_lossy();
        let (version, description) = name.split_once('_').ok_or_else(|| io::Error::other(name.as_ref()))?;
        let (version, description) = (version.trim_start_matches('0'), description.replace('_', " "));
        let path = file.to_string_lossy();
        let row = format!("version: {version}, description: {description:?}, sql: include_str!({path:?})");
        writeln!(list, "Migration {{ {row} }},").map_err(io::Error::other)?;
    }
    list.push(']');
    let out = env::var("OUT_DIR").map_err(io::Error::other)?;
    fs::write(Path::new(&out).join("migrations.rs"), list)
}
