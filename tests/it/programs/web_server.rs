//! An application that answers each request with the file `/app/index.html`. Other files there change what it does: `exit` has
//! a status with which it exits at once, `never` keeps it from listening, `loopback` has it listen for itself only, `delay` has
//! milliseconds to wait before it listens. The path `/exit/STATUS` has it exit, `/env/NAME` shows a variable.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::process::exit;
use std::thread;
use std::time::Duration;

unsafe extern "C" {
    fn signal(number: i32, handler: extern "C" fn(i32)) -> usize;
    fn _exit(status: i32) -> !;
}

extern "C" fn end(_: i32) {
    // SAFETY: a handler may call it.
    unsafe { _exit(0) }
}

fn main() {
    // SAFETY: the handler calls nothing but `_exit`. As process 1 it would not heed TERM without one.
    unsafe { signal(15, end) };
    let option = |name: &str| fs::read_to_string(format!("/app/{name}")).ok().map(|text| text.trim().to_owned());
    println!("starting");
    if let Some(status) = option("exit") {
        eprintln!("something is wrong");
        exit(status.parse().unwrap());
    }
    thread::sleep(Duration::from_millis(option("delay").map_or(0, |text| text.parse().unwrap())));
    if option("never").is_some() {
        thread::sleep(Duration::from_secs(600));
    }
    let host = if option("loopback").is_some() { "127.0.0.1" } else { "0.0.0.0" };
    let listener = TcpListener::bind((host, 8080)).unwrap();
    println!("listening");
    for stream in listener.incoming().flatten() {
        thread::spawn(move || drop(answer(stream)));
    }
}

fn answer(mut stream: TcpStream) -> std::io::Result<()> {
    let mut lines = BufReader::new(stream.try_clone()?).lines();
    let Some(first) = lines.next() else { return Ok(()) };
    let first = first?;
    let path = first.split(' ').nth(1).unwrap_or("/").to_owned();
    for line in lines {
        if line?.is_empty() {
            break;
        }
    }
    if let Some(status) = path.strip_prefix("/exit/") {
        exit(status.parse().unwrap());
    }
    let body = match path.strip_prefix("/env/") {
        Some(name) => std::env::var(name).unwrap_or_default(),
        None => fs::read_to_string("/app/index.html").unwrap_or_default(),
    };
    let status = if path == "/missing" { "404 Not Found" } else { "200 OK" };
    write!(stream, "HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}", body.len())
}
