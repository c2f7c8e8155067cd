//! The scripts of builders without a shell, as one program: what it does depends on the name by which it is called, and
//! on variables.

use std::env::var;
use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, exit};

fn main() {
    let args: Vec<String> = std::env::args().collect();
    match Path::new(&args[0]).file_name().unwrap().to_str().unwrap() {
        "assemble" => assemble(),
        "save-artifacts" => save(),
        "run" => println!("{} in {}", fs::read_to_string("/app/out").unwrap().trim(), args[0]),
        "entry" => {
            eprintln!("entry {}", args[1..].join(" "));
            let error = Command::new(&args[1]).args(&args[2..]).env("FROM_ENTRY", "yes").exec();
            eprintln!("entry: {error}");
            exit(127);
        }
        _ => println!("eaten: {}", args[1..].join(" ")),
    }
}

fn assemble() {
    let place = var("DEST").unwrap_or_else(|_| "/tmp".to_owned());
    let me = fs::metadata("/proc/self").unwrap();
    println!("assemble {}:{} {}", me.uid(), me.gid(), var("FROM_ENTRY").unwrap_or_default());
    for folder in ["src", "artifacts", "scripts"] {
        show(Path::new(&place), folder);
    }
    fs::copy(format!("{place}/src/a"), "/app/out").unwrap();
    if let Ok(text) = var("METADATA") {
        fs::create_dir_all("/tmp/.s2i").unwrap();
        fs::write("/tmp/.s2i/image_metadata.json", text).unwrap();
    }
    if var("TIDY").is_ok() {
        fs::remove_dir_all(format!("{place}/src")).unwrap();
    }
    if var("HANG").is_ok() {
        println!("hanging");
        std::thread::sleep(std::time::Duration::from_secs(300));
    }
    if var("STATUS").is_ok() {
        // The order of lines on two streams is not promised, so only this status prints to the other one.
        eprintln!("and on the other stream");
    }
    exit(var("STATUS").map_or(0, |status| status.parse().unwrap()));
}

fn show(root: &Path, path: &str) {
    let full = root.join(path);
    let Ok(facts) = fs::symlink_metadata(&full) else { return };
    let (uid, gid, mode) = (facts.uid(), facts.gid(), facts.mode() & 0o7777);
    println!("{path} {uid}:{gid} {mode:o}");
    if facts.is_dir() {
        let mut names: Vec<_> =
            fs::read_dir(full).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names.iter().for_each(|name| show(root, &format!("{path}/{name}")));
    }
}

fn save() {
    match var("SAVE").as_deref() {
        Ok("garbage") => println!("no archive"),
        Ok("nothing") => {}
        Ok("copy") => {
            fs::create_dir_all("/tmp/artifacts").unwrap();
            fs::write("/tmp/artifacts/copied", "").unwrap();
        }
        _ => io::stdout().write_all(&fs::read("/app/artifacts.tar").unwrap()).unwrap(),
    }
    eprintln!("saved");
}
